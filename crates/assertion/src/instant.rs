//! Points in time as messages write them: `xs:dateTime`, read in every lexical form and exactly.

use std::fmt;

use chrono::{
    DateTime, Datelike as _, Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Timelike as _, Utc,
};

/// A time from a message: the text as it came, and what it says if it says anything.
///
/// A malformed time is kept, so that the rule which needs it can refuse with the text, and the other rules still run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Moment {
    pub(crate) text: String,
    pub(crate) at: Option<DateTime<Utc>>,
}

impl Moment {
    pub(crate) fn read(text: &str) -> Moment {
        Moment { text: text.to_owned(), at: parse(text) }
    }
}

/// The receiver's clock with the difference it grants to the sender's: `now - skew` and `now + skew`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) now: DateTime<Utc>,
    pub(crate) skew: TimeDelta,
    earliest: DateTime<Utc>,
    latest: DateTime<Utc>,
}

impl Clock {
    /// At the ends of the calendar the bounds stop there, which can only refuse what exact arithmetic would accept.
    pub(crate) fn new(now: DateTime<Utc>, skew: TimeDelta) -> Clock {
        Clock {
            now,
            skew,
            earliest: now.checked_sub_signed(skew).unwrap_or(DateTime::<Utc>::MIN_UTC),
            latest: now.checked_add_signed(skew).unwrap_or(DateTime::<Utc>::MAX_UTC),
        }
    }

    /// `now - skew < end`: an upper bound is exclusive (saml-core-2.0-os 2.5.1.2).
    pub(crate) fn is_before(&self, end: DateTime<Utc>) -> bool {
        self.earliest < end
    }

    /// Whether something can have been done at `instant`, allowing five minutes more than the skew.
    ///
    /// The specification gives IssueInstant and AuthnInstant no window. Identity providers allow for clocks that are slow here by dating
    /// `NotBefore` back, Okta by five minutes; to hold these instants to the bare skew would take that back.
    pub(crate) fn can_have_been(&self, instant: DateTime<Utc>) -> bool {
        self.latest.checked_add_signed(ALLOWANCE).unwrap_or(DateTime::<Utc>::MAX_UTC) >= instant
    }

    /// `now - skew <= end`: an age counts to its last instant.
    pub(crate) fn is_at_or_before(&self, end: DateTime<Utc>) -> bool {
        self.earliest <= end
    }

    /// `now + skew >= start`: a lower bound is inclusive.
    pub(crate) fn has_reached(&self, start: DateTime<Utc>) -> bool {
        self.latest >= start
    }
}

/// How far past the skew an instant may lie that only says when something was done.
pub(crate) const ALLOWANCE: TimeDelta = TimeDelta::minutes(5);

/// How the ledger and the errors write a time: as RFC 3339 does, in UTC, with a fraction of as many digits as it needs, in threes.
pub(crate) struct Shown(pub(crate) DateTime<Utc>);

impl Shown {
    pub(crate) fn text(&self) -> String {
        let mut text = String::with_capacity(32);
        self.push_to(&mut text);
        text
    }

    /// Every response that is accepted has a dozen times in its ledger, so those of our years are written digit by digit.
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

/// A number under 100, in two digits.
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
/// * Years have four digits, or more without a leading zero; a sign of minus is read astronomically; there is no year 0000.
/// * `24:00:00` is the first instant of the next day. Second 60 does not exist (saml-core-2.0-os 1.3.3).
/// * A missing time zone means UTC, which that section demands of every SAML time.
/// * Digits past the nanosecond round **up**: every comparison made here is `clock < time` or `clock >= time` with a clock in whole
///   nanoseconds, and for those the next nanosecond gives exactly the answer of the endless fraction.
pub(crate) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (date, rest) = rest.split_once('T')?;
    let date = read_date(negative, date)?;
    let (time, offset) = split_zone(rest)?;
    let (clock, extra_day, extra_nanosecond) = read_time(time)?;

    let date = if extra_day { date.checked_add_days(Days::new(1))? } else { date };
    date.and_time(clock)
        .and_utc()
        .checked_sub_signed(offset)?
        .checked_add_signed(TimeDelta::nanoseconds(i64::from(extra_nanosecond)))
}

fn read_date(negative: bool, text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() < 4 || (year.len() > 4 && year.starts_with('0')) {
        return None;
    }
    let year = i32::try_from(number(year)?).ok()?;
    if year == 0 {
        return None;
    }
    let year = if negative { year.checked_neg()? } else { year };
    NaiveDate::from_ymd_opt(year, two_digits(month)?, two_digits(day)?)
}

/// Splits the time from its zone, and gives the zone as what must be subtracted to arrive at UTC.
fn split_zone(text: &str) -> Option<(&str, TimeDelta)> {
    if let Some(time) = text.strip_suffix('Z') {
        return Some((time, TimeDelta::zero()));
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, TimeDelta::zero())) };
    let (time, zone) = text.split_at_checked(at)?;
    let (sign, zone) = zone.split_at_checked(1)?;
    let (hours, minutes) = zone.split_once(':')?;
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    if minutes > 59 || hours > 14 || (hours == 14 && minutes != 0) {
        return None;
    }
    let minutes = i64::from(hours).checked_mul(60)?.checked_add(i64::from(minutes))?;
    Some((time, TimeDelta::minutes(if sign == "-" { minutes.checked_neg()? } else { minutes })))
}

/// The time of day; whether it is the midnight that ends the day; whether digits past the nanosecond are left over.
fn read_time(text: &str) -> Option<(NaiveTime, bool, bool)> {
    let (clock, fraction) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some((clock, fraction)) => (clock, fraction),
        None => (text, ""),
    };
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanoseconds =
        fraction.bytes().chain(std::iter::repeat(b'0')).take(9).try_fold(0_u32, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u32::from(digit.checked_sub(b'0')?))
        })?;
    let left_over = fraction.bytes().skip(9).any(|digit| digit != b'0');

    let mut parts = clock.split(':');
    let (hour, minute, second) =
        (two_digits(parts.next()?)?, two_digits(parts.next()?)?, two_digits(parts.next()?)?);
    if parts.next().is_some() || second > 59 {
        return None;
    }
    if hour == 24 {
        let midnight = minute == 0 && second == 0 && nanoseconds == 0 && !left_over;
        return midnight.then_some((NaiveTime::MIN, true, false));
    }
    Some((NaiveTime::from_hms_nano_opt(hour, minute, second, nanoseconds)?, false, left_over))
}

fn two_digits(text: &str) -> Option<u32> {
    if text.len() == 2 { number(text) } else { None }
}

/// Decimal digits and nothing else: `str::parse` would take a sign.
fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
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
        let clock = Clock::new(now, TimeDelta::seconds(60));
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
            let clock = Clock::new(now, TimeDelta::MAX);
            assert!(!clock.is_before(DateTime::<Utc>::MIN_UTC));
            assert!(clock.has_reached(now));
        }
    }
}
