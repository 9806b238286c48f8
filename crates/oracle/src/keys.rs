//! The keys of test material: beside it in a file, or inside it, where a service never looks.

use std::path::Path;

use vouchsafe_crypto::{Certificate, Provider, PublicKey, base64_decode};
use vouchsafe_xml::{Element, namespace};

/// Every key that is named by certificate, by RSA numbers or by a point, in the element and below.
#[must_use]
pub fn keys_beside(element: Element<'_>, provider: &Provider) -> Vec<PublicKey> {
    let mut keys = Vec::new();
    for part in element.descendants() {
        let spki = if part.is(namespace::DSIG, "X509Certificate") {
            Certificate::from_base64(&part.text()).ok().map(|certificate| certificate.spki_der().to_vec())
        } else if part.is(namespace::DSIG, "RSAKeyValue") {
            rsa(part)
        } else if matches!(part.local_name(), "ECKeyValue" | "ECDSAKeyValue") {
            elliptic(part)
        } else {
            None
        };
        keys.extend(spki.and_then(|spki| provider.public_key(&spki).ok()));
    }
    keys
}

/// The key of a certificate or a private key in PEM.
#[must_use]
pub fn keys_of_file(path: &Path, provider: &Provider) -> Vec<PublicKey> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let certificate = Certificate::from_pem(&text).ok().and_then(|one| one.public_key(provider).ok());
    let private = || provider.private_key(&text).ok().map(|key| key.public_key().clone());
    certificate.or_else(private).into_iter().collect()
}

fn rsa(value: Element<'_>) -> Option<Vec<u8>> {
    let number = |name: &str| {
        let part = value.elements().find(|part| part.local_name() == name)?;
        let bytes = base64_decode(part.text().as_bytes()).ok()?;
        let bytes: Vec<u8> = bytes.into_iter().skip_while(|&byte| byte == 0).collect();
        let sign: &[u8] = if bytes.first()? & 0x80 == 0 { &[] } else { &[0] };
        Some(der(0x02, &[sign, &bytes].concat()))
    };
    let key = der(0x30, &[number("Modulus")?, number("Exponent")?].concat());
    Some(spki(&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0], &key))
}

/// `dsig11:ECKeyValue`, or `ECDSAKeyValue` of RFC 4050 with decimal coordinates.
fn elliptic(value: Element<'_>) -> Option<Vec<u8>> {
    let part = |name: &str| value.descendants().find(|part| part.local_name() == name);
    let curve = part("NamedCurve")?;
    let curve = curve.attribute("URI").or_else(|| curve.attribute("URN"))?;
    let (curve, length): (&[u8], usize) = match curve {
        "urn:oid:1.2.840.10045.3.1.7" => (&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], 32),
        "urn:oid:1.3.132.0.34" => (&[6, 5, 0x2b, 0x81, 4, 0, 0x22], 48),
        "urn:oid:1.3.132.0.35" => (&[6, 5, 0x2b, 0x81, 4, 0, 0x23], 66),
        _ => return None,
    };
    let coordinate = |name: &str| from_decimal(part(name)?.attribute("Value")?, length);
    let point = match (coordinate("X"), coordinate("Y")) {
        (Some(x), Some(y)) => [vec![4], x, y].concat(),
        _ => base64_decode(part("PublicKey")?.text().as_bytes()).ok()?,
    };
    Some(spki(&[&[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], curve].concat(), &point))
}

fn from_decimal(text: &str, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0_u8; length];
    for digit in text.chars() {
        let mut carry = digit.to_digit(10)?;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 10;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
    }
    Some(bytes)
}

fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    der(0x30, &[der(0x30, algorithm), der(0x03, &[&[0], key].concat())].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let head: &[u8] = match content.len() {
        0..128 => &[tag, low],
        128..256 => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    [head, content].concat()
}
