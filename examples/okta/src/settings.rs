//! The organization's settings, for its owner: single sign-on, what to enter at the identity provider, members, what changed.

use axum::extract::{Form as Posted, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use vouchsafe::IdentityProvider;
use vouchsafe::metadata::{Binding, WebAddress};
use vouchsafe::provisioning::{Role, Snapshot};
use vouchsafe_axum::SignedIn;
use vouchsafe_store::{AuditRecord, ConnectionMetadata, Directory};

use crate::app::App;
use crate::failure::Failure;
use crate::html::{Form, Input, Page};
use crate::{connect, members};

pub(crate) async fn page(State(app): State<App>, signed_in: SignedIn) -> Response {
    show(&app, &signed_in, Message::None).await
}

#[derive(Deserialize)]
pub(crate) struct Address {
    metadata_url: String,
}

/// Metadata URL in, token out: the conversion.
pub(crate) async fn connect(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(address): Posted<Address>,
) -> Response {
    let outcome = async {
        let snapshot = require_owner(&app, &signed_in).await?;
        connect::convert(&app, &snapshot.organization.id, &address.metadata_url).await
    };
    show(&app, &signed_in, Message::token(outcome.await)).await
}

pub(crate) async fn rotate_token(State(app): State<App>, signed_in: SignedIn) -> Response {
    let outcome = async {
        let snapshot = require_owner(&app, &signed_in).await?;
        connect::rotate_token(&app, &snapshot.organization.id).await
    };
    show(&app, &signed_in, Message::token(outcome.await)).await
}

pub(crate) async fn reload(State(app): State<App>, signed_in: SignedIn) -> Response {
    let outcome = async {
        let snapshot = require_owner(&app, &signed_in).await?;
        connect::reload(&app, &snapshot.organization.id).await
    };
    let message = outcome
        .await
        .map_or_else(|failure: Failure| Message::Problem(failure.to_string()), |()| Message::Reloaded);
    show(&app, &signed_in, message).await
}

/// The end of SAML single sign-on for the organization.
pub(crate) async fn disconnect(State(app): State<App>, signed_in: SignedIn) -> Response {
    let outcome = async {
        let snapshot = require_owner(&app, &signed_in).await?;
        connect::disconnect(&app, &snapshot.organization.id).await
    };
    let message = outcome
        .await
        .map_or_else(|failure: Failure| Message::Problem(failure.to_string()), |()| Message::Disconnected);
    show(&app, &signed_in, message).await
}

pub(crate) async fn encryption_certificate(State(app): State<App>) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/x-pem-file"),
        (CONTENT_DISPOSITION, "attachment; filename=\"loadbench-encryption.pem\""),
    ];
    (headers, app.encryption_certificate.to_pem()).into_response()
}

/// The organization of whoever is signed in, if they own it.
pub(crate) async fn require_owner(app: &App, signed_in: &SignedIn) -> Result<Snapshot, Failure> {
    let session = signed_in.session();
    let snapshot = app.store.whole(&session.organization).await?;
    let owner = snapshot
        .account(&session.account)
        .is_some_and(|account| account.is_active() && account.role == Role::Owner);
    if owner { Ok(snapshot) } else { Err(Failure::new("The settings are for the organization's owner.")) }
}

/// What the page says first.
enum Message {
    None,
    Token(String),
    Reloaded,
    Disconnected,
    Problem(String),
}

impl Message {
    fn token(outcome: Result<String, Failure>) -> Message {
        outcome.map_or_else(|failure| Message::Problem(failure.to_string()), Message::Token)
    }
}

async fn show(app: &App, signed_in: &SignedIn, message: Message) -> Response {
    let problem = matches!(message, Message::Problem(_));
    match build(app, signed_in, message).await {
        Ok(page) if problem => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
        Ok(page) => page.into_response(),
        Err(failure) => failure.into_response(),
    }
}

async fn build(app: &App, signed_in: &SignedIn, message: Message) -> Result<Page, Failure> {
    let snapshot = require_owner(app, signed_in).await?;
    let id = &snapshot.organization.id;
    let connection = connect::active(app, id).await?;
    let audit = app.store.audit(id).await?;
    let owner = snapshot
        .account(&signed_in.session().account)
        .map(|account| account.email.clone())
        .unwrap_or_default();
    let mut page = Page::new("Organization settings")
        .navigation(&owner, true)
        .heading(&format!("{}: organization settings", snapshot.organization.name));
    page = announced(page, message);
    page = match &connection {
        Some(stored) => match stored.to_connection() {
            Ok(connection) => connected(page, connection.identity_provider(), &stored.metadata, Utc::now()),
            Err(reason) => unusable(page, &Failure::from(reason)),
        },
        None => unconnected(page),
    };
    page = console_values(page, app);
    page = members::card(page, &snapshot);
    Ok(changes(page, &audit))
}

