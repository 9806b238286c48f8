//! The client.

use std::time::Duration;

use reqwest::Url;
use reqwest::redirect::Policy;
use vouchsafe::{EntityId, IdentityProvider, WebAddress};

use crate::address::{Guarded, LookUps, admissible};
use crate::error::ClientError;

/// How many bytes of a document are read. One identity provider's metadata is some 10 KiB.
const BYTES: usize = 1024 * 1024;
/// How long the whole exchange may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long reaching the host may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often it may be sent elsewhere.
const REDIRECTS: usize = 3;

/// Loads documents from addresses that customers give.
///
/// It asks over https only, with no user name in the address, with at most three redirects, each under the same rules; no address of a
/// private, local or reserved network, whatever name leads there; 1 MiB and 15 seconds at the most. The environment's proxy settings are
/// not used, because a proxy would resolve names by itself.
///
/// At most 16 names are looked up at a time, and a look-up counts until the name servers answer. Make one client and clone it: clones share
/// that bound.
///
/// The transport is what vouches for the metadata of Okta and its like, which is unsigned: whoever controls the host controls whom this
/// connection trusts.
#[derive(Clone, Debug)]
pub struct Client {
    client: reqwest::Client,
    loopback: bool,
    bytes: usize,
}

impl Client {
    /// The client for a service in production.
    ///
    /// # Errors
    /// [`ClientError::Setup`] when the TLS configuration of this machine cannot be read.
    pub fn new() -> Result<Client, ClientError> {
        Client::build(false)
    }

    /// The client for development: loopback hosts are allowed as well, over http or https. Private networks still are not.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_loopback() -> Result<Client, ClientError> {
        Client::build(true)
    }

    /// Another ceiling on the size, in bytes.
    #[must_use]
    pub fn with_size_limit(mut self, bytes: usize) -> Client {
        self.bytes = bytes;
        self
    }

    fn build(loopback: bool) -> Result<Client, ClientError> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy()
            .referer(false)
            .user_agent(concat!("vouchsafe/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Guarded { loopback, look_ups: LookUps::default() })
            .redirect(Policy::custom(move |attempt| {
                if attempt.previous().len() > REDIRECTS {
                    attempt.error("too many redirects")
                } else if let Err(reason) = admissible(attempt.url(), loopback) {
                    attempt.error(reason)
                } else {
                    attempt.follow()
                }
            }))
            .build()
            .map_err(|source| ClientError::Setup { source: Box::new(source) })?;
        Ok(Client { client, loopback, bytes: BYTES })
    }

    /// Loads and reads the metadata of one identity provider.
    ///
    /// # Errors
    /// Those of [`load`](Self::load), and [`ClientError::Metadata`] when what came is not metadata of an identity provider.
    pub async fn identity_provider(&self, address: &str) -> Result<IdentityProvider, ClientError> {
        let bytes = self.load(address).await?;
        IdentityProvider::from_metadata(&bytes)
            .map_err(|source| ClientError::Metadata { url: address.trim().to_owned(), source })
    }

    /// Loads newer metadata of an identity provider that is known already: what is loaded must be the metadata of that entity.
    ///
    /// # Errors
    /// [`ClientError::Metadata`] with `metadata.other_entity` when it is the metadata of another, and as
    /// [`identity_provider`](Self::identity_provider).
    pub async fn refreshed(
        &self,
        address: &str,
        expected: &EntityId,
    ) -> Result<IdentityProvider, ClientError> {
        let loaded = self.identity_provider(address).await?;
        loaded
            .expected_to_be(expected)
            .map_err(|source| ClientError::Metadata { url: address.trim().to_owned(), source })
    }

    /// Loads a document as it is.
    ///
    /// # Errors
    /// [`ClientError::Forbidden`] when the address may not be asked, [`ClientError::Exchange`], [`ClientError::Status`],
    /// [`ClientError::TooLarge`].
    pub async fn load(&self, address: &str) -> Result<Vec<u8>, ClientError> {
        let address = address.trim();
        let forbidden = |reason| ClientError::Forbidden { url: address.to_owned(), reason };
        WebAddress::new(address)
            .map_err(|source| ClientError::Metadata { url: address.to_owned(), source })?;
        let url = Url::parse(address).map_err(|_| forbidden("it is not an absolute URL"))?;
        admissible(&url, self.loopback).map_err(forbidden)?;
        let failed = |source: reqwest::Error| ClientError::Exchange {
            url: address.to_owned(),
            source: Box::new(source),
        };
        let mut response = self.client.get(url).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(ClientError::Status { url: address.to_owned(), status: response.status().as_u16() });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if bytes.len().saturating_add(chunk.len()) > self.bytes {
                return Err(ClientError::TooLarge { url: address.to_owned(), limit: self.bytes });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}
