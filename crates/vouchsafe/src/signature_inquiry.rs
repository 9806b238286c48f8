//! Finds out why signatures fail, with the keys, the metadata and the decryption keys of a service provider.

use vouchsafe_assertion::{AssertionError, Refusal, Trust};
use vouchsafe_crypto::{DigestAlgorithm, Provider, SignatureAlgorithm};
use vouchsafe_encryption::{DecryptionContext, cipher_of, decrypt};
use vouchsafe_metadata::{EntityDescription, EntityKey, IdentityProvider};
use vouchsafe_signature::{
    Autopsy, AutopsyBudget, DigestedContent, FailedSignature, Maker, SignatureError, TrustedKey, autopsy,
    has_its_digest, has_signature,
};
use vouchsafe_xml::{Document, Element, Limits, namespace};

use crate::autopsy_finding::{CertificateFacts, PostMortem, SignatureFinding};

/// The maximum number of keys of the entity itself for other purposes that are tried.
const OTHER_USES: usize = 16;

/// The keys and limits with which the signatures of a response are examined.
///
/// [`ServiceProvider::receive`](crate::ServiceProvider::receive) examines a failed signature with a small
/// [budget](AutopsyBudget::for_receiving) and without decryption. A tool makes its own inquiry with a larger budget.
#[derive(Debug)]
pub struct SignatureInquiry<'a> {
    trusted: Option<&'a Trust>,
    identity_provider: Option<&'a IdentityProvider>,
    known: Vec<TrustedKey>,
    other_uses: Vec<TrustedKey>,
    provider: &'a Provider,
    limits: &'a Limits,
    budget: AutopsyBudget,
    decrypts: bool,
}

impl<'a> SignatureInquiry<'a> {
    /// Makes an inquiry without trusted keys. Only the certificates in the message are known.
    #[must_use]
    pub fn new(provider: &'a Provider, limits: &'a Limits) -> Self {
        SignatureInquiry {
            trusted: None,
            identity_provider: None,
            known: Vec::new(),
            other_uses: Vec::new(),
            provider,
            limits,
            budget: AutopsyBudget::default(),
            decrypts: true,
        }
    }

    /// Sets the identity provider that the message claims to come from, and the trust in it.
    #[must_use]
    pub fn of(mut self, identity_provider: &'a IdentityProvider, trust: &'a Trust) -> Self {
        (self.identity_provider, self.trusted) = (Some(identity_provider), Some(trust));
        self
    }

    /// Adds keys of others with names, such as those of other customers' identity providers.
    #[must_use]
    pub fn with_known_keys(mut self, keys: impl IntoIterator<Item = TrustedKey>) -> Self {
        self.known.extend(keys);
        self
    }

    /// Adds the entity's own metadata. It may have keys for purposes other than signing as an identity provider: for
    /// encryption, or for its role as a service provider.
    #[must_use]
    pub fn with_other_uses(mut self, entity: &EntityDescription) -> Self {
        let trusted = self.trusted.map(Trust::keys).unwrap_or_default();
        let is_new =
            |key: &EntityKey| trusted.iter().all(|one| one.public_key().spki_der() != key.spki_der());
        for role in entity.roles() {
            let signing = role.signing_keys().iter().map(|key| ("signing", key));
            let encryption = role.encryption_keys().iter().map(|key| ("encryption", key));
            let keys = signing.chain(encryption).filter(|(_, key)| is_new(key));
            let trusted = keys.filter_map(|(use_, key)| {
                key.trusted(format!("{use_} key of {}", role.name()), self.provider).ok()
            });
            let room = OTHER_USES.saturating_sub(self.other_uses.len());
            self.other_uses.extend(trusted.take(room));
        }
        self
    }

    /// Sets how much work may be spent on one message.
    #[must_use]
    pub fn with_budget(mut self, budget: AutopsyBudget) -> Self {
        self.budget = budget;
        self
    }

    /// Turns decryption off, for places where strangers could measure whether something was decrypted.
    #[must_use]
    pub fn without_decryption(mut self) -> Self {
        self.decrypts = false;
        self
    }

    /// Adds the cause to the refusal of a message, if the refusal is about a signature and the cause is found.
    /// Decrypted content is not examined.
    #[must_use]
    pub fn explain(&self, refusal: Refusal, message: &[u8]) -> Refusal {
        let AssertionError::Signature(error) = refusal.error() else { return refusal };
        if self.budget.operations() == 0 || !is_looked_into(error) {
            return refusal;
        }
        let Ok(document) = Document::parse(message, self.limits) else { return refusal };
        let all = self.post_mortem(&document, &String::from_utf8_lossy(message));
        let findings = all.iter().flat_map(|one| &one.findings);
        match findings.into_iter().find(|finding| finding.names_a_cause()) {
            Some(finding) => refusal.caused_by(finding, finding.hint()),
            None => refusal,
        }
    }

