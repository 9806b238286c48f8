//! Accounts whose people do not come any more.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Account, Role};

/// The accounts to suspend because nobody signed in to them for `after`: active ones that are linked to an
/// identity provider, by the last sign-in, or the creation where there was none. One without either date is
/// left alone, and a negative `after` names nobody. When that would leave no active owner, the owner who came last stays.
///
/// Pure: give it the accounts of one organization, and plan each with
/// [`Snapshot::change`](crate::Snapshot::change).
///
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use vouchsafe_assertion::ConnectionId;
/// use vouchsafe_provisioning::{Account, AccountId, Identity, OrganizationId, unused_accounts};
///
/// let now: DateTime<Utc> = "2026-03-01T00:00:00Z".parse()?;
/// let mut ada = Account::new(AccountId::new("1"), OrganizationId::new("acme"), "ada@example.com");
/// ada.identities.push(Identity::new(ConnectionId::new("acme")?, "00u1"));
/// ada.last_sign_in = Some(now - TimeDelta::days(91));
/// assert_eq!(unused_accounts([&ada], now, TimeDelta::days(90)).len(), 1);
/// assert_eq!(unused_accounts([&ada], now, TimeDelta::days(92)).len(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn unused_accounts<'a>(
    accounts: impl IntoIterator<Item = &'a Account>,
    now: DateTime<Utc>,
    after: TimeDelta,
) -> Vec<&'a Account> {
    let limit = now.checked_sub_signed(after).filter(|_| after >= TimeDelta::zero());
    let Some(limit) = limit else { return Vec::new() };
    let active: Vec<&Account> = accounts.into_iter().filter(|account| account.is_active()).collect();
    let seen = |account: &Account| account.last_sign_in.or(account.created_at);
    let is_unused =
        |account: &&Account| !account.identities.is_empty() && seen(account).is_some_and(|last| last < limit);
    let owners = || active.iter().copied().filter(|account| account.role == Role::Owner);
    let keeps_an_owner = owners().any(|owner| !is_unused(&owner));
    let kept = if keeps_an_owner { None } else { owners().max_by_key(|owner| (seen(owner), &owner.id)) };
    let mut unused: Vec<&Account> = active.iter().copied().filter(is_unused).collect();
    unused.retain(|account| kept.is_none_or(|owner| owner.id != account.id));
    unused
}
