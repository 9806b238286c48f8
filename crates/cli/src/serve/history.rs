//! The last sign-ins and logouts, without anything personal.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use vouchsafe::Ledger;
use vouchsafe::doctor::Exhibit;

/// How many are kept.
const MOST: usize = 50;

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) at: DateTime<Utc>,
    pub(super) what: What,
    /// Who the identity provider is, or says to be.
    pub(super) issuer: Option<String>,
    pub(super) ledger: Ledger,
}

/// What happened.
#[derive(Clone, Debug)]
pub(super) enum What {
    Accepted,
    Refused(Box<Refusal>),
    /// The session here ended.
    LoggedOut,
}

/// Why a sign-in was refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) hint: String,
    /// What the doctor says of the response.
    pub(super) doctor: Option<Exhibit>,
}

/// The last of them.
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

    /// The newest first.
    pub(super) fn all(&self) -> Vec<Event> {
        self.events().iter().cloned().collect()
    }

    fn events(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
