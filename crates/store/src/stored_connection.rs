//! A connection as a store keeps it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::{
    BindingError, Connection, ConnectionId, ConnectionSettings, ConnectionState, EntityId, IdentityProvider,
    metadata::MetadataError, provisioning::OrganizationId,
};

use crate::{
    AuditRecord, Author, ConnectionMetadata, ConnectionWrite, MetadataTrust, RecordBudget, RefusedMetadata,
    StoreError,
};

/// A connection as a store keeps it: plain data, of which [`to_connection`](Self::to_connection) makes a [`Connection`].
///
/// ```
/// # let document = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
/// use vouchsafe::{ConnectionId, ConnectionSettings, ConnectionState, Unsolicited};
/// use vouchsafe::provisioning::Actor;
/// use vouchsafe_store::{Author, ConnectionMetadata, ConnectionStore, Memory, MetadataSource, StoredConnection};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let source = MetadataSource::Url("https://example.okta.com/app/exk1/sso/saml/metadata".to_owned());
/// let metadata = ConnectionMetadata::new(document, source, "2026-01-15T09:00:00Z".parse()?);
/// let mut acme = StoredConnection::from_metadata(ConnectionId::new("acme-okta")?, "acme".into(), metadata)?;
/// acme.settings.sign_in = ConnectionSettings::default().unsolicited(Unsolicited::Restart);
/// assert_eq!(acme.state, ConnectionState::Draft);
///
/// let store = Memory::new();
/// let operator = Author::new(Actor::Operator, "2026-01-15T09:00:00Z".parse()?);
/// acme.revision = store.add_connection(&acme, &operator).await?;
/// acme.state = ConnectionState::Tested;
/// acme.revision = store.update_connection(&acme, &operator).await?;
/// assert_eq!(store.connection(&acme.id).await?, Some(acme));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredConnection {
    /// Its id. It never changes and is never used for another connection.
    pub id: ConnectionId,
    /// The organization that it belongs to: one of the directory, or the application's own name of the customer. It
    /// never changes.
    pub organization: OrganizationId,
    /// Its state: draft, active or retired.
    pub state: ConnectionState,
    /// The identity provider. It never changes: another identity provider is another connection.
    pub identity_provider: EntityId,
    /// The metadata that describes the identity provider.
    pub metadata: ConnectionMetadata,
    /// Newer metadata from the same source that waits until somebody
    /// [approves](crate::OrganizationConnections::approve_metadata) it, because it changes more than
    /// [`MetadataTrust::key_changes`] allows. Nothing in it is trusted. If the metadata is replaced by other means while it
    /// waits, it is dropped, because it was compared with the previous metadata.
    pub staged: Option<ConnectionMetadata>,
    /// The time since which the address has given only documents that are older than [`metadata`](Self::metadata);
    /// `None` if its last document was not older. A refresher writes it, so that a restart and all processes know it.
    pub older_since: Option<DateTime<Utc>>,
    /// The documents that somebody [refused](crate::OrganizationConnections::refuse_metadata), the newest last. They are
    /// neither used nor staged.
    pub refused: Vec<RefusedMetadata>,
    /// The settings in which the connection differs from the service.
    pub settings: StoredSettings,
    /// How often it was written; 0: it is not stored yet.
    pub revision: u64,
    /// How many changes of its metadata the audit has listed. Only stores change it.
    pub record_budget: RecordBudget,
}

impl StoredConnection {
    /// A draft that is not stored yet. Whether the metadata can be parsed is not checked.
    #[must_use]
    pub fn new(
        id: ConnectionId,
        organization: OrganizationId,
        identity_provider: EntityId,
        metadata: ConnectionMetadata,
    ) -> StoredConnection {
        StoredConnection {
            id,
            organization,
            state: ConnectionState::Draft,
            identity_provider,
            metadata,
            staged: None,
            older_since: None,
            refused: Vec::new(),
            settings: StoredSettings::default(),
            revision: 0,
            record_budget: RecordBudget::default(),
        }
    }

    /// A draft for the only identity provider that the metadata describes.
    ///
    /// # Errors
    /// As [`IdentityProvider::from_metadata`].
    pub fn from_metadata(
        id: ConnectionId,
        organization: OrganizationId,
        metadata: ConnectionMetadata,
    ) -> Result<StoredConnection, MetadataError> {
        let identity_provider = IdentityProvider::from_metadata(&metadata.document)?.entity_id().clone();
        Ok(StoredConnection::new(id, organization, identity_provider, metadata))
    }

