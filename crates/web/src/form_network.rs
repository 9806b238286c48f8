//! The networks of clients whose forms are kept, as numbers that only this service can compute.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use vouchsafe::crypto::{SecretBytes, hexadecimal};
use vouchsafe::{BindingError, ClientNetwork, Provider};

use crate::error::HttpError;

/// The key of the numbers. It is made when it is first used, if it is not given.
#[derive(Clone, Debug, Default)]
pub(crate) struct NetworkKey(Arc<OnceLock<SecretBytes>>);

impl NetworkKey {
    pub(crate) fn of(key: [u8; 32]) -> NetworkKey {
        NetworkKey(Arc::new(OnceLock::from(SecretBytes::new(key.to_vec()))))
    }

    /// Returns the network of a client address as one of 65,536 numbers, so that a store can distinguish networks without
    /// knowing them: each number stands for very many addresses.
    pub(crate) fn number(&self, address: IpAddr, provider: &Provider) -> Result<String, HttpError> {
        let key = match self.0.get() {
            Some(key) => key,
            None => {
                let mut key = [0_u8; 32];
                provider.random(&mut key).map_err(BindingError::from)?;
                self.0.get_or_init(|| SecretBytes::new(key.to_vec()))
            }
        };
        let network = ClientNetwork::of(address).site().to_string();
        let hash = provider.sha256(&[key.as_slice(), network.as_bytes()].concat());
        Ok(hexadecimal(hash.map_err(BindingError::from)?.get(..2).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A client cannot compute which networks count as that of somebody else, in order to remove the forms of that one.
    #[test]
    fn the_number_of_a_network_depends_on_a_key() {
        let provider = Provider::rustcrypto();
        let number = |key: &NetworkKey| key.number(IpAddr::from([192, 0, 2, 7]), &provider).unwrap();
        let shared = number(&NetworkKey::of([7; 32]));
        assert_eq!((number(&NetworkKey::of([7; 32])), shared.len()), (shared.clone(), 4));
        assert_ne!(number(&NetworkKey::of([8; 32])), shared);
        let own = NetworkKey::default();
        assert_eq!(number(&own), number(&own.clone()), "all clones have one key");
        let numbers: BTreeSet<String> = (0..8).map(|_| number(&NetworkKey::default())).collect();
        assert!(numbers.len() > 1, "each process makes a key of its own");
    }
}
