//! The last sign-ins and logouts, without personal data.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use vouchsafe::Ledger;
use vouchsafe::doctor::Exhibit;

/// The maximum number of events.
const MOST: usize = 50;

/// A sign-in or a logout.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) at: DateTime<Utc>,
    pub(super) what: What,
    /// The issuer, as the identity provider or an unverified message names it.
    pub(super) issuer: Option<String>,
    pub(super) ledger: Ledger,
}

/// The kind of event.
#[derive(Clone, Debug)]
pub(super) enum What {
    Accepted,
    Refused(Box<Refusal>),
    /// The session in this service ended.
    LoggedOut,
    /// An identity provider changed or ended the name of a person, with whose sessions here it is over.
    NameChanged,
}

/// The reason why a sign-in was refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) hint: String,
    /// The doctor's findings about the response.
    pub(super) doctor: Option<Exhibit>,
}

/// The last events.
#[derive(Debug, Default)]
pub(super) struct History {
    events: Mutex<VecDeque<Event>>,
}

impl History {
    pub(super) fn keep(&self, event: Event) {
        let mut events = self.events();
        if events.len() >= MOST {
            events.pop_back();
        }
        events.push_front(event);
    }

    /// Returns the events, the newest first.
    pub(super) fn all(&self) -> Vec<Event> {
        self.events().iter().cloned().collect()
    }

    fn events(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
