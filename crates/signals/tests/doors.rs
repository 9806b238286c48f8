//! Who may end whose sessions, and with what.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "this is a test: it may panic"
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use vouchsafe::crypto::{KeyKind, PrivateKey, Provider, SignatureAlgorithm};
use vouchsafe::provisioning::{Account, AccountId, Identity, Organization, OrganizationId, ScimRecord};
use vouchsafe::{ConnectionId, EntityId};
use vouchsafe_signals::{Expected, FetchKeys, Fetching, KeySet, SignalService, Transmitter, verify};
use vouchsafe_store::{Directory, Memory, Session, SessionId, SessionStore, Sqlite};

const ISSUER: &str = "https://acme.okta.example";
const KEYS: &str = "https://acme.okta.example/oauth2/v1/keys";
const AUDIENCE: &str = "https://app.example.com/signals/acme-okta/global-token-revocation";
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// A JWKS that a test changes, and how often it was asked for.
#[derive(Debug, Default)]
struct Published {
    document: Mutex<Option<Value>>,
    asked: AtomicUsize,
}

impl FetchKeys for Published {
    fn fetch<'a>(&'a self, address: &'a str) -> Fetching<'a> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(address.starts_with("https://"), "{address}");
        let document = self.document.lock().unwrap().clone();
        Box::pin(async move {
            document.map(|document| document.to_string().into_bytes()).ok_or_else(|| "not there".into())
        })
    }
}

trait Store: Directory + SessionStore {}
impl<S: Directory + SessionStore> Store for S {}

struct World {
    store: Arc<dyn Store>,
    signals: SignalService,
    published: Arc<Published>,
    key: PrivateKey,
    provider: Provider,
    now: DateTime<Utc>,
    sessions: Vec<SessionId>,
}

fn start() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

fn okta() -> ConnectionId {
    ConnectionId::new("acme-okta").unwrap()
}

impl World {
    async fn on_every_store() -> Vec<World> {
        let sqlite = Sqlite::in_memory().await.unwrap();
        vec![World::over(Arc::new(Memory::new())).await, World::over(Arc::new(sqlite)).await]
    }

    /// Acme with Ada (signs in over the connection), Bob (pushed by SCIM), the owner (by hand), and Eve of Globex with Ada's subject.
    async fn over<S>(store: Arc<S>) -> World
    where
        S: Store + vouchsafe_store::ReplayStore + 'static,
    {
        let provider = Provider::rustcrypto();
        for (id, connection) in [("acme", "acme-okta"), ("globex", "globex-okta")] {
            let mut organization = Organization::new(OrganizationId::new(id), id, id);
            organization.entitled = true;
            let entity = EntityId::new(format!("https://idp.{id}.example")).unwrap();
            organization.convert(entity, &provider, start()).unwrap();
            organization.connections.insert(ConnectionId::new(connection).unwrap());
            store.add_organization(&organization).await.unwrap();
        }
        let account = |id: &str, organization: &str, email: &str| {
            Account::new(AccountId::new(id), OrganizationId::new(organization), email)
        };
        let mut ada = account("ada", "acme", "ada@acme.example");
        ada.identities.push(Identity::new(okta(), "00u1"));
        let mut bob = account("bob", "acme", "bob@acme.example");
        let mut record = ScimRecord::new(okta(), "bob@acme.example");
        record.external_id = Some("00u2".to_owned());
        bob.scim.push(record);
        let owner = account("owner", "acme", "owner@acme.example");
        let mut eve = account("eve", "globex", "ada@acme.example");
        eve.identities.push(Identity::new(ConnectionId::new("globex-okta").unwrap(), "00u1"));
        let mut sessions = Vec::new();
        for account in [ada, bob, owner, eve] {
            store.add_account(&account).await.unwrap();
            sessions.push(session(&*store, &account.organization, &account.id, start()).await);
        }
        let key = provider.generate_key(KeyKind::P256).unwrap();
        let published = Arc::new(Published::default());
        *published.document.lock().unwrap() = Some(json!({"keys": [jwk(&key, "k1")]}));
        let transmitter = Transmitter::new("acme".into(), okta(), ISSUER, KEYS).for_audience(AUDIENCE);
        let transmitters: BTreeMap<_, _> = [(okta(), transmitter)].into();
        let signals =
            SignalService::new(store.clone(), Arc::new(transmitters), published.clone(), provider.clone());
        World { store, signals, published, key, provider, now: start() + TimeDelta::minutes(1), sessions }
    }

