//! Links with which somebody who has no account here sets the connection up: the owner issues, renews and revokes them.

use std::sync::Arc;

use axum::extract::{Form as Posted, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use vouchsafe::{ConnectionSettings, Unsolicited};
use vouchsafe_axum::{SetUp, SetUpBrand, SignedIn};
use vouchsafe_client::{Client, ClientError, DomainResolver};
use vouchsafe_store::{
    Author, Directory, SetUpLink, SetUpLinkState, SetUpPurpose, SetUpSecret, SetUpStore, Store,
    StoredSettings,
};

use crate::app::App;
use crate::domains::Dns;
use crate::failure::Failure;
use crate::html::{Form, Page};
use crate::settings;

/// Where the portal is.
pub(crate) const PATH: &str = "/set-up";
/// How long a link works.
const LIFETIME: TimeDelta = TimeDelta::days(7);

/// The portal of this service: with its name, and connections as its owners make them.
pub(crate) fn portal(store: Arc<Store>, client: Client, dns: Dns) -> SetUp {
    let directory = Arc::clone(&store);
    SetUp::new(store, PATH)
        .brand(SetUpBrand::new("Loadbench").support("Do you need help? Write to support@loadbench.example."))
        .metadata_by(move |address| {
            let client = client.clone();
            async move { client.load(&address).await }
        })
        .records_by(move |name| {
            let directory = Arc::clone(&directory);
            async move { records(&directory, dns, &name).await }
        })
        .settings(|_, _, _| {
            let mut settings = StoredSettings::default();
            // The icon in Okta's dashboard works without a round trip.
            settings.sign_in = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
            settings
        })
}

/// The TXT records of a name. In the demonstration every record that somebody asked for is taken to be there.
async fn records(store: &Store, dns: Dns, name: &str) -> Result<Vec<String>, ClientError> {
    if let Dns::Real = dns {
        return DomainResolver::from_system()?.txt_records(name).await;
    }
    let mut records = Vec::new();
    for id in store.organizations().await.unwrap_or_default() {
        let found = store.organization(&id).await.ok().flatten();
        let challenges = found.map(|found| found.value.domain_challenges).unwrap_or_default();
        let of_name = challenges.into_iter().filter(|challenge| challenge.record_name() == name);
        records.extend(of_name.map(|challenge| challenge.record_value()));
    }
    Ok(records)
}

#[derive(Deserialize)]
pub(crate) struct Named {
    link: String,
}

pub(crate) async fn page(State(app): State<App>, signed_in: SignedIn) -> Response {
    shown(&app, &signed_in, None).await.map_or_else(IntoResponse::into_response, IntoResponse::into_response)
}

/// Issues a link, and shows its address this once.
pub(crate) async fn issue(State(app): State<App>, signed_in: SignedIn) -> Response {
    let issued = async {
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        let (secret, now) = (SetUpSecret::generate(app.service_provider().provider())?, Utc::now());
        let organization = snapshot.organization.id;
        let link = SetUpLink::new(&secret, organization, SetUpPurpose::Everything, now, end_of(now));
        app.store.add_set_up_link(&secret, &link, &Author::new(settings::by(&signed_in), now)).await?;
        let address = format!("{}{}", app.base_url, app.set_up.link_path(&secret));
        shown(&app, &signed_in, Some(&address)).await
    };
    issued.await.map_or_else(IntoResponse::into_response, IntoResponse::into_response)
}

/// Lets a link work for another week, also after a connection was activated with it.
pub(crate) async fn renew(app: State<App>, signed_in: SignedIn, Posted(named): Posted<Named>) -> Response {
    change(&app, &signed_in, &named.link, |link, now| link.renew_until(end_of(now))).await
}

pub(crate) async fn revoke(app: State<App>, signed_in: SignedIn, Posted(named): Posted<Named>) -> Response {
    change(&app, &signed_in, &named.link, SetUpLink::revoke).await
}

async fn change(
    app: &App,
    signed_in: &SignedIn,
    id: &str,
    change: impl FnOnce(&mut SetUpLink, DateTime<Utc>),
) -> Response {
    let changed = async {
        let organization = settings::require_owner(app, signed_in).await?.organization.id;
        let found = app.store.set_up_link(id).await?.filter(|link| link.organization == organization);
        let mut link = found.ok_or_else(|| Failure::new("The organization has no such link."))?;
        let now = Utc::now();
        change(&mut link, now);
        app.store.update_set_up_link(&link, &Author::new(settings::by(signed_in), now)).await?;
        Ok::<_, Failure>(())
    };
    match changed.await {
        Ok(()) => Redirect::to("/settings/links").into_response(),
        Err(failure) => (StatusCode::UNPROCESSABLE_ENTITY, failure).into_response(),
    }
}

fn end_of(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_add_signed(LIFETIME).unwrap_or(now)
}

async fn shown(app: &App, signed_in: &SignedIn, issued: Option<&str>) -> Result<Page, Failure> {
    let snapshot = settings::require_owner(app, signed_in).await?;
    let links = app.store.set_up_links_of(&snapshot.organization.id).await?;
    let page = Page::new("Set-up links")
        .navigation(&settings::email_of(&snapshot, signed_in), true)
        .heading("Set-up links");
    let page = match issued {
        Some(address) => page.card("The new link", |page| {
            page.paragraph("Send it to whoever administers your identity provider. It is shown this once.")
                .secret("link", address)
        }),
        None => page,
    };
    let page = links.iter().rev().fold(page, |page, link| {
        page.card(&format!("Link {}", link.id), |page| {
            let state = match link.state(Utc::now()) {
                SetUpLinkState::Open => "works",
                SetUpLinkState::Used => "used: a connection was activated with it",
                SetUpLinkState::Expired => "expired",
                _ => "revoked",
            };
            let until = link.expires_at.format("%Y-%m-%d %H:%M UTC").to_string();
            let page = page.facts(&[("State", state), ("Until", &until)]);
            match link.state(Utc::now()) {
                SetUpLinkState::Revoked => page,
                _ => button(
                    button(page, "/settings/links/renew", &link.id, "Renew"),
                    "/settings/links/revoke",
                    &link.id,
                    "Revoke",
                ),
            }
        })
    });
    Ok(page.card("Another link", |page| {
        page.paragraph("With it somebody without an account here connects or replaces your identity provider, and verifies domains.").form(&Form {
            method: "post",
            action: "/settings/links",
            hidden: &[],
            inputs: &[],
            button: "Issue a link",
            quiet: false,
        })
    }))
}

fn button(page: Page, action: &str, link: &str, text: &str) -> Page {
    let hidden = [("link", link)];
    page.form(&Form { method: "post", action, hidden: &hidden, inputs: &[], button: text, quiet: true })
}
