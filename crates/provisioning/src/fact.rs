//! Everything that may change accounts, as one kind of value that one function plans.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Actor, Change, LoginFacts, ScimFact};

/// Something that happened and may change accounts. [`Policy::plan`](crate::Policy::plan) makes a plan of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fact {
    /// Somebody signed in over a connection.
    Login(Box<LoginFacts>),
    /// A person signed in over a connection, is at the same time signed in to this account by other means (a password),
    /// and wants to link it. This is the only way to link an owner's account.
    #[non_exhaustive]
    Link {
        /// The sign-in.
        login: Box<LoginFacts>,
        /// The account that the person is signed in to.
        account: AccountId,
    },
    /// A person changes an account by hand.
    #[non_exhaustive]
    Change {
        /// The account.
        account: AccountId,
        /// The change.
        change: Change,
        /// Who asks for it.
        actor: Actor,
        /// The reason, in words.
        because: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// An identity provider changes a person or a group by SCIM.
    Scim(ScimFact),
    /// The service looks for accounts that are no longer used, as `[offboarding]` says.
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

    /// A sign-in of a person who wants to link this account.
    pub fn link(login: impl Into<LoginFacts>, account: AccountId) -> Self {
        Self::Link { login: Box::new(login.into()), account }
    }

    /// A change by hand.
    #[must_use]
    pub fn change(by_hand: ChangeByHand) -> Self {
        let ChangeByHand { account, change, actor, because, at } = by_hand;
        Self::Change { account, change, actor, because, at }
    }

    /// The search for accounts that are no longer used.
    #[must_use]
    pub fn sweep(at: DateTime<Utc>) -> Self {
        Self::Sweep { at }
    }
}

/// A change of an account that somebody makes by hand.
///
/// ```
/// use vouchsafe_provisioning::{Actor, Change, ChangeByHand, Fact, Role};
///
/// let make_admin = ChangeByHand {
///     account: "7".into(),
///     change: Change::SetRole(Role::Admin),
///     actor: Actor::Account("1".into()),
///     because: "the owner asked for it".to_owned(),
///     at: chrono::DateTime::UNIX_EPOCH,
/// };
/// let fact = Fact::change(make_admin);
/// # let _ = fact;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeByHand {
    /// The account.
    pub account: AccountId,
    /// The change.
    pub change: Change,
    /// Who asks for it.
    pub actor: Actor,
    /// The reason, in words.
    pub because: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl From<ChangeByHand> for Fact {
    fn from(by_hand: ChangeByHand) -> Self {
        Self::change(by_hand)
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
