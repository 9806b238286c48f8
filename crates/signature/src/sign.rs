//! This module makes an enveloped signature in the form that identity providers send.

use vouchsafe_crypto::{
    Certificate, DigestAlgorithm, PrivateKey, Provider, SignatureAlgorithm, base64_encode,
};
use vouchsafe_xml::{Canonicalization, Document, Element, Limits, Writer, canonicalize, namespace};

use crate::algorithms::Method;
use crate::insert::Place;
use crate::profile::{self, Profile};
use crate::signed_info::canonical_signed_info;
use crate::{SignatureError, has_signature, insert, keys, signature_child};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// The signing key, and how it signs.
///
/// ```
/// use vouchsafe_crypto::{KeyKind, Provider, SignatureAlgorithm};
/// use vouchsafe_signature::{Signer, sign};
/// use vouchsafe_xml::{Canonicalization, Limits};
///
/// let provider = Provider::rustcrypto();
/// let key = provider.generate_key(KeyKind::P384)?;
/// let signer = Signer::new(&key)                       // ECDSA with SHA-384 for this key
///     .canonicalization(Canonicalization::EXCLUSIVE)   // the default
///     .inclusive_prefixes(&["xs"]);
/// let xml = sign(r#"<Assertion ID="a"/>"#, "a", &signer, &provider, &Limits::default())?;
/// assert!(xml.starts_with(r#"<Assertion ID="a"><ds:Signature "#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Signer<'a> {
    key: &'a PrivateKey,
    certificate: Option<&'a Certificate>,
    algorithm: SignatureAlgorithm,
    digest: DigestAlgorithm,
    canonicalization: Canonicalization,
    inclusive_prefixes: &'a [&'a str],
    place: Place,
}

impl<'a> Signer<'a> {
    /// Signs with `key`, SHA-256 (ECDSA on P-384 and P-521 uses the digest that fits the curve), exclusive
    /// canonicalization, no certificate, and the signature after the Issuer.
    #[must_use]
    pub fn new(key: &'a PrivateKey) -> Signer<'a> {
        Signer {
            key,
            certificate: None,
            algorithm: Signer::algorithm_for(key),
            digest: DigestAlgorithm::Sha256,
            canonicalization: Canonicalization::EXCLUSIVE,
            inclusive_prefixes: &[],
            place: Place::default(),
        }
    }

    /// Returns the algorithm that [`new`](Signer::new) chooses for a key. It is right for
    /// [`sign_query`](crate::sign_query) too.
    #[must_use]
    pub fn algorithm_for(key: &PrivateKey) -> SignatureAlgorithm {
        key.signature_algorithm()
    }

    /// Sends this certificate in `ds:KeyInfo`. It must hold the signing key.
    #[must_use]
    pub fn certificate(mut self, certificate: &'a Certificate) -> Signer<'a> {
        self.certificate = Some(certificate);
        self
    }

    /// Signs with another algorithm than the key's default.
    #[must_use]
    pub fn algorithm(mut self, algorithm: SignatureAlgorithm) -> Signer<'a> {
        self.algorithm = algorithm;
        self
    }

    /// Digests the element with another algorithm than SHA-256.
    #[must_use]
    pub fn digest(mut self, digest: DigestAlgorithm) -> Signer<'a> {
        self.digest = digest;
        self
    }

    /// Canonicalizes `ds:SignedInfo` and the element with another method than the exclusive one.
    #[must_use]
    pub fn canonicalization(mut self, canonicalization: Canonicalization) -> Signer<'a> {
        self.canonicalization = canonicalization;
        self
    }

    /// Sets the `PrefixList` of exclusive canonicalization (Okta: `xs`); `#default` is the default namespace.
    #[must_use]
    pub fn inclusive_prefixes(mut self, prefixes: &'a [&'a str]) -> Signer<'a> {
        self.inclusive_prefixes = prefixes;
        self
    }

    /// Sets the place of the signature.
    #[must_use]
    pub fn place(mut self, place: Place) -> Signer<'a> {
        self.place = place;
        self
    }
}

