//! Recognises the content of a value by its first bytes or by the words in it.

use miniz_oxide::inflate::{decompress_to_vec_with_limit, decompress_to_vec_zlib_with_limit};
use vouchsafe_crypto::base64_decode;

use crate::field_beginning::{LOOKED_AT, SHORTEST, begins_like_utf16, begins_like_xml, is_text};
use crate::field_content::FieldContent;
use crate::field_encoding::{of_base64, of_encoded, whole_groups};
use crate::form;

/// The number of bytes that are inflated.
const INFLATED: usize = 16 * 1024;

impl FieldContent {
    /// Recognises what these bytes look like; `None` if they match no known kind.
    ///
    /// The work is bounded: only the first 64 KiB are examined.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<FieldContent> {
        let beginning = bytes.get(..LOOKED_AT).unwrap_or(bytes);
        of_binary(beginning).or_else(|| of_text(&String::from_utf8_lossy(beginning)))
    }

    /// Recognises decoded bytes that should be XML and are not. Bytes that begin like XML are left to the XML parser.
    pub(crate) fn in_the_place_of_xml(bytes: &[u8]) -> Option<FieldContent> {
        if begins_like_xml(bytes) && !begins_like_utf16(bytes) {
            return None;
        }
        // The bytes were already decoded from base64 once.
        FieldContent::of(bytes).or_else(|| of_base64(bytes))
    }
}

fn of_binary(bytes: &[u8]) -> Option<FieldContent> {
    match bytes {
        _ if begins_like_utf16(bytes) => Some(FieldContent::Utf16),
        [0x30, 0x80..=0x84, ..] if !bytes.is_ascii() => Some(of_der(bytes)),
        [0x89, b'P', b'N', b'G', ..] | [0xFF, 0xD8, 0xFF, ..] | [b'G', b'I', b'F', b'8', ..] => {
            Some(FieldContent::Picture)
        }
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(FieldContent::Picture),
        [b'%', b'P', b'D', b'F', ..] | [0xD0, 0xCF, 0x11, 0xE0, ..] => Some(FieldContent::OfficeDocument),
        [b'P', b'K', 3, 4, ..] => {
            let is_office = ["word/", "xl/", "ppt/"]
                .iter()
                .any(|part| bytes.windows(part.len()).any(|window| window == part.as_bytes()));
            Some(if is_office { FieldContent::OfficeDocument } else { FieldContent::Archive })
        }
        [0x1F, 0x8B, 8, ..] => Some(FieldContent::Archive),
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

/// Recognises a DER structure by its first elements.
fn of_der(bytes: &[u8]) -> FieldContent {
    let length = match bytes.get(1) {
        Some(0x81) => 1,
        Some(0x82) => 2,
        Some(0x83) => 3,
        Some(0x84) => 4,
        _ => 0,
    };
    match bytes.get(2_usize.saturating_add(length)..).unwrap_or_default() {
        [2, 1, 3, ..] => FieldContent::Pkcs12,
        [2, 1, 0 | 1, ..] => FieldContent::PrivateKey,
        _ => FieldContent::CertificateDer,
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
        } else if beginning.contains(r#"=\""#) {
            FieldContent::EscapedString
        } else if has_typographic_quotes(text) {
            FieldContent::TypographicQuotes
        } else {
            of_xml(&beginning)
        });
    }
    if text.contains("-----BEGIN ") {
        return Some(of_pem(text));
    }
    if ["ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-"].iter().any(|kind| text.starts_with(kind)) {
        return Some(FieldContent::PublicKey);
    }
    if text.starts_with("{\\rtf") {
        return Some(FieldContent::OfficeDocument);
    }
    if text.starts_with(['{', '[']) && embedded(text).is_some() {
        return Some(FieldContent::SurroundedBase64);
    }
    if text.starts_with(['{', '[']) {
        if text.contains("\"authorization_endpoint\"") {
            return Some(FieldContent::OpenIdDiscovery);
        }
        if text.contains("\"keys\"") && text.contains("\"kty\"") {
            return Some(FieldContent::KeySet);
        }
        let of_open_id = ["id_token", "access_token", "jwks_uri"];
        let is_open_id = of_open_id.iter().any(|name| text.contains(&format!("\"{name}\"")));
        return Some(if is_open_id { FieldContent::OpenIdConnect } else { FieldContent::Json });
    }
    if text.starts_with("eyJ") && text.split('.').count() >= 3 {
        return Some(FieldContent::JsonWebToken);
    }
    let has_field = ["SAMLResponse=", "SAMLRequest=", "SAMLart="].iter().any(|field| text.contains(field));
    let is_one_word = !text.contains(char::is_whitespace);
    if is_one_word && is_of_open_id(text) {
        return Some(FieldContent::OpenIdConnect);
    }
    if is_one_word && text.contains("wa=wsignin1.0") {
        return Some(FieldContent::WsFederation);
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        return Some(FieldContent::Address);
    }
    if has_field && is_one_word {
        return Some(FieldContent::Form);
    }
    if is_fingerprint(text) {
        return Some(FieldContent::Fingerprint);
    }
    of_encoded(text).or_else(|| of_surrounded(text)).or_else(|| has_field.then_some(FieldContent::Form))
}

