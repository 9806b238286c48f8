//! The padding of XML Encryption 1.1, 5.2: the last byte is the number of bytes to remove, the other bytes are
//! arbitrary.

/// The length of an AES block in bytes.
pub const AES_BLOCK: usize = 16;
/// The length of a Triple DES block in bytes.
pub const DES_BLOCK: usize = 8;

/// Fills up to a whole number of blocks of `block` bytes, and adds a whole block if the length is a multiple already.
///
/// The arbitrary bytes are zero, as in the example of the specification; random bytes would hide nothing.
#[must_use]
pub fn add(plain: &[u8], block: usize) -> Vec<u8> {
    let missing = block.saturating_sub(plain.len().checked_rem(block).unwrap_or_default());
    let mut padded = Vec::with_capacity(plain.len().saturating_add(missing));
    padded.extend_from_slice(plain);
    padded.extend(core::iter::repeat_n(0, missing.saturating_sub(1)));
    padded.extend(u8::try_from(missing));
    padded
}

/// Returns the length of the content without its padding. Returns `None` if the last byte is not between 1 and the
/// length of a block, or if there are fewer bytes than it states.
#[must_use]
pub fn length_without(padded: &[u8], block: usize) -> Option<usize> {
    let count = usize::from(*padded.last()?);
    if !(1..=block).contains(&count) {
        return None;
    }
    padded.len().checked_sub(count)
}

#[cfg(test)]
mod tests {
    use super::{AES_BLOCK, DES_BLOCK, add, length_without};

    #[test]
    fn there_and_back_for_every_length() {
        for length in 0..40 {
            let plain = vec![7; length];
            let padded = add(&plain, AES_BLOCK);
            assert!(padded.len().is_multiple_of(16) && padded.len() > length);
            assert_eq!(length_without(&padded, AES_BLOCK), Some(length));
            assert_eq!(padded[..length], plain);
            let padded = add(&plain, DES_BLOCK);
            assert!(padded.len().is_multiple_of(8) && padded.len() > length && padded.len() <= length + 8);
            assert_eq!(length_without(&padded, DES_BLOCK), Some(length));
        }
    }

    #[test]
    fn refuses_what_is_no_length() {
        for last in [0, 17, 255] {
            assert_eq!(length_without(&[last; 32], AES_BLOCK), None);
        }
        assert_eq!(length_without(&[9; 32], DES_BLOCK), None);
        assert_eq!(length_without(&[], AES_BLOCK), None);
        assert_eq!(length_without(&[9; 4], AES_BLOCK), None);
    }
}
