//! Bytes as hexadecimal digits.

/// Returns two digits for each byte, in lower case.
///
/// ```
/// use vouchsafe_crypto::{from_hexadecimal, hexadecimal};
///
/// assert_eq!(hexadecimal(&[0x07, 0xaf]), "07af");
/// assert_eq!(from_hexadecimal("07AF"), Some([0x07, 0xaf]));
/// ```
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Converts hexadecimal digits, in upper or lower case, to bytes. Returns `None` for any other text or another
/// length.
#[must_use]
pub fn from_hexadecimal<const BYTES: usize>(digits: &str) -> Option<[u8; BYTES]> {
    let mut bytes = [0_u8; BYTES];
    if digits.len() != BYTES.checked_mul(2)? {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        for digit in pair {
            let value = u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
            *byte = *byte << 4 | value;
        }
    }
    Some(bytes)
}

/// Reads a fingerprint, such as the SHA-256 of a certificate, in the forms in which `openssl x509 -fingerprint` and
/// consoles show it: hexadecimal digits in upper or lower case, with or without colons and white space between them.
/// Returns `None` for any other text or another length.
///
/// ```
/// use vouchsafe_crypto::from_fingerprint;
///
/// assert_eq!(from_fingerprint("07:AF:10"), Some([0x07, 0xaf, 0x10]));
/// assert_eq!(from_fingerprint("07af 10\n"), Some([0x07, 0xaf, 0x10]));
/// assert_eq!(from_fingerprint::<3>("07:AF"), None);
/// ```
#[must_use]
pub fn from_fingerprint<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let digits: String = text.chars().filter(|one| !one.is_whitespace() && *one != ':').collect();
    from_hexadecimal(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_nothing_else_are_read() {
        let all: [u8; 256] = std::array::from_fn(|byte| u8::try_from(byte).unwrap());
        assert_eq!(from_hexadecimal(&hexadecimal(&all)), Some(all));
        for wrong in ["", "0", "000", "+f", "-1", " 1", "0x", "0g", "é"] {
            assert_eq!(from_hexadecimal::<1>(wrong), None, "{wrong:?}");
        }
        assert_eq!(from_hexadecimal::<0>(""), Some([]));
    }

    #[test]
    fn a_fingerprint_is_its_digits_with_or_without_colons_and_white_space() {
        for same in ["00afFF", "00:AF:ff", "00 af ff", "\t00:af :FF\n", "0:0a:f:ff"] {
            assert_eq!(from_fingerprint(same), Some([0, 0xaf, 0xff]), "{same:?}");
        }
        for wrong in ["", "00:af", "00:af:ff:00", "00-af-ff", "00:af:fg", "0x00afff", "SHA256:00afff"] {
            assert_eq!(from_fingerprint::<3>(wrong), None, "{wrong:?}");
        }
    }
}
