//! An artifact has one reading; what it is resolved to is what the identity provider's key signed, in an answer to our question.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use vouchsafe::assertion::{
    Artifact, Claimed, ClaimedMessage, Correlation, Expectations, MessageExpectations, MessageId,
    OutstandingRequest, Refusal, SourceId, Trust, authenticate, authenticate_message,
    unsigned_artifact_response,
};
use vouchsafe::crypto::{Provider, base64_decode, base64_encode};
use vouchsafe::xml::{Canonicalization, Document, Element, Limits, canonicalize, namespace};
use vouchsafe::{ConnectionId, EntityId, IdentityProvider, Message, SentArtifact};
use vouchsafe_testkit::{ASSERTION_CONSUMER, ISSUE_INSTANT, OKTA_ENTITY_ID, SERVICE_PROVIDER};

use crate::message_recheck::{self, By};
use crate::message_seeds::{REQUEST, answers, responses, zeroed};
use crate::{backend, keys, script};

/// The ID of our question.
pub(crate) const QUESTION: &str = "_question";
const NOW: DateTime<Utc> = ISSUE_INSTANT;

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        has_one_reading(text);
        stands_alone(text);
    }
    let _ = resolved(data);
}

/// Two texts of one artifact are one artifact, and what is read is what stands there.
fn has_one_reading(text: &str) {
    let Ok(artifact) = Artifact::parse(text) else { return };
    let bytes = base64_decode(text).expect("an artifact is base64");
    assert_eq!(bytes.len(), 44);
    assert_eq!(bytes.get(..2), Some([0, 4].as_slice()));
    let index = artifact.endpoint_index().to_be_bytes();
    assert_eq!(bytes.get(2..4), Some(index.as_slice()));
    assert_eq!(bytes.get(4..24), Some(artifact.source_id().as_bytes().as_slice()));
    assert_eq!(artifact.to_base64(), base64_encode(&bytes));
    assert_eq!(Artifact::parse(&artifact.to_base64()).ok().as_ref(), Some(&artifact));
    let okta = EntityId::new(OKTA_ENTITY_ID).expect("an entity ID");
    assert_eq!(artifact.is_of(&okta), artifact.source_id() == SourceId::of(&okta));
}

/// A query or a form holds one artifact and no message beside it.
fn stands_alone(text: &str) {
    let limits = Limits::default();
    let (query, form) =
        (SentArtifact::from_query(text, &limits), SentArtifact::from_form(text.as_bytes(), &limits));
    assert_eq!(query.is_ok(), form.is_ok(), "a query and a form are read alike");
    let Ok(sent) = query else { return };
    assert!(SentArtifact::is_in_form(text.as_bytes()));
    for more in ["SAMLart=AAQ", "SAML%61rt", "SAMLResponse=", "SAMLRequest=x"] {
        assert!(SentArtifact::from_query(&format!("{text}&{more}"), &limits).is_err(), "{more} beside it");
    }
    assert!(Artifact::parse(&sent.artifact().to_base64()).is_ok());
}

/// How many of three take the answer and sign somebody in by it: by real signatures, with a backend that believes all of them, and over a connection
/// that takes an answer without a signature.
#[must_use]
pub fn resolved(data: &[u8]) -> usize {
    let mut count = 0_usize;
    let lenient = real().clone().danger_accept_unsigned_artifact_responses();
    for (trust, originals, by) in [
        (real(), answers(), By::Itself),
        (&lenient, answers(), By::Nothing),
        (credulous(), zeroed_answers(), By::Itself),
    ] {
        let text = script::document(data, originals);
        if let Ok((claimed, bytes)) = response(&text, trust, by) {
            recheck(&text, by);
            if let Ok(name) = judged(claimed, trust) {
                count = count.saturating_add(1);
                // The credulous one believes whatever is asked of it; the others only what the key signed.
                assert!(
                    by == By::Itself && std::ptr::eq(trust, credulous()) || was_signed(&bytes, &name),
                    "nobody signed it"
                );
            }
        }
    }
    count
}

fn response(text: &[u8], trust: &Trust, by: By) -> Result<(Claimed, Vec<u8>), Refusal> {
    let limits = Limits::default();
    let claimed = ClaimedMessage::in_soap(text, &limits)?;
    let resolved = if by == By::Nothing {
        unsigned_artifact_response(claimed, trust, &question(), NOW, &limits)?
    } else {
        let valid = authenticate_message(claimed, trust, &limits)?.read()?.validate(&question(), NOW)?;
        let recorded = valid.replay_key().recorded(true);
        let Message::ArtifactResponse(resolved) = valid.confirm(recorded)? else {
            return Err(Refusal::unknown_issuer("", []));
        };
        resolved.into_response(&limits)?
    };
    Ok((resolved.claimed, resolved.bytes))
}

