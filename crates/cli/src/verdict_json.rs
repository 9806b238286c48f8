//! The JSON of a checked Response, as `response check` and `serve` return it.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use vouchsafe::assertion::{Ledger, Login};

/// The JSON of an accepted Response.
#[derive(Debug, Serialize)]
pub(crate) struct Accepted<'a> {
    verdict: &'static str,
    issuer: &'a str,
    subject: Option<Subject<'a>>,
    /// The first one, if there are several.
    session_index: Option<&'a str>,
    /// All of them, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_indexes: Option<&'a [String]>,
    session_not_on_or_after: Option<String>,
    authn_context: Option<&'a str>,
    attributes: BTreeMap<&'a str, Vec<&'a str>>,
    ledger: &'a Ledger,
}

#[derive(Debug, Serialize)]
struct Subject<'a> {
    name_id: &'a str,
    format: Option<&'a str>,
}

/// The JSON of a refused Response.
#[derive(Debug, Serialize)]
pub(crate) struct Refused<'a> {
    verdict: &'static str,
    code: &'a str,
    message: &'a str,
    hint: &'a str,
    ledger: &'a Ledger,
}

impl<'a> Accepted<'a> {
    pub(crate) fn of(login: &'a Login) -> Accepted<'a> {
        Accepted {
            verdict: "accepted",
            issuer: login.issuer().as_str(),
            subject: login
                .name_id()
                .map(|name_id| Subject { name_id: name_id.value(), format: name_id.format() }),
            session_index: login.session_indexes().first().map(String::as_str),
            session_indexes: several(login),
            session_not_on_or_after: login.session_not_on_or_after().map(time),
            authn_context: login.authn_context(),
            attributes: attributes(login),
            ledger: login.ledger(),
        }
    }
}

impl<'a> Refused<'a> {
    pub(crate) fn new(code: &'a str, message: &'a str, hint: &'a str, ledger: &'a Ledger) -> Refused<'a> {
        Refused { verdict: "refused", code, message, hint, ledger }
    }
}

/// Returns the values by Name. Attributes with one Name and two formats are merged.
pub(crate) fn attributes(login: &Login) -> BTreeMap<&str, Vec<&str>> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for attribute in login.attributes().iter() {
        all.entry(attribute.name()).or_default().extend(attribute.values().iter().map(String::as_str));
    }
    all
}

/// The session indexes, if the assertion has more than one.
pub(crate) fn several(login: &Login) -> Option<&[String]> {
    Some(login.session_indexes()).filter(|indexes| indexes.len() > 1)
}

/// The sessions at the identity provider, for people; `None`: it names none.
pub(crate) fn sessions(login: &Login) -> Option<String> {
    let indexes = login.session_indexes();
    (!indexes.is_empty()).then(|| indexes.join(", "))
}

/// Formats a time for JSON and pages.
pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
