//! What can be typed. The help is part of the product: examples in every command, kept by goldens.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

mod speech;
pub use speech::{Models, Recordings, Say};

const AFTER: &str = "\
A day with it:
  pocketdesk sign-in https://desk.example.com --email olena@example.com
  pocketdesk new --subject 'Till 2 does not see the scanner' --attach till.png
  pocketdesk list
  pocketdesk show 12
  pocketdesk comment 12 --text 'It works again after a restart'
  pocketdesk outbox

ID is a ticket's id, a unique part of its beginning, or the desk's number (12 or №12).

Reading needs no connection. Writing is saved on this computer first, then sent for at most ten
seconds; what did not go out in that time goes with the next command that writes, with
`pocketdesk sync` or with `pocketdesk watch`.

Exit codes:
  0  done (a write: saved)
  1  failed; one sentence on stderr says what happened and what now
  2  wrong usage
  3  what it touched (for sync and outbox: anything) needs your attention
  4  the desk is unreachable, and nothing on this computer could do it

Environment:
  POCKETDESK_DATA             the folder of accounts, as --data
  POCKETDESK_ACCOUNT          the account, as --account
  POCKETDESK_MODEL_KEYS       your company's public keys for speech models, with spaces between them
  POCKETDESK_MODELS           a developer's folder of speech models, as --models
  XDG_DATA_HOME               where the folder of accounts lies otherwise (~/.local/share)
  XDG_CACHE_HOME              where the folder of speech models lies otherwise (~/.cache)
  LC_ALL, LC_MESSAGES, LANG   the language: ru, uk, else English
  VISUAL, EDITOR              what writes the words that no option gave
  NO_COLOR                    no colours, even on a terminal
  TZ                          the time zone of the times shown";

/// Ask your support desk for help from a terminal, and see what happens, with or without a connection.
#[derive(Debug, Parser)]
#[command(name = "pocketdesk", version, after_help = AFTER, max_term_width = 100, propagate_version = false)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command knows.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "For every command")]
pub struct Global {
    /// The folder of accounts [default: pocketdesk in the user's data folder]
    #[arg(long, global = true, value_name = "DIR", env = "POCKETDESK_DATA", hide_env = true)]
    pub data: Option<PathBuf>,
    /// Flight mode: never touch the network
    #[arg(long, global = true)]
    pub offline: bool,
    /// Print one JSON object a line, and nothing else, on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Which account, where there are several: its name, or a part of its address, person or desk
    #[arg(long, global = true, value_name = "NAME", env = "POCKETDESK_ACCOUNT", hide_env = true)]
    pub account: Option<String>,
    /// A folder of speech models that `cargo x model` made [default: pocketdesk/models in the cache folder]
    #[arg(long, global = true, value_name = "DIR", env = "POCKETDESK_MODELS", hide_env = true)]
    pub models: Option<PathBuf>,
    /// The language: ru, uk or en [default: that of the system]
    #[arg(long, global = true, value_name = "LOCALE")]
    pub locale: Option<String>,
    /// Trust the certificates in this PEM file besides the public ones
    #[arg(long, global = true, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in with a code from a mail
    #[command(after_help = "\
Examples:
  pocketdesk sign-in https://desk.example.com --email olena@example.com
      asks for a code; on a terminal waits for you to type it, elsewhere says how to finish
  pocketdesk sign-in https://desk.example.com --email olena@example.com --code 123456
      ends it, in another process if need be

What was filed before the first sign-in goes to the first account by itself; with other accounts
here, say --bind or --leave.")]
    SignIn {
        /// The desk's address
        url: String,
        /// Your address
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        /// The code from the mail
        #[arg(long)]
        code: Option<String>,
        /// What was filed before signing in goes to this account
        #[arg(long, conflicts_with = "leave")]
        bind: bool,
        /// What was filed before signing in waits
        #[arg(long)]
        leave: bool,
    },
    /// File a ticket
    #[command(after_help = "\
Examples:
  pocketdesk new
      opens your editor: the first line is the subject, the rest the description
  pocketdesk new --subject 'No light in the hall' --description 'Since today' --attach hall.jpg
  dmesg | tail -50 | pocketdesk new --subject 'The scanner is not seen'
  pocketdesk new --subject 'Wish' --description 'A darker night mode' --draft")]
    New {
        /// One line
        #[arg(long)]
        subject: Option<String>,
        /// What happened; without it your editor opens, or stdin is read
        #[arg(long)]
        description: Option<String>,
        /// A file to send along; may be given several times
        #[arg(long, value_name = "FILE")]
        attach: Vec<PathBuf>,
        /// Keep it as a draft; do not send it
        #[arg(long)]
        draft: bool,
    },
    /// List the tickets
    #[command(after_help = "\
Examples:
  pocketdesk list
  pocketdesk list --status waits_for_requester --status solved
  pocketdesk list --unread --json | jq -r .subject")]
    List {
        /// Only these: new, open, waits_for_requester, solved, closed
        #[arg(long, value_name = "STATUS", value_parser = status)]
        status: Vec<pocketdesk_domain::model::TicketStatus>,
        /// Only with something unread
        #[arg(long)]
        unread: bool,
        /// Only those you filed
        #[arg(long)]
        mine: bool,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 200)]
        limit: u32,
    },
    /// Show a ticket with its conversation
    #[command(after_help = "\
