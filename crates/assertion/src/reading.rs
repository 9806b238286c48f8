//! Small helpers to read elements.

use std::borrow::Cow;

use vouchsafe_xml::{Attribute, Element, namespace};

/// The children of that expanded name.
pub(crate) fn elements_named<'d>(
    parent: Element<'d>,
    namespace: &str,
    name: &str,
) -> impl Iterator<Item = Element<'d>> {
    parent.elements().filter(move |child| child.is(namespace, name))
}

/// The only child of that expanded name; none if there are several. Before the schema was held against the tree, whoever takes "the
/// first" can be made to take the wrong one; afterwards there is at most one of those that are asked for here.
pub(crate) fn only_child<'d>(parent: Element<'d>, namespace: &str, name: &str) -> Option<Element<'d>> {
    let mut found = elements_named(parent, namespace, name);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Without the white space of XML at both ends, as `xs:anyURI` asks for. Other white space is part of a value.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// A text to keep: the usual one without a copy of its own.
pub(crate) fn kept(text: &str, usual: &'static str) -> Cow<'static, str> {
    if text == usual { Cow::Borrowed(usual) } else { Cow::Owned(text.to_owned()) }
}

/// What the schemas type as `xs:ID`: `ID` in SAML, `Id` in XML Signature and XML Encryption, and `xml:id`. An `ID` on any element
/// counts, since a signature refers by that name alone.
pub(crate) fn identifiers<'d>(element: Element<'d>) -> impl Iterator<Item = &'d str> {
    let is_one = move |attribute: &Attribute<'_>| match attribute.local_name {
        "ID" => attribute.namespace.is_empty(),
        "Id" => attribute.namespace.is_empty() && FOREIGN.contains(&element.namespace()),
        "id" => attribute.namespace == namespace::XML,
        _ => false,
    };
    element.attributes().filter(is_one).map(|attribute| attribute.value)
}

/// Whose elements are identified by `Id`.
const FOREIGN: [&str; 3] = [namespace::DSIG, namespace::XMLENC, namespace::XMLENC11];
