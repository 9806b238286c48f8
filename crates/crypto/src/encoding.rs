//! Base64 in the form of XML Schema.

use crate::CryptoError;
use base64::{DecodeError, Engine as _, engine::general_purpose::STANDARD};

/// Decodes `xs:base64Binary` (XML Schema part 2, 3.2.16).
///
/// White space (space, tab, line feed, carriage return) is accepted anywhere. Everything else is strict: the standard
/// alphabet, padding to a multiple of four characters, and no unused bits in the last character. The last rule is in
/// the grammar of XML Schema (`B04`, `B16`). It makes the text of a value unique, so that no character can be altered
/// without changing the bytes.
///
/// # Errors
///
/// [`CryptoError::Base64`] with the offset in the text.
///
/// ```
/// use vouchsafe_crypto::base64_decode;
///
/// assert_eq!(base64_decode(" aGVs\r\n bG8= ")?, b"hello");
/// for refused in ["aGVsbG8", "aGVsbG9=", "aGVsbG8==", "aGVs-G8=", "=", "a"] {
///     assert!(base64_decode(refused).is_err(), "{refused}");
/// }
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
pub fn base64_decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, CryptoError> {
    let text = text.as_ref();
    // Most values have no white space, so the fastest way is to try the decoder first.
    if let Ok(bytes) = STANDARD.decode(text) {
        return Ok(bytes);
    }
    let mut packed = Vec::with_capacity(text.len());
    for line in text.split(|&byte| is_white_space(byte)) {
        packed.extend_from_slice(line);
    }
    STANDARD.decode(packed).map_err(|error| refused(error, text))
}

/// Encodes in base64 with padding, on one line.
///
/// ```
/// assert_eq!(vouchsafe_crypto::base64_encode(b"hello"), "aGVsbG8=");
/// ```
#[must_use]
pub fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Returns bytes as "AB:CD:..", as consoles and `openssl x509 -fingerprint` show them.
pub(crate) fn colon_hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Converts an error of the decoder, which counts without white space, to the offset in the received text.
fn refused(error: DecodeError, text: &[u8]) -> CryptoError {
    let place = |index: usize| {
        let mut others = text.iter().enumerate().filter(|&(_, &byte)| !is_white_space(byte));
        others.nth(index).map_or(text.len(), |(offset, _)| offset)
    };
    match error {
        DecodeError::InvalidByte(index, _) => {
            CryptoError::Base64 { detail: "a character outside the alphabet", offset: place(index) }
        }
        DecodeError::InvalidLastSymbol { offset, .. } => {
            CryptoError::Base64 { detail: "the last character has bits left over", offset: place(offset) }
        }
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => {
            CryptoError::Base64 { detail: "wrong length or padding", offset: text.len() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{base64_decode, colon_hex};
    use crate::CryptoError;

    #[test]
    fn errors_point_into_the_text_as_it_came() {
        for (text, expected) in [
            ("a!==", 1),
            (" \n a !==", 5),
            ("aGVs\nbG9=", 7),
            ("aGVsb", 5),
            ("aGVs\u{a0}", 4),
            ("\taQ=\t", 5),
        ] {
            match base64_decode(text) {
                Err(CryptoError::Base64 { offset, .. }) => assert_eq!(offset, expected, "{text:?}"),
                other => panic!("{text:?}: {other:?}"),
            }
        }
        for empty in ["", " ", "\r\n\t "] {
            assert_eq!(base64_decode(empty), Ok(Vec::new()));
        }
    }

    #[test]
    fn fingerprints_have_colons() {
        assert_eq!(colon_hex(&[0xab, 0x0c, 0]), "AB:0C:00");
        assert_eq!(colon_hex(&[]), "");
    }
}
