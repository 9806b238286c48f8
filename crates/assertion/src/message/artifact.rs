//! Artifacts: references to messages that an identity provider keeps until they are requested (saml-bindings-2.0-os
//! 3.6.4).

use std::fmt;

use chrono::{DateTime, Utc};
use vouchsafe_crypto::{CryptoError, Provider, base64_decode, base64_encode, own_sha1};
use vouchsafe_metadata::EntityId;

use crate::claimed::Claimed;
use crate::message::MessageError;
use crate::replay::{Recorded, ReplayKey};

/// The only type of artifact that SAML 2.0 defines (3.6.4.2).
const TYPE: [u8; 2] = [0x00, 0x04];

/// The identifier of an identity provider in an artifact: the SHA-1 of its entity ID. It proves nothing; it only
/// tells which identity provider to ask.
///
/// ```
/// use vouchsafe_assertion::SourceId;
/// use vouchsafe_metadata::EntityId;
///
/// let idp = EntityId::new("https://idp.example.com/metadata")?;
/// assert_eq!(SourceId::of(&idp), SourceId::of(&idp.clone()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SourceId([u8; 20]);

impl SourceId {
    /// Computes the identifier of an entity ID.
    #[must_use]
    pub fn of(entity_id: &EntityId) -> SourceId {
        SourceId(own_sha1(entity_id.as_str().as_bytes()))
    }

    /// The bytes as an artifact contains them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

/// An artifact of type 4: the identity provider that keeps the message, the index of its resolution service, and a
/// handle that cannot be guessed.
///
/// A party that has an unresolved artifact can obtain the message if it can also sign as the service provider that
/// the message is for. `Debug` does not show the handle.
///
/// ```
/// use vouchsafe_assertion::Artifact;
///
/// let artifact = Artifact::parse("AAQAAPqBXBAN81uMD+Lp4qMUqdnPGn1KcAiglhgpKvEt3mkOK2onSpNa1G0=")?;
/// assert_eq!(artifact.endpoint_index(), 0);
/// assert_eq!(Artifact::parse("AAEAAA==").unwrap_err().code(), "message.artifact");
/// # Ok::<(), vouchsafe_assertion::MessageError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Artifact {
    bytes: [u8; Artifact::LENGTH],
}

impl Artifact {
    /// The length of an artifact: its type, the index, the source and the handle.
    const LENGTH: usize = 44;

    /// Reads the value of the parameter `SAMLart`: base64, with or without white space.
    ///
    /// # Errors
    /// [`MessageError::Artifact`] if it is not base64, or has another length or another type than 4.
    pub fn parse(text: &str) -> Result<Artifact, MessageError> {
        let refuse = |reason| MessageError::Artifact { reason };
        let bytes = base64_decode(text).map_err(|_| refuse("it is not base64"))?;
        if !bytes.starts_with(&TYPE) {
            return Err(refuse("it is not of type 4, the only one of SAML 2.0"));
        }
        let bytes = bytes.try_into().map_err(|_| refuse("it does not have the 44 bytes of type 4"))?;
        Ok(Artifact { bytes })
    }

    /// The index of the identity provider's resolution service that keeps the message: the `index` in its metadata.
    #[must_use]
    pub fn endpoint_index(&self) -> u16 {
        let [_, _, high, low, ..] = self.bytes;
        u16::from_be_bytes([high, low])
    }

    /// The identifier of the identity provider that keeps the message.
    #[must_use]
    pub fn source_id(&self) -> SourceId {
        let mut source = [0; 20];
        source.iter_mut().zip(self.bytes.iter().skip(4)).for_each(|(to, from)| *to = *from);
        SourceId(source)
    }

    /// Returns whether the artifact names this identity provider.
    #[must_use]
    pub fn is_of(&self, entity_id: &EntityId) -> bool {
        self.source_id() == SourceId::of(entity_id)
    }

    /// Returns the artifact in base64, always in the same spelling.
    #[must_use]
    pub fn to_base64(&self) -> String {
        base64_encode(&self.bytes)
    }

