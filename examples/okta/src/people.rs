//! The people of an organization and what each has, the groups that were pushed, and everything that changed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use vouchsafe::provisioning::{Account, Snapshot};
use vouchsafe_axum::SignedIn;
use vouchsafe_store::Directory;

use crate::app::App;
use crate::failure::Failure;
use crate::html::Page;
use crate::{changes, settings};

pub(crate) async fn people(State(app): State<App>, signed_in: SignedIn) -> Response {
    answer(&app, &signed_in, "People", |page, snapshot| {
        let rows: Vec<[String; 5]> = snapshot.accounts().map(|account| person(account, snapshot)).collect();
        page.card("Accounts", |page| {
            page.table(["E-mail", "Role", "State", "Known by", "Teams"], &rows, "Nobody yet.")
        })
    })
    .await
}

fn person(account: &Account, snapshot: &Snapshot) -> [String; 5] {
    let pushed = account.scim.iter().map(|record| {
        let state = if record.deleted { "deleted by SCIM" } else { "SCIM" };
        format!("{state} over {}", record.connection)
    });
    let signs_in = account.identities.iter().map(|identity| format!("SAML over {}", identity.connection));
    let password = account.has_password.then(|| "password".to_owned());
    let known: Vec<String> = signs_in.chain(pushed).chain(password).collect();
    let holds: Vec<String> = account.holds().iter().map(ToString::to_string).collect();
    let state = match holds.is_empty() {
        true => account.status.name().to_owned(),
        false => format!("{} {}", account.status.name(), holds.join(", ")),
    };
    let teams = account.memberships.iter().map(|membership| {
        let name = snapshot.team(&membership.team).map(|team| team.name.as_str()).unwrap_or_default();
        let sources: Vec<String> = membership.grants.iter().map(|grant| grant.source.to_string()).collect();
        format!("{name} ({}, by {})", membership.role().name(), sources.join(", "))
    });
    let teams: Vec<String> = teams.collect();
    [account.email.clone(), account.role.name().to_owned(), state, known.join(", "), teams.join("; ")]
}

pub(crate) async fn groups(State(app): State<App>, signed_in: SignedIn) -> Response {
    answer(&app, &signed_in, "Groups", |page, snapshot| {
        let rows: Vec<[String; 4]> = snapshot
            .groups
            .iter()
            .map(|group| {
                let members = snapshot.accounts().filter(|account| account.scim_groups.contains(&group.id));
                let members: Vec<&str> = members.map(|account| account.email.as_str()).collect();
                let external_id = group.external_id.clone().unwrap_or_default();
                [group.name.clone(), group.connection.to_string(), external_id, members.join(", ")]
            })
            .collect();
        page.card("Groups that were pushed by SCIM", |page| {
            page.table(["Group", "Connection", "External id", "Members"], &rows, "None yet.")
                .note("Which teams they give, the policy says.")
        })
    })
    .await
}

pub(crate) async fn audit(State(app): State<App>, signed_in: SignedIn) -> Response {
    let organization = &signed_in.session().organization;
    match app.store.audit(organization).await {
        Ok(records) => {
            answer(&app, &signed_in, "Audit", |page, snapshot| changes::all(page, snapshot, &records)).await
        }
        Err(failure) => Failure::from(failure).into_response(),
    }
}

async fn answer(
    app: &App,
    signed_in: &SignedIn,
    title: &str,
    fill: impl FnOnce(Page, &Snapshot) -> Page,
) -> Response {
    match settings::require_owner(app, signed_in).await {
        Ok(snapshot) => {
            let email = settings::email_of(&snapshot, signed_in);
            fill(Page::new(title).navigation(&email, true).heading(title), &snapshot).into_response()
        }
        Err(failure) => failure.into_response(),
    }
}
