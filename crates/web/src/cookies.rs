//! The cookies: those that bind a started sign-in to its browser, and the session of a service that has none of its
//! own.
//!
//! | cookie | over https | over http on a loopback host |
//! |---|---|---|
//! | `vouchsafe-login-0` to `-3`, the bindings | `__Host-`, `Secure`, `HttpOnly`, `SameSite=None`, 10 minutes | `HttpOnly`, no `SameSite` |
//! | `vouchsafe-logout`, the binding of a sign-out | `__Host-`, `Secure`, `HttpOnly`, `SameSite=None`, 10 minutes | `HttpOnly`, no `SameSite` |
//! | `vouchsafe-restarted`, against loops | `__Host-`, `Secure`, `HttpOnly`, `SameSite=None`, 2 minutes | `HttpOnly`, no `SameSite` |
//! | `vouchsafe-form`, of a kept form | `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax`, 10 minutes | `HttpOnly`, `SameSite=Lax` |
//! | `vouchsafe-set-up`, of an opened set-up link | `__Host-`, `Secure`, `HttpOnly`, `SameSite=Strict`, 8 hours at most | `HttpOnly`, `SameSite=Strict` |
//! | `vouchsafe-session` | `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax` | `HttpOnly`, `SameSite=Lax` |
//!
//! The response arrives by a POST from the identity provider's site. A cookie with `SameSite=Lax` or `Strict` is not
//! sent with that, so the binding cookie is `SameSite=None`, which browsers accept only over https. On a loopback
//! host without TLS it has no `SameSite`: then Firefox sends it, Chrome sends it for two minutes, and an identity
//! provider on the same loopback host (the port does not matter) is the same site anyway.
//!
//! The pending request itself is not found by a cookie. It is found by the RelayState, or, if the identity provider
//! returns none, by the ID of the request that the answer names. The cookie proves that *this browser* started it.
//! Without that, an attacker could start a sign-in, answer it at the identity provider as themselves, and have the
//! answer posted by a victim's browser (login CSRF).
//!
//! There are four places for such cookies, so that a few tabs do not disturb each other, and a further sign-in
//! replaces the oldest. The number is limited because any page can make a browser start sign-ins, and browsers remove
//! a site's oldest cookies, including the session, if there are too many. The session cookie is `Lax` and not
//! `Strict` because the redirect after the POST still counts as coming from the identity provider's site.
//!
//! So the session of the browser is not known when the response comes. Its hash is noted when the sign-in starts
//! ([`Accepted::previous_session`](crate::Accepted::previous_session)).

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use vouchsafe::{PendingLogout, PendingRequest};

use crate::error::HttpError;

/// The format of cookies, which depends on whether the service is reached over https.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookies {
    secure: bool,
}

/// In place of the handle of a sign-out: its last request was answered.
pub(crate) const ANSWERED: &str = "answered";

impl Cookies {
    /// Makes the format for a service at this address: secure cookies, unless the address is `http`, which is allowed
    /// only on loopback hosts.
    pub fn for_address(address: &str) -> Cookies {
        Cookies { secure: !address.starts_with("http://") }
    }

    /// Returns the `Set-Cookie` header that binds a started sign-in to this browser: in a free place, or in that of
    /// the oldest.
    pub(crate) fn bind(
        self,
        headers: &HeaderMap,
        pending: &PendingRequest,
        binding: &str,
    ) -> Option<HeaderValue> {
        let places = PLACES.map(|place| (place, self.held(headers, place)));
        let free = places.iter().find(|(_, held)| held.is_none());
        let oldest = places.iter().min_by_key(|(_, held)| held.as_ref().map(|held| held.started));
        let (place, _) = free.or(oldest)?;
        let lifetime = pending.expires_at().signed_duration_since(pending.issued_at()).num_seconds();
        let started = pending.issued_at().timestamp_millis();
        let text = format!("{started}.{}.{binding}", pending.handle());
        self.set_across_sites(&self.binding_name(*place), &text, lifetime.max(0))
    }

