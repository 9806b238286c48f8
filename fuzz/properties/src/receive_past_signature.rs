//! With a backend to which every signature is good: what is accepted obeys every rule, by a check written here a second
//! time.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use vouchsafe::crypto::base64_encode;
use vouchsafe::{
    EntityId, Expect, IdentityProvider, Limits, PendingRequest, PostedResponse, ServiceProvider,
    StoredPendingRequest,
};
use vouchsafe_testkit::{ASSERTION_CONSUMER, ISSUE_INSTANT, OKTA_ENTITY_ID, SERVICE_PROVIDER, keys as kit};

use crate::recheck::{self, Expected};
use crate::{backend, keys, script, seeds};

/// When everything is received.
pub const NOW: DateTime<Utc> = ISSUE_INSTANT;
/// The request that is outstanding.
pub const REQUEST: &str = "_request";

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let _ = accepted(data);
}

/// How many of two are accepted and pass the check: as the reply to a request, and as one that nobody asked for.
#[must_use]
pub fn accepted(data: &[u8]) -> usize {
    let text = script::document(data, originals());
    let Ok(posted) = PostedResponse::from_base64(&base64_encode(&text), &Limits::default()) else { return 0 };
    let mut accepted = 0_usize;
    for (expect, request) in [(Expect::Unsolicited, None), (Expect::Reply(pending()), Some(REQUEST))] {
        let valid = match receiver().receive(&posted, expect, NOW) {
            Ok(valid) => valid,
            Err(refusal) => {
                assert!(refusal.code().contains('.') && !refusal.to_string().is_empty());
                assert!(!refusal.hint().is_empty() && !refusal.public_message().contains(refusal.code()));
                continue;
            }
        };
        let key = valid.replay_key();
        assert!(key.expires_at() > NOW, "the replay key is forgotten while a replay is accepted");
        assert!(key.clone().recorded(false).is_err());
        let first = key.recorded(true).expect("recorded for the first time");
        let login = valid.confirm(first).expect("the proof is of this assertion");
        recheck::login(&text, &Expected { request, now: NOW.timestamp(), skew: 60 }, &login);
        accepted = accepted.saturating_add(1);
    }
    accepted
}

/// What scripts begin with.
pub(crate) fn originals() -> &'static [String] {
    static ORIGINALS: LazyLock<Vec<String>> = LazyLock::new(seeds::responses);
    &ORIGINALS
}

fn receiver() -> &'static ServiceProvider {
    static RECEIVER: LazyLock<ServiceProvider> = LazyLock::new(|| {
        let okta = IdentityProvider::new(EntityId::new(OKTA_ENTITY_ID).expect("an entity ID"))
            .with_signing_certificate(kit::identity_provider().certificate().clone())
            .with_signing_certificate(kit::identity_provider_p256().certificate().clone())
            .with_signing_certificate(keys::certificate().clone());
        let own = keys::clear();
        let certificate = seeds::clear_certificate();
        ServiceProvider::builder(EntityId::new(SERVICE_PROVIDER).expect("an entity ID"))
            .assertion_consumer(ASSERTION_CONSUMER)
            .expect("an address")
            .trust(okta)
            .provider(backend::credulous().clone())
            .decryption_key(own.clone(), certificate)
            .accept_unsolicited()
            .build()
            .expect("a service provider")
    });
    &RECEIVER
}

fn pending() -> &'static PendingRequest {
    static PENDING: LazyLock<PendingRequest> = LazyLock::new(|| {
        let text = LazyLock::force(&STORED);
        PendingRequest::from_stored(text.clone()).expect("a request as it was stored")
    });
    &PENDING
}

/// A request as a store keeps it; its fields cannot be named outside their crate, so one is made and changed.
static STORED: LazyLock<StoredPendingRequest> = LazyLock::new(|| {
    let okta = EntityId::new(OKTA_ENTITY_ID).expect("an entity ID");
    let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata().expect("metadata");
    let asker = ServiceProvider::builder(EntityId::new(SERVICE_PROVIDER).expect("an entity ID"))
        .assertion_consumer(ASSERTION_CONSUMER)
        .expect("an address")
        .trust(IdentityProvider::from_metadata(metadata.as_bytes()).expect("metadata"))
        .build()
        .expect("a service provider");
    let (_, pending) = asker.start_login(&okta, vouchsafe::LoginOptions::default(), NOW).expect("a request");
    let mut stored = pending.to_stored();
    stored.request_id = REQUEST.to_owned();
    stored
});
