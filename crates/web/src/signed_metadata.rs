//! The signed documents of our metadata.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vouchsafe::metadata::ServiceProviderDescriptor;
use vouchsafe::{BindingError, RecentlyUsed, ServiceProvider};

use crate::error::HttpError;

/// A descriptor of us, and its document without a signature.
pub(crate) struct Content {
    pub(crate) descriptor: ServiceProviderDescriptor,
    pub(crate) xml: String,
}

impl Content {
    pub(crate) fn of(
        descriptor: Result<ServiceProviderDescriptor, BindingError>,
    ) -> Result<Content, HttpError> {
        let descriptor = descriptor?;
        let xml = descriptor.to_xml().map_err(BindingError::from)?;
        Ok(Content { descriptor, xml })
    }
}

/// The signed documents, by the digest of the document without a signature. Clones share them.
#[derive(Clone)]
pub(crate) struct SignedMetadata(Arc<Mutex<RecentlyUsed<[u8; 32], Arc<str>>>>);

impl Default for SignedMetadata {
    fn default() -> SignedMetadata {
        SignedMetadata(Arc::new(Mutex::new(RecentlyUsed::at_least(Self::LEAST))))
    }
}

impl SignedMetadata {
    /// The least number of documents that are kept: of the service, and of connections that differ from it.
    const LEAST: usize = 2_048;

    pub(crate) fn get(
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
        // Of two that were signed at the same time, both requests receive the first.
        if let Some(first) = documents.get(&digest) {
            return Ok(Arc::clone(first));
        }
        documents.insert(digest, Arc::clone(&signed));
        Ok(signed)
    }

    fn documents(&self) -> MutexGuard<'_, RecentlyUsed<[u8; 32], Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
