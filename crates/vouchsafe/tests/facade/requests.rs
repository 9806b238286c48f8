//! Every option of a request, for a sign-in and for a connection, and the answers that must meet it.

use crate::common::{Service, builder, connection, now, posted, trusted};
use vouchsafe::crypto::base64_decode;
use vouchsafe::metadata::name_id_format::{EMAIL_ADDRESS, PERSISTENT, UNSPECIFIED};
use vouchsafe::xml::{Document, Element, Limits, namespace};
use vouchsafe::{
    BoundRequest, Connection, ConnectionSettings, Declined, EntityId, Expect, LoginOptions, NameIdPolicy,
    PendingRequest, RequestBinding, ResponseBinding, Scoping, SessionNameId, StartedLogin,
};
use vouchsafe_testkit::{AuthnRequest, IdentityProvider, KeyPair, ResponseBuilder, keys};

const EXTENSION: &str = r#"<ext:Wish xmlns:ext="urn:example:wishes">a &amp; b</ext:Wish>"#;

fn id(text: &str) -> EntityId {
    EntityId::new(text).unwrap()
}

fn scoping() -> Scoping {
    Scoping::default()
        .proxy_count(2)
        .identity_provider(id("https://a.example"))
        .named_identity_provider(id("https://b.example"), "B & C")
        .complete_list("https://list.example")
        .requester(id("https://hub.example"))
}

fn persistent(value: &str) -> SessionNameId {
    let mut name = SessionNameId::new(value);
    name.format = Some(PERSISTENT.to_owned());
    name
}

/// Parses the request as its receiver does.
fn read(started: &StartedLogin) -> Document {
    let xml = match started.request.redirect() {
        Some(redirect) => AuthnRequest::from_redirect(redirect.url()).unwrap().xml.into_bytes(),
        None => base64_decode(field(started, "SAMLRequest").unwrap()).unwrap(),
    };
    Document::parse(&xml, &Limits::default()).unwrap()
}

fn field<'s>(started: &'s StartedLogin, name: &str) -> Option<&'s str> {
    let fields = started.request.form().unwrap().fields();
    fields.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
}