    /// Examines each signature of a Response: its own, that of its Assertion, and that of an encrypted Assertion if
    /// it may be decrypted.
    #[must_use]
    pub fn post_mortem(&self, document: &Document, source: &str) -> Vec<PostMortem> {
        let root = document.root();
        let mut all = Vec::new();
        let encrypted =
            root.elements().find(|child| child.is(namespace::SAML_ASSERTION, "EncryptedAssertion"));
        let opened = encrypted.and_then(|encrypted| Some((encrypted, self.opened(encrypted)?)));
        // The budget has one part for each signature: of the Response, of the Response with the decrypted Assertion,
        // of the Assertion, and of the encrypted Assertion.
        let share = self.budget.share(if opened.is_some() { 4 } else { 2 });
        if has_signature(root) {
            let mut own = self.signature(root, source, share.clone(), Secrecy::Plain);
            let changed =
                |finding: &SignatureFinding| matches!(finding, SignatureFinding::ContentChanged { .. });
            match (&opened, encrypted) {
                (Some((encrypted, plain)), _)
                    if self.holds_in_the_clear(source, *encrypted, plain, share.clone()) =>
                {
                    own.findings.retain(|finding| !changed(finding));
                    own.findings.push(SignatureFinding::SignedBeforeEncryption);
                }
                (None, Some(_)) if own.findings.iter().any(changed) => {
                    own.findings.push(SignatureFinding::AssertionClosed);
                }
                _ => {}
            }
            all.push(own);
        }
        for assertion in
            root.elements().filter(|child| child.is(namespace::SAML_ASSERTION, "Assertion")).take(1)
        {
            if has_signature(assertion) {
                all.push(self.signature(assertion, source, share.clone(), Secrecy::Plain));
            }
        }
        if let Some((encrypted, plain)) = &opened
            && let Ok(inner) = Document::parse_in_scope(plain.as_bytes(), &encrypted.scope(), self.limits)
            && has_signature(inner.root())
        {
            all.push(self.signature(inner.root(), plain, share, Secrecy::Decrypted));
        }
        all
    }

    /// Examines one signature.
    fn signature(
        &self,
        element: Element<'_>,
        source: &str,
        mut budget: AutopsyBudget,
        secrecy: Secrecy,
    ) -> PostMortem {
        let trusted = self.trusted.map(Trust::keys).unwrap_or_default();
        let known: Vec<TrustedKey> = self.other_uses.iter().chain(&self.known).cloned().collect();
        let failed = FailedSignature { element, source, trusted, known: &known };
        let findings = match autopsy(&failed, &self.lenient(), self.limits, &mut budget) {
            // Decrypted content is described only if a key of the claimed identity provider made its signature: the
            // ciphertext may belong to another customer, captured and sent again.
            Ok(found) if secrecy == Secrecy::Plain || matches!(found.maker(), Maker::Trusted { .. }) => {
                self.findings(&found, secrecy)
            }
            Ok(_) | Err(_) if secrecy == Secrecy::Decrypted => vec![SignatureFinding::DecryptedNotShown],
            Ok(_) => Vec::new(),
            Err(error) => {
                vec![SignatureFinding::Shape {
                    code: error.code(),
                    text: error.to_string(),
                    hint: error.hint(),
                }]
            }
        };
        PostMortem { element: element.local_name().to_owned(), findings }
    }

    fn findings(&self, found: &Autopsy, secrecy: Secrecy) -> Vec<SignatureFinding> {
        let mut findings: Vec<SignatureFinding> = self.whose(found).into_iter().collect();
        let is_good = !found.is_value_wrong() && !found.is_digest_wrong();
        if let Some(uri) = self.refused_algorithm(found).filter(|_| is_good && findings.is_empty()) {
            findings.push(SignatureFinding::OnlyAlgorithm { uri });
        }
        if let Some(explanation) = found.value_explanation() {
            findings
                .push(SignatureFinding::Explained { what: "SignedInfo", explanation: explanation.clone() });
        }
        match found.content() {
            DigestedContent::Explained(explanation) => {
                findings.push(SignatureFinding::Explained {
                    what: "the content",
                    explanation: explanation.clone(),
                });
            }
            DigestedContent::Changed { expected, actual, .. } => {
                let digests = (secrecy == Secrecy::Plain).then(|| (expected.clone(), actual.clone()));
                findings.push(SignatureFinding::ContentChanged { digests });
                if found.lost_characters() > 0 {
                    findings.push(SignatureFinding::LostCharacters { count: found.lost_characters() });
                }
            }
            DigestedContent::Undecided { reason, .. } if found.stopped().is_none() => {
                findings.push(SignatureFinding::Undecided { reason: reason.clone() })
            }
            _ => {}
        }
        if let Some(stopped) = found.stopped().filter(|_| found.is_value_wrong() || found.is_digest_wrong()) {
            findings.push(SignatureFinding::Stopped { reason: stopped.to_string() });
        }
        findings
    }

