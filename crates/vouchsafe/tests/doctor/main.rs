//! The doctor: a sample of every product and every quirk of the catalogue, every wrapping, and single faults with
//! their settings.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "this is a test: it may panic"
)]

mod causes;
mod faults;
mod fields;
mod first_lines;
mod kinds;
mod messages;
mod metadata;
mod products;
mod recording;
mod references;
mod samples;
mod shared;
mod signatures;
mod stories;
mod trust;
mod wrappings;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::doctor::{Doctor, Exhibit, Severity};
use vouchsafe_testkit as testkit;

pub(crate) fn now() -> DateTime<Utc> {
    testkit::ISSUE_INSTANT + TimeDelta::days(3)
}

/// Returns the only exhibit of one file.
pub(crate) fn examine(bytes: impl AsRef<[u8]>) -> Exhibit {
    only(&Doctor::new(now()), bytes)
}

pub(crate) fn only(doctor: &Doctor, bytes: impl AsRef<[u8]>) -> Exhibit {
    let mut exhibits = doctor.examine(&[("file", bytes.as_ref())]).exhibits;
    assert_eq!(exhibits.len(), 1, "{exhibits:#?}");
    exhibits.remove(0)
}

pub(crate) fn codes(exhibit: &Exhibit) -> Vec<&str> {
    exhibit.complaints.iter().map(|complaint| complaint.code.as_str()).collect()
}

pub(crate) fn errors(exhibit: &Exhibit) -> Vec<&str> {
    let errors = exhibit.complaints.iter().filter(|complaint| complaint.severity == Severity::Error);
    errors.map(|complaint| complaint.code.as_str()).collect()
}

pub(crate) fn fact<'e>(exhibit: &'e Exhibit, name: &str) -> Option<&'e str> {
    exhibit.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str())
}
