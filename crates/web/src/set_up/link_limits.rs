//! How often a set-up link may be used.

use std::sync::Arc;

use vouchsafe::{RequestLimiter, RequestRate};

type LinkLimiter = Arc<RequestLimiter<String>>;

/// Counts the uses of each link. Clones share the counts.
#[derive(Clone)]
pub(super) struct LinkLimits {
    /// Requests for metadata or to the DNS: 10 at once, and then one per second.
    pub(super) asked: LinkLimiter,
    /// Actions that are stored: 100 at once, and then one per second.
    pub(super) acted: LinkLimiter,
    /// Pages, whose metadata is parsed each time: 100 at once, and then two per second.
    pub(super) looked: LinkLimiter,
    /// Requests of any kind, each of which reads the organization's connections: 400 at once, and then ten per second.
    pub(super) came: LinkLimiter,
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
