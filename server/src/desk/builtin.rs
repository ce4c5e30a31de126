//! The desk there is where there is no other: it registers in the verdict and numbers tickets from 1.

use futures_util::future::BoxFuture;
use pocketdesk_protocol::{
    ids::{EntityId, TicketId},
    rows::DeskState,
};

use super::{Desk, Handed};
use crate::store::{StoreError, write::Write};

/// See the module.
#[derive(Debug, Clone, Copy, Default)]
pub struct Builtin;

impl Desk for Builtin {
    fn take<'a>(
        &'a self,
        tx: &'a mut Write,
        what: Handed,
        _ticket: TicketId,
        _entity: EntityId,
    ) -> BoxFuture<'a, Result<DeskState, StoreError>> {
        Box::pin(async move {
            Ok(match what {
                Handed::Ticket => {
                    let number = tx.next_number().await?;
                    DeskState::Registered { number: Some(number.to_string()) }
                }
                Handed::Comment => DeskState::Registered { number: None },
            })
        })
    }
}