    /// Returns the values by which this browser proves that it started sign-ins: at most one for each place.
    pub(crate) fn bindings(self, headers: &HeaderMap) -> Vec<Binding> {
        PLACES.into_iter().filter_map(|place| self.held(headers, place)).collect()
    }

    /// Returns the `Set-Cookie` header that removes the binding of that handle, if this browser holds one.
    pub(crate) fn unbind(self, headers: &HeaderMap, handle: &str) -> Option<HeaderValue> {
        self.set_across_sites(&self.binding_name(self.place_of(headers, handle)?), "", 0)
    }

    fn place_of(self, headers: &HeaderMap, handle: &str) -> Option<usize> {
        PLACES.into_iter().find(|place| self.held(headers, *place).is_some_and(|held| held.handle == handle))
    }

    /// Returns the value in a place. A value that we did not write counts as none.
    fn held(self, headers: &HeaderMap, place: usize) -> Option<Binding> {
        let text = value(headers, &self.binding_name(place))?;
        let (started, rest) = text.split_once('.')?;
        let (handle, secret) = rest.rsplit_once('.')?;
        let started = started.parse().ok()?;
        let is_ours = !handle.is_empty() && !secret.is_empty();
        is_ours.then(|| Binding { started, handle: handle.to_owned(), secret: secret.to_owned() })
    }

    /// Returns the `Set-Cookie` header that remembers for two minutes that a sign-in was started instead of using an
    /// unsolicited response.
    pub(crate) fn mark_restart(self) -> Option<HeaderValue> {
        self.set_across_sites(&self.restart_name(), "1", 120)
    }

    /// Returns the `Set-Cookie` header that removes this mark, if this browser holds it.
    pub(crate) fn unmark_restart(self, headers: &HeaderMap) -> Option<HeaderValue> {
        self.is_restarted(headers).then(|| self.set_across_sites(&self.restart_name(), "", 0)).flatten()
    }

    /// Returns whether a sign-in was recently started instead of using an unsolicited response.
    pub(crate) fn is_restarted(self, headers: &HeaderMap) -> bool {
        value(headers, &self.restart_name()).is_some_and(|value| !value.is_empty())
    }

    /// Returns the `Set-Cookie` header that binds a sign-out in progress to this browser. There is one at a time: a
    /// new one replaces it.
    pub(crate) fn bind_logout(self, pending: &PendingLogout, binding: &str) -> Option<HeaderValue> {
        let lifetime = pending.expires_at().signed_duration_since(pending.issued_at()).num_seconds();
        let text = format!("{}.{binding}", pending.handle());
        self.set_across_sites(&self.logout_name(), &text, lifetime.max(0))
    }

    /// Returns this browser's data of a sign-out: the handle of the pending logout, and the proof that it carried the
    /// request.
    pub(crate) fn logout(self, headers: &HeaderMap) -> Option<(String, String)> {
        let text = value(headers, &self.logout_name())?;
        let (handle, secret) = text.split_once('.')?;
        (!handle.is_empty() && !secret.is_empty()).then(|| (handle.to_owned(), secret.to_owned()))
    }

    /// Returns the `Set-Cookie` header that replaces it after the answer: the browser can then reload the page that shows
    /// the result. `request` is the hash of the answered request's ID.
    pub(crate) fn note_answered_logout(self, request: &str) -> Option<HeaderValue> {
        self.set_across_sites(&self.logout_name(), &format!("{ANSWERED}.{request}"), 600)
    }

    /// Returns the `Set-Cookie` header that removes it.
    pub(crate) fn unbind_logout(self) -> Option<HeaderValue> {
        self.set_across_sites(&self.logout_name(), "", 0)
    }

    /// Returns the `Set-Cookie` header that removes it when somebody signs in, if this browser holds it. The page that says
    /// that the person is signed out would then be wrong.
    pub(crate) fn forget_answered_logout(self, headers: &HeaderMap) -> Option<HeaderValue> {
        let is_answered = self.logout(headers).is_some_and(|(handle, _)| handle == ANSWERED);
        is_answered.then(|| self.unbind_logout()).flatten()
    }

