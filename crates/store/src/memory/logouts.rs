//! Sign-outs in memory.

use chrono::{DateTime, Utc};
use vouchsafe::PendingLogout;
use vouchsafe::provisioning::{Identity, LoggedOut};

use super::{Memory, State, sweep};
use crate::logout::{Remembered, forgotten_before, opened, remembered_until};
use crate::{Answer, LogoutStore, RememberedLogout};

/// A remembered logout, and until when it is remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
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
            let new = Kept { logout: times, until: remembered_until(now) };
            let Remembered { connection, places } = Remembered::of(logout);
            let of_connection = state.remembered.entry(connection).or_default();
            for place in places {
                let kept = of_connection.entry(place).or_insert(new);
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
            let newest = state.remembered.values().flat_map(|places| places.values());
            let newest = newest.max_by_key(|kept| kept.until).map(|kept| kept.logout.issued_at);
            let Some(forgotten) = forgotten_before(now, newest) else { return Ok(requests) };
            let is_over = |kept: &Kept| kept.until <= now && kept.logout.issued_at <= forgotten;
            let remembered = state.remembered.values_mut().map(|places| sweep(places, is_over));
            let remembered = remembered.fold(0, u64::saturating_add);
            state.remembered.retain(|_, places| !places.is_empty());
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
        let Remembered { connection, places } = Remembered::that_mean(person, session_indexes);
        let of_connection = self.remembered.get(&connection)?;
        let meant = places.iter().filter_map(|place| of_connection.get(place));
        meant.map(|kept| kept.logout).reduce(RememberedLogout::and)
    }
}
