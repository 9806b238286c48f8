//! Many customers, one service: for any two trusted identity providers A and B, no message of A's ever names B.

use std::sync::LazyLock;

use proptest::prelude::*;
use vouchsafe::{BoundRequest, Expect, LoginOptions};
use vouchsafe_testkit::{Attribute, Encryption, IdentityProvider, KeyPair, Part, Place, Signed, keys};

use crate::common::{Service, builder, connection, now, posted, trusted};

const A: &str = "https://a.example/saml";
const B: &str = "https://b.example/saml";

fn tenant(name: &str, key: &KeyPair) -> IdentityProvider {
    IdentityProvider::new(name, format!("{name}/sso"), key)
}

/// Each of two customers has a key of its own; the service trusts both, and one more.
struct World {
    service: Service,
    a: IdentityProvider,
    b: IdentityProvider,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let (a, b) = (tenant(A, keys::identity_provider_p256()), tenant(B, keys::attacker_p256()));
    let (new, old) = (keys::service_provider(), keys::old_service_provider());
    let builder = builder()
        .decryption_key(new.private_key().clone(), new.certificate().clone())
        .decryption_key(old.private_key().clone(), old.certificate().clone());
    let (of_a, of_b) = (connection("a", trusted(&a)), connection("b", trusted(&b)));
    World { service: Service::new(builder).with(of_a).with(of_b), a, b }
});

fn asked(name: &str) -> BoundRequest {
    WORLD.service.asked_over(if name == A { "a" } else { "b" }, LoginOptions::default())
}

/// The party that is named at a place of a message: A, B, another one, or none.
fn name() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![
        4 => Just(Some(A)),
        3 => Just(Some(B)),
        1 => Just(Some("https://c.example")),
        1 => Just(Some(" https://b.example/saml\n")),
        1 => Just(None)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_message_of_one_names_the_other(
        response_issuer in name(),
        assertion_issuer in name(),
        qualifier in name(),
        signed in prop_oneof![Just(Signed::Both), Just(Signed::Response), Just(Signed::Assertion)],
        encrypted in prop_oneof![3 => Just(false), 1 => Just(true)],
        stolen in prop_oneof![
            4 => Just(None),
            1 => Just(Some(Place::AfterAssertion)),
            1 => Just(Some(Place::BeforeAssertion)),
            1 => Just(Some(Place::AfterConditions)),
            1 => Just(Some(Place::AssertionEnd)),
            1 => Just(Some(Place::BeforeStatus)),
        ],
        in_place in any::<bool>(),
        expected in 0..3_usize,
    ) {
        let world = &*WORLD;
        let (of_a, of_b) = (asked(A), asked(B));
        let expect = [Expect::Unsolicited, Expect::Reply(&of_a), Expect::Reply(&of_b)][expected];
        // A response that B signed for this service, and that A's operator may have obtained.
        let genuine = world.b.response().sign(Signed::Assertion).assertion_id("_of_b").issue().unwrap().into_xml();
        let start = genuine.find("<saml2:Assertion").unwrap();
        let end = genuine.find("</saml2p:Response>").unwrap();

        let mut response = world.a.response().sign(signed).attribute(Attribute::new("who", ["a"]));
        response = match expect {
            Expect::Reply(pending) => response.in_response_to(pending.request().request_id()),
            _ => response,
        };
        response = match response_issuer {
            Some(name) => response.response_issuer(name),
            None => response.omit(Part::ResponseIssuer),
        };
        response = match assertion_issuer {
            Some(name) => response.assertion_issuer(name),
            None => response.omit(Part::AssertionIssuer),
        };
        if let Some(name) = qualifier {
            response = response.name_qualifier(name);
        }
        if encrypted {
            response = response.encrypt(Encryption::to(keys::service_provider().certificate()));
        }
        if let Some(place) = stolen {
            if in_place && !encrypted {
                // Without its own Assertion A must sign the Response; otherwise it would be B's message.
                response = response.omit(Part::Assertion).sign(Signed::Response);
            }
            response = response.insert(place, &genuine[start..end]);
        }
        let Ok(issued) = response.issue() else { return Ok(()) };
        let outcome = world.service.receive(&posted(&issued), expect, now());
        if let Ok(valid) = outcome {
            prop_assert_eq!(valid.issuer().as_str(), A, "{}", issued.xml());
            let recorded = valid.replay_key().recorded(true);
            let login = valid.confirm(recorded).unwrap();
            prop_assert_eq!(login.connection().as_str(), "a");
            prop_assert_eq!(login.issuer().as_str(), A);
            prop_assert_eq!(login.attributes().first("who"), Some("a"), "{}", issued.xml());
        }
    }
}

/// Both are accepted when they send their own messages.
#[test]
fn each_speaks_for_itself() {
    let world = &*WORLD;
    for (identity_provider, name) in [(&world.a, A), (&world.b, B)] {
        let pending = asked(name);
        let reply =
            identity_provider.response().in_response_to(pending.request().request_id()).issue().unwrap();
        let valid = world.service.receive(&posted(&reply), Expect::Reply(&pending), now()).unwrap();
        assert_eq!(valid.issuer().as_str(), name);
        let unsolicited = posted(&identity_provider.response().issue().unwrap());
        let valid = world.service.receive(&unsolicited, Expect::Unsolicited, now()).unwrap();
        assert_eq!(valid.issuer().as_str(), name);
    }
}
