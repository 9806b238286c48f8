//! The sessions of the people who are signed in.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Who is signed in, by the hash of the session's secret, and until when.
#[derive(Debug, Default)]
pub(crate) struct Sessions(HashMap<String, (String, DateTime<Utc>)>);

impl Sessions {
    /// How long a session lasts at most.
    pub(crate) const LIFETIME: Duration = Duration::from_secs(3600);

    /// Keeps a session, and removes those that are over and the browser's previous one.
    pub(crate) fn open(
        &mut self,
        (hash, user): (&str, &str),
        previous: Option<&str>,
        lifetime: Duration,
        now: DateTime<Utc>,
    ) {
        self.0.retain(|hash, (_, ends)| now < *ends && previous != Some(hash));
        let lasting = TimeDelta::from_std(lifetime).unwrap_or_default();
        let ends = now.checked_add_signed(lasting).unwrap_or(now);
        self.0.insert(hash.to_owned(), (user.to_owned(), ends));
    }

    /// Returns whose session this is, if it is not over.
    pub(crate) fn user(&self, hash: &str, now: DateTime<Utc>) -> Option<&str> {
        let (user, ends) = self.0.get(hash)?;
        (now < *ends).then_some(user.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_and_is_removed() {
        let start: DateTime<Utc> = "2026-11-29T09:00:00Z".parse().unwrap();
        let mut sessions = Sessions::default();
        let hour = Duration::from_secs(3600);
        sessions.open(("one", "ada"), None, hour, start);
        assert_eq!(sessions.user("one", start + TimeDelta::minutes(59)), Some("ada"));
        assert_eq!(sessions.user("one", start + TimeDelta::minutes(60)), None);
        sessions.open(("other", "grace"), None, hour, start + TimeDelta::minutes(60));
        assert_eq!(sessions.0.len(), 1);
        sessions.open(("third", "grace"), Some("other"), hour, start + TimeDelta::minutes(61));
        assert_eq!(sessions.0.keys().collect::<Vec<_>>(), ["third"]);
    }
}
