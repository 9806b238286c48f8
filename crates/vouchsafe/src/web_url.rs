//! Which addresses a service provider may have.

use url::{Host, Url};

use crate::error::BindingError;

/// Reads an address of our own or of a peer: `https`, or `http` on a loopback host for development; no fragment, no user name.
///
/// # Errors
/// [`BindingError::Url`], which says what is wrong with it.
///
/// ```
/// use vouchsafe::web_url;
///
/// assert!(web_url::parse("https://app.example.com/saml/acs").is_ok());
/// assert!(web_url::parse("http://127.0.0.1:8080/saml/acs").is_ok());
/// assert_eq!(web_url::parse("http://app.example.com/saml/acs").unwrap_err().code(), "binding.url");
/// ```
pub fn parse(text: &str) -> Result<Url, BindingError> {
    let refuse = |reason| BindingError::Url { url: text.to_owned(), reason };
    let url = Url::parse(text).map_err(|_| refuse("it is not an absolute URL"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(refuse("http is for loopback hosts alone; use https")),
        _ => return Err(refuse("its scheme is not https")),
    }
    if url.host().is_none() {
        return Err(refuse("it names no host"));
    }
    if url.fragment().is_some() {
        return Err(refuse("it has a fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it has a user name or a password in it"));
    }
    Ok(url)
}

/// Whether the host is this very machine: `localhost`, a name under `.localhost`, 127.0.0.0/8 or ::1.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secure_addresses_without_decoration() {
        for good in [
            "https://a.example/x?y=z",
            "http://localhost:1/",
            "http://sp.localhost/",
            "http://[::1]:8080/acs",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/relative",
            "ftp://a.example/",
            "http://a.example/",
            "http://localhost.example/",
            "https://a.example/#x",
            "https://user@a.example/",
            "javascript:alert(1)",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
