//! The reasons why a text is refused.

use crate::Quoted;

/// The reason why a text was refused as a document, or why a document could not be written.
///
/// `offset` counts bytes from the start of the input; the first byte has the offset 0.
///
/// ```
/// use vouchsafe_xml::{Document, Limits};
/// let refusal = Document::parse(b"<a><b></a>", &Limits::default()).unwrap_err();
/// assert_eq!(refusal.code(), "xml.end_tag");
/// assert_eq!(refusal.offset(), Some(6));
/// assert_eq!(refusal.to_string(), "the end tag at byte 6 is “a”, expected “b”");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// `xml.limit`: a value of [`Limits`](crate::Limits) is exceeded, in reading or writing.
    #[error("the limit {limit} of {allowed} is exceeded at byte {offset}")]
    #[non_exhaustive]
    Limit {
        /// The name of the field of [`Limits`](crate::Limits).
        limit: &'static str,
        /// The value of that field.
        allowed: usize,
        /// The offset where it was exceeded; for a canonical form, the offset where its element begins.
        offset: usize,
    },
    /// `xml.encoding`: the document declares or uses another encoding than UTF-8. SAML and this crate support no
    /// other.
    #[error("the encoding is {}, expected UTF-8", Quoted::new(.declared))]
    #[non_exhaustive]
    Encoding {
        /// The declared encoding, or the encoding that the first bytes show.
        declared: String,
    },
    /// `xml.utf8`: some bytes are not UTF-8.
    #[error("the bytes at {offset} are not UTF-8")]
    #[non_exhaustive]
    Utf8 {
        /// The offset of the first wrong byte.
        offset: usize,
    },
    /// `xml.character`: no document may contain this character (XML 1.0, 2.2), neither directly nor as a reference.
    #[error("the character U+{code_point:04X} at byte {offset} is not allowed in XML")]
    #[non_exhaustive]
    Character {
        /// The number of the character.
        code_point: u32,
        /// The offset of the character or of the reference to it.
        offset: usize,
    },
    /// `xml.doctype`: there is a document type declaration, which can define entities, external files and default
    /// attributes.
    #[error("there is a DOCTYPE at byte {offset}, which is not allowed")]
    #[non_exhaustive]
    Doctype {
        /// The offset where it begins.
        offset: usize,
    },
    /// `xml.declaration`: the XML declaration is misplaced or malformed (XML 1.0, 2.8).
    #[error("the XML declaration at byte {offset}: {problem}")]
    #[non_exhaustive]
    Declaration {
        /// What is wrong with it.
        problem: &'static str,
        /// The offset where it begins.
        offset: usize,
    },
    /// `xml.syntax`: the markup is malformed.
    #[error("malformed XML at byte {offset}: {problem}")]
    #[non_exhaustive]
    Syntax {
        /// The mistake in the markup.
        problem: &'static str,
        /// The offset of the mistake.
        offset: usize,
    },
    /// `xml.name`: a name is not valid (XML 1.0, 2.3; Namespaces in XML, 3 and 4).
    #[error("{} at byte {offset} is not a name", Quoted::new(.name))]
    #[non_exhaustive]
    Name {
        /// The text that was found instead of a name.
        name: String,
        /// The offset where it begins.
        offset: usize,
    },
    /// `xml.reference`: a reference is malformed, or names an entity that is not predefined (XML 1.0, 4.1).
    #[error("the reference {} at byte {offset} has no meaning here", Quoted::new(.reference))]
    #[non_exhaustive]
    Reference {
        /// The text between `&` and `;`.
        reference: String,
        /// The offset where the reference begins.
        offset: usize,
    },
    /// `xml.duplicate_attribute`: an element has two attributes with the same namespace and local name (Namespaces in
    /// XML, 6.3), or two declarations of one prefix.
    #[error("the attribute {} occurs twice on the element at byte {offset}", Quoted::new(.name))]
    #[non_exhaustive]
    DuplicateAttribute {
        /// The name as written the second time.
        name: String,
        /// The offset where the element begins.
        offset: usize,
    },
    /// `xml.prefix`: a prefix is not declared (Namespaces in XML, 5).
    #[error("nothing declares the prefix {} used at byte {offset}", Quoted::new(.prefix))]
    #[non_exhaustive]
    Prefix {
        /// The prefix.
        prefix: String,
        /// The offset where the element that uses it begins.
        offset: usize,
    },
    /// `xml.namespace`: a namespace declaration breaks a rule (Namespaces in XML, 2.2 and 3).
    #[error("the prefix {} is bound to {} at byte {offset}: {problem}", Quoted::new(.prefix), Quoted::new(.namespace))]
    #[non_exhaustive]
    Namespace {
        /// The prefix; empty for the default namespace.
        prefix: String,
        /// The namespace name.
        namespace: String,
        /// The broken rule.
        problem: &'static str,
        /// The offset of the declaration.
        offset: usize,
    },
    /// `xml.end_tag`: an end tag does not close the innermost open element.
    #[error("the end tag at byte {offset} is {}, expected {}", Quoted::new(.actual), Quoted::new(.expected))]
    #[non_exhaustive]
    EndTag {
        /// The name of the innermost open element; empty if there is none.
        expected: String,
        /// The name in the end tag.
        actual: String,
        /// The offset where the end tag begins.
        offset: usize,
    },
    /// `xml.unclosed`: the input ends inside an element.
    #[error("the input ends inside the element {}", Quoted::new(.name))]
    #[non_exhaustive]
    Unclosed {
        /// The name of the innermost open element.
        name: String,
    },
    /// `xml.no_root`: the document has no element.
    #[error("there is no root element")]
    NoRoot,
    /// `xml.outside_root`: there is text or a second root outside the root element (XML 1.0, 2.1). In decrypted
    /// content, comments, instructions and a declaration are not allowed there either.
    #[error("{what} at byte {offset} is outside the root element")]
    #[non_exhaustive]
    OutsideRoot {
        /// A description of what was found.
        what: &'static str,
        /// The offset where it begins.
        offset: usize,
    },
    /// `xml.writer`: the calls of a [`Writer`](crate::Writer) do not make a document.
    #[error("cannot write {}: {problem}", Quoted::new(.name))]
    #[non_exhaustive]
    Writer {
        /// The mistake.
        problem: &'static str,
        /// The name, prefix or text of the call.
        name: String,
    },
}

