//! Links by which an administrator of a customer sets single sign-on up, without an account at the service.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::{
    ConnectionId,
    crypto::{CryptoError, Provider},
    provisioning::{Actor, OrganizationId},
};

use crate::{Answer, Author, StoreError, secret::HashedSecret};

/// Keeps set-up links: by the hash of their secret, and how far each has come.
///
/// Every change is audited in its transaction. A link that is over is answered all the same, so that whoever opens it is told why it does not
/// work: [`SetUpLink::state`] says whether it does.
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
///     Ok(format!("https://app.example.com/set-up/{}", secret.reveal()))
/// }
/// ```
pub trait SetUpStore: Send + Sync + fmt::Debug {
    /// Keeps a new link of an organization that the directory has: [`StoreError::OrganizationUnknown`].
    fn add_set_up_link<'a>(
        &'a self,
        secret: &'a SetUpSecret,
        link: &'a SetUpLink,
        author: &'a Author,
    ) -> Answer<'a, ()>;

    /// The link that somebody opens, whatever its state. One look-up by the hash of what is shown, whatever it is.
    fn find_set_up_link<'a>(&'a self, secret: &'a SetUpSecret) -> Answer<'a, Option<SetUpLink>>;

    /// The link with this [id](SetUpLink::id).
    fn set_up_link<'a>(&'a self, id: &'a str) -> Answer<'a, Option<SetUpLink>>;

    /// The links of an organization, the oldest first, with those that are over.
    fn set_up_links_of<'a>(&'a self, organization: &'a OrganizationId) -> Answer<'a, Vec<SetUpLink>>;

    /// Writes a link in the place of the one that was read, and answers its next revision.
    /// [`StoreError::SetUpLinkConflict`] if somebody else wrote it meanwhile.
    fn update_set_up_link<'a>(&'a self, link: &'a SetUpLink, author: &'a Author) -> Answer<'a, u64>;

    /// Forgets the links whose time was over at `before`; how many.
    fn sweep_set_up_links(&self, before: DateTime<Utc>) -> Answer<'_, u64>;
}

/// A link, without its secret. What its holder may do is bound to one organization and one purpose.
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
    /// From when on it does not work any more.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked. A revoked link stays revoked.
    #[serde(default)]
    pub revoked_at: Option<DateTime<Utc>>,
    /// When a connection was activated with it, unless it was renewed since.
    #[serde(default)]
    pub used_at: Option<DateTime<Utc>>,
    /// How far its holder has come.
    #[serde(default)]
    pub progress: SetUpProgress,
    /// How often it was written. 0: it is not in a store yet.
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
    /// It works.
    Open,
    /// A connection was activated with it.
    Used,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

/// How far the holder of a link has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetUpProgress {
    /// The short name of the product that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The name of the connection that is being set up. It is a draft, or there is none of the name yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    /// The last trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<SetUpTrial>,
}

/// A trial that was made, without anything of the person who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetUpTrial {
    /// The connection.
    pub connection: ConnectionId,
    /// What was tried: a fingerprint of the connection's metadata and settings, since either may be changed afterwards.
    pub tried: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The code of why the sign-in would be refused. `None`: it would be accepted.
    #[serde(default)]
    pub refused: Option<String>,
}

impl SetUpTrial {
    /// A trial of a connection with this metadata and these settings, and the code of why the sign-in would be refused.
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
    /// How many digits of the hash a link is known by.
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

    /// Whether it works.
    #[must_use]
    pub fn state(&self, now: DateTime<Utc>) -> SetUpLinkState {
        match self {
            Self { revoked_at: Some(_), .. } => SetUpLinkState::Revoked,
            _ if now >= self.expires_at => SetUpLinkState::Expired,
            Self { used_at: Some(_), .. } => SetUpLinkState::Used,
            _ => SetUpLinkState::Open,
        }
    }

    /// Lets it work until that time, also after a connection was activated with it. A revoked link stays revoked.
    pub fn renew_until(&mut self, end: DateTime<Utc>) {
        self.expires_at = end;
        if self.used_at.take().is_some() {
            self.progress = SetUpProgress::default();
        }
    }

    /// Ends it for good.
    pub fn revoke(&mut self, at: DateTime<Utc>) {
        self.revoked_at.get_or_insert(at);
    }

    /// Whoever acts by it, for the audit.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::SetUpLink(self.id.clone())
    }

    /// For stores: what is written where there is none of this name yet, at the first revision.
    #[must_use]
    pub fn first(&self) -> Self {
        Self { revision: 1, ..self.clone() }
    }

    /// For stores: what is written in the place of `before`, at the next revision.
    ///
    /// # Errors
    /// [`StoreError::SetUpLinkConflict`] if `before` is not at the revision that this one was read at, or if this one changes what never
    /// changes.
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

/// The secret of a link, which its address has. Stores keep its hash; there is no `Debug` of the content.
#[derive(Debug)]
pub struct SetUpSecret(HashedSecret);

impl SetUpSecret {
    /// What every secret begins with, so that scanners for secrets recognise one that leaked.
    pub const PREFIX: &str = "vsl_";

    /// A new one of 256 bits from the provider's random source.
    ///
    /// # Errors
    ///
    /// What the provider's random source answers.
    pub fn generate(provider: &Provider) -> Result<SetUpSecret, CryptoError> {
        HashedSecret::generate(Self::PREFIX, provider).map(Self)
    }

    /// The one that somebody shows, whatever it is.
    ///
    /// # Errors
    ///
    /// What the provider's backend answers if it has no SHA-256.
    pub fn received(text: impl Into<String>, provider: &Provider) -> Result<SetUpSecret, CryptoError> {
        HashedSecret::received(text.into(), provider).map(Self)
    }

    /// The text that the address of the link has.
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
