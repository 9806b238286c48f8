//! Signatures that no library would make: with any algorithm name, any reference, any key and any value.

use vouchsafe_crypto::{Certificate, DigestAlgorithm, PrivateKey, base64_encode};
use vouchsafe_signature::Signer;
use vouchsafe_xml::{Canonicalization, Document, Limits, canonicalize, namespace};

use super::der;
use super::scene::Scene;
use super::surgery::{copy, prepend, replace};
use crate::{KeyPair, TestkitError, keys};

pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// Builds a `ds:Signature`. The defaults are those of Okta, except that there is no PrefixList.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// The algorithm; `None` selects the one that fits the key.
    method: Option<String>,
    /// The content of SignatureMethod, such as HMACOutputLength.
    parameters: String,
    references: Vec<String>,
    key_info: String,
}

impl Draft {
    pub(crate) fn new() -> Self {
        Self { method: None, parameters: String::new(), references: Vec::new(), key_info: String::new() }
    }

    /// Makes a signature over an element with an `ID`, which is the root of `text` and is not signed yet: enveloped,
    /// exclusive, SHA-256.
    pub(crate) fn over(text: &str) -> Result<Self, TestkitError> {
        let id = id_of(text)?;
        let transforms = transforms(&[ENVELOPED, EXCLUSIVE]);
        Ok(Self::new().reference(Some(&format!("#{id}")), &transforms, SHA256, &digest(&canonical(text)?)?))
    }

    pub(crate) fn method(mut self, uri: &str) -> Self {
        self.method = Some(uri.to_owned());
        self
    }

    pub(crate) fn parameters(mut self, xml: &str) -> Self {
        self.parameters = xml.to_owned();
        self
    }

    /// Adds a reference; `digest` is in base64.
    pub(crate) fn reference(
        mut self,
        uri: Option<&str>,
        transforms: &str,
        method: &str,
        digest: &str,
    ) -> Self {
        let uri = uri.map(|uri| format!(" URI=\"{uri}\"")).unwrap_or_default();
        self.references.push(format!(
            "<ds:Reference{uri}>{transforms}<ds:DigestMethod Algorithm=\"{method}\"></ds:DigestMethod>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
        ));
        self
    }

    pub(crate) fn key_info(mut self, xml: &str) -> Self {
        self.key_info = format!("<ds:KeyInfo>{xml}</ds:KeyInfo>");
        self
    }

    pub(crate) fn signed_info(&self) -> String {
        let method = match self.method.as_deref().unwrap_or(RSA_SHA256) {
            "" => String::new(),
            uri => {
                format!("<ds:SignatureMethod Algorithm=\"{uri}\">{}</ds:SignatureMethod>", self.parameters)
            }
        };
        format!(
            "<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
             {method}{}</ds:SignedInfo>",
            self.references.concat()
        )
    }

    /// Returns the bytes that a signature value is over.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, TestkitError> {
        canonical_at(&self.with_value(""), "/*/*[1]")
    }

    pub(crate) fn with_value(&self, value: &str) -> String {
        format!(
            "<ds:Signature xmlns:ds=\"{}\">{}<ds:SignatureValue>{value}</ds:SignatureValue>{}</ds:Signature>",
            namespace::DSIG,
            self.signed_info(),
            self.key_info
        )
    }

    /// Signs with a key and the algorithm that fits it. SignatureMethod names another algorithm if one was set.
    pub(crate) fn signed_by(&self, key: &PrivateKey) -> Result<String, TestkitError> {
        let algorithm = Signer::algorithm_for(key);
        let draft = match self.method {
            Some(_) => self.clone(),
            None => self.clone().method(algorithm.uri()),
        };
        let value = keys::provider().sign(algorithm, key, &draft.bytes()?)?;
        Ok(draft.with_value(&base64_encode(&value)))
    }

    /// Makes an HMAC instead of a signature.
    pub(crate) fn with_hmac(
        &self,
        algorithm: DigestAlgorithm,
        secret: &[u8],
    ) -> Result<String, TestkitError> {
        Ok(self.with_value(&base64_encode(&hmac(algorithm, secret, &self.bytes()?)?)))
    }
}

pub(crate) fn transforms(algorithms: &[&str]) -> String {
    let each: String =
        algorithms.iter().map(|uri| format!("<ds:Transform Algorithm=\"{uri}\"></ds:Transform>")).collect();
    format!("<ds:Transforms>{each}</ds:Transforms>")
}

