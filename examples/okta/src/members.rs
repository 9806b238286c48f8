//! An owner takes access away, and gives it back.

use axum::extract::{Form as Posted, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;
use vouchsafe::provisioning::{Actor, Change, ChangeByHand, Snapshot};
use vouchsafe_axum::SignedIn;
use vouchsafe_store::{Decision, Directory};

use crate::app::App;
use crate::failure::Failure;
use crate::html::{Form, Page};
use crate::settings::require_owner;

#[derive(Deserialize)]
pub(crate) struct Member {
    email: String,
}

/// Suspends an account; its sessions end with it.
pub(crate) async fn suspend(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(member): Posted<Member>,
) -> Response {
    back(change(&app, &signed_in, &member, Change::Suspend).await)
}

pub(crate) async fn reactivate(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(member): Posted<Member>,
) -> Response {
    back(change(&app, &signed_in, &member, Change::Reactivate).await)
}

/// An owner changes another account, not the own one.
async fn change(app: &App, signed_in: &SignedIn, member: &Member, change: Change) -> Result<(), Failure> {
    let snapshot = require_owner(app, signed_in).await?;
    let own = &signed_in.session().account;
    let Some(account) = snapshot.account_with_email(&member.email).filter(|account| account.id != *own)
    else {
        return Ok(());
    };
    let by_hand = ChangeByHand {
        account: account.id.clone(),
        change,
        actor: Actor::Account(own.clone()),
        because: "the owner asked for it".to_owned(),
        at: Utc::now(),
    };
    app.store.decide(Decision::change(snapshot.organization.id.clone(), by_hand)).await?;
    Ok(())
}

fn back(outcome: Result<(), Failure>) -> Response {
    match outcome {
        Ok(()) => Redirect::to("/settings").into_response(),
        Err(failure) => failure.into_response(),
    }
}

/// The members and a button for each.
pub(crate) fn card(page: Page, snapshot: &Snapshot) -> Page {
    page.card("Members", |mut page| {
        let rows: Vec<[String; 4]> = snapshot
            .accounts()
            .map(|account| {
                let last = account
                    .last_sign_in
                    .map_or_else(|| "never".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string());
                let status = if account.is_active() { "active" } else { "suspended" };
                [account.email.clone(), account.role.name().to_owned(), status.to_owned(), last]
            })
            .collect();
        page = page.table(["E-mail", "Role", "Status", "Last SSO sign-in"], &rows, "Nobody yet.");
        for account in snapshot.accounts().filter(|account| !account.has_password) {
            let (action, button) = if account.is_active() {
                ("/settings/members/suspend", format!("Suspend {}", account.email))
            } else {
                ("/settings/members/reactivate", format!("Reactivate {}", account.email))
            };
            page = page.form(&Form {
                method: "post",
                action,
                hidden: &[("email", &account.email)],
                inputs: &[],
                button: &button,
                quiet: true,
            });
        }
        page
    })
}
