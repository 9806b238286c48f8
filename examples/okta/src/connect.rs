//! Connecting an organization to its identity provider: metadata, trust, conversion, token.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use vouchsafe::provisioning::{Organization, OrganizationId};
use vouchsafe::{Connection, ConnectionId, ConnectionSettings, IdentityProvider, Unsolicited};
use vouchsafe_store::{Directory, StoreError, StoredMetadata, Versioned};

use crate::app::App;
use crate::failure::Failure;

/// How long an old token goes on working after a new one was issued: time enough to paste it into the identity provider's console.
const TOKEN_OVERLAP: TimeDelta = TimeDelta::hours(24);

/// Loads the metadata, trusts the identity provider, converts the organization, and answers the token, which is shown this once.
pub(crate) async fn convert(app: &App, id: &OrganizationId, metadata_url: &str) -> Result<String, Failure> {
    let (identity_provider, metadata) = load(app, metadata_url).await?;
    let _one_at_a_time = app.connecting.lock().await;
    let mut organization = organization(app, id).await?;
    let name = identity_provider.entity_id().clone();
    let token = organization.value.convert(name, app.service_provider().provider(), Utc::now())?;
    app.store.update_organization(&organization).await?;
    app.store.set_metadata(id, &metadata).await?;
    app.connections().put(connection(id, identity_provider)?);
    Ok(token.reveal())
}

/// Loads the metadata again from where it came, as for a change of keys. The entity ID must be the same.
pub(crate) async fn reload(app: &App, id: &OrganizationId) -> Result<(), Failure> {
    let Some(source) = app.store.metadata(id).await?.and_then(|metadata| metadata.source) else {
        return Ok(());
    };
    let (identity_provider, metadata) = load(app, &source).await?;
    let _one_at_a_time = app.connecting.lock().await;
    let organization = organization(app, id).await?;
    // One organization has one identity provider; otherwise reloading could exchange the keys of another customer's.
    let expected = organization.value.identity_provider();
    let expected =
        expected.ok_or_else(|| Failure::new("The organization is not connected to an identity provider."))?;
    let identity_provider = identity_provider.expected_to_be(expected)?;
    app.store.set_metadata(id, &metadata).await?;
    app.connections().put(connection(id, identity_provider)?);
    Ok(())
}

/// Another token; the present one works for another day.
pub(crate) async fn rotate_token(app: &App, id: &OrganizationId) -> Result<String, Failure> {
    let _one_at_a_time = app.connecting.lock().await;
    let mut organization = organization(app, id).await?;
    let token =
        organization.value.rotate_token(app.service_provider().provider(), Utc::now(), TOKEN_OVERLAP)?;
    app.store.update_organization(&organization).await?;
    Ok(token.reveal())
}

/// At the start: connects the organizations to whom they were connected to when the service last ran. Metadata of one customer that cannot
/// be read stops nobody else.
pub(crate) async fn connect_again(app: &App) -> Result<(), Failure> {
    for id in app.store.organizations().await? {
        let Some(metadata) = app.store.metadata(&id).await? else { continue };
        let read = IdentityProvider::from_metadata(metadata.document.as_bytes());
        match read.map_err(Failure::from).and_then(|one| connection(&id, one)) {
            Ok(connection) => {
                app.connections().put(connection);
            }
            Err(failure) => tracing::warn!(organization = %id, %failure, "the connection cannot be used"),
        }
    }
    Ok(())
}

/// A connection has the name of its organization. The icon in Okta's dashboard works without a round trip.
fn connection(id: &OrganizationId, identity_provider: IdentityProvider) -> Result<Connection, Failure> {
    let settings = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    Ok(Connection::new(ConnectionId::new(id.as_str())?, identity_provider).with_settings(settings)?)
}

/// While the service runs: what is over is forgotten every few minutes, metadata is loaded again every hour. A failure waits for the next
/// time; the keys that are known stay trusted meanwhile.
pub(crate) async fn maintain(app: App) {
    let mut ticks = tokio::time::interval(Duration::from_secs(300));
    for tick in (0_u64..).map(|tick| tick % 12) {
        ticks.tick().await;
        for swept in [app.sso.sweep().await.map(drop), app.provisioned.sweep(&app.sso).await.map(drop)] {
            if let Err(error) = swept {
                tracing::error!(code = error.code(), message = %error, "the sweep failed");
            }
        }
        if tick == 11 {
            reload_all(&app).await;
        }
    }
}

async fn reload_all(app: &App) {
    for id in app.store.organizations().await.unwrap_or_default() {
        if let Err(failure) = reload(app, &id).await {
            tracing::warn!(organization = %id, %failure, "the metadata could not be loaded again");
        }
    }
}

/// The organization as it is stored.
pub(crate) async fn organization(
    app: &App,
    id: &OrganizationId,
) -> Result<Versioned<Organization>, StoreError> {
    // Every id here comes from a session or from the directory itself.
    match app.store.organization(id).await? {
        Some(organization) => Ok(organization),
        None => {
            app.store.whole(id).await.map(|snapshot| Versioned::new(snapshot.organization, snapshot.version))
        }
    }
}

async fn load(app: &App, metadata_url: &str) -> Result<(IdentityProvider, StoredMetadata), Failure> {
    let octets = app.client.load(metadata_url).await?;
    let identity_provider = IdentityProvider::from_metadata(&octets)?;
    let now = Utc::now();
    identity_provider.check_validity(now)?;
    let document = String::from_utf8_lossy(&octets).into_owned();
    Ok((identity_provider, StoredMetadata::new(document, Some(metadata_url.trim().to_owned()), now)))
}
