//! Whatever the doctor is given, it has an answer; the autopsy never contradicts the verdict, and neither does the doctor; and a response is
//! called healthy only when a key of the metadata beside it has signed.

use std::sync::LazyLock;

use vouchsafe::assertion::{
    Claimed, Correlation, Expectations, MessageId, OutstandingRequest, Refusal, Trust, authenticate,
};
use vouchsafe::crypto::base64_encode;
use vouchsafe::doctor::{Complaint, Diagnosis, Doctor, Exhibit, Kind, Severity};
use vouchsafe::signature::{Autopsy, AutopsyBudget, FailedSignature, Maker, autopsy, has_signature, verify};
use vouchsafe::xml::{Document, Element, Limits, namespace};
use vouchsafe::{ConnectionId, EntityId, IdentityProvider as IdentityProviderDescription, PostedResponse};
use vouchsafe_testkit::{ASSERTION_CONSUMER, IdentityProvider, KeyPair, SERVICE_PROVIDER};

use crate::receive_past_signature::NOW;
use crate::{keys, script, signature_locate};

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let _ = healthy(data);
}

/// Whether the input is a response that the doctor finds nothing wrong with.
#[must_use]
pub fn healthy(data: &[u8]) -> bool {
    let bytes = script::document(data, signature_locate::originals());
    let document = Document::parse(&bytes, &Limits::default()).ok();
    if let Some(document) = &document {
        the_autopsy_agrees(document, &bytes);
    }
    let doctor = Doctor::new(NOW).with_provider(keys::provider().clone());
    let _ = answered(&doctor.examine(&[("alone", &bytes)]));
    let diagnosis = doctor.examine(&[("metadata", METADATA.as_bytes()), ("input", &bytes)]);
    let healthy = answered(&diagnosis);
    if let Some(document) = document.filter(|_| healthy) {
        assert!(is_signed_by_the_trusted_key(&document), "healthy, and signed by nobody who is trusted");
    }
    let _ = judged(&bytes);
    let _ = judged_as_a_form(&bytes);
    healthy
}

/// Told who we are and what time it is, the doctor finds an error in a response exactly where the libraries refuse it. Whether it is accepted;
/// `None`: it is no response that is judged in full.
#[must_use]
pub fn judged(bytes: &[u8]) -> Option<bool> {
    let doctor = Doctor::new(NOW)
        .with_provider(keys::provider().clone())
        .with_entity_id(SERVICE_PROVIDER)
        .with_assertion_consumer(ASSERTION_CONSUMER)
        .judged_at(NOW);
    let diagnosis = doctor.examine(&[("metadata", METADATA.as_bytes()), ("input", bytes)]);
    let [_, exhibit] = diagnosis.exhibits.as_slice() else { return None };
    let is_whole = exhibit.facts.iter().any(|fact| fact.name == "came as" && fact.value == "XML");
    let is_closed = exhibit.complaints.iter().any(|one| one.code == "doctor.cannot_open");
    if exhibit.kind != Kind::Response || !is_whole || is_closed {
        return None;
    }
    let is_wrong = |one: &Complaint| one.severity == Severity::Error && !one.code.starts_with("quirk.");
    let finds_an_error = exhibit.complaints.iter().any(is_wrong);
    let verdict = verdict(bytes);
    match &verdict {
        Ok(()) => assert!(!finds_an_error, "accepted, and the doctor complains: {:?}", exhibit.complaints),
        Err(refusal) => assert!(finds_an_error, "refused, and the doctor is silent: {}", refusal.code()),
    }
    Some(verdict.is_ok())
}

/// Forms that a message may be posted in: `V` is the value.
const FORMS: [&str; 6] = [
    "SAMLResponse=V",
    "SAMLResponse=V&RelayState=state",
    "SAMLResponse=V&SAMLResponse=V",
    "SAMLRequest=V",
    "SAMLResponse=V&RelayState=a&RelayState=b",
    "SAMLRequest=PGEvPg%3D%3D&SAMLResponse=V",
];

/// The same of a response that is posted in a form: the doctor finds an error exactly where the assertion consumer refuses the form or the
/// libraries the response.
#[must_use]
pub fn judged_as_a_form(bytes: &[u8]) -> Option<bool> {
    let encoded = base64_encode(bytes).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let form = FORMS.get(bytes.len().checked_rem(FORMS.len())?)?.replace('V', &encoded);
    let doctor = Doctor::new(NOW)
        .with_provider(keys::provider().clone())
        .with_entity_id(SERVICE_PROVIDER)
        .with_assertion_consumer(ASSERTION_CONSUMER)
        .judged_at(NOW);
    let diagnosis = doctor.examine(&[("metadata", METADATA.as_bytes()), ("input", form.as_bytes())]);
    let [_, exhibit] = diagnosis.exhibits.as_slice() else { return None };
    let is_posted = exhibit.facts.iter().any(|fact| fact.name == "came as" && fact.value == "HTTP-POST");
    let is_closed = exhibit.complaints.iter().any(|one| one.code == "doctor.cannot_open");
    if exhibit.kind != Kind::Response || !is_posted || is_closed {
        return None;
    }
    let is_wrong = |one: &Complaint| one.severity == Severity::Error && !one.code.starts_with("quirk.");
    let finds_an_error = exhibit.complaints.iter().any(is_wrong);
    let is_taken = PostedResponse::from_form(form.as_bytes(), &Limits::default()).is_ok();
    let is_accepted = is_taken && verdict(bytes).is_ok();
    assert_eq!(finds_an_error, !is_accepted, "{is_taken}: {:?}", exhibit.complaints);
    Some(is_accepted)
}

