//! The front page: signing in through SAML, or with an owner's password.

use axum::extract::{Form as Posted, Query, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{TimeDelta, Utc};
use serde::Deserialize;
use vouchsafe::provisioning::EmailAddress;
use vouchsafe_axum::{LOGIN, NOT_STARTED, SignedIn};
use vouchsafe_store::{Directory, Session};

use crate::app::App;
use crate::failure::Failure;
use crate::html::{Form, Input, Page};
use crate::seed;

pub(crate) async fn page(signed_in: Option<SignedIn>, Query(query): Query<Back>) -> Response {
    match signed_in {
        Some(_) => Redirect::to("/home").into_response(),
        None => {
            // One sentence for everything that is not found: it does not tell who is a customer, or who has an account.
            let not_started = query.problem.as_deref() == Some(NOT_STARTED.1);
            let problem = not_started.then_some(
                "SAML SSO could not be started for that name or e-mail address. Please ask your administrator for your organization's name.",
            );
            front(problem, &query).into_response()
        }
    }
}

/// The page that was asked for before, if any, and what the routes say of a sign-in that could not be started. The place goes through the
/// allow-list of return paths before it is used.
#[derive(Default, Deserialize)]
pub(crate) struct Back {
    #[serde(rename = "return")]
    place: Option<String>,
    problem: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    email: String,
    password: String,
}

pub(crate) async fn by_password(
    State(app): State<App>,
    Posted(credentials): Posted<Credentials>,
) -> Response {
    match owner_session(&app, &credentials).await {
        Ok(Some(cookie)) => cookie,
        Ok(None) => (
            StatusCode::FORBIDDEN,
            front(Some("The e-mail address or the password is wrong."), &Back::default()),
        )
            .into_response(),
        Err(failure) => {
            tracing::error!(%failure, "an owner could not be signed in");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                front(Some("Something went wrong. Please try again."), &Back::default()),
            )
                .into_response()
        }
    }
}

/// Opens a session for an owner whose password is right.
async fn owner_session(app: &App, credentials: &Credentials) -> Result<Option<Response>, Failure> {
    let right = app.owner_password.is(&credentials.password);
    let Ok(email) = EmailAddress::parse(credentials.email.trim()) else { return Ok(None) };
    let is_theirs = |own: &str| EmailAddress::parse(&seed::owner_email(own)).as_ref() == Ok(&email);
    let known = seed::ORGANIZATIONS.iter().find(|(_, _, own)| is_theirs(own));
    let Some((slug, _, _)) = known.filter(|_| right) else { return Ok(None) };
    let snapshot = app.store.whole(&(*slug).into()).await?;
    let Some(owner) = snapshot.account_with_email(email.as_str()).filter(|owner| owner.is_active()) else {
        return Ok(None);
    };
    let session = Session::of(owner.organization.clone(), owner.id.clone(), Utc::now());
    let cookie = app.provisioned.open_session(&app.sso, &session.lasting(TimeDelta::hours(1), None)).await?;
    let location: (HeaderName, &str) = (LOCATION, "/settings");
    let mut response = (StatusCode::SEE_OTHER, [location]).into_response();
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(Some(response))
}

fn front(problem: Option<&str>, back: &Back) -> Page {
    let hidden: Vec<(&str, &str)> = back.place.iter().map(|place| ("return", place.as_str())).collect();
    let mut page = Page::new("Sign in").narrow().heading("Sign in to Loadbench");
    if let Some(problem) = problem {
        page = page.problem(problem);
    }
    page.card("SAML SSO", |page| {
        page.form(&Form {
            // By POST: an address that is typed here must not stand in the address bar, in the history or in anybody's log.
            method: "post",
            action: LOGIN,
            hidden: &hidden,
            inputs: &[Input {
                name: "organization",
                label: "Organization or e-mail address",
                kind: "text",
                placeholder: "acme, or you@acme.example",
            }],
            button: "Continue with SAML SSO",
            quiet: false,
        })
    })
    .card("Organization owners", |page| {
        page.form(&Form {
            method: "post",
            action: "/sign-in/password",
            hidden: &[],
            inputs: &[
                Input {
                    name: "email",
                    label: "E-mail address",
                    kind: "email",
                    placeholder: "owner@acme.example",
                },
                Input { name: "password", label: "Password", kind: "password", placeholder: "" },
            ],
            button: "Sign in",
            quiet: true,
        })
    })
}
