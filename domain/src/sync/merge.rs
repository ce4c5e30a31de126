//! What a page's or frame's items erase from own.db; what they mean for a cache file is the store's matter.
//!
//! The order is own.db first: whoever carries this out commits the purges there before the cache changes, so that a
//! crash between the two leaves words erased and a page to be applied again, never the contrary.

use pocketdesk_protocol::{
    ids::EntityId,
    sync::{Gone, Item},
};

use crate::outbox::OwnChange;

/// What a page erases from own.db, before its rows are stored.
pub fn plan_erasures(items: &[Item]) -> Vec<OwnChange> {
    let erased = items.iter().filter(|item| item.gone == Some(Gone::Erased));
    erased.map(|item| OwnChange::Purge { entity: item.id }).collect()
}

/// What a snapshot's last frame erases from own.db, before that frame is stored.
pub fn plan_erased(erased: &[EntityId]) -> Vec<OwnChange> {
    erased.iter().map(|entity| OwnChange::Purge { entity: *entity }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::testing::Ops;

    #[test]
    fn only_erasure_reaches_the_persons_own_words() {
        let mut ops = Ops::default();
        let [left, deleted, erased, there] = [(); 4].map(|()| EntityId(ops.id()));
        let row = serde_json::value::RawValue::from_string("{}".to_owned()).unwrap();
        let item = |id, gone| Item { k: "comment".into(), id, v: 1, row: None, gone };
        let items = [
            item(left, Some(Gone::Left)),
            item(deleted, Some(Gone::Deleted)),
            item(erased, Some(Gone::Erased)),
            Item { row: Some(row), ..item(there, None) },
        ];
        assert_eq!(plan_erasures(&items), [OwnChange::Purge { entity: erased }]);
        assert_eq!(plan_erased(&[erased]), plan_erasures(&items));
    }
}
