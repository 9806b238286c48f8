//! Logout requests that wait for their answer, and logouts that are remembered.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use vouchsafe::crypto::{hexadecimal, own_sha256};
use vouchsafe::provisioning::{Identity, LoggedOut, session_index_text};
use vouchsafe::{ConnectionId, PendingLogout, StoredPendingLogout};

use crate::{Answer, StoreError, forgotten_until};

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
    /// What is kept for one connection should be bounded: the stores of this crate keep at most 200,000 times for each, and
    /// a time may then count for a few other people over that connection too.
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
    /// were together. A clock of this service that is ahead must not make a store forget: the stores of this crate delete a
    /// logout only if the one that is remembered longest was issued 25 hours later ([`forgotten_until`]).
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
    now.checked_add_signed(memory()).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn memory() -> TimeDelta {
    LOGOUT_MEMORY.checked_add(&TimeDelta::hours(1)).unwrap_or(LOGOUT_MEMORY)
}

/// The maximum length of a session index that is kept as it is, in bytes.
#[cfg(feature = "redis")]
const LONGEST_INDEX: usize = 500;

/// The key of a session index in a store: the index, or its hash if it is long.
#[cfg(feature = "redis")]
pub(crate) fn index_key(session_index: &str) -> String {
    match session_index_text(session_index) {
        index if index.len() <= LONGEST_INDEX => format!("={index}"),
        long => format!("#{}", hexadecimal(&own_sha256(long.as_bytes()))),
    }
}

/// The logouts that a store remembers over one connection: each has one of 65,536 places for its name and index, and
/// those of one place have the latest time of any of them. What one identity provider makes a store keep is therefore
/// bounded, however many logouts it asks for. With many logouts at one time, a late assertion of another person may
/// count as logged out too; that person signs in again.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Remembered {
    /// The key of the connection.
    pub(crate) connection: String,
    /// The places.
    pub(crate) places: Vec<String>,
}

impl Remembered {
    /// Returns the places of a logout.
    pub(crate) fn of(logout: &LoggedOut) -> Remembered {
        let (indexes, of_any_name) = (logout.session_indexes(), logout.any_name_key());
        let mut places = BTreeSet::new();
        for key in logout.keys() {
            // With every index, the key of any name would mean everybody over the connection.
            let is_any_name = of_any_name.as_ref() == Some(&key);
            if is_any_name || matches!(indexes.len(), 1..=MOST_REMEMBERED_INDEXES) {
                places.extend(indexes.iter().map(|index| place_of_index(&key, index)));
                places.extend((!is_any_name).then(|| place('o', &key, "")));
            } else {
                places.insert(place('e', &key, ""));
            }
        }
        // One order, so that two transactions do not wait for each other.
        Remembered {
            connection: place_of_connection(logout.connection()),
            places: places.into_iter().collect(),
        }
    }

    /// Returns the places of the logouts that apply to a session of this person with these indexes.
    pub(crate) fn that_mean(person: &Identity, session_indexes: &[String]) -> Remembered {
        let connection = place_of_connection(&person.connection);
        if session_indexes.is_empty() {
            let key = person.key();
            return Remembered { connection, places: vec![place('e', &key, ""), place('o', &key, "")] };
        }
        let of_key = |key: String| {
            let of_indexes = session_indexes.iter().map(|index| place_of_index(&key, index));
            of_indexes.chain([place('e', &key, "")]).collect::<Vec<_>>()
        };
        Remembered { connection, places: person.logout_keys().into_iter().flat_map(of_key).collect() }
    }
}

fn place_of_connection(connection: &ConnectionId) -> String {
    hexadecimal(&own_sha256(connection.as_str().as_bytes()))
}

fn place_of_index(key: &str, session_index: &str) -> String {
    place('i', key, session_index_text(session_index))
}

/// Returns the place for a name and a session index (`i`), for a name with one index or another (`o`), or for a name with
/// every index (`e`).
fn place(kind: char, key: &str, index: &str) -> String {
    let hash = own_sha256(format!("{}:{key}{index}", key.len()).as_bytes());
    format!("{kind}{}", hexadecimal(hash.get(..2).unwrap_or_default()))
}

/// Remembered logouts that were issued by then may be deleted, if their time is over: `newest` is the issue time of the
/// logout that is remembered longest. That time is an identity provider's, so a clock of ours that is ahead makes no store
/// forget.
pub(crate) fn forgotten_before(now: DateTime<Utc>, newest: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    forgotten_until(now, newest, memory())
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

    /// However many logouts an identity provider asks for, and with whatever names, the number of places is bounded.
    #[test]
    fn the_places_of_a_connection_are_bounded() {
        let connection = ConnectionId::new("acme").unwrap();
        let mut places = BTreeSet::new();
        for number in 0..40_000 {
            let person = Identity::new(connection.clone(), format!("{number}{}", "long".repeat(200)));
            let indexes: Vec<String> = (0..8).map(|index| format!("{number} {index}")).collect();
            let logout = LoggedOut::sessions(person.clone(), &indexes).named_with(None, None, None);
            for logout in [logout.clone().by_session_index(true), logout, LoggedOut::all_of(person)] {
                let remembered = Remembered::of(&logout);
                assert_eq!(remembered.connection.len(), 64);
                places.extend(remembered.places);
            }
        }
        assert!(places.len() <= 3 * 65_536 && places.iter().all(|place| place.len() == 5));
    }

    /// Each logout means its own session, and no other one.
    #[test]
    fn a_logout_has_a_place_of_each_session_that_it_means() {
        let person = |name: &str| Identity::new(ConnectionId::new("acme").unwrap(), name);
        let is_meant = |logout: &LoggedOut, name: &str, indexes: &[&str]| {
            let indexes: Vec<String> = indexes.iter().map(|&index| index.to_owned()).collect();
            let (of, that_mean) = (Remembered::of(logout), Remembered::that_mean(&person(name), &indexes));
            assert_eq!(of.connection, that_mean.connection);
            of.places.iter().any(|place| that_mean.places.contains(place))
        };
        for (logout, index, other_index, none, other_name) in [
            (LoggedOut::all_of(person("ada")), true, true, true, false),
            (LoggedOut::sessions(person("ada"), Some("s1")), true, false, true, false),
            (LoggedOut::sessions(person("eve"), Some("s1")).by_session_index(true), true, false, false, true),
        ] {
            assert_eq!(is_meant(&logout, "ada", &["s1"]), index, "{logout:?}");
            assert_eq!(is_meant(&logout, "ada", &["s2"]), other_index, "{logout:?}");
            assert_eq!(is_meant(&logout, "ada", &[]), none, "{logout:?}");
            assert_eq!(is_meant(&logout, "bob", &["s1"]), other_name, "{logout:?}");
        }
        let elsewhere = person("ada").over(ConnectionId::new("other").unwrap());
        let all = Remembered::of(&LoggedOut::all_of(elsewhere));
        assert_ne!(all.connection, Remembered::that_mean(&person("ada"), &[]).connection);
    }

    /// Neither a clock that is ahead, nor the newest logout alone, makes a store forget.
    #[test]
    fn a_clock_that_is_ahead_forgets_no_logout() {
        let newest = at("2026-11-24T12:00:00Z");
        let until = at("2026-11-23T11:00:00Z");
        for (now, newest, expected) in [
            (newest, Some(newest), Some(until)),
            (newest + TimeDelta::days(400), Some(newest), Some(until)),
            (newest, Some(newest + TimeDelta::days(400)), Some(until)),
            (newest, None, None),
        ] {
            assert_eq!(forgotten_before(now, newest), expected);
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
