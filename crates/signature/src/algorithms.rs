//! This module reads the URIs and parameters of a signature as algorithms, and says why the other algorithms are
//! refused.

use vouchsafe_crypto::{DigestAlgorithm, SignatureAlgorithm};
use vouchsafe_xml::{Canonicalization, Element, Limits, namespace};

use crate::SignatureError;
use crate::children::{Children, value};

/// The URI of RSASSA-PSS with parameters in the message (RFC 9231, 2.3.9).
const RSA_PSS: &str = "http://www.w3.org/2007/05/xmldsig-more#rsa-pss";
/// The namespace of these parameters. The only accepted mask generation function, [`MGF1`], has its URI in it too.
const MORE: &str = "http://www.w3.org/2007/05/xmldsig-more#";
const MGF1: &str = "http://www.w3.org/2007/05/xmldsig-more#MGF1";

/// A canonicalization and the prefixes that exclusive canonicalization treats inclusively.
#[derive(Clone, Copy)]
pub(crate) struct Method<'d> {
    pub(crate) canonicalization: Canonicalization,
    prefix_list: &'d str,
}

impl<'d> Method<'d> {
    pub(crate) fn plain(canonicalization: Canonicalization) -> Method<'d> {
        Method { canonicalization, prefix_list: "" }
    }

    pub(crate) fn without_comments(self) -> Method<'d> {
        Method { canonicalization: self.canonicalization.without_comments(), ..self }
    }

    /// Returns the prefixes of the list.
    pub(crate) fn prefixes(&self) -> Prefixes<'d> {
        let mut prefixes = self.prefix_list.split_ascii_whitespace();
        match (prefixes.next(), prefixes.next()) {
            (Some(only), None) => Prefixes::One(only),
            _ => Prefixes::Any(self.prefix_list.split_ascii_whitespace().collect()),
        }
    }
}

/// A list of prefixes. It allocates only for two or more prefixes; messages usually have none or one.
pub(crate) enum Prefixes<'d> {
    One(&'d str),
    Any(Vec<&'d str>),
}

impl<'d> std::ops::Deref for Prefixes<'d> {
    type Target = [&'d str];

    fn deref(&self) -> &[&'d str] {
        match self {
            Prefixes::One(prefix) => std::slice::from_ref(prefix),
            Prefixes::Any(prefixes) => prefixes,
        }
    }
}

/// Returns the value of the attribute `Algorithm`.
pub(crate) fn named<'d>(element: Element<'d>, name: &'static str) -> Result<&'d str, SignatureError> {
    element
        .attribute("Algorithm")
        .ok_or(SignatureError::AttributeMissing { element: name, attribute: "Algorithm" })
}

/// Reads one of the six canonicalizations. `ec:InclusiveNamespaces` is accepted only inside an exclusive one.
pub(crate) fn canonicalization<'d>(
    element: Element<'d>,
    name: &'static str,
    limits: &Limits,
) -> Result<Method<'d>, SignatureError> {
    let uri = named(element, name)?;
    let canonicalization = Canonicalization::from_uri(uri).ok_or_else(|| SignatureError::Algorithm {
        role: name,
        uri: uri.to_owned(),
        reason: "not a canonicalization of XML known here",
    })?;
    let mut children = Children::of(element, name, &["Algorithm"])?;
    let mut method = Method::plain(canonicalization);
    if canonicalization.is_exclusive()
        && let Some(inclusive) = children.optional_in(namespace::EXC_C14N, "InclusiveNamespaces")
    {
        Children::of(inclusive, "InclusiveNamespaces", &["PrefixList"])?.end("nothing inside")?;
        method.prefix_list = prefix_list(inclusive, limits)?;
    }
    children.end("nothing, or ec:InclusiveNamespaces in exclusive canonicalization")?;
    Ok(method)
}

/// Reads the digest that `ds:DigestMethod` (or a parameter of the same form) names. The element has no parameters.
pub(crate) fn digest(element: Element<'_>, name: &'static str) -> Result<DigestAlgorithm, SignatureError> {
    let uri = named(element, name)?;
    Children::of(element, name, &["Algorithm"])?.end("nothing inside")?;
    DigestAlgorithm::from_uri(uri).ok_or_else(|| SignatureError::Algorithm {
        role: name,
        uri: uri.to_owned(),
        reason: if uri.ends_with("md5") { "MD5 is broken" } else { "not a digest known here" },
    })
}

/// Reads the algorithm that `ds:SignatureMethod` names. Only RSASSA-PSS has parameters, so `HMACOutputLength` is
/// refused.
pub(crate) fn signature(element: Element<'_>) -> Result<SignatureAlgorithm, SignatureError> {
    const ROLE: &str = "SignatureMethod";
    let uri = named(element, ROLE)?;
    if uri == RSA_PSS {
        return rsa_pss(element);
    }
    let algorithm = signature_by_uri(uri, ROLE)?;
    Children::of(element, ROLE, &["Algorithm"])?.end("nothing inside")?;
    Ok(algorithm)
}