/// Returns whether attribute values begin with typographic quotation marks, which a word processor made of straight
/// ones. They are a sign of a fault only in XML that cannot be parsed.
pub(crate) fn has_typographic_quotes(text: &str) -> bool {
    let beginning: String = text.chars().take(512).collect();
    ["=“", "=”", "=„", "=‘", "=’", "=«"].iter().any(|found| beginning.contains(found))
}

/// Recognises XML by its document element.
fn of_xml(beginning: &str) -> FieldContent {
    // If a declaration or a comment comes first, the root element may be further on.
    if beginning.contains("urn:oasis:names:tc:saml:2.0:") {
        return FieldContent::Xml;
    }
    let names = |namespace: &str| beginning.contains(namespace);
    if names("\"urn:oasis:names:tc:saml:1.0:protocol\"") || names("'urn:oasis:names:tc:saml:1.0:protocol'") {
        FieldContent::OlderSaml
    } else if ["http://schemas.xmlsoap.org/ws/2005/02/trust", "http://docs.oasis-open.org/ws-sx/ws-trust/"]
        .into_iter()
        .any(names)
    {
        FieldContent::WsFederation
    } else {
        FieldContent::Xml
    }
}

fn of_pem(text: &str) -> FieldContent {
    if text.contains("PRIVATE KEY-----") {
        FieldContent::PrivateKey
    } else if text.contains("-----BEGIN CERTIFICATE-----") {
        FieldContent::CertificatePem
    } else if text.contains("CERTIFICATE REQUEST-----") {
        FieldContent::CertificateRequest
    } else if text.contains("PUBLIC KEY-----") {
        FieldContent::PublicKey
    } else {
        FieldContent::CertificatePem
    }
}

/// Returns whether an address has the parameters of an authorization request or of its response.
pub(crate) fn is_of_open_id(address: &str) -> bool {
    let Some((_, query)) = address.split_once(['?', '#']) else { return false };
    let has = |name: &str| query.split(['&', '#', '?']).any(|pair| pair.split('=').next() == Some(name));
    (has("client_id") && has("response_type"))
        || has("id_token")
        || (has("code") && has("state") && !has("SAMLResponse"))
        || (has("error") && (has("error_description") || has("state")))
}

/// Returns whether a text is a SHA-1 or SHA-256 in hexadecimal digits, in pairs with colons or blanks between them,
/// with or without the name of the digest.
fn is_fingerprint(text: &str) -> bool {
    fingerprint(text).is_some()
}

/// Returns the digits of a fingerprint, in lower case.
pub(crate) fn fingerprint(text: &str) -> Option<String> {
    let names = ["sha256", "sha-256", "sha1", "sha-1", "fingerprint", "thumbprint"];
    let lower = text.to_ascii_lowercase();
    let digits = names.iter().fold(lower, |rest, name| rest.replace(name, ""));
    let digits: String = digits.chars().filter(|c| !(c.is_whitespace() || matches!(c, ':' | '='))).collect();
    let is_digest = matches!(digits.len(), 40 | 64) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then_some(digits)
}

/// Recognises a text that holds base64 of XML among other text, or XML in another notation.
fn of_surrounded(text: &str) -> Option<FieldContent> {
    let beginning = text.get(..text.len().min(512)).unwrap_or(text);
    if beginning.starts_with("&lt;") {
        return Some(FieldContent::EscapedMarkup);
    }
    if beginning.starts_with("\"<") {
        return Some(FieldContent::EscapedString);
    }
    let is_alone = base64_decode(whole_groups(&form::percent_decoded(text)).as_bytes()).is_ok();
    if is_alone { None } else { embedded(text).map(|_| FieldContent::SurroundedBase64) }
}

