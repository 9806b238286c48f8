//! Links by which a customer's administrator sets up single sign-on without an account at the service.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::{
    ConnectionId,
    crypto::{CryptoError, Provider},
    provisioning::{Actor, OrganizationId, TokenHash},
};

use crate::{Answer, Author, StoreError, secret::HashedSecret};

/// Stores set-up links by the hash of their secret, with the progress of each.
///
/// Every change is audited in the same transaction. An expired or revoked link is still answered, so that the person
/// who opens it is told why it does not work: [`SetUpLink::state`].
///
/// ```
/// use chrono::TimeDelta;
/// use vouchsafe::provisioning::Actor;
/// use vouchsafe_store::{Author, SetUpLink, SetUpPurpose, SetUpSecret, SetUpStore};
///
/// /// The address that the owner of Acme sends to the colleague who administers the identity provider.
/// async fn link_for(
///     store: &dyn SetUpStore,
///     owner: Actor,
///     provider: &vouchsafe::Provider,
///     now: chrono::DateTime<chrono::Utc>,
/// ) -> Result<String, Box<dyn std::error::Error>> {
///     let secret = SetUpSecret::generate(provider)?;
///     let link = SetUpLink::new(&secret, "acme".into(), SetUpPurpose::Everything, now, now + TimeDelta::days(7));
///     store.add_set_up_link(&secret, &link, &Author::new(owner, now)).await?;
///     // The portal of `vouchsafe-web` gives this path: `SetUp::link_path`.
///     Ok(format!("https://app.example.com/set-up/link/{}", secret.reveal()))
/// }
/// ```
pub trait SetUpStore: Send + Sync + fmt::Debug {
    /// Stores a new link of an organization. The error is [`StoreError::OrganizationUnknown`] if the directory does not
    /// have it.
    fn add_set_up_link<'a>(
        &'a self,
        secret: &'a SetUpSecret,
        link: &'a SetUpLink,
        author: &'a Author,
    ) -> Answer<'a, ()>;

    /// The link that a person opens, in any state. This is one look-up by the hash of the text that was shown, whatever
    /// that text is.
    fn find_set_up_link<'a>(&'a self, secret: &'a SetUpSecret) -> Answer<'a, Option<SetUpLink>>;

    /// The link with this [id](SetUpLink::id).
    fn set_up_link<'a>(&'a self, id: &'a str) -> Answer<'a, Option<SetUpLink>>;

    /// The links of an organization, oldest first, including those that no longer work.
    fn set_up_links_of<'a>(&'a self, organization: &'a OrganizationId) -> Answer<'a, Vec<SetUpLink>>;

    /// Writes a link in place of the one that was read, and answers its next revision. The error is
    /// [`StoreError::SetUpLinkConflict`] if somebody else wrote it meanwhile.
    fn update_set_up_link<'a>(&'a self, link: &'a SetUpLink, author: &'a Author) -> Answer<'a, u64>;

    /// The links that expired before `before`, in the order of their expiry: the first 100.
    /// [`sweep_set_up_links`](crate::sweep_set_up_links) ends what they left, and deletes them.
    fn set_up_links_over(&self, before: DateTime<Utc>) -> Answer<'_, Vec<SetUpLink>>;

    /// Deletes the links with these [ids](SetUpLink::id) that expired before `before`, and answers how many there were. One
    /// that was renewed meanwhile stays.
    fn delete_set_up_links<'a>(&'a self, ids: &'a [String], before: DateTime<Utc>) -> Answer<'a, u64>;
}

/// A link without its secret. Its holder may act for one organization and one purpose only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetUpLink {
    /// Its name for people and logs: the first digits of the hash.
    pub id: String,
    /// The organization. It never changes.
    pub organization: OrganizationId,
    /// What may be done with it. It never changes.
    pub purpose: SetUpPurpose,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked. A revoked link stays revoked.
    #[serde(default)]
    pub revoked_at: Option<DateTime<Utc>>,
    /// When a connection was activated with it, unless it was renewed afterwards.
    #[serde(default)]
    pub used_at: Option<DateTime<Utc>>,
    /// The progress of its holder.
    #[serde(default)]
    pub progress: SetUpProgress,
    /// How often it was written; 0: it is not stored yet.
    #[serde(default)]
    pub revision: u64,
}

/// What may be done with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SetUpPurpose {
    /// Connect an identity provider, or replace it.
    Connection,
    /// Verify domains.
    Domains,
    /// Both.
    Everything,
}

/// Whether a link works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetUpLinkState {
    /// The link works.
    Open,
    /// A connection was activated with it.
    Used,
    /// The link has expired.
    Expired,
    /// The link was revoked.
    Revoked,
}

/// The progress of the holder of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetUpProgress {
    /// The short name of the chosen product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The id of the connection that is being set up. The connection is a draft or does not exist yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    /// The active connection whose settings it got, since its metadata is to renew that of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews: Option<ConnectionId>,
    /// The last token that was issued with the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenHash>,
    /// The last trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<SetUpTrial>,
}

/// The result of a trial, without data of the person who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetUpTrial {
    /// The connection.
    pub connection: ConnectionId,
    /// A fingerprint of the metadata and settings that were tried, since both may be changed afterwards.
    pub tried: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The code of the reason why the sign-in would be refused; `None`: it would be accepted.
    #[serde(default)]
    pub refused: Option<String>,
}

