//! The namespaces of prefixes in the canonical form.

use std::collections::HashMap;

use crate::arena::EMPTY;

/// For each prefix, the namespace that it is bound to in the output, by their ids.
///
/// It is a table with a place for each prefix of the document, unless there are more prefixes than nodes to write:
/// many small elements of one document can be canonicalized, and the cost of each depends only on its own size.
pub(crate) enum Rendered {
    /// The form for most messages. It needs no allocation.
    Small([u32; PLACES]),
    Table(Vec<u32>),
    Few(HashMap<u32, u32>),
}

/// The number of prefixes in the small form. Most messages have fewer.
const PLACES: usize = 16;

impl Rendered {
    /// Makes a table without bindings. `prefixes` is the number of prefixes in the document, `nodes` that of the
    /// nodes to write.
    pub(crate) fn new(prefixes: usize, nodes: usize) -> Self {
        /// A table of this size costs nothing.
        const SMALL: usize = 64;
        if prefixes <= PLACES {
            Self::Small([EMPTY; PLACES])
        } else if prefixes <= nodes.max(SMALL) {
            Self::Table(vec![EMPTY; prefixes])
        } else {
            Self::Few(HashMap::new())
        }
    }

    #[inline]
    pub(crate) fn of(&self, prefix: u32) -> u32 {
        let namespace = match self {
            Self::Small(places) => places.get(prefix as usize),
            Self::Table(places) => places.get(prefix as usize),
            Self::Few(bound) => bound.get(&prefix),
        };
        namespace.copied().unwrap_or(EMPTY)
    }

    #[inline]
    pub(crate) fn bind(&mut self, prefix: u32, namespace: u32) {
        match self {
            Self::Small(places) => {
                if let Some(place) = places.get_mut(prefix as usize) {
                    *place = namespace;
                }
            }
            Self::Table(places) => {
                if let Some(place) = places.get_mut(prefix as usize) {
                    *place = namespace;
                }
            }
            Self::Few(bound) => drop(bound.insert(prefix, namespace)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rendered;

    #[test]
    fn all_forms_say_the_same() {
        let mut small = Rendered::new(16, 1);
        assert!(matches!(small, Rendered::Small(_)));
        small.bind(15, 7);
        assert_eq!((small.of(15), small.of(14), small.of(16)), (7, 0, 0));
        for (prefixes, nodes, is_table) in
            [(17, 1, true), (64, 1, true), (65, 1, false), (65, 65, true), (100_000, 99_999, false)]
        {
            let mut rendered = Rendered::new(prefixes, nodes);
            assert_eq!(matches!(rendered, Rendered::Table(_)), is_table, "{prefixes} of {nodes}");
            let last = u32::try_from(prefixes.min(64) - 1).unwrap();
            assert_eq!(rendered.of(last), 0);
            rendered.bind(last, 7);
            rendered.bind(last, 8);
            assert_eq!((rendered.of(last), rendered.of(last - 1)), (8, 0));
            rendered.bind(last, 0);
            assert_eq!(rendered.of(last), 0);
        }
    }
}
