//! The namespaces around the entities of a document.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use vouchsafe_xml::{Element, NamespaceScope, XmlError};

/// The prefixes that are bound at a place, with the names of their namespaces.
type Bindings = HashMap<Arc<str>, Arc<str>>;

/// The namespace declarations of the groups of a document.
///
/// An entity is parsed with the namespaces that it mentions and with no others, since a document may declare many and
/// have many entities. The work for an entity grows with its own length only, since a name has at most
/// [`name_bytes`](vouchsafe_xml::Limits::name_bytes).
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    groups: Vec<Group>,
    /// The bindings of the group that was asked for last, and of those around it, the outermost first. Entities are
    /// mostly read in document order, so that the bindings of a group are computed once.
    last: Mutex<Vec<(usize, Arc<Bindings>)>>,
}

#[derive(Debug)]
struct Group {
    /// The declarations on its element. Those around it are not repeated here, because there may be many groups.
    declarations: Vec<(Arc<str>, Arc<str>)>,
    /// The closest group around it that has declarations.
    outer: Option<usize>,
}

impl Scopes {
    /// Adds a group. The groups are numbered from 0 in the order in which they are added; `outer` is the one around it.
    pub(crate) fn add(&mut self, element: Option<Element<'_>>, outer: Option<usize>) {
        let declarations = element.into_iter().flat_map(Element::declarations);
        let declarations = declarations.map(|(prefix, name)| (prefix.into(), name.into())).collect();
        let outer = outer.and_then(|outer| self.declaring(outer));
        self.groups.push(Group { declarations, outer });
    }

    /// Returns the namespaces in a group that a piece of the document mentions, and the default namespace.
    pub(crate) fn of(&self, group: usize, piece: &[u8]) -> Result<NamespaceScope, XmlError> {
        let Some(group) = self.declaring(group) else { return Ok(NamespaceScope::empty()) };
        let bindings = self.bindings(group);
        let mut mentioned: HashSet<&str> = HashSet::from([""]);
        mentioned.extend(mentioned_prefixes(piece));
        // The order of a set is random, and a scope is compared with others.
        let mut used: Vec<(&str, &Arc<str>)> =
            mentioned.into_iter().filter_map(|prefix| Some((prefix, bindings.get(prefix)?))).collect();
        #[cfg(test)]
        crate::work::count(&crate::work::BOUND, used.len());
        used.sort_unstable();
        used.into_iter().try_fold(NamespaceScope::empty(), |scope, (prefix, name)| scope.bind(prefix, name))
    }

    /// Returns this group if it has declarations, or else the closest one around it that has some.
    fn declaring(&self, group: usize) -> Option<usize> {
        let found = self.groups.get(group)?;
        if found.declarations.is_empty() { found.outer } else { Some(group) }
    }

    fn bindings(&self, group: usize) -> Arc<Bindings> {
        // Groups are not nested more deeply than elements may be.
        let outer = |group: &usize| self.groups.get(*group).and_then(|found| found.outer);
        let mut round: Vec<usize> = std::iter::successors(Some(group), outer).collect();
        round.reverse();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let same = last.iter().zip(&round).take_while(|((known, _), group)| known == *group).count();
        last.truncate(same);
        for group in round.into_iter().skip(same) {
            let around = last.last().map(|(_, bindings)| Arc::clone(bindings)).unwrap_or_default();
            let mut bindings = Bindings::clone(&around);
            for (prefix, name) in self.groups.get(group).into_iter().flat_map(|group| &group.declarations) {
                bindings.insert(Arc::clone(prefix), Arc::clone(name));
            }
            #[cfg(test)]
            crate::work::count(&crate::work::BOUND, bindings.len());
            last.push((group, Arc::new(bindings)));
        }
        last.last().map(|(_, bindings)| Arc::clone(bindings)).unwrap_or_default()
    }
}

/// Returns what stands before the colons of a piece of XML. Each prefix of an element, an attribute or a value is among
/// it.
fn mentioned_prefixes(piece: &[u8]) -> impl Iterator<Item = &str> {
    let is_in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(byte) || !byte.is_ascii();
    piece.split(move |byte| !is_in_name(byte)).flat_map(|word| {
        let parts = word.split(|byte| *byte == b':');
        let prefixes = word.iter().filter(|byte| **byte == b':').count();
        parts.take(prefixes).filter_map(|prefix| std::str::from_utf8(prefix).ok())
    })
}

#[cfg(test)]
mod tests {
    use vouchsafe_xml::{Document, Limits};

    use super::*;

    fn scopes(groups: &[(&str, Option<usize>)]) -> Scopes {
        let mut scopes = Scopes::default();
        scopes.add(None, None);
        for (declarations, outer) in groups {
            let element = format!("<g {declarations}/>");
            let document = Document::parse(element.as_bytes(), &Limits::metadata()).unwrap();
            scopes.add(Some(document.root()), *outer);
        }
        scopes
    }

    #[test]
    fn what_a_piece_mentions() {
        let found = |piece: &'static str| -> Vec<&str> { mentioned_prefixes(piece.as_bytes()).collect() };
        assert_eq!(
            found(r#"<md:E xmlns:é="u" xsi:type='x:s y:t'>a:b</md:E>"#),
            ["md", "xmlns", "xsi", "x", "y", "a", "md"]
        );
        assert_eq!(found("a.b-c_:d::e f:"), ["a.b-c_", "d", "", "f"]);
        assert_eq!(found("<E/>"), Vec::<&str>::new());
        assert_eq!(found("<é:E/>"), ["é"]);
    }

    #[test]
    fn the_closest_group_binds() {
        let scopes = scopes(&[
            ("xmlns='urn:d' xmlns:a='urn:1' xmlns:b='urn:b' xmlns:c='urn:c'", Some(0)),
            ("", Some(1)),
            ("xmlns='' xmlns:a='urn:2'", Some(2)),
            ("xmlns:a='urn:3'", Some(2)),
        ]);
        let bound = |group: usize| -> Vec<String> {
            let scope = scopes.of(group, b"<a:E b:x=''/>").unwrap();
            let mut bound: Vec<String> =
                scope.bindings().map(|(prefix, name)| format!("{prefix}={name}")).collect();
            bound.sort();
            bound
        };
        // In any order: what is kept of the last answer does not change the next one.
        for _ in 0..2 {
            assert_eq!(bound(3), ["a=urn:2", "b=urn:b"]);
            assert_eq!(bound(1), ["=urn:d", "a=urn:1", "b=urn:b"]);
            assert_eq!(bound(4), ["=urn:d", "a=urn:3", "b=urn:b"]);
            assert_eq!(bound(2), bound(1));
            assert_eq!(bound(0), Vec::<String>::new());
        }
    }
}
