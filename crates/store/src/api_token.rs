//! Tokens with which a person's programs call the service's own interface.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::{
    crypto::{CryptoError, Provider},
    provisioning::{Account, AccountId, Actor, OrganizationId, Role},
};

use crate::{Answer, Author, secret::HashedSecret};

/// Keeps API tokens. A token is stored by its hash and belongs to one member's account.
///
/// When somebody leaves, their tokens must stop working. The transaction that suspends an account (by an administrator,
/// by SCIM or by a sweep) therefore also ends the account's tokens. A reactivation does not bring them back, and a
/// token of an account that is not active is never found.
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
    /// Stores a new token and writes an audit record. The account must be an active one of the token's organization;
    /// otherwise the answer is [`StoreError::AccountSuspended`](crate::StoreError::AccountSuspended).
    fn issue_api_token<'a>(
        &'a self,
        secret: &'a ApiTokenSecret,
        token: &'a ApiToken,
        author: &'a Author,
    ) -> Answer<'a, ()>;

    /// Finds the token that a caller shows, unless it has expired or its account is not active. This is one look-up by
    /// the hash of the text that was shown, whatever that text is.
    fn find_api_token<'a>(
        &'a self,
        secret: &'a ApiTokenSecret,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<ApiToken>>;

    /// The tokens of an account, oldest first, including the expired ones.
    fn api_tokens_of<'a>(&'a self, account: &'a AccountId) -> Answer<'a, Vec<ApiToken>>;

    /// Revokes the token of an account with this [id](ApiToken::id), writes an audit record, and answers whether the
    /// token existed. The application must ask [`ApiToken::may_be_revoked_by`] first.
    fn revoke_api_token<'a>(
        &'a self,
        account: &'a AccountId,
        id: &'a str,
        author: &'a Author,
    ) -> Answer<'a, bool>;

    /// Deletes the expired tokens and answers how many there were.
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
    /// The account that the token belongs to.
    pub account: AccountId,
    /// What the member calls it.
    pub name: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// The time from which the token no longer works; `None`: it does not expire.
    pub expires_at: Option<DateTime<Utc>>,
}

impl ApiToken {
    /// The number of hexadecimal digits of the hash in the id of a token.
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

    /// The same token with an expiry time.
    #[must_use]
    pub fn expiring_at(self, end: DateTime<Utc>) -> Self {
        Self { expires_at: Some(end), ..self }
    }

    /// Whether the token has expired.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }

    /// Whether this actor may revoke the token. The member, an active owner or admin of the organization, the operator
    /// and a rule of the service may; nobody else. `account` is the actor's account as it is stored.
    #[must_use]
    pub fn may_be_revoked_by(&self, actor: &Actor, account: Option<&Account>) -> bool {
        let id = match actor {
            Actor::Operator | Actor::Rule(_) => return true,
            Actor::Account(id) => id,
            _ => return false,
        };
        let is_theirs = |account: &Account| account.id == *id && account.organization == self.organization;
        let Some(account) = account.filter(|account| is_theirs(account) && account.is_active()) else {
            return false;
        };
        *id == self.account || matches!(account.role, Role::Owner | Role::Admin)
    }
}

/// The secret of a token. It is shown once; stores keep only its hash. `Debug` does not show it.
#[derive(Debug)]
pub struct ApiTokenSecret(HashedSecret);

impl ApiTokenSecret {
    /// The first characters of every token, so that secret scanners recognise a leaked one.
    pub const PREFIX: &str = "vst_";

    /// Generates a token of 256 bits with the provider's random source.
    ///
    /// # Errors
    ///
    /// The error of the provider's random source.
    pub fn generate(provider: &Provider) -> Result<ApiTokenSecret, CryptoError> {
        HashedSecret::generate(Self::PREFIX, provider).map(Self)
    }

    /// The token that a caller shows, whatever its text is.
    ///
    /// # Errors
    ///
    /// The error of the provider if it has no SHA-256.
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
