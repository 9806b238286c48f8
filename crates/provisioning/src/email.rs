//! E-mail addresses and mail domains: one grammar for all that decide anything.

use std::{fmt, hash};

use serde::{Deserialize, Serialize};

/// The most bytes of a local part (RFC 5321 4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;
/// The most bytes of an address: a path of 256 without its brackets (RFC 5321 4.5.3.1.3).
const LONGEST_ADDRESS: usize = 254;
/// The most bytes of a domain and of one of its labels (RFC 1035 2.3.4, without the root).
const LONGEST_DOMAIN: usize = 253;
const LONGEST_LABEL: usize = 63;

/// An e-mail address that may decide something: which account is linked, which organization a person is sent
/// to, whether a person is admitted.
///
/// The grammar is stricter than that of mail (RFC 5321), since two programs that read one address differently
/// are an attack:
///
/// * exactly one `@`; letters, digits, the signs of an atom and single dots before it, at most 64 bytes; no
///   quotes, commas, comments, white space, control or invisible characters;
/// * behind it a [`Domain`]; at most 254 bytes in all;
/// * ASCII alone. An address with another letter decides nothing and is refused. An internationalized domain
///   is written in its `xn--` form.
///
/// Two addresses are equal when they differ in nothing but the case of ASCII letters, before the `@` as well.
/// No other folding is done: the Kelvin sign is not a `k`.
///
/// There is no `Display`, and `Debug` shows the domain only: addresses are personal and stay out of logs.
///
/// ```
/// use vouchsafe_provisioning::EmailAddress;
///
/// let ada = EmailAddress::parse("Ada@Example.com")?;
/// assert_eq!(ada, EmailAddress::parse("ada@example.COM")?);
/// assert_eq!((ada.as_str(), ada.domain().as_str()), ("Ada@Example.com", "example.com"));
/// for wrong in ["ada@example.com@evil.example", "ada@example.com,evil.example", "\u{212a}im@example.com"] {
///     assert!(EmailAddress::parse(wrong).is_err());
/// }
/// # Ok::<(), vouchsafe_provisioning::AddressError>(())
/// ```
#[derive(Clone)]
pub struct EmailAddress {
    written: String,
    compared: String,
    domain: Domain,
}

impl EmailAddress {
    /// Reads an address. Nothing is trimmed.
    ///
    /// # Errors
    ///
    /// [`AddressError`], which does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let fault = |reason| AddressError::Email { reason };
        let (local, domain) = text.split_once('@').ok_or(fault("it has no @"))?;
        if domain.contains('@') {
            return Err(fault("it has more than one @"));
        }
        if text.len() > LONGEST_ADDRESS {
            return Err(fault("it is longer than 254 bytes"));
        }
        if let Some(reason) = fault_of_local_part(local) {
            return Err(fault(reason));
        }
        let domain = Domain::parse(domain).map_err(|error| fault(error.reason()))?;
        Ok(Self { written: text.to_owned(), compared: text.to_ascii_lowercase(), domain })
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The form in which addresses are compared: in lower case.
    #[must_use]
    pub fn compared(&self) -> &str {
        &self.compared
    }

    /// The domain, after the `@`.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The key under which a store keeps an account's address, to find it and to keep it unique. An address that the
    /// grammar refuses can only have been entered by hand; its key is the text itself, and no valid address has such a
    /// key.
    #[must_use]
    pub fn key_of(text: &str) -> String {
        Self::parse(text).map_or_else(|_| text.to_owned(), |address| address.compared)
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.compared == other.compared
    }
}

impl Eq for EmailAddress {}

impl hash::Hash for EmailAddress {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.compared.hash(state);
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EmailAddress(..@{})", self.domain)
    }
}

/// A mail domain, in lower case: two labels or more of ASCII letters, digits and hyphens. An internationalized
/// label is written in its `xn--` form. Not an address of a machine, and no dot at the end: each domain has
/// one spelling. A subdomain is another domain.
///
/// ```
/// use vouchsafe_provisioning::Domain;
///
/// assert_eq!(Domain::parse("Acme.Example")?, Domain::parse("acme.example")?);
/// for wrong in ["acme", "acme.example.", "b\u{fc}cher.example", "-a.example", "127.0.0.1", "[::1]"] {
///     assert!(Domain::parse(wrong).is_err());
/// }
/// # Ok::<(), vouchsafe_provisioning::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