/// Lets the identity provider sign the Assertion of an unsigned message without changing it.
pub(crate) fn signed_as_it_stands(scene: &Scene<'_>, unsigned: &str) -> Result<String, TestkitError> {
    let key = scene.target().identity_provider.key();
    let assertion = copy(unsigned, &["Response", "Assertion"])?;
    let signature =
        Draft::over(&assertion)?.key_info(&x509(&[key.certificate()])).signed_by(key.private_key())?;
    let signed = match assertion.split_once(ISSUER_END) {
        Some((before, after)) => [before, ISSUER_END, &signature, after].concat(),
        None => prepend(&assertion, &["Assertion"], &signature)?,
    };
    replace(unsigned, &["Response", "Assertion"], &signed)
}

/// The text after which the signature is inserted.
const ISSUER_END: &str = "</saml2:Issuer>";

/// Returns certificates in the form for a KeyInfo.
pub(crate) fn x509(certificates: &[&Certificate]) -> String {
    let each: String = certificates
        .iter()
        .map(|certificate| format!("<ds:X509Certificate>{}</ds:X509Certificate>", certificate.to_base64()))
        .collect();
    format!("<ds:X509Data>{each}</ds:X509Data>")
}

/// Returns an RSA key in the form for a KeyInfo.
pub(crate) fn rsa_key_value(key: &KeyPair) -> Result<String, TestkitError> {
    let (modulus, exponent) = der::rsa_numbers(key.certificate().spki_der())
        .ok_or_else(|| TestkitError::message("key", "an RSA key", "another one"))?;
    Ok(format!(
        "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{}</ds:Modulus><ds:Exponent>{}</ds:Exponent></ds:RSAKeyValue>\
         </ds:KeyValue>",
        base64_encode(&modulus),
        base64_encode(&exponent)
    ))
}

/// Returns the exclusive canonical form of the root element.
pub(crate) fn canonical(text: &str) -> Result<Vec<u8>, TestkitError> {
    canonical_at(text, "/*")
}

/// Returns the exclusive canonical form of the element at a position.
pub(crate) fn canonical_at(text: &str, position: &str) -> Result<Vec<u8>, TestkitError> {
    let document = Document::parse(text.as_bytes(), &Limits::default())?;
    let element = document.at(position).ok_or_else(|| {
        TestkitError::message("message to be signed", "an element at the position", position)
    })?;
    let mut bytes = Vec::new();
    canonicalize(element, Canonicalization::EXCLUSIVE, &[], None, &mut bytes)?;
    Ok(bytes)
}

/// Returns SHA-256 in base64.
pub(crate) fn digest(bytes: &[u8]) -> Result<String, TestkitError> {
    Ok(base64_encode(keys::provider().digest(DigestAlgorithm::Sha256, bytes)?.as_ref()))
}

fn id_of(text: &str) -> Result<String, TestkitError> {
    let document = Document::parse(text.as_bytes(), &Limits::default())?;
    let id = document.root().attribute("ID");
    id.map(str::to_owned).ok_or_else(|| TestkitError::message("message to be signed", "an ID", "none"))
}

/// Computes an HMAC (RFC 2104).
pub(crate) fn hmac(
    algorithm: DigestAlgorithm,
    secret: &[u8],
    message: &[u8],
) -> Result<Vec<u8>, TestkitError> {
    let block = match algorithm {
        DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512 => 128,
        _ => 64,
    };
    let hash = |bytes: &[u8]| keys::provider().digest(algorithm, bytes);
    let mut key = if secret.len() > block { hash(secret)?.as_ref().to_vec() } else { secret.to_vec() };
    key.resize(block, 0);
    let padded = |pad: u8| key.iter().map(move |byte| byte ^ pad).collect::<Vec<u8>>();
    let inner = hash(&[padded(0x36).as_slice(), message].concat())?;
    Ok(hash(&[padded(0x5c).as_slice(), inner.as_ref()].concat())?.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use vouchsafe_crypto::DigestAlgorithm;

    #[test]
    fn makes_the_hmacs_of_rfc_4231() {
        let hexadecimal = |algorithm, secret: &[u8], message: &[u8]| -> String {
            let bytes = super::hmac(algorithm, secret, message).unwrap();
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let (secret, message) = (b"Jefe", b"what do ya want for nothing?");
        assert_eq!(
            hexadecimal(DigestAlgorithm::Sha256, secret, message),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hexadecimal(DigestAlgorithm::Sha512, secret, message),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        );
        // The secret is longer than a block (RFC 4231, 4.7).
        assert_eq!(
            hexadecimal(
                DigestAlgorithm::Sha256,
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            ),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
