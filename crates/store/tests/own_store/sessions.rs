//! Its sessions.

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::{AccountId, LoggedOut};
use vouchsafe_store::{Answer, Session, SessionId, SessionStore, StoreError};

use super::{Own, State, sweep};

impl SessionStore for Own {
    fn create<'a>(&'a self, id: &'a SessionId, session: &'a Session) -> Answer<'a, ()> {
        self.with(move |state| {
            let organization = state.organizations.get(&session.organization);
            let account = organization.and_then(|held| held.whole.account(&session.account));
            if account.is_some_and(|account| !account.is_active()) {
                return Err(StoreError::account_suspended(session.account.clone()));
            }
            state.sessions.insert(id.hash().to_owned(), session.clone());
            Ok(())
        })
    }

    fn find<'a>(&'a self, id: &'a SessionId, now: DateTime<Utc>) -> Answer<'a, Option<Session>> {
        self.with(move |state| {
            let found = state.sessions.get_mut(id.hash()).filter(|session| !session.is_over(now));
            Ok(found.map(|session| {
                if session.notes_use_since(now).is_some() {
                    session.last_used_at = now;
                }
                session.clone()
            }))
        })
    }

    fn revoke<'a>(&'a self, id: &'a SessionId) -> Answer<'a, bool> {
        self.with(move |state| Ok(state.sessions.remove(id.hash()).is_some()))
    }

    fn revoke_logged_out<'a>(&'a self, logout: &'a LoggedOut) -> Answer<'a, u64> {
        self.with(move |state| Ok(sweep(&mut state.sessions, |session| session.is_meant_by(logout))))
    }

    fn revoke_account<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        self.with(move |state| Ok(state.end_sessions_of(account)))
    }

    fn epoch<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        self.with(move |state| Ok(state.epochs.get(account).copied().unwrap_or_default()))
    }

    fn sweep_sessions(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.with(move |state| Ok(sweep(&mut state.sessions, |session| session.is_over(now))))
    }
}

impl State {
    pub(crate) fn end_sessions_of(&mut self, account: &AccountId) -> u64 {
        let epoch = self.epochs.entry(account.clone()).or_default();
        *epoch = epoch.saturating_add(1);
        sweep(&mut self.sessions, |session| session.account == *account)
    }
}
