//! `--idp-metadata`: the trusted identity providers, from files and addresses, which may be aggregates.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Arc, OnceLock};

use vouchsafe::assertion::SourceId;
use vouchsafe::crypto::{Certificate, PrivateKey};
use vouchsafe::metadata::{IdentityProvider, MetadataDescription, MetadataError};
use vouchsafe::{Artifact, ClaimedResponse, Connection, ConnectionId, ConnectionSettings, EntityId};
use vouchsafe_client::Client;
use vouchsafe_store::Answer;
use vouchsafe_web::{CandidatePage, ConnectionSource};

use crate::failure::Failure;
use crate::input;

/// The maximum number of documents for the doctor, and the maximum of their bytes altogether.
const DOCUMENTS: usize = 16;
const BYTES: usize = 1024 * 1024;

/// A connection to each identity provider. Those of aggregates are read at their first use.
#[derive(Debug)]
pub(super) struct Trusted {
    all: Vec<Entry>,
    by_name: BTreeMap<EntityId, usize>,
    by_id: BTreeMap<ConnectionId, usize>,
    by_source: BTreeMap<SourceId, usize>,
    settings: ConnectionSettings,
}

#[derive(Debug)]
struct Entry {
    id: ConnectionId,
    entity_id: EntityId,
    document: Arc<Document>,
    connection: OnceLock<Option<Connection>>,
}

/// A given metadata document.
#[derive(Debug)]
struct Document {
    source: String,
    bytes: Vec<u8>,
    is_aggregate: bool,
}

impl Trusted {
    /// Reads the files and loads the addresses.
    pub(super) async fn load(sources: &[String], settings: &ConnectionSettings) -> Result<Trusted, Failure> {
        let mut trusted = Trusted {
            all: Vec::new(),
            by_name: BTreeMap::new(),
            by_id: BTreeMap::new(),
            by_source: BTreeMap::new(),
            settings: settings.clone(),
        };
        for source in sources {
            let bytes = bytes(source).await?;
            match IdentityProvider::from_metadata(&bytes) {
                Ok(one) => trusted.add_one(source, bytes, one)?,
                Err(MetadataError::SeveralIdentityProviders { .. }) => {
                    trusted.add_aggregate(source, bytes)?
                }
                Err(error) => return Err(Failure::unusable(source, error)),
            }
        }
        Ok(trusted)
    }

    fn add_one(&mut self, source: &str, bytes: Vec<u8>, one: IdentityProvider) -> Result<(), Failure> {
        let document = Arc::new(Document { source: source.to_owned(), bytes, is_aggregate: false });
        let place = self.add(one.entity_id().clone(), document)?;
        let connection = self.connection_to(place, one);
        if let Some(entry) = self.all.get(place) {
            let _ = entry.connection.set(connection);
        }
        Ok(())
    }

    fn add_aggregate(&mut self, source: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let unusable = |error| Failure::unusable(source, error);
        let metadata = MetadataDescription::read(&bytes).map_err(unusable)?;
        let document = Arc::new(Document { source: source.to_owned(), bytes, is_aggregate: true });
        for entity in metadata.entities().iter().filter(|entity| entity.is_identity_provider()) {
            let entity_id = EntityId::new(entity.entity_id()).map_err(unusable)?;
            self.add(entity_id, Arc::clone(&document))?;
        }
        Ok(())
    }

    fn add(&mut self, entity_id: EntityId, document: Arc<Document>) -> Result<usize, Failure> {
        let place = self.all.len();
        let id = ConnectionId::new(format!("idp-{place}"))
            .map_err(|error| Failure::unusable("a connection", error))?;
        if self.by_name.insert(entity_id.clone(), place).is_some() {
            return Err(Failure::usage(
                "cli.idp_metadata",
                format!("the identity provider {entity_id} is described twice"),
                "Give each identity provider once.",
            ));
        }
        self.by_id.insert(id.clone(), place);
        self.by_source.insert(SourceId::of(&entity_id), place);
        self.all.push(Entry { id, entity_id, document, connection: OnceLock::new() });
        Ok(place)
    }

