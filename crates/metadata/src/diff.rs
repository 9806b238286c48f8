//! The differences between a document and a newer one, which a refresh would apply.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use vouchsafe_xml::Quoted;

use crate::{
    Aggregate, AggregateEntity, Binding, EntityDescription, IdentityProvider, MetadataError, RoleDescription,
};

/// The subject of a [`MetadataChange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ChangeSubject {
    /// The entity itself: it is added, is removed, or cannot be read any more.
    Entity,
    /// A key.
    Key,
    /// An endpoint.
    Endpoint,
    /// The attribute `validUntil`.
    ValidUntil,
    /// A `shibmd:Scope`.
    Scope,
}

impl ChangeSubject {
    /// Returns the subject in one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeSubject::Entity => "entity",
            ChangeSubject::Key => "key",
            ChangeSubject::Endpoint => "endpoint",
            ChangeSubject::ValidUntil => "valid_until",
            ChangeSubject::Scope => "scope",
        }
    }
}

/// One difference between two documents. [`Aggregate::changes_to`] makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataChange {
    entity_id: Option<String>,
    subject: ChangeSubject,
    before: Option<String>,
    after: Option<String>,
}

impl MetadataChange {
    /// Returns the entity that changes; `None` if the document changes.
    #[must_use]
    pub fn entity_id(&self) -> Option<&str> {
        self.entity_id.as_deref()
    }

    /// Returns the subject of the change.
    #[must_use]
    pub fn subject(&self) -> ChangeSubject {
        self.subject
    }

    /// Returns the value before; `None` if it is added.
    #[must_use]
    pub fn before(&self) -> Option<&str> {
        self.before.as_deref()
    }

    /// Returns the value after; `None` if it is removed.
    #[must_use]
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }
}

impl fmt::Display for MetadataChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subject.as_str();
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "{subject} added: {after}"),
            (Some(before), None) => write!(f, "{subject} removed: {before}"),
            (before, after) => {
                let [before, after] = [before, after].map(|value| value.as_deref().unwrap_or("none"));
                write!(f, "{subject} changed: {before} becomes {after}")
            }
        }
    }
}

impl Aggregate {
    /// Returns the changes if a newer document replaces this one: keys, endpoints, dates and scopes of each entity,
    /// and entities that are added, are removed, or cannot be read any more. Entities are compared by name, the first
    /// of each name; the order in the document does not matter.
    ///
    /// ```
    /// use vouchsafe_metadata::Aggregate;
    ///
    /// let document = |name: &str| {
    ///     Aggregate::read(format!(
    ///         r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{name}"><md:SPSSODescriptor/></md:EntityDescriptor>"#
    ///     ))
    /// };
    /// let changes = document("https://a.example")?.changes_to(&document("https://b.example")?);
    /// let shown: Vec<String> = changes.iter().map(ToString::to_string).collect();
    /// assert_eq!(shown, ["entity removed: it can be read", "entity added: it can be read"]);
    /// # Ok::<(), vouchsafe_metadata::MetadataError>(())
    /// ```
    #[must_use]
    pub fn changes_to(&self, newer: &Aggregate) -> Vec<MetadataChange> {
        let mut changes = Vec::new();
        let [before, after] = [self, newer].map(of_the_document);
        push(&mut changes, None, ChangeSubject::ValidUntil, before, after);
        for entity in firsts(self) {
            match counterpart(entity, newer) {
                Some(newer_entity) => compare(entity, newer_entity, &mut changes),
                None => {
                    let gone = Some(state(&entity.description()));
                    push(&mut changes, entity.entity_id(), ChangeSubject::Entity, gone, None);
                }
            }
        }
        for entity in firsts(newer).filter(|entity| counterpart(*entity, self).is_none()) {
            let come = Some(state(&entity.description()));
            push(&mut changes, entity.entity_id(), ChangeSubject::Entity, None, come);
        }
        changes
    }
}

/// Returns the entities that are used, the first of each name.
fn firsts(aggregate: &Aggregate) -> impl Iterator<Item = AggregateEntity<'_>> {
    aggregate.entities().filter(|entity| entity.entity_id().is_some() && entity.first_of_name().is_none())
}

/// Returns the entity with the same text as its name, even if that is not a valid entity ID.
fn counterpart<'a>(entity: AggregateEntity<'_>, other: &'a Aggregate) -> Option<AggregateEntity<'a>> {
    other.named(entity.entity_id()?)
}

/// Returns `validUntil` of a document with several entities. For a document of one entity, it is reported with the
/// entity.
fn of_the_document(aggregate: &Aggregate) -> Option<String> {
    (!aggregate.is_one_entity()).then(|| aggregate.valid_until().ok().flatten().map(instant))?
}

