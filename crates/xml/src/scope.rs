//! The namespaces around a piece of a document.

use crate::{XmlError, names, namespace};

/// Prefixes and their namespaces, taken from a document by [`Element::scope`](crate::Element::scope), for
/// [`Document::parse_in_scope`](crate::Document::parse_in_scope).
///
/// ```
/// use vouchsafe_xml::{Document, Limits, NamespaceScope};
/// let limits = Limits::default();
/// let outer = Document::parse(br#"<a xmlns:p="urn:p"><b/></a>"#, &limits)?;
/// let place = outer.at("/*/*[1]").expect("b is there");
/// let inner = Document::parse_in_scope(b"<p:c/>", &place.scope(), &limits)?;
/// assert!(inner.root().is("urn:p", "c"));
/// # Ok::<(), vouchsafe_xml::XmlError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceScope {
    bindings: Vec<(String, String)>,
}

impl NamespaceScope {
    /// Returns the scope in which only `xml` is bound.
    #[must_use]
    pub const fn empty() -> Self {
        Self { bindings: Vec::new() }
    }

    /// Binds a prefix and replaces an earlier binding of it. The empty prefix is the default namespace.
    ///
    /// # Errors
    /// [`XmlError::Namespace`] for a binding that a document cannot declare (Namespaces in XML, 2.2 and 3).
    pub fn bind(mut self, prefix: &str, name: &str) -> Result<Self, XmlError> {
        if let Some(problem) = misbound(prefix, name) {
            return Err(XmlError::Namespace {
                prefix: prefix.into(),
                namespace: name.into(),
                problem,
                offset: 0,
            });
        }
        self.bindings.retain(|(bound, _)| bound != prefix);
        if !name.is_empty() && prefix != "xml" {
            self.bindings.push((prefix.into(), name.into()));
        }
        Ok(self)
    }

    /// Returns the bindings as prefix and namespace name, without `xml`. The prefix is empty for the default
    /// namespace.
    pub fn bindings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.bindings.iter().map(|(prefix, name)| (prefix.as_str(), name.as_str()))
    }

    /// Returns the namespace that the prefix is bound to.
    pub fn namespace_of(&self, prefix: &str) -> Option<&str> {
        self.bindings().find(|&(bound, _)| bound == prefix).map(|(_, name)| name)
    }

    /// Makes a scope from bindings that a document has already declared, each prefix once.
    pub(crate) fn from_declared(bindings: Vec<(String, String)>) -> Self {
        Self { bindings }
    }
}

/// Returns the rule that forbids this binding of prefix and namespace name (Namespaces in XML, 2.2 and 3), if there
/// is one.
pub(crate) fn misbound(prefix: &str, name: &str) -> Option<&'static str> {
    if prefix == "xmlns" {
        Some("the prefix xmlns cannot be declared")
    } else if (prefix == "xml") != (name == namespace::XML) {
        Some("the prefix xml and its namespace belong to each other")
    } else if name == namespace::XMLNS {
        Some("no prefix can be bound to the namespace of declarations")
    } else if !prefix.is_empty() && name.is_empty() {
        Some("only the default namespace can be undeclared")
    } else if !prefix.is_empty() && !names::is_ncname(prefix) {
        Some("the prefix is not a name without colons")
    } else {
        None
    }
}
