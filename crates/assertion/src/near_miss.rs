//! Explains how two values differ that should be equal. The explanation ends an error's message, so that nobody must
//! compare letter by letter.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

/// Displays "; they differ only in ..", or nothing if the values differ in more than one way.
pub(crate) struct Difference<'t> {
    pub(crate) expected: &'t str,
    pub(crate) actual: Option<&'t str>,
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.actual.and_then(|actual| only_difference(self.expected, actual)) {
            Some(difference) => write!(formatter, "; they differ only in {difference}"),
            None => Ok(()),
        }
    }
}

/// A function that removes the one property that is ignored.
type Reading = fn(&str) -> String;

/// The parts in which names of different entities of one product often differ.
const HOST: &str = "the host";
const PATH: &str = "the path";
const TENANT: &str = "the identifier of the tenant or the application in the path";

/// Returns the only difference of two identifiers or addresses, as the end of "they differ only in".
///
/// ```
/// use vouchsafe_assertion::only_difference;
///
/// let (one, other) = ("https://sp.example.com/acs", "https://sp.example.com/acs/");
/// assert_eq!(only_difference(one, other), Some("the slash at the end"));
/// assert_eq!(only_difference(one, "https://other.example/saml"), None);
/// ```
#[must_use]
pub fn only_difference(expected: &str, actual: &str) -> Option<&'static str> {
    if expected == actual || expected.is_empty() || actual.is_empty() {
        return None;
    }
    let same = |read: Reading| read(expected) == read(actual);
    // The most specific difference comes first.
    let readings: [(&str, Reading); 7] = [
        ("white space", |text| text.split_whitespace().collect()),
        ("the slash at the end", |text| text.trim_end_matches('/').to_owned()),
        ("the case of letters", str::to_lowercase),
        ("http and https", |text| without_scheme(text).to_owned()),
        ("percent-encoding", percent_decoded),
        ("what follows the \"?\"", |text| text.split('?').next().unwrap_or_default().to_owned()),
        ("the port", without_port),
    ];
    if let Some((name, _)) = readings.into_iter().find(|(_, read)| same(*read)) {
        return Some(name);
    }
    if is_placeholder_of(expected, actual) || is_placeholder_of(actual, expected) {
        return Some("a placeholder that was not filled in");
    }
    match (host_and_path(expected), host_and_path(actual)) {
        (Some((one, path)), Some((other, other_path))) if path == other_path && path.len() > 1 => {
            Some(if one.trim_start_matches("www.") == other.trim_start_matches("www.") {
                "the \"www.\" of the host"
            } else {
                HOST
            })
        }
        (Some((one, path)), Some((other, other_path))) if one == other => {
            Some(if differ_in_an_identifier(path, other_path) { TENANT } else { PATH })
        }
        _ => None,
    }
}

/// Returns whether two paths differ in one part only, which is an identifier that a product assigned.
fn differ_in_an_identifier(one: &str, other: &str) -> bool {
    let is_given = |part: &str| {
        let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_');
        part.len() >= 8 && part.bytes().all(is_letter) && part.bytes().filter(u8::is_ascii_digit).count() >= 1
    };
    let (parts, other_parts) = (one.split('/'), other.split('/'));
    let differing: Vec<(&str, &str)> =
        parts.clone().zip(other_parts.clone()).filter(|(one, other)| one != other).collect();
    parts.count() == other_parts.count()
        && matches!(differing.as_slice(), [(one, other)] if is_given(one) && is_given(other))
}

/// The maximum numbers of names that are compared, and of names that are returned.
const LOOKED_AT: usize = 10_000;
const TOLD: usize = 3;

/// Returns the trusted entity IDs that are most similar to an unknown one, the most similar first. If one differs in
/// a single way, only this one is returned.
pub(crate) fn closest<'t>(unknown: &str, trusted: impl IntoIterator<Item = &'t str>) -> Vec<String> {
    let mut names: Vec<(usize, &str)> =
        trusted.into_iter().take(LOOKED_AT).map(|name| (in_common(unknown, name), name)).collect();
    // Equally similar names are sorted by name, so that the order of the files does not matter.
    names.sort_by(|(one, name), (other, other_name)| other.cmp(one).then(name.cmp(other_name)));
    names.dedup();
    let told = match names.first() {
        Some((_, name)) if *name == unknown => 1,
        _ => TOLD,
    };
    let is_near =
        |name: &str| only_difference(name, unknown).is_some_and(|what| ![HOST, PATH, TENANT].contains(&what));
    match names.iter().find(|(_, name)| is_near(name)) {
        Some((_, near)) if told > 1 => vec![(*near).to_owned()],
        _ => names.into_iter().take(told).map(|(_, name)| name.to_owned()).collect(),
    }
}

/// Returns how many characters two names have in common at the beginning, after the scheme, and at the end.
fn in_common(one: &str, other: &str) -> usize {
    let (one, other) = (without_scheme(one).as_bytes(), without_scheme(other).as_bytes());
    let most = one.len().min(other.len());
    let same = |(one, other): &(&u8, &u8)| one == other;
    let beginning = one.iter().zip(other).take_while(same).count();
    let end = one.iter().rev().zip(other.iter().rev()).take_while(same).count();
    beginning.saturating_add(end).min(most)
}

