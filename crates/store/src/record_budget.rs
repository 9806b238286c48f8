//! How many changes of its metadata a connection may have listed in the audit in an hour.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::metadata::{ChangeSubject, MetadataChange};

use crate::audit::hour_of;

/// How many changes of a connection's metadata the audit has listed in this hour, and the changes that no record tells yet.
///
/// The source of metadata decides how often and how much it changes, and records are kept for good. So at most
/// [`AN_HOUR`](Self::AN_HOUR) changes of one connection get a record each in an hour. Further changes are counted by their
/// kinds, and the next record of the connection is followed by one with the counts. A change of keys, addresses or scopes
/// never waits for that: it is recorded when it is written, with the keys, addresses and scopes that are there afterwards (keys first, as far as they have room in the record; the key history has each key).
///
/// A store keeps it with the connection. Nobody else changes it: [`StoredConnection::in_place_of`](crate::StoredConnection::in_place_of)
/// ignores what a caller says.
///
/// ```
/// use vouchsafe_store::RecordBudget;
///
/// let budget: RecordBudget = serde_json::from_str("{}")?;
/// assert_eq!((budget.clone(), budget.untold()), (RecordBudget::default(), 0));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RecordBudget {
    /// The hour that was spent in, counted from 1970-01-01T00:00:00Z.
    hour: i64,
    spent: usize,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    counts: BTreeMap<Kind, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<DateTime<Utc>>,
}

/// Changes that no record tells.
pub(crate) struct Untold {
    pub(crate) counts: BTreeMap<Kind, usize>,
    /// The time of the first of them.
    pub(crate) since: DateTime<Utc>,
}

/// The kinds of changes. The first ones decide who can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Key,
    SingleSignOn,
    Scope,
    Description,
    OtherEndpoint,
    End,
}

impl Kind {
    pub(crate) fn of(change: &MetadataChange) -> Kind {
        let is_single_sign_on = || {
            let values = [change.before(), change.after()];
            values.into_iter().flatten().any(|value| value.starts_with("SingleSignOnService"))
        };
        match change.subject() {
            ChangeSubject::Key => Kind::Key,
            ChangeSubject::Endpoint if is_single_sign_on() => Kind::SingleSignOn,
            ChangeSubject::Endpoint => Kind::OtherEndpoint,
            ChangeSubject::Scope => Kind::Scope,
            _ => Kind::Description,
        }
    }

    /// Whether a change is recorded when it is written, even if the budget of the connection is used up.
    pub(crate) fn is_told_at_once(self) -> bool {
        matches!(self, Kind::Key | Kind::SingleSignOn | Kind::Scope | Kind::OtherEndpoint)
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Kind::Key => "keys",
            Kind::SingleSignOn => "single sign-on addresses",
            Kind::Scope => "scopes",
            Kind::Description => "descriptions",
            Kind::OtherEndpoint => "other endpoints",
            Kind::End => "sooner ends",
        }
    }
}

impl RecordBudget {
    /// The most changes of one connection's metadata that get a record each in an hour.
    pub const AN_HOUR: usize = 64;

    /// The number of changes that no record tells yet.
    #[must_use]
    pub fn untold(&self) -> usize {
        self.counts.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Takes room for so many records, and returns how many there is room for. A clock that was more than an hour ahead
    /// and was set back does not use up the time until then.
    pub(crate) fn take(&mut self, wanted: usize, at: DateTime<Utc>) -> usize {
        if wanted == 0 {
            return 0;
        }
        let hour = hour_of(at);
        if hour > self.hour || hour < self.hour.saturating_sub(1) {
            (self.hour, self.spent) = (hour, 0);
        }
        let taken = wanted.min(Self::AN_HOUR.saturating_sub(self.spent));
        self.spent = self.spent.saturating_add(taken);
        taken
    }

    /// Counts a change that gets no record of its own.
    pub(crate) fn leave_out(&mut self, kind: Kind, at: DateTime<Utc>) {
        let count = self.counts.entry(kind).or_default();
        *count = count.saturating_add(1);
        self.since.get_or_insert(at);
    }

    /// Returns the changes that no record tells yet, because one is written now.
    pub(crate) fn tell(&mut self) -> Option<Untold> {
        let since = self.since.take()?;
        Some(Untold { counts: std::mem::take(&mut self.counts), since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn each_hour_has_its_own_room() {
        let mut budget = RecordBudget::default();
        assert_eq!(budget.take(60, at(7_200)), 60);
        assert_eq!(budget.take(60, at(10_799)), RecordBudget::AN_HOUR - 60);
        // Another machine's clock is a little behind.
        assert_eq!(budget.take(1, at(7_199)), 0);
        assert_eq!(budget.take(100, at(10_800)), RecordBudget::AN_HOUR);
        // A clock was a year ahead.
        assert_eq!(budget.take(1, at(31_536_000)), 1);
        assert_eq!(budget.take(100, at(10_801)), RecordBudget::AN_HOUR);
    }

    #[test]
    fn what_is_left_out_is_told_once_and_stored_until_then() {
        let mut budget = RecordBudget::default();
        assert!(budget.tell().is_none());
        for second in 0..3 {
            budget.leave_out(Kind::Description, at(second));
        }
        budget.leave_out(Kind::Key, at(3));
        let text = serde_json::to_string(&budget).unwrap();
        let mut budget: RecordBudget = serde_json::from_str(&text).unwrap();
        assert_eq!(budget.untold(), 4);
        let untold = budget.tell().unwrap();
        assert_eq!(untold.since, at(0));
        assert_eq!(untold.counts, BTreeMap::from([(Kind::Key, 1), (Kind::Description, 3)]));
        assert_eq!(budget.untold(), 0);
        assert!(budget.tell().is_none());
    }
}
