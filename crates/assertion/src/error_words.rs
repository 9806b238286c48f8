//! Formats the operands of errors as text.

use chrono::{DateTime, Utc};
use vouchsafe_xml::Quoted;

use crate::instant::Shown;
use crate::near_miss::{Difference, Missed};

pub(crate) fn or_none(text: Option<&str>) -> String {
    text.map_or_else(|| "none".to_owned(), |text| Quoted::new(text).to_string())
}

pub(crate) fn near<'t>(expected: &'t str, actual: Option<&'t str>) -> Difference<'t> {
    Difference { expected, actual }
}

/// Returns the difference to the most similar of several values, if one is similar enough.
pub(crate) fn nearest(expected: &str, actual: &[String]) -> String {
    let differences = actual.iter().map(|actual| near(expected, Some(actual)).to_string());
    differences.into_iter().find(|difference| !difference.is_empty()).unwrap_or_default()
}

/// Returns how far a time is in the future.
pub(crate) fn ahead(instant: DateTime<Utc>, now: DateTime<Utc>) -> String {
    missed((instant > now).then_some(instant), now)
}

pub(crate) fn missed(bound: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    bound.map(|bound| Missed { bound, now }.to_string()).unwrap_or_default()
}

/// Says that an issuer is unknown, with the trusted entity IDs that are most similar to it. If it is known, the message came
/// to another address than that of its connection.
pub(crate) fn unknown_issuer(issuer: &str, closest: &[String]) -> String {
    let name = Quoted::new(issuer);
    match closest {
        [] => format!("no trusted identity provider is named {name}"),
        [same, ..] if same == issuer => {
            format!("the connection to {name} that the message is for takes it at another address")
        }
        [only] => {
            let (difference, only) = (near(only, Some(issuer)), Quoted::new(only));
            format!(
                "no trusted identity provider is named {name}; the closest that is trusted is {only}{difference}"
            )
        }
        several => format!(
            "no trusted identity provider is named {name}; the closest that are trusted are {}",
            list(several)
        ),
    }
}

pub(crate) fn list(texts: &[String]) -> String {
    if texts.is_empty() {
        return "none".to_owned();
    }
    texts.iter().take(8).map(|text| Quoted::new(text).to_string()).collect::<Vec<_>>().join(", ")
}

pub(crate) fn end(not_on_or_after: Option<DateTime<Utc>>) -> String {
    not_on_or_after.map_or_else(|| "expected a time, found none".to_owned(), |end| Shown(end).to_string())
}

pub(crate) fn status_codes(codes: &[String]) -> String {
    codes.iter().take(8).map(|code| Quoted::new(code).to_string()).collect::<Vec<_>>().join(" / ")
}

pub(crate) fn status_message(message: Option<&str>) -> String {
    message.map_or_else(String::new, |message| format!(": {}", Quoted::new(message)))
}

pub(crate) fn was(so: bool) -> &'static str {
    if so { "was made" } else { "was not made" }
}
