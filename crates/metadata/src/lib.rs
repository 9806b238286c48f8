//! This crate reads SAML metadata, in which an identity provider publishes its keys and addresses, and writes the metadata of your own
//! service.
//!
//! Metadata is the source of trust: it names an identity provider, and only the keys in it can verify the messages of that identity
//! provider (saml-metadata-2.0-os, and MD06 of the Kantara profile).
//!
//! Start with these items:
//!
//! * [`IdentityProvider`] is read from the XML that an administrator downloads ([`IdentityProvider::from_metadata`]), or written in code
//!   when there is no metadata ([`IdentityProvider::new`]).
//! * [`ServiceProviderDescriptor`] writes the metadata of your service, which the administrator gives to the identity provider.
//! * [`Aggregate`] is a document with many entities, such as a federation publishes.
//!
//! ```
//! use vouchsafe_metadata::{IdentityProvider, MetadataError};
//!
//! // A file that is not metadata is refused, with a code and with what to change.
//! let refused = IdentityProvider::from_metadata(b"<html/>").unwrap_err();
//! assert_eq!(refused.code(), "metadata.root");
//! assert_eq!(refused.to_string(), "this is not metadata: it is an HTML page");
//! assert!(refused.hint().contains("sign-in page"));
//! ```
//!
//! # What reading does, and what it does not do
//!
//! * [`IdentityProvider::from_metadata`] reads one identity provider. If the document is an `EntitiesDescriptor` with
//!   one identity provider, this one is read; if there are several, the document is refused.
//!   [`IdentityProvider::from_metadata_entity`] reads the one with the given entity ID.
//! * [`Aggregate`] parses each entity when it is requested, with limits for each. An entity that cannot be read does
//!   not affect the others; [`MetadataDescription`] says why it cannot be read. If several entities have one name,
//!   the first is used.
//! * Reading does not check the time. [`IdentityProvider::check_validity`] has an argument `now`, and refuses a
//!   `validUntil` in the past. [`IdentityProvider::warnings`] lists what an operator should look at, such as an
//!   expired certificate. The keys of expired and of self-signed certificates are used (MD12).
//! * Reading fetches nothing and does not verify a signature on the metadata. The bytes must come from a place that is trusted for this
//!   identity provider, such as a configuration file or the identity provider's own HTTPS address. Only [`Aggregate::read_signed`]
//!   verifies the signature of the document's root, and reads what was signed.
//! * [`TrustedSource`] says what a source is trusted for, and how its documents prove that they come from it.
//!   [`Refresh`] says when to request the source again. A document that cannot be used, or that is older, never
//!   replaces the current one. Neither type fetches anything.
//! * The first 32 keys of each use are kept, the first 1,024 endpoints of each kind, and so on. The rest is left out, with a warning that
//!   names it ([`Warning::LeftOut`]). Work and memory grow linearly with the length of the metadata.
//! * Documents may be in UTF-8, with or without a byte order mark, and in UTF-16.
//! * Nothing is dropped silently: the warnings list everything that cannot be read or is not used. Extensions that
//!   this crate does not interpret are kept unchanged ([`Extension`]), so that [`EntityDescription::to_xml`] writes
//!   them again.
//! * A key is a certificate or bare numbers, `ds:KeyValue` (Metadata Interoperability Profile 2.5.1): [`EntityKey`].
//!   The provider's list of algorithms decides whether it is strong enough, when trust is configured.
//!
//! # Layout
//!
//! | files | what they contain |
//! | --- | --- |
//! | `identity_provider`, `read` | [`IdentityProvider`] and its builder; how it is read from a document |
//! | `keys`, `key_info`, `key_value`, `endpoint`, `scope`, `time` | the parts of an entity that a sign-in needs |
//! | `information`, `user_interface`, `entity_attributes`, `algorithm_support`, `registration`, `contact`, `requested_attributes`, `extension`, `localized` | the other statements of an entity about itself |
//! | `index`, `heads`, `places`, `scopes`, `aggregate`, `entity_name`, `kept`, `source`, `bounded`, `encoding` | how one entity is found in a document, read together with the namespaces around it, and kept within limits; UTF-16 to UTF-8 |
//! | `description`, `role_description`, `write`, `value_writers` | a list of everything in a document, and how it and its single values are written again |
//! | `schema`, `foreign` | the schema's content model; documents that are not metadata |
//! | `service_provider`, `service_information` | the metadata of your own service |
//! | `lint`, `lint_rules`, `diff`, `statements`, `content` | what a publisher should look at; what a refresh would change; whether two entities state the same |
//! | `trusted_source`, `refresh`, `key_changes`, `key_evidence`, `own_rollover` | what a source is trusted for; when it is requested again; how far a newer document may change keys; what is known about keys over time; how your own keys are replaced |
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod aggregate;
mod algorithm_support;
mod bounded;
mod contact;
mod content;
mod description;
mod diff;
mod encoding;
mod endpoint;
mod entity_attributes;
mod entity_id;
mod entity_key;
mod entity_name;
mod error;
mod extension;
mod foreign;
mod heads;
mod identity_provider;
mod index;
mod information;
mod kept;
mod key_changes;
mod key_evidence;
mod key_info;
mod key_value;
mod keys;
mod lint;
mod lint_rules;
mod localized;
mod own_rollover;
mod placeholder;
mod places;
mod publication_order;
mod read;
mod refresh;
mod refresh_error;
mod refresh_schedule;
mod registration;
mod requested_attributes;
mod role_description;
mod schema;
mod scope;
mod scopes;
mod service_information;
mod service_provider;
mod source;
mod statements;
mod time;
mod trusted_source;
mod user_interface;
mod value_writers;
mod values;
mod warning;
mod web_address;
#[cfg(test)]
mod work;
mod write;

