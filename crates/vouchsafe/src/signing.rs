//! Chooses how a message of ours is signed: with our key, by an algorithm that the identity provider can verify.

use vouchsafe_crypto::{Certificate, DigestAlgorithm, KeyKind, PrivateKey, Provider, SignatureAlgorithm};
use vouchsafe_metadata::{AlgorithmSupport, SigningMethod};
use vouchsafe_signature::Signer;

use crate::connection::Connection;
use crate::error::BindingError;
use crate::service_provider::{ServiceProvider, SigningCredential};

/// The key and the algorithms of the messages to one identity provider.
#[derive(Clone, Copy)]
pub(crate) struct Signing<'a> {
    pub(crate) key: &'a PrivateKey,
    pub(crate) certificate: &'a Certificate,
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) digest: DigestAlgorithm,
}

impl<'a> Signing<'a> {
    /// Returns a signer for a signature in the message itself.
    pub(crate) fn signer(self) -> Signer<'a> {
        Signer::new(self.key).certificate(self.certificate).algorithm(self.algorithm).digest(self.digest)
    }
}

impl ServiceProvider {
    /// Chooses how messages over this connection are signed with this credential. The usual algorithms of the key are
    /// used, unless the metadata of the identity provider lists only others (MD10): then the first of those that our
    /// key and our policy allow. If there is none, the usual algorithms are used, since the identity provider may
    /// accept an algorithm that its metadata does not list.
    pub(crate) fn signing<'a>(
        &self,
        credential: &'a SigningCredential,
        connection: &Connection,
    ) -> Signing<'a> {
        let support = connection.identity_provider().algorithm_support();
        Signing {
            key: &credential.key,
            certificate: &credential.certificate,
            algorithm: algorithm(support, &credential.key, self.provider()),
            digest: digest(support, self.provider()),
        }
    }

    /// Returns the key and algorithm that sign logout messages over this connection.
    pub(crate) fn logout_signing(&self, connection: &Connection) -> Result<Signing<'_>, BindingError> {
        let credential = self.config.signing.as_ref().ok_or(BindingError::LogoutKeyMissing)?;
        Ok(self.signing(credential, connection))
    }
}

fn algorithm(support: &AlgorithmSupport, key: &PrivateKey, provider: &Provider) -> SignatureAlgorithm {
    let usual = Signer::algorithm_for(key);
    let methods = support.signing_methods().iter();
    let possible: Vec<SignatureAlgorithm> =
        methods.filter_map(|method| possible(method, key, provider)).collect();
    if possible.contains(&usual) { usual } else { possible.first().copied().unwrap_or(usual) }
}

/// Returns the algorithm if our key can sign with it, our policy allows it, and the method accepts a key of that
/// size.
fn possible(method: &SigningMethod, key: &PrivateKey, provider: &Provider) -> Option<SignatureAlgorithm> {
    let algorithm = SignatureAlgorithm::from_uri(method.algorithm())?;
    let is_possible = method.takes_key_of(bits(key.kind()))
        && key.can_sign_by(algorithm)
        && provider.accepts_signature(algorithm);
    is_possible.then_some(algorithm)
}

/// Returns whether this method can verify the signatures of our key.
pub(crate) fn can_be_verified(method: &SigningMethod, key: &PrivateKey, provider: &Provider) -> bool {
    possible(method, key, provider).is_some()
}

fn digest(support: &AlgorithmSupport, provider: &Provider) -> DigestAlgorithm {
    let usual = DigestAlgorithm::Sha256;
    let known = support.digest_methods().iter().filter_map(|uri| DigestAlgorithm::from_uri(uri));
    let possible: Vec<DigestAlgorithm> = known.filter(|digest| provider.accepts_digest(*digest)).collect();
    if possible.contains(&usual) { usual } else { possible.first().copied().unwrap_or(usual) }
}

fn bits(key: KeyKind) -> u32 {
    match key {
        KeyKind::Rsa { bits } => bits,
        KeyKind::P256 | KeyKind::Ed25519 => 256,
        KeyKind::P384 => 384,
        KeyKind::P521 => 521,
        _ => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    const RSA_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";
    const RSA_PSS: &str = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1";
    const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    const ECDSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";

    fn support(methods: &[SigningMethod]) -> AlgorithmSupport {
        methods
            .iter()
            .fold(AlgorithmSupport::default(), |support, method| support.with_signing_method(method.clone()))
    }

    #[cfg(feature = "rustcrypto")]
    #[test]
    fn the_algorithm_is_one_that_the_identity_provider_can_verify() {
        let provider = Provider::rustcrypto();
        let rsa = provider.generate_key(KeyKind::Rsa { bits: 2048 }).unwrap();
        let curve = provider.generate_key(KeyKind::P256).unwrap();
        let any = |uri: &str| SigningMethod::new(uri);
        let cases = [
            (&rsa, vec![], RSA_SHA256),
            (&rsa, vec![any(RSA_SHA512), any(RSA_SHA256)], RSA_SHA256),
            (&rsa, vec![any(RSA_SHA512)], RSA_SHA512),
            (&rsa, vec![any(ECDSA_SHA384), any(RSA_PSS), any(RSA_SHA512)], RSA_PSS),
            (&rsa, vec![any(RSA_SHA1)], RSA_SHA256),
            (&rsa, vec![any("urn:unheard-of")], RSA_SHA256),
            (&rsa, vec![any(RSA_SHA256).with_key_sizes(Some(3072), None), any(RSA_SHA512)], RSA_SHA512),
            (&curve, vec![any(RSA_SHA256), any(ECDSA_SHA384)], ECDSA_SHA384),
        ];
        for (key, methods, expected) in cases {
            let chosen = algorithm(&support(&methods), key, &provider);
            assert_eq!(chosen.uri(), expected, "{methods:?}");
        }
        let weakened = provider.clone().danger_allow(RSA_SHA1).unwrap();
        assert_eq!(algorithm(&support(&[any(RSA_SHA1)]), &rsa, &weakened).uri(), RSA_SHA1);
        let both = support(&[any(RSA_SHA1), any(RSA_SHA256)]);
        assert_eq!(algorithm(&both, &rsa, &weakened).uri(), RSA_SHA256, "nothing pulls us down");
    }

    #[cfg(feature = "rustcrypto")]
    #[test]
    fn the_digest_too() {
        let provider = Provider::rustcrypto();
        let of = |uris: &[&str]| {
            let support = uris
                .iter()
                .fold(AlgorithmSupport::default(), |support, uri| support.with_digest_method(*uri));
            digest(&support, &provider)
        };
        assert_eq!(of(&[]), DigestAlgorithm::Sha256);
        assert_eq!(
            of(&[DigestAlgorithm::Sha512.uri(), DigestAlgorithm::Sha256.uri()]),
            DigestAlgorithm::Sha256
        );
        assert_eq!(
            of(&[DigestAlgorithm::Sha1.uri(), DigestAlgorithm::Sha512.uri()]),
            DigestAlgorithm::Sha512
        );
        assert_eq!(of(&[DigestAlgorithm::Sha1.uri()]), DigestAlgorithm::Sha256);
    }
}
