//! Tokens that open nothing: how many are looked up.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::TokenHash;

use crate::rate::{RequestLimiter, RequestRate};

/// How many tokens that open nothing may come from one client address: 30 at once and one a second.
pub(crate) const DEFAULT_RATE: RequestRate = RequestRate { per_second: 1, burst: 30 };

/// Bounds the look-ups of tokens that open nothing, by client address.
///
/// A token that opened something a moment ago is looked up whatever else comes from its address. So nobody who shares an address with a
/// customer, such as that of a proxy, keeps that customer's identity provider out.
#[derive(Debug)]
pub(crate) struct Guesses {
    limiter: RequestLimiter<Option<IpAddr>>,
    /// The hashes of tokens that opened something.
    worked: Mutex<HashSet<String>>,
}

/// How many tokens are remembered.
const MOST: usize = 10_000;

/// A look-up that is under way.
#[derive(Debug)]
pub(crate) struct Guess<'g> {
    guesses: &'g Guesses,
    hash: String,
    /// Where it was counted, if it was.
    counted: Option<Option<IpAddr>>,
}

impl Guesses {
    pub(crate) fn new(rate: RequestRate) -> Guesses {
        Guesses { limiter: RequestLimiter::new(rate), worked: Mutex::default() }
    }

    pub(crate) fn rate(&self) -> RequestRate {
        self.limiter.rate()
    }

    /// Begins a look-up, or answers after how many seconds there is room for one.
    pub(crate) fn begin(
        &self,
        hash: &TokenHash,
        from: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Guess<'_>, u64> {
        let hash = hash.to_hex();
        if self.worked().contains(&hash) {
            return Ok(Guess { guesses: self, hash, counted: None });
        }
        let network = from.map(network);
        self.limiter.take(&network, now)?;
        Ok(Guess { guesses: self, hash, counted: Some(network) })
    }

    fn worked(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.worked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guess<'_> {
    /// The token opened something.
    pub(crate) fn worked(self) {
        let Some(network) = self.counted else { return };
        self.guesses.limiter.give_back(&network);
        let mut worked = self.guesses.worked();
        if worked.len() >= MOST {
            worked.clear();
        }
        worked.insert(self.hash);
    }

    /// The token opened nothing, or nothing any more.
    pub(crate) fn failed(self) {
        if self.counted.is_none() {
            self.guesses.worked().remove(&self.hash);
        }
    }

    /// Nobody knows what it opens: the store failed.
    pub(crate) fn given_up(self) {
        if let Some(network) = self.counted {
            self.guesses.limiter.give_back(&network);
        }
    }
}

/// An IPv4 address, or the first 64 bits of an IPv6 address, which is what one customer of a network is given.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vouchsafe::{Provider, provisioning::OrganizationToken};

    #[test]
    fn a_token_that_worked_is_not_kept_out_by_others_of_its_address() {
        let (provider, now) = (Provider::rustcrypto(), "2026-01-15T09:00:00Z".parse().unwrap());
        let token = || OrganizationToken::issue(&provider).unwrap().hash(&provider).unwrap();
        let guesses = Guesses::new(RequestRate { per_second: 1, burst: 2 });
        let address = |text: &str| Some(text.parse().unwrap());
        let (good, here) = (token(), address("2001:db8::1"));
        for _ in 0..5 {
            guesses.begin(&good, here, now).unwrap().worked();
        }
        let mut bad = (0..3).map(|_| guesses.begin(&token(), address("2001:db8::2"), now).map(Guess::failed));
        assert!(bad.next().unwrap().is_ok() && bad.next().unwrap().is_ok());
        assert_eq!(bad.next().unwrap(), Err(1));
        assert!(guesses.begin(&token(), address("192.0.2.1"), now).is_ok(), "another address");
        assert!(guesses.begin(&token(), None, now).is_ok(), "an unknown address is one of its own");
        // One that was revoked is as any other from then on.
        guesses.begin(&good, here, now).unwrap().failed();
        assert_eq!(guesses.begin(&good, here, now).map(drop), Err(1));
        // What the store did not answer is no guess.
        for _ in 0..5 {
            guesses.begin(&token(), address("192.0.2.2"), now).unwrap().given_up();
        }
    }
}
