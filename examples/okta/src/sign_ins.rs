//! The last sign-in of each person: what it changed, what it did not, and which rule decided.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use vouchsafe::provisioning::{AccountId, Snapshot};
use vouchsafe_axum::SignedIn;
use vouchsafe_store::{RecordedSignIn, SignInHistory, export_sign_ins};

use crate::app::App;
use crate::failure::Failure;
use crate::html::Page;
use crate::settings;

/// How many sign-ins are looked at.
pub(crate) const LOOKED_AT: usize = 1_000;

pub(crate) async fn page(State(app): State<App>, signed_in: SignedIn) -> Response {
    let shown = async {
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        let kept = app.store.recorded_sign_ins(&snapshot.organization.id, LOOKED_AT).await?;
        let page = Page::new("Sign-ins")
            .navigation(&settings::email_of(&snapshot, &signed_in), true)
            .heading("The last sign-in of each person");
        Ok::<_, Failure>(explained(page, &snapshot, &kept).card("To try a policy on them", |page| {
            page.paragraph("Both files are what vouchsafe policy replay reads. They have names and addresses of people in them.").links(&[
                ("/settings/sign-ins.jsonl", "The sign-ins"),
                ("/settings/organization.json", "The organization"),
                ("/settings/policy", "Try a policy here"),
            ])
        }))
    };
    shown.await.map_or_else(IntoResponse::into_response, IntoResponse::into_response)
}

/// A card for each person, the one who came last first.
fn explained(page: Page, snapshot: &Snapshot, kept: &[RecordedSignIn]) -> Page {
    let last: BTreeMap<&AccountId, &RecordedSignIn> = kept.iter().map(|one| (&one.account, one)).collect();
    if last.is_empty() {
        return page.card("Sign-ins", |page| page.note("Nobody has signed in yet."));
    }
    let mut last: Vec<&RecordedSignIn> = last.into_values().collect();
    last.sort_by_key(|one| std::cmp::Reverse(one.at));
    last.into_iter().fold(page, |page, one| {
        let who = snapshot
            .account(&one.account)
            .map_or_else(|| one.account.to_string(), |known| known.email.clone());
        page.card(&who, |page| person(page, one))
    })
}

fn person(page: Page, sign_in: &RecordedSignIn) -> Page {
    let rows: Vec<[String; 3]> = sign_in
        .explanation
        .iter()
        .map(|line| {
            let kind = if line.is_change { "changed" } else { "stayed" };
            [line.rule.to_string(), line.text.clone(), kind.to_owned()]
        })
        .collect();
    let page = page.note(&sign_in.at.format("%Y-%m-%d %H:%M UTC").to_string()).table(
        ["Rule", "What it decided", "So it"],
        &rows,
        "Nothing changed.",
    );
    match sign_in.lines_left_out {
        0 => page,
        more => page.note(&format!("And {more} more.")),
    }
}

/// What came with the sign-ins, one a line.
pub(crate) async fn export(State(app): State<App>, signed_in: SignedIn) -> Response {
    let exported = async {
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        let lines = export_sign_ins(&app.store, &snapshot.organization.id, LOOKED_AT).await?;
        Ok::<_, Failure>(file("application/jsonl", "sign-ins.jsonl", lines))
    };
    exported.await.unwrap_or_else(IntoResponse::into_response)
}

/// The organization as it is.
pub(crate) async fn organization(State(app): State<App>, signed_in: SignedIn) -> Response {
    let exported = async {
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        let json = serde_json::to_string_pretty(&snapshot).map_err(|_| Failure::new("It has no form."))?;
        Ok::<_, Failure>(file("application/json", "organization.json", json))
    };
    exported.await.unwrap_or_else(IntoResponse::into_response)
}

fn file(kind: &'static str, name: &str, text: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, disposition),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, text).into_response()
}
