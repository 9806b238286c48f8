//! Limits how many responses are checked at a time.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::time::timeout;
use vouchsafe::ClientNetwork;

use crate::error::HttpError;
use crate::places::{Place, Places, Queue, Wait};
use crate::receive_group::ReceiveGroup;

/// Limits how many responses are checked at a time: altogether, for one client address, and over one connection or of
/// one claimed issuer ([`ReceiveGroup`]).
///
/// Anybody can make the service compute by posting a response. The limits of [`vouchsafe::Limits`] bound the cost of
/// one response. This limiter bounds how many expensive ones are checked at the same time, and prevents one customer
/// from using all places.
///
/// Further responses [wait](Self::queue), so that a company whose people all sign in at nine o'clock sees no refusal.
/// The number of waiting responses, their [bytes](Self::queue_bytes) and the waiting time of a few seconds are
/// limited. Beyond that, the answer has status 429 for the address and 503 otherwise, and `Retry-After`.
///
/// It remembers only what is being checked and what waits, so its memory is bounded by these numbers. Clones share
/// it.
///
/// ```
/// use std::time::Duration;
/// use vouchsafe_web::ReceiveLimiter;
///
/// let limiter = ReceiveLimiter::new(64).per_client_address(8).per_connection(16).queue(1024, Duration::from_secs(5));
/// # let _ = limiter;
/// ```
#[derive(Clone, Debug)]
pub struct ReceiveLimiter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    all: Arc<Places<()>>,
    addresses: Arc<Places<ClientNetwork>>,
    groups: Arc<Places<ReceiveGroup>>,
    /// Look-ups that take long. Each holds a parsed response, but no place among all.
    look_ups: Arc<Places<()>>,
    queue: Queue,
    /// What waits to be carried out, so that it does not use up the queue of the checks.
    carried_out: Queue,
}

/// The number of look-ups that take long for each place among all.
const LOOK_UPS_PER_PLACE: usize = 4;
/// The time for which a look-up keeps the place among all.
const SHORT_LOOK_UP: Duration = Duration::from_millis(50);

impl Default for ReceiveLimiter {
    /// Allows 64 at a time, 8 of one client address, 16 over one connection; 1024 more, with 64 MiB together, wait
    /// for at most five seconds.
    fn default() -> ReceiveLimiter {
        ReceiveLimiter::new(64)
    }
}

impl ReceiveLimiter {
    /// Allows this number at a time, with defaults for everything else. 0 counts as 1.
    #[must_use]
    pub fn new(all: usize) -> ReceiveLimiter {
        ReceiveLimiter(Arc::new(Shared {
            all: Places::of_all(all),
            addresses: Places::new(8),
            groups: Places::new(16),
            look_ups: Places::new(all.saturating_mul(LOOK_UPS_PER_PLACE)),
            queue: Queue::new(1024, 64 * 1024 * 1024, Duration::from_secs(5)),
            carried_out: Queue::new(1024, 64 * 1024 * 1024, Duration::from_secs(5)),
        }))
    }

    /// Sets the number for one client address; for an IPv6 address, the first 64 bits count. 0 counts as 1.
    #[must_use]
    pub fn per_client_address(self, limit: usize) -> ReceiveLimiter {
        self.changed(|shared| shared.addresses = Places::new(limit))
    }

    /// Sets the number over one connection, and the number of one claimed issuer where it is not known yet which
    /// connection is meant ([`ReceiveGroup`]). 0 counts as 1.
    #[must_use]
    pub fn per_connection(self, limit: usize) -> ReceiveLimiter {
        self.changed(|shared| shared.groups = Places::new(limit))
    }

    /// Sets how many wait for a place, and how long each of them may wait. At most half of them may wait for one
    /// client address or one group. With 0, none waits.
    #[must_use]
    pub fn queue(self, most: usize, at_most: Duration) -> ReceiveLimiter {
        self.changed(|shared| shared.queue = Queue::new(most, shared.queue.most_bytes, at_most))
    }