    /// Returns whether a `Set-Cookie` header sets the cookie of sign-outs.
    pub(crate) fn is_of_logout(self, cookie: &HeaderValue) -> bool {
        cookie.as_bytes().starts_with(format!("{}=", self.logout_name()).as_bytes())
    }

    /// Returns the `Set-Cookie` header that lets this browser open a kept form. There is one at a time: a new one
    /// replaces it.
    pub(crate) fn bind_form(self, handle: &str, secret: &str, seconds: i64) -> Option<HeaderValue> {
        let (name, secure) = (self.form_name(), self.secure());
        header(format!(
            "{name}={handle}.{secret}; Path=/; Max-Age={}; HttpOnly{secure}; SameSite=Lax",
            seconds.max(0)
        ))
    }

    /// Returns the handle and the secret of a kept form, if this browser holds them.
    pub(crate) fn form(self, headers: &HeaderMap) -> Option<(String, String)> {
        let text = value(headers, &self.form_name())?;
        let (handle, secret) = text.split_once('.')?;
        (!handle.is_empty() && !secret.is_empty()).then(|| (handle.to_owned(), secret.to_owned()))
    }

    /// Returns the `Set-Cookie` header that removes it, if this browser holds it.
    pub(crate) fn unbind_form(self, headers: &HeaderMap) -> Option<HeaderValue> {
        self.form(headers)?;
        self.bind_form("", "", 0)
    }

    /// Returns the `Set-Cookie` header of an opened set-up link, with its lifetime in seconds.
    #[cfg(feature = "portal")]
    pub(crate) fn open_set_up(self, secret: &str, seconds: i64) -> Option<HeaderValue> {
        let (name, secure) = (self.set_up_name(), self.secure());
        header(format!(
            "{name}={secret}; Path=/; Max-Age={}; HttpOnly{secure}; SameSite=Strict",
            seconds.max(0)
        ))
    }

    /// Returns the secret of the set-up link that this browser opened, if there is one.
    #[cfg(feature = "portal")]
    pub(crate) fn set_up(self, headers: &HeaderMap) -> Option<String> {
        value(headers, &self.set_up_name()).filter(|secret| !secret.is_empty())
    }

    /// Returns the `Set-Cookie` header of a cookie that browsers also send when they come from an identity provider.
    fn set_across_sites(self, name: &str, text: &str, seconds: i64) -> Option<HeaderValue> {
        let same_site = if self.secure { "; Secure; SameSite=None" } else { "" };
        header(format!("{name}={text}; Path=/; Max-Age={seconds}; HttpOnly{same_site}"))
    }

    /// Returns the `Set-Cookie` header of a session; the lifetime is sent in whole seconds. It is for services that have
    /// no sessions of their own yet. It stores nothing.
    ///
    /// # Errors
    /// [`HttpError::Header`] if a header cannot contain the token.
    pub fn open_session(self, token: &str, lifetime: Duration) -> Result<HeaderValue, HttpError> {
        written(format!(
            "{}={token}; Path=/; Max-Age={}; HttpOnly{}; SameSite=Lax",
            self.session_name(),
            lifetime.as_secs(),
            self.secure()
        ))
    }

    /// Returns the `Set-Cookie` header that ends a session.
    ///
    /// # Errors
    /// [`HttpError::Header`]; this does not occur in practice.
    pub fn close_session(self) -> Result<HeaderValue, HttpError> {
        written(format!(
            "{}=; Path=/; Max-Age=0; HttpOnly{}; SameSite=Lax",
            self.session_name(),
            self.secure()
        ))
    }

    /// Returns the token of the session, if the browser sends one.
    #[must_use]
    pub fn session(self, headers: &HeaderMap) -> Option<String> {
        value(headers, &self.session_name())
    }