fn child<'d>(element: Element<'d>, name: &str) -> Element<'d> {
    element.elements().find(|one| one.local_name() == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn what_few_ask_for_arrives() {
    let service = Service::new(builder());
    let options = LoginOptions::default()
        .subject(persistent("p<1>"))
        .name_id_policy(
            NameIdPolicy::default().format(PERSISTENT).sp_name_qualifier("urn:group").allow_create(),
        )
        .response_binding(ResponseBinding::PostSimpleSign)
        .attribute_consuming_service_index(7)
        .provider_name("Load & bench")
        .scoping(scoping())
        .extension(EXTENSION)
        .unwrap();
    let started = service.start(options);
    let document = read(&started);
    let root = document.root();
    for (name, value) in [
        ("AttributeConsumingServiceIndex", Some("7")),
        ("ProviderName", Some("Load & bench")),
        ("ProtocolBinding", Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST-SimpleSign")),
        ("AssertionConsumerServiceURL", Some(vouchsafe_testkit::ASSERTION_CONSUMER)),
        ("AssertionConsumerServiceIndex", None),
    ] {
        assert_eq!(root.attribute(name), value, "{name}");
    }
    let order: Vec<&str> = root.elements().map(|one| one.local_name()).collect();
    assert_eq!(order, ["Issuer", "Extensions", "Subject", "NameIDPolicy", "Scoping"], "as the schema has it");
    let wish = child(child(root, "Extensions"), "Wish");
    assert_eq!((wish.namespace(), wish.text().as_ref()), ("urn:example:wishes", "a & b"));
    let subject = child(root, "Subject");
    let name = child(subject, "NameID");
    assert_eq!((name.text().as_ref(), name.attribute("Format")), ("p<1>", Some(PERSISTENT)));
    assert_eq!(subject.elements().count(), 1, "whom is meant, and no confirmation");
    let policy = child(root, "NameIDPolicy");
    assert_eq!(policy.attribute("SPNameQualifier"), Some("urn:group"));
    let scoping = child(root, "Scoping");
    assert_eq!(scoping.attribute("ProxyCount"), Some("2"));
    let list = child(scoping, "IDPList");
    let entries: Vec<_> =
        list.elements().map(|one| (one.attribute("ProviderID"), one.attribute("Name"))).collect();
    assert_eq!(
        entries,
        [(Some("https://a.example"), None), (Some("https://b.example"), Some("B & C")), (None, None)]
    );
    assert_eq!(child(list, "GetComplete").text(), "https://list.example");
    assert_eq!(child(scoping, "RequesterID").text(), "https://hub.example");
}

#[test]
fn an_index_stands_for_address_and_binding() {
    let service = Service::new(builder());
    let options = LoginOptions::default().assertion_consumer_index(1).response_binding(ResponseBinding::Post);
    let document = read(&service.start(options));
    let root = document.root();
    assert_eq!(root.attribute("AssertionConsumerServiceIndex"), Some("1"));
    assert_eq!(root.attribute("AssertionConsumerServiceURL"), None);
    assert_eq!(root.attribute("ProtocolBinding"), None);
}

#[test]
fn a_connection_asks_and_a_sign_in_asks_otherwise() {
    let settings = ConnectionSettings::default()
        .provider_name("Ours")
        .scoping(scoping())
        .attribute_consuming_service_index(1)
        .binding(RequestBinding::Post)
        .extension(EXTENSION)
        .unwrap();
    let stored = serde_json::to_string(&settings).unwrap();
    let settings: ConnectionSettings = serde_json::from_str(&stored).unwrap();
    let okta = connection("okta", trusted(&IdentityProvider::okta())).with_settings(settings).unwrap();
    let service = Service::new(builder()).with(okta);
    let document = read(&service.start(LoginOptions::default()));
    let root = document.root();
    assert_eq!(root.attribute("ProviderName"), Some("Ours"));
    assert_eq!(root.attribute("AttributeConsumingServiceIndex"), Some("1"));
    assert!(root.elements().any(|one| one.local_name() == "Scoping"));
    let own = LoginOptions::default()
        .binding(RequestBinding::Redirect)
        .provider_name("Mine")
        .scoping(Scoping::default().proxy_count(0));
    let started = service.start(own);
    assert!(started.request.redirect().is_some());
    let document = read(&started);
    let root = document.root();
    assert_eq!(root.attribute("ProviderName"), Some("Mine"));
    assert_eq!(root.attribute("AttributeConsumingServiceIndex"), Some("1"), "what is left open");
    assert_eq!(child(root, "Scoping").attribute("ProxyCount"), Some("0"));
    assert_eq!(child(root, "Scoping").elements().count(), 0);
}

#[test]
fn an_extension_is_one_element_of_another_vocabulary() {
    let saml = format!("<a xmlns=\"{}\"/>", namespace::SAML_ASSERTION);
    for (text, code) in [
        ("<a/>", "binding.extension"),
        (saml.as_str(), "binding.extension"),
        ("<e:a xmlns:e=\"urn:e\"/><e:b xmlns:e=\"urn:e\"/>", ""),
        ("<e:a/>", ""),
        ("text", ""),
    ] {
        let refused = LoginOptions::default().extension(text).unwrap_err();
        match code {
            "" => assert!(refused.code().starts_with("xml."), "{text}: {}", refused.code()),
            code => assert_eq!(refused.code(), code, "{text}"),
        }
    }
    // A stored value is checked as well.
    let stored = serde_json::json!({ "request": { "extensions": ["<a/>"] } });
    let settings: ConnectionSettings = serde_json::from_value(stored).unwrap();
    let refused = Connection::with_settings(connection("a", trusted(&IdentityProvider::okta())), settings);
    assert_eq!(refused.unwrap_err().code(), "binding.extension");
}

/// A connection whose identity provider accepts requests by these bindings.
fn taking(bindings: &[&str]) -> Connection {
    let metadata = IdentityProvider::okta().metadata().unwrap();
    let start =
        metadata.find("<md:SingleSignOnService").or_else(|| metadata.find("<SingleSignOnService")).unwrap();
    let end = metadata.rfind("SingleSignOnService").unwrap();
    let end = end + metadata[end..].find("/>").unwrap() + 2;
    let name = metadata[start + 1..].split_once(' ').unwrap().0;
    let services: String = bindings
        .iter()
        .map(|binding| {
            format!(
                "<{name} Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"https://idp.example/{binding}\"/>"
            )
        })
        .collect();
    let metadata = [&metadata[..start], &services, &metadata[end..]].concat();
    connection("okta", vouchsafe::IdentityProvider::from_metadata(metadata.as_bytes()).unwrap())
}

#[test]
fn a_request_travels_by_what_the_identity_provider_takes() {
    let key = keys::service_provider();
    let signing = || builder().signing_key(key.private_key().clone(), key.certificate().clone());
    let start = |bindings: &[&str], options| {
        Service::new(signing()).with(taking(bindings)).start_over("okta", options, now())
    };
    let all = ["HTTP-Redirect", "HTTP-POST", "HTTP-POST-SimpleSign"];
    for (asked, taken, expected) in [
        (None, &all[..], "https://idp.example/HTTP-Redirect"),
        (None, &all[1..], "https://idp.example/HTTP-POST"),
        (None, &all[2..], "https://idp.example/HTTP-POST-SimpleSign"),
        (Some(RequestBinding::PostSimpleSign), &all[..], "https://idp.example/HTTP-POST-SimpleSign"),
        (Some(RequestBinding::Post), &all[..], "https://idp.example/HTTP-POST"),
    ] {
        let options = asked.map_or_else(LoginOptions::default, |one| LoginOptions::default().binding(one));
        let started = start(taken, options).unwrap();
        let request = &started.request;
        let at = request.redirect().map_or_else(|| request.form().unwrap().action(), |one| one.url());
        assert!(at == expected || at.starts_with(&format!("{expected}?")), "{at}");
    }
    let refused =
        start(&all[..1], LoginOptions::default().binding(RequestBinding::PostSimpleSign)).unwrap_err();
    assert_eq!(refused.code(), "binding.no_single_sign_on");
    assert!(refused.to_string().contains("HTTP-POST-SimpleSign"));
}

/// The fields are signed, and the message itself has no signature.
#[test]
fn a_request_by_simple_sign_is_signed() {
    let key = keys::service_provider_p256();
    let service = Service::new(builder().signing_key(key.private_key().clone(), key.certificate().clone()));
    let service = service.with(taking(&["HTTP-POST-SimpleSign"]));
    let started = service.start(LoginOptions::default());
    let fields = started.request.form().unwrap().fields();
    let trust = [vouchsafe::signature::TrustedKey::new(key.private_key().public_key().clone(), "ours")];
    let verified = vouchsafe::signature::verify_form(fields, &trust, service.saml.provider()).unwrap();
    assert_eq!(verified.relay_state(), Some(started.pending.handle()));
    assert!(!read(&started).elements().any(|one| one.local_name() == "Signature"));

    let unable = Service::new(builder()).with(taking(&["HTTP-POST-SimpleSign"]));
    let refused = unable.start_over("okta", LoginOptions::default(), now()).unwrap_err();
    assert_eq!(refused.code(), "binding.no_signing_key");
}

/// A pending request that was stored and read back.
fn asked(service: &Service, options: LoginOptions) -> BoundRequest {
    let started = service.start(options);
    let stored = serde_json::to_string(&started.pending.to_stored()).unwrap();
    let pending = PendingRequest::from_stored(serde_json::from_str(&stored).unwrap()).unwrap();
    pending.bind(Some(started.binding.reveal()), service.saml.provider()).unwrap()
}

fn answered(options: LoginOptions, answer: impl Fn(ResponseBuilder) -> ResponseBuilder) -> &'static str {
    let service = Service::new(builder());
    let pending = asked(&service, options);
    let response = IdentityProvider::okta().response().in_response_to(pending.request().request_id());
    let response = posted(&answer(response).issue().unwrap());
    service.receive(&response, Expect::Reply(&pending), now()).map_or_else(|refusal| refusal.code(), |_| "")
}

#[test]
fn the_person_who_was_asked_for_answers() {
    let name = |value: &str| {
        let mut name = SessionNameId::new(value);
        name.format = Some(EMAIL_ADDRESS.to_owned());
        name
    };
    let about = |value: &str| LoginOptions::default().subject(name(value));
    let ada = |response: ResponseBuilder| response.name_id("ada@example.com").name_id_format(EMAIL_ADDRESS);
    assert_eq!(answered(about("ada@example.com"), ada), "");
    for other in ["bob@example.com", "Ada@example.com", "ada@example.com ", "ada"] {
        assert_eq!(answered(about(other), ada), "assertion.other_subject", "{other}");
    }
    let unspecified = |response: ResponseBuilder| ada(response).name_id_format(UNSPECIFIED);
    assert_eq!(answered(about("ada@example.com"), unspecified), "assertion.other_subject");
    let plain = LoginOptions::default().subject(SessionNameId::new("ada@example.com"));
    assert_eq!(answered(plain, unspecified), "", "without a Format it is unspecified");
    let nobody = |response: ResponseBuilder| response.omit(vouchsafe_testkit::Part::NameId);
    assert_eq!(answered(about("ada@example.com"), nobody), "assertion.other_subject");
    // Without a requested person, the subject is not checked.
    assert_eq!(answered(LoginOptions::default(), nobody), "");
}

/// A persistent name that leaves its qualifiers out has their defaults (Core 8.3.7).
#[test]
fn qualifiers_of_the_person_who_was_asked_for() {
    let with = |nq: Option<&str>, sp: Option<&str>| {
        let mut name = persistent("p1");
        (name.name_qualifier, name.sp_name_qualifier) = (nq.map(str::to_owned), sp.map(str::to_owned));
        LoginOptions::default().subject(name)
    };
    let issuer = vouchsafe_testkit::OKTA_ENTITY_ID;
    let ours = vouchsafe_testkit::SERVICE_PROVIDER;
    let bare = |response: ResponseBuilder| response.name_id("p1").name_id_format(PERSISTENT);
    let full = |response: ResponseBuilder| bare(response).name_qualifier(issuer).sp_name_qualifier(ours);
    for options in [with(None, None), with(Some(issuer), Some(ours)), with(Some(issuer), None)] {
        assert_eq!(answered(options.clone(), bare), "");
        assert_eq!(answered(options, full), "");
    }
    for options in [with(Some("urn:other"), None), with(None, Some("urn:other"))] {
        assert_eq!(answered(options.clone(), bare), "assertion.other_subject");
        assert_eq!(answered(options, full), "assertion.other_subject");
    }
}

#[test]
fn the_kind_of_name_that_was_asked_for_answers() {
    let policy = |format: &str| {
        LoginOptions::default().name_id_policy(NameIdPolicy::default().format(format).allow_create())
    };
    let email = |response: ResponseBuilder| response.name_id_format(EMAIL_ADDRESS);
    let nobody = |response: ResponseBuilder| response.omit(vouchsafe_testkit::Part::NameId);
    assert_eq!(answered(policy(EMAIL_ADDRESS), email), "");
    assert_eq!(answered(policy(PERSISTENT), email), "assertion.name_id_policy");
    assert_eq!(answered(policy(PERSISTENT), nobody), "assertion.name_id_policy");
    for any in [UNSPECIFIED, "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"] {
        assert_eq!(answered(policy(any), email), "", "{any}");
        assert_eq!(answered(policy(any), nobody), "", "{any}");
    }
    let of = |qualifier: &str| {
        LoginOptions::default().name_id_policy(NameIdPolicy::default().sp_name_qualifier(qualifier))
    };
    let group = |response: ResponseBuilder| email(response).sp_name_qualifier("urn:group");
    assert_eq!(answered(of("urn:group"), group), "");
    assert_eq!(answered(of("urn:group"), email), "assertion.name_id_policy");
    assert_eq!(
        answered(of(vouchsafe_testkit::SERVICE_PROVIDER), email),
        "",
        "it is ours where it says of no other"
    );
    assert_eq!(answered(of(vouchsafe_testkit::SERVICE_PROVIDER), group), "assertion.name_id_policy");
}

/// The answer must meet the policy of the connection like that of the sign-in.
#[test]
fn a_policy_of_the_connection_holds_too() {
    let settings = ConnectionSettings::default().name_id_policy(NameIdPolicy::default().format(PERSISTENT));
    let okta = connection("okta", trusted(&IdentityProvider::okta())).with_settings(settings).unwrap();
    let service = Service::new(builder()).with(okta);
    let code = |options, format: &str| {
        let pending = asked(&service, options);
        let response = IdentityProvider::okta().response().in_response_to(pending.request().request_id());
        let response = posted(&response.name_id_format(format).issue().unwrap());
        service.receive(&response, Expect::Reply(&pending), now()).map_or_else(|r| r.code(), |_| "")
    };
    assert_eq!(code(LoginOptions::default(), PERSISTENT), "");
    assert_eq!(code(LoginOptions::default(), EMAIL_ADDRESS), "assertion.name_id_policy");
    let own = LoginOptions::default().name_id_policy(NameIdPolicy::default());
    assert_eq!(code(own, EMAIL_ADDRESS), "", "the sign-in asks for another");
}

#[test]
fn no_is_an_answer() {
    let service = Service::new(builder());
    let pending = asked(&service, LoginOptions::default().is_passive());
    assert!(pending.request().is_passive());
    let okta = id(vouchsafe_testkit::OKTA_ENTITY_ID);
    let status = |codes: &[&str], to: &str| {
        let codes = codes.iter().map(|code| format!("urn:oasis:names:tc:SAML:2.0:status:{code}"));
        let response = IdentityProvider::okta().response().status(codes).in_response_to(to);
        service.saml.open(posted(&response.issue().unwrap())).unwrap()
    };
    let own = pending.request().request_id();
    for (codes, expected) in [
        (&["Responder", "NoPassive"][..], Declined::NoPassive),
        (&["Responder", "AuthnFailed"], Declined::AuthnFailed),
        (&["Requester", "RequestDenied"], Declined::RequestDenied),
        (&["Responder", "NoAuthnContext"], Declined::NoAuthnContext),
        (&["Requester", "InvalidNameIDPolicy"], Declined::InvalidNameIdPolicy),
        (&["Responder", "UnknownPrincipal"], Declined::UnknownPrincipal),
        (&["Responder", "NoAvailableIDP"], Declined::NoAvailableIdp),
        (&["Responder", "NoSupportedIDP"], Declined::NoSupportedIdp),
        (&["Responder", "ProxyCountExceeded"], Declined::ProxyCountExceeded),
        (&["Requester", "RequestUnsupported"], Declined::RequestUnsupported),
        (&["Responder", "NoPassive", "Unheard"], Declined::NoPassive),
        (&["Responder"], Declined::Other),
    ] {
        assert_eq!(pending.declined_by(&status(codes, own), &okta), Some(expected), "{codes:?}");
    }
    assert_eq!(pending.declined_by(&status(&["Success"], own), &okta), None);
    // Answers to another request, and of another identity provider than the one that was asked.
    assert_eq!(pending.declined_by(&status(&["Responder", "NoPassive"], "_other"), &okta), None);
    let other = id("https://other.example");
    assert_eq!(pending.declined_by(&status(&["Responder", "NoPassive"], own), &other), None);
}

/// HTTP-POST-SimpleSign: the form is signed, and the message needs no signature.
mod simple_sign {
    use super::*;
    use vouchsafe::{BindingError, PostedResponse, Refusal, ValidAssertion};
    use vouchsafe_testkit::{Encryption, Signed, logout::signed_form};

    fn form(response: &ResponseBuilder, state: Option<&str>, key: &KeyPair) -> String {
        signed_form("SAMLResponse", response.issue().unwrap().xml(), state, key).unwrap()
    }

    fn unsigned() -> ResponseBuilder {
        IdentityProvider::okta().response().sign(Signed::Neither)
    }

    fn receive(service: &Service, body: &str) -> Result<ValidAssertion, Refusal> {
        let posted: Result<_, BindingError> =
            PostedResponse::from_form(body.as_bytes(), service.saml.limits());
        let posted = posted.unwrap();
        service.receive(&posted, Expect::Unsolicited, now())
    }

    fn code(service: &Service, body: &str) -> &'static str {
        receive(service, body).map_or_else(|refusal| refusal.code(), |_| "")
    }

    #[test]
    fn a_signed_form_signs_people_in() {
        let service = Service::new(builder());
        let key = IdentityProvider::okta().key().clone();
        for state in [None, Some("/projects/7")] {
            let valid = receive(&service, &form(&unsigned(), state, &key)).unwrap();
            let recorded = valid.replay_key().recorded(true);
            let login = valid.confirm(recorded).unwrap();
            assert_eq!(login.evidence().len(), 1);
        }
        // If the message has a signature of its own, it is verified too.
        let both = IdentityProvider::okta().response().sign(Signed::Both);
        let valid = receive(&service, &form(&both, None, &key)).unwrap();
        let recorded = valid.replay_key().recorded(true);
        assert_eq!(valid.confirm(recorded).unwrap().evidence().len(), 3);
        let wrong = both.key(keys::attacker());
        assert_ne!(code(&service, &form(&wrong, None, &key)), "");
    }

    #[test]
    fn what_must_be_signed_is() {
        let key = IdentityProvider::okta().key().clone();
        let body = form(&unsigned(), Some("state"), &key);
        let response = Service::new(builder().require_signed_response());
        assert_eq!(code(&response, &body), "", "the form covers the response");
        let assertion = Service::new(builder().require_signed_assertion());
        assert_eq!(code(&assertion, &body), "assertion.assertion_unsigned");
    }

    #[test]
    fn ciphertext_in_a_signed_form_opens() {
        let ours = keys::service_provider();
        let service =
            Service::new(builder().decryption_key(ours.private_key().clone(), ours.certificate().clone()));
        let key = IdentityProvider::okta().key().clone();
        let sealed = unsigned().encrypt(Encryption::to(ours.certificate()));
        assert_eq!(code(&service, &form(&sealed, None, &key)), "");
        assert_ne!(code(&service, &form(&sealed, None, keys::attacker())), "");
    }

    #[test]
    fn what_is_altered_is_refused() {
        let service = Service::new(builder());
        let okta = IdentityProvider::okta().key().clone();
        let body = form(&unsigned(), Some("state"), &okta);
        let other = form(&unsigned().name_id("eve@example.com"), Some("state"), &okta);
        let field = |body: &str, name: &str| {
            let start = body.find(&format!("{name}=")).unwrap();
            body[start..].split('&').next().unwrap().to_owned()
        };
        let exchanged = body.replace(&field(&body, "SAMLResponse"), &field(&other, "SAMLResponse"));
        let signed_inside = IdentityProvider::okta().response().sign(Signed::Both);
        let bad_form = form(&signed_inside, None, keys::attacker());
        for (altered, expected) in [
            (exchanged, "signature.not_verified"),
            (body.replace("RelayState=state", "RelayState=other"), "signature.not_verified"),
            (body.replace("RelayState=state&", ""), "signature.not_verified"),
            (form(&unsigned(), Some("state"), keys::attacker()), "signature.not_verified"),
            // An invalid signature of the form is refused, whatever the form contains.
            (bad_form, "signature.not_verified"),
            (body.replace(&format!("&{}", field(&body, "SigAlg")), ""), "signature.form"),
            (body.replace(&format!("&{}", field(&body, "Signature")), ""), "signature.form"),
        ] {
            assert_eq!(code(&service, &altered), expected, "{altered}");
        }
        let twice = format!("{body}&{}", field(&body, "SigAlg"));
        let refused = PostedResponse::from_form(twice.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!(refused.code(), "binding.field_repeated");
    }

    /// Two connections with one entity ID of their identity provider are distinguished by the key of the form.
    #[test]
    fn the_key_of_the_form_names_the_connection() {
        let second = IdentityProvider::okta().with_key(keys::attacker());
        let service = Service::new(builder()).with(connection("second", trusted(&second)));
        for (key, expected) in [(IdentityProvider::okta().key(), "okta"), (keys::attacker(), "second")] {
            let valid = receive(&service, &form(&unsigned(), None, key)).unwrap();
            assert_eq!(valid.connection().as_str(), expected);
        }
        assert_eq!(
            code(&service, &form(&unsigned(), None, keys::service_provider())),
            "signature.not_verified"
        );
    }

    #[test]
    fn our_metadata_offers_it_where_it_is_wanted() {
        let binding = "bindings:HTTP-POST-SimpleSign";
        let without = crate::common::with_single_logout().build().unwrap().metadata_xml().unwrap();
        assert!(!without.contains(binding));
        let with = crate::common::with_single_logout().publish_simple_sign().build().unwrap();
        assert_eq!(with.metadata_xml().unwrap().matches(binding).count(), 2, "for responses and for logout");
    }
}
