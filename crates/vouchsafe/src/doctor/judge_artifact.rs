//! Examines artifacts: which identity provider issued one, and where it is resolved.

use vouchsafe_crypto::hexadecimal;
use vouchsafe_metadata::EntityId;
use vouchsafe_xml::Quoted;

use super::artifact::Artifact;
use super::complaint::{Complaint, Own};
use super::surroundings::Surroundings;
use super::{Doctor, Exhibit, Kind};

pub(super) fn judge(
    doctor: &Doctor,
    source: String,
    artifact: &Artifact,
    address: Option<&str>,
    surroundings: &Surroundings,
) -> Exhibit {
    let mut exhibit = Exhibit::of(source, Kind::Artifact, Vec::new());
    if let Some(address) = address {
        exhibit.fact("sent to", address);
    }
    exhibit.fact("source ID", hexadecimal(&artifact.source));
    exhibit.fact("index of the endpoint", artifact.index.to_string());
    exhibit.not_judged.push("the message that it stands for");
    match surroundings.of_source_id(&artifact.source_id()) {
        None => exhibit.complaints.push(unknown(artifact, surroundings)),
        Some(entity_id) => {
            exhibit.fact("issuer", entity_id.as_str());
            exhibit.complaints.extend(resolution(artifact, &entity_id, surroundings, &mut exhibit.facts));
        }
    }
    let ours = surroundings.our_endpoints(doctor, "AssertionConsumerService");
    if let Some(address) = address
        && !ours.is_empty()
        && !ours.iter().any(|endpoint| endpoint.location() == address)
    {
        let first = ours.first().map(|endpoint| endpoint.location()).unwrap_or_default();
        let message = format!(
            "the artifact was sent to {}; the assertion consumer is {}",
            Quoted::new(address),
            Quoted::new(first)
        );
        exhibit.complaints.push(Complaint::error(
            Own::ArtifactAddress.code(),
            message,
            "Set the address of the assertion consumer at the identity provider to exactly the expected one.",
        ));
    }
    exhibit
}

/// Adds the address that resolves the artifact as a fact, or returns the complaint that there is none.
fn resolution(
    artifact: &Artifact,
    entity_id: &EntityId,
    surroundings: &Surroundings,
    facts: &mut Vec<super::Fact>,
) -> Option<Complaint> {
    let known = surroundings.identity_provider(entity_id)?.ok()?;
    let services = known.artifact_resolution();
    if let Some(service) = services.iter().find(|service| service.index() == Some(artifact.index)) {
        facts.push(super::Fact { name: "resolved at", value: service.location().to_owned() });
        return None;
    }
    let indexes: Vec<String> =
        services.iter().filter_map(|service| Some(service.index()?.to_string())).collect();
    let found = if indexes.is_empty() { "none".to_owned() } else { indexes.join(", ") };
    let message = format!(
        "the artifact of {} is to be resolved at its ArtifactResolutionService of index {}; the metadata has {found}",
        Quoted::new(entity_id.as_str()),
        artifact.index
    );
    Some(Complaint::error(
        Own::ArtifactAddress.code(),
        message,
        "Load the metadata of the identity provider from its console again; or set the binding of the assertion consumer there to HTTP-POST.",
    ))
}

/// Complains that the SHA-1 belongs to none of the known entity IDs.
fn unknown(artifact: &Artifact, surroundings: &Surroundings) -> Complaint {
    let names: Vec<String> =
        surroundings.identity_providers().take(3).map(|name| Quoted::new(name).to_string()).collect();
    let source = hexadecimal(&artifact.source);
    if names.is_empty() {
        let message = format!(
            "the artifact has the source ID {source}, and no metadata among the files says to whom it belongs"
        );
        return Complaint::new(
            super::Severity::Warning,
            Own::ArtifactSource.code(),
            message,
            "Give the identity provider's metadata as well: the source ID is the SHA-1 of its entity ID.",
        );
    }
    let message = format!(
        "the artifact has the source ID {source}, which belongs to none of the identity providers in the files ({})",
        names.join(", ")
    );
    Complaint::error(
        Own::ArtifactSource.code(),
        message,
        "The source ID is the SHA-1 of the entity ID, letter by letter: compare the entity ID in the metadata with the one that \
         the identity provider has now, and load its metadata from its console again. If the artifact comes from no known \
         identity provider, anybody may have sent it.",
    )
}
