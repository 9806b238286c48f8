//! SAML metadata: identity providers, endpoints, keys, and our own descriptor.
//!
//! Metadata is where trust comes from: it names an identity provider, and the keys in it are the only keys that may vouch for its
//! messages (saml-metadata-2.0-os, and the Kantara profile's MD06). This crate turns the XML an operator downloads into an
//! [`IdentityProvider`], lets one be written in code when there is no metadata ([`IdentityProvider::new`]), and writes what an
//! operator gives the other side: a [`ServiceProviderDescriptor`].
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
//! # What reading does, and what it leaves to others
//!
//! * [`IdentityProvider::from_metadata`] reads one identity provider; of an `EntitiesDescriptor` it takes the only one, and refuses
//!   when there are several. [`IdentityProvider::from_metadata_entity`] picks one by its entity id.
//! * [`Aggregate`] is a document with many entities. Each is parsed when it is asked for, under limits of its own, and one that cannot be
//!   read takes no other one with it; [`MetadataDescription`] says why each of them cannot. Of several of one name the first serves.
//! * Reading knows no time. A past `validUntil` is refused by [`IdentityProvider::check_validity`], which takes `now`; what an
//!   operator should look at, such as an expired certificate, is in [`IdentityProvider::warnings`]. Expired and self-signed
//!   certificates are keys all the same (MD12).
//! * Reading fetches nothing and verifies no signature on the metadata: the octets must come from a place that is trusted for this
//!   identity provider, such as a file of the configuration or its own HTTPS address. [`Aggregate::read_signed`] alone verifies the
//!   signature of the document's root, and reads what was signed.
//! * [`TrustedSource`] says what a source is trusted for and by what its documents prove to be its own; [`Refresh`] when it is asked again, and
//!   that a document which cannot be used, or is older, never takes the place of the one at hand. Neither fetches anything.
//! * The first 32 keys of each use are kept, the first 1,024 endpoints of each kind, and so on: what comes after them is left out, with a
//!   warning that names it ([`Warning::LeftOut`]). Work and memory grow with the length of the metadata and no faster.
//! * Documents in UTF-8, with a byte order mark or without, and in UTF-16 are read.
//! * Nothing is dropped without a word: what cannot be read, and what nobody uses, is in the warnings. Extensions that are not read here are
//!   kept as they are ([`Extension`]), so that [`EntityDescription::to_xml`] writes them again.
//! * A key comes as a certificate or as bare numbers, `ds:KeyValue` (Metadata Interoperability Profile 2.5.1): [`EntityKey`]. Whether it is
//!   strong enough is the provider's list of algorithms, asked when trust is set up.
//!
//! # Layout
//!
//! `schema` is the schema's content model, `bounded` says how much of an entity is kept, `encoding` makes UTF-8 of UTF-16, `index` finds the entities in a document, which `aggregate` keeps; `source` is an entity with what is round it; `identity_provider` is the value and its builder, `read` fills it from an element,
//! `keys` with `key_info` and `key_value`, `endpoint`, `scope` and `time` read the parts; `information` is what an entity says about itself beside those, in `user_interface`, `entity_attributes`, `algorithm_support`, `registration`, `contact`, `requested_attributes` and `extension`, with text in `localized`; `foreign` says what is no metadata.
//! `description` with `role_description` lists all there is, and `write` writes it; `service_provider` with `service_information` is our own descriptor; `lint` with `lint_rules` and `diff` say what a publisher should look at and what a refresh would change.
//! `trusted_source` says what a source is trusted for, on top of `aggregate`, and `refresh` when it is asked and what is done with its answer; `key_changes` says how far a newer document may change keys by itself,
//! `key_evidence` what is known of keys over time, `own_rollover` how our own are replaced.

mod aggregate;
mod algorithm_support;
mod bounded;
mod contact;
mod description;
mod diff;
mod encoding;
mod endpoint;
mod entity_attributes;
mod entity_id;
mod entity_key;
mod error;
mod extension;
mod foreign;
mod identity_provider;
mod index;
mod information;
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
mod read;
mod refresh;
mod refresh_error;
mod registration;
mod requested_attributes;
mod role_description;
mod schema;
mod scope;
mod service_information;
mod service_provider;
mod source;
mod time;
mod trusted_source;
mod user_interface;
mod warning;
mod web_address;
mod write;

pub use aggregate::{Aggregate, AggregateEntity, EntityName};
pub use algorithm_support::{AlgorithmSupport, SigningMethod};
pub use contact::{Contact, ContactKind, Organization};
pub use description::{EntityDescription, LeftOutEntity, MetadataDescription};
pub use diff::{ChangeSubject, MetadataChange};
pub use endpoint::{Binding, Endpoint};
pub use entity_attributes::{EntityAttribute, EntityAttributes, SubjectIdRequirement};
pub use entity_id::EntityId;
pub use entity_key::EntityKey;
pub use error::MetadataError;
pub use extension::Extension;
pub use foreign::Foreign;
pub use identity_provider::{IdentityProvider, WantsSigningCertificate};
pub use key_changes::KeyChanges;
pub use key_evidence::{KeyEvidence, KeySighting, KeyStanding};
pub use lint::{LintFinding, LintSeverity};
pub use localized::LocalizedText;
pub use own_rollover::{OwnKeyUse, OwnRollover, OwnRolloverAdvice, OwnRolloverStep};
pub use refresh::{FetchedMetadata, Refresh, RefreshSchedule, Refreshed, Validators};
pub use refresh_error::RefreshError;
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
    /// The identity provider chooses (8.3.1).
    pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    /// An e-mail address (8.3.2).
    pub const EMAIL_ADDRESS: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    /// An entity: the format of an Issuer (8.3.6).
    pub const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
    /// An opaque identifier that stays the same for this service provider (8.3.7).
    pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    /// An identifier that lasts for one session (8.3.8).
    pub const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
}
