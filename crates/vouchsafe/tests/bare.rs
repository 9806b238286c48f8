//! The facade with and without its default features: `cargo test -p vouchsafe --no-default-features --test bare`.

use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, Expect, IdentityProvider, Limits,
    PostedResponse, Provider, ServiceProvider, Unsolicited,
};
use vouchsafe_testkit as testkit;

/// Without the feature `rustcrypto` the application provides the backend. Here it comes from `vouchsafe-crypto`,
/// whose feature the test kit enables.
#[test]
fn a_sign_in_needs_no_default_feature() {
    let provider = Provider::with_backend(vouchsafe::crypto::backend::rustcrypto());
    let saml = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
        .provider(provider)
        .build()
        .unwrap();
    let okta = testkit::IdentityProvider::okta();
    let trusted = IdentityProvider::from_metadata(okta.metadata().unwrap().as_bytes()).unwrap();
    let settings = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let okta_connection = Connection::new(ConnectionId::new("okta").unwrap(), trusted);
    let connections: Connections = [okta_connection.with_settings(settings).unwrap()].into_iter().collect();
    let sign_in = |response: &testkit::Issued| {
        let posted = PostedResponse::from_base64(&response.to_base64(), &Limits::default()).unwrap();
        let claimed = saml.open(posted)?;
        let candidates = connections.candidates(&claimed, None);
        let valid = saml.receive(claimed, &candidates, Expect::Unsolicited, testkit::ISSUE_INSTANT)?;
        let recorded = valid.replay_key().recorded(true);
        valid.confirm(recorded)
    };
    let login = sign_in(&okta.response().issue().unwrap()).unwrap();
    assert_eq!(login.connection().as_str(), "okta");
    let forged = okta.response().response_key(testkit::keys::attacker()).issue().unwrap();
    assert_eq!(sign_in(&forged).unwrap_err().code(), "signature.not_verified");
}

/// A missing provider is an error, since there is no default.
#[test]
fn without_rustcrypto_a_provider_must_be_given() {
    let built = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
        .build();
    let code = built.as_ref().map_or_else(|error| error.code(), |saml| saml.provider().name());
    assert_eq!(code, if cfg!(feature = "rustcrypto") { "RustCrypto" } else { "binding.provider_missing" });
}
