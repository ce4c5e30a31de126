//! Full jitter: a random wait up to 1 s · 2^k, at most 300 s; what the server asked for is a floor.

/// The first interval, ms.
pub const FIRST_MS: i64 = 1_000;
/// The longest interval, ms.
pub const CAP_MS: i64 = 300_000;

/// The interval after `failures` in a row (1 is the first).
pub(super) fn interval(failures: u32) -> i64 {
    let doublings = failures.saturating_sub(1).min(20);
    (FIRST_MS << doublings).min(CAP_MS)
}

/// A wait somewhere in the interval, at least `floor_ms`.
pub(super) fn jittered(interval_ms: i64, random: u32, floor_ms: Option<u64>) -> i64 {
    // Never 0: a wait that ends at once is a hot loop under an unlucky draw.
    let part = (interval_ms.saturating_mul(i64::from(random)) >> 32).max(interval_ms / 16);
    let floor = floor_ms.map_or(0, |floor| i64::try_from(floor).unwrap_or(i64::MAX / 4));
    part.max(floor)
}
