//! Verifies signatures of metadata, of queries, and of messages other than responses, with the keys of the other
//! files.
//!
//! Metadata among the files states whose keys they are; a certificate among them is a key that the operator gave. A
//! missing signature, or a signature without a key to verify it, is a fact and not a fault.

use vouchsafe_metadata::EntityKey;
use vouchsafe_signature::{
    Evidence, SignatureError, TrustedKey, Verified, explain_query, has_signature, verify, verify_any,
    verify_query,
};
use vouchsafe_xml::{Document, Limits, Quoted};

use super::complaint::{Complaint, Severity};
use super::judge_metadata::two_descriptions;
use super::surroundings::Surroundings;
use super::{Doctor, Exhibit};
use crate::form;

/// Verifies the signature of metadata. Metadata does not contain the key of its signer, so only a certificate that
/// the operator gave can verify it.
pub(crate) fn of_metadata(
    doctor: &Doctor,
    document: &Document,
    surroundings: &Surroundings,
    exhibit: &mut Exhibit,
) {
    let signed = has_signature(document.root());
    exhibit.fact("signed", if signed { "in the document" } else { "no" });
    if !signed {
        return;
    }
    let keys: Vec<TrustedKey> = handed_over(doctor, surroundings).collect();
    if keys.is_empty() {
        return exhibit.fact("verified", "not tried: no certificate among the files");
    }
    let verdict = verify_any(document, None, &keys, &doctor.provider, &Limits::metadata());
    // The certificate may be meant for another file, so a failure is only a warning.
    tell("document", verdict.as_ref().map(Verified::evidence), Severity::Warning, exhibit);
}

/// Verifies the signature in the query by which a message came.
pub(crate) fn of_query(
    doctor: &Doctor,
    query: &str,
    sender: Option<&str>,
    surroundings: &Surroundings,
    exhibit: &mut Exhibit,
) {
    if !is_signed(query) {
        return;
    }
    if let Some(keys) = keys_of(doctor, sender, surroundings, exhibit) {
        let verdict = verify_query(query, &keys, &doctor.provider);
        tell("query", verdict.as_ref().map(|verified| verified.evidence()), Severity::Error, exhibit);
        if let (Err(error), Some(found)) = (&verdict, explain_query(query, &keys, &doctor.provider))
            && let Some(told) = exhibit.complaints.iter_mut().find(|one| one.code == error.code())
        {
            told.message = format!("{}; it {}", told.message, found.description());
            told.remedy = found.hint().to_owned();
        }
    }
}

/// Verifies the signature in a message other than a response.
pub(crate) fn of_message(
    doctor: &Doctor,
    document: &Document,
    sender: Option<&str>,
    surroundings: &Surroundings,
    exhibit: &mut Exhibit,
) {
    if !has_signature(document.root()) {
        return;
    }
    if let Some(keys) = keys_of(doctor, sender, surroundings, exhibit) {
        let verdict = verify(document.root(), &keys, &doctor.provider, &doctor.limits);
        tell("message", verdict.as_ref().map(Verified::evidence), Severity::Error, exhibit);
    }
}

/// Returns whether a query has a signature, valid or not.
pub(crate) fn is_signed(query: &str) -> bool {
    !form::values(query.as_bytes(), "Signature").is_empty()
}

/// Reports the result. `another_key` is the severity if none of the keys made the signature.
fn tell(
    what: &str,
    verdict: Result<&Evidence, &SignatureError>,
    another_key: Severity,
    exhibit: &mut Exhibit,
) {
    match verdict {
        Ok(evidence) => exhibit.fact("verified", format!("by {}", evidence.key_label())),
        Err(error) => {
            exhibit.fact("verified", "no");
            let severity = match error.code() {
                "signature.not_verified" | "signature.no_fitting_key" => another_key,
                _ => Severity::Error,
            };
            let message = format!("the signature of the {what}: {error}");
            exhibit.complaints.push(Complaint::new(severity, error.code(), message, error.hint()));
        }
    }
}

/// Returns the keys of a sender by the metadata among the files, and those that the operator gave. If there are none,
/// this is reported.
fn keys_of(
    doctor: &Doctor,
    sender: Option<&str>,
    surroundings: &Surroundings,
    exhibit: &mut Exhibit,
) -> Option<Vec<TrustedKey>> {
    let name = sender.unwrap_or_default();
    if let Some(sources) = surroundings.conflict(name) {
        exhibit.complaints.push(two_descriptions(name, &sources));
        exhibit.fact("verified", "no");
        return None;
    }
    let by_metadata = (1_usize..)
        .zip(surroundings.signing_keys(name))
        .filter_map(|(place, one)| key(doctor, one, format!("{name}, signing key {place}")));
    let keys: Vec<TrustedKey> = by_metadata.chain(handed_over(doctor, surroundings)).collect();
    if keys.is_empty() {
        let name = Quoted::new(name);
        exhibit.fact(
            "verified",
            format!("not tried: neither a usable key of {name} nor a certificate among the files"),
        );
        return None;
    }
    Some(keys)
}

fn handed_over<'a>(
    doctor: &'a Doctor,
    surroundings: &'a Surroundings,
) -> impl Iterator<Item = TrustedKey> + 'a {
    surroundings
        .certificates()
        .iter()
        .filter_map(|(source, certificate)| key(doctor, &certificate.clone().into(), source.clone()))
}

fn key(doctor: &Doctor, key: &EntityKey, label: String) -> Option<TrustedKey> {
    key.trusted(label, &doctor.provider).ok()
}
