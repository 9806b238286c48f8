//! The organization's settings, for its owner: single sign-on, what to enter at the identity provider, members, what changed.

use axum::extract::{Form as Posted, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use vouchsafe::metadata::{Binding, WebAddress};
use vouchsafe::provisioning::{Actor, Role, Snapshot};
use vouchsafe::{ConnectionId, ConnectionState, IdentityProvider};
use vouchsafe_axum::{LINK, SignedIn};
use vouchsafe_store::{ConnectionMetadata, ConnectionStore, Directory, StoredConnection};

use crate::app::App;
use crate::failure::Failure;
use crate::html::{Form, Input, Page};
use crate::{changes, connect, key_page, members, refusals, token};

/// What was done before the page is shown.
#[derive(Default, Deserialize)]
pub(crate) struct Done {
    done: Option<String>,
}

pub(crate) async fn page(State(app): State<App>, signed_in: SignedIn, Query(done): Query<Done>) -> Response {
    let message = match done.done.as_deref() {
        Some("approved") => Message::Done("The changes are approved, and count at the next sign-in."),
        Some("refused") => Message::Done("The document is refused for good."),
        Some("refusal_ended") => Message::Done(
            "The refusal has ended. The next time that the address gives the document, it is judged again.",
        ),
        Some("key_changes") => Message::Done("The choice is kept."),
        Some("reloaded") => Message::Done("The metadata was loaded again."),
        Some("disconnected") => {
            Message::Done("The identity provider is disconnected, and its token is revoked.")
        }
        Some("draft") => Message::Done("The connection is kept as a draft. Try it out, and then use it."),
        Some("discarded") => Message::Done("The draft was discarded."),
        Some("activated") => Message::Done("People sign in over the new connection from now on."),
        _ => Message::None,
    };
    match build(&app, &signed_in, &message, "").await {
        Ok(page) => page.into_response(),
        Err(failure) => failure.into_response(),
    }
}

#[derive(Deserialize)]
pub(crate) struct Address {
    metadata_url: String,
}

/// One of the organization's connections.
#[derive(Deserialize)]
pub(crate) struct Named {
    pub(crate) connection: String,
}

/// Metadata URL in, token out: the conversion.
pub(crate) async fn connect(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(address): Posted<Address>,
) -> Response {
    let outcome = async {
        let snapshot = require_owner(&app, &signed_in).await?;
        connect::convert(&app, by(&signed_in), &snapshot.organization.id, &address.metadata_url).await
    };
    match outcome.await {
        Ok(token) => token::show(&app, &signed_in, token),
        Err(failure) => refused(&app, &signed_in, &failure, &address.metadata_url).await,
    }
}

/// A connection to another identity provider, to be tried out before it takes the place of the present one.
pub(crate) async fn draft(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(address): Posted<Address>,
) -> Response {
    let outcome = async {
        let snapshot = require_owner(&app, &signed_in).await?;
        connect::draft(&app, by(&signed_in), &snapshot.organization.id, &address.metadata_url).await
    };
    finish(&app, &signed_in, outcome.await, "draft", &address.metadata_url).await
}

/// A draft that comes into use.
#[derive(Deserialize)]
pub(crate) struct Activated {
    connection: String,
    /// The connection whose place it takes; empty: all others stay.
    replaces: String,
}

/// A draft takes the place of a connection, or stands beside all of them.
pub(crate) async fn activate(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(activated): Posted<Activated>,
) -> Response {
    let outcome = async {
        let snapshot = require_owner(&app, &signed_in).await?;
        let id = &snapshot.organization.id;
        let connection = connect::named(&app, id, &activated.connection).await?;
        let replaced = match activated.replaces.as_str() {
            "" => None,
            replaced => Some(connect::named(&app, id, replaced).await?),
        };
        connect::activate(&app, by(&signed_in), &connection, replaced).await
    };
    finish(&app, &signed_in, outcome.await, "activated", "").await
}

/// A draft is not wanted any more.
pub(crate) async fn discard(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(named): Posted<Named>,
) -> Response {
    let outcome = async {
        let snapshot = require_owner(&app, &signed_in).await?;
        let connection = connect::named(&app, &snapshot.organization.id, &named.connection).await?;
        connect::discard(&app, by(&signed_in), &connection).await
    };
    finish(&app, &signed_in, outcome.await, "discarded", "").await
}

pub(crate) async fn reload(State(app): State<App>, signed_in: SignedIn) -> Response {
    let outcome = async {
        let snapshot = require_owner(&app, &signed_in).await?;
        connect::reload(&app, by(&signed_in), &snapshot.organization.id).await
    };
    finish(&app, &signed_in, outcome.await, "reloaded", "").await
}

/// The end of SAML single sign-on for the organization.
pub(crate) async fn disconnect(State(app): State<App>, signed_in: SignedIn) -> Response {
    let outcome = async {
        let snapshot = require_owner(&app, &signed_in).await?;
        connect::disconnect(&app, by(&signed_in), &snapshot.organization.id).await
    };
    finish(&app, &signed_in, outcome.await, "disconnected", "").await
}

/// Leads to the page, which can be loaded again.
pub(crate) async fn finish(
    app: &App,
    signed_in: &SignedIn,
    outcome: Result<(), Failure>,
    done: &str,
    typed: &str,
) -> Response {
    match outcome {
        Ok(()) => Redirect::to(&format!("/settings?done={done}")).into_response(),
        Err(failure) => refused(app, signed_in, &failure, typed).await,
    }
}

/// The page with what went wrong, and with what was typed.
pub(crate) async fn refused(app: &App, signed_in: &SignedIn, failure: &Failure, typed: &str) -> Response {
    let message = Message::Problem(failure.to_string());
    match build(app, signed_in, &message, typed).await {
        Ok(page) => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
        Err(failure) => failure.into_response(),
    }
}

pub(crate) async fn encryption_certificate(State(app): State<App>) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/x-pem-file"),
        (CONTENT_DISPOSITION, "attachment; filename=\"loadbench-encryption.pem\""),
    ];
    (headers, app.encryption_certificate.to_pem()).into_response()
}

