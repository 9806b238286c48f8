//! Reads an ArtifactResponse without a signature, over a connection that accepts it.

use chrono::{DateTime, Utc};
use vouchsafe_signature::has_signature;
use vouchsafe_xml::Limits;

use crate::authenticate::Steps;
use crate::claimed::Claimed;
use crate::error::AssertionError;
use crate::instant::Clock;
use crate::ledger::{Check, Outcome};
use crate::message::authenticate::{CLAUSE, EXPECTED, SIGNED, claimed_issuer, inner_response, unsigned};
use crate::message::claimed::element;
use crate::message::facts::MessageFacts;
use crate::message::rules::{MessageCase, examine};
use crate::message::{ClaimedMessage, MessageError, MessageExpectations, MessageKind, ResolvedResponse};
use crate::opening::Opener;
use crate::refusal::Refusal;
use crate::rules::Examination;
use crate::schema::check_message;
use crate::trust::Trust;

/// Takes the Response out of an ArtifactResponse without a signature, if the connection [accepts
/// this](Trust::danger_accept_unsigned_artifact_responses). The ArtifactResponse is then only a container, like the
/// form in which a browser posts a Response.
///
/// Every rule is still applied, to refuse. The result is as untrusted as a posted Response: only its own signature,
/// or that of its Assertion, proves anything. An ArtifactResponse that has a signature is
/// [authenticated](crate::authenticate_message) instead, and so is every other message.
///
/// # Errors
/// `message.unsigned` if the connection does not accept it; otherwise the first rule that failed, with the ledger of
/// all of them.
pub fn unsigned_artifact_response(
    claimed: ClaimedMessage,
    trust: &Trust,
    expectations: &MessageExpectations,
    now: DateTime<Utc>,
    limits: &Limits,
) -> Result<ResolvedResponse, Refusal> {
    claimed.require_kind(&[MessageKind::ArtifactResponse])?;
    let (kind, carriage) = (claimed.kind(), claimed.carriage());
    let issuer = claimed.issuer().map(ToString::to_string);
    let ClaimedMessage { document, ledger, .. } = claimed;
    let mut steps = Steps::new(trust, limits, ledger);
    let read = (|| {
        claimed_issuer(&mut steps, kind, issuer.as_deref())?;
        steps.unique_ids("message.unique_ids", &[&document])?;
        let message = element(&document, carriage)?;
        if has_signature(message) || !trust.accepts_unsigned_artifact_responses() {
            return Err(unsigned(&mut steps, kind));
        }
        let none = "none; its Response is judged by its own";
        steps.ledger.record(Check::new(SIGNED, CLAUSE, Outcome::Skipped).expected(EXPECTED).actual(none));
        check_message(message, kind)?;
        let response = inner_response(message, kind)?;
        Ok::<_, AssertionError>((message, response))
    })();
    let (message, response) = match read {
        Ok(read) => read,
        Err(error) => return Err(steps.refused(error)),
    };
    let Steps { context, ledger, .. } = steps;
    let mut opener = Opener::new(context, [&document, &document]);
    let facts = MessageFacts::read(message, kind, None, &mut opener)?;
    let clock = Clock::new(now, expectations.clock_skew());
    let case = MessageCase { issuer: trust.entity_id(), carriage, expectations, clock };
    let mut examination = Examination::new(ledger);
    examine(&case, &facts, &mut examination);
    let Examination { ledger, error, decided_by } = examination;
    match (error, response) {
        (Some(error), _) => Err(Refusal::decided_by(error, ledger, decided_by)),
        (None, None) => Err(Refusal::with_ledger(MessageError::NoResponse.into(), ledger)),
        (None, Some(response)) => Claimed::of_artifact(response, ledger, limits),
    }
}
