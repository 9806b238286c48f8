//! A reader of tag, length and value: the part of ASN.1 that is needed to find the parts of a certificate or a key.
//!
//! Lengths are definite, have at most four bytes, and need not be minimal: old encoders pad them, and these bytes are
//! only read, never written again.

/// One element of ASN.1.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    /// The identifier byte: class, constructed bit and number.
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// The bytes of the element including tag and length.
    pub(crate) whole: &'a [u8],
}

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
/// The tag `[0]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;
/// The tag `[3]`, constructed.
pub(crate) const CONTEXT_3: u8 = 0xa3;

/// Reads elements that follow one another.
pub(crate) struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns the bytes that have not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns the next element if it has this tag.
    pub(crate) fn next_if(&mut self, tag: u8) -> Option<Element<'a>> {
        if self.rest.first() == Some(&tag) { self.next() } else { None }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    /// Returns the next element; `None` at the end, or if the bytes are not a whole element.
    fn next(&mut self) -> Option<Element<'a>> {
        let (&tag, after) = self.rest.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, after) = after.split_first()?;
        let (length, after) = match first {
            0..=0x7f => (usize::from(first), after),
            0x81..=0x84 => {
                let (bytes, after) = after.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), after)
            }
            _ => return None,
        };
        let (content, after) = after.split_at_checked(length)?;
        let (whole, _) = self.rest.split_at_checked(self.rest.len().checked_sub(after.len())?)?;
        self.rest = after;
        Some(Element { tag, content, whole })
    }
}

#[cfg(test)]
mod tests {
    use super::{Elements, INTEGER};

    #[test]
    fn reads_what_is_whole_and_stops_at_the_rest() {
        let mut elements = Elements::new(&[2, 1, 7, 2, 0x81, 1, 8, 2, 5, 1]);
        let values: Vec<_> =
            elements.by_ref().map(|element| (element.tag, element.content.to_vec())).collect();
        assert_eq!(values, [(INTEGER, vec![7]), (INTEGER, vec![8])]);
        assert_eq!(elements.rest(), [2, 5, 1]);
        for broken in [
            &[][..],
            &[2],
            &[2, 0x80],
            &[2, 0x85, 0, 0, 0, 0, 0],
            &[0x1f, 1, 0],
            &[2, 0x84, 255, 255, 255, 255],
        ] {
            assert!(Elements::new(broken).next().is_none(), "{broken:?}");
        }
    }
}
