//! The page on which members issue, list and revoke their API tokens, and the one endpoint that takes such a token.

use axum::Json;
use axum::extract::{Form as Posted, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;
use vouchsafe::provisioning::Role;
use vouchsafe_axum::SignedIn;
use vouchsafe_store::{ApiToken, ApiTokenSecret, ApiTokenStore, Author, Directory};

use crate::app::App;
use crate::failure::Failure;
use crate::html::{Form, Input, Page};
use crate::settings;

/// Where the page is.
pub(crate) const PATH: &str = "/tokens";

/// How long a token is valid.
const VALID_FOR: TimeDelta = TimeDelta::days(90);

/// The most tokens of one member.
const MOST: usize = 20;

/// The most characters of a token's name.
const LONGEST_NAME: usize = 100;

#[derive(Deserialize)]
pub(crate) struct Named {
    name: String,
}

#[derive(Deserialize)]
pub(crate) struct Revoked {
    id: String,
}

pub(crate) async fn page(State(app): State<App>, signed_in: SignedIn) -> Response {
    show(&app, &signed_in, None).await
}

/// Issues a token, and leads to the page that shows it.
pub(crate) async fn issue(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(named): Posted<Named>,
) -> Response {
    match issued(&app, &signed_in, named.name.trim()).await {
        Ok(secret) => {
            app.fresh_tokens.keep(&fresh(&signed_in), secret);
            Redirect::to(PATH).into_response()
        }
        Err(failure) => show(&app, &signed_in, Some(&failure)).await,
    }
}

async fn issued(app: &App, signed_in: &SignedIn, name: &str) -> Result<String, Failure> {
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(Failure::new("Give the token a name of up to 100 characters."));
    }
    let (session, now) = (signed_in.session(), Utc::now());
    let valid = app.store.api_tokens_of(&session.account).await?.into_iter().filter(|one| !one.is_over(now));
    if valid.count() >= MOST {
        return Err(Failure::new("You have 20 tokens. Revoke one first."));
    }
    let secret = ApiTokenSecret::generate(app.service_provider().provider())?;
    let end = now.checked_add_signed(VALID_FOR).unwrap_or(now);
    let (organization, account) = (session.organization.clone(), session.account.clone());
    let token = ApiToken::new(&secret, organization, account, name, now).expiring_at(end);
    app.store.issue_api_token(&secret, &token, &Author::new(settings::by(signed_in), now)).await?;
    Ok(secret.reveal().to_owned())
}

/// Revokes one of the member's own tokens.
pub(crate) async fn revoke(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(revoked): Posted<Revoked>,
) -> Response {
    let author = Author::new(settings::by(&signed_in), Utc::now());
    let account = &signed_in.session().account;
    match app.store.revoke_api_token(account, &revoked.id, &author).await {
        Ok(_) => Redirect::to(PATH).into_response(),
        Err(failure) => Failure::from(failure).into_response(),
    }
}

async fn show(app: &App, signed_in: &SignedIn, problem: Option<&Failure>) -> Response {
    match build(app, signed_in, problem).await {
        Ok(page) if problem.is_some() => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
        Ok(page) => page.into_response(),
        Err(failure) => failure.into_response(),
    }
}

async fn build(app: &App, signed_in: &SignedIn, problem: Option<&Failure>) -> Result<Page, Failure> {
    let session = signed_in.session();
    let snapshot = app.store.whole(&session.organization).await?;
    let account = snapshot.account(&session.account).ok_or_else(|| Failure::new("The account is gone."))?;
    let tokens = app.store.api_tokens_of(&session.account).await?;
    let page = Page::new("API tokens")
        .navigation(&account.email, account.role == Role::Owner)
        .heading("Your API tokens");
    let page = problem.iter().fold(page, |page, problem| page.problem(&problem.to_string()));
    let page = match app.fresh_tokens.find(&fresh(signed_in)) {
        None => page,
        Some(secret) => page.card("Your new token", |page| {
            page.paragraph("Copy it now. We keep only its hash.")
                .secret("api-token", &secret)
                .note("This page shows it for 15 minutes, in this browser.")
        }),
    };
    let rows: Vec<[String; 4]> = tokens.iter().map(row).collect();
    Ok(page
        .card("Tokens", |page| {
            let page = page.table(["Name", "Token", "Issued", "Valid until"], &rows, "None yet.");
            tokens.iter().fold(page, |page, token| {
                page.form(&Form {
                    method: "post",
                    action: "/tokens/revoke",
                    hidden: &[("id", &token.id)],
                    inputs: &[],
                    button: &format!("Revoke {}", token.name),
                    quiet: true,
                })
            })
        })
        .card("Another token", |page| {
            page.form(&Form {
                method: "post",
                action: PATH,
                hidden: &[],
                inputs: &[Input {
                    name: "name",
                    label: "What it is for",
                    kind: "text",
                    placeholder: "nightly build",
                    autocomplete: "off",
                    value: "",
                    wrong: problem.is_some(),
                }],
                button: "Issue a token",
                quiet: false,
            })
            .note("Programs send it as bearer token, for example to /api/me. All tokens end when your account is suspended, and do not come back.")
        }))
}

fn row(token: &ApiToken) -> [String; 4] {
    let time = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M").to_string();
    let end = token.expires_at.map_or_else(|| "it is revoked".to_owned(), time);
    [token.name.clone(), token.id.clone(), time(token.issued_at), end]
}

/// The key of the token that was just issued, apart from the organization's token.
fn fresh(signed_in: &SignedIn) -> String {
    format!("api {}", signed_in.session_hash())
}

/// Says whose token came: what a program of a member can ask.
pub(crate) async fn me(State(app): State<App>, headers: HeaderMap) -> Response {
    match whose(&app, &headers).await {
        Ok(Some(answer)) => ([(CACHE_CONTROL, "no-store")], Json(answer)).into_response(),
        Ok(None) => {
            let challenge = [(WWW_AUTHENTICATE, "Bearer"), (CACHE_CONTROL, "no-store")];
            (StatusCode::UNAUTHORIZED, challenge).into_response()
        }
        Err(failure) => failure.into_response(),
    }
}

async fn whose(app: &App, headers: &HeaderMap) -> Result<Option<serde_json::Value>, Failure> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (sent.next().and_then(|value| value.to_str().ok()), sent.next()) else {
        return Ok(None);
    };
    let Some(token) = header.strip_prefix("Bearer ") else { return Ok(None) };
    let secret = ApiTokenSecret::received(token.trim(), app.service_provider().provider())?;
    let Some(token) = app.store.find_api_token(&secret, Utc::now()).await? else { return Ok(None) };
    Ok(Some(json!({
        "organization": token.organization.as_str(), "account": token.account.as_str(), "token": token.name
    })))
}
