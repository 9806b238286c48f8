//! Logout requests that wait for their answer, and logouts that are remembered.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use vouchsafe::crypto::{hexadecimal, own_sha256};
use vouchsafe::provisioning::{Identity, LoggedOut, session_index_text};
use vouchsafe::{PendingLogout, StoredPendingLogout};

use crate::{Answer, StoreError};

/// Keeps our logout requests until they are answered, and remembers the logouts that identity providers asked for.
///
/// An assertion that was issued before a logout and arrives after it must not begin a session (SAML Core 3.7.3.1): a
/// browser may be slow, and a copied response must not survive the logout. A logout is therefore remembered for a day,
/// which is longer than such assertions are valid, and compared with the time at which an assertion was issued. Both
/// times come from the identity provider's clock, so a person who signs in again later is not kept out
/// ([`may_be_logged_out`]).
///
/// ```
/// use vouchsafe::provisioning::LoggedOut;
/// use vouchsafe_store::{LogoutStore, Memory};
///
/// # async fn example(store: Memory, request: vouchsafe::LogoutRequest) -> Result<(), vouchsafe_store::StoreError> {
/// let logout = LoggedOut::of(&request);
/// store.remember_logout(&logout, request.issued_at(), request.accepted_at()).await?;
/// # Ok(())
/// # }
/// ```
pub trait LogoutStore: Send + Sync + std::fmt::Debug {
    /// Keeps a request under its [handle](PendingLogout::handle).
    fn keep_logout<'a>(&'a self, pending: &'a PendingLogout) -> Answer<'a, ()>;

    /// The request with this handle; it stays stored. An expired request is not found.
    fn find_logout<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingLogout>>;

    /// Removes a request and answers whether there was one. If many remove it at the same time, one of them is answered
    /// `true`.
    fn remove_logout<'a>(&'a self, handle: &'a str) -> Answer<'a, bool>;

    /// Records that the sessions that a logout [means](LoggedOut::means) and that began until then have ended. `now` is
    /// when it was received. Of several logouts the latest of each time is [kept](RememberedLogout::and).
    ///
    /// A store keeps it under each of its [keys](LoggedOut::keys), with each session index or, without an index, for
    /// every index. A logout of more than [`MOST_REMEMBERED_INDEXES`] counts for every index, so that one identity
    /// provider does not fill the store of all: a late assertion of another session of the person is then refused too, and
    /// the person signs in again. Only under the key of [any name](LoggedOut::any_name_key) each of its indexes is kept.
    ///
    /// If the store is also a [`Directory`](crate::Directory), every sign-in of the person that is under way is
    /// committed or refused before this answers. A caller that ends the sessions afterwards therefore misses none.
    fn remember_logout<'a>(
        &'a self,
        logout: &'a LoggedOut,
        issued_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()>;

    /// Returns the latest times of the logouts that apply to a session of this person with these session indexes,
    /// [each by itself](RememberedLogout::and). A logout under one of its [keys](Identity::logout_keys) applies if it is of one of the indexes or of every index. To a session
    /// without an index every logout under the first key applies, and no other.
    fn latest_logout<'a>(
        &'a self,
        person: &'a Identity,
        session_indexes: &'a [String],
    ) -> Answer<'a, Option<RememberedLogout>>;

    /// Deletes the expired requests and the logouts that need not be remembered any more, and answers how many there
    /// were together.
    fn sweep_logouts(&self, now: DateTime<Utc>) -> Answer<'_, u64>;
}

/// The maximum number of session indexes of one logout that are remembered one by one under a name.
pub const MOST_REMEMBERED_INDEXES: usize = 8;

/// How long a logout is remembered: one day. Where logouts count, an older assertion begins no session, since earlier
/// logouts are no longer known.
pub const LOGOUT_MEMORY: TimeDelta = TimeDelta::days(1);

/// The times of the remembered logouts: the latest of each. They need not be those of one logout, since the machines of
/// an identity provider may have different clocks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores of others make it")]
pub struct RememberedLogout {
    /// When the latest was issued, by the identity provider's clock.
    pub issued_at: DateTime<Utc>,
    /// When the last was received, by the clock of this service.
    pub received_at: DateTime<Utc>,
}

