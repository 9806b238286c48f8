//! The token by which an assertion names its organization.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use vouchsafe_crypto::{
    CryptoError, Provider, SecretString, constant_time_eq, from_hexadecimal, hexadecimal, own_sha256,
};

/// The number of random bytes of a token: 256 bits; 128 would be sufficient.
const TOKEN_BYTES: usize = 32;

/// A token that was just issued. This value is its only copy: show it to the customer's administrator, who pastes it
/// into the identity provider. Only its [`TokenHash`] is stored.
///
/// `Debug` does not show it, and it has no comparison and no `Clone`.
///
/// ```
/// use vouchsafe_crypto::Provider;
/// use vouchsafe_provisioning::OrganizationToken;
///
/// let provider = Provider::rustcrypto();
/// let token = OrganizationToken::issue(&provider)?;
/// let hash = token.hash(&provider)?;
/// assert!(hash.matches(&token.reveal(), &provider)?);
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
pub struct OrganizationToken(SecretString);

impl OrganizationToken {
    /// A new token of 256 bits from the provider's random source.
    ///
    /// # Errors
    ///
    /// The error of the provider's random source.
    pub fn issue(provider: &Provider) -> Result<Self, CryptoError> {
        let mut bytes = [0_u8; TOKEN_BYTES];
        provider.random(&mut bytes)?;
        Ok(Self(SecretString::new(hexadecimal(&bytes))))
    }

    /// The text to show, once: 64 hexadecimal digits.
    #[must_use]
    pub fn reveal(self) -> String {
        self.0.as_str().to_owned()
    }

    /// The hash to store.
    ///
    /// # Errors
    ///
    /// The error of the provider if it has no SHA-256.
    pub fn hash(&self, provider: &Provider) -> Result<TokenHash, CryptoError> {
        TokenHash::of_bytes(self.0.as_str().as_bytes(), provider)
    }
}

impl fmt::Debug for OrganizationToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OrganizationToken(..)")
    }
}

/// SHA-256 of a token, which is all that is stored. It is serialised as 64 hexadecimal digits, not shown by `Debug`,
/// and compared in constant time.
#[derive(Clone)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a received token, without surrounding white space.
    ///
    /// # Errors
    ///
    /// The error of the provider if it has no SHA-256.
    pub fn of(token: &str, provider: &Provider) -> Result<Self, CryptoError> {
        Self::of_bytes(token.trim().as_bytes(), provider)
    }

    /// Whether this token has this hash.
    ///
    /// # Errors
    ///
    /// The error of the provider if it has no SHA-256.
    pub fn matches(&self, token: &str, provider: &Provider) -> Result<bool, CryptoError> {
        Ok(*self == Self::of(token, provider)?)
    }

    /// The hash as 64 hexadecimal digits, for a store's column. The token cannot be derived from it.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hexadecimal(&self.0)
    }

    /// The hash with these 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(digits: &str) -> Option<Self> {
        from_hexadecimal(digits).map(Self)
    }

    pub(crate) fn hashed_by(hashing: &Hashing, token: &str) -> Result<Self, CryptoError> {
        hashing.sha256(token.trim().as_bytes()).map(Self)
    }

    fn of_bytes(bytes: &[u8], provider: &Provider) -> Result<Self, CryptoError> {
        provider.sha256(bytes).map(Self)
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(&self.0, &other.0)
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(..)")
    }
}

impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        Self::from_hex(&digits).ok_or_else(|| D::Error::custom("a token's hash is 64 hexadecimal digits"))
    }
}

/// The stored record of one token of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TokenRecord {
    /// Its name for people and logs: the first eight digits of the hash.
    pub id: String,
    /// SHA-256 of the token.
    pub hash: TokenHash,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// When it expires, if it was rotated.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[serde(default)]
    pub revoked_at: Option<DateTime<Utc>>,
}

impl TokenRecord {
    /// The record of a token that was just issued.
    #[must_use]
    pub fn new(hash: TokenHash, issued_at: DateTime<Utc>) -> Self {
        let id = hash.to_hex().chars().take(8).collect();
        Self { id, hash, issued_at, expires_at: None, revoked_at: None }
    }

    /// Whether the token is valid at this time.
    #[must_use]
    pub fn works_at(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The provider that hashes the token and the assertion ID of one login: that of its connection. Facts that were
/// written in code or read from a record have none until they are given one, and are hashed by `vouchsafe-crypto`.
/// SHA-256 gives the same result with every provider, so this never makes two logins differ.
#[derive(Clone, Default)]
pub(crate) struct Hashing(Option<Provider>);

impl Hashing {
    pub(crate) fn by(provider: &Provider) -> Hashing {
        Hashing(Some(provider.clone()))
    }

    pub(crate) fn sha256(&self, bytes: &[u8]) -> Result<[u8; 32], CryptoError> {
        match &self.0 {
            Some(provider) => provider.sha256(bytes),
            None => Ok(own_sha256(bytes)),
        }
    }
}

impl PartialEq for Hashing {
    fn eq(&self, _: &Hashing) -> bool {
        true
    }
}

impl Eq for Hashing {}
