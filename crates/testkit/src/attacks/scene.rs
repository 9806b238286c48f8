use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::ContentCipher;

use super::form::{Form, Purpose};
use super::target::{Asked, Target};
use super::{Attack, Base};
use crate::{Encryption, IdentityProvider, ResponseBuilder, Signed, TestkitError, render};

/// The forms of an attack, or why they could not be made.
pub(crate) type Made = Result<Vec<Form>, TestkitError>;

/// What an attack is made from: the target, the time, and genuine messages with identifiers of the attack's own.
#[derive(Clone, Debug)]
pub struct Scene<'t> {
    target: &'t Target,
    base: Base,
    label: String,
    now: DateTime<Utc>,
    asked: Option<&'t Asked>,
}

impl<'t> Scene<'t> {
    pub(crate) fn new(target: &'t Target, attack: &Attack, asked: Option<&'t Asked>) -> Self {
        let now = (target.clock)();
        let label = format!("_{}.{:x}", attack.name.replace('/', "."), now.timestamp_millis());
        Self { target, base: attack.base, label, now, asked }
    }

    /// The same scene, in which messages are not encrypted and only their Assertion is signed.
    pub(crate) fn as_signed_assertion(&self) -> Self {
        Self { base: Base::Assertion, ..self.clone() }
    }

    pub(crate) fn target(&self) -> &Target {
        self.target
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// So many minutes from now.
    pub(crate) fn minutes(&self, minutes: i64) -> DateTime<Utc> {
        self.now.checked_add_signed(TimeDelta::minutes(minutes)).unwrap_or(self.now)
    }

    pub(crate) fn attacker(&self) -> &str {
        &self.target.attacker
    }

    pub(crate) fn victim(&self) -> &str {
        &self.target.victim
    }

    pub(crate) fn request(&self) -> Option<&str> {
        self.asked.map(|asked| asked.id.as_str())
    }

    pub(crate) fn response_id(&self) -> String {
        format!("{}.response", self.label)
    }

    pub(crate) fn assertion_id(&self) -> String {
        format!("{}.assertion", self.label)
    }

    /// What the identity provider says of the attacker, protected as the base of the attack says.
    pub(crate) fn message(&self) -> ResponseBuilder {
        self.message_about(self.attacker())
    }

    /// The same about anybody.
    pub(crate) fn message_about(&self, subject: &str) -> ResponseBuilder {
        let response = match self.base {
            Base::Other => self.message_of(&self.target.other, subject),
            _ => self.message_of(&self.target.identity_provider, subject),
        };
        match self.base {
            Base::Both | Base::Other => response,
            Base::Response => response.sign(Signed::Response),
            Base::Assertion => response.sign(Signed::Assertion),
            Base::Encrypted => self.sealed(response, ContentCipher::Aes256Cbc),
            Base::EncryptedAssertion => {
                self.sealed(response.sign(Signed::Assertion), ContentCipher::Aes256Gcm)
            }
        }
    }

    /// The message of an identity provider about a subject, both signed.
    pub(crate) fn message_of(&self, identity_provider: &IdentityProvider, subject: &str) -> ResponseBuilder {
        let mut response = self.bare_message_of(identity_provider, subject);
        let own = identity_provider.entity_id() == self.target.other.entity_id();
        let attributes = match &self.target.other_attributes {
            Some(attributes) if own => attributes(subject),
            _ => (self.target.attributes)(subject),
        };
        for attribute in attributes {
            response = response.attribute(attribute);
        }
        response
    }

    /// The same without attributes.
    pub(crate) fn bare_message_of(
        &self,
        identity_provider: &IdentityProvider,
        subject: &str,
    ) -> ResponseBuilder {
        let response = identity_provider
            .response()
            .at(self.now)
            .service_provider(&self.target.entity_id, &self.target.assertion_consumer)
            .response_id(self.response_id())
            .assertion_id(self.assertion_id())
            .name_id(subject);
        match self.asked {
            Some(asked) => response.in_response_to(&asked.id),
            None => response,
        }
    }

    fn sealed(&self, response: ResponseBuilder, cipher: ContentCipher) -> ResponseBuilder {
        match self.encryption() {
            Ok(encryption) => response.encrypt(encryption.cipher(cipher)),
            Err(_) => response,
        }
    }

    pub(crate) fn encryption(&self) -> Result<Encryption, TestkitError> {
        let certificate = self.target.certificate.as_ref();
        let certificate = certificate
            .ok_or_else(|| TestkitError::message("target", "a certificate to encrypt to", "none"))?;
        Ok(Encryption::to(certificate))
    }

    /// An EncryptedAssertion that holds this text, with AES-GCM: anybody can make one.
    pub(crate) fn encrypted(&self, text: &str) -> Result<String, TestkitError> {
        render::encrypted(text, &self.encryption()?.cipher(ContentCipher::Aes256Gcm))
    }

    /// The same text about the victim.
    pub(crate) fn forged(&self, text: &str) -> String {
        text.replace(self.attacker(), self.victim())
    }

    /// A form that must be refused.
    pub(crate) fn hostile(&self, message: impl AsRef<[u8]>) -> Form {
        self.form(message, Purpose::Hostile)
    }

    /// A form that holds something genuine about the attacker: nobody else may come out of it.
    pub(crate) fn bent(&self, message: impl AsRef<[u8]>) -> Form {
        self.form(message, Purpose::Bent(self.attacker().to_owned()))
    }

    pub(crate) fn bent_about(&self, subject: impl Into<String>, message: impl AsRef<[u8]>) -> Form {
        self.form(message, Purpose::Bent(subject.into()))
    }

    pub(crate) fn genuine(&self, subject: &str, message: impl AsRef<[u8]>) -> Form {
        self.form(message, Purpose::Genuine(subject.to_owned()))
    }

    fn form(&self, message: impl AsRef<[u8]>, purpose: Purpose) -> Form {
        let relay_state = self.asked.and_then(|asked| asked.relay_state.as_deref());
        Form::of(message.as_ref(), relay_state, purpose)
    }
}
