//! Helpers to read elements.

use std::borrow::Cow;

use vouchsafe_xml::{Attribute, Element, namespace};

/// Returns the children with that expanded name.
pub(crate) fn elements_named<'d>(
    parent: Element<'d>,
    namespace: &str,
    name: &str,
) -> impl Iterator<Item = Element<'d>> {
    parent.elements().filter(move |child| child.is(namespace, name))
}

/// Returns the only child with that expanded name; `None` if there are several. Before the schema check, code that
/// takes "the first" child could be made to take the wrong one. After the check there is at most one of the children
/// that are requested here.
pub(crate) fn only_child<'d>(parent: Element<'d>, namespace: &str, name: &str) -> Option<Element<'d>> {
    let mut found = elements_named(parent, namespace, name);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Removes the white space of XML at both ends, as `xs:anyURI` requires. Other white space is part of a value.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// Keeps a text; the usual text is not copied.
pub(crate) fn kept(text: &str, usual: &'static str) -> Cow<'static, str> {
    if text == usual { Cow::Borrowed(usual) } else { Cow::Owned(text.to_owned()) }
}

/// Returns the attributes that the schemas type as `xs:ID`: `ID` in SAML, `Id` in XML Signature and XML Encryption,
/// and `xml:id`. An `ID` on any element counts, since a signature refers to that name alone.
pub(crate) fn identifiers<'d>(element: Element<'d>) -> impl Iterator<Item = &'d str> {
    let is_one = move |attribute: &Attribute<'_>| match attribute.local_name {
        "ID" => attribute.namespace.is_empty(),
        "Id" => attribute.namespace.is_empty() && FOREIGN.contains(&element.namespace()),
        "id" => attribute.namespace == namespace::XML,
        _ => false,
    };
    element.attributes().filter(is_one).map(|attribute| attribute.value)
}

/// The namespaces whose elements are identified by `Id`.
const FOREIGN: [&str; 3] = [namespace::DSIG, namespace::XMLENC, namespace::XMLENC11];
