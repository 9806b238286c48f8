//! The differences between a document and a newer one, which a refresh would apply.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use vouchsafe_xml::Quoted;
use vouchsafe_xml::namespace::SAML_PROTOCOL;

use crate::{
    Aggregate, AggregateEntity, Binding, Endpoint, EntityDescription, EntityId, EntityKey, IdentityProvider,
    MetadataError, RoleDescription, statements,
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
    /// Any other statement of the entity: a flag, a NameID format, a name, a category.
    Statement,
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
            ChangeSubject::Statement => "statement",
        }
    }
}

/// One difference between two documents. [`Aggregate::changes_to`] makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataChange {
    /// Shared with the change before it if that is of the same entity, because a large document may have many.
    entity_id: Option<Arc<str>>,
    subject: ChangeSubject,
    before: Option<Box<str>>,
    after: Option<Box<str>>,
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
    /// Returns the changes if a newer document replaces this one: keys, endpoints, dates, scopes and the other statements
    /// of each entity, and entities that are added, are removed, or cannot be read any more. Of an entity that is added,
    /// or that could not be read before, everything is listed. Entities are compared by name, the first of each name; the
    /// order in the document does not matter.
    ///
    /// ```
    /// use vouchsafe_metadata::Aggregate;
    ///
    /// let document = |name: &str| {
    ///     Aggregate::read(format!(
    ///         r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{name}"/>"#
    ///     ))
    /// };
    /// let changes = document("https://a.example")?.changes_to(&document("https://b.example")?);
    /// let shown: Vec<String> = changes.iter().map(ToString::to_string).collect();
    /// assert_eq!(shown, ["entity removed: it can be read", "entity added: it can be read"]);
    /// # Ok::<(), vouchsafe_metadata::MetadataError>(())
    /// ```
    #[must_use]
    pub fn changes_to(&self, newer: &Aggregate) -> Vec<MetadataChange> {
        self.first_changes_to(newer, usize::MAX)
    }

    /// As [`changes_to`](Self::changes_to), but when there are this many changes, further entities are only counted, and the
    /// last change tells their number.
    pub(crate) fn first_changes_to(&self, newer: &Aggregate, most: usize) -> Vec<MetadataChange> {
        let (mut changes, mut further) = (Vec::new(), 0_usize);
        let [before, after] = [self, newer].map(of_the_document);
        push(&mut changes, None, ChangeSubject::ValidUntil, before, after);
        for entity in firsts(self) {
            match counterpart(entity, newer) {
                // Nearly all of a large document.
                Some(newer_entity) if entity.is_same_as(&newer_entity) => {}
                _ if changes.len() >= most => further = further.saturating_add(1),
                Some(newer_entity) => compare(entity, newer_entity, &mut changes),
                None => remove(entity, &mut changes),
            }
        }
        for entity in firsts(newer).filter(|entity| counterpart(*entity, self).is_none()) {
            match changes.len() >= most {
                true => further = further.saturating_add(1),
                false => add(entity, &mut changes),
            }
        }
        if further > 0 {
            let what = format!(
                "{further} further entities were added, removed or replaced, and their changes are not listed"
            );
            push(&mut changes, None, ChangeSubject::Statement, None, Some(what));
        }
        changes
    }

    /// Returns the changes of the whole document and of one entity, as [`changes_to`](Self::changes_to) does. Other entities
    /// are not looked at, however many there are. If there is no document before, everything that the newer one states is
    /// an addition.
    ///
    /// ```
    /// use vouchsafe_metadata::{Aggregate, EntityId};
    ///
    /// let aggregate = Aggregate::read(
    ///     r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://a.example"><md:SPSSODescriptor AuthnRequestsSigned="true"/></md:EntityDescriptor>"#,
    /// )?;
    /// let changes = Aggregate::changes_of(&EntityId::new("https://a.example")?, None, &aggregate);
    /// let all: Vec<String> = changes.iter().map(ToString::to_string).collect();
    /// assert_eq!(all[0], "entity added: it can be read");
    /// assert!(all[1].ends_with("AuthnRequestsSigned: “true”"));
    /// # Ok::<(), vouchsafe_metadata::MetadataError>(())
    /// ```
    #[must_use]
    pub fn changes_of(
        entity_id: &EntityId,
        before: Option<&Aggregate>,
        newer: &Aggregate,
    ) -> Vec<MetadataChange> {
        let mut changes = Vec::new();
        let was = before.and_then(of_the_document);
        push(&mut changes, None, ChangeSubject::ValidUntil, was, of_the_document(newer));
        let known = before.and_then(|before| before.named(entity_id.as_str()));
        match (known, newer.named(entity_id.as_str())) {
            (Some(before), Some(after)) => compare(before, after, &mut changes),
            (Some(before), None) => remove(before, &mut changes),
            (None, Some(after)) => add(after, &mut changes),
            (None, None) => {}
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
        return;
    }
    let id = before.entity_id();
    let read = [before.description(), after.description()];
    let [old_state, new_state] = read.each_ref().map(state);
    push(changes, id, ChangeSubject::Entity, Some(old_state), Some(new_state));
    let [old, Ok(new)] = read else { return };
    let Ok(old) = old else { return add_content(after, &new, changes) };
    let known = changes.len();
    differences(changes, id, ChangeSubject::Key, keys(before, &old), keys(after, &new));
    differences(changes, id, ChangeSubject::Endpoint, endpoints(before, &old), endpoints(after, &new));
    differences(changes, id, ChangeSubject::Scope, scopes(before), scopes(after));
    differences(changes, id, ChangeSubject::Statement, statements(before), statements(after));
    if changes.len() == known && before.content_digest().ok() != after.content_digest().ok() {
        let what = "the order of what it states, or a detail that is not listed".to_owned();
        push(changes, id, ChangeSubject::Statement, None, Some(what));
    }
    // A time that all entities inherit is reported once, for the document.
    let inherited = [(before, &old), (after, &new)]
        .iter()
        .all(|(entity, description)| is_inherited(*entity, description));
    if !inherited {
        let [old, new] = [&old, &new].map(|description| description.valid_until().map(instant));
        push(changes, id, ChangeSubject::ValidUntil, old, new);
    }
}

