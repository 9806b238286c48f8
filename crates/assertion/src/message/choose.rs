//! Chooses the connection that a message belongs to: the one whose key signed it.

use vouchsafe_signature::{TrustedKey, verify_form, verify_query};
use vouchsafe_xml::Limits;

use crate::candidates::{key_among_all, key_by, only_or, owner_of};
use crate::error::AssertionError;
use crate::message::claimed::{Signed, element};
use crate::message::{ClaimedMessage, MessageError};
use crate::refusal::Refusal;
use crate::trust::Trust;

const RULE: &str = "message.connection";
const CLAUSE: &str = "saml-profiles-2.0-os 4.4.4";

/// Finds the connection that a message belongs to among several with the same identity provider, as
/// [`choose`](crate::choose) does for a response: by the key that signed. This only chooses the keys and proves
/// nothing; the message is then [authenticated](crate::authenticate_message) with the chosen trust, as if it had been
/// the only one.
///
/// # Errors
/// `assertion.unknown_issuer` if there is no candidate; `assertion.connection_ambiguous` if several candidates have
/// the key, or if there are more than [`MOST_CANDIDATES`](crate::MOST_CANDIDATES); `signature.not_verified` and
/// similar codes if no candidate's key signed; `message.unsigned` if there is no signature.
pub fn choose_for_message<'t>(
    claimed: &ClaimedMessage,
    candidates: &[&'t Trust],
    limits: &Limits,
) -> Result<&'t Trust, Refusal> {
    only_or(claimed.issuer(), candidates, || {
        owner_of(signer(claimed, candidates, limits), candidates, RULE, CLAUSE)
    })
}

/// Returns the candidates' key that signed, or the error of the first candidate.
fn signer<'t>(
    claimed: &ClaimedMessage,
    candidates: &[&'t Trust],
    limits: &Limits,
) -> Result<&'t TrustedKey, AssertionError> {
    let unsigned = || MessageError::Unsigned { kind: claimed.kind() }.into();
    let key = match &claimed.signed {
        Signed::Enveloped => {
            let message = element(&claimed.document, claimed.carriage())?;
            if !vouchsafe_signature::has_signature(message) {
                return Err(unsigned());
            }
            return key_among_all(message, candidates, limits);
        }
        Signed::Nothing => return Err(unsigned()),
        Signed::Query(query) => key_by(candidates, limits, &|keys, provider| {
            Ok(verify_query(query, keys, provider)?.evidence().key_fingerprint().clone())
        }),
        Signed::Form(fields) => key_by(candidates, limits, &|keys, provider| {
            Ok(verify_form(fields, keys, provider)?.evidence().key_fingerprint().clone())
        }),
    };
    key?.ok_or_else(unsigned)
}