    /// Sets the maximum number of bytes of all waiting responses together, as they were posted. At most half of them
    /// may belong to one client address or one group.
    #[must_use]
    pub fn queue_bytes(self, most: usize) -> ReceiveLimiter {
        self.changed(|shared| shared.queue = Queue::new(shared.queue.most, most, shared.queue.at_most))
    }

    /// Returns a limiter with changed limits, in which nothing is being checked.
    fn changed(self, change: impl FnOnce(&mut Shared)) -> ReceiveLimiter {
        let Shared { all, addresses, groups, look_ups, queue, .. } = &*self.0;
        let mut shared = Shared {
            all: Places::of_all(all.limit()),
            addresses: Places::new(addresses.limit()),
            groups: Places::new(groups.limit()),
            look_ups: Places::new(look_ups.limit()),
            queue: queue.alike(),
            carried_out: queue.alike(),
        };
        change(&mut shared);
        shared.carried_out = shared.queue.alike();
        ReceiveLimiter(Arc::new(shared))
    }

    /// The limiter of services that have none of their own, shared within this process.
    pub(crate) fn of_the_process() -> &'static ReceiveLimiter {
        static PROCESS: LazyLock<ReceiveLimiter> = LazyLock::new(ReceiveLimiter::default);
        &PROCESS
    }

    /// Waits for a place among all and among those of that client address. It is held until the permit is dropped.
    /// `bytes` is the size of the body, which stays in memory while it waits. The routes do this automatically; call
    /// it in an assertion consumer of your own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vouchsafe_web::ReceiveLimiter;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let limiter = ReceiveLimiter::new(1).queue(8, Duration::from_millis(10));
    /// let permit = limiter.enter(None, 4_096).await?;
    /// assert_eq!(limiter.enter(None, 4_096).await.unwrap_err().code(), "http.busy");
    /// drop(permit); // best at the end of the closure that calls `ServiceProvider::receive`
    /// assert!(limiter.enter(None, 4_096).await.is_ok());
    /// # Ok::<(), vouchsafe_web::HttpError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HttpError::Busy`] and [`HttpError::TooManyFromAddress`].
    pub async fn enter(&self, address: Option<IpAddr>, bytes: usize) -> Result<ReceivePermit, HttpError> {
        let Shared { addresses, queue, .. } = &*self.0;
        let wait = queue.wait(bytes);
        let address = match address.map(ClientNetwork::of) {
            Some(address) => {
                let too_many = || HttpError::TooManyFromAddress { limit: addresses.limit() };
                Some(addresses.take(&address, queue, wait).await.ok_or_else(too_many)?)
            }
            None => None,
        };
        let all = self.among_all(wait).await?;
        Ok(ReceivePermit { limiter: self.clone(), wait, all, address, group: None })
    }

    /// Waits for a place of this group alone, for work that is not computation. `bytes` are kept meanwhile.
    pub(crate) async fn only_within(
        &self,
        group: ReceiveGroup,
        bytes: usize,
    ) -> Result<Place<ReceiveGroup>, HttpError> {
        let queue = &self.0.carried_out;
        self.place_of(&group, queue, queue.wait(bytes)).await
    }

    async fn place_of(
        &self,
        group: &ReceiveGroup,
        queue: &Queue,
        wait: Wait,
    ) -> Result<Place<ReceiveGroup>, HttpError> {
        let groups = &self.0.groups;
        let busy = || HttpError::Busy { of: group.name(), limit: groups.limit() };
        groups.take(group, queue, wait).await.ok_or_else(busy)
    }

    async fn among_all(&self, wait: Wait) -> Result<Place<()>, HttpError> {
        let Shared { all, queue, .. } = &*self.0;
        let busy = || HttpError::Busy { of: "altogether", limit: all.limit() };
        all.take(&(), queue, wait).await.ok_or_else(busy)
    }
}

