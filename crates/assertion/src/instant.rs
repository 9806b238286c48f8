//! Times in messages: `xs:dateTime`, read in every lexical form and exactly.

use std::fmt;
use std::time::Duration;

use chrono::{
    DateTime, Datelike as _, Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Timelike as _, Utc,
};

use crate::reading::trimmed;

/// A time from a message.
///
/// A malformed time is kept as text, so that the rule that needs it can quote it, and the other rules still run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Moment(Result<DateTime<Utc>, String>);

impl Moment {
    pub(crate) fn read(text: &str) -> Moment {
        Moment(parse(text).ok_or_else(|| text.to_owned()))
    }

    /// Returns the time, if it is well-formed.
    pub(crate) fn at(&self) -> Option<DateTime<Utc>> {
        self.0.as_ref().ok().copied()
    }

    /// Returns the text; a malformed time is returned unchanged.
    pub(crate) fn text(&self) -> String {
        match &self.0 {
            Ok(at) => Shown(*at).text(),
            Err(malformed) => malformed.clone(),
        }
    }
}

/// A configured time as chrono adds it to an instant. A time beyond the calendar counts as the longest there is.
pub(crate) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// The receiver's clock with the allowed difference to the sender's: `now - skew` and `now + skew`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) now: DateTime<Utc>,
    pub(crate) skew: TimeDelta,
    earliest: DateTime<Utc>,
    latest: DateTime<Utc>,
}

impl Clock {
    /// Makes the clock. At the limits of the calendar the bounds stop, which can only refuse what exact arithmetic
    /// would accept.
    pub(crate) fn new(now: DateTime<Utc>, skew: Duration) -> Clock {
        let skew = delta(skew);
        Clock {
            now,
            skew,
            earliest: now.checked_sub_signed(skew).unwrap_or(DateTime::<Utc>::MIN_UTC),
            latest: now.checked_add_signed(skew).unwrap_or(DateTime::<Utc>::MAX_UTC),
        }
    }

    /// Returns whether `now - skew < end`: an upper bound is exclusive (saml-core-2.0-os 2.5.1.2).
    pub(crate) fn is_before(&self, end: DateTime<Utc>) -> bool {
        self.earliest < end
    }

    /// Returns whether something can have happened at `instant`, allowing five minutes more than the skew.
    ///
    /// The specification sets no limits for IssueInstant and AuthnInstant. Identity providers allow for slow clocks
    /// at the receiver by dating `NotBefore` back, Okta by five minutes. Comparing these instants with the skew alone
    /// would undo that.
    pub(crate) fn can_have_been(&self, instant: DateTime<Utc>) -> bool {
        self.latest.checked_add_signed(ALLOWANCE).unwrap_or(DateTime::<Utc>::MAX_UTC) >= instant
    }

    /// Returns whether `now - skew <= end`: a maximum age includes its last instant.
    pub(crate) fn is_at_or_before(&self, end: DateTime<Utc>) -> bool {
        self.earliest <= end
    }

    /// Returns whether `now + skew >= start`: a lower bound is inclusive.
    pub(crate) fn has_reached(&self, start: DateTime<Utc>) -> bool {
        self.latest >= start
    }
}

/// How far beyond the skew an instant may be that only states when something was done.
pub(crate) const ALLOWANCE: TimeDelta = TimeDelta::minutes(5);

/// A time in the format of the ledger and the errors: RFC 3339 in UTC, with 0, 3, 6 or 9 digits of a fraction as
/// needed.
pub(crate) struct Shown(pub(crate) DateTime<Utc>);

impl Shown {
    pub(crate) fn text(&self) -> String {
        let mut text = String::with_capacity(32);
        self.push_to(&mut text);
        text
    }

    /// Writes the time. The ledger of every accepted response has a dozen times, so times of four-digit years are
    /// written digit by digit.
    pub(crate) fn push_to(&self, text: &mut String) {
        let (date, time) = (self.0.date_naive(), self.0.time());
        let (Ok(year @ 0..=9999), 0) = (u32::try_from(date.year()), time.nanosecond()) else {
            text.push_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            return;
        };
        push_two(text, year / 100);
        push_two(text, year % 100);
        let rest = [date.month(), date.day(), time.hour(), time.minute(), time.second()];
        for (mark, number) in ['-', '-', 'T', ':', ':'].into_iter().zip(rest) {
            text.push(mark);
            push_two(text, number);
        }
        text.push('Z');
    }
}

