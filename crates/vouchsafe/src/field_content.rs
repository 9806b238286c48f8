//! What a value holds that cannot be read as the message it should be.

use miniz_oxide::inflate::{decompress_to_vec_with_limit, decompress_to_vec_zlib_with_limit};
use vouchsafe_crypto::base64_decode;

use crate::form;

/// What a posted, pasted or configured value looks like, where something else was expected.
///
/// It explains a refusal and never leads to an acceptance: nothing that is found this way is read as a message.
///
/// ```
/// use vouchsafe::FieldContent;
///
/// assert_eq!(FieldContent::of(b"PD94bWwg-_8"), Some(FieldContent::Base64Url));
/// assert_eq!(FieldContent::of(b"<samlp:Response/>"), Some(FieldContent::Xml));
/// assert_eq!(FieldContent::of(b"\x00\x01"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldContent {
    /// Nothing, or white space.
    Empty,
    /// XML as it is.
    Xml,
    /// XML in UTF-16.
    Utf16,
    /// XML that declares another encoding than UTF-8 and is not UTF-8.
    OtherEncoding,
    /// XML, compressed with DEFLATE.
    Deflated,
    /// XML, compressed with DEFLATE inside a zlib header.
    Zlib,
    /// Base64 of base64.
    DoubleBase64,
    /// Base64 in which `-` and `_` stand for `+` and `/`.
    Base64Url,
    /// Base64 that is still percent-encoded.
    PercentEncoded,
    /// A query string or a form with fields of SAML.
    Form,
    /// The address of a page, with a query that may hold a message.
    Address,
    /// A web page.
    WebPage,
    /// A SAML artifact (SAML Bindings 3.6.4).
    Artifact,
    /// A SOAP envelope.
    SoapEnvelope,
    /// A certificate in PEM.
    CertificatePem,
    /// A certificate in DER.
    CertificateDer,
    /// A private key.
    PrivateKey,
    /// A JSON Web Token.
    JsonWebToken,
    /// JSON.
    Json,
}

/// Bytes of a value that are looked at. What it is shows at its beginning.
const LOOKED_AT: usize = 64 * 1024;
/// Bytes that are inflated.
const INFLATED: usize = 16 * 1024;

impl FieldContent {
    /// What these bytes look like; `None` if they look like nothing that is known.
    ///
    /// The work is bounded: the first 64 KiB are looked at.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<FieldContent> {
        let beginning = bytes.get(..LOOKED_AT).unwrap_or(bytes);
        of_binary(beginning).or_else(|| of_text(&String::from_utf8_lossy(beginning)))
    }

    /// What decoded bytes are that should be XML and are something else which is known. What begins like XML is left to its parser.
    pub(crate) fn in_the_place_of_xml(bytes: &[u8]) -> Option<FieldContent> {
        if begins_like_xml(bytes) && !begins_like_utf16(bytes) {
            return None;
        }
        // The value was base64 once already.
        FieldContent::of(bytes).or_else(|| of_base64(bytes))
    }

    /// What it is, as the end of a sentence that begins with "it is" or "it looks like".
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Empty => "an empty field",
            Self::Xml => "XML that is not base64-encoded",
            Self::Utf16 => "XML in UTF-16",
            Self::OtherEncoding => "XML in another encoding than UTF-8",
            Self::Deflated => "XML compressed with DEFLATE",
            Self::Zlib => "XML compressed with DEFLATE inside a zlib header",
            Self::DoubleBase64 => "base64 of base64",
            Self::Base64Url => "base64url, in which \"-\" and \"_\" stand for \"+\" and \"/\"",
            Self::PercentEncoded => "base64 that is still percent-encoded",
            Self::Form => "a whole query string or form",
            Self::Address => "the address of a page",
            Self::WebPage => "a web page (HTML)",
            Self::Artifact => "a SAML artifact",
            Self::SoapEnvelope => "a SOAP envelope",
            Self::CertificatePem => "a certificate in PEM",
            Self::CertificateDer => "a certificate in DER, the binary form",
            Self::PrivateKey => "a private key",
            Self::JsonWebToken => "a JSON Web Token",
            Self::Json => "JSON",
        }
    }

    /// What to do about it where a SAML message was expected.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::Empty => "Have the sender fill in the field, and look for a proxy that empties it.",
            Self::Xml => "Have the sender encode the message in base64 (SAML Bindings 3.5.4).",
            Self::Utf16 | Self::OtherEncoding => {
                "Have the sender write the message in UTF-8: every other encoding is refused."
            }
            Self::Deflated | Self::Zlib => {
                "Have the sender post the message in base64 alone: DEFLATE compression belongs to the HTTP-Redirect binding (SAML Bindings \
                 3.4.4.1 and 3.5.4)."
            }
            Self::DoubleBase64 => "Have the sender encode the message in base64 once.",
            Self::Base64Url => {
                "Have the sender use the alphabet of base64 with \"+\" and \"/\" and percent-encode it (SAML Bindings 3.4.4.1): base64url is \
                 another encoding."
            }
            Self::PercentEncoded => {
                "Decode the percent-encoding of the form or query once before the value is used; look for a proxy or framework that encodes it \
                 twice."
            }
            Self::Form => "Give the value of the one field, SAMLResponse or SAMLRequest.",
            Self::Address => "Give the message, not the address where it is found.",
            Self::WebPage => {
                "Give the message: an error page or a sign-in page stands in its place. Open the address in a browser to read what it says."
            }
            Self::Artifact => {
                "Set the binding of the assertion consumer at the identity provider to HTTP-POST: an artifact only refers to the message."
            }
            Self::SoapEnvelope => {
                "Set the binding of the assertion consumer at the identity provider to HTTP-POST: this message is for another endpoint."
            }
            Self::CertificatePem | Self::CertificateDer => {
                "Give the message: a certificate belongs into the metadata or the option for certificates."
            }
            Self::PrivateKey => {
                "Give the message, and treat the key as disclosed if it was sent to anybody: a private key never leaves its machine."
            }
            Self::JsonWebToken | Self::Json => {
                "Set the application at the identity provider up for SAML 2.0: this is an answer of OpenID Connect or of an API."
            }
        }
    }
}

