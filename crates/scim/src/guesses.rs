//! Limits how many invalid tokens are looked up.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use chrono::{DateTime, Utc};
use vouchsafe::{ClientNetwork, RecentlyUsed, RequestLimiter, RequestRate, provisioning::TokenHash};

/// How many invalid tokens may come from one client address: 30 at once and one a second.
pub(crate) const DEFAULT_RATE: RequestRate = RequestRate { per_second: 1, burst: 30 };

/// Limits the look-ups of invalid tokens for each client address. If the address is not known, nothing is limited: with one
/// limit for all strangers, any of them could make the service refuse the requests of all others.
///
/// A token that was valid a moment ago is always looked up, whatever else comes from its address. So nobody who shares an
/// address with a customer, such as the address of a proxy, blocks that customer's identity provider.
#[derive(Debug)]
pub(crate) struct Guesses {
    limiter: RequestLimiter<ClientNetwork>,
    /// The hashes of tokens that were valid.
    worked: Mutex<RecentlyUsed<String>>,
    /// Logs once that no address is known.
    said: Once,
}

/// A look-up in progress.
#[derive(Debug)]
pub(crate) struct Guess<'g> {
    guesses: &'g Guesses,
    hash: String,
    counted: Counted,
}

#[derive(Clone, Copy, Debug)]
enum Counted {
    /// Not counted, because the token was valid before.
    HasWorked,
    /// Not counted, because the client address is not known.
    FromUnknown,
    /// Counted for this client.
    From(ClientNetwork),
}

impl Guesses {
    pub(crate) fn new(rate: RequestRate) -> Guesses {
        Guesses { limiter: RequestLimiter::new(rate), worked: Mutex::default(), said: Once::new() }
    }

    pub(crate) fn rate(&self) -> RequestRate {
        self.limiter.rate()
    }

    /// Begins a look-up, or returns after how many seconds one is allowed.
    pub(crate) fn begin(
        &self,
        hash: &TokenHash,
        from: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Guess<'_>, u64> {
        let hash = hash.to_hex();
        let counted = match from.map(ClientNetwork::of) {
            _ if self.worked().knows(&hash) => Counted::HasWorked,
            None => Counted::FromUnknown,
            Some(network) => {
                self.limiter.take(&network, now)?;
                Counted::From(network)
            }
        };
        Ok(Guess { guesses: self, hash, counted })
    }

    fn worked(&self) -> MutexGuard<'_, RecentlyUsed<String>> {
        self.worked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log_that_nothing_is_limited(&self) {
        self.said.call_once(|| {
            tracing::warn!(
                "an invalid SCIM token came, and the number of such tokens is not limited: with_client_address was not \
                 called, or found no address"
            );
        });
    }
}

impl Guess<'_> {
    /// Ends the look-up of a valid token.
    pub(crate) fn worked(self) {
        if let Counted::From(network) = self.counted {
            self.guesses.limiter.give_back(&network);
        }
        if !matches!(self.counted, Counted::HasWorked) {
            self.guesses.worked().add(self.hash);
        }
    }

    /// Ends the look-up of a token that is invalid, or no longer valid.
    pub(crate) fn failed(self) {
        match self.counted {
            Counted::HasWorked => self.guesses.worked().forget(&self.hash),
            Counted::FromUnknown => self.guesses.log_that_nothing_is_limited(),
            Counted::From(_) => {}
        }
    }

    /// Ends a look-up that gave no result, because the store failed.
    pub(crate) fn given_up(self) {
        if let Counted::From(network) = self.counted {
            self.guesses.limiter.give_back(&network);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vouchsafe::{Provider, provisioning::OrganizationToken};

    fn token() -> TokenHash {
        let provider = Provider::rustcrypto();
        OrganizationToken::issue(&provider).unwrap().hash(&provider).unwrap()
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_token_that_worked_is_not_kept_out_by_others_of_its_address() {
        let now = "2026-01-15T09:00:00Z".parse().unwrap();
        let guesses = Guesses::new(RequestRate { per_second: 1, burst: 2 });
        let (good, here) = (token(), address("2001:db8::1"));
        for _ in 0..5 {
            guesses.begin(&good, here, now).unwrap().worked();
        }
        let mut bad = (0..3).map(|_| guesses.begin(&token(), address("2001:db8::2"), now).map(Guess::failed));
        assert!(bad.next().unwrap().is_ok() && bad.next().unwrap().is_ok());
        assert_eq!(bad.next().unwrap(), Err(1));
        assert!(guesses.begin(&token(), address("192.0.2.1"), now).is_ok(), "another address");
        // One that was revoked is as any other from then on.
        guesses.begin(&good, here, now).unwrap().failed();
        assert_eq!(guesses.begin(&good, here, now).map(drop), Err(1));
        // What the store did not answer is no guess.
        for _ in 0..5 {
            guesses.begin(&token(), address("192.0.2.2"), now).unwrap().given_up();
        }
    }

    /// One number for all of them would be one that any stranger uses up.
    #[test]
    fn nobody_whose_address_is_not_known_is_counted_together_with_others() {
        let now = "2026-01-15T09:00:00Z".parse().unwrap();
        let guesses = Guesses::new(RequestRate { per_second: 1, burst: 2 });
        for _ in 0..100 {
            guesses.begin(&token(), None, now).unwrap().failed();
        }
        assert!(guesses.said.is_completed());
        guesses.begin(&token(), None, now).unwrap().worked();
    }
}
