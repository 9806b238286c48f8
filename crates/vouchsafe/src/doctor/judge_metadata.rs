//! Examines metadata: its content, and its faults.

use vouchsafe_metadata::{
    Aggregate, EntityDescription, EntityKey, IdentityProvider, LeftOutEntity, LintSeverity,
    MetadataDescription,
};
use vouchsafe_xml::{Element, Quoted, namespace};

use super::complaint::{Complaint, Own, Severity};
use super::found::Message;
use super::surroundings::Surroundings;
use super::{Doctor, Exhibit, Kind};
use crate::CertificateFacts;

/// The maximum number of entities of a file that are described.
const ENTITIES: usize = 8;

pub(crate) fn judge(doctor: &Doctor, message: &Message, surroundings: &Surroundings, exhibit: &mut Exhibit) {
    if !message.whole {
        exhibit.complaints.push(not_a_file(message));
    }
    let metadata = match MetadataDescription::read(&message.bytes) {
        Ok(metadata) => metadata,
        Err(error) => {
            exhibit.complaints.push(Complaint::error(error.code(), error.to_string(), error.hint()));
            return;
        }
    };
    let entities = metadata.entities();
    let names = entities.iter().map(EntityDescription::entity_id);
    let conflicts = names.filter_map(|name| Some((name, surroundings.conflict(name)?)));
    for (name, sources) in conflicts.take(ENTITIES).filter(|_| message.whole) {
        exhibit.complaints.push(two_descriptions(name, &sources));
    }
    if exhibit.kind == Kind::MetadataAggregate {
        let providers = entities.iter().filter(|entity| entity.is_identity_provider()).count();
        exhibit.fact("entities", entities.len().to_string());
        exhibit.fact("identity providers", providers.to_string());
        expired(doctor, &message.bytes, exhibit);
        left_out(metadata.left_out(), exhibit);
        refused(entities, exhibit);
        return;
    }
    for entity in entities {
        describe(entity, exhibit);
    }
    // An entity without any role may be an identity provider whose role is in a wrong namespace.
    let is_meant =
        exhibit.kind == Kind::IdentityProviderMetadata || entities.iter().all(|one| one.roles().is_empty());
    if let Some(error) = IdentityProvider::from_metadata(&message.bytes).err().filter(|_| is_meant) {
        exhibit.complaints.push(Complaint::error(error.code(), error.to_string(), error.hint()));
    }
    lint(doctor, &message.bytes, exhibit);
}

/// Complains that metadata inside something else is not used.
fn not_a_file(message: &Message) -> Complaint {
    let complaint = Own::MetadataInMessage.about("");
    if message.step.is_some() || message.field.is_some() || message.wrapping == "SOAP" {
        return complaint;
    }
    // The file contains only metadata, in a copied form.
    let message = format!(
        "the file holds metadata as {}; only whole files of XML are used for the other files",
        message.wrapping
    );
    Complaint { message, ..complaint }
}

/// Reports the findings of the metadata lint, without its notes, which are for publishers.
fn lint(doctor: &Doctor, bytes: &[u8], exhibit: &mut Exhibit) {
    let now = doctor.judged_at.unwrap_or(doctor.now);
    let Ok(aggregate) = Aggregate::read(bytes) else { return };
    for finding in aggregate.lint(now, &doctor.provider) {
        let severity = match finding.severity() {
            LintSeverity::Error => Severity::Error,
            LintSeverity::Warning => Severity::Warning,
            _ => continue,
        };
        let is_told = exhibit
            .complaints
            .iter()
            .any(|one| one.code == finding.code() && one.message == finding.message());
        if !is_told {
            exhibit.complaints.push(Complaint::new(
                severity,
                finding.code(),
                finding.message(),
                finding.remedy(),
            ));
        }
    }
}

/// Reports the fault of a document that would be metadata if its namespace or the content around it were right.
pub(crate) fn broken(root: Element<'_>, message: &Message) -> Option<Complaint> {
    let is_meant = root.namespace() == namespace::SAML_METADATA
        || matches!(root.local_name(), "EntityDescriptor" | "EntitiesDescriptor");
    let error = MetadataDescription::read(&message.bytes).err().filter(|_| is_meant)?;
    Some(Complaint::error(error.code(), error.to_string(), error.hint()))
}

/// Reports that a whole aggregate has expired.
fn expired(doctor: &Doctor, bytes: &[u8], exhibit: &mut Exhibit) {
    let now = doctor.judged_at.unwrap_or(doctor.now);
    let Ok(aggregate) = Aggregate::read(bytes) else { return };
    if let Err(error) = aggregate.check_validity(now) {
        exhibit.complaints.push(Complaint::error(error.code(), error.to_string(), error.hint()));
    }
}

/// Reports the entities of an aggregate that cannot be read. The other entities are used.
fn left_out(all: &[LeftOutEntity], exhibit: &mut Exhibit) {
    if !all.is_empty() {
        exhibit.fact("left out", all.len().to_string());
    }
    for one in all.iter().take(ENTITIES) {
        let (place, reason) = (one.place(), one.reason());
        let name = one.entity_id().map(|id| format!(" {}", Quoted::new(id))).unwrap_or_default();
        let message = format!("entity {place}{name} is left out: {reason}");
        exhibit.complaints.push(Complaint::new(Severity::Warning, reason.code(), message, reason.hint()));
    }
}

/// Reports the identity providers of an aggregate that can be read and cannot be trusted.
fn refused(entities: &[EntityDescription], exhibit: &mut Exhibit) {
    let refused: Vec<_> = entities.iter().filter_map(EntityDescription::refusal).collect();
    if !refused.is_empty() {
        exhibit.fact("identity providers that cannot be trusted", refused.len().to_string());
    }
    for reason in refused.into_iter().take(ENTITIES) {
        exhibit.complaints.push(Complaint::new(
            Severity::Warning,
            reason.code(),
            reason.to_string(),
            reason.hint(),
        ));
    }
}

/// Complains that the files describe an entity in two different ways.
pub(crate) fn two_descriptions(name: &str, sources: &[&str]) -> Complaint {
    let mut complaint = Own::TwoDescriptions.about(name);
    let sources: Vec<String> = sources.iter().take(4).map(|source| Quoted::new(source).to_string()).collect();
    complaint.message = format!("{}: {}", complaint.message, sources.join(", "));
    complaint
}

fn describe(entity: &EntityDescription, exhibit: &mut Exhibit) {
    exhibit.fact("entity ID", entity.entity_id());
    for role in entity.roles() {
        for key in role.signing_keys() {
            let name = if key.certificate().is_some() { "signing certificate" } else { "signing key" };
            exhibit.fact(name, shown(key));
        }
        for key in role.encryption_keys() {
            let name = if key.certificate().is_some() { "encryption certificate" } else { "encryption key" };
            exhibit.fact(name, shown(key));
        }
        for (element, endpoint) in role.endpoints() {
            let Ok(endpoint) = endpoint else { continue };
            exhibit
                .fact("endpoint", format!("{element} {} {}", endpoint.binding().uri(), endpoint.location()));
        }
    }
}

fn shown(key: &EntityKey) -> String {
    CertificateFacts::of_key(key).to_string()
}
