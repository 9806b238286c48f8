//! The two forms of an ECDSA signature.
//!
//! XML has r || s, each as long as the curve's order (XML Signature 1.1, 6.4.3). X.509 and most libraries have
//! SEQUENCE { r, s } in DER (RFC 3279, 2.2.3).

use x509_cert::der::asn1::{Any, UintRef};
use x509_cert::der::{Encode as _, Tag};

/// Converts r || s to SEQUENCE { r, s }. Returns `None` if the number of bytes is odd or a number cannot be encoded.
#[must_use]
pub fn to_asn1(signature: &[u8]) -> Option<Vec<u8>> {
    if !signature.len().is_multiple_of(2) {
        return None;
    }
    let (r, s) = signature.split_at_checked(signature.len().div_euclid(2))?;
    let numbers = [UintRef::new(r).ok()?.to_der().ok()?, UintRef::new(s).ok()?.to_der().ok()?].concat();
    Any::new(Tag::Sequence, numbers).ok()?.to_der().ok()
}

#[cfg(test)]
mod tests {
    use super::to_asn1;

    #[test]
    fn numbers_are_minimal_and_positive() {
        for (signature, expected) in [
            (&[0, 1, 0x80, 2][..], Some(vec![0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 2])),
            (&[0, 0, 0, 0], Some(vec![0x30, 6, 2, 1, 0, 2, 1, 0])),
            (&[1, 2, 3], None),
        ] {
            assert_eq!(to_asn1(signature), expected, "{signature:?}");
        }
    }
}
