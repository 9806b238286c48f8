use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use vouchsafe_xml::{Quoted, SchemaViolation};

/// Something that an operator should look at, although the identity provider can be used.
///
/// [`IdentityProvider::warnings`](crate::IdentityProvider::warnings) returns them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A certificate has expired. Its key is trusted nevertheless (MD12), because the metadata and not the
    /// certificate states how long.
    #[non_exhaustive]
    CertificateExpired {
        /// The subject of the certificate.
        subject: String,
        /// The time when it expired.
        not_after: DateTime<Utc>,
    },
    /// A certificate is not valid yet. Its key is trusted already.
    #[non_exhaustive]
    CertificateNotYetValid {
        /// The subject of the certificate.
        subject: String,
        /// The time when it becomes valid.
        not_before: DateTime<Utc>,
    },
    /// The `validUntil` is past; [`check_validity`](crate::IdentityProvider::check_validity) refuses the metadata.
    #[non_exhaustive]
    MetadataExpired {
        /// The earliest `validUntil` around the identity provider.
        valid_until: DateTime<Utc>,
    },
    /// A KeyDescriptor, or a part of one, contains no readable key. Another KeyDescriptor does.
    #[non_exhaustive]
    KeyIgnored {
        /// The reason, with its place among the KeyDescriptors.
        reason: String,
    },
    /// A certificate in a KeyDescriptor does not belong to its key: it is the issuer's of another one.
    #[non_exhaustive]
    CertificateLeftOut {
        /// The place of the KeyDescriptor, from 1.
        descriptor: usize,
        /// The subject and fingerprint of the certificate.
        certificate: String,
        /// The reason.
        reason: &'static str,
    },
    /// A certificate in a KeyDescriptor does not belong to its key, and issued none of the others there. It may be that of
    /// the next key, which is not trusted then.
    #[non_exhaustive]
    OtherKeyLeftOut {
        /// The place of the KeyDescriptor, from 1.
        descriptor: usize,
        /// The subject and fingerprint of the certificate.
        certificate: String,
        /// The reason.
        reason: &'static str,
    },
    /// One ds:X509Certificate contains several certificates, but only one is allowed (XML-DSig 4.4.4). All of them
    /// are read.
    #[non_exhaustive]
    SeveralCertificates {
        /// The place of the KeyDescriptor, from 1.
        descriptor: usize,
        /// The number of certificates.
        count: usize,
    },
    /// One KeyDescriptor contains several keys, but only one is allowed (Metadata Interoperability Profile 2.5.1).
    /// Each of them is tried.
    #[non_exhaustive]
    SeveralKeys {
        /// The place of the KeyDescriptor, from 1.
        descriptor: usize,
        /// The number of keys.
        count: usize,
    },
    /// An endpoint cannot be used.
    #[non_exhaustive]
    EndpointIgnored {
        /// The local name of its element.
        element: String,
        /// The reason.
        reason: String,
    },
    /// A boolean has a spelling that is not in XML Schema, such as `True`. It is read nevertheless.
    #[non_exhaustive]
    BooleanSpelling {
        /// The local name of the element.
        element: String,
        /// The name of the attribute.
        attribute: &'static str,
        /// The actual text.
        value: String,
        /// The value that it is read as.
        read_as: bool,
    },
    /// A `shibmd:Scope` cannot be used.
    #[non_exhaustive]
    ScopeIgnored {
        /// The value of the scope.
        scope: String,
        /// The reason.
        reason: String,
    },
    /// An extension, or a part of one, does not follow its specification and is not read.
    #[non_exhaustive]
    ExtensionIgnored {
        /// The name of the extension, with the usual prefix.
        extension: String,
        /// The reason.
        reason: String,
    },
    /// The entity is a group of others (affiliation), and none of its roles is read (2.5).
    Affiliation,
    /// Sign-in requests are only accepted with bindings of other protocols.
    #[non_exhaustive]
    ForeignBindings {
        /// The URIs of the bindings, each once.
        bindings: Vec<String>,
    },
    /// A role does not state its protocols (2.4.1), so it is not used.
    #[non_exhaustive]
    RoleWithoutProtocol {
        /// The local name of its element.
        role: String,
    },
    /// Later EntityDescriptors of the document have the same entity ID, and are not used.
    #[non_exhaustive]
    DuplicateEntity {
        /// The number of later EntityDescriptors.
        count: usize,
    },
    /// There are more values of a kind than are kept: the first ones are kept, in document order.
    #[non_exhaustive]
    LeftOut {
        /// The kind of values.
        what: &'static str,
        /// The number of kept values.
        limit: usize,
        /// The place of the first value that is left out, from 1.
        first: usize,
        /// The number of values that are left out.
        count: usize,
    },
    /// An endpoint on another machine has no TLS: others on the network can read and alter the messages to it.
    #[non_exhaustive]
    EndpointInsecure {
        /// The local name of its element.
        element: String,
        /// The address of the endpoint.
        location: String,
    },
    /// The metadata deviates from the schema, but is not ambiguous.
    Schema(SchemaViolation),
    /// There is no usable SingleSignOnService: no request can be sent, but messages of the identity provider can be
    /// trusted.
    NoSingleSignOn,
}