/// A place that is taken. Move it into the thread that computes, so that it is held until the work has ended, even if
/// the client's connection is closed.
#[derive(Debug)]
#[must_use]
pub struct ReceivePermit {
    limiter: ReceiveLimiter,
    wait: Wait,
    all: Place<()>,
    address: Option<Place<ClientNetwork>>,
    group: Option<Place<ReceiveGroup>>,
}

impl ReceivePermit {
    /// Waits for a place of this group, in the place of one that the permit may have.
    ///
    /// While it waits, the place among all is not held.
    ///
    /// # Errors
    /// [`HttpError::Busy`].
    pub async fn within(self, group: ReceiveGroup) -> Result<ReceivePermit, HttpError> {
        match self.within_now(group) {
            Ok(permit) => Ok(permit),
            Err(waiting) => waiting.wait().await,
        }
    }

    /// Looks up the connections of a response. A look-up that takes long, because another server or a slow database is
    /// asked, holds no place among all: the sender chooses what is looked up, and must not delay responses whose
    /// connections are known.
    pub(crate) async fn during<T>(
        self,
        look_up: impl Future<Output = Result<T, HttpError>> + Send,
    ) -> Result<(T, ReceivePermit), HttpError> {
        let mut look_up = pin!(look_up);
        if let Ok(found) = timeout(SHORT_LOOK_UP, look_up.as_mut()).await {
            return Ok((found?, self));
        }
        let look_ups = &self.limiter.0.look_ups;
        let busy = || HttpError::Busy { of: "in look-ups of connections", limit: look_ups.limit() };
        let _place = look_ups.take_now(&()).ok_or_else(busy)?;
        let bytes = self.wait.bytes();
        let paused = self.pause();
        let found = look_up.await?;
        Ok((found, paused.resume(bytes).await?))
    }

    /// Releases the place among all and keeps the others, while an answer is awaited.
    pub(crate) fn pause(self) -> PausedPermit {
        let ReceivePermit { limiter, address, group, .. } = self;
        PausedPermit { limiter, address, group }
    }

    /// Takes a place of this group, if there is one now.
    pub(crate) fn within_now(self, group: ReceiveGroup) -> Result<ReceivePermit, WaitingPermit> {
        let ReceivePermit { limiter, wait, all, address, group: before } = self;
        drop(before);
        match limiter.0.groups.take_now(&group) {
            Some(place) => Ok(ReceivePermit { limiter, wait, all, address, group: Some(place) }),
            None => {
                drop(all);
                Err(WaitingPermit { limiter, wait, address, group })
            }
        }
    }
}

/// A permit that keeps its place of a group while something other than computation is awaited. It holds no
/// place among all.
#[must_use]
pub(crate) struct PausedPermit {
    limiter: ReceiveLimiter,
    address: Option<Place<ClientNetwork>>,
    group: Option<Place<ReceiveGroup>>,
}

impl PausedPermit {
    /// Takes a place among all again. `bytes` are in memory while it waits.
    pub(crate) async fn resume(self, bytes: usize) -> Result<ReceivePermit, HttpError> {
        let PausedPermit { limiter, address, group } = self;
        let wait = limiter.0.queue.wait(bytes);
        let all = limiter.among_all(wait).await?;
        Ok(ReceivePermit { limiter: limiter.clone(), wait, all, address, group })
    }
}

/// A permit that waits for a place of a group. It holds no place among all: so holders of those places never wait, and
/// those who wait in one group do not delay others.
#[must_use]
pub(crate) struct WaitingPermit {
    limiter: ReceiveLimiter,
    wait: Wait,
    address: Option<Place<ClientNetwork>>,
    group: ReceiveGroup,
}

impl WaitingPermit {
    /// Waits for the place.
    pub(crate) async fn wait(self) -> Result<ReceivePermit, HttpError> {
        let WaitingPermit { limiter, wait, address, group } = self;
        let place = limiter.place_of(&group, &limiter.0.queue, wait).await?;
        let all = limiter.among_all(wait).await?;
        Ok(ReceivePermit { wait, all, address, group: Some(place), limiter: limiter.clone() })
    }
}

#[cfg(test)]
mod tests;
