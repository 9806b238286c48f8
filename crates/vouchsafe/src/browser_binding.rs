//! The value that binds a started sign-in to the browser that started it.

use std::fmt;

use vouchsafe_crypto::{Provider, SecretString, constant_time_eq, hexadecimal};

use crate::error::BindingError;
use crate::random::random_hexadecimal;

/// A random value of 128 bits that only the browser that started a sign-in receives, as a cookie.
///
/// The pending request keeps the hash of the value. An answer to the request is accepted only with the value, so an
/// attacker cannot make a victim's browser post the answer to the attacker's own sign-in (login CSRF). `Debug` does
/// not show the value.
pub struct BrowserBinding(SecretString);

impl BrowserBinding {
    pub(crate) fn generate(provider: &Provider) -> Result<BrowserBinding, BindingError> {
        Ok(BrowserBinding(SecretString::new(random_hexadecimal::<16>(provider)?)))
    }

    /// The value, 32 characters. Use it only for the cookie.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the value of a `Set-Cookie` header that keeps the binding until the request has expired.
    ///
    /// The identity provider's page posts the response from another site. Browsers send the cookie with that POST
    /// only if it has `SameSite=None`, which requires `Secure`. `name` should begin with `__Host-`. Over http,
    /// browsers accept such a cookie on `localhost` only.
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

/// The SHA-256 of a binding in hexadecimal, which may be stored.
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

    /// Compares the hash of the presented value in constant time.
    pub(crate) fn is_of(&self, presented: &str, provider: &Provider) -> Result<bool, BindingError> {
        let presented = BindingHash::of(presented, provider)?;
        Ok(constant_time_eq(self.0.as_bytes(), presented.0.as_bytes()))
    }
}
