//! This module limits the work of an autopsy: the bytes that are written or parsed again, and the public-key
//! operations.

use std::fmt;

use vouchsafe_crypto::backend::{DigestContext, DigestValue};
use vouchsafe_xml::Sink;

/// The most bytes of one text that are kept, so that accidents of texts can be undone on it.
pub(crate) const TEXT: usize = 4 * 1024 * 1024;
/// The bytes of one autopsy: enough for 80 hypotheses over an element of 200 KiB.
const BYTES: usize = 16 * 1024 * 1024;
/// The public-key operations of one autopsy: enough for some thousand tenants with one or two keys each, and the
/// hypotheses.
const OPERATIONS: usize = 4 * 1024;
/// The bytes and operations while a message is received: enough for 80 hypotheses over an element of 12 KiB with two
/// signatures.
const RECEIVING: (usize, usize) = (1024 * 1024, 48);
/// The public-key operations that are kept for hypotheses about `ds:SignedInfo`, if there are enough.
const RESERVE: usize = 512;

/// The limit of the work of autopsies: bytes and public-key operations. Autopsies that use the same budget share it.
///
/// Every canonical form and every other form that is digested or verified is counted in bytes, after escaping and
/// with inherited namespace declarations. The bytes that are parsed again are counted too. This also bounds memory:
/// digests are computed while the bytes are written, and a text of more than 4 MiB is not kept.
///
/// ```
/// use vouchsafe_signature::AutopsyBudget;
/// let budget = AutopsyBudget::default();
/// assert_eq!((budget.bytes(), budget.operations(), budget.stopped()), (16 * 1024 * 1024, 4096, None));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutopsyBudget {
    limits: (usize, usize),
    bytes: usize,
    operations: usize,
    stopped: Option<Stopped>,
}

/// The reason why an autopsy stopped before everything was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// All bytes of the budget were spent.
    #[non_exhaustive]
    Bytes {
        /// The number of bytes of the whole budget.
        limit: usize,
    },
    /// All public-key operations of the budget were spent.
    #[non_exhaustive]
    Operations {
        /// The number of operations of the whole budget.
        limit: usize,
    },
    /// The signed text is too long for accidents of texts to be undone on it.
    #[non_exhaustive]
    Length {
        /// The largest length of such a text, in bytes.
        limit: usize,
    },
}

impl Default for AutopsyBudget {
    /// Returns a budget of 16 MiB and 4,096 public-key operations.
    fn default() -> AutopsyBudget {
        AutopsyBudget::new(BYTES, OPERATIONS)
    }
}

impl AutopsyBudget {
    /// Makes a budget of this many bytes and public-key operations.
    #[must_use]
    pub const fn new(bytes: usize, operations: usize) -> AutopsyBudget {
        AutopsyBudget { limits: (bytes, operations), bytes, operations, stopped: None }
    }

    /// Returns a budget for the code that receives messages, so that the log says why a signature fails: 1 MiB and 48
    /// public-key operations, which take some milliseconds for a refused message.
    #[must_use]
    pub const fn for_receiving() -> AutopsyBudget {
        AutopsyBudget::new(RECEIVING.0, RECEIVING.1)
    }

    /// Returns a budget of the rest divided by `parts`, for several signatures of one message.
    #[must_use]
    pub fn share(&self, parts: usize) -> AutopsyBudget {
        let part = |whole: usize| whole.checked_div(parts).unwrap_or(whole);
        AutopsyBudget::new(part(self.bytes), part(self.operations))
    }

    /// Returns how many bytes are left.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns how many public-key operations are left.
    #[must_use]
    pub const fn operations(&self) -> usize {
        self.operations
    }

    /// Returns the first reason why an autopsy stopped early, if one did.
    #[must_use]
    pub const fn stopped(&self) -> Option<Stopped> {
        self.stopped
    }

    /// Pays for a public-key operation over `bytes` bytes. With `reserve`, the operations for hypotheses are left
    /// untouched.
    pub(crate) fn operation(&mut self, bytes: usize, reserve: bool) -> Result<(), Stopped> {
        let kept = if reserve { RESERVE.min(self.limits.1 / 8) } else { 0 };
        if self.operations <= kept {
            return Err(self.stop(Stopped::Operations { limit: self.limits.1 }));
        }
        self.pay(bytes)?;
        self.operations = self.operations.saturating_sub(1);
        Ok(())
    }

    /// Pays for this many bytes.
    pub(crate) fn pay(&mut self, bytes: usize) -> Result<(), Stopped> {
        match self.bytes.checked_sub(bytes) {
            Some(left) => self.bytes = left,
            None => {
                self.bytes = 0;
                return Err(self.stop(Stopped::Bytes { limit: self.limits.0 }));
            }
        }
        Ok(())
    }

    /// Records the reason why something was not tried. The first reason is kept.
    pub(crate) fn stop(&mut self, reason: Stopped) -> Stopped {
        *self.stopped.get_or_insert(reason)
    }

