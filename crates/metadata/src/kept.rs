//! What was read of the entities of a document, and is kept.

use std::sync::OnceLock;

/// A value for each place, once it is known. Places are kept in blocks, which are made when one of their values is asked for, because most
/// entities of a large document are never read.
pub(crate) struct Kept<T> {
    blocks: Box<[OnceLock<Block<T>>]>,
}

/// In boxes, so that a place without a value is small.
type Block<T> = Box<[OnceLock<Box<T>>]>;

/// The number of places in a block.
const TOGETHER: usize = 64;

impl<T> Kept<T> {
    /// Makes one for this number of places.
    pub(crate) fn with_places(count: usize) -> Kept<T> {
        Kept { blocks: (0..count.div_ceil(TOGETHER)).map(|_| OnceLock::new()).collect() }
    }

    /// Returns the value at a place, if it is known.
    pub(crate) fn get(&self, place: usize) -> Option<&T> {
        let block = self.blocks.get(place / TOGETHER)?.get()?;
        block.get(place % TOGETHER)?.get().map(|value| &**value)
    }

    /// Returns the value at a place, which is made if it is not known. `None` if there is no such place.
    pub(crate) fn get_or_init(&self, place: usize, make: impl FnOnce() -> T) -> Option<&T> {
        let block = self.blocks.get(place / TOGETHER)?;
        let block = block.get_or_init(|| (0..TOGETHER).map(|_| OnceLock::new()).collect());
        Some(block.get(place % TOGETHER)?.get_or_init(|| Box::new(make())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_in_the_block_of_its_place() {
        let kept: Kept<usize> = Kept::with_places(TOGETHER + 1);
        for place in [0, TOGETHER - 1, TOGETHER] {
            assert_eq!(kept.get(place), None);
            assert_eq!(kept.get_or_init(place, || place), Some(&place));
            assert_eq!(kept.get_or_init(place, || 7_000), Some(&place));
            assert_eq!(kept.get(place), Some(&place));
        }
        assert_eq!(kept.get(1), None);
        assert_eq!(kept.get_or_init(2 * TOGETHER, || 0), None);
        assert_eq!(Kept::<u8>::with_places(0).get_or_init(0, || 0), None);
    }
}
