//! The organization's policy, as the owner writes it.

use axum::extract::{Form as Posted, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde::Deserialize;
use vouchsafe::provisioning::Policy;
use vouchsafe_axum::SignedIn;
use vouchsafe_store::{Author, Directory};

use crate::app::App;
use crate::failure::Failure;
use crate::html::Page;
use crate::settings;

#[derive(Deserialize)]
pub(crate) struct Written {
    policy: String,
}

pub(crate) async fn page(State(app): State<App>, signed_in: SignedIn) -> Response {
    let shown = async {
        let written = last(&app, &signed_in).await?;
        show(&app, &signed_in, &written, None).await
    };
    match shown.await {
        Ok(page) => page.into_response(),
        Err(failure) => failure.into_response(),
    }
}

/// Saves a policy, if it can be read and locks nobody out.
pub(crate) async fn save(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(written): Posted<Written>,
) -> Response {
    let saved = async {
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        Policy::from_toml(&written.policy)?.requirement_is_tested(&snapshot)?;
        let author = Author::new(settings::by(&signed_in), Utc::now());
        Ok::<_, Failure>(app.store.set_policy(&snapshot.organization.id, &written.policy, &author).await?)
    };
    let (status, problem) = match saved.await {
        Ok(()) => (StatusCode::OK, None),
        Err(failure) => (StatusCode::UNPROCESSABLE_ENTITY, Some(failure.to_string())),
    };
    match show(&app, &signed_in, &written.policy, Some(problem)).await {
        Ok(page) => (status, page).into_response(),
        Err(failure) => failure.into_response(),
    }
}

/// The text that was saved last, as far as the audit has it.
async fn last(app: &App, signed_in: &SignedIn) -> Result<String, Failure> {
    let audit = app.store.audit(&signed_in.session().organization).await?;
    let saved = audit.into_iter().rev().find(|record| record.rule.as_str() == "policy.set");
    Ok(saved.and_then(|record| record.after).unwrap_or_default())
}

async fn show(
    app: &App,
    signed_in: &SignedIn,
    written: &str,
    outcome: Option<Option<String>>,
) -> Result<Page, Failure> {
    let snapshot = settings::require_owner(app, signed_in).await?;
    let page = Page::new("Policy")
        .navigation(&settings::email_of(&snapshot, signed_in), true)
        .heading("Who gets an account, and with what");
    let page = match &outcome {
        None => page,
        Some(None) => page.success("The policy was saved. It holds from the next sign-in on."),
        Some(Some(problem)) => page.problem(problem),
    };
    Ok(page.card("Policy", |page| {
        page.paragraph("Written in TOML; docs/POLICY.md has every key.").text_form(
            "/settings/policy",
            "policy",
            "Policy",
            written,
            "Save the policy",
        )
    }))
}
