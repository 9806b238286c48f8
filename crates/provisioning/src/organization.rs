//! A customer: entitlement, conversion to SAML, tokens.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;

use crate::{
    AddressError, ConnectionList, Domain, DomainChallenge, DomainProof, OrganizationId, OrganizationToken,
    PlanRefusal, TokenHash, TokenRecord, text::folded,
};

/// A customer of the service.
///
/// An organization whose plan includes SAML SSO can be [converted](Self::convert). It then belongs to one identity
/// provider, and has a token that each assertion must contain.
///
/// ```
/// use std::time::Duration;
///
/// use vouchsafe_crypto::Provider;
/// use vouchsafe_metadata::EntityId;
/// use vouchsafe_provisioning::{Organization, OrganizationId};
///
/// let provider = Provider::rustcrypto();
/// let okta = EntityId::new("http://www.okta.com/exk1")?;
/// let now = "2026-01-15T09:00:00Z".parse()?;
/// let mut organization = Organization::new(OrganizationId::new("1"), "acme", "Acme");
/// assert_eq!(
///     organization.convert(okta.clone(), &provider, now).unwrap_err().code(),
///     "provisioning.not_entitled"
/// );
///
/// organization.entitled = true;
/// let token = organization.convert(okta, &provider, now)?;
/// println!("Paste this into Okta: {}", token.reveal());
///
/// // Later: both tokens work for a week.
/// let next = organization.rotate_token(&provider, now, Duration::from_secs(7 * 86_400))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Organization {
    /// The id that the store gave the organization.
    pub id: OrganizationId,
    /// Its name in addresses, by which a person finds the SAML SSO button, ignoring case: [`slug_key`](Self::slug_key).
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Whether its plan includes SAML SSO.
    #[serde(default)]
    pub entitled: bool,
    /// Its identity provider, since it was converted.
    #[serde(default)]
    pub conversion: Option<Conversion>,
    /// Its tokens, as hashes.
    #[serde(default)]
    pub tokens: Vec<TokenRecord>,
    /// The most active accounts that its plan allows; `None`: without limit.
    #[serde(default)]
    pub seat_limit: Option<u32>,
    /// Its connections, in the order in which they were [connected](Self::connect). Nobody signs in to it over any other
    /// connection, whatever entity ID and token the assertion has. If it is empty and the organization is converted, the
    /// connection whose id is the organization's. A connection belongs to one organization; a store refuses to give it
    /// to a second, and keeps the order.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeSet<crate::schema::Connection>"))]
    pub connections: ConnectionList,
    /// The mail domains that it has verified. Only for these may an account be linked by e-mail; people who type an
    /// address of one are sent to its identity provider; and no other organization admits such addresses. A domain
    /// belongs to one organization; a store refuses to give it to a second.
    #[serde(default)]
    pub verified_domains: Vec<String>,
    /// The challenges of domains that are being verified, one for each domain.
    #[serde(default)]
    pub domain_challenges: Vec<DomainChallenge>,
    /// The records by which domains were verified, one for each domain, and whether the DNS has them still.
    #[serde(default)]
    pub domain_proofs: Vec<DomainProof>,
}

/// The fact that an organization signs in through SAML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Conversion {
    /// entityID of its identity provider.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Entity"))]
    pub identity_provider: EntityId,
    /// When it was converted.
    pub at: DateTime<Utc>,
}

