//! Loading an identity provider's metadata over HTTPS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use url::{Host, Url};
use vouchsafe::{EntityId, IdentityProvider, WebAddress};

use crate::error::HttpError;

/// How much of a document is read. One identity provider's metadata is some 10 KiB; a federation's aggregate has its own client.
const OCTETS: usize = 1024 * 1024;
/// How long the whole exchange may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long reaching the host may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often it may be sent elsewhere.
const REDIRECTS: usize = 3;

/// Loads metadata from addresses that customers give.
///
/// Such an address is a way to make this service ask somebody on its own network, so: https only, no user name in it, at most three
/// redirects, each under the same rules, no address of a private, local or reserved network whatever name leads there, 1 MiB at the most,
/// 15 seconds at the most, and the answer is used as metadata or not at all. The environment's proxy settings are not used, because a proxy
/// would resolve names by itself.
///
/// The transport is what vouches for the metadata of Okta and its like, which is unsigned: whoever controls the host controls whom this
/// organization trusts. A federation's aggregate is signed and must be verified with `vouchsafe::metadata`.
#[derive(Clone, Debug)]
pub struct MetadataClient {
    client: reqwest::Client,
    loopback: bool,
    octets: usize,
}

impl MetadataClient {
    /// The client for a service in production.
    ///
    /// # Errors
    /// [`HttpError::Client`] when the TLS configuration of this machine cannot be read.
    pub fn new() -> Result<MetadataClient, HttpError> {
        MetadataClient::build(false)
    }

    /// The client for development: loopback hosts are allowed as well, over http or https. Private networks still are not.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_loopback() -> Result<MetadataClient, HttpError> {
        MetadataClient::build(true)
    }

    /// Another ceiling on the size, in octets.
    #[must_use]
    pub fn with_size_limit(mut self, octets: usize) -> MetadataClient {
        self.octets = octets;
        self
    }

    fn build(loopback: bool) -> Result<MetadataClient, HttpError> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy()
            .referer(false)
            .user_agent(concat!("vouchsafe/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Guarded { loopback })
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
            .map_err(|source| HttpError::Client { source })?;
        Ok(MetadataClient { client, loopback, octets: OCTETS })
    }

    /// Loads and reads the metadata of one identity provider.
    ///
    /// # Errors
    /// [`HttpError::Binding`] and [`HttpError::Forbidden`] when the address cannot be used, [`HttpError::Fetch`],
    /// [`HttpError::Status`], [`HttpError::TooLarge`], and [`HttpError::Metadata`] when what came is no metadata of an identity provider.
    pub async fn identity_provider(&self, address: &str) -> Result<IdentityProvider, HttpError> {
        let octets = self.fetch(address).await?;
        Ok(IdentityProvider::from_metadata(&octets)?)
    }

    /// Loads newer metadata of an identity provider that is trusted already: what is loaded must be the metadata of that entity.
    ///
    /// # Errors
    /// `metadata.other_entity` when it is the metadata of another, and as [`identity_provider`](Self::identity_provider).
    pub async fn refreshed(&self, address: &str, expected: &EntityId) -> Result<IdentityProvider, HttpError> {
        let identity_provider = self.identity_provider(address).await?;
        Ok(identity_provider.expected_to_be(expected)?)
    }

    /// Loads a document as it is.
    ///
    /// # Errors
    /// As [`identity_provider`](Self::identity_provider), the last left out.
    pub async fn fetch(&self, address: &str) -> Result<Vec<u8>, HttpError> {
        let address = address.trim();
        let forbidden = |reason| HttpError::Forbidden { url: address.to_owned(), reason };
        WebAddress::new(address)?;
        let url = Url::parse(address).map_err(|_| forbidden("it is not an absolute URL"))?;
        admissible(&url, self.loopback).map_err(forbidden)?;
        let failed = |source| HttpError::Fetch { url: address.to_owned(), source };
        let mut response = self.client.get(url).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(HttpError::Status { url: address.to_owned(), status: response.status().as_u16() });
        }
        let mut octets = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            octets.extend_from_slice(&chunk);
            if octets.len() > self.octets {
                return Err(HttpError::TooLarge { url: address.to_owned(), limit: self.octets });
            }
        }
        Ok(octets)
    }
}

/// Whether an address may be asked, as far as its text tells; names are looked at again when they are resolved.
fn admissible(url: &Url, loopback: bool) -> Result<(), &'static str> {
    let local = is_loopback(url);
    if url.scheme() != "https" && !(loopback && local && url.scheme() == "http") {
        return Err("only https is loaded");
    }
    if local && loopback {
        return Ok(());
    }
    let public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
        Some(Host::Domain(_)) => !local,
        None => false,
    };
    if public { Ok(()) } else { Err("the host is not on the public internet") }
}

/// Whether the host is this very machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Resolves names and lets only public addresses through, so that a name cannot lead inside.
struct Guarded {
    loopback: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback = self.loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| is_public(address.ip()) || (loopback && address.ip().is_loopback()))
                .collect();
            if allowed.is_empty() {
                return Err("the host has no address on the public internet".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Neither private, local, reserved nor multicast (the IANA special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4() {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 198 && (b == 18 || b == 19 || (b == 51 && c == 100)))
        || (a == 203 && b == 0 && c == 113))
}

/// Global unicast is 2000::/3; of that, translation and tunnelling prefixes and the documentation's are left out.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    (first & 0xe000) == 0x2000
        && first != 0x2002
        && !(first == 0x2001 && (second < 0x0200 || second == 0x0db8))
        && first != 0x3fff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_asked() {
        for (address, production, development) in [
            ("https://example.okta.com/app/exk1/sso/saml/metadata", true, true),
            ("https://8.8.8.8/metadata", true, true),
            ("http://example.okta.com/metadata", false, false),
            ("http://127.0.0.1:7080/metadata", false, true),
            ("https://localhost/metadata", false, true),
            ("https://[::1]/metadata", false, true),
            ("https://10.0.0.1/metadata", false, false),
            ("https://169.254.169.254/latest/meta-data", false, false),
            ("https://192.168.1.1/", false, false),
            ("https://100.64.0.1/", false, false),
            ("https://[::ffff:10.0.0.1]/", false, false),
            ("https://[fd00::1]/", false, false),
            ("https://[fe80::1]/", false, false),
            ("https://[2606:4700::1111]/", true, true),
            ("https://2130706433/", false, true),
            ("ftp://example.com/", false, false),
        ] {
            let url = Url::parse(address).unwrap();
            assert_eq!(admissible(&url, false).is_ok(), production, "{address} in production");
            assert_eq!(admissible(&url, true).is_ok(), development, "{address} in development");
        }
    }
}
