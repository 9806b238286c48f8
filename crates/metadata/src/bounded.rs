//! How much of one entity is kept. Metadata of a federation is as long as its members like, and what is kept of it is looked through
//! at every sign-in.

use crate::Warning;

/// Keys of one role for one use, 32. A roll-over has two or three, and so has every role in the metadata that the tests read. A
/// signature that fits none of them is verified with each.
pub(crate) const KEYS: usize = 32;

/// Certificates of one KeyDescriptor, 32. A chain has three or four.
pub(crate) const CERTIFICATES: usize = 32;

/// Endpoints of one kind, 1,024. A service provider with 36 assertion consumers is the largest of the metadata that the tests read.
pub(crate) const ENDPOINTS: usize = 1_024;

/// NameID formats of one role, 64. SAML defines eight (saml-core-2.0-os 8.3).
pub(crate) const NAME_ID_FORMATS: usize = 64;

/// Scopes of one entity, 4,096. An identity provider that stands for many schools has one for each. A scoped value is compared with
/// all of them.
pub(crate) const SCOPES: usize = 4_096;

/// Scopes of one entity that are regular expressions, 32. Each of them is compiled when the entity is read.
pub(crate) const SCOPE_PATTERNS: usize = 32;

/// Texts of one kind in different languages, 128. eduGAIN's entities have fewer than 30.
pub(crate) const TEXTS: usize = 128;

/// Logos of one role, 64.
pub(crate) const LOGOS: usize = 64;

/// Bytes of the address of a logo, 64 KiB: it may be the logo itself, as a `data:` URL.
pub(crate) const LOGO_BYTES: usize = 64 * 1_024;

/// Hints of one kind for discovery, 1,024: an identity provider with many networks.
pub(crate) const HINTS: usize = 1_024;

/// Attributes of an entity, of a role or of one service, 256.
pub(crate) const ATTRIBUTES: usize = 256;

/// Values of one such attribute, 256.
pub(crate) const ATTRIBUTE_VALUES: usize = 256;

/// Services of a role that want attributes, 64.
pub(crate) const CONSUMING_SERVICES: usize = 64;

/// Contacts of an entity or of a role, 64, and addresses of one contact.
pub(crate) const CONTACTS: usize = 64;

/// Algorithms of one kind, 128. XML Signature and its successors name some 50.
pub(crate) const ALGORITHMS: usize = 128;

/// Extensions of one element that nobody here reads, 64, and bytes of one of them, 64 KiB.
pub(crate) const OTHER_EXTENSIONS: usize = 64;
pub(crate) const EXTENSION_BYTES: usize = 64 * 1_024;

/// Names of extensions of one element, 256.
pub(crate) const EXTENSIONS: usize = 256;

/// Roles of one entity, 64. SAML defines seven; one that speaks several protocols may stand there once for each.
pub(crate) const ROLES: usize = 64;

/// Protocols of one role, 64.
pub(crate) const PROTOCOLS: usize = 64;

/// Reasons why something cannot be used, of one kind, 32: enough to see what is wrong with all of them.
pub(crate) const REASONS: usize = 32;

/// The first values, up to a limit, and how many came after them.
#[derive(Debug)]
pub(crate) struct Bounded<T> {
    what: &'static str,
    limit: usize,
    kept: Vec<T>,
    /// Place of the first value that is not kept, from 1.
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

    /// Keeps the value that stands at `place`, or counts it.
    pub(crate) fn push(&mut self, place: usize, value: T) {
        if self.has_room() {
            self.kept.push(value);
        } else {
            self.leave_out(place);
        }
    }

    /// The same, unless an equal one is kept. It is compared with those that are kept: with as many as the limit at most.
    pub(crate) fn push_new(&mut self, place: usize, value: T)
    where
        T: PartialEq,
    {
        if !self.kept.contains(&value) {
            self.push(place, value);
        }
    }

    /// The value among those that are kept which equals this one.
    pub(crate) fn find(&self, value: &T) -> Option<&T>
    where
        T: PartialEq,
    {
        self.kept.iter().find(|kept| *kept == value)
    }

    /// Counts what stands at `place` without a look at it.
    pub(crate) fn leave_out(&mut self, place: usize) {
        self.first_left_out.get_or_insert(place);
        self.left_out = self.left_out.saturating_add(1);
    }

    /// What is kept. What is not is named in `warnings`.
    pub(crate) fn finish(mut self, warnings: &mut Vec<Warning>) -> Vec<T> {
        if let Some(first) = self.first_left_out {
            let (what, limit, count) = (self.what, self.limit, self.left_out);
            warnings.push(Warning::LeftOut { what, limit, first, count });
        }
        // It is kept for as long as the entity is trusted, of which there may be a hundred thousand.
        self.kept.shrink_to_fit();
        self.kept
    }
}

/// What `make` makes of the first items. It is not called for those that are left out.
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

    /// Counts how often it is compared.
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