impl Organization {
    /// An organization that is neither entitled nor converted.
    pub fn new(id: OrganizationId, slug: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id,
            slug: slug.into(),
            name: name.into(),
            entitled: false,
            conversion: None,
            tokens: Vec::new(),
            seat_limit: None,
            connections: ConnectionList::new(),
            verified_domains: Vec::new(),
            domain_challenges: Vec::new(),
            domain_proofs: Vec::new(),
        }
    }

    /// The form in which slugs are compared and are unique: without surrounding white space, in lower case. Stores find
    /// organizations by it.
    ///
    /// ```
    /// use vouchsafe_provisioning::Organization;
    ///
    /// assert_eq!(Organization::slug_key(" Acme-EU"), Organization::slug_key("acme-eu"));
    /// ```
    #[must_use]
    pub fn slug_key(slug: &str) -> String {
        folded(slug)
    }

    /// entityID of its identity provider, if it is converted.
    #[must_use]
    pub fn identity_provider(&self) -> Option<&EntityId> {
        self.conversion.as_ref().map(|conversion| &conversion.identity_provider)
    }

    /// The connections over which people sign in to the organization, the oldest first: those that it names or, if it is
    /// converted and names none, the one with its id.
    #[must_use]
    pub fn own_connections(&self) -> ConnectionList {
        match self.has_the_connection_of_its_id() {
            true => ConnectionId::new(self.id.as_str()).into_iter().collect(),
            false => self.connections.clone(),
        }
    }

    /// Whether people sign in to the organization over this connection.
    #[must_use]
    pub fn signs_in_over(&self, connection: &ConnectionId) -> bool {
        match self.has_the_connection_of_its_id() {
            true => connection.as_str() == self.id.as_str(),
            false => self.connections.contains(connection),
        }
    }

    /// An organization that is not converted must not claim that id: another organization's connection may have it.
    fn has_the_connection_of_its_id(&self) -> bool {
        self.conversion.is_some() && self.connections.is_empty()
    }

    /// The verified domains, each once.
    ///
    /// # Errors
    ///
    /// A value that is not a [`Domain`]. A store keeps no organization with such a value.
    pub fn domains(&self) -> Result<BTreeSet<Domain>, AddressError> {
        self.verified_domains.iter().map(|domain| Domain::parse(domain.trim())).collect()
    }

    /// Whether the organization has verified a domain.
    #[must_use]
    pub fn owns(&self, domain: &Domain) -> bool {
        self.verified_domains.iter().any(|own| Domain::parse(own.trim()).as_ref() == Ok(domain))
    }

    /// Makes this a SAML organization of that identity provider and issues its first token, of which only the hash is
    /// kept.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::NotEntitled`], [`PlanRefusal::AlreadyConverted`], and the error of the provider.
    pub fn convert(
        &mut self,
        identity_provider: EntityId,
        provider: &Provider,
        now: DateTime<Utc>,
    ) -> Result<OrganizationToken, PlanRefusal> {
        if !self.entitled {
            return Err(PlanRefusal::NotEntitled { organization: self.name.clone() });
        }
        if self.conversion.is_some() {
            return Err(PlanRefusal::AlreadyConverted { organization: self.name.clone() });
        }
        let token = self.issue(provider, now)?;
        self.conversion = Some(Conversion { identity_provider, at: now });
        Ok(token)
    }

    /// Issues another token. The valid tokens remain valid for `overlap`, and no longer than they would have been
    /// anyway. Without an overlap all of them end at once, as is right after one was stolen.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::NotConverted`]; [`PlanRefusal::TokenLimit`] if [`MAX_TOKENS`](Self::MAX_TOKENS) would remain valid;
    /// and the error of the provider.
    pub fn rotate_token(
        &mut self,
        provider: &Provider,
        now: DateTime<Utc>,
        overlap: Duration,
    ) -> Result<OrganizationToken, PlanRefusal> {
        if self.conversion.is_none() {
            return Err(PlanRefusal::NotConverted { organization: self.name.clone() });
        }
        let token = OrganizationToken::issue(provider).map_err(PlanRefusal::cryptography)?;
        let hash = token.hash(provider).map_err(PlanRefusal::cryptography)?;
        self.rotate_to(hash, now, overlap)?;
        Ok(token)
    }

    /// Revokes the token with this [id](TokenRecord::id) at once, and answers whether there was one.
    pub fn revoke_token(&mut self, id: &str, now: DateTime<Utc>) -> bool {
        let mut found = false;
        for record in self.tokens.iter_mut().filter(|record| record.id == id) {
            record.revoked_at = Some(record.revoked_at.map_or(now, |earlier| earlier.min(now)));
            found = true;
        }
        found
    }

    /// Compares a token's hash with every token of the organization, in constant time.
    pub(crate) fn check_token(&self, presented: &TokenHash, now: DateTime<Utc>) -> Result<(), PlanRefusal> {
        let mut matching = None;
        for record in &self.tokens {
            if record.hash == *presented {
                matching = Some(record);
            }
        }
        let organization = || self.name.clone();
        match matching {
            None => Err(PlanRefusal::TokenUnknown { organization: organization() }),
            Some(record) if record.revoked_at.is_some() => {
                Err(PlanRefusal::TokenRevoked { organization: organization(), token: record.id.clone() })
            }
            Some(record) => match record.expires_at {
                Some(end) if now >= end => Err(PlanRefusal::TokenExpired {
                    organization: organization(),
                    token: record.id.clone(),
                    expired_at: end,
                }),
                _ => Ok(()),
            },
        }
    }

    fn issue(&mut self, provider: &Provider, now: DateTime<Utc>) -> Result<OrganizationToken, PlanRefusal> {
        let token = OrganizationToken::issue(provider).map_err(PlanRefusal::cryptography)?;
        let hash = token.hash(provider).map_err(PlanRefusal::cryptography)?;
        self.add_token(hash, now)?;
        Ok(token)
    }
}
