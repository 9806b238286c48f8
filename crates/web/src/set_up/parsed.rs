//! The parsed metadata of the connections on a page.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use vouchsafe::metadata::MetadataError;
use vouchsafe::{Connection, ConnectionId, IdentityProvider};
use vouchsafe_store::{MetadataComparison, StoredConnection};

use super::error::SetUpError;
use crate::error::HttpError;
use crate::work::elsewhere;

/// The parsed metadata of the connections on a page, by the connection's name. Metadata may be large, so it is parsed once
/// for a page, and where other requests do not wait for it.
#[derive(Default)]
pub(super) struct Parsed(HashMap<ConnectionId, ParsedConnection>);

/// The parsed metadata of a connection.
pub(super) struct ParsedConnection {
    pub(super) connection: Result<Connection, SetUpError>,
    /// The newer metadata that waits for approval, if there is any.
    pub(super) staged: Option<ParsedStaged>,
}

/// The parsed metadata that waits for approval.
pub(super) struct ParsedStaged {
    /// Its differences from the present metadata, if it can be read.
    pub(super) compared: Result<MetadataComparison, MetadataError>,
    /// The reason why it waits.
    pub(super) reason: Option<&'static str>,
    /// The identity provider, if the metadata is valid.
    pub(super) identity_provider: Result<IdentityProvider, SetUpError>,
}

impl Parsed {
    pub(super) async fn of<'c>(
        connections: impl Iterator<Item = &'c StoredConnection>,
        now: DateTime<Utc>,
    ) -> Result<Parsed, HttpError> {
        // Copies share the documents.
        let connections: Vec<StoredConnection> = connections.cloned().collect();
        if connections.is_empty() {
            return Ok(Parsed::default());
        }
        elsewhere(move || {
            let parsed = connections.iter().map(|one| (one.id.clone(), ParsedConnection::of(one, now)));
            Ok(Parsed(parsed.collect()))
        })
        .await
    }

    pub(super) fn get(&self, id: &ConnectionId) -> Option<&ParsedConnection> {
        self.0.get(id)
    }
}

impl ParsedConnection {
    fn of(stored: &StoredConnection, now: DateTime<Utc>) -> ParsedConnection {
        let entity_id = &stored.identity_provider;
        let valid = |document: &[u8]| -> Result<IdentityProvider, SetUpError> {
            let read = IdentityProvider::from_metadata_entity(document, entity_id)?;
            read.check_validity(now)?;
            Ok(read)
        };
        let staged = stored.staged.as_ref().map(|staged| ParsedStaged {
            compared: stored.metadata.comparison_with(staged, entity_id),
            reason: stored.reason_to_wait(),
            identity_provider: valid(&staged.document),
        });
        ParsedConnection { connection: stored.to_connection().map_err(SetUpError::from), staged }
    }
}