/// Returns whether it can be read, or why it cannot.
fn state(read: &Result<EntityDescription, MetadataError>) -> String {
    match read {
        Ok(description) => match description.refusal() {
            Some(error) => format!("it cannot be trusted as an identity provider: {error}"),
            None => "it can be read".to_owned(),
        },
        Err(error) => format!("it cannot be read: {error}"),
    }
}

fn compare(before: AggregateEntity<'_>, after: AggregateEntity<'_>, changes: &mut Vec<MetadataChange>) {
    if before.is_same_as(&after) {
        return; // nearly all of a large document
    }
    let id = before.entity_id();
    let read = [before.description(), after.description()];
    let [old_state, new_state] = read.each_ref().map(state);
    push(changes, id, ChangeSubject::Entity, Some(old_state), Some(new_state));
    let [Ok(old), Ok(new)] = read else { return };
    differences(changes, id, ChangeSubject::Key, keys(&old), keys(&new));
    differences(changes, id, ChangeSubject::Endpoint, endpoints(&old), endpoints(&new));
    differences(changes, id, ChangeSubject::Scope, scopes(before), scopes(after));
    // A time that all entities inherit is reported once, for the document.
    let inherited = [(before, &old), (after, &new)].iter().all(|(entity, description)| {
        !entity.is_alone() && entity.document_valid_until() == description.valid_until()
    });
    if !inherited {
        let [old, new] = [&old, &new].map(|description| description.valid_until().map(instant));
        push(changes, id, ChangeSubject::ValidUntil, old, new);
    }
}

fn keys(description: &EntityDescription) -> BTreeSet<String> {
    let of_role = |role: &RoleDescription| {
        let shown = |usage: &str, key: &dyn fmt::Display| format!("{} {usage}: {key}", role.name());
        let signing = role.signing_keys().iter().map(|key| shown("signing", key));
        signing.chain(role.encryption_keys().iter().map(|key| shown("encryption", key))).collect::<Vec<_>>()
    };
    description.roles().iter().flat_map(of_role).collect()
}

fn endpoints(description: &EntityDescription) -> BTreeSet<String> {
    let of_role = |role: &RoleDescription| {
        let told = role.endpoints().iter().map(|(name, endpoint)| match endpoint {
            Ok(endpoint) => {
                let mut text = format!("{name} {} {}", shown(endpoint.binding()), endpoint.location());
                if let Some(responses) = endpoint.response_location() {
                    text.push_str(&format!(", responses to {responses}"));
                }
                if let Some(index) = endpoint.index() {
                    text.push_str(&format!(", index {index}"));
                }
                if endpoint.is_default() {
                    text.push_str(", default");
                }
                text
            }
            Err(reason) => format!("{name}, which cannot be used: {reason}"),
        });
        told.collect::<Vec<_>>()
    };
    description.roles().iter().flat_map(of_role).collect()
}

/// Returns a binding for a line of a log: the text of an unknown one is quoted, because it can be anything.
fn shown(binding: &Binding) -> String {
    match binding {
        Binding::Other(uri) => Quoted::new(uri).to_string(),
        known => known.to_string(),
    }
}

/// Returns the scopes of an identity provider. Scopes of other entities are not used.
fn scopes(entity: AggregateEntity<'_>) -> BTreeSet<String> {
    let shown = |provider: &IdentityProvider| {
        let scopes = provider.scopes().iter().map(|scope| {
            let kind = if scope.is_pattern() { "pattern " } else { "" };
            format!("{kind}{}", Quoted::new(scope.value()))
        });
        scopes.collect()
    };
    // It is not kept, because there may be thousands of entities.
    entity.with_identity_provider(shown).unwrap_or_default()
}

/// Reports the values that are in only one of the sets.
fn differences(
    changes: &mut Vec<MetadataChange>,
    entity_id: Option<&str>,
    subject: ChangeSubject,
    old: BTreeSet<String>,
    new: BTreeSet<String>,
) {
    for removed in old.difference(&new) {
        push(changes, entity_id, subject, Some(removed.clone()), None);
    }
    for added in new.difference(&old) {
        push(changes, entity_id, subject, None, Some(added.clone()));
    }
}

fn push(
    changes: &mut Vec<MetadataChange>,
    entity_id: Option<&str>,
    subject: ChangeSubject,
    before: Option<String>,
    after: Option<String>,
) {
    if before != after {
        changes.push(MetadataChange { entity_id: entity_id.map(str::to_owned), subject, before, after });
    }
}

fn instant(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
