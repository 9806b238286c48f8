//! Accounts that are no longer used.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Account, Role};

/// The accounts to suspend because nobody signed in to them for `after`: active accounts that are linked to an identity
/// provider, by their last sign-in or, if there was none, by their creation. An account without either date is left
/// alone, and a negative `after` selects nobody. If no active owner would remain, the owner with the latest sign-in is
/// kept.
pub(crate) fn unused_accounts<'a>(
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

#[cfg(test)]
mod tests {
    use vouchsafe_assertion::ConnectionId;

    use super::*;
    use crate::{AccountId, Identity, OrganizationId};

    #[test]
    fn a_negative_time_without_sign_in_suspends_nobody() {
        let now = "2026-01-15T09:00:00Z".parse().unwrap();
        let mut ada = Account::new(AccountId::new("1"), OrganizationId::new("acme"), "ada@example.com");
        ada.identities.push(Identity::new(ConnectionId::new("acme").unwrap(), "00u1"));
        ada.last_sign_in = Some(now);
        for after in [TimeDelta::days(-90), TimeDelta::nanoseconds(-1), TimeDelta::MIN, TimeDelta::MAX] {
            assert!(unused_accounts([&ada], now, after).is_empty(), "{after}");
        }
        assert_eq!(unused_accounts([&ada], now + TimeDelta::seconds(1), TimeDelta::zero()).len(), 1);
    }
}
