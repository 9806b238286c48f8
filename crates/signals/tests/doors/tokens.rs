//! With what nobody's sessions are ended.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde_json::{Value, json};
use vouchsafe::crypto::{KeyKind, SignatureAlgorithm};
use vouchsafe_store::Memory;

use super::world::{GTR, ISSUER, World, by_email, header, jwk, part, signed};

#[tokio::test]
async fn what_is_not_signed_by_the_transmitter_ends_nothing() {
    let world = World::over(Arc::new(Memory::new())).await;
    let provider = &world.provider;
    let good = world.revocation_claims("j1");
    let stranger = provider.generate_key(KeyKind::P256).unwrap();
    let ecdsa = SignatureAlgorithm::EcdsaSha256;
    let valid = world.token(GTR, &good);
    let (signed_text, signature) = valid.rsplit_once('.').unwrap();
    // What an attacker can do with the public key: use its bytes as the secret of an HMAC. There is no HMAC here, whatever the tag is.
    let with = |header: Value| format!("{}.{}.{signature}", part(&header), part(&good));
    let mut embedded = header("ES256", GTR, "k1");
    embedded["jwk"] = jwk(&stranger, "k1");
    embedded["jku"] = json!("https://evil.example/keys");
    let mut critical = header("ES256", GTR, "k1");
    critical["crit"] = json!(["b64"]);
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        world.token(GTR, &claims)
    };
    let at = |time: DateTime<Utc>| json!(time.timestamp());
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        world.token(GTR, &claims)
    };
    let unauthorized = [
        ("alg none", format!("{}.{}.", part(&json!({"alg": "none", "typ": GTR, "kid": "k1"})), part(&good))),
        ("alg None with a signature", with(json!({"alg": "None", "typ": GTR, "kid": "k1"}))),
        ("HMAC with the public key", with(header("HS256", GTR, "k1"))),
        ("HMAC of another length", with(header("HS512", GTR, "k1"))),
        ("an algorithm of another kind of key", with(header("RS256", GTR, "k1"))),
        ("EdDSA", with(header("EdDSA", GTR, "k1"))),
        ("another key", signed(provider, &stranger, ecdsa, &header("ES256", GTR, "k1"), &good)),
        ("a key in the header", signed(provider, &stranger, ecdsa, &embedded, &good)),
        ("a name of no key", signed(provider, &world.key, ecdsa, &header("ES256", GTR, "k9"), &good)),
        (
            "no name of a key",
            signed(provider, &world.key, ecdsa, &json!({"alg": "ES256", "typ": GTR}), &good),
        ),
        ("another kind of token", world.token("JWT", &good)),
        ("an event as a revocation", world.token("secevent+jwt", &good)),
        ("another issuer", changed("iss", json!("https://globex.okta.example"))),
        ("an issuer with a slash", changed("iss", json!(format!("{ISSUER}/")))),
        ("no issuer", without("iss")),
        ("another audience", changed("aud", json!("https://app.example.com/other"))),
        ("no audience", without("aud")),
        ("an old one", changed("iat", at(world.now - TimeDelta::minutes(8)))),
        ("one of the future", changed("iat", at(world.now + TimeDelta::minutes(8)))),
        ("no time", without("iat")),
        ("an ended one", changed("exp", at(world.now - TimeDelta::minutes(3)))),
        ("one without an end", without("exp")),
        ("an end that is no time", changed("exp", json!("tomorrow"))),
        ("one that is not valid yet", changed("nbf", at(world.now + TimeDelta::minutes(8)))),
    ];
    for (what, token) in &unauthorized {
        assert_eq!(world.revoke(token, &by_email()).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    let mut broken = signature.to_owned();
    broken.replace_range(0..1, if broken.starts_with('A') { "B" } else { "A" });
    let malformed = [
        ("no signature", signed_text.to_owned()),
        ("nothing", String::new()),
        ("four parts", format!("{valid}.x")),
        ("no identifier", without("jti")),
        ("critical extensions", signed(provider, &world.key, ecdsa, &critical, &good)),
        ("a long one", changed("padding", json!("x".repeat(20_000)))),
    ];
    for (what, token) in &malformed {
        let status = world.revoke(token, &by_email()).await;
        assert!([StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED].contains(&status), "{what}: {status}");
    }
    let broken = world.revoke(&format!("{signed_text}.{broken}"), &by_email()).await;
    assert_eq!(broken, StatusCode::UNAUTHORIZED, "a broken signature");
    for body in [
        "",
        "[]",
        "{}",
        r#"{"sub_id": {"format": "phone_number", "phone_number": "1"}}"#,
        r#"{"sub_id": {"format": "email"}}"#,
    ] {
        assert_eq!(world.revoke_at("acme-okta", &valid, body).await, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(world.live().await, [true, true, true, true]);
    assert_eq!(world.revoke(&valid, &by_email()).await, StatusCode::NO_CONTENT, "the good one is good");
}

#[tokio::test]
async fn a_refused_event_has_the_code_of_the_rfc() {
    let world = World::over(Arc::new(Memory::new())).await;
    let good = world.event_claims("j1", &by_email());
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        world.token("secevent+jwt", &claims)
    };
    let stranger = world.provider.generate_key(KeyKind::P256).unwrap();
    let foreign = signed(
        &world.provider,
        &stranger,
        SignatureAlgorithm::EcdsaSha256,
        &header("ES256", "secevent+jwt", "k1"),
        &good,
    );
    for (code, token) in [
        ("invalid_issuer", changed("iss", json!("https://evil.example"))),
        ("invalid_audience", changed("aud", json!("https://evil.example"))),
        ("authentication_failed", foreign),
        ("invalid_key", format!("{}.{}.", part(&header("none", "secevent+jwt", "k1")), part(&good))),
        ("invalid_request", changed("iat", json!((world.now - TimeDelta::hours(25)).timestamp()))),
        ("invalid_request", changed("events", json!("x"))),
        ("invalid_request", world.token(GTR, &good)),
        ("invalid_request", "x".to_owned()),
    ] {
        let (status, body) = world.push(&token).await;
        assert_eq!((status, &body["err"]), (400, &json!(code)));
    }
    // Another event is taken, and ends nothing.
    let verification =
        json!({"https://schemas.openid.net/secevent/ssf/event-type/verification": {"state": "x"}});
    assert_eq!(world.push(&changed("events", verification)).await.0, 202);
    assert_eq!(world.live().await, [true, true, true, true]);
}

/// A stranger's body is not read, and neither is one at a door that is not there.
#[tokio::test]
async fn the_body_is_asked_for_after_the_token() {
    let world = World::over(Arc::new(Memory::new())).await;
    let good = world.token(GTR, &world.revocation_claims("j1"));
    for (connection, token, expected) in [
        ("acme-okta", "", (400, false)),
        ("acme-okta", "a.b.c", (400, false)),
        ("acme-okta", &good.replace('.', "x."), (400, false)),
        ("nobody", &good, (404, false)),
        ("acme-okta", &good, (400, true)),
    ] {
        let asked = std::sync::atomic::AtomicBool::new(false);
        let body = async |_| {
            asked.store(true, std::sync::atomic::Ordering::SeqCst);
            None
        };
        let request = http::Request::post("/").header("authorization", format!("Bearer {token}"));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let answer = world.signals.global_token_revocation(connection, &parts, body, world.now).await;
        let is_asked = asked.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!((answer.status().as_u16(), is_asked), expected, "{connection} {token:?}");
    }
}
