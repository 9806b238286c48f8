//! The requests to an identity provider, as the identity provider reads them.

use std::time::Duration;

use crate::common::{Service, builder, connection, now, trusted};
use chrono::TimeDelta;
use vouchsafe::assertion::{Comparison, RequestedAuthnContext};
use vouchsafe::crypto::base64_decode;
use vouchsafe::signature::{TrustedKey, verify, verify_query};
use vouchsafe::xml::{Document, Limits};
use vouchsafe::{
    LoginOptions, NameIdPolicy, PendingRequest, RequestBinding, SignRequests, StoredPendingRequest,
};
use vouchsafe_testkit::{AuthnRequest, IdentityProvider, keys};

#[test]
fn the_request_is_plain() {
    let service = Service::new(builder());
    let started = service.start(LoginOptions::default());
    let (redirect, pending) = (started.request.redirect().unwrap(), &started.pending);
    assert!(redirect.url().starts_with(&format!("{}?SAMLRequest=", vouchsafe_testkit::OKTA_SINGLE_SIGN_ON)));
    let request = AuthnRequest::from_redirect(redirect.url()).unwrap();
    assert_eq!(request.id, pending.request_id());
    assert!(request.id.starts_with('_') && request.id.len() == 41);
    assert_eq!(request.issuer, vouchsafe_testkit::SERVICE_PROVIDER);
    assert_eq!(request.destination.as_deref(), Some(vouchsafe_testkit::OKTA_SINGLE_SIGN_ON));
    assert_eq!(request.assertion_consumer.as_deref(), Some(vouchsafe_testkit::ASSERTION_CONSUMER));
    assert_eq!(request.assertion_consumer_index, None);
    assert_eq!(request.protocol_binding.as_deref(), Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"));
    assert_eq!(request.issue_instant, "2026-01-01T00:00:10Z");
    assert!(!request.has_name_id_policy && !request.force_authn && !request.is_passive);
    assert!(request.authn_contexts.is_empty());
    assert_eq!(request.relay_state.as_deref(), Some(pending.handle()));
    assert_eq!(pending.handle().len(), 32);
    assert_eq!(request.signature_algorithm, None);
}

#[test]
fn every_option_arrives() {
    let service = Service::new(builder());
    let options = LoginOptions::default()
        .force_authn()
        .is_passive()
        .name_id_policy(NameIdPolicy::default().allow_create())
        .handle_prefix("h&n=d l-;")
        .return_to("/projects/7")
        .requested_contexts(["urn:a", "urn:b<&>"]);
    let started = service.start(options);
    let (redirect, pending) = (started.request.redirect().unwrap(), &started.pending);
    let request = AuthnRequest::from_redirect(redirect.url()).unwrap();
    assert!(request.force_authn && request.is_passive && request.has_name_id_policy);
    assert_eq!((request.allow_create, request.name_id_format), (Some(true), None));
    assert_eq!(request.authn_contexts, ["urn:a", "urn:b<&>"]);
    let handle = request.relay_state.unwrap();
    assert!(handle.starts_with("hndl-") && handle.len() == 37, "{handle}");
    assert!(!request.xml.contains("projects"), "the return path stays here");
    assert_eq!(pending.return_to(), Some("/projects/7"));
    assert_eq!(pending.expires_at(), now() + TimeDelta::minutes(10));
}

#[test]
fn nothing_repeats() {
    let service = Service::new(builder());
    let start = || service.start(LoginOptions::default()).pending;
    let (first, second) = (start(), start());
    assert_ne!(first.request_id(), second.request_id());
    assert_ne!(first.handle(), second.handle());
}

#[test]
fn requests_are_signed_when_wanted() {
    let key = keys::service_provider_p256();
    let signing = || builder().signing_key(key.private_key().clone(), key.certificate().clone());
    let trust = || [TrustedKey::new(key.private_key().public_key().clone(), "ours")];

    let unasked = Service::new(signing());
    let started = unasked.start(LoginOptions::default());
    assert!(!started.request.redirect().unwrap().url().contains("Signature="));

    let wanting =
        || connection("other", trusted(&IdentityProvider::other()).with_authn_requests_signed(true));
    let asked = Service::new(signing()).with(wanting());
    let started = asked.start_over("other", LoginOptions::default(), now()).unwrap();
    let (_, query) = started.request.redirect().unwrap().url().split_once('?').unwrap();
    let verified = verify_query(query, &trust(), asked.saml.provider()).unwrap();
    assert_eq!(verified.relay_state(), Some(started.pending.handle()));

    let unable = Service::new(builder()).with(wanting());
    let refused = unable.start_over("other", LoginOptions::default(), now()).unwrap_err();
    assert_eq!(refused.code(), "binding.no_signing_key");

    let keyless = builder().sign_requests(SignRequests::Always).build().unwrap_err();
    assert_eq!(keyless.code(), "binding.signing_key_missing");

    let service = Service::new(signing().sign_requests(SignRequests::Always));
    let always = &service.saml;
    assert!(always.metadata_xml().unwrap().contains("AuthnRequestsSigned=\"true\""));
    let started = service.start(LoginOptions::default().binding(RequestBinding::Post));
    let (form, pending) = (started.request.form().unwrap(), &started.pending);
    assert_eq!(form.action(), vouchsafe_testkit::OKTA_SINGLE_SIGN_ON);
    let field = |name| {
        form.fields().iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str()).unwrap()
    };
    let document =
        Document::parse(&base64_decode(field("SAMLRequest")).unwrap(), &Limits::default()).unwrap();
    let verified = verify(document.root(), &trust(), always.provider(), always.limits()).unwrap();
    assert_eq!(verified.evidence().key_label(), "ours");
    assert_eq!(document.root().attribute("ID"), Some(pending.request_id()));
    assert_eq!(field("RelayState"), pending.handle());
}

