use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

/// An `xs:dateTime`. SAML writes UTC (saml-core-2.0-os 1.3.3); a value without a time zone is taken for UTC, which several products
/// mean by it.
pub(crate) fn parse_date_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return text.contains('T').then(|| time.with_timezone(&Utc));
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|time| time.and_utc())
}

/// An `xs:duration` that is not negative, at the shortest that it can be: a year has 365 days, a month 28. Fractions of a second are
/// left out. None for what is no duration, and for one that is longer than can be counted.
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

/// The sum of numbers with these units behind them, each unit once at most and in this order.
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
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit())
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
            ("2026-11-24 00:01:00Z", None),
            ("2026-11-24", None),
            ("tomorrow", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_date_time(text).map(|t| t.to_rfc3339()).as_deref(), expected, "{text:?}");
        }
    }
}
