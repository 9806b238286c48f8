//! The data that the files give about each other.
//!
//! **Only the operator defines whom to trust and who we are**: by whole files of metadata and whole certificates.
//! Content inside a message, a page or a recording never does, since anybody could put it there.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_crypto::Certificate;
use vouchsafe_metadata::{
    Aggregate, AggregateEntity, Endpoint, EntityDescription, EntityId, EntityKey, EntityName,
    IdentityProvider, MetadataError, RoleDescription,
};
use vouchsafe_xml::Quoted;

use super::address::host;
use super::complaint::Told;
use super::found::{Found, Read, kind};
use super::stated::{Request, certificates, request};
use super::{Doctor, Kind};

/// The maximum numbers of certificates in messages, and in metadata, that a fingerprint is compared with.
const BROUGHT: usize = 64;
const ALL: usize = 10_000;
/// The maximum number of messages whose signatures are examined, each with a budget of its own.
const AUTOPSIES: usize = 8;

/// The data that the files give about each other.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// The whole files of metadata.
    files: Vec<Aggregate>,
    /// The descriptions of each entity in these files, by its entity ID.
    entities: BTreeMap<String, Vec<Described>>,
    /// The certificates that the operator gave, each with the name of its file.
    certificates: Vec<(String, Certificate)>,
    /// The certificates inside messages, each with the name of its file.
    brought: Vec<(String, Certificate)>,
    /// The requests among the files. They are only compared with their answers.
    requests: Vec<Request>,
    autopsies: Cell<usize>,
}

/// One description of an entity.
#[derive(Debug)]
struct Described {
    source: String,
    /// The position of its file.
    file: usize,
    /// Whether its file describes no other entity.
    is_alone: bool,
    is_identity_provider: bool,
    /// The endpoints, by the local name of their element.
    endpoints: Vec<(String, Endpoint)>,
    signing: Vec<EntityKey>,
    /// The keys and endpoints, which must be the same in every description of this entity.
    substance: BTreeSet<Vec<u8>>,
}

impl Surroundings {
    pub(crate) fn of(found: &[Found]) -> Surroundings {
        let mut surroundings = Surroundings {
            files: Vec::new(),
            entities: BTreeMap::new(),
            certificates: Vec::new(),
            brought: Vec::new(),
            requests: Vec::new(),
            autopsies: Cell::new(AUTOPSIES),
        };
        for one in found {
            match one {
                Found::Certificate { source, certificate, whole: true, .. } => {
                    surroundings.certificates.push((source.clone(), certificate.clone()));
                }
                Found::Message(read) => surroundings.remember(read),
                _ => {}
            }
        }
        surroundings
    }

    fn remember(&mut self, read: &Read) {
        let Read { message, parsed: Ok(document) } = read else { return };
        if self.brought.len() < BROUGHT {
            let certificates = certificates(document).into_iter();
            self.brought.extend(certificates.map(|one| (message.source.clone(), one)));
        }
        match kind(document) {
            kind @ (Kind::AuthnRequest
            | Kind::LogoutRequest
            | Kind::ManageNameIdRequest
            | Kind::ArtifactResolve) => {
                let request = request(document, kind);
                let is_recorded = message.step.is_some();
                self.requests.extend(request.map(|request| Request { is_recorded, ..request }));
            }
            kind if kind.is_metadata() && message.whole => {
                let file = self.files.len();
                let Ok(aggregate) = Aggregate::read(message.bytes.clone()) else { return };
                // If a document has several entities with one name, the first is used, as everywhere.
                let is_alone = aggregate.len() == 1;
                let first = aggregate.entities().filter(|entity| entity.first_of_name().is_none());
                for entity in first.filter_map(|entity| entity.description().ok()) {
                    let described = Described::of(&entity, &message.source, file, is_alone);
                    self.entities.entry(entity.entity_id().to_owned()).or_default().push(described);
                }
                self.files.push(aggregate);
            }
            _ => {}
        }
    }

