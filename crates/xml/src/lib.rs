//! This crate contains a strict XML parser and Canonical XML, for messages that are signed.
//!
//! Most attacks on XML signatures work because two parts of a program read one message differently: one part verifies the signature, and
//! another part reads the data. Here both parts use one tree. [`Document`] reads the text once. It refuses everything that is not
//! namespace-well-formed XML 1.0 in UTF-8, and every DOCTYPE. So there are no entities, no external files and no default attributes, and
//! a comment never splits a text in two. The work is linear in the length of the input and of the canonical bytes that the limits allow,
//! whatever the shape of the document.
//!
//! Start with these items:
//!
//! * [`Document`] parses bytes into a tree, and [`Element`] is a handle into that tree. A document is owned, is `Send + Sync`, and needs
//!   few allocations.
//! * [`canonicalize`] writes an element in the canonical form that [`Canonicalization`] names (exclusive, Canonical XML 1.0 or 1.1, with
//!   or without comments) into a [`Sink`].
//! * [`Limits`] holds every limit of length, depth and work, with the reason for each number.
//!
//! The others:
//!
//! * [`XmlError`] says what was refused, where, and what to do about it. [`Quoted`] and [`Escaped`] show text from a message safely.
//! * [`check`] compares a tree with a content model, which is a table of [`ElementType`]s. [`SchemaViolation`] says where the tree
//!   differs from it.
//! * [`Outline`] cuts a document that is too large for one tree into pieces, which are parsed one by one.
//! * [`Writer`] builds text that [`Document::parse`] reads.
//!
//! This crate does not know which elements a trusted key has signed. The crates `vouchsafe-signature` and `vouchsafe-assertion` decide
//! that.
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
//! let mut bytes = Vec::new();
//! canonicalize(issuer, Canonicalization::EXCLUSIVE, &[], None, &mut bytes)?;
//! assert_eq!(
//!     String::from_utf8_lossy(&bytes),
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
//! This crate does not support DTDs, other encodings, XML 1.1 and XPath. It writes the canonical form of a document,
//! or of the subtree of one element (with one element omitted), and of no other set of nodes. Canonical XML requires
//! an error for relative namespace names; this crate writes them unchanged.
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod arena;
mod base;
mod canonical;
mod canonical_outline;
mod canonicalize;
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

pub use canonical::{Canonicalization, Sink};
pub use canonicalize::{canonicalize, canonicalize_document, canonicalize_document_without};
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
