//! Trying a connection out: the page that shows how its sign-in was judged.

use axum::extract::{Form as Posted, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use vouchsafe::ConnectionState;
use vouchsafe::assertion::Outcome;
use vouchsafe_axum::{SignedIn, TriedOut};
use vouchsafe_store::{ConnectionStore, Store, StoredConnection};

use crate::app::App;
use crate::connect;
use crate::failure::Failure;
use crate::html::{Form, Page};
use crate::settings::{self, Named};

/// What a sign-in over any connection of this service should bring.
const EXPECTED: [&str; 5] = ["user.email", "user.first_name", "user.last_name", "groups", TOKEN];
/// The attribute with the organization's token.
const TOKEN: &str = "token";

/// Starts the trial of a connection of the organization.
pub(crate) async fn start(
    State(app): State<App>,
    signed_in: SignedIn,
    request: Parts,
    Posted(named): Posted<Named>,
) -> Response {
    let found = async {
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        let connection = connect::named(&app, &snapshot.organization.id, &named.connection).await?;
        Ok::<_, Failure>(connection.to_connection()?)
    };
    match found.await {
        Ok(connection) => app.sso.start_trial(&request, &connection, "/settings").await.into_response(),
        Err(failure) => settings::refused(&app, &signed_in, &failure, "").await,
    }
}

/// Shows what came of it, and notes at a draft that it works.
pub(crate) async fn page(store: Store, tried: TriedOut) -> String {
    let mut state = None;
    let mut active = Vec::new();
    let mut lacks_token = false;
    if let Ok(Some(stored)) = store.connection(&tried.connection).await {
        state = Some(stored.state);
        active = connect::all_active(&store, &stored.organization).await.unwrap_or_default();
        lacks_token = stored.settings.token_required && !brings(&tried, TOKEN);
        if tried.outcome.is_ok() && !lacks_token && stored.state == ConnectionState::Draft {
            match connect::mark_tested(&store, &stored, tried.revision).await {
                Ok(()) => state = Some(ConnectionState::Tested),
                Err(failure) => tracing::warn!(%failure, "a trial could not be noted"),
            }
        }
    }
    shown(&tried, state, &active, lacks_token).finish()
}

/// Whether the response has an attribute with a value.
fn brings(tried: &TriedOut, name: &str) -> bool {
    let attributes = tried.outcome.as_ref().ok().map(|trial| trial.attributes());
    attributes.and_then(|all| all.get(name)).is_some_and(|values| !values.is_empty())
}

fn shown(
    tried: &TriedOut,
    state: Option<ConnectionState>,
    active: &[StoredConnection],
    lacks_token: bool,
) -> Page {
    let page = Page::new("Trial of the connection").heading("Trial of the connection");
    let page = match &tried.outcome {
        Ok(trial) => {
            let page = if lacks_token {
                page.problem(
                    "The response is good, but the sign-in would be refused: the organization's token is missing. \
                     Enter it at the identity provider as the value of the attribute \"token\".",
                )
            } else {
                page.success("The sign-in would be accepted. Nobody was signed in, and nothing has changed.")
            };
            page.card("What came", |page| {
                let name = trial.name_id().map_or("none", |name| name.value());
                let came = EXPECTED
                    .map(|name| [name, if brings(tried, name) { "came" } else { "is missing" }])
                    .map(|row| row.map(str::to_owned));
                page.facts(&[("Name ID", name)]).table(["Attribute", "In the response"], &came, "")
            })
        }
        Err(refusal) => {
            page.problem("The sign-in would be refused. Nothing has changed.").card("Why", |page| {
                let message = refusal.to_string();
                page.facts(&[
                    ("Reason", refusal.code()),
                    ("What went wrong", &message),
                    ("What to change", refusal.hint()),
                ])
            })
        }
    };
    let checks = tried.ledger().checks().iter().filter(|check| check.outcome() != Outcome::Skipped);
    let checks: Vec<[String; 4]> = checks
        .map(|check| {
            let outcome = if check.outcome() == Outcome::Passed { "passed" } else { "failed" };
            [check.rule(), outcome, &check.expected_text(), &check.actual_text()].map(str::to_owned)
        })
        .collect();
    page.card("How it was checked", |page| {
        page.details("Every rule", |page| {
            page.table(["Rule", "Outcome", "Expected", "Found"], &checks, "Nothing was checked.")
        })
    })
    .card("Go on", |page| {
        let page = match state {
            Some(ConnectionState::Tested) => settings::activation(page, &tried.connection, active),
            _ => page,
        };
        page.form(&Form {
            method: "get",
            action: "/settings",
            hidden: &[],
            inputs: &[],
            button: "Back to the settings",
            quiet: true,
        })
    })
}
