//! The desk's own people. `{id}` of a ticket is its id or its number.

use std::{str::FromStr, sync::Arc};

use axum::{Json, body::Body as Incoming, extract::State};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use pocketdesk_protocol::{
    ids::{CommentId, PersonId, TicketId},
    session::Problem,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    App, Refusal,
    asker::{Asked, Body, Id, Staff},
    staff_bodies::*,
};
use crate::{
    blobs::{sweep, uploads::UploadError},
    context::ServiceError,
    people::{self, Company, NewCompany, NewPerson, Person, PutScopes},
    staff::{self as service, ListQuery, StaffFile, StaffTicket, StaffTicketView},
    store::Mode,
};

/// All of them but the bodies that stream.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(tickets))
        .routes(routes!(ticket, delete_ticket))
        .routes(routes!(reply))
        .routes(routes!(note))
        .routes(routes!(status))
        .routes(routes!(assignee))
        .routes(routes!(deadline))
        .routes(routes!(rating_request))
        .routes(routes!(participants))
        .routes(routes!(delete_comment))
        .routes(routes!(list_people, add_person))
        .routes(routes!(scopes))
        .routes(routes!(list_companies, add_company))
}

/// A ticket as a path names it.
pub struct TicketRef(String);

impl FromStr for TicketRef {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(Self(text.to_owned()))
    }
}

impl TicketRef {
    async fn find(self, app: &App) -> Result<TicketId, Refusal> {
        match self.0.parse() {
            Ok(id) => Ok(id),
            Err(_) => Ok(service::find_number(&app.ctx, &self.0).await?),
        }
    }
}

fn by<'a>(app: &'a App, by: &'a Option<String>) -> Result<&'a str, Refusal> {
    let name = by.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(&app.front.desk_name);
    if name.len() > 200 { Err(Refusal::bad_request("by may have 200 bytes")) } else { Ok(name) }
}

/// Newest first.
#[utoipa::path(get, path = "/staff/tickets", tag = "staff", security(("staff" = [])),
    params(("status" = Option<String>, Query), ("before" = Option<TicketId>, Query, description = "The last ticket of \
        the page before"), ("limit" = Option<u32>, Query, description = "At most 200")),
    responses((status = 200, body = Vec<StaffTicket>), (status = 401, body = Problem)))]
