//! Signatures that no library would make: any algorithm name, any reference, any key, any value.

use vouchsafe_crypto::{Certificate, DigestAlgorithm, PrivateKey, base64_encode};
use vouchsafe_signature::Signer;
use vouchsafe_xml::{Canonicalization, Document, Limits, canonicalize, namespace};

use super::der;
use crate::{KeyPair, TestkitError, keys};

pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// A `ds:Signature` in the making. What is not said is as Okta does it, except that there is no PrefixList.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    method: String,
    /// What stands in SignatureMethod, such as HMACOutputLength.
    parameters: String,
    references: Vec<String>,
    key_info: String,
}

impl Draft {
    pub(crate) fn new() -> Self {
        Self {
            method: RSA_SHA256.to_owned(),
            parameters: String::new(),
            references: Vec::new(),
            key_info: String::new(),
        }
    }

    /// Over an element with an `ID`, which stands alone in `text`, not signed yet: enveloped, exclusive, SHA-256.
    pub(crate) fn over(text: &str) -> Result<Self, TestkitError> {
        let id = id_of(text)?;
        let transforms = transforms(&[ENVELOPED, EXCLUSIVE]);
        Ok(Self::new().reference(Some(&format!("#{id}")), &transforms, SHA256, &digest(&canonical(text)?)?))
    }

    pub(crate) fn method(mut self, uri: &str) -> Self {
        self.method = uri.to_owned();
        self
    }

    pub(crate) fn parameters(mut self, xml: &str) -> Self {
        self.parameters = xml.to_owned();
        self
    }

    /// One more reference; `digest` in base64.
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
        let method = match self.method.as_str() {
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

    /// The octets that a value is made over.
    pub(crate) fn octets(&self) -> Result<Vec<u8>, TestkitError> {
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

    /// Signed by a key with the algorithm that fits it; the name of another one may stand in SignatureMethod.
    pub(crate) fn signed_by(&self, key: &PrivateKey) -> Result<String, TestkitError> {
        let value = keys::provider().sign(Signer::algorithm_for(key), key, &self.octets()?)?;
        Ok(self.with_value(&base64_encode(&value)))
    }

    /// With an HMAC-SHA-256 instead (RFC 2104).
    pub(crate) fn with_hmac(&self, secret: &[u8]) -> Result<String, TestkitError> {
        Ok(self.with_value(&base64_encode(&hmac(secret, &self.octets()?)?)))
    }
}

pub(crate) fn transforms(algorithms: &[&str]) -> String {
    let each: String =
        algorithms.iter().map(|uri| format!("<ds:Transform Algorithm=\"{uri}\"></ds:Transform>")).collect();
    format!("<ds:Transforms>{each}</ds:Transforms>")
}

/// A certificate as it stands in a KeyInfo.
pub(crate) fn x509(certificates: &[&Certificate]) -> String {
    let each: String = certificates
        .iter()
        .map(|certificate| format!("<ds:X509Certificate>{}</ds:X509Certificate>", certificate.to_base64()))
        .collect();
    format!("<ds:X509Data>{each}</ds:X509Data>")
}

/// An RSA key as it stands in a KeyInfo.
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

/// The exclusive canonical form of an element that stands alone.
pub(crate) fn canonical(text: &str) -> Result<Vec<u8>, TestkitError> {
    canonical_at(text, "/*")
}

/// The exclusive canonical form of an element at a position.
pub(crate) fn canonical_at(text: &str, position: &str) -> Result<Vec<u8>, TestkitError> {
    let document = Document::parse(text.as_bytes(), &Limits::default())?;
    let element = document.at(position).ok_or_else(|| {
        TestkitError::message("message to be signed", "an element at the position", position)
    })?;
    let mut octets = Vec::new();
    canonicalize(element, Canonicalization::EXCLUSIVE, &[], None, &mut octets)?;
    Ok(octets)
}

/// SHA-256, in base64.
pub(crate) fn digest(octets: &[u8]) -> Result<String, TestkitError> {
    Ok(base64_encode(keys::provider().digest(DigestAlgorithm::Sha256, octets)?.as_ref()))
}

fn id_of(text: &str) -> Result<String, TestkitError> {
    let document = Document::parse(text.as_bytes(), &Limits::default())?;
    let id = document.root().attribute("ID");
    id.map(str::to_owned).ok_or_else(|| TestkitError::message("message to be signed", "an ID", "none"))
}

fn hmac(secret: &[u8], message: &[u8]) -> Result<Vec<u8>, TestkitError> {
    const BLOCK: usize = 64;
    let sha256 = |octets: &[u8]| keys::provider().digest(DigestAlgorithm::Sha256, octets);
    let mut block = if secret.len() > BLOCK { sha256(secret)?.as_ref().to_vec() } else { secret.to_vec() };
    block.resize(BLOCK, 0);
    let padded = |pad: u8| block.iter().map(move |octet| octet ^ pad).collect::<Vec<u8>>();
    let inner = sha256(&[padded(0x36).as_slice(), message].concat())?;
    Ok(sha256(&[padded(0x5c).as_slice(), inner.as_ref()].concat())?.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    #[test]
    fn makes_the_hmac_of_rfc_4231() {
        let octets = super::hmac(b"Jefe", b"what do ya want for nothing?").unwrap();
        let hexadecimal: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(hexadecimal, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
