//! Reading a file through its manifest: any range, part by part.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use pocketdesk_protocol::ids::{AttachmentId, PersonId};

use super::{BlobError, Blobs, PartName};
use crate::{
    store::{StoreError, Tx},
    values,
};

/// Where each byte of a whole file lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Bytes of every part but the last.
    pub part_size: u64,
    /// Bytes of the whole.
    pub size: u64,
    /// Every part, in order.
    pub parts: Vec<PartName>,
}

/// The parts the server holds, in order, with their sizes.
pub(super) async fn parts(
    tx: &mut dyn Tx,
    id: AttachmentId,
    person: Option<PersonId>,
) -> Result<Vec<(PartName, u64)>, StoreError> {
    let rows = tx
        .query(
            "SELECT n, sha256, size FROM upload_part WHERE upload = $1 AND person_id = $2 ORDER BY n",
            &values![id, person],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let name =
                PartName { id, person, n: row[0].int()?.unsigned_abs(), sha256: row[1].text()?.to_owned() };
            Ok((name, row[2].int()?.unsigned_abs()))
        })
        .collect()
}

/// The manifest of a whole file; none while it is not whole.
pub async fn whole(
    tx: &mut dyn Tx,
    id: AttachmentId,
    person: Option<PersonId>,
) -> Result<Option<Manifest>, StoreError> {
    let rows = tx
        .query(
            "SELECT size, part_size FROM upload WHERE id = $1 AND person_id = $2 AND complete = 1",
            &values![id, person],
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (size, part_size) = (row[0].int()?.unsigned_abs(), row[1].int()?.unsigned_abs());
    let parts = parts(tx, id, person).await?.into_iter().map(|(name, _)| name).collect();
    Ok(Some(Manifest { part_size, size, parts }))
}

/// One part's share of a range.
struct Piece {
    part: PartName,
    from: u64,
    to: u64,
}

impl Manifest {
    /// The bytes of `range`, one part in memory at a time.
    pub fn read(self, blobs: Blobs, range: Range<u64>) -> BoxStream<'static, Result<Bytes, BlobError>> {
        stream::iter(self.pieces(range))
            .then(move |piece| {
                let blobs = blobs.clone();
                async move {
                    let bytes = blobs.range(&piece.part, piece.from, piece.to).await?;
                    if bytes.len() as u64 != piece.to - piece.from {
                        return Err(BlobError::Damaged(piece.part.key().to_string()));
                    }
                    Ok(bytes)
                }
            })
            .boxed()
    }

    fn pieces(self, range: Range<u64>) -> Vec<Piece> {
        let Range { start, end } = range.start..range.end.min(self.size);
        if start >= end {
            return Vec::new();
        }
        let size = self.part_size;
        self.parts
            .into_iter()
            .skip(usize::try_from(start / size).unwrap_or(usize::MAX))
            .take_while(|part| part.n * size < end)
            .map(|part| {
                let begin = part.n * size;
                Piece { from: start.saturating_sub(begin), to: (end - begin).min(size), part }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_has_exactly_its_bytes() {
        let part =
            |n| PartName { id: AttachmentId(uuid::Uuid::nil()), person: None, n, sha256: String::new() };
        let manifest = Manifest { part_size: 4, size: 10, parts: (0..3).map(part).collect() };
        for start in 0..=11 {
            for end in 0..=11 {
                let bytes: Vec<u64> = manifest
                    .clone()
                    .pieces(start..end)
                    .into_iter()
                    .flat_map(|piece| (piece.from..piece.to).map(move |at| piece.part.n * 4 + at))
                    .collect();
                assert_eq!(bytes, (start..end.min(10)).collect::<Vec<_>>(), "{start}..{end}");
            }
        }
    }
}
