//! The last sign-in of each person: what it changed, what it did not, and which rule decided; and why they were last refused.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use vouchsafe::provisioning::{AccountId, Snapshot};
use vouchsafe_axum::SignedIn;
use vouchsafe_store::{AuditRecord, Directory, RecordedSignIn, SignInHistory, export_sign_ins};

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
        let audit = app.store.audit(&snapshot.organization.id).await?;
        let page = Page::new("Sign-ins")
            .navigation(&settings::email_of(&snapshot, &signed_in), true)
            .heading("The last sign-in of each person");
        Ok::<_, Failure>(explained(page, &snapshot, &Last::of_each(&kept, &audit)).card("To try a policy on them", |page| {
            page.paragraph("Both files are what vouchsafe policy replay reads. They have names and addresses of people in them.").links(&[
                ("/settings/sign-ins.jsonl", "The sign-ins"),
                ("/settings/organization.json", "The organization"),
                ("/settings/policy", "Try a policy here"),
            ])
        }))
    };
    shown.await.map_or_else(IntoResponse::into_response, IntoResponse::into_response)
}

/// What is known of a person who came.
#[derive(Default)]
struct Last<'k> {
    sign_in: Option<&'k RecordedSignIn>,
    refusal: Option<&'k AuditRecord>,
}

impl<'k> Last<'k> {
    /// Of both the oldest stand first. Whose a refused sign-in was is known where the account is.
    fn of_each(kept: &'k [RecordedSignIn], audit: &'k [AuditRecord]) -> BTreeMap<&'k AccountId, Last<'k>> {
        let mut all: BTreeMap<&AccountId, Last<'_>> = BTreeMap::new();
        for one in kept {
            all.entry(&one.account).or_default().sign_in = Some(one);
        }
        for record in audit.iter().filter(|record| record.is_refusal() && record.actor.is_none()) {
            if let Some(account) = &record.account {
                all.entry(account).or_default().refusal = Some(record);
            }
        }
        all
    }

    fn at(&self) -> Option<DateTime<Utc>> {
        self.sign_in.map(|one| one.at).max(self.refusal.map(|record| record.at))
    }
}

/// A card for each person, the one who came last first.
fn explained(page: Page, snapshot: &Snapshot, last: &BTreeMap<&AccountId, Last<'_>>) -> Page {
    if last.is_empty() {
        return page.card("Sign-ins", |page| page.note("Nobody has signed in yet."));
    }
    let mut last: Vec<(&&AccountId, &Last<'_>)> = last.iter().collect();
    last.sort_by_key(|(_, last)| std::cmp::Reverse(last.at()));
    last.into_iter().fold(page, |page, (id, last)| {
        let who = snapshot.account(id).map_or_else(|| id.to_string(), |known| known.email.clone());
        page.card(&who, |page| {
            let page = last.refusal.into_iter().fold(page, refused);
            match last.sign_in {
                Some(sign_in) => person(page, sign_in),
                None => page.note("No sign-in is kept."),
            }
        })
    })
}

fn refused(page: Page, record: &AuditRecord) -> Page {
    let at = record.at.format("%Y-%m-%d %H:%M UTC").to_string();
    page.facts(&[("Last refused", &at), ("Why", &record.change), ("Rule", record.rule.as_str())])
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
