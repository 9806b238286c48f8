//! The limits for the parts of one entity that are kept. Members of a federation decide how long their metadata is,
//! and the kept parts are searched at every sign-in.

use crate::Warning;

/// Keys of one role for one use: 32. A key roll-over has two or three, and so does every role in the metadata that
/// the tests read. A signature that fits none of the keys is verified with each of them.
pub(crate) const KEYS: usize = 32;

/// Certificates of one KeyDescriptor: 32. A chain has three or four.
pub(crate) const CERTIFICATES: usize = 32;

/// Endpoints of one kind: 1,024. The largest number in the metadata that the tests read is 36 assertion consumers of
/// one service provider.
pub(crate) const ENDPOINTS: usize = 1_024;

/// NameID formats of one role: 64. SAML defines eight (saml-core-2.0-os 8.3).
pub(crate) const NAME_ID_FORMATS: usize = 64;

/// Scopes of one entity: 4,096. An identity provider for many schools has one scope for each. A scoped value is
/// compared with all of them.
pub(crate) const SCOPES: usize = 4_096;

/// Scopes of one entity that are regular expressions: 32. Each of them is compiled when the entity is read.
pub(crate) const SCOPE_PATTERNS: usize = 32;

/// Texts of one kind in different languages: 128. The entities of eduGAIN have fewer than 30.
pub(crate) const TEXTS: usize = 128;

/// Logos of one role: 64.
pub(crate) const LOGOS: usize = 64;

/// Bytes of the address of a logo: 64 KiB. It may be the logo itself, as a `data:` URL.
pub(crate) const LOGO_BYTES: usize = 64 * 1_024;

/// Hints of one kind for discovery: 1,024. An identity provider may have many networks.
pub(crate) const HINTS: usize = 1_024;

/// Attributes of an entity, of a role or of one service: 256.
pub(crate) const ATTRIBUTES: usize = 256;

/// Values of one such attribute: 256.
pub(crate) const ATTRIBUTE_VALUES: usize = 256;

/// Services of a role that request attributes: 64.
pub(crate) const CONSUMING_SERVICES: usize = 64;

/// Contacts of an entity or of a role, and addresses of one contact: 64.
pub(crate) const CONTACTS: usize = 64;

/// Algorithms of one kind: 128. XML Signature and its successors define about 50.
pub(crate) const ALGORITHMS: usize = 128;

/// Extensions of one element that are not interpreted: 64, each of at most 64 KiB.
pub(crate) const OTHER_EXTENSIONS: usize = 64;
pub(crate) const EXTENSION_BYTES: usize = 64 * 1_024;

/// Names of extensions of one element: 256.
pub(crate) const EXTENSIONS: usize = 256;

/// Roles of one entity: 64. SAML defines seven; a role with several protocols may occur once for each.
pub(crate) const ROLES: usize = 64;

/// Protocols of one role: 64.
pub(crate) const PROTOCOLS: usize = 64;

/// Reasons of one kind why something cannot be used: 32. This is enough to see what is wrong with all of them.
pub(crate) const REASONS: usize = 32;

/// The first values, up to a limit, and the number of values after them.
#[derive(Debug)]
pub(crate) struct Bounded<T> {
    what: &'static str,
    limit: usize,
    kept: Vec<T>,
    /// The place of the first value that is not kept, from 1.
    first_left_out: Option<usize>,
    left_out: usize,
}

impl<T> Bounded<T> {
    pub(crate) fn new(what: &'static str, limit: usize) -> Self {
        Self { what, limit, kept: Vec::new(), first_left_out: None, left_out: 0 }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.kept.len() < self.limit
    }

    /// Keeps the value at `place`, or counts it.
    pub(crate) fn push(&mut self, place: usize, value: T) {
        if self.has_room() {
            self.kept.push(value);
        } else {
            self.leave_out(place);
        }
    }

    /// Keeps the value, unless an equal one is kept already. It is compared only with kept values, which are at most
    /// as many as the limit.
    pub(crate) fn push_new(&mut self, place: usize, value: T)
    where
        T: PartialEq,
    {
        if !self.kept.contains(&value) {
            self.push(place, value);
        }
    }

    /// Returns the kept value that equals this one.
    pub(crate) fn find(&self, value: &T) -> Option<&T>
    where
        T: PartialEq,
    {
        self.kept.iter().find(|kept| *kept == value)
    }

    /// Counts the value at `place` without parsing it.
    pub(crate) fn leave_out(&mut self, place: usize) {
        self.first_left_out.get_or_insert(place);
        self.left_out = self.left_out.saturating_add(1);
    }

    /// Returns the kept values. Values that are not kept are named in `warnings`.
    pub(crate) fn finish(mut self, warnings: &mut Vec<Warning>) -> Vec<T> {
        if let Some(first) = self.first_left_out {
            let (what, limit, count) = (self.what, self.limit, self.left_out);
            warnings.push(Warning::LeftOut { what, limit, first, count });
        }
        // The values are kept as long as the entity is trusted, and there may be a hundred thousand entities.
        self.kept.shrink_to_fit();
        self.kept
    }
}

/// Returns the results of `make` for the first items. It is not called for the items that are left out.
pub(crate) fn first<S, T>(
    what: &'static str,
    limit: usize,
    items: impl Iterator<Item = S>,
    warnings: &mut Vec<Warning>,
    make: impl Fn(S) -> T,
) -> Vec<T> {
    let mut bounded = Bounded::new(what, limit);
    for (place, item) in (1_usize..).zip(items) {
        if bounded.has_room() {
            bounded.push(place, make(item));
        } else {
            bounded.leave_out(place);
        }
    }
    bounded.finish(warnings)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A value that counts its comparisons.
    #[derive(Debug)]
    struct Counted<'c>(u32, &'c Cell<usize>);

    impl PartialEq for Counted<'_> {
        fn eq(&self, other: &Self) -> bool {
            self.1.set(self.1.get().saturating_add(1));
            self.0 == other.0
        }
    }

    #[test]
    fn the_first_are_kept_and_the_rest_is_counted() {
        let mut bounded = Bounded::new("letters", 2);
        for (place, letter) in (1..).zip(["a", "a", "b", "a", "c", "d", "b"]) {
            bounded.push_new(place, letter);
        }
        let mut warnings = Vec::new();
        assert_eq!(bounded.finish(&mut warnings), ["a", "b"]);
        assert_eq!(warnings, [Warning::LeftOut { what: "letters", limit: 2, first: 5, count: 2 }]);
        let mut few = Bounded::new("letters", 2);
        few.push(1, "a");
        few.push(2, "a");
        assert_eq!(few.finish(&mut warnings), ["a", "a"]);
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn comparisons_grow_with_the_input_and_not_with_its_square() {
        let comparisons = |values: u32| {
            let count = Cell::new(0);
            let mut bounded = Bounded::new("values", KEYS);
            for value in 0..values {
                bounded.push_new(1, Counted(value, &count));
            }
            count.get()
        };
        let (once, twice) = (comparisons(20_000), comparisons(40_000));
        assert!(once <= 20_000 * KEYS && twice <= 2 * once + KEYS * KEYS, "{once} {twice}");
    }
}
