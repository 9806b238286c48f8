//! Two organizations, their people with a session each, and a transmitter of one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;
use vouchsafe::crypto::{KeyKind, PrivateKey, Provider, SignatureAlgorithm};
use vouchsafe::provisioning::{
    Account, AccountId, Actor, Identity, Organization, OrganizationId, ScimRecord,
};
use vouchsafe::{ConnectionId, EntityId};
use vouchsafe_signals::{FetchKeys, Fetching, SignalService, StoredTransmitters, Transmitter};
use vouchsafe_store::{Author, ConnectionStore, Directory, Memory, Session, SessionId, SessionStore, Sqlite};

pub(crate) const ISSUER: &str = "https://acme.okta.example";
pub(crate) const KEYS: &str = "https://acme.okta.example/oauth2/v1/keys";
pub(crate) const AUDIENCE: &str = "https://app.example.com/signals/acme-okta/global-token-revocation";
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// A JWKS that a test changes, and how often it was asked for.
#[derive(Debug, Default)]
pub(crate) struct Published {
    pub(crate) document: Mutex<Option<Value>>,
    pub(crate) asked: AtomicUsize,
    /// What the answer waits for, if it does.
    pub(crate) held: Mutex<Option<Arc<Notify>>>,
}

impl FetchKeys for Published {
    fn fetch<'a>(&'a self, address: &'a str) -> Fetching<'a> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(address.starts_with("https://"), "{address}");
        let (document, held) = (self.document.lock().unwrap().clone(), self.held.lock().unwrap().clone());
        Box::pin(async move {
            if let Some(held) = held {
                held.notified().await;
            }
            document.map(|document| document.to_string().into_bytes()).ok_or_else(|| "not there".into())
        })
    }
}

pub(crate) trait Store: Directory + ConnectionStore + SessionStore {}
impl<S: Directory + ConnectionStore + SessionStore> Store for S {}

pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) signals: SignalService,
    pub(crate) published: Arc<Published>,
    pub(crate) key: PrivateKey,
    pub(crate) provider: Provider,
    pub(crate) now: DateTime<Utc>,
    pub(crate) sessions: Vec<SessionId>,
    from_store: SignalService,
}

/// Who sets up what there is.
pub(crate) fn author() -> Author {
    Author::new(Actor::Operator, start())
}

pub(crate) fn start() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

fn okta() -> ConnectionId {
    ConnectionId::new("acme-okta").unwrap()
}

impl World {
    pub(crate) async fn on_every_store() -> Vec<World> {
        let sqlite = Sqlite::in_memory().await.unwrap();
        vec![World::over(Arc::new(Memory::new())).await, World::over(Arc::new(sqlite)).await]
    }

    /// Acme with Ada (signs in over the connection), Bob (pushed by SCIM), the owner (by hand), and Eve of Globex with Ada's subject.
    pub(crate) async fn over<S>(store: Arc<S>) -> World
    where
        S: Store + vouchsafe_store::ClaimStore + 'static,
    {
        let provider = Provider::rustcrypto();
        for (id, connection) in [("acme", "acme-okta"), ("globex", "globex-okta")] {
            let mut organization = Organization::new(OrganizationId::new(id), id, id);
            organization.entitled = true;
            let entity = EntityId::new(format!("https://idp.{id}.example")).unwrap();
            organization.convert(entity, &provider, start()).unwrap();
            organization.connections.insert(ConnectionId::new(connection).unwrap());
            store.add_organization(&organization, &author()).await.unwrap();
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
            store.add_account(&account, &author()).await.unwrap();
            sessions.push(session(&*store, &account.organization, &account.id, start()).await);
        }
        let key = provider.generate_key(KeyKind::P256).unwrap();
        let published = Arc::new(Published::default());
        *published.document.lock().unwrap() = Some(json!({"keys": [jwk(&key, "k1")]}));
        let transmitter = Transmitter::new("acme".into(), okta(), ISSUER, KEYS).for_audience(AUDIENCE);
        let transmitters: BTreeMap<_, _> = [(okta(), transmitter)].into();
        let signals =
            SignalService::new(store.clone(), Arc::new(transmitters), published.clone(), provider.clone());
        let stored = Arc::new(StoredTransmitters::new(store.clone()));
        let from_store = SignalService::new(store.clone(), stored, published.clone(), provider.clone());
        let now = start() + TimeDelta::minutes(1);
        World { store, signals, published, key, provider, now, sessions, from_store }
    }

