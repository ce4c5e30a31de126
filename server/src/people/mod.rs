//! People, companies and sites, and what each person may see.

use pocketdesk_protocol::{
    Millis,
    ids::{CompanyId, PersonId, SiteId},
    session::Me,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    context::{Context, ServiceError},
    store::{StoreError, Tx, write::Write},
};

/// Which tickets of others a requester sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sees {
    /// None: only those they filed or follow.
    #[default]
    Own,
    /// Those of their sites.
    Site,
    /// Those of their company.
    Company,
}

/// A requester, as staff see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// Whose row.
    pub id: PersonId,
    /// Lower case.
    pub email: String,
    /// As shown to others.
    pub name: String,
    /// Where they work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// Where they sit.
    #[serde(default)]
    pub sites: Vec<SiteId>,
    /// What they see.
    pub sees: Sees,
    /// When they were added.
    pub created_at: Millis,
}

/// Body of `POST /staff/people`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewPerson {
    /// Where codes go; one person an address.
    pub email: String,
    /// As shown to others; the address's local part when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where they work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// Where they sit; of that company.
    #[serde(default)]
    pub sites: Vec<SiteId>,
    /// What they see.
    #[serde(default)]
    pub sees: Sees,
}

/// Body of `PUT /staff/people/{id}/scopes`: replaces all three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PutScopes {
    /// Where they work.
    #[serde(default)]
    pub company: Option<CompanyId>,
    /// Where they sit.
    #[serde(default)]
    pub sites: Vec<SiteId>,
    /// What they see.
    #[serde(default)]
    pub sees: Sees,
}

/// Body of `POST /staff/companies`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewCompany {
    /// As shown.
    pub name: String,
    /// Names of its sites.
    #[serde(default)]
    pub sites: Vec<String>,
}

/// A client of the desk, as staff see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Company {
    /// Its id.
    pub id: CompanyId,
    /// As shown.
    pub name: String,
    /// Its places.
    pub sites: Vec<Site>,
}

/// A place of a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// As shown.
    pub name: String,
}

/// The person of that address, in any case.
pub async fn find_by_email(tx: &mut dyn Tx, email: &str) -> Result<Option<PersonId>, StoreError> {
    let _ = (tx, email);
    unimplemented!("find_by_email")
}

/// The person of that id.
pub async fn get(tx: &mut dyn Tx, person: PersonId) -> Result<Option<Person>, StoreError> {
    let _ = (tx, person);
    unimplemented!("get")
}

/// Adds a person in a transaction of the caller's. [`ServiceError::Invalid`] when the address is taken or is none.
pub async fn create_in(tx: &mut Write, new: &NewPerson) -> Result<Person, ServiceError> {
    let _ = (tx, new);
    unimplemented!("create_in")
}

/// Adds a person.
pub async fn create(ctx: &Context, new: &NewPerson) -> Result<Person, ServiceError> {
    let _ = (ctx, new);
    unimplemented!("create")
}

/// Everybody, by address.
pub async fn list(ctx: &Context) -> Result<Vec<Person>, ServiceError> {
    let _ = ctx;
    unimplemented!("list")
}

/// Changes what a person may see: their phones build their caches anew.
pub async fn put_scopes(ctx: &Context, person: PersonId, scopes: &PutScopes) -> Result<Person, ServiceError> {
    let _ = (ctx, person, scopes);
    unimplemented!("put_scopes")
}

/// Adds a company with its sites.
pub async fn create_company(ctx: &Context, new: &NewCompany) -> Result<Company, ServiceError> {
    let _ = (ctx, new);
    unimplemented!("create_company")
}

/// All companies, by name.
pub async fn companies(ctx: &Context) -> Result<Vec<Company>, ServiceError> {
    let _ = ctx;
    unimplemented!("companies")
}

/// The answer of `GET /me`. `desk_name` is the configured one; the desk's id is the database's.
pub async fn me(ctx: &Context, person: PersonId, desk_name: &str) -> Result<Me, ServiceError> {
    let _ = (ctx, person, desk_name);
    unimplemented!("me")
}

/// The desk's id, made with the database.
pub async fn desk(tx: &mut dyn Tx) -> Result<pocketdesk_protocol::ids::DeskId, StoreError> {
    tx.query("SELECT value FROM meta WHERE name = 'desk'", &[])
        .await?
        .first()
        .ok_or_else(|| StoreError::Failed("the database has no desk id".into()))?[0]
        .id()
}
