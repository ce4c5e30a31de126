//! The Desk port: the help desk behind the server. It is asked in the transaction of the verdict what becomes of a
//! new row; a desk that answers later leaves it `pending` and calls [`answer`] when it knows.

use futures_util::future::BoxFuture;
use pocketdesk_protocol::{
    ids::{EntityId, TicketId},
    rows::DeskState,
};

use crate::{
    context::{Context, ServiceError},
    store::{
        StoreError,
        write::{Write, with_write},
    },
    values,
};

pub mod builtin;
pub mod participants;
pub mod remove;
pub mod rules;
pub mod ticket;

/// What a desk is handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// A new ticket.
    Ticket,
    /// A requester's comment.
    Comment,
}

/// A help desk. [`builtin::Builtin`] is the one without any other behind it.
pub trait Desk: Send + Sync {
    /// Takes a new or amended row, in the transaction of its verdict: what it says is the row's state from the
    /// commit on. A connector writes its outbound work here and answers [`DeskState::Pending`].
    fn take<'a>(
        &'a self,
        tx: &'a mut Write,
        what: Handed,
        ticket: TicketId,
        entity: EntityId,
    ) -> BoxFuture<'a, Result<DeskState, StoreError>>;
}

/// The desk's later answer about a ticket or comment it left pending: the row's state moves, its number with it.
pub async fn answer(
    ctx: &Context,
    what: Handed,
    entity: EntityId,
    state: DeskState,
) -> Result<(), ServiceError> {
    let state = &state;
    with_write(ctx, move |tx, _| {
        Box::pin(async move {
            let id = match what {
                Handed::Ticket => entity.into(),
                Handed::Comment => {
                    let rows =
                        tx.query("SELECT ticket_id FROM comment WHERE id = $1", &values![entity]).await?;
                    rows.first().ok_or(ServiceError::NotFound("comment"))?[0].id()?
                }
            };
            let mut ticket = ticket::lock(tx, id).await?.ok_or(ServiceError::NotFound("ticket"))?;
            match what {
                Handed::Ticket => {
                    ticket.desk = state.clone();
                    ticket.save(tx).await?;
                }
                Handed::Comment => {
                    ticket::set_comment_desk(tx, &ticket, entity, state).await?;
                }
            }
            Ok(())
        })
    })
    .await
}
