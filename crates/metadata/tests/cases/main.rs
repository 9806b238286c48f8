//! The mistakes of identity providers and operators: the result of each, with the full text of the message.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod aggregates;
mod attributes;
mod certificates;
mod key_values;
mod namespaces;

use chrono::{DateTime, TimeZone, Utc};
use vouchsafe_crypto::{Certificate, KeyKind, PrivateKey, Provider};
use vouchsafe_metadata::{IdentityProvider, MetadataError};

pub(crate) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 0, 1, 0).unwrap()
}

pub(crate) fn generate(kind: KeyKind) -> PrivateKey {
    Provider::rustcrypto().generate_key(kind).unwrap()
}

/// Makes a certificate that is valid from 2020-09-13 to 2033-05-18.
pub(crate) fn certificate(name: &str) -> Certificate {
    certificate_over(&generate(KeyKind::P256), name)
}

pub(crate) fn certificate_over(key: &PrivateKey, name: &str) -> Certificate {
    Certificate::self_signed(&Provider::rustcrypto(), key, name, 1_600_000_000, 2_000_000_000).unwrap()
}

/// Makes a certificate that another one issued, by its name: the issuer precedes the subject, and the signature is
/// not checked.
pub(crate) fn issued_by(issuer: &str, name: &str) -> Certificate {
    assert_eq!(issuer.len(), name.len());
    let mut der = certificate(name).der().to_vec();
    let place = der.windows(name.len()).position(|window| window == name.as_bytes()).unwrap();
    der[place..][..name.len()].copy_from_slice(issuer.as_bytes());
    let issued = Certificate::from_der(&der).unwrap();
    assert_eq!((issued.issuer(), issued.subject()), (&*format!("CN={issuer}"), &*format!("CN={name}")));
    issued
}

/// Makes a certificate authority's certificate of it, by its extensions: cA and keyCertSign replace its key's
/// identifier.
pub(crate) fn authority(certificate: &Certificate) -> Certificate {
    const KEY_USAGE: [u8; 17] = [0x30, 15, 6, 3, 0x55, 0x1d, 15, 1, 1, 0xff, 4, 5, 3, 3, 7, 6, 0x80];
    const BASIC_CONSTRAINTS: [u8; 14] = [0x30, 12, 6, 3, 0x55, 0x1d, 19, 4, 5, 0x30, 3, 1, 1, 0xff];
    let mut der = certificate.der().to_vec();
    let identifier = der.windows(5).position(|window| window == [6, 3, 0x55, 0x1d, 14]).unwrap();
    der[identifier - 2..][..31].copy_from_slice(&[&KEY_USAGE[..], &BASIC_CONSTRAINTS].concat());
    let authority = Certificate::from_der(&der).unwrap();
    assert!(authority.signs_certificates() && !certificate.signs_certificates());
    authority
}

pub(crate) const SAML2: &str = r#"protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol""#;
pub(crate) const SSO: &str = r#"<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/>"#;
pub(crate) const NAMES: &str = r#"xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:dsig11="http://www.w3.org/2009/xmldsig11#" xmlns:shibmd="urn:mace:shibboleth:metadata:1.0""#;

pub(crate) fn x509_data(certificates: &[&Certificate]) -> String {
    let each = |certificate: &&Certificate| {
        format!("<ds:X509Certificate>{}</ds:X509Certificate>", certificate.to_base64())
    };
    format!("<ds:X509Data>{}</ds:X509Data>", certificates.iter().map(each).collect::<String>())
}

pub(crate) fn signing_key(key_info: &str) -> String {
    format!(r#"<md:KeyDescriptor use="signing"><ds:KeyInfo>{key_info}</ds:KeyInfo></md:KeyDescriptor>"#)
}

/// Makes an identity provider's metadata: attributes of its EntityDescriptor, attributes of its role, and its
/// KeyDescriptors.
pub(crate) fn metadata(of_entity: &str, of_role: &str, keys: &str) -> String {
    format!(
        "<md:EntityDescriptor {NAMES} {of_entity}><md:IDPSSODescriptor {of_role}>{keys}{SSO}</md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

pub(crate) const ENTITY_ID: &str = r#"entityID="https://idp.example.com""#;

/// Makes metadata whose signing KeyDescriptor has this KeyInfo.
pub(crate) fn with_key_info(key_info: &str) -> String {
    metadata(ENTITY_ID, SAML2, &signing_key(key_info))
}

/// Makes metadata without a mistake.
pub(crate) fn good(entity_id: &str) -> String {
    let key = signing_key(&x509_data(&[&certificate("idp.example.com")]));
    metadata(&format!("entityID='{entity_id}'"), SAML2, &key)
}

pub(crate) fn group(attributes: &str, content: &str) -> String {
    format!("<md:EntitiesDescriptor {NAMES} {attributes}>{content}</md:EntitiesDescriptor>")
}

pub(crate) fn read(xml: &str) -> Result<IdentityProvider, MetadataError> {
    IdentityProvider::from_metadata(xml.as_bytes())
}

/// Returns the texts of all warnings.
pub(crate) fn warnings(found: &IdentityProvider) -> Vec<String> {
    found.warnings(now()).iter().map(ToString::to_string).collect()
}

/// Asserts that it is refused with this code and text, and with a hint of at most two sentences.
pub(crate) fn refuses(bytes: &[u8], code: &str, words: &str, hint: &str) {
    let error =
        IdentityProvider::from_metadata(bytes).map(|found| found.entity_id().to_string()).unwrap_err();
    assert_eq!((error.code(), &*error.to_string()), (code, words));
    assert!(error.hint().contains(hint), "{words}: {}", error.hint());
    let sentences = error.hint().matches(". ").count() + 1;
    assert!(sentences <= 2 && error.hint().ends_with('.'), "{words}: {}", error.hint());
}
