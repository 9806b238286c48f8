//! Encrypted keys in edge cases: numbers that are not below the modulus, and other lengths.

use crate::number::Number;
use crate::rsa_numbers::Rsa;
use crate::{Backends, UNSUPPORTED};
use vouchsafe_crypto::{ContentCipher, DigestAlgorithm as D, KeyTransport, WrappedKey};

/// Wrong padding of PKCS#1 v1.5 gives a message that only the backend knows: the test compares that there is one, and
/// not its content.
pub(crate) fn rsa() -> usize {
    let mut backends = Backends::new();
    backends.providers =
        backends.providers.map(|provider| provider.danger_allow(KeyTransport::RSA_15_URI).unwrap());
    let cipher = ContentCipher::Aes128Gcm;
    for rsa in [Rsa::balanced(), Rsa::of_2049_bits()] {
        let pem = crate::der::pem("PRIVATE KEY", &rsa.pkcs8());
        let keys = backends.providers.each_ref().map(|provider| provider.private_key(&pem).unwrap());
        let (modulus, width) = (&rsa.0[0], rsa.0[0].bits().div_ceil(8));
        for transport in [
            KeyTransport::Rsa15,
            KeyTransport::RsaOaep { digest: D::Sha1, mgf: D::Sha1 },
            KeyTransport::RsaOaep { digest: D::Sha256, mgf: D::Sha256 },
            KeyTransport::RsaOaep { digest: D::Sha256, mgf: D::Sha1 },
        ] {
            let public = keys[0].public_key();
            let good = backends.providers[0].encrypt_key(transport, public, &[7; 16]).unwrap();
            let short = backends.providers[0].encrypt_key(transport, public, &[7; 15]).unwrap();
            let value = Number::from_be(&good);
            let one = Number::small(1);
            let mut bytes: Vec<Vec<u8>> = [
                Number::small(0),
                one.clone(),
                modulus.minus(&one),
                modulus.clone(),
                modulus.plus(&one),
                value.plus(modulus),
                Number::power(8 * width).minus(&one),
            ]
            .iter()
            .filter(|number| number.bits() <= 8 * width)
            .map(|number| number.to_be_of(width))
            .collect();
            bytes.extend([good.clone(), short, good[1..].to_vec(), [&[0], &good[..]].concat(), Vec::new()]);
            for bytes in bytes {
                let name = format!("{transport:?}, {} bytes {:02x?}", bytes.len(), bytes.get(..4));
                let open = |place: usize| {
                    let wrapped = WrappedKey { transport, label: &[], bytes: &bytes, cipher };
                    backends.providers[place].decrypt_content_key(&keys[place], &wrapped)
                };
                let answers: Vec<(&str, bool)> = (0..3)
                    .map(|place| match open(place) {
                        Ok(key) => ("opened", key.as_slice() == [7; 16]),
                        Err(error) => (error.code(), false),
                    })
                    .filter(|(code, _)| *code != UNSUPPORTED)
                    .collect();
                backends.vectors += 1;
                backends.accepted += usize::from(answers[0].1);
                if answers.iter().any(|answer| *answer != answers[0]) || answers[0].1 != (bytes == good) {
                    backends.wrong.push(format!("{name}: {answers:?}"));
                }
            }
        }
    }
    backends.finish("encrypted keys")
}
