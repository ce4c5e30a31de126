//! A phone in a process of its own that files, replies and attaches as fast as it can and says what was acknowledged,
//! one line each, until somebody kills it. For the tests of kill -9.

#![allow(clippy::print_stdout, reason = "what it says is what was acknowledged")]
#![allow(clippy::disallowed_methods, reason = "it reads its arguments and writes the files it attaches")]

use std::{io::Write as _, path::PathBuf};

use pocketdesk_domain::model::{NewReply, NewTicket, TicketKey};
use pocketdesk_ffi::{Config, Platform, Pocketdesk, Source, file_secrets};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let home = PathBuf::from(arguments.next().ok_or("usage: pocketdesk-busy-phone FOLDER ROUND")?);
    let round: u64 = arguments.next().ok_or("which round?")?.parse()?;
    let config = Config::new(home.join("data").display().to_string(), "a busy phone", "en");
    let platform = Platform { secrets: file_secrets(home.join("secrets").display().to_string()) };
    let app = Pocketdesk::open(config, platform).await?;
    let scratch = tempfile::tempdir()?;
    for turn in 0.. {
        let filed = NewTicket {
            subject: format!("round {round}, turn {turn}"),
            description: "filed by a busy phone".into(),
            ..NewTicket::default()
        };
        let key = app.submit_ticket(None, filed).await?;
        say(&format!("ticket {}", key.id));
        for n in 0..4 {
            let text = format!("{round}-{turn}-{n}");
            let reply = NewReply { text: text.clone(), ..NewReply::default() };
            app.reply(key.clone(), reply).await?;
            say(&format!("reply {} {text}", key.id));
        }
        attach(&app, &key, round * 1000 + turn, &scratch.path().join("file.bin")).await?;
    }
    Ok(())
}

/// The name of the file at the desk tells nothing; its bytes do.
async fn attach(
    app: &Pocketdesk,
    key: &TicketKey,
    seed: u64,
    path: &std::path::Path,
) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::write(path, pocketdesk_tests::noise(seed, 40_000))?;
    let source = Source::Path { path: path.display().to_string(), name: None };
    let file = app.attach(Some(key.account.clone()), source).await?;
    app.add_attachment(key.clone(), file.id.clone()).await?;
    say(&format!("file {} {} {seed}", key.id, file.id));
    Ok(())
}

/// One whole line, or at least never a line that is not true yet.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let said = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
    if said.is_err() {
        std::process::exit(0);
    }
}
