//! Sign-outs in memory.

use chrono::{DateTime, Utc};
use vouchsafe::PendingLogout;
use vouchsafe::provisioning::Identity;

use super::{Memory, State, sweep};
use crate::logout::{index_key, keys_that_mean, opened, remembered_until};
use crate::{Answer, LogoutStore, RememberedLogout};

/// A remembered logout, and until when it is remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remembered {
    logout: RememberedLogout,
    until: DateTime<Utc>,
}

impl LogoutStore for Memory {
    fn keep_logout<'a>(&'a self, pending: &'a PendingLogout) -> Answer<'a, ()> {
        self.with(move |state| {
            state.logouts.insert(pending.handle().to_owned(), pending.to_stored());
            Ok(())
        })
    }

    fn find_logout<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingLogout>> {
        self.with(move |state| opened(state.logouts.get(handle).cloned(), now))
    }

    fn remove_logout<'a>(&'a self, handle: &'a str) -> Answer<'a, bool> {
        self.with(move |state| Ok(state.logouts.remove(handle).is_some()))
    }

    fn remember_logout<'a>(
        &'a self,
        person: &'a Identity,
        session_index: Option<&'a str>,
        issued_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()> {
        self.with(move |state| {
            let logout = RememberedLogout { issued_at, received_at: now };
            let new = Remembered { logout, until: remembered_until(now) };
            let of_person = state.remembered.entry(person.key()).or_default();
            let kept = of_person.entry(index_key(session_index)).or_insert(new);
            if kept.logout < logout {
                *kept = new;
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
            let of_people = state.remembered.values_mut();
            let remembered = of_people.map(|of_person| sweep(of_person, |kept| kept.until <= now));
            let remembered = remembered.fold(0, u64::saturating_add);
            state.remembered.retain(|_, of_person| !of_person.is_empty());
            Ok(requests.saturating_add(remembered))
        })
    }
}

impl State {
    pub(super) fn latest_logout(
        &self,
        person: &Identity,
        session_indexes: &[String],
    ) -> Option<RememberedLogout> {
        let of_person = self.remembered.get(&person.key())?;
        if session_indexes.is_empty() {
            return of_person.values().map(|kept| kept.logout).max();
        }
        let keys = keys_that_mean(session_indexes);
        keys.iter().filter_map(|key| of_person.get(key)).map(|kept| kept.logout).max()
    }
}
