//! Everything the core can say has its sentence: a new state, remedy or code does not compile or does not pass
//! until it has one.

use pocketdesk_domain::model::{
    AttentionReason, Delivery, PausedReason, Remedy, RetryReason, SyncState, TicketStatus, WaitsFor,
};
use pocketdesk_protocol::sync::code;
use pocketdesk_texts::Language;

use crate::parity::arguments;

fn keys() -> std::collections::BTreeMap<String, std::collections::BTreeSet<String>> {
    arguments(Language::En)
}

fn said(key: &str) {
    assert!(keys().contains_key(key), "nothing says {key}");
}

/// Names of the codes, read from the contract itself, so that a new one cannot be forgotten here.
fn codes() -> Vec<String> {
    let contract = include_str!("../../../protocol/src/sync.rs");
    let module = contract.split_once("pub mod code {").expect("the contract names its codes").1;
    let module = module.split_once("\n}").expect("the module ends").0;
    module
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub const ")?.split_once("= \"")?.1.strip_suffix("\";"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_person_is_told_why_whatever_the_desk_rejects() {
    let codes = codes();
    assert!(codes.contains(&code::NOT_REFUSED.to_owned()) && codes.len() >= 19, "{codes:?}");
    for name in codes {
        said(&code::text_key(&name));
        assert!(keys()[&code::text_key(&name)].is_empty(), "the desk hands in no values: {name}");
    }
    said("rejected-other");
    said("refused-other");
}

#[test]
fn a_person_is_told_where_their_words_are() {
    use WaitsFor::*;
    for waits in [Network, Wifi, Lane, Ticket, SignIn, NewerApp] {
        said(match waits {
            Network => "waits-network",
            Wifi => "waits-wifi",
            Lane => "waits-lane",
            Ticket => "waits-ticket",
            SignIn => "waits-sign-in",
            NewerApp => "waits-newer-app",
        });
    }
    for why in [RetryReason::Network, RetryReason::Busy, RetryReason::Server, RetryReason::WrongDate] {
        said(match why {
            RetryReason::Network => "retry-network",
            RetryReason::Busy => "retry-busy",
            RetryReason::Server => "retry-server",
            RetryReason::WrongDate => "retry-wrong-date",
        });
    }
    let deliveries = [
        Delivery::Draft,
        Delivery::Saved { waits_for: Network, since: 0 },
        Delivery::Sending { sent: 0, total: 0 },
        Delivery::Retrying { why: RetryReason::Busy, next: 0 },
        Delivery::Delivered { at: 0 },
        Delivery::Registered { number: None },
        Delivery::Attention { why: AttentionReason::ServerCannotTakeIt, remedies: vec![Remedy::CopyText] },
    ];
    for delivery in deliveries {
        said(&format!("delivery-{}", delivery.name()));
    }
}

#[test]
fn a_person_is_told_what_needs_them_and_what_ends_it() {
    let reasons = [
        AttentionReason::Rejected {
            code: code::INVALID.to_owned(),
            text_key: code::text_key(code::INVALID),
            text: None,
            field: None,
        },
        AttentionReason::Refused { code: "other".to_owned(), text_key: String::new(), words: None },
        AttentionReason::ServerCannotTakeIt,
        AttentionReason::FileVanished { name: "till.png".to_owned() },
    ];
    for reason in reasons {
        said(match &reason {
            AttentionReason::Rejected { text_key, .. } => text_key,
            AttentionReason::Refused { .. } => "refused-other",
            AttentionReason::ServerCannotTakeIt => "attention-cannot-take",
            AttentionReason::FileVanished { .. } => "attention-file-vanished",
        });
    }
    use Remedy::*;
    for remedy in [Edit, Retry, Discard, FileAnew, FollowUp, CopyText, SignIn, RemoveFile] {
        match remedy {
            Edit | Retry | Discard | FileAnew | FollowUp | CopyText | SignIn | RemoveFile => {
                said(&format!("remedy-{}", remedy.name().replace('_', "-")));
            }
        }
    }
}

#[test]
fn a_person_is_told_where_their_ticket_and_account_are() {
    use TicketStatus::*;
    for status in [New, Open, WaitsForRequester, Solved, Closed] {
        match status {
            New | Open | WaitsForRequester | Solved | Closed => {
                said(&format!("status-{}", status.name().replace('_', "-")));
                said(&format!("status-short-{}", status.name().replace('_', "-")));
            }
        }
    }
    let paused =
        [PausedReason::NotSignedIn, PausedReason::SignedOut, PausedReason::AppTooOld, PausedReason::Damaged];
    let states = [SyncState::Idle, SyncState::Running, SyncState::Offline, SyncState::Waiting { next: 0 }];
    for state in states.into_iter().chain(paused.map(|why| SyncState::Paused { why })) {
        said(match state {
            SyncState::Idle => "account-idle",
            SyncState::Running => "account-running",
            SyncState::Offline => "account-offline",
            SyncState::Waiting { .. } => "account-waiting",
            SyncState::Paused { why: PausedReason::NotSignedIn } => "account-not-signed-in",
            SyncState::Paused { why: PausedReason::SignedOut } => "account-signed-out",
            SyncState::Paused { why: PausedReason::AppTooOld } => "account-app-too-old",
            SyncState::Paused { why: PausedReason::Damaged } => "account-damaged",
        });
    }
}
