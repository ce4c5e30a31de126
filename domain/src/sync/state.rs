//! What the machine remembers between steps.

use super::{Effect, Input, Now};
use crate::model::SyncState;

/// The machine of one account. Lives as long as the syncing process; all that must survive it is in own.db.
#[derive(Debug, Clone, Default)]
pub struct State {}

impl State {
    /// What to do now that `input` happened.
    pub fn step(&mut self, input: Input, now: Now) -> Vec<Effect> {
        let _ = (input, now);
        unimplemented!("follows within the hour")
    }

    /// As the screens show it.
    pub fn sync_state(&self, now: i64) -> SyncState {
        let _ = now;
        unimplemented!("follows within the hour")
    }

    /// Whether a `sync_now` has come to its end: nothing is under way or about to start by itself within a moment.
    pub fn is_settled(&self, now: i64) -> bool {
        let _ = now;
        unimplemented!("follows within the hour")
    }
}