/// A mark of the byte order, or `<` in two bytes. It is asked of every message, so it looks at no more than the beginning.
fn begins_like_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [b'<', 0, ..] | [0, b'<', ..])
}

fn of_binary(bytes: &[u8]) -> Option<FieldContent> {
    match bytes {
        _ if begins_like_utf16(bytes) => Some(FieldContent::Utf16),
        [0x30, 0x80..=0x84, ..] if !bytes.is_ascii() => Some(FieldContent::CertificateDer),
        [0x78, 0x01 | 0x5E | 0x9C | 0xDA, ..] => {
            begins_like_xml(&zlib_beginning(bytes)).then_some(FieldContent::Zlib)
        }
        _ if std::str::from_utf8(bytes).is_err() || bytes.iter().any(|byte| *byte < 9) => {
            let declares = bytes.starts_with(b"<?xml");
            let deflated = || begins_like_xml(&deflated_beginning(bytes)).then_some(FieldContent::Deflated);
            if declares { Some(FieldContent::OtherEncoding) } else { deflated() }
        }
        _ => None,
    }
}

fn of_text(text: &str) -> Option<FieldContent> {
    let text = text.trim_start_matches('\u{FEFF}').trim();
    let beginning: String = text.chars().take(512).collect::<String>().to_ascii_lowercase();
    if text.is_empty() {
        return Some(FieldContent::Empty);
    }
    if text.starts_with('<') {
        let is_page = beginning.contains("<html") || beginning.contains("<!doctype html");
        return Some(if is_page {
            FieldContent::WebPage
        } else if is_soap(&beginning) {
            FieldContent::SoapEnvelope
        } else {
            FieldContent::Xml
        });
    }
    if text.contains("-----BEGIN ") {
        let is_key = text.contains("PRIVATE KEY-----");
        return Some(if is_key { FieldContent::PrivateKey } else { FieldContent::CertificatePem });
    }
    if text.starts_with(['{', '[']) {
        return Some(FieldContent::Json);
    }
    if text.starts_with("eyJ") && text.split('.').count() >= 3 {
        return Some(FieldContent::JsonWebToken);
    }
    let has_field = ["SAMLResponse=", "SAMLRequest=", "SAMLart="].iter().any(|field| text.contains(field));
    if text.starts_with("https://") || text.starts_with("http://") {
        return Some(FieldContent::Address);
    }
    if has_field {
        return Some(FieldContent::Form);
    }
    of_encoded(text)
}

fn is_soap(beginning: &str) -> bool {
    beginning.contains("http://schemas.xmlsoap.org/soap/envelope/")
        || beginning.contains("http://www.w3.org/2003/05/soap-envelope")
}

/// Base64 and what is like it.
fn of_encoded(text: &str) -> Option<FieldContent> {
    if let Ok(decoded) = base64_decode(whole_groups(text).as_bytes()) {
        return of_base64(&decoded);
    }
    if text.contains('%') {
        let decoded = form::percent_decoded(text);
        return base64_decode(whole_groups(&decoded).as_bytes())
            .is_ok()
            .then_some(FieldContent::PercentEncoded);
    }
    let alphabet =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=') || c.is_ascii_whitespace();
    let is_base64_url = text.contains(['-', '_']) && text.chars().all(alphabet);
    is_base64_url.then_some(FieldContent::Base64Url)
}

/// What base64 decodes to.
fn of_base64(decoded: &[u8]) -> Option<FieldContent> {
    // Type 4, an endpoint's index, the SHA-1 of an entity ID, and 20 bytes of a handle.
    if decoded.starts_with(&[0, 4]) && decoded.len() == 44 {
        return Some(FieldContent::Artifact);
    }
    is_base64_of_xml(decoded).then_some(FieldContent::DoubleBase64)
}

fn is_base64_of_xml(bytes: &[u8]) -> bool {
    let decoded = |text: &str| base64_decode(whole_groups(text.trim()).as_bytes());
    std::str::from_utf8(bytes).is_ok_and(|text| decoded(text).is_ok_and(|inner| begins_like_xml(&inner)))
}

