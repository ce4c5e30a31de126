//! Times as the screens say them: today as 14:30, tomorrow by name, else day and month; always in the local zone.

use jiff::{Timestamp, tz::TimeZone};
use pocketdesk_texts::{Texts, Value};

/// The wall clock and its zone; both handed in, so that tests stand at one moment.
#[derive(Debug, Clone)]
pub struct Times {
    zone: TimeZone,
    now: fn() -> Timestamp,
}

/// Which little word stands before the time.
#[derive(Debug, Clone, Copy)]
pub enum Phrase {
    /// "14:30"
    Bare,
    /// "at 14:30"
    At,
    /// "since 14:30"
    Since,
    /// "by 14:30"
    By,
    /// "from 14:30"
    From,
    /// "to 14:30"
    To,
}

impl Times {
    /// Times of `zone`, told from `now`.
    pub fn new(zone: TimeZone, now: fn() -> Timestamp) -> Self {
        Self { zone, now }
    }

    /// Whether that moment (ms since the epoch) has passed.
    pub fn passed(&self, at: i64) -> bool {
        (self.now)().as_millisecond() > at
    }

    /// A moment (ms since the epoch) in words.
    pub fn phrase(&self, texts: &Texts, phrase: Phrase, at: i64) -> String {
        let Ok(at) = Timestamp::from_millisecond(at) else { return "—".to_owned() };
        let at = at.to_zoned(self.zone.clone());
        let today = (self.now)().to_zoned(self.zone.clone()).date();
        let day = match at.date().since(today).map(|span| span.get_days()) {
            Ok(0) => "today",
            Ok(1) => "tomorrow",
            Ok(-1) => "yesterday",
            _ => "other",
        };
        let mut date = texts.get("date", &[("day", at.day().into()), ("month", at.month().into())]);
        if at.year() != today.year() {
            date = texts.get("date-year", &[("date", date.into()), ("year", at.year().into())]);
        }
        let clock = format!("{:02}:{:02}", at.hour(), at.minute());
        let values: [(&str, Value<'_>); 3] =
            [("day", day.into()), ("clock", clock.into()), ("date", date.into())];
        let key = match phrase {
            Phrase::Bare => "time",
            Phrase::At => "time-at",
            Phrase::Since => "time-since",
            Phrase::By => "time-by",
            Phrase::From => "time-from",
            Phrase::To => "time-to",
        };
        texts.get(key, &values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "2026-03-10T12:00:00+02:00";

    fn times() -> Times {
        Times::new(TimeZone::fixed(jiff::tz::offset(2)), || NOON.parse().expect("a moment"))
    }

    fn said(locale: &str, phrase: Phrase, at: &str) -> String {
        let at: Timestamp = format!("{at}+02:00").parse().expect("a moment");
        let texts = Texts::for_locale(locale);
        times().phrase(&texts, phrase, at.as_millisecond()).replace('\u{a0}', " ")
    }

    #[test]
    fn a_promise_is_told_as_people_tell_the_time() {
        assert_eq!(said("ru", Phrase::By, "2026-03-10T14:30:00"), "до 14:30");
        assert_eq!(said("ru", Phrase::By, "2026-03-11T12:00:00"), "завтра до 12:00");
        assert_eq!(said("uk", Phrase::By, "2026-03-11T12:00:00"), "завтра до 12:00");
        assert_eq!(said("en", Phrase::By, "2026-03-12T09:05:00"), "by 12 March, 09:05");
        assert_eq!(said("uk", Phrase::At, "2026-03-09T23:59:00"), "учора о 23:59");
        assert_eq!(said("ru", Phrase::Since, "2026-03-01T08:00:00"), "с 1 марта, 08:00");
        assert_eq!(said("en", Phrase::Bare, "2025-12-31T23:00:00"), "31 December 2025, 23:00");
    }

    #[test]
    fn a_moment_nobody_can_write_down_is_no_panic() {
        assert_eq!(times().phrase(&Texts::for_locale("en"), Phrase::At, i64::MAX), "—");
    }
}
