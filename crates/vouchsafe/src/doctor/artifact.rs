//! Artifacts (saml-bindings-2.0-os 3.6.4).

use vouchsafe_metadata::EntityName;

/// An artifact of type 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Artifact {
    pub(crate) index: u16,
    pub(crate) source: [u8; 20],
}

impl Artifact {
    /// Reads two bytes of the type, two of the endpoint's index, the SHA-1 of the entity ID, and a handle. The handle
    /// is a bearer token, so it is not kept.
    pub(crate) fn read(bytes: &[u8]) -> Option<Artifact> {
        let (head, rest) = bytes.split_at_checked(4)?;
        let [0, 4, high, low] = head else { return None };
        let source = rest.get(..20)?.try_into().ok()?;
        (bytes.len() == 44).then(|| Artifact { index: u16::from_be_bytes([*high, *low]), source })
    }

    pub(crate) fn source_id(&self) -> EntityName {
        // Metadata look-ups use a name made of the same bytes.
        EntityName::SourceId(self.source)
    }
}
