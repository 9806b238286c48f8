//! Connecting an organization to its identity provider: metadata, trust, conversion, token.

use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe::metadata::KeyChanges;
use vouchsafe::provisioning::{Actor, OrganizationId, OrganizationToken, TokenHash};
use vouchsafe::{ConnectionId, ConnectionSettings, ConnectionState, IdentityProvider, Unsolicited};
use vouchsafe_client::{RefreshOutcome, refresh_stored};
use vouchsafe_store::{
    ConnectionDecision, ConnectionMetadata, ConnectionStore, Directory, MetadataSource,
    OrganizationConnections, SignInError, Store, StoredConnection,
};

use crate::app::App;
use crate::domains;
use crate::failure::Failure;

/// How long an old token goes on working after a new one was issued: time enough to paste it into the identity provider's console.
const TOKEN_OVERLAP: Duration = Duration::from_secs(24 * 3_600);

/// Loads the metadata, converts the organization, and answers the token, which is shown this once. Connection, metadata and token are
/// written together, and every process that serves the database knows them at once.
pub(crate) async fn convert(
    app: &App,
    by: Actor,
    id: &OrganizationId,
    metadata_url: &str,
) -> Result<String, Failure> {
    let described = described(app, id, metadata_url).await?;
    let (token, hash) = issue_token(app)?;
    decide(&app.store, by, id, move |organization, now| {
        let mut connection = described.clone();
        connection.id = unused_name(organization, connection.id);
        organization.convert(connection, Some(hash.clone()), now)
    })
    .await?;
    Ok(token.reveal())
}

/// A connection to the identity provider that the metadata describes.
async fn described(app: &App, id: &OrganizationId, metadata_url: &str) -> Result<StoredConnection, Failure> {
    let metadata = load(app, metadata_url).await?;
    let mut connection =
        StoredConnection::from_metadata(ConnectionId::new(id.as_str())?, id.clone(), metadata)?;
    // The icon in Okta's dashboard works without a round trip.
    connection.settings.sign_in = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    Ok(connection)
}

fn issue_token(app: &App) -> Result<(OrganizationToken, TokenHash), Failure> {
    let provider = app.service_provider().provider();
    let token = OrganizationToken::issue(provider)?;
    let hash = token.hash(provider)?;
    Ok((token, hash))
}

/// Changes how an organization signs in, in one transaction, which also writes down who asked for it.
async fn decide(
    store: &Store,
    by: Actor,
    id: &OrganizationId,
    act: impl Fn(&mut OrganizationConnections, DateTime<Utc>) -> Result<(), SignInError> + Send + Sync + 'static,
) -> Result<(), Failure> {
    store.decide_connections(ConnectionDecision::new(id.clone(), by, Utc::now(), act)).await?;
    Ok(())
}

/// The first connection has the name of its organization, each later one a number: names are used once, and what people type
/// as the name of the organization leads to the oldest connection.
fn unused_name(organization: &OrganizationConnections, name: ConnectionId) -> ConnectionId {
    let numbered = (2_u32..).filter_map(|number| ConnectionId::new(format!("{name}-{number}")).ok());
    let first = std::iter::once(name.clone()).filter(|_| organization.connections.is_empty());
    let mut names = first.chain(numbered);
    names.find(|one| organization.connection(one).is_none()).unwrap_or(name)
}

/// Keeps a connection to another identity provider as a draft: it can be tried out, and signs nobody in.
pub(crate) async fn draft(
    app: &App,
    by: Actor,
    id: &OrganizationId,
    metadata_url: &str,
) -> Result<(), Failure> {
    let described = described(app, id, metadata_url).await?;
    decide(&app.store, by, id, move |organization, _| {
        let mut connection = described.clone();
        connection.id = unused_name(organization, connection.id);
        organization.add_draft(connection)
    })
    .await
}

/// The connection of that name, if it is the organization's.
pub(crate) async fn named(app: &App, id: &OrganizationId, name: &str) -> Result<StoredConnection, Failure> {
    let all = app.store.connections_of(id).await?;
    let found = all.into_iter().find(|connection| connection.id.as_str() == name);
    found.ok_or_else(|| Failure::new("The organization has no such connection."))
}

/// Notes that a trial of a draft went through.
pub(crate) async fn mark_tested(
    store: &Store,
    connection: &StoredConnection,
    tried: Option<u64>,
) -> Result<(), Failure> {
    let tried = tried.ok_or_else(|| Failure::new("Nothing was tried."))?;
    let id = connection.id.clone();
    let by = Actor::Rule("connection.trial".into());
    decide(store, by, &connection.organization, move |organization, _| organization.mark_tested(&id, tried))
        .await
}

/// Lets people sign in over a draft. The connection that the owner said it replaces ends in the same step; all others stay.
pub(crate) async fn activate(
    app: &App,
    by: Actor,
    connection: &StoredConnection,
    replaced: Option<StoredConnection>,
) -> Result<(), Failure> {
    let new = connection.id.clone();
    decide(&app.store, by, &connection.organization, move |organization, now| match &replaced {
        Some(old) => organization.replace(&old.id, &new, now),
        None => organization.activate(&new, now),
    })
    .await
}

/// Ends a draft.
pub(crate) async fn discard(app: &App, by: Actor, connection: &StoredConnection) -> Result<(), Failure> {
    let id = connection.id.clone();
    decide(&app.store, by, &connection.organization, move |organization, _| organization.retire(&id)).await
}

