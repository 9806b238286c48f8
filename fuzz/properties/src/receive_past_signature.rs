//! With a backend to which every signature is good: what is accepted obeys every rule, by a check written here a second
//! time.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use vouchsafe::crypto::base64_encode;
use vouchsafe::metadata::Binding;
use vouchsafe::{
    BoundRequest, Connection, ConnectionId, ConnectionSettings, EntityId, Expect, IdentityProvider, Limits,
    PendingRequest, PostedResponse, ServiceProvider, Unsolicited,
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
        let outcome = receiver()
            .open(posted.clone())
            .and_then(|claimed| receiver().receive(claimed, std::slice::from_ref(connection()), expect, NOW));
        let valid = match outcome {
            Ok(valid) => valid,
            Err(refusal) => {
                assert!(refusal.code().contains('.') && !refusal.to_string().is_empty());
                assert!(!refusal.hint().is_empty() && !refusal.public_message().contains(refusal.code()));
                continue;
            }
        };
        let key = valid.replay_key();
        assert!(key.expires_at() > NOW, "the replay key is forgotten while a replay is accepted");
        let login = valid.confirm(key.recorded(true)).expect("the record is of this assertion");
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
        let own = keys::clear();
        let certificate = seeds::clear_certificate();
        ServiceProvider::builder(EntityId::new(SERVICE_PROVIDER).expect("an entity ID"))
            .assertion_consumer(ASSERTION_CONSUMER)
            .expect("an address")
            .provider(backend::credulous().clone())
            .decryption_key(own.clone(), certificate)
            .build()
            .expect("a service provider")
    });
    &RECEIVER
}

fn connection() -> &'static Connection {
    static CONNECTION: LazyLock<Connection> = LazyLock::new(|| {
        let okta = IdentityProvider::new(EntityId::new(OKTA_ENTITY_ID).expect("an entity ID"))
            .with_signing_certificate(kit::identity_provider().certificate().clone())
            .with_signing_certificate(kit::identity_provider_p256().certificate().clone())
            .with_signing_certificate(keys::certificate().clone())
            .with_single_sign_on(Binding::HttpRedirect, "https://okta.example/sso")
            .expect("an address");
        Connection::new(ConnectionId::new("okta").expect("a name"), okta)
            .with_settings(ConnectionSettings::default().unsolicited(Unsolicited::Accept))
            .expect("settings")
    });
    &CONNECTION
}

/// A request as it comes out of a store. One is made and given the identifier that seeds answer.
fn pending() -> &'static BoundRequest {
    static PENDING: LazyLock<BoundRequest> = LazyLock::new(|| {
        let options = vouchsafe::LoginOptions::default();
        let started = receiver().start_login(connection(), options, NOW).expect("a request");
        let mut stored = started.pending.to_stored();
        stored.request_id = REQUEST.to_owned();
        let pending = PendingRequest::from_stored(stored).expect("a request as it was stored");
        pending.bind(Some(started.binding.reveal()), receiver().provider()).expect("its browser")
    });
    &PENDING
}