    /// Returns the files that describe this entity, if they disagree.
    pub(crate) fn conflict(&self, entity_id: &str) -> Option<Vec<&str>> {
        let all = self.entities.get(entity_id)?;
        let (first, others) = all.split_first()?;
        others
            .iter()
            .any(|other| other.substance != first.substance)
            .then(|| all.iter().map(|one| one.source.as_str()).collect())
    }

    /// Returns the description of an entity, if the files agree on it.
    fn described(&self, entity_id: &str) -> Option<&Described> {
        if self.conflict(entity_id).is_some() { None } else { self.entities.get(entity_id)?.first() }
    }

    /// Returns the identity provider with this name. Its metadata is read once.
    pub(crate) fn identity_provider(
        &self,
        entity_id: &EntityId,
    ) -> Option<Result<&IdentityProvider, &MetadataError>> {
        Some(self.entity(entity_id)?.identity_provider())
    }

    /// Returns the whole description of an entity.
    pub(crate) fn description(&self, entity_id: &EntityId) -> Option<EntityDescription> {
        self.entity(entity_id)?.description().ok()
    }

    fn entity(&self, entity_id: &EntityId) -> Option<AggregateEntity<'_>> {
        let described = self.described(entity_id.as_str())?;
        self.files.get(described.file)?.find(&EntityName::EntityId(entity_id.clone()))
    }

    /// Returns the entity IDs of the identity providers.
    pub(crate) fn identity_providers(&self) -> impl Iterator<Item = &str> {
        self.entities
            .iter()
            .filter(|(_, all)| all.iter().any(|one| one.is_identity_provider))
            .map(|(name, _)| name.as_str())
    }

    /// Returns the signing keys of an entity.
    pub(crate) fn signing_keys(&self, entity_id: &str) -> &[EntityKey] {
        self.described(entity_id).map(|one| one.signing.as_slice()).unwrap_or_default()
    }

    /// Returns the signing keys of the entities that are services and not identity providers, each with the entity
    /// ID.
    pub(crate) fn keys_of_services(&self) -> impl Iterator<Item = (&str, &EntityKey)> {
        let services = self.entities.iter().filter(|(_, all)| all.iter().all(Described::is_service));
        services.flat_map(|(name, all)| {
            all.iter().flat_map(move |one| one.signing.iter().map(move |key| (name.as_str(), key)))
        })
    }

    /// Returns the entity ID of the only identity provider.
    pub(crate) fn only_identity_provider(&self) -> Option<Told> {
        let mut names = self.identity_providers();
        let only = names.next()?;
        names.next().is_none().then(|| Told::new(only.to_owned()))
    }

    /// Returns our entity ID: the one given to the doctor, or that of the only service provider.
    pub(crate) fn our_entity_id(&self, doctor: &Doctor) -> Option<Told> {
        let told = doctor.entity_id.clone().filter(|_| self.misnamed(doctor).is_none());
        if told.is_none() && doctor.entity_id.is_some() {
            return None;
        }
        told.or_else(|| Some(self.only_service_provider()?.0.to_owned())).map(Told::new)
    }

    /// Returns the entity ID that was given to the doctor as ours, if it belongs to an identity provider that is not
    /// a service.
    pub(crate) fn misnamed<'d>(&self, doctor: &'d Doctor) -> Option<&'d str> {
        let name = doctor.entity_id.as_deref()?;
        let all = self.entities.get(name)?;
        let is_theirs = |one: &Described| {
            one.is_identity_provider && one.endpoints_of("AssertionConsumerService").next().is_none()
        };
        all.iter().all(is_theirs).then_some(name)
    }

    /// Returns the services that the files describe, each in a file of its own, if the operator did not tell which of
    /// them is ours.
    pub(crate) fn several_services(&self, doctor: &Doctor) -> Option<Vec<&str>> {
        let named =
            self.entities.iter().filter(|(_, all)| all.iter().any(|one| one.is_alone && one.is_service()));
        let names: Vec<&str> = named.map(|(name, _)| name.as_str()).collect();
        (doctor.entity_id.is_none() && names.len() > 1).then_some(names)
    }

    /// Returns the identity providers that accept sign-in requests at an address.
    pub(crate) fn identity_providers_at(&self, address: &str) -> Vec<&str> {
        let all = self.endpoints_of_identity_providers("SingleSignOnService");
        let mut names: Vec<&str> =
            all.filter(|(_, endpoint)| endpoint.location() == address).map(|(name, _)| name).collect();
        names.dedup();
        names
    }

    /// Returns our assertion consumer: the one given to the doctor, or one in our metadata, which may have several.
    pub(crate) fn our_assertion_consumer(&self, doctor: &Doctor, destination: Option<&str>) -> Option<Told> {
        if let Some(told) = &doctor.assertion_consumer {
            return Some(Told::new(told.clone()));
        }
        let described = match &doctor.entity_id {
            Some(told) => self.described(told)?,
            None => self.only_service_provider()?.1,
        };
        let consumers = || described.endpoints_of("AssertionConsumerService").map(Endpoint::location);
        let named = consumers().find(|consumer| Some(*consumer) == destination);
        named.or(consumers().next()).map(|consumer| Told::new(consumer.to_owned()))
    }

    /// Returns our addresses of a kind in our metadata.
    pub(crate) fn our_endpoints(&self, doctor: &Doctor, element: &'static str) -> Vec<&Endpoint> {
        let described = match &doctor.entity_id {
            Some(told) => self.described(told),
            None => self.only_service_provider().map(|(_, described)| described),
        };
        described.into_iter().flat_map(|one| one.endpoints_of(element)).collect()
    }

    /// Returns the addresses of a kind of all identity providers, each with the entity ID.
    pub(crate) fn endpoints_of_identity_providers(
        &self,
        element: &'static str,
    ) -> impl Iterator<Item = (&str, &Endpoint)> {
        let known = self.entities.iter().filter(|(name, all)| {
            all.iter().any(|one| one.is_identity_provider) && self.conflict(name).is_none()
        });
        known.flat_map(move |(name, all)| {
            all.iter()
                .take(1)
                .flat_map(move |one| one.endpoints_of(element).map(move |endpoint| (name.as_str(), endpoint)))
        })
    }

    /// Returns the entity ID of the identity provider with this source ID.
    pub(crate) fn of_source_id(&self, source: &EntityName) -> Option<EntityId> {
        let found = self.files.iter().find_map(|file| file.find(source)?.entity_id())?;
        EntityId::new(found).ok()
    }

    /// Returns the only service provider. Identity providers that also receive Responses (AD FS, Keycloak) do not
    /// count.
    fn only_service_provider(&self) -> Option<(&str, &Described)> {
        let mut ours = self.entities.iter().filter(|(_, all)| all.iter().any(Described::is_service));
        let (name, _) = ours.next()?;
        let described = self.described(name)?;
        ours.next().is_none().then_some((name.as_str(), described))
    }

    /// The certificates that the operator gave, each with the name of its file.
    pub(crate) fn certificates(&self) -> &[(String, Certificate)] {
        &self.certificates
    }

    /// Returns every certificate of the files, with a description of its owner.
    pub(crate) fn all_certificates(&self) -> Vec<(String, Certificate)> {
        let described = self.entities.iter().flat_map(|(name, all)| {
            all.iter().flat_map(move |one| {
                let own = one.signing.iter().filter_map(EntityKey::certificate);
                own.map(move |own| {
                    let whose = format!("a signing certificate in the metadata of {}", Quoted::new(name));
                    (whose, own.clone())
                })
            })
        });
        let named = |words: &str, list: &[(String, Certificate)]| -> Vec<(String, Certificate)> {
            let each = list.iter();
            each.map(|(source, one)| (format!("{words} {}", Quoted::new(source)), one.clone())).collect()
        };
        let given = named("the certificate in", &self.certificates);
        let brought = named("the certificate of the message in", &self.brought);
        described.take(ALL).chain(given).chain(brought).collect()
    }

    /// Returns the request with this ID.
    pub(crate) fn request(&self, id: &str) -> Option<&Request> {
        self.requests.iter().find(|request| request.id == id)
    }

    /// Returns the request that an answer must name: the one with its ID, or the only one that was given as a file.
    /// Recorded messages are compared with each other by the story of their recording.
    pub(crate) fn asked(&self, kind: Kind, named: Option<&str>, is_recorded: bool) -> Option<&Request> {
        let of_kind = || self.requests.iter().filter(move |request| request.kind == kind);
        let by_name = of_kind().find(|request| Some(request.id.as_str()) == named);
        let given = || {
            let mut given = of_kind().filter(|request| !request.is_recorded && !is_recorded);
            let only = given.next()?;
            given.all(|other| other.id == only.id).then_some(only)
        };
        by_name.or_else(given)
    }

    /// Returns whether a recorded answer belongs to a sign-in at another service: another service sent the request,
    /// and the answer went to another host.
    pub(crate) fn is_of_another_service(
        &self,
        doctor: &Doctor,
        sent_to: Option<&str>,
        named: Option<&str>,
    ) -> bool {
        let (Some(ours), Some(address)) = (self.our_entity_id(doctor), sent_to) else { return false };
        let request = named.and_then(|id| self.request(id)).filter(|request| request.is_recorded);
        let asked = request.and_then(|request| request.issuer.as_deref());
        let consumer = self.our_assertion_consumer(doctor, Some(address));
        let is_elsewhere = consumer.is_none_or(|consumer| host(consumer.as_str()) != host(address));
        is_elsewhere && asked.is_some_and(|asked| asked != ours.as_str())
    }

    /// Returns whether the signatures of one more message may be examined.
    pub(crate) fn one_more_autopsy(&self) -> bool {
        let left = self.autopsies.get();
        self.autopsies.set(left.saturating_sub(1));
        left > 0
    }
}