/// Ends SAML single sign-on: nobody signs in over the connection any more, and the tokens are worth nothing.
pub(crate) async fn disconnect(app: &App, by: Actor, id: &OrganizationId) -> Result<(), Failure> {
    decide(&app.store, by, id, |organization, now| {
        organization.disconnect(now);
        Ok(())
    })
    .await
}

/// The oldest connection over which people sign in to an organization.
pub(crate) async fn active(app: &App, id: &OrganizationId) -> Result<Option<StoredConnection>, Failure> {
    Ok(all_active(&app.store, id).await?.into_iter().next())
}

/// The connections over which people sign in to an organization, the oldest first.
pub(crate) async fn all_active(store: &Store, id: &OrganizationId) -> Result<Vec<StoredConnection>, Failure> {
    let Some(organization) = store.organization(id).await? else { return Ok(Vec::new()) };
    let mut active = store.connections_of(id).await?;
    active.retain(|connection| connection.state == ConnectionState::Active);
    let own = organization.value.own_connections();
    active.sort_by_key(|connection| own.iter().position(|id| *id == connection.id).unwrap_or(own.len()));
    Ok(active)
}

/// Loads the metadata again from where it came, as for a change of keys. What changes more than the owner lets the address change waits for their
/// approval.
pub(crate) async fn reload(app: &App, by: Actor, id: &OrganizationId) -> Result<(), Failure> {
    let Some(connection) = active(app, id).await? else { return Ok(()) };
    let provider = app.service_provider().provider();
    let event = refresh_stored(&app.client, provider, &app.store, &connection.id, by).await;
    match event.map(|event| event.outcome) {
        Some(RefreshOutcome::Kept { reason, .. }) => Err(Failure::explained(&reason)),
        Some(RefreshOutcome::StoreFailed { reason, .. }) => Err(Failure::explained(&*reason)),
        _ => Ok(()),
    }
}

/// Takes newer metadata that the owner has looked at.
pub(crate) async fn approve(
    app: &App,
    by: Actor,
    connection: &StoredConnection,
    digest: String,
) -> Result<(), Failure> {
    let id = connection.id.clone();
    let approve = move |it: &mut OrganizationConnections, now| it.approve_metadata(&id, &digest, now);
    decide(&app.store, by, &connection.organization, approve).await
}

/// Refuses newer metadata that the owner has looked at, for good.
pub(crate) async fn refuse(
    app: &App,
    by: Actor,
    connection: &StoredConnection,
    digest: String,
) -> Result<(), Failure> {
    let (id, owner) = (connection.id.clone(), by.clone());
    let refuse =
        move |it: &mut OrganizationConnections, now| it.refuse_metadata(&id, &digest, owner.clone(), now);
    decide(&app.store, by, &connection.organization, refuse).await
}

/// Ends a refusal that was a mistake.
pub(crate) async fn end_refusal(
    app: &App,
    by: Actor,
    connection: &StoredConnection,
    digest: String,
) -> Result<(), Failure> {
    let (id, owner) = (connection.id.clone(), by.clone());
    let end = move |it: &mut OrganizationConnections, _| it.end_metadata_refusal(&id, &digest, &owner);
    decide(&app.store, by, &connection.organization, end).await
}

/// Changes how far the address of the metadata may change keys by itself.
pub(crate) async fn choose_key_changes(
    app: &App,
    by: Actor,
    connection: &StoredConnection,
    choice: KeyChanges,
) -> Result<(), Failure> {
    let id = connection.id.clone();
    let choose = move |it: &mut OrganizationConnections, _| {
        it.connection_mut(&id)?.settings.metadata.key_changes = choice;
        Ok(())
    };
    decide(&app.store, by, &connection.organization, choose).await
}

/// Another token; the present one works for another day.
pub(crate) async fn rotate_token(app: &App, by: Actor, id: &OrganizationId) -> Result<String, Failure> {
    let (token, hash) = issue_token(app)?;
    let rotate = move |it: &mut OrganizationConnections, now| {
        Ok(it.organization.rotate_to(hash.clone(), now, TOKEN_OVERLAP)?)
    };
    decide(&app.store, by, id, rotate).await?;
    Ok(token.reveal())
}

/// While the service runs, what is over is forgotten every few minutes.
pub(crate) async fn maintain(app: App) {
    tokio::spawn(app.sso.clone().sweep_every(Duration::from_secs(300)));
    let mut ticks = tokio::time::interval(Duration::from_secs(300));
    let mut days = tokio::time::interval(Duration::from_secs(24 * 3_600));
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = days.tick() => {
                domains::recheck(&app).await;
                continue;
            }
        }
        if let Err(error) = app.provisioned.sweep(&app.sso).await {
            tracing::error!(code = error.code(), reason = %error, "the sessions could not be swept");
        }
    }
}

async fn load(app: &App, metadata_url: &str) -> Result<ConnectionMetadata, Failure> {
    let bytes = app.client.load(metadata_url).await?;
    let now = Utc::now();
    IdentityProvider::from_metadata(&bytes)?.check_validity(now)?;
    Ok(ConnectionMetadata::new(bytes, MetadataSource::Url(metadata_url.trim().to_owned()), now))
}
