//! The only place that prints. On stdout either JSON lines for machines or aligned lines for people, never both;
//! notes, prompts and progress go to stderr.

pub mod json;
pub mod live;
mod parts;
pub mod progress;
mod table;
#[cfg(test)]
mod tests;
mod ticket;
mod times;
mod words;

use std::{
    io::{IsTerminal, Write},
    sync::Mutex,
};

use console::Style;
use pocketdesk_texts::{Texts, Value};
use serde::Serialize;

pub use parts::clean;
pub use table::{Cell, Table};
pub use times::Times;
pub use words::{sign, tone};

use crate::failure::Stop;

/// The colours of the screens' design, as far as a terminal has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Plain.
    Plain,
    /// A title, or something unread.
    Bold,
    /// Meta, or a state that is final.
    Quiet,
    /// It waits.
    Wait,
    /// It needs the person.
    Needs,
    /// It is done.
    Done,
    /// It moves, or the company acts.
    Moves,
}

/// Where things are said, in which language, and how.
pub struct Output {
    /// One JSON object a line.
    pub json: bool,
    /// Stdout, or what a test reads.
    sink: Mutex<Box<dyn Write + Send>>,
    /// Whether stdout takes colours.
    colour: bool,
    /// Columns of the terminal; none when stdout is none: then nothing is cut.
    pub columns: Option<usize>,
    /// Whether this process goes on syncing, so that "again at 14:05" is true.
    pub stays: bool,
    /// Whether somebody watches stderr.
    pub watched: bool,
    /// The sentences.
    pub texts: Texts,
    /// The clock on the wall.
    pub times: Times,
}

impl Output {
    /// For the streams of this process. `no_colour` is the person's wish (`NO_COLOR`); `stays` see the field.
    pub fn new(json: bool, no_colour: bool, stays: bool, texts: Texts, times: Times) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let columns =
            terminal.then(|| usize::from(console::Term::stdout().size().1)).filter(|columns| *columns > 20);
        Self {
            json,
            sink: Mutex::new(Box::new(std::io::stdout())),
            colour: terminal && !no_colour,
            columns,
            stays,
            watched: std::io::stderr().is_terminal(),
            texts,
            times,
        }
    }

    /// A sentence.
    pub fn say(&self, key: &str, values: &[(&str, Value<'_>)]) -> String {
        self.texts.get(key, values)
    }

    /// A line on stdout.
    pub fn line(&self, text: &str) -> Result<(), Stop> {
        let mut stdout = self.sink.lock().expect("no holder of this lock panics");
        // A line at a time, flushed: `watch` feeds readers that wait for each.
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.write_all(b"\n"))
            .and_then(|()| stdout.flush())
            .map_err(|why| self.stdout_failed(&why))
    }

    /// An object on stdout.
    pub fn object(&self, object: &impl Serialize) -> Result<(), Stop> {
        self.line(&serde_json::to_string(object).expect("our shapes are plain data with string keys"))
    }

    /// Something for the person beside the result: on stderr, so that it is never part of it.
    pub fn note(&self, text: &str) {
        // A note that nobody can read is no reason to fail what is done already.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// A question without a line's end.
    pub fn ask(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "{text} ").and_then(|()| stderr.flush());
    }

    /// The text in a tone, where stdout takes colours.
    pub fn tone(&self, tone: Tone, text: &str) -> String {
        let style = Style::new().force_styling(self.colour);
        let style = match tone {
            _ if text.is_empty() => return String::new(),
            Tone::Plain => return text.to_owned(),
            Tone::Bold => style.bold(),
            Tone::Quiet => style.dim(),
            Tone::Wait => style.yellow(),
            Tone::Needs => style.red(),
            Tone::Done => style.green(),
            Tone::Moves => style.cyan(),
        };
        style.apply_to(text).to_string()
    }

    /// Where one's own words are by now, as the answer to a write.
    pub fn reached_line(&self, delivery: &pocketdesk_domain::model::Delivery) -> Result<(), Stop> {
        self.line(&self.tone(tone(delivery), &format!("{} {}", sign(delivery), self.reached(delivery))))
    }

    fn stdout_failed(&self, why: &std::io::Error) -> Stop {
        if why.kind() == std::io::ErrorKind::BrokenPipe {
            Stop::PipeClosed
        } else {
            Stop::file(&self.texts, std::path::Path::new("stdout"), why)
        }
    }
}
