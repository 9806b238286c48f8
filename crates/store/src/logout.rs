//! Sign-outs on their way, and logouts to be remembered.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use vouchsafe::provisioning::Identity;
use vouchsafe::{PendingLogout, StoredPendingLogout};

use crate::{Answer, StoreError};

/// Keeps logout requests of ours until they are answered, and remembers those of identity providers.
///
/// An assertion that was issued before a logout and arrives after it begins no session (SAML Core 3.7.3.1): a browser may be slow, and a
/// copied response must not outlive the logout. So a logout is remembered for a day, which is
/// longer than such assertions are good, and compared with the time at which an assertion was issued: both times are the identity provider's, and
/// whoever signs in again later is not kept out.
///
/// ```
/// use vouchsafe::provisioning::Identity;
/// use vouchsafe_store::{LogoutStore, Memory};
///
/// # async fn example(store: Memory, request: vouchsafe::LogoutRequest) -> Result<(), vouchsafe_store::StoreError> {
/// let person = Identity::of_logout_request(&request);
/// store.remember_logout(&person, None, request.issued_at(), request.accepted_at()).await?;
/// # Ok(())
/// # }
/// ```
pub trait LogoutStore: Send + Sync + std::fmt::Debug {
    /// Keeps a request under its [handle](PendingLogout::handle).
    fn keep_logout<'a>(&'a self, pending: &'a PendingLogout) -> Answer<'a, ()>;

    /// The request under a handle, which stays. One whose time is over is not there.
    fn find_logout<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingLogout>>;

    /// Removes a request; whether there was one. Of many at the same time one is told that there was.
    fn remove_logout<'a>(&'a self, handle: &'a str) -> Answer<'a, bool>;

    /// Remembers that the sessions of a person ended which began by then: all of them, or that of a session index. Of several the latest
    /// counts.
    ///
    /// Where the store is a [`Directory`](crate::Directory) too, every sign-in of the person that is under way is committed before this
    /// answers, or refused: whoever ends the sessions afterwards misses none.
    fn remember_logout<'a>(
        &'a self,
        person: &'a Identity,
        session_index: Option<&'a str>,
        issued_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()>;

    /// When the latest logout was issued that means a session of this person with this session index.
    fn latest_logout<'a>(
        &'a self,
        person: &'a Identity,
        session_index: Option<&'a str>,
    ) -> Answer<'a, Option<DateTime<Utc>>>;

    /// Forgets the requests whose time is over, and what need not be remembered any more; how many of both.
    fn sweep_logouts(&self, now: DateTime<Utc>) -> Answer<'_, u64>;
}

/// How long a logout is remembered: a day. An assertion that is older when it comes begins no session where logouts count, since nobody
/// knows what was before.
pub const LOGOUT_MEMORY: TimeDelta = TimeDelta::days(1);

/// Whether the session of an assertion that was issued then may have been ended by a logout (SAML Core 3.7.3.1): by the latest that is
/// remembered, or by one that is forgotten by now.
///
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use vouchsafe_store::may_be_logged_out;
///
/// let now: DateTime<Utc> = "2026-01-15T09:00:00Z".parse()?;
/// let logout = now - TimeDelta::minutes(1);
/// assert!(may_be_logged_out(Some(logout - TimeDelta::seconds(5)), Some(logout), now));
/// assert!(!may_be_logged_out(Some(logout + TimeDelta::seconds(5)), Some(logout), now));
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[must_use]
pub fn may_be_logged_out(
    issued_at: Option<DateTime<Utc>>,
    latest: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> bool {
    let Some(issued_at) = issued_at else { return latest.is_some() };
    let remembered_since = now.checked_sub_signed(LOGOUT_MEMORY);
    // Many write their times in whole seconds: what was issued in the second of the logout counts as issued before it.
    latest.is_some_and(|logout| issued_at.trunc_subsecs(0) <= logout)
        || remembered_since.is_some_and(|since| issued_at < since)
}

/// Until when a logout is remembered, with an hour more for clocks that differ.
pub(crate) fn remembered_until(now: DateTime<Utc>) -> DateTime<Utc> {
    let until = LOGOUT_MEMORY.checked_add(&TimeDelta::hours(1)).unwrap_or(LOGOUT_MEMORY);
    now.checked_add_signed(until).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The name of the session index in a store: no index is another than an empty one.
pub(crate) fn index_key(session_index: Option<&str>) -> String {
    session_index.map_or_else(String::new, |index| format!("={index}"))
}

/// What was kept, as a request, unless its time is over.
pub(crate) fn opened(
    stored: Option<StoredPendingLogout>,
    now: DateTime<Utc>,
) -> Result<Option<PendingLogout>, StoreError> {
    let pending = stored.map(PendingLogout::from_stored).transpose();
    let pending = pending.map_err(|error| StoreError::damaged("pending logout", error))?;
    Ok(pending.filter(|pending| !pending.is_expired(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_logout_may_have_ended() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = at("2026-11-24T12:00:00Z");
        let cases = [
            ("2026-11-24T11:59:00Z", None, false),
            ("2026-11-24T11:59:00Z", Some("2026-11-24T11:58:59Z"), false),
            ("2026-11-24T11:59:00Z", Some("2026-11-24T11:59:00Z"), true),
            ("2026-11-24T11:59:00.9Z", Some("2026-11-24T11:59:00.1Z"), true),
            ("2026-11-24T11:59:00Z", Some("2026-11-24T11:59:30Z"), true),
            // A logout of before a day ago is forgotten, so nobody knows.
            ("2026-11-23T12:00:00Z", None, false),
            ("2026-11-23T11:59:59Z", None, true),
        ];
        for (issued_at, latest, expected) in cases {
            let latest = latest.map(at);
            assert_eq!(
                may_be_logged_out(Some(at(issued_at)), latest, now),
                expected,
                "{issued_at} {latest:?}"
            );
        }
        assert!(!may_be_logged_out(None, None, now) && may_be_logged_out(None, Some(now), now));
    }
}
