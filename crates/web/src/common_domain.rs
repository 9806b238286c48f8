//! The common-domain cookie (saml-profiles-2.0-os 4.3): the identity providers that a person used, the last one at
//! the end.
//!
//! The members of a federation share a domain. A service that signs somebody in writes the cookie there, and a
//! service that must ask for the identity provider reads it there. It is a hint that anybody in the domain can write:
//! it only chooses what is offered first, and is not trusted for anything else.

use http::{HeaderMap, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use vouchsafe::crypto::{base64_decode, base64_encode};
use vouchsafe::{Connection, EntityId};

use crate::cookies::value;
use crate::error::HttpError;

/// The name of the cookie.
const NAME: &str = "_saml_idp";
/// The maximum number of identity providers that are kept. Older ones are removed.
const MOST: usize = 16;
/// The maximum number of bytes that are read and written: browsers keep 4,096 of a cookie with its name and
/// attributes.
const LONGEST: usize = 3_000;
/// The characters that a cookie's value cannot contain, and the characters of base64 that have a meaning in URLs.
const ESCAPED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%').add(b'+').add(b'/').add(b'=');

/// The identity providers that signed a browser in, the last one at the end. They are read from the cookie of the
/// common domain and written to it.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use vouchsafe::EntityId;
/// use vouchsafe_web::CommonDomainCookie;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("cookie", HeaderValue::from_static("_saml_idp=aHR0cHM6Ly9hLmV4YW1wbGU%3D"));
/// let cookie = CommonDomainCookie::of(&headers);
/// assert_eq!(cookie.last().map(EntityId::as_str), Some("https://a.example"));
/// let cookie = cookie.with_last(EntityId::new("https://b.example")?);
/// let set = cookie.set_cookie("federation.example", None)?;
/// assert!(set.to_str()?.ends_with("; Domain=federation.example; Path=/; Secure"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommonDomainCookie {
    used: Vec<EntityId>,
}

