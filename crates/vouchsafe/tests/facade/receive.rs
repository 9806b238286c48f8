//! From a posted response to a login, through the facade alone.

use std::time::Duration;

use crate::common::{Service, builder, connection, now, okta, posted, trusted, valid_until};
use chrono::TimeDelta;
use vouchsafe::assertion::{Comparison, RequestedAuthnContext};
use vouchsafe::crypto::ContentCipher;
use vouchsafe::{Expect, LoginOptions, PendingRequest, Refusal, ValidAssertion};
use vouchsafe_testkit::{Attribute, Encryption, IdentityProvider, Part, Signed, keys};

fn code(result: Result<ValidAssertion, Refusal>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn a_reply_becomes_a_login_once() {
    let service_provider = Service::new(builder());
    let pending = service_provider.asked(LoginOptions::default());
    let issued = IdentityProvider::okta()
        .response()
        .in_response_to(pending.request().request_id())
        .name_id("ada@example.com")
        .attribute(Attribute::new("groups", ["Everyone", "perf-team"]))
        .issue()
        .unwrap();
    let valid = service_provider.receive(&posted(&issued), Expect::Reply(&pending), now()).unwrap();
    let recorded = valid.replay_key().recorded(true);
    let login = valid.confirm(recorded).unwrap();
    assert_eq!(login.connection().as_str(), "okta");
    assert_eq!(login.issuer(), &okta());
    assert_eq!(login.name_id().unwrap().value(), "ada@example.com");
    assert_eq!(login.in_response_to(), Some(pending.request().request_id()));
    assert_eq!(login.attributes().get("groups").unwrap(), ["Everyone", "perf-team"]);
}

#[test]
fn what_was_asked_and_what_was_not_are_two_things() {
    let service_provider = Service::new(builder());
    let pending = service_provider.asked(LoginOptions::default());
    let other = service_provider.asked(LoginOptions::default());
    let reply = posted(
        &IdentityProvider::okta().response().in_response_to(pending.request().request_id()).issue().unwrap(),
    );
    let unsolicited = posted(&IdentityProvider::okta().response().issue().unwrap());

    assert!(service_provider.receive(&reply, Expect::Reply(&pending), now()).is_ok());
    assert!(service_provider.receive(&unsolicited, Expect::Unsolicited, now()).is_ok());
    assert_eq!(
        code(service_provider.receive(&reply, Expect::Unsolicited, now())),
        "assertion.in_response_to"
    );
    assert_eq!(
        code(service_provider.receive(&reply, Expect::Reply(&other), now())),
        "assertion.in_response_to"
    );
    assert_eq!(
        code(service_provider.receive(&unsolicited, Expect::Reply(&pending), now())),
        "assertion.in_response_to"
    );
}

#[test]
fn a_request_waits_so_long_and_no_longer() {
    let service_provider = Service::new(builder().request_lifetime(Duration::from_secs(60)));
    let pending = service_provider.asked(LoginOptions::default());
    let later = now() + TimeDelta::minutes(1);
    let reply = posted(
        &IdentityProvider::okta()
            .response()
            .at(later)
            .in_response_to(pending.request().request_id())
            .issue()
            .unwrap(),
    );
    assert!(service_provider.receive(&reply, Expect::Reply(&pending), later - TimeDelta::seconds(1)).is_ok());
    assert_eq!(
        code(service_provider.receive(&reply, Expect::Reply(&pending), later)),
        "assertion.request_expired"
    );
}

/// A status other than Success is reported first, whoever sent it and however late it is.
#[test]
fn a_status_that_is_not_success_is_told_first() {
    let service = Service::new(builder().request_lifetime(Duration::from_secs(60)));
    let pending = service.asked(LoginOptions::default());
    let denied = || {
        IdentityProvider::okta()
            .response()
            .in_response_to(pending.request().request_id())
            .status([
                "urn:oasis:names:tc:SAML:2.0:status:Responder",
                "urn:oasis:names:tc:SAML:2.0:status:RequestDenied",
            ])
            .status_message("not assigned")
    };
    let late = now() + TimeDelta::hours(1);
    for (what, response, expect, at) in [
        ("good otherwise", denied(), Expect::Reply(&pending), now()),
        ("late", denied(), Expect::Reply(&pending), late),
        ("of nobody", denied().issuer("https://nobody.example"), Expect::Reply(&pending), now()),
        ("of nobody, unasked", denied().issuer("https://nobody.example"), Expect::Unsolicited, now()),
        ("without issuer", denied().omit(Part::ResponseIssuer), Expect::Unsolicited, now()),
        ("unsigned", denied().sign(Signed::Neither), Expect::Reply(&pending), now()),
        ("empty", denied().omit(Part::Assertion), Expect::Reply(&pending), now()),
        ("to another address", denied().destination("https://other.example"), Expect::Reply(&pending), now()),
    ] {
        let issued = posted(&response.issue().unwrap());
        let refusal = service.receive(&issued, expect, at).unwrap_err();
        assert_eq!(refusal.code(), "assertion.status", "{what}");
        assert_eq!(
            refusal.to_string(),
            "the identity provider answered “urn:oasis:names:tc:SAML:2.0:status:Responder” / \
             “urn:oasis:names:tc:SAML:2.0:status:RequestDenied”: “not assigned”",
            "{what}"
        );
    }
}

/// Similar names are found among many without comparing all of them.
#[test]
fn the_registry_finds_the_names_beside_an_unknown_one() {
    let service = Service::new(builder());
    let metadata = |name: &str| {
        let okta = okta();
        let xml = IdentityProvider::okta().metadata().unwrap().replace(okta.as_str(), name);
        vouchsafe::IdentityProvider::from_metadata(xml.as_bytes()).unwrap()
    };
    for number in 0..300 {
        let id = vouchsafe::ConnectionId::new(format!("c{number}")).unwrap();
        let name = format!("https://idp{number}.example.com/saml");
        service.connections.put(vouchsafe::Connection::new(id, metadata(&name)));
    }
    let closest = |issuer: &str| {
        let response = IdentityProvider::okta().response().issuer(issuer).issue().unwrap();
        let claimed = service.saml.open(posted(&response)).unwrap();
        let names = service.connections.closest_issuers(&claimed);
        assert!(names.len() < 100, "{}", names.len());
        let names = names.iter().map(|name| name.as_str());
        vouchsafe::Refusal::unknown_issuer(issuer, names).to_string()
    };
    for (issuer, meant, difference) in [
        ("https://idp77.example.com/saml/", "https://idp77.example.com/saml", "the slash at the end"),
        ("http://idp77.example.com/saml", "https://idp77.example.com/saml", "http and https"),
        ("https://IDP77.example.com/saml", "https://idp77.example.com/saml", "the case of letters"),
    ] {
        let told = closest(issuer);
        assert!(told.ends_with(&format!("is “{meant}”; they differ only in {difference}")), "{told}");
    }
    assert!(closest("https://idp77.example.com/sam1").contains("“https://idp77.example.com/saml”"));
}

#[test]
fn an_unknown_issuer_is_told_with_the_closest_that_is_trusted() {
    let service = Service::new(builder());
    let told = |issuer: &str, address: &str| {
        let response = IdentityProvider::okta().response().issuer(issuer).issue().unwrap();
        let claimed = service.saml.open_at(posted(&response), address).unwrap();
        let all = [service.connections.get("okta").unwrap()];
        let refusal = service.saml.receive(claimed, &all, Expect::Unsolicited, now()).unwrap_err();
        assert_eq!(refusal.code(), "assertion.unknown_issuer");
        refusal.to_string()
    };
    let (okta, ours) = (okta(), vouchsafe_testkit::ASSERTION_CONSUMER);
    let unknown = |name: &str| format!("no trusted identity provider is named “{name}”; ");
    for (name, rest) in [
        (
            format!("{okta}/"),
            format!("the closest that is trusted is “{okta}”; they differ only in the slash at the end"),
        ),
        ("https://nobody.example".to_owned(), format!("the closest that is trusted is “{okta}”")),
    ] {
        assert_eq!(told(&name, ours), unknown(&name) + &rest);
    }
    assert_eq!(
        told(okta.as_str(), "https://app.example.com/other"),
        format!("the connection to “{okta}” that the message is for takes it at another address")
    );
}

#[test]
fn only_the_one_who_was_asked_answers() {
    let other = IdentityProvider::other();
    let service_provider = Service::new(builder()).with(connection("other", trusted(&other)));
    let pending = service_provider.asked(LoginOptions::default());
    let from_other =
        posted(&other.response().in_response_to(pending.request().request_id()).issue().unwrap());
    assert_eq!(
        code(service_provider.receive(&from_other, Expect::Reply(&pending), now())),
        "assertion.unexpected_issuer"
    );

    // Another trusted identity provider cannot answer in the name of the one that was asked, with its own key.
    let disguised = other
        .response()
        .issuer(okta().as_str())
        .in_response_to(pending.request().request_id())
        .issue()
        .unwrap();
    let refused = code(service_provider.receive(&posted(&disguised), Expect::Reply(&pending), now()));
    assert!(refused.starts_with("signature."), "{refused}");

    let unsolicited = posted(&other.response().issue().unwrap());
    assert!(service_provider.receive(&unsolicited, Expect::Unsolicited, now()).is_ok());
}

#[test]
fn connections_change_while_the_service_runs() {
    let other = IdentityProvider::other();
    let service = Service::new(builder());
    let unsolicited = posted(&other.response().issue().unwrap());
    let outcome = |posted| service.receive(posted, Expect::Unsolicited, now());
    assert_eq!(code(outcome(&unsolicited)), "assertion.unknown_issuer");
    service.connections.put(connection("other", trusted(&other)));
    assert!(outcome(&unsolicited).is_ok());

    // Newer metadata must belong to the same identity provider, and its keys replace the old ones at once.
    let before = service.connections.get("okta").unwrap();
    let foreign = before.clone().with_identity_provider(trusted(&other)).unwrap_err();
    assert_eq!(foreign.code(), "metadata.other_entity");
    let rolled = trusted(&IdentityProvider::okta().with_key(keys::identity_provider_p256()));
    service.connections.put(before.with_identity_provider(rolled).unwrap());
    let by_old_key = posted(&IdentityProvider::okta().response().issue().unwrap());
    assert!(code(outcome(&by_old_key)).starts_with("signature."));

    assert!(service.connections.remove("other").is_some());
    assert!(service.connections.remove("other").is_none());
    assert_eq!(code(outcome(&unsolicited)), "assertion.unknown_issuer");
}

#[test]
fn encrypted_assertions_open_with_either_key() {
    let (new, old) = (keys::service_provider(), keys::old_service_provider());
    let service_provider = Service::new(
        builder()
            .decryption_key(new.private_key().clone(), new.certificate().clone())
            .decryption_key(old.private_key().clone(), old.certificate().clone()),
    );
    for recipient in [new, old] {
        for cipher in [ContentCipher::Aes256Cbc, ContentCipher::Aes256Gcm] {
            let encryption = Encryption::to(recipient.certificate()).cipher(cipher);
            let issued = IdentityProvider::okta().response().encrypt(encryption).issue().unwrap();
            assert!(
                service_provider.receive(&posted(&issued), Expect::Unsolicited, now()).is_ok(),
                "{cipher:?}"
            );
        }
    }
}

#[test]
fn signatures_can_be_asked_for() {
    let lenient = Service::new(builder());
    let response = Service::new(builder().require_signed_response());
    let assertion = Service::new(builder().require_signed_assertion());
    let by = |signed| posted(&IdentityProvider::okta().response().sign(signed).issue().unwrap());
    for signed in [Signed::Both, Signed::Response, Signed::Assertion] {
        assert!(lenient.receive(&by(signed), Expect::Unsolicited, now()).is_ok());
    }
    assert_eq!(code(lenient.receive(&by(Signed::Neither), Expect::Unsolicited, now())), "assertion.unsigned");
    assert!(response.receive(&by(Signed::Response), Expect::Unsolicited, now()).is_ok());
    assert_eq!(
        code(response.receive(&by(Signed::Assertion), Expect::Unsolicited, now())),
        "assertion.response_unsigned"
    );
    assert!(assertion.receive(&by(Signed::Assertion), Expect::Unsolicited, now()).is_ok());
    assert_eq!(
        code(assertion.receive(&by(Signed::Response), Expect::Unsolicited, now())),
        "assertion.assertion_unsigned"
    );
}

#[test]
fn what_was_asked_for_is_held_against_the_answer() {
    let service_provider = Service::new(builder());
    let class = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken";
    let pending = service_provider.asked(LoginOptions::default().requested_contexts([class]));
    let answer = |context: &str| {
        posted(
            &IdentityProvider::okta()
                .response()
                .in_response_to(pending.request().request_id())
                .authn_context(context)
                .issue()
                .unwrap(),
        )
    };
    assert!(service_provider.receive(&answer(class), Expect::Reply(&pending), now()).is_ok());
    let weaker = answer("urn:oasis:names:tc:SAML:2.0:ac:classes:Password");
    assert_eq!(
        code(service_provider.receive(&weaker, Expect::Reply(&pending), now())),
        "assertion.authn_context"
    );

    let forced = service_provider.asked(LoginOptions::default().force_authn());
    let response =
        || IdentityProvider::okta().response().at(now()).in_response_to(forced.request().request_id());
    let fresh = posted(&response().issue().unwrap());
    assert!(service_provider.receive(&fresh, Expect::Reply(&forced), now()).is_ok());
    let stale = posted(&response().authn_instant(now() - TimeDelta::hours(1)).issue().unwrap());
    assert_eq!(
        code(service_provider.receive(&stale, Expect::Reply(&forced), now())),
        "assertion.authn_instant"
    );
}

#[test]
fn a_comparison_by_strength_is_held_against_the_answer() {
    let service_provider = Service::new(builder());
    let order = ["urn:password", "urn:otp", "urn:smartcard"];
    let code = |comparison, class: &str| {
        let requested = RequestedAuthnContext::compared(comparison, ["urn:otp"], order).unwrap();
        let started = service_provider.start(LoginOptions::default().requested_context(requested));
        let pending = PendingRequest::from_stored(started.pending.to_stored()).unwrap();
        let provider = service_provider.saml.provider();
        let pending = pending.bind(Some(started.binding.reveal()), provider).unwrap();
        let answer = IdentityProvider::okta().response().in_response_to(pending.request().request_id());
        let answer = posted(&answer.authn_context(class).issue().unwrap());
        service_provider.receive(&answer, Expect::Reply(&pending), now()).map_or_else(|r| r.code(), |_| "")
    };
    assert_eq!(code(Comparison::Minimum, "urn:smartcard"), "");
    assert_eq!(code(Comparison::Minimum, "urn:password"), "assertion.authn_context");
    assert_eq!(code(Comparison::Maximum, "urn:smartcard"), "assertion.authn_context");
    assert_eq!(code(Comparison::Better, "urn:otp"), "assertion.authn_context");
    assert_eq!(code(Comparison::Better, "urn:unknown"), "assertion.authn_context");
}

#[test]
fn the_shortest_limit_to_an_age_counts() {
    let hour = TimeDelta::hours(1);
    let limited = Service::new(builder().maximum_authentication_age(hour.to_std().unwrap()));
    let unlimited = Service::new(builder());
    let code = |service_provider: &Service, options: Option<LoginOptions>, age: TimeDelta| {
        let pending = options.map(|options| service_provider.asked(options));
        let response = IdentityProvider::okta().response().authn_instant(now() - age);
        let response = match &pending {
            Some(pending) => response.in_response_to(pending.request().request_id()),
            None => response,
        };
        let expect = pending.as_ref().map_or(Expect::Unsolicited, Expect::Reply);
        let response = posted(&response.issue().unwrap());
        service_provider.receive(&response, expect, now()).map_or_else(|r| r.code(), |_| "")
    };
    let (skew, second) = (TimeDelta::seconds(60), TimeDelta::seconds(1));
    let options = LoginOptions::default;
    let minute = || Some(options().maximum_authentication_age(Duration::from_secs(60)));
    let old = "assertion.authn_instant";
    assert_eq!(code(&limited, None, hour + skew), "");
    assert_eq!(code(&limited, None, hour + skew + second), old);
    assert_eq!(code(&limited, Some(options()), hour + skew + second), old);
    assert_eq!(code(&limited, minute(), skew + skew), "");
    assert_eq!(code(&limited, minute(), skew + skew + second), old);
    assert_eq!(code(&unlimited, minute(), skew + skew + second), old);
    assert_eq!(code(&unlimited, None, hour * 100), "");
    assert_eq!(code(&unlimited, Some(options().force_authn()), skew), "");
    assert_eq!(code(&unlimited, Some(options().force_authn()), skew + second), old);
    assert_eq!(code(&limited, Some(options().force_authn()), skew + second), old);
    let longer = || Some(options().maximum_authentication_age((hour * 5).to_std().unwrap()));
    assert_eq!(code(&limited, longer(), hour + skew + second), old);
}

#[test]
fn a_message_can_be_too_old_whatever_its_window_says() {
    let recent = Service::new(builder().maximum_message_age(Duration::from_secs(60)));
    let issued = |age| {
        let response = IdentityProvider::okta().response().response_issue_instant(now() - age);
        posted(&response.issue().unwrap())
    };
    assert!(recent.receive(&issued(TimeDelta::minutes(2)), Expect::Unsolicited, now()).is_ok());
    let refused = recent.receive(&issued(TimeDelta::seconds(121)), Expect::Unsolicited, now());
    assert_eq!(code(refused), "assertion.issue_instant");
}

#[test]
fn nobody_is_sent_to_an_address_without_tls() {
    let with = |location: &str| {
        let certificate = keys::identity_provider().certificate().clone();
        vouchsafe::IdentityProvider::new(vouchsafe::EntityId::new("https://plain.example").unwrap())
            .with_signing_certificate(certificate)
            .with_single_sign_on(vouchsafe::metadata::Binding::HttpRedirect, location)
            .unwrap()
    };
    let code = |location: &str| {
        let service = Service::new(builder()).with(connection("plain", with(location)));
        service.start_over("plain", LoginOptions::default(), now()).map_or_else(|error| error.code(), |_| "")
    };
    for plain in ["http://idp.example.com/sso", "http://127.0.0.1.example/sso", "http://10.0.0.1/sso"] {
        assert_eq!(code(plain), "binding.insecure_location", "{plain}");
        let codes: Vec<_> =
            with(plain).warnings(now()).iter().map(vouchsafe::metadata::Warning::code).collect();
        assert!(codes.contains(&"metadata.endpoint_insecure"), "{codes:?}");
    }
    for secure in ["https://idp.example.com/sso", "http://127.0.0.1:7080/sso"] {
        assert_eq!(code(secure), "", "{secure}");
    }
}

/// The policy is about content from others; our own hashes of a login do not depend on it.
#[test]
fn a_policy_without_sha_256_works_inside() {
    let provider = vouchsafe::Provider::rustcrypto().deny("http://www.w3.org/2001/04/xmlenc#sha256").unwrap();
    let service = Service::new(builder().provider(provider));
    let started = service.start(LoginOptions::default());
    assert!(started.pending.bind(Some(started.binding.reveal()), service.saml.provider()).is_ok());
    let refused = posted(&IdentityProvider::okta().response().issue().unwrap());
    assert!(code(service.receive(&refused, Expect::Unsolicited, now())).starts_with("signature."));

    let sha512 = IdentityProvider::okta().response().digest(vouchsafe::crypto::DigestAlgorithm::Sha512);
    let posted = posted(&sha512.issue().unwrap());
    let valid = service.receive(&posted, Expect::Unsolicited, now()).unwrap();
    assert_eq!(valid.replay_key().hash().len(), 64);
}

#[test]
fn subject_identifiers_are_bound_to_the_scopes_in_metadata() {
    let okta = trusted(&IdentityProvider::okta()).with_scope("example.com");
    let service_provider = Service::new(builder()).with(connection("okta", okta));
    let login = |value: &str| {
        let attribute = Attribute::new("urn:oasis:names:tc:SAML:attribute:subject-id", [value]);
        let issued = posted(&IdentityProvider::okta().response().attribute(attribute).issue().unwrap());
        let valid = service_provider.receive(&issued, Expect::Unsolicited, now()).unwrap();
        let recorded = valid.replay_key().recorded(true);
        valid.confirm(recorded).unwrap()
    };
    assert_eq!(login("ada@example.com").subject_id().unwrap().unwrap().to_string(), "ada@example.com");
    assert_eq!(login("ada@example.org").subject_id().unwrap_err().code(), "assertion.scope");
}

#[test]
fn what_is_no_response_is_refused_and_not_feared() {
    let service_provider = Service::new(builder());
    for bytes in ["", "x", "<", "<!DOCTYPE a><a/>", "<a/>", "\u{0}"] {
        let value = vouchsafe::crypto::base64_encode(bytes.as_bytes());
        let Ok(posted) = vouchsafe::PostedResponse::from_base64(&value, service_provider.saml.limits())
        else {
            continue;
        };
        let refusal = service_provider.receive(&posted, Expect::Unsolicited, now()).unwrap_err();
        assert!(
            refusal.code().starts_with("xml.") || refusal.code() == "assertion.not_a_response",
            "{}",
            refusal.code()
        );
    }
}

#[test]
fn metadata_that_is_no_longer_valid_is_not_relied_on() {
    let end = now() + TimeDelta::seconds(1);
    let identity_provider = valid_until(&IdentityProvider::okta().metadata().unwrap(), end);
    let service_provider = Service::new(builder()).with(connection("okta", identity_provider));
    let unsolicited = posted(&IdentityProvider::okta().response().issue().unwrap());

    assert!(service_provider.receive(&unsolicited, Expect::Unsolicited, now()).is_ok());
    assert!(service_provider.start_over("okta", LoginOptions::default(), now()).is_ok());
    assert_eq!(code(service_provider.receive(&unsolicited, Expect::Unsolicited, end)), "metadata.expired");
    let refused = service_provider.start_over("okta", LoginOptions::default(), end).unwrap_err();
    assert_eq!(refused.code(), "metadata.expired");
}