/// Writes a number under 100 in two digits.
fn push_two(text: &mut String, number: u32) {
    text.extend([number / 10, number % 10].into_iter().filter_map(|digit| char::from_digit(digit, 10)));
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// Reads an `xs:dateTime` (XML Schema part 2, 3.2.7): `-?YYYY-MM-DDThh:mm:ss(.s+)?(Z|[+-]hh:mm)?`, white space collapsed.
///
/// * Years have four digits, or more without a leading zero. A minus sign is read astronomically. There is no year
///   0000.
/// * `24:00:00` is the first instant of the next day. Second 60 does not exist (saml-core-2.0-os 1.3.3).
/// * A missing time zone is read as UTC, which that section requires of every SAML time.
/// * Digits after the nanosecond round **up**: every comparison here is `clock < time` or `clock >= time` with a
///   clock in whole nanoseconds. For those, the next nanosecond gives exactly the answer of the full fraction.
pub(crate) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let mut rest = Rest(trimmed(text).as_bytes());
    let negative = rest.skip(b'-').is_some();
    let year = read_year(rest.digits(), negative)?;
    let (month, day) = (rest.after(b'-')?, rest.after(b'-')?);
    let (hour, minute, second) = (rest.after(b'T')?, rest.after(b':')?, rest.after(b':')?);
    let fraction = match rest.skip(b'.') {
        Some(()) => Some(rest.digits()).filter(|digits| !digits.is_empty())?,
        None => b"",
    };
    let offset = rest.zone()?;

    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    let (nanoseconds, left_over) = read_fraction(fraction)?;
    if hour == 24 {
        let is_midnight = minute == 0 && second == 0 && nanoseconds == 0 && !left_over;
        let next = date.checked_add_days(Days::new(1)).filter(|_| is_midnight)?;
        return next.and_time(NaiveTime::MIN).and_utc().checked_sub_signed(offset);
    }
    let time = NaiveTime::from_hms_nano_opt(hour, minute, second, nanoseconds)?;
    date.and_time(time)
        .and_utc()
        .checked_sub_signed(offset)?
        .checked_add_signed(TimeDelta::nanoseconds(i64::from(left_over)))
}

/// The part of the text that is not read yet.
struct Rest<'t>(&'t [u8]);

impl<'t> Rest<'t> {
    /// Skips this byte, if it is the next.
    fn skip(&mut self, byte: u8) -> Option<()> {
        match self.0 {
            [first, rest @ ..] if *first == byte => {
                self.0 = rest;
                Some(())
            }
            _ => None,
        }
    }

    /// Reads all digits up to another character.
    fn digits(&mut self) -> &'t [u8] {
        let length = self.0.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at_checked(length).unwrap_or_default();
        self.0 = rest;
        digits
    }

    /// Reads the two digits after this byte.
    fn after(&mut self, byte: u8) -> Option<u32> {
        self.skip(byte)?;
        match self.0 {
            [tens @ b'0'..=b'9', units @ b'0'..=b'9', rest @ ..] => {
                self.0 = rest;
                number(&[*tens, *units])
            }
            _ => None,
        }
    }

    /// Reads the time zone at the end of the text, as the offset to subtract to arrive at UTC.
    fn zone(&mut self) -> Option<TimeDelta> {
        let (&sign, _) = match self.0 {
            [] | [b'Z'] => return Some(TimeDelta::zero()),
            zone => zone.split_first()?,
        };
        let hours = if sign == b'-' { self.after(b'-') } else { self.after(b'+') }?;
        let minutes = self.after(b':')?;
        if !self.0.is_empty() || minutes > 59 || hours > 14 || (hours == 14 && minutes != 0) {
            return None;
        }
        let minutes = i64::from(hours).checked_mul(60)?.checked_add(i64::from(minutes))?;
        Some(TimeDelta::minutes(if sign == b'-' { minutes.checked_neg()? } else { minutes }))
    }
}

fn read_year(digits: &[u8], negative: bool) -> Option<i32> {
    if digits.len() < 4 || (digits.len() > 4 && digits.starts_with(b"0")) {
        return None;
    }
    match i32::try_from(number(digits)?).ok()? {
        0 => None,
        year if negative => year.checked_neg(),
        year => Some(year),
    }
}

/// Returns the nanoseconds of the digits after the point, and whether further digits are not zero.
fn read_fraction(digits: &[u8]) -> Option<(u32, bool)> {
    let (nanoseconds, further) = digits.split_at_checked(9).unwrap_or((digits, &[]));
    let scale = 10_u32.checked_pow(u32::try_from(9_usize.checked_sub(nanoseconds.len())?).ok()?)?;
    Some((number(nanoseconds)?.checked_mul(scale)?, further.iter().any(|&digit| digit != b'0')))
}