    /// Returns a writer that pays for the bytes written into it.
    pub(crate) fn meter(&mut self) -> Metered<'_> {
        Metered { budget: self, digest: None, text: None, lost_characters: 0, stopped: None }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { limit } => write!(f, "its limit of {limit} bytes of canonical text is reached"),
            Self::Operations { limit } => write!(f, "its limit of {limit} public-key operations is reached"),
            Self::Length { limit } => {
                write!(f, "the signed text has more than {limit} bytes in canonical form")
            }
        }
    }
}

/// A writer that passes bytes to a digest, a text, or both. It counts them first, and refuses them when the budget is
/// spent.
pub(crate) struct Metered<'b> {
    budget: &'b mut AutopsyBudget,
    digest: Option<Box<dyn DigestContext>>,
    text: Option<Vec<u8>>,
    lost_characters: usize,
    stopped: Option<Stopped>,
}

/// The result of a [`Metered`].
pub(crate) struct Taken {
    pub(crate) digest: Option<DigestValue>,
    /// The text; `None` if it was not requested, or is longer than [`TEXT`].
    pub(crate) text: Option<Vec<u8>>,
    /// How many characters of the written bytes are U+FFFD.
    pub(crate) lost_characters: usize,
}

impl Metered<'_> {
    pub(crate) fn digested(mut self, context: Box<dyn DigestContext>) -> Self {
        self.digest = Some(context);
        self
    }

    pub(crate) fn kept(mut self) -> Self {
        self.text = Some(Vec::new());
        self
    }

    /// Pays for bytes that are parsed again.
    pub(crate) fn pay(&mut self, bytes: usize) -> bool {
        if self.stopped.is_none() {
            self.stopped = self.budget.pay(bytes).err();
        }
        self.stopped.is_none()
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.write(text.as_bytes());
    }

    /// Returns whether all further bytes are refused.
    pub(crate) fn is_full(&self) -> bool {
        self.stopped.is_some()
    }

    /// Returns everything that was written, or the reason why some of it was refused.
    pub(crate) fn finish(self) -> Result<Taken, Stopped> {
        match self.stopped {
            Some(stopped) => Err(stopped),
            None => Ok(Taken {
                digest: self.digest.map(|digest| digest.finish()),
                text: self.text,
                lost_characters: self.lost_characters,
            }),
        }
    }
}

impl Sink for Metered<'_> {
    fn write(&mut self, bytes: &[u8]) {
        if !self.pay(bytes.len()) {
            self.text = None;
            return;
        }
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        if let Some(text) = &mut self.text {
            if text.len().saturating_add(bytes.len()) <= TEXT {
                text.extend_from_slice(bytes);
                let lost = bytes.windows(3).filter(|three| *three == "\u{FFFD}".as_bytes()).count();
                self.lost_characters = self.lost_characters.saturating_add(lost);
            } else {
                self.text = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_before_they_are_taken() {
        let mut budget = AutopsyBudget::new(10, 10);
        let mut out = budget.meter().kept();
        out.push("12345");
        out.push("1234567");
        out.push("1");
        assert!(out.is_full() && out.text.is_none());
        assert_eq!(out.finish().err(), Some(Stopped::Bytes { limit: 10 }));
        assert_eq!((budget.bytes(), budget.stopped()), (0, Some(Stopped::Bytes { limit: 10 })));
        assert!(budget.pay(1).is_err() && budget.pay(0).is_ok());
    }

    #[test]
    fn no_longer_text_than_that_is_kept() {
        let mut budget = AutopsyBudget::new(3 * TEXT, 1);
        let mut out = budget.meter().kept();
        out.write(&vec![b'x'; TEXT]);
        assert_eq!(out.text.as_ref().map(Vec::len), Some(TEXT));
        out.write(b"x");
        let taken = out.finish().unwrap();
        assert!(taken.text.is_none());
        assert_eq!((budget.bytes(), budget.stopped()), (2 * TEXT - 1, None));
    }

    #[test]
    fn operations_are_kept_for_hypotheses() {
        let mut budget = AutopsyBudget::new(1000, 80);
        assert_eq!((0..100).filter(|_| budget.operation(1, true).is_ok()).count(), 70);
        assert_eq!((0..100).filter(|_| budget.operation(1, false).is_ok()).count(), 10);
        assert_eq!(budget.stopped(), Some(Stopped::Operations { limit: 80 }));
        assert_eq!(budget.bytes(), 920);
    }

    #[test]
    fn a_share_is_a_part_of_what_is_left() {
        let mut budget = AutopsyBudget::new(100, 9);
        budget.pay(10).unwrap();
        assert_eq!(budget.share(3), AutopsyBudget::new(30, 3));
        assert_eq!(budget.share(0), AutopsyBudget::new(90, 9));
    }
}
