//! One setting wrong at a time, on either side: the first line of the explanation names the fault, and the hint the setting to change.
//!
//! The cases are the rows of `faults.json`. `idp` is what the identity provider does differently from a good reply, `sp` what this side
//! does; `code` is the code, `line` what the first line contains, `hint` what the line of what to change contains.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test"
)]

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use vouchsafe::assertion::{Comparison, RequestedAuthnContext};
use vouchsafe::crypto::{
    ContentCipher, DigestAlgorithm, KeyKind, KeyTransport, SignatureAlgorithm, base64_encode,
};
use vouchsafe::{
    EntityId, Expect, IdentityProvider, Limits, LoginOptions, PostedResponse, Refusal, ServiceProvider,
};
use vouchsafe_testkit::{
    self as testkit, Attribute, Encryption, KeyPair, Part, Place, ResponseBuilder, Signed, keys,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    idp: Map<String, Value>,
    #[serde(default)]
    sp: Map<String, Value>,
    code: String,
    line: String,
    hint: String,
}

/// What an operator gets to see.
struct Seen {
    code: &'static str,
    first_line: String,
    hint: String,
}

#[test]
fn every_single_fault_is_named_with_the_setting_to_change() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("faults.json")).unwrap();
    assert!(cases.len() >= 60, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let seen = match outcome(case) {
            Ok(()) => {
                wrong.push(format!("{}: accepted", case.name));
                continue;
            }
            Err(seen) => seen,
        };
        if seen.code != case.code {
            wrong.push(format!("{}: {} instead of {}: {}", case.name, seen.code, case.code, seen.first_line));
        } else if !seen.first_line.contains(&case.line) {
            wrong.push(format!("{}: no {:?} in {}", case.name, case.line, seen.first_line));
        } else if !seen.hint.contains(&case.hint) {
            wrong.push(format!("{}: no {:?} in {}", case.name, case.hint, seen.hint));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn without_a_fault_it_is_accepted() {
    let good = Case {
        name: "none".to_owned(),
        idp: Map::new(),
        sp: Map::new(),
        code: String::new(),
        line: String::new(),
        hint: String::new(),
    };
    assert!(outcome(&good).is_ok());
}

fn outcome(case: &Case) -> Result<(), Seen> {
    let service_provider = service_provider(&case.sp).map_err(|error| Seen {
        code: error.code(),
        first_line: error.to_string(),
        hint: error.hint().to_owned(),
    })?;
    let asked = EntityId::new(testkit::OKTA_ENTITY_ID).unwrap();
    let started = testkit::ISSUE_INSTANT;
    let start = || service_provider.start_login(&asked, options(&case.sp), started);
    // Metadata that is no longer valid cannot be asked either; what is refused then is what comes unasked.
    let pending = start().ok().map(|(_, pending)| pending);
    let other = start().ok().map(|(_, pending)| pending);
    let text = message(&case.idp, pending.as_ref().map(|pending| pending.request_id()));
    let posted = PostedResponse::from_base64(&base64_encode(text.as_bytes()), &Limits::default()).unwrap();
    let expect = match (case.sp.get("expect").and_then(Value::as_str), &pending, &other) {
        (None, Some(pending), _) => Expect::Reply(pending),
        (Some("other"), _, Some(other)) => Expect::Reply(other),
        (Some("unsolicited") | None, ..) => Expect::Unsolicited,
        (other, ..) => panic!("{other:?}"),
    };
    let later = number(&case.sp, "seconds_later").unwrap_or(10);
    let replayed = case.sp.contains_key("replayed");
    service_provider
        .receive(&posted, expect, started + TimeDelta::seconds(later))
        .and_then(|valid| valid.replay_key().recorded(!replayed).and_then(|first| valid.confirm(first)))
        .map(drop)
        .map_err(|refusal| seen(&refusal))
}

fn seen(refusal: &Refusal) -> Seen {
    let text = refusal.explain();
    let first_line = text.lines().next().unwrap().to_owned();
    assert!(first_line.starts_with("refused: ") && first_line.ends_with(&format!("[{}]", refusal.code())));
    let hint = text.lines().find_map(|line| line.strip_prefix("  change    ")).unwrap().to_owned();
    Seen { code: refusal.code(), first_line, hint }
}

fn service_provider(settings: &Map<String, Value>) -> Result<ServiceProvider, vouchsafe::BindingError> {
    static WEAK: LazyLock<KeyPair> =
        LazyLock::new(|| KeyPair::generate(KeyKind::Rsa { bits: 1024 }, "weak").unwrap());
    let mut okta = testkit::IdentityProvider::okta();
    let mut entity_id = testkit::SERVICE_PROVIDER;
    let mut assertion_consumer = testkit::ASSERTION_CONSUMER;
    let mut valid_until = None;
    for (key, value) in settings {
        match key.as_str() {
            "entity_id" => entity_id = text(value),
            "acs" => assertion_consumer = text(value),
            "metadata_valid_until" => valid_until = Some(text(value)),
            "metadata_key" => okta = okta.with_key(&WEAK),
            _ => {}
        }
    }
    let mut metadata = okta.metadata().unwrap();
    if let Some(end) = valid_until {
        metadata = metadata.replacen(" entityID=", &format!(" validUntil=\"{end}\" entityID="), 1);
    }
    let mut builder = ServiceProvider::builder(EntityId::new(entity_id).unwrap())
        .assertion_consumer(assertion_consumer)?
        .trust(IdentityProvider::from_metadata(metadata.as_bytes()).unwrap());
    for (key, value) in settings {
        let seconds = || TimeDelta::seconds(value.as_i64().unwrap());
        builder = match key.as_str() {
            "clock_skew" => builder.clock_skew(seconds()),
            "maximum_message_age" => builder.maximum_message_age(seconds()),
            "maximum_authentication_age" => builder.maximum_authentication_age(seconds()),
            "request_lifetime" => builder.request_lifetime(seconds()),
            "require_signed_response" => builder.require_signed_response(),
            "require_signed_assertion" => builder.require_signed_assertion(),
            "input_bytes" => {
                let octets = usize::try_from(value.as_u64().unwrap()).unwrap();
                builder.limits(Limits::default().with_input_bytes(octets))
            }
            "keys" => {
                let pair = keys::service_provider();
                builder.decryption_key(pair.private_key().clone(), pair.certificate().clone())
            }
            "entity_id"
            | "acs"
            | "metadata_valid_until"
            | "metadata_key"
            | "expect"
            | "seconds_later"
            | "replayed"
            | "contexts"
            | "comparison"
            | "order"
            | "force_authn" => builder,
            other => panic!("{other}"),
        };
    }
    builder.accept_unsolicited().build()
}

fn options(settings: &Map<String, Value>) -> LoginOptions {
    let mut options = LoginOptions::default();
    if let Some(contexts) = settings.get("contexts") {
        let comparison = settings.get("comparison").map_or("exact", text);
        let order = settings.get("order").map(texts).unwrap_or_default();
        let comparison = Comparison::from_name(comparison).unwrap();
        let requested = RequestedAuthnContext::compared(comparison, texts(contexts), order).unwrap();
        options = options.requested_context(requested);
    }
    if settings.contains_key("force_authn") { options.force_authn() } else { options }
}

/// What is posted, as text.
fn message(changes: &Map<String, Value>, request: Option<&str>) -> String {
    let mut response = testkit::IdentityProvider::okta().response();
    if let Some(request) = request.filter(|_| !changes.contains_key("unsolicited")) {
        response = response.in_response_to(request);
    }
    for (key, value) in changes {
        response = changed(response, changes, key, value);
    }
    let mut xml = response.issue().unwrap().into_xml();
    for (key, value) in changes {
        match key.as_str() {
            "edit" => xml = xml.replace(text(&value[0]), text(&value[1])),
            "instead" => text(value).clone_into(&mut xml),
            "cut" => xml.truncate(usize::try_from(value.as_u64().unwrap()).unwrap()),
            _ => {}
        }
    }
    xml
}

fn changed(
    response: ResponseBuilder,
    changes: &Map<String, Value>,
    key: &str,
    value: &Value,
) -> ResponseBuilder {
    match key {
        "acs" => response.destination(text(value)).recipient(text(value)),
        "assertion_issue_instant" => response.assertion_issue_instant(text(value)),
        "assertion_issuer" => response.assertion_issuer(text(value)),
        "audience" => response.audience(text(value)),
        "audience_restrictions" => {
            response.audience_restrictions(value.as_array().unwrap().iter().map(texts))
        }
        "authn_instant" => response.authn_instant(text(value)),
        "clock_minutes" => response.at(minutes_from_start(value)),
        "condition" => response.insert(Place::Conditions, text(value)),
        "confirmation_method" => response.confirmation_method(text(value)),
        "destination" => response.destination(text(value)),
        "digest" => response.digest(DigestAlgorithm::Sha1),
        "encrypt" => response.encrypt(encryption(changes, text(value))),
        "groups" => {
            let groups = (0..value.as_u64().unwrap()).map(|number| format!("group {number}"));
            response.attribute(Attribute::new("groups", groups))
        }
        "issuer" => response.issuer(text(value)),
        "issuer_format" => response.issuer_format(text(value)),
        "key" => response.key(match text(value) {
            "stranger" => keys::attacker(),
            "p256" => keys::identity_provider_p256(),
            "other" => keys::other_identity_provider(),
            other => panic!("{other}"),
        }),
        "name_id" => response.name_id(text(value)),
        "name_id_format" => response.name_id_format(text(value)),
        "name_id_of_length" => {
            response.name_id("n".repeat(usize::try_from(value.as_u64().unwrap()).unwrap()))
        }
        "not_before" => response.not_before(text(value)),
        "not_on_or_after" => response.not_on_or_after(text(value)),
        "omit" => response.omit(part(text(value))),
        "recipient" => response.recipient(text(value)),
        "response_issue_instant" => response.response_issue_instant(text(value)),
        "response_version" => response.response_version(text(value)),
        "session_not_on_or_after" => response.session_not_on_or_after(text(value)),
        "sign" => response.sign(match text(value) {
            "neither" => Signed::Neither,
            "response" => Signed::Response,
            "assertion" => Signed::Assertion,
            other => panic!("{other}"),
        }),
        "signature_algorithm" => response.signature_algorithm(SignatureAlgorithm::RsaSha1),
        "status" => response
            .status(texts(value).iter().map(|code| format!("urn:oasis:names:tc:SAML:2.0:status:{code}"))),
        "status_message" => response.status_message(text(value)),
        "subject_in_response_to" => response.subject_in_response_to(text(value)),
        "subject_not_before" => response.subject_not_before(text(value)),
        "cut" | "edit" | "instead" | "recipient_key" | "transport" | "unsolicited" => response,
        other => panic!("{other}"),
    }
}

fn encryption(changes: &Map<String, Value>, cipher: &str) -> Encryption {
    let recipient = match changes.get("recipient_key").map(text) {
        Some("old") => keys::old_service_provider(),
        _ => keys::service_provider(),
    };
    let encryption = Encryption::to(recipient.certificate()).cipher(match cipher {
        "cbc" => ContentCipher::Aes256Cbc,
        other => panic!("{other}"),
    });
    match changes.get("transport").map(text) {
        Some("rsa-1_5") => encryption.key_transport(KeyTransport::Rsa15),
        _ => encryption,
    }
}

fn part(name: &str) -> Part {
    let parts = [
        Part::Assertion,
        Part::AudienceRestriction,
        Part::AuthnStatement,
        Part::Destination,
        Part::Recipient,
        Part::ResponseIssuer,
        Part::SubjectNotOnOrAfter,
    ];
    parts.into_iter().find(|part| format!("{part:?}") == name).unwrap_or_else(|| panic!("{name}"))
}

fn minutes_from_start(value: &Value) -> DateTime<Utc> {
    testkit::ISSUE_INSTANT + TimeDelta::minutes(value.as_i64().unwrap())
}

fn number(settings: &Map<String, Value>, name: &str) -> Option<i64> {
    settings.get(name).map(|value| value.as_i64().unwrap())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|one| text(one).to_owned()).collect()
}
