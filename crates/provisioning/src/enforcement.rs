//! `[enforcement]`, `[sessions]` and `[offboarding]`: passwords, how long a session lasts, and accounts that nobody uses.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Account, AccountId, EmailAddress, Organization, PlanRefusal, Policy, PolicyDuration, Snapshot,
    entries::tables, policy_error::at_key,
};

/// `[enforcement]`: who may still use a password. `Debug` shows no address.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Enforcement {
    /// `optional` (the default), `mixed`, `required`.
    pub passwords: Passwords,
    /// E-mail addresses of active owners with a password, who may use it whatever is required, for the day on which the identity provider is
    /// away. They are not suspended for being unused.
    #[serde(deserialize_with = "addresses")]
    pub break_glass: Vec<String>,
}

impl fmt::Debug for Enforcement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Enforcement")
            .field("passwords", &self.passwords)
            .field("break_glass", &self.break_glass.len())
            .finish()
    }
}

/// Who may use a password in an organization that signs in over an identity provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Passwords {
    /// Everybody: the identity provider is one way among others.
    #[default]
    Optional,
    /// The owners, and those who have a password already; nobody gets a new one.
    Mixed,
    /// Nobody, not even an owner, but the break-glass accounts. While no owner has signed in over a connection of the organization, and no
    /// break-glass account could be used, it is as `mixed`: nobody locks an organization out.
    Required,
}

fn addresses<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<String>, D::Error> {
    let addresses: Vec<Address> = tables("enforcement.break_glass", list)?;
    Ok(addresses.into_iter().map(|address| address.0).collect())
}

/// An e-mail address, as it is written.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Address(String);

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match EmailAddress::parse(text.trim()) {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err(at_key("", "a break-glass account is named by its e-mail address")),
        }
    }
}

impl Policy {
    /// Whether the account may be entered with a password. A password form asks this before it checks one.
    ///
    /// The snapshot must contain the account, the active owners and the break-glass accounts.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::AccountUnknown`], [`PlanRefusal::AccountSuspended`], [`PlanRefusal::ApprovalPending`],
    /// [`PlanRefusal::PasswordRefused`].
    pub fn may_use_password(&self, account: &AccountId, snapshot: &Snapshot) -> Result<(), PlanRefusal> {
        let account = snapshot.known_account(account)?;
        account.may_be_used()?;
        self.password_rule(
            account,
            snapshot,
            "the policy requires the sign-in over the identity provider",
            true,
        )
    }

    /// Whether the account may be given a password. A form for a new or forgotten password asks this. In a `mixed`
    /// organization, people who have a password may change it.
    ///
    /// # Errors
    ///
    /// As [`may_use_password`](Self::may_use_password).
    pub fn may_set_password(&self, account: &AccountId, snapshot: &Snapshot) -> Result<(), PlanRefusal> {
        let account = snapshot.known_account(account)?;
        account.may_be_used()?;
        self.password_rule(account, snapshot, "the policy gives nobody a new password", false)
    }

    fn password_rule(
        &self,
        account: &Account,
        snapshot: &Snapshot,
        reason: &'static str,
        is_sign_in: bool,
    ) -> Result<(), PlanRefusal> {
        let is_open = match self.passwords_in(snapshot) {
            Passwords::Optional => true,
            Passwords::Mixed => account.has_password || (is_sign_in && account.is_active_owner()),
            Passwords::Required => false,
        };
        if is_open || self.enforcement.is_break_glass(account) {
            return Ok(());
        }
        Err(PlanRefusal::PasswordRefused { account: account.id.to_string(), reason })
    }

    /// The mode that applies in an organization: `optional` if it signs in over no identity provider, and never
    /// `required` while that would lock everybody out.
    #[must_use]
    pub fn passwords_in(&self, snapshot: &Snapshot) -> Passwords {
        if snapshot.organization.conversion.is_none() || !snapshot.organization.entitled {
            return Passwords::Optional;
        }
        match self.enforcement.passwords {
            Passwords::Required if self.requirement_is_tested(snapshot).is_err() => Passwords::Mixed,
            passwords => passwords,
        }
    }

