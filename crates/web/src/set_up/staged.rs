//! Newer metadata of an active connection: staged metadata with its changes, and refused metadata.

use chrono::{DateTime, Utc};
use vouchsafe::ConnectionId;
use vouchsafe::metadata::{ChangeSubject, MetadataChange, MetadataError};
use vouchsafe_store::{ConnectionMetadata, MetadataComparison, StoreError, StoredConnection};

use super::connection_facts::certificates;
use super::error::SetUpError;
use super::fields::Fields;
use super::markup::{Form, Markup, Problem, minute};
use super::page::Next;
use super::settings::SetUp;
use super::visit::Visit;

/// The largest number of changes that are shown. A document with more of them cannot be approved here.
const MOST_CHANGES: usize = 200;

impl SetUp {
    /// Adds cards for staged and for refused metadata, if there is any.
    pub(super) fn newer_metadata(
        &self,
        page: Markup,
        active: &StoredConnection,
        visit: &Visit<'_>,
    ) -> Markup {
        let page = match &active.staged {
            Some(staged) => page
                .card("Newer metadata waits for approval", |card| self.waiting(card, active, staged, visit)),
            None => page,
        };
        match active.refused.is_empty() {
            true => page,
            false => page.card("Refused metadata", |card| self.refused_metadata(card, active, visit)),
        }
    }

    fn waiting(
        &self,
        card: Markup,
        active: &StoredConnection,
        staged: &ConnectionMetadata,
        visit: &Visit<'_>,
    ) -> Markup {
        let digest = active.digest(staged);
        let is_usable = visit.parsed.get(&active.id).is_some_and(|parsed| {
            let present = parsed.connection.as_ref();
            present.is_ok_and(|present| present.identity_provider().check_validity(visit.now).is_ok())
        });
        let until = match is_usable {
            true => "Until it is approved, people sign in with the present ones.",
            false => {
                "The present metadata has ended, so nobody can sign in until newer metadata is approved or given."
            }
        };
        let card = card
            .paragraph(&format!(
                "The address of your metadata gives a document with other keys or addresses. {until}"
            ))
            .facts(&[
                ("Address", staged.source.url().unwrap_or_default()),
                ("Last fetched", &minute(staged.fetched_at)),
                ("Digest of what it states", &digest),
            ]);
        let Some(parsed) = visit.parsed.get(&active.id).and_then(|parsed| parsed.staged.as_ref()) else {
            return card;
        };
        let card = match parsed.reason {
            Some(reason) => card.paragraph(&format!("It waits because {reason}.")),
            None => card,
        };
        let (card, shows_all) = changes(card, &parsed.compared);
        let shows_why = parsed.reason.is_none() || parsed.compared.as_ref().is_ok_and(adds_something);
        let (card, may_be_approved) = match &parsed.identity_provider {
            Ok(described) => {
                let present = visit.parsed.get(&active.id).and_then(|parsed| parsed.connection.as_ref().ok());
                let known = present.map_or_else(Vec::new, |present| {
                    certificates(present.identity_provider(), None, visit.now)
                });
                let mut keys = certificates(described, None, visit.now);
                for [fingerprint, _, state] in &mut keys {
                    if !known.iter().any(|[known, ..]| known == fingerprint) {
                        *state = format!("new; {state}");
                    }
                }
                let heads = ["Certificate (SHA-256)", "Valid until", "State"];
                let card = card.table("Certificates of the newer metadata", heads, &keys);
                (card, shows_all && shows_why)
            }
            Err(error) => (card.problem(&Problem::of(error, visit.console(), None)), false),
        };
        let named = |form: Form| form.hidden("connection", active.id.as_str()).hidden("digest", &digest);
        let card = match may_be_approved {
            true => card
                .note(
                    "Approve the changes if you made them, and if your console shows the same fingerprints.",
                )
                .form(&self.at("staged/approve"), &visit.form_token, |form| {
                    named(form).button("Approve these changes")
                }),
            false => card,
        };
        card.note("If the changes are not yours, refuse the document: what it states is then never used, however often the address gives it.")
            .form(&self.at("staged/refuse"), &visit.form_token, |form| {
                named(form).quiet_button("Refuse this document")
            })
    }

    fn refused_metadata(&self, card: Markup, active: &StoredConnection, visit: &Visit<'_>) -> Markup {
        let card = card.paragraph(
            "These documents are not used, and you are not asked about them again, however often the address gives them.",
        );
        let holder = visit.author().actor;
        active.refused.iter().rev().fold(card, |card, refused| {
            let card = card.facts(&[
                ("Refused", &minute(refused.at)),
                ("Digest of what it states", &refused.digest),
            ]);
            if !refused.may_be_ended_by(&holder) {
                return card.note("An owner of the organization or the operator of the service refused it, and ends the refusal.");
            }
            card.form(&self.at("staged/judge-again"), &visit.form_token, |form| {
                form.hidden("connection", active.id.as_str())
                    .hidden("digest", &refused.digest)
                    .quiet_button("End the refusal")
            })
        })
    }

