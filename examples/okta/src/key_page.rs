//! The keys of the identity provider: which it uses, which it has announced, and what waits for the owner's approval.

use axum::extract::{Form as Posted, State};
use axum::response::Response;
use chrono::Utc;
use serde::Deserialize;
use vouchsafe::IdentityProvider;
use vouchsafe::metadata::{KeyChanges, KeyEvidence};
use vouchsafe::provisioning::Actor;
use vouchsafe_axum::SignedIn;
use vouchsafe_client::SourceStatus;
use vouchsafe_store::{ConnectionMetadata, KeyHistory as _, StoredConnection};

use crate::app::App;
use crate::connect;
use crate::failure::Failure;
use crate::html::{Form, Page};
use crate::settings::{by, finish, require_owner};

/// A document that the owner has looked at.
#[derive(Deserialize)]
pub(crate) struct Judged {
    connection: String,
    digest: String,
}

/// How far the address may change keys by itself.
#[derive(Deserialize)]
pub(crate) struct Choice {
    connection: String,
    key_changes: KeyChanges,
}

pub(crate) async fn approve(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(Judged { connection, digest }): Posted<Judged>,
) -> Response {
    let act = async |by, it: &StoredConnection| connect::approve(&app, by, it, digest).await;
    change(&app, &signed_in, &connection, act, "approved").await
}

pub(crate) async fn refuse(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(Judged { connection, digest }): Posted<Judged>,
) -> Response {
    let act = async |by, it: &StoredConnection| connect::refuse(&app, by, it, digest).await;
    change(&app, &signed_in, &connection, act, "refused").await
}

pub(crate) async fn end_refusal(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(Judged { connection, digest }): Posted<Judged>,
) -> Response {
    let act = async |by, it: &StoredConnection| connect::end_refusal(&app, by, it, digest).await;
    change(&app, &signed_in, &connection, act, "refusal_ended").await
}

pub(crate) async fn choose(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(Choice { connection, key_changes }): Posted<Choice>,
) -> Response {
    let act = async |by, it: &StoredConnection| connect::choose_key_changes(&app, by, it, key_changes).await;
    change(&app, &signed_in, &connection, act, "key_changes").await
}

/// Changes a connection of the organization, if an owner asks for it.
async fn change(
    app: &App,
    signed_in: &SignedIn,
    connection: &str,
    act: impl AsyncFnOnce(Actor, &StoredConnection) -> Result<(), Failure>,
    said: &str,
) -> Response {
    let outcome = async {
        let snapshot = require_owner(app, signed_in).await?;
        let connection = connect::named(app, &snapshot.organization.id, connection).await?;
        act(by(signed_in), &connection).await
    };
    finish(app, signed_in, outcome.await, said, "").await
}

/// What is known of the keys, how fresh the metadata is, and what waits.
pub(crate) async fn cards(
    page: Page,
    app: &App,
    stored: &StoredConnection,
    identity_provider: &IdentityProvider,
) -> Result<Page, Failure> {
    let now = Utc::now();
    // What the last minute counted is shown as well.
    app.sso.flush_key_history().await?;
    let history = app.store.key_history(&stored.id).await?;
    let evidence = KeyEvidence::of(identity_provider, &history, now);
    let keys: Vec<[String; 4]> = evidence.iter().map(key).collect();
    let status = app.refresh_status().and_then(|status| status.of(&stored.id));
    let page = page.card("Keys of the identity provider", |page| {
        let page = page.table(
            ["Key (SHA-256)", "State", "Sign-ins", "Certificate"],
            &keys,
            "The metadata has no key.",
        );
        let page = page.facts(&[
            ("Metadata", &freshness(status.as_ref(), stored)),
            ("Changes by its address", in_words(stored.settings.metadata.key_changes)),
        ]);
        [KeyChanges::Follow, KeyChanges::Overlap, KeyChanges::Approve]
            .into_iter()
            .filter(|choice| *choice != stored.settings.metadata.key_changes)
            .fold(page, |page, choice| {
                let hidden = [("connection", stored.id.as_str()), ("key_changes", name(choice))];
                page.form(&Form { hidden: &hidden, ..quiet("/settings/keys/changes", in_words(choice)) })
            })
    });
    let page = match &stored.staged {
        Some(staged) => {
            page.card("Newer metadata waits for your approval", |page| waiting(page, stored, staged))
        }
        None => page,
    };
    Ok(match stored.refused.is_empty() {
        true => page,
        false => page.card("Refused metadata", |page| refused(page, stored)),
    })
}

