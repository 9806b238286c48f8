//! The cookies of one browser, for tests that reach a service over HTTP.

/// The cookies of one browser: those that a service has set and has not removed with `Max-Age=0`. Path, domain and
/// expiry are ignored.
///
/// Which of them a browser sends depends on the page that makes the request, and on the cookie's `SameSite`. The
/// response of an identity provider comes with a [form of another site](Self::header_of_foreign_form), and the browser
/// sends no session cookie with it.
///
/// ```
/// use vouchsafe_testkit::attacks::CookieJar;
///
/// let mut jar = CookieJar::default();
/// assert!(jar.keep("session=1; Path=/; HttpOnly; SameSite=Lax"));
/// assert!(jar.keep("binding=2; Path=/; HttpOnly; Secure; SameSite=None"));
/// assert_eq!(jar.header(), "session=1; binding=2");
/// assert_eq!(jar.header_of_foreign_form(), "binding=2");
/// assert!(jar.keep("session=; Max-Age=0"));
/// assert!(jar.keep("binding=; Max-Age=0"));
/// assert!(jar.is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct CookieJar(Vec<Cookie>);

#[derive(Clone, Debug)]
struct Cookie {
    name: String,
    value: String,
    same_site: SameSite,
}

/// The requests from pages of other sites with which a cookie is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SameSite {
    /// All: `SameSite=None`, or no `SameSite`. Firefox sends the latter always, and Chrome for two minutes.
    Sent,
    /// Links and redirects, and no forms: `SameSite=Lax`.
    Lax,
    /// None: `SameSite=Strict`.
    Strict,
}

/// The fields of a form in which a SAML message is posted.
const SAML_MESSAGES: [&str; 3] = ["SAMLResponse=", "SAMLRequest=", "SAMLart="];

impl SameSite {
    fn of(set_cookie: &str) -> SameSite {
        let mut attributes = set_cookie.split(';').skip(1).filter_map(|attribute| attribute.split_once('='));
        let found = attributes.find(|(name, _)| name.trim().eq_ignore_ascii_case("samesite"));
        match found.map(|(_, value)| value.trim().to_ascii_lowercase()).as_deref() {
            Some("lax") => SameSite::Lax,
            Some("strict") => SameSite::Strict,
            _ => SameSite::Sent,
        }
    }
}

impl CookieJar {
    /// Returns the value of the `Cookie` header with a request from a page of the same site, or directly from the
    /// person.
    #[must_use]
    pub fn header(&self) -> String {
        self.header_where(|_| true)
    }

    /// Returns the value of the `Cookie` header with a link of another site, or a redirect after a form of another
    /// site: without cookies that are `SameSite=Strict`.
    #[must_use]
    pub fn header_of_foreign_link(&self) -> String {
        self.header_where(|same_site| same_site != SameSite::Strict)
    }

    /// Returns the value of the `Cookie` header with a form that a page of another site posts, such as that of an
    /// identity provider: without cookies that are `SameSite=Lax` or `Strict`.
    #[must_use]
    pub fn header_of_foreign_form(&self) -> String {
        self.header_where(|same_site| same_site == SameSite::Sent)
    }

    /// Returns the value of the `Cookie` header with a request that has this body. A form with a SAML message comes
    /// from the page of an identity provider, and every other request from a page of the service.
    #[must_use]
    pub fn header_with(&self, body: &[u8]) -> String {
        let is_message = |field: &[u8]| SAML_MESSAGES.iter().any(|name| field.starts_with(name.as_bytes()));
        match body.split(|byte| *byte == b'&').any(is_message) {
            true => self.header_of_foreign_form(),
            false => self.header(),
        }
    }

    fn header_where(&self, is_sent: impl Fn(SameSite) -> bool) -> String {
        let sent = self.0.iter().filter(|cookie| is_sent(cookie.same_site));
        sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect::<Vec<_>>().join("; ")
    }

    /// Applies a `Set-Cookie` header. Returns `false` if it is not a cookie.
    #[must_use]
    pub fn keep(&mut self, set_cookie: &str) -> bool {
        let pair = set_cookie.split(';').next().and_then(|pair| pair.split_once('='));
        let Some((name, value)) = pair else { return false };
        self.0.retain(|cookie| cookie.name != name);
        if !set_cookie.contains("Max-Age=0") {
            let same_site = SameSite::of(set_cookie);
            self.0.push(Cookie { name: name.to_owned(), value: value.to_owned(), same_site });
        }
        true
    }

    /// Returns the jar without the cookie of that name.
    #[must_use]
    pub fn without(mut self, name: &str) -> CookieJar {
        self.0.retain(|cookie| cookie.name != name);
        self
    }

    /// Returns the number of cookies.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no cookies.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_sent_from_where_its_attribute_says() {
        let mut jar = CookieJar::default();
        for cookie in ["a=1", "b=2; SameSite=None; Secure", "c=3; samesite = lax", "d=4; SameSite=Strict"] {
            assert!(jar.keep(cookie));
        }
        assert_eq!(jar.header(), "a=1; b=2; c=3; d=4");
        assert_eq!(jar.header_of_foreign_link(), "a=1; b=2; c=3");
        assert_eq!(jar.header_of_foreign_form(), "a=1; b=2");
        for (body, sent) in [
            ("SAMLResponse=PH4&RelayState=x", "a=1; b=2"),
            ("RelayState=x&SAMLart=AAQ", "a=1; b=2"),
            ("note=SAMLResponse", "a=1; b=2; c=3; d=4"),
            ("", "a=1; b=2; c=3; d=4"),
        ] {
            assert_eq!(jar.header_with(body.as_bytes()), sent, "{body}");
        }
        assert!(!jar.keep("no cookie"));
        assert_eq!(jar.without("b").header_of_foreign_form(), "a=1");
    }
}