fn announced(page: Page, message: Message) -> Page {
    match message {
        Message::None => page,
        Message::Problem(text) => page.problem(&text),
        Message::Reloaded => page.note("The metadata was loaded again."),
        Message::Disconnected => page.note("The identity provider is disconnected, and its token is revoked."),
        Message::Token(token) => page.card("Your organization's token", |page| {
            page.paragraph(
                "Paste it into the app's Advanced Sign-on Settings as \"token\". It is shown this once; we keep nothing but its hash.",
            )
            .secret("token", &token)
        }),
    }
}

fn unconnected(page: Page) -> Page {
    page.card("SAML single sign-on", |page| {
        page.paragraph(
            "Connect your identity provider. In Okta: open the app, Sign On tab, and copy the Metadata URL.",
        )
        .form(&Form {
            method: "post",
            action: "/settings/connect",
            hidden: &[],
            inputs: &[Input {
                name: "metadata_url",
                label: "Metadata URL",
                kind: "url",
                placeholder: "https://your-organization.okta.com/app/your-app-id/sso/saml/metadata",
            }],
            button: "Convert to a SAML organization",
            quiet: false,
        })
    })
}

fn connected(
    page: Page,
    identity_provider: &IdentityProvider,
    metadata: &ConnectionMetadata,
    now: DateTime<Utc>,
) -> Page {
    let keys: Vec<String> = identity_provider
        .signing_certificates()
        .iter()
        .map(|certificate| certificate.fingerprint_sha256())
        .collect();
    let source = metadata.source.url().unwrap_or("none: it was uploaded");
    let loaded = metadata.fetched_at.format("%Y-%m-%d %H:%M UTC").to_string();
    let warnings: Vec<String> = identity_provider.warnings(now).iter().map(ToString::to_string).collect();
    page.card("SAML single sign-on", |page| {
        let page = page.facts(&[
            ("Identity provider", identity_provider.entity_id().as_str()),
            (
                "Sign-on address",
                identity_provider
                    .single_sign_on_at(&Binding::HttpRedirect)
                    .map_or("none", WebAddress::as_str),
            ),
            ("Signing keys (SHA-256)", &keys.join(", ")),
            ("Metadata URL", source),
            ("Metadata loaded", &loaded),
        ]);
        let page = if warnings.is_empty() { page } else { page.list(&warnings) };
        page.form(&button("/settings/reload", "Load the metadata again"))
            .form(&button("/settings/token", "Issue another token"))
            .form(&button("/settings/disconnect", "Disconnect"))
    })
}

/// The connection is there, and its metadata cannot be used: nobody signs in over it until that is corrected.
fn unusable(page: Page, reason: &Failure) -> Page {
    page.card("SAML single sign-on", |page| {
        page.problem(&format!("Nobody can sign in over the connection: {reason}"))
            .form(&button("/settings/reload", "Load the metadata again"))
            .form(&button("/settings/disconnect", "Disconnect"))
    })
}

fn button<'a>(action: &'a str, button: &'a str) -> Form<'a> {
    Form { method: "post", action, hidden: &[], inputs: &[], button, quiet: true }
}

/// What the customer's admin types into Okta's console, field by field.
fn console_values(page: Page, app: &App) -> Page {
    let service_provider = app.service_provider();
    page.card("Values for your identity provider", |page| {
        page.facts(&[
            ("Single sign-on URL", service_provider.assertion_consumer()),
            ("Audience URI (SP Entity ID)", service_provider.entity_id().as_str()),
            ("Name ID format", "EmailAddress"),
            ("Response and assertion", "Signed, RSA-SHA256"),
            ("Assertion encryption", "Encrypted, AES256-CBC or AES256-GCM, RSA-OAEP"),
            ("Encryption certificate", &format!("{}/settings/encryption-certificate.pem", app.base_url)),
            ("Attribute statements", "user.email, user.username, user.first_name, user.last_name, token"),
            ("Group attribute statement", "groups, matches regex .*"),
        ])
    })
}

fn changes(page: Page, audit: &[AuditRecord]) -> Page {
    let rows: Vec<[String; 3]> = audit
        .iter()
        .rev()
        .take(20)
        .map(|record| {
            [
                record.at.format("%Y-%m-%d %H:%M:%S").to_string(),
                record.change.clone(),
                record.rule.to_string(),
            ]
        })
        .collect();
    page.card("What changed", |page| page.table(["When (UTC)", "Change", "Rule"], &rows, "Nothing yet."))
}