fn remove(entity: AggregateEntity<'_>, changes: &mut Vec<MetadataChange>) {
    let gone = Some(state(&entity.description()));
    push(changes, entity.entity_id(), ChangeSubject::Entity, gone, None);
}

/// Reports an entity that was not there before, with everything that it states.
fn add(entity: AggregateEntity<'_>, changes: &mut Vec<MetadataChange>) {
    let read = entity.description();
    push(changes, entity.entity_id(), ChangeSubject::Entity, None, Some(state(&read)));
    if let Ok(description) = read {
        add_content(entity, &description, changes);
    }
}

fn add_content(
    entity: AggregateEntity<'_>,
    description: &EntityDescription,
    changes: &mut Vec<MetadataChange>,
) {
    let (id, nothing) = (entity.entity_id(), BTreeSet::new);
    differences(changes, id, ChangeSubject::Key, nothing(), keys(entity, description));
    differences(changes, id, ChangeSubject::Endpoint, nothing(), endpoints(entity, description));
    differences(changes, id, ChangeSubject::Scope, nothing(), scopes(entity));
    differences(changes, id, ChangeSubject::Statement, nothing(), statements(entity));
    if !is_inherited(entity, description) {
        push(changes, id, ChangeSubject::ValidUntil, None, description.valid_until().map(instant));
    }
}

/// Returns whether the entity is valid for as long as the whole document, which has several.
fn is_inherited(entity: AggregateEntity<'_>, description: &EntityDescription) -> bool {
    !entity.is_alone() && entity.document_valid_until() == description.valid_until()
}

fn statements(entity: AggregateEntity<'_>) -> BTreeSet<String> {
    entity.with_element(statements::of).unwrap_or_default()
}

/// Returns the keys: those of the identity provider, as a sign-in uses them, and those of the other roles, of which the
/// first few are described. The text of another role's key says so, because what moves from a role that nobody uses into
/// the used one is a change. The same holds for endpoints.
fn keys(entity: AggregateEntity<'_>, description: &EntityDescription) -> BTreeSet<String> {
    let told = |role: &str, signing: &[EntityKey], encryption: &[EntityKey]| {
        let line = |usage: &str, key: &EntityKey| format!("{role} {usage}: {key}");
        let signing = signing.iter().map(|key| line("signing", key));
        signing.chain(encryption.iter().map(|key| line("encryption", key))).collect::<Vec<_>>()
    };
    let used = entity.with_identity_provider(|provider| {
        told(IDENTITY_PROVIDER, provider.signing_keys(), provider.encryption_keys())
    });
    let others = other_roles(description, used.is_some());
    let others = others.flat_map(|role| told(&role_label(role), role.signing_keys(), role.encryption_keys()));
    others.chain(used.into_iter().flatten()).collect()
}