/// Whose login it is.
fn judged(claimed: Claimed, trust: &Trust) -> Result<String, Refusal> {
    let request = OutstandingRequest::new(MessageId::new(REQUEST)?, NOW);
    let service = EntityId::new(SERVICE_PROVIDER).map_err(Refusal::metadata)?;
    let expectations = Expectations::new(service, ASSERTION_CONSUMER, Correlation::Reply(request));
    let valid = authenticate(claimed, trust, &Limits::default())?.read()?.validate(&expectations, NOW)?;
    let recorded = valid.replay_key().recorded(true);
    let login = valid.confirm(recorded)?;
    Ok(login.name_id().map(|name| name.value().to_owned()).unwrap_or_default())
}

/// The Response without what no signature covers (declarations that are not used, comments, the Signature elements themselves) is one that the key
/// signed, or holds an Assertion that it signed.
fn was_signed(bytes: &[u8], name: &str) -> bool {
    let document = Document::parse(&without_signatures(bytes), &crate::ample()).expect("it was read before");
    let parts = |root: Element<'_>| {
        let assertion = root.elements().find(|one| one.is(namespace::SAML_ASSERTION, "Assertion"));
        [Some(canonical(root)), assertion.map(canonical)]
    };
    let found = parts(document.root());
    ["ada@example.com", "grace@example.com"].contains(&name)
        && responses().iter().take(2).any(|response| {
            let original = without_signatures(response.as_bytes());
            let original = Document::parse(&original, &Limits::default()).expect("one of ours");
            parts(original.root()).iter().zip(&found).any(|(one, other)| one == other)
        })
}

/// An enveloped signature does not cover its own element, so that what stands beside SignedInfo in it may be anything.
fn without_signatures(bytes: &[u8]) -> Vec<u8> {
    let mut text = bytes.to_vec();
    loop {
        let document = Document::parse(&text, &crate::ample()).expect("it was read before");
        let signature = document.elements().find(|one| one.is(namespace::DSIG, "Signature"));
        let Some(range) = signature.map(|one| one.source_range()) else { return text };
        drop(document);
        text.drain(range);
    }
}

fn canonical(element: Element<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = canonicalize(element, Canonicalization::EXCLUSIVE, &[], None, &mut bytes);
    assert!(crate::written(written), "it was canonicalized before");
    bytes
}

fn recheck(text: &[u8], by: By) {
    let document = Document::parse(text, &Limits::default()).expect("accepted without being XML");
    let body =
        document.root().elements().find(|one| one.is(namespace::SOAP_ENVELOPE, "Body")).expect("no body");
    let message = body.elements().next().expect("an empty body");
    assert_eq!(message.local_name(), "ArtifactResponse");
    message_recheck::message(message, by, "", NOW.timestamp());
    assert_eq!(message.attribute("InResponseTo"), Some(QUESTION));
    let status =
        message.elements().find(|one| one.is(namespace::SAML_PROTOCOL, "Status")).expect("no status");
    let code = status.elements().find(|one| one.local_name() == "StatusCode").expect("no code");
    let success = "urn:oasis:names:tc:SAML:2.0:status:Success";
    assert_eq!(code.attribute("Value").map(str::trim), Some(success));
    let inside = message.elements().filter(|one| one.is(namespace::SAML_PROTOCOL, "Response"));
    assert_eq!(inside.count(), 1);
}

fn question() -> MessageExpectations {
    let id = MessageId::new(QUESTION).expect("an ID");
    let service = EntityId::new(SERVICE_PROVIDER).expect("an entity ID");
    MessageExpectations::new(service, "").answering(OutstandingRequest::new(id, NOW))
}

fn zeroed_answers() -> &'static [String] {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| zeroed(answers()));
    &ALL
}

fn real() -> &'static Trust {
    static TRUST: LazyLock<Trust> = LazyLock::new(|| trust(keys::provider()));
    &TRUST
}

fn credulous() -> &'static Trust {
    static TRUST: LazyLock<Trust> = LazyLock::new(|| trust(backend::credulous()));
    &TRUST
}

fn trust(provider: &Provider) -> Trust {
    let okta = IdentityProvider::new(EntityId::new(OKTA_ENTITY_ID).expect("an entity ID"))
        .with_signing_certificate(keys::certificate().clone());
    Trust::new(ConnectionId::new("okta").expect("a name"), &okta, provider).expect("a key")
}
