//! Signals by which the identity provider ends a person's sessions: whose are believed for a connection, and where their keys come from.

use std::sync::Arc;

use axum::extract::{Form as Posted, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;
use vouchsafe::ConnectionId;
use vouchsafe::crypto::Provider;
use vouchsafe::provisioning::{Actor, OrganizationId};
use vouchsafe_axum::{SignedIn, peer_address};
use vouchsafe_client::Client;
use vouchsafe_signals::{FetchKeys, Fetching, SignalService, StoredTransmitters};
use vouchsafe_store::{ConnectionDecision, Directory, Store, StoredConnection, StoredTransmitter};

use crate::app::App;
use crate::failure::Failure;
use crate::html::{Form, Input, Page};
use crate::{scim, settings};

/// Where the doors for signals are.
pub(crate) const PATH: &str = "/signals";

/// Keys are loaded as metadata is: over HTTPS, from no address of the own network, in bounded time and size.
#[derive(Debug)]
struct Loaded(Client);

impl FetchKeys for Loaded {
    fn fetch<'a>(&'a self, address: &'a str) -> Fetching<'a> {
        Box::pin(async move { self.0.load(address).await.map_err(Into::into) })
    }
}

pub(crate) fn service(store: Arc<Store>, client: Client, provider: Provider) -> SignalService {
    let transmitters = Arc::new(StoredTransmitters::new(store.clone()));
    SignalService::new(store, transmitters, Arc::new(Loaded(client)), provider)
        .with_client_address(peer_address)
}

/// The address of the doors of a connection.
fn address(app: &App, connection: &ConnectionId) -> String {
    format!("{}{PATH}/{connection}", app.base_url)
}

/// Believes the signals of this issuer for the connection over which the organization signs in. The address that they are sent below.
pub(crate) async fn configure(
    app: &App,
    by: Actor,
    id: &OrganizationId,
    issuer: &str,
    keys_url: &str,
) -> Result<String, Failure> {
    if issuer.is_empty() || keys_url.is_empty() {
        return Err(Failure::new("Enter the issuer and the address of its keys."));
    }
    let connection = scim::connection(app, id).await?;
    let address = address(app, &connection);
    let transmitter = StoredTransmitter::new(issuer, keys_url)
        .for_audience(format!("{address}/global-token-revocation"))
        .for_audience(format!("{address}/events"));
    let believe = ConnectionDecision::new(id.clone(), by, Utc::now(), move |it, _| {
        it.connection_mut(&connection)?.settings.transmitter = Some(transmitter.clone());
        Ok(())
    });
    app.store.decide_connections(believe).await?;
    Ok(address)
}

/// What stands on the page of provisioning.
pub(crate) fn card(page: Page, app: &App, connection: &StoredConnection) -> Page {
    let known = &connection.settings.transmitter;
    let connection = &connection.id;
    let [issuer, keys_url] = match known {
        Some(known) => [known.issuer.as_str(), known.keys_url.as_str()],
        None => ["", ""],
    };
    let input = |name, label, value, placeholder| Input {
        name,
        label,
        kind: "text",
        placeholder,
        autocomplete: "off",
        value,
        wrong: false,
    };
    let address = address(app, connection);
    let (revocation, events) = (format!("{address}/global-token-revocation"), format!("{address}/events"));
    page.card("Signals that end sessions", |page| {
        page.paragraph("Universal Logout (Okta) and session-revoked events (CAEP) end every session of one person at once.")
            .facts(&[
                ("Global token revocation endpoint", revocation.as_str()),
                ("Push endpoint of the event stream", events.as_str()),
            ])
            .form(&Form {
                method: "post",
                action: "/settings/signals",
                hidden: &[],
                inputs: &[
                    input("issuer", "Issuer", issuer, "https://ORG.okta.com"),
                    input("keys_url", "Address of its keys (JWKS)", keys_url, "https://ORG.okta.com/oauth2/v1/keys"),
                ],
                button: "Believe these signals",
                quiet: known.is_some(),
            })
    })
}

#[derive(Deserialize)]
pub(crate) struct Typed {
    issuer: String,
    keys_url: String,
}

pub(crate) async fn save(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(typed): Posted<Typed>,
) -> Response {
    let saved = async {
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        configure(
            &app,
            settings::by(&signed_in),
            &snapshot.organization.id,
            typed.issuer.trim(),
            typed.keys_url.trim(),
        )
        .await
    };
    match saved.await {
        Ok(_) => Redirect::to("/settings/scim").into_response(),
        Err(failure) => settings::refused(&app, &signed_in, &failure, "").await,
    }
}
