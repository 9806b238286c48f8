//! Verifies the signature of a parsed message, and keeps only the bytes that a trusted key signed.

use vouchsafe_signature::{Evidence, SignatureError, Verified, verify_form, verify_query};
use vouchsafe_xml::{Canonicalization, Document, Element, Limits, canonicalize, namespace};

use crate::authentic::parse;
use crate::authenticate::Steps;
use crate::error::AssertionError;
use crate::ledger::{Check, Outcome};
use crate::message::authentic::SignedMessage;
use crate::message::claimed::{Signed, element};
use crate::message::{AuthenticMessage, Carriage, ClaimedMessage, MessageError, MessageKind};
use crate::reading::only_child;
use crate::refusal::Refusal;
use crate::trust::Trust;

/// Decides whether a message is authentic, by the trust in one connection.
///
/// * The signature is the message's own: the enveloped one of its element, or that of the query or the form that
///   carried it. A signature that the message has must be valid in any case. A signature anywhere else is ignored.
/// * Over HTTP-Redirect the query must be signed, as the binding requires (saml-bindings-2.0-os 3.4.4.1).
/// * Every message must be signed, also over SOAP: a TLS connection proves the owner of a host, and not the identity
///   provider. The only exception must be configured for a connection and is another function:
///   [`unsigned_artifact_response`](crate::unsigned_artifact_response).
/// * No identifier occurs twice in the document.
///
/// The result contains only the signed bytes; the document is dropped.
///
/// # Errors
/// A [`Refusal`] with the first error. Codes of `xml.*` and `signature.*` are passed on unchanged.
pub fn authenticate_message<'k>(
    claimed: ClaimedMessage,
    trust: &'k Trust,
    limits: &'k Limits,
) -> Result<AuthenticMessage<'k>, Refusal> {
    let (kind, carriage) = (claimed.kind(), claimed.carriage());
    let issuer = claimed.issuer().map(ToString::to_string);
    let ClaimedMessage { document, signed, ledger, .. } = claimed;
    let mut steps = Steps::new(trust, limits, ledger);
    let outcome = claimed_issuer(&mut steps, kind, issuer.as_deref())
        .and_then(|()| steps.unique_ids("message.unique_ids", &[&document]))
        .and_then(|()| own_signature(&mut steps, &document, carriage, kind))
        .and_then(|own| signed_content(&mut steps, document, signed, own, kind, limits));
    match outcome {
        Ok(content) => {
            let Steps { context, ledger, .. } = steps;
            Ok(AuthenticMessage::new(content, (kind, carriage), trust, context, ledger))
        }
        Err(error) => Err(steps.refused(error)),
    }
}

/// The signature and the content of the message's element.
struct Own {
    verified: Option<Verified>,
    /// The Response inside an ArtifactResponse.
    response: Option<Vec<u8>>,
}

/// Verifies the message's own signature. A missing signature is not an error here; an invalid one always is.
fn own_signature(
    steps: &mut Steps<'_, '_>,
    document: &Document,
    carriage: Carriage,
    kind: MessageKind,
) -> Result<Own, AssertionError> {
    let message = element(document, carriage)?;
    Ok(Own { verified: steps.signature(message, SIGNATURE)?, response: inner_response(message, kind)? })
}

/// Returns the bytes that a signature covers: those of the element, or the whole document of a query or a form.
fn signed_content(
    steps: &mut Steps<'_, '_>,
    document: Document,
    signed: Signed,
    own: Own,
    kind: MessageKind,
    limits: &Limits,
) -> Result<SignedMessage, AssertionError> {
    let Own { verified, response } = own;
    let (keys, provider) = (steps.trust.keys(), steps.trust.provider());
    let (document, evidence) = match signed {
        Signed::Enveloped => {
            let Some(verified) = verified else { return Err(unsigned(steps, kind)) };
            let (bytes, evidence) = verified.into_parts();
            (parse(&bytes, limits)?, evidence)
        }
        Signed::Nothing => return Err(unsigned(steps, kind)),
        Signed::Query(query) => {
            let verified = verify_query(&query, keys, provider);
            (document, around(steps, verified.map(|verified| verified.evidence().clone()))?)
        }
        Signed::Form(fields) => {
            let verified = verify_form(&fields, keys, provider);
            (document, around(steps, verified.map(|verified| verified.evidence().clone()))?)
        }
    };
    Ok(SignedMessage { document, evidence, response })
}

const SIGNATURE: &str = "message.signature";
pub(super) const SIGNED: &str = "message.signed";
pub(super) const CLAUSE: &str = "saml-profiles-2.0-os 4.4.4, saml-bindings-2.0-os 3.4.4.1, 3.5.5.2";
pub(super) const EXPECTED: &str = "a signature over this message by a trusted key";

/// Requires that the claimed issuer is the identity provider whose keys are used.
pub(super) fn claimed_issuer(
    steps: &mut Steps<'_, '_>,
    kind: MessageKind,
    issuer: Option<&str>,
) -> Result<(), AssertionError> {
    let (rule, clause) = ("message.claimed_issuer", "saml-profiles-2.0-os 4.4.4.1");
    let expected = steps.trust.entity_id().clone();
    if issuer == Some(expected.as_str()) {
        steps.ledger.record(Check::new(rule, clause, Outcome::Passed).expected(&expected).same());
        return Ok(());
    }
    let actual = issuer.map(str::to_owned);
    let error = MessageError::Issuer { kind, expected: expected.to_string(), actual: actual.clone() };
    Err(steps.fail(rule, clause, &expected, actual.unwrap_or_else(|| "none".to_owned()), error.into()))
}

/// Records the signature of the query or the form around the message.
fn around(
    steps: &mut Steps<'_, '_>,
    verified: Result<Evidence, SignatureError>,
) -> Result<Evidence, AssertionError> {
    match verified {
        Ok(evidence) => {
            steps.is_signed_by_trusted_key = true;
            let actual = [evidence.algorithm().uri(), " by ", evidence.key_label()].concat();
            steps.pass(SIGNED, CLAUSE, EXPECTED, actual);
            Ok(evidence)
        }
        Err(error) => Err(steps.fail(SIGNED, CLAUSE, EXPECTED, error.to_string(), error.into())),
    }
}

pub(super) fn unsigned(steps: &mut Steps<'_, '_>, kind: MessageKind) -> AssertionError {
    steps.fail(SIGNED, CLAUSE, EXPECTED, "none", MessageError::Unsigned { kind }.into())
}

/// Returns the Response inside an ArtifactResponse, with the namespaces that are bound around it. It is verified by
/// its own signature, like a posted one.
pub(super) fn inner_response(
    message: Element<'_>,
    kind: MessageKind,
) -> Result<Option<Vec<u8>>, AssertionError> {
    if kind != MessageKind::ArtifactResponse {
        return Ok(None);
    }
    let Some(response) = only_child(message, namespace::SAML_PROTOCOL, "Response") else { return Ok(None) };
    let mut bytes = Vec::new();
    canonicalize(response, Canonicalization::INCLUSIVE_WITH_COMMENTS, &[], None, &mut bytes)?;
    Ok(Some(bytes))
}