/// Signs the element whose attribute `ID` is `element_id`, and returns the whole document with the `ds:Signature`
/// inserted. All other bytes stay unchanged.
///
/// Sign inner elements before outer ones. [`verify`](crate::verify) accepts the signatures that this function makes.
///
/// # Errors
/// `xml.*` when `xml` is not a document within the limits; `signature.element_not_found`, `signature.id_repeated`,
/// `signature.id_missing` (an identifier that no reference can name), `signature.already_signed`,
/// `signature.certificate_mismatch`, `signature.parameter` (a prefix list without exclusive canonicalization),
/// `signature.algorithm` when the provider does not accept it, `crypto.*` when the key cannot sign by it.
pub fn sign(
    xml: &str,
    element_id: &str,
    signer: &Signer<'_>,
    provider: &Provider,
    limits: &Limits,
) -> Result<String, SignatureError> {
    signer_is_consistent(signer, provider)?;
    let document = Document::parse(xml.as_bytes(), limits)?;
    let element = element_to_sign(&document, element_id)?;
    let point = insert::point(xml, element, signer.place)?;

    let mut bytes = Vec::with_capacity(xml.len());
    let method = signer.canonicalization.without_comments();
    canonicalize(element, method, signer.inclusive_prefixes, None, &mut bytes)?;
    let digest = base64_encode(provider.digest(signer.digest, &bytes)?.as_ref());

    // The canonical SignedInfo depends on the declarations in scope at its place. So insert the signature without a
    // value first.
    let draft = point.with(&signature_element(element_id, &digest, "", signer)?);
    let document = Document::parse(draft.as_bytes(), limits)?;
    let signed_info = canonical_signed_info_of(element_to_read(&document, element_id)?, signer)?;
    let value = base64_encode(&provider.sign(signer.algorithm, signer.key, &signed_info)?);
    Ok(point.with(&signature_element(element_id, &digest, &value, signer)?))
}

fn signer_is_consistent(signer: &Signer<'_>, provider: &Provider) -> Result<(), SignatureError> {
    keys::accepted(signer.algorithm, "SignatureMethod", provider)?;
    if let Some(certificate) = signer.certificate
        && !certificate.certifies(signer.key.public_key())
    {
        let fingerprint = certificate.fingerprint_sha256();
        return Err(SignatureError::CertificateMismatch { fingerprint });
    }
    if !signer.inclusive_prefixes.is_empty() && !signer.canonicalization.is_exclusive() {
        return Err(SignatureError::Parameter {
            role: "CanonicalizationMethod",
            parameter: "PrefixList",
            expected: "none outside exclusive canonicalization",
            actual: signer.inclusive_prefixes.join(" "),
        });
    }
    Ok(())
}

fn element_to_sign<'d>(document: &'d Document, id: &str) -> Result<Element<'d>, SignatureError> {
    let element = element_to_read(document, id)?;
    profile::identifier_is_unique(element, id)?;
    if !profile::is_bare_name(id) {
        return Err(SignatureError::IdMissing { element: element.local_name().to_owned() });
    }
    if has_signature(element) {
        return Err(SignatureError::AlreadySigned { element: element.local_name().to_owned() });
    }
    Ok(element)
}

fn element_to_read<'d>(document: &'d Document, id: &str) -> Result<Element<'d>, SignatureError> {
    document
        .elements()
        .find(|element| profile::identifiers(*element, Profile::Saml).any(|other| other == id))
        .ok_or_else(|| SignatureError::ElementNotFound { id: id.to_owned() })
}

fn canonical_signed_info_of(element: Element<'_>, signer: &Signer<'_>) -> Result<Vec<u8>, SignatureError> {
    let signed_info = signature_child(element)?.and_then(|signature| signature.elements().next());
    let signed_info =
        signed_info.ok_or_else(|| SignatureError::Missing { element: element.local_name().to_owned() })?;
    Ok(canonical_signed_info(signed_info, &Method::plain(signer.canonicalization))?)
}

/// Returns the `ds:Signature`, in the form that Okta sends.
fn signature_element(
    id: &str,
    digest: &str,
    value: &str,
    signer: &Signer<'_>,
) -> Result<String, SignatureError> {
    let method = signer.canonicalization.uri();
    let mut xml = Writer::new();
    xml.start("ds:Signature").namespace("ds", namespace::DSIG);
    xml.start("ds:SignedInfo");
    xml.start("ds:CanonicalizationMethod").attribute("Algorithm", method).end();
    xml.start("ds:SignatureMethod").attribute("Algorithm", signer.algorithm.uri()).end();
    xml.start("ds:Reference").attribute("URI", &format!("#{id}"));
    xml.start("ds:Transforms");
    xml.start("ds:Transform").attribute("Algorithm", ENVELOPED).end();
    xml.start("ds:Transform").attribute("Algorithm", method);
    if !signer.inclusive_prefixes.is_empty() {
        xml.start("ec:InclusiveNamespaces").namespace("ec", namespace::EXC_C14N);
        xml.attribute("PrefixList", &signer.inclusive_prefixes.join(" ")).end();
    }
    xml.end().end();
    xml.start("ds:DigestMethod").attribute("Algorithm", signer.digest.uri()).end();
    xml.start("ds:DigestValue").text(digest).end();
    xml.end().end();
    xml.start("ds:SignatureValue").text(value).end();
    if let Some(certificate) = signer.certificate {
        xml.start("ds:KeyInfo").start("ds:X509Data");
        xml.start("ds:X509Certificate").text(&certificate.to_base64()).end();
        xml.end().end();
    }
    xml.end();
    Ok(xml.finish()?)
}
