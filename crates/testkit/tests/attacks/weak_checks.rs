//! The checks of a weak service.

use vouchsafe_crypto::DigestAlgorithm;

use vouchsafe_testkit::{ASSERTION_CONSUMER, IdentityProvider, SERVICE_PROVIDER, keys};
use vouchsafe_xml::{Element, namespace};

use crate::weak::OTHER_ASSERTION_CONSUMER;

pub(crate) fn children<'d>(element: Element<'d>, name: &str) -> Vec<Element<'d>> {
    element.elements().filter(|child| child.is(namespace::DSIG, name)).collect()
}

/// Returns whether the value is an HMAC (RFC 2104) with any secret that is public.
pub(crate) fn is_hmac(method: &str, bytes: &[u8], value: &[u8]) -> bool {
    let key = IdentityProvider::okta();
    let certificate = key.key().certificate();
    let public = key.key().private_key().public_key();
    let modulus = public.spki_der().windows(4).position(|window| window == [0x02, 0x82, 0x01, 0x01]).unwrap();
    let secrets: [Vec<u8>; 8] = [
        certificate.der().to_vec(),
        certificate.to_pem().into_bytes(),
        certificate.to_base64().into_bytes(),
        certificate.spki_der().to_vec(),
        public.to_pem().into_bytes(),
        public.to_pem().trim_end().to_owned().into_bytes(),
        public.spki_der()[modulus + 5..modulus + 5 + 256].to_vec(),
        Vec::new(),
    ];
    let (algorithm, length) = match method {
        method if method.ends_with("sha1") => (DigestAlgorithm::Sha1, 64),
        method if method.ends_with("sha384") => (DigestAlgorithm::Sha384, 128),
        method if method.ends_with("sha512") => (DigestAlgorithm::Sha512, 128),
        _ => (DigestAlgorithm::Sha256, 64),
    };
    let hash = |bytes: &[u8]| keys::provider().digest(algorithm, bytes).unwrap().as_ref().to_vec();
    value.is_empty()
        || secrets.iter().any(|secret| {
            let mut block = if secret.len() > length { hash(secret) } else { secret.clone() };
            block.resize(length, 0);
            let padded = |pad: u8| block.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
            hash(&[padded(0x5c), hash(&[padded(0x36), bytes.to_vec()].concat())].concat()) == value
        })
}

/// Checks status, Issuer, audience, recipient and times, enough to refuse a message in which one of them is wrong.
pub(crate) fn is_in_context(root: Element<'_>, assertion: Element<'_>) -> bool {
    let has = |name: &str, test: &dyn Fn(Element<'_>) -> bool| {
        assertion.descendants().any(|element| element.local_name() == name && test(element))
    };
    let status: Vec<_> = root
        .elements()
        .filter(|element| element.local_name() == "Status")
        .flat_map(|element| element.descendants())
        .filter(|element| element.local_name() == "StatusCode")
        .collect();
    let now = "2026-01-01T00:00:10.000Z";
    status.len() == 1
        && status[0].attribute("Value").is_some_and(|value| value.ends_with(":2.0:status:Success"))
        && has("Audience", &|audience| audience.text() == SERVICE_PROVIDER)
        && has("SubjectConfirmationData", &|data| {
            [ASSERTION_CONSUMER, OTHER_ASSERTION_CONSUMER].map(Some).contains(&data.attribute("Recipient"))
                && data.attribute("NotOnOrAfter").is_some_and(|end| end > now)
        })
        && has("Conditions", &|conditions| conditions.attribute("NotOnOrAfter").is_some_and(|end| end > now))
}
