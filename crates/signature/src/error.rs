//! The errors of this crate: why a signature was refused, with the operands and a hint for the operator.

use vouchsafe_crypto::CryptoError;
use vouchsafe_xml::{Quoted, XmlError};

/// The reason why a signature was refused or could not be made.
///
/// Every variant has a stable [`code`](SignatureError::code), the expected and the actual value, and a
/// [`hint`](SignatureError::hint) for the person who configures the service. Text from a message is printed escaped
/// and shortened.
///
/// ```
/// use vouchsafe_signature::{verify, SignatureError};
/// use vouchsafe_crypto::Provider;
/// use vouchsafe_xml::{Document, Limits};
///
/// let limits = Limits::default();
/// let document = Document::parse(br#"<Response ID="_1"/>"#, &limits)?;
/// let refused = verify(document.root(), &[], &Provider::rustcrypto(), &limits).unwrap_err();
/// assert_eq!(refused.code(), "signature.missing");
/// assert!(matches!(refused, SignatureError::Missing { ref element, .. } if element == "Response"));
/// # Ok::<(), vouchsafe_xml::XmlError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The element has no `ds:Signature` among its immediate children.
    #[error("the element {} carries no ds:Signature of its own", Quoted::new(element))]
    #[non_exhaustive]
    Missing {
        /// The local name of the element.
        element: String,
    },
    /// The element has more than one `ds:Signature` among its immediate children.
    #[error(
        "the element {} carries {actual} ds:Signature children; expected exactly 1",
        Quoted::new(element)
    )]
    #[non_exhaustive]
    Count {
        /// The local name of the element.
        element: String,
        /// How many there are.
        actual: usize,
    },
    /// A child node is not the one that the signature profile expects in this place.
    #[error("in ds:{parent}: expected {expected}, found {}", Quoted::new(actual))]
    #[non_exhaustive]
    Structure {
        /// The local name of the element that was read.
        parent: &'static str,
        /// What the profile allows in this place.
        expected: &'static str,
        /// What was found: an element's qualified name, or a description.
        actual: String,
    },
    /// An element has an attribute that the profile does not know.
    #[error(
        "ds:{element} has the attribute {} that the signature profile does not allow",
        Quoted::new(attribute)
    )]
    #[non_exhaustive]
    Attribute {
        /// The local name of the element.
        element: &'static str,
        /// The name of the attribute.
        attribute: String,
    },
    /// A required attribute is missing.
    #[error("ds:{element} has no attribute {attribute}")]
    #[non_exhaustive]
    AttributeMissing {
        /// The local name of the element.
        element: &'static str,
        /// The name of the attribute.
        attribute: &'static str,
    },
    /// `ds:SignedInfo` does not contain exactly one `ds:Reference`.
    #[error("ds:SignedInfo holds {actual} ds:Reference; expected exactly 1")]
    #[non_exhaustive]
    ReferenceCount {
        /// How many there are.
        actual: usize,
    },
    /// The reference does not name the element that carries the signature.
    #[error("the reference names {}; expected {}", Quoted::new(actual), Quoted::new(expected))]
    #[non_exhaustive]
    ReferenceUri {
        /// `#` and the identifier of the element that carries the signature.
        expected: String,
        /// The URI of the reference.
        actual: String,
    },
    /// The element that carries the signature has no identifier that a reference could name.
    #[error("the element {} has no usable identifier attribute ID", Quoted::new(element))]
    #[non_exhaustive]
    IdMissing {
        /// The local name of the element.
        element: String,
    },
    /// The identifier that the reference names occurs more than once in the document.
    #[error("the identifier {} occurs {actual} times in the document; expected exactly 1", Quoted::new(id))]
    #[non_exhaustive]
    IdRepeated {
        /// The identifier.
        id: String,
        /// How many times it occurs.
        actual: usize,
    },
    /// The profile does not allow this transform, or does not allow it in this position.
    #[error("transform {position} is {}; expected {expected}", Quoted::new(actual))]
    #[non_exhaustive]
    Transform {
        /// The position of the transform, counted from 1.
        position: usize,
        /// What the profile allows in this position.
        expected: &'static str,
        /// The URI of the transform, or a description.
        actual: String,
    },
    /// An algorithm is unknown here, can never be used, or is not accepted by the provider.
    #[error("{role} {} is refused: {reason}", Quoted::new(uri))]
    #[non_exhaustive]
    Algorithm {
        /// The element or parameter that names the algorithm: `SignatureMethod`, `DigestMethod`,
        /// `CanonicalizationMethod`, `SigAlg`.
        role: &'static str,
        /// The URI of the algorithm.
        uri: String,
        /// The reason why it is refused.
        reason: &'static str,
    },
    /// A parameter of an algorithm has a value that is not accepted.
    #[error("the parameter {parameter} of {role} is {}; expected {expected}", Quoted::new(actual))]
    #[non_exhaustive]
    Parameter {
        /// The element that names the algorithm.
        role: &'static str,
        /// The name of the parameter.
        parameter: &'static str,
        /// The accepted value.
        expected: &'static str,
        /// The actual value.
        actual: String,
    },
    /// A value is not base64.
    #[error("the text of {element} is not base64: {source}")]
    #[non_exhaustive]
    Base64 {
        /// The element or parameter: `SignatureValue`, `DigestValue`, `Signature`.
        element: &'static str,
        /// The error of the base64 decoder.
        source: CryptoError,
    },
    /// No trusted key was given. The signature is refused; the check is never skipped.
    #[error("no trusted key is configured for the signer of {}", Quoted::new(element))]
    #[non_exhaustive]
    NoKeys {
        /// The local name of the element, or the name of the query parameter.
        element: String,
    },
    /// None of the trusted keys is of the kind that the algorithm needs.
    #[error(
        "the signature of {} uses {algorithm}, but no trusted key is of that kind: {}",
        Quoted::new(element),
        Quoted::new(keys)
    )]
    #[non_exhaustive]
    NoFittingKey {
        /// The local name of the element, or the name of the query parameter.
        element: String,
        /// The URI of the algorithm.
        algorithm: &'static str,
        /// The labels of the trusted keys.
        keys: String,
    },
    /// None of the trusted keys that were tried made the signature, and more keys fit than may be tried for one
    /// message.
    #[error(
        "the signature of {} was made by none of the first {limit} of {fitting} trusted keys that fit, and no more are tried for one \
         message",
        Quoted::new(element)
    )]
    #[non_exhaustive]
    TooManyKeys {
        /// The local name of the element, or the name of the query parameter.
        element: String,
        /// How many trusted keys fit the algorithm.
        fitting: usize,
        /// How many public-key operations the message had left.
        limit: usize,
    },
    /// None of the trusted keys made this signature value.
    #[error(
        "the signature of {} was {}: {}",
        Quoted::new(element),
        made_by_none_of(*tried),
        Quoted::new(keys)
    )]
    #[non_exhaustive]
    NotVerified {
        /// The local name of the element, or the name of the query parameter.
        element: String,
        /// The URI of the algorithm.
        algorithm: &'static str,
        /// How many keys were tried.
        tried: usize,
        /// The labels and fingerprints of the keys that were tried.
        keys: String,
    },
    /// A trusted key made the signature, but the element changed after it was signed.
    #[error(
        "the content of {} changed after it was signed: digest expected {expected}, actual {actual}",
        Quoted::new(element)
    )]
    #[non_exhaustive]
    DigestMismatch {
        /// The local name of the element.
        element: String,
        /// The digest that was signed, base64.
        expected: String,
        /// The digest of the received element, base64.
        actual: String,
    },
    /// No element has the identifier that is to be signed.
    #[error("no element has the identifier {}", Quoted::new(id))]
    #[non_exhaustive]
    ElementNotFound {
        /// The identifier.
        id: String,
    },
    /// The element that is to be signed has a signature already.
    #[error("the element {} carries a ds:Signature already", Quoted::new(element))]
    #[non_exhaustive]
    AlreadySigned {
        /// The local name of the element.
        element: String,
    },
    /// The certificate that is to be sent in `ds:KeyInfo` holds another key than the signing key.
    #[error("the certificate {fingerprint} holds another key than the one that signs")]
    #[non_exhaustive]
    CertificateMismatch {
        /// The SHA-256 fingerprint of the certificate.
        fingerprint: String,
    },
    /// The query string is not a signed SAML message.
    #[error("query parameter {parameter}: expected {expected}, found {}", Quoted::new(actual))]
    #[non_exhaustive]
    Query {
        /// The name of the parameter.
        parameter: &'static str,
        /// The accepted value.
        expected: &'static str,
        /// The actual value.
        actual: String,
    },
    /// The form is not a SAML message with a SimpleSign signature.
    #[error("form field {field}: expected {expected}, found {}", Quoted::new(actual))]
    #[non_exhaustive]
    Form {
        /// The name of the field.
        field: &'static str,
        /// The accepted value.
        expected: &'static str,
        /// The actual value.
        actual: String,
    },
    /// The document could not be read or written.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// A key or an algorithm could not be used.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

