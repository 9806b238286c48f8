//! Digests of the RustCrypto crates.

use crate::{DigestAlgorithm, DigestContext, DigestValue};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512, digest::Output};

pub(super) fn digest(algorithm: DigestAlgorithm, message: &[u8]) -> DigestValue {
    match algorithm {
        DigestAlgorithm::Sha1 => DigestValue::from_array::<20>(Sha1::digest(message).into()),
        DigestAlgorithm::Sha256 => DigestValue::from_array::<32>(Sha256::digest(message).into()),
        DigestAlgorithm::Sha384 => DigestValue::from_array::<48>(Sha384::digest(message).into()),
        DigestAlgorithm::Sha512 => DigestValue::from_array::<64>(Sha512::digest(message).into()),
    }
}

pub(super) fn context(algorithm: DigestAlgorithm) -> Box<dyn DigestContext> {
    match algorithm {
        DigestAlgorithm::Sha1 => Box::new(Context::<_, 20>(Sha1::new())),
        DigestAlgorithm::Sha256 => Box::new(Context::<_, 32>(Sha256::new())),
        DigestAlgorithm::Sha384 => Box::new(Context::<_, 48>(Sha384::new())),
        DigestAlgorithm::Sha512 => Box::new(Context::<_, 64>(Sha512::new())),
    }
}

struct Context<D, const N: usize>(D);

impl<D, const N: usize> DigestContext for Context<D, N>
where
    D: Digest + Send,
    Output<D>: Into<[u8; N]>,
{
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(self: Box<Self>) -> DigestValue {
        DigestValue::from_array(self.0.finalize().into())
    }
}
