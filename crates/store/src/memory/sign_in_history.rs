//! Recorded sign-ins in memory.

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::{Account, AccountId, OrganizationId};

use super::{Memory, State};
use crate::{Answer, HistoryLimits, RecordedSignIn, SignInHistory, StoreError};

impl SignInHistory for Memory {
    fn keep_sign_in<'a>(&'a self, sign_in: &'a RecordedSignIn, limits: HistoryLimits) -> Answer<'a, ()> {
        self.with(move |state| {
            let held = state.held(&sign_in.organization)?;
            if held.whole.account(&sign_in.account).is_none() {
                return Err(StoreError::damaged(
                    "recorded sign-in",
                    "it is of no account of the organization",
                ));
            }
            state.sign_ins.push(sign_in.clone());
            let oldest = limits.oldest(sign_in.at);
            let is_own = |one: &RecordedSignIn| one.organization == sign_in.organization;
            let own = state.sign_ins.iter().filter(|one| is_own(one)).count();
            let mut beyond = own.saturating_sub(limits.most());
            state.sign_ins.retain(|one| {
                if !is_own(one) {
                    return true;
                }
                let is_beyond = beyond > 0;
                beyond = beyond.saturating_sub(1);
                !is_beyond && one.at >= oldest
            });
            Ok(())
        })
    }

    fn recorded_sign_ins<'a>(
        &'a self,
        organization: &'a OrganizationId,
        most: usize,
    ) -> Answer<'a, Vec<RecordedSignIn>> {
        self.with(move |state| {
            let own = state.sign_ins.iter().rev().filter(|one| one.organization == *organization);
            let mut last: Vec<RecordedSignIn> = own.take(most).cloned().collect();
            last.reverse();
            Ok(last)
        })
    }

    fn forget_sign_ins_of<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        self.with(move |state| Ok(state.forget_sign_ins(|one| one.account == *account)))
    }

    fn sweep_sign_ins(&self, before: DateTime<Utc>) -> Answer<'_, u64> {
        self.with(move |state| Ok(state.forget_sign_ins(|one| one.at < before)))
    }
}

impl State {
    /// Deletes the sign-ins of accounts that were deleted.
    pub(super) fn forget_sign_ins_of_deleted(&mut self, accounts: &[Account]) {
        self.forget_sign_ins(|one| {
            accounts.iter().any(|account| account.id == one.account && account.is_deleted())
        });
    }

    fn forget_sign_ins(&mut self, is_forgotten: impl Fn(&RecordedSignIn) -> bool) -> u64 {
        let before = self.sign_ins.len();
        self.sign_ins.retain(|one| !is_forgotten(one));
        u64::try_from(before.saturating_sub(self.sign_ins.len())).unwrap_or(u64::MAX)
    }
}