pub async fn tickets(
    State(app): State<Arc<App>>,
    _: Staff,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<Vec<StaffTicket>>, Refusal> {
    Ok(Json(service::list(&app.ctx, &query).await?))
}

/// One ticket whole: comments, files, events, notes.
#[utoipa::path(get, path = "/staff/tickets/{id}", tag = "staff", security(("staff" = [])),
    params(("id" = String, Path, description = "Id or number")),
    responses((status = 200, body = StaffTicketView), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn ticket(
    State(app): State<Arc<App>>,
    _: Staff,
    Id(ticket): Id<TicketRef>,
) -> Result<Json<StaffTicketView>, Refusal> {
    let ticket = ticket.find(&app).await?;
    Ok(Json(service::get(&app.ctx, ticket).await?))
}

/// A reply the requester sees.
#[utoipa::path(post, path = "/staff/tickets/{id}/reply", tag = "staff", security(("staff" = [])),
    params(("id" = String, Path, description = "Id or number")), request_body = ReplyBody,
    responses((status = 200, body = Written), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub async fn reply(
    State(app): State<Arc<App>>,
    _: Staff,
    Id(ticket): Id<TicketRef>,
    Body(body): Body<ReplyBody>,
) -> Result<Json<Written>, Refusal> {
    let ticket = ticket.find(&app).await?;
    if body.files.len() > app.ctx.policy.limits.attachments as usize {
        return Err(Refusal::bad_request(format!(
            "a reply may have {} files",
            app.ctx.policy.limits.attachments
        )));
    }
    let mut files = Vec::new();
    for file in body.files {
        files.push(match file {
            ReplyFile::Sent(id) => app.uploads.find_staff_file(id).await?,
            ReplyFile::Inline { name, content_base64 } => {
                let bytes = Bytes::from(inline(&content_base64)?);
                app.uploads.staff_file(&name, stream::iter([Ok(bytes)])).await?
            }
        });
    }
    let id = body.id.unwrap_or_else(|| CommentId(app.ctx.env.new_id()));
    let id = service::reply_as(&app.ctx, by(&app, &body.by)?, ticket, id, &body.text, &files).await?;
    Ok(Json(Written { id }))
}

/// An internal note: no requester ever gets it.
#[utoipa::path(post, path = "/staff/tickets/{id}/note", tag = "staff", security(("staff" = [])),
    params(("id" = String, Path, description = "Id or number")), request_body = NoteBody,
    responses((status = 200, body = Written), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn note(
    State(app): State<Arc<App>>,
    _: Staff,
    Id(ticket): Id<TicketRef>,
    Body(body): Body<NoteBody>,
) -> Result<Json<Written>, Refusal> {
    let ticket = ticket.find(&app).await?;
    let id = body.id.unwrap_or_else(|| CommentId(app.ctx.env.new_id()));
    let id = service::note_as(&app.ctx, by(&app, &body.by)?, ticket, id, &body.text).await?;
    Ok(Json(Written { id }))
}

/// Moves the status.
#[utoipa::path(post, path = "/staff/tickets/{id}/status", tag = "staff", security(("staff" = [])),
    params(("id" = String, Path, description = "Id or number")), request_body = StatusBody,
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn status(
    State(app): State<Arc<App>>,
    _: Staff,
    Id(ticket): Id<TicketRef>,
    Body(body): Body<StatusBody>,
) -> Result<StatusCode, Refusal> {
    let ticket = ticket.find(&app).await?;
    service::set_status(&app.ctx, by(&app, &body.by)?, ticket, body.status).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives it to somebody, or back.
#[utoipa::path(post, path = "/staff/tickets/{id}/assignee", tag = "staff", security(("staff" = [])),
    params(("id" = String, Path, description = "Id or number")), request_body = AssigneeBody,
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn assignee(
    State(app): State<Arc<App>>,
    _: Staff,
    Id(ticket): Id<TicketRef>,
    Body(body): Body<AssigneeBody>,
) -> Result<StatusCode, Refusal> {
    let ticket = ticket.find(&app).await?;
    service::assign(&app.ctx, by(&app, &body.by)?, ticket, body.assignee.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a promise, moves it and says why, or takes it back.
#[utoipa::path(post, path = "/staff/tickets/{id}/deadline", tag = "staff", security(("staff" = [])),
    params(("id" = String, Path, description = "Id or number")), request_body = DeadlineBody,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub async fn deadline(
    State(app): State<Arc<App>>,
    _: Staff,
    Id(ticket): Id<TicketRef>,
    Body(body): Body<DeadlineBody>,
) -> Result<StatusCode, Refusal> {
    let ticket = ticket.find(&app).await?;
    service::set_deadline(&app.ctx, by(&app, &body.by)?, ticket, body.at, body.reason.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks to be rated for the last solving.
#[utoipa::path(post, path = "/staff/tickets/{id}/rating-request", tag = "staff", security(("staff" = [])),
    params(("id" = String, Path, description = "Id or number")), request_body = RatingRequestBody,
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn rating_request(
    State(app): State<Arc<App>>,
    _: Staff,
    Id(ticket): Id<TicketRef>,
    Body(body): Body<RatingRequestBody>,
) -> Result<StatusCode, Refusal> {
    let ticket = ticket.find(&app).await?;
    service::ask_rating(&app.ctx, by(&app, &body.by)?, ticket).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets people follow the ticket, or no longer.
#[utoipa::path(post, path = "/staff/tickets/{id}/participants", tag = "staff", security(("staff" = [])),
    params(("id" = String, Path, description = "Id or number")), request_body = ParticipantsBody,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub async fn participants(
    State(app): State<Arc<App>>,
    _: Staff,
    Id(ticket): Id<TicketRef>,
    Body(body): Body<ParticipantsBody>,
) -> Result<StatusCode, Refusal> {
    let ticket = ticket.find(&app).await?;
    if body.add.len() + body.remove.len() > 100 {
        return Err(Refusal::bad_request("at most 100 people at a time"));
    }
    let (add, remove) = (find_people(&app, &body.add).await?, find_people(&app, &body.remove).await?);
    service::participants(&app.ctx, by(&app, &body.by)?, ticket, &add, &remove).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find_people(app: &App, names: &[String]) -> Result<Vec<PersonId>, Refusal> {
    let mut tx = app.ctx.store.begin(Mode::Read).await?;
    let mut found = Vec::new();
    for name in names {
        let person = match name.parse() {
            Ok(id) => Some(id),
            Err(_) => people::find_by_email(tx.as_mut(), name).await?,
        };
        found.push(
            person
                .ok_or_else(|| Refusal::bad_request("add, remove: one of them is nobody's id or address"))?,
        );
    }
    Ok(found)
}

/// Deletes a ticket with all that belongs to it.
#[utoipa::path(delete, path = "/staff/tickets/{id}", tag = "staff", security(("staff" = [])),
    params(("id" = String, Path, description = "Id or number"), DeleteQuery),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn delete_ticket(
    State(app): State<Arc<App>>,
    _: Staff,
    Id(ticket): Id<TicketRef>,
    Asked(query): Asked<DeleteQuery>,
) -> Result<StatusCode, Refusal> {
    let ticket = ticket.find(&app).await?;
    let files = match query.erase {
        true => service::erase_ticket(&app.ctx, ticket).await?,
        false => service::delete_ticket(&app.ctx, ticket).await?,
    };
    sweep::remove(&app.ctx, &app.uploads, &files).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a comment with its files.
#[utoipa::path(delete, path = "/staff/comments/{id}", tag = "staff", security(("staff" = [])),
    params(("id" = CommentId, Path), DeleteQuery),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn delete_comment(
    State(app): State<Arc<App>>,
    _: Staff,
    Id(comment): Id<CommentId>,
    Asked(query): Asked<DeleteQuery>,
) -> Result<StatusCode, Refusal> {
    let files = match query.erase {
        true => service::erase_comment(&app.ctx, comment).await?,
        false => service::delete_comment(&app.ctx, comment).await?,
    };
    sweep::remove(&app.ctx, &app.uploads, &files).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a file for a reply to come; its id goes into `files`.
#[utoipa::path(post, path = "/staff/files", tag = "staff", security(("staff" = [])), params(FileQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = StaffFile), (status = 401, body = Problem), (status = 413, body = Problem)))]
pub async fn upload(
    State(app): State<Arc<App>>,
    _: Staff,
    Asked(query): Asked<FileQuery>,
    body: Incoming,
) -> Result<Json<StaffFile>, Refusal> {
    let bytes = body.into_data_stream().map(|chunk| chunk.map_err(|_| UploadError::Cut));
    Ok(Json(app.uploads.staff_file(&query.name, bytes).await?))
}

/// Everybody who may sign in, by address.
#[utoipa::path(get, path = "/staff/people", tag = "staff", security(("staff" = [])),
    responses((status = 200, body = Vec<Person>), (status = 401, body = Problem)))]
pub async fn list_people(State(app): State<Arc<App>>, _: Staff) -> Result<Json<Vec<Person>>, Refusal> {
    Ok(Json(people::list(&app.ctx).await?))
}

/// Adds a person; from now on their address gets codes.
#[utoipa::path(post, path = "/staff/people", tag = "staff", security(("staff" = [])), request_body = PersonBody,
    responses((status = 200, body = Person), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub async fn add_person(
    State(app): State<Arc<App>>,
    _: Staff,
    Body(body): Body<PersonBody>,
) -> Result<Json<Person>, Refusal> {
    let sites = body.site.into_iter().chain(body.sites).collect();
    let new = NewPerson { email: body.email, name: body.name, company: body.company, sites, sees: body.sees };
    Ok(Json(people::create(&app.ctx, &new).await?))
}

/// Changes what a person sees; what is absent stays as it is.
#[utoipa::path(put, path = "/staff/people/{id}/scopes", tag = "staff", security(("staff" = [])),
    params(("id" = PersonId, Path)), request_body = ScopesBody,
    responses((status = 200, body = Person), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub async fn scopes(
    State(app): State<Arc<App>>,
    _: Staff,
    Id(person): Id<PersonId>,
    Body(body): Body<ScopesBody>,
) -> Result<Json<Person>, Refusal> {
    let mut tx = app.ctx.store.begin(Mode::Read).await?;
    let now = people::get(tx.as_mut(), person).await?.ok_or(ServiceError::NotFound("person"))?;
    drop(tx);
    let wish = PutScopes {
        company: body.company.unwrap_or(now.company),
        sites: body.sites.unwrap_or(now.sites),
        sees: body.sees.unwrap_or(now.sees),
    };
    Ok(Json(people::put_scopes(&app.ctx, person, &wish).await?))
}

/// All companies with their sites, by name.
#[utoipa::path(get, path = "/staff/companies", tag = "staff", security(("staff" = [])),
    responses((status = 200, body = Vec<Company>), (status = 401, body = Problem)))]
pub async fn list_companies(State(app): State<Arc<App>>, _: Staff) -> Result<Json<Vec<Company>>, Refusal> {
    Ok(Json(people::companies(&app.ctx).await?))
}

/// Adds a company with its sites.
#[utoipa::path(post, path = "/staff/companies", tag = "staff", security(("staff" = [])), request_body = NewCompany,
    responses((status = 200, body = Company), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub async fn add_company(
    State(app): State<Arc<App>>,
    _: Staff,
    Body(body): Body<NewCompany>,
) -> Result<Json<Company>, Refusal> {
    Ok(Json(people::create_company(&app.ctx, &body).await?))
}
