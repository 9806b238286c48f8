//! Serves our metadata.

use http::{HeaderMap, Response, StatusCode};
use vouchsafe::crypto::own_sha256;
use vouchsafe::{ConnectionState, ETag};
use vouchsafe_store::StoreError;

use crate::answers::{answer, answer_with_tag, tag_text};
use crate::error::HttpError;
use crate::signed_metadata::Content;
use crate::single_sign_on::SingleSignOn;

const METADATA_TYPE: &str = "application/samlmetadata+xml";

/// The answer for each name under which there is no document. It does not tell which customers there are.
const NOT_THERE: &str = "no connection of this name has metadata of its own\n";

impl SingleSignOn {
    /// Answers our metadata, with an ETag that is the same as long as the content is, in all processes. A signed
    /// document is signed once and kept, so that requests cost no private-key operations.
    pub fn metadata(&self, headers: &HeaderMap) -> Response<String> {
        let served = Content::of(self.service_provider().descriptor())
            .and_then(|content| self.served(headers, &content));
        served.unwrap_or_else(|error| self.refuse(headers, error))
    }

    /// Answers our metadata for the identity provider of one connection that differs from the service: in the entity
    /// ID, the assertion consumer, the certificates or the signature requirements. For all other connections the
    /// service's [`metadata`](Self::metadata) is correct.
    ///
    /// The answer is status 404 for an unknown name, and the same for a connection that is retired or cannot be used, and for
    /// one that does not differ from the service.
    pub async fn metadata_for(&self, headers: &HeaderMap, id: &str) -> Response<String> {
        let found = match self.find_by_address(id).await {
            // It is not told that there is one.
            Err(HttpError::Store(StoreError::ConnectionUnusable { .. })) => Ok(None),
            found => found,
        };
        let served = found.and_then(|found| {
            let open = found.filter(|connection| connection.state() != ConnectionState::Retired);
            let own = open.map(|connection| Content::of(self.service_provider().descriptor_for(&connection)));
            let common = Content::of(self.service_provider().descriptor())?;
            // A signature is random, so the documents are compared before they are signed.
            let own = own.transpose()?.filter(|own| own.xml != common.xml);
            match own {
                Some(own) => self.served(headers, &own),
                None => Ok(answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", NOT_THERE.to_owned())),
            }
        });
        served.unwrap_or_else(|error| self.refuse(headers, error))
    }

    fn served(&self, headers: &HeaderMap, content: &Content) -> Result<Response<String>, HttpError> {
        let saml = self.service_provider();
        let digest = own_sha256(content.xml.as_bytes());
        let kind = if saml.signs_metadata() { "s" } else { "" };
        // The tag is weak: another process that signs the same content makes other bytes.
        let etag = ETag::weak(&format!("{kind}{}", tag_text(&digest)));
        answer_with_tag(headers, &etag, METADATA_TYPE, || match saml.signs_metadata() {
            true => Ok(self.inner.signed_metadata.get(digest, saml, content)?.as_ref().to_owned()),
            false => Ok(content.xml.clone()),
        })
    }
}
