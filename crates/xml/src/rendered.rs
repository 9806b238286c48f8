//! What the canonical form has prefixes bound to.

use std::collections::HashMap;

use crate::arena::EMPTY;

/// For each prefix the namespace that the output has it bound to, by their ids.
///
/// A table with a place for each prefix of the document, unless that is more than there are nodes to write: many small elements of one
/// document can be canonicalized, and none costs more than its own size.
pub(crate) enum Rendered {
    Table(Vec<u32>),
    Few(HashMap<u32, u32>),
}

impl Rendered {
    /// Nothing is bound yet. `prefixes` are those of the document, `nodes` those that are to be written.
    pub(crate) fn new(prefixes: usize, nodes: usize) -> Self {
        /// As many places cost nothing.
        const SMALL: usize = 64;
        if prefixes <= nodes.max(SMALL) {
            Self::Table(vec![EMPTY; prefixes])
        } else {
            Self::Few(HashMap::new())
        }
    }

    #[inline]
    pub(crate) fn of(&self, prefix: u32) -> u32 {
        let namespace = match self {
            Self::Table(places) => places.get(prefix as usize),
            Self::Few(bound) => bound.get(&prefix),
        };
        namespace.copied().unwrap_or(EMPTY)
    }

    #[inline]
    pub(crate) fn bind(&mut self, prefix: u32, namespace: u32) {
        match self {
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
    fn both_forms_say_the_same() {
        for (prefixes, nodes, is_table) in
            [(64, 1, true), (65, 1, false), (65, 65, true), (100_000, 99_999, false)]
        {
            let mut rendered = Rendered::new(prefixes, nodes);
            assert_eq!(matches!(rendered, Rendered::Table(_)), is_table, "{prefixes} of {nodes}");
            assert_eq!(rendered.of(63), 0);
            rendered.bind(63, 7);
            rendered.bind(63, 8);
            assert_eq!((rendered.of(63), rendered.of(62)), (8, 0));
            rendered.bind(63, 0);
            assert_eq!(rendered.of(63), 0);
        }
    }
}
