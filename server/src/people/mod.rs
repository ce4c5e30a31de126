//! People, companies and sites, and what each person may see.

use std::collections::BTreeSet;

use pocketdesk_protocol::{
    Millis,
    ids::{CompanyId, DeskId, PersonId, Scope, SiteId},
    rows::{Named, PersonRef, Side},
    session::Me,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    context::{Context, Policy, ServiceError},
    journal::{self, hints::Hint},
    store::{
        Mode, StoreError, Tx, Value,
        write::{Write, with_write},
    },
    values,
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
    let rows = tx.query("SELECT id FROM person WHERE email = $1", &values![normal(email)]).await?;
    rows.first().map(|row| row[0].id()).transpose()
}

/// The person of that id.
pub async fn get(tx: &mut dyn Tx, person: PersonId) -> Result<Option<Person>, StoreError> {
    Ok(select(tx, "WHERE id = $1", &values![person]).await?.pop())
}

/// Adds a person in a transaction of the caller's. [`ServiceError::Invalid`] when the address is taken or is none.
pub async fn create_in(tx: &mut Write, new: &NewPerson) -> Result<Person, ServiceError> {
    let email = normal(&new.email);
    let local = match email.split_once('@') {
        Some((local, domain)) if !local.is_empty() && domain.len() > 1 && email.len() <= 254 => local,
        _ => {
            return Err(ServiceError::invalid(
                "email",
                "is no e-mail address; give one like olena@example.com",
            ));
        }
    };
    if find_by_email(tx.tx(), &email).await?.is_some() {
        return Err(ServiceError::invalid(
            "email",
            "somebody has this address already; change their row instead",
        ));
    }
    let name = new.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(local).to_owned();
    check_name("name", &name)?;
    let id = PersonId(tx.env.new_id());
    let now = tx.now;
    tx.execute(
        "INSERT INTO person (id, email, name, created_at) VALUES ($1, $2, $3, $4)",
        &values![id, email.as_str(), name.as_str(), now],
    )
    .await?;
    begin_scope(tx, Scope::Person(id)).await?;
    let scopes = PutScopes { company: new.company, sites: new.sites.clone(), sees: new.sees };
    set_scopes(tx, id, &scopes).await?;
    get(tx.tx(), id).await?.ok_or(ServiceError::NotFound("person"))
}

/// Adds a person.
pub async fn create(ctx: &Context, new: &NewPerson) -> Result<Person, ServiceError> {
    with_write(ctx, move |tx, _| Box::pin(create_in(tx, new))).await
}

/// Everybody, by address.
pub async fn list(ctx: &Context) -> Result<Vec<Person>, ServiceError> {
    let mut tx = ctx.store.begin(Mode::Read).await?;
    Ok(select(tx.as_mut(), "ORDER BY email", &[]).await?)
}

/// Changes what a person may see: their phones build their caches anew.
pub async fn put_scopes(ctx: &Context, person: PersonId, scopes: &PutScopes) -> Result<Person, ServiceError> {
    let (found, head) = with_write::<_, ServiceError, _>(ctx, move |tx, _| {
        Box::pin(async move {
            if get(tx.tx(), person).await?.is_none() {
                return Err(ServiceError::NotFound("person"));
            }
            set_scopes(tx, person, scopes).await?;
            let own = journal::heads(tx.tx(), &[Scope::Person(person)].into()).await?;
            let found = get(tx.tx(), person).await?.ok_or(ServiceError::NotFound("person"))?;
            Ok((found, own.first().map_or(0, |head| head.seq)))
        })
    })
    .await?;
    // No row moved, but a live stream has to hear that the scopes did.
    ctx.tell(Hint { scope: Scope::Person(person), seq: head });
    Ok(found)
}

/// Adds a company with its sites.
pub async fn create_company(ctx: &Context, new: &NewCompany) -> Result<Company, ServiceError> {
    with_write(ctx, move |tx, _| {
        Box::pin(async move {
            check_name("name", new.name.trim())?;
            let id = CompanyId(tx.env.new_id());
            tx.execute("INSERT INTO company (id, name) VALUES ($1, $2)", &values![id, new.name.trim()])
                .await?;
            begin_scope(tx, Scope::Company(id)).await?;
            let mut sites = Vec::with_capacity(new.sites.len());
            for name in &new.sites {
                check_name("sites", name.trim())?;
                let site = SiteId(tx.env.new_id());
                let name = name.trim();
                tx.execute(
                    "INSERT INTO site (id, company_id, name) VALUES ($1, $2, $3)",
                    &values![site, id, name],
                )
                .await?;
                begin_scope(tx, Scope::Site(site)).await?;
                sites.push(Site { id: site, name: name.to_owned() });
            }
            Ok(Company { id, name: new.name.trim().to_owned(), sites })
        })
    })
    .await
}