    /// Approves or refuses the staged document, or ends a refusal. The form names the document that the page showed.
    pub(super) async fn act_on_staged(
        &self,
        visit: &Visit<'_>,
        step: &str,
        fields: &Fields,
    ) -> Result<Next, SetUpError> {
        let connection = named(visit, fields)?;
        let digest = fields.given("digest").unwrap_or_default().to_owned();
        let (organization, link) = (&visit.organization.id, &visit.link.id);
        let what = step.strip_prefix("staged/").unwrap_or_default();
        let (id, by) = (connection.clone(), visit.author().actor);
        match what {
            "approve" => self.decide(visit, move |it, now| it.approve_metadata(&id, &digest, now)).await?,
            "refuse" => {
                self.decide(visit, move |it, now| it.refuse_metadata(&id, &digest, by.clone(), now)).await?
            }
            "judge-again" => {
                self.decide(visit, move |it, _| it.end_metadata_refusal(&id, &digest, &by)).await?
            }
            _ => return Err(SetUpError::StepUnknown),
        };
        tracing::info!(link, %organization, %connection, what, "newer metadata judged by a set-up link");
        Ok(Next::Step(""))
    }
}

/// Returns the active connection that a form names.
fn named(visit: &Visit<'_>, fields: &Fields) -> Result<ConnectionId, SetUpError> {
    let name = fields.given("connection").and_then(|name| ConnectionId::new(name).ok());
    let name = name.ok_or(SetUpError::Form)?;
    let found = visit.active().find(|active| active.id == name);
    Ok(found.ok_or_else(|| StoreError::connection_unknown(&name))?.id.clone())
}

/// Adds the changes that the newer document would make. Returns whether all of them are shown.
fn changes(card: Markup, compared: &Result<MetadataComparison, MetadataError>) -> (Markup, bool) {
    let compared = match compared {
        Ok(compared) => compared,
        // Nothing can be shown of it.
        Err(error) => return (card.paragraph(&format!("The newer document cannot be read: {error}")), false),
    };
    let card = match &compared.unreadable {
        Some(error) => card.paragraph(&format!(
            "The present metadata cannot be read, so the two documents cannot be compared. Everything that the newer document states is listed as added. The reason: {error}"
        )),
        None => card,
    };
    let changes = &compared.changes;
    let rows: Vec<[String; 2]> = changes.iter().take(MOST_CHANGES).map(row).collect();
    let card = match rows.is_empty() {
        true => card.paragraph("It changes nothing that this service reads."),
        false => card.table("What would change", ["What", "Value"], &rows),
    };
    match changes.len().saturating_sub(rows.len()) {
        0 => (card, true),
        more => {
            let text = format!(
                "{more} more changes are not shown, so the document cannot be approved here. Compare the documents with \
                 `vouchsafe metadata diff`, and give the metadata as a file if the changes are yours."
            );
            (card.note(&text), false)
        }
    }
}

/// Returns whether one of the changes can be the reason why the document waits: a key, an address or a scope that it adds.
fn adds_something(compared: &MetadataComparison) -> bool {
    compared.changes.iter().any(|change| {
        let is_trust = matches!(
            change.subject(),
            ChangeSubject::Key | ChangeSubject::Endpoint | ChangeSubject::Scope | ChangeSubject::Entity
        );
        is_trust && change.after().is_some()
    })
}

fn row(change: &MetadataChange) -> [String; 2] {
    let what = match change.subject() {
        ChangeSubject::Key => "Key",
        ChangeSubject::Endpoint => "Address",
        ChangeSubject::Scope => "Scope",
        ChangeSubject::ValidUntil => "Valid until",
        ChangeSubject::Statement => "Statement",
        _ => "Identity provider",
    };
    let told = |value: &str| match change.subject() {
        ChangeSubject::ValidUntil => {
            value.parse().map_or_else(|_| value.to_owned(), |time: DateTime<Utc>| minute(time))
        }
        // The bindings of SAML 2.0 are known by their last words.
        ChangeSubject::Endpoint => value.replace("urn:oasis:names:tc:SAML:2.0:bindings:", ""),
        _ => value.to_owned(),
    };
    let (verb, value) = match (change.before(), change.after()) {
        (None, after) => ("added", told(after.unwrap_or_default())),
        (Some(before), None) => ("removed", told(before)),
        (Some(before), Some(after)) => ("changed", format!("{} becomes {}", told(before), told(after))),
    };
    let value = match (change.subject(), change.entity_id()) {
        (ChangeSubject::Entity, Some(entity_id)) => format!("{entity_id}: {value}"),
        _ => value,
    };
    [format!("{what} {verb}"), value]
}