/// The offset of an error, by shared or by exclusive reference as the error is given.
macro_rules! offset_of {
    ($error:expr) => {
        match $error {
            XmlError::Limit { offset, .. }
            | XmlError::Utf8 { offset }
            | XmlError::Character { offset, .. }
            | XmlError::Doctype { offset }
            | XmlError::Declaration { offset, .. }
            | XmlError::Syntax { offset, .. }
            | XmlError::Name { offset, .. }
            | XmlError::Reference { offset, .. }
            | XmlError::DuplicateAttribute { offset, .. }
            | XmlError::Prefix { offset, .. }
            | XmlError::Namespace { offset, .. }
            | XmlError::EndTag { offset, .. }
            | XmlError::OutsideRoot { offset, .. } => Some(offset),
            XmlError::Encoding { .. }
            | XmlError::Unclosed { .. }
            | XmlError::NoRoot
            | XmlError::Writer { .. } => None,
        }
    };
}

impl XmlError {
    /// Returns the stable code of the error, such as `xml.doctype`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "xml.limit",
            Self::Encoding { .. } => "xml.encoding",
            Self::Utf8 { .. } => "xml.utf8",
            Self::Character { .. } => "xml.character",
            Self::Doctype { .. } => "xml.doctype",
            Self::Declaration { .. } => "xml.declaration",
            Self::Syntax { .. } => "xml.syntax",
            Self::Name { .. } => "xml.name",
            Self::Reference { .. } => "xml.reference",
            Self::DuplicateAttribute { .. } => "xml.duplicate_attribute",
            Self::Prefix { .. } => "xml.prefix",
            Self::Namespace { .. } => "xml.namespace",
            Self::EndTag { .. } => "xml.end_tag",
            Self::Unclosed { .. } => "xml.unclosed",
            Self::NoRoot => "xml.no_root",
            Self::OutsideRoot { .. } => "xml.outside_root",
            Self::Writer { .. } => "xml.writer",
        }
    }

    /// Returns what an operator can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Limit { .. } => {
                "If the message is genuine, let the identity provider send less (often: filter the groups of a group \
                 attribute statement), or raise the field of Limits that is named."
            }
            Self::Encoding { .. } | Self::Utf8 { .. } => "Let the sender write UTF-8.",
            Self::Doctype { .. } => {
                "SAML messages and metadata have no DOCTYPE. If this is metadata, check that the URL answers \
                 with metadata and not with an HTML page; otherwise it may be an attack."
            }
            Self::Unclosed { .. } | Self::NoRoot => {
                "The message looks cut off. Check the size limits of proxies and of the form on its way."
            }
            Self::Prefix { .. } => {
                "The sender, or something on the way, took an element out of its document without its namespaces."
            }
            Self::Declaration { .. } => {
                "Give one document that begins with its XML declaration: remove what is before it, such as an empty line or \
                 another document. Compare with the message as the sender logged it."
            }
            Self::Writer { .. } => {
                "The mistake is in the program that writes the document, not in a message."
            }
            _ => {
                "The sender wrote something that is not namespace-well-formed XML, or something on the way changed \
                 it. Compare with the message as the sender logged it."
            }
        }
    }

    /// Returns the offset in the input, if the error has one.
    pub const fn offset(&self) -> Option<usize> {
        offset_of!(self).copied()
    }

    /// Returns the same error for an input that has `by` more bytes before it.
    #[must_use]
    pub fn shifted(mut self, by: usize) -> Self {
        if let Some(offset) = offset_of!(&mut self) {
            *offset = offset.saturating_add(by);
        }
        self
    }
}
