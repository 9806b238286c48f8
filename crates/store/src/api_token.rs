//! Tokens with which a person's programs call the service's own interface.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::{
    crypto::{CryptoError, Provider},
    provisioning::{Account, AccountId, Actor, OrganizationId, Role},
};

use crate::{Answer, Author, secret::HashedSecret};

/// Keeps API tokens: by their hash, and each of a member's account.
///
/// Whoever offboards somebody is judged by what still works afterwards. So the tokens of an account end in the transaction that suspends it, by hand, by
/// SCIM or by a sweep, and its reactivation does not bring them back; and no token of an account that is not active is found.
///
/// ```
/// use vouchsafe_store::{ApiToken, ApiTokenSecret, ApiTokenStore, Author, Memory, StoreError};
///
/// # async fn example(store: Memory, provider: &vouchsafe::Provider, now: chrono::DateTime<chrono::Utc>) -> Result<(), Box<dyn std::error::Error>> {
/// let secret = ApiTokenSecret::generate(provider)?;
/// let token = ApiToken::new(&secret, "acme".into(), "7".into(), "nightly build", now);
/// let by_the_member = Author::new(vouchsafe::provisioning::Actor::Account("7".into()), now);
/// store.issue_api_token(&secret, &token, &by_the_member).await?;
/// println!("Copy it now, it is shown this once: {}", secret.reveal());
///
/// let shown = ApiTokenSecret::received("vst_…", provider)?;
/// let whose = store.find_api_token(&shown, now).await?;
/// # Ok(())
/// # }
/// ```
pub trait ApiTokenStore: Send + Sync + fmt::Debug {
    /// Keeps a new token. Its account must be an active one of its organization:
    /// [`StoreError::AccountSuspended`](crate::StoreError::AccountSuspended). It is audited.
    fn issue_api_token<'a>(
        &'a self,
        secret: &'a ApiTokenSecret,
        token: &'a ApiToken,
        author: &'a Author,
    ) -> Answer<'a, ()>;

    /// The token that somebody shows, unless its time is over or its account is not active. One look-up by the hash of what is shown, whatever it is.
    fn find_api_token<'a>(
        &'a self,
        secret: &'a ApiTokenSecret,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<ApiToken>>;

    /// The tokens of an account, oldest first, with those whose time is over.
    fn api_tokens_of<'a>(&'a self, account: &'a AccountId) -> Answer<'a, Vec<ApiToken>>;

    /// Ends the token of an account with this [id](ApiToken::id); whether there was one. It is audited. The application asks
    /// [`ApiToken::may_be_revoked_by`] first.
    fn revoke_api_token<'a>(
        &'a self,
        account: &'a AccountId,
        id: &'a str,
        author: &'a Author,
    ) -> Answer<'a, bool>;

    /// Forgets the tokens whose time is over; how many.
    fn sweep_api_tokens(&self, now: DateTime<Utc>) -> Answer<'_, u64>;
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApiToken {
    /// Its name for people and logs: the first digits of the hash.
    pub id: String,
    /// The organization.
    pub organization: OrganizationId,
    /// Whose it is.
    pub account: AccountId,
    /// What the member calls it.
    pub name: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// From when on it does not work any more.
    pub expires_at: Option<DateTime<Utc>>,
}

impl ApiToken {
    /// How many digits of the hash a token is known by.
    const DIGITS: usize = 12;

    /// The token with this secret.
    pub fn new(
        secret: &ApiTokenSecret,
        organization: OrganizationId,
        account: AccountId,
        name: impl Into<String>,
        issued_at: DateTime<Utc>,
    ) -> Self {
        let id = secret.hash().chars().take(Self::DIGITS).collect();
        Self { id, organization, account, name: name.into(), issued_at, expires_at: None }
    }

    /// The same that stops working at a time of its own.
    #[must_use]
    pub fn expiring_at(self, end: DateTime<Utc>) -> Self {
        Self { expires_at: Some(end), ..self }
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }

    /// Whether this actor may end it: the member, an active owner or admin of the organization, the operator, and a rule of the service. `account` is the
    /// actor's account, as it is stored.
    #[must_use]
    pub fn may_be_revoked_by(&self, actor: &Actor, account: Option<&Account>) -> bool {
        let Actor::Account(id) = actor else { return true };
        let is_theirs = |account: &Account| account.id == *id && account.organization == self.organization;
        let Some(account) = account.filter(|account| is_theirs(account) && account.is_active()) else {
            return false;
        };
        *id == self.account || matches!(account.role, Role::Owner | Role::Admin)
    }
}

/// The secret of a token, which is shown once. Stores keep its hash; there is no `Debug` of the content.
#[derive(Debug)]
pub struct ApiTokenSecret(HashedSecret);

impl ApiTokenSecret {
    /// What every token begins with, so that scanners for secrets recognise one that leaked.
    pub const PREFIX: &str = "vst_";

    /// A new one of 256 bits from the provider's random source.
    ///
    /// # Errors
    ///
    /// What the provider's random source answers.
    pub fn generate(provider: &Provider) -> Result<ApiTokenSecret, CryptoError> {
        HashedSecret::generate(Self::PREFIX, provider).map(Self)
    }

    /// The one that a caller shows, whatever it is.
    ///
    /// # Errors
    ///
    /// What the provider's backend answers if it has no SHA-256.
    pub fn received(text: impl Into<String>, provider: &Provider) -> Result<ApiTokenSecret, CryptoError> {
        HashedSecret::received(text.into(), provider).map(Self)
    }

    /// The text that is shown once.
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
