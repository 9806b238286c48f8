//! Which keys are believed, and how often they are asked for.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Notify;
use vouchsafe::crypto::{KeyKind, Provider, SignatureAlgorithm};
use vouchsafe_signals::{Expected, KeySet, verify};
use vouchsafe_store::Memory;

use super::world::{AUDIENCE, GTR, ISSUER, World, by_email, header, jwk, signed, start};

#[tokio::test]
async fn keys_roll_over_and_are_not_asked_for_without_end() {
    let mut world = World::over(Arc::new(Memory::new())).await;
    let asked = |world: &World| world.published.asked.load(Ordering::Relaxed);
    let token = world.token(GTR, &world.revocation_claims("j1"));
    assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::NO_CONTENT);
    assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::NO_CONTENT);
    assert_eq!(asked(&world), 1);
    // A new key is published, and used at once.
    world.now += TimeDelta::minutes(2);
    let next = world.provider.generate_key(KeyKind::P256).unwrap();
    *world.published.document.lock().unwrap() =
        Some(json!({"keys": [jwk(&world.key, "k1"), jwk(&next, "k2")]}));
    let by_next = |world: &World, id: &str, kid: &str| {
        let header = header("ES256", GTR, kid);
        signed(&world.provider, &next, SignatureAlgorithm::EcdsaSha256, &header, &world.revocation_claims(id))
    };
    assert_eq!(world.revoke(&by_next(&world, "j2", "k2"), &by_email()).await, StatusCode::NO_CONTENT);
    assert_eq!(asked(&world), 2);
    // Names of keys that nobody has cause one question a minute, and the known ones work meanwhile.
    for number in 0..20 {
        let token = by_next(&world, "j3", &format!("x{number}"));
        assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.revoke(&by_next(&world, "j4", "k2"), &by_email()).await, StatusCode::NO_CONTENT);
    assert_eq!(asked(&world), 2);
    // The old key is withdrawn: an hour later it is good for nothing.
    *world.published.document.lock().unwrap() = Some(json!({"keys": [jwk(&next, "k2")]}));
    world.now += TimeDelta::minutes(61);
    let token = world.token(GTR, &world.revocation_claims("j5"));
    assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(asked(&world), 3);
    // The keys cannot be had: the transmitter tries again, and nobody is believed for it.
    *world.published.document.lock().unwrap() = None;
    world.now += TimeDelta::minutes(61);
    for _ in 0..5 {
        let token = by_next(&world, "j6", "k2");
        assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(asked(&world), 4);
}

/// The transmitter's server is slow, and tokens name a key that is not known.
#[tokio::test(start_paused = true)]
async fn a_known_key_works_while_another_is_fetched() {
    let mut world = World::over(Arc::new(Memory::new())).await;
    let token = world.token(GTR, &world.revocation_claims("j1"));
    assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::NO_CONTENT);
    world.now += TimeDelta::minutes(2);
    let next = world.provider.generate_key(KeyKind::P256).unwrap();
    *world.published.document.lock().unwrap() =
        Some(json!({"keys": [jwk(&world.key, "k1"), jwk(&next, "k2")]}));
    let answer = Arc::new(Notify::new());
    *world.published.held.lock().unwrap() = Some(Arc::clone(&answer));
    let asked = || world.published.asked.load(Ordering::Relaxed);
    let by_next = |id: &str| {
        let header = header("ES256", GTR, "k2");
        signed(&world.provider, &next, SignatureAlgorithm::EcdsaSha256, &header, &world.revocation_claims(id))
    };
    let (first, second) = (by_next("j2"), by_next("j3"));
    let known = world.token(GTR, &world.revocation_claims("j4"));
    let by_email = by_email();
    let waiting = async { tokio::join!(world.revoke(&first, &by_email), world.revoke(&second, &by_email)) };
    let meanwhile = async {
        while asked() < 2 {
            tokio::task::yield_now().await;
        }
        // The clock goes on only if nobody has anything to do.
        let known = tokio::time::timeout(Duration::from_secs(60), world.revoke(&known, &by_email)).await;
        answer.notify_one();
        known
    };
    let (by_next, by_known) = tokio::join!(waiting, meanwhile);
    assert_eq!(by_known, Ok(StatusCode::NO_CONTENT));
    assert_eq!(by_next, (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT));
    assert_eq!(asked(), 2, "for both of them once");
}

