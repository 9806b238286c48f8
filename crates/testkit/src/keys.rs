//! Keys that are made at first use. None of them is in the source, so none can be trusted elsewhere by mistake.

use std::sync::{Arc, LazyLock};

use vouchsafe_crypto::{Certificate, KeyKind, PrivateKey, Provider, SecretString};

use crate::TestkitError;

/// A private key and its self-signed certificate.
#[derive(Clone, Debug)]
pub struct KeyPair {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    private_key: PrivateKey,
    certificate: Certificate,
}

/// The time 2020-01-01T00:00:00Z.
const NOT_BEFORE: i64 = 1_577_836_800;
/// The time 2120-01-01T00:00:00Z.
const NOT_AFTER: i64 = 4_733_510_400;

impl KeyPair {
    /// Makes a key of this kind, and a certificate for it that is valid from 2020 to 2120.
    ///
    /// # Errors
    ///
    /// An error is returned if the system has no randomness.
    pub fn generate(kind: KeyKind, common_name: &str) -> Result<Self, TestkitError> {
        let private_key = provider().generate_key(kind)?;
        let certificate =
            Certificate::self_signed(provider(), &private_key, common_name, NOT_BEFORE, NOT_AFTER)?;
        Ok(Self::new(private_key, certificate))
    }

    /// Makes a pair from an existing key and certificate.
    #[must_use]
    pub fn new(private_key: PrivateKey, certificate: Certificate) -> Self {
        Self { inner: Arc::new(Inner { private_key, certificate }) }
    }

    /// Reads the pair that [`to_pem`](Self::to_pem) wrote.
    ///
    /// # Errors
    ///
    /// An error is returned if the text does not contain a private key and a certificate in PEM.
    pub fn from_pem(text: &str) -> Result<Self, TestkitError> {
        Ok(Self::new(provider().private_key(text)?, Certificate::from_pem(text)?))
    }

    /// Returns the private key and the certificate in PEM, to keep the pair in a file.
    #[must_use]
    pub fn to_pem(&self) -> SecretString {
        let private_key = self.inner.private_key.to_pkcs8_pem();
        SecretString::new(format!("{}{}", private_key.as_str(), self.inner.certificate.to_pem()))
    }

    /// Returns the private key.
    #[must_use]
    pub fn private_key(&self) -> &PrivateKey {
        &self.inner.private_key
    }

    /// Returns the certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.inner.certificate
    }
}

/// Returns the provider that the test kit issues messages with. It can make everything that the libraries must
/// refuse: SHA-1 signatures, RSA keys of 1024 bits, RSA 1.5 key transport. Never use it to accept messages.
#[must_use]
pub fn provider() -> &'static Provider {
    static PROVIDER: LazyLock<Provider> = LazyLock::new(|| {
        LEGACY.iter().fold(Provider::rustcrypto(), |provider, uri| {
            provider.clone().danger_allow(uri).unwrap_or(provider)
        })
    });
    &PROVIDER
}

const LEGACY: [&str; 4] = [
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#sha1",
    "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
    "rsa-1024",
];

macro_rules! named_keys {
    ($($(#[$doc:meta])* $name:ident = $kind:expr, $common_name:literal;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Panics
            ///
            /// It panics if the system has no randomness.
            #[must_use]
            pub fn $name() -> &'static KeyPair {
                static KEY: LazyLock<KeyPair> = LazyLock::new(|| made($kind, $common_name));
                &KEY
            }
        )*
    };
}

named_keys! {
    /// Returns the key that the identity provider signs with: RSA, 2048 bits.
    identity_provider = KeyKind::Rsa { bits: 2048 }, "vouchsafe-testkit";
    /// Returns a key of the same identity provider on P-256.
    identity_provider_p256 = KeyKind::P256, "vouchsafe-testkit P-256";
    /// Returns the key that another identity provider signs with, which is trusted for something else: RSA, 2048
    /// bits.
    other_identity_provider = KeyKind::Rsa { bits: 2048 }, "other-organization";
    /// Returns a key that nobody trusts: RSA, 2048 bits. Its certificate has the same subject as the identity
    /// provider's.
    attacker = KeyKind::Rsa { bits: 2048 }, "vouchsafe-testkit";
    /// Returns a key that nobody trusts, on P-256.
    attacker_p256 = KeyKind::P256, "vouchsafe-testkit P-256";
    /// Returns the key that the service provider decrypts with: RSA, 2048 bits.
    service_provider = KeyKind::Rsa { bits: 2048 }, "app.example.com";
    /// Returns the key that the service provider decrypted with before the current one: RSA, 2048 bits.
    old_service_provider = KeyKind::Rsa { bits: 2048 }, "old.app.example.com";
    /// Returns the key that the service provider signs requests with, on P-256.
    service_provider_p256 = KeyKind::P256, "app.example.com";
}

#[expect(clippy::expect_used, reason = "this is for tests: without randomness no test can go on")]
fn made(kind: KeyKind, common_name: &str) -> KeyPair {
    KeyPair::generate(kind, common_name).expect("a key can be made")
}
