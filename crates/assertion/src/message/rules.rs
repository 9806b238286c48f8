//! The rules for messages: one function for each rule, in the order of the specification. All of them run, even if
//! one fails.

use std::borrow::Cow;

use vouchsafe_metadata::EntityId;

use crate::envelope::{SUCCESS, VERSION};
use crate::error::AssertionError;
use crate::instant::{Clock, delta};
use crate::ledger_text::Bound;
use crate::message::facts::{Body, LogoutFacts, MessageFacts, NameIdFacts};
use crate::message::{Carriage, MessageError, MessageExpectations, MessageKind};
use crate::message_id::MessageId;
use crate::name_id::{NameId, is_too_long};
use crate::rules::{Examination, Judgement, is_after, is_issuer, is_timely, well_formed};

/// The data that every rule can use in addition to the message.
pub(super) struct MessageCase<'a> {
    pub(super) issuer: &'a EntityId,
    pub(super) carriage: Carriage,
    pub(super) expectations: &'a MessageExpectations,
    pub(super) clock: Clock,
}

struct MessageRule {
    name: &'static str,
    clause: &'static str,
    judge: fn(&MessageCase<'_>, &MessageFacts) -> Judgement,
}

const fn rule(
    name: &'static str,
    clause: &'static str,
    judge: fn(&MessageCase<'_>, &MessageFacts) -> Judgement,
) -> MessageRule {
    MessageRule { name, clause, judge }
}

const RULES: &[MessageRule] = &[
    rule("message.id", "saml-core-2.0-os 1.3.4, 3.2.1", id),
    rule("message.version", "saml-core-2.0-os 3.2.1, 3.2.2", version),
    rule("message.issue_instant", "saml-core-2.0-os 3.2.1, 3.2.2", issue_instant),
    rule("message.destination", "saml-bindings-2.0-os 3.2.3, 3.4.5.2, 3.5.5.2", destination),
    rule("message.issuer", "saml-profiles-2.0-os 4.4.4", issuer),
    rule("message.issued_after", "saml-core-2.0-os 3.2.2", issued_after_request),
    rule("message.in_response_to", "saml-core-2.0-os 3.2.2", in_response_to),
    rule("message.status", "saml-core-2.0-os 3.2.2.2", status),
    rule("message.not_on_or_after", "saml-core-2.0-os 3.7.1", not_on_or_after),
    rule("message.name_id", "saml-core-2.0-os 3.6.1, 3.7.1", name_id),
    rule("message.new_id", "saml-core-2.0-os 3.6.1", new_id),
    rule("message.session_index", "saml-core-2.0-os 3.7.1", session_indexes),
];

pub(super) fn examine(case: &MessageCase<'_>, facts: &MessageFacts, examination: &mut Examination) {
    for rule in RULES {
        examination.record(rule.name, rule.clause, (rule.judge)(case, facts));
    }
}

/// The ID must be valid: it identifies a replay, and an answer repeats it.
fn id(_: &MessageCase<'_>, facts: &MessageFacts) -> Judgement {
    let expected = "1 to 1024 characters without white space";
    match MessageId::new(facts.id.clone()) {
        Ok(_) => Judgement::passed(expected, facts.id.clone()),
        Err(error) => Judgement::failed(expected, facts.id.clone(), error),
    }
}

fn version(_: &MessageCase<'_>, facts: &MessageFacts) -> Judgement {
    if facts.version == VERSION {
        return Judgement::as_expected(VERSION);
    }
    let actual = facts.version.to_string();
    Judgement::failed(VERSION, actual.clone(), MessageError::Version { kind: facts.kind, actual }.into())
}

/// The IssueInstant must not be in the future, and not older than the maximum age.
fn issue_instant(case: &MessageCase<'_>, facts: &MessageFacts) -> Judgement {
    let (clock, maximum_age) = (case.clock, delta(case.expectations.maximum_age()));
    is_timely(&clock, Some(maximum_age), "IssueInstant", &facts.issue_instant, |instant| {
        let kind = facts.kind;
        MessageError::IssueInstant { kind, instant, now: clock.now, skew: clock.skew, maximum_age }.into()
    })
}

/// The Destination must equal the address of receipt exactly: a message has no audience, so nothing else names the
/// receiver. An answer that is read from the connection on which its request went out may omit it.
fn destination(case: &MessageCase<'_>, facts: &MessageFacts) -> Judgement {
    let expected = case.expectations.shared_received_at();
    match facts.destination.as_deref() {
        Some(actual) if actual == &*expected => Judgement::as_expected(expected),
        None if is_soap_answer(case, facts) => Judgement::skipped(expected, "none"),
        // An answer that is read from the connection of its request was not received at an address.
        Some(actual) if is_soap_answer(case, facts) => {
            Judgement::skipped("an answer on the connection of its request", actual.to_owned())
        }
        actual => {
            let error = MessageError::Destination {
                kind: facts.kind,
                expected: expected.to_string(),
                actual: actual.map(str::to_owned),
            };
            Judgement::failed(expected, actual.unwrap_or("none").to_owned(), error.into())
        }
    }
}

fn is_soap_answer(case: &MessageCase<'_>, facts: &MessageFacts) -> bool {
    case.carriage == Carriage::Soap && matches!(facts.body, Body::Answer(_))
}

/// The Issuer must be the identity provider, with the Format of an entity.
fn issuer(case: &MessageCase<'_>, facts: &MessageFacts) -> Judgement {
    let (kind, expected) = (facts.kind, case.issuer);
    let other = |actual| MessageError::Issuer { kind, expected: expected.to_string(), actual }.into();
    let format = |actual| MessageError::IssuerFormat { kind, actual }.into();
    is_issuer(expected, facts.issuer.as_ref(), other, format)
}

/// An answer must not be older than its request.
fn issued_after_request(case: &MessageCase<'_>, facts: &MessageFacts) -> Judgement {
    let asked = case.expectations.answers().and_then(|request| request.oldest_answer());
    let (Body::Answer(_), Some(issued_at)) = (&facts.body, asked) else {
        return Judgement::skipped("no earlier than the request", "no request");
    };
    let skew = case.clock.skew;
    is_after(issued_at, skew, &facts.issue_instant, |instant| {
        MessageError::IssuedBeforeRequest { kind: facts.kind, instant, issued_at, skew }.into()
    })
}

/// An answer must name the request that waits for it.
fn in_response_to(case: &MessageCase<'_>, facts: &MessageFacts) -> Judgement {
    let Body::Answer(answer) = &facts.body else { return Judgement::skipped("an answer", "a request") };
    let expected = case.expectations.answers().map(|request| request.id().as_str());
    let actual = answer.in_response_to.as_deref();
    let show = |id: Option<&str>| id.map_or(Cow::Borrowed("none"), |id| Cow::Owned(id.to_owned()));
    if expected.is_some() && actual == expected {
        return Judgement::as_expected(show(expected));
    }
    let error = MessageError::InResponseTo {
        kind: facts.kind,
        expected: expected.map(str::to_owned),
        actual: actual.map(str::to_owned),
    };
    Judgement::failed(show(expected), show(actual), error.into())
}

/// The status of an answer is no reason to refuse it, except in an ArtifactResponse, which should contain a Response.
fn status(_: &MessageCase<'_>, facts: &MessageFacts) -> Judgement {
    match &facts.body {
        Body::Answer(answer)
            if facts.kind == MessageKind::ArtifactResponse
                && answer.status.codes.first().is_none_or(|code| code != SUCCESS) =>
        {
            let codes = answer.status.codes.iter().map(ToString::to_string).collect();
            let error = MessageError::Status { codes, message: answer.status.message.clone() };
            Judgement::failed(SUCCESS, answer.status.joined(), error.into())
        }
        Body::Answer(answer) => Judgement::passed(SUCCESS, answer.status.joined()),
        Body::Logout(_) | Body::NameId(_) => Judgement::skipped(SUCCESS, "a request"),
    }
}

fn not_on_or_after(case: &MessageCase<'_>, facts: &MessageFacts) -> Judgement {
    let clock = case.clock;
    let expected = Bound::before_end(&clock);
    let Body::Logout(LogoutFacts { not_on_or_after: Some(end), .. }) = &facts.body else {
        return Judgement::skipped(expected, "none");
    };
    let not_on_or_after = match well_formed(end, "LogoutRequest/@NotOnOrAfter") {
        Ok(instant) => instant,
        Err(judgement) => return judgement,
    };
    if clock.is_before(not_on_or_after) {
        return Judgement::passed(expected, end);
    }
    let error = MessageError::Expired { kind: facts.kind, not_on_or_after, now: clock.now, skew: clock.skew };
    Judgement::failed(expected, end, error.into())
}

/// A request must name a person.
fn name_id(_: &MessageCase<'_>, facts: &MessageFacts) -> Judgement {
    let expected = "a NameID with a value";
    let name_id = match &facts.body {
        Body::Logout(LogoutFacts { name_id, .. }) | Body::NameId(NameIdFacts { name_id, .. }) => name_id,
        Body::Answer(_) => return Judgement::skipped(expected, "an answer"),
    };
    let refuse = |reason| {
        Judgement::failed(
            expected,
            reason,
            AssertionError::from(MessageError::NameId { kind: facts.kind, reason }),
        )
    };
    match name_id {
        None => refuse("a BaseID names nobody who is known here"),
        Some(name_id) if name_id.value().is_empty() => refuse("the NameID is empty"),
        Some(name_id) if name_id.is_overlong() => refuse("the NameID is longer than its format allows"),
        Some(name_id) if name_id.has_long_text() => {
            refuse("the NameID or one of its attributes is longer than 1,024 characters")
        }
        Some(name_id) => Judgement::passed(expected, name_id.value().to_owned()).personal(),
    }
}

/// The number of session indexes and their length are limited to what one person can have: each is looked up and
/// remembered.
fn session_indexes(_: &MessageCase<'_>, facts: &MessageFacts) -> Judgement {
    let expected = "at most 100 of at most 1,024 characters";
    let Body::Logout(LogoutFacts { session_indexes, .. }) = &facts.body else {
        return Judgement::skipped(expected, "none");
    };
    if session_indexes.len() <= MOST_INDEXES && !session_indexes.iter().any(|index| is_too_long(index)) {
        return Judgement::passed(expected, session_indexes.len().to_string());
    }
    let actual = format!("{} of them, or a longer one", session_indexes.len());
    Judgement::failed(expected, actual, MessageError::SessionIndexes { kind: facts.kind }.into())
}

/// The maximum number of session indexes in one request.
const MOST_INDEXES: usize = 100;

/// A new name must be valid.
fn new_id(_: &MessageCase<'_>, facts: &MessageFacts) -> Judgement {
    let expected = "1 to 256 characters, or Terminate";
    let Body::NameId(NameIdFacts { new_id: Some(new_id), .. }) = &facts.body else {
        return Judgement::skipped(expected, "none");
    };
    if !new_id.is_empty() && new_id.chars().nth(NameId::LONGEST_OPAQUE).is_none() {
        return Judgement::passed(expected, new_id.clone()).personal();
    }
    let reason = "the NewID is empty or longer than 256 characters";
    Judgement::failed(expected, reason, MessageError::NameId { kind: facts.kind, reason }.into())
}