/// Returns whether one of them has a placeholder, such as `{tenantid}`, where the other has a value.
fn is_placeholder_of(one: &str, other: &str) -> bool {
    let Some((before, rest)) = one.split_once(['{', '<']) else { return false };
    let Some((_, after)) = rest.rsplit_once(['}', '>']) else { return false };
    let before = before.trim_end_matches('$');
    let between = other.len().checked_sub(before.len().saturating_add(after.len()));
    between.is_some_and(|length| length > 0)
        && !before.is_empty()
        && other.starts_with(before)
        && other.ends_with(after)
}

fn without_scheme(text: &str) -> &str {
    text.strip_prefix("https:").or_else(|| text.strip_prefix("http:")).unwrap_or(text)
}

fn without_port(text: &str) -> String {
    let Some((before, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => authority,
    };
    format!("{before}://{host}{path}")
}

fn host_and_path(text: &str) -> Option<(&str, &str)> {
    let rest = without_scheme(text).strip_prefix("//")?;
    Some(rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())))
}

/// Decodes escapes of ASCII characters. This is enough, since an identifier is ASCII.
fn percent_decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        decoded.push_str(before);
        let digits = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match digits.filter(u8::is_ascii) {
            Some(letter) => {
                decoded.push(char::from(letter));
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push('%');
                rest = after;
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

/// Displays "; that is .. too late" and what it suggests, for a time that misses its bound.
pub(crate) struct Missed {
    /// The bound in the message.
    pub(crate) bound: DateTime<Utc>,
    pub(crate) now: DateTime<Utc>,
}

/// The limit in seconds: clocks usually differ by less, and time zones by more.
const MOST_SKEW: i64 = 300;

/// The probable reason why a time misses its bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Suggests {
    /// The clocks differ by an amount that can be allowed.
    Skew,
    /// The clocks differ by hours: a time zone is set or written incorrectly.
    TimeZone,
    /// Neither: the message was used much later, or one clock is wrong.
    Age,
}

impl Missed {
    pub(crate) fn suggests(&self) -> Suggests {
        let seconds = self.now.signed_duration_since(self.bound).abs().num_seconds();
        match time_zone(seconds) {
            Some(_) => Suggests::TimeZone,
            None if seconds < MOST_SKEW => Suggests::Skew,
            None => Suggests::Age,
        }
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self.now.signed_duration_since(self.bound);
        let word = if by < TimeDelta::zero() { "early" } else { "late" };
        let seconds = by.abs().num_seconds();
        write!(formatter, ", {seconds} s too {word}")?;
        match time_zone(seconds) {
            Some((hours, 0)) => {
                write!(formatter, ": about {hours} h, which looks like a time zone that is set wrongly")
            }
            Some((hours, minutes)) => {
                write!(
                    formatter,
                    ": about {hours} h {minutes} min, which looks like a time zone that is set wrongly"
                )
            }
            None if seconds < MOST_SKEW => {
                write!(formatter, ": a clock_skew of {} s would accept it", seconds.saturating_add(1))
            }
            None => Ok(()),
        }
    }
}

/// The number of seconds by which times of validity usually extend before and after the issue time.
const MARGIN: i64 = 600;

/// The offsets of time zones that are not whole hours, in minutes: Newfoundland, Iran, Afghanistan, India, Nepal,
/// Myanmar, Australia, Lord Howe.
const ODD_ZONES: [i64; 8] = [150, 210, 270, 330, 345, 390, 570, 630];

/// Returns the hours and minutes of a time zone that explains the difference. Such a difference is a number of whole
/// hours, or one of a few other offsets. It may be longer by the time of a sign-in, and shorter by the usual time of
/// validity.
fn time_zone(seconds: i64) -> Option<(i64, i64)> {
    let is_near = |minutes: &i64| {
        let rest = seconds.saturating_sub(minutes.saturating_mul(60));
        (-MARGIN..=MOST_SKEW).contains(&rest)
    };
    let hours = seconds.saturating_add(MARGIN).checked_div(3600).filter(|hours| (1..=14).contains(hours))?;
    let whole = Some(hours.saturating_mul(60)).filter(is_near);
    let minutes = whole.or_else(|| ODD_ZONES.into_iter().find(is_near))?;
    Some((minutes.checked_div(60)?, minutes.checked_rem(60)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_difference_is_named() {
        for (expected, actual, difference) in [
            ("https://sp.example.com/acs", "https://sp.example.com/acs/", "the slash at the end"),
            ("https://sp.example.com", "https://sp.example.com/", "the slash at the end"),
            ("https://sp.example.com/acs", "https://SP.example.com/ACS", "the case of letters"),
            ("https://sp.example.com/acs", "http://sp.example.com/acs", "http and https"),
            ("https://sp.example.com/acs", "https://sp.example.com:443/acs", "the port"),
            ("https://sp.example.com:8443/acs", "https://sp.example.com/acs", "the port"),
            ("https://sp.example.com/acs", "https://idp.example.com/acs", "the host"),
            ("https://sp.example.com/acs", "https://www.sp.example.com/acs", "the \"www.\" of the host"),
            ("https://sp.example.com/a%20b", "https://sp.example.com/a b", "percent-encoding"),
            ("https://sp.example.com/a%2Fb", "https://sp.example.com/a/b", "percent-encoding"),
            ("https://sp.example.com/acs", " https://sp.example.com/acs\n", "white space"),
            ("https://sp.example.com/acs", "https://sp.example.com/acs?id=7", "what follows the \"?\""),
            ("https://sp.example.com/acs", "https://sp.example.com/saml/acs", "the path"),
            ("https://sp.example.com/saml2/metadata", "https://sp.example.com/saml2/consumer", "the path"),
            ("https://sp.example.com/a/exk1abcdefGHI", "https://sp.example.com/b/exk9zzzzzzGHI", "the path"),
            (
                "http://www.okta.com/exk1abcdefGHI",
                "http://www.okta.com/exk9zzzzzzGHI",
                "the identifier of the tenant or the application in the path",
            ),
            (
                "https://login.example.com/6ba7b810-9dad-11d1-80b4-00c04fd430c8/saml2",
                "https://login.example.com/6ba7b811-9dad-11d1-80b4-00c04fd430c8/saml2",
                "the identifier of the tenant or the application in the path",
            ),
            ("urn:example:sp", "urn:Example:sp", "the case of letters"),
            (
                "https://sts.windows.net/{tenantid}/",
                "https://sts.windows.net/6ba7b810-9dad-11d1-80b4-00c04fd430c8/",
                "a placeholder that was not filled in",
            ),
            (
                "https://app.example/${org}/acs",
                "https://app.example/acme/acs",
                "a placeholder that was not filled in",
            ),
            ("https://app.example/<org>", "https://app.example/acme", "a placeholder that was not filled in"),
        ] {
            assert_eq!(only_difference(expected, actual), Some(difference), "{expected} {actual}");
            assert_eq!(only_difference(actual, expected), Some(difference), "{actual} {expected}");
        }
    }

    #[test]
    fn other_values_are_not_near() {
        for (expected, actual) in [
            ("https://sp.example.com/acs", "https://sp.example.com/acs"),
            ("https://sp.example.com/acs", "https://other.example/saml"),
            ("https://sp.example.com/acs", ""),
            ("", "x"),
            ("urn:example:sp", "urn:example:idp"),
            ("https://one.example/", "https://two.example/"),
            ("_1", "_2"),
            ("{entity}", "https://app.example"),
            ("https://app.example/{org}/acs", "https://other.example/acme/acs"),
        ] {
            assert_eq!(only_difference(expected, actual), None, "{expected} {actual}");
        }
    }

    #[test]
    fn the_closest_names_are_found() {
        let acme = "https://idp.example.com/acme";
        let trusted = [
            "urn:example:idp",
            "https://other.example/globex",
            acme,
            "https://idp.example.com/initech",
            "https://idp.example.com/umbrella",
        ];
        for (unknown, expected) in [
            ("https://idp.example.com/acme/", vec![acme]),
            ("http://idp.example.com/acme", vec![acme]),
            (acme, vec![acme]),
            ("urn:Example:idp", vec!["urn:example:idp"]),
            (
                "https://idp.example.com/acmf",
                vec![acme, "https://idp.example.com/initech", "https://idp.example.com/umbrella"],
            ),
        ] {
            assert_eq!(closest(unknown, trusted), expected, "{unknown}");
        }
        assert!(closest("https://idp.example.com/acme", []).is_empty());
        assert_eq!(closest("", ["a", "b"]), ["a", "b"]);
    }

    #[test]
    fn a_missed_time_says_by_how_much() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        for (seconds, expected) in [
            (0, ", 0 s too late: a clock_skew of 1 s would accept it"),
            (90, ", 90 s too late: a clock_skew of 91 s would accept it"),
            (-90, ", 90 s too early: a clock_skew of 91 s would accept it"),
            (1000, ", 1000 s too late"),
            (3600, ", 3600 s too late: about 1 h, which looks like a time zone that is set wrongly"),
            (-7190, ", 7190 s too early: about 2 h, which looks like a time zone that is set wrongly"),
            (-3298, ", 3298 s too early: about 1 h, which looks like a time zone that is set wrongly"),
            (2999, ", 2999 s too late"),
            (
                -19_490,
                ", 19490 s too early: about 5 h 30 min, which looks like a time zone that is set wrongly",
            ),
            (
                20_500,
                ", 20500 s too late: about 5 h 45 min, which looks like a time zone that is set wrongly",
            ),
            (5400, ", 5400 s too late"),
            (90_000, ", 90000 s too late"),
        ] {
            let bound = now - TimeDelta::seconds(seconds);
            assert_eq!(Missed { bound, now }.to_string(), expected);
        }
    }
}
