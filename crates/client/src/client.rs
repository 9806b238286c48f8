//! The HTTPS client.

use std::error::Error;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{
    ACCEPT, CONTENT_TYPE, ETAG, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
    RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};
use tokio::time::Instant;
use vouchsafe::crypto::Certificate;
use vouchsafe::metadata::{FetchedMetadata, Validators};
use vouchsafe::{IdentityProvider, WebAddress};

use crate::address::{Guarded, admissible, may_lead};
use crate::error::ClientError;

/// The largest number of bytes of a document. The metadata of one identity provider has about 10 KiB.
const BYTES: usize = 1024 * 1024;
/// The longest time of a whole exchange.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The largest number of bytes of a federation's document, as in [`Limits::metadata`](vouchsafe::Limits::metadata).
const FEDERATION_BYTES: usize = 256 * 1024 * 1024;
/// The longest time of an exchange with a federation's document.
const FEDERATION_TIMEOUT: Duration = Duration::from_secs(300);
/// The longest time to connect to the host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The value of the header `Accept`. A server of the metadata query protocol sends pages to clients that accept
/// anything.
const METADATA: &str = "application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.1";
/// The largest length of a validator that is stored and sent to the server again.
const LONGEST_VALIDATOR: usize = 512;
/// The most bytes that are allocated for a body in advance, whatever length the server announces.
const ROOM: usize = 1024 * 1024;
/// The largest number of redirects.
const REDIRECTS: usize = 3;
/// The media type of a SOAP 1.1 envelope.
const SOAP: &str = "text/xml; charset=utf-8";

/// Loads documents from addresses that customers give.
///
/// It sends requests only over https, without a user name in the address, with at most three redirects, each under
/// the same rules. It never connects to an address of a private, local or reserved network, whatever name leads
/// there. A document has at most 1 MiB, and an exchange takes at most 15 seconds. The environment's proxy settings
/// are not used, because a proxy would resolve names by itself.
///
/// At most 16 names are looked up at a time, and 8 more that were found before. A look-up counts until the name servers
/// answer, so new names wait while 16 name servers are silent. Make one client and clone it: clones share these limits.
///
/// In a network of IPv6 alone, addresses of the prefix 64:ff9b::/96 are judged by the IPv4 address in them.
///
/// The metadata of Okta and similar identity providers is unsigned, so only the transport protects it: the party that
/// controls the host decides which keys the connection trusts.
#[derive(Clone, Debug)]
pub struct Client {
    client: reqwest::Client,
    /// The client that never connects to this machine, for redirects of other hosts.
    public: reqwest::Client,
    loopback: bool,
    authorities: Vec<reqwest::Certificate>,
    bytes: usize,
    timeout: Duration,
}

impl Client {
    /// Makes the client for a service in production.
    ///
    /// # Errors
    /// [`ClientError::Setup`] if the TLS configuration of this machine cannot be read.
    pub fn new() -> Result<Client, ClientError> {
        Client::build(false, BYTES, TIMEOUT, Vec::new())
    }