    fn secure(self) -> &'static str {
        if self.secure { "; Secure" } else { "" }
    }

    /// Returns the prefix `__Host-`, which prevents other subdomains from setting the cookie. Browsers support it
    /// only over https.
    fn prefix(self) -> &'static str {
        if self.secure { "__Host-" } else { "" }
    }

    fn restart_name(self) -> String {
        format!("{}vouchsafe-restarted", self.prefix())
    }

    fn logout_name(self) -> String {
        format!("{}vouchsafe-logout", self.prefix())
    }

    fn form_name(self) -> String {
        format!("{}vouchsafe-form", self.prefix())
    }

    #[cfg(feature = "portal")]
    fn set_up_name(self) -> String {
        format!("{}vouchsafe-set-up", self.prefix())
    }

    fn session_name(self) -> String {
        format!("{}vouchsafe-session", self.prefix())
    }

    fn binding_name(self, place: usize) -> String {
        format!("{}vouchsafe-login-{place}", self.prefix())
    }
}

/// The places for started sign-ins.
const PLACES: [usize; 4] = [0, 1, 2, 3];

/// A started sign-in as stored in its cookie: the time in milliseconds of Unix time, the handle of the pending
/// request, and the value that proves that this browser started it. The time is used only to find the oldest.
pub(crate) struct Binding {
    started: i64,
    pub(crate) handle: String,
    pub(crate) secret: String,
}

fn written(text: String) -> Result<HeaderValue, HttpError> {
    header(text).ok_or(HttpError::Header { name: "Set-Cookie" })
}

/// Makes a header value; `None` if the text contains characters that a header cannot. Handles and tokens are
/// hexadecimal, so this does not occur.
fn header(text: String) -> Option<HeaderValue> {
    HeaderValue::from_str(&text).ok()
}

