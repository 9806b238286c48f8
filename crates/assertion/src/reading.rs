//! Small helpers to read elements.

use vouchsafe_xml::Element;

/// The children of that expanded name.
pub(crate) fn elements_named<'d>(
    parent: Element<'d>,
    namespace: &str,
    name: &str,
) -> impl Iterator<Item = Element<'d>> {
    parent.elements().filter(move |child| child.is(namespace, name))
}

/// Without the white space of XML at both ends, as `xs:anyURI` asks for. Other white space is part of a value.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}