/// Somebody names an unknown key and closes the connection while the set is fetched: the server drops the request.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_keeps_no_key_from_others() {
    let world = World::over(Arc::new(Memory::new())).await;
    let stranger = world.provider.generate_key(KeyKind::P256).unwrap();
    let header = header("ES256", GTR, "nobody");
    let claims = world.revocation_claims("j1");
    let unknown = signed(&world.provider, &stranger, SignatureAlgorithm::EcdsaSha256, &header, &claims);
    let answer = Arc::new(Notify::new());
    *world.published.held.lock().unwrap() = Some(Arc::clone(&answer));
    let (by_email, asked) = (by_email(), || world.published.asked.load(Ordering::Relaxed));
    let is_asked = async {
        while asked() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = world.revoke(&unknown, &by_email) => panic!("it was answered without the keys"),
        () = is_asked => {}
    }
    answer.notify_one();
    let genuine = world.token(GTR, &world.revocation_claims("j2"));
    assert_eq!(world.revoke(&genuine, &by_email).await, StatusCode::NO_CONTENT);
    assert_eq!(asked(), 1);
}

#[test]
fn keys_are_read_of_a_set_as_far_as_they_can_be_used() {
    let provider = Provider::rustcrypto();
    let key = provider.generate_key(KeyKind::P256).unwrap();
    let good = jwk(&key, "good");
    let changed = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        jwk["kid"] = json!(name);
        jwk
    };
    let short_rsa =
        json!({"kty": "RSA", "kid": "short", "n": URL_SAFE_NO_PAD.encode([0xff; 64]), "e": "AQAB"});
    let secret = json!({"kty": "oct", "kid": "secret", "k": "c2VjcmV0"});
    let document = json!({"keys": [
        good, changed("use", json!("enc")), changed("x", json!("AAAA")), changed("crv", json!("P-384")), short_rsa, secret,
    ]});
    let keys = KeySet::from_json(document.to_string().as_bytes(), &provider).unwrap();
    assert!(keys.key("good").is_some());
    // A key of 512 bits may be read; the provider refuses what it signs.
    for name in ["use", "x", "crv", "secret"] {
        assert!(keys.key(name).is_none(), "{name}");
    }
    assert!(KeySet::from_json(b"<html>", &provider).is_err());
    assert!(KeySet::from_json(b"{\"keys\": []}", &provider).unwrap().is_empty());
}

/// An RSA key signs as Okta does.
#[test]
fn rsa_tokens_verify_with_a_key_of_enough_bits() {
    let provider = Provider::rustcrypto();
    let key = provider.generate_key(KeyKind::Rsa { bits: 2048 }).unwrap();
    let now = start();
    let audiences = [AUDIENCE.to_owned()];
    let expected = Expected::new("secevent+jwt", ISSUER, &audiences, Duration::from_secs(300));
    let claims =
        json!({"iss": ISSUER, "aud": ["x", AUDIENCE], "iat": now.timestamp(), "jti": "1", "events": {}});
    for (name, algorithm) in
        [("RS256", SignatureAlgorithm::RsaSha256), ("PS256", SignatureAlgorithm::RsaPssSha256)]
    {
        let token =
            signed(&provider, &key, algorithm, &header(name, "application/secevent+jwt", "k"), &claims);
        let verified = verify(&token, key.public_key(), &expected, &provider, now).unwrap();
        assert_eq!((verified.id(), verified.issued_at()), ("1", now));
        let other = provider.generate_key(KeyKind::P256).unwrap();
        assert!(verify(&token, other.public_key(), &expected, &provider, now).is_err());
    }
}
