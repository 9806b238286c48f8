use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::MetadataError;

/// The longest accepted address, in bytes. Real ones have about 100; browsers and servers begin to fail at 8,000.
const LONGEST: usize = 2048;
/// The longest host name in bytes (RFC 1035 2.3.4).
const LONGEST_HOST: usize = 253;

/// An address that a browser or a client may be sent to: an absolute `http` or `https` URI (RFC 3986) in ASCII, with a host, without user
/// information and without a fragment.
///
/// The text is stored and sent as written, because SAML compares addresses byte by byte. So only addresses that all
/// software reads in the same way are accepted. Browsers tolerate much more (backslashes for slashes, a missing
/// slash, tabs, `0x7f.1` for 127.0.0.1, non-ASCII host names), and software with other tolerances would use another
/// address.
///
/// ```
/// use vouchsafe_metadata::WebAddress;
///
/// let address = WebAddress::new("https://idp.example.com/sso?tenant=7")?;
/// assert!(address.is_secure());
/// assert_eq!(address.host(), "idp.example.com");
/// assert_eq!(address.with_query("SAMLRequest=abc"), "https://idp.example.com/sso?tenant=7&SAMLRequest=abc");
///
/// assert!(WebAddress::new("http://127.0.0.1:8080/sso")?.is_secure(), "nobody else listens on the way");
/// assert!(!WebAddress::new("http://idp.example.com/sso")?.is_secure());
/// for refused in ["https://user@idp.example.com/", "https://idp.example.com/#x", "https://idp.example.com\\@evil.example/"] {
///     assert_eq!(WebAddress::new(refused).unwrap_err().code(), "metadata.web_address");
/// }
/// # Ok::<(), vouchsafe_metadata::MetadataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WebAddress {
    text: Box<str>,
    is_https: bool,
    is_loopback: bool,
    host: (usize, usize),
}

impl WebAddress {
    /// Parses an address.
    ///
    /// # Errors
    /// [`MetadataError::WebAddress`] with the reason.
    pub fn new(text: &str) -> Result<WebAddress, MetadataError> {
        let refuse = |reason| MetadataError::WebAddress { address: text.to_owned(), reason };
        let parts = Parts::read(text).map_err(refuse)?;
        let is_loopback = is_loopback_host(parts.host).map_err(refuse)?;
        let start = text.len().saturating_sub(parts.after_scheme.len());
        Ok(WebAddress {
            text: text.into(),
            is_https: parts.is_https,
            is_loopback,
            host: (start, start.saturating_add(parts.host.len())),
        })
    }

    /// Returns the address as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host as written; an IPv6 address is in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.text.get(self.host.0..self.host.1).unwrap_or_default()
    }

    /// Returns whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Returns whether the host is this machine: `localhost`, a name under `.localhost`, 127.0.0.0/8 or ::1.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Returns whether nobody on the network can read or alter what is sent there: the scheme is `https`, or the host
    /// is a loopback host.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.is_https || self.is_loopback
    }

    /// Returns the origin as a browser writes it (RFC 6454 6.2): scheme, host and, unless it is the default, port, in
    /// lower-case letters.
    ///
    /// ```
    /// use vouchsafe_metadata::WebAddress;
    ///
    /// for (address, origin) in [
    ///     ("https://App.example.com:443/saml/acs", "https://app.example.com"),
    ///     ("http://127.0.0.1:8080/saml/acs", "http://127.0.0.1:8080"),
    ///     ("http://[0:0::1]/", "http://[::1]"),
    /// ] {
    ///     assert_eq!(WebAddress::new(address)?.origin(), origin);
    /// }
    /// # Ok::<(), vouchsafe_metadata::MetadataError>(())
    /// ```
    #[must_use]
    pub fn origin(&self) -> String {
        let (scheme, usual) = if self.is_https { ("https", 443) } else { ("http", 80) };
        let bracketed = self.host().strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bracketed.and_then(|inner| inner.parse::<Ipv6Addr>().ok()) {
            Some(address) => format!("[{address}]"),
            None => self.host().to_ascii_lowercase(),
        };
        match self.port().filter(|port| *port != usual) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    }

    /// Returns the port, if one is written.
    fn port(&self) -> Option<u16> {
        let after_host = self.text.get(self.host.1..)?;
        let port = after_host.strip_prefix(':')?.split(['/', '?']).next()?;
        port.parse().ok()
    }

    /// Returns the raw query, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.text.split_once('?').map(|(_, query)| query)
    }

    /// Returns the address with these parameters, which are percent-encoded already, after its own.
    #[must_use]
    pub fn with_query(&self, parameters: &str) -> String {
        let joint = match self.query() {
            None => "?",
            Some(query) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        [self.as_str(), joint, parameters].concat()
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The components of an address that are checked (RFC 3986 3).
struct Parts<'t> {
    is_https: bool,
    /// The text after `://`, which begins with the host.
    after_scheme: &'t str,
    host: &'t str,
}

impl<'t> Parts<'t> {
    fn read(text: &'t str) -> Result<Parts<'t>, &'static str> {
        if text.len() > LONGEST {
            return Err("it is longer than 2048 bytes");
        }
        if !text.is_ascii() {
            return Err("it holds characters that are not ASCII");
        }
        let (scheme, after_scheme) =
            text.split_once("://").ok_or("it is not an absolute http or https URL")?;
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return Err("its scheme is neither https nor http");
        }
        let end = after_scheme.find(['/', '?', '#']).unwrap_or(after_scheme.len());
        let (authority, rest) = after_scheme.split_at_checked(end).unwrap_or((after_scheme, ""));
        if authority.contains('@') {
            return Err("it has a user name or a password in it");
        }
        if rest.contains('#') {
            return Err("it has a fragment");
        }
        if !rest.bytes().all(|byte| is_path_or_query(byte) || byte == b'%') {
            return Err("it holds characters that no URL may hold unescaped");
        }
        if !escapes_are_whole(rest) {
            return Err("it has a percent sign without two hexadecimal digits");
        }
        let (host, port) = host_and_port(authority)?;
        if port.is_some_and(|port| !is_port(port)) {
            return Err("its port is not a number from 1 to 65535");
        }
        Ok(Parts { is_https, after_scheme, host })
    }
}

