//! PEM, parsed as leniently as people paste it (RFC 7468, "lax").

use crate::{CryptoError, base64_decode, base64_encode};

/// One block of PEM.
pub(crate) struct Block<'t> {
    pub(crate) label: &'t str,
    /// The text between the two lines, which contains base64.
    body: &'t str,
}

impl Block<'_> {
    /// Returns whether the old style of encryption (RFC 1421 headers) was used.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.body.contains("ENCRYPTED")
    }

    pub(crate) fn decode(&self) -> Result<Vec<u8>, CryptoError> {
        // Keys in an environment variable or a JSON file often have this mistake.
        if self.body.contains("\\n") {
            let detail = "there are the two characters \\n in place of line breaks".to_owned();
            return Err(CryptoError::Pem { expected: "lines of base64", detail });
        }
        base64_decode(self.body)
    }
}

/// Returns all blocks of a text. Other text around them is skipped.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let (_, after) = rest.split_once("-----BEGIN ")?;
        let (label, after) = after.split_once("-----")?;
        let (body, after) = after.split_once("-----END ")?;
        rest = after;
        Some(Block { label, body })
    })
}

/// Encodes a block in lines of 64 characters.
pub(crate) fn encode(label: &str, bytes: &[u8]) -> String {
    let text = base64_encode(bytes);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while let Some((line, after)) = rest.split_at_checked(64) {
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    if !rest.is_empty() {
        out.push_str(rest);
        out.push('\n');
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}
