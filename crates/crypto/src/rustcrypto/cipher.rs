//! AES in CBC and Galois/counter mode, and Triple DES in CBC mode.

use crate::{ContentCipher, CryptoError, backend::padding};
use aes::cipher::{
    Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt as _, BlockModeEncrypt as _,
    BlockSizeUser, KeyInit,
    consts::{U12, U16},
};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::{AeadInOut as _, AesGcm};
use cbc::cipher::KeyIvInit as _;
use des::TdesEde3;

const NONCE: usize = 12;
const TAG: usize = 16;

pub(super) fn decrypt(cipher: ContentCipher, key: &[u8], bytes: &[u8]) -> Result<Vec<u8>, CryptoError> {
    match cipher {
        ContentCipher::Aes128Cbc => decrypt_cbc::<Aes128>(key, bytes),
        ContentCipher::Aes192Cbc => decrypt_cbc::<Aes192>(key, bytes),
        ContentCipher::Aes256Cbc => decrypt_cbc::<Aes256>(key, bytes),
        ContentCipher::Aes128Gcm => decrypt_gcm::<Aes128>(key, bytes),
        ContentCipher::Aes192Gcm => decrypt_gcm::<Aes192>(key, bytes),
        ContentCipher::Aes256Gcm => decrypt_gcm::<Aes256>(key, bytes),
        ContentCipher::TripleDesCbc => decrypt_cbc::<TdesEde3>(key, bytes),
    }
    .ok_or(CryptoError::DecryptionFailed {})
}

pub(super) fn encrypt(cipher: ContentCipher, key: &[u8], plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
    match cipher {
        ContentCipher::Aes128Cbc => encrypt_cbc::<Aes128>(key, plain)?,
        ContentCipher::Aes192Cbc => encrypt_cbc::<Aes192>(key, plain)?,
        ContentCipher::Aes256Cbc => encrypt_cbc::<Aes256>(key, plain)?,
        ContentCipher::Aes128Gcm => encrypt_gcm::<Aes128>(key, plain)?,
        ContentCipher::Aes192Gcm => encrypt_gcm::<Aes192>(key, plain)?,
        ContentCipher::Aes256Gcm => encrypt_gcm::<Aes256>(key, plain)?,
        ContentCipher::TripleDesCbc => encrypt_cbc::<TdesEde3>(key, plain)?,
    }
    .ok_or(CryptoError::EncryptionFailed {
        uri: cipher.uri(),
        detail: "the key or the message has a wrong length",
    })
}

fn decrypt_cbc<C>(key: &[u8], bytes: &[u8]) -> Option<Vec<u8>>
where
    C: BlockCipherDecrypt + KeyInit,
{
    let (iv, body) = bytes.split_at_checked(C::block_size())?;
    if body.is_empty() {
        return None;
    }
    let mut mode = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    let mut plain = body.to_vec();
    let (blocks, rest) = Array::<u8, C::BlockSize>::slice_as_chunks_mut(&mut plain);
    if !rest.is_empty() {
        return None;
    }
    mode.decrypt_blocks(blocks);
    Some(plain)
}

fn encrypt_cbc<C>(key: &[u8], plain: &[u8]) -> Result<Option<Vec<u8>>, CryptoError>
where
    C: BlockCipherEncrypt + KeyInit,
{
    let mut iv = vec![0; C::block_size()];
    getrandom::fill(&mut iv).map_err(|_| CryptoError::Random {})?;
    let mut body = padding::add(plain, C::block_size());
    let Ok(mut mode) = cbc::Encryptor::<C>::new_from_slices(key, &iv) else {
        return Ok(None);
    };
    let (blocks, _) = Array::<u8, C::BlockSize>::slice_as_chunks_mut(&mut body);
    mode.encrypt_blocks(blocks);
    Ok(Some([iv, body].concat()))
}

fn decrypt_gcm<C>(key: &[u8], bytes: &[u8]) -> Option<Vec<u8>>
where
    C: BlockCipherEncrypt + KeyInit + BlockSizeUser<BlockSize = U16>,
{
    let (nonce, rest) = bytes.split_first_chunk::<NONCE>()?;
    let (body, tag) = rest.split_last_chunk::<TAG>()?;
    let mode = AesGcm::<C, U12>::new_from_slice(key).ok()?;
    let mut plain = body.to_vec();
    mode.decrypt_inout_detached(&(*nonce).into(), &[], plain.as_mut_slice().into(), &(*tag).into()).ok()?;
    Some(plain)
}

fn encrypt_gcm<C>(key: &[u8], plain: &[u8]) -> Result<Option<Vec<u8>>, CryptoError>
where
    C: BlockCipherEncrypt + KeyInit + BlockSizeUser<BlockSize = U16>,
{
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(|_| CryptoError::Random {})?;
    let Ok(mode) = AesGcm::<C, U12>::new_from_slice(key) else {
        return Ok(None);
    };
    let mut body = plain.to_vec();
    let tag = mode.encrypt_inout_detached(&nonce.into(), &[], body.as_mut_slice().into());
    Ok(tag.ok().map(|tag| [nonce.as_slice(), &body, &tag].concat()))
}