pub(crate) fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    // The header is read as bytes and not as text: another application's cookie may contain anything, and must not
    // affect ours.
    let pairs =
        headers.get_all(COOKIE).iter().flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    let named = |pair: &[u8]| {
        let (found, value) = pair.trim_ascii().split_at_checked(name.len())?;
        Some(value.strip_prefix(b"=")?.to_vec()).filter(|_| found == name.as_bytes())
    };
    String::from_utf8(pairs.filter_map(named).next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};

    /// Makes a request that was started at that second.
    fn pending(handle: &str, second: i64) -> PendingRequest {
        let stored = serde_json::json!({
            "handle": handle,
            "request_id": "_1",
            "connection": "acme",
            "binding_hash": "0".repeat(64),
            "issued_at": second,
            "expires_at": second.saturating_add(600),
        });
        PendingRequest::from_stored(serde_json::from_value(stored).unwrap()).unwrap()
    }

    /// Returns the secret in the headers for the sign-in with that handle.
    fn secret_of(cookies: Cookies, headers: &HeaderMap, handle: &str) -> Option<String> {
        let mut held = cookies.bindings(headers).into_iter().filter(|held| held.handle == handle);
        held.next().map(|held| held.secret)
    }

    /// A browser that obeys `Set-Cookie`.
    #[derive(Default)]
    struct Jar(Vec<(String, String)>);

    impl Jar {
        fn keep(&mut self, header: &HeaderValue) {
            let text = header.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            self.0.retain(|(found, _)| found != name);
            if !text.contains("Max-Age=0") {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }

        fn headers(&self) -> HeaderMap {
            let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_str(&format!("other=1; {}", pairs.join("; "))).unwrap());
            headers
        }
    }

    #[test]
    fn over_https_nothing_is_left_off() {
        let cookies = Cookies::for_address("https://app.example.com/saml/acs");
        let binding = cookies.bind(&HeaderMap::new(), &pending("0123456789abcdef", 7), "ff00").unwrap();
        assert_eq!(
            binding,
            "__Host-vouchsafe-login-0=7000.0123456789abcdef.ff00; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=None"
        );
        let session = cookies.open_session("aa", Duration::from_secs(60)).unwrap();
        assert_eq!(
            session,
            "__Host-vouchsafe-session=aa; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"
        );
        let mut jar = Jar::default();
        jar.keep(&session);
        assert_eq!(cookies.session(&jar.headers()).as_deref(), Some("aa"));
    }

    #[test]
    fn a_cookie_of_a_neighbour_hides_none_of_ours() {
        let cookies = Cookies::for_address("https://app.example.com/saml/acs");
        for header in [
            &b"theme=caf\xe9; __Host-vouchsafe-session=aa"[..],
            b"__Host-vouchsafe-session=aa;\xff",
            b"=;;; a; __Host-vouchsafe-session2=b; __Host-vouchsafe-session=aa",
            b"\xf0\x9f\x98\x80=1;  __Host-vouchsafe-session=aa  ",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_bytes(header).unwrap());
            assert_eq!(cookies.session(&headers).as_deref(), Some("aa"), "{}", header.escape_ascii());
        }
    }

    #[test]
    fn a_binding_binds_its_own_handle_only() {
        let cookies = Cookies::for_address("http://127.0.0.1:8080/saml/acs");
        let mut jar = Jar::default();
        let binding = cookies.bind(&jar.headers(), &pending("0123456789abcdef", 1), "ff00").unwrap();
        assert!(!binding.to_str().unwrap().contains("SameSite"));
        jar.keep(&binding);
        assert_eq!(secret_of(cookies, &jar.headers(), "0123456789abcdef").as_deref(), Some("ff00"));
        for other in ["0123456789abcdee", "0123456789abcde", "0123456789abcdef.ff00", ""] {
            assert_eq!(secret_of(cookies, &jar.headers(), other), None, "{other}");
        }
        assert_eq!(secret_of(cookies, &HeaderMap::new(), "0123456789abcdef"), None);
        assert_eq!(cookies.unbind(&jar.headers(), "0123456789abcdee"), None);
        jar.keep(&cookies.unbind(&jar.headers(), "0123456789abcdef").unwrap());
        assert_eq!(secret_of(cookies, &jar.headers(), "0123456789abcdef"), None);
    }

    /// Browsers keep about 180 cookies of a site and remove the oldest.
    #[test]
    fn any_number_of_started_sign_ins_fills_four_places() {
        let cookies = Cookies::for_address("https://app.example.com/saml/acs");
        let mut jar = Jar::default();
        jar.keep(&cookies.open_session("secret", Duration::from_secs(600)).unwrap());
        for second in 0..220 {
            jar.keep(
                &cookies.bind(&jar.headers(), &pending(&format!("handle{second}"), second), "ff00").unwrap(),
            );
        }
        assert_eq!(jar.0.len(), 5);
        assert_eq!(cookies.session(&jar.headers()).as_deref(), Some("secret"));
        for second in 0..220 {
            let held = secret_of(cookies, &jar.headers(), &format!("handle{second}"));
            assert_eq!(held.is_some(), second >= 216, "{second}");
        }
        // A free place is used before another one is replaced.
        jar.keep(&cookies.unbind(&jar.headers(), "handle218").unwrap());
        jar.keep(&cookies.bind(&jar.headers(), &pending("last", 1000), "ff00").unwrap());
        for handle in ["handle216", "handle217", "handle219", "last"] {
            assert!(secret_of(cookies, &jar.headers(), handle).is_some(), "{handle}");
        }
    }

    #[test]
    fn a_cookie_of_somebody_elses_making_is_a_free_place() {
        let cookies = Cookies::for_address("http://127.0.0.1:8080/saml/acs");
        for text in
            ["", ".", "x", "x.y", "1.", "99999999999999999999.y.z", "1..z", "1.y.", "0123456789abcdef"]
        {
            let mut jar = Jar(vec![("vouchsafe-login-0".to_owned(), text.to_owned())]);
            assert_eq!(secret_of(cookies, &jar.headers(), text), None, "{text}");
            let now: DateTime<Utc> = DateTime::UNIX_EPOCH;
            jar.keep(&cookies.bind(&jar.headers(), &pending("mine", now.timestamp()), "ff00").unwrap());
            assert!(secret_of(cookies, &jar.headers(), "mine").is_some(), "{text}");
            assert_eq!(jar.0.len(), 1, "{text}");
        }
    }
}