/// Returns the first XML in base64 (percent-encoded or not, on one line or on several) that a text contains.
pub(crate) fn embedded(text: &str) -> Option<Vec<u8>> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '%');
    let mut words = text.split(|c: char| !(is_letter(c) || c.is_ascii_whitespace())).flat_map(runs);
    words.find_map(|run| {
        // The value may follow `SAMLResponse=`, as in a form.
        let value = run
            .trim_start_matches(|c: char| c != '=')
            .strip_prefix('=')
            .filter(|rest| rest.len() >= SHORTEST);
        [run.as_str(), value.unwrap_or_default()].into_iter().find_map(|candidate| {
            let candidate =
                if candidate.contains('%') { form::percent_decoded(candidate) } else { candidate.to_owned() };
            base64_decode(candidate.as_bytes())
                .ok()
                .filter(|decoded| begins_like_xml(decoded) && is_text(decoded))
        })
    })
}

/// Returns the words of a text that are long enough, each joined with the long words that follow it line by line.
/// Each result is given with and without the short word at the end, which may be the rest of the last line.
fn runs(text: &str) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    let mut open: Option<String> = None;
    for word in text.split_ascii_whitespace() {
        if word.len() >= SHORTEST {
            open.get_or_insert_default().push_str(word);
        } else if let Some(run) = open.take() {
            runs.extend([format!("{run}{word}"), run]);
        }
    }
    runs.extend(open);
    runs
}

fn is_soap(beginning: &str) -> bool {
    beginning.contains("http://schemas.xmlsoap.org/soap/envelope/")
        || beginning.contains("http://www.w3.org/2003/05/soap-envelope")
}

/// Inflates the beginning of a DEFLATE stream. The stream is cut off, so an error after some output is expected.
fn deflated_beginning(bytes: &[u8]) -> Vec<u8> {
    decompress_to_vec_with_limit(bytes, INFLATED).unwrap_or_else(|failed| failed.output)
}

fn zlib_beginning(bytes: &[u8]) -> Vec<u8> {
    decompress_to_vec_zlib_with_limit(bytes, INFLATED).unwrap_or_else(|failed| failed.output)
}

#[cfg(test)]
mod tests {
    use crate::FieldContent::{self, *};
    use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
    use vouchsafe_crypto::base64_encode;

    const MESSAGE: &str =
        "<?xml version=\"1.0\"?><samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>";

    /// About one signature in a hundred decodes to a first byte that is `<`.
    #[test]
    fn a_signature_is_no_message() {
        let signature = base64_encode(&[b'<', 0xFF, 0x81, 0x3A].repeat(64));
        assert_eq!(super::embedded(&format!("<SignatureValue>{signature}</SignatureValue>")), None);
    }

