//! One setting wrong at a time, on either side: the first line of the explanation names the fault, and the hint the setting to change.
//!
//! The cases are the rows of `faults.json`. `idp` is the difference of the identity provider from a good reply, and
//! `sp` that of this side; `code` is the code, `line` a part of the first line, and `hint` a part of the line with
//! what to change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test"
)]

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use vouchsafe::assertion::{Comparison, RequestedAuthnContext};
use vouchsafe::crypto::{
    ContentCipher, DigestAlgorithm, KeyKind, KeyTransport, SignatureAlgorithm, base64_decode, base64_encode,
};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, EntityId, Expect, IdentityProvider, Limits, LoginOptions,
    PostedResponse, Refusal, ServiceProvider, Unsolicited,
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

/// The texts that an operator sees.
struct Seen {
    code: &'static str,
    first_line: String,
    hint: String,
}

#[test]
fn every_single_fault_is_named_with_the_setting_to_change() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("faults.json")).unwrap();
    assert!(cases.len() >= 150, "{}", cases.len());
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
    let okta = connection(&case.sp);
    let started = testkit::ISSUE_INSTANT;
    let start = || {
        let started = service_provider.start_login(&okta, options(&case.sp), started).ok()?;
        started.pending.bind(Some(started.binding.reveal()), service_provider.provider()).ok()
    };
    // A connection with expired metadata cannot be asked, so an unsolicited response is refused.
    let (pending, other) = (start(), start());
    let text = message(&case.idp, pending.as_ref().map(|pending| pending.request().request_id()));
    let field = field(case.idp.get("posted").map(self::text), &text);
    let posted = PostedResponse::from_base64(&field, &Limits::default()).map_err(|error| Seen {
        code: error.code(),
        first_line: error.to_string(),
        hint: error.hint().to_owned(),
    })?;
    let expect = match (case.sp.get("expect").and_then(Value::as_str), &pending, &other) {
        (None, Some(pending), _) => Expect::Reply(pending),
        (Some("other"), _, Some(other)) => Expect::Reply(other),
        (Some("unsolicited") | None, ..) => Expect::Unsolicited,
        (other, ..) => panic!("{other:?}"),
    };
    let later = number(&case.sp, "seconds_later").unwrap_or(10);
    let replayed = case.sp.contains_key("replayed");
    let outcome = service_provider.open(posted).and_then(|claimed| {
        let now = started + TimeDelta::seconds(later);
        let valid = service_provider.receive(claimed, std::slice::from_ref(&okta), expect, now)?;
        let recorded = valid.replay_key().recorded(!replayed);
        valid.confirm(recorded)
    });
    outcome.map(drop).map_err(|refusal| seen(&refusal))
}

fn seen(refusal: &Refusal) -> Seen {
    let text = refusal.explain();
    let first_line = text.lines().next().unwrap().to_owned();
    assert!(first_line.starts_with("refused: ") && first_line.ends_with(&format!("[{}]", refusal.code())));
    let hint = text.lines().find_map(|line| line.strip_prefix("  change    ")).unwrap().to_owned();
    Seen { code: refusal.code(), first_line, hint }
}

fn connection(settings: &Map<String, Value>) -> Connection {
    static WEAK: LazyLock<KeyPair> =
        LazyLock::new(|| KeyPair::generate(KeyKind::Rsa { bits: 1024 }, "weak").unwrap());
    let mut okta = testkit::IdentityProvider::okta();
    if settings.contains_key("metadata_key") {
        okta = okta.with_key(&WEAK);
    }
    let mut metadata = okta.metadata().unwrap();
    if let Some(end) = settings.get("metadata_valid_until").map(text) {
        metadata = metadata.replacen(" entityID=", &format!(" validUntil=\"{end}\" entityID="), 1);
    }
    let mut own = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    if settings.contains_key("tolerate_confirmation_not_before") {
        own = own.tolerate_confirmation_not_before();
    }
    let identity_provider = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Connection::new(ConnectionId::new("okta").unwrap(), identity_provider).with_settings(own).unwrap()
}