Examples:
  pocketdesk show 12
  pocketdesk show 12 --history
  pocketdesk show 12 --json | tail -n +2 | jq -r .text")]
    Show {
        /// The ticket
        id: String,
        /// Everything that happened, not only what was said
        #[arg(long)]
        history: bool,
    },
    /// Reply to a ticket
    #[command(after_help = "\
Examples:
  pocketdesk comment 12 --text 'It works again'
  pocketdesk comment 12 --attach log.txt --text 'Here is the log'
  pocketdesk comment 12
      opens your editor, or reads stdin")]
    Comment {
        /// The ticket
        id: String,
        /// Your words
        #[arg(long)]
        text: Option<String>,
        /// A file to send along; may be given several times
        #[arg(long, value_name = "FILE")]
        attach: Vec<PathBuf>,
        /// Keep it as a draft; do not send it
        #[arg(long)]
        draft: bool,
    },
    /// Add files to a ticket
    #[command(after_help = "\
Examples:
  pocketdesk attach 12 till.png log.txt")]
    Attach {
        /// The ticket
        id: String,
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Save a copy of a ticket's file, loading it first if need be
    #[command(after_help = "\
Examples:
  pocketdesk open 12 till.png
      writes till.png into this folder; an existing file is never replaced
  pocketdesk open 12 till.png --to /tmp/till.png")]
    Open {
        /// The ticket, or a file's id
        id: String,
        /// The file: its name, its id or a unique part of its beginning; not needed when there is only one
        file: Option<String>,
        /// Where to, replacing what is there
        #[arg(long, value_name = "PATH")]
        to: Option<PathBuf>,
    },
    /// Rate the work on a solved ticket
    #[command(after_help = "\
Examples:
  pocketdesk rate 12 5
  pocketdesk rate 12 2 --comment 'It took three visits'")]
    Rate {
        /// The ticket
        id: String,
        /// Your mark; 1 is the worst
        value: u32,
        /// Why, in your words
        #[arg(long)]
        comment: Option<String>,
    },
    /// Say that it is solved
    #[command(after_help = "\
Examples:
  pocketdesk confirm 12")]
    Confirm {
        /// The ticket
        id: String,
    },
    /// Say that it is not solved
    #[command(after_help = "\
Examples:
  pocketdesk reopen 12 --text 'It went dark again'")]
    Reopen {
        /// The ticket
        id: String,
        /// What is still wrong; without it your editor opens, or stdin is read
        #[arg(long)]
        text: Option<String>,
    },
    /// Take a ticket back
    #[command(after_help = "\
Examples:
  pocketdesk withdraw 12 --text 'Found it myself'")]
    Withdraw {
        /// The ticket
        id: String,
        /// Why, in your words
        #[arg(long, default_value = "", hide_default_value = true)]
        text: String,
    },
    /// Mark a ticket as read
    #[command(after_help = "\
Examples:
  pocketdesk read 12")]
    Read {
        /// The ticket
        id: String,
    },
    /// Mark a ticket as unread
    #[command(after_help = "\
Examples:
  pocketdesk unread 12")]
    Unread {
        /// The ticket
        id: String,
    },
    /// See and change who follows a ticket
    #[command(after_help = "\
Examples:
  pocketdesk participants list 12
  pocketdesk participants add 12 taras@example.com
  pocketdesk participants remove 12 taras@example.com")]
    Participants {
        #[command(subcommand)]
        what: Participants,
    },
    /// Find words in everything on this computer
    #[command(after_help = "\
Examples:
  pocketdesk search scanner
  pocketdesk search 'касса не печатает' --newest
      finds other forms of the words too, in Russian, Ukrainian and English")]
    Search {
        /// The words
        query: String,
        /// Newest first instead of best first
        #[arg(long)]
        newest: bool,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// See, send and discard what you wrote and did not send
    #[command(after_help = "\
Examples:
  pocketdesk drafts
  pocketdesk drafts send 0193
  pocketdesk drafts discard 0193

DRAFT is a draft's id or a unique part of its beginning.")]
    Drafts {
        #[command(subcommand)]
        what: Option<Drafts>,
    },
    /// See what waits to be sent or needs you, and mend it
    #[command(after_help = "\
Examples:
  pocketdesk outbox
  pocketdesk outbox retry 0193
  pocketdesk outbox edit 0193 --text 'Shorter words'
  pocketdesk outbox copy 0193 > words.txt

OP is the id that `outbox` shows, or a unique part of its beginning.
Exit code 3: something needs you.")]
    Outbox {
        #[command(subcommand)]
        what: Option<Outbox>,
    },
    /// Speak instead of typing: a ticket, a reply, or why something is not solved
    #[command(after_help = "\
Examples:
  pocketdesk say
      listens to the microphone; Enter ends it, Ctrl-C forgets it
  pocketdesk say --into-comment 12
  pocketdesk say --reopen 12
  pocketdesk say --file memo.m4a
  pocketdesk say --file memo.m4a --no-send --json | jq -r .draft.title

What you said becomes a draft with its recording: you look at it, change it, and send it. Nothing
is sent by itself; what is kept is among `drafts`. Words appear as you speak, on this computer and
with no connection; without a speech model (see `models`) the recording is kept, and its words
come later (see `recordings`).")]
    Say(Say),
    /// See recordings whose words are in no draft yet
    #[command(after_help = "\
Examples:
  pocketdesk recordings
  pocketdesk recordings hear 0193
      makes the draft, or puts the words into it
  pocketdesk recordings discard 0193

They were cut (the power went, the program was killed), or wait for a speech model.")]
    Recordings {
        #[command(subcommand)]
        what: Option<Recordings>,
    },
    /// See, fetch and remove speech models
    #[command(after_help = "\
Examples:
  pocketdesk models
  pocketdesk models fetch
      the one that suits this computer
  pocketdesk models remove base-q5_1

Models come from your desk, signed by the company whose public key is in POCKETDESK_MODEL_KEYS.
A developer makes one with `cargo x model base`.")]
    Models {
        #[command(subcommand)]
        what: Option<Models>,
    },
    /// Turn recordings into text, on this computer
    #[command(after_help = "\
Examples:
  pocketdesk transcribe call.mp3
  pocketdesk transcribe monday.flac tuesday.m4a --json
      one object a line: {\"file\",\"language\",\"text\",\"segments\":[{\"start_ms\",\"end_ms\",\"text\",\"confidence\"}]}

Takes wav, flac, mp3, ogg (Vorbis and Opus) and m4a in Russian, Ukrainian and English, as long as
you like. Needs no account and no connection, but a speech model: see `pocketdesk models`.")]
    Transcribe {
        /// The recordings
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// What is spoken: ru, uk or en [default: found out from the first words]
        #[arg(long, value_name = "LANGUAGE", value_parser = ["ru", "uk", "en"])]
        language: Option<String>,
    },
    /// Send what waits and load what is new
    #[command(after_help = "\
Examples:
  pocketdesk sync
  pocketdesk sync --within 30 --json

Exit code 3: something needs you. Exit code 4: the desk is unreachable; everything stays saved.")]
    Sync {
        /// Stop after so many seconds; what is left goes out next time
        #[arg(long, value_name = "SECONDS", default_value_t = 600)]
        within: u64,
    },
    /// Stay connected and print what changes, as it arrives
    #[command(after_help = "\
Examples:
  pocketdesk watch
  pocketdesk watch 12
  pocketdesk watch --json | while read -r line; do …; done

Ends with Ctrl-C.")]
    Watch {
        /// Only this ticket
        id: Option<String>,
    },
    /// Write everything of yours to a new folder
    #[command(after_help = "\
Examples:
  pocketdesk export ~/my-tickets")]
    Export {
        /// The folder to make
        dir: PathBuf,
    },
    /// Show what those who help you need to know: states, versions, counts, the last errors
    #[command(after_help = "\
Examples:
  pocketdesk report
  pocketdesk report > report.txt

No word of yours is in it, no name, no address and no token; look at it before you send it.
Nothing is sent by itself.")]
    Report,
    /// List the accounts and where each stands
    #[command(after_help = "\
Examples:
  pocketdesk accounts
  pocketdesk accounts --json | jq -r .email")]
    Accounts,
    /// See where you are signed in, and end it from afar
    #[command(after_help = "\
Examples:
  pocketdesk devices
  pocketdesk devices end 0193

DEVICE is the id that `devices` shows, or a unique part of its beginning.")]
    Devices {
        #[command(subcommand)]
        what: Option<Devices>,
    },
    /// Sign out and forget what came from the desk
    #[command(after_help = "\
Examples:
  pocketdesk sign-out
  pocketdesk sign-out --force
      with unsent words: they wait here, locked, until the same person signs in again")]
    SignOut {
        /// Even if something is not sent yet
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Participants {
    /// List who follows a ticket
    List {
        /// The ticket
        id: String,
    },
    /// Have somebody follow a ticket
    Add {
        /// The ticket
        id: String,
        /// Their address
        email: String,
    },
    /// Have somebody no longer follow a ticket
    Remove {
        /// The ticket
        id: String,
        /// Their address, id, or name as shown
        who: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Drafts {
    /// List them
    List,
    /// Send one as it is
    Send {
        /// Which
        draft: String,
    },
    /// Let one go, with the files only it names
    Discard {
        /// Which
        draft: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Outbox {
    /// List it
    List,
    /// Send the same words again
    Retry {
        /// Which
        op: String,
    },
    /// Send other words in the same place
    Edit {
        /// Which
        op: String,
        /// A ticket's new subject
        #[arg(long)]
        subject: Option<String>,
        /// The new words; without both, your editor opens, or stdin is read
        #[arg(long)]
        text: Option<String>,
    },
    /// Let it go; a ticket's words become a draft
    Discard {
        /// Which
        op: String,
    },
    /// File a new ticket with the same words, where the old one is gone or closed
    FileAnew {
        /// Which
        op: String,
    },
    /// Leave a file out and send the rest
    RemoveFile {
        /// Which
        op: String,
        /// The file: its name, its id or a unique part of its beginning
        file: String,
    },
    /// Print its words, to take them elsewhere
    Copy {
        /// Which
        op: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Devices {
    /// List them
    List,
    /// End one: it forgets what came from the desk
    End {
        /// Which
        device: String,
    },
}

fn status(name: &str) -> Result<pocketdesk_domain::model::TicketStatus, String> {
    use pocketdesk_domain::model::TicketStatus::{Closed, New, Open, Solved, WaitsForRequester};
    [New, Open, WaitsForRequester, Solved, Closed]
        .into_iter()
        .find(|status| status.name() == name)
        .ok_or_else(|| "one of new, open, waits_for_requester, solved, closed".to_owned())
}
