//! What ties a started sign-in to the browser that started it.

use std::fmt;

use vouchsafe_crypto::{Provider, SecretString, constant_time_eq, hexadecimal};

use crate::error::BindingError;
use crate::random::random_hexadecimal;

/// A random value of 128 bits that only the browser which started a sign-in gets, as a cookie.
///
/// The pending request keeps its hash. Without the value no answer to the request is accepted, so nobody can have a victim's browser post
/// an answer to a sign-in of their own (login CSRF). `Debug` shows nothing of it.
pub struct BrowserBinding(SecretString);

impl BrowserBinding {
    pub(crate) fn generate(provider: &Provider) -> Result<BrowserBinding, BindingError> {
        Ok(BrowserBinding(SecretString::new(random_hexadecimal::<16>(provider)?)))
    }

    /// The value, for the cookie and for nothing else: 32 characters.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.as_str()
    }

    /// A whole `Set-Cookie` header that keeps the value until the request has expired.
    ///
    /// The cookie comes with the POST from the identity provider's page only with `SameSite=None`, and that only with `Secure`; `name`
    /// should begin with `__Host-`. Over http, which browsers treat as secure on `localhost` alone, it is kept as well.
    ///
    /// ```
    /// # fn example(binding: &vouchsafe::BrowserBinding) {
    /// let header = binding.set_cookie("__Host-saml", std::time::Duration::from_secs(600));
    /// assert!(header.ends_with("; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=None"));
    /// # }
    /// ```
    #[must_use]
    pub fn set_cookie(&self, name: &str, lifetime: std::time::Duration) -> String {
        let (value, age) = (self.reveal(), lifetime.as_secs());
        format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; Secure; SameSite=None")
    }

    pub(crate) fn hash(&self, provider: &Provider) -> Result<BindingHash, BindingError> {
        BindingHash::of(self.reveal(), provider)
    }
}

impl fmt::Debug for BrowserBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserBinding(…)")
    }
}

/// SHA-256 of a binding, in hexadecimal: what may be stored.
#[derive(Clone, Debug)]
pub(crate) struct BindingHash(String);

impl BindingHash {
    fn of(value: &str, provider: &Provider) -> Result<BindingHash, BindingError> {
        Ok(BindingHash(hexadecimal(&provider.sha256(value.as_bytes())?)))
    }

    pub(crate) fn stored(text: String) -> Option<BindingHash> {
        let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then_some(BindingHash(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares in constant time.
    pub(crate) fn is_of(&self, presented: &str, provider: &Provider) -> Result<bool, BindingError> {
        let presented = BindingHash::of(presented, provider)?;
        Ok(constant_time_eq(self.0.as_bytes(), presented.0.as_bytes()))
    }
}
