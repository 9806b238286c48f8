//! `--base-url`: the address at which browsers reach the service.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::Uri;
use vouchsafe::WebAddress;

use crate::failure::Failure;

/// The port to listen on if neither the base URL nor an argument gives one.
const USUAL_PORT: u16 = 8080;

/// The given URL, whose port may be 0.
#[derive(Debug)]
pub(super) struct BaseUrl {
    scheme: String,
    host: String,
    port: Option<u16>,
    path: String,
}

/// The base URL that is used.
#[derive(Clone, Debug)]
pub(super) struct Base {
    text: String,
    authority: String,
    path: String,
}

impl BaseUrl {
    pub(super) fn parse(text: &str) -> Result<BaseUrl, Failure> {
        let refuse = |reason: &str| {
            Failure::usage(
                "cli.base_url",
                format!("--base-url {text} cannot be used: {reason}"),
                "Give the address that browsers reach this service at, such as http://127.0.0.1:8080.",
            )
        };
        let uri: Uri = text.parse().map_err(|_| refuse("it is not an absolute URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refuse("it is not an absolute URL"));
        };
        if uri.query().is_some() || text.contains(['?', '#', '@']) {
            return Err(refuse("it has more than scheme, host, port and path"));
        }
        let path = uri.path().trim_end_matches('/');
        let is_plain = |segment: &str| {
            !["", ".", ".."].contains(&segment)
                && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        };
        if !path.split('/').skip(1).all(is_plain) {
            return Err(refuse("its path has more than letters, digits and - . _ ~ in it"));
        }
        Ok(BaseUrl {
            scheme: scheme.to_owned(),
            host: authority.host().to_owned(),
            port: authority.port_u16(),
            path: path.to_owned(),
        })
    }

    /// Returns the default address to listen on: the URL's own host and port for http, which is allowed only on
    /// loopback hosts. For https, a proxy provides TLS.
    pub(super) fn usual_listener(&self) -> SocketAddr {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        let address = bare.parse::<IpAddr>().ok().filter(IpAddr::is_loopback);
        match self.scheme.as_str() {
            "http" => (address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), self.port.unwrap_or(80)).into(),
            _ => (Ipv4Addr::LOCALHOST, USUAL_PORT).into(),
        }
    }

    /// Replaces a port 0 by the actual port.
    pub(super) fn at(self, listening: u16) -> Result<Base, Failure> {
        let port = self.port.map(|port| if port == 0 { listening } else { port });
        let authority = self.host + &port.map(|port| format!(":{port}")).unwrap_or_default();
        let text = format!("{}://{authority}{}", self.scheme, self.path);
        WebAddress::new(&text).map_err(|error| Failure::unusable("--base-url", error))?;
        Ok(Base { text, authority, path: self.path })
    }
}

impl Base {
    /// Returns the URL without a slash at its end.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns an address below the URL.
    pub(super) fn url(&self, below: &str) -> String {
        format!("{}{below}", self.text)
    }

    /// Returns the path of an address below the URL.
    pub(super) fn path(&self, below: &str) -> String {
        format!("{}{below}", self.path)
    }

    /// Returns whether a host in a request may be this service: its own host, `localhost`, or an IP address. A page
    /// of another site could let a host name of its own resolve to this service, and then read its answers (DNS
    /// rebinding). But the browser still sends that host name.
    pub(super) fn answers_to(&self, host: &str) -> bool {
        let bare = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((inner, _)) => inner,
            None => host.split(':').next().unwrap_or_default(),
        };
        host.eq_ignore_ascii_case(&self.authority)
            || bare.eq_ignore_ascii_case("localhost")
            || bare.parse::<IpAddr>().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_says_where_to_listen_and_what_is_ours() {
        for (given, listener, used) in [
            ("http://127.0.0.1:0", "127.0.0.1:0", "http://127.0.0.1:4711"),
            ("http://localhost:9000/", "127.0.0.1:9000", "http://localhost:9000"),
            ("http://[::1]:0/test/", "[::1]:0", "http://[::1]:4711/test"),
            ("https://sp.example.com/a/b", "127.0.0.1:8080", "https://sp.example.com/a/b"),
            ("http://127.0.0.1", "127.0.0.1:80", "http://127.0.0.1"),
        ] {
            let base = BaseUrl::parse(given).unwrap();
            assert_eq!(base.usual_listener().to_string(), listener, "{given}");
            assert_eq!(base.at(4711).unwrap().as_str(), used, "{given}");
        }
        for wrong in [
            "127.0.0.1:80",
            "/saml",
            "",
            "http://a@127.0.0.1",
            "http://127.0.0.1/?a",
            "http://127.0.0.1/#a",
            "http://127.0.0.1/a//b",
            "http://127.0.0.1/../b",
            "http://127.0.0.1/{a}",
            "http://127.0.0.1/%7ba%7d",
        ] {
            assert!(BaseUrl::parse(wrong).is_err(), "{wrong}");
        }
        assert!(BaseUrl::parse("ftp://127.0.0.1").unwrap().at(1).is_err());
    }

    #[test]
    fn only_names_that_nobody_can_lead_here_are_answered() {
        let base = BaseUrl::parse("https://sp.example.com").unwrap().at(8080).unwrap();
        for own in
            ["sp.example.com", "SP.example.com", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "10.1.2.3"]
        {
            assert!(base.answers_to(own), "{own}");
        }
        for foreign in
            ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "sp.example.com:81", "[evil]"]
        {
            assert!(!base.answers_to(foreign), "{foreign}");
        }
    }
}
