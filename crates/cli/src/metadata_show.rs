//! `vouchsafe metadata show`: shows roles, endpoints, keys with fingerprints and dates, and extensions.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use vouchsafe::metadata::{
    Endpoint, EntityDescription, EntityId, EntityKey, IdentityProvider, LeftOutEntity, MetadataDescription,
    MetadataError, RoleDescription,
};

use crate::failure::Failure;
use crate::input;
use crate::metadata_show_information::{OfEntity, OfRole};
use crate::output::{Answer, Output};
use crate::text::{Line, Style, Text, counted};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Metadata; - is standard input.
    file: String,
    /// The one entity to show; without it, all of them.
    entity_id: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let bytes = input::bytes(&arguments.file)?;
    let metadata =
        MetadataDescription::read(&bytes).map_err(|error| Failure::unusable(&arguments.file, error))?;
    let wanted = match &arguments.entity_id {
        Some(wanted) => {
            Some(EntityId::new(wanted.as_str()).map_err(|error| Failure::unusable("ENTITY-ID", error))?)
        }
        None => None,
    };
    let is_wanted = |entity_id: &str| wanted.as_ref().is_none_or(|wanted| wanted.as_str() == entity_id);
    let entities: Vec<&EntityDescription> =
        metadata.entities().iter().filter(|entity| is_wanted(entity.entity_id())).collect();
    if let Some(wanted) = wanted.as_ref().filter(|_| entities.is_empty()) {
        // The library reports the missing entity in its own words.
        IdentityProvider::from_metadata_entity(&bytes, wanted).map_err(Failure::refused)?;
    }
    let left_out =
        metadata.left_out().iter().filter(|one| wanted.is_none() || one.entity_id().is_some_and(is_wanted));
    let now = input::now();
    let trust = match entities.as_slice() {
        [one] if one.is_identity_provider() => {
            let read = EntityId::new(one.entity_id())
                .and_then(|id| IdentityProvider::from_metadata_entity(&bytes, &id));
            Some(Trust::of(read.as_ref(), now))
        }
        _ => None,
    };
    // If one entity is shown, its trust section tells what is wrong with it.
    let is_told = trust.is_some();
    let shown = Shown {
        entities: entities.into_iter().map(|one| Entity::of(one, is_told)).collect(),
        left_out: left_out.map(LeftOut::of).collect(),
        identity_provider: trust,
    };
    output.write(&shown, || shown.human())?;
    Ok(Answer::Yes)
}

#[derive(Serialize)]
struct Shown {
    entities: Vec<Entity>,
    /// The entities that cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<LeftOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_provider: Option<Trust>,
}

#[derive(Serialize)]
struct LeftOut {
    /// The position among the entities of the document, from 1.
    place: usize,
    entity_id: Option<String>,
    #[serde(flatten)]
    reason: Reason,
}

#[derive(Serialize)]
struct Reason {
    code: &'static str,
    message: String,
    hint: &'static str,
}

/// Whether the only shown entity can be trusted.
#[derive(Serialize)]
pub(crate) struct Trust {
    usable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
    warnings: Vec<Warning>,
}

#[derive(Serialize)]
struct Warning {
    code: &'static str,
    message: String,
}

#[derive(Serialize)]
pub(crate) struct Entity {
    entity_id: String,
    display_name: Option<String>,
    valid_until: Option<String>,
    extensions: Vec<String>,
    #[serde(flatten)]
    information: OfEntity,
    roles: Vec<Role>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
    /// The reason why one of several entities cannot be trusted as an identity provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Reason>,
}

