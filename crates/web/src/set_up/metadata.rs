//! Processes the customer's metadata: loads it, parses it, checks it against the service, and keeps it as a draft.

use vouchsafe::metadata::LintSeverity;
use vouchsafe::provisioning::PlanRefusal;
use vouchsafe::{Connection, ConnectionId, IdentityProvider};
use vouchsafe_store::{ConnectionMetadata, MetadataSource, StoreError, StoredConnection};

use super::error::SetUpError;
use super::fields::Fields;
use super::page::Next;
use super::requirements::{authenticated, require_no_older};
use super::settings::SetUp;
use super::visit::{Visit, is_draft};
use crate::work::elsewhere;

impl SetUp {
    pub(super) async fn take_metadata(
        &self,
        visit: &mut Visit<'_>,
        fields: &Fields,
    ) -> Result<Next, SetUpError> {
        let console = visit.require_console()?;
        let metadata = self.given(visit, fields).await?;
        // Metadata may be large, so it is parsed where other requests do not wait for it.
        let (metadata, identity_provider) = elsewhere(move || {
            let read = IdentityProvider::from_metadata(&metadata.document);
            Ok((metadata, read))
        })
        .await?;
        let identity_provider = identity_provider?;
        identity_provider.check_validity(visit.now)?;
        let is_of_draft =
            visit.draft().is_some_and(|draft| draft.identity_provider == *identity_provider.entity_id());
        let name = match (&visit.link.progress.connection, is_of_draft || visit.draft().is_none()) {
            // A connection's name is used once: if it is already in use, or was, a new one is made.
            (Some(name), true) if is_of_draft || visit.connections.iter().all(|known| known.id != *name) => {
                name.clone()
            }
            _ => visit.unused_name()?,
        };
        let (organization, entity_id) =
            (visit.link.organization.clone(), identity_provider.entity_id().clone());
        let mut wanted = StoredConnection::new(name.clone(), organization, entity_id, metadata);
        // Metadata that renews that of an active connection is tried with the settings of that connection.
        let renewed = visit.renewed_by(&wanted)?;
        let renews = renewed.map(|renewed| renewed.id.clone());
        wanted.settings = match renewed {
            Some(renewed) => renewed.settings.clone(),
            None => (self.0.settings)(&name, &visit.organization, console),
        };
        let (wanted, identity_provider) = authenticated(wanted, identity_provider, visit).await?;
        visit.require_not_refused(&wanted)?;
        require_no_older(&wanted, visit).await?;
        require_usable(visit, &wanted, &identity_provider)?;
        let old = visit.link.progress.connection.clone().filter(|old| *old != name);
        // A connection with another name may have other addresses than those that were copied into the console.
        let are_other_values = renews.is_none()
            && old.as_ref().is_some_and(|old| {
                let copied = (self.0.settings)(old, &visit.organization, console);
                copied.sign_in != wanted.settings.sign_in
            });
        let kept = name.clone();
        self.require_still_open(visit).await?;
        // It is noted before the draft gets the settings, so that they are never in a draft of which it is not known.
        if renews.is_some() {
            self.advance(visit, |progress| progress.renews.clone_from(&renews)).await?;
        }
        self.decide(visit, move |it, _| {
            let is_draft =
                |id: &ConnectionId| it.connection(id).is_some_and(|one| is_draft(one, &it.organization));
            let (old, is_still_draft) = (old.as_ref().filter(|old| is_draft(old)), is_draft(&name));
            if let Some(old) = old {
                it.retire(old)?;
            }
            if it.connection(&name).is_none() {
                return it.add_draft(wanted.clone());
            }
            let draft = it.connection_mut(&name)?;
            // Somebody else may have given metadata of another identity provider under this name at the same time.
            if draft.identity_provider != wanted.identity_provider {
                let (read, is) = (wanted.revision, draft.revision);
                return Err(StoreError::connection_conflict(name.clone(), read, is).into());
            }
            // Somebody else may have activated it while the document was loaded.
            if !is_still_draft {
                let state = draft.state.name();
                return Err(PlanRefusal::connection_state(
                    name.clone(),
                    state,
                    "given metadata by a set-up link",
                )
                .into());
            }
            // The trial was for the previous content, so the state is reset.
            if draft.metadata.document != wanted.metadata.document || draft.settings != wanted.settings {
                draft.state = vouchsafe::ConnectionState::Draft;
            }
            draft.metadata = wanted.metadata.clone();
            draft.settings = wanted.settings.clone();
            Ok(())
        })
        .await?;
        self.advance(visit, |progress| {
            progress.connection = Some(kept);
            progress.renews = renews;
            progress.trial = None;
        })
        .await?;
        Ok(Next::Step(if are_other_values { "values" } else { "trial" }))
    }

    /// Returns the given document, in one of three ways.
    async fn given(&self, visit: &Visit<'_>, fields: &Fields) -> Result<ConnectionMetadata, SetUpError> {
        let (address, text) = (fields.given("metadata_url"), fields.given("metadata_text"));
        match (address, fields.file("metadata_file"), text) {
            (None, None, None) => Err(SetUpError::NoMetadata),
            (Some(address), None, None) => {
                let load = self.0.load.as_ref().ok_or(SetUpError::NoClient)?;
                self.0.limits.count_asked(&visit.link, visit.now)?;
                let document =
                    load(address.to_owned()).await.inspect_err(|error| not_loaded(visit, error))?;
                Ok(ConnectionMetadata::new(document, MetadataSource::Url(address.to_owned()), visit.now))
            }
            (None, Some(file), None) => {
                Ok(ConnectionMetadata::new(file.to_owned(), MetadataSource::Uploaded, visit.now))
            }
            (None, None, Some(text)) => {
                Ok(ConnectionMetadata::new(text, MetadataSource::Uploaded, visit.now))
            }
            _ => Err(SetUpError::SeveralSources),
        }
    }
}

/// Tells the operator, since the pages speak to the customer.
fn not_loaded(visit: &Visit<'_>, error: &SetUpError) {
    let hint = match error.code() {
        "client.forbidden_address" => {
            "To try the portal with an identity provider on your own machine, load by Client::with_loopback."
        }
        _ => error.hint(),
    };
    let (link, organization) = (&visit.link.id, &visit.organization.id);
    tracing::warn!(link, %organization, code = error.code(), reason = %error, hint, "the metadata that a set-up link gave is not loaded");
}

/// Checks whether sign-ins over the connection can succeed, according to its metadata.
fn require_usable(
    visit: &Visit<'_>,
    wanted: &StoredConnection,
    identity_provider: &IdentityProvider,
) -> Result<(), SetUpError> {
    let connection = Connection::new(wanted.id.clone(), identity_provider.clone())
        .with_state(wanted.state)
        .with_settings(wanted.settings.sign_in.clone())?;
    let findings = visit.sso.service_provider().check_metadata(&connection, identity_provider, visit.now);
    match findings.iter().find(|finding| finding.severity() == LintSeverity::Error) {
        Some(finding) => Err(SetUpError::Unusable {
            code: finding.code(),
            text: finding.to_string(),
            remedy: finding.remedy(),
        }),
        None => Ok(()),
    }
}
