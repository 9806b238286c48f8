//! The cookies: one that ties a started sign-in to its browser, one that is the session of a service which has none of its own.
//!
//! | cookie | over https | over http on a loopback host |
//! |---|---|---|
//! | `vouchsafe-login-0` to `-3`, the bindings | `__Host-`, `Secure`, `HttpOnly`, `SameSite=None`, 10 minutes | `HttpOnly`, no `SameSite` |
//! | `vouchsafe-logout`, the binding of a sign-out | `__Host-`, `Secure`, `HttpOnly`, `SameSite=None`, 10 minutes | `HttpOnly`, no `SameSite` |
//! | `vouchsafe-restarted`, against loops | `__Host-`, `Secure`, `HttpOnly`, `SameSite=None`, 2 minutes | `HttpOnly`, no `SameSite` |
//! | `vouchsafe-form`, of a form that is kept | `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax`, 10 minutes | `HttpOnly`, `SameSite=Lax` |
//! | `vouchsafe-session` | `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax` | `HttpOnly`, `SameSite=Lax` |
//!
//! The response arrives by a POST from the identity provider's site. A cookie of `SameSite=Lax` or `Strict` is not sent along with that, so
//! the binding cookie is `SameSite=None`, which browsers take over https alone. On a loopback host without TLS it has no `SameSite`: then
//! Firefox sends it, Chrome does for two minutes, and an identity provider on the same loopback host (the port does not matter) is the
//! same site anyway.
//!
//! The pending request itself is found by the RelayState, or, where the identity provider gives none back, by the ID of the request that the
//! answer names, and not by a cookie. The cookie decides whether *this browser* started it: without
//! that, somebody could start a sign-in, answer it at the identity provider as themselves, and have the answer posted by a victim's browser
//! (login CSRF). There are four places for such cookies, so that a few tabs do not undo each other, and a further sign-in takes the place of
//! the oldest: any page can make a browser start sign-ins, and browsers push out a site's oldest cookies, the session among them, when there
//! are too many. The session cookie is `Lax` and not `Strict` because the redirect after the POST still counts as coming from the
//! identity provider's site.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use vouchsafe::{PendingLogout, PendingRequest};