    /// Whose sessions go on: Ada's, Bob's, the owner's, Eve's.
    async fn live(&self) -> Vec<bool> {
        let mut live = Vec::new();
        for id in &self.sessions {
            live.push(self.store.find(id, self.now).await.unwrap().is_some());
        }
        live
    }

    fn token(&self, kind: &str, claims: &Value) -> String {
        signed(
            &self.provider,
            &self.key,
            SignatureAlgorithm::EcdsaSha256,
            &header("ES256", kind, "k1"),
            claims,
        )
    }

    fn revocation_claims(&self, id: &str) -> Value {
        json!({"iss": ISSUER, "aud": AUDIENCE, "iat": self.now.timestamp(), "exp": self.now.timestamp() + 300, "jti": id})
    }

    fn event_claims(&self, id: &str, subject: &Value) -> Value {
        let event = json!({CAEP: {"subject": subject, "event_timestamp": self.now.timestamp()}});
        json!({"iss": ISSUER, "aud": AUDIENCE, "iat": self.now.timestamp(), "jti": id, "events": event})
    }

    async fn revoke(&self, token: &str, subject: &Value) -> StatusCode {
        self.revoke_at("acme-okta", token, &json!({"sub_id": subject}).to_string()).await
    }

    async fn revoke_at(&self, connection: &str, token: &str, body: &str) -> StatusCode {
        let request = Request::post("/").header("authorization", format!("Bearer {token}"));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        self.signals.global_token_revocation(connection, &parts, body.as_bytes(), self.now).await.status()
    }

    async fn push(&self, token: &str) -> (u16, Value) {
        let request = Request::post("/").header("content-type", "application/secevent+jwt");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let response = self.signals.security_event("acme-okta", &parts, token.as_bytes(), self.now).await;
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status().as_u16(), body)
    }
}

async fn session(
    store: &(impl SessionStore + ?Sized),
    organization: &OrganizationId,
    account: &AccountId,
    at: DateTime<Utc>,
) -> SessionId {
    let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let session: Session = serde_json::from_value(json!({
        "organization": organization, "account": account, "name_id": null, "session_index": null,
        "created_at": at, "expires_at": at + TimeDelta::days(30),
    }))
    .unwrap();
    store.create(&id, &session).await.unwrap();
    id
}

fn jwk(key: &PrivateKey, kid: &str) -> Value {
    let spki = key.public_key().spki_der();
    let point = &spki[spki.len() - 64..];
    let [x, y] = [&point[..32], &point[32..]].map(|octets| URL_SAFE_NO_PAD.encode(octets));
    json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256"})
}

