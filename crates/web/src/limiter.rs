//! How many responses are checked at a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use vouchsafe::ConnectionId;

use crate::error::HttpError;

/// Bounds how many responses are checked at a time: altogether, for one client address, and over one connection.
///
/// Checking a response is computation that a stranger causes. The limits of [`vouchsafe::Limits`] bound what one response costs; this
/// bounds how many of the dear ones run side by side, and keeps those of one customer from taking the turn of all others. It does not
/// queue: what is too much is answered at once, with status 429 for the address and 503 otherwise, and `Retry-After`.
///
/// It remembers what is being checked and nothing else, so its memory is bounded by the limit on all. Clones share it.
///
/// ```
/// use vouchsafe_web::ReceiveLimiter;
///
/// let limiter = ReceiveLimiter::new(64).per_client_address(8).per_connection(16);
/// # let _ = limiter;
/// ```
#[derive(Clone, Debug)]
pub struct ReceiveLimiter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: Limits,
    running: Mutex<Running>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    all: usize,
    address: usize,
    connection: usize,
}

#[derive(Debug, Default)]
struct Running {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    by_connection: HashMap<ConnectionId, usize>,
}

impl Default for ReceiveLimiter {
    /// 64 at a time, 8 of one client address, 16 over one connection.
    fn default() -> ReceiveLimiter {
        ReceiveLimiter::new(64)
    }
}

impl ReceiveLimiter {
    /// So many at a time, of them 8 of one client address and 16 over one connection at most. 0 counts as 1.
    #[must_use]
    pub fn new(all: usize) -> ReceiveLimiter {
        ReceiveLimiter::with(Limits { all: all.max(1), address: 8, connection: 16 })
    }

    /// So many of one client address; of an IPv6 address the first 64 bits count. 0 counts as 1.
    #[must_use]
    pub fn per_client_address(self, limit: usize) -> ReceiveLimiter {
        ReceiveLimiter::with(Limits { address: limit.max(1), ..self.0.limits })
    }

    /// So many over one connection. 0 counts as 1.
    #[must_use]
    pub fn per_connection(self, limit: usize) -> ReceiveLimiter {
        ReceiveLimiter::with(Limits { connection: limit.max(1), ..self.0.limits })
    }

    fn with(limits: Limits) -> ReceiveLimiter {
        ReceiveLimiter(Arc::new(Shared { limits, running: Mutex::default() }))
    }

    /// The one of a service that has none of its own, shared by all of this process.
    pub(crate) fn of_the_process() -> &'static ReceiveLimiter {
        static PROCESS: LazyLock<ReceiveLimiter> = LazyLock::new(ReceiveLimiter::default);
        &PROCESS
    }

    /// A place among all and among those of that client address, until the permit is dropped. The routes take one by themselves; this is
    /// for an assertion consumer of one's own.
    ///
    /// ```
    /// use vouchsafe_web::ReceiveLimiter;
    ///
    /// let limiter = ReceiveLimiter::new(1);
    /// let permit = limiter.enter(None)?;
    /// assert_eq!(limiter.enter(None).unwrap_err().code(), "http.busy");
    /// drop(permit); // best at the end of the closure that calls `ServiceProvider::receive`
    /// assert!(limiter.enter(None).is_ok());
    /// # Ok::<(), vouchsafe_web::HttpError>(())
    /// ```
    ///
    /// # Errors
    /// [`HttpError::Busy`] and [`HttpError::TooManyFromAddress`].
    pub fn enter(&self, address: Option<IpAddr>) -> Result<ReceivePermit, HttpError> {
        let Limits { all, address: of_address, .. } = self.0.limits;
        let address = address.map(network);
        let mut running = self.running();
        if running.all >= all {
            return Err(HttpError::Busy { of: "altogether", limit: all });
        }
        if let Some(address) = address
            && !add(&mut running.by_address, address, of_address)
        {
            return Err(HttpError::TooManyFromAddress { limit: of_address });
        }
        running.all = running.all.saturating_add(1);
        drop(running);
        Ok(ReceivePermit { limiter: self.clone(), address, connection: None })
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Running> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is taken. It goes into the thread that computes, so that it is held until the work is over, whatever becomes of the
/// connection that asked for it.
#[derive(Debug)]
#[must_use]
pub struct ReceivePermit {
    limiter: ReceiveLimiter,
    address: Option<IpAddr>,
    connection: Option<ConnectionId>,
}

impl ReceivePermit {
    /// A place among those over that connection as well. It must be one that exists, not a name that strangers make up.
    ///
    /// # Errors
    /// [`HttpError::Busy`].
    pub fn over_connection(mut self, id: &ConnectionId) -> Result<ReceivePermit, HttpError> {
        let limit = self.limiter.0.limits.connection;
        if !add(&mut self.limiter.running().by_connection, id.clone(), limit) {
            return Err(HttpError::Busy { of: "over one connection", limit });
        }
        self.connection = Some(id.clone());
        Ok(self)
    }
}

impl Drop for ReceivePermit {
    fn drop(&mut self) {
        let mut running = self.limiter.running();
        running.all = running.all.saturating_sub(1);
        if let Some(address) = self.address {
            take(&mut running.by_address, &address);
        }
        if let Some(name) = &self.connection {
            take(&mut running.by_connection, name);
        }
    }
}

/// Counts one more, unless that is too many.
fn add<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: K, limit: usize) -> bool {
    let count = counts.entry(key).or_default();
    let free = *count < limit;
    if free {
        *count = count.saturating_add(1);
    }
    free
}

