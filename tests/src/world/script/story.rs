//! Things that must happen in an order to ask a question of design 6 at all. A drawn day has one or more of these
//! between what is drawn by itself.

use fastrand::Rng;

use super::Act;

/// How many stories there are.
const STORIES: usize = 14;

/// Acts of one story: ms from its beginning, on its phone or on the other ones.
pub(super) fn story(rng: &mut Rng, phone: usize, phones: usize) -> Vec<(u64, usize, Act)> {
    let which = rng.usize(..STORIES);
    let other = (phone + 1) % phones;
    let mine = |at: u64, act: Act| (at, phone, act);
    match which {
        // Erased after the backup, then the backup is restored.
        0 => vec![
            mine(0, Act::Burst(2)),
            mine(2_500, Act::BackUp),
            mine(3_500, Act::StaffRemove(true)),
            mine(3_600, Act::StaffRemove(rng.bool())),
            mine(4_500, Act::Restore),
        ],
        // An answer from before the restore arrives after it.
        1 => vec![
            mine(0, Act::BackUp),
            mine(600, Act::Restore),
            mine(1_600, Act::SlowAnswer),
            mine(1_700, Act::Reply),
            mine(3_000, Act::Restore),
        ],
        // A page asked for before the cache was lost arrives while it is built anew.
        2 => vec![
            mine(0, Act::SlowAnswer),
            mine(100, Act::Reply),
            mine(900, Act::LoseCache),
            mine(1_000, Act::Flap),
            mine(1_200, Act::StaffReply),
        ],
        // Tokens are spent, and the way to new ones leads through bad weather.
        3 => vec![
            mine(0, Act::ServerClock(16 * 60_000)),
            mine(200, Act::Hotel(3)),
            mine(500, Act::Reply),
            mine(3_000, Act::ServerDown(2)),
            (4_000, other, Act::Reply),
        ],
        // Scopes taken and given back between two pages.
        4 => vec![
            mine(0, Act::StaffScopes(true)),
            mine(rng.u64(500..4_000), Act::StaffReply),
            mine(4_500, Act::StaffScopes(false)),
            mine(4_500 + rng.u64(50..3_000), Act::StaffScopes(true)),
        ],
        // The server is away for a while, and somebody goes on writing.
        5 => vec![mine(0, Act::ServerDown(14)), mine(300, Act::Burst(4))],
        // Staff's words are acknowledged, and the server's machine loses power.
        6 => vec![
            mine(0, Act::StaffReply),
            mine(rng.u64(1..300), Act::ServerDies(true)),
            mine(2_600, Act::StaffReply),
            mine(2_700, Act::ServerDies(true)),
        ],
        // Somebody signs out with unsent words, and in again.
        7 => vec![
            mine(0, Act::DeadSpot(3)),
            mine(100, Act::Burst(2)),
            mine(400, Act::SignOut(true)),
            mine(rng.u64(1_000..6_000), Act::SignIn),
        ],
        // A file, fetched by the other phone.
        8 => vec![
            mine(0, Act::ReplyWithFile),
            mine(4_000, Act::Download),
            (4_000, other, Act::CutFile),
            (4_500, other, Act::Download),
            (9_000, other, Act::Download),
        ],
        // Two processes write on one phone's disk, and one of them dies.
        9 => vec![
            mine(0, Act::Aside(0)),
            mine(10, Act::Reply),
            mine(20, Act::Aside(rng.u64(1..120))),
            mine(500, Act::Aside(0)),
        ],
        // Some of the cache rots, and a screen is the first to come upon it.
        10 => vec![
            mine(0, Act::StaffReply),
            mine(3_000, Act::Kill),
            mine(3_001, Act::SpoilCache),
            mine(3_002, Act::Read),
            mine(5_000, Act::Read),
        ],
        // Removed while the phone is away, whose cache stays: it hears of it from its journal.
        11 => vec![
            mine(0, Act::Burst(2)),
            mine(3_000, Act::DeadSpot(2)),
            mine(3_500, Act::StaffRemove(rng.bool())),
            mine(4_000, Act::StaffRemove(rng.bool())),
        ],
        // What was said first is lost with the server, while what was said next is on its way.
        12 => vec![
            mine(0, Act::BackUp),
            mine(100, Act::Burst(3)),
            mine(rng.u64(1_500..3_000), Act::Burst(3)),
            mine(3_000, Act::Restore),
        ],
        // A lost verdict, then the op edited; and the ticket's status asked for by both phones.
        _ => vec![
            mine(0, Act::SlowAnswer),
            mine(50, Act::Reply),
            mine(200, Act::Kill),
            mine(400, Act::Edit),
            mine(600, Act::StaffStatus(0)),
            mine(900, Act::Ask(1)),
            (950, other, Act::Ask(2)),
        ],
    }
}