/// All companies, by name.
pub async fn companies(ctx: &Context) -> Result<Vec<Company>, ServiceError> {
    let mut tx = ctx.store.begin(Mode::Read).await?;
    let mut companies = Vec::new();
    for row in tx.query("SELECT id, name FROM company ORDER BY name, id", &[]).await? {
        companies.push(Company { id: row[0].id()?, name: row[1].text()?.to_owned(), sites: Vec::new() });
    }
    for row in tx.query("SELECT company_id, id, name FROM site ORDER BY name, id", &[]).await? {
        let company: CompanyId = row[0].id()?;
        if let Some(company) = companies.iter_mut().find(|found| found.id == company) {
            company.sites.push(Site { id: row[1].id()?, name: row[2].text()?.to_owned() });
        }
    }
    Ok(companies)
}

/// The answer of `GET /me`. `desk_name` is the configured one; the desk's id is the database's.
pub async fn me(ctx: &Context, person: PersonId, desk_name: &str) -> Result<Me, ServiceError> {
    let mut tx = ctx.store.begin(Mode::Read).await?;
    let tx = tx.as_mut();
    let found = get(tx, person).await?.ok_or(ServiceError::NotFound("person"))?;
    let viewer = Viewer::load(tx, person, &ctx.policy).await?;
    let desk = desk(tx).await?;
    let mut company = None;
    if let Some(id) = found.company {
        let rows = tx.query("SELECT name FROM company WHERE id = $1", &values![id]).await?;
        company = rows
            .first()
            .map(|row| row[0].text().map(|name| Named { id, name: name.to_owned() }))
            .transpose()?;
    }
    let mut sites = Vec::new();
    let sql = "SELECT s.id, s.name FROM site s JOIN person_site p ON p.site_id = s.id WHERE p.person_id = $1 \
               ORDER BY s.name, s.id";
    for row in tx.query(sql, &values![person]).await? {
        sites.push(Named { id: row[0].id()?, name: row[1].text()?.to_owned() });
    }
    Ok(Me {
        desk: Named { id: desk, name: desk_name.to_owned() },
        person: Named { id: person, name: found.name },
        email: found.email,
        company,
        sites,
        epoch: journal::epoch(tx).await?,
        scopes_rev: viewer.scopes_rev,
        heads: journal::heads(tx, &viewer.scopes).await?,
        server_time: ctx.env.clock.now(),
        restore_window_ms: ctx.policy.restore_window_ms,
        limits: ctx.policy.limits,
    })
}

/// The desk's id; with a person's it names an account on a phone.
pub async fn desk(tx: &mut dyn Tx) -> Result<DeskId, StoreError> {
    let rows = tx.query("SELECT value FROM meta WHERE name = 'desk'", &[]).await?;
    rows.first().ok_or_else(|| StoreError::Failed("this database has no desk: it was never opened".into()))?
        [0]
    .id()
}

/// One person as a reader: what they hold.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Who.
    pub person: PersonId,
    /// As shown to others.
    pub name: String,
    /// Where they work.
    pub company: Option<CompanyId>,
    /// Where they sit.
    pub sites: BTreeSet<SiteId>,
    /// The journals they read.
    pub scopes: BTreeSet<Scope>,
    /// The revision of the scopes.
    pub scopes_rev: i64,
    /// The desk's scale, which their rows carry.
    pub rating_max: u32,
}

impl Viewer {
    /// What the person holds now.
    pub async fn load(tx: &mut dyn Tx, person: PersonId, policy: &Policy) -> Result<Self, ServiceError> {
        Self::find(tx, person, policy.rating_max).await?.ok_or(ServiceError::NotFound("person"))
    }

    /// As [`Viewer::load`], if there is such a person.
    pub async fn find(
        tx: &mut dyn Tx,
        person: PersonId,
        rating_max: u32,
    ) -> Result<Option<Self>, StoreError> {
        let rows = tx
            .query("SELECT name, company_id, sees, scopes_rev FROM person WHERE id = $1", &values![person])
            .await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let company = row[1].id_or_none()?;
        let sites = sites_of(tx, person).await?;
        let scopes = scopes(person, company, &sites, sees(row[2].text()?));
        let (name, scopes_rev) = (row[0].text()?.to_owned(), row[3].int()?);
        Ok(Some(Self { person, name, company, sites, scopes, scopes_rev, rating_max }))
    }

    /// Whether a ticket of these is in a scope they hold, not counting whom it has as participants.
    pub fn sees(&self, author: Option<PersonId>, company: Option<CompanyId>, site: Option<SiteId>) -> bool {
        pocketdesk_protocol::planted::is("everybody-sees")
            || author == Some(self.person)
            || company.is_some_and(|company| self.scopes.contains(&Scope::Company(company)))
            || site.is_some_and(|site| self.scopes.contains(&Scope::Site(site)))
    }