impl CommonDomainCookie {
    /// Reads the cookie that the browser sends. Values that are not entity IDs in base64 are skipped, and at most the
    /// last sixteen are kept.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> CommonDomainCookie {
        let text = value(headers, NAME).filter(|text| text.len() <= LONGEST).unwrap_or_default();
        let Ok(decoded) = percent_decode_str(&text).decode_utf8() else {
            return CommonDomainCookie::default();
        };
        let one = |text: &str| {
            let name = String::from_utf8(base64_decode(text).ok()?).ok()?;
            EntityId::new(name).ok()
        };
        let named = decoded.split(' ').filter(|text| !text.is_empty()).filter_map(one);
        named.fold(CommonDomainCookie::default(), CommonDomainCookie::with_last)
    }

    /// Returns the same list after a sign-in by this identity provider.
    #[must_use]
    pub fn with_last(mut self, used: EntityId) -> CommonDomainCookie {
        self.used.retain(|known| *known != used);
        self.used.push(used);
        let too_many = self.used.len().saturating_sub(MOST);
        self.used.drain(..too_many);
        self
    }

    /// The identity provider that was used last.
    #[must_use]
    pub fn last(&self) -> Option<&EntityId> {
        self.used.last()
    }

    /// Returns all of them, the last one first.
    pub fn latest_first(&self) -> impl Iterator<Item = &EntityId> {
        self.used.iter().rev()
    }

    /// Sorts connections by when their identity providers were used, the last one first. The others come after them,
    /// in their previous order.
    pub fn sort(&self, connections: &mut [Connection]) {
        let place = |connection: &Connection| {
            let name = connection.identity_provider().entity_id();
            self.latest_first().position(|used| used == name).unwrap_or(usize::MAX)
        };
        connections.sort_by_key(place);
    }

    /// Returns the `Set-Cookie` header for the common domain. The cookie lives for this number of seconds, or until
    /// the browser is closed. It is sent to every host of the domain, only over https, as the profile requires.
    ///
    /// # Errors
    /// [`HttpError::Header`] if the domain cannot be written into a cookie.
    pub fn set_cookie(&self, domain: &str, seconds: Option<u32>) -> Result<HeaderValue, HttpError> {
        let is_domain = !domain.is_empty()
            && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
        if !is_domain {
            return Err(HttpError::Header { name: "Set-Cookie" });
        }
        let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let text = format!("{NAME}={}{age}; Domain={domain}; Path=/; Secure", self.value());
        HeaderValue::from_str(&text).map_err(|_| HttpError::Header { name: "Set-Cookie" })
    }

    /// Returns as many of the last identity providers as fit.
    fn value(&self) -> String {
        let mut written = String::new();
        for name in self.latest_first() {
            let one = utf8_percent_encode(&base64_encode(name.as_str().as_bytes()), ESCAPED).to_string();
            let longer = if written.is_empty() { one } else { format!("{one}%20{written}") };
            if longer.len() > LONGEST {
                break;
            }
            written = longer;
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::COOKIE;

    fn id(name: &str) -> EntityId {
        EntityId::new(name).unwrap()
    }

    fn sent(value: &str) -> CommonDomainCookie {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(&format!("other=1; _saml_idp={value}")).unwrap());
        CommonDomainCookie::of(&headers)
    }

    fn names(cookie: &CommonDomainCookie) -> Vec<&str> {
        cookie.latest_first().map(EntityId::as_str).collect()
    }

    #[test]
    fn what_is_written_reads_back() {
        let cookie = ["https://a.example", "https://b.example/é", "https://a.example"].map(id);
        let cookie = cookie.into_iter().fold(CommonDomainCookie::default(), CommonDomainCookie::with_last);
        assert_eq!(names(&cookie), ["https://a.example", "https://b.example/é"], "each once, the last first");
        let set = cookie.set_cookie("fed.example", Some(60)).unwrap();
        let set = set.to_str().unwrap();
        assert!(set.ends_with("; Max-Age=60; Domain=fed.example; Path=/; Secure"), "{set}");
        let value = set.strip_prefix("_saml_idp=").unwrap().split(';').next().unwrap();
        assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'%'), "{value}");
        assert_eq!(sent(value), cookie);
    }

    #[test]
    fn what_others_wrote_is_read_as_far_as_it_can_be() {
        // As browsers of other software send it: unescaped, with `+`, with damaged values between.
        let a = base64_encode(b"https://a.example");
        let b = base64_encode(b"https://b.example");
        assert_eq!(names(&sent(&format!("{a}%20{b}"))), ["https://b.example", "https://a.example"]);
        assert_eq!(names(&sent(&format!("{a} !!! {b}"))), ["https://b.example", "https://a.example"]);
        assert_eq!(names(&sent(&format!("{a}%20%20%20gIA%3D"))), ["https://a.example"], "what is not UTF-8");
        for nothing in ["", "%20", "%ff", "x"] {
            assert_eq!(sent(nothing).last(), None, "{nothing}");
        }
        assert_eq!(sent(&a.repeat(400)).last(), None, "what is too long is not read");
    }

    #[test]
    fn it_stays_within_what_browsers_keep() {
        let many = (0..40).map(|number| id(&format!("https://{number}.example/{}", "x".repeat(300))));
        let cookie = many.fold(CommonDomainCookie::default(), CommonDomainCookie::with_last);
        assert_eq!(names(&cookie).len(), MOST);
        let set = cookie.set_cookie("fed.example", None).unwrap();
        assert!(set.len() <= LONGEST + 100);
        let value = set.to_str().unwrap().strip_prefix("_saml_idp=").unwrap().split(';').next().unwrap();
        assert!(sent(value).last().unwrap().as_str().starts_with("https://39."), "the last ones stay");
        for domain in ["", "a;b", "a b", "a\r\nb", "é"] {
            assert!(cookie.set_cookie(domain, None).is_err(), "{domain}");
        }
    }
}