/// The organization of whoever is signed in, if they own it.
pub(crate) async fn require_owner(app: &App, signed_in: &SignedIn) -> Result<Snapshot, Failure> {
    let session = signed_in.session();
    let snapshot = app.store.whole(&session.organization).await?;
    let owner = snapshot
        .account(&session.account)
        .is_some_and(|account| account.is_active() && account.role == Role::Owner);
    if owner { Ok(snapshot) } else { Err(Failure::new("The settings are for the organization's owner.")) }
}

/// Who asks for a change.
pub(crate) fn by(signed_in: &SignedIn) -> Actor {
    Actor::Account(signed_in.session().account.clone())
}

/// The address of whoever is signed in.
pub(crate) fn email_of(snapshot: &Snapshot, signed_in: &SignedIn) -> String {
    let account = snapshot.account(&signed_in.session().account);
    account.map(|account| account.email.clone()).unwrap_or_default()
}

/// What the page says first.
enum Message {
    None,
    Done(&'static str),
    Problem(String),
}

async fn build(app: &App, signed_in: &SignedIn, message: &Message, typed: &str) -> Result<Page, Failure> {
    let snapshot = require_owner(app, signed_in).await?;
    let id = &snapshot.organization.id;
    let connections = app.store.connections_of(id).await?;
    let in_state =
        |wanted: &[ConnectionState]| connections.iter().find(|connection| wanted.contains(&connection.state));
    let audit = app.store.audit(id).await?;
    let mut page = Page::new("Organization settings")
        .navigation(&email_of(&snapshot, signed_in), true)
        .heading(&format!("{}: organization settings", snapshot.organization.name));
    page = match message {
        Message::None => page,
        Message::Done(text) => page.success(text),
        Message::Problem(text) => page.problem(text),
    };
    page = page.links(&[
        ("/settings/people", "People"),
        ("/settings/groups", "Groups"),
        ("/settings/domains", "Domains"),
        ("/settings/sign-ins", "Sign-ins"),
        ("/settings/links", "Set-up links"),
        ("/settings/policy", "Policy"),
        ("/settings/scim", "Provisioning by SCIM"),
        ("/settings/audit", "Audit"),
    ]);
    let wrong = matches!(message, Message::Problem(_)) && !typed.is_empty();
    let active = connect::all_active(&app.store, id).await?;
    page = match active.first() {
        Some(stored) => {
            let page = match stored.to_connection() {
                Ok(connection) => {
                    let okta = connection.identity_provider();
                    let page = connected(page, stored, okta, &stored.metadata, Utc::now());
                    key_page::cards(page, app, stored, okta).await?
                }
                Err(reason) => unusable(page, &Failure::from(reason)),
            };
            match in_state(&[ConnectionState::Draft, ConnectionState::Tested]) {
                Some(draft) => drafted(page, draft, &active),
                None => replace(page, typed, wrong),
            }
        }
        None => unconnected(page, typed, wrong),
    };
    page = console_values(page, app);
    page = page.card("Refused sign-ins", |page| refusals::look_up(page, "", false));
    page = members::card(page, &snapshot);
    Ok(changes::card(page, &snapshot, &audit))
}

fn unconnected(page: Page, typed: &str, wrong: bool) -> Page {
    page.card("SAML single sign-on", |page| {
        page.paragraph(
            "Connect your identity provider. In Okta: open the app, Sign On tab, and copy the Metadata URL.",
        )
        .form(&Form {
            method: "post",
            action: "/settings/connect",
            hidden: &[],
            inputs: &[metadata_url(typed, wrong)],
            button: "Convert to a SAML organization",
            quiet: false,
        })
    })
}

fn replace(page: Page, typed: &str, wrong: bool) -> Page {
    page.card("Another identity provider", |page| {
        page.paragraph(
            "Add the new one as a draft and try it out. People go on signing in over the present one until you change over.",
        )
        .form(&Form {
            method: "post",
            action: "/settings/draft",
            hidden: &[],
            inputs: &[metadata_url(typed, wrong)],
            button: "Add as a draft",
            quiet: true,
        })
    })
}

fn metadata_url(typed: &str, wrong: bool) -> Input<'_> {
    Input {
        name: "metadata_url",
        label: "Metadata URL",
        kind: "url",
        placeholder: "https://your-organization.okta.com/app/your-app-id/sso/saml/metadata",
        autocomplete: "url",
        value: typed,
        wrong,
    }
}

