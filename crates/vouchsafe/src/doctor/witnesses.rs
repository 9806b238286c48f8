//! Finds the owner of the key that made a failed signature, with the data of all files.

use vouchsafe_assertion::{AssertionError, ConnectionId, Refusal, Trust};
use vouchsafe_crypto::Certificate;
use vouchsafe_metadata::{EntityId, EntityKey, IdentityProvider};
use vouchsafe_signature::TrustedKey;
use vouchsafe_xml::{Document, Quoted};

use super::Doctor;
use super::surroundings::Surroundings;
use crate::{PostMortem, SignatureFinding, SignatureInquiry};

/// The maximum number of other identity providers whose keys are tried if a signature fails.
const OTHERS: usize = 64;

/// Examines each signature of a message, and returns the key or the accidental change that explains its failure.
pub(super) fn post_mortem(
    doctor: &Doctor,
    surroundings: &Surroundings,
    (identity_provider, trusted): (&IdentityProvider, &Trust),
    bytes: &[u8],
) -> Vec<PostMortem> {
    let Doctor { provider, limits, .. } = doctor;
    let others = surroundings.identity_providers().filter(|name| *name != trusted.entity_id().as_str());
    let known = others
        .take(OTHERS)
        .filter_map(|name| surroundings.identity_provider(&EntityId::new(name).ok()?)?.ok())
        .filter_map(|one| trust(one, doctor).ok())
        .flat_map(|trust| trust.keys().to_vec());
    let inquiry = SignatureInquiry::new(provider, limits)
        .of(identity_provider, trusted)
        .with_known_keys(given_keys(doctor, surroundings))
        .with_known_keys(keys_of_services(doctor, surroundings))
        .with_known_keys(known);
    let described = surroundings.description(trusted.entity_id());
    let inquiry = described.iter().fold(inquiry, SignatureInquiry::with_other_uses);
    match Document::parse(bytes, limits) {
        Ok(document) => inquiry.post_mortem(&document, &String::from_utf8_lossy(bytes)),
        Err(_) => Vec::new(),
    }
}

/// Returns the keys of certificates that the operator gave in addition to metadata, such as the next key of a
/// roll-over.
fn given_keys(doctor: &Doctor, surroundings: &Surroundings) -> Vec<TrustedKey> {
    let keys = surroundings.certificates().iter().map(|(source, certificate)| {
        EntityKey::from(certificate.clone()).trusted(label(source), &doctor.provider)
    });
    keys.filter_map(Result::ok).collect()
}

fn label(source: &str) -> String {
    format!("the certificate in {source}")
}

/// Returns the keys of the services in the files. One of them is the signer if somebody mixed up its key and the
/// identity provider's.
fn keys_of_services(doctor: &Doctor, surroundings: &Surroundings) -> Vec<TrustedKey> {
    let keys = surroundings.keys_of_services();
    let trusted = keys.map(|(name, key)| key.trusted(label_of_service(name), &doctor.provider));
    trusted.filter_map(Result::ok).take(OTHERS).collect()
}

fn label_of_service(name: &str) -> String {
    format!("the service {name}")
}

/// Adds the cause to the refusal, if one was found.
pub(super) fn with_cause(refusal: Refusal, found: &[PostMortem], surroundings: &Surroundings) -> Refusal {
    if let Some(source) = given(found, surroundings) {
        let cause = format!(
            "the key of the certificate in {} made it, and the metadata of the identity provider does not have it",
            Quoted::new(source)
        );
        return refusal.caused_by(
            cause,
            "Compare the fingerprint of that certificate with the identity provider's console. If it is the new one there, load the metadata from that \
             console again; if it is not there, anybody may have made this message.",
        );
    }
    if let Some(service) = service(found, surroundings) {
        let cause = format!(
            "the key of the service {} made it, and no identity provider has that key",
            Quoted::new(service)
        );
        return refusal.caused_by(
            cause,
            "Look for what signs with the key of the service in the place of the identity provider: a test, a proxy, or keys that were mixed up. If nothing \
             does, the private key of the service is in strange hands: replace it.",
        );
    }
    match found.iter().flat_map(|one| &one.findings).find(|finding| finding.names_a_cause()) {
        Some(finding) => refusal.caused_by(finding, finding.hint()),
        None => refusal,
    }
}

/// Returns the file of the certificate whose key made a signature, if the operator gave it.
fn given<'s>(found: &[PostMortem], surroundings: &'s Surroundings) -> Option<&'s str> {
    let mut findings = found.iter().flat_map(|one| &one.findings);
    findings.find_map(|finding| {
        let is_it = |(source, certificate): &&(String, Certificate)| match finding {
            SignatureFinding::OtherIdentityProvider { key, .. } => *key == label(source),
            SignatureFinding::NewerCertificate { sent, .. }
            | SignatureFinding::OlderCertificate { sent, .. }
            | SignatureFinding::UnknownCertificate { sent, .. } => {
                sent.fingerprint == certificate.fingerprint_sha256()
            }
            _ => false,
        };
        surroundings.certificates().iter().find(is_it).map(|(source, _)| source.as_str())
    })
}

/// Returns the service whose key made a signature.
fn service<'s>(found: &[PostMortem], surroundings: &'s Surroundings) -> Option<&'s str> {
    found.iter().flat_map(|one| &one.findings).find_map(|finding| service_of(finding, surroundings))
}

fn service_of<'s>(finding: &SignatureFinding, surroundings: &'s Surroundings) -> Option<&'s str> {
    let is_it = |(name, key): &(&str, &EntityKey)| match finding {
        SignatureFinding::OtherIdentityProvider { key, .. } => *key == label_of_service(name),
        SignatureFinding::NewerCertificate { sent, .. }
        | SignatureFinding::OlderCertificate { sent, .. }
        | SignatureFinding::UnknownCertificate { sent, .. } => {
            key.certificate().is_some_and(|own| own.fingerprint_sha256() == sent.fingerprint)
        }
        _ => false,
    };
    surroundings.keys_of_services().find(is_it).map(|(name, _)| name)
}

/// Returns whether a finding is about a certificate that the operator gave, or about a key of a service. Both were
/// already reported.
pub(super) fn is_given(finding: &SignatureFinding, surroundings: &Surroundings) -> bool {
    let is_handed_over = matches!(finding, SignatureFinding::OtherIdentityProvider { key, .. }
        if surroundings.certificates().iter().any(|(source, _)| *key == label(source)));
    is_handed_over || service_of(finding, surroundings).is_some()
}

/// Makes an identity provider of its certificates alone.
pub(super) fn with_certificates(
    entity_id: Option<&EntityId>,
    mut certificates: impl Iterator<Item = Certificate>,
) -> Option<IdentityProvider> {
    let first = certificates.next()?;
    let begun = IdentityProvider::new(entity_id?.clone()).with_signing_certificate(first);
    Some(certificates.fold(begun, IdentityProvider::with_signing_certificate))
}

/// Returns the trust in one identity provider, as a connection with default settings would have it.
pub(super) fn trust(identity_provider: &IdentityProvider, doctor: &Doctor) -> Result<Trust, AssertionError> {
    let connection = ConnectionId::new("doctor")?;
    let trust = Trust::new(connection, identity_provider, &doctor.provider)?
        .with_decryption_keys(doctor.decryption_keys.clone());
    Ok(if doctor.unauthenticated_cbc { trust.danger_accept_unauthenticated_cbc() } else { trust })
}
