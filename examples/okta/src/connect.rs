//! Connecting an organization to its identity provider: metadata, trust, conversion, token.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use vouchsafe::provisioning::{Organization, OrganizationId, OrganizationToken};
use vouchsafe::{ConnectionId, ConnectionSettings, ConnectionState, IdentityProvider, Unsolicited};
use vouchsafe_store::{
    ConnectionDecision, ConnectionMetadata, ConnectionStore, Directory, MetadataSource,
    OrganizationConnections, Sqlite, StoreError, StoredConnection, Versioned,
};

use crate::app::App;
use crate::failure::Failure;

/// How long an old token goes on working after a new one was issued: time enough to paste it into the identity provider's console.
const TOKEN_OVERLAP: TimeDelta = TimeDelta::hours(24);

/// Loads the metadata, converts the organization, and answers the token, which is shown this once. Connection, metadata and token are
/// written together, and every process that serves the database knows them at once.
pub(crate) async fn convert(app: &App, id: &OrganizationId, metadata_url: &str) -> Result<String, Failure> {
    let metadata = load(app, metadata_url).await?;
    let mut connection =
        StoredConnection::from_metadata(ConnectionId::new(id.as_str())?, id.clone(), metadata)?;
    // The icon in Okta's dashboard works without a round trip.
    connection.settings.sign_in = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let provider = app.service_provider().provider();
    let token = OrganizationToken::issue(provider)?;
    let (hash, now) = (token.hash(provider)?, Utc::now());
    let conversion = ConnectionDecision::new(id.clone(), move |organization| {
        connection.id = unused_name(organization, connection.id);
        organization.convert(connection, Some(hash), now)
    });
    app.store.decide_connections(conversion).await?;
    Ok(token.reveal())
}

/// A connection has the name of its organization, the second one a number: names are used once.
fn unused_name(organization: &OrganizationConnections, name: ConnectionId) -> ConnectionId {
    let numbered = (2_u32..).filter_map(|number| ConnectionId::new(format!("{name}-{number}")).ok());
    let mut names = std::iter::once(name.clone()).chain(numbered);
    names.find(|one| organization.connection(one).is_none()).unwrap_or(name)
}

/// Keeps a connection to another identity provider as a draft: it can be tried out, and signs nobody in.
pub(crate) async fn draft(app: &App, id: &OrganizationId, metadata_url: &str) -> Result<(), Failure> {
    let metadata = load(app, metadata_url).await?;
    let mut connection =
        StoredConnection::from_metadata(ConnectionId::new(id.as_str())?, id.clone(), metadata)?;
    connection.settings.sign_in = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let drafting = ConnectionDecision::new(id.clone(), move |organization| {
        connection.id = unused_name(organization, connection.id);
        organization.add_draft(connection)
    });
    app.store.decide_connections(drafting).await?;
    Ok(())
}

/// The connection of that name, if it is the organization's.
pub(crate) async fn named(app: &App, id: &OrganizationId, name: &str) -> Result<StoredConnection, Failure> {
    let all = app.store.connections_of(id).await?;
    let found = all.into_iter().find(|connection| connection.id.as_str() == name);
    found.ok_or_else(|| Failure::new("The organization has no such connection."))
}

/// Notes that a trial of a draft went through.
pub(crate) async fn mark_tested(store: &Sqlite, connection: &StoredConnection) -> Result<(), Failure> {
    let id = connection.id.clone();
    let note = ConnectionDecision::new(connection.organization.clone(), move |organization| {
        organization.mark_tested(&id)
    });
    store.decide_connections(note).await?;
    Ok(())
}

/// Lets people sign in over a draft; the connection that they used until now ends in the same step.
pub(crate) async fn activate(app: &App, connection: &StoredConnection) -> Result<(), Failure> {
    let (new, now) = (connection.id.clone(), Utc::now());
    let change = ConnectionDecision::new(connection.organization.clone(), move |organization| {
        let mut connections = organization.connections.iter();
        let old = connections.find(|one| one.state == ConnectionState::Active).map(|one| one.id.clone());
        match old {
            Some(old) => organization.replace(&old, &new, now),
            None => organization.activate(&new, now),
        }
    });
    app.store.decide_connections(change).await?;
    Ok(())
}

/// Ends a draft.
pub(crate) async fn discard(app: &App, connection: &StoredConnection) -> Result<(), Failure> {
    let id = connection.id.clone();
    let ending = ConnectionDecision::new(connection.organization.clone(), move |organization| {
        organization.retire(&id)
    });
    app.store.decide_connections(ending).await?;
    Ok(())
}

/// Ends SAML single sign-on: nobody signs in over the connection any more, and the tokens are worth nothing.
pub(crate) async fn disconnect(app: &App, id: &OrganizationId) -> Result<(), Failure> {
    let now = Utc::now();
    let disconnection = ConnectionDecision::new(id.clone(), move |organization| {
        organization.disconnect(now);
        Ok(())
    });
    app.store.decide_connections(disconnection).await?;
    Ok(())
}

/// The connection over which people sign in to an organization.
pub(crate) async fn active(app: &App, id: &OrganizationId) -> Result<Option<StoredConnection>, Failure> {
    let all = app.store.connections_of(id).await?;
    Ok(all.into_iter().find(|connection| connection.state == ConnectionState::Active))
}

/// Loads the metadata again from where it came, as for a change of keys. The entity ID must be the same.
pub(crate) async fn reload(app: &App, id: &OrganizationId) -> Result<(), Failure> {
    let Some(mut connection) = active(app, id).await? else { return Ok(()) };
    let Some(source) = connection.metadata.source.url() else { return Ok(()) };
    connection.metadata = load(app, source).await?;
    connection.to_connection()?;
    app.store.update_connection(&connection).await?;
    Ok(())
}

/// Another token; the present one works for another day.
pub(crate) async fn rotate_token(app: &App, id: &OrganizationId) -> Result<String, Failure> {
    let mut organization = organization(app, id).await?;
    let token =
        organization.value.rotate_token(app.service_provider().provider(), Utc::now(), TOKEN_OVERLAP)?;
    app.store.update_organization(&organization).await?;
    Ok(token.reveal())
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

async fn load(app: &App, metadata_url: &str) -> Result<ConnectionMetadata, Failure> {
    let octets = app.client.load(metadata_url).await?;
    let now = Utc::now();
    IdentityProvider::from_metadata(&octets)?.check_validity(now)?;
    Ok(ConnectionMetadata::new(octets, MetadataSource::Url(metadata_url.trim().to_owned()), now))
}