impl RememberedLogout {
    /// Both together: the later time of each kind. A logout that was received last may have been issued earlier, by the
    /// clock of another machine, and ends sessions nevertheless.
    ///
    /// ```
    /// use chrono::{DateTime, TimeDelta, Utc};
    /// use vouchsafe_store::RememberedLogout;
    ///
    /// let at: DateTime<Utc> = "2026-01-15T09:00:00Z".parse()?;
    /// let fast_clock = RememberedLogout { issued_at: at + TimeDelta::seconds(10), received_at: at };
    /// let received_last = RememberedLogout { issued_at: at, received_at: at + TimeDelta::seconds(1) };
    /// let both = fast_clock.and(received_last);
    /// assert_eq!((both.issued_at, both.received_at), (fast_clock.issued_at, received_last.received_at));
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            issued_at: self.issued_at.max(other.issued_at),
            received_at: self.received_at.max(other.received_at),
        }
    }

    /// Whether one of the logouts may have ended the session of an assertion that was issued at `issued_at`, by the identity
    /// provider's clock, in answer to a request of `asked_at`, by our clock.
    fn may_have_ended(&self, issued_at: DateTime<Utc>, asked_at: Option<DateTime<Utc>>) -> bool {
        // The request of the assertion did not exist before the last logout was received, so the assertion is newer, whatever the
        // clocks of the identity provider's machines say. Those of our own machines may differ a little.
        let certainly_later = self.received_at.checked_add_signed(OWN_CLOCKS_DIFFER);
        if asked_at.zip(certainly_later).is_some_and(|(asked, later)| asked > later) {
            return false;
        }
        // Many write their times in whole seconds. Such a time stands for any moment within its second.
        let written_in_seconds = |time: DateTime<Utc>| time.nanosecond() == 0;
        let (earliest, latest) = (self.issued_at, TimeDelta::milliseconds(999));
        let latest = if written_in_seconds(earliest) { earliest.checked_add_signed(latest) } else { None };
        if issued_at > latest.unwrap_or(earliest) {
            return false;
        }
        // Both are in the same second. An assertion that answers a request made after the logout was issued after the
        // logout.
        let is_same_second = issued_at.timestamp() == self.issued_at.timestamp();
        let is_open = is_same_second && (written_in_seconds(issued_at) || written_in_seconds(earliest));
        let asked_afterwards = asked_at.is_some_and(|asked| asked > self.received_at);
        !(is_open && asked_afterwards)
    }
}

/// How far the clocks of this service's machines may differ.
const OWN_CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(5);

/// Whether a logout may have ended the session of an assertion (SAML Core 3.7.3.1): one of the remembered logouts, or
/// one that is no longer remembered.
///
/// If the request that the assertion answers was made more than five seconds after the last logout was received, both by the
/// clock of this service, the assertion is newer. Otherwise the times of the identity provider decide:
///
/// The assertion was [issued](vouchsafe::Login::issued_at) at `issued_at`, by the clock of the identity provider that
/// also issued the logout. If both times are in the same second and one of them is in whole seconds, the request that
/// the assertion answers decides: if it was made at [`asked_at`](vouchsafe::Login::request_issued_at), by the clock of
/// this service, after the logout was received, the assertion is newer. A person who signs in again at once is
/// therefore not kept out. An assertion of that second that answers no request counts as issued before the logout.
///
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use vouchsafe_store::{RememberedLogout, may_be_logged_out};
///
/// let now: DateTime<Utc> = "2026-01-15T09:00:00.8Z".parse()?;
/// let second: DateTime<Utc> = "2026-01-15T09:00:00Z".parse()?;
/// let logout = Some(RememberedLogout { issued_at: second, received_at: second + TimeDelta::milliseconds(300) });
/// let (before, after) = (second + TimeDelta::milliseconds(200), second + TimeDelta::milliseconds(400));
/// assert!(may_be_logged_out(Some(second - TimeDelta::seconds(5)), Some(before), logout, now));
/// assert!(may_be_logged_out(Some(second), Some(before), logout, now));
/// assert!(!may_be_logged_out(Some(second), Some(after), logout, now));
/// assert!(!may_be_logged_out(Some(second + TimeDelta::seconds(5)), Some(before), logout, now));
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[must_use]
pub fn may_be_logged_out(
    issued_at: Option<DateTime<Utc>>,
    asked_at: Option<DateTime<Utc>>,
    latest: Option<RememberedLogout>,
    now: DateTime<Utc>,
) -> bool {
    let Some(issued_at) = issued_at else { return latest.is_some() };
    let remembered_since = now.checked_sub_signed(LOGOUT_MEMORY);
    latest.is_some_and(|logout| logout.may_have_ended(issued_at, asked_at))
        || remembered_since.is_some_and(|since| issued_at < since)
}

