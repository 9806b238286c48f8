//! The cookies of one browser, for tests that reach a service over HTTP.

/// The cookies of one browser: those that a service has set and has not removed with `Max-Age=0`. Path, domain and
/// expiry are ignored.
///
/// ```
/// use vouchsafe_testkit::attacks::CookieJar;
///
/// let mut jar = CookieJar::default();
/// assert!(jar.keep("session=1; Path=/; HttpOnly"));
/// assert_eq!(jar.header(), "session=1");
/// assert!(jar.keep("session=; Max-Age=0"));
/// assert!(jar.is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct CookieJar(Vec<(String, String)>);

impl CookieJar {
    /// Returns the value of the `Cookie` header.
    #[must_use]
    pub fn header(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Applies a `Set-Cookie` header. Returns `false` if it is not a cookie.
    #[must_use]
    pub fn keep(&mut self, set_cookie: &str) -> bool {
        let pair = set_cookie.split(';').next().and_then(|pair| pair.split_once('='));
        let Some((name, value)) = pair else { return false };
        self.0.retain(|(found, _)| found != name);
        if !set_cookie.contains("Max-Age=0") {
            self.0.push((name.to_owned(), value.to_owned()));
        }
        true
    }

    /// Returns the jar without the cookie of that name.
    #[must_use]
    pub fn without(mut self, name: &str) -> CookieJar {
        self.0.retain(|(found, _)| found != name);
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
