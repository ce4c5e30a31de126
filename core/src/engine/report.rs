//! What a person can send to whoever helps them: states, versions, counts and the last errors of every account.
//!
//! None of their words is in it, no name, no address, no id and no token: everything is a number or a name out of this
//! program. What came from outside (a code of the desk's, a kind of op) is said only when it looks like such a name.
//! The last errors lie in own.db, so that the next process can tell them; they are written when syncing ends.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use pocketdesk_domain::{
    model::{DiagnosticReport, ReportLine, SyncState},
    outbox::OpState,
};
use pocketdesk_protocol::version::PROTOCOL_VERSION;
use serde::{Deserialize, Serialize};

use super::{account::Account, accounts::Accounts};
use crate::{error::Error, error::Result, remote::answer::Failure, store::Snapshot};

/// Errors remembered of an account.
const ERRORS: usize = 20;
/// Setting: they, as JSON.
const SETTING: &str = "last-errors";

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// When it last did, ms by the phone's clock.
    at: i64,
    /// What.
    what: String,
    /// How often in a row.
    times: u32,
}

/// The last errors, in the order they came; one that repeats itself is counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Errors(VecDeque<Noted>);

impl Errors {
    pub(crate) fn note(&mut self, at: i64, error: &Error) {
        let Some(what) = name(error) else { return };
        match self.0.back_mut().filter(|last| last.what == what) {
            Some(last) => (last.at, last.times) = (at, last.times.saturating_add(1)),
            None => self.0.push_back(Noted { at, what, times: 1 }),
        }
        while self.0.len() > ERRORS {
            self.0.pop_front();
        }
    }

    /// After those of earlier processes.
    fn after(&self, earlier: Option<String>) -> Self {
        let earlier: VecDeque<Noted> =
            earlier.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let all = earlier.into_iter().chain(self.0.iter().cloned()).collect::<Vec<_>>();
        Self(all.into_iter().rev().take(ERRORS).rev().collect())
    }
}

/// An error in words of this program alone; none for those that say nothing of its health.
fn name(error: &Error) -> Option<String> {
    Some(match error {
        Error::NotFound { .. }
        | Error::Ambiguous { .. }
        | Error::Invalid { .. }
        | Error::NotNow { .. }
        | Error::NotWholeYet
        | Error::WouldLeaveWords(_)
        | Error::ChooseUnbound
        | Error::Address(_)
        | Error::Outbox(_)
        | Error::Closed => return None,
        Error::Remote(Failure::Refused { status, code, .. }) => {
            format!("the desk refused the request (status {status}, {})", plain(code))
        }
        // A path is the person's.
        Error::File { .. } => "a file of the person's could not be read or written".to_owned(),
        other => other.to_string(),
    })
}

/// A name that a program gave; anything else could be somebody's.
fn plain(name: &str) -> &str {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte);
    if name.len() <= 40 && name.bytes().all(fits) { name } else { "other" }
}

impl Account {
    /// Remembers an error for the report.
    pub(crate) fn note_error(&self, error: &Error) {
        let now = self.shared.env.clock.now();
        self.standing().errors.note(now, error);
    }

    /// Hands the remembered errors on to the next process.
    pub(crate) async fn keep_errors(self: &Arc<Self>) {
        let errors = std::mem::take(&mut self.standing().errors);
        if errors.0.is_empty() {
            return;
        }
        let kept = self
            .record(move |tx| {
                let all = errors.after(tx.setting(SETTING)?);
                let json = serde_json::to_string(&all.0).expect("plain data is JSON");
                Ok(tx.set_setting(SETTING, Some(&json))?)
            })
            .await;
        if let Err(error) = kept {
            tracing::info!(account = %self.name, %error, "the last errors could not be kept");
        }
    }

    async fn report_lines(self: &Arc<Self>, of: &str, lines: &mut Vec<ReportLine>) -> Result<()> {
        let this = self.clone();
        let found = self.read(move |snapshot| this.lines_of_report(snapshot)).await?;
        lines.extend(
            found.into_iter().map(|(name, value)| ReportLine { name: format!("{of} {name}"), value }),
        );
        Ok(())
    }

