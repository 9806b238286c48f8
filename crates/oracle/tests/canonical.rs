//! The same bytes, canonicalized by us and by libxml2.

use std::fmt;

use proptest::prelude::*;
use vouchsafe_fuzz_properties::generator::{self, Choices};
use vouchsafe_fuzz_properties::{METHODS, PREFIX_LISTS, TARGETS, seeds};
use vouchsafe_oracle::{Comparison, Tree, is_explained, messages, ours, shared, signed_files};
use vouchsafe_xml::{Canonicalization, Document, Element, Limits};

/// Elements of one document that are canonicalized by themselves, and how long it may be: libxml2 asks for each node
/// whether it is inside, so that its work is quadratic.
const ELEMENTS: usize = 12;
const SUBTREES_BELOW: usize = 40_000;

#[test]
fn documents_of_others() {
    let Some(shared) = shared() else { return };
    let mut comparison = Comparison::of("canonical");
    for message in messages(&shared).into_iter().chain(signed_files(&shared)) {
        compare(&message.name, &message.bytes, &mut comparison);
    }
    comparison.finish();
}

#[test]
fn seeds_and_regressions_of_the_fuzz_targets() {
    let mut comparison = Comparison::of("canonical of fuzz");
    for (number, seed) in seeds::documents().iter().enumerate() {
        compare(&format!("documents {number}"), seed, &mut comparison);
    }
    for target in TARGETS {
        let folder = format!("{}/../../fuzz/regressions/{}", env!("CARGO_MANIFEST_DIR"), target.name);
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = format!("{}/{}", target.name, path.file_name().unwrap().display());
            compare(&name, &std::fs::read(path).unwrap(), &mut comparison);
        }
    }
    comparison.finish();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_documents(bytes in prop::collection::vec(any::<u8>(), 0..160)) {
        let text = generator::document(&mut Choices::new(&bytes));
        // Both must read it; what only libxml2 reads is not namespace-well-formed.
        if let Ok(document) = Document::parse(text.as_bytes(), &Limits::default()) {
            let tree = Tree::read(text.as_bytes()).expect("libxml2 reads what we read");
            if let Some(difference) = difference(&document, &tree, ELEMENTS) {
                let explained = is_explained("canonical of generated", "canonical", difference.word());
                prop_assert!(explained, "{difference}\nin {text}");
            }
        }
    }
}

/// Whether it is read at all, and if both do, every canonical form.
fn compare(name: &str, bytes: &[u8], comparison: &mut Comparison) {
    let limits = Limits::metadata();
    let (document, tree) = (Document::parse(bytes, &limits), Tree::read(bytes));
    let elements = if bytes.len() < SUBTREES_BELOW { ELEMENTS } else { 0 };
    match (&document, &tree) {
        (Ok(document), Some(tree)) => match difference(document, tree, elements) {
            None => comparison.record(name, (true, true), "same", "same"),
            Some(difference) => {
                println!("{name}: {difference}");
                comparison.record(name, (true, false), "canonical", difference.word());
            }
        },
        (Ok(_), None) => comparison.record(name, (true, false), "read", "refused"),
        (Err(error), tree) => {
            let theirs = if tree.is_some() { "read" } else { "refused" };
            comparison.record(name, (false, tree.is_some()), error.code(), theirs);
        }
    }
}

/// The first canonical form that differs.
struct Difference {
    how: String,
    ours: String,
    /// None if libxml2 makes none.
    theirs: Option<String>,
}

impl Difference {
    /// The word for it in `disagreements.toml`.
    fn word(&self) -> &'static str {
        match &self.theirs {
            None => "no canonical form",
            Some(theirs) if with_ampersands(theirs) == self.ours => "&#38; in a namespace name",
            Some(_) => "another canonical form",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let theirs = self.theirs.as_deref().unwrap_or_default();
        let (ours, theirs) = from_the_first_difference(&self.ours, theirs);
        write!(f, "{}\n  ours   {ours:?}\n  theirs {theirs:?}", self.how)
    }
}

/// The first difference, one with an unusual word before others.
fn difference(document: &Document, tree: &Tree, elements: usize) -> Option<Difference> {
    let mut usual = None;
    for method in METHODS {
        let lists = if method.is_exclusive() { &PREFIX_LISTS[..] } else { &PREFIX_LISTS[..1] };
        for prefixes in lists {
            let whole = [None].into_iter();
            for element in whole.chain(spread(document, elements).map(Some)) {
                let at = element.map(|element| element.position());
                // What has more bytes than are allowed is refused, and libxml2 has no such bound.
                let Some(ours) = ours(document, element, method, prefixes) else { continue };
                let theirs = tree.canonical(at.as_deref(), method, &named(prefixes));
                if theirs.as_deref() != Some(&ours) {
                    let how = format!("{} {prefixes:?} at {at:?}", method.uri());
                    let difference = Difference { how, ours, theirs };
                    match difference.word() {
                        "another canonical form" => return Some(difference),
                        _ => usual = usual.or(Some(difference)),
                    }
                }
            }
        }
    }
    usual
}

/// No canonical form has a reference to the character 38: it is `&amp;`.
fn with_ampersands(text: &str) -> String {
    text.replace("&#38;", "&amp;")
}

/// Elements from all over the document, the root among them.
fn spread(document: &Document, count: usize) -> impl Iterator<Item = Element<'_>> {
    let all: Vec<Element<'_>> = document.elements().collect();
    let step = all.len().div_ceil(count.max(1)).max(1);
    all.into_iter().step_by(step).take(count)
}

/// libxml2 takes a PrefixList as it is written, where the default namespace is `#default`.
fn named<'p>(prefixes: &[&'p str]) -> Vec<&'p str> {
    prefixes.iter().map(|&prefix| if prefix.is_empty() { "#default" } else { prefix }).collect()
}

fn from_the_first_difference<'t>(left: &'t str, right: &'t str) -> (&'t str, &'t str) {
    let same = left.bytes().zip(right.bytes()).take_while(|(a, b)| a == b).count();
    let from = (0..=same.saturating_sub(60))
        .rev()
        .find(|&at| left.is_char_boundary(at) && right.is_char_boundary(at));
    let from = from.unwrap_or_default();
    let cut = |text: &'t str| {
        let end = (from..=(from + 200).min(text.len())).rev().find(|&at| text.is_char_boundary(at));
        &text[from..end.unwrap_or(from)]
    };
    (cut(left), cut(right))
}

#[test]
fn the_methods_are_the_six() {
    assert_eq!(METHODS.iter().filter(|method| Canonicalization::from_uri(method.uri()).is_some()).count(), 6);
}