fn drafted(page: Page, draft: &StoredConnection, active: &[StoredConnection]) -> Page {
    let hidden = [("connection", draft.id.as_str())];
    let form =
        |action, button, quiet| Form { method: "post", action, hidden: &hidden, inputs: &[], button, quiet };
    page.card("Another identity provider", |page| {
        let page = page
            .facts(&[("Identity provider", draft.identity_provider.as_str()), ("State", draft.state.name())]);
        let page = page.form(&form("/settings/try", "Try it out", draft.state != ConnectionState::Draft));
        let page = match draft.state {
            ConnectionState::Tested => activation(page, &draft.id, active),
            _ => page.note("When a trial went through, it can take the place of the present one."),
        };
        page.form(&form("/settings/discard", "Discard the draft", true))
    })
}

/// How a tested draft comes into use. If people sign in over several connections, the owner says which one it replaces.
pub(crate) fn activation(page: Page, draft: &ConnectionId, active: &[StoredConnection]) -> Page {
    let form = |page: Page, replaces: &str, button: &str| {
        let hidden = [("connection", draft.as_str()), ("replaces", replaces)];
        page.form(&Form {
            method: "post",
            action: "/settings/activate",
            hidden: &hidden,
            inputs: &[],
            button,
            quiet: false,
        })
    };
    match active {
        [] => form(page, "", "Use this connection from now on"),
        [only] => form(page, only.id.as_str(), "Use this connection from now on"),
        several => {
            let page = several.iter().fold(page, |page, old| {
                form(page, old.id.as_str(), &format!("Use it in place of {}", old.id))
            });
            form(page, "", "Use it beside all of them")
        }
    }
}

