//! The keys of the identity provider: which it uses, which it has announced, and what waits for the owner's approval.

use axum::extract::{Form as Posted, State};
use axum::response::Response;
use chrono::Utc;
use serde::Deserialize;
use vouchsafe::IdentityProvider;
use vouchsafe::metadata::{Aggregate, KeyChanges, KeyEvidence};
use vouchsafe_axum::SignedIn;
use vouchsafe_client::SourceStatus;
use vouchsafe_store::{KeyHistory as _, StoredConnection};

use crate::app::App;
use crate::connect;
use crate::failure::Failure;
use crate::html::{Form, Page};
use crate::settings::{by, finish, require_owner};

/// Metadata that the owner has looked at.
#[derive(Deserialize)]
pub(crate) struct Approval {
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
    Posted(approval): Posted<Approval>,
) -> Response {
    let outcome = async {
        let snapshot = require_owner(&app, &signed_in).await?;
        let connection = connect::named(&app, &snapshot.organization.id, &approval.connection).await?;
        connect::approve(&app, by(&signed_in), &connection, approval.digest).await
    };
    finish(&app, &signed_in, outcome.await, "approved", "").await
}

pub(crate) async fn choose(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(choice): Posted<Choice>,
) -> Response {
    let outcome = async {
        let snapshot = require_owner(&app, &signed_in).await?;
        let connection = connect::named(&app, &snapshot.organization.id, &choice.connection).await?;
        connect::choose_key_changes(&app, by(&signed_in), &connection, choice.key_changes).await
    };
    finish(&app, &signed_in, outcome.await, "key_changes", "").await
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
    let mut keys: Vec<String> = Vec::new();
    for one in &evidence {
        let advice = one.advice().map(|advice| format!(" {advice}")).unwrap_or_default();
        let seen =
            one.sighting().map(|sighting| sighting.first_seen.format(" First seen %Y-%m-%d %H:%M UTC."));
        let seen = seen.map(|seen| seen.to_string()).unwrap_or_default();
        keys.push(format!("{}: {one}.{seen}{advice}", one.fingerprint()));
    }
    let status = app.refresh_status().and_then(|status| status.of(&stored.id));
    let page = page.card("Keys of the identity provider", |page| {
        let page = page.list(&keys);
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
    Ok(match &stored.staged {
        Some(staged) => {
            let digest = staged.digest();
            let waits = [&stored.metadata, staged].map(|metadata| Aggregate::read(&*metadata.document));
            let changes: Vec<String> = match &waits {
                [Ok(known), Ok(newer)] => known.changes_to(newer).iter().map(ToString::to_string).collect(),
                _ => vec!["what is known cannot be read".to_owned()],
            };
            page.card("Newer metadata waits for your approval", |page| {
                let hidden = [("connection", stored.id.as_str()), ("digest", digest.as_str())];
                page.paragraph(
                    "The identity provider's address gives other keys or addresses. Ask its administrator whether they have changed them, and compare the fingerprints by another way than this page. Until you approve it, the present ones go on.",
                )
                .list(&changes)
                .form(&Form { hidden: &hidden, quiet: false, ..quiet("/settings/keys/approve", "Approve these changes") })
            })
        }
        None => page,
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
