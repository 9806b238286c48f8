//! The sign-ins over the organization's connections that were refused: for its owner, by the reference that the person was shown.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use vouchsafe::provisioning::OrganizationId;
use vouchsafe_axum::{RefusalRecord, SignedIn};
use vouchsafe_store::ConnectionStore;

use crate::app::App;
use crate::failure::Failure;
use crate::html::{Form, Input, Page};
use crate::settings;

/// How many of the last are shown.
const SHOWN: usize = 10;

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    reference: String,
}

pub(crate) async fn page(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(asked): Query<Asked>,
) -> Response {
    match build(&app, &signed_in, asked.reference.trim()).await {
        Ok(page) => page.into_response(),
        Err(failure) => failure.into_response(),
    }
}

async fn build(app: &App, signed_in: &SignedIn, reference: &str) -> Result<Page, Failure> {
    let snapshot = settings::require_owner(app, signed_in).await?;
    let own = of_organization(app, &snapshot.organization.id).await?;
    let found = own.iter().find(|record| record.reference.as_str() == reference);
    let is_missing = !reference.is_empty() && found.is_none();
    let mut page = Page::new("Refused sign-ins")
        .navigation(&settings::email_of(&snapshot, signed_in), true)
        .heading("Refused sign-ins");
    if is_missing {
        page = page.problem("No refusal of your organization has that reference. They are kept until the service is started again.");
    }
    page = page.card("Look one up", |page| look_up(page, reference, is_missing));
    if let Some(record) = found {
        page = page.card("What happened", |page| explained(page, record));
    }
    Ok(page.card("The last ones", |page| {
        if own.is_empty() {
            return page.note("None.");
        }
        own.iter().take(SHOWN).fold(page, |page, record| {
            let at = record.at.format("%Y-%m-%d %H:%M UTC");
            page.details(&format!("{at}, {}, {}", record.reference.as_str(), record.code), |page| {
                explained(page, record)
            })
        })
    }))
}

/// Where one is looked up.
pub(crate) fn look_up(page: Page, reference: &str, wrong: bool) -> Page {
    page.form(&Form {
        method: "get",
        action: "/settings/refusals",
        hidden: &[],
        inputs: &[Input {
            name: "reference",
            label: "Reference that the person was shown",
            kind: "text",
            placeholder: "1a2b3c4d-5e6f7081",
            autocomplete: "off",
            value: reference,
            wrong,
        }],
        button: "Look it up",
        quiet: true,
    })
}

/// The failed check, what was expected, what was found, and what to change.
fn explained(page: Page, record: &RefusalRecord) -> Page {
    let at = record.at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let failed = record.ledger.iter().flat_map(|ledger| ledger.failed());
    let failed: Vec<[String; 4]> = failed
        .map(|check| {
            [check.rule(), check.clause(), &check.expected_text(), &check.actual_text()].map(str::to_owned)
        })
        .collect();
    let page = page.facts(&[
        ("Reference", record.reference.as_str()),
        ("When", &at),
        ("Reason", record.code),
        ("What went wrong", &record.message),
        ("What to change", record.hint),
    ]);
    match failed.is_empty() {
        true => page,
        false => page.table(["Failed check", "Clause", "Expected", "Found"], &failed, ""),
    }
}

/// Those over all connections of an organization, the newest first.
async fn of_organization(app: &App, id: &OrganizationId) -> Result<Vec<RefusalRecord>, Failure> {
    let connections = app.store.connections_of(id).await?;
    let mut own: Vec<RefusalRecord> =
        connections.iter().flat_map(|connection| app.sso.refusals().of(&connection.id)).collect();
    own.sort_by_key(|record| std::cmp::Reverse(record.at));
    Ok(own)
}
