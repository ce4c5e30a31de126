//! Takes the stream of hints apart (Server-Sent Events). A hint says that something moved, never what: one that
//! cannot be read is passed over.

use std::collections::VecDeque;

use futures_util::StreamExt as _;
use pocketdesk_protocol::live::{HELLO, Hello, MOVED, Moved};

use super::answer::Failure;
use crate::env::{Body, NetError};

/// What a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// First of all.
    Hello(Hello),
    /// Something moved.
    Moved(Moved),
    /// It is alive.
    Alive,
}

/// A hint is a few hundred bytes.
const EVENT_BYTES: usize = 256 << 10;

/// Events of one answer of `GET /live`.
pub struct Events {
    body: Body,
    parser: Parser,
    ready: VecDeque<Event>,
}

impl Events {
    /// Of this body.
    pub fn new(body: Body) -> Self {
        Self { body, parser: Parser::default(), ready: VecDeque::new() }
    }

    /// The next event; `None` when the stream ended.
    pub async fn next(&mut self) -> Option<Result<Event, Failure>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            match self.body.next().await? {
                Err(error) => return Some(Err(error.into())),
                Ok(chunk) => {
                    if let Err(failure) = self.parser.feed(&chunk, &mut self.ready) {
                        return Some(Err(failure));
                    }
                }
            }
        }
    }
}

#[derive(Default)]
struct Parser {
    line: Vec<u8>,
    name: String,
    data: String,
    after_return: bool,
}

impl Parser {
    fn feed(&mut self, chunk: &[u8], ready: &mut VecDeque<Event>) -> Result<(), Failure> {
        for byte in chunk {
            // Lines end in \n, \r or \r\n.
            let second_of_two = std::mem::replace(&mut self.after_return, *byte == b'\r') && *byte == b'\n';
            match byte {
                b'\n' if second_of_two => {}
                b'\n' | b'\r' => self.line_end(ready),
                _ => self.line.push(*byte),
            }
            if self.line.len() + self.data.len() > EVENT_BYTES {
                return Err(NetError::TooLarge.into());
            }
        }
        Ok(())
    }

    fn line_end(&mut self, ready: &mut VecDeque<Event>) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            match name.as_str() {
                HELLO => ready.extend(serde_json::from_str(&data).ok().map(Event::Hello)),
                MOVED => ready.extend(serde_json::from_str(&data).ok().map(Event::Moved)),
                _ => {}
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => ready.push_back(Event::Alive),
            "event" => value.clone_into(&mut self.name),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use pocketdesk_protocol::ids::Scope;

    use super::*;

    #[tokio::test]
    async fn hints_are_heard_wherever_the_network_cuts_them() {
        let text = concat!(
            "event: hello\r\ndata: {\"epoch\":7,\"scopes_rev\":1,\"heads\":[]}\r\n\r\n",
            ": still here\n\n",
            "event: other\ndata: {}\n\n",
            "event: moved\ndata: {\"scope\":\"desk\",\ndata: \"head\":4,\"scopes_rev\":1}\n\n",
            "event: moved\ndata: nonsense\n\n"
        );
        for size in [1, 3, text.len()] {
            let chunks: Vec<_> =
                text.as_bytes().chunks(size).map(|chunk| Ok(chunk.to_vec().into())).collect();
            let mut events = Events::new(stream::iter(chunks).boxed());
            let mut all = Vec::new();
            while let Some(event) = events.next().await {
                all.push(event.expect("readable"));
            }
            assert_eq!(all.len(), 3, "{all:?}");
            assert!(matches!(&all[0], Event::Hello(hello) if hello.epoch.0 == 7));
            assert_eq!(all[1], Event::Alive);
            assert_eq!(all[2], Event::Moved(Moved { scope: Scope::Desk, head: 4, scopes_rev: 1 }));
        }
    }
}
