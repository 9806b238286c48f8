//! Expanded names in schema files.

use vouchsafe_xml::Element;

/// An expanded name: namespace and local name.
pub(crate) type Name = (String, String);

/// Returns the expanded name in an attribute of a schema.
pub(crate) fn qualified(element: Element<'_>, attribute: &str) -> Option<Name> {
    let value = element.attribute(attribute)?;
    let (prefix, local) = value.split_once(':').unwrap_or(("", value));
    Some((element.namespace_of(prefix)?.to_owned(), local.to_owned()))
}
