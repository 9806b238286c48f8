//! The numbers of children that a content model of XML Schema allows, in any order.

use std::collections::BTreeSet;

use vouchsafe_xml::Element;

use crate::xsd_name::{Name, qualified};

/// A particle of a content model, with the number of times that it may occur.
pub(crate) struct Particle {
    term: Term,
    min: u32,
    unbounded: bool,
}

enum Term {
    Element(Name),
    Any,
    Sequence(Vec<Particle>),
    Choice(Vec<Particle>),
}

impl Particle {
    /// Reads an `xs:sequence` or `xs:choice`. A sequence that occurs once is replaced by its particles.
    pub(crate) fn read(element: Element<'_>) -> Vec<Particle> {
        let (min, unbounded) = occurrence(element);
        let inner = |element: Element<'_>| element.elements().flat_map(Particle::read).collect::<Vec<_>>();
        let term = match element.local_name() {
            "sequence" if min == 1 && !unbounded => return inner(element),
            "sequence" => Term::Sequence(inner(element)),
            // The branches of a choice are not replaced.
            "choice" => Term::Choice(
                element
                    .elements()
                    .map(|branch| Particle {
                        term: Term::Sequence(Particle::read(branch)),
                        min: 1,
                        unbounded: false,
                    })
                    .collect(),
            ),
            "any" => Term::Any,
            "element" => match qualified(element, "ref") {
                Some(name) => Term::Element(name),
                None => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        vec![Particle { term, min, unbounded }]
    }

    pub(crate) fn has_any(&self) -> bool {
        match &self.term {
            Term::Element(_) => false,
            Term::Any => true,
            Term::Sequence(inner) | Term::Choice(inner) => inner.iter().any(Particle::has_any),
        }
    }

    pub(crate) fn names(&self) -> BTreeSet<Name> {
        match &self.term {
            Term::Element(name) => BTreeSet::from([name.clone()]),
            Term::Any => BTreeSet::new(),
            Term::Sequence(inner) | Term::Choice(inner) => inner.iter().flat_map(Particle::names).collect(),
        }
    }

    fn counts(&self, names: &[Name]) -> BTreeSet<Vec<u32>> {
        let once = match &self.term {
            Term::Element(name) => {
                BTreeSet::from([names.iter().map(|other| u32::from(other == name)).collect()])
            }
            Term::Any => BTreeSet::from([nothing(names)]),
            Term::Sequence(inner) => {
                inner.iter().fold(BTreeSet::from([nothing(names)]), |so_far, particle| {
                    sums(&so_far, &particle.counts(names))
                })
            }
            Term::Choice(inner) => inner.iter().flat_map(|branch| branch.counts(names)).collect(),
        };
        let mut all = if self.min == 0 { BTreeSet::from([nothing(names)]) } else { once.clone() };
        all.extend(once.iter().cloned());
        let mut before = 0;
        while self.unbounded && all.len() > before {
            before = all.len();
            all.extend(sums(&all, &once));
        }
        all
    }
}

/// Groups the particles of a sequence. Particles that name the same child are in one group, so the groups do not
/// depend on each other.
pub(crate) fn groups(particles: &[Particle]) -> Vec<Vec<&Particle>> {
    let mut groups: Vec<Vec<&Particle>> = Vec::new();
    for particle in particles {
        let names = particle.names();
        let shares = |group: &Vec<&Particle>| group.iter().any(|other| !other.names().is_disjoint(&names));
        match groups.iter_mut().find(|group| shares(group)) {
            Some(group) => group.push(particle),
            None => groups.push(vec![particle]),
        }
    }
    groups
}

/// Returns the numbers of each child that a group allows, up to two.
pub(crate) fn achievable(group: &[&Particle], names: &[Name]) -> BTreeSet<Vec<u32>> {
    group
        .iter()
        .fold(BTreeSet::from([nothing(names)]), |so_far, particle| sums(&so_far, &particle.counts(names)))
}

/// Returns all numbers up to two of each of these children, and zero of the others.
pub(crate) fn vectors(names: &[Name], of: &BTreeSet<Name>) -> Vec<Vec<u32>> {
    names.iter().fold(vec![Vec::new()], |so_far, name| {
        let most = if of.contains(name) { 2 } else { 0 };
        let with = |start: Vec<u32>| {
            (0..=most).map(move |count| start.iter().copied().chain([count]).collect::<Vec<u32>>())
        };
        so_far.into_iter().flat_map(with).collect()
    })
}

fn sums(left: &BTreeSet<Vec<u32>>, right: &BTreeSet<Vec<u32>>) -> BTreeSet<Vec<u32>> {
    let sum = |one: &Vec<u32>, other: &Vec<u32>| -> Vec<u32> {
        one.iter().zip(other).map(|(one, other)| one.saturating_add(*other).min(2)).collect()
    };
    left.iter().flat_map(|one| right.iter().map(move |other| sum(one, other))).collect()
}

fn nothing(names: &[Name]) -> Vec<u32> {
    vec![0; names.len()]
}

/// Returns `minOccurs`, and whether `maxOccurs` is unbounded. SAML's schemas have no other numbers than 0, 1 and
/// unbounded.
fn occurrence(element: Element<'_>) -> (u32, bool) {
    let min = element.attribute("minOccurs").and_then(|min| min.parse().ok()).unwrap_or(1);
    (min, element.attribute("maxOccurs") == Some("unbounded"))
}