#[derive(Serialize)]
struct Role {
    role: String,
    protocols: Vec<String>,
    keys: Vec<Key>,
    unreadable_keys: Vec<String>,
    endpoints: Vec<Address>,
    name_id_formats: Vec<String>,
    extensions: Vec<String>,
    #[serde(flatten)]
    information: OfRole,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

#[derive(Serialize)]
struct Key {
    r#use: &'static str,
    /// Null for a key without a certificate.
    subject: Option<String>,
    fingerprint_sha256: String,
    /// `certificate`, or `key` if there is no certificate.
    fingerprint_of: &'static str,
    not_before: Option<String>,
    not_after: Option<String>,
}

#[derive(Serialize)]
struct Address {
    service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u16>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    default: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    unusable: Option<String>,
}

impl Trust {
    pub(crate) fn of(read: Result<&IdentityProvider, &MetadataError>, now: DateTime<Utc>) -> Trust {
        let warnings = read.map(|provider| provider.warnings(now)).unwrap_or_default();
        let expired = read.ok().and_then(|provider| provider.check_validity(now).err());
        let error = read.err().or(expired.as_ref());
        Trust {
            usable: error.is_none(),
            code: error.map(MetadataError::code),
            message: error.map(ToString::to_string),
            hint: error.map(MetadataError::hint),
            warnings: warnings.iter().map(Warning::of).collect(),
        }
    }
}

impl Warning {
    fn of(warning: &vouchsafe::metadata::Warning) -> Warning {
        Warning { code: warning.code(), message: warning.to_string() }
    }
}

impl LeftOut {
    fn of(entity: &LeftOutEntity) -> LeftOut {
        LeftOut {
            place: entity.place(),
            entity_id: entity.entity_id().map(str::to_owned),
            reason: Reason::of(entity.reason()),
        }
    }
}

impl Reason {
    fn of(error: &MetadataError) -> Reason {
        Reason { code: error.code(), message: error.to_string(), hint: error.hint() }
    }
}

impl Entity {
    /// `is_told` states that another section tells why the entity cannot be trusted.
    pub(crate) fn of(entity: &EntityDescription, is_told: bool) -> Entity {
        Entity {
            entity_id: entity.entity_id().to_owned(),
            display_name: entity.display_name().map(str::to_owned),
            valid_until: entity.valid_until().map(instant),
            extensions: entity.extensions().to_vec(),
            information: OfEntity::of(entity),
            roles: entity.roles().iter().map(|role| Role::of(role, entity)).collect(),
            warnings: entity.warnings().iter().map(Warning::of).collect(),
            refused: entity.refusal().filter(|_| !is_told).map(Reason::of),
        }
    }
}

impl Role {
    fn of(role: &RoleDescription, entity: &EntityDescription) -> Role {
        let (signing, encryption) = (role.signing_keys(), role.encryption_keys());
        let signs = signing.iter().map(|key| {
            Key::of(if encryption.contains(key) { "signing and encryption" } else { "signing" }, key)
        });
        let encrypts =
            encryption.iter().filter(|key| !signing.contains(key)).map(|key| Key::of("encryption", key));
        Role {
            role: role.name().to_owned(),
            protocols: role.protocols().to_vec(),
            keys: signs.chain(encrypts).collect(),
            unreadable_keys: role.unreadable_keys().to_vec(),
            endpoints: role.endpoints().iter().map(|(name, endpoint)| Address::of(name, endpoint)).collect(),
            name_id_formats: role.name_id_formats().to_vec(),
            extensions: role.extensions().to_vec(),
            information: OfRole::of(role, entity),
            warnings: role.warnings().iter().map(Warning::of).collect(),
        }
    }
}

impl Key {
    fn of(usage: &'static str, key: &EntityKey) -> Key {
        let date = |seconds: Option<i64>| DateTime::from_timestamp(seconds?, 0).map(instant);
        let certificate = key.certificate();
        Key {
            r#use: usage,
            subject: certificate.map(|certificate| certificate.subject().to_owned()),
            fingerprint_sha256: key.fingerprint_sha256(),
            fingerprint_of: if certificate.is_some() { "certificate" } else { "key" },
            not_before: certificate.and_then(|certificate| date(certificate.not_before())),
            not_after: certificate.and_then(|certificate| date(certificate.not_after())),
        }
    }
}

impl Address {
    fn of(service: &str, endpoint: &Result<Endpoint, String>) -> Address {
        let usable = endpoint.as_ref().ok();
        Address {
            service: service.to_owned(),
            binding: usable.map(|endpoint| endpoint.binding().uri().to_owned()),
            location: usable.map(|endpoint| endpoint.location().to_owned()),
            response_location: usable.and_then(Endpoint::response_location).map(str::to_owned),
            index: usable.and_then(Endpoint::index),
            default: usable.is_some_and(Endpoint::is_default),
            unusable: endpoint.as_ref().err().cloned(),
        }
    }
}

impl Shown {
    fn human(&self) -> Text {
        let mut text = Text::new();
        if self.entities.len() != 1 {
            text.line(counted(self.entities.len(), "entity", "entities"));
        }
        if !self.left_out.is_empty() {
            text.line(format!("{} left out", self.left_out.len()));
        }
        for entity in &self.entities {
            entity.human(&mut text);
        }
        if let Some(trust) = &self.identity_provider {
            trust.human(&mut text);
        }
        for entity in &self.left_out {
            entity.human(&mut text);
        }
        text
    }
}

impl Entity {
    pub(crate) fn human(&self, text: &mut Text) {
        text.push(Line::styled(Style::Title, &self.entity_id));
        row(text, "name", self.display_name.as_deref());
        row(text, "valid until", self.valid_until.as_deref());
        self.information.rows().iter().for_each(|(name, value)| row(text, name, Some(value.as_str())));
        self.extensions.iter().for_each(|name| row(text, "extension", Some(name)));
        self.warnings.iter().for_each(|warning| row(text, "remark", Some(&warning.message)));
        for role in &self.roles {
            role.human(text);
        }
        if let Some(reason) = &self.refused {
            reason.human("cannot be trusted as it stands", text);
        }
    }
}

impl LeftOut {
    fn human(&self, text: &mut Text) {
        let name = self.entity_id.as_deref().unwrap_or("an entity without an entityID");
        text.push(Line::styled(Style::Title, name).then(format!(" (entity {} of the document)", self.place)));
        self.reason.human("is left out", text);
    }
}

impl Reason {
    fn human(&self, verdict: &str, text: &mut Text) {
        let line = Line::of("    ").then_styled(Style::Bad, verdict);
        text.push(line.then(format!(" [{}]: {}", self.code, self.message)));
        text.line(format!("      hint: {}", self.hint));
    }
}

impl Role {
    fn human(&self, text: &mut Text) {
        let protocols = format!(" {}", self.protocols.join(" "));
        text.push(Line::of("  ").then_styled(Style::Title, &self.role).then(protocols));
        for key in &self.keys {
            let Some(subject) = &key.subject else {
                row(text, "key", Some(&format!("{}: a key without a certificate", key.r#use)));
                row(text, "", Some(&format!("SHA-256 of the key {}", key.fingerprint_sha256)));
                continue;
            };
            let dates = [&key.not_before, &key.not_after].map(|date| date.as_deref().unwrap_or("?"));
            row(text, "key", Some(&format!("{}: {subject}", key.r#use)));
            row(text, "", Some(&format!("{} to {}", dates[0], dates[1])));
            row(text, "", Some(&format!("SHA-256 {}", key.fingerprint_sha256)));
        }
        self.unreadable_keys.iter().for_each(|reason| row(text, "no key", Some(reason)));
        for endpoint in &self.endpoints {
            let binding = endpoint.binding.as_deref().unwrap_or_default();
            let short = binding.rsplit(':').next().unwrap_or_default();
            row(
                text,
                &endpoint.service,
                Some(&match &endpoint.unusable {
                    Some(reason) => format!("unusable: {reason}"),
                    None => format!("{short} {}", endpoint.location.as_deref().unwrap_or_default()),
                }),
            );
            row(text, "responses to", endpoint.response_location.as_deref());
        }
        self.name_id_formats.iter().for_each(|format| row(text, "NameIDFormat", Some(format)));
        self.information.rows().iter().for_each(|(name, value)| row(text, name, Some(value.as_str())));
        self.extensions.iter().for_each(|name| row(text, "extension", Some(name)));
        self.warnings.iter().for_each(|warning| row(text, "remark", Some(&warning.message)));
    }
}

impl Trust {
    pub(crate) fn human(&self, text: &mut Text) {
        match (&self.message, self.code) {
            (Some(message), Some(code)) => {
                let verdict = Line::styled(Style::Bad, "cannot be trusted as it stands");
                text.push(verdict.then(format!(" [{code}]: {message}")));
                text.line(format!("  hint: {}", self.hint.unwrap_or_default()));
            }
            _ => text.push(Line::styled(Style::Good, "can be trusted as it stands")),
        }
        for warning in &self.warnings {
            text.line(format!("warning [{}]: {}", warning.code, warning.message));
        }
    }
}

fn row(text: &mut Text, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        text.line(format!("    {name:<26} {value}"));
    }
}

fn instant(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
