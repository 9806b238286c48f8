//! Connections to all identity providers of a federation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use vouchsafe::crypto::from_hexadecimal;
use vouchsafe::metadata::{EntityName, TrustedMetadata};
use vouchsafe::{
    Artifact, ClaimedResponse, Connection, ConnectionId, ConnectionSettings, EntityId, IdentityProvider,
    RecentlyUsed,
};
use vouchsafe_store::{Answer, StoreError};

use crate::connection_source::{CandidatePage, ConnectionSource, Discovery};

/// A connection to each identity provider of a document that a [source](vouchsafe::metadata::TrustedSource) is
/// trusted for. Each connection is made when it is used. Those that were used last are kept, a thousand or two, so ten
/// thousand of them need little more than the memory of the document.
///
/// The name of a connection is the SHA-1 of the entityID in hexadecimal digits, so it never changes. A connection is
/// found by the entityID, which the links of a [`Chooser`](crate::Chooser) and the answers of a discovery service
/// contain. `vouchsafe_client::DocumentRefresher` loads newer documents, which [replace](Self::replace) this one.
///
/// ```
/// # let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
/// use vouchsafe::Provider;
/// use vouchsafe::metadata::{SpeaksFor, TrustedSource};
/// use vouchsafe_web::Federation;
///
/// // A federation signs its document: TrustedSource::signed_by.
/// let source = TrustedSource::danger_by_transport_alone(SpeaksFor::Everybody);
/// let now = "2026-11-24T00:00:00Z".parse()?;
/// let federation = Federation::new(source.accept(metadata, now, &Provider::rustcrypto())?);
/// # let _ = federation;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Federation {
    current: RwLock<Arc<Current>>,
    settings: ConnectionSettings,
}

/// A document, and the connections that were made of it.
#[derive(Debug)]
struct Current {
    metadata: Arc<TrustedMetadata>,
    /// The connection to each entity that was asked for, by its place, or that there is none.
    used: Mutex<RecentlyUsed<usize, Option<Connection>>>,
}

/// At least this number of connections is kept, and at most twice as many.
const KEPT: usize = 1_000;

impl Federation {
    /// Makes connections to the identity providers that the source of the document is trusted for.
    #[must_use]
    pub fn new(metadata: impl Into<Arc<TrustedMetadata>>) -> Federation {
        let current = RwLock::new(Arc::new(Current::of(metadata.into())));
        Federation { current, settings: ConnectionSettings::default() }
    }

    /// Sets the settings of all connections.
    #[must_use]
    pub fn with_settings(self, settings: ConnectionSettings) -> Federation {
        Federation { settings, ..self }
    }

    /// Replaces the document by a newer one. Identity providers that are no longer in it are no longer trusted.
    pub fn replace(&self, metadata: impl Into<Arc<TrustedMetadata>>) {
        let current = Arc::new(Current::of(metadata.into()));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
    }

    /// Returns the name of the connection to an identity provider.
    ///
    /// # Errors
    /// [`StoreError`]; this does not occur in practice.
    pub fn connection_id(entity_id: &EntityId) -> Result<ConnectionId, StoreError> {
        let name = EntityName::source_id_of(entity_id).to_string();
        ConnectionId::new(name.trim_start_matches("{sha1}")).map_err(StoreError::backend)
    }

    fn connection(&self, name: &EntityName) -> Result<Option<Connection>, StoreError> {
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        current.connection(name, &self.settings)
    }

    fn by_issuer(&self, issuer: Option<&EntityId>) -> Result<Vec<Connection>, StoreError> {
        let Some(issuer) = issuer else { return Ok(Vec::new()) };
        Ok(self.connection(&EntityName::EntityId(issuer.clone()))?.into_iter().collect())
    }
}

impl Current {
    fn of(metadata: Arc<TrustedMetadata>) -> Current {
        Current { metadata, used: Mutex::new(RecentlyUsed::at_least(KEPT)) }
    }

    fn connection(
        &self,
        name: &EntityName,
        settings: &ConnectionSettings,
    ) -> Result<Option<Connection>, StoreError> {
        let Some(found) = self.metadata.find(name) else { return Ok(None) };
        if let Some(known) = self.used().get(&found.place()) {
            return Ok(known.clone());
        }
        let read = found.read_identity_provider().ok();
        let made = read.map(|read| connection_to(&read, settings)).transpose()?;
        self.used().insert(found.place(), made.clone());
        Ok(made)
    }

    fn used(&self) -> MutexGuard<'_, RecentlyUsed<usize, Option<Connection>>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the connection to an identity provider.
pub(crate) fn connection_to(
    identity_provider: &IdentityProvider,
    settings: &ConnectionSettings,
) -> Result<Connection, StoreError> {
    let id = Federation::connection_id(identity_provider.entity_id())?;
    let connection = Connection::new(id, identity_provider.clone());
    connection.with_settings(settings.clone()).map_err(StoreError::backend)
}

impl ConnectionSource for Federation {
    fn find<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>> {
        let digest = from_hexadecimal::<20>(id.as_str());
        let found = digest.map_or(Ok(None), |digest| self.connection(&EntityName::SourceId(digest)));
        Box::pin(std::future::ready(found))
    }

    fn candidates<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<Connection>> {
        Box::pin(std::future::ready(self.by_issuer(claimed.issuer())))
    }

    fn candidates_for_artifact<'a>(
        &'a self,
        artifact: &'a Artifact,
        _received_at: &'a str,
    ) -> Answer<'a, Vec<Connection>> {
        let found = self.connection(&EntityName::SourceId(*artifact.source_id().as_bytes()));
        Box::pin(std::future::ready(found.map(|found| found.into_iter().collect())))
    }

    fn candidates_by_issuer<'a>(
        &'a self,
        issuer: &'a EntityId,
        _after: Option<&'a ConnectionId>,
    ) -> Answer<'a, CandidatePage> {
        Box::pin(std::future::ready(self.by_issuer(Some(issuer)).map(CandidatePage::all)))
    }
}

impl Discovery for Federation {
    fn discover<'a>(&'a self, asked: &'a str) -> Answer<'a, Option<Connection>> {
        let entity_id = EntityId::new(asked.trim()).ok();
        let found = entity_id.map_or(Ok(None), |id| self.connection(&EntityName::EntityId(id)));
        Box::pin(std::future::ready(found))
    }
}

#[cfg(test)]
mod tests {
    use vouchsafe::Provider;
    use vouchsafe::metadata::{SpeaksFor, TrustedSource};
    use vouchsafe_testkit::IdentityProvider as Kit;

    use super::*;

    #[test]
    fn a_connection_is_kept_until_there_is_a_newer_document() {
        let read = |kit: Kit| {
            let source = TrustedSource::danger_by_transport_alone(SpeaksFor::Everybody);
            let now = "2026-06-01T00:00:00Z".parse().unwrap();
            source.accept(kit.metadata().unwrap(), now, &Provider::rustcrypto()).unwrap()
        };
        let federation = Federation::new(read(Kit::okta()));
        let find = |kit: Kit| federation.connection(&kit.entity_id().parse().unwrap()).unwrap();
        let (first, again) = (find(Kit::okta()).unwrap(), find(Kit::okta()).unwrap());
        assert!(std::ptr::eq(first.identity_provider(), again.identity_provider()));
        assert!(find(Kit::other()).is_none());
        federation.replace(read(Kit::other()));
        assert!(find(Kit::okta()).is_none());
        assert!(find(Kit::other()).is_some());
    }
}
