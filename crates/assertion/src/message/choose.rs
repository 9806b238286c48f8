//! Finds the connections that a message belongs to: those whose key signed it.

use vouchsafe_metadata::EntityId;
use vouchsafe_signature::TrustedKey;
use vouchsafe_xml::Limits;

use crate::candidates::{key_of_element, key_of_form, key_of_query, only_of, owners_of};
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
/// The same as for [`owners_of_message`]; `assertion.connection_ambiguous` if several candidates have the key.
pub fn choose_for_message<'t>(
    claimed: &ClaimedMessage,
    candidates: &[&'t Trust],
    limits: &Limits,
) -> Result<&'t Trust, Refusal> {
    only_of(&owners_of_message(claimed, candidates, limits)?)
}

/// Finds all connections that a message may belong to: the candidates that have the key that signed. A single
/// candidate is returned without this check, since its keys alone can authenticate the message.
///
/// The candidates may be any number. Of each one, at least eight keys are tried that were not tried for another one, so
/// that no candidate can hide another one. The work grows with the number of candidates; the caller limits how many it
/// passes at a time.
///
/// # Errors
/// `assertion.unknown_issuer` if there is no candidate; `signature.not_verified` and similar codes if no candidate's
/// key signed; `message.unsigned` if there is no signature.
pub fn owners_of_message<'t>(
    claimed: &ClaimedMessage,
    candidates: &[&'t Trust],
    limits: &Limits,
) -> Result<Vec<&'t Trust>, Refusal> {
    match candidates {
        [] => Err(Refusal::unknown_issuer(claimed.issuer().map(EntityId::as_str).unwrap_or_default(), [])),
        [only] => Ok(vec![only]),
        several => owners_of(signer(claimed, several, limits), several, RULE, CLAUSE),
    }
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
            key_of_element(message, candidates, limits)
        }
        Signed::Nothing => return Err(unsigned()),
        Signed::Query(query) => key_of_query(query, candidates, limits),
        Signed::Form(fields) => key_of_form(fields, candidates, limits),
    };
    key?.ok_or_else(unsigned)
}
