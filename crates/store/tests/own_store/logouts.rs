//! Its sign-outs.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::{
    PendingLogout,
    provisioning::{Identity, LoggedOut},
};
use vouchsafe_store::{
    Answer, LOGOUT_MEMORY, LogoutStore, MOST_REMEMBERED_INDEXES, RememberedLogout, StoreError,
    forgotten_until,
};

use super::{Own, State, sweep};

impl LogoutStore for Own {
    fn keep_logout<'a>(&'a self, pending: &'a PendingLogout) -> Answer<'a, ()> {
        self.with(move |state| {
            state.logouts.insert(pending.handle().to_owned(), pending.to_stored());
            Ok(())
        })
    }

    fn find_logout<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingLogout>> {
        self.with(move |state| {
            let pending = state.logouts.get(handle).cloned().map(PendingLogout::from_stored).transpose();
            let pending = pending.map_err(|error| StoreError::damaged("pending logout", error))?;
            Ok(pending.filter(|pending| !pending.is_expired(now)))
        })
    }

    fn remove_logout<'a>(&'a self, handle: &'a str) -> Answer<'a, bool> {
        self.with(move |state| Ok(state.logouts.remove(handle).is_some()))
    }

    fn remember_logout<'a>(
        &'a self,
        logout: &'a LoggedOut,
        issued_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()> {
        self.with(move |state| {
            let times = RememberedLogout { issued_at, received_at: now };
            let new = (times, now.checked_add_signed(TimeDelta::days(1)).unwrap_or(now));
            let indexes = logout.session_indexes();
            let of_any_name = logout.any_name_key();
            for name in logout.keys() {
                let is_each = of_any_name.as_ref() == Some(&name) || indexes.len() <= MOST_REMEMBERED_INDEXES;
                let indexes: Vec<Option<String>> = match indexes {
                    [_, ..] if is_each => indexes.iter().cloned().map(Some).collect(),
                    _ => vec![None],
                };
                for index in &indexes {
                    let kept = state.remembered.entry((name.clone(), index.clone())).or_insert(new);
                    *kept = (kept.0.and(new.0), kept.1.max(new.1));
                }
            }
            Ok(())
        })
    }

    fn latest_logout<'a>(
        &'a self,
        person: &'a Identity,
        session_indexes: &'a [String],
    ) -> Answer<'a, Option<RememberedLogout>> {
        self.with(move |state| Ok(state.latest_logout(person, session_indexes)))
    }

    fn sweep_logouts(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.with(move |state| {
            let requests = sweep(&mut state.logouts, |pending| pending.expires_at <= now.timestamp());
            let newest = state.remembered.values().max_by_key(|(_, until)| *until);
            let newest = newest.map(|(logout, _)| logout.issued_at);
            let Some(before) = forgotten_until(now, newest, LOGOUT_MEMORY) else { return Ok(requests) };
            let is_over = |(logout, until): &(RememberedLogout, DateTime<Utc>)| {
                *until <= now && logout.issued_at <= before
            };
            let remembered = sweep(&mut state.remembered, is_over);
            Ok(requests.saturating_add(remembered))
        })
    }
}

impl State {
    pub(crate) fn latest_logout(
        &self,
        person: &Identity,
        session_indexes: &[String],
    ) -> Option<RememberedLogout> {
        let mut names = person.logout_keys();
        if session_indexes.is_empty() {
            names.truncate(1);
        }
        let is_meant = |of: &Option<String>| {
            session_indexes.is_empty() || of.as_ref().is_none_or(|of| session_indexes.contains(of))
        };
        let meant = self.remembered.iter().filter(|((one, of), _)| names.contains(one) && is_meant(of));
        meant.map(|(_, (logout, _))| *logout).reduce(RememberedLogout::and)
    }
}
