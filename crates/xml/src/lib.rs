//! A strict, bounded XML tree and Canonical XML for signed messages.
//!
//! Most attacks on XML signatures live in the gap between two readers of one message. This crate leaves no room for
//! them: one pass over the text, one tree, and a refusal for everything that is not namespace-well-formed XML 1.0 in
//! UTF-8. There are no DOCTYPEs and so no entities, no external files, no default attributes; comments never split a
//! text in two; and the work is linear in the input and in the canonical bytes that its limits allow, whatever its shape.
//!
//! * [`Document`] is the tree, [`Element`] a handle into it. Owned, `Send + Sync`, a handful of allocations.
//! * [`Outline`] cuts a document that is too large for one tree into pieces that are parsed one by one.
//! * [`canonicalize`] writes an element as [`Canonicalization`] says (exclusive, Canonical XML 1.0 and 1.1, with and
//!   without comments) into a [`Sink`].
//! * [`check`] holds a tree against a content model, which is a table of [`ElementType`]s; [`SchemaViolation`] says what departs from it.
//! * [`Writer`] builds text that [`Document::parse`] reads.
//! * [`Limits`] holds every ceiling and says where it comes from.
//! * [`XmlError`] says what was refused, where, and what to do about it; [`Quoted`] and [`Escaped`] show text from a message safely.
//!
//! The tree is one that nobody vouches for. Which of its elements a key has signed is for the crates above to say.
//!
//! ```
//! use vouchsafe_xml::{Canonicalization, Document, Limits, canonicalize, namespace};
//!
//! let message = br#"<?xml version="1.0"?>
//! <samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:unused="urn:x" ID="_1">
//!   <saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://idp<!-- ! -->.example</saml:Issuer>
//! </samlp:Response>"#;
//! let document = Document::parse(message, &Limits::default())?;
//!
//! let response = document.root();
//! assert!(response.is(namespace::SAML_PROTOCOL, "Response"));
//! let issuer = response.elements().next().expect("one child");
//! assert_eq!(issuer.text(), "https://idp.example");
//!
//! let mut octets = Vec::new();
//! canonicalize(issuer, Canonicalization::EXCLUSIVE, &[], None, &mut octets)?;
//! assert_eq!(
//!     String::from_utf8_lossy(&octets),
//!     r#"<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://idp.example</saml:Issuer>"#
//! );
//!
//! let refusal = Document::parse(b"<!DOCTYPE a><a/>", &Limits::default()).unwrap_err();
//! assert_eq!(refusal.code(), "xml.doctype");
//! # Ok::<(), vouchsafe_xml::XmlError>(())
//! ```
//!
//! # What is not here
//!
//! DTDs, other encodings, XML 1.1, XPath, and canonical forms of anything but a document or one element's subtree
//! (with one element left out). Canonical XML asks to fail on relative namespace names; they are written as they are.

mod arena;
mod base;
mod canonical;
mod canonical_outline;
mod canonicalizer;
mod content_check;
mod content_model;
mod declaration;
mod document;
mod element;
mod error;
mod escape;
mod in_place;
mod limits;
mod markup;
mod names;
pub mod namespace;
mod outline;
mod output;
mod parse;
mod quoted;
mod reference;
mod rendered;
mod scope;
mod simple_type;
mod skim;
mod sweep;
mod tag;
mod violation;
mod writer;

pub use canonical::{
    Canonicalization, Sink, canonicalize, canonicalize_document, canonicalize_document_without,
};
pub use content_check::{check, for_each_violation};
pub use content_model::{AttributeUse, Child, Choice, Content, ElementType, OtherAttributes};
pub use document::Document;
pub use element::{Attribute, Element, Node};
pub use error::XmlError;
pub use escape::escape_markup;
pub use limits::Limits;
pub use outline::{CanonicalOutline, Outline, OutlineForm, OutlineWatch, Piece};
pub use quoted::{Cut, Escaped, Quoted, is_plain};
pub use scope::NamespaceScope;
pub use simple_type::SimpleType;
pub use violation::{SchemaProblem, SchemaViolation};
pub use writer::Writer;
