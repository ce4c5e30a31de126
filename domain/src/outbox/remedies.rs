//! What ends attention (3-sync rules 4 and 5). Never empty: attention without a way out is a dead end.

use pocketdesk_protocol::{
    op::kind,
    rows::{DeskState, Status},
    sync::code,
};

use super::{OpState, StoredOp, new_op::Request};
use crate::model::Remedy;

/// The remedies of an op that needs the person; empty for one that does not. `status` is the ticket's present
/// status, where the phone knows it: a request that has been overtaken can be made again only where it fits.
pub fn of_op(op: &StoredOp, status: Option<Status>) -> Vec<Remedy> {
    let _ = (op, status);
    unimplemented!("follows within the hour")
}

/// The remedies for what the desk refused after the server took it.
pub fn of_refused(desk: &DeskState) -> Vec<Remedy> {
    let _ = desk;
    unimplemented!("follows within the hour")
}