    /// Whether an organization may have this policy: the default teams and projects exist, each break-glass address
    /// belongs to an account, and [passwords are refused](Self::requirement_is_tested) only where that locks nobody
    /// out. A store asks this before it stores a policy, with the whole organization.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::DefaultTeamMissing`], [`PlanRefusal::DefaultProjectMissing`], [`PlanRefusal::BreakGlassUnknown`],
    /// [`PlanRefusal::EnforcementUntested`].
    ///
    /// ```
    /// use vouchsafe_provisioning::{Organization, Policy, Snapshot};
    ///
    /// let acme = Snapshot::new(Organization::new("acme".into(), "acme", "Acme"));
    /// let policy = Policy::from_toml("[enforcement]\npasswords = 'required'")?;
    /// let refused = policy.may_be_set(&acme).unwrap_err();
    /// assert_eq!(refused.code(), "provisioning.enforcement_untested");
    /// # Ok::<(), vouchsafe_provisioning::PolicyError>(())
    /// ```
    pub fn may_be_set(&self, snapshot: &Snapshot) -> Result<(), PlanRefusal> {
        let mut teams = self.defaults.teams.iter();
        if let Some(team) = teams.find(|team| snapshot.team_named(&team.name).is_none()) {
            return Err(PlanRefusal::DefaultTeamMissing { team: team.name.clone() });
        }
        let mut projects = self.defaults.projects.iter();
        if let Some(project) = projects.find(|project| snapshot.project_named(&project.name).is_none()) {
            return Err(PlanRefusal::DefaultProjectMissing { project: project.name.clone() });
        }
        let mut addresses = self.enforcement.break_glass.iter();
        match addresses.position(|email| snapshot.account_with_email(email).is_none()) {
            Some(place) => {
                let organization = snapshot.organization.name.clone();
                Err(PlanRefusal::BreakGlassUnknown { organization, place })
            }
            None => self.requirement_is_tested(snapshot),
        }
    }

    /// Whether passwords may be refused: an owner has signed in over a connection of the organization, or a break-glass
    /// account can be used.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::EnforcementUntested`].
    pub fn requirement_is_tested(&self, snapshot: &Snapshot) -> Result<(), PlanRefusal> {
        let organization = &snapshot.organization;
        let mut owners = snapshot.active_owners();
        let mut accounts = snapshot.accounts();
        let is_tested = self.enforcement.passwords != Passwords::Required
            || owners.any(|owner| owner.is_tested_in(organization))
            || accounts.any(|account| self.enforcement.is_usable_break_glass(account));
        match is_tested {
            true => Ok(()),
            false => Err(PlanRefusal::EnforcementUntested { organization: organization.name.clone() }),
        }
    }
}

impl Enforcement {
    /// Whether the account is one of [`break_glass`](Self::break_glass).
    #[must_use]
    pub fn is_break_glass(&self, account: &Account) -> bool {
        let key = EmailAddress::key_of(&account.email);
        self.break_glass.iter().any(|email| EmailAddress::key_of(email.trim()) == key)
    }

    pub(crate) fn is_usable_break_glass(&self, account: &Account) -> bool {
        account.is_active_owner() && account.has_password && self.is_break_glass(account)
    }
}

impl Snapshot {
    /// Whether people may be invited by e-mail. They may not be invited to an organization whose people come from its
    /// identity provider.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::InvitationRefused`].
    pub fn may_invite(&self) -> Result<(), PlanRefusal> {
        match self.organization.conversion {
            Some(_) => Err(PlanRefusal::InvitationRefused { organization: self.organization.name.clone() }),
            None => Ok(()),
        }
    }
}

impl Account {
    /// Whether its person has signed in over a connection that the organization still has.
    fn is_tested_in(&self, organization: &Organization) -> bool {
        let is_own = |identity: &crate::Identity| organization.signs_in_over(&identity.connection);
        self.last_sign_in.is_some() && self.identities.iter().any(is_own)
    }
}

/// `[sessions]`: how long a session lasts. The identity provider's `SessionNotOnOrAfter` ends it as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Sessions {
    /// How long at most, from the sign-in on, such as `"12h"`. By default what the service says.
    /// Not less than five minutes: people would be sent to the identity provider in the middle of what they do.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "PolicyDuration::of_absolute")]
    pub absolute: Option<PolicyDuration>,
    /// How long without a request, such as `"30m"`. By default without end.
    /// Not less than five minutes: use is noted once a minute, and whoever reads a page would be signed out.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "PolicyDuration::of_idle")]
    pub idle: Option<PolicyDuration>,
}

impl Sessions {
    /// How long a session lasts at most: the shorter of this limit and the service's.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vouchsafe_provisioning::Policy;
    ///
    /// let policy = Policy::from_toml("[sessions]\nabsolute = '12h'\nidle = '30m'")?;
    /// assert_eq!(policy.sessions.lifetime(Duration::from_secs(86_400)), Duration::from_secs(43_200));
    /// assert_eq!(policy.sessions.lifetime(Duration::from_secs(3_600)), Duration::from_secs(3_600));
    /// # Ok::<(), vouchsafe_provisioning::PolicyError>(())
    /// ```
    #[must_use]
    pub fn lifetime(&self, longest: Duration) -> Duration {
        self.absolute.map_or(longest, |absolute| absolute.get().min(longest))
    }
}

/// `[offboarding]`: what happens to accounts whose people do not come any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Offboarding {
    /// After how long without a sign-in an account is suspended, such as `"90d"`. By default never. The last active owner and break-glass
    /// accounts stay. Not less than a day: everybody would be suspended overnight.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "PolicyDuration::of_suspension")]
    pub suspend_after: Option<PolicyDuration>,
}
