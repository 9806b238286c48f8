//! The algorithms and key lengths that a provider accepts, and the checks.

use crate::{
    ContentCipher, CryptoError, DigestAlgorithm, KeyKind, KeyTransport, PublicKey, SignatureAlgorithm,
};

/// RSA keys below 2048 bits are disallowed by NIST SP 800-131A.
const RSA_MINIMUM_BITS: u32 = 2048;
/// The smallest length with `rsa-1024`, for keys that old identity providers still have. Amateurs have factored
/// shorter keys.
const RSA_DANGER_MINIMUM_BITS: u32 = 1024;
/// The time of a verification grows with the square of the length. Longer keys are not used in practice, and metadata
/// may come from anyone.
const RSA_MAXIMUM_BITS: u32 = 8192;
/// The word that makes short RSA keys acceptable.
const RSA_1024: &str = "rsa-1024";

/// The lists of accepted algorithms. They are short, so a search costs less than a hash.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) signatures: Vec<SignatureAlgorithm>,
    pub(crate) digests: Vec<DigestAlgorithm>,
    pub(crate) ciphers: Vec<ContentCipher>,
    /// The identifiers that [`KeyTransport::uri`] returns.
    pub(crate) transports: Vec<&'static str>,
    rsa_minimum_bits: u32,
}

impl Policy {
    pub(crate) fn new() -> Self {
        Self {
            signatures: SignatureAlgorithm::ALL
                .into_iter()
                .filter(|&it| it != SignatureAlgorithm::RsaSha1)
                .collect(),
            digests: DigestAlgorithm::ALL.into_iter().filter(|&it| it != DigestAlgorithm::Sha1).collect(),
            ciphers: ContentCipher::ALL.into_iter().filter(|&it| it != ContentCipher::TripleDesCbc).collect(),
            transports: vec![KeyTransport::RSA_OAEP_MGF1P_URI, KeyTransport::RSA_OAEP_URI],
            rsa_minimum_bits: RSA_MINIMUM_BITS,
        }
    }

    /// Removes the algorithm `name` from the lists. It need not be on a list.
    pub(crate) fn deny(&mut self, name: &str) -> Result<(), CryptoError> {
        match Named::from_name(name)? {
            Named::Signature(algorithm) => self.signatures.retain(|it| *it != algorithm),
            Named::Digest(algorithm) => self.digests.retain(|it| *it != algorithm),
            Named::Cipher(cipher) => self.ciphers.retain(|it| *it != cipher),
            Named::Transport(uri) => self.transports.retain(|it| *it != uri),
            Named::Rsa1024 => self.rsa_minimum_bits = RSA_MINIMUM_BITS,
        }
        Ok(())
    }

    /// Adds the algorithm `name` to the lists.
    pub(crate) fn allow(&mut self, name: &str) -> Result<(), CryptoError> {
        match Named::from_name(name)? {
            Named::Signature(algorithm) => add(&mut self.signatures, algorithm),
            Named::Digest(algorithm) => add(&mut self.digests, algorithm),
            Named::Cipher(cipher) => add(&mut self.ciphers, cipher),
            Named::Transport(uri) => add(&mut self.transports, uri),
            Named::Rsa1024 => self.rsa_minimum_bits = RSA_DANGER_MINIMUM_BITS,
        }
        Ok(())
    }

    pub(crate) fn check_digest(&self, algorithm: DigestAlgorithm) -> Result<(), CryptoError> {
        if self.digests.contains(&algorithm) { Ok(()) } else { Err(CryptoError::DigestRefused { algorithm }) }
    }

    pub(crate) fn check_cipher(&self, cipher: ContentCipher) -> Result<(), CryptoError> {
        if self.ciphers.contains(&cipher) {
            Ok(())
        } else {
            Err(CryptoError::AlgorithmRefused { uri: cipher.uri() })
        }
    }

    /// Checks the algorithm and the key. The length of the key is checked again, because a provider with another
    /// policy may have parsed it.
    pub(crate) fn check_signature(
        &self,
        algorithm: SignatureAlgorithm,
        key: &PublicKey,
    ) -> Result<(), CryptoError> {
        if !self.signatures.contains(&algorithm) {
            return Err(CryptoError::AlgorithmRefused { uri: algorithm.uri() });
        }
        if !algorithm.fits(key.kind()) {
            return Err(CryptoError::KeyMismatch { uri: algorithm.uri(), key: key.kind() });
        }
        if key.purpose().is_some_and(|purpose| !purpose.contains(&algorithm)) {
            return Err(CryptoError::KeyRestricted { uri: algorithm.uri() });
        }
        self.check_length(key.kind())
    }

    pub(crate) fn check_transport(
        &self,
        transport: KeyTransport,
        key: &PublicKey,
    ) -> Result<(), CryptoError> {
        if !self.transports.contains(&transport.uri()) {
            return Err(CryptoError::AlgorithmRefused { uri: transport.uri() });
        }
        if !matches!(key.kind(), KeyKind::Rsa { .. }) {
            return Err(CryptoError::KeyMismatch { uri: transport.uri(), key: key.kind() });
        }
        if key.purpose().is_some() {
            return Err(CryptoError::KeyRestricted { uri: transport.uri() });
        }
        self.check_length(key.kind())
    }

    pub(crate) fn check_length(&self, kind: KeyKind) -> Result<(), CryptoError> {
        let (minimum, maximum) = (self.rsa_minimum_bits, RSA_MAXIMUM_BITS);
        match kind {
            KeyKind::Rsa { bits } if bits < minimum => Err(CryptoError::KeyTooSmall { bits, minimum }),
            KeyKind::Rsa { bits } if bits > maximum => Err(CryptoError::KeyTooLarge { bits, maximum }),
            _ => Ok(()),
        }
    }
}

/// The algorithm or setting that a name given to `deny` or `danger_allow` selects.
enum Named {
    Signature(SignatureAlgorithm),
    Digest(DigestAlgorithm),
    Cipher(ContentCipher),
    Transport(&'static str),
    Rsa1024,
}

impl Named {
    /// Looks up a name. An unknown name is an error and never ignored: otherwise a spelling mistake in `deny` would
    /// leave the algorithm accepted.
    fn from_name(name: &str) -> Result<Named, CryptoError> {
        let transports =
            [KeyTransport::RSA_15_URI, KeyTransport::RSA_OAEP_MGF1P_URI, KeyTransport::RSA_OAEP_URI];
        let known = SignatureAlgorithm::from_uri(name)
            .map(Named::Signature)
            .or_else(|| DigestAlgorithm::from_uri(name).map(Named::Digest))
            .or_else(|| ContentCipher::from_uri(name).map(Named::Cipher))
            .or_else(|| transports.into_iter().find(|it| *it == name).map(Named::Transport))
            .or_else(|| (name == RSA_1024).then_some(Named::Rsa1024));
        known.ok_or_else(|| CryptoError::AlgorithmUnknown {
            uri: name.chars().take(200).collect::<String>().escape_debug().to_string(),
        })
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