/// Base64 that was cut off where this module stops looking, without the incomplete group at its end.
fn whole_groups(text: &str) -> &str {
    match text.len() < LOOKED_AT.saturating_sub(4) {
        true => text,
        false => text.get(..text.len().saturating_sub(text.len() % 4)).unwrap_or(text),
    }
}

fn begins_like_xml(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"<") || bytes.starts_with(b"\xEF\xBB\xBF<")
}

/// The beginning of a DEFLATE stream. It is cut off, so an error with output is no error.
fn deflated_beginning(bytes: &[u8]) -> Vec<u8> {
    decompress_to_vec_with_limit(bytes, INFLATED).unwrap_or_else(|failed| failed.output)
}

fn zlib_beginning(bytes: &[u8]) -> Vec<u8> {
    decompress_to_vec_zlib_with_limit(bytes, INFLATED).unwrap_or_else(|failed| failed.output)
}

#[cfg(test)]
mod tests {
    use super::FieldContent::{self, *};
    use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
    use vouchsafe_crypto::base64_encode;

    const MESSAGE: &str =
        "<?xml version=\"1.0\"?><samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>";

    /// What it is, by each spelling in which it comes.
    #[test]
    fn each_content_is_recognised() {
        let deflated = compress_to_vec(MESSAGE.as_bytes(), 6);
        let base64 = base64_encode(MESSAGE.as_bytes());
        let utf16: Vec<u8> = MESSAGE.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut artifact = vec![0, 4, 0, 0];
        artifact.resize(44, 7);
        let rows: Vec<(FieldContent, Vec<u8>)> = vec![
            (Empty, b"".to_vec()),
            (Empty, b" \r\n ".to_vec()),
            (Xml, MESSAGE.into()),
            (Xml, format!("\u{FEFF}  {MESSAGE}").into()),
            (Utf16, utf16.clone()),
            (Utf16, [&[0xFF, 0xFE][..], &utf16].concat()),
            (OtherEncoding, b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xE4</a>".to_vec()),
            (Deflated, deflated.clone()),
            (Deflated, compress_to_vec(MESSAGE.as_bytes(), 1)),
            (Zlib, compress_to_vec_zlib(MESSAGE.as_bytes(), 6)),
            (Zlib, compress_to_vec_zlib(MESSAGE.as_bytes(), 9)),
            (DoubleBase64, base64_encode(base64.as_bytes()).into()),
            (Base64Url, b"PD94bWwg-_8_PD94".to_vec()),
            (Base64Url, b"ab-_".to_vec()),
            (
                PercentEncoded,
                base64_encode(b"<a>???>>>")
                    .replace('+', "%2B")
                    .replace('/', "%2F")
                    .replace('=', "%3D")
                    .into(),
            ),
            (PercentEncoded, b"PGEvPg%3D%3D".to_vec()),
            (Form, format!("SAMLResponse={base64}&RelayState=x").into()),
            (Form, b"RelayState=x&SAMLart=AAQ".to_vec()),
            (Address, b"https://idp.example.com/sso?SAMLRequest=x".to_vec()),
            (WebPage, b"<!DOCTYPE html><html><body>Sign in</body></html>".to_vec()),
            (WebPage, b"<HTML><BODY>".to_vec()),
            (Artifact, base64_encode(&artifact).into()),
            (SoapEnvelope, b"<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"/>".to_vec()),
            (CertificatePem, b"-----BEGIN CERTIFICATE-----\nMIIB".to_vec()),
            (CertificateDer, vec![0x30, 0x82, 0x03, 0x10, 0x30, 0x82]),
            (PrivateKey, b"-----BEGIN RSA PRIVATE KEY-----\nMIIB".to_vec()),
            (PrivateKey, br"-----BEGIN PRIVATE KEY-----\nMIIB".to_vec()),
            (JsonWebToken, b"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln".to_vec()),
            (Json, br#"{"id_token":"x"}"#.to_vec()),
        ];
        for (expected, bytes) in rows {
            assert_eq!(FieldContent::of(&bytes), Some(expected), "{}", String::from_utf8_lossy(&bytes));
            assert!(!expected.description().is_empty() && expected.hint().ends_with('.'));
        }
    }

    /// What is as it should be, and what is nothing.
    #[test]
    fn nothing_is_made_up() {
        let base64 = base64_encode(MESSAGE.as_bytes());
        for bytes in [base64.as_bytes(), b"hello world!", b"\x00\x01\x02", b"!!!", b"%", b"0"] {
            assert_eq!(FieldContent::of(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
    }

    /// A value of megabytes, cut off anywhere.
    #[test]
    fn long_values_are_looked_at_in_part() {
        let long = MESSAGE.repeat(20_000);
        let deflated = compress_to_vec(long.as_bytes(), 1);
        assert_eq!(FieldContent::of(&deflated), Some(Deflated));
        let twice = base64_encode(base64_encode(long.as_bytes()).as_bytes());
        assert_eq!(FieldContent::of(twice.as_bytes()), Some(DoubleBase64));
    }
}