use crate::error::HttpError;

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

    /// The `Set-Cookie` that ties a started sign-in to this browser: in a free place, else in that of the oldest.
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

    /// What this browser holds to prove that it started sign-ins: at most one for each place.
    pub(crate) fn bindings(self, headers: &HeaderMap) -> Vec<Binding> {
        PLACES.into_iter().filter_map(|place| self.held(headers, place)).collect()
    }

    /// The `Set-Cookie` that takes the binding of that handle away, if this browser holds one.
    pub(crate) fn unbind(self, headers: &HeaderMap, handle: &str) -> Option<HeaderValue> {
        self.set_across_sites(&self.binding_name(self.place_of(headers, handle)?), "", 0)
    }

    fn place_of(self, headers: &HeaderMap, handle: &str) -> Option<usize> {
        PLACES.into_iter().find(|place| self.held(headers, *place).is_some_and(|held| held.handle == handle))
    }

    /// What the browser holds in a place. What is not of our making counts as nothing.
    fn held(self, headers: &HeaderMap, place: usize) -> Option<Binding> {
        let text = value(headers, &self.binding_name(place))?;
        let (started, rest) = text.split_once('.')?;
        let (handle, secret) = rest.rsplit_once('.')?;
        let started = started.parse().ok()?;
        let is_ours = !handle.is_empty() && !secret.is_empty();
        is_ours.then(|| Binding { started, handle: handle.to_owned(), secret: secret.to_owned() })
    }

    /// The `Set-Cookie` that remembers for two minutes that a sign-in was started in the place of an unsolicited response.
    pub(crate) fn mark_restart(self) -> Option<HeaderValue> {
        self.set_across_sites(&self.restart_name(), "1", 120)
    }

    /// The `Set-Cookie` that forgets it, if this browser remembers it.
    pub(crate) fn unmark_restart(self, headers: &HeaderMap) -> Option<HeaderValue> {
        self.is_restarted(headers).then(|| self.set_across_sites(&self.restart_name(), "", 0)).flatten()
    }

    /// Whether a sign-in was started in the place of an unsolicited response a moment ago.
    pub(crate) fn is_restarted(self, headers: &HeaderMap) -> bool {
        value(headers, &self.restart_name()).is_some_and(|value| !value.is_empty())
    }

    /// The `Set-Cookie` that ties a sign-out on its way to this browser. There is one at a time: a further one takes its place.
    pub(crate) fn bind_logout(self, pending: &PendingLogout, binding: &str) -> Option<HeaderValue> {
        let lifetime = pending.expires_at().signed_duration_since(pending.issued_at()).num_seconds();
        let text = format!("{}.{binding}", pending.handle());
        self.set_across_sites(&self.logout_name(), &text, lifetime.max(0))
    }

    /// What this browser holds of a sign-out: the handle of the pending logout, and the proof that it was sent.
    pub(crate) fn logout(self, headers: &HeaderMap) -> Option<(String, String)> {
        let text = value(headers, &self.logout_name())?;
        let (handle, secret) = text.split_once('.')?;
        (!handle.is_empty() && !secret.is_empty()).then(|| (handle.to_owned(), secret.to_owned()))
    }

    /// The `Set-Cookie` that takes it away.
    pub(crate) fn unbind_logout(self) -> Option<HeaderValue> {
        self.set_across_sites(&self.logout_name(), "", 0)
    }

    /// The `Set-Cookie` that opens a kept form to this browser. There is one at a time: a further one takes its place.
    pub(crate) fn bind_form(self, handle: &str, secret: &str, seconds: i64) -> Option<HeaderValue> {
        let (name, secure) = (self.form_name(), self.secure());
        header(format!(
            "{name}={handle}.{secret}; Path=/; Max-Age={}; HttpOnly{secure}; SameSite=Lax",
            seconds.max(0)
        ))
    }

    /// The handle of a kept form, and what opens it, if this browser holds them.
    pub(crate) fn form(self, headers: &HeaderMap) -> Option<(String, String)> {
        let text = value(headers, &self.form_name())?;
        let (handle, secret) = text.split_once('.')?;
        (!handle.is_empty() && !secret.is_empty()).then(|| (handle.to_owned(), secret.to_owned()))
    }

    /// The `Set-Cookie` that takes it away, if this browser holds it.
    pub(crate) fn unbind_form(self, headers: &HeaderMap) -> Option<HeaderValue> {
        self.form(headers)?;
        self.bind_form("", "", 0)
    }

    /// The `Set-Cookie` of what a browser sends along when it comes from an identity provider.
    fn set_across_sites(self, name: &str, text: &str, seconds: i64) -> Option<HeaderValue> {
        let same_site = if self.secure { "; Secure; SameSite=None" } else { "" };
        header(format!("{name}={text}; Path=/; Max-Age={seconds}; HttpOnly{same_site}"))
    }

    /// The `Set-Cookie` of a session, for so many seconds: for services that have no sessions of their own yet.
    ///
    /// # Errors
    /// [`HttpError::Header`] if a header cannot hold the token.
    pub fn open_session(self, token: &str, seconds: i64) -> Result<HeaderValue, HttpError> {
        written(format!(
            "{}={token}; Path=/; Max-Age={}; HttpOnly{}; SameSite=Lax",
            self.session_name(),
            seconds.max(0),
            self.secure()
        ))
    }

    /// The `Set-Cookie` that ends a session.
    ///
    /// # Errors
    /// [`HttpError::Header`]; never in practice.
    pub fn close_session(self) -> Result<HeaderValue, HttpError> {
        written(format!(
            "{}=; Path=/; Max-Age=0; HttpOnly{}; SameSite=Lax",
            self.session_name(),
            self.secure()
        ))
    }

    /// The token of the session, if the browser sends one.
    #[must_use]
    pub fn session(self, headers: &HeaderMap) -> Option<String> {
        value(headers, &self.session_name())
    }

    fn secure(self) -> &'static str {
        if self.secure { "; Secure" } else { "" }
    }

    /// `__Host-` keeps a neighbouring subdomain from planting a cookie; browsers honour it over https alone.
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

    fn session_name(self) -> String {
        format!("{}vouchsafe-session", self.prefix())
    }

    fn binding_name(self, place: usize) -> String {
        format!("{}vouchsafe-login-{place}", self.prefix())
    }
}

/// The places for started sign-ins.
const PLACES: [usize; 4] = [0, 1, 2, 3];

/// A started sign-in, as its cookie has it: when, in milliseconds of Unix time, the handle of the pending request, and the value that proves
/// that this browser started it. The time says which is the oldest and decides nothing else.
pub(crate) struct Binding {
    started: i64,
    pub(crate) handle: String,
    pub(crate) secret: String,
}

fn written(text: String) -> Result<HeaderValue, HttpError> {
    header(text).ok_or(HttpError::Header { name: "Set-Cookie" })
}

/// A header value, unless the text holds what a header cannot. Handles and tokens are hexadecimal, so it never does.
fn header(text: String) -> Option<HeaderValue> {
    HeaderValue::from_str(&text).ok()
}

pub(crate) fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    // Bytes and not text: a cookie of a neighbour's may hold anything, and says nothing about ours beside it.
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

    /// A request that was started at that second.
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

    /// What the headers hold of the sign-in of that handle.
    fn secret_of(cookies: Cookies, headers: &HeaderMap, handle: &str) -> Option<String> {
        let mut held = cookies.bindings(headers).into_iter().filter(|held| held.handle == handle);
        held.next().map(|held| held.secret)
    }

    /// A browser that does what `Set-Cookie` says.
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
        let session = cookies.open_session("aa", 60).unwrap();
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

    /// Browsers keep some 180 cookies of a site and push out the oldest.
    #[test]
    fn any_number_of_started_sign_ins_fills_four_places() {
        let cookies = Cookies::for_address("https://app.example.com/saml/acs");
        let mut jar = Jar::default();
        jar.keep(&cookies.open_session("secret", 600).unwrap());
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
        // A place that is free again is taken before another is.
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