    /// As others see them.
    pub fn as_author(&self) -> PersonRef {
        PersonRef { id: Some(self.person), name: self.name.clone(), side: Side::Requester }
    }
}

fn scopes(
    person: PersonId,
    company: Option<CompanyId>,
    sites: &BTreeSet<SiteId>,
    sees: Sees,
) -> BTreeSet<Scope> {
    let mut scopes = BTreeSet::from([Scope::Person(person), Scope::Desk]);
    match sees {
        Sees::Own => {}
        Sees::Site => scopes.extend(sites.iter().copied().map(Scope::Site)),
        Sees::Company => scopes.extend(company.map(Scope::Company)),
    }
    scopes
}

fn sees(text: &str) -> Sees {
    match text {
        "site" => Sees::Site,
        "company" => Sees::Company,
        _ => Sees::Own,
    }
}

async fn sites_of(tx: &mut dyn Tx, person: PersonId) -> Result<BTreeSet<SiteId>, StoreError> {
    let rows = tx.query("SELECT site_id FROM person_site WHERE person_id = $1", &values![person]).await?;
    rows.iter().map(|row| row[0].id()).collect()
}

async fn begin_scope(tx: &mut Write, scope: Scope) -> Result<(), StoreError> {
    let (tag, now) = (tx.tag, tx.now);
    journal::begin_scope(tx.tx(), scope, tag, now).await
}

/// Replaces what a person may see and remembers what they saw before.
async fn set_scopes(tx: &mut Write, person: PersonId, new: &PutScopes) -> Result<(), ServiceError> {
    if let Some(company) = new.company
        && tx.query("SELECT id FROM company WHERE id = $1", &values![company]).await?.is_empty()
    {
        return Err(ServiceError::invalid("company", "there is no such company; add it first"));
    }
    for site in &new.sites {
        let rows = tx.query("SELECT company_id FROM site WHERE id = $1", &values![*site]).await?;
        if rows.first().map(|row| row[0].id_or_none::<CompanyId>()).transpose()?.flatten() != new.company {
            return Err(ServiceError::invalid("sites", "a site is not of the person's company"));
        }
    }
    let sql = format!("SELECT company_id, sees FROM person WHERE id = $1{}", tx.for_update());
    let rows = tx.query(&sql, &values![person]).await?;
    let before = match rows.first() {
        Some(row) => {
            scopes(person, row[0].id_or_none()?, &sites_of(tx.tx(), person).await?, sees(row[1].text()?))
        }
        None => return Err(ServiceError::NotFound("person")),
    };
    let sites: BTreeSet<SiteId> = new.sites.iter().copied().collect();
    let after = scopes(person, new.company, &sites, new.sees);
    let name = match new.sees {
        Sees::Own => "own",
        Sees::Site => "site",
        Sees::Company => "company",
    };
    tx.execute(
        "UPDATE person SET company_id = $2, sees = $3 WHERE id = $1",
        &values![person, new.company, name],
    )
    .await?;
    tx.execute("DELETE FROM person_site WHERE person_id = $1", &values![person]).await?;
    for site in &sites {
        tx.execute("INSERT INTO person_site (person_id, site_id) VALUES ($1, $2)", &values![person, *site])
            .await?;
    }
    for scope in before.union(&after) {
        tx.execute(
            "INSERT INTO scope_held (person_id, scope) VALUES ($1, $2) ON CONFLICT (person_id, scope) DO NOTHING",
            &values![person, *scope],
        )
        .await?;
    }
    if before != after {
        let rev = tx.next_scopes_rev().await?;
        tx.execute("UPDATE person SET scopes_rev = $2 WHERE id = $1", &values![person, rev]).await?;
    }
    Ok(())
}

async fn select(tx: &mut dyn Tx, rest: &str, values: &[Value]) -> Result<Vec<Person>, StoreError> {
    let sql = format!("SELECT id, email, name, company_id, sees, created_at FROM person {rest}");
    let mut people = Vec::new();
    for row in tx.query(&sql, values).await? {
        let id = row[0].id()?;
        people.push(Person {
            id,
            email: row[1].text()?.to_owned(),
            name: row[2].text()?.to_owned(),
            company: row[3].id_or_none()?,
            sites: sites_of(tx, id).await?.into_iter().collect(),
            sees: sees(row[4].text()?),
            created_at: row[5].int()?,
        });
    }
    Ok(people)
}

fn normal(email: &str) -> String {
    email.trim().to_lowercase()
}

fn check_name(field: &'static str, name: &str) -> Result<(), ServiceError> {
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(ServiceError::invalid(field, "must be one line of 1 to 200 characters"));
    }
    Ok(())
}