    /// Returns the key that a store records, so that the artifact is resolved only once (3.6.5.2). The key is
    /// computed from the bytes, so another spelling of the base64 gives the same key. `expires_at` is the time from
    /// which no identity provider resolves the artifact. The Response has a [record of its
    /// own](crate::ValidAssertion::replay_key).
    ///
    /// # Errors
    /// The errors of the provider.
    pub fn replay_key(
        &self,
        provider: &Provider,
        expires_at: DateTime<Utc>,
    ) -> Result<ReplayKey, CryptoError> {
        Ok(ReplayKey::new(ReplayKey::hash_of(&["SAMLart", &self.to_base64()], provider)?, expires_at))
    }

    /// Checks a store's answer: the artifact may be resolved if the answer belongs to it, and it was recorded for the
    /// first time.
    ///
    /// # Errors
    /// [`MessageError::OtherMessage`], [`MessageError::ArtifactUsed`].
    pub fn require_first(&self, key: &ReplayKey, recorded: &Recorded) -> Result<(), MessageError> {
        if !recorded.is_of(key) {
            return Err(MessageError::OtherMessage);
        }
        if recorded.is_first() { Ok(()) } else { Err(MessageError::ArtifactUsed) }
    }
}

/// The Response that an artifact was resolved to, as a document of its own. It is not verified yet and is processed
/// like a posted one.
#[non_exhaustive]
pub struct ResolvedResponse {
    /// The Response, parsed once.
    pub claimed: Claimed,
    /// The bytes of the Response, to examine if its signature fails.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for ResolvedResponse {
    /// Shows only the size, because the Response is a bearer token until it is used.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolvedResponse")
            .field("claimed", &self.claimed)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Artifact")
            .field("endpoint_index", &self.endpoint_index())
            .field("source_id", &self.source_id())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> &'static str {
        Artifact::parse(text).map_or_else(|error| error.code(), |_| "read")
    }

    #[test]
    fn an_artifact_is_type_4_and_44_bytes() {
        let bytes = |length: usize, kind: u8| {
            let mut bytes = vec![7; length];
            bytes[..4].copy_from_slice(&[0, kind, 1, 2]);
            base64_encode(&bytes)
        };
        assert_eq!(code(&bytes(44, 4)), "read");
        for (text, what) in [
            (bytes(44, 1), "SAML 1.1"),
            (bytes(44, 3), "another type"),
            (bytes(43, 4), "too short"),
            (bytes(45, 4), "too long"),
            (String::new(), "nothing"),
            ("AAQ".to_owned(), "not padded"),
            ("AA*AA".to_owned(), "not base64"),
            ("AAQ=".to_owned(), "its type alone"),
        ] {
            assert_eq!(code(&text), "message.artifact", "{what}");
        }
    }

    #[test]
    fn its_parts_are_where_the_specification_has_them() {
        let entity_id = EntityId::new("http://127.0.0.1:7102/saml2/idp/metadata.php").unwrap();
        let mut bytes = vec![0, 4, 0x30, 0x31];
        bytes.extend_from_slice(SourceId::of(&entity_id).as_bytes());
        bytes.extend_from_slice(&[9; 20]);
        let text = base64_encode(&bytes);
        let artifact = Artifact::parse(&text).unwrap();
        assert_eq!(artifact.endpoint_index(), 0x3031);
        assert!(artifact.is_of(&entity_id));
        assert!(!artifact.is_of(&EntityId::new("http://127.0.0.1:7102/saml2/idp/metadata.php/").unwrap()));
        assert_eq!(artifact.to_base64(), text);
        assert!(!format!("{artifact:?}").contains("9, 9, 9"), "the handle is not shown");
        let spelled_otherwise = Artifact::parse(&text.replacen("AAQ", " AA\nQ ", 1)).unwrap();
        let provider = Provider::rustcrypto();
        let key = |artifact: &Artifact| artifact.replay_key(&provider, DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(key(&artifact), key(&spelled_otherwise), "it is one artifact however it is spelled");
        let first = key(&artifact);
        assert!(artifact.require_first(&first, &first.clone().recorded(true)).is_ok());
        let again = artifact.require_first(&first, &first.clone().recorded(false)).unwrap_err();
        assert_eq!(again.code(), "message.artifact_used");
        bytes[43] = 8;
        let other = key(&Artifact::parse(&base64_encode(&bytes)).unwrap()).recorded(true);
        assert_eq!(artifact.require_first(&first, &other).unwrap_err().code(), "message.other_message");
    }
}
