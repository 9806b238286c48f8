//! `vouchsafe metadata show`: roles, endpoints, keys with fingerprints and dates, extensions.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use vouchsafe::crypto::Certificate;
use vouchsafe::metadata::{Endpoint, EntityDescription, EntityId, IdentityProvider, RoleDescription};

use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output};
use crate::text::{Line, Style, Text};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Metadata; - is standard input.
    file: String,
    /// The one entity to show; without it, all of them.
    entity_id: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let octets = input::octets(&arguments.file)?;
    let mut all =
        EntityDescription::read_all(&octets).map_err(|error| Failure::unusable(&arguments.file, error))?;
    if let Some(wanted) = &arguments.entity_id {
        let id = EntityId::new(wanted.as_str()).map_err(|error| Failure::unusable("ENTITY-ID", error))?;
        all.retain(|entity| entity.entity_id() == id.as_str());
        if all.is_empty() {
            // The library's own words for it.
            IdentityProvider::from_metadata_entity(&octets, &id).map_err(Failure::refused)?;
        }
    }
    let now = input::now();
    let trust = match all.as_slice() {
        [one] if one.is_identity_provider() => Some(Trust::of(&octets, one.entity_id(), now)),
        _ => None,
    };
    let shown = Shown { entities: all.iter().map(Entity::of).collect(), identity_provider: trust };
    output.write(&shown, || shown.human())?;
    Ok(Answer::Yes)
}

#[derive(Serialize)]
struct Shown {
    entities: Vec<Entity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_provider: Option<Trust>,
}

/// Whether the only entity shown can be trusted as it stands.
#[derive(Serialize)]
struct Trust {
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
struct Entity {
    entity_id: String,
    display_name: Option<String>,
    valid_until: Option<String>,
    extensions: Vec<String>,
    roles: Vec<Role>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

#[derive(Serialize)]
struct Key {
    r#use: &'static str,
    subject: String,
    fingerprint_sha256: String,
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
    fn of(octets: &[u8], entity_id: &str, now: DateTime<Utc>) -> Trust {
        let read =
            EntityId::new(entity_id).and_then(|id| IdentityProvider::from_metadata_entity(octets, &id));
        let warnings = read.as_ref().map(|provider| provider.warnings(now)).unwrap_or_default();
        let error = read.and_then(|provider| provider.check_validity(now)).err();
        Trust {
            usable: error.is_none(),
            code: error.as_ref().map(|error| error.code()),
            message: error.as_ref().map(ToString::to_string),
            hint: error.as_ref().map(|error| error.hint()),
            warnings: warnings.iter().map(Warning::of).collect(),
        }
    }
}

impl Warning {
    fn of(warning: &vouchsafe::metadata::Warning) -> Warning {
        Warning { code: warning.code(), message: warning.to_string() }
    }
}

impl Entity {
    fn of(entity: &EntityDescription) -> Entity {
        Entity {
            entity_id: entity.entity_id().to_owned(),
            display_name: entity.display_name().map(str::to_owned),
            valid_until: entity.valid_until().map(instant),
            extensions: entity.extensions().to_vec(),
            roles: entity.roles().iter().map(Role::of).collect(),
            warnings: entity.warnings().iter().map(Warning::of).collect(),
        }
    }
}

impl Role {
    fn of(role: &RoleDescription) -> Role {
        let (signing, encryption) = (role.signing_certificates(), role.encryption_certificates());
        let signs = signing.iter().map(|certificate| {
            let both = encryption.iter().any(|other| other.der() == certificate.der());
            Key::of(if both { "signing and encryption" } else { "signing" }, certificate)
        });
        let encrypts = encryption
            .iter()
            .filter(|certificate| signing.iter().all(|other| other.der() != certificate.der()))
            .map(|certificate| Key::of("encryption", certificate));
        Role {
            role: role.name().to_owned(),
            protocols: role.protocols().to_vec(),
            keys: signs.chain(encrypts).collect(),
            unreadable_keys: role.unreadable_keys().to_vec(),
            endpoints: role.endpoints().iter().map(|(name, endpoint)| Address::of(name, endpoint)).collect(),
            name_id_formats: role.name_id_formats().to_vec(),
            extensions: role.extensions().to_vec(),
            warnings: role.warnings().iter().map(Warning::of).collect(),
        }
    }
}

impl Key {
    fn of(usage: &'static str, certificate: &Certificate) -> Key {
        let date = |seconds: Option<i64>| DateTime::from_timestamp(seconds?, 0).map(instant);
        Key {
            r#use: usage,
            subject: certificate.subject().to_string(),
            fingerprint_sha256: certificate.fingerprint_sha256(),
            not_before: date(certificate.not_before()),
            not_after: date(certificate.not_after()),
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
            text.line(format!("{} entities", self.entities.len()));
        }
        for entity in &self.entities {
            entity.human(&mut text);
        }
        if let Some(trust) = &self.identity_provider {
            trust.human(&mut text);
        }
        text
    }
}

impl Entity {
    fn human(&self, text: &mut Text) {
        text.push(Line::styled(Style::Title, &self.entity_id));
        row(text, "name", self.display_name.as_deref());
        row(text, "valid until", self.valid_until.as_deref());
        self.extensions.iter().for_each(|name| row(text, "extension", Some(name)));
        self.warnings.iter().for_each(|warning| row(text, "left out", Some(&warning.message)));
        for role in &self.roles {
            role.human(text);
        }
    }
}

impl Role {
    fn human(&self, text: &mut Text) {
        let protocols = format!(" {}", self.protocols.join(" "));
        text.push(Line::of("  ").then_styled(Style::Title, &self.role).then(protocols));
        for key in &self.keys {
            let dates = [&key.not_before, &key.not_after].map(|date| date.as_deref().unwrap_or("?"));
            row(text, "key", Some(&format!("{}: {}", key.r#use, key.subject)));
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
        self.extensions.iter().for_each(|name| row(text, "extension", Some(name)));
        self.warnings.iter().for_each(|warning| row(text, "left out", Some(&warning.message)));
    }
}

impl Trust {
    fn human(&self, text: &mut Text) {
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
