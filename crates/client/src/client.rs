//! The client.

use std::time::Duration;

use reqwest::header::{
    ACCEPT, CONTENT_TYPE, ETAG, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};
use vouchsafe::metadata::{FetchedMetadata, Validators};
use vouchsafe::{IdentityProvider, WebAddress};

use crate::address::{Guarded, LookUps, admissible};
use crate::error::ClientError;

/// How many bytes of a document are read. One identity provider's metadata is some 10 KiB.
const BYTES: usize = 1024 * 1024;
/// How long the whole exchange may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long reaching the host may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What is asked for. A server of the metadata query protocol gives pages to those who ask for anything.
const METADATA: &str = "application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.1";
/// How long a validator may be that is kept and shown to the server again.
const LONGEST_VALIDATOR: usize = 512;
/// How often it may be sent elsewhere.
const REDIRECTS: usize = 3;
/// The type of a SOAP 1.1 envelope.
const SOAP: &str = "text/xml; charset=utf-8";

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
    /// What posts envelopes: it is sent nowhere else.
    without_redirects: reqwest::Client,
    loopback: bool,
    bytes: usize,
    timeout: Duration,
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

    /// Another ceiling on how long a whole exchange may take.
    #[must_use]
    pub fn with_time_limit(mut self, timeout: Duration) -> Client {
        self.timeout = timeout;
        self
    }

    fn build(loopback: bool) -> Result<Client, ClientError> {
        let look_ups = LookUps::default();
        let built = |redirects| {
            reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .no_proxy()
                .referer(false)
                .user_agent(concat!("vouchsafe/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Guarded { loopback, look_ups: look_ups.clone() })
                .redirect(redirects)
                .build()
                .map_err(|source| ClientError::Setup { source: Box::new(source) })
        };
        let client = built(Policy::custom(move |attempt| {
            if attempt.previous().len() > REDIRECTS {
                attempt.error("too many redirects")
            } else if let Err(reason) = admissible(attempt.url(), loopback) {
                attempt.error(reason)
            } else {
                attempt.follow()
            }
        }))?;
        let without_redirects = built(Policy::none())?;
        Ok(Client { client, without_redirects, loopback, bytes: BYTES, timeout: TIMEOUT })
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

    /// Posts a SOAP envelope and reads what comes back, under the same rules as [`load`](Self::load): the same addresses, ceilings and time limits.
    /// No redirect is followed: the envelope names a person or holds an artifact, and is for the address in the metadata alone.
    ///
    /// # Errors
    /// As [`load`](Self::load); [`ClientError::Status`] for a redirect. What comes with status 500 is read, since that is the status of a SOAP
    /// fault.
    pub async fn post_soap(
        &self,
        address: &str,
        envelope: String,
        action: &str,
    ) -> Result<Vec<u8>, ClientError> {
        let (address, url) = (address.trim(), self.admitted(address)?);
        let request = self.without_redirects.post(url).timeout(self.timeout).header(CONTENT_TYPE, SOAP);
        let request = request.header("soapaction", action).body(envelope);
        let response = request.send().await.map_err(|source| failed(address, source))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::INTERNAL_SERVER_ERROR {
            return self.body(address, response).await;
        }
        Err(ClientError::Status { url: address.to_owned(), status: status.as_u16(), retry_after: None })
    }

    /// Loads a document as it is.
    ///
    /// # Errors
    /// [`ClientError::Forbidden`] when the address may not be asked, [`ClientError::Exchange`], [`ClientError::Status`],
    /// [`ClientError::TooLarge`].
    pub async fn load(&self, address: &str) -> Result<Vec<u8>, ClientError> {
        let response = self.ask(address, &Validators::default()).await?;
        self.body(address, response).await
    }

    /// Loads a document, unless it is still the one that came with these validators.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn fetch(
        &self,
        address: &str,
        validators: &Validators,
    ) -> Result<FetchedMetadata, ClientError> {
        let response = self.ask(address, validators).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(FetchedMetadata::NotModified);
        }
        let header = |name| {
            let value: Option<&HeaderValue> = response.headers().get(name);
            let text = value.and_then(|value| value.to_str().ok());
            text.filter(|text| text.len() <= LONGEST_VALIDATOR).map(str::to_owned)
        };
        let mut validators = Validators::default();
        validators.etag = header(ETAG);
        validators.last_modified = header(LAST_MODIFIED);
        let bytes = self.body(address, response).await?;
        Ok(FetchedMetadata::Document { bytes, validators })
    }

    /// Asks, and answers what is a success, or that nothing has changed where the question was conditional.
    async fn ask(&self, address: &str, validators: &Validators) -> Result<Response, ClientError> {
        let (address, url) = (address.trim(), self.admitted(address)?);
        let mut request = self.client.get(url).timeout(self.timeout).header(ACCEPT, METADATA);
        let conditions = [(IF_NONE_MATCH, &validators.etag), (IF_MODIFIED_SINCE, &validators.last_modified)];
        let mut is_conditional = false;
        for (name, value) in conditions {
            if let Some(value) = value {
                request = request.header(name, value);
                is_conditional = true;
            }
        }
        let response = request.send().await.map_err(|source| failed(address, source))?;
        let status = response.status();
        if status.is_success() || (is_conditional && status == StatusCode::NOT_MODIFIED) {
            return Ok(response);
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after =
            retry_after.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
        Err(ClientError::Status { url: address.to_owned(), status: status.as_u16(), retry_after })
    }

    /// The address, if it may be asked.
    fn admitted(&self, address: &str) -> Result<Url, ClientError> {
        let address = address.trim();
        let forbidden = |reason| ClientError::Forbidden { url: address.to_owned(), reason };
        WebAddress::new(address)
            .map_err(|source| ClientError::Metadata { url: address.to_owned(), source })?;
        let url = Url::parse(address).map_err(|_| forbidden("it is not an absolute URL"))?;
        admissible(&url, self.loopback).map_err(forbidden)?;
        Ok(url)
    }

    /// Reads what came, up to the ceiling.
    async fn body(&self, address: &str, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let address = address.trim();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|source| failed(address, source))? {
            if bytes.len().saturating_add(chunk.len()) > self.bytes {
                return Err(ClientError::TooLarge { url: address.to_owned(), limit: self.bytes });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

fn failed(address: &str, source: reqwest::Error) -> ClientError {
    ClientError::Exchange { url: address.to_owned(), source: Box::new(source) }
}