    /// From here on those that stand in the settings of connections are believed, and no others.
    pub(crate) fn believes_stored_transmitters(&mut self) {
        self.signals = self.from_store.clone();
    }

    /// Whose sessions go on: Ada's, Bob's, the owner's, Eve's.
    pub(crate) async fn live(&self) -> Vec<bool> {
        let mut live = Vec::new();
        for id in &self.sessions {
            live.push(self.store.find(id, self.now).await.unwrap().is_some());
        }
        live
    }

    pub(crate) fn token(&self, kind: &str, claims: &Value) -> String {
        signed(
            &self.provider,
            &self.key,
            SignatureAlgorithm::EcdsaSha256,
            &header("ES256", kind, "k1"),
            claims,
        )
    }

    pub(crate) fn revocation_claims(&self, id: &str) -> Value {
        json!({"iss": ISSUER, "aud": AUDIENCE, "iat": self.now.timestamp(), "exp": self.now.timestamp() + 300, "jti": id})
    }

    pub(crate) fn event_claims(&self, id: &str, subject: &Value) -> Value {
        let event = json!({CAEP: {"subject": subject, "event_timestamp": self.now.timestamp()}});
        json!({"iss": ISSUER, "aud": AUDIENCE, "iat": self.now.timestamp(), "jti": id, "events": event})
    }

    pub(crate) async fn revoke(&self, token: &str, subject: &Value) -> StatusCode {
        self.revoke_at("acme-okta", token, &json!({"sub_id": subject}).to_string()).await
    }

    pub(crate) async fn revoke_at(&self, connection: &str, token: &str, body: &str) -> StatusCode {
        let request = Request::post("/").header("authorization", format!("Bearer {token}"));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        self.signals.global_token_revocation(connection, &parts, given(body), self.now).await.status()
    }

    pub(crate) async fn push(&self, token: &str) -> (u16, Value) {
        let request = Request::post("/").header("content-type", "application/secevent+jwt");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let response = self.signals.security_event("acme-okta", &parts, given(token), self.now).await;
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status().as_u16(), body)
    }
}

/// A body that is there already.
fn given(body: &str) -> impl FnOnce(usize) -> std::future::Ready<Option<Vec<u8>>> {
    let body = body.as_bytes().to_vec();
    move |_| std::future::ready(Some(body))
}

pub(crate) async fn session(
    store: &(impl SessionStore + ?Sized),
    organization: &OrganizationId,
    account: &AccountId,
    at: DateTime<Utc>,
) -> SessionId {
    let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let session: Session = serde_json::from_value(json!({
        "organization": organization, "account": account, "name_id": null, "session_indexes": [],
        "created_at": at, "expires_at": at + TimeDelta::days(30),
    }))
    .unwrap();
    store.create(&id, &session).await.unwrap();
    id
}

pub(crate) fn jwk(key: &PrivateKey, kid: &str) -> Value {
    let spki = key.public_key().spki_der();
    let point = &spki[spki.len() - 64..];
    let [x, y] = [&point[..32], &point[32..]].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256"})
}

pub(crate) fn header(algorithm: &str, kind: &str, kid: &str) -> Value {
    json!({"alg": algorithm, "typ": kind, "kid": kid})
}

pub(crate) fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

pub(crate) fn signed(
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

pub(crate) const GTR: &str = "global-token-revocation+jwt";

pub(crate) fn by_email() -> Value {
    json!({"format": "email", "email": "ADA@acme.example"})
}

pub(crate) fn by_subject(issuer: &str, subject: &str) -> Value {
    json!({"format": "iss_sub", "iss": issuer, "sub": subject})
}
