//! Connections to identity providers that are looked up one at a time.

use std::fmt;
use std::sync::Arc;

use vouchsafe::crypto::from_hexadecimal;
use vouchsafe::metadata::EntityName;
use vouchsafe::{
    Artifact, ClaimedResponse, Connection, ConnectionId, ConnectionSettings, EntityId, IdentityProvider,
};
use vouchsafe_store::{Answer, StoreError};

use crate::connection_source::{CandidatePage, ConnectionSource, Discovery};
use crate::federation::connection_to;

/// A connection to each identity provider that a look-up of your own finds, for example
/// `vouchsafe_client::MetadataQuery`, which asks a server of the metadata query protocol. For a federation that
/// publishes one document, use [`Federation`](crate::Federation).
///
/// The name of a connection is the SHA-1 of the entityID in hexadecimal digits, so it never changes. An identity provider
/// is looked up by that name, by the entityID that a person chose, and by the claimed issuer of a response. The sender of
/// a response chooses that issuer, so the look-up should cache its answers, and also the answer that there is none, and
/// limit how many names that it does not know it asks for. `MetadataQuery` does.
///
/// A connection has no addresses of its own: metadata and assertion consumer service are those of the service, and
/// requests to `/saml/{connection}/...` look nothing up.
///
/// ```
/// use vouchsafe::IdentityProvider;
/// use vouchsafe_web::QueriedFederation;
///
/// # let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
/// let university = IdentityProvider::from_metadata(metadata.as_bytes())?;
/// // Of the metadata query protocol:
/// // Box::pin(async move { query.find_named(&name, Utc::now()).await.map_err(StoreError::unavailable) })
/// let federation = QueriedFederation::new(move |name| {
///     let is_theirs = name == university.entity_id().clone().into();
///     let found = is_theirs.then(|| university.clone());
///     Box::pin(async move { Ok(found) })
/// });
/// # let _ = federation;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct QueriedFederation {
    look_up: LookUp,
    settings: ConnectionSettings,
}

type LookUp = Arc<dyn Fn(EntityName) -> Answer<'static, Option<IdentityProvider>> + Send + Sync>;

impl QueriedFederation {
    /// Makes connections with this look-up. It returns the trusted identity provider of a name, or none. An error of the
    /// look-up is an outage for the person who signs in.
    #[must_use]
    pub fn new(
        look_up: impl Fn(EntityName) -> Answer<'static, Option<IdentityProvider>> + Send + Sync + 'static,
    ) -> QueriedFederation {
        QueriedFederation { look_up: Arc::new(look_up), settings: ConnectionSettings::default() }
    }

    /// Sets the settings of all connections.
    #[must_use]
    pub fn with_settings(self, settings: ConnectionSettings) -> QueriedFederation {
        QueriedFederation { settings, ..self }
    }

    async fn connection(&self, name: Option<EntityName>) -> Result<Option<Connection>, StoreError> {
        let Some(name) = name else { return Ok(None) };
        let found = (self.look_up)(name.clone()).await?;
        // Another identity provider than the requested one is never used.
        let found = found.filter(|found| is_named(found.entity_id(), &name));
        found.map(|found| connection_to(&found, &self.settings)).transpose()
    }

    async fn connections(&self, name: Option<EntityName>) -> Result<Vec<Connection>, StoreError> {
        Ok(self.connection(name).await?.into_iter().collect())
    }
}

fn is_named(entity_id: &EntityId, name: &EntityName) -> bool {
    EntityName::from(entity_id.clone()) == *name || EntityName::source_id_of(entity_id) == *name
}

impl ConnectionSource for QueriedFederation {
    fn find<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>> {
        Box::pin(self.connection(from_hexadecimal(id.as_str()).map(EntityName::SourceId)))
    }

    fn find_by_address<'a>(&'a self, _id: &'a ConnectionId) -> Answer<'a, Option<Connection>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn candidates<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<Connection>> {
        Box::pin(self.connections(claimed.issuer().cloned().map(EntityName::EntityId)))
    }

    fn candidates_by_issuer<'a>(
        &'a self,
        issuer: &'a EntityId,
        _after: Option<&'a ConnectionId>,
    ) -> Answer<'a, CandidatePage> {
        let asked = self.connections(Some(EntityName::EntityId(issuer.clone())));
        Box::pin(async move { asked.await.map(CandidatePage::all) })
    }

    fn candidates_for_artifact<'a>(
        &'a self,
        artifact: &'a Artifact,
        _received_at: &'a str,
    ) -> Answer<'a, Vec<Connection>> {
        Box::pin(self.connections(Some(EntityName::SourceId(*artifact.source_id().as_bytes()))))
    }
}

impl Discovery for QueriedFederation {
    fn discover<'a>(&'a self, asked: &'a str) -> Answer<'a, Option<Connection>> {
        Box::pin(self.connection(EntityId::new(asked.trim()).ok().map(EntityName::EntityId)))
    }
}

impl fmt::Debug for QueriedFederation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueriedFederation").field("settings", &self.settings).finish_non_exhaustive()
    }
}
