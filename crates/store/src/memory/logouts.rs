//! Sign-outs in memory.

use chrono::{DateTime, Utc};
use vouchsafe::PendingLogout;
use vouchsafe::provisioning::{Identity, LoggedOut};

use super::{Memory, State, sweep};
use crate::logout::{keys_that_mean, names_that_mean, opened, remembered_under, remembered_until};
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
        logout: &'a LoggedOut,
        issued_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()> {
        self.with(move |state| {
            let times = RememberedLogout { issued_at, received_at: now };
            let new = Remembered { logout: times, until: remembered_until(now) };
            for (name, index) in remembered_under(logout) {
                let kept = state.remembered.entry(name).or_default().entry(index).or_insert(new);
                kept.logout = kept.logout.and(times);
                kept.until = kept.until.max(new.until);
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
        let keys = keys_that_mean(session_indexes);
        let names = names_that_mean(person, session_indexes);
        let of_names = names.iter().filter_map(|name| self.remembered.get(name));
        let meant = of_names.flat_map(|of_name| match keys.as_slice() {
            [] => of_name.values().collect::<Vec<_>>(),
            keys => keys.iter().filter_map(|key| of_name.get(key)).collect(),
        });
        meant.map(|kept| kept.logout).reduce(RememberedLogout::and)
    }
}