    /// Makes the client for development: loopback hosts are allowed too, over http or https, but not by a redirect of
    /// another host, whatever the name in it leads to. Private networks are still refused.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn with_loopback() -> Result<Client, ClientError> {
        Client::build(true, BYTES, TIMEOUT, Vec::new())
    }

    /// Returns the client with this certificate authority in addition to those of the system, for an identity
    /// provider whose certificate is from a private authority, such as AD FS inside a company. The party that has the
    /// authority's key can serve the metadata of any host.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn trusting_authority(self, authority: &Certificate) -> Result<Client, ClientError> {
        let failed = |source| ClientError::Setup { source: Box::new(source) };
        let mut authorities = self.authorities;
        authorities.push(reqwest::Certificate::from_der(authority.der()).map_err(failed)?);
        Client::build(self.loopback, self.bytes, self.timeout, authorities)
    }

    /// Sets another limit for the size, in bytes.
    #[must_use]
    pub fn with_size_limit(mut self, bytes: usize) -> Client {
        self.bytes = bytes;
        self
    }

    /// Sets another limit for the time of a whole exchange.
    #[must_use]
    pub fn with_time_limit(mut self, timeout: Duration) -> Client {
        self.timeout = timeout;
        self
    }

    /// Sets the limits for the documents of federations: 256 MiB, which is the limit of metadata as such, and 5 minutes.
    #[must_use]
    pub fn for_federations(self) -> Client {
        self.with_size_limit(FEDERATION_BYTES).with_time_limit(FEDERATION_TIMEOUT)
    }

    fn build(
        loopback: bool,
        bytes: usize,
        timeout: Duration,
        authorities: Vec<reqwest::Certificate>,
    ) -> Result<Client, ClientError> {
        let built = |resolver| {
            reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .no_proxy()
                .tls_certs_merge(authorities.iter().cloned())
                .referer(false)
                .user_agent(concat!("vouchsafe/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(resolver)
                .redirect(Policy::none())
                .build()
                .map_err(|source| ClientError::Setup { source: Box::new(source) })
        };
        let resolver = Guarded::new(loopback);
        let public = built(resolver.clone().without_loopback())?;
        let client = if loopback { built(resolver)? } else { public.clone() };
        Ok(Client { client, public, loopback, authorities, bytes, timeout })
    }

    /// Loads and reads the metadata of one identity provider.
    ///
    /// # Errors
    /// The errors of [`load`](Self::load), and [`ClientError::Metadata`] if the document is not metadata of an
    /// identity provider.
    pub async fn identity_provider(&self, address: &str) -> Result<IdentityProvider, ClientError> {
        let bytes = self.load(address).await?;
        IdentityProvider::from_metadata(&bytes)
            .map_err(|source| ClientError::Metadata { url: address.trim().to_owned(), source })
    }

    /// Posts a SOAP envelope and reads the answer, under the same rules as [`load`](Self::load): the same addresses,
    /// sizes and times. Redirects are not followed: the envelope names a person or contains an artifact, and is only
    /// for the address in the metadata.
    ///
    /// # Errors
    /// As for [`load`](Self::load); [`ClientError::Status`] for a redirect. An answer with status 500 is read,
    /// because a SOAP fault has this status.
    pub async fn post_soap(
        &self,
        address: &str,
        envelope: String,
        action: &str,
    ) -> Result<Vec<u8>, ClientError> {
        let (address, url) = (address.trim(), self.admitted(address)?);
        let request = self.client.post(url).timeout(self.timeout).header(CONTENT_TYPE, SOAP);
        let request = request.header("soapaction", action).body(envelope);
        let response = request.send().await.map_err(|source| failed(address, source))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::INTERNAL_SERVER_ERROR {
            return self.body(address, response).await;
        }
        Err(ClientError::Status { url: address.to_owned(), status: status.as_u16(), retry_after: None })
    }

    /// Loads a document and returns its bytes.
    ///
    /// # Errors
    /// [`ClientError::Forbidden`] if the address may not be requested, [`ClientError::Exchange`],
    /// [`ClientError::Status`], [`ClientError::TooLarge`].
    pub async fn load(&self, address: &str) -> Result<Vec<u8>, ClientError> {
        let response = self.ask(address, &Validators::default()).await?;
        self.body(address, response).await
    }

    /// Loads a document, unless it has not changed since these validators were received.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
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

    /// Sends a request. Returns an answer with a success, or with "not modified" if the request was conditional.
    async fn ask(&self, address: &str, validators: &Validators) -> Result<Response, ClientError> {
        let (address, url) = (address.trim(), self.admitted(address)?);
        let response = self.followed(url, validators).await;
        let response =
            response.map_err(|source| ClientError::Exchange { url: address.to_owned(), source })?;
        let status = response.status();
        let is_conditional = validators.etag.is_some() || validators.last_modified.is_some();
        if status.is_success() || (is_conditional && status == StatusCode::NOT_MODIFIED) {
            return Ok(response);
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|value| wait(value, Utc::now()));
        Err(ClientError::Status { url: address.to_owned(), status: status.as_u16(), retry_after })
    }

    /// Sends a request, and follows redirects. Each goes to an address that [may be asked](may_lead) after the answer that
    /// leads there.
    async fn followed(
        &self,
        mut url: Url,
        validators: &Validators,
    ) -> Result<Response, Box<dyn Error + Send + Sync>> {
        let (began, mut loopback) = (Instant::now(), self.loopback);
        for _ in 0..=REDIRECTS {
            let left = self.timeout.saturating_sub(began.elapsed());
            let mut request = self.asking(loopback).get(url.clone()).timeout(left).header(ACCEPT, METADATA);
            let conditions =
                [(IF_NONE_MATCH, &validators.etag), (IF_MODIFIED_SINCE, &validators.last_modified)];
            for (name, value) in conditions {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let response = request.send().await?;
            let Some(to) = led_to(&response) else { return Ok(response) };
            loopback = may_lead(response.remote_addr(), &to, self.loopback)?;
            url = to;
        }
        Err("too many redirects".into())
    }

    /// Returns the client for an address that may be on this machine, or for one that must not.
    fn asking(&self, loopback: bool) -> &reqwest::Client {
        if loopback { &self.client } else { &self.public }
    }

    /// Returns the parsed address, if it may be requested.
    fn admitted(&self, address: &str) -> Result<Url, ClientError> {
        let address = address.trim();
        let parsed = Url::parse(address).ok();
        let forbidden =
            |reason| ClientError::Forbidden { url: without_credentials(address, &parsed), reason };
        let url = parsed.as_ref().ok_or_else(|| forbidden("it is not an absolute URL"))?;
        // Credentials are checked first, so that they appear in no error.
        admissible(url, self.loopback).map_err(forbidden)?;
        WebAddress::new(address)
            .map_err(|source| ClientError::Metadata { url: address.to_owned(), source })?;
        Ok(url.clone())
    }

    /// Reads the body of an answer, up to the size limit.
    async fn body(&self, address: &str, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let address = address.trim();
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
        // The announced length need not be true.
        let mut bytes = Vec::with_capacity(announced.unwrap_or_default().min(self.bytes).min(ROOM));
        while let Some(chunk) = response.chunk().await.map_err(|source| failed(address, source))? {
            if bytes.len().saturating_add(chunk.len()) > self.bytes {
                return Err(ClientError::TooLarge { url: address.to_owned(), limit: self.bytes });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// Returns the address to which an answer redirects (RFC 9110, 15.4).
fn led_to(response: &Response) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    // Some servers write characters into it that a URL should have encoded.
    let location = std::str::from_utf8(response.headers().get(LOCATION)?.as_bytes()).ok()?;
    response.url().join(location).ok()
}

/// Returns the address without a user name and a password, for errors.
fn without_credentials(address: &str, parsed: &Option<Url>) -> String {
    if !address.contains('@') {
        return address.to_owned();
    }
    let Some(mut url) = parsed.clone() else { return "an address with an @".to_owned() };
    match url.set_username("").and_then(|()| url.set_password(None)) {
        Ok(()) => url.to_string(),
        Err(()) => format!("{}:...", url.scheme()),
    }
}

fn failed(address: &str, source: reqwest::Error) -> ClientError {
    ClientError::Exchange { url: address.to_owned(), source: Box::new(source) }
}

/// Reads the value of `Retry-After`, which is a number of seconds or a date (RFC 9110, 10.2.3).
fn wait(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    date.with_timezone(&Utc).signed_duration_since(now).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that leads to this machine is requested, and not after a redirect of a server on the internet.
    #[tokio::test]
    async fn a_redirect_of_another_host_leads_to_no_name_of_this_machine() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 1024]).await;
                stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await.unwrap();
            }
        });
        let client = Client::with_loopback().unwrap();
        let status = async |from: &str| {
            let from = Some(from.parse().unwrap());
            let loopback = may_lead(from, &Url::parse("https://idp.example/").unwrap(), true).unwrap();
            client.asking(loopback).get(&address).send().await.map(|response| response.status().as_u16())
        };
        assert_eq!(status("127.0.0.1:443").await.unwrap(), 204);
        let refused = status("192.0.2.1:443").await.unwrap_err();
        let cause = std::iter::successors(refused.source(), |cause| (*cause).source()).last().unwrap();
        assert!(cause.to_string().contains("no address on the public internet"), "{cause}");
    }

    #[test]
    fn a_server_says_when_in_two_ways() {
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("Tue, 24 Nov 2026 00:02:00 GMT", Some(120)),
            ("Mon, 23 Nov 2026 23:59:00 GMT", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(wait(value, now).map(|wait| wait.as_secs()), seconds, "{value:?}");
        }
    }
}
