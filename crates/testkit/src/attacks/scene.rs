use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::ContentCipher;

use super::form::{Form, Purpose};
use super::step::Step;
use super::target::{Asked, Target};
use super::{Attack, Base};
use crate::{Attribute, Encryption, IdentityProvider, ResponseBuilder, Signed, TestkitError, render};

/// The forms of an attack, or the reason why they could not be made.
pub(crate) type Made = Result<Vec<Form>, TestkitError>;
/// The steps of an attack, or the reason why they could not be made.
pub(crate) type Played = Result<Vec<Step>, TestkitError>;

/// The data from which an attack is made: the target, the time, and genuine messages with identifiers of this attack.
#[derive(Clone, Debug)]
pub struct Scene<'t> {
    target: &'t Target,
    base: Base,
    attack: &'static str,
    label: String,
    now: DateTime<Utc>,
    asked: &'t [Asked],
    /// The index of the request that messages answer.
    current: usize,
}

impl<'t> Scene<'t> {
    pub(crate) fn new(target: &'t Target, attack: &Attack, asked: &'t [Asked]) -> Self {
        let now = (target.clock)();
        let label = format!("_{}.{:x}", attack.name.replace('/', "."), now.timestamp_millis());
        Self { target, base: attack.base, attack: attack.name, label, now, asked, current: 0 }
    }

    /// Returns the same scene for another of the started requests: messages answer it, and have identifiers of their
    /// own.
    pub(crate) fn answering(&self, request: usize) -> Self {
        Self { current: request, label: format!("{}.{request}", self.label), ..self.clone() }
    }

    /// Returns the same scene with messages that are not encrypted, and of which only the Assertion is signed.
    pub(crate) fn as_signed_assertion(&self) -> Self {
        Self { base: Base::Assertion, ..self.clone() }
    }

    pub(crate) fn target(&self) -> &Target {
        self.target
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Returns the time this many minutes from now.
    pub(crate) fn minutes(&self, minutes: i64) -> DateTime<Utc> {
        self.now.checked_add_signed(TimeDelta::minutes(minutes)).unwrap_or(self.now)
    }

    pub(crate) fn attacker(&self) -> &str {
        &self.target.attacker
    }

    pub(crate) fn victim(&self) -> &str {
        &self.target.victim
    }

    /// Returns the identifier of the request that messages answer.
    pub(crate) fn request(&self) -> Option<&str> {
        self.current().map(|asked| asked.id.as_str())
    }

    /// Returns the RelayState of the request that messages answer.
    pub(crate) fn relay_state(&self) -> Option<&str> {
        self.current().and_then(|asked| asked.relay_state.as_deref())
    }

    fn current(&self) -> Option<&'t Asked> {
        self.asked.get(self.current)
    }

    /// Returns the name of the attacker at the other customer's identity provider.
    pub(crate) fn other_attacker(&self) -> &str {
        self.target.other_attacker.as_deref().unwrap_or(&self.target.attacker)
    }

    /// Returns the name of the attack with the time. It is the same for all messages of the attack.
    pub(crate) fn attack(&self) -> String {
        format!("{}-{:x}", self.attack.replace('/', "-"), self.now.timestamp_millis())
    }

    /// Returns a name that occurs nowhere else in the run.
    pub(crate) fn fresh(&self) -> String {
        self.label.trim_start_matches('_').replace(['/', '.'], "-")
    }

    /// Returns the attributes that the other identity provider sends about a subject.
    pub(crate) fn other_attributes(&self, subject: &str) -> Vec<Attribute> {
        match &self.target.other_attributes {
            Some(attributes) => attributes(subject),
            None => (self.target.attributes)(subject),
        }
    }

    /// Returns the attacker's name in messages of the attack's base.
    pub(crate) fn own(&self) -> &str {
        if self.base == Base::Other { self.other_attacker() } else { self.attacker() }
    }

    pub(crate) fn response_id(&self) -> String {
        format!("{}.response", self.label)
    }

    pub(crate) fn assertion_id(&self) -> String {
        format!("{}.assertion", self.label)
    }

    /// Returns the identity provider's message about the attacker, signed and encrypted as the base of the attack
    /// requires.
    pub(crate) fn message(&self) -> ResponseBuilder {
        self.message_about(self.own())
    }

