//! Everything that may change accounts: one kind of value, which one function plans.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Actor, Change, LoginFacts, ScimFact};

/// Something that happened, and may change who may do what. [`Policy::plan`](crate::Policy::plan) makes a plan of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fact {
    /// Somebody signed in over a connection.
    Login(Box<LoginFacts>),
    /// Somebody signed in over a connection who is signed in to this account by other means (a password) at the same time, and wants it
    /// linked: the one way for an owner's own account.
    #[non_exhaustive]
    Link {
        /// The sign-in.
        login: Box<LoginFacts>,
        /// The account that the person is signed in to.
        account: AccountId,
    },
    /// Somebody changes an account by hand.
    #[non_exhaustive]
    Change {
        /// The account.
        account: AccountId,
        /// What is to change.
        change: Change,
        /// Who wants it.
        actor: Actor,
        /// Why, in words.
        because: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// An identity provider changes a person or a group by SCIM.
    Scim(ScimFact),
    /// The service looks for accounts whose people do not come any more, as `[offboarding]` says.
    #[non_exhaustive]
    Sweep {
        /// When.
        at: DateTime<Utc>,
    },
}

impl Fact {
    /// A sign-in.
    pub fn login(login: impl Into<LoginFacts>) -> Self {
        Self::Login(Box::new(login.into()))
    }

    /// A sign-in of somebody who wants this account linked.
    pub fn link(login: impl Into<LoginFacts>, account: AccountId) -> Self {
        Self::Link { login: Box::new(login.into()), account }
    }

    /// A change by hand.
    pub fn change(
        account: AccountId,
        change: Change,
        actor: Actor,
        because: impl Into<String>,
        at: DateTime<Utc>,
    ) -> Self {
        Self::Change { account, change, actor, because: because.into(), at }
    }

    /// The search for accounts that are not used.
    #[must_use]
    pub fn sweep(at: DateTime<Utc>) -> Self {
        Self::Sweep { at }
    }
}

impl From<LoginFacts> for Fact {
    fn from(login: LoginFacts) -> Self {
        Self::login(login)
    }
}

impl From<&LoginFacts> for Fact {
    fn from(login: &LoginFacts) -> Self {
        Self::login(login.clone())
    }
}

impl From<ScimFact> for Fact {
    fn from(fact: ScimFact) -> Self {
        Self::Scim(fact)
    }
}

impl From<&Fact> for Fact {
    fn from(fact: &Fact) -> Self {
        fact.clone()
    }
}