/// Returns the algorithm with this URI, or an error with the reason why it is refused.
pub(crate) fn signature_by_uri(uri: &str, role: &'static str) -> Result<SignatureAlgorithm, SignatureError> {
    SignatureAlgorithm::from_uri(uri).ok_or_else(|| SignatureError::Algorithm {
        role,
        uri: uri.to_owned(),
        reason: never(uri),
    })
}

/// Returns the reason why an algorithm is not implemented here.
fn never(uri: &str) -> &'static str {
    let name = uri.rsplit('#').next().unwrap_or(uri);
    if name.starts_with("hmac") {
        "HMAC needs a shared secret, which SAML has not: anybody who can verify could sign"
    } else if name.starts_with("dsa") {
        "DSA is not used for messages"
    } else if name.contains("md5") || name.contains("ripemd") || name.contains("md2") {
        "its digest is broken"
    } else if name == "rsa-pss" {
        "its parameters have no place here; use one of the URIs that fix them"
    } else if name == "ecdsa-sha1" {
        "ECDSA with SHA-1 is not implemented, not even for old peers"
    } else {
        "not a signature algorithm known here"
    }
}

/// Reads RSASSA-PSS with parameters. The parameters must have the values of the fixed URIs: one digest throughout,
/// MGF1, a salt as long as the digest, and trailer 1. A parameter that is absent has its default value.
fn rsa_pss(element: Element<'_>) -> Result<SignatureAlgorithm, SignatureError> {
    let mut children = Children::of(element, "SignatureMethod", &["Algorithm"])?;
    let parameters = children.optional_in(MORE, "RSAPSSParams");
    children.end("nothing, or pss:RSAPSSParams")?;
    let Some(parameters) = parameters else { return Ok(SignatureAlgorithm::RsaPssSha256) };

    let mut children = Children::of(parameters, "RSAPSSParams", &[])?;
    let digest = match children.optional("DigestMethod") {
        Some(method) => digest(method, "DigestMethod")?,
        None => DigestAlgorithm::Sha256,
    };
    if let Some(function) = children.optional_in(MORE, "MaskGenerationFunction") {
        mask_generation_is(function, digest)?;
    } else if digest != DigestAlgorithm::Sha256 {
        return Err(refused("MaskGenerationFunction", "the digest of the signature", "absent (SHA-256)"));
    }
    let algorithm = match digest {
        DigestAlgorithm::Sha256 => SignatureAlgorithm::RsaPssSha256,
        DigestAlgorithm::Sha384 => SignatureAlgorithm::RsaPssSha384,
        DigestAlgorithm::Sha512 => SignatureAlgorithm::RsaPssSha512,
        other => return Err(refused("DigestMethod", "SHA-256, SHA-384 or SHA-512", other.uri())),
    };
    if let Some(salt) = children.optional_in(MORE, "SaltLength") {
        let salt = value(salt, "SaltLength", &[])?;
        if salt.trim_ascii().parse() != Ok(digest.length()) {
            return Err(refused("SaltLength", "the length of the digest in bytes", &salt));
        }
    }
    if let Some(trailer) = children.optional_in(MORE, "TrailerField") {
        let trailer = value(trailer, "TrailerField", &[])?;
        if trailer.trim_ascii() != "1" {
            return Err(refused("TrailerField", "1", &trailer));
        }
    }
    children.end("the four parameters of RSASSA-PSS")?;
    Ok(algorithm)
}

fn mask_generation_is(
    function: Element<'_>,
    digest_of_signature: DigestAlgorithm,
) -> Result<(), SignatureError> {
    let mut children = Children::of(function, "MaskGenerationFunction", &["Algorithm"])?;
    let uri = function.attribute("Algorithm").unwrap_or(MGF1);
    if uri != MGF1 {
        return Err(refused("MaskGenerationFunction", MGF1, uri));
    }
    let digest = match children.optional("DigestMethod") {
        Some(method) => digest(method, "DigestMethod")?,
        None => DigestAlgorithm::Sha256,
    };
    children.end("nothing, or ds:DigestMethod")?;
    if digest != digest_of_signature {
        return Err(refused("MaskGenerationFunction", "the digest of the signature", digest.uri()));
    }
    Ok(())
}

/// Reads the attribute `PrefixList`. It may not have more prefixes than `limits.namespaces_in_scope`, because each
/// prefix costs a look-up in every element.
fn prefix_list<'d>(inclusive: Element<'d>, limits: &Limits) -> Result<&'d str, SignatureError> {
    let list = inclusive.attribute("PrefixList").ok_or(SignatureError::AttributeMissing {
        element: "InclusiveNamespaces",
        attribute: "PrefixList",
    })?;
    let count = list.split_ascii_whitespace().count();
    if count > limits.namespaces_in_scope {
        return Err(SignatureError::Parameter {
            role: "InclusiveNamespaces",
            parameter: "PrefixList",
            expected: "no more prefixes than may be in scope",
            actual: format!("{count} prefixes"),
        });
    }
    Ok(list)
}

fn refused(parameter: &'static str, expected: &'static str, actual: &str) -> SignatureError {
    SignatureError::Parameter { role: "rsa-pss", parameter, expected, actual: actual.to_owned() }
}
