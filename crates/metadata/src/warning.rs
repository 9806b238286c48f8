use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use vouchsafe_xml::{Quoted, SchemaViolation};

/// Something an operator should look at, although the identity provider can be used.
///
/// Get them from [`IdentityProvider::warnings`](crate::IdentityProvider::warnings).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A certificate is past its date. Its key is trusted all the same (MD12): metadata, not the certificate, says how long.
    #[non_exhaustive]
    CertificateExpired {
        /// Its subject.
        subject: String,
        /// Its last second.
        not_after: DateTime<Utc>,
    },
    /// A certificate's first day is yet to come. Its key is trusted already.
    #[non_exhaustive]
    CertificateNotYetValid {
        /// Its subject.
        subject: String,
        /// Its first second.
        not_before: DateTime<Utc>,
    },
    /// `validUntil` is past; [`check_validity`](crate::IdentityProvider::check_validity) refuses.
    #[non_exhaustive]
    MetadataExpired {
        /// The earliest `validUntil` round the identity provider.
        valid_until: DateTime<Utc>,
    },
    /// A KeyDescriptor that gives no key that can be read, or a part of one; another one does.
    #[non_exhaustive]
    KeyIgnored {
        /// Why, with its place among the KeyDescriptors.
        reason: String,
    },
    /// A certificate in a KeyDescriptor that is not of its key: a link of the chain of another one, or of another key than ds:KeyValue.
    #[non_exhaustive]
    CertificateLeftOut {
        /// The place of the KeyDescriptor, from 1.
        descriptor: usize,
        /// Its subject and fingerprint.
        certificate: String,
        /// Why.
        reason: &'static str,
    },
    /// One ds:X509Certificate that holds several, where one is allowed (XML-DSig 4.4.4). All of them are read.
    #[non_exhaustive]
    SeveralCertificates {
        /// The place of the KeyDescriptor, from 1.
        descriptor: usize,
        /// How many.
        count: usize,
    },
    /// One KeyDescriptor with several keys, where one is allowed (Metadata Interoperability Profile 2.5.1). Each of them is tried.
    #[non_exhaustive]
    SeveralKeys {
        /// The place of the KeyDescriptor, from 1.
        descriptor: usize,
        /// How many.
        count: usize,
    },
    /// An endpoint that cannot be used.
    #[non_exhaustive]
    EndpointIgnored {
        /// Local name of its element.
        element: String,
        /// Why.
        reason: String,
    },
    /// A boolean in letters that XML Schema has not, such as `True`. It is read all the same.
    #[non_exhaustive]
    BooleanSpelling {
        /// Local name of the element.
        element: String,
        /// Name of the attribute.
        attribute: &'static str,
        /// What was found.
        value: String,
        /// What it is read as.
        read_as: bool,
    },
    /// A `shibmd:Scope` that cannot be used.
    #[non_exhaustive]
    ScopeIgnored {
        /// Its value.
        scope: String,
        /// Why.
        reason: String,
    },
    /// An extension, or a part of one, that cannot be read as its specification says.
    #[non_exhaustive]
    ExtensionIgnored {
        /// Its name, with the usual prefix.
        extension: String,
        /// Why.
        reason: String,
    },
    /// The entity is a group of others, and no role of it is read (2.5).
    Affiliation,
    /// Sign-in requests are taken by bindings of other protocols alone.
    #[non_exhaustive]
    ForeignBindings {
        /// Their URIs, each once.
        bindings: Vec<String>,
    },
    /// A role that does not say which protocols it speaks (2.4.1): it is no use to anybody.
    #[non_exhaustive]
    RoleWithoutProtocol {
        /// Local name of its element.
        role: String,
    },
    /// Other EntityDescriptors of the document have the same entity id. They are left out, because they come later.
    #[non_exhaustive]
    DuplicateEntity {
        /// How many.
        count: usize,
    },
    /// There is more of something than is kept: the first ones are, in document order.
    #[non_exhaustive]
    LeftOut {
        /// Of what.
        what: &'static str,
        /// How many are kept.
        limit: usize,
        /// The place of the first that is left out, from 1.
        first: usize,
        /// How many are left out.
        count: usize,
    },
    /// An endpoint without TLS on another machine: whoever is on the way reads and alters what is sent there.
    #[non_exhaustive]
    EndpointInsecure {
        /// Local name of its element.
        element: String,
        /// Its address.
        location: String,
    },
    /// Something departs from the schema and can be read in one way all the same.
    Schema(SchemaViolation),
    /// No usable SingleSignOnService: nothing can be sent there, but what it sends can be believed.
    NoSingleSignOn,
}

impl Warning {
    /// A stable identifier of the kind of warning: `metadata.` and words.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Warning::CertificateExpired { .. } => "metadata.certificate_expired",
            Warning::CertificateNotYetValid { .. } => "metadata.certificate_not_yet_valid",
            Warning::MetadataExpired { .. } => "metadata.expired",
            Warning::KeyIgnored { .. } => "metadata.key_ignored",
            Warning::CertificateLeftOut { .. } => "metadata.certificate_left_out",
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
                "{element}/@{attribute} is {}, which is no xs:boolean; it is read as {read_as}",
                Quoted::new(value)
            ),
            Warning::ScopeIgnored { scope, reason } => {
                write!(f, "the scope {} is left out: {reason}", Quoted::new(scope))
            }
            Warning::ExtensionIgnored { extension, reason } => {
                write!(f, "the extension {} is not read as it stands: {reason}", Quoted::new(extension))
            }
            Warning::Affiliation => {
                f.write_str("AffiliationDescriptor names a group of entities; it is not read, and nobody is trusted for it")
            }
            Warning::ForeignBindings { bindings } => write!(
                f,
                "sign-in requests are taken by other bindings than those of SAML 2.0 alone: {}",
                Quoted::new(&bindings.join(", "))
            ),
            Warning::RoleWithoutProtocol { role } => {
                write!(f, "{role} has no protocolSupportEnumeration, so that nobody can use it")
            }
            Warning::DuplicateEntity { count } => {
                write!(f, "{count} later EntityDescriptors of this document have the same entity id, and are left out")
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