impl Described {
    fn of(entity: &EntityDescription, source: &str, file: usize, is_alone: bool) -> Described {
        let roles = entity.roles();
        let endpoints: Vec<(String, Endpoint)> = roles
            .iter()
            .flat_map(RoleDescription::endpoints)
            .filter_map(|(element, endpoint)| Some((element.clone(), endpoint.as_ref().ok()?.clone())))
            .collect();
        let signing: Vec<EntityKey> = roles.iter().flat_map(RoleDescription::signing_keys).cloned().collect();
        let keys = signing.iter().map(|key| key.fingerprint_sha256().into_bytes());
        let addresses = endpoints
            .iter()
            .map(|(element, endpoint)| format!("{element} {}", endpoint.location()).into_bytes());
        Described {
            source: source.to_owned(),
            file,
            is_alone,
            is_identity_provider: entity.is_identity_provider(),
            substance: keys.chain(addresses).collect(),
            endpoints,
            signing,
        }
    }

    /// Returns whether it receives Responses and is not an identity provider.
    fn is_service(&self) -> bool {
        !self.is_identity_provider && self.endpoints_of("AssertionConsumerService").next().is_some()
    }

    fn endpoints_of(&self, element: &'static str) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.iter().filter(move |(name, _)| name == element).map(|(_, endpoint)| endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::recognise::recognise;

    /// The doctor looks up many identity providers of an aggregate for each failed signature, so each must be read
    /// only once.
    #[test]
    fn an_identity_provider_is_read_once() {
        let okta = vouchsafe_testkit::IdentityProvider::okta();
        let metadata = okta.metadata().unwrap();
        let found = recognise("metadata.xml", metadata.as_bytes(), &vouchsafe_xml::Limits::metadata());
        let surroundings = Surroundings::of(&found);
        let entity_id = EntityId::new(okta.entity_id()).unwrap();
        let first = surroundings.identity_provider(&entity_id).unwrap().unwrap();
        let second = surroundings.identity_provider(&entity_id).unwrap().unwrap();
        assert!(std::ptr::eq(first, second));
        assert_eq!(surroundings.description(&entity_id).unwrap().entity_id(), okta.entity_id());
    }
}