/// The fingerprint, what the identity provider does with the key, what it vouched for, and its certificate; with what somebody should do.
fn key(one: &KeyEvidence) -> [String; 4] {
    let advice = one.advice().map(|advice| format!(". {advice}")).unwrap_or_default();
    let (seen, sign_ins) = match one.sighting() {
        Some(sighting) => {
            let last = sighting
                .last_verified
                .map(|last| last.format(", the last at %Y-%m-%d %H:%M UTC").to_string());
            (
                sighting.first_seen.format(", seen since %Y-%m-%d %H:%M UTC").to_string(),
                format!("{}{}", sighting.verified, last.unwrap_or_default()),
            )
        }
        None => Default::default(),
    };
    let until = one.expires().map(|end| end.format("valid until %Y-%m-%d").to_string());
    let certificate = [until, one.ending()].into_iter().flatten().collect::<Vec<_>>().join("; ");
    [one.fingerprint().to_owned(), format!("{}{seen}{advice}", one.standing()), sign_ins, certificate]
}

fn waiting(page: Page, stored: &StoredConnection, staged: &ConnectionMetadata) -> Page {
    let digest = stored.digest(staged);
    let hidden = [("connection", stored.id.as_str()), ("digest", digest.as_str())];
    let page = page.paragraph(
        "The identity provider's address gives other keys or addresses. Ask its administrator whether they have changed them, and compare the fingerprints by another way than this page. Until you approve it, the present ones go on.",
    )
    .facts(&[
        ("First seen", &staged.fetched_at.format("%Y-%m-%d %H:%M UTC").to_string()),
        ("Digest of what it states", &digest),
    ]);
    let page = match stored.metadata.comparison_with(staged, &stored.identity_provider) {
        Ok(compared) => {
            let page = match &compared.unreadable {
                Some(error) => page.paragraph(&format!(
                    "The present metadata cannot be read, so everything that the newer document states is listed as added. The reason: {error}"
                )),
                None => page,
            };
            let changes: Vec<String> = compared.changes.iter().map(ToString::to_string).collect();
            page.list(&changes).form(&Form {
                hidden: &hidden,
                quiet: false,
                ..quiet("/settings/keys/approve", "Approve these changes")
            })
        }
        // What cannot be shown cannot be approved.
        Err(error) => page.paragraph(&format!("The newer document cannot be read: {error}")),
    };
    page.note("What you refuse is never used, however often the address gives it.")
        .form(&Form { hidden: &hidden, ..quiet("/settings/keys/refuse", "Refuse this document") })
}

fn refused(page: Page, stored: &StoredConnection) -> Page {
    let page = page.paragraph(
        "These documents are not used, and you are not asked about them again, however often the address gives them.",
    );
    stored.refused.iter().rev().fold(page, |page, refused| {
        let hidden = [("connection", stored.id.as_str()), ("digest", refused.digest.as_str())];
        page.facts(&[
            ("Refused", &refused.at.format("%Y-%m-%d %H:%M UTC").to_string()),
            ("Digest of what it states", &refused.digest),
        ])
        .form(&Form { hidden: &hidden, ..quiet("/settings/keys/end-refusal", "End the refusal") })
    })
}

fn freshness(status: Option<&SourceStatus>, stored: &StoredConnection) -> String {
    let Some(status) = status else {
        return format!("as of {}", stored.metadata.fetched_at.format("%Y-%m-%d %H:%M UTC"));
    };
    let confirmed = status.confirmed_at.unwrap_or(stored.metadata.fetched_at).format("%Y-%m-%d %H:%M UTC");
    let next = status.next_attempt.format("%Y-%m-%d %H:%M UTC");
    match &status.last_error {
        Some(error) => {
            format!("as of {confirmed}; {} ({}). It is asked again at {next}.", error.message, error.code)
        }
        None => format!("as of {confirmed}; its address is asked again at {next}"),
    }
}

fn in_words(key_changes: KeyChanges) -> &'static str {
    match key_changes {
        KeyChanges::Overlap => "Ask me before all keys are replaced at once",
        KeyChanges::Approve => "Ask me before a key or an address is added",
        _ => "Follow whatever the address gives",
    }
}

fn name(key_changes: KeyChanges) -> &'static str {
    match key_changes {
        KeyChanges::Overlap => "overlap",
        KeyChanges::Approve => "approve",
        _ => "follow",
    }
}

fn quiet<'a>(action: &'a str, button: &'a str) -> Form<'a> {
    Form { method: "post", action, hidden: &[], inputs: &[], button, quiet: true }
}
