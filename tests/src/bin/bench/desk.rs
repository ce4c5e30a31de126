//! The desk of the benchmark: the real server on SQLite, with the data in it, in the process that measures nothing of
//! itself. What it costs is nobody's here: only what phones spend is compared.

use std::{collections::BTreeMap, path::Path};

use pocketdesk_protocol::{
    ids::{EntityId, InstallId, PersonId, SessionId, TicketId},
    op::WireOp,
    rows::Status,
    session::{SignInAsked, SignInCode, SignInEmail, Tokens},
    sync::{SyncRequest, Verdict},
};
use pocketdesk_server::{
    config::Config,
    context::Session,
    people::{self, NewCompany, NewPerson, Sees},
    server::{Running, Server},
    staff,
};
use sha2::{Digest as _, Sha256};

use crate::{Result, data::Data};

/// Whose phone is measured.
pub const ME: &str = "olena@example.com";
/// Colleagues who filed it all.
const COLLEAGUES: usize = 20;
/// Ops handed in at once.
const CHUNK: usize = 500;

/// See the module.
pub struct Desk {
    pub running: Running,
    pub me: PersonId,
}

impl Desk {
    /// Starts on that folder; an empty one is filled.
    pub async fn open(folder: &Path, data: &Data) -> Result<Self> {
        let running = Server::start(Config::development(folder.join("desk"))).await?;
        let known = people::list(running.ctx()).await?;
        if let Some(me) = known.iter().find(|person| person.email == ME) {
            return Ok(Self { me: me.id, running });
        }
        let ctx = running.ctx();
        let company = NewCompany { name: "Everybody's Tools".into(), sites: Vec::new() };
        let company = people::create_company(ctx, &company).await?.id;
        let of = |email: String, sees| NewPerson {
            email,
            name: None,
            company: Some(company),
            sites: Vec::new(),
            sees,
        };
        let mut authors = Vec::new();
        for n in 0..COLLEAGUES {
            authors
                .push(people::create(ctx, &of(format!("colleague{n}@example.com"), Sees::Company)).await?.id);
        }
        for (n, chunk) in data.ops.chunks(CHUNK).enumerate() {
            take(&running, authors[n % COLLEAGUES], chunk).await?;
        }
        let me = people::create(ctx, &of(ME.into(), Sees::Company)).await?.id;
        Ok(Self { running, me })
    }

    /// Signs in by hand and gives the access token of a new session: for the floor.
    pub async fn token(&self) -> Result<String> {
        let client = crate::child::client()?;
        let secret = [7_u8; 32];
        let asked = SignInEmail { email: ME.into(), challenge: hex(&Sha256::digest(secret)), locale: None };
        let url = self.running.url();
        let asked: SignInAsked = post(&client, &format!("{url}/sign-in/email"), &asked).await?;
        let code = SignInCode {
            sign_in: asked.sign_in,
            code: self.running.code(ME).await,
            secret: hex(&secret),
            install: InstallId(crate::child::new_id()?.0),
            device: "the floor".into(),
        };
        let tokens: Tokens = post(&client, &format!("{url}/sign-in/code"), &code).await?;
        Ok(tokens.access_token)
    }

    /// Staff move one ticket, from one state to the other and back.
    pub async fn move_ticket(&self, ticket: TicketId) -> Result<()> {
        let now = staff::get(self.running.ctx(), ticket).await?;
        let to = match serde_json::to_value(&now)?.pointer("/ticket/status").and_then(|s| s.as_str()) {
            Some("open") => Status::WaitsForRequester,
            _ => Status::Open,
        };
        Ok(staff::set_status(self.running.ctx(), "Ira", ticket, to).await?)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn post<T: serde::de::DeserializeOwned>(
    client: &reqwest::Client,
    url: &str,
    body: &impl serde::Serialize,
) -> Result<T> {
    let answer = client
        .post(url)
        .header(
            pocketdesk_protocol::version::PROTOCOL_HEADER,
            pocketdesk_protocol::version::PROTOCOL_VERSION.to_string(),
        )
        .header("content-type", "application/json")
        .body(serde_json::to_vec(body)?)
        .send()
        .await?
        .error_for_status()?;
    Ok(serde_json::from_slice(&answer.bytes().await?)?)
}

async fn take(running: &Running, person: PersonId, ops: &[WireOp]) -> Result<()> {
    let session = Session {
        session: SessionId(uuid::Uuid::from_u128(person.0.as_u128() ^ 1)),
        person,
        install: InstallId(uuid::Uuid::from_u128(person.0.as_u128() ^ 2)),
    };
    let epoch = people::me(running.ctx(), person, "").await?.epoch;
    let request = SyncRequest { epoch: Some(epoch), ops: ops.to_vec(), cursor: None, limit_bytes: None };
    let answer = pocketdesk_server::sync::sync(running.ctx(), session, request).await?;
    let kinds: BTreeMap<EntityId, &str> = ops.iter().map(|op| (op.entity, op.kind.as_str())).collect();
    match answer.verdicts.iter().find(|verdict| !matches!(verdict.verdict, Verdict::Applied { .. })) {
        None if answer.verdicts.len() == ops.len() => Ok(()),
        bad => Err(format!("the desk did not take the data: {bad:?} of {} ops", kinds.len()).into()),
    }
}
