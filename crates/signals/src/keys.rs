//! The keys of transmitters: one JWKS each, which is cached and fetched again when a token names an unknown key.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use tracing::Instrument as _;
use vouchsafe::RecentlyUsed;
use vouchsafe::crypto::{CryptoError, KeyValue, Provider, PublicKey};

use crate::SignalError;

/// The result of fetching keys.
pub type Fetching<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<u8>, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// Fetches a JWKS. A customer configures the address, so an implementation must refuse addresses of its own network and
/// limit size and time, as `vouchsafe_client::Client::load` does.
pub trait FetchKeys: Send + Sync + fmt::Debug {
    /// Fetches the document at this address.
    fn fetch<'a>(&'a self, address: &'a str) -> Fetching<'a>;
}

/// The keys of a transmitter by their ids.
///
/// Keys that are not for signatures, that are neither RSA nor ECDSA, and keys without an id are left out.
#[derive(Clone, Debug, Default)]
pub struct KeySet(HashMap<String, PublicKey>);

/// The most keys that are read from one set.
const MOST_KEYS: usize = 32;

impl KeySet {
    /// Parses a JWKS (RFC 7517, 5).
    ///
    /// # Errors
    /// [`SignalError::Keys`] if it is not valid. A single key that cannot be used is left out.
    pub fn from_json(document: &[u8], provider: &Provider) -> Result<KeySet, SignalError> {
        let set: JwkSet = serde_json::from_slice(document).map_err(|error| SignalError::Keys {
            reason: format!("it is not a JWKS ({:?})", error.classify()),
        })?;
        let usable = set.keys.iter().take(MOST_KEYS).filter_map(|jwk| {
            let name = jwk.common.key_id.clone()?;
            Some((name, public_key(jwk, provider)?))
        });
        Ok(KeySet(usable.collect()))
    }

    /// The key with this id.
    #[must_use]
    pub fn key(&self, kid: &str) -> Option<&PublicKey> {
        self.0.get(kid)
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn public_key(jwk: &Jwk, provider: &Provider) -> Option<PublicKey> {
    let is_for_signatures =
        jwk.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    if !is_for_signatures {
        return None;
    }
    let value = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => rsa_value(&rsa.n, &rsa.e),
        AlgorithmParameters::EllipticCurve(point) => {
            let (curve, bytes) = match point.curve {
                EllipticCurve::P256 => ("1.2.840.10045.3.1.7", 32),
                EllipticCurve::P384 => ("1.3.132.0.34", 48),
                _ => return None,
            };
            let (x, y) = (decoded(&point.x)?, decoded(&point.y)?);
            if x.len() != bytes || y.len() != bytes {
                return None;
            }
            KeyValue::on_named_curve(curve, &[&[4], x.as_slice(), y.as_slice()].concat())
        }
        _ => return None,
    };
    value.and_then(|value| provider.public_key(value.spki_der())).ok()
}

fn rsa_value(modulus: &str, exponent: &str) -> Result<KeyValue, CryptoError> {
    let number = |text: &str| decoded(text).unwrap_or_default();
    KeyValue::rsa(&number(modulus), &number(exponent))
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// The sets of all transmitters that were needed.
#[derive(Debug)]
pub(crate) struct KeyCache {
    fetch: Arc<dyn FetchKeys>,
    sets: Mutex<RecentlyUsed<String, Arc<Set>>>,
}

/// The set of one transmitter. No lock of it delays another transmitter.
#[derive(Debug, Default)]
struct Set {
    kept: Mutex<Kept>,
    /// Held while the set is fetched, so that it is fetched once at a time. Tokens with a known key do not wait for it.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Kept {
    keys: KeySet,
    fetched_at: Option<DateTime<Utc>>,
    asked_at: Option<DateTime<Utc>>,
}

/// The least number of sets that are kept.
const KEPT_SETS: usize = 5_000;

/// A set is fetched again after this time, so that a withdrawn key is not accepted for longer.
const LIFETIME: TimeDelta = TimeDelta::hours(1);

/// The shortest time between two fetches of a set because of an unknown key or a failure, whoever names such keys.
const ASKED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// How far a time may be in the future because of a request that began later and was faster.
const OVERTAKEN: TimeDelta = TimeDelta::minutes(1);

impl KeyCache {
    pub(crate) fn new(fetch: Arc<dyn FetchKeys>) -> KeyCache {
        KeyCache { fetch, sets: Mutex::new(RecentlyUsed::at_least(KEPT_SETS)) }
    }

    /// The key with this id.
    pub(crate) async fn key(
        &self,
        address: &str,
        kid: &str,
        provider: &Provider,
        now: DateTime<Utc>,
    ) -> Result<PublicKey, SignalError> {
        let set = self.set(address);
        if let Some(key) = set.kept().fresh_key(kid, now) {
            return Ok(key);
        }
        let fetching = Arc::clone(&set.fetching).lock_owned().await;
        // Another token may have had it fetched meanwhile.
        if let Some(answer) = set.kept().answer(kid, now) {
            return answer;
        }
        set.kept().asked_at = Some(now);
        // A server drops a request whose client is gone. The set is then fetched all the same, since it is not fetched again
        // soon: otherwise whoever names an unknown key and leaves would keep the keys from others.
        let (fetch, provider) = (Arc::clone(&self.fetch), provider.clone());
        let (address, kid) = (address.to_owned(), kid.to_owned());
        let fetched = async move {
            let _fetching = fetching;
            let document = fetch.fetch(&address).await;
            let document = document.map_err(|error| SignalError::Keys { reason: error.to_string() })?;
            let keys = KeySet::from_json(&document, &provider)?;
            let found = keys.key(&kid).cloned().ok_or_else(|| unknown(&kid));
            let mut kept = set.kept();
            (kept.keys, kept.fetched_at) = (keys, Some(now));
            found
        };
        let fetched = tokio::spawn(fetched.in_current_span()).await;
        fetched.unwrap_or_else(|stopped| Err(SignalError::Keys { reason: stopped.to_string() }))
    }

    fn set(&self, address: &str) -> Arc<Set> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sets.get(address).map(Arc::clone);
        known.unwrap_or_else(|| {
            let new = Arc::default();
            sets.insert(address.to_owned(), Arc::clone(&new));
            new
        })
    }
}

impl Set {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn fresh_key(&self, kid: &str, now: DateTime<Utc>) -> Option<PublicKey> {
        self.keys.key(kid).filter(|_| self.is_fresh(now)).cloned()
    }

    /// The key, or why the set is not fetched for it; `None` if the set is to be fetched.
    fn answer(&self, kid: &str, now: DateTime<Utc>) -> Option<Result<PublicKey, SignalError>> {
        if let Some(key) = self.fresh_key(kid, now) {
            return Some(Ok(key));
        }
        is_within(self.asked_at, ASKED_EVERY, now).then(|| {
            Err(match self.is_fresh(now) {
                true => unknown(kid),
                false => SignalError::Keys { reason: "they could not be fetched a moment ago".to_owned() },
            })
        })
    }

    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        is_within(self.fetched_at, LIFETIME, now)
    }
}

/// Whether a time is not longer ago than this. A time in the future is from before the clock was set back, except for
/// requests that overtook this one.
fn is_within(time: Option<DateTime<Utc>>, span: TimeDelta, now: DateTime<Utc>) -> bool {
    let age = time.map(|time| now.signed_duration_since(time));
    age.is_some_and(|age| -OVERTAKEN <= age && age < span)
}

fn unknown(kid: &str) -> SignalError {
    SignalError::UnknownKey { kid: kid.chars().take(100).collect() }
}
