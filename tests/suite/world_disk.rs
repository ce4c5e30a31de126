//! World's disk by itself: if it lied, every other proof would.

use pocketdesk_tests::world::disk::power::{Losses, Setting, losses};

#[test]
fn a_power_loss_takes_no_commit_that_was_acknowledged_under_full() {
    for sealed in [false, true] {
        let sum = losses(Setting { sealed, ..Setting::wal("FULL") }, 0..500);
        assert_eq!(sum.losses, 1_000);
        assert!(sum.acknowledged > 10_000, "{sum:?}");
        assert_eq!((sum.lost, sum.damaged), (0, 0), "sealed: {sealed}, {sum:?}");
    }
}

#[test]
fn the_disk_does_lose_what_was_not_synced() {
    let normal = losses(Setting::wal("NORMAL"), 0..100);
    assert!(normal.lost > 0 && normal.damaged == 0, "{normal:?}");
    let liar = losses(Setting { syncs_lie: true, ..Setting::wal("FULL") }, 0..100);
    assert!(liar.lost > 0, "{liar:?}");
}

#[test]
fn one_seed_is_one_history() {
    let once = || -> Losses { losses(Setting { sealed: true, ..Setting::wal("NORMAL") }, 0..50) };
    assert_eq!(once(), once());
}
