//! Who is signed in, what they have, and how the last sign-in was judged.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use vouchsafe::provisioning::{Account, ProjectId, Role, Snapshot, TeamId};
use vouchsafe_axum::SignedIn;
use vouchsafe_store::Directory;

use crate::app::{App, SignInRecord};
use crate::failure::Failure;
use crate::html::Page;

pub(crate) async fn page(State(app): State<App>, signed_in: SignedIn) -> Response {
    match build(&app, &signed_in).await {
        Ok(page) => page.into_response(),
        Err(failure) => failure.into_response(),
    }
}

async fn build(app: &App, signed_in: &SignedIn) -> Result<Page, Failure> {
    let session = signed_in.session();
    let snapshot = app.store.whole(&session.organization).await?;
    let account = snapshot.account(&session.account).ok_or_else(|| Failure::new("The account is gone."))?;
    let through = session.connection.as_ref().map_or("Password", |connection| connection.as_str());
    let until = session.expires_at.format("%Y-%m-%d %H:%M UTC").to_string();
    let page = Page::new("Home")
        .navigation(&account.email, account.role == Role::Owner)
        .heading(&format!("Signed in as {}", full_name(account)))
        .card("Account", |page| {
            page.facts(&[
                ("Organization", &snapshot.organization.name),
                ("E-mail", &account.email),
                ("Username", &account.username),
                ("Role", account.role.name()),
                ("Signed in through", through),
                ("Session ends", &until),
            ])
        })
        .card("Teams", |page| {
            page.table(["Team", "Permission", "Given by"], &teams(&snapshot, account), "No teams.")
        })
        .card("Projects", |page| {
            page.table(["Project", "Permission", "Through"], &projects(&snapshot, account), "No projects.")
        });
    Ok(match app.record(signed_in.session_hash()) {
        Some(record) => sign_in(page, &record),
        None => page,
    })
}

/// What the sign-in changed and how it was checked: a sentence, and the rest for who wants to see it.
fn sign_in(page: Page, record: &SignInRecord) -> Page {
    let began = if record.unsolicited { "It began at the identity provider." } else { "It began here." };
    let passed = record.checks.iter().filter(|[_, _, outcome, ..]| outcome == "passed").count();
    page.card("What this sign-in changed", |page| page.note(began).list(&record.changes)).card(
        "How it was checked",
        |page| {
            page.paragraph(&format!(
                "{passed} checks passed, and {} signatures were verified.",
                record.signatures.len()
            ))
            .details("Who signed", |page| {
                page.table(["Signed", "Algorithm", "Key"], &record.signatures, "Nobody.")
            })
            .details("Every rule", |page| {
                page.note("Personal values are left out.").table(
                    ["Rule", "Clause", "Outcome", "Expected", "Found"],
                    &record.checks,
                    "Nothing was checked.",
                )
            })
        },
    )
}

fn full_name(account: &Account) -> String {
    match (&account.first_name, &account.last_name) {
        (Some(first), Some(last)) => format!("{first} {last}"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => account.email.clone(),
    }
}

fn teams(snapshot: &Snapshot, account: &Account) -> Vec<[String; 3]> {
    let name = |id: &TeamId| {
        snapshot.teams.iter().find(|team| team.id == *id).map_or_else(String::new, |team| team.name.clone())
    };
    let memberships = account.memberships.iter();
    memberships
        .map(|one| {
            let sources: Vec<String> = one.grants.iter().map(|grant| grant.source.to_string()).collect();
            [name(&one.team), one.role().name().to_owned(), sources.join(", ")]
        })
        .collect()
}

/// Those that were given directly, and those that come with a team.
fn projects(snapshot: &Snapshot, account: &Account) -> Vec<[String; 3]> {
    let name = |id: &ProjectId| {
        let found = snapshot.projects.iter().find(|project| project.id == *id);
        found.map_or_else(String::new, |project| project.name.clone())
    };
    let direct = account
        .projects
        .iter()
        .map(|one| [name(&one.project), one.permission.name().to_owned(), "account".to_owned()]);
    let of_teams =
        snapshot.teams.iter().filter(|team| account.membership(&team.id).is_some()).flat_map(|team| {
            team.projects
                .iter()
                .map(|one| [name(&one.project), one.permission.name().to_owned(), team.name.clone()])
        });
    direct.chain(of_teams).collect()
}