/// When a remembered logout may be deleted: an hour later than necessary, for clocks that differ.
pub(crate) fn remembered_until(now: DateTime<Utc>) -> DateTime<Utc> {
    let until = LOGOUT_MEMORY.checked_add(&TimeDelta::hours(1)).unwrap_or(LOGOUT_MEMORY);
    now.checked_add_signed(until).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The maximum length of a session index that is kept as it is, in bytes. Databases limit the keys of an index.
const LONGEST_INDEX: usize = 500;

/// The key of a session index in a store: the index, or its hash if it is long. An absent index differs from an empty
/// one.
pub(crate) fn index_key(session_index: Option<&str>) -> String {
    match session_index.map(session_index_text) {
        None => String::new(),
        Some(index) if index.len() <= LONGEST_INDEX => format!("={index}"),
        Some(long) => format!("#{}", hexadecimal(&own_sha256(long.as_bytes()))),
    }
}

/// Returns the pairs of names and session indexes under which a logout is remembered.
pub(crate) fn remembered_under(logout: &LoggedOut) -> Vec<(String, String)> {
    let indexes = logout.session_indexes();
    let of_each: Vec<String> = indexes.iter().map(|index| index_key(Some(index))).collect();
    let of_every = vec![index_key(None)];
    let of_name = if matches!(indexes.len(), 1..=MOST_REMEMBERED_INDEXES) { &of_each } else { &of_every };
    // With every index, the key of any name would mean everybody over the connection.
    let of_any_name = logout.any_name_key();
    let pairs = logout.keys().into_iter().flat_map(|key| {
        let indexes = if of_any_name.as_ref() == Some(&key) { &of_each } else { of_name };
        indexes.iter().map(|index| (key.clone(), index.clone())).collect::<Vec<_>>()
    });
    // One order, so that two transactions do not wait for each other.
    pairs.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns the keys in a store of the indexes of logouts that apply to a session with these indexes: those of the
/// indexes, and that of a logout of all sessions. If it is empty, every logout applies.
pub(crate) fn keys_that_mean(session_indexes: &[String]) -> Vec<String> {
    let of_all = (!session_indexes.is_empty()).then(|| index_key(None));
    of_all.into_iter().chain(session_indexes.iter().map(|index| index_key(Some(index)))).collect()
}

/// Returns the keys in a store of the names of logouts that apply to a session of this person with these indexes.
pub(crate) fn names_that_mean(person: &Identity, session_indexes: &[String]) -> Vec<String> {
    match session_indexes {
        [] => vec![person.key()],
        _ => person.logout_keys(),
    }
}

/// Parses a stored request, unless it has expired.
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

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn what_a_logout_may_have_ended() {
        let now = at("2026-11-24T12:00:00Z");
        let cases = [
            ("2026-11-24T11:59:00Z", None, false),
            ("2026-11-24T11:59:00Z", Some("2026-11-24T11:58:59Z"), false),
            ("2026-11-24T11:59:00Z", Some("2026-11-24T11:58:59.999Z"), false),
            ("2026-11-24T11:59:00Z", Some("2026-11-24T11:59:00Z"), true),
            ("2026-11-24T11:59:00.9Z", Some("2026-11-24T11:59:00Z"), true),
            ("2026-11-24T11:59:00Z", Some("2026-11-24T11:59:00.1Z"), true),
            // Times with fractions show which came first.
            ("2026-11-24T11:59:00.9Z", Some("2026-11-24T11:59:00.1Z"), false),
            ("2026-11-24T11:59:00.1Z", Some("2026-11-24T11:59:00.1Z"), true),
            ("2026-11-24T11:59:00.1Z", Some("2026-11-24T11:59:00.9Z"), true),
            ("2026-11-24T11:59:00Z", Some("2026-11-24T11:59:30Z"), true),
            // A logout from more than a day ago is forgotten, so the answer is unknown.
            ("2026-11-23T12:00:00Z", None, false),
            ("2026-11-23T11:59:59Z", None, true),
        ];
        for (issued_at, latest, expected) in cases {
            let latest =
                latest.map(|latest| RememberedLogout { issued_at: at(latest), received_at: at(latest) });
            assert_eq!(
                may_be_logged_out(Some(at(issued_at)), None, latest, now),
                expected,
                "{issued_at} {latest:?}"
            );
        }
        let latest = Some(RememberedLogout { issued_at: now, received_at: now });
        assert!(!may_be_logged_out(None, None, None, now) && may_be_logged_out(None, Some(now), latest, now));
    }

    /// The identity provider's machines have different clocks. Whoever asked after the logout is not kept out by them.
    #[test]
    fn a_request_after_the_logout_is_answered_by_a_newer_assertion() {
        let (now, received_at) = (at("2026-11-24T12:00:00Z"), at("2026-11-24T11:59:00Z"));
        let latest = Some(RememberedLogout { issued_at: at("2026-11-24T11:59:10Z"), received_at });
        let issued_at = Some(at("2026-11-24T11:59:07Z"));
        for (asked_at, expected) in [
            (None, true),
            (Some("2026-11-24T11:58:00Z"), true),
            (Some("2026-11-24T11:59:04Z"), true),
            (Some("2026-11-24T11:59:05Z"), true),
            (Some("2026-11-24T11:59:05.1Z"), false),
            (Some("2026-11-24T11:59:20Z"), false),
        ] {
            let actual = may_be_logged_out(issued_at, asked_at.map(at), latest, now);
            assert_eq!(actual, expected, "{asked_at:?}");
        }
    }

    /// The logout was received at 11:59:00.5 by our clock. The request decides only if the identity provider's times
    /// leave it open.
    #[test]
    fn in_the_second_of_a_logout_the_request_decides() {
        let (now, received_at) = (at("2026-11-24T12:00:00Z"), at("2026-11-24T11:59:00.5Z"));
        let (before, after) = ("2026-11-24T11:59:00.4Z", "2026-11-24T11:59:00.6Z");
        let cases = [
            ("2026-11-24T11:59:00Z", "2026-11-24T11:59:00Z", after, false),
            ("2026-11-24T11:59:00Z", "2026-11-24T11:59:00Z", before, true),
            ("2026-11-24T11:59:00Z", "2026-11-24T11:59:00Z", "2026-11-24T11:59:00.5Z", true),
            ("2026-11-24T11:59:00.7Z", "2026-11-24T11:59:00Z", after, false),
            ("2026-11-24T11:59:00.7Z", "2026-11-24T11:59:00Z", before, true),
            ("2026-11-24T11:59:00Z", "2026-11-24T11:59:00.45Z", after, false),
            ("2026-11-24T11:59:00Z", "2026-11-24T11:59:00.45Z", before, true),
            // A result that is certain by the identity provider's clock does not change.
            ("2026-11-24T11:59:00.3Z", "2026-11-24T11:59:00.45Z", after, true),
            ("2026-11-24T11:58:59Z", "2026-11-24T11:59:00Z", after, true),
            ("2026-11-24T11:58:59.9Z", "2026-11-24T11:59:00Z", after, true),
            ("2026-11-24T11:59:01Z", "2026-11-24T11:59:00Z", before, false),
            ("2026-11-24T11:59:00.46Z", "2026-11-24T11:59:00.45Z", before, false),
        ];
        for (issued_at, logout, asked_at, expected) in cases {
            let latest = Some(RememberedLogout { issued_at: at(logout), received_at });
            let actual = may_be_logged_out(Some(at(issued_at)), Some(at(asked_at)), latest, now);
            assert_eq!(actual, expected, "issued {issued_at}, logout {logout}, asked {asked_at}");
        }
    }
}