    /// The connection with its parsed metadata.
    ///
    /// # Errors
    /// [`BindingError::Metadata`] if the metadata cannot be parsed or does not describe the identity provider, and the
    /// errors of [`Connection::with_settings`].
    pub fn to_connection(&self) -> Result<Connection, BindingError> {
        let identity_provider = self.metadata.described(&self.identity_provider)?;
        Connection::new(self.id.clone(), identity_provider)
            .with_state(self.state)
            .with_revision(self.revision)
            .with_settings(self.settings.sign_in.clone())
    }

    /// For stores: the record to write in place of `before`, at the next revision, and the audit records of everything that
    /// differs. A retired draft loses its metadata, since nobody signed in over it.
    ///
    /// # Errors
    /// [`StoreError::ConnectionConflict`] if `before` is not at the revision that was read,
    /// [`StoreError::ConnectionFixed`] if this record changes something that is fixed, and [`StoreError::Damaged`] for
    /// settings that cannot be written.
    pub fn in_place_of(
        &self,
        before: &StoredConnection,
        author: &Author,
    ) -> Result<ConnectionWrite, StoreError> {
        let mut next = self.next_of(before)?;
        next.record_budget = before.record_budget.clone();
        let mut budget = before.record_budget.clone();
        let records = AuditRecord::of_changed_connection(before, &next, &mut budget, author)?;
        next.record_budget = budget;
        Ok(ConnectionWrite::new(next, records))
    }

    fn next_of(&self, before: &StoredConnection) -> Result<StoredConnection, StoreError> {
        if self.revision != before.revision {
            return Err(StoreError::connection_conflict(self.id.clone(), self.revision, before.revision));
        }
        let fixed = |what| Err(StoreError::connection_fixed(self.id.clone(), what));
        if self.organization != before.organization {
            return fixed("organization");
        }
        if self.identity_provider != before.identity_provider {
            return fixed("identity provider");
        }
        if before.state == ConnectionState::Retired && self.state != before.state {
            return fixed("retired state");
        }
        let mut next = StoredConnection { revision: before.revision.saturating_add(1), ..self.clone() };
        next.keep_renewals_of(before);
        if next.is_retired_since(before) && before.state != ConnectionState::Active {
            next.metadata.document = Arc::default();
        }
        // The waiting document was checked against the previous requirements, or was found to be newer than the previous
        // metadata, so nobody can approve it any more.
        let is_same_metadata = next.metadata.document == before.metadata.document;
        if !next.settings.metadata.wants_same_proof_as(&before.settings.metadata)
            || (!is_same_metadata && next.staged == before.staged)
        {
            next.staged = None;
        }
        Ok(next.without_stale_metadata())
    }

    /// Staged metadata is dropped if the metadata comes from another source now or states the same, if somebody refused
    /// it, and if the connection is retired. A refusal of what the metadata states now is dropped.
    fn without_stale_metadata(mut self) -> StoredConnection {
        if !self.refused.is_empty() {
            let digest = self.digest(&self.metadata);
            self.refused.retain(|refused| refused.digest != digest);
        }
        if let Some(staged) = &self.staged {
            let is_stale = self.state == ConnectionState::Retired
                || staged.source != self.metadata.source
                || self.states_the_same(staged, &self.metadata)
                || self.refusal_of_metadata(staged).is_some();
            self.staged.take_if(|_| is_stale);
        }
        self
    }

    /// The [digest](ConnectionMetadata::digest) of what metadata states about this connection's identity provider.
    #[must_use]
    pub fn digest(&self, metadata: &ConnectionMetadata) -> String {
        metadata.digest(&self.identity_provider)
    }

    pub(crate) fn states_the_same(&self, one: &ConnectionMetadata, other: &ConnectionMetadata) -> bool {
        one.states_the_same_as(other, &self.identity_provider)
    }

    /// Whether it is a retired draft. Nobody signed in over it, and its metadata is not kept.
    #[must_use]
    pub fn is_discarded(&self) -> bool {
        self.state == ConnectionState::Retired && self.metadata.document.is_empty()
    }

