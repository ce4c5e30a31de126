//! How much one asker may ask: a bucket per asker that fills steadily and holds a minute's worth (GCRA, which needs
//! one number per asker). Buckets are this process's: with n replicas an asker gets up to n times as much; what must
//! hold over all of them (codes to one address) is counted in the database instead.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use pocketdesk_protocol::ids::SessionId;

/// Milliseconds a full bucket lasts.
const WINDOW_MS: u64 = 60_000;
/// Askers remembered at a time; beyond it those that rest are forgotten.
const REMEMBERED: usize = 100_000;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asker {
    /// Any route, from one address.
    Address(IpAddr),
    /// Signing in, from one address.
    SignIn(IpAddr),
    /// Any route of one session.
    Session(SessionId),
    /// Parts of files of one session.
    Parts(SessionId),
}

/// The address that counts: a whole IPv6 /64 is one household's.
pub fn address(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        ip => ip,
    }
}

/// See the module.
#[derive(Default)]
pub struct Limiter {
    /// When each asker's bucket will be full again, in microseconds of the monotonic clock.
    full_at: Mutex<HashMap<Asker, u64>>,
}

impl Limiter {
    /// Takes one from the bucket, or says how many seconds to wait. `now` is monotonic ms.
    pub fn take(&self, asker: Asker, a_minute: u32, now: u64) -> Result<(), u64> {
        let now = now * 1000;
        let window = WINDOW_MS * 1000;
        let each = window / u64::from(a_minute.max(1));
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= REMEMBERED {
            full_at.retain(|_, full| *full > now);
            if full_at.len() >= REMEMBERED && !full_at.contains_key(&asker) {
                return Err(1);
            }
        }
        let full = full_at.entry(asker).or_insert(now);
        let next = (*full).max(now) + each;
        let wait = next.saturating_sub(now + window);
        if wait > 0 {
            return Err(wait.div_ceil(1_000_000));
        }
        *full = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_the_next_one_told_when_to_come() {
        let limiter = Limiter::default();
        let asker = Asker::Address([192, 0, 2, 1].into());
        for _ in 0..60 {
            limiter.take(asker, 60, 0).unwrap();
        }
        assert_eq!(limiter.take(asker, 60, 0), Err(1));
        assert_eq!(limiter.take(asker, 60, 999), Err(1));
        limiter.take(asker, 60, 1000).unwrap();
        limiter.take(Asker::Address([192, 0, 2, 2].into()), 60, 0).unwrap();
    }

    #[test]
    fn one_household_is_one_asker_however_many_addresses_it_has() {
        let a = address("2001:db8:1:2:3::4".parse().unwrap());
        assert_eq!(a, address("2001:db8:1:2:ffff::1".parse().unwrap()));
        assert_ne!(a, address("2001:db8:1:3::4".parse().unwrap()));
        assert_eq!(address("::ffff:192.0.2.1".parse().unwrap()), IpAddr::from([192, 0, 2, 1]));
    }
}
