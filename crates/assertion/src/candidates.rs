//! Chooses the connection that a response belongs to: the one whose key made its signature.

use std::collections::BTreeSet;

use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::{
    KeyFingerprint, SignatureError, SignedInfo, TrustedKey, signature_child, verify_form, verify_query,
};
use vouchsafe_xml::{Element, Limits, namespace};

use crate::claimed::Claimed;
use crate::error::AssertionError;
use crate::ledger::{Check, Outcome};
use crate::reading::elements_named;
use crate::refusal::Refusal;
use crate::trust::Trust;

const RULE: &str = "response.connection";
const CLAUSE: &str = "saml-profiles-2.0-os 4.1.4.2";

/// Finds the connection that a response belongs to among several with the same identity provider.
///
/// The key that made the outermost signature decides. This only chooses the keys and proves nothing: the response is
/// then [authenticated](crate::authenticate) with the chosen trust, as if it had been the only one. A single
/// candidate is returned without this check.
///
/// At most [`MOST_CANDIDATES`] are examined. A caller that has more finds the [owners](owners_of_response) of the key
/// first.
///
/// # Errors
/// * `assertion.status` if the status of the response is not Success; this is checked first.
/// * `assertion.unknown_issuer` if there is no candidate.
/// * `assertion.connection_ambiguous` if several candidates have the key, if there are more candidates than are
///   examined, or if the only signature is inside an encrypted assertion, so that it is not known whose keys decrypt
///   it.
/// * `signature.not_verified` and similar codes if no candidate's key made the signature, `assertion.unsigned` if
///   there is no signature.
pub fn choose<'t>(
    claimed: &Claimed,
    candidates: &[&'t Trust],
    limits: &Limits,
) -> Result<&'t Trust, Refusal> {
    claimed.require_success()?;
    match candidates {
        [only] => Ok(only),
        several if several.len() > MOST_CANDIDATES => Err(ambiguous(several.iter().copied(), MANY)),
        several => only_of(&owners_of_response(claimed, several, limits)?),
    }
}

/// Finds all candidates that have the key which made the outermost signature of a response, also if there is one
/// candidate alone. Like [`choose`], this proves nothing.
///
/// The candidates may be any number, so that a caller that has many can pass them in parts. Of each one, at least eight
/// keys are tried that were not tried for another one, so that no candidate can hide another one. The work grows with
/// the number of candidates; the caller limits how many it passes at a time.
///
/// # Errors
/// The same as for [`choose`], except that several candidates with the key are no error.
pub fn owners_of_response<'t>(
    claimed: &Claimed,
    candidates: &[&'t Trust],
    limits: &Limits,
) -> Result<Vec<&'t Trust>, Refusal> {
    claimed.require_success()?;
    if candidates.is_empty() {
        let issuer = claimed.issuer().map(EntityId::as_str).unwrap_or_default();
        return Err(Refusal::unknown_issuer(issuer, []));
    }
    let signer = match &claimed.form {
        Some(fields) => key_of_form(fields, candidates, limits),
        None => {
            let signed = outermost_signed(claimed.document.root()).map_err(|sealed| match sealed {
                true => ambiguous(candidates.iter().copied(), SEALED),
                false => Refusal::new(AssertionError::Unsigned),
            })?;
            key_of_element(signed, candidates, limits)
        }
    };
    let signer = signer.and_then(|key| key.ok_or(AssertionError::Unsigned));
    owners_of(signer, candidates, RULE, CLAUSE)
}

/// The maximum number of connections with the same identity provider among which the key decides.
pub const MOST_CANDIDATES: usize = 16;

const MANY: &str = "more connections than are told apart by their keys";
const SEALED: &str = "the only signature is inside the encrypted assertion";
const SHARED: &str = "they have the key in common that signed";

/// Returns the candidates that have the key that signed. The key counts, not its certificate: anybody can put another
/// party's public key into a certificate.
pub(crate) fn owners_of<'t>(
    signer: Result<&TrustedKey, AssertionError>,
    candidates: &[&'t Trust],
    rule: &'static str,
    clause: &'static str,
) -> Result<Vec<&'t Trust>, Refusal> {
    let key = signer.map_err(|error| {
        let check = Check::new(rule, clause, Outcome::Failed)
            .expected("a signature by a key of one of the connections")
            .actual(error.to_string());
        Refusal::by(error, check)
    })?;
    let spki = key.public_key().spki_der();
    let has_it = |candidate: &&&Trust| candidate.keys().iter().any(|own| own.public_key().spki_der() == spki);
    Ok(candidates.iter().filter(has_it).copied().collect())
}