fn made_by_none_of(tried: usize) -> String {
    match tried {
        1 => "not made by the trusted key tried".to_owned(),
        _ => format!("made by none of the {tried} trusted keys tried"),
    }
}

impl SignatureError {
    /// Returns a stable code for logs and tests. Errors of lower crates keep their codes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "signature.missing",
            Self::Count { .. } => "signature.count",
            Self::Structure { .. } => "signature.structure",
            Self::Attribute { .. } => "signature.attribute",
            Self::AttributeMissing { .. } => "signature.attribute_missing",
            Self::ReferenceCount { .. } => "signature.reference_count",
            Self::ReferenceUri { .. } => "signature.reference_uri",
            Self::IdMissing { .. } => "signature.id_missing",
            Self::IdRepeated { .. } => "signature.id_repeated",
            Self::Transform { .. } => "signature.transform",
            Self::Algorithm { .. } => "signature.algorithm",
            Self::Parameter { .. } => "signature.parameter",
            Self::Base64 { .. } => "signature.base64",
            Self::NoKeys { .. } => "signature.no_keys",
            Self::NoFittingKey { .. } => "signature.no_fitting_key",
            Self::TooManyKeys { .. } => "signature.too_many_keys",
            Self::NotVerified { .. } => "signature.not_verified",
            Self::DigestMismatch { .. } => "signature.digest_mismatch",
            Self::ElementNotFound { .. } => "signature.element_not_found",
            Self::AlreadySigned { .. } => "signature.already_signed",
            Self::CertificateMismatch { .. } => "signature.certificate_mismatch",
            Self::Query { .. } => "signature.query",
            Self::Form { .. } => "signature.form",
            Self::Xml(error) => error.code(),
            Self::Crypto(error) => error.code(),
        }
    }

    /// Returns what an operator should look at or change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } => {
                "Have the identity provider sign (Okta: Applications > the app > Sign On > Edit SAML settings > Advanced: \
                 Response \"Signed\", Assertion Signature \"Signed\")."
            }
            Self::NoKeys { .. } => {
                "The identity provider's metadata has no signing certificate that can be used: load its metadata from its \
                 console, or add a certificate that was downloaded there."
            }
            Self::NoFittingKey { .. } => {
                "Compare the active certificate in the identity provider's console with those of the metadata loaded here first \
                 (`vouchsafe metadata show` lists them). If it is missing here, load the metadata from the console again; if it \
                 is here, anybody may have made this message."
            }
            Self::TooManyKeys { .. } => {
                "Remove certificates that no longer sign from the identity provider's metadata, or raise public_key_operations \
                 in Limits."
            }
            Self::NotVerified { .. } => {
                "Compare the active certificate in the identity provider's console (Okta: Sign On > SAML Signing Certificates) \
                 with those of the metadata loaded here first (`vouchsafe metadata show` lists them). If it is missing here, \
                 load the metadata from the console again; if it is here, anybody may have made this message, or it comes from \
                 another application of the same organization."
            }
            Self::DigestMismatch { .. } => {
                "A trusted key signed, but the content was changed afterwards: nothing between the identity provider and this \
                 service (proxy, firewall, browser extension, test tool) may re-indent, re-encode or edit the message. If \
                 nothing does so, treat it as an attack."
            }
            Self::Algorithm { .. } | Self::Parameter { .. } => {
                "Choose RSA_SHA256 as Signature Algorithm and SHA256 as Digest Algorithm in the identity provider (Okta: Edit \
                 SAML settings > Advanced). SHA-1 can be accepted only by a `danger_` setting; HMAC, DSA, XPath and XSLT are \
                 never accepted."
            }
            Self::ReferenceUri { actual, .. } if actual.is_empty() => {
                "The signer must name the element that it signs, by \"#\" and the value of its ID; an empty URI names the whole \
                 document, which SAML does not allow (SAML Core 5.4.2)."
            }
            Self::Count { .. }
            | Self::Structure { .. }
            | Self::Attribute { .. }
            | Self::AttributeMissing { .. }
            | Self::ReferenceCount { .. }
            | Self::ReferenceUri { .. }
            | Self::IdMissing { .. }
            | Self::IdRepeated { .. }
            | Self::Transform { .. }
            | Self::Base64 { .. } => {
                "Have the signer use the signature profile of SAML (SAML Core 5.4), which this signature does not follow. If the \
                 signer does follow it, the message was changed on its way."
            }
            Self::ElementNotFound { .. } | Self::AlreadySigned { .. } => {
                "Sign an element once, by the value of its ID attribute, and inner elements before outer ones."
            }
            Self::CertificateMismatch { .. } => "Configure the certificate that belongs to the private key.",
            Self::Query { .. } => {
                "Pass the query string exactly as it was in the URL, undecoded. It must have one SAMLRequest or SAMLResponse, at \
                 most one RelayState, one SigAlg and one Signature (SAML Bindings 3.4.4.1)."
            }
            Self::Form { .. } => {
                "Pass every field of the form once, decoded. There must be one SAMLRequest or SAMLResponse, at most one \
                 RelayState, one SigAlg and one Signature (SAML HTTP-POST-SimpleSign 3.2)."
            }
            Self::Xml(error) => error.hint(),
            Self::Crypto(error) => error.hint(),
        }
    }
}
