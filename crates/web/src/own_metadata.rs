//! Serves our metadata.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{CACHE_CONTROL, ETAG};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use vouchsafe::crypto::{hexadecimal, own_sha256};
use vouchsafe::metadata::ServiceProviderDescriptor;
use vouchsafe::{BindingError, ConnectionState, ServiceProvider};

use crate::answers::{answer, is_held};
use crate::error::HttpError;
use crate::single_sign_on::SingleSignOn;

const METADATA_TYPE: &str = "application/samlmetadata+xml";

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
    /// The answer is the same for an unknown name, for a connection that is retired or cannot be used, and for one
    /// that does not differ from the service.
    pub async fn metadata_for(&self, headers: &HeaderMap, id: &str) -> Response<String> {
        let served = self.find_by_address(id).await.and_then(|found| {
            let open = found.filter(|connection| connection.state() != ConnectionState::Retired);
            let own = open.map(|connection| Content::of(self.service_provider().descriptor_for(&connection)));
            let common = Content::of(self.service_provider().descriptor())?;
            // A signature is random, so the documents are compared before they are signed.
            let own = own.transpose()?.filter(|own| own.xml != common.xml);
            self.served(headers, &own.ok_or(HttpError::UnknownConnection)?)
        });
        served.unwrap_or_else(|error| self.refuse(headers, error))
    }

    fn served(&self, headers: &HeaderMap, content: &Content) -> Result<Response<String>, HttpError> {
        let saml = self.service_provider();
        let digest = own_sha256(content.xml.as_bytes());
        let kind = if saml.signs_metadata() { "s" } else { "" };
        // The tag is weak: another process that signs the same content makes other bytes.
        let etag = format!("W/\"{kind}{}\"", hexadecimal(digest.get(..16).unwrap_or(&digest)));
        let mut response = if is_held(headers, &etag) {
            answer(StatusCode::NOT_MODIFIED, METADATA_TYPE, String::new())
        } else if saml.signs_metadata() {
            let signed = self.inner.signed_metadata.get(digest, saml, content)?;
            answer(StatusCode::OK, METADATA_TYPE, signed.as_ref().to_owned())
        } else {
            answer(StatusCode::OK, METADATA_TYPE, content.xml.clone())
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(ETAG, HeaderValue::from_str(&etag).map_err(|_| HttpError::Header { name: "ETag" })?);
        Ok(response)
    }
}

/// A descriptor of us, and its document without a signature.
struct Content {
    descriptor: ServiceProviderDescriptor,
    xml: String,
}

impl Content {
    fn of(descriptor: Result<ServiceProviderDescriptor, BindingError>) -> Result<Content, HttpError> {
        let descriptor = descriptor?;
        let xml = descriptor.to_xml().map_err(BindingError::from)?;
        Ok(Content { descriptor, xml })
    }
}

/// The signed documents, by the digest of the document without a signature. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct SignedMetadata(Arc<Mutex<HashMap<[u8; 32], Arc<str>>>>);

impl SignedMetadata {
    /// The largest number of documents that are kept: of the service, and of connections that differ from it.
    const MOST: usize = 4_096;

    fn get(
        &self,
        digest: [u8; 32],
        saml: &ServiceProvider,
        content: &Content,
    ) -> Result<Arc<str>, HttpError> {
        if let Some(kept) = self.documents().get(&digest) {
            return Ok(Arc::clone(kept));
        }
        let signed: Arc<str> = saml.xml_of(&content.descriptor)?.into();
        let mut documents = self.documents();
        if documents.len() >= Self::MOST {
            documents.clear();
        }
        // Of two that were signed at the same time, both requests receive the first.
        Ok(Arc::clone(documents.entry(digest).or_insert(signed)))
    }

    fn documents(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