impl Domain {
    /// Reads a domain. Nothing is trimmed.
    ///
    /// # Errors
    ///
    /// [`AddressError`], which does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        match fault_of_domain(text) {
            None => Ok(Self(text.to_ascii_lowercase())),
            Some(reason) => Err(AddressError::Domain { reason }),
        }
    }

    /// The domain.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Domain {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::parse(&text)
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

/// A text is not a valid e-mail address or domain. The text itself is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The text is not an e-mail address.
    #[error("the text is not a usable e-mail address: {reason}")]
    #[non_exhaustive]
    Email {
        /// The reason.
        reason: &'static str,
    },
    /// The text is not a domain.
    #[error("the text is not a usable mail domain: {reason}")]
    #[non_exhaustive]
    Domain {
        /// The reason.
        reason: &'static str,
    },
}

impl AddressError {
    /// A stable word for logs, metrics and tests.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Email { .. } => "provisioning.email_invalid",
            Self::Domain { .. } => "provisioning.domain_invalid",
        }
    }

    /// What the operator or the customer's administrator should change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Email { .. } => {
                "The attribute with the e-mail address must have the person's primary address (Okta: the value user.email), which is of ASCII letters. \
                 Write an internationalized domain in its xn-- form."
            }
            Self::Domain { .. } => {
                "Write the domain alone, such as example.com. Write an internationalized domain in its xn-- form."
            }
        }
    }

    /// The reason why the text cannot be used.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Email { reason } | Self::Domain { reason } => reason,
        }
    }
}

/// Atoms joined by single dots (RFC 5321 4.1.2, Dot-string).
fn fault_of_local_part(local: &str) -> Option<&'static str> {
    if local.is_empty() {
        Some("nothing is before the @")
    } else if !local.is_ascii() {
        Some("a character before the @ is not ASCII")
    } else if local.len() > LONGEST_LOCAL_PART {
        Some("more than 64 bytes are before the @")
    } else if local.split('.').any(str::is_empty) {
        Some("a dot before the @ is at an end or beside another dot")
    } else if !local.bytes().all(|byte| byte == b'.' || is_of_an_atom(byte)) {
        Some("a character before the @ is not allowed there")
    } else {
        None
    }
}

fn is_of_an_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn fault_of_domain(domain: &str) -> Option<&'static str> {
    if !domain.is_ascii() {
        return Some("a character of the domain is not ASCII");
    }
    if domain.len() > LONGEST_DOMAIN {
        return Some("the domain is longer than 253 bytes");
    }
    if !domain.contains('.') {
        return Some("the domain has one label only");
    }
    if let Some(reason) = domain.split('.').find_map(fault_of_label) {
        return Some(reason);
    }
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    domain.rsplit('.').next().is_some_and(is_number).then_some("the domain ends with a number")
}

