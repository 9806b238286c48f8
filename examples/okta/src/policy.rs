//! The organization's policy, as the owner writes it: tried on recorded sign-ins, and saved.

use axum::extract::{Form as Posted, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde::Deserialize;
use vouchsafe::provisioning::{AccessChange, Fact, LoginFacts, Policy, Replay, Snapshot};
use vouchsafe_axum::SignedIn;
use vouchsafe_store::{Author, Directory, SignInHistory};

use crate::app::App;
use crate::failure::Failure;
use crate::html::{Button, Page};
use crate::settings;
use crate::sign_ins::LOOKED_AT;

#[derive(Deserialize)]
pub(crate) struct Written {
    policy: String,
}

pub(crate) async fn page(State(app): State<App>, signed_in: SignedIn) -> Response {
    let shown = async {
        let written = last(&app, &signed_in).await?;
        show(&app, &signed_in, &written, |page| page).await
    };
    shown.await.map_or_else(IntoResponse::into_response, IntoResponse::into_response)
}

/// Saves a policy, if it can be read and locks nobody out.
pub(crate) async fn save(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(written): Posted<Written>,
) -> Response {
    let saved = async {
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        let author = Author::new(settings::by(&signed_in), Utc::now());
        Ok::<_, Failure>(app.store.set_policy(&snapshot.organization.id, &written.policy, &author).await?)
    };
    match saved.await {
        Ok(()) => {
            let saved = |page: Page| page.success("The policy was saved. It holds from the next sign-in on.");
            answer(show(&app, &signed_in, &written.policy, saved).await, StatusCode::OK)
        }
        Err(failure) => refuse(&app, &signed_in, &written, &failure).await,
    }
}

/// Shows what a policy would make of the sign-ins that were kept, beside what the present one does. Nothing is saved.
pub(crate) async fn try_out(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(written): Posted<Written>,
) -> Response {
    let tried = async {
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        Trial::of(&app, &snapshot, &written.policy).await
    };
    match tried.await {
        Ok(trial) => {
            answer(show(&app, &signed_in, &written.policy, |page| trial.shown(page)).await, StatusCode::OK)
        }
        Err(failure) => refuse(&app, &signed_in, &written, &failure).await,
    }
}

async fn refuse(app: &App, signed_in: &SignedIn, written: &Written, failure: &Failure) -> Response {
    let problem = |page: Page| page.problem(&failure.to_string());
    answer(show(app, signed_in, &written.policy, problem).await, StatusCode::UNPROCESSABLE_ENTITY)
}

fn answer(page: Result<Page, Failure>, status: StatusCode) -> Response {
    match page {
        Ok(page) => (status, page).into_response(),
        Err(failure) => failure.into_response(),
    }
}

/// The text that was saved last.
async fn last(app: &App, signed_in: &SignedIn) -> Result<String, Failure> {
    Ok(app.store.policy_text(&signed_in.session().organization).await?.unwrap_or_default())
}

async fn show(
    app: &App,
    signed_in: &SignedIn,
    written: &str,
    outcome: impl FnOnce(Page) -> Page,
) -> Result<Page, Failure> {
    let snapshot = settings::require_owner(app, signed_in).await?;
    let page = Page::new("Policy")
        .navigation(&settings::email_of(&snapshot, signed_in), true)
        .heading("Who gets an account, and with what");
    Ok(outcome(page).card("Policy", |page| {
        page.paragraph("Written in TOML; docs/POLICY.md has every key.").text_form(
            "/settings/policy",
            "policy",
            "Policy",
            written,
            "Save the policy",
            Some(Button { action: "/settings/policy/try", text: "Try it on the last sign-ins" }),
        )
    }))
}

/// What a policy that is not saved comes to.
struct Trial {
    findings: Vec<String>,
    sign_ins: usize,
    refused: Vec<[String; 3]>,
    changes: Vec<[String; 5]>,
}

impl Trial {
    async fn of(app: &App, snapshot: &Snapshot, written: &str) -> Result<Trial, Failure> {
        let organization = &snapshot.organization.id;
        let findings = Policy::check(written, Some(snapshot))?.iter().map(ToString::to_string).collect();
        let policy = Policy::from_toml(written)?;
        let kept = app.store.recorded_sign_ins(organization, LOOKED_AT).await?;
        let facts: Vec<LoginFacts> = kept.into_iter().filter_map(|one| one.facts).collect();
        let under = |policy: &Policy| policy.replay(facts.iter().map(Fact::from), snapshot);
        let (before, after) = (under(&app.store.policy(organization).await?), under(&policy));
        let changes = AccessChange::between(&before.after, &after.after);
        Ok(Trial {
            findings,
            sign_ins: facts.len(),
            refused: refused(&after, &facts, snapshot),
            changes: changes.iter().map(row).collect(),
        })
    }

    fn shown(&self, page: Page) -> Page {
        page.card("What it would change", |page| {
            let page = page.paragraph(&format!(
                "Nothing was saved. Sign-ins that were looked at, first under the present policy and then under this one: {}. \
                 What new people get by default does not show in them.",
                self.sign_ins
            ));
            let page = if self.findings.is_empty() { page } else { page.list(&self.findings) };
            let heads = ["Who", "Gains or loses", "What", "Before", "After"];
            page.table(heads, &self.changes, "Nobody gains or loses anything.")
        })
        .card("Who would be refused", |page| {
            page.table(["Who", "Why", "What to change"], &self.refused, "Nobody.")
        })
    }
}

fn row(change: &AccessChange) -> [String; 5] {
    let level = |level: Option<&str>| level.unwrap_or("nothing").to_owned();
    let what = match change.name.as_str() {
        "" => change.kind.to_owned(),
        name => format!("{} {name}", change.kind),
    };
    let direction = change.direction.name().to_owned();
    [change.who.clone(), direction, what, level(change.before), level(change.after)]
}

/// Each person whose sign-in this policy refuses, once.
fn refused(replay: &Replay, facts: &[LoginFacts], snapshot: &Snapshot) -> Vec<[String; 3]> {
    let mut rows: Vec<[String; 3]> = Vec::new();
    for (place, refusal) in &replay.refused {
        let subject = facts.get(*place).and_then(|facts| facts.subject.clone()).unwrap_or_default();
        let known = snapshot
            .accounts()
            .find(|account| account.identities.iter().any(|identity| identity.subject == subject));
        let who = known.map_or(subject, |account| account.email.clone());
        let row = [who, refusal.to_string(), refusal.hint().to_owned()];
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}