#[test]
fn the_stored_form_comes_back() {
    let service = Service::new(builder());
    let options = LoginOptions::default().force_authn().return_to("/x").requested_contexts(["urn:a"]);
    let pending = service.start(options).pending;
    let json = serde_json::to_string(&pending.to_stored()).unwrap();
    let again = PendingRequest::from_stored(serde_json::from_str(&json).unwrap()).unwrap();
    assert_eq!(again.to_stored(), pending.to_stored());
    assert_eq!((again.handle(), again.request_id()), (pending.handle(), pending.request_id()));

    let damages: [fn(&mut StoredPendingRequest); 6] = [
        |stored| stored.connection = "a/b".to_owned(),
        |stored| stored.binding_hash = "00".to_owned(),
        |stored| stored.request_id = String::new(),
        |stored| stored.requested_comparison = Some("stronger".to_owned()),
        |stored| stored.requested_comparison = Some("minimum".to_owned()),
        |stored| stored.maximum_authentication_age = Some(-1),
    ];
    for damage in damages {
        let mut damaged = pending.to_stored();
        damage(&mut damaged);
        assert_eq!(PendingRequest::from_stored(damaged).unwrap_err().code(), "binding.stored_request");
    }
}

#[test]
fn the_comparison_and_the_age_come_back_from_the_store() {
    let service = Service::new(builder());
    let options = LoginOptions::default()
        .requested_context(
            RequestedAuthnContext::compared(Comparison::Minimum, ["urn:b"], ["urn:a", "urn:b"]).unwrap(),
        )
        .maximum_authentication_age(Duration::from_millis(90_999));
    let started = service.start(options);
    let (redirect, pending) = (started.request.redirect().unwrap(), &started.pending);
    let request = AuthnRequest::from_redirect(redirect.url()).unwrap();
    assert!(request.xml.contains("<saml2p:RequestedAuthnContext Comparison=\"minimum\">"), "{}", request.xml);
    assert_eq!(request.authn_contexts, ["urn:b"]);
    let again = PendingRequest::from_stored(pending.to_stored()).unwrap();
    assert_eq!(again.requested_context(), pending.requested_context());
    assert_eq!(again.requested_contexts(), ["urn:b"]);
    assert_eq!(again.maximum_authentication_age(), Some(Duration::from_secs(90)));

    // A request that was stored before comparisons existed is exact.
    let mut old = serde_json::to_value(pending.to_stored()).unwrap();
    for field in ["requested_comparison", "context_order", "maximum_authentication_age"] {
        old.as_object_mut().unwrap().remove(field).unwrap();
    }
    let old = PendingRequest::from_stored(serde_json::from_value(old).unwrap()).unwrap();
    assert_eq!(old.requested_context(), &RequestedAuthnContext::exact(["urn:b"]));
    assert_eq!(old.maximum_authentication_age(), None);
}

#[test]
fn no_more_than_five_minutes_of_skew() {
    assert!(builder().clock_skew(Duration::from_secs(300)).build().is_ok());
    let refused = builder().clock_skew(Duration::from_secs(301)).build().unwrap_err();
    assert_eq!(refused.code(), "binding.clock_skew");
    assert!(refused.hint().contains("NTP") && refused.to_string().contains("301 s"));
}

#[test]
fn our_metadata_says_what_we_are() {
    let (encryption, signing) = (keys::service_provider(), keys::service_provider_p256());
    let service_provider = builder()
        .decryption_key(encryption.private_key().clone(), encryption.certificate().clone())
        .signing_key(signing.private_key().clone(), signing.certificate().clone())
        .require_signed_assertion()
        .build()
        .unwrap();
    let xml = service_provider.metadata_xml().unwrap();
    for part in [
        vouchsafe_testkit::SERVICE_PROVIDER,
        vouchsafe_testkit::ASSERTION_CONSUMER,
        "use=\"encryption\"",
        "use=\"signing\"",
        "WantAssertionsSigned=\"true\"",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }

    let mixed =
        builder().decryption_key(encryption.private_key().clone(), signing.certificate().clone()).build();
    assert_eq!(mixed.unwrap_err().code(), "binding.certificate_mismatch");
}