fn service_provider(settings: &Map<String, Value>) -> Result<ServiceProvider, vouchsafe::BindingError> {
    let entity_id = settings.get("entity_id").map_or(testkit::SERVICE_PROVIDER, text);
    let assertion_consumer = settings.get("acs").map_or(testkit::ASSERTION_CONSUMER, text);
    let mut builder =
        ServiceProvider::builder(EntityId::new(entity_id).unwrap()).assertion_consumer(assertion_consumer)?;
    for (key, value) in settings {
        let seconds = || Duration::from_secs(value.as_u64().unwrap());
        builder = match key.as_str() {
            "clock_skew" => builder.clock_skew(seconds()),
            "maximum_message_age" => builder.maximum_message_age(seconds()),
            "maximum_authentication_age" => builder.maximum_authentication_age(seconds()),
            "request_lifetime" => builder.request_lifetime(seconds()),
            "require_signed_response" => builder.require_signed_response(),
            "require_signed_assertion" => builder.require_signed_assertion(),
            "input_bytes" => {
                let bytes = usize::try_from(value.as_u64().unwrap()).unwrap();
                builder.limits(Limits::default().with_input_bytes(bytes))
            }
            "keys" => {
                let pair = keys::service_provider();
                builder.decryption_key(pair.private_key().clone(), pair.certificate().clone())
            }
            "entity_id"
            | "tolerate_confirmation_not_before"
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
    builder.build()
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

/// Returns the posted text.
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
            "edit_between" => xml = without(&xml, text(&value[0]), text(&value[1]), text(&value[2])),
            "instead" => text(value).clone_into(&mut xml),
            "cut" => xml.truncate(usize::try_from(value.as_u64().unwrap()).unwrap()),
            _ => {}
        }
    }
    xml
}

/// Replaces everything between two texts by another text, each time.
fn without(text: &str, from: &str, to: &str, instead: &str) -> String {
    let mut pieces = text.split(from);
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |all, piece| all + instead + piece.split_once(to).map_or(piece, |(_, rest)| rest))
}

/// Returns the posted field, if it is not simply the message in base64.
fn field(what: Option<&str>, xml: &str) -> String {
    let base64 = base64_encode(xml.as_bytes());
    let certificate = || keys::identity_provider().certificate();
    match what {
        None => base64,
        Some("xml") => xml.to_owned(),
        Some("deflated") => deflated(xml),
        Some("zlib") => {
            base64_encode(&[b"\x78\x9c".as_slice(), &base64_decode(deflated(xml)).unwrap(), &[0; 4]].concat())
        }
        Some("twice") => base64_encode(base64.as_bytes()),
        Some("base64url") => base64_encode("<a>???>>></a>".as_bytes()).replace('+', "-").replace('/', "_"),
        Some("percent") => base64.replace('=', "%3D").replace('+', "%2B").replace('/', "%2F"),
        Some("utf16") => base64_encode(&xml.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        Some("form") => format!("SAMLResponse={}&RelayState=x", base64.replace('=', "%3D")),
        Some("address") => "https://idp.example.com/sso?id=7".to_owned(),
        Some("page") => "<!DOCTYPE html><html><body>Sign in</body></html>".to_owned(),
        Some("page in base64") => base64_encode(b"<!DOCTYPE html><html><body>Sign in</body></html>"),
        Some("soap") => {
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body/></e:Envelope>"
                .to_owned()
        }
        Some("artifact") => base64_encode(&[&[0, 4, 0, 0][..], &[7; 40]].concat()),
        Some("certificate") => certificate().to_pem(),
        Some("key") => "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----".to_owned(),
        Some("json") => r#"{"id_token":"x"}"#.to_owned(),
        Some("api") => r#"{"errorCode":"E0000007"}"#.to_owned(),
        Some("quoted") => format!("\"{base64}\""),
        Some("cut off") => base64.get(..base64.len() / 8 * 4 - 1).unwrap().to_owned(),
        Some("escaped") => xml.replace('<', "&lt;"),
        Some("federation") => "wa=wsignin1.0&wresult=%3Ct%3ARequestSecurityTokenResponse".to_owned(),
        Some("token") => "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl".to_owned(),
        Some("empty") => String::new(),
        Some(other) => panic!("{other}"),
    }
}

/// Deflates a message as a redirect does, in base64.
fn deflated(xml: &str) -> String {
    let query = vouchsafe::redirect::encode("SAMLResponse", xml, None);
    let value = query.trim_start_matches("SAMLResponse=");
    value.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
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
        "authn_context" => response.authn_context(text(value)),
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
        "statement" => response.insert(Place::AssertionEnd, text(value)),
        "subject" => response.insert(Place::Subject, text(value)),
        "status" => response
            .status(texts(value).iter().map(|code| format!("urn:oasis:names:tc:SAML:2.0:status:{code}"))),
        "status_message" => response.status_message(text(value)),
        "subject_in_response_to" => response.subject_in_response_to(text(value)),
        "subject_not_before" => response.subject_not_before(text(value)),
        "cut" | "edit" | "edit_between" | "instead" | "posted" | "recipient_key" | "transport"
        | "unsolicited" => response,
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
        Part::AuthnContext,
        Part::AuthnStatement,
        Part::Destination,
        Part::Recipient,
        Part::ResponseId,
        Part::ResponseIssuer,
        Part::Status,
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
