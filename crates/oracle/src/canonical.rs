//! The canonical form by libxml2, and by us.

use libxml::parser::{Parser, ParserOptions};
use libxml::tree::c14n::{CanonicalizationMode, CanonicalizationOptions};
use libxml::tree::{Document as Theirs, Node};
use vouchsafe_xml::{Canonicalization, Document, Element, canonicalize, canonicalize_document};

/// A document as libxml2 reads it.
pub struct Tree {
    pub(crate) document: Theirs,
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree").finish_non_exhaustive()
    }
}

impl Tree {
    /// Reads it, without recovering from errors and without the network.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let _lock = crate::lock();
        let options = ParserOptions {
            recover: false,
            no_error: true,
            no_warning: true,
            no_net: true,
            huge: true,
            ..ParserOptions::default()
        };
        let document = Parser::default().parse_string_with_options(bytes, options).ok()?;
        document.get_root_element().is_some().then_some(Self { document })
    }

    /// The canonical form of the document, or of the element at a position such as `/*/*[2]`.
    #[must_use]
    pub fn canonical(&self, at: Option<&str>, method: Canonicalization, prefixes: &[&str]) -> Option<String> {
        let _lock = crate::lock();
        let options = CanonicalizationOptions {
            mode: mode(method),
            with_comments: method != method.without_comments(),
            inclusive_ns_prefixes: prefixes.iter().map(|&prefix| prefix.to_owned()).collect(),
        };
        match at {
            None => self.document.canonicalize(options, None).ok(),
            Some(position) => self.at(position)?.canonicalize(options).ok(),
        }
    }

    fn at(&self, position: &str) -> Option<Node> {
        let mut steps = position.strip_prefix("/*")?.split("/*").skip(1);
        let root = self.document.get_root_element()?;
        steps.try_fold(root, |node, step| {
            let number: usize = step.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
            node.get_child_elements().into_iter().nth(number.checked_sub(1)?)
        })
    }
}

/// Our canonical form of the document, or of an element; `None` if it has more bytes than the limits of the document allow.
#[must_use]
pub fn ours(
    document: &Document,
    element: Option<Element<'_>>,
    method: Canonicalization,
    prefixes: &[&str],
) -> Option<String> {
    let mut bytes = Vec::new();
    let written = match element {
        None => canonicalize_document(document, method, prefixes, &mut bytes),
        Some(element) => canonicalize(element, method, prefixes, None, &mut bytes),
    };
    written.ok()?;
    Some(String::from_utf8(bytes).unwrap_or_default())
}

fn mode(method: Canonicalization) -> CanonicalizationMode {
    match method.without_comments() {
        Canonicalization::EXCLUSIVE => CanonicalizationMode::ExclusiveCanonical1_0,
        Canonicalization::INCLUSIVE => CanonicalizationMode::Canonical1_0,
        _ => CanonicalizationMode::Canonical1_1,
    }
}