/// Splits `host[:port]`; an IPv6 address is in brackets.
fn host_and_port(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    let end_of_host = match authority.find(']') {
        Some(bracket) if authority.starts_with('[') => bracket.saturating_add(1),
        _ => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at_checked(end_of_host).unwrap_or((authority, ""));
    if rest.is_empty() {
        return Ok((host, None));
    }
    rest.strip_prefix(':')
        .map(|port| (host, Some(port)))
        .ok_or("its host is not followed by a port or a path")
}

/// Returns whether a host is a loopback host, or an error if it is not a valid host.
fn is_loopback_host(host: &str) -> Result<bool, &'static str> {
    if let Some(inner) = host.strip_prefix('[') {
        let address = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
        return address.map(|address| address.is_loopback()).ok_or("its host is not an IPv6 address");
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.is_empty() {
        return Err("it names no host");
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() > LONGEST_HOST || !name.split('.').all(is_label) {
        return Err("its host is not a host name");
    }
    // For browsers, a name whose last label is a number is an IPv4 address, in any notation (`0x7f.1`, `2130706433`).
    let last = name.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_number {
        let address: Ipv4Addr = host.parse().map_err(|_| "its host is not an IPv4 address")?;
        return Ok(address.is_loopback());
    }
    let lower = host.to_ascii_lowercase();
    Ok(lower == "localhost" || lower.ends_with(".localhost"))
}

/// Returns whether a byte is allowed in a path or a query: pchar without escapes, "/" and "?" (RFC 3986 3.3 and 3.4).
fn is_path_or_query(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte)
}

fn escapes_are_whole(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        rest.as_bytes().first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_address() {
        for good in [
            "https://idp.example.com",
            "https://idp.example.com/",
            "https://idp.example.com?a",
            "https://idp.example.com:8443/a/b;c=d/e,f?g=h&i=/?:@",
            "HTTPS://IDP.example.com/sso?a=b&c=d",
            "https://idp_1.example.com./%C3%A9",
            "http://127.0.0.1:7080/sso?a=b",
            "https://[2001:db8::1]:443/x",
            "https://xn--bcher-kva.example/",
        ] {
            assert_eq!(WebAddress::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "/sso",
            "idp.example.com",
            "//idp.example.com/",
            "javascript:alert(1)",
            "javascript://idp.example.com/%0Aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "ftp://idp.example.com/",
            " https://idp.example.com/",
            "https:-/idp.example.com/sso",
            "https:idp.example.com/sso",
            "https:/idp.example.com/sso",
            "https:///idp.example.com/sso",
            "https:\\\\idp.example.com/sso",
            "https://idp.example.com\\@evil.example/sso",
            "https://idp.example.com\\.evil.example/sso",
            "https://user@idp.example.com/",
            "https://user:password@idp.example.com/",
            "https://@idp.example.com/",
            "https://idp.example.com/#x",
            "https://idp.example.com#",
            "https://idp.example.com?#",
            "https://idp.example.com/\rsso",
            "https://idp.example.com/\tsso",
            "https://idp.example.com/s so",
            "https://idp.example.com/\"onclick",
            "https://idp.example.com/<x>",
            "https://idp.example.com/{tenant}/|^`",
            "https://idp.example.com/é",
            "https://bücher.example/",
            "https://idp.example.com/%",
            "https://idp.example.com/%2",
            "https://idp.example.com/%zz",
            "https://idp%2eexample.com/",
            "https://idp..example.com/",
            "https://.example.com/",
            "https://-idp.example.com/",
            "https://idp.example.com:/",
            "https://idp.example.com:0/",
            "https://idp.example.com:65536/",
            "https://idp.example.com:+80/",
            "https://idp.example.com:80:80/",
            "https://:443/",
            "https://2130706433/",
            "https://127.1/",
            "https://0x7f.1/",
            "https://0x7f000001/",
            "https://127.0.0.01/",
            "https://127.0.0.1./",
            "https://256.0.0.1/",
            "https://[::1/",
            "https://[::1%25eth0]/",
            "https://[::1]x/",
            "https://[127.0.0.1]/",
            "https://::1/",
        ] {
            assert!(WebAddress::new(bad).is_err(), "{bad:?}");
        }
        let long = |bytes: usize| format!("https://a.example/{}", "a".repeat(bytes - 18));
        assert!(WebAddress::new(&long(2048)).is_ok());
        assert!(WebAddress::new(&long(2049)).is_err());
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (address, loopback) in [
            ("http://localhost:1/", true),
            ("http://LOCALHOST/", true),
            ("http://sp.localhost/", true),
            ("http://127.0.0.1/", true),
            ("http://127.255.255.254/", true),
            ("http://[::1]:8080/acs", true),
            ("http://[0:0:0:0:0:0:0:1]/", true),
            ("http://localhost.example/", false),
            ("http://notlocalhost/", false),
            ("http://localhost./", false),
            ("http://128.0.0.1/", false),
            ("http://0.0.0.0/", false),
            ("http://[::]/", false),
            ("http://[::ffff:127.0.0.1]/", false),
            ("http://127.0.0.1.example/", false),
        ] {
            let read = WebAddress::new(address).unwrap();
            assert_eq!((read.is_loopback(), read.is_secure()), (loopback, loopback), "{address}");
        }
        let address = WebAddress::new("https://127.0.0.1.example:8/x").unwrap();
        assert!(address.is_secure() && address.is_https() && !address.is_loopback());
        assert_eq!(address.host(), "127.0.0.1.example");
        assert_eq!(WebAddress::new("http://[::1]:8080/acs").unwrap().host(), "[::1]");
    }

    #[test]
    fn an_origin_is_written_as_a_browser_writes_it() {
        for (address, origin, is_https) in [
            ("https://App.example.com:443/acs", "https://app.example.com", true),
            ("https://app.example.com?x", "https://app.example.com", true),
            ("https://app.example.com:80/", "https://app.example.com:80", true),
            ("https://app.example.com:8443?x=1/2", "https://app.example.com:8443", true),
            ("http://127.0.0.1:80", "http://127.0.0.1", false),
            ("http://127.0.0.1:443/", "http://127.0.0.1:443", false),
            ("http://[0:0::1]:8080/", "http://[::1]:8080", false),
        ] {
            let address = WebAddress::new(address).unwrap();
            assert_eq!((address.origin().as_str(), address.is_https()), (origin, is_https));
        }
    }

    #[test]
    fn a_host_name_has_a_greatest_length() {
        let label = "a".repeat(63);
        let host = |last: usize| format!("https://{label}.{label}.{label}.{}/", "a".repeat(last));
        assert!(WebAddress::new(&host(61)).is_ok());
        assert!(WebAddress::new(&host(62)).is_err());
    }

    #[test]
    fn parameters_go_into_the_query() {
        for (address, whole) in [
            ("https://i.example", "https://i.example?a=b"),
            ("https://i.example/sso", "https://i.example/sso?a=b"),
            ("https://i.example/sso?", "https://i.example/sso?a=b"),
            ("https://i.example/sso?x", "https://i.example/sso?x&a=b"),
            ("https://i.example/sso?x=y", "https://i.example/sso?x=y&a=b"),
            ("https://i.example/sso?x=y&", "https://i.example/sso?x=y&a=b"),
            ("https://i.example/sso?&", "https://i.example/sso?&a=b"),
            ("https://i.example/sso?x=?", "https://i.example/sso?x=?&a=b"),
        ] {
            assert_eq!(WebAddress::new(address).unwrap().with_query("a=b"), whole);
        }
    }
}
