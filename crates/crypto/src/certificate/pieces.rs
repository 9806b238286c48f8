//! The certificates in the text of `ds:X509Certificate`, which may contain several.

use super::LABEL;
use crate::{CryptoError, base64_decode, pem};

/// Returns the bytes of each piece of the text, at least one. A piece is base64 up to its padding, or a block of PEM.
pub(super) fn of_base64(text: &str) -> Result<Vec<Vec<u8>>, CryptoError> {
    if text.contains(BEGIN) {
        return of_pem(text);
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let (segment, after) = rest.split_at(end_of_segment(rest));
        let bytes = base64_decode(segment).map_err(|error| moved(error, text.len(), rest.len()))?;
        match core::str::from_utf8(&bytes) {
            Ok(inner) if inner.contains(BEGIN) => pieces.extend(of_pem(inner)?),
            _ => pieces.push(bytes),
        }
        if after.is_empty() {
            return Ok(pieces);
        }
        rest = after;
    }
}

/// Returns the bytes of every certificate in PEM, at least one.
pub(super) fn of_pem(text: &str) -> Result<Vec<Vec<u8>>, CryptoError> {
    let blocks = pem::blocks(text).filter(|block| is_certificate(block.label));
    let pieces = blocks.map(|block| block.decode()).collect::<Result<Vec<_>, _>>()?;
    if pieces.is_empty() {
        return Err(CryptoError::Pem { expected: "a certificate", detail: "no such block".to_owned() });
    }
    Ok(pieces)
}

/// Returns the bytes of the first certificate in PEM.
pub(super) fn first_of_pem(text: &str) -> Result<Vec<u8>, CryptoError> {
    let block = pem::blocks(text).find(|block| is_certificate(block.label));
    let missing = || CryptoError::Pem { expected: "a certificate", detail: "no such block".to_owned() };
    block.ok_or_else(missing)?.decode()
}

fn is_certificate(label: &str) -> bool {
    matches!(label, LABEL | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE")
}

/// Returns where the next piece begins, or the end of the text. Base64 ends with its padding.
fn end_of_segment(text: &str) -> usize {
    let Some(padding) = text.find('=') else { return text.len() };
    let behind = text.get(padding..).unwrap_or_default();
    let next = behind.find(|character: char| character != '=' && !character.is_ascii_whitespace());
    next.map_or(text.len(), |next| padding.saturating_add(next))
}

/// Converts the error of a segment to the offset in the whole text.
fn moved(error: CryptoError, whole: usize, rest: usize) -> CryptoError {
    match error {
        CryptoError::Base64 { detail, offset } => {
            CryptoError::Base64 { detail, offset: offset.saturating_add(whole.saturating_sub(rest)) }
        }
        other => other,
    }
}

const BEGIN: &str = "-----BEGIN ";

#[cfg(test)]
mod tests {
    use super::end_of_segment;

    #[test]
    fn a_segment_ends_with_its_padding() {
        for (text, end) in
            [("", 0), ("AAAA", 4), ("AA==", 4), ("AA==\n", 5), ("AA= =\n BB==", 7), ("=A", 1), ("AAA=é", 4)]
        {
            assert_eq!(end_of_segment(text), end, "{text:?}");
        }
    }
}
