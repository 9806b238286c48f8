//! Determines whether requests come from pages of our own, according to the browser.
//!
//! A page of another site can make a browser post a form to this service, with the cookies that browsers send.
//! Browsers state where a request comes from in two headers that no page can set: `Sec-Fetch-Site` (all current
//! browsers) and `Origin` (also older ones). A request passes if at least one of them shows our own origin, and none
//! shows another.
//!
//! `Origin` is compared with the origin of the assertion consumer's address, which is always configured. This also
//! refuses a page that made its own host name resolve to this service (DNS rebinding), whose requests are
//! `same-origin` for the browser.

use http::HeaderMap;
use http::header::ORIGIN;
use vouchsafe::{ServiceProvider, WebAddress};

/// The origin of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A page of this service, or the person directly.
    Own,
    /// Another site, or another host of the same site.
    Foreign,
    /// The browser sends none of the headers.
    Unsaid,
}

/// Returns the origin of a request according to its headers.
pub(crate) fn source(headers: &HeaderMap, service_provider: &ServiceProvider) -> Source {
    let Ok(own) = WebAddress::new(service_provider.assertion_consumer()) else { return Source::Foreign };
    let (Ok(site), Ok(origin)) = (only(headers, "sec-fetch-site"), only(headers, ORIGIN.as_str())) else {
        return Source::Foreign;
    };
    match (site, origin) {
        (None, None) => Source::Unsaid,
        // A form on a page without a referrer has the origin `null`; then the other header decides.
        (Some("same-origin" | "none"), None | Some("null")) => Source::Own,
        (None | Some("same-origin" | "none"), Some(origin)) if origin == own.origin() => Source::Own,
        _ => Source::Foreign,
    }
}

/// Returns the value of a header that may occur once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

/// Returns whether a request may change something: it comes from a page of our own, or the browser sends none of the
/// headers and holds a session cookie with `SameSite=Lax` or `Strict`, which is not sent with a form of another site.
pub(crate) fn may_change(
    headers: &HeaderMap,
    service_provider: &ServiceProvider,
    holds_session_cookie: bool,
) -> bool {
    match source(headers, service_provider) {
        Source::Own => true,
        Source::Foreign => false,
        Source::Unsaid => holds_session_cookie,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use vouchsafe::EntityId;

    fn service_provider(assertion_consumer: &str) -> ServiceProvider {
        ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata").unwrap())
            .assertion_consumer(assertion_consumer)
            .unwrap()
            .build()
            .unwrap()
    }

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn what_the_browser_says() {
        const SITE: &str = "sec-fetch-site";
        let own = service_provider("https://app.example.com/saml/acs");
        for (lines, expected) in [
            (&[][..], Source::Unsaid),
            (&[(SITE, "same-origin")], Source::Own),
            (&[(SITE, "none")], Source::Own),
            (&[(SITE, "same-site")], Source::Foreign),
            (&[(SITE, "cross-site")], Source::Foreign),
            (&[(SITE, "")], Source::Foreign),
            (&[(SITE, "Same-Origin")], Source::Foreign),
            (&[("origin", "https://app.example.com")], Source::Own),
            (&[("origin", "https://app.example.com:443")], Source::Foreign),
            (&[("origin", "https://app.example.com.evil.example")], Source::Foreign),
            (&[("origin", "https://evil.example")], Source::Foreign),
            (&[("origin", "http://app.example.com")], Source::Foreign),
            (&[("origin", "null")], Source::Foreign),
            (&[("origin", "")], Source::Foreign),
            (&[(SITE, "same-origin"), ("origin", "https://app.example.com")], Source::Own),
            (&[(SITE, "same-origin"), ("origin", "null")], Source::Own),
            // DNS rebinding: the page's own host name resolves to this service.
            (&[(SITE, "same-origin"), ("origin", "https://evil.example")], Source::Foreign),
            (&[(SITE, "cross-site"), ("origin", "https://app.example.com")], Source::Foreign),
            (&[(SITE, "cross-site"), ("origin", "null")], Source::Foreign),
            (&[(SITE, "same-origin"), (SITE, "same-origin")], Source::Foreign),
            (&[("origin", "https://app.example.com"), ("origin", "https://evil.example")], Source::Foreign),
        ] {
            assert_eq!(source(&headers(lines), &own), expected, "{lines:?}");
        }
        let local = service_provider("http://127.0.0.1:8080/saml/acs");
        assert_eq!(source(&headers(&[("origin", "http://127.0.0.1:8080")]), &local), Source::Own);
        assert_eq!(source(&headers(&[("origin", "http://127.0.0.1:7080")]), &local), Source::Foreign);
    }

    #[test]
    fn without_a_word_the_session_cookie_decides() {
        let own = service_provider("https://app.example.com/saml/acs");
        assert!(!may_change(&headers(&[]), &own, false));
        assert!(may_change(&headers(&[]), &own, true));
        assert!(!may_change(&headers(&[("origin", "https://evil.example")]), &own, true));
    }
}
