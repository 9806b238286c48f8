//! Keys, split and joined in DER.

use vouchsafe_crypto::base64_encode;

/// The contents of algorithm identifiers.
pub(crate) const RSA: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
pub(crate) const PSS: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
pub(crate) const EC: [u8; 9] = [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
pub(crate) const ED25519: [u8; 5] = [6, 3, 0x2b, 0x65, 0x70];
pub(crate) const NULL: [u8; 2] = [5, 0];

/// Returns one element of DER.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|&byte| byte == 0).collect();
    let mut out = vec![tag];
    match content.len() {
        0 => out.push(0),
        1..=0x7f => out.extend(&significant),
        _ => {
            out.push(0x80 | significant.len() as u8);
            out.extend(&significant);
        }
    }
    out.extend_from_slice(content);
    out
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// Returns the INTEGER of a number that is not negative.
pub(crate) fn integer(number: &[u8]) -> Vec<u8> {
    let significant: Vec<u8> = number.iter().copied().skip_while(|&byte| byte == 0).collect();
    let sign = usize::from(significant.first().is_none_or(|&byte| byte >= 0x80));
    tlv(2, &[&[0][..sign], &significant].concat())
}

pub(crate) fn bits(unused: u8, content: &[u8]) -> Vec<u8> {
    tlv(3, &[&[unused], content].concat())
}

/// Returns SubjectPublicKeyInfo from the content of the algorithm identifier and the key.
pub(crate) fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    sequence(&[&tlv(0x30, algorithm), &bits(0, key)])
}

/// Returns PKCS#8, version 1.
pub(crate) fn pkcs8(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    sequence(&[&[2, 1, 0], &tlv(0x30, algorithm), &tlv(4, key)])
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64_encode(der))
}

/// A curve with its domain parameters (SEC 2, 2.4.2, 2.5.1, 2.6.1).
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    /// The OBJECT IDENTIFIER of the curve.
    pub(crate) identifier: &'static [u8],
    pub(crate) width: usize,
    pub(crate) prime: Vec<u8>,
    pub(crate) order: Vec<u8>,
}

impl Curve {
    pub(crate) fn algorithm(&self) -> Vec<u8> {
        [&EC[..], self.identifier].concat()
    }
}

pub(crate) fn curves() -> [Curve; 3] {
    let ones = |count: usize| "f".repeat(count);
    [
        Curve {
            name: "P-256",
            identifier: &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
            width: 32,
            prime: hexadecimal("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
            order: hexadecimal("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
        },
        Curve {
            name: "P-384",
            identifier: &[6, 5, 0x2b, 0x81, 4, 0, 34],
            width: 48,
            prime: hexadecimal(&format!("{}feffffffff0000000000000000ffffffff", ones(62))),
            order: hexadecimal(&format!("{}c7634d81f4372ddf581a0db248b0a77aecec196accc52973", ones(48))),
        },
        Curve {
            name: "P-521",
            identifier: &[6, 5, 0x2b, 0x81, 4, 0, 35],
            width: 66,
            prime: hexadecimal(&format!("01{}", ones(130))),
            order: hexadecimal(&format!(
                "01{}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
                ones(64)
            )),
        },
    ]
}

pub(crate) fn hexadecimal(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