/// Returns the number that the digits write; 0 if there are none.
fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0_u32, |sum, digit| sum.checked_mul(10)?.checked_add(u32::from(digit.checked_sub(b'0')?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_rfc_3339_says() {
        for text in [
            "2026-11-24T00:01:09Z",
            "0001-01-01T00:00:00Z",
            "0099-12-31T23:59:59Z",
            "9999-12-31T23:59:59Z",
            "2026-11-24T00:01:09.100Z",
            "2026-11-24T00:01:09.000001Z",
            "2026-11-24T00:01:09.000000001Z",
        ] {
            let shown = Shown(parse(text).unwrap());
            assert_eq!((shown.to_string(), shown.text()), (text.to_owned(), text.to_owned()));
        }
        assert_eq!(Shown(parse("12026-11-24T00:01:09Z").unwrap()).text(), "+12026-11-24T00:01:09Z");
        assert_eq!(Shown(parse("-0044-03-15T12:00:00Z").unwrap()).text(), "-0044-03-15T12:00:00Z");
    }

    #[test]
    fn every_lexical_form() {
        let cases = [
            ("2026-11-24T00:01:00Z", Some("2026-11-24T00:01:00Z")),
            ("2026-11-24T00:01:00", Some("2026-11-24T00:01:00Z")),
            (" \n2026-11-24T00:01:00Z\t", Some("2026-11-24T00:01:00Z")),
            ("2026-11-24T00:01:00.1Z", Some("2026-11-24T00:01:00.100Z")),
            ("2026-11-24T00:01:00.000Z", Some("2026-11-24T00:01:00Z")),
            ("2026-11-24T00:01:00.123456789Z", Some("2026-11-24T00:01:00.123456789Z")),
            ("2026-11-24T00:01:00.1234567890000Z", Some("2026-11-24T00:01:00.123456789Z")),
            ("2026-11-24T00:01:00.1234567890001Z", Some("2026-11-24T00:01:00.123456790Z")),
            ("2026-12-31T23:59:59.9999999991Z", Some("2027-01-01T00:00:00Z")),
            ("2026-11-24T02:01:00+02:00", Some("2026-11-24T00:01:00Z")),
            ("2026-11-23T10:01:00-14:00", Some("2026-11-24T00:01:00Z")),
            ("2026-11-24T01:00:00+00:59", Some("2026-11-24T00:01:00Z")),
            ("2026-11-24T00:01:00+00:00", Some("2026-11-24T00:01:00Z")),
            ("2026-11-24T00:01:00-00:00", Some("2026-11-24T00:01:00Z")),
            ("2026-12-31T24:00:00Z", Some("2027-01-01T00:00:00Z")),
            ("2026-12-31T24:00:00.000Z", Some("2027-01-01T00:00:00Z")),
            ("2028-02-29T12:00:00Z", Some("2028-02-29T12:00:00Z")),
            ("12026-11-24T00:01:00Z", Some("+12026-11-24T00:01:00Z")),
            ("-0001-11-24T00:01:00Z", Some("-0001-11-24T00:01:00Z")),
            ("0000-11-24T00:01:00Z", None),
            ("012026-11-24T00:01:00Z", None),
            ("+2026-11-24T00:01:00Z", None),
            ("226-11-24T00:01:00Z", None),
            ("99999999999-11-24T00:01:00Z", None),
            ("999999-11-24T00:01:00Z", None),
            ("2026-12-31T23:59:60Z", None),
            ("2026-12-31T24:00:01Z", None),
            ("2026-12-31T24:00:00.0000000000001Z", None),
            ("2026-12-31T25:00:00Z", None),
            ("2026-12-31T23:60:00Z", None),
            ("2026-02-29T12:00:00Z", None),
            ("2026-13-01T12:00:00Z", None),
            ("2026-00-01T12:00:00Z", None),
            ("2026-1-01T12:00:00Z", None),
            ("2026-01-01T1:00:00Z", None),
            ("2026-01-01T12:00Z", None),
            ("2026-01-01T12:00:00:00Z", None),
            ("2026-01-01T12:00:00.Z", None),
            ("2026-01-01T12:00:00.1.2Z", None),
            ("2026-01-01T12:00:00,1Z", None),
            ("2026-01-01T12:00:00z", None),
            ("2026-01-01t12:00:00Z", None),
            ("2026-01-01 12:00:00Z", None),
            ("2026-01-01T12:00:00+14:01", None),
            ("2026-01-01T12:00:00+15:00", None),
            ("2026-01-01T12:00:00+02:60", None),
            ("2026-01-01T12:00:00+0200", None),
            ("2026-01-01T12:00:00ZZ", None),
            ("2026-01-01T+2:00:00Z", None),
            ("2026-01-01T12:00:00Z+01:00", None),
            ("2026-01-01", None),
            ("2026-01-01-01T12:00:00Z", None),
            ("--2026-01-01T12:00:00Z", None),
            ("２０２６-01-01T12:00:00Z", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).map(|at| Shown(at).to_string()).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn bounds_are_exact_to_the_nanosecond() {
        let now = parse("2026-11-24T00:01:00Z").unwrap();
        let clock = Clock::new(now, Duration::from_secs(60));
        let cases = [
            ("2026-11-24T00:00:00Z", false),
            ("2026-11-24T00:00:00.0000000001Z", true),
            ("2026-11-24T00:00:00.000000001Z", true),
        ];
        for (end, open) in cases {
            assert_eq!(clock.is_before(parse(end).unwrap()), open, "{end}");
        }
        let cases = [
            ("2026-11-24T00:02:00Z", true),
            ("2026-11-24T00:02:00.0000000001Z", false),
            ("2026-11-24T00:02:00.000000001Z", false),
        ];
        for (start, reached) in cases {
            assert_eq!(clock.has_reached(parse(start).unwrap()), reached, "{start}");
        }
    }

    #[test]
    fn the_ends_of_the_calendar_do_not_overflow() {
        for now in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let clock = Clock::new(now, Duration::MAX);
            assert!(!clock.is_before(DateTime::<Utc>::MIN_UTC));
            assert!(clock.has_reached(now));
        }
    }
}