/// Counts one less, and forgets whom nothing is counted for.
fn take<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address, which is what one customer is given.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<ReceivePermit, HttpError>) -> &'static str {
        result.unwrap_err().code()
    }

    #[test]
    fn all_services_of_a_process_share_one() {
        let [one, other] = [ReceiveLimiter::of_the_process(), ReceiveLimiter::of_the_process()];
        assert!(Arc::ptr_eq(&one.0, &other.0));
    }

    #[test]
    fn each_limit_holds_and_a_place_comes_back() {
        let limiter = ReceiveLimiter::new(4).per_client_address(2).per_connection(1);
        let [a, b] = ["192.0.2.1", "192.0.2.2"].map(|text| Some(text.parse::<IpAddr>().unwrap()));
        let name = |text: &str| ConnectionId::new(text).unwrap();

        let first = limiter.enter(a).unwrap().over_connection(&name("one")).unwrap();
        let second = limiter.enter(a).unwrap();
        assert_eq!(code(limiter.enter(a)), "http.too_many_from_address");
        assert_eq!(code(limiter.enter(b).unwrap().over_connection(&name("one"))), "http.busy");
        let third = limiter.enter(b).unwrap().over_connection(&name("two")).unwrap();
        let fourth = limiter.enter(None).unwrap();
        assert_eq!(code(limiter.enter(b)), "http.busy");
        drop((first, second));
        let again = limiter.enter(a).unwrap().over_connection(&name("one")).unwrap();
        drop((again, third, fourth));

        let running = limiter.running();
        assert_eq!((running.all, running.by_address.len(), running.by_connection.len()), (0, 0, 0));
    }

    /// A refused place leaves nothing behind either.
    #[test]
    fn nothing_is_remembered_of_whom_nothing_runs() {
        let limiter = ReceiveLimiter::new(3);
        for number in 0..10_000_u32 {
            let address = Some(IpAddr::V4(number.into()));
            let permit = limiter.enter(address).unwrap();
            let name = ConnectionId::new(format!("c{number}")).unwrap();
            drop(permit.over_connection(&name).unwrap());
        }
        let _held: Vec<ReceivePermit> = (0..3).map(|_| limiter.enter(None).unwrap()).collect();
        for number in 0..10_000_u32 {
            assert_eq!(code(limiter.enter(Some(IpAddr::V4(number.into())))), "http.busy");
        }
        let running = limiter.running();
        assert_eq!((running.all, running.by_address.len(), running.by_connection.len()), (3, 0, 0));
    }

    #[test]
    fn one_network_is_one_client() {
        let network = |text: &str| super::network(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::2"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn a_place_is_given_back_by_a_thread_that_panics() {
        let limiter = ReceiveLimiter::new(1);
        let permit = limiter.enter(None).unwrap();
        let thread = std::thread::spawn(move || {
            let _permit = permit;
            panic!("a check that breaks off");
        });
        assert!(thread.join().is_err());
        assert!(limiter.enter(None).is_ok());
    }
}
