//! A response is checked where no other request waits for it.

use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use vouchsafe::crypto::backend::{
    self, Backend, DigestContext, DigestValue, PrivateKeyOperations, PublicKeyOperations,
};
use vouchsafe::crypto::{ContentCipher, CryptoError, DigestAlgorithm, KeyKind, Provider, SecretBytes};

use crate::app::{App, Browser};

/// RustCrypto, which records the threads on which long texts were digested.
#[derive(Debug)]
struct Watching {
    inner: Arc<dyn Backend>,
    threads: Arc<Mutex<Vec<ThreadId>>>,
}

impl Backend for Watching {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn digest(&self, algorithm: DigestAlgorithm, message: &[u8]) -> Result<DigestValue, CryptoError> {
        if message.len() > 500 {
            self.threads.lock().unwrap().push(thread::current().id());
        }
        self.inner.digest(algorithm, message)
    }

    fn digest_context(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>, CryptoError> {
        self.threads.lock().unwrap().push(thread::current().id());
        self.inner.digest_context(algorithm)
    }

    fn public_key(&self, kind: KeyKind, spki: &[u8]) -> Result<Arc<dyn PublicKeyOperations>, CryptoError> {
        self.inner.public_key(kind, spki)
    }

    fn private_key(&self, kind: KeyKind, pkcs8: &[u8]) -> Result<Arc<dyn PrivateKeyOperations>, CryptoError> {
        self.inner.private_key(kind, pkcs8)
    }

    fn public_half(&self, kind: KeyKind, secret: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.inner.public_half(kind, secret)
    }

    fn check_rsa_private_key(&self, bits: u32, pkcs1_der: &[u8]) -> Result<(), CryptoError> {
        self.inner.check_rsa_private_key(bits, pkcs1_der)
    }

    fn generate_key(&self, kind: KeyKind) -> Result<SecretBytes, CryptoError> {
        self.inner.generate_key(kind)
    }

    fn decrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.inner.decrypt_content(cipher, key, bytes)
    }

    fn encrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.inner.encrypt_content(cipher, key, plain)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), CryptoError> {
        self.inner.random(buffer)
    }
}

/// The service of this test has one thread for requests: a computation on it delays every request.
#[tokio::test(flavor = "current_thread")]
async fn no_request_waits_for_the_check_of_another() {
    let threads = Arc::<Mutex<Vec<ThreadId>>>::default();
    let watching = Watching { inner: backend::rustcrypto(), threads: Arc::clone(&threads) };
    let app = App::start_over(true, Provider::with_backend(Arc::new(watching))).await;
    threads.lock().unwrap().clear();
    let browser = Browser::new();
    let answer = app.finish(&browser, &app.response().issue().unwrap(), "").await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let of_requests = browser.get(&format!("{}/thread", app.address)).await.body;
    let threads = threads.lock().unwrap();
    assert!(!threads.is_empty(), "the digest was computed");
    assert!(threads.iter().all(|thread| format!("{thread:?}") != of_requests), "on the thread of requests");
}