    /// Returns the provider with the algorithms that the policy refuses, so that everything else about a signature
    /// can be examined.
    fn lenient(&self) -> Provider {
        let refused = [SignatureAlgorithm::RsaSha1.uri(), DigestAlgorithm::Sha1.uri()];
        refused.into_iter().fold(self.provider.clone(), |provider, uri| {
            provider.clone().danger_allow(uri).unwrap_or(provider)
        })
    }

    /// Returns the algorithm of a signature if the policy refuses it.
    fn refused_algorithm(&self, found: &Autopsy) -> Option<&'static str> {
        let signature = found.algorithm();
        if !self.provider.accepts_signature(signature) {
            return Some(signature.uri());
        }
        (!self.provider.accepts_digest(found.digest())).then(|| found.digest().uri())
    }

    /// Returns the owner of the key, if it is not the expected one.
    fn whose(&self, found: &Autopsy) -> Option<SignatureFinding> {
        let keys = self.identity_provider.map(IdentityProvider::signing_keys).unwrap_or_default();
        let trusted: Vec<CertificateFacts> = keys.iter().map(CertificateFacts::of_key).collect();
        match found.maker() {
            // If a key was not tried, another finding tells the reason.
            Maker::Trusted { .. } | Maker::Undecided => None,
            Maker::TrustedOverOther { label, fingerprint, .. } => Some(SignatureFinding::SignedInfoChanged {
                key: label.to_string(),
                fingerprint: fingerprint.to_string(),
            }),
            Maker::Known { label, fingerprint, .. }
                if self.other_uses.iter().any(|key| key.fingerprint() == fingerprint) =>
            {
                Some(SignatureFinding::OtherUse {
                    key: label.to_string(),
                    fingerprint: fingerprint.to_string(),
                })
            }
            Maker::Known { label, fingerprint, .. } => Some(SignatureFinding::OtherIdentityProvider {
                key: label.to_string(),
                fingerprint: fingerprint.to_string(),
            }),
            Maker::Embedded { certificate, .. } => {
                let sent = CertificateFacts::of(found.certificates().get(*certificate)?);
                let dates = || trusted.iter().filter_map(|one| one.not_before);
                Some(match (sent.not_before, dates().max(), dates().min()) {
                    (Some(own), Some(newest), _) if own > newest => {
                        SignatureFinding::NewerCertificate { sent, trusted }
                    }
                    (Some(own), _, Some(oldest)) if own < oldest => {
                        SignatureFinding::OlderCertificate { sent, trusted }
                    }
                    _ => SignatureFinding::UnknownCertificate { sent, trusted },
                })
            }
            _ => {
                let sent = found.certificates().first().map(CertificateFacts::of);
                Some(SignatureFinding::NobodysKey { sent, trusted })
            }
        }
    }

    /// Decrypts an encrypted Assertion of a trusted identity provider. Ciphertext without authentication is not
    /// decrypted here either, unless it is configured.
    fn opened(&self, encrypted: Element<'_>) -> Option<String> {
        let trusted = self.trusted.filter(|_| self.decrypts)?;
        let (keys, allowed) = (trusted.decryption_keys(), trusted.accepts_unauthenticated_cbc());
        if !allowed && !cipher_of(encrypted).is_ok_and(|cipher| cipher.is_authenticated()) {
            return None;
        }
        let mut context = DecryptionContext::new(keys, self.provider, self.limits);
        let opened = decrypt(encrypted, &mut context).ok()?;
        String::from_utf8(opened.into_bytes()).ok()
    }

    /// Returns whether the Response's signature is valid with the Assertion in place of the encrypted one, and not
    /// valid as the Response came.
    fn holds_in_the_clear(
        &self,
        source: &str,
        encrypted: Element<'_>,
        plain: &str,
        mut budget: AutopsyBudget,
    ) -> bool {
        let range = encrypted.source_range();
        let (Some(before), Some(after)) = (source.get(..range.start), source.get(range.end..)) else {
            return false;
        };
        let clear = [before, plain, after].concat();
        let Ok(document) = Document::parse(clear.as_bytes(), self.limits) else { return false };
        has_its_digest(document.root(), self.provider, self.limits, &mut budget) == Some(true)
    }
}

/// Returns whether the cause of an error can be searched. It cannot if the structure of the signature is wrong.
fn is_looked_into(error: &SignatureError) -> bool {
    matches!(
        error,
        SignatureError::NotVerified { .. }
            | SignatureError::NoFittingKey { .. }
            | SignatureError::TooManyKeys { .. }
            | SignatureError::DigestMismatch { .. }
            | SignatureError::Algorithm { .. }
    )
}

/// States whether a signature was in the sent bytes or in decrypted content. For decrypted content, no digest is
/// shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Plain,
    Decrypted,
}
