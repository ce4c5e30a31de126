//! The list of a person's sessions, and ending one from afar.

use pocketdesk_protocol::{
    ids::{PersonId, SessionId},
    session::SessionView,
};

use super::{Auth, AuthError};
use crate::{
    context::{Context, DAY_MS, ServiceError, Session},
    store::{
        Mode, StoreError,
        write::{Write, with_write},
    },
    values,
};

impl Auth {
    /// The person's live sessions, the newest first.
    pub async fn list(&self, asking: Session) -> Result<Vec<SessionView>, AuthError> {
        let mut tx = self.ctx.store.begin(Mode::Read).await?;
        let rows = tx
            .query(
                "SELECT id, device, created_at, used_at FROM session WHERE person_id = $1 AND ended_at = 0 \
                 ORDER BY created_at DESC, id DESC",
                &values![asking.person],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let id: SessionId = row[0].id()?;
                Ok(SessionView {
                    id,
                    device: row[1].text()?.to_owned(),
                    created_at: row[2].int()?,
                    used_at: row[3].int()?,
                    current: id == asking.session,
                })
            })
            .collect()
    }

    /// Ends a session of the asking person. Ending one that is ended already is done; another person's looks missing.
    pub async fn end(&self, asking: Session, session: SessionId) -> Result<(), AuthError> {
        with_write(&self.ctx, move |tx, _| {
            Box::pin(async move {
                let mine = tx
                    .query(
                        "SELECT 1 FROM session WHERE id = $1 AND person_id = $2",
                        &values![session, asking.person],
                    )
                    .await?;
                if mine.is_empty() {
                    return Err(AuthError::Service(ServiceError::NotFound("session")));
                }
                Ok(end_one(tx, session).await?)
            })
        })
        .await?;
        let _ = self.ended.send(session);
        Ok(())
    }
}

/// Ends one session: no token of it opens anything any more.
pub async fn end_one(tx: &mut Write, session: SessionId) -> Result<(), StoreError> {
    let now = tx.now;
    tx.execute("UPDATE session SET ended_at = $1 WHERE id = $2 AND ended_at = 0", &values![now, session])
        .await?;
    Ok(())
}

/// Ends every session of a person; for erasing them. Their live streams end within half a minute.
pub async fn end_all(tx: &mut Write, person: PersonId) -> Result<(), StoreError> {
    let now = tx.now;
    tx.execute(
        "UPDATE session SET ended_at = $1 WHERE person_id = $2 AND ended_at = 0",
        &values![now, person],
    )
    .await?;
    Ok(())
}

/// Days a spent refresh token is remembered, so that its return is known for theft; later it is merely unknown.
const SPENT_DAYS: i64 = 90;

/// Forgets refresh tokens spent long ago and all of sessions that ended long ago; answers how many.
pub async fn forget(ctx: &Context) -> Result<u64, StoreError> {
    with_write(ctx, move |tx, _| {
        Box::pin(async move {
            let before = tx.now - SPENT_DAYS * DAY_MS;
            tx.execute(
                "DELETE FROM refresh_token WHERE (rotation <> '' AND created_at < $1) OR session IN \
                 (SELECT id FROM session WHERE ended_at > 0 AND ended_at < $1)",
                &values![before],
            )
            .await
        })
    })
    .await
}
