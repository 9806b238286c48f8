//! This module inflates the DEFLATE encoding of HTTP-Redirect messages (SAML Bindings 3.4.4.1).

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};

/// The reason why a message in a query cannot be inflated. Callers convert it into an error of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotInflated {
    /// The inflated message is larger than the limit.
    TooLarge,
    /// The bytes are not a complete raw DEFLATE stream.
    NoStream,
}

/// Inflates a raw DEFLATE stream. It stops at the limit of bytes, so a decompression bomb costs no more than that.
///
/// ```
/// use vouchsafe_signature::{NotInflated, inflate};
///
/// let deflated = [0x01, 0x05, 0x00, 0xfa, 0xff, b'h', b'e', b'l', b'l', b'o'];
/// assert_eq!(inflate(&deflated, 5).as_deref(), Ok(&b"hello"[..]));
/// assert_eq!(inflate(&deflated, 4), Err(NotInflated::TooLarge));
/// assert_eq!(inflate(b"hello", 100), Err(NotInflated::NoStream));
/// ```
///
/// # Errors
/// [`NotInflated`] with the reason.
pub fn inflate(deflated: &[u8], limit: usize) -> Result<Vec<u8>, NotInflated> {
    match decompress_to_vec_with_limit(deflated, limit) {
        Ok(bytes) => Ok(bytes),
        Err(failed) if failed.status == TINFLStatus::HasMoreOutput => Err(NotInflated::TooLarge),
        Err(_) => Err(NotInflated::NoStream),
    }
}
