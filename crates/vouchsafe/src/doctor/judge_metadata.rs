//! Metadata: what it offers, and what is wrong with it.

use chrono::{DateTime, Utc};
use vouchsafe_crypto::Certificate;
use vouchsafe_metadata::{EntityDescription, IdentityProvider};
use vouchsafe_xml::Quoted;

use super::complaint::{Complaint, Own, Severity};
use super::judge_request::is_open;
use super::recognise::Message;
use super::surroundings::Surroundings;
use super::{Doctor, Exhibit, Kind};
use crate::CertificateFacts;

/// Entities of a file about which something is said.
const ENTITIES: usize = 8;

pub(crate) fn judge(doctor: &Doctor, message: &Message, surroundings: &Surroundings, exhibit: &mut Exhibit) {
    if !message.whole {
        exhibit.complaints.push(Own::MetadataInMessage.about(""));
    }
    let entities = match EntityDescription::read_all(&message.octets) {
        Ok(entities) => entities,
        Err(error) => {
            exhibit.complaints.push(Complaint::error(error.code(), error.to_string(), error.hint()));
            return;
        }
    };
    let names = entities.iter().map(EntityDescription::entity_id);
    let conflicts = names.filter_map(|name| Some((name, surroundings.conflict(name)?)));
    for (name, sources) in conflicts.take(ENTITIES).filter(|_| message.whole) {
        exhibit.complaints.push(two_descriptions(name, &sources));
    }
    if exhibit.kind == Kind::MetadataAggregate {
        let providers = entities.iter().filter(|entity| entity.is_identity_provider()).count();
        exhibit.fact("entities", entities.len().to_string());
        exhibit.fact("identity providers", providers.to_string());
        return;
    }
    for entity in &entities {
        describe(entity, exhibit);
    }
    if exhibit.kind == Kind::IdentityProviderMetadata {
        identity_provider(doctor.now, &message.octets, exhibit);
    }
}

/// The complaint about an entity that the files describe in two ways.
pub(crate) fn two_descriptions(name: &str, sources: &[&str]) -> Complaint {
    let mut complaint = Own::TwoDescriptions.about(name);
    let sources: Vec<String> = sources.iter().take(4).map(|source| Quoted::new(source).to_string()).collect();
    complaint.message = format!("{}: {}", complaint.message, sources.join(", "));
    complaint
}

fn describe(entity: &EntityDescription, exhibit: &mut Exhibit) {
    exhibit.fact("entity ID", entity.entity_id());
    for role in entity.roles() {
        for certificate in role.signing_certificates() {
            exhibit.fact("signing certificate", shown(certificate));
        }
        for certificate in role.encryption_certificates() {
            exhibit.fact("encryption certificate", shown(certificate));
        }
        for (element, endpoint) in role.endpoints() {
            let Ok(endpoint) = endpoint else { continue };
            exhibit
                .fact("endpoint", format!("{element} {} {}", endpoint.binding().uri(), endpoint.location()));
            if is_open(endpoint.location()) {
                exhibit.complaints.push(Own::Unencrypted.about(endpoint.location()));
            }
        }
    }
}

fn identity_provider(now: DateTime<Utc>, octets: &[u8], exhibit: &mut Exhibit) {
    let read = IdentityProvider::from_metadata(octets);
    let identity_provider = match read {
        Ok(identity_provider) => identity_provider,
        Err(error) => {
            exhibit.complaints.push(Complaint::error(error.code(), error.to_string(), error.hint()));
            return;
        }
    };
    if let Err(error) = identity_provider.check_validity(now) {
        exhibit.complaints.push(Complaint::error(error.code(), error.to_string(), error.hint()));
    }
    let expired = exhibit.complaints.iter().any(|complaint| complaint.code == "metadata.expired");
    for warning in identity_provider.warnings(now) {
        if !(expired && warning.code() == "metadata.expired") {
            let remedy = "Look at it when the metadata is next loaded; sign-ins work as it is.";
            exhibit.complaints.push(Complaint::new(
                Severity::Warning,
                warning.code(),
                warning.to_string(),
                remedy,
            ));
        }
    }
}

fn shown(certificate: &Certificate) -> String {
    CertificateFacts::of(certificate).to_string()
}
