use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// Parses an `xs:dateTime` (XML Schema, Part 2, 3.2.7), including years of more than four digits and 24:00:00, the
/// end of the day. SAML writes UTC (saml-core-2.0-os 1.3.3); a value without a time zone is read as UTC, as several
/// products mean it. A time out of the range of the type becomes its last or first value.
pub(crate) fn parse_date_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let (date, time) = text.split_once('T')?;
    let (is_past, date) = match date.strip_prefix('-') {
        Some(date) => (true, date),
        None => (false, date),
    };
    let [year, month, day] = fields(date, '-')?;
    if year.len() < 4 || (year.len() > 4 && year.starts_with('0')) || month.len() != 2 || day.len() != 2 {
        return None;
    }
    let (time, zone) = time_and_zone(time)?;
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    let countable = year.parse::<i32>().ok().filter(|year| *year < 200_000);
    let Some(year) = countable.map(|year| if is_past { year.saturating_neg() } else { year }) else {
        // The year 2000 is a leap year, as long as the written year may be.
        NaiveDate::from_ymd_opt(2_000, month, day)?;
        return Some(if is_past { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC });
    };
    let midnight = NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(0, 0, 0)?.and_utc();
    midnight.checked_add_signed(time)?.checked_sub_signed(zone)
}

/// Returns the time after this one by a duration, or the last time of the calendar.
pub(crate) fn later(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
    time.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Returns three numbers with this character between them.
fn fields(text: &str, between: char) -> Option<[&str; 3]> {
    let mut parts = text.split(between);
    let found = [parts.next()?, parts.next()?, parts.next()?];
    (parts.next().is_none() && found.iter().all(|part| is_number(part))).then_some(found)
}

/// Returns the time since midnight, and how far the zone is ahead of UTC.
fn time_and_zone(text: &str) -> Option<(TimeDelta, TimeDelta)> {
    let (time, zone) = match text.find(['Z', 'z', '+', '-']) {
        Some(place) => (text.get(..place)?, zone(text.get(place..)?)?),
        None => (text, TimeDelta::zero()),
    };
    let (time, nanoseconds) = match time.split_once('.') {
        Some((time, fraction)) if is_number(fraction) => (time, nanoseconds(fraction)?),
        Some(_) => return None,
        None => (time, 0),
    };
    let parts = fields(time, ':')?;
    if parts.iter().any(|part| part.len() != 2) {
        return None;
    }
    let [hour, minute, second] = parts.map(|part| part.parse::<i64>().unwrap_or(i64::MAX));
    let is_end_of_day = (hour, minute, second, nanoseconds) == (24, 0, 0, 0);
    if !is_end_of_day && (hour > 23 || minute > 59 || second > 60) {
        return None;
    }
    // A leap second is read as the last second of its minute.
    let seconds = hour.checked_mul(60)?.checked_add(minute)?.checked_mul(60)?.checked_add(second.min(59))?;
    Some((TimeDelta::new(seconds, nanoseconds)?, zone))
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    let digits = fraction.get(..9).unwrap_or(fraction);
    let missing = u32::try_from(9_usize.checked_sub(digits.len())?).ok()?;
    digits.parse::<u32>().ok()?.checked_mul(10_u32.checked_pow(missing)?)
}

/// Parses a zone of at most 14 hours from UTC. A lower-case `z` is not ambiguous, so it is accepted.
fn zone(text: &str) -> Option<TimeDelta> {
    if text.eq_ignore_ascii_case("z") {
        return Some(TimeDelta::zero());
    }
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    if [hours, minutes].iter().any(|part| part.len() != 2 || !is_number(part)) {
        return None;
    }
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    let zone = (minutes < 60 && total <= 14 * 60).then(|| TimeDelta::minutes(total))?;
    Some(if text.starts_with('-') { zone.checked_mul(-1)? } else { zone })
}

/// Parses an `xs:duration` that is not negative, as its shortest possible length: a year has 365 days, a month 28.
/// Fractions of a second are ignored. Returns `None` if it is not a duration or is too long for the type.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']).strip_prefix('P')?;
    let (days, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None if text.is_empty() => return None,
        None => (text, ""),
    };
    let days = sum(days, &[('Y', 365 * DAY), ('M', 28 * DAY), ('D', DAY)])?;
    let time = sum(time, &[('H', 60 * 60), ('M', 60), ('S', 1)])?;
    days.checked_add(time).map(Duration::from_secs)
}

const DAY: u64 = 24 * 60 * 60;