fn connected(
    page: Page,
    stored: &StoredConnection,
    identity_provider: &IdentityProvider,
    metadata: &ConnectionMetadata,
    now: DateTime<Utc>,
) -> Page {
    let source = metadata.source.url().unwrap_or("none: it was uploaded");
    let loaded = metadata.fetched_at.format("%Y-%m-%d %H:%M UTC").to_string();
    let warnings: Vec<String> = identity_provider.warnings(now).iter().map(ToString::to_string).collect();
    page.card("SAML single sign-on", |page| {
        let page = page.facts(&[
            ("Identity provider", identity_provider.entity_id().as_str()),
            (
                "Sign-on address",
                identity_provider
                    .single_sign_on_at(&Binding::HttpRedirect)
                    .map_or("none", WebAddress::as_str),
            ),
            ("Metadata URL", source),
            ("Metadata loaded", &loaded),
        ]);
        let page = if warnings.is_empty() { page } else { page.list(&warnings) };
        let hidden = [("connection", stored.id.as_str())];
        page.form(&Form { hidden: &hidden, ..button("/settings/try", "Try it out") })
            .form(&button("/settings/reload", "Load the metadata again"))
            .form(&button("/settings/token", "Issue another token"))
            .form(&button(LINK, "Link my own account to it"))
            .form(&button("/settings/disconnect", "Disconnect"))
    })
}

/// The connection is there, and its metadata cannot be used: nobody signs in over it until that is corrected.
fn unusable(page: Page, reason: &Failure) -> Page {
    page.card("SAML single sign-on", |page| {
        page.problem(&format!("Nobody can sign in over the connection: {reason}"))
            .form(&button("/settings/reload", "Load the metadata again"))
            .form(&button("/settings/disconnect", "Disconnect"))
    })
}

fn button<'a>(action: &'a str, button: &'a str) -> Form<'a> {
    Form { method: "post", action, hidden: &[], inputs: &[], button, quiet: true }
}

/// What the customer's admin types into Okta's console, field by field.
fn console_values(page: Page, app: &App) -> Page {
    let service_provider = app.service_provider();
    page.card("Values for your identity provider", |page| {
        page.facts(&[
            ("Single sign-on URL", service_provider.assertion_consumer()),
            ("Audience URI (SP Entity ID)", service_provider.entity_id().as_str()),
            ("Name ID format", "EmailAddress"),
            ("Response and assertion", "Signed, RSA-SHA256"),
            ("Assertion encryption", "Encrypted, AES256-CBC or AES256-GCM, RSA-OAEP"),
            ("Encryption certificate", &format!("{}/settings/encryption-certificate.pem", app.base_url)),
            ("Token", token::INSTRUCTION),
            ("Attribute statements", "user.email, user.username, user.first_name, user.last_name, token"),
            ("Group attribute statement", "groups, matches regex .*"),
        ])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(name: &str) -> StoredConnection {
        let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata().unwrap();
        let source = vouchsafe_store::MetadataSource::Uploaded;
        let metadata = ConnectionMetadata::new(metadata, source, DateTime::UNIX_EPOCH);
        StoredConnection::from_metadata(ConnectionId::new(name).unwrap(), "acme".into(), metadata).unwrap()
    }

    /// A connection ends only if the form that the owner sends names it.
    #[test]
    fn of_several_connections_the_owner_says_which_one_a_draft_replaces() {
        let forms = |names: &[&str]| {
            let active: Vec<_> = names.iter().map(|name| active(name)).collect();
            let draft = ConnectionId::new("draft").unwrap();
            let page = activation(Page::new("Settings"), &draft, &active).finish();
            let values = page.split("name=\"replaces\" value=\"").skip(1);
            let values = values.filter_map(|rest| rest.split('"').next()).map(str::to_owned);
            values.collect::<Vec<_>>()
        };
        assert_eq!(forms(&[]), [""]);
        assert_eq!(forms(&["okta"]), ["okta"]);
        assert_eq!(forms(&["okta", "entra"]), ["okta", "entra", ""]);
    }
}