fn header(algorithm: &str, kind: &str, kid: &str) -> Value {
    json!({"alg": algorithm, "typ": kind, "kid": kid})
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(
    provider: &Provider,
    key: &PrivateKey,
    algorithm: SignatureAlgorithm,
    header: &Value,
    claims: &Value,
) -> String {
    let text = format!("{}.{}", part(header), part(claims));
    let signature = provider.sign(algorithm, key, text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

const GTR: &str = "global-token-revocation+jwt";

fn by_email() -> Value {
    json!({"format": "email", "email": "ADA@acme.example"})
}

fn by_subject(issuer: &str, subject: &str) -> Value {
    json!({"format": "iss_sub", "iss": issuer, "sub": subject})
}

#[tokio::test]
async fn universal_logout_ends_the_sessions_of_the_one_person() {
    for (subject, expected) in [
        (by_email(), [false, true, true, true]),
        (by_subject(ISSUER, "00u1"), [false, true, true, true]),
        (by_subject(ISSUER, "00u2"), [true, false, true, true]),
    ] {
        for world in World::on_every_store().await {
            let token = world.token(GTR, &world.revocation_claims("j1"));
            assert_eq!(world.revoke(&token, &subject).await, StatusCode::NO_CONTENT);
            assert_eq!(world.live().await, expected, "{subject}");
            let audit = world.store.audit(&OrganizationId::new("acme")).await.unwrap();
            assert!(audit.iter().any(|record| record.rule.as_str() == "signals.global_token_revocation"));
        }
    }
}

#[tokio::test]
async fn a_pushed_event_ends_the_sessions_of_the_one_person() {
    for subject in [
        by_email(),
        by_subject(ISSUER, "00u1"),
        json!({"user": by_email(), "tenant": {"format": "opaque", "id": "x"}}),
    ] {
        for world in World::on_every_store().await {
            let token = world.token("secevent+jwt", &world.event_claims("j1", &subject));
            assert_eq!(world.push(&token).await.0, 202);
            assert_eq!(world.live().await, [false, true, true, true], "{subject}");
        }
    }
    // The form of the final specification: the subject beside the events.
    let world = World::over(Arc::new(Memory::new())).await;
    let mut claims = world.event_claims("j1", &json!({}));
    claims["sub_id"] = by_email();
    assert_eq!(world.push(&world.token("secevent+jwt", &claims)).await.0, 202);
    assert_eq!(world.live().await, [false, true, true, true]);
}

#[tokio::test]
async fn other_people_are_out_of_reach() {
    let world = World::over(Arc::new(Memory::new())).await;
    let all = [true, true, true, true];
    for subject in [
        json!({"format": "email", "email": "owner@acme.example"}), // made by hand, and never signed in over the connection
        json!({"format": "email", "email": "nobody@acme.example"}),
        by_subject("https://globex.okta.example", "00u1"), // another issuer's identifier
        by_subject(ISSUER, "owner"),
        by_subject(ISSUER, "00u"),
    ] {
        let token = world.token(GTR, &world.revocation_claims("j1"));
        assert_eq!(world.revoke(&token, &subject).await, StatusCode::NOT_FOUND, "{subject}");
        let event = world.token("secevent+jwt", &world.event_claims("j2", &subject));
        assert_eq!(world.push(&event).await.0, 202, "it is not told who is here: {subject}");
        assert_eq!(world.live().await, all);
    }
    let token = world.token(GTR, &world.revocation_claims("j1"));
    let body = json!({"sub_id": by_email()}).to_string();
    for connection in ["globex-okta", "nobody", "", "../acme-okta"] {
        assert_eq!(world.revoke_at(connection, &token, &body).await, StatusCode::NOT_FOUND, "{connection}");
    }
    assert_eq!(world.live().await, all, "Eve has Ada's address and Ada's subject at Globex");
}

#[tokio::test]
async fn what_is_not_signed_by_the_transmitter_ends_nothing() {
    let world = World::over(Arc::new(Memory::new())).await;
    let provider = &world.provider;
    let good = world.revocation_claims("j1");
    let stranger = provider.generate_key(KeyKind::P256).unwrap();
    let ecdsa = SignatureAlgorithm::EcdsaSha256;
    let valid = world.token(GTR, &good);
    let (signed_text, signature) = valid.rsplit_once('.').unwrap();
    // What an attacker can do with the public key: use its octets as the secret of an HMAC. There is no HMAC here, whatever the tag is.
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

/// A token that was done does nothing a second time: a session that began since goes on.
#[tokio::test]
async fn a_replay_ends_no_later_session() {
    for mut world in World::on_every_store().await {
        let token = world.token(GTR, &world.revocation_claims("j1"));
        let event = world.token("secevent+jwt", &world.event_claims("j2", &by_email()));
        assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::NO_CONTENT);
        world.now += TimeDelta::seconds(1);
        assert_eq!(world.push(&event).await.0, 202);
        world.now += TimeDelta::seconds(10);
        let acme = OrganizationId::new("acme");
        world.sessions[0] = session(&*world.store, &acme, &AccountId::new("ada"), world.now).await;
        world.now += TimeDelta::seconds(10);
        assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::NO_CONTENT);
        assert_eq!(world.push(&event).await.0, 202);
        assert!(world.live().await[0]);
        // A new one ends it.
        let again = world.token(GTR, &world.revocation_claims("j3"));
        assert_eq!(world.revoke(&again, &by_email()).await, StatusCode::NO_CONTENT);
        assert!(!world.live().await[0]);
    }
}

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

#[tokio::test]
async fn a_connection_that_signs_nobody_in_is_believed_nothing() {
    let world = World::over(Arc::new(Memory::new())).await;
    let acme = OrganizationId::new("acme");
    let mut organization = world.store.organization(&acme).await.unwrap().unwrap();
    organization.value.connections = [ConnectionId::new("acme-entra").unwrap()].into();
    let author = vouchsafe_store::Author::new(vouchsafe::provisioning::Actor::Operator, world.now);
    world.store.update_organization(&organization, &author).await.unwrap();
    let token = world.token(GTR, &world.revocation_claims("j1"));
    assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::NOT_FOUND);
    assert!(world.live().await[0]);
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
    let expected = Expected::new("secevent+jwt", ISSUER, &audiences, TimeDelta::minutes(5));
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
