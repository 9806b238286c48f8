//! Which of several connections a message belongs to: the one whose key signed it.

use vouchsafe_crypto::Provider;
use vouchsafe_signature::{KeyFingerprint, SignatureError, TrustedKey, verify_form, verify_query};
use vouchsafe_xml::Limits;

use crate::candidates::{MANY, MOST_CANDIDATES, ambiguous, key_among_all, owner_of, share_of};
use crate::error::AssertionError;
use crate::ledger::{Check, Outcome};
use crate::message::claimed::{Signed, element};
use crate::message::{ClaimedMessage, MessageError};
use crate::refusal::Refusal;
use crate::trust::Trust;

const RULE: &str = "message.connection";
const CLAUSE: &str = "saml-profiles-2.0-os 4.4.4";

/// Finds the connection that a message belongs to among several with the same identity provider, as [`choose`](crate::choose) does for a
/// response: by the key that signed. It is a choice of keys and no proof; the message is then
/// [authenticated](crate::authenticate_message) with the trust that was chosen, as if it had been the only one.
///
/// # Errors
/// `assertion.unknown_issuer` if there is no candidate; `assertion.connection_ambiguous` if the key is that of several candidates, or there
/// are more than [`MOST_CANDIDATES`]; `signature.not_verified` and the like if no candidate's key signed; `message.unsigned`.
pub fn choose_for_message<'t>(
    claimed: &ClaimedMessage,
    candidates: &[&'t Trust],
    limits: &Limits,
) -> Result<&'t Trust, Refusal> {
    match candidates {
        [] => {
            let issuer = claimed.issuer().map(|issuer| issuer.as_str()).unwrap_or_default();
            Err(Refusal::unknown_issuer(issuer, []))
        }
        [only] => Ok(only),
        several if several.len() > MOST_CANDIDATES => Err(ambiguous(several.iter().copied(), MANY)),
        several => by_key(claimed, several, limits),
    }
}

fn by_key<'t>(
    claimed: &ClaimedMessage,
    candidates: &[&'t Trust],
    limits: &Limits,
) -> Result<&'t Trust, Refusal> {
    let key = signer(claimed, candidates, limits).map_err(|error| {
        let check = Check::new(RULE, CLAUSE, Outcome::Failed)
            .expected("a signature by a key of one of the connections")
            .actual(error.to_string());
        Refusal::by(error, check)
    })?;
    owner_of(key, candidates)
}

/// Tells which of the keys signed.
type Verify<'a> = dyn Fn(&[TrustedKey], &Provider) -> Result<KeyFingerprint, SignatureError> + 'a;

/// The key that signed, of whichever candidate; else why the first candidate's keys did not.
fn signer<'t>(
    claimed: &ClaimedMessage,
    candidates: &[&'t Trust],
    limits: &Limits,
) -> Result<&'t TrustedKey, AssertionError> {
    let share = share_of(candidates, limits);
    let by = |verify: &Verify<'_>| {
        let mut first_error = None;
        for candidate in candidates {
            let keys = candidate.keys().get(..share).unwrap_or(candidate.keys());
            let verified = verify(keys, candidate.provider());
            match verified.map(|name| keys.iter().find(|key| *key.fingerprint() == name)) {
                Ok(Some(key)) => return Ok(key),
                Ok(None) => {}
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.map_or(MessageError::Unsigned { kind: claimed.kind() }.into(), AssertionError::from))
    };
    match &claimed.signed {
        Signed::Enveloped => {
            let message = element(&claimed.document, claimed.carriage())?;
            if !vouchsafe_signature::has_signature(message) {
                return Err(MessageError::Unsigned { kind: claimed.kind() }.into());
            }
            key_among_all(message, candidates, limits)
        }
        Signed::Query(query) => by(&|keys, provider| {
            Ok(verify_query(query, keys, provider)?.evidence().key_fingerprint().clone())
        }),
        Signed::Form(fields) => by(&|keys, provider| {
            Ok(verify_form(fields, keys, provider)?.evidence().key_fingerprint().clone())
        }),
    }
}