impl SetUpTrial {
    /// A trial of a connection with this metadata and these settings, and the code of the refusal, if there was one.
    #[must_use]
    pub fn new(
        connection: ConnectionId,
        tried: impl Into<String>,
        at: DateTime<Utc>,
        refused: Option<&str>,
    ) -> Self {
        Self { connection, tried: tried.into(), at, refused: refused.map(str::to_owned) }
    }

    /// Whether the sign-in would be accepted.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.refused.is_none()
    }
}

impl SetUpPurpose {
    /// Whether connections may be set up.
    #[must_use]
    pub fn allows_connections(self) -> bool {
        matches!(self, Self::Connection | Self::Everything)
    }

    /// Whether domains may be verified.
    #[must_use]
    pub fn allows_domains(self) -> bool {
        matches!(self, Self::Domains | Self::Everything)
    }
}

impl SetUpLink {
    /// The most links that [`SetUpStore::set_up_links_over`] answers at once.
    pub(crate) const MOST_OVER: usize = 100;

    /// The number of hexadecimal digits of the hash in the id of a link.
    const DIGITS: usize = 16;

    /// The link with this secret.
    #[must_use]
    pub fn new(
        secret: &SetUpSecret,
        organization: OrganizationId,
        purpose: SetUpPurpose,
        issued_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id: secret.hash().chars().take(Self::DIGITS).collect(),
            organization,
            purpose,
            issued_at,
            expires_at,
            revoked_at: None,
            used_at: None,
            progress: SetUpProgress::default(),
            revision: 0,
        }
    }

    /// The state of the link at a time.
    #[must_use]
    pub fn state(&self, now: DateTime<Utc>) -> SetUpLinkState {
        match self {
            Self { revoked_at: Some(_), .. } => SetUpLinkState::Revoked,
            _ if now >= self.expires_at => SetUpLinkState::Expired,
            Self { used_at: Some(_), .. } => SetUpLinkState::Used,
            _ => SetUpLinkState::Open,
        }
    }

    /// For stores: checks that a link works in the transaction in which its holder changes something. It worked when the
    /// request came, so if it does not now, it was changed meanwhile. A link that the store does not have proves nothing.
    ///
    /// # Errors
    /// [`StoreError::SetUpLinkConflict`].
    pub fn require_open(link: Option<&SetUpLink>, now: DateTime<Utc>) -> Result<(), StoreError> {
        match link.map(|link| link.state(now)) {
            None | Some(SetUpLinkState::Open) => Ok(()),
            Some(_) => Err(StoreError::set_up_link_conflict()),
        }
    }

    /// For stores: checks that a link expired before `before`, in the transaction that ends
    /// [what it left](crate::ConnectionDecision::left_by). A link that the store does not have was not renewed.
    ///
    /// # Errors
    /// [`StoreError::SetUpLinkConflict`].
    pub fn require_over(link: Option<&SetUpLink>, before: DateTime<Utc>) -> Result<(), StoreError> {
        match link {
            Some(link) if link.expires_at > before => Err(StoreError::set_up_link_conflict()),
            _ => Ok(()),
        }
    }

    /// Makes the link work until that time, even if a connection was activated with it. A revoked link stays revoked.
    pub fn renew_until(&mut self, end: DateTime<Utc>) {
        self.expires_at = end;
        if self.used_at.take().is_some() {
            self.progress = SetUpProgress::default();
        }
    }

    /// Revokes the link.
    pub fn revoke(&mut self, at: DateTime<Utc>) {
        self.revoked_at.get_or_insert(at);
    }

    /// The holder of the link, as an actor for the audit.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::SetUpLink(self.id.clone())
    }

    /// For stores: the record to write if there is no link with this id yet, at the first revision.
    #[must_use]
    pub fn first(&self) -> Self {
        Self { revision: 1, ..self.clone() }
    }

    /// For stores: the record to write in place of `before`, at the next revision.
    ///
    /// # Errors
    /// [`StoreError::SetUpLinkConflict`] if `before` is not at the revision that was read, or if this link changes
    /// something that is fixed.
    pub fn in_place_of(&self, before: &Self) -> Result<Self, StoreError> {
        let is_same = self.id == before.id
            && self.organization == before.organization
            && self.purpose == before.purpose
            && self.issued_at == before.issued_at
            && (before.revoked_at.is_none() || self.revoked_at == before.revoked_at);
        match is_same && self.revision == before.revision {
            true => Ok(Self { revision: before.revision.saturating_add(1), ..self.clone() }),
            false => Err(StoreError::set_up_link_conflict()),
        }
    }
}

/// The secret of a link, which is part of its address. Stores keep its hash; `Debug` does not show it.
#[derive(Debug)]
pub struct SetUpSecret(HashedSecret);

impl SetUpSecret {
    /// The first characters of every secret, so that secret scanners recognise a leaked one.
    pub const PREFIX: &str = "vsl_";

    /// Generates a secret of 256 bits with the provider's random source.
    ///
    /// # Errors
    ///
    /// The error of the provider's random source.
    pub fn generate(provider: &Provider) -> Result<SetUpSecret, CryptoError> {
        HashedSecret::generate(Self::PREFIX, provider).map(Self)
    }

    /// The secret that a caller shows, whatever its text is.
    ///
    /// # Errors
    ///
    /// The error of the provider if it has no SHA-256.
    pub fn received(text: impl Into<String>, provider: &Provider) -> Result<SetUpSecret, CryptoError> {
        HashedSecret::received(text.into(), provider).map(Self)
    }

    /// The text that is part of the link's address.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// What is stored: SHA-256, 64 hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.0.hash()
    }
}