    /// Returns such a message about any subject.
    pub(crate) fn message_about(&self, subject: &str) -> ResponseBuilder {
        let response = match self.base {
            Base::Other => self.message_of(&self.target.other, subject),
            _ => self.message_of(&self.target.identity_provider, subject),
        };
        match self.base {
            Base::Both | Base::Other | Base::Configured | Base::Redirect | Base::Return => response,
            Base::Response => response.sign(Signed::Response),
            Base::Assertion => response.sign(Signed::Assertion),
            Base::Encrypted => self.sealed(response, ContentCipher::Aes256Cbc),
            Base::EncryptedAssertion => {
                self.sealed(response.sign(Signed::Assertion), ContentCipher::Aes256Gcm)
            }
            Base::EncryptedInside => self.sealed(response.sign(Signed::Response), ContentCipher::Aes256Gcm),
        }
    }

    /// Returns the message of an identity provider about a subject, with Response and Assertion signed.
    pub(crate) fn message_of(&self, identity_provider: &IdentityProvider, subject: &str) -> ResponseBuilder {
        let mut response = self.bare_message_of(identity_provider, subject);
        let own = self.is_the_other(identity_provider);
        let attributes = if own { self.other_attributes(subject) } else { (self.target.attributes)(subject) };
        for attribute in attributes {
            response = response.attribute(attribute);
        }
        response
    }

    /// Returns whether this is the other identity provider. The key is compared too, because two identity providers
    /// may claim the same entity ID.
    fn is_the_other(&self, identity_provider: &IdentityProvider) -> bool {
        let other = &self.target.other;
        identity_provider.entity_id() == other.entity_id()
            && identity_provider.key().certificate() == other.key().certificate()
    }

    /// Returns such a message without attributes.
    pub(crate) fn bare_message_of(
        &self,
        identity_provider: &IdentityProvider,
        subject: &str,
    ) -> ResponseBuilder {
        let target = self.target;
        let (others, address) = (&target.other_entity_id, &target.other_assertion_consumer);
        let is_other = self.is_the_other(identity_provider);
        let entity_id = others.as_ref().filter(|_| is_other).unwrap_or(&target.entity_id);
        let address = address.as_ref().filter(|_| is_other).unwrap_or(&target.assertion_consumer);
        let response = identity_provider
            .response()
            .at(self.now)
            .service_provider(entity_id, address)
            .response_id(self.response_id())
            .assertion_id(self.assertion_id())
            .name_id(subject);
        match self.request() {
            Some(request) => response.in_response_to(request),
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

    /// Returns an EncryptedAssertion with this text, with AES-GCM. Anybody can make one.
    pub(crate) fn encrypted(&self, text: &str) -> Result<String, TestkitError> {
        render::encrypted(text, &self.encryption()?.cipher(ContentCipher::Aes256Gcm))
    }

    /// Returns the same text about the victim.
    pub(crate) fn forged(&self, text: &str) -> String {
        text.replace(self.attacker(), self.victim())
    }

    /// Returns a form that must be refused.
    pub(crate) fn hostile(&self, message: impl AsRef<[u8]>) -> Form {
        self.form(message, Purpose::Hostile)
    }

    /// Returns a form with a genuine part about the attacker. It may not be accepted as anybody else.
    pub(crate) fn bent(&self, message: impl AsRef<[u8]>) -> Form {
        self.form(message, Purpose::Bent(self.own().to_owned()))
    }

    pub(crate) fn bent_about(&self, subject: impl Into<String>, message: impl AsRef<[u8]>) -> Form {
        self.form(message, Purpose::Bent(subject.into()))
    }

    pub(crate) fn genuine(&self, subject: &str, message: impl AsRef<[u8]>) -> Form {
        self.form(message, Purpose::Genuine(subject.to_owned()))
    }

    /// Returns a form, which is posted to the Destination of the message.
    fn form(&self, message: impl AsRef<[u8]>, purpose: Purpose) -> Form {
        let form = Form::of(message.as_ref(), self.relay_state(), purpose);
        match &self.target.other_assertion_consumer {
            Some(address) if form.xml().contains(&format!(" Destination=\"{address}\"")) => {
                form.at_the_other()
            }
            _ => form,
        }
    }
}