    /// Each kind of content is recognised in each of its spellings.
    #[test]
    fn each_content_is_recognised() {
        let deflated = compress_to_vec(MESSAGE.as_bytes(), 6);
        let base64 = base64_encode(MESSAGE.as_bytes());
        let padded = base64_encode(format!("{MESSAGE}<!---->x").as_bytes());
        assert!(padded.ends_with('='));
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
            (SpacesForPlus, base64_encode("<a>\u{fbe0}>>></a>".as_bytes()).replace('+', " ").into()),
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
            (Json, br#"{"errorCode":"E0000007"}"#.to_vec()),
            (OpenIdConnect, br#"{"id_token":"x"}"#.to_vec()),
            (OpenIdConnect, b"https://app.example.com/cb?error=access_denied&error_description=x".to_vec()),
            (OpenIdDiscovery, br#"{"issuer":"x","authorization_endpoint":"y"}"#.to_vec()),
            (KeySet, br#"{"keys":[{"kty":"RSA"}]}"#.to_vec()),
            (SurroundedBase64, format!("{{\"SAMLResponse\":\"{base64}\"}}").into()),
            (SurroundedBase64, format!("{{'SAMLResponse': '{base64}'}}").into()),
            (OfficeDocument, br"{\rtf1\ansi x}".to_vec()),
            (TypographicQuotes, MESSAGE.replace('"', "”").into()),
            (TypographicQuotes, MESSAGE.replace("=\"", "=“").into()),
            (Hexadecimal, MESSAGE.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().into()),
            (Hexadecimal, MESSAGE.bytes().map(|byte| format!("{byte:02X}")).collect::<String>().into()),
            (PercentEncodedTwice, b"PGEvPg%253D%253D".to_vec()),
            (CharacterReferences, b"PGEvPg&#61;&#61;".to_vec()),
            (CharacterReferences, b"PGEvPg&#x3D;&#x3d;".to_vec()),
            (OpenIdConnect, b"https://idp.example.com/authorize?client_id=x&response_type=code".to_vec()),
            (OpenIdConnect, b"https://app.example.com/callback?code=x&state=y".to_vec()),
            (WsFederation, b"wa=wsignin1.0&wresult=%3Ct%3ARequestSecurityTokenResponse".to_vec()),
            (
                WsFederation,
                b"<t:RequestSecurityTokenResponse xmlns:t=\"http://schemas.xmlsoap.org/ws/2005/02/trust\"/>"
                    .to_vec(),
            ),
            (OlderSaml, b"<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:1.0:protocol\"/>".to_vec()),
            (CertificateRequest, b"-----BEGIN CERTIFICATE REQUEST-----\nMIIB".to_vec()),
            (CertificateRequest, b"-----BEGIN NEW CERTIFICATE REQUEST-----\nMIIB".to_vec()),
            (PublicKey, b"-----BEGIN PUBLIC KEY-----\nMIIB".to_vec()),
            (PublicKey, b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@host".to_vec()),
            (PrivateKey, vec![0x30, 0x82, 0x04, 0xBD, 0x02, 0x01, 0x00, 0x30]),
            (Pkcs12, vec![0x30, 0x82, 0x0A, 0x0F, 0x02, 0x01, 0x03, 0x30]),
            (Fingerprint, b"0B:4F:FE:77:B1:82:D9:CF:E2:1F:7F:44:61:6C:6B:00:1F:96:81:BA".to_vec()),
            (Fingerprint, format!("SHA-256 Fingerprint={}", "ab:".repeat(31) + "ab").into()),
            (EscapedMarkup, MESSAGE.replace('<', "&lt;").into()),
            (EscapedString, MESSAGE.replace('"', "\\\"").into()),
            (EscapedString, format!("\"{}\"", MESSAGE.replace('"', "\\\"")).into()),
            (SurroundedBase64, format!("\"{base64}\"").into()),
            (SurroundedBase64, format!("data:text/xml;base64,{base64}").into()),
            (SurroundedBase64, format!("Hello all,\n\nSAMLResponse: {base64}\n\nRegards").into()),
            (
                SurroundedBase64,
                format!("curl -d 'SAMLResponse={}&RelayState=x' https://x", base64.replace('=', "%3D"))
                    .into(),
            ),
            (
                SurroundedBase64,
                format!(
                    "See:\r\n{}",
                    base64
                        .as_bytes()
                        .chunks(76)
                        .map(|line| String::from_utf8_lossy(line) + "\r\n")
                        .collect::<String>()
                )
                .into(),
            ),
            (TruncatedBase64, base64.get(..base64.len() - 7).unwrap().into()),
            (SeveralMessages, format!("{padded}\n{padded}").into()),
            (Picture, b"\x89PNG\r\n\x1a\n\0\0".to_vec()),
            (Picture, b"\xFF\xD8\xFF\xE0".to_vec()),
            (OfficeDocument, b"%PDF-1.7".to_vec()),
            (OfficeDocument, b"PK\x03\x04..word/document.xml".to_vec()),
            (Archive, b"PK\x03\x04..idp.xml".to_vec()),
            (Archive, b"\x1F\x8B\x08\0".to_vec()),
        ];
        for (expected, bytes) in rows {
            assert_eq!(FieldContent::of(&bytes), Some(expected), "{}", String::from_utf8_lossy(&bytes));
            assert!(!expected.description().is_empty() && expected.hint().ends_with('.'));
        }
    }

    /// Valid values and values of no known kind are not recognised as something else.
    #[test]
    fn nothing_is_made_up() {
        let base64 = base64_encode(MESSAGE.as_bytes());
        for bytes in [base64.as_bytes(), b"hello world!", b"\x00\x01\x02", b"!!!", b"%", b"0"] {
            assert_eq!(FieldContent::of(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
    }

    /// A value of several megabytes may be cut off anywhere.
    #[test]
    fn long_values_are_looked_at_in_part() {
        let long = MESSAGE.repeat(20_000);
        let deflated = compress_to_vec(long.as_bytes(), 1);
        assert_eq!(FieldContent::of(&deflated), Some(Deflated));
        let twice = base64_encode(base64_encode(long.as_bytes()).as_bytes());
        assert_eq!(FieldContent::of(twice.as_bytes()), Some(DoubleBase64));
    }
}
