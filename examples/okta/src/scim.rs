//! The page with the SCIM base address and the tokens of the organization's connection.

use axum::extract::{Form as Posted, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use vouchsafe::ConnectionId;
use vouchsafe::provisioning::{Actor, OrganizationId, OrganizationToken};
use vouchsafe_axum::SignedIn;
use vouchsafe_store::{Author, ScimStore, ScimToken, StoredConnection};

use crate::app::App;
use crate::failure::Failure;
use crate::html::{Form, Page};
use crate::{connect, settings, signals};

/// Where the SCIM endpoints are.
pub(crate) const PATH: &str = "/scim/v2";

/// How long the tokens of before go on working after another was issued.
const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// Issues a SCIM token for the connection over which the organization signs in. It exists once, in the answer.
pub(crate) async fn issue(app: &App, by: Actor, id: &OrganizationId) -> Result<String, Failure> {
    let connection = connection(app, id).await?;
    let provider = app.service_provider().provider();
    let token = OrganizationToken::issue(provider)?;
    let now = Utc::now();
    let record = ScimToken::new(token.hash(provider)?, id.clone(), connection, now);
    let end = now.checked_add_signed(OVERLAP).unwrap_or(now);
    app.store.add_scim_token(&record, Some(end), &Author::new(by, now)).await?;
    Ok(token.reveal())
}

pub(crate) async fn connection(app: &App, id: &OrganizationId) -> Result<ConnectionId, Failure> {
    Ok(stored_connection(app, id).await?.id)
}

async fn stored_connection(app: &App, id: &OrganizationId) -> Result<StoredConnection, Failure> {
    let active = connect::active(app, id).await?;
    active.ok_or_else(|| Failure::new("Connect an identity provider first."))
}

pub(crate) async fn page(State(app): State<App>, signed_in: SignedIn) -> Response {
    match build(&app, &signed_in).await {
        Ok(page) => page.into_response(),
        Err(failure) => failure.into_response(),
    }
}

async fn build(app: &App, signed_in: &SignedIn) -> Result<Page, Failure> {
    let snapshot = settings::require_owner(app, signed_in).await?;
    let id = &snapshot.organization.id;
    let base = app.scim.base();
    let mut page = Page::new("Provisioning by SCIM")
        .navigation(&settings::email_of(&snapshot, signed_in), true)
        .heading("Provisioning by SCIM");
    if let Some(token) = app.fresh_tokens.find(&fresh(signed_in)) {
        page = page.card("Your SCIM token", |page| {
            page.paragraph(
                "In Okta: Provisioning, Integration, API Token. In Entra ID: Provisioning, Secret Token.",
            )
            .secret("scim-token", &token)
            .note("We keep its hash alone. This page shows it for 15 minutes, in this browser.")
        });
    }
    let active = stored_connection(app, id).await?;
    let tokens = app.store.scim_tokens(&active.id).await?;
    let rows: Vec<[String; 5]> = tokens.iter().map(row).collect();
    page = page
        .card("What to enter at your identity provider", |page| {
            page.facts(&[
                ("SCIM connector base URL", base),
                ("Unique identifier field for users", "userName"),
                ("Authentication mode", "HTTP Header (bearer token)"),
            ])
        })
        .card("Tokens", |page| {
            page.table(["Token", "Issued", "Works until", "Last used", "State"], &rows, "None yet.").form(
                &Form {
                    method: "post",
                    action: "/settings/scim/token",
                    hidden: &[],
                    inputs: &[],
                    button: "Issue a SCIM token",
                    quiet: false,
                },
            )
        });
    let now = Utc::now();
    page = page.card("Revoke a token", |mut page| {
        for token in tokens.iter().filter(|token| token.record.works_at(now)) {
            let button = format!("Revoke {}", token.id());
            page = page.form(&Form {
                method: "post",
                action: "/settings/scim/revoke",
                hidden: &[("id", token.id())],
                inputs: &[],
                button: &button,
                quiet: true,
            });
        }
        page.note("A token that is revoked opens nothing at once. Another one leaves those of before a day.")
    });
    Ok(signals::card(page, app, &active))
}

fn row(token: &ScimToken) -> [String; 5] {
    let time = |time: Option<DateTime<Utc>>, none: &str| {
        time.map_or_else(|| none.to_owned(), |time| time.format("%Y-%m-%d %H:%M").to_string())
    };
    let state = match (token.record.revoked_at, token.record.works_at(Utc::now())) {
        (Some(_), _) => "revoked",
        (None, true) => "works",
        (None, false) => "expired",
    };
    [
        token.id().to_owned(),
        time(Some(token.record.issued_at), ""),
        time(token.record.expires_at, "it is revoked"),
        time(token.last_used_at, "never"),
        state.to_owned(),
    ]
}

/// The token that was just issued is kept apart from that of the sign-in.
fn fresh(signed_in: &SignedIn) -> String {
    format!("scim {}", signed_in.session_hash())
}

pub(crate) async fn new_token(State(app): State<App>, signed_in: SignedIn) -> Response {
    let issued = async {
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        issue(&app, settings::by(&signed_in), &snapshot.organization.id).await
    };
    match issued.await {
        Ok(token) => {
            app.fresh_tokens.keep(&fresh(&signed_in), token);
            Redirect::to("/settings/scim").into_response()
        }
        Err(failure) => settings::refused(&app, &signed_in, &failure, "").await,
    }
}

#[derive(Deserialize)]
pub(crate) struct Revoked {
    id: String,
}

pub(crate) async fn revoke(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(revoked): Posted<Revoked>,
) -> Response {
    let outcome = async {
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        let connection = connection(&app, &snapshot.organization.id).await?;
        let author = Author::new(settings::by(&signed_in), Utc::now());
        Ok::<_, Failure>(app.store.revoke_scim_token(&connection, &revoked.id, &author).await?)
    };
    match outcome.await {
        Ok(_) => Redirect::to("/settings/scim").into_response(),
        Err(failure) => failure.into_response(),
    }
}