impl Warning {
    /// Returns a stable code of this kind of warning: `metadata.` and words.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Warning::CertificateExpired { .. } => "metadata.certificate_expired",
            Warning::CertificateNotYetValid { .. } => "metadata.certificate_not_yet_valid",
            Warning::MetadataExpired { .. } => "metadata.expired",
            Warning::KeyIgnored { .. } => "metadata.key_ignored",
            Warning::CertificateLeftOut { .. } => "metadata.certificate_left_out",
            Warning::OtherKeyLeftOut { .. } => "metadata.other_key_left_out",
            Warning::SeveralCertificates { .. } => "metadata.several_certificates",
            Warning::SeveralKeys { .. } => "metadata.several_keys",
            Warning::EndpointIgnored { .. } => "metadata.endpoint_ignored",
            Warning::BooleanSpelling { .. } => "metadata.boolean_spelling",
            Warning::ScopeIgnored { .. } => "metadata.scope_ignored",
            Warning::ExtensionIgnored { .. } => "metadata.extension_ignored",
            Warning::Affiliation => "metadata.affiliation",
            Warning::ForeignBindings { .. } => "metadata.foreign_bindings",
            Warning::RoleWithoutProtocol { .. } => "metadata.role_without_protocol",
            Warning::DuplicateEntity { .. } => "metadata.duplicate_entity",
            Warning::LeftOut { .. } => "metadata.left_out",
            Warning::EndpointInsecure { .. } => "metadata.endpoint_insecure",
            Warning::Schema(_) => "metadata.schema",
            Warning::NoSingleSignOn => "metadata.no_single_sign_on",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = |time: &DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        match self {
            Warning::CertificateExpired { subject, not_after } => write!(
                f,
                "the certificate {} expired on {}; its key is still trusted, because metadata decides that",
                Quoted::new(subject),
                instant(not_after)
            ),
            Warning::CertificateNotYetValid { subject, not_before } => {
                write!(f, "the certificate {} is valid from {} on; its key is trusted already", Quoted::new(subject), instant(not_before))
            }
            Warning::MetadataExpired { valid_until } => {
                write!(f, "the metadata was valid until {}; fetch it again", instant(valid_until))
            }
            Warning::KeyIgnored { reason } => write!(f, "a key is left out: {reason}"),
            Warning::CertificateLeftOut { descriptor, certificate, reason } => {
                write!(f, "KeyDescriptor {descriptor}: {certificate} is left out: {reason}")
            }
            Warning::OtherKeyLeftOut { descriptor, certificate, reason } => {
                write!(
                    f,
                    "KeyDescriptor {descriptor}: {certificate} is not trusted: {reason}; it may be the next key, because it does not belong to an issuer"
                )
            }
            Warning::SeveralCertificates { descriptor, count } => write!(
                f,
                "KeyDescriptor {descriptor}: one ds:X509Certificate holds {count} certificates, where one is allowed; all of them are read"
            ),
            Warning::SeveralKeys { descriptor, count } => {
                write!(f, "KeyDescriptor {descriptor} holds {count} different keys, where one is allowed; each of them is tried")
            }
            Warning::EndpointIgnored { element, reason } => write!(f, "an endpoint {element} is left out: {reason}"),
            Warning::BooleanSpelling { element, attribute, value, read_as } => write!(
                f,
                "{element}/@{attribute} is {}, which is not an xs:boolean; it is read as {read_as}",
                Quoted::new(value)
            ),
            Warning::ScopeIgnored { scope, reason } => {
                write!(f, "the scope {} is left out: {reason}", Quoted::new(scope))
            }
            Warning::ExtensionIgnored { extension, reason } => {
                write!(f, "the extension {} is not read: {reason}", Quoted::new(extension))
            }
            Warning::Affiliation => {
                f.write_str("AffiliationDescriptor names a group of entities; it is not read, and nobody is trusted for it")
            }
            Warning::ForeignBindings { bindings } => write!(
                f,
                "sign-in requests are accepted only by bindings other than those of SAML 2.0: {}",
                Quoted::new(&bindings.join(", "))
            ),
            Warning::RoleWithoutProtocol { role } => {
                write!(f, "{role} has no protocolSupportEnumeration, so that nobody can use it")
            }
            Warning::DuplicateEntity { count } => {
                write!(f, "{count} later EntityDescriptors of this document have the same entity ID, and are left out")
            }
            Warning::LeftOut { what, limit, first, count } => {
                write!(f, "{count} {what} are left out, from number {first} on: at most {limit} are kept")
            }
            Warning::EndpointInsecure { element, location } => {
                write!(f, "the endpoint {element} at {} is not https; nobody is sent there", Quoted::new(location))
            }
            Warning::Schema(violation) => write!(f, "the metadata is not as its schema says: {violation}"),
            Warning::NoSingleSignOn => f.write_str(
                "there is no single sign-on address that can be used: only sign-ins that the identity provider begins are possible",
            ),
        }
    }
}
