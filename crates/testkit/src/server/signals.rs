//! Signals that tell an application that a person is signed out, as Okta sends them: Universal Logout (Global Token
//! Revocation), and a CAEP event `session-revoked` that is pushed over Shared Signals.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use vouchsafe_crypto::{SignatureAlgorithm, base64_encode};

use super::directory::Okta;
use super::model::AppId;
use super::outgoing::Outgoing;
use super::sessions::random_hex;
use crate::{TestkitError, keys};

const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// The name of the key that signs signals.
const KEY_NAME: &str = "signals-1";

/// The lifetime of a token of Universal Logout, in seconds.
const LIFETIME: u64 = 300;

/// The kind of a signal about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// Universal Logout: a request with a signed token to `/global-token-revocation`, below the application's address
    /// for signals.
    UniversalLogout,
    /// A security event `session-revoked`, to `/events` below that address.
    SessionRevoked,
}

impl Okta {
    /// Returns the issuer of signals: the `iss` of their tokens.
    #[must_use]
    pub fn signals_issuer(&self) -> &str {
        self.base_url()
    }

    /// Returns the address of the keys that sign signals, as a JWKS.
    #[must_use]
    pub fn signals_keys_url(&self) -> String {
        format!("{}/oauth2/v1/keys", self.base_url())
    }

    /// Tells an application that a person is signed out. Does nothing if the application accepts no signals.
    ///
    /// # Errors
    ///
    /// An error is returned if there is no such user or application, or if the application answers with an error.
    pub async fn send(&self, signal: Signal, app: &AppId, login: &str) -> Result<(), TestkitError> {
        let Some(base_url) = self.app(app)?.signals_url else { return Ok(()) };
        let base_url = base_url.trim_end_matches('/');
        let subject = json!({"format": "email", "email": self.user(login)?.email});
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let (issuer, id) = (self.signals_issuer(), random_hex());
        let outgoing = match signal {
            Signal::UniversalLogout => {
                let address = format!("{base_url}/global-token-revocation");
                let until = now.saturating_add(LIFETIME);
                let claims = json!({"iss": issuer, "iat": now, "jti": id, "aud": address, "exp": until});
                let token = self.signed("global-token-revocation+jwt", &claims)?;
                Outgoing::new("POST", address, json!({"sub_id": subject}).to_string())
                    .header("Authorization", format!("Bearer {token}"))
                    .header("Content-Type", "application/json")
            }
            Signal::SessionRevoked => {
                let address = format!("{base_url}/events");
                let events = json!({SESSION_REVOKED: {"event_timestamp": now, "initiating_entity": "admin"}});
                let claims = json!({
                    "iss": issuer, "iat": now, "jti": id, "aud": address, "sub_id": subject, "events": events,
                });
                let token = self.signed("secevent+jwt", &claims)?;
                Outgoing::new("POST", address, token).header("Content-Type", "application/secevent+jwt")
            }
        };
        outgoing.send().await.map(drop)
    }

    /// Returns the keys as a JWKS.
    pub(super) fn signals_keys(&self) -> Result<Value, TestkitError> {
        let key = self.signals_key()?;
        let spki = key.public_key().spki_der();
        // The point of a P-256 key is at the end of its SubjectPublicKeyInfo.
        let (x, y) = spki
            .get(spki.len().saturating_sub(64)..)
            .unwrap_or_default()
            .split_at_checked(32)
            .unwrap_or_default();
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "x": base64_url(x), "y": base64_url(y),
            "kid": KEY_NAME, "use": "sig", "alg": "ES256",
        });
        Ok(json!({"keys": [jwk]}))
    }

    fn signed(&self, token_type: &str, claims: &Value) -> Result<String, TestkitError> {
        let header = json!({"alg": "ES256", "typ": token_type, "kid": KEY_NAME});
        let [header, claims] = [&header, claims].map(|part| base64_url(part.to_string().as_bytes()));
        let signed = format!("{header}.{claims}");
        let key = self.signals_key()?;
        let signature = keys::provider().sign(SignatureAlgorithm::EcdsaSha256, &key, signed.as_bytes())?;
        Ok(format!("{signed}.{}", base64_url(&signature)))
    }
}

fn base64_url(bytes: &[u8]) -> String {
    base64_encode(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}
