//! Takes a snapshot's stream apart: zstd frames of NDJSON, each whole with its last line and of use by itself.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::StreamExt as _;
use pocketdesk_protocol::sync::{FrameEnd, Item, SnapshotLine, SnapshotStart};
use zstd::stream::raw::{DParameter, Decoder, Operation as _};

use super::answer::Failure;
use crate::env::{Body, NetError};

/// A frame that is whole.
#[derive(Debug)]
pub struct Frame {
    /// In the first frame of an answer.
    pub start: Option<SnapshotStart>,
    /// Rows, in order.
    pub items: Vec<Item>,
    /// Where to go on.
    pub end: FrameEnd,
}

/// A frame is 64 KiB before compression, or one row larger than that by itself.
const LINE_BYTES: usize = 4 << 20;
/// What a decoder may allocate for its window: 8 MiB.
const WINDOW_LOG: u32 = 23;

/// Frames of one answer of `GET /snapshot`.
pub struct Frames {
    body: Body,
    parser: Parser,
    ready: VecDeque<Frame>,
}

impl Frames {
    /// Of this body.
    pub fn new(body: Body) -> Self {
        Self { body, parser: Parser::default(), ready: VecDeque::new() }
    }

    /// The next whole frame; `None` at the end of the answer. What came of a frame that was cut is dropped.
    pub async fn next(&mut self) -> Option<Result<Frame, Failure>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(Ok(frame));
            }
            let chunk: Result<Bytes, NetError> = self.body.next().await?;
            let parsed =
                chunk.map_err(Failure::from).and_then(|chunk| self.parser.feed(&chunk, &mut self.ready));
            if let Err(failure) = parsed {
                return Some(Err(failure));
            }
        }
    }
}

#[derive(Default)]
struct Parser {
    decoder: Option<Decoder<'static>>,
    line: Vec<u8>,
    start: Option<SnapshotStart>,
    items: Vec<Item>,
}

impl Parser {
    fn feed(&mut self, chunk: &[u8], ready: &mut VecDeque<Frame>) -> Result<(), Failure> {
        let unreadable = || Failure::Server { status: 200, after: None };
        if self.decoder.is_none() {
            let mut decoder = Decoder::new().map_err(|_| unreadable())?;
            decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG)).map_err(|_| unreadable())?;
            self.decoder = Some(decoder);
        }
        let mut out = vec![0; 64 << 10];
        let mut read = 0;
        loop {
            let decoder = self.decoder.as_mut().expect("made above");
            let status = decoder.run_on_buffers(&chunk[read..], &mut out).map_err(|_| unreadable())?;
            read += status.bytes_read;
            self.lines(&out[..status.bytes_written], ready)?;
            // A full output buffer may hide more; a new zstd frame begins by itself with the next byte.
            if status.bytes_written < out.len() && read == chunk.len() {
                return Ok(());
            }
            if status.bytes_written == 0 && status.bytes_read == 0 {
                return Err(unreadable());
            }
        }
    }

    fn lines(&mut self, mut bytes: &[u8], ready: &mut VecDeque<Frame>) -> Result<(), Failure> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let line = std::mem::take(&mut self.line);
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice(&line) {
                Ok(SnapshotLine::Start(start)) => self.start = Some(start),
                Ok(SnapshotLine::Item(item)) => self.items.push(item),
                Ok(SnapshotLine::End(end)) => {
                    ready.push_back(Frame {
                        start: self.start.take(),
                        items: std::mem::take(&mut self.items),
                        end,
                    });
                }
                // A kind of line that a newer server may send; rows it does not replace.
                Err(_)
                    if serde_json::from_slice::<serde_json::Value>(&line)
                        .is_ok_and(|line| line.is_object()) =>
                {
                    tracing::warn!("a line of the snapshot is of no known kind");
                }
                Err(_) => return Err(Failure::Server { status: 200, after: None }),
            }
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() > LINE_BYTES {
            return Err(NetError::TooLarge.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn frame(text: &str) -> Vec<u8> {
        zstd::bulk::compress(text.as_bytes(), 3).expect("compresses")
    }

    fn answer() -> Vec<u8> {
        let first = concat!(
            r#"{"start":{"epoch":7,"scopes_rev":1,"as_of":"c","tickets":1}}"#,
            "\n",
            r#"{"item":{"k":"ticket","id":"00000000-0000-0000-0000-000000000001","v":1,"row":{"a": 1}}}"#,
            "\n",
            r#"{"end":{"resume":"r1","last":false}}"#,
            "\n"
        );
        let second = concat!(r#"{"end":{"resume":"r2","last":true}}"#, "\n");
        [frame(first), frame(second)].concat()
    }

    async fn read(chunks: Vec<Vec<u8>>) -> Vec<Result<Frame, Failure>> {
        let body = stream::iter(chunks.into_iter().map(|chunk| Ok(chunk.into()))).boxed();
        let mut frames = Frames::new(body);
        let mut all = Vec::new();
        while let Some(frame) = frames.next().await {
            let failed = frame.is_err();
            all.push(frame);
            if failed {
                break;
            }
        }
        all
    }

    #[tokio::test]
    async fn frames_come_whole_wherever_the_network_cuts_them() {
        let bytes = answer();
        for size in [1, 2, 3, 7, 50, bytes.len()] {
            let frames = read(bytes.chunks(size).map(<[u8]>::to_vec).collect()).await;
            let frames: Vec<Frame> = frames.into_iter().map(|frame| frame.expect("whole")).collect();
            assert_eq!(frames.len(), 2, "chunks of {size}");
            assert_eq!(frames[0].start.as_ref().map(|start| start.epoch.0), Some(7));
            assert_eq!(frames[0].items[0].row.as_ref().map(|row| row.get()), Some(r#"{"a": 1}"#));
            assert_eq!((frames[1].end.resume.as_str(), frames[1].end.last), ("r2", true));
        }
    }

    #[tokio::test]
    async fn a_frame_that_was_cut_is_not_taken_for_a_whole_one() {
        let bytes = answer();
        let frames = read(vec![bytes[..bytes.len() - 5].to_vec()]).await;
        assert_eq!(frames.len(), 1);
    }

    #[tokio::test]
    async fn a_portal_in_the_middle_of_a_snapshot_is_a_failure_and_not_rows() {
        let frames = read(vec![b"<html>pay for the hotel's network</html>".to_vec()]).await;
        assert!(matches!(frames.as_slice(), [Err(Failure::Server { .. })]));
    }
}
