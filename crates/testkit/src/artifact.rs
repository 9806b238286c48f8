//! Artifacts in the form of an identity provider, and the answers of its artifact resolution service.

use vouchsafe_crypto::{base64_encode, own_sha1};

use crate::{IdentityProvider, Issued, LogoutBuilder};

/// The default index of the resolution service in artifacts.
pub const ARTIFACT_INDEX: u16 = 0;

impl IdentityProvider {
    /// Returns an artifact of type 4, in base64, for a message that this identity provider keeps.
    #[must_use]
    pub fn artifact(&self, index: u16, handle: [u8; 20]) -> String {
        artifact_of(self.entity_id(), index, handle)
    }

    /// Starts the answer to an ArtifactResolve with this ID. It contains a Response, or nothing.
    pub fn artifact_response(
        &self,
        in_response_to: impl Into<String>,
        response: Option<&Issued>,
    ) -> LogoutBuilder {
        let answer = self.logout_response(in_response_to).element("ArtifactResponse").destination(None);
        match response {
            Some(issued) => answer.raw(issued.element()),
            None => answer,
        }
    }
}

/// Returns an artifact with any entity as its source.
#[must_use]
pub fn artifact_of(entity_id: &str, index: u16, handle: [u8; 20]) -> String {
    let mut bytes = vec![0x00, 0x04];
    bytes.extend_from_slice(&index.to_be_bytes());
    bytes.extend_from_slice(&own_sha1(entity_id.as_bytes()));
    bytes.extend_from_slice(&handle);
    base64_encode(&bytes)
}
