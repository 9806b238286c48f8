//! The service's provider computes all hashes of a login, also in the planner, which receives no provider.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use vouchsafe::provisioning::{LoginFacts, LookUp, Organization, OrganizationId, Policy, Snapshot};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, EntityId, Expect, IdentityProvider, Limits, Login,
    PostedResponse, Provider, ServiceProvider, Unsolicited,
};
use vouchsafe_testkit as testkit;
use vouchsafe_testkit::counting::Counted;

fn sign_in(provider: Provider, token: &str) -> Login {
    let saml = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
        .provider(provider)
        .build()
        .unwrap();
    let okta = testkit::IdentityProvider::okta();
    let trusted = IdentityProvider::from_metadata(okta.metadata().unwrap().as_bytes()).unwrap();
    let connection = Connection::new(ConnectionId::new("okta").unwrap(), trusted)
        .with_settings(ConnectionSettings::default().unsolicited(Unsolicited::Accept))
        .unwrap();
    let response = okta
        .response()
        .attribute(testkit::Attribute::new("user.email", ["ada@example.com"]))
        .attribute(testkit::Attribute::new("token", [token]));
    let issued = response.issue().unwrap().to_base64();
    let claimed = saml.open(PostedResponse::from_base64(&issued, &Limits::default()).unwrap()).unwrap();
    let valid = saml.receive(claimed, &[connection], Expect::Unsolicited, testkit::ISSUE_INSTANT).unwrap();
    let recorded = valid.replay_key().recorded(true);
    valid.confirm(recorded).unwrap()
}

#[test]
fn the_planner_hashes_with_the_provider_of_the_connection() {
    let counted = Counted::new();
    let mut acme = Organization::new(OrganizationId::new("okta"), "acme", "Acme");
    acme.entitled = true;
    let okta = EntityId::new(testkit::OKTA_ENTITY_ID).unwrap();
    let token = acme.convert(okta, &Provider::rustcrypto(), testkit::ISSUE_INSTANT).unwrap().reveal();
    let login = sign_in(counted.provider(), &token);
    acme.verified_domains.push("example.com".to_owned());
    let snapshot = Snapshot::new(acme);

    let facts = LoginFacts::from(&login);
    let before = counted.digests();
    let look_up = LookUp::of(&facts).unwrap();
    let looked_up = counted.digests();
    assert_eq!(looked_up - before, look_up.token_hashes.len(), "each value that could be the token");
    let plan = Policy::default().plan(&facts, &snapshot).unwrap();
    assert_eq!(counted.digests() - looked_up, 2, "the token, and the ID of the assertion");

    // Facts from a record have no provider. `vouchsafe-crypto` itself computes their hashes, with the same result.
    let stored = serde_json::to_string(&facts).unwrap();
    let recorded: LoginFacts = serde_json::from_str(&stored).unwrap();
    let before = counted.digests();
    assert_eq!(Policy::default().plan(&recorded, &snapshot).unwrap(), plan);
    assert_eq!(LookUp::of(&recorded).unwrap(), look_up);
    assert_eq!(counted.digests(), before);
    assert_eq!(Policy::default().plan(recorded.hashed_by(login.provider()), &snapshot).unwrap(), plan);
    assert_eq!(counted.digests() - before, 2, "given a provider, they use it");
}
