//! Both backends must give the same answer: for keys and signatures in all edge cases, which are built here, and for
//! mutated ones.
//!
//! Every vector goes to the default provider, to AWS-LC with RustCrypto for the rest, and to AWS-LC alone. All of
//! them must accept it, or refuse it with the same code. An accepted key has the same normal form in all of them, and
//! verifies the same signatures.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests: a panic is a failure, and they print what they counted"
)]
#![allow(clippy::arithmetic_side_effects, reason = "lengths in tests are small")]

#[path = "differential/ciphertexts.rs"]
mod ciphertexts;
#[path = "differential/der.rs"]
mod der;
#[path = "differential/edwards.rs"]
mod edwards;
#[path = "differential/mutated.rs"]
mod mutated;
#[path = "differential/number.rs"]
mod number;
#[path = "differential/private.rs"]
mod private;
#[path = "differential/public.rs"]
mod public;
#[path = "differential/rsa_numbers.rs"]
mod rsa_numbers;
#[path = "differential/signatures.rs"]
mod signatures;

use vouchsafe_crypto::{CryptoError, KeyKind, PrivateKey, Provider, PublicKey, SignatureAlgorithm};

/// The required answer to a vector.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    /// It is accepted, with this normal form of the public key.
    Key(Vec<u8>),
    Refused,
    /// It is accepted or refused, but by all providers in the same way.
    Same,
}

/// The providers, and the differences found so far.
struct Backends {
    providers: [Provider; 3],
    vectors: usize,
    accepted: usize,
    wrong: Vec<String>,
}

const UNSUPPORTED: &str = "crypto.algorithm_unsupported";

impl Backends {
    fn new() -> Self {
        let alone = vouchsafe_crypto_aws_lc::provider_of_aws_lc_alone();
        let providers = [Provider::rustcrypto(), vouchsafe_crypto_aws_lc::provider(), alone];
        Self { providers, vectors: 0, accepted: 0, wrong: Vec::new() }
    }

    /// Parses a public key with every provider.
    fn public(&mut self, name: &str, spki: &[u8], expected: &Expected) -> Option<[PublicKey; 3]> {
        let answers = self.providers.each_ref().map(|provider| provider.public_key(spki));
        let forms = answers.each_ref().map(|answer| answer.as_ref().map(|key| key.spki_der().to_vec()));
        self.compare(name, &forms, expected);
        let keys = all(answers)?;
        for (provider, key) in self.providers.iter().zip(&keys) {
            let again = provider.public_key(key.spki_der()).map(|again| again.spki_der().to_vec());
            if again.as_deref() != Ok(key.spki_der()) {
                self.wrong.push(format!("{name}: the normal form of the normal form is {again:?}"));
            }
        }
        Some(keys)
    }

    /// Parses a private key with every provider, signs with it, and verifies each signature with every provider.
    fn private(&mut self, name: &str, pem: &str, expected: &Expected) -> Option<[PrivateKey; 3]> {
        let answers = self.providers.each_ref().map(|provider| provider.private_key(pem));
        let forms =
            answers.each_ref().map(|answer| answer.as_ref().map(|key| key.public_key().spki_der().to_vec()));
        self.compare(name, &forms, expected);
        let keys = all(answers)?;
        let stored = keys.each_ref().map(PrivateKey::to_pkcs8_pem);
        if stored.iter().any(|pem| pem.as_str() != stored[0].as_str()) {
            self.wrong.push(format!("{name}: stored in different forms"));
        }
        Some(keys)
    }

    /// Signs with each provider and verifies with all of them.
    fn crossed(&mut self, name: &str, keys: &[PrivateKey; 3]) {
        let algorithm = keys[0].signature_algorithm();
        let public = keys.each_ref().map(|key| key.public_key().clone());
        for (provider, key) in self.providers.clone().iter().zip(keys) {
            match provider.sign(algorithm, key, name.as_bytes()) {
                Ok(signature) => {
                    self.verdict(name, algorithm, &public, name.as_bytes(), &signature, Some(true));
                }
                Err(error) => self.wrong.push(format!("{name}: {error}")),
            }
        }
    }

