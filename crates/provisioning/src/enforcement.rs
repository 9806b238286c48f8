//! `[enforcement]`, `[sessions]` and `[offboarding]`: passwords, how long a session lasts, and accounts that nobody uses.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    Account, AccountId, EmailAddress, Organization, PlanRefusal, Policy, Snapshot, entries::at_most,
};

/// `[enforcement]`: who may still use a password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Enforcement {
    /// `optional` (the default), `mixed`, `required`.
    pub passwords: Passwords,
    /// E-mail addresses of the accounts that may use a password whatever is required, for the day on which the identity provider is away.
    /// They are not suspended for being unused.
    #[serde(deserialize_with = "at_most")]
    pub break_glass: Vec<String>,
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

impl Policy {
    /// Whether the account may be entered with a password: what a password form asks before it looks at one.
    ///
    /// The snapshot must have the account, the active owners and the break-glass accounts.
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

    /// Whether the account may be given a password: what a form for a new or forgotten password asks. In a `mixed` organization, those
    /// who have one may change it.
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

    /// What holds in an organization: `optional` where it signs in over no identity provider, and never `required` while that would lock
    /// everybody out.
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

    /// Whether passwords may be refused: an owner has signed in over a connection of the organization, or a break-glass account can be used.
    /// Ask before a policy that requires this is saved.
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
    /// Whether somebody may be invited by e-mail: not into an organization whose people come from its identity provider.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absolute: Option<PolicyDuration>,
    /// How long without a request, such as `"30m"`. By default without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<PolicyDuration>,
}

impl Sessions {
    /// How long a session lasts at most, where the service allows this long: the shorter of the two.
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
    /// accounts stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend_after: Option<PolicyDuration>,
}

/// A span of time in a policy: a number and a unit, `"90d"`, `"12h"`, `"30m"` or `"45s"`; more than nothing, and at most ten years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PolicyDuration(Duration);

impl PolicyDuration {
    const LONGEST: Duration = Duration::from_secs(3_650 * 86_400);

    /// The span of time.
    #[must_use]
    pub fn get(self) -> Duration {
        self.0
    }
}

impl TryFrom<String> for PolicyDuration {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const EXPECTED: &str =
            "a duration is a whole number with a unit, such as \"90d\", \"12h\", \"30m\" or \"45s\"";
        let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
        let unit = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
        let (number, seconds) = unit.ok_or(EXPECTED)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(EXPECTED);
        }
        let number: u64 = number.parse().map_err(|_| EXPECTED)?;
        let span = Duration::from_secs(number.saturating_mul(seconds));
        match span.is_zero() || span > Self::LONGEST {
            true => Err("a duration is longer than nothing, and at most ten years"),
            false => Ok(Self(span)),
        }
    }
}

impl fmt::Display for PolicyDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [("d", 86_400_u64), ("h", 3_600), ("m", 60)];
        let whole = units.iter().find(|(_, length)| seconds.checked_rem(*length) == Some(0));
        let (unit, length) = whole.copied().unwrap_or(("s", 1));
        write!(formatter, "{}{unit}", seconds.checked_div(length).unwrap_or_default())
    }
}

impl From<PolicyDuration> for String {
    fn from(duration: PolicyDuration) -> Self {
        duration.to_string()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for PolicyDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PolicyDuration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A whole number with a unit: 90d, 12h, 30m, 45s.",
            "type": "string",
            "pattern": "^[0-9]+[dhms]$"
        })
    }
}
