//! Canonical XML: the bytes that represent an element, or a document.

use crate::canonical::{Canonicalization, Sink};
use crate::canonicalizer::Canonicalizer;
use crate::{Document, Element, XmlError};

/// Writes the canonical form of an element with all its content.
///
/// `inclusive_prefixes` is the `PrefixList` of an exclusive method; `#default` or the empty string is the default
/// namespace. Inclusive methods ignore it. `omit` is an element that is omitted with all its content: the signature
/// of an enveloped-signature transform.
///
/// It writes at most the number of bytes that
/// [`Limits::canonical_bytes_factor`](crate::Limits::canonical_bytes_factor) and
/// [`canonical_bytes_extra`](crate::Limits::canonical_bytes_extra) of the document allow. The time is linear in these
/// bytes plus the size of the element and the declarations around it.
///
/// ```
/// use vouchsafe_xml::{Canonicalization, Document, Limits, canonicalize};
/// let document = Document::parse(br#"<a xmlns="urn:a" xmlns:unused="urn:u"><b z='1' a="2"/></a>"#, &Limits::default())?;
/// let element = document.at("/*/*[1]").expect("b is there");
/// let mut bytes = Vec::new();
/// canonicalize(element, Canonicalization::EXCLUSIVE, &[], None, &mut bytes)?;
/// assert_eq!(bytes, br#"<b xmlns="urn:a" a="2" z="1"></b>"#);
/// # Ok::<(), vouchsafe_xml::XmlError>(())
/// ```
///
/// # Errors
/// [`XmlError::Limit`] if the canonical form has more bytes than are allowed. The bytes that the sink has received by
/// then are the beginning of the form, and not more than are allowed.
pub fn canonicalize<S: Sink>(
    element: Element<'_>,
    method: Canonicalization,
    inclusive_prefixes: &[&str],
    omit: Option<Element<'_>>,
    sink: &mut S,
) -> Result<(), XmlError> {
    let mut canonicalizer = Canonicalizer::new(element, method, inclusive_prefixes, sink);
    canonicalizer.omit(omit);
    canonicalizer.subtree(element)
}

/// Writes the canonical form of a whole document: the root element, and the instructions and comments outside it.
///
/// The arguments are those of [`canonicalize`].
///
/// # Errors
/// As for [`canonicalize`].
pub fn canonicalize_document<S: Sink>(
    document: &Document,
    method: Canonicalization,
    inclusive_prefixes: &[&str],
    sink: &mut S,
) -> Result<(), XmlError> {
    Canonicalizer::new(document.root(), method, inclusive_prefixes, sink).document()
}

/// Writes the canonical form of a whole document without one element. A reference with an empty URI and the
/// enveloped-signature transform selects this form.
///
/// # Errors
/// As for [`canonicalize`].
pub fn canonicalize_document_without<S: Sink>(
    document: &Document,
    method: Canonicalization,
    inclusive_prefixes: &[&str],
    omit: Element<'_>,
    sink: &mut S,
) -> Result<(), XmlError> {
    let mut canonicalizer = Canonicalizer::new(document.root(), method, inclusive_prefixes, sink);
    canonicalizer.omit(Some(omit));
    canonicalizer.document()
}
