//! Why the signatures of a response fail: a post-mortem with everything that a service provider knows.
//!
//! [`vouchsafe_signature::autopsy`] looks at one signature. Here it is asked about each signature of a response, with the keys of every
//! trusted identity provider at hand, and what it finds is put into the terms of whoever runs the service.

use vouchsafe_assertion::{Claimed, Refusal, Trust};
use vouchsafe_crypto::Provider;
use vouchsafe_encryption::{DecryptionContext, cipher_of, decrypt};
use vouchsafe_metadata::IdentityProvider;
use vouchsafe_signature::{
    Autopsy, AutopsyBudget, DigestedContent, FailedSignature, Maker, TrustedKey, autopsy, has_its_digest,
    has_signature,
};
use vouchsafe_xml::{Document, Element, Limits, namespace};

use crate::autopsy_finding::{CertificateFacts, SignatureFinding};
use crate::connection::Connection;
use crate::posted::PostedResponse;
use crate::service_provider::ServiceProvider;

/// What a post-mortem says of one signature.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct PostMortem {
    /// Local name of the element that carries the signature: `Response` or `Assertion`.
    pub element: String,
    /// What was found; empty when the signature holds.
    pub findings: Vec<SignatureFinding>,
}

impl ServiceProvider {
    /// Finds out why the signatures of a response fail: one entry a signature, of the Response and of its Assertion.
    ///
    /// For people who look into a refusal: it tries the keys of all these connections and a hundred hypotheses, so it costs many times
    /// what receiving costs. It stops when an [`AutopsyBudget`] is spent over all signatures of the response, and says so. The verdict stays
    /// that of [`receive`](Self::receive), and nothing found here makes a message believable.
    ///
    /// ```
    /// # use vouchsafe_testkit as testkit;
    /// use vouchsafe::{Connection, ConnectionId, EntityId, IdentityProvider, Limits, PostedResponse, ServiceProvider};
    ///
    /// # let metadata = |one: testkit::IdentityProvider| IdentityProvider::from_metadata(one.metadata().unwrap().as_bytes());
    /// let service_provider = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
    ///     .assertion_consumer("https://app.example.com/saml/acs")?
    ///     .build()?;
    /// let connections = [
    ///     Connection::new(ConnectionId::new("acme")?, metadata(testkit::IdentityProvider::okta())?),
    ///     Connection::new(ConnectionId::new("globex")?, metadata(testkit::IdentityProvider::other())?),
    /// ];
    ///
    /// // Signed by the other tenant's identity provider, in the name of this one.
    /// let issued = testkit::IdentityProvider::okta().response().key(testkit::keys::other_identity_provider()).issue()?;
    /// let posted = PostedResponse::from_base64(&issued.to_base64(), &Limits::default())?;
    /// let found = service_provider.autopsy(&posted, &connections)?;
    /// assert_eq!(found[0].findings[0].code(), "autopsy.other_identity_provider");
    /// assert!(found[0].findings[0].to_string().contains(testkit::IdentityProvider::other().entity_id()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A [`Refusal`] when it is not a response at all.
    pub fn autopsy(
        &self,
        posted: &PostedResponse,
        connections: &[Connection],
    ) -> Result<Vec<PostMortem>, Refusal> {
        let claimed = Claimed::parse(posted.octets(), self.limits())?;
        let is_claimed = |one: &&Connection| Some(one.identity_provider().entity_id()) == claimed.issuer();
        let trusted = connections.iter().find(is_claimed).and_then(|one| Some((one, one.trust(self).ok()?)));
        let others = connections.iter().filter(|one| !is_claimed(one)).filter_map(|one| one.trust(self).ok());
        let document = Document::parse(posted.octets(), self.limits())?;
        let table = Table {
            trusted: trusted.as_ref().map(|(_, trust)| trust.as_ref()),
            identity_provider: trusted.as_ref().map(|(connection, _)| connection.identity_provider()),
            known: others.flat_map(|trust| trust.keys().to_vec()).collect(),
            provider: self.provider(),
            limits: self.limits(),
        };
        Ok(table.response(&document, &String::from_utf8_lossy(posted.octets())))
    }
}

/// What the post-mortem is done with.
pub(crate) struct Table<'a> {
    /// The keys of the identity provider that the message claims to come from.
    pub(crate) trusted: Option<&'a Trust>,
    pub(crate) identity_provider: Option<&'a IdentityProvider>,
    /// The keys of everyone else.
    pub(crate) known: Vec<TrustedKey>,
    pub(crate) provider: &'a Provider,
    pub(crate) limits: &'a Limits,
}

impl Table<'_> {
    /// Each signature of a Response: its own, that of its Assertion, that of an encrypted Assertion if it may be opened.
    pub(crate) fn response(&self, document: &Document, source: &str) -> Vec<PostMortem> {
        let root = document.root();
        let mut all = Vec::new();
        let encrypted =
            root.elements().find(|child| child.is(namespace::SAML_ASSERTION, "EncryptedAssertion"));
        let opened = encrypted.and_then(|encrypted| Some((encrypted, self.opened(encrypted)?)));
        // One part for each signature: the Response's, the same with the Assertion in the clear, the Assertion's, the encrypted one's.
        let share = AutopsyBudget::default().share(if opened.is_some() { 4 } else { 2 });
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

    /// One signature.
    fn signature(
        &self,
        element: Element<'_>,
        source: &str,
        mut budget: AutopsyBudget,
        secrecy: Secrecy,
    ) -> PostMortem {
        let trusted = self.trusted.map(Trust::keys).unwrap_or_default();
        let failed = FailedSignature { element, source, trusted, known: &self.known };
        let findings = match autopsy(&failed, self.provider, self.limits, &mut budget) {
            // Nothing of what was decrypted is told unless a key of the claimed identity provider made its signature: it may be
            // another's, captured and sent again.
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

    /// Whose key it is, when it is not the expected one.
    fn whose(&self, found: &Autopsy) -> Option<SignatureFinding> {
        let keys = self.identity_provider.map(IdentityProvider::signing_keys).unwrap_or_default();
        let trusted: Vec<CertificateFacts> = keys.iter().map(CertificateFacts::of_key).collect();
        match found.maker() {
            // What was not tried is told by why it was not.
            Maker::Trusted { .. } | Maker::Undecided => None,
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

    /// The text of an encrypted Assertion of a trusted identity provider. Ciphertext that nothing authenticates stays closed here too, unless configured otherwise.
    fn opened(&self, encrypted: Element<'_>) -> Option<String> {
        let trusted = self.trusted?;
        let (keys, allowed) = (trusted.decryption_keys(), trusted.accepts_unauthenticated_cbc());
        if !allowed && !cipher_of(encrypted).is_ok_and(|cipher| cipher.is_authenticated()) {
            return None;
        }
        let mut context = DecryptionContext::new(keys, self.provider, self.limits);
        let opened = decrypt(encrypted, &mut context).ok()?;
        String::from_utf8(opened.into_octets()).ok()
    }

    /// Whether the Response's signature holds with the Assertion in the place of the encrypted one, and does not hold as it came.
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

/// Whether a signature stood in what was sent, or in what was decrypted: of that, no digest is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Plain,
    Decrypted,
}
