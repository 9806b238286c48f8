//! AES in CBC and Galois/counter mode, and Triple DES in CBC mode.

use crate::unsupported;
use aws_lc_rs::aead::{self, AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    self, AES_128, AES_192, AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use vouchsafe_crypto::backend::{failure, padding};
use vouchsafe_crypto::{ContentCipher, CryptoError};

const NONCE: usize = 12;

enum Mode {
    Cbc(&'static cipher::Algorithm, Block),
    Gcm(&'static aead::Algorithm),
}

/// The kind of block, whose length is also that of the initialisation vector.
#[derive(Clone, Copy)]
enum Block {
    Aes,
    Des,
}

#[expect(deprecated, reason = "Triple DES is legacy, and the policy refuses it unless told otherwise")]
static TRIPLE_DES: cipher::Algorithm = cipher::DES_EDE3_FOR_LEGACY_USE_ONLY;

fn mode(cipher: ContentCipher) -> Result<Mode, CryptoError> {
    Ok(match cipher {
        ContentCipher::Aes128Cbc => Mode::Cbc(&AES_128, Block::Aes),
        ContentCipher::Aes192Cbc => Mode::Cbc(&AES_192, Block::Aes),
        ContentCipher::Aes256Cbc => Mode::Cbc(&AES_256, Block::Aes),
        ContentCipher::TripleDesCbc => Mode::Cbc(&TRIPLE_DES, Block::Des),
        ContentCipher::Aes128Gcm => Mode::Gcm(&AES_128_GCM),
        ContentCipher::Aes192Gcm => Mode::Gcm(&AES_192_GCM),
        ContentCipher::Aes256Gcm => Mode::Gcm(&AES_256_GCM),
        _ => return Err(unsupported(cipher.uri())),
    })
}

pub(crate) fn decrypt(cipher: ContentCipher, key: &[u8], bytes: &[u8]) -> Result<Vec<u8>, CryptoError> {
    match mode(cipher)? {
        Mode::Cbc(algorithm, block) => decrypt_cbc(algorithm, block, key, bytes),
        Mode::Gcm(algorithm) => decrypt_gcm(algorithm, key, bytes),
    }
    .ok_or_else(failure::decryption_failed)
}

pub(crate) fn encrypt(cipher: ContentCipher, key: &[u8], plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
    match mode(cipher)? {
        Mode::Cbc(algorithm, block) => encrypt_cbc(algorithm, block, key, plain)?,
        Mode::Gcm(algorithm) => encrypt_gcm(algorithm, key, plain)?,
    }
    .ok_or_else(|| failure::encryption_failed(cipher.uri(), "the key or the message has a wrong length"))
}

fn decrypt_cbc(
    algorithm: &'static cipher::Algorithm,
    block: Block,
    key: &[u8],
    bytes: &[u8],
) -> Option<Vec<u8>> {
    let (iv, body) = bytes.split_at_checked(block.length())?;
    if body.is_empty() || !body.len().is_multiple_of(block.length()) {
        return None;
    }
    let iv = match block {
        Block::Aes => DecryptionContext::Iv128(FixedLength::try_from(iv).ok()?),
        Block::Des => DecryptionContext::Iv64(FixedLength::try_from(iv).ok()?),
    };
    let mode = DecryptingKey::cbc(UnboundCipherKey::new(algorithm, key).ok()?).ok()?;
    let mut plain = body.to_vec();
    mode.decrypt(&mut plain, iv).ok()?;
    Some(plain)
}

fn encrypt_cbc(
    algorithm: &'static cipher::Algorithm,
    block: Block,
    key: &[u8],
    plain: &[u8],
) -> Result<Option<Vec<u8>>, CryptoError> {
    let mut iv = vec![0; block.length()];
    random(&mut iv)?;
    let encrypt = || {
        let mode = EncryptingKey::cbc(UnboundCipherKey::new(algorithm, key).ok()?).ok()?;
        let context = match block {
            Block::Aes => EncryptionContext::Iv128(FixedLength::try_from(iv.as_slice()).ok()?),
            Block::Des => EncryptionContext::Iv64(FixedLength::try_from(iv.as_slice()).ok()?),
        };
        let mut body = padding::add(plain, block.length());
        mode.less_safe_encrypt(&mut body, context).ok()?;
        Some([iv, body].concat())
    };
    Ok(encrypt())
}

fn decrypt_gcm(algorithm: &'static aead::Algorithm, key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = bytes.split_first_chunk::<NONCE>()?;
    let mode = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
    let mut plain = rest.to_vec();
    let length = mode.open_in_place(Nonce::from(nonce), Aad::empty(), &mut plain).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

fn encrypt_gcm(
    algorithm: &'static aead::Algorithm,
    key: &[u8],
    plain: &[u8],
) -> Result<Option<Vec<u8>>, CryptoError> {
    let mut nonce = [0; NONCE];
    random(&mut nonce)?;
    let encrypt = || {
        let mode = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
        let mut body = plain.to_vec();
        mode.seal_in_place_append_tag(Nonce::from(&nonce), Aad::empty(), &mut body).ok()?;
        Some([nonce.as_slice(), &body].concat())
    };
    Ok(encrypt())
}

impl Block {
    fn length(self) -> usize {
        match self {
            Self::Aes => padding::AES_BLOCK,
            Self::Des => padding::DES_BLOCK,
        }
    }
}

fn random(buffer: &mut [u8]) -> Result<(), CryptoError> {
    aws_lc_rs::rand::fill(buffer).map_err(|_| failure::random())
}
