//! How often a set-up link may be used.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use vouchsafe::{RequestLimiter, RequestRate};
use vouchsafe_store::SetUpLink;

use super::error::SetUpError;

type LinkLimiter = Arc<RequestLimiter<String>>;

/// Counts the uses of each link. Clones share the counts.
#[derive(Clone)]
pub(super) struct LinkLimits {
    /// Requests for metadata or to the DNS: 10 at once, and then one per second.
    asked: LinkLimiter,
    /// Actions that are stored: 100 at once, and then one per second.
    acted: LinkLimiter,
    /// Pages, whose metadata is parsed each time: 100 at once, and then two per second.
    looked: LinkLimiter,
    /// Requests of any kind, each of which reads the organization's connections: 400 at once, and then ten per second.
    came: LinkLimiter,
}

impl Default for LinkLimits {
    fn default() -> LinkLimits {
        let limiter = |burst, per_second| Arc::new(RequestLimiter::new(RequestRate { burst, per_second }));
        LinkLimits {
            asked: limiter(10, 1),
            acted: limiter(100, 1),
            looked: limiter(100, 2),
            came: limiter(400, 10),
        }
    }
}

impl LinkLimits {
    /// Counts an action of a link that costs others or the store much: a request for metadata or to the DNS, or the answer
    /// to a trial.
    pub(super) fn count_asked(&self, link: &SetUpLink, now: DateTime<Utc>) -> Result<(), SetUpError> {
        counted(&self.asked, link, now)
    }

    /// Counts an action of a link that is stored: its forms.
    pub(super) fn count_act(&self, link: &SetUpLink, now: DateTime<Utc>) -> Result<(), SetUpError> {
        counted(&self.acted, link, now)
    }

    /// Counts a page that is shown.
    pub(super) fn count_look(&self, link: &SetUpLink, now: DateTime<Utc>) -> Result<(), SetUpError> {
        counted(&self.looked, link, now)
    }

    /// Counts a request with a link, before anything of the organization is read.
    pub(super) fn count_request(&self, link: &SetUpLink, now: DateTime<Utc>) -> Result<(), SetUpError> {
        counted(&self.came, link, now)
    }
}

/// Counts one action of a link.
fn counted(limiter: &LinkLimiter, link: &SetUpLink, now: DateTime<Utc>) -> Result<(), SetUpError> {
    limiter.take(&link.id, now).map_err(|retry_after| SetUpError::TooOften { retry_after })
}
