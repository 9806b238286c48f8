//! What the settings of a connection require of its metadata, for a document that a link gives.

use chrono::{DateTime, Utc};
use vouchsafe::metadata::RefreshError;
use vouchsafe::provisioning::Organization;
use vouchsafe::{IdentityProvider, Provider};
use vouchsafe_store::{ConnectionMetadata, StoredConnection};

use super::error::SetUpError;
use super::visit::{Visit, is_draft};
use crate::work::elsewhere;

/// Checks that the document proves what the settings of its connection require of newer metadata: a signature, an end. So
/// a link does not pass by what the operator requires of the identity provider's address. From here on the draft has the
/// bytes that were verified, and the identity provider is the one in them.
pub(super) async fn authenticated(
    wanted: StoredConnection,
    identity_provider: IdentityProvider,
    visit: &Visit<'_>,
) -> Result<(StoredConnection, IdentityProvider), SetUpError> {
    let trust = &wanted.settings.metadata;
    if trust.signer.is_none() && trust.longest_validity().is_none() {
        return Ok((wanted, identity_provider));
    }
    let (provider, now) = (visit.sso.service_provider().provider().clone(), visit.now);
    elsewhere(move || Ok(verified(wanted, &provider, now))).await?.map_err(not_accepted)
}

fn verified(
    mut wanted: StoredConnection,
    provider: &Provider,
    now: DateTime<Utc>,
) -> Result<(StoredConnection, IdentityProvider), RefreshError> {
    let accepted = wanted.metadata_source()?.accept(&*wanted.metadata.document, now, provider)?;
    let identity_provider = accepted.identity_provider(&wanted.identity_provider)?.clone();
    wanted.metadata.document = accepted.bytes().into();
    wanted.metadata.signer.clone_from(&wanted.settings.metadata.signer);
    Ok((wanted, identity_provider))
}

/// Checks that a draft does not take people back to an earlier signed document, in which a key may be that was withdrawn
/// since. It is compared again when the draft is activated, because the present one may have changed meanwhile.
pub(super) async fn require_no_older(draft: &StoredConnection, visit: &Visit<'_>) -> Result<(), SetUpError> {
    let (draft, connections) = (draft.clone(), visit.connections.clone());
    let organization = visit.organization.clone();
    let (provider, now) = (visit.sso.service_provider().provider().clone(), visit.now);
    let compared =
        elsewhere(move || Ok(is_no_older(&draft, &connections, &organization, &provider, now))).await?;
    compared.map_err(not_accepted)
}

/// Compares the metadata of a draft with that of each connection of the organization to the same identity provider that
/// was active once: the one that it renews, and those that were paused or retired since, perhaps because of a key.
pub(super) fn is_no_older(
    draft: &StoredConnection,
    connections: &[StoredConnection],
    organization: &Organization,
    provider: &Provider,
    now: DateTime<Utc>,
) -> Result<(), RefreshError> {
    let mut earlier = connections.iter().filter(|one| {
        one.id != draft.id && one.identity_provider == draft.identity_provider && !is_draft(one, organization)
    });
    earlier.try_for_each(|earlier| draft.require_no_older_than(earlier, provider, now))
}

/// Gives a connection the metadata of the draft that renews it. If its documents must be signed and come from an address,
/// that address is asked for newer ones as before, wherever this one came from.
pub(super) fn renew(renewed: &mut StoredConnection, metadata: ConnectionMetadata) {
    let before = std::mem::replace(&mut renewed.metadata, metadata);
    if renewed.settings.metadata.signer.is_some() && before.source.url().is_some() {
        renewed.metadata.source = before.source;
    }
}

fn not_accepted(reason: RefreshError) -> SetUpError {
    SetUpError::NotLoaded(Box::new(reason))
}

#[cfg(test)]
mod tests {
    use vouchsafe::signature::{Signer, sign};
    use vouchsafe::{ConnectionId, ConnectionState, Limits};
    use vouchsafe_store::MetadataSource;
    use vouchsafe_testkit::{IdentityProvider as Kit, keys};

    use super::*;

    /// A connection that has a document which is valid for so many days, and which the certificate signed that it requires.
    fn connection(name: &str, kit: Kit, days: u32) -> StoredConnection {
        let id = ConnectionId::new(name).unwrap();
        let dates = format!("ID=\"_1\" validUntil=\"2026-02-{days:02}T00:00:00Z\" entityID=");
        let dated = kit.metadata().unwrap().replacen("entityID=", &dates, 1);
        let publisher = keys::identity_provider_p256();
        let signer = Signer::new(publisher.private_key()).certificate(publisher.certificate());
        let document = sign(&dated, "_1", &signer, keys::provider(), &Limits::metadata()).unwrap();
        let metadata = ConnectionMetadata::new(document, MetadataSource::Uploaded, DateTime::UNIX_EPOCH);
        let mut connection = StoredConnection::from_metadata(id, "acme".into(), metadata).unwrap();
        connection.settings.metadata.signer = Some(publisher.certificate().fingerprint_sha256());
        connection
    }

    #[test]
    fn the_metadata_of_connections_that_were_active_is_compared() {
        let now = "2026-01-15T09:00:00Z".parse().unwrap();
        let draft = connection("draft", Kit::okta(), 10);
        let organization = |connections: &[&str]| {
            let mut organization = Organization::new("acme".into(), "acme", "Acme");
            let names = connections.iter().map(|name| ConnectionId::new(*name).unwrap());
            organization.connections = names.collect();
            organization
        };
        let compared = |earlier: &[StoredConnection], organization: &Organization| {
            let compared = is_no_older(&draft, earlier, organization, keys::provider(), now);
            compared.map_err(|refused| refused.code())
        };
        let in_state = |days, state| {
            let mut earlier = connection("earlier", Kit::okta(), days);
            earlier.state = state;
            earlier
        };
        let rolled_back = Err("refresh.rolled_back");
        let (active, retired) = (ConnectionState::Active, ConnectionState::Retired);
        let (first, used) = (organization(&[]), organization(&["earlier"]));
        assert_eq!(compared(&[in_state(9, active), in_state(10, active)], &used), Ok(()));
        assert_eq!(compared(&[in_state(9, active), in_state(11, active)], &used), rolled_back);
        assert_eq!(compared(&[in_state(11, retired)], &first), rolled_back);
        assert_eq!(compared(&[in_state(11, ConnectionState::Draft)], &used), rolled_back, "it was paused");
        assert_eq!(compared(&[in_state(11, ConnectionState::Draft)], &first), Ok(()), "it was never active");
        // The dates of another identity provider, the draft itself, and what the certificate did not sign.
        let mut other = connection("earlier", Kit::other(), 11);
        other.state = active;
        let mut forged = in_state(11, active);
        forged.metadata.document = String::from_utf8_lossy(&forged.metadata.document)
            .replace("2026-02-11", "2026-02-12")
            .into_bytes()
            .into();
        assert_eq!(compared(&[other, draft.clone(), forged], &used), Ok(()));
        // A draft that the certificate did not sign.
        let mut unsigned = draft.clone();
        unsigned.metadata.document = Kit::okta().metadata().unwrap().into_bytes().into();
        let refused = is_no_older(&unsigned, &[in_state(9, active)], &used, keys::provider(), now);
        assert_eq!(refused.unwrap_err().code(), "signature.missing");
    }
}