fn endpoints(entity: AggregateEntity<'_>, description: &EntityDescription) -> BTreeSet<String> {
    let used = entity.with_identity_provider(used_endpoints);
    let is_used = used.is_some();
    let of_role = |role: &RoleDescription| {
        let label = if is_used { format!("{}: ", role_label(role)) } else { String::new() };
        let told = role.endpoints().iter().map(|(name, endpoint)| match endpoint {
            Ok(endpoint) => format!("{label}{}", endpoint_line(name, endpoint)),
            Err(reason) => format!("{label}{name}, which cannot be used: {reason}"),
        });
        told.collect::<Vec<_>>()
    };
    other_roles(description, is_used).flat_map(of_role).chain(used.into_iter().flatten()).collect()
}

/// Returns the endpoints of an identity provider. Of several with one binding, the first is used.
fn used_endpoints(provider: &IdentityProvider) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, all) in provider.services() {
        for (place, endpoint) in all.iter().enumerate() {
            let is_alike = |other: &Endpoint| other.binding() == endpoint.binding();
            let mut line = endpoint_line(name, endpoint);
            let is_first = !all.iter().take(place).any(is_alike);
            if is_first && all.iter().skip(place.saturating_add(1)).any(is_alike) {
                line.push_str(", the first with its binding");
            }
            lines.push(line);
        }
    }
    lines
}

const IDENTITY_PROVIDER: &str = "IDPSSODescriptor";

/// Returns the described roles without the one of the identity provider, if that is read by itself.
fn other_roles(description: &EntityDescription, is_used: bool) -> impl Iterator<Item = &RoleDescription> {
    let is_identity_provider =
        |role: &RoleDescription| role.name() == IDENTITY_PROVIDER && speaks_saml2(role);
    description.roles().iter().filter(move |role| !(is_used && is_identity_provider(role)))
}

fn speaks_saml2(role: &RoleDescription) -> bool {
    role.protocols().iter().any(|protocol| protocol == SAML_PROTOCOL)
}

fn role_label(role: &RoleDescription) -> String {
    match speaks_saml2(role) {
        true => role.name().to_owned(),
        false => format!("{} of other protocols", role.name()),
    }
}

fn endpoint_line(name: &str, endpoint: &Endpoint) -> String {
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
    if before == after {
        return;
    }
    let last = changes.last().and_then(|last| last.entity_id.as_ref());
    let entity_id = entity_id.map(|id| match last {
        Some(last) if **last == *id => Arc::clone(last),
        _ => Arc::from(id),
    });
    let [before, after] = [before, after].map(|value| value.map(String::into_boxed_str));
    changes.push(MetadataChange { entity_id, subject, before, after });
}

fn instant(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_entities_are_counted() {
        let document = |names: [&str; 5], more: &str| {
            let entity = |name: &str| {
                format!("<md:EntityDescriptor entityID='https://{name}.example'>{more}</md:EntityDescriptor>")
            };
            let xml = "<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'>";
            let entities = names.map(entity).concat();
            Aggregate::read(format!("{xml}{entities}</md:EntitiesDescriptor>")).unwrap()
        };
        let before = document(["a", "b", "c", "d", "e"], "");
        let after = document(["a", "b", "c", "d", "f"], "<md:SPSSODescriptor/>");
        let shown = |most| {
            let changes = before.first_changes_to(&after, most);
            changes
                .iter()
                .map(|one| (one.entity_id().map(str::to_owned), one.to_string()))
                .collect::<Vec<_>>()
        };
        let all = shown(usize::MAX);
        assert!(all.iter().all(|(entity, _)| entity.is_some()), "{all:?}");
        let (last, first) =
            shown(1).split_last().map(|(last, first)| (last.clone(), first.to_vec())).unwrap();
        assert_eq!(first, all[..first.len()]);
        assert!(first.iter().all(|(entity, _)| entity.as_deref() == Some("https://a.example")), "{first:?}");
        let further = "statement added: 5 further entities were added, removed or replaced, and their changes are not listed";
        assert_eq!(last, (None, further.to_owned()));
        assert_eq!(before.first_changes_to(&document(["a", "b", "c", "d", "e"], ""), 0), []);
    }
}