pub use aggregate::{Aggregate, AggregateEntity};
pub use algorithm_support::{AlgorithmSupport, SigningMethod};
pub use contact::{Contact, ContactKind, Organization};
pub use description::{EntityDescription, LeftOutEntity, MetadataDescription};
pub use diff::{ChangeSubject, MetadataChange};
pub use endpoint::{Binding, Endpoint};
pub use entity_attributes::{EntityAttribute, EntityAttributes, SubjectIdRequirement};
pub use entity_id::EntityId;
pub use entity_key::EntityKey;
pub use entity_name::EntityName;
pub use error::MetadataError;
pub use extension::Extension;
pub use foreign::Foreign;
pub use identity_provider::{IdentityProvider, WantsSigningCertificate};
pub use key_changes::KeyChanges;
pub use key_evidence::{KeyEvidence, KeySighting, KeyStanding};
pub use lint::{LintFinding, LintSeverity};
pub use localized::LocalizedText;
pub use own_rollover::{OwnKeyUse, OwnRollover, OwnRolloverAdvice, OwnRolloverStep};
pub use publication_order::{EndedMetadata, Restored};
pub use refresh::{FetchedMetadata, Refresh, Refreshed, Validators};
pub use refresh_error::RefreshError;
pub use refresh_schedule::RefreshSchedule;
pub use registration::Registration;
pub use requested_attributes::{AttributeConsumingService, RequestedAttribute};
pub use role_description::RoleDescription;
pub use scope::Scope;
pub use service_information::ServiceInformation;
pub use service_provider::{ServiceProviderDescriptor, WantsAssertionConsumer};
pub use trusted_source::{SpeaksFor, TrustedMetadata, TrustedSource};
pub use user_interface::{Logo, UserInterface};
pub use warning::Warning;
pub use web_address::WebAddress;

/// The identifiers of NameID formats (saml-core-2.0-os 8.3).
pub mod name_id_format {
    /// The identity provider chooses the format (8.3.1).
    pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    /// An e-mail address (8.3.2).
    pub const EMAIL_ADDRESS: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    /// An entity ID, which is the format of an Issuer (8.3.6).
    pub const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
    /// An opaque identifier that stays the same for this service provider (8.3.7).
    pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    /// An identifier that lasts for one session (8.3.8).
    pub const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
}
