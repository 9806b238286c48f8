//! The part of DER that is needed to write a public key as a `ds:KeyValue`.

/// Returns modulus and exponent of an RSA key in a SubjectPublicKeyInfo.
pub(crate) fn rsa_numbers(spki: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (info, _) = value(spki, 0x30)?;
    let (_, rest) = value(info, 0x30)?;
    let (bits, _) = value(rest, 0x03)?;
    let (key, _) = value(bits.get(1..)?, 0x30)?;
    let (modulus, rest) = value(key, 0x02)?;
    let (exponent, _) = value(rest, 0x02)?;
    Some((unsigned(modulus), unsigned(exponent)))
}

/// Returns the value with this tag at the beginning, and the bytes after it.
fn value(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    if *found != tag {
        return None;
    }
    let (length, rest) = match first.checked_sub(0x80) {
        None => (usize::from(*first), rest),
        Some(count) => {
            let (length, rest) = rest.split_at_checked(usize::from(count))?;
            (
                length
                    .iter()
                    .try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?,
                rest,
            )
        }
    };
    rest.split_at_checked(length)
}

fn unsigned(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_a_key() {
        let (modulus, exponent) =
            super::rsa_numbers(crate::keys::attacker().certificate().spki_der()).unwrap();
        assert_eq!((modulus.len(), exponent), (256, vec![1, 0, 1]));
        assert!(super::rsa_numbers(b"\x30\x82").is_none());
    }
}
