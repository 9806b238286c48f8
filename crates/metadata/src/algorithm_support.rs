//! `alg:DigestMethod` and `alg:SigningMethod`: the algorithms that an entity can verify (SAML V2.0 Metadata Profile
//! for Algorithm Support).

use vouchsafe_xml::{Element, Writer};

use crate::Warning;
use crate::bounded::{ALGORITHMS, Bounded, REASONS};
use crate::values::trimmed;

/// The algorithms that an entity can verify, the preferred ones first. If a list is empty, the metadata does not
/// state it.
///
/// ```
/// use vouchsafe_metadata::{AlgorithmSupport, SigningMethod};
///
/// let support = AlgorithmSupport::default()
///     .with_digest_method("http://www.w3.org/2001/04/xmlenc#sha256")
///     .with_signing_method(SigningMethod::new("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256").with_key_sizes(Some(2048), None));
/// assert!(support.signing_methods()[0].takes_key_of(3072));
/// assert!(!support.signing_methods()[0].takes_key_of(1024));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlgorithmSupport {
    digest_methods: Vec<String>,
    signing_methods: Vec<SigningMethod>,
}

/// A signature algorithm, with the accepted sizes of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningMethod {
    algorithm: String,
    minimum: Option<u32>,
    maximum: Option<u32>,
}

impl SigningMethod {
    /// Makes an algorithm, by its URI, with keys of any size.
    #[must_use]
    pub fn new(algorithm: impl Into<String>) -> SigningMethod {
        SigningMethod { algorithm: algorithm.into(), minimum: None, maximum: None }
    }

    /// Sets the smallest and the largest key, in bits.
    #[must_use]
    pub fn with_key_sizes(self, minimum: Option<u32>, maximum: Option<u32>) -> SigningMethod {
        SigningMethod { minimum, maximum, ..self }
    }

    /// Returns its URI.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// Returns the smallest key, in bits.
    #[must_use]
    pub fn minimum_key_size(&self) -> Option<u32> {
        self.minimum
    }

    /// Returns the largest key, in bits.
    #[must_use]
    pub fn maximum_key_size(&self) -> Option<u32> {
        self.maximum
    }

    /// Returns whether a key of this many bits is accepted.
    #[must_use]
    pub fn takes_key_of(&self, bits: u32) -> bool {
        self.minimum.is_none_or(|minimum| minimum <= bits)
            && self.maximum.is_none_or(|maximum| bits <= maximum)
    }
}

impl AlgorithmSupport {
    /// Adds a digest algorithm, by its URI.
    #[must_use]
    pub fn with_digest_method(mut self, algorithm: impl Into<String>) -> Self {
        self.digest_methods.push(algorithm.into());
        self
    }

    /// Adds a signature algorithm.
    #[must_use]
    pub fn with_signing_method(mut self, method: SigningMethod) -> Self {
        self.signing_methods.push(method);
        self
    }

    /// Returns the URIs of the digest algorithms.
    #[must_use]
    pub fn digest_methods(&self) -> &[String] {
        &self.digest_methods
    }

    /// Returns the signature algorithms.
    #[must_use]
    pub fn signing_methods(&self) -> &[SigningMethod] {
        &self.signing_methods
    }

    /// Returns whether both lists are empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.digest_methods.is_empty() && self.signing_methods.is_empty()
    }

    /// Reads the algorithms among these extensions.
    pub(crate) fn read<'d>(
        extensions: impl Iterator<Item = Element<'d>>,
        warnings: &mut Vec<Warning>,
    ) -> AlgorithmSupport {
        let mut digests = Bounded::new("alg:DigestMethod", ALGORITHMS);
        let mut methods = Bounded::new("alg:SigningMethod", ALGORITHMS);
        let mut nameless = Bounded::new("algorithms without a name", REASONS);
        for (number, extension) in (1_usize..).zip(extensions.filter(|one| is_known(*one))) {
            let algorithm = extension.attribute("Algorithm").map(trimmed).unwrap_or_default();
            if algorithm.is_empty() {
                nameless.push(number, format!("alg:{}", extension.local_name()));
            } else if extension.local_name() == "DigestMethod" {
                digests.push(number, algorithm.to_owned());
            } else {
                let size = |name: &str| extension.attribute(name).and_then(|text| trimmed(text).parse().ok());
                let method = SigningMethod::new(algorithm);
                methods.push(number, method.with_key_sizes(size("MinKeySize"), size("MaxKeySize")));
            }
        }
        for extension in nameless.finish(warnings) {
            let reason = "it has no Algorithm".to_owned();
            warnings.push(Warning::ExtensionIgnored { extension, reason });
        }
        AlgorithmSupport {
            digest_methods: digests.finish(warnings),
            signing_methods: methods.finish(warnings),
        }
    }

    /// Writes the extensions. Each element declares its prefix, as the writer of other extensions does.
    pub(crate) fn write(&self, writer: &mut Writer) {
        for algorithm in &self.digest_methods {
            writer.start("alg:DigestMethod").namespace("alg", ALGORITHM_SUPPORT);
            writer.attribute("Algorithm", algorithm).end();
        }
        for method in &self.signing_methods {
            writer.start("alg:SigningMethod").namespace("alg", ALGORITHM_SUPPORT);
            writer.attribute("Algorithm", &method.algorithm);
            let sizes = [("MinKeySize", method.minimum), ("MaxKeySize", method.maximum)];
            for (name, size) in sizes {
                writer.optional_attribute(name, size.map(|size| size.to_string()).as_deref());
            }
            writer.end();
        }
    }
}

/// Returns whether this module reads this extension.
pub(crate) fn is_known(extension: Element<'_>) -> bool {
    extension.is(ALGORITHM_SUPPORT, "DigestMethod") || extension.is(ALGORITHM_SUPPORT, "SigningMethod")
}

/// The namespace of the extension.
pub(crate) const ALGORITHM_SUPPORT: &str = "urn:oasis:names:tc:SAML:metadata:algsupport";