/// Letters, digits and hyphens (RFC 5890 2.3.1); two hyphens in third place are left to `xn--`.
fn fault_of_label(label: &str) -> Option<&'static str> {
    if label.is_empty() {
        Some("a label of the domain is empty")
    } else if label.len() > LONGEST_LABEL {
        Some("a label of the domain is longer than 63 bytes")
    } else if !label.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric()) {
        Some("a character of the domain is not a letter, a digit or a hyphen")
    } else if label.starts_with('-') || label.ends_with('-') {
        Some("a label of the domain begins or ends with a hyphen")
    } else if label.get(2..4) == Some("--")
        && !label.get(..2).is_some_and(|tag| tag.eq_ignore_ascii_case("xn"))
    {
        Some("a label of the domain has two hyphens in third place")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_are_read() {
        for right in [
            "ada@example.com",
            "Ada.Lovelace+saml@Mail.Example.co.uk",
            "o'neil@example.com",
            "1@a.io",
            "a@xn--bcher-kva.example",
            "a@XN--BCHER-KVA.example",
            "a@3com.example",
            "!#$%&'*+-/=?^_`{|}~@example.com",
        ] {
            let address = EmailAddress::parse(right).unwrap();
            assert_eq!(address.as_str(), right);
            assert_eq!(address.compared(), right.to_ascii_lowercase());
            assert_eq!(right.to_ascii_lowercase().split('@').next_back(), Some(address.domain().as_str()));
        }
    }

    #[test]
    fn whatever_two_programs_may_read_differently_is_refused() {
        for wrong in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@@example.com",
            "ada@example.com@evil.example",
            "ada@example.com,evil@evil.example",
            "ada,eve@example.com",
            "ada@example.com;eve@evil.example",
            "\"ada\"@example.com",
            "\"a@b\"@example.com",
            "ada(comment)@example.com",
            "<ada@example.com>",
            "Ada <ada@example.com>",
            "ada @example.com",
            " ada@example.com",
            "ada@example.com ",
            "ada@example.com\n",
            "ada\u{0}@example.com",
            "ada\u{7f}@example.com",
            "ada\u{200b}@example.com",
            "ada@exam\u{ad}ple.com",
            "ada\u{202e}@example.com",
            "ada\u{ff20}example.com",
            "ada@example\u{3002}com",
            ".ada@example.com",
            "ada.@example.com",
            "a..da@example.com",
            "ada@example",
            "ada@example.com.",
            "ada@.example.com",
            "ada@example..com",
            "ada@-example.com",
            "ada@example-.com",
            "ada@ab--cd.example",
            "ada@exa_mple.com",
            "ada@127.0.0.1",
            "ada@[127.0.0.1]",
            "ada@[IPv6:::1]",
            "ada@b\u{fc}cher.example",
            "jos\u{e9}@example.com",
            "\u{212a}im@example.com",
            "ada@example.\u{212a}i",
            "ada@e%xample.com",
            "ada@example.com:25",
            "ada@example.com/x",
        ] {
            let error = EmailAddress::parse(wrong).unwrap_err();
            assert_eq!(error.code(), "provisioning.email_invalid", "{wrong:?}");
            assert!(wrong.is_empty() || !error.to_string().contains(wrong) || wrong == "ada", "{error}");
        }
    }

    #[test]
    fn lengths_are_bounded_at_their_limits() {
        let domain = |length: usize| {
            let labels = "a.".repeat(length / 2);
            format!("{labels}{}", if length.is_multiple_of(2) { "" } else { "b" })
        };
        assert!(Domain::parse(&domain(253)).is_ok());
        assert!(Domain::parse(&format!("a{}", domain(253))).is_err(), "254");
        assert!(Domain::parse(&format!("{}.com", "a".repeat(63))).is_ok());
        assert!(Domain::parse(&format!("{}.com", "a".repeat(64))).is_err());
        assert!(EmailAddress::parse(&format!("{}@example.com", "a".repeat(64))).is_ok());
        assert!(EmailAddress::parse(&format!("{}@example.com", "a".repeat(65))).is_err());
        let long = |local: usize| format!("{}@{}", "a".repeat(local), domain(199));
        assert!(EmailAddress::parse(&long(54)).is_ok(), "254");
        assert!(EmailAddress::parse(&long(55)).is_err(), "255");
    }

    #[test]
    fn only_ascii_letters_are_folded() {
        assert_eq!(EmailAddress::parse("KIM@example.com"), EmailAddress::parse("kim@EXAMPLE.com"));
        assert_ne!(EmailAddress::parse("kim@example.com"), EmailAddress::parse("k1m@example.com"));
        assert_eq!(EmailAddress::key_of("Kim@Example.com"), "kim@example.com");
        // U+212A lower-cases to `k` and U+0130 to `i` with a dot, in Unicode.
        assert_eq!(EmailAddress::key_of("\u{212a}im@example.com"), "\u{212a}im@example.com");
        assert_eq!(EmailAddress::key_of("k\u{130}m@example.com"), "k\u{130}m@example.com");
    }

    #[test]
    fn debug_and_errors_show_no_address() {
        let address = EmailAddress::parse("ada@example.com").unwrap();
        assert_eq!(format!("{address:?}"), "EmailAddress(..@example.com)");
        let error = EmailAddress::parse("ada lovelace@example.com").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("lovelace"));
    }
}
