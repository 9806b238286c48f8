//! The verification of a signed token (RFC 7515, RFC 7519). Each rule is one function.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Header, decode_header};
use serde_json::{Map, Value};
use vouchsafe::crypto::{Provider, PublicKey, SignatureAlgorithm};

use crate::SignalError;

/// The conditions that a token must meet.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Expected<'e> {
    /// The expected `typ`, without `application/`.
    pub token_type: &'static str,
    /// The expected `iss`, compared byte by byte.
    pub issuer: &'e str,
    /// The accepted audiences: one of these must be in `aud`.
    pub audiences: &'e [String],
    /// The greatest age of the token.
    pub max_age: Duration,
    /// Whether it must have `exp`.
    pub ends: bool,
}

impl<'e> Expected<'e> {
    /// A token of this type and issuer, for one of these audiences, of at most this age, which need not have `exp`.
    #[must_use]
    pub fn new(
        token_type: &'static str,
        issuer: &'e str,
        audiences: &'e [String],
        max_age: Duration,
    ) -> Expected<'e> {
        Expected { token_type, issuer, audiences, max_age, ends: false }
    }
}

/// The claims of a token that passed every rule. Only [`verify`] makes them.
#[derive(Clone)]
pub struct Verified {
    claims: Map<String, Value>,
    id: String,
    issued_at: DateTime<Utc>,
}

impl std::fmt::Debug for Verified {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Verified").field("issued_at", &self.issued_at).finish_non_exhaustive()
    }
}

impl Verified {
    /// A claim.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// Its `jti`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its `iat`.
    #[must_use]
    pub fn issued_at(&self) -> DateTime<Utc> {
        self.issued_at
    }
}

/// The most bytes of a token.
pub(crate) const LONGEST: usize = 16 * 1024;

/// The allowed difference between the clocks.
pub(crate) const SKEW: TimeDelta = TimeDelta::minutes(2);

/// The key id in a token. It is used only to look the key up.
pub(crate) fn claimed_key(token: &str) -> Result<String, SignalError> {
    header(token)?.kid.filter(|kid| !kid.is_empty()).ok_or(SignalError::UnknownKey { kid: String::new() })
}

/// Verifies a token with a key of its transmitter: algorithm, signature, type, issuer, audience, times, identifier.
///
/// # Errors
/// The first rule that the token violates.
pub fn verify(
    token: &str,
    key: &PublicKey,
    expected: &Expected<'_>,
    provider: &Provider,
    now: DateTime<Utc>,
) -> Result<Verified, SignalError> {
    Signed::by(token, key, provider)?.judged(expected, now)
}

/// A token that the key of a transmitter signed, and that is not judged yet.
pub(crate) struct Signed {
    header: Header,
    claims: Map<String, Value>,
}

impl Signed {
    /// The token, if the key signed it.
    pub(crate) fn by(token: &str, key: &PublicKey, provider: &Provider) -> Result<Signed, SignalError> {
        let header = header(token)?;
        let claims = signed_claims(token, &header, key, provider)?;
        Ok(Signed { header, claims })
    }

    /// The claims, if they are what is expected.
    pub(crate) fn judged(self, expected: &Expected<'_>, now: DateTime<Utc>) -> Result<Verified, SignalError> {
        let Signed { header, claims } = self;
        type_is(&header, expected.token_type)?;
        issuer_is(&claims, expected.issuer)?;
        audience_is(&claims, expected.audiences)?;
        let issued_at = times_are_good(&claims, expected, now)?;
        let id = identifier(&claims)?;
        Ok(Verified { claims, id, issued_at })
    }
}

fn header(token: &str) -> Result<Header, SignalError> {
    if token.len() > LONGEST {
        return Err(SignalError::Malformed { reason: "the token is too long" });
    }
    // An unknown algorithm, such as `none`, is not accepted.
    let header = decode_header(token).map_err(|_| match is_compact(token) {
        true => SignalError::Algorithm,
        false => SignalError::Malformed { reason: "it is not a signed token" },
    })?;
    match algorithm(header.alg) {
        Some(_) => Ok(header),
        None => Err(SignalError::Algorithm),
    }
}

/// A token has three parts, and the first is a JSON object.
fn is_compact(token: &str) -> bool {
    let first = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let is_object = first.is_some_and(|bytes| serde_json::from_slice::<Map<String, Value>>(&bytes).is_ok());
    is_object && token.split('.').count() == 3
}

/// The accepted algorithms, all asymmetric.
fn algorithm(algorithm: Algorithm) -> Option<SignatureAlgorithm> {
    match algorithm {
        Algorithm::RS256 => Some(SignatureAlgorithm::RsaSha256),
        Algorithm::RS384 => Some(SignatureAlgorithm::RsaSha384),
        Algorithm::RS512 => Some(SignatureAlgorithm::RsaSha512),
        Algorithm::PS256 => Some(SignatureAlgorithm::RsaPssSha256),
        Algorithm::PS384 => Some(SignatureAlgorithm::RsaPssSha384),
        Algorithm::PS512 => Some(SignatureAlgorithm::RsaPssSha512),
        Algorithm::ES256 => Some(SignatureAlgorithm::EcdsaSha256),
        Algorithm::ES384 => Some(SignatureAlgorithm::EcdsaSha384),
        _ => None,
    }
}

