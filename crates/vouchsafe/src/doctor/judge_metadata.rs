//! Metadata: what it offers, and what is wrong with it.

use chrono::{DateTime, Utc};
use vouchsafe_crypto::Certificate;
use vouchsafe_metadata::{EntityDescription, IdentityProvider, MetadataError, RoleDescription};

use super::complaint::{Complaint, Own, Severity};
use super::judge_request::is_open;
use super::recognise::Message;
use super::{Doctor, Exhibit, Kind, Surroundings};
use crate::CertificateFacts;

/// Keeps whom to trust and who we are.
pub(crate) fn remember(octets: &[u8], surroundings: &mut Surroundings) {
    match IdentityProvider::from_metadata(octets) {
        Ok(identity_provider) => surroundings.identity_providers.push(identity_provider),
        Err(MetadataError::SeveralIdentityProviders { .. }) => surroundings.aggregates.push(octets.to_vec()),
        Err(_) => {}
    }
    for entity in EntityDescription::read_all(octets).unwrap_or_default().iter().take(ENTITIES) {
        let roles = entity.roles().iter().filter(|role| role.name() == "SPSSODescriptor");
        let consumers: Vec<String> = roles
            .flat_map(RoleDescription::endpoints)
            .filter(|(element, _)| element == "AssertionConsumerService")
            .filter_map(|(_, endpoint)| Some(endpoint.as_ref().ok()?.location().to_owned()))
            .collect();
        let signing =
            entity.roles().iter().flat_map(RoleDescription::signing_certificates).cloned().collect();
        surroundings.signers.push((entity.entity_id().to_owned(), signing));
        if !consumers.is_empty() {
            surroundings.service_providers.push((entity.entity_id().to_owned(), consumers));
        }
    }
}

/// Entities of a file that are remembered as service providers and signers.
const ENTITIES: usize = 1_000;

pub(crate) fn judge(doctor: &Doctor, message: &Message, exhibit: &mut Exhibit) {
    let entities = match EntityDescription::read_all(&message.octets) {
        Ok(entities) => entities,
        Err(error) => {
            exhibit.complaints.push(Complaint::error(error.code(), error.to_string(), error.hint()));
            return;
        }
    };
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
