//! A strict, bounded XML tree and Canonical XML for signed messages.

mod arena;
mod base;
mod canonical;
mod canonicalizer;
mod declaration;
mod document;
mod element;
mod error;
mod limits;
mod names;
pub mod namespace;
mod parse;
mod quoted;
mod reference;
mod scope;
mod tag;
mod writer;

pub use canonical::{Canonicalization, Sink, canonicalize, canonicalize_document};
pub use document::Document;
pub use element::{Attribute, Element, Node};
pub use error::XmlError;
pub use limits::Limits;
pub use quoted::Quoted;
pub use scope::NamespaceScope;
pub use writer::Writer;
