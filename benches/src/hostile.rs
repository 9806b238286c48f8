//! Messages that try to cost more than they should: how one is made. [`SHAPES`](crate::SHAPES) are which.

use chrono::{DateTime, Utc};
use vouchsafe::Limits;
use vouchsafe::crypto::ContentCipher;
use vouchsafe::encryption::{EncryptOptions, encrypt};
use vouchsafe::signature::{Signer, sign};
use vouchsafe::xml::{Canonicalization, Document, namespace};
use vouchsafe_testkit::{ASSERTION_ID, Attribute, Encryption, RESPONSE_ID, Signed, keys};

use crate::{Failure, Message, Shape};

/// A way to make a response large in one direction.
#[derive(Clone, Copy, Debug)]
pub struct Hostile {
    /// A few words for the table.
    pub name: &'static str,
    /// How many of them, so that the message has nearly as many bytes as the default limits allow, or as much as costs most.
    pub count: usize,
    /// Who could send it.
    pub seal: Seal,
    pub(crate) grow: fn(&str, usize) -> Option<String>,
}

/// How a message is protected, and so who could have made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seal {
    /// A genuine message, both parts signed, that was altered: anybody who holds an old one.
    Altered,
    /// Both parts signed after it was made: an identity provider that is trusted, with this canonicalization.
    Signed(Canonicalization),
    /// A genuine message whose assertion is encrypted with AES-GCM and signed inside; what stands around it, which nobody signed, was
    /// altered.
    AlteredAround,
    /// The assertion is signed after it was made, and then encrypted with AES-GCM: an identity provider that is trusted.
    Encrypted,
}

impl Seal {
    /// A few words for the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Altered | Self::AlteredAround => "anybody",
            Self::Signed(_) | Self::Encrypted => "the signer",
        }
    }
}

impl Hostile {
    /// The message with so many of them.
    ///
    /// # Errors
    /// When the message has no place for it, or cannot be signed.
    pub fn message(&self, count: usize) -> Result<Message, Failure> {
        let now = DateTime::<Utc>::from(std::time::SystemTime::now());
        let grown = |xml: &str| (self.grow)(xml, count).ok_or_else(|| format!("no place for {}", self.name));
        let xml = match self.seal {
            Seal::Altered => grown(Message::issue(Shape::BothSigned, 1)?.xml())?,
            Seal::Signed(method) => {
                let signed = signed(&grown(&unsigned(now)?)?, ASSERTION_ID, method)?;
                signed_response(&signed, method)?
            }
            Seal::AlteredAround => {
                let cipher = Encryption::to(keys::service_provider().certificate()).cipher(CIPHER);
                let response = Message::response(now)?.attribute(groups()).sign(Signed::Assertion);
                grown(response.encrypt(cipher).issue()?.xml())?
            }
            Seal::Encrypted => {
                encrypted(&signed(&grown(&unsigned(now)?)?, ASSERTION_ID, Canonicalization::EXCLUSIVE)?)?
            }
        };
        Ok(Message::of(xml, now))
    }

    /// Limits so wide that the work itself shows, and not the refusal. Canonical bytes stay bounded: some shapes would write as many as
    /// the square of what was read.
    #[must_use]
    pub fn no_limits() -> Limits {
        const MANY: usize = 100_000_000;
        Limits::default()
            .with_input_bytes(MANY)
            .with_depth(MANY)
            .with_nodes(MANY)
            .with_attributes_per_element(MANY)
            .with_namespaces_in_scope(MANY)
            .with_value_bytes(MANY)
            .with_references(MANY)
            .with_transforms(MANY)
    }
}

const CIPHER: ContentCipher = ContentCipher::Aes256Gcm;

fn groups() -> Attribute {
    Attribute::new("groups", ["team-0000"])
}

fn unsigned(now: DateTime<Utc>) -> Result<String, Failure> {
    Ok(Message::response(now)?.attribute(groups()).sign(Signed::Neither).issue()?.into_xml())
}

fn signed_response(xml: &str, method: Canonicalization) -> Result<String, Failure> {
    signed(xml, RESPONSE_ID, method)
}

/// Signs what a receiver would refuse, too.
fn signed(xml: &str, id: &str, method: Canonicalization) -> Result<String, Failure> {
    let signer = Signer::new(keys::identity_provider().private_key()).canonicalization(method);
    let limits = Hostile::no_limits().with_canonical_bytes_factor(100);
    Ok(sign(xml, id, &signer, keys::provider(), &limits)?)
}

fn encrypted(xml: &str) -> Result<String, Failure> {
    let document = Document::parse(xml.as_bytes(), &Hostile::no_limits())?;
    let assertion = document.root().elements().find(|child| child.local_name() == "Assertion");
    let range = assertion.ok_or("no assertion")?.source_range();
    let (before, rest) = xml.split_at(range.start);
    let (assertion, after) = rest.split_at(range.len());
    let recipient = keys::service_provider().certificate().public_key(keys::provider())?;
    let sealed = encrypt(assertion, &recipient, &EncryptOptions::default().cipher(CIPHER), keys::provider())?;
    let saml = namespace::SAML_ASSERTION;
    Ok(format!("{before}<e:EncryptedAssertion xmlns:e=\"{saml}\">{sealed}</e:EncryptedAssertion>{after}"))
}
