//! The floor: what no receiver can leave out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_xml::Reader;
use quick_xml::events::Event;
use vouchsafe::crypto::{
    ContentCipher, DigestAlgorithm, KeyTransport, PublicKey, SignatureAlgorithm, WrappedKey,
};
use vouchsafe::encryption::{DecryptionContext, cipher_of, decrypt};
use vouchsafe::signature::{has_signature, verify};
use vouchsafe::xml::{Canonicalization, Document, Element, canonicalize, namespace};

use crate::{Failure, Message, Receiver};

/// Base64 decoding, one pass of quick-xml, the digest over the bytes that are signed, the verification of each signature, and for an
/// encrypted message the decryption and a pass over what was inside. No tree, no canonicalization, no rule.
///
/// What is digested and verified is prepared before: the floor is given for nothing what a receiver has to find.
#[derive(Debug)]
pub struct Floor<'r> {
    receiver: &'r Receiver,
    base64: String,
    key: PublicKey,
    digested: Vec<Vec<u8>>,
    signatures: Vec<(Vec<u8>, Vec<u8>)>,
    encrypted: Option<Encrypted>,
}

#[derive(Debug)]
struct Encrypted {
    cipher: ContentCipher,
    content: String,
    key: String,
}

const OAEP: KeyTransport =
    KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha1, mgf: DigestAlgorithm::Sha1 };

impl<'r> Floor<'r> {
    /// Prepares the floor of a message.
    ///
    /// # Errors
    /// When the message cannot be read or verified.
    pub fn of(message: &Message, receiver: &'r Receiver) -> Result<Floor<'r>, Failure> {
        let key = receiver.trusted_keys().first().ok_or("no trusted key")?.public_key().clone();
        let mut floor = Floor {
            receiver,
            base64: message.base64().to_owned(),
            key,
            digested: Vec::new(),
            signatures: Vec::new(),
            encrypted: None,
        };
        let document = Document::parse(message.xml().as_bytes(), receiver.limits())?;
        floor.add_signature_of(document.root())?;
        for child in document.root().elements() {
            if child.is(namespace::SAML_ASSERTION, "EncryptedAssertion") {
                floor.add_encrypted(child)?;
            } else {
                floor.add_signature_of(child)?;
            }
        }
        floor.run()?;
        Ok(floor)
    }

    /// Does it once.
    ///
    /// # Errors
    /// When something is not as it was prepared.
    pub fn run(&self) -> Result<(), Failure> {
        let provider = self.receiver.provider();
        let bytes = STANDARD.decode(&self.base64)?;
        pass_over(&bytes)?;
        for bytes in &self.digested {
            std::hint::black_box(provider.digest(DigestAlgorithm::Sha256, bytes)?);
        }
        for (signed_info, value) in &self.signatures {
            provider.verify(SignatureAlgorithm::RsaSha256, &self.key, signed_info, value)?;
        }
        if let Some(encrypted) = &self.encrypted {
            let wrapped = STANDARD.decode(&encrypted.key)?;
            let content = STANDARD.decode(&encrypted.content)?;
            let decryption_key = self.receiver.decryption_key();
            let wrapped =
                WrappedKey { transport: OAEP, label: &[], bytes: &wrapped, cipher: encrypted.cipher };
            let key = provider.decrypt_content_key(decryption_key, &wrapped)?;
            pass_over(&provider.decrypt_content(encrypted.cipher, key.as_slice(), &content)?)?;
        }
        Ok(())
    }

    fn add_signature_of(&mut self, element: Element<'_>) -> Result<(), Failure> {
        if !has_signature(element) {
            return Ok(());
        }
        let receiver = self.receiver;
        let verified = verify(element, receiver.trusted_keys(), receiver.provider(), receiver.limits())?;
        let signature = child(element, namespace::DSIG, "Signature")?;
        let mut signed_info = Vec::new();
        let method = Canonicalization::EXCLUSIVE;
        canonicalize(child(signature, namespace::DSIG, "SignedInfo")?, method, &[], None, &mut signed_info)?;
        let value = vouchsafe::crypto::base64_decode(
            child(signature, namespace::DSIG, "SignatureValue")?.text().as_bytes(),
        )?;
        self.digested.push(verified.into_bytes());
        self.signatures.push((signed_info, value));
        Ok(())
    }

    fn add_encrypted(&mut self, element: Element<'_>) -> Result<(), Failure> {
        let receiver = self.receiver;
        let keys = std::slice::from_ref(receiver.decryption_key());
        let mut context = DecryptionContext::new(keys, receiver.provider(), receiver.limits());
        let opened = decrypt(element, &mut context)?;
        let inner = Document::parse_in_scope(opened.bytes(), &element.scope(), receiver.limits())?;
        self.add_signature_of(inner.root())?;
        let value = |name: &str| -> Result<String, Failure> {
            let owner = element
                .descendants()
                .find(|found| found.is(namespace::XMLENC, name))
                .ok_or("no such part of the encrypted assertion")?;
            let data = child(owner, namespace::XMLENC, "CipherData")?;
            let text = child(data, namespace::XMLENC, "CipherValue")?.text();
            Ok(text.split_ascii_whitespace().collect())
        };
        let (content, key) = (value("EncryptedData")?, value("EncryptedKey")?);
        self.encrypted = Some(Encrypted { cipher: cipher_of(element)?, content, key });
        Ok(())
    }
}

fn pass_over(bytes: &[u8]) -> Result<(), Failure> {
    let mut reader = Reader::from_str(std::str::from_utf8(bytes)?);
    while !matches!(std::hint::black_box(reader.read_event()?), Event::Eof) {}
    Ok(())
}

fn child<'d>(parent: Element<'d>, namespace: &str, name: &str) -> Result<Element<'d>, Failure> {
    let found = parent.elements().find(|child| child.is(namespace, name));
    Ok(found.ok_or_else(|| format!("no {name} in {}", parent.local_name()))?)
}