/// Returns the sum of numbers that are followed by these units, each unit at most once and in this order.
fn sum(text: &str, units: &[(char, u64)]) -> Option<u64> {
    let (mut rest, mut sum) = (text, 0_u64);
    for (unit, seconds) in units {
        let Some((number, following)) = rest.split_once(*unit) else { continue };
        let whole = match number.split_once('.') {
            Some((whole, fraction)) if *unit == 'S' && is_number(fraction) => whole,
            _ => number,
        };
        if !is_number(whole) {
            return None;
        }
        sum = sum.checked_add(whole.parse::<u64>().ok()?.checked_mul(*seconds)?)?;
        rest = following;
    }
    rest.is_empty().then_some(sum)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            ("PT6H", Some(21_600)),
            ("P1D", Some(86_400)),
            (" P0Y0M1DT0H30M1.5S\n", Some(88_201)),
            ("P1Y", Some(31_536_000)),
            ("P1M", Some(2_419_200)),
            ("PT0S", Some(0)),
            ("PT604800S", Some(604_800)),
            ("P", None),
            ("PT", None),
            ("P1DT", None),
            ("P1H", None),
            ("PT1D", None),
            ("P1M1Y", None),
            ("-P1D", None),
            ("P-1D", None),
            ("P1.5D", None),
            ("PT1.S", None),
            ("P1", None),
            ("6 hours", None),
            ("P99999999999999999999D", None),
            ("P9999999999999999999D", None),
            ("", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse_duration(text).map(|time| time.as_secs()), seconds, "{text:?}");
        }
    }

    #[test]
    fn what_metadata_holds() {
        let cases = [
            ("2026-11-24T00:01:00Z", Some("2026-11-24T00:01:00+00:00")),
            ("2026-11-24T00:01:00.123Z", Some("2026-11-24T00:01:00.123+00:00")),
            (" 2026-11-24T02:01:00+02:00\n", Some("2026-11-24T00:01:00+00:00")),
            ("2001-02-03T04:05:06.789", Some("2001-02-03T04:05:06.789+00:00")),
            ("2026-11-24T24:00:00Z", Some("2026-11-25T00:00:00+00:00")),
            ("2026-12-31T24:00:00.000+01:00", Some("2026-12-31T23:00:00+00:00")),
            ("12026-11-24T00:01:00Z", Some("+12026-11-24T00:01:00+00:00")),
            ("-0001-11-24T00:01:00Z", Some("-0001-11-24T00:01:00+00:00")),
            ("2016-12-31T23:59:60Z", Some("2016-12-31T23:59:59+00:00")),
            ("2026-11-24T00:01:00.1234567891-14:00", Some("2026-11-24T14:01:00.123456789+00:00")),
            ("2024-02-29T00:00:00Z", Some("2024-02-29T00:00:00+00:00")),
            ("2026-02-29T00:00:00Z", None),
            ("2026-11-24T24:00:01Z", None),
            ("2026-11-24T24:00:00.1Z", None),
            ("2026-11-24T25:00:00Z", None),
            ("2026-11-24T00:60:00Z", None),
            ("2026-11-24T00:01:00+14:01", None),
            ("2026-11-24T00:01:00+1:00", None),
            ("2026-11-24T00:01:00.Z", None),
            ("2026-11-24T0:01:00Z", None),
            ("2026-11-24T00:01Z", None),
            ("02026-11-24T00:01:00Z", None),
            ("226-11-24T00:01:00Z", None),
            ("+2026-11-24T00:01:00Z", None),
            ("2026-1-24T00:01:00Z", None),
            ("2026-11-24T00:01:00Zx", None),
            ("2026-11-24T00:01:00ZZ", None),
            ("2026-11-24T00:01:00z", Some("2026-11-24T00:01:00+00:00")),
            ("2026-11-24t00:01:00Z", None),
            ("2026-11-24 00:01:00Z", None),
            ("2026-11-24", None),
            ("tomorrow", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_date_time(text).map(|t| t.to_rfc3339()).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_time_too_far_is_the_last_one() {
        for text in ["999999-01-01T00:00:00Z", "99999999999999999999-12-31T24:00:00+01:00"] {
            assert_eq!(parse_date_time(text), Some(DateTime::<Utc>::MAX_UTC), "{text}");
        }
        assert_eq!(parse_date_time("-999999-01-01T00:00:00Z"), Some(DateTime::<Utc>::MIN_UTC));
        assert_eq!(parse_date_time("999999-13-01T00:00:00Z"), None);
    }
}
