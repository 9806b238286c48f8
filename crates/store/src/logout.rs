//! Sign-outs on their way, and logouts to be remembered.

use chrono::{DateTime, TimeDelta, Utc};
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
