//! A customer: entitlement, conversion to SAML, tokens.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;

use crate::{
    AddressError, Domain, DomainChallenge, OrganizationId, OrganizationToken, PlanRefusal, TokenHash,
    TokenRecord, text::folded,
};

/// A customer of the service.
///
/// An organization whose plan includes SAML SSO can be [converted](Self::convert): from then on it belongs to
/// one identity provider, and has a token that each assertion must carry.
///
/// ```
/// use chrono::TimeDelta;
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
/// let next = organization.rotate_token(&provider, now, TimeDelta::days(7))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Organization {
    /// The store's name of the organization.
    pub id: OrganizationId,
    /// Its name in addresses, by which a person finds the SAML SSO button, whatever the case: [`slug_key`](Self::slug_key).
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Whether its plan includes SAML SSO.
    #[serde(default)]
    pub entitled: bool,
    /// The identity provider that it was converted to, once it was.
    #[serde(default)]
    pub conversion: Option<Conversion>,
    /// Its tokens, as hashes.
    #[serde(default)]
    pub tokens: Vec<TokenRecord>,
    /// How many active accounts its plan allows; `None`: as many as there are.
    #[serde(default)]
    pub seat_limit: Option<u32>,
    /// Its connections: over no other does anybody sign in to it, whatever entity ID and token the assertion has. Empty: once it is
    /// converted, the one that has the organization's id as its name. A connection belongs to one organization: a store refuses it to a second.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeSet<crate::schema::Connection>"))]
    pub connections: BTreeSet<ConnectionId>,
    /// Mail domains that it was shown to own: only for these may an account be linked by e-mail, people who
    /// type an address of one are sent to its identity provider, and no other organization admits such
    /// addresses. A domain belongs to one organization: a store refuses it to a second.
    #[serde(default)]
    pub verified_domains: Vec<String>,
    /// What was asked for to verify further ones, one for each domain.
    #[serde(default)]
    pub domain_challenges: Vec<DomainChallenge>,
}

/// That an organization signs in through SAML.
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
            connections: BTreeSet::new(),
            verified_domains: Vec::new(),
            domain_challenges: Vec::new(),
        }
    }

    /// The form in which slugs are compared, and in which they are unique: without white space around, in lower case. Stores find
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

    /// entityID of its identity provider, once it is converted.
    #[must_use]
    pub fn identity_provider(&self) -> Option<&EntityId> {
        self.conversion.as_ref().map(|conversion| &conversion.identity_provider)
    }

    /// The connections over which people sign in to the organization: those that it names, or else, once it is converted, the one of its id.
    #[must_use]
    pub fn own_connections(&self) -> BTreeSet<ConnectionId> {
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

    /// One that is not converted has no claim to that name: it may be the name of another organization's connection.
    fn has_the_connection_of_its_id(&self) -> bool {
        self.conversion.is_some() && self.connections.is_empty()
    }

    /// The verified domains, each once.
    ///
    /// # Errors
    ///
    /// What is not a [`Domain`]: a store keeps no organization with such a one.
    pub fn domains(&self) -> Result<BTreeSet<Domain>, AddressError> {
        self.verified_domains.iter().map(|domain| Domain::parse(domain.trim())).collect()
    }

    /// Whether the organization has verified a domain.
    #[must_use]
    pub fn owns(&self, domain: &Domain) -> bool {
        self.verified_domains.iter().any(|own| Domain::parse(own.trim()).as_ref() == Ok(domain))
    }

    /// Makes this a SAML organization of that identity provider and issues its first token, which is kept only
    /// as a hash.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::NotEntitled`], [`PlanRefusal::AlreadyConverted`], and what the provider answers.
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

    /// Issues another token. Those that work now go on working for `overlap`, and no longer than they would
    /// have anyway.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::NotConverted`], and what the provider answers.
    pub fn rotate_token(
        &mut self,
        provider: &Provider,
        now: DateTime<Utc>,
        overlap: TimeDelta,
    ) -> Result<OrganizationToken, PlanRefusal> {
        let token = OrganizationToken::issue(provider).map_err(PlanRefusal::cryptography)?;
        let hash = token.hash(provider).map_err(PlanRefusal::cryptography)?;
        self.rotate_to(hash, now, overlap)?;
        Ok(token)
    }

    /// Revokes the token with this [id](TokenRecord::id) at once. Whether there was one.
    pub fn revoke_token(&mut self, id: &str, now: DateTime<Utc>) -> bool {
        let mut found = false;
        for record in self.tokens.iter_mut().filter(|record| record.id == id) {
            record.revoked_at = Some(record.revoked_at.map_or(now, |earlier| earlier.min(now)));
            found = true;
        }
        found
    }

    /// Checks a token's hash against every token of the organization, in the same time whichever it is.
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
        self.tokens.push(TokenRecord::new(hash, now));
        Ok(token)
    }
}