    fn connection_to(&self, place: usize, identity_provider: IdentityProvider) -> Option<Connection> {
        let id = self.all.get(place)?.id.clone();
        Connection::new(id, identity_provider).with_settings(self.settings.clone()).ok()
    }

    fn connection(&self, place: usize) -> Option<Connection> {
        let entry = self.all.get(place)?;
        let read = || {
            let found = IdentityProvider::from_metadata_entity(&entry.document.bytes, &entry.entity_id);
            self.connection_to(place, found.ok()?)
        };
        entry.connection.get_or_init(read).clone()
    }

    /// If there is only one connection, makes these keys its own: only such keys decrypt AES-CBC in logout messages.
    /// Several identity providers share the service's keys.
    pub(super) fn own_decryption_keys(&mut self, keys: &[(PrivateKey, Certificate)]) {
        let Some(shared) = self.only() else { return };
        let own = keys.iter().try_fold(shared, |connection, (key, certificate)| {
            connection.with_decryption_key(key.clone(), certificate.clone())
        });
        if let ([entry], Ok(own)) = (self.all.as_mut_slice(), own) {
            entry.connection = OnceLock::from(Some(own));
        }
    }

    /// Returns the connection to the identity provider with this entity ID.
    pub(super) fn named(&self, entity_id: &EntityId) -> Option<Connection> {
        self.connection(*self.by_name.get(entity_id)?)
    }

    /// Returns the connection to the only identity provider.
    pub(super) fn only(&self) -> Option<Connection> {
        if self.all.len() == 1 { self.connection(0) } else { None }
    }

    /// Returns the entity IDs of all identity providers.
    pub(super) fn names(&self) -> impl ExactSizeIterator<Item = &EntityId> {
        self.by_name.keys()
    }

    /// Returns whether the metadata of the identity provider with this entity ID is in an aggregate.
    pub(super) fn is_in_aggregate(&self, name: &str) -> bool {
        let entity_id = EntityId::new(name).ok();
        let place = entity_id.and_then(|entity_id| self.by_name.get(&entity_id));
        place.and_then(|place| self.all.get(*place)).is_some_and(|entry| entry.document.is_aggregate)
    }

    /// Returns the documents that describe one identity provider each, with their names. The doctor examines
    /// responses with them.
    pub(super) fn documents(&self) -> Vec<(String, Vec<u8>)> {
        let mut left = BYTES;
        let single = self.all.iter().map(|entry| &entry.document).filter(|document| !document.is_aggregate);
        let fitting = single.filter(|document| {
            let rest = left.checked_sub(document.bytes.len());
            left = rest.unwrap_or(left);
            rest.is_some()
        });
        fitting.take(DOCUMENTS).map(|document| (document.source.clone(), document.bytes.clone())).collect()
    }
}

/// Reads the bytes of a file, or loads an address.
async fn bytes(source: &str) -> Result<Vec<u8>, Failure> {
    if !source.starts_with("https://") && !source.starts_with("http://") {
        return input::bytes(source);
    }
    // The user of this command chose the address, and the identity provider under test is often on the same machine.
    let client = Client::with_loopback().map_err(|error| Failure::unusable(source, error))?;
    client.load(source).await.map_err(|error| Failure::unusable("--idp-metadata", error))
}

impl ConnectionSource for Trusted {
    fn candidates_by_issuer<'a>(
        &'a self,
        issuer: &'a EntityId,
        _after: Option<&'a ConnectionId>,
    ) -> Answer<'a, CandidatePage> {
        let found = self.named(issuer);
        Box::pin(ready(Ok(CandidatePage::all(found))))
    }

    fn candidates_for_artifact<'a>(
        &'a self,
        artifact: &'a Artifact,
        _: &'a str,
    ) -> Answer<'a, Vec<Connection>> {
        let place = self.by_source.get(&artifact.source_id());
        Box::pin(ready(Ok(place.and_then(|place| self.connection(*place)).into_iter().collect())))
    }

    fn find<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>> {
        Box::pin(ready(Ok(self.by_id.get(id).and_then(|place| self.connection(*place)))))
    }

    fn candidates<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<Connection>> {
        Box::pin(ready(Ok(claimed.issuer().and_then(|issuer| self.named(issuer)).into_iter().collect())))
    }
}
