//! Other content that is given instead of metadata.

/// Other content that operators give by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// A page for people, such as a sign-in page or an error page.
    Html,
    /// JSON, such as the configuration of an OpenID Connect provider.
    Json,
    /// A certificate or a key in PEM.
    Pem,
    /// Base64 of XML.
    Base64,
    /// Compressed data.
    Compressed,
    /// The address of the metadata.
    Address,
    /// Nothing, or only white space.
    Nothing,
}

impl Foreign {
    /// Returns what these bytes are. Only their beginning is examined.
    pub(crate) fn of(bytes: &[u8]) -> Option<Foreign> {
        if bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(b"PK\x03\x04") {
            return Some(Foreign::Compressed);
        }
        let beginning = String::from_utf8_lossy(bytes.get(..BEGINNING).unwrap_or(bytes));
        let text = beginning.trim_start_matches('\u{feff}').trim_start();
        let lower_case = text.to_ascii_lowercase();
        let begins_with = |prefixes: &[&str]| prefixes.iter().any(|prefix| lower_case.starts_with(prefix));
        if text.is_empty() && bytes.len() <= BEGINNING {
            return Some(Foreign::Nothing);
        }
        if begins_with(&["<html", "<!doctype html", "<head", "<body"]) || lower_case.contains("<html") {
            return Some(Foreign::Html);
        }
        if begins_with(&["{", "["]) {
            return Some(Foreign::Json);
        }
        if lower_case.contains("-----begin ") {
            return Some(Foreign::Pem);
        }
        if begins_with(&["https://", "http://"]) {
            return Some(Foreign::Address);
        }
        // These are "<?xml " and "<md:" or "<Ent" in base64.
        ["PD94bWwg", "PG1kOk", "PEVud"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
            .then_some(Foreign::Base64)
    }

    /// Returns a description for a sentence that begins with "it is".
    pub(crate) fn described(self) -> &'static str {
        match self {
            Foreign::Html => "an HTML page",
            Foreign::Json => "JSON",
            Foreign::Pem => "PEM, a certificate or a key",
            Foreign::Base64 => "base64",
            Foreign::Compressed => "a compressed file",
            Foreign::Address => "an address",
            Foreign::Nothing => "empty",
        }
    }

    pub(crate) fn hint(self) -> &'static str {
        match self {
            Foreign::Html => {
                "A sign-in page or an error page was saved in the place of the metadata. Fetch the metadata without signing in, from the \
                 address that the identity provider publishes it at (Okta: the application's Sign On tab, \"Metadata URL\")."
            }
            Foreign::Json => {
                "This looks like the configuration of OpenID Connect or an answer of an API. Give the SAML metadata, which is XML (Okta: the \
                 application's Sign On tab, \"Metadata URL\")."
            }
            Foreign::Pem => {
                "Give the identity provider's metadata (Okta: the application's Sign On tab, \"Metadata URL\"), which has the certificate in it."
            }
            Foreign::Base64 => "Decode it first (base64 -d), and give the XML.",
            Foreign::Compressed => "Unpack it first, and give the XML.",
            Foreign::Address => "Give the document behind the address, not the address.",
            Foreign::Nothing => "Fetch the metadata again; the download ended before anything came.",
        }
    }
}

/// The number of bytes that are examined.
const BEGINNING: usize = 1_024;