fn type_is(header: &Header, expected: &'static str) -> Result<(), SignalError> {
    let actual = header.typ.as_deref().unwrap_or_default();
    let bare = actual.strip_prefix("application/").unwrap_or(actual);
    match bare.eq_ignore_ascii_case(expected) {
        true => Ok(()),
        false => Err(SignalError::Type { actual: actual.chars().take(100).collect(), expected }),
    }
}

/// The claims are parsed from the signed bytes after the signature was verified.
fn signed_claims(
    token: &str,
    header: &Header,
    key: &PublicKey,
    provider: &Provider,
) -> Result<Map<String, Value>, SignalError> {
    let malformed = || SignalError::Malformed { reason: "it is not a signed token" };
    let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
    let algorithm = algorithm(header.alg).ok_or(SignalError::Algorithm)?;
    let (protected, payload) = signed.split_once('.').ok_or_else(malformed)?;
    nothing_is_critical(protected)?;
    provider.verify(algorithm, key, signed.as_bytes(), &signature).map_err(SignalError::Signature)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| malformed())?;
    serde_json::from_slice(&payload).map_err(|_| malformed())
}

/// A token with extensions that must be understood is refused (RFC 7515, 4.1.11).
fn nothing_is_critical(protected: &str) -> Result<(), SignalError> {
    let bytes = URL_SAFE_NO_PAD.decode(protected).unwrap_or_default();
    let header: Map<String, Value> = serde_json::from_slice(&bytes).unwrap_or_default();
    match header.contains_key("crit") {
        true => Err(SignalError::Malformed { reason: "it has extensions that must be understood" }),
        false => Ok(()),
    }
}

fn issuer_is(claims: &Map<String, Value>, expected: &str) -> Result<(), SignalError> {
    let actual = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    match actual == expected && !expected.is_empty() {
        true => Ok(()),
        false => Err(SignalError::Issuer {
            actual: actual.chars().take(200).collect(),
            expected: expected.to_owned(),
        }),
    }
}

fn audience_is(claims: &Map<String, Value>, expected: &[String]) -> Result<(), SignalError> {
    let actual: Vec<String> = match claims.get("aud") {
        Some(Value::String(audience)) => vec![audience.clone()],
        Some(Value::Array(audiences)) => {
            audiences.iter().filter_map(Value::as_str).map(str::to_owned).take(16).collect()
        }
        _ => Vec::new(),
    };
    match actual.iter().any(|audience| expected.contains(audience)) {
        true => Ok(()),
        false => Err(SignalError::Audience { actual, expected: expected.to_vec() }),
    }
}

fn times_are_good(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, SignalError> {
    let wrong = |reason| Err(SignalError::Time { reason });
    let time = |name: &str| claims.get(name).and_then(seconds);
    let Some(issued_at) = time("iat") else { return wrong("it does not say when it was issued") };
    let age = now.signed_duration_since(issued_at);
    let max_age = TimeDelta::from_std(expected.max_age).unwrap_or(TimeDelta::MAX);
    if age > max_age.checked_add(&SKEW).unwrap_or(max_age) {
        return wrong("it is too old");
    }
    if issued_at.signed_duration_since(now) > SKEW {
        return wrong("it was issued in the future");
    }
    match (time("exp"), claims.contains_key("exp")) {
        (Some(end), _) if now.signed_duration_since(end) >= SKEW => return wrong("it has ended"),
        (None, true) => return wrong("its expiry is not a time"),
        (None, false) if expected.ends => return wrong("it does not say when it expires"),
        _ => {}
    }
    match (time("nbf"), claims.contains_key("nbf")) {
        (Some(begin), _) if begin.signed_duration_since(now) > SKEW => wrong("it is not valid yet"),
        (None, true) => wrong("the start of its validity is not a time"),
        _ => Ok(issued_at),
    }
}

/// NumericDate (RFC 7519, 2). A fraction of a second is dropped.
fn seconds(value: &Value) -> Option<DateTime<Utc>> {
    let whole = value.as_i64().or_else(|| {
        let seconds = value.as_f64()?.trunc();
        format!("{seconds:.0}").parse().ok()
    });
    DateTime::from_timestamp(whole?, 0)
}

fn identifier(claims: &Map<String, Value>) -> Result<String, SignalError> {
    match claims.get("jti").and_then(Value::as_str) {
        Some(id) if (1..=256).contains(&id.len()) => Ok(id.to_owned()),
        _ => Err(SignalError::Malformed { reason: "it has no identifier (jti)" }),
    }
}