    /// Verifies with every provider.
    fn verdict(
        &mut self,
        name: &str,
        algorithm: SignatureAlgorithm,
        keys: &[PublicKey; 3],
        message: &[u8],
        signature: &[u8],
        expected: Option<bool>,
    ) {
        self.vectors += 1;
        let verify = |place: usize| self.providers[place].verify(algorithm, &keys[place], message, signature);
        let verdicts: Vec<&str> = (0..3)
            .map(|place| verify(place).map_or_else(|error| error.code(), |()| "verified"))
            .filter(|&code| code != UNSUPPORTED)
            .collect();
        let verified = verdicts[0] == "verified";
        self.accepted += usize::from(verified);
        if verdicts.iter().any(|code| *code != verdicts[0])
            || expected.is_some_and(|expected| expected != verified)
        {
            self.wrong.push(format!("{name}: {algorithm:?} {verdicts:?}, expected {expected:?}"));
        }
    }

    fn compare(&mut self, name: &str, forms: &[Result<Vec<u8>, &CryptoError>; 3], expected: &Expected) {
        self.vectors += 1;
        let outcome = forms[0].as_ref().map_err(|error| error.code());
        let as_expected = match expected {
            Expected::Key(form) => outcome == Ok(form),
            Expected::Refused => outcome.is_err(),
            Expected::Same => true,
        };
        let alike = forms.iter().all(|form| match form.as_ref().map_err(|error| error.code()) {
            Err(UNSUPPORTED) => true,
            form => form == outcome,
        });
        self.accepted += usize::from(outcome.is_ok());
        if !as_expected || !alike {
            self.wrong.push(format!("{name}: {forms:02x?}, expected {expected:02x?}"));
        }
    }

    /// Fails if there were differences. Returns the number of vectors.
    fn finish(self, what: &str) -> usize {
        println!("{what}: {} vectors, {} accepted", self.vectors, self.accepted);
        let shown: Vec<_> =
            self.wrong.iter().take(20).map(|line| line.chars().take(600).collect::<String>()).collect();
        assert!(self.wrong.is_empty(), "{} of {}:\n{}", self.wrong.len(), self.vectors, shown.join("\n"));
        self.vectors
    }
}

/// Returns the keys if every provider returned one.
fn all<T>(answers: [Result<T, CryptoError>; 3]) -> Option<[T; 3]> {
    let [first, second, third] = answers;
    Some([first.ok()?, second.ok()?, third.ok()?])
}

/// Returns a key that is the same in each run: on a curve the scalar, else the seed, consists of this byte.
fn fixed(kind: KeyKind, byte: u8) -> [PrivateKey; 3] {
    let der = match kind {
        KeyKind::Ed25519 => private::ed25519_pkcs8(&[byte; 32]),
        KeyKind::Rsa { .. } => rsa_numbers::Rsa::balanced().pkcs8(),
        _ => {
            let curve = &der::curves()[match kind {
                KeyKind::P256 => 0,
                KeyKind::P384 => 1,
                _ => 2,
            }];
            let scalar = [&[0, 0][..], &vec![byte; curve.width - 2]].concat();
            private::ec_pkcs8(&curve.algorithm(), &scalar, None, None)
        }
    };
    let pem = der::pem("PRIVATE KEY", &der);
    Backends::new().providers.map(|provider| provider.private_key(&pem).unwrap())
}

/// Returns the bytes after the algorithm identifier: the uncompressed point of a key on a curve, or the bytes of an
/// Ed25519 key.
fn key_of(spki: &[u8], length: usize) -> Vec<u8> {
    spki[spki.len() - length..].to_vec()
}

#[test]
fn at_least_two_thousand_edge_vectors() {
    let public = public::points() + public::ed25519() + public::rsa() + public::pss();
    let private = private::scalars() + private::envelopes() + private::ed25519() + private::rsa();
    let signatures = signatures::ecdsa() + signatures::ed25519() + signatures::rsa();
    println!("{public} public keys, {private} private keys, {signatures} signatures");
    assert!(public + private + signatures >= 2_000);
}

#[test]
fn encrypted_keys_at_the_edges() {
    assert!(ciphertexts::rsa() >= 80);
}

#[test]
fn twenty_thousand_mutated_keys() {
    assert_eq!(mutated::keys(), 20_000);
}

#[test]
fn mutated_signatures() {
    assert!(mutated::signatures() >= 2_000);
}
