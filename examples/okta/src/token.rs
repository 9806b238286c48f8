//! The page with the organization's token, which can be loaded again until the owner is done with it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_axum::SignedIn;

use crate::app::App;
use crate::failure::Failure;
use crate::html::{Form, Page};
use crate::{connect, settings};

/// Where a token goes at the identity provider. Whatever speaks of the token says this.
pub(crate) const INSTRUCTION: &str =
    "In Okta, open the app and set its attribute statement \"token\" to the token, in double quotes.";

/// How long a token is shown to the session in which it was issued.
const SHOWN_FOR: TimeDelta = TimeDelta::minutes(15);

/// The tokens that were just issued, by the session of the owner. Nothing but their hashes is stored.
#[derive(Default)]
pub(crate) struct FreshTokens(Mutex<HashMap<String, (String, DateTime<Utc>)>>);

impl FreshTokens {
    pub(crate) fn keep(&self, session: &str, token: String) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Utc::now();
        kept.retain(|_, (_, issued)| now.signed_duration_since(*issued) < SHOWN_FOR);
        kept.insert(session.to_owned(), (token, now));
    }

    pub(crate) fn find(&self, session: &str) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (token, issued) = kept.get(session)?;
        (Utc::now().signed_duration_since(*issued) < SHOWN_FOR).then(|| token.clone())
    }

    fn forget(&self, session: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }
}

/// Issues another token, and leads to the page that shows it.
pub(crate) async fn rotate(State(app): State<App>, signed_in: SignedIn) -> Response {
    let issued = async {
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        connect::rotate_token(&app, settings::by(&signed_in), &snapshot.organization.id).await
    };
    match issued.await {
        Ok(token) => show(&app, &signed_in, token),
        Err(failure) => settings::refused(&app, &signed_in, &failure, "").await,
    }
}

/// Leads to the page that shows a token.
pub(crate) fn show(app: &App, signed_in: &SignedIn, token: String) -> Response {
    app.fresh_tokens.keep(signed_in.session_hash(), token);
    Redirect::to("/settings/token").into_response()
}

pub(crate) async fn page(State(app): State<App>, signed_in: SignedIn) -> Response {
    let Some(token) = app.fresh_tokens.find(signed_in.session_hash()) else {
        return Redirect::to("/settings").into_response();
    };
    match settings::require_owner(&app, &signed_in).await {
        Ok(snapshot) => {
            let email = settings::email_of(&snapshot, &signed_in);
            Page::new("Your organization's token")
                .navigation(&email, true)
                .heading("Your organization's token")
                .card("Enter it at your identity provider", |page| {
                    page.paragraph(INSTRUCTION)
                        .secret("token", &token)
                        .note("We keep its hash alone. This page can be loaded again for 15 minutes, in this browser; then only another token helps.")
                        .form(&Form {
                            method: "post",
                            action: "/settings/token/done",
                            hidden: &[],
                            inputs: &[],
                            button: "I have entered it",
                            quiet: false,
                        })
                })
                .into_response()
        }
        Err(failure) => Failure::into_response(failure),
    }
}

/// The owner is done with the token.
pub(crate) async fn done(State(app): State<App>, signed_in: SignedIn) -> Response {
    app.fresh_tokens.forget(signed_in.session_hash());
    Redirect::to("/settings").into_response()
}