    fn lines_of_report(&self, snapshot: &Snapshot<'_>) -> Result<Vec<(String, String)>> {
        let now = self.shared.env.clock.now();
        let ago = |at: i64| format!("{} s ago", now.saturating_sub(at) / 1_000);
        let own = snapshot.own();
        let (facts, session) = (own.account()?, own.session()?);
        let standing = self.standing().clone();
        let mut lines: Vec<(String, String)> = Vec::new();
        let mut say = |name: &str, value: String| lines.push((name.to_owned(), value));
        let state = match self.paused(&facts, session.is_some()) {
            Some(why) => format!("paused, {why:?}"),
            None => match standing.sync {
                SyncState::Waiting { next } => format!("waiting, next try in {} s", (next - now) / 1_000),
                other => format!("{other:?}"),
            },
        };
        say("state", state);
        if let Some(why) = &standing.unwritable {
            say("files", format!("can only be read and exported: {why}"));
        }
        say("synced", facts.synced_at.map_or_else(|| "never".to_owned(), ago));
        if facts.server_time > 0 {
            say("last answer", ago(facts.server_seen));
            let wrong = facts.server_seen.saturating_sub(facts.server_time) / 1_000;
            say("clock ahead of the desk's", format!("{wrong} s"));
        }
        say("epoch known", own.epoch()?.is_some().to_string());
        say("verdicts", own.verdicts()?.to_string());
        let mut ops: BTreeMap<String, (u64, u64, u64, i64)> = BTreeMap::new();
        for op in own.ops()? {
            let state = match &op.state {
                OpState::Live if op.last_failure.is_some() => "live, failed last".to_owned(),
                OpState::Live => "live".to_owned(),
                OpState::Applied(_) => "kept".to_owned(),
                OpState::Rejected(rejected) => format!("rejected, {}", plain(&rejected.code)),
            };
            let key = format!("ops {} ({state})", plain(&op.kind));
            let entry = ops.entry(key).or_insert((0, 0, 0, i64::MAX));
            entry.0 += 1;
            entry.1 = entry.1.max(u64::from(op.starts));
            entry.2 = entry.2.max(u64::from(op.alone_failures));
            entry.3 = entry.3.min(op.made_at);
        }
        for (name, (count, starts, alone, oldest)) in ops {
            say(
                &name,
                format!("{count}, at most {starts} starts, {alone} failed alone, oldest {}", ago(oldest)),
            );
        }
        say("drafts", own.drafts()?.len().to_string());
        let (waiting, bytes) = own.waiting()?;
        say("outbox", format!("{waiting} ops, {bytes} bytes of files"));
        let files = own.files()?;
        for (name, staged) in [("files attached here", true), ("files loaded", false)] {
            let of: Vec<_> = files.iter().filter(|file| file.staged == staged).collect();
            let bytes: u64 = of.iter().map(|file| file.file.size).sum();
            let whole = of.iter().filter(|file| file.complete_at.is_some()).count();
            let stopped = of.iter().filter(|file| file.stopped).count();
            let here = of.iter().filter(|file| self.folder.has(&file.sealed)).count();
            say(
                name,
                format!(
                    "{} ({bytes} bytes), {here} on this device, {whole} whole at the desk, {stopped} stopped",
                    of.len()
                ),
            );
        }
        match snapshot.cache() {
            None => say("cache", "none".to_owned()),
            Some(cache) => {
                let (facts, counts) = (cache.facts()?, cache.counts()?);
                let state = if facts.finished { "whole" } else { "growing" };
                say("cache", format!("{state}, {} tickets, {} unread", counts.tickets, counts.unread));
            }
        }
        for error in standing.errors.after(own.setting(SETTING)?).0 {
            say("error", format!("{} ({}, {} times)", error.what, ago(error.at), error.times));
        }
        Ok(lines)
    }
}

impl Accounts {
    /// See the module.
    pub async fn report(&self) -> Result<DiagnosticReport> {
        if self.shared.topics.is_closed() {
            return Err(Error::Closed);
        }
        let network = self.shared.network();
        let mut lines: Vec<ReportLine> = [
            ("app", env!("CARGO_PKG_VERSION").to_owned()),
            ("protocol", PROTOCOL_VERSION.to_string()),
            ("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
            ("syncs by itself", self.shared.settings.automatic.to_string()),
            ("flight mode", self.shared.is_offline().to_string()),
            ("network", format!("online {}, metered {}", network.online, network.metered)),
            ("looked at", network.foreground.to_string()),
        ]
        .map(|(name, value)| ReportLine { name: name.to_owned(), value })
        .into();
        for (number, opened) in (1_u32..).zip(self.opened()) {
            let of = format!("account {number}");
            let told = match &opened {
                Ok(account) => account.report_lines(&of, &mut lines).await,
                Err(error) => Err(error.clone()),
            };
            if let Err(error) = told {
                // What cannot be told is told.
                let value = name(&error).unwrap_or_else(|| "cannot be read".to_owned());
                lines.push(ReportLine { name: format!("{of} cannot be read"), value });
            }
        }
        Ok(DiagnosticReport { lines })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn nothing_that_somebody_wrote_passes_for_a_name_of_ours() {
        let secret = "olena@firm.example says hi";
        assert_eq!(plain(secret), "other");
        assert_eq!(plain("moved_on"), "moved_on");
        for error in [
            Error::File { path: secret.into(), reason: secret.into() },
            Error::Invalid { field: "text", reason: secret.into() },
            Error::Ambiguous { what: "account", candidates: vec![secret.into()] },
            Failure::Refused { status: 400, code: secret.into(), tries_left: None }.into(),
        ] {
            assert!(!name(&error).unwrap_or_default().contains("olena"), "{error:?}");
        }
    }

    #[test]
    fn an_error_that_repeats_itself_pushes_no_other_out() {
        let mut errors = Errors::default();
        errors.note(1, &StoreError::Full.into());
        for at in 0..100 {
            errors.note(at, &Error::Remote(Failure::NotOurs));
        }
        assert_eq!(errors.0.len(), 2);
        assert_eq!((errors.0[1].at, errors.0[1].times), (99, 100));
    }
}
