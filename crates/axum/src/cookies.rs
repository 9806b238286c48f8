//! The two cookies: one that ties a started sign-in to its browser, one that is the session.
//!
//! | cookie | over https | over http on a loopback host |
//! |---|---|---|
//! | `vouchsafe-login-…`, the binding | `__Host-`, `Secure`, `HttpOnly`, `SameSite=None`, 10 minutes | `HttpOnly`, no `SameSite` |
//! | `vouchsafe-session` | `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax` | `HttpOnly`, `SameSite=Lax` |
//!
//! The response arrives by a POST from the identity provider's site. A cookie of `SameSite=Lax` or `Strict` is not sent along with that, so
//! the binding cookie is `SameSite=None`, which browsers take over https alone. On a loopback host without TLS it has no `SameSite`: then
//! Firefox sends it, Chrome does for two minutes, and an identity provider on the same loopback host (the port does not matter) is the
//! same site anyway.
//!
//! The pending request itself is found by the RelayState, not by a cookie. The cookie decides whether *this browser* started it: without
//! that, somebody could start a sign-in, answer it at the identity provider as themselves, and have the answer posted by a victim's browser
//! (login CSRF). The session cookie is `Lax` and not `Strict` because the redirect after the POST still counts as coming from the
//! identity provider's site.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// How cookies are written and read, which depends on whether the service is reached over https.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookies {
    secure: bool,
}

impl Cookies {
    /// For a service at this address: secure cookies unless it is `http`, which is allowed on loopback hosts alone.
    pub fn for_address(address: &str) -> Cookies {
        Cookies { secure: !address.starts_with("http://") }
    }

    /// The `Set-Cookie` that ties a started sign-in to this browser.
    pub(crate) fn bind(self, handle: &str, seconds: i64) -> Option<HeaderValue> {
        let same_site = if self.secure { "; Secure; SameSite=None" } else { "" };
        header(format!(
            "{}={handle}; Path=/; Max-Age={}; HttpOnly{same_site}",
            self.binding_name(handle),
            seconds.max(0)
        ))
    }

    /// Whether this browser holds the binding of that handle.
    pub(crate) fn binds(self, headers: &HeaderMap, handle: &str) -> bool {
        value(headers, &self.binding_name(handle)).is_some_and(|held| held == handle)
    }

    /// The `Set-Cookie` that takes the binding away.
    pub(crate) fn unbind(self, handle: &str) -> Option<HeaderValue> {
        let same_site = if self.secure { "; Secure; SameSite=None" } else { "" };
        header(format!("{}=; Path=/; Max-Age=0; HttpOnly{same_site}", self.binding_name(handle)))
    }

    /// The `Set-Cookie` of a session, for so many seconds.
    pub(crate) fn open_session(self, token: &str, seconds: i64) -> Option<HeaderValue> {
        header(format!(
            "{}={token}; Path=/; Max-Age={}; HttpOnly{}; SameSite=Lax",
            self.session_name(),
            seconds.max(0),
            self.secure()
        ))
    }

    /// The `Set-Cookie` that ends a session.
    pub(crate) fn close_session(self) -> Option<HeaderValue> {
        header(format!(
            "{}=; Path=/; Max-Age=0; HttpOnly{}; SameSite=Lax",
            self.session_name(),
            self.secure()
        ))
    }

    /// The token of the session, if the browser sends one.
    pub(crate) fn session(self, headers: &HeaderMap) -> Option<String> {
        value(headers, &self.session_name())
    }

    fn secure(self) -> &'static str {
        if self.secure { "; Secure" } else { "" }
    }

    /// `__Host-` keeps a neighbouring subdomain from planting a cookie; browsers honour it over https alone.
    fn prefix(self) -> &'static str {
        if self.secure { "__Host-" } else { "" }
    }

    fn session_name(self) -> String {
        format!("{}vouchsafe-session", self.prefix())
    }

    /// Each started sign-in has its own cookie, so that two tabs do not undo each other.
    fn binding_name(self, handle: &str) -> String {
        let tail: String = handle.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        format!("{}vouchsafe-login-{tail}", self.prefix())
    }
}

/// A header value, unless the text holds what a header cannot. Handles and tokens are hexadecimal, so it never does.
fn header(text: String) -> Option<HeaderValue> {
    HeaderValue::from_str(&text).ok()
}

fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(header: &HeaderValue) -> HeaderMap {
        let pair = header.to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(&format!("other=1; {pair}; more=2")).unwrap());
        headers
    }

    #[test]
    fn over_https_nothing_is_left_off() {
        let cookies = Cookies::for_address("https://app.example.com/saml/acs");
        let binding = cookies.bind("0123456789abcdef", 600).unwrap();
        assert_eq!(
            binding,
            "__Host-vouchsafe-login-01234567=0123456789abcdef; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=None"
        );
        let session = cookies.open_session("aa", 60).unwrap();
        assert_eq!(
            session,
            "__Host-vouchsafe-session=aa; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"
        );
        assert_eq!(cookies.session(&sent(&session)).as_deref(), Some("aa"));
    }

    #[test]
    fn a_binding_binds_its_own_handle_only() {
        let cookies = Cookies::for_address("http://127.0.0.1:8080/saml/acs");
        let headers = sent(&cookies.bind("0123456789abcdef", 600).unwrap());
        assert!(cookies.binds(&headers, "0123456789abcdef"));
        assert!(!cookies.binds(&headers, "0123456789abcdee"));
        assert!(!cookies.binds(&HeaderMap::new(), "0123456789abcdef"));
        assert!(!cookies.bind("0123", 1).unwrap().to_str().unwrap().contains("SameSite"));
    }
}
