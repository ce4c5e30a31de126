//! The delivery of a file's bytes, apart from that of the op that names it.

use pocketdesk_protocol::{op::FileRef, rows::AttachmentRow};

use super::{AccountFacts, FileFacts, Row};
use crate::model::Delivery;

/// The delivery of the bytes of the person's own file.
pub fn delivery_of_file(
    file: &FileRef,
    row: Option<&Row<AttachmentRow>>,
    facts: Option<FileFacts>,
    account: &AccountFacts,
) -> Delivery {
    let _ = (file, row, facts, account);
    unimplemented!("follows within the hour")
}