    /// For stores: the number of bytes of its stored metadata.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let staged = self.staged.as_ref().map_or(0, |staged| staged.document.len());
        self.metadata.document.len().saturating_add(staged)
    }

    /// For stores: whether it is retired and was not before, so that the sessions that began over it end.
    #[must_use]
    pub fn is_retired_since(&self, before: &StoredConnection) -> bool {
        self.state == ConnectionState::Retired && before.state != self.state
    }

    /// For stores: the record to write if there is none with this id yet, at the first revision, and its audit record.
    #[must_use]
    pub fn first(&self, author: &Author) -> ConnectionWrite {
        let record_budget = RecordBudget::default();
        let first = StoredConnection { revision: 1, record_budget, ..self.clone() }.without_stale_metadata();
        let record = AuditRecord::of_added_connection(&first, author);
        ConnectionWrite::new(first, vec![record])
    }
}

/// The settings of a connection as data, with the version of the format: `{"version": 1, "token_required": true,
/// "sign_in": {...}}`.
///
/// ```
/// use vouchsafe_store::StoredSettings;
///
/// let settings: StoredSettings = serde_json::from_str(r#"{"version": 1}"#)?;
/// assert_eq!(settings, StoredSettings::default());
/// assert!(settings.token_required);
/// assert!(serde_json::from_str::<StoredSettings>(r#"{"version": 2}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SettingsForm", into = "SettingsForm")]
#[non_exhaustive]
pub struct StoredSettings {
    /// How sign-ins are requested and checked.
    pub sign_in: ConnectionSettings,
    /// Whether each assertion must carry the organization's token; `true` by default.
    pub token_required: bool,
    /// What newer metadata from the connection's address has to prove, and how much it may change. Metadata that the
    /// application writes is not checked against it.
    pub metadata: MetadataTrust,
    /// Whose signals end sessions of the connection's people; nobody's by default.
    pub transmitter: Option<StoredTransmitter>,
}

/// Whose signals (Universal Logout, security events) are believed for a connection.
///
/// ```
/// use vouchsafe_store::StoredTransmitter;
///
/// let okta = StoredTransmitter::new("https://acme.okta.com", "https://acme.okta.com/oauth2/v1/keys")
///     .for_audience("https://app.example.com/signals/acme-okta/global-token-revocation");
/// # let _ = okta;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StoredTransmitter {
    /// The issuer of its tokens, compared byte by byte.
    pub issuer: String,
    /// Where its keys are, as a JWKS.
    pub keys_url: String,
    /// Whom its tokens are for: one of them must be in a token. Empty: no token is accepted.
    #[serde(default)]
    pub audiences: Vec<String>,
}

impl StoredTransmitter {
    /// A transmitter whose tokens are for nobody yet.
    pub fn new(issuer: impl Into<String>, keys_url: impl Into<String>) -> StoredTransmitter {
        StoredTransmitter { issuer: issuer.into(), keys_url: keys_url.into(), audiences: Vec::new() }
    }

    /// The same whose tokens may also be for this audience.
    #[must_use]
    pub fn for_audience(mut self, audience: impl Into<String>) -> StoredTransmitter {
        self.audiences.push(audience.into());
        self
    }
}

impl StoredSettings {
    /// The only version of the format so far.
    const VERSION: u32 = 1;
}

impl Default for StoredSettings {
    fn default() -> Self {
        Self {
            sign_in: ConnectionSettings::default(),
            token_required: true,
            metadata: MetadataTrust::default(),
            transmitter: None,
        }
    }
}

/// The written form of [`StoredSettings`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsForm {
    version: u32,
    #[serde(default = "token_required")]
    token_required: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    metadata: MetadataTrust,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transmitter: Option<StoredTransmitter>,
    #[serde(default)]
    sign_in: ConnectionSettings,
}

fn is_default(metadata: &MetadataTrust) -> bool {
    *metadata == MetadataTrust::default()
}

fn token_required() -> bool {
    true
}

impl From<StoredSettings> for SettingsForm {
    fn from(settings: StoredSettings) -> Self {
        let StoredSettings { sign_in, token_required, metadata, transmitter } = settings;
        Self { version: StoredSettings::VERSION, token_required, metadata, transmitter, sign_in }
    }
}

impl TryFrom<SettingsForm> for StoredSettings {
    type Error = String;

    fn try_from(form: SettingsForm) -> Result<Self, String> {
        let SettingsForm { version, token_required, metadata, transmitter, sign_in } = form;
        match version == Self::VERSION {
            true => Ok(Self { sign_in, token_required, metadata, transmitter }),
            false => Err(format!("settings of version {version} are not read here")),
        }
    }
}
