//! The work that documents cause, counted in tests.

use std::cell::Cell;
use std::thread::LocalKey;

use chrono::{TimeZone, Utc};
use vouchsafe_crypto::Provider;
use vouchsafe_testkit::{IdentityProvider as Kit, keys};

use crate::{
    EntityId, FetchedMetadata, IdentityProvider, Refresh, RefreshSchedule, Refreshed, SpeaksFor,
    TrustedMetadata, TrustedSource, Validators,
};

thread_local! {
    /// The entities that this thread has parsed.
    pub(crate) static PARSED: Cell<usize> = const { Cell::new(0) };
    /// The namespaces that this thread has bound around entities.
    pub(crate) static BOUND: Cell<usize> = const { Cell::new(0) };
}

pub(crate) fn count(counter: &'static LocalKey<Cell<usize>>, more: usize) {
    counter.set(counter.get().saturating_add(more));
}

/// A group with these entities and 190 more prefixes.
fn group(entities: &str) -> String {
    let namespaces: String = (0..190).map(|number| format!(" xmlns:p{number:03}='urn:n:{number}'")).collect();
    format!(
        "<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'{namespaces}>{entities}</md:EntitiesDescriptor>"
    )
}

fn entities(number: usize, name: &str) -> String {
    (0..number).map(|number| format!("<md:EntityDescriptor entityID='{name}{number:x}'/>")).collect()
}

/// A root that declares 190 prefixes costs its entities nothing: an entity is read with the namespaces that it mentions.
#[test]
fn declarations_around_many_entities_are_not_copied_to_each() {
    let document = group(&entities(8_000, "a"));
    let (parsed, bound) = (PARSED.get(), BOUND.get());
    let error = IdentityProvider::from_metadata(document.as_bytes()).unwrap_err();
    assert_eq!(error.code(), "metadata.no_identity_provider");
    assert_eq!(PARSED.get() - parsed, 8_000);
    // Those of the root once, one for each 256 start tags, which are read together, and one for each entity.
    assert_eq!(BOUND.get() - bound, 191 + 8_000_usize.div_ceil(256) + 8_000);
    // Neither does a namespace with a long name, which each entity uses.
    let long = document.replace("urn:n:0", &"u".repeat(100_000));
    assert_eq!(IdentityProvider::from_metadata(long.as_bytes()).unwrap_err().code(), "xml.limit");
}

/// Of a document with thousands of other entities, only the one that is asked for is read, at each refresh.
#[test]
fn thousands_of_others_cost_nothing() {
    let (okta, now) = (Kit::okta(), Utc.with_ymd_and_hms(2026, 11, 24, 0, 0, 0).unwrap());
    let id = EntityId::new(okta.entity_id()).unwrap();
    let source = TrustedSource::danger_by_transport_alone(SpeaksFor::entity(id));
    let mut refresh = Refresh::new(source, RefreshSchedule::default(), now);
    let mut gets = |kit: &Kit, others: &str, at_hand: Option<&TrustedMetadata>| {
        let xml = kit.metadata().unwrap();
        let okta = xml.get(xml.find("<md:EntityDescriptor").unwrap()..).unwrap();
        let bytes = group(&format!("{okta}{}", entities(10_000, others))).into_bytes();
        let (parsed, bound) = (PARSED.get(), BOUND.get());
        let fetched = FetchedMetadata::Document { bytes, validators: Validators::default() };
        let refreshed = refresh.answered(fetched, at_hand, &Provider::rustcrypto(), now, 0).unwrap();
        (refreshed, PARSED.get() - parsed, BOUND.get() - bound)
    };
    let is_little = |parsed: usize, bound: usize| (1..20).contains(&parsed) && bound < 1_000;
    let (Refreshed::First(known), parsed, bound) = gets(&okta, "a", None) else { panic!("it is the first") };
    assert!(is_little(parsed, bound), "{parsed} {bound}");
    let (Refreshed::Unchanged, parsed, bound) = gets(&okta, "b", Some(&known)) else {
        panic!("others are of no importance")
    };
    assert!(is_little(parsed, bound), "{parsed} {bound}");
    let other_key = okta.with_key(keys::attacker());
    let (Refreshed::Changed { .. }, parsed, bound) = gets(&other_key, "c", Some(&known)) else {
        panic!("it has changed")
    };
    assert!(is_little(parsed, bound), "{parsed} {bound}");
}