/// The straight path, put together a second time: as the answer to the request that the response names, or to none.
fn verdict(bytes: &[u8]) -> Result<(), Refusal> {
    let limits = Limits::default();
    let claimed = Claimed::parse(bytes, &limits)?;
    claimed.require_success()?;
    let correlation = match claimed.in_response_to() {
        Some(id) => Correlation::Reply(OutstandingRequest::issued_at_unknown_time(MessageId::new(id)?)),
        None => Correlation::Unsolicited,
    };
    let identity_provider =
        IdentityProviderDescription::from_metadata(METADATA.as_bytes()).expect("metadata of the kit");
    let trust = Trust::new(ConnectionId::new("fuzz")?, &identity_provider, keys::provider())?;
    let entity_id = EntityId::new(SERVICE_PROVIDER).expect("an entity ID");
    let expectations = Expectations::new(entity_id, ASSERTION_CONSUMER, correlation);
    let valid = authenticate(claimed, &trust, &limits)?.read()?.validate(&expectations, NOW)?;
    let recorded = valid.replay_key().recorded(true);
    valid.confirm(recorded).map(|_| ())
}

/// Every exhibit says what it is, the worst first; and whether the last is a response that was verified and nothing is wrong with.
fn answered(diagnosis: &Diagnosis) -> bool {
    assert!(!diagnosis.exhibits.is_empty(), "no answer");
    for Exhibit { complaints, .. } in &diagnosis.exhibits {
        assert!(complaints.is_sorted_by_key(|complaint| complaint.severity), "a note before an error");
        for complaint in complaints {
            assert!(
                complaint.code.contains('.') && !complaint.message.is_empty() && !complaint.remedy.is_empty()
            );
        }
    }
    diagnosis.exhibits.last().is_some_and(|last| {
        let unverified = ["doctor.unverified_sender", "doctor.cannot_open"];
        last.kind == Kind::Response
            && last
                .complaints
                .iter()
                .all(|one| one.severity != Severity::Error && !unverified.contains(&one.code.as_str()))
    })
}

/// A signature holds exactly when the autopsy has nothing to say of it.
fn the_autopsy_agrees(document: &Document, bytes: &[u8]) {
    let (provider, limits) = (keys::provider(), Limits::default());
    let Ok(source) = std::str::from_utf8(bytes) else { return };
    for element in document.elements().filter(|element| has_signature(*element)).take(4) {
        let verdict = verify(element, keys::trusted_keys(), provider, &limits);
        let (trusted, known) = (keys::trusted_keys(), keys::untrusted_keys());
        let failed = FailedSignature { element, source, trusted, known };
        let found = autopsy(&failed, provider, &limits, &mut AutopsyBudget::default());
        match (verdict, found) {
            (Ok(_), found) => assert!(found.is_ok_and(|found| has_nothing_to_say(&found)), "it holds"),
            (Err(error), Ok(found)) => assert!(!has_nothing_to_say(&found), "it does not hold: {error}"),
            (Err(_), Err(error)) => assert!(!error.to_string().is_empty() && error.code().contains('.')),
        }
    }
}

fn has_nothing_to_say(found: &Autopsy) -> bool {
    let (verifications, digests) = found.work();
    assert!(verifications <= 4_096 && digests <= 200, "unbounded work");
    matches!(found.maker(), Maker::Trusted { .. }) && !found.is_value_wrong() && !found.is_digest_wrong()
}

fn is_signed_by_the_trusted_key(document: &Document) -> bool {
    let root = document.root();
    let assertions = root.elements().filter(|child| child.is(namespace::SAML_ASSERTION, "Assertion"));
    let holds = |element: Element<'_>| {
        verify(element, keys::trusted_keys(), keys::provider(), &Limits::default()).is_ok()
    };
    std::iter::once(root).chain(assertions).any(holds)
}

/// Metadata of the identity provider that signs with the trusted key.
static METADATA: LazyLock<String> = LazyLock::new(|| {
    let pair = KeyPair::new(keys::trusted().clone(), keys::certificate().clone());
    IdentityProvider::okta().with_key(&pair).metadata().expect("the kit can make metadata")
});