/// Returns the only one of the candidates that have the key that signed.
pub(crate) fn only_of<'t>(owners: &[&'t Trust]) -> Result<&'t Trust, Refusal> {
    match owners {
        [only] => Ok(only),
        several => Err(ambiguous(several.iter().copied(), SHARED)),
    }
}

/// Returns the candidates' key that signed a form, or the error of the first candidate.
pub(crate) fn key_of_form<'t>(
    fields: &[(String, String)],
    candidates: &[&'t Trust],
    limits: &Limits,
) -> Result<Option<&'t TrustedKey>, AssertionError> {
    key_of_each(candidates, limits, &|keys, provider| {
        Ok(verify_form(fields, keys, provider)?.evidence().key_fingerprint().clone())
    })
}

/// Returns the candidates' key that made the signature in an element, or the error of the first candidate.
pub(crate) fn key_of_element<'t>(
    signed: Element<'_>,
    candidates: &[&'t Trust],
    limits: &Limits,
) -> Result<Option<&'t TrustedKey>, AssertionError> {
    let signed_info = SignedInfo::of(signed, limits)?;
    key_of_each(candidates, limits, &|keys, provider| {
        Ok(signed_info.key_among(keys, provider, keys.len())?.fingerprint().clone())
    })
}

/// Returns the candidates' key that signed a query, or the error of the first candidate.
pub(crate) fn key_of_query<'t>(
    query: &str,
    candidates: &[&'t Trust],
    limits: &Limits,
) -> Result<Option<&'t TrustedKey>, AssertionError> {
    key_of_each(candidates, limits, &|keys, provider| {
        Ok(verify_query(query, keys, provider)?.evidence().key_fingerprint().clone())
    })
}

/// A function that returns which of the keys signed.
type Verify<'a> = dyn Fn(&[TrustedKey], &Provider) -> Result<KeyFingerprint, SignatureError> + 'a;

/// The number of keys of each candidate that are tried at least.
const KEYS_OF_EACH: usize = 8;

/// Returns the candidates' key that signed what `verify` verifies, or the error of the first candidate.
///
/// Each candidate has keys of its own that are tried, whatever the others have: eight, or more if there are few
/// candidates. A key that was tried for one candidate is not tried again for another one, and does not count. So
/// no candidate can prevent that the key of another one is found.
fn key_of_each<'t>(
    candidates: &[&'t Trust],
    limits: &Limits,
    verify: &Verify<'_>,
) -> Result<Option<&'t TrustedKey>, AssertionError> {
    let share = limits.public_key_operations.checked_div(candidates.len()).unwrap_or_default();
    let most = share.max(KEYS_OF_EACH.min(limits.public_key_operations)).max(1);
    let mut failed: BTreeSet<&[u8]> = BTreeSet::new();
    let mut first_error = None;
    for candidate in candidates {
        let is_untried = |key: &&TrustedKey| !failed.contains(key.public_key().spki_der());
        let untried: Vec<&TrustedKey> = candidate.keys().iter().filter(is_untried).take(most).collect();
        if untried.is_empty() {
            continue;
        }
        let keys: Vec<TrustedKey> = untried.iter().copied().cloned().collect();
        match verify(&keys, candidate.provider()) {
            Ok(name) => return Ok(untried.into_iter().find(|key| *key.fingerprint() == name)),
            Err(error) => {
                // After any other error, a key may not have been tried, or another connection may accept the
                // algorithm.
                if matches!(error, SignatureError::NotVerified { .. }) {
                    failed.extend(untried.iter().map(|key| key.public_key().spki_der()));
                }
                first_error = first_error.or(Some(error));
            }
        }
    }
    first_error.map_or(Ok(None), |error| Err(error.into()))
}

/// Returns the Response, or its only plain Assertion, whichever is signed first. `Err(true)` means that there may be
/// a signature inside ciphertext.
fn outermost_signed(root: Element<'_>) -> Result<Element<'_>, bool> {
    let has_signature = |element: &Element<'_>| !matches!(signature_child(*element), Ok(None));
    if has_signature(&root) {
        return Ok(root);
    }
    let assertion = elements_named(root, namespace::SAML_ASSERTION, "Assertion").find(has_signature);
    let is_sealed = || elements_named(root, namespace::SAML_ASSERTION, "EncryptedAssertion").next().is_some();
    assertion.ok_or_else(is_sealed)
}

fn ambiguous<'t>(candidates: impl Iterator<Item = &'t Trust>, reason: &'static str) -> Refusal {
    let connections = candidates.map(Trust::connection).cloned().collect::<Vec<_>>();
    let check = Check::new(RULE, CLAUSE, Outcome::Failed)
        .expected("one connection")
        .actual(format!("{} connections: {reason}", connections.len()));
    Refusal::by(AssertionError::ConnectionAmbiguous { count: connections.len(), reason }, check)
}
