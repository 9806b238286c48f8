//! The front page: signing in through SAML, or with an owner's password.

use std::time::Duration;

use axum::extract::{Form as Posted, Query, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;
use vouchsafe::provisioning::EmailAddress;
use vouchsafe_axum::{LOGIN, NOT_LINKED, NOT_STARTED, SignedIn};
use vouchsafe_store::{Directory, Session};

use crate::app::App;
use crate::failure::Failure;
use crate::html::{Form, Input, Page};
use crate::seed;

pub(crate) async fn page(signed_in: Option<SignedIn>, Query(query): Query<Back>) -> Response {
    if signed_in.is_some() {
        return Redirect::to("/home").into_response();
    }
    let mut shown = Front { place: query.place.clone(), ..Front::default() };
    match query.problem.as_deref() {
        // One sentence for everything that is not found: it does not tell who is a customer, or who has an account.
        Some(problem) if problem == NOT_STARTED.1 => {
            shown.problem = Some(
                "SAML SSO could not be started for that name or e-mail address. Please ask your administrator for your organization's name.",
            );
            shown.wrong = Wrong::Organization;
        }
        Some(problem) if problem == NOT_LINKED.1 => {
            shown.problem = Some(
                "Your account was made with a password. Sign in with it once, below: then SAML SSO is added to it.",
            );
            shown.links = true;
        }
        _ => {}
    }
    shown.page().into_response()
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
    /// Whether the account is to be linked to the person at the identity provider.
    link: Option<String>,
}

pub(crate) async fn by_password(
    State(app): State<App>,
    request: Parts,
    Posted(credentials): Posted<Credentials>,
) -> Response {
    let again = |problem| Front {
        problem: Some(problem),
        wrong: Wrong::Password,
        email: credentials.email.clone(),
        links: credentials.link.is_some(),
        place: None,
    };
    match owner_session(&app, &request, &credentials).await {
        Ok(Some(answer)) => answer,
        Ok(None) => {
            let page = again("The e-mail address or the password is wrong.").page();
            (StatusCode::FORBIDDEN, page).into_response()
        }
        Err(failure) => {
            tracing::error!(%failure, "an owner could not be signed in");
            let page = again("Something went wrong. Please try again.").page();
            (StatusCode::INTERNAL_SERVER_ERROR, page).into_response()
        }
    }
}

/// Opens a session for an owner whose password is right.
async fn owner_session(
    app: &App,
    request: &Parts,
    credentials: &Credentials,
) -> Result<Option<Response>, Failure> {
    let right = app.owner_password.is(&credentials.password);
    let Ok(email) = EmailAddress::parse(credentials.email.trim()) else { return Ok(None) };
    let is_theirs = |own: &str| EmailAddress::parse(&seed::owner_email(own)).as_ref() == Ok(&email);
    let known = seed::ORGANIZATIONS.iter().find(|(_, _, own)| is_theirs(own));
    let Some((slug, _, _)) = known.filter(|_| right) else { return Ok(None) };
    let snapshot = app.store.whole(&(*slug).into()).await?;
    let Some(owner) = snapshot.account_with_email(email.as_str()).filter(|owner| owner.is_active()) else {
        return Ok(None);
    };
    // What the policy requires: single sign-on, but for break-glass accounts.
    let policy = app.store.policy(&owner.organization).await?;
    if policy.may_use_password(&owner.id, &snapshot).is_err() {
        return Ok(None);
    }
    let session = Session::of(owner.organization.clone(), owner.id.clone(), Utc::now());
    let session = session.lasting(Duration::from_secs(3_600), None);
    let (opened, cookie) = app.provisioned.open_session(&app.sso, &request.headers, session).await?;
    let mut response = if credentials.link.is_some() {
        let started = app.provisioned.start_link(&app.sso, request, &opened, None).await;
        started.unwrap_or_else(|error| app.sso.refuse(&request.headers, error)).into_response()
    } else {
        Redirect::to("/settings").into_response()
    };
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(Some(response))
}

/// What stands on the front page.
#[derive(Default)]
struct Front {
    problem: Option<&'static str>,
    wrong: Wrong,
    /// The page that was asked for before.
    place: Option<String>,
    /// What was typed before.
    email: String,
    links: bool,
}

#[derive(Default, PartialEq, Eq)]
enum Wrong {
    #[default]
    Nothing,
    Organization,
    Password,
}

impl Front {
    fn page(&self) -> Page {
        let page = Page::new("Sign in").narrow().heading("Sign in to Loadbench");
        let page = match self.problem {
            Some(problem) => page.problem(problem),
            None => page,
        };
        if self.links { self.password(page) } else { self.password(self.sso(page)) }
    }

    fn sso(&self, page: Page) -> Page {
        let hidden: Vec<(&str, &str)> = self.place.iter().map(|place| ("return", place.as_str())).collect();
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
                    autocomplete: "username",
                    value: "",
                    wrong: self.wrong == Wrong::Organization,
                }],
                button: "Continue with SAML SSO",
                quiet: false,
            })
        })
    }

    fn password(&self, page: Page) -> Page {
        let wrong = self.wrong == Wrong::Password;
        page.card("Organization owners", |page| {
            page.form(&Form {
                method: "post",
                action: "/sign-in/password",
                hidden: if self.links { &[("link", "1")] } else { &[] },
                inputs: &[
                    Input {
                        name: "email",
                        label: "E-mail address",
                        kind: "email",
                        placeholder: "owner@acme.example",
                        autocomplete: "username",
                        value: &self.email,
                        wrong,
                    },
                    Input {
                        name: "password",
                        label: "Password",
                        kind: "password",
                        placeholder: "",
                        autocomplete: "current-password",
                        value: "",
                        wrong,
                    },
                ],
                button: "Sign in",
                quiet: !self.links,
            })
        })
    }
}
