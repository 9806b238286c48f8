//! Responses that answer no request, if more connections have the identity provider than are told apart at once.

use vouchsafe::assertion::MOST_CANDIDATES;
use vouchsafe::{ClaimedResponse, Connection, ConnectionId, EntityId};

use crate::connection_source::CandidatePage;
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::opened::open_if_any;
use crate::single_sign_on::SingleSignOn;
use crate::work::elsewhere;

/// As many connections with the key are kept: two show that it is not known which one is meant.
const KEPT: usize = 2;

/// The refusals of responses without a signature that could be verified before something is decrypted.
const UNDECIDED: [&str; 2] = ["assertion.unsigned", "assertion.connection_ambiguous"];

impl SingleSignOn {
    /// Returns active connections to an identity provider that have no addresses of their own, page by page.
    pub(crate) async fn page_after(
        &self,
        issuer: &EntityId,
        after: Option<&ConnectionId>,
    ) -> Result<CandidatePage, HttpError> {
        let mut page = self.inner.connections.candidates_by_issuer(issuer, after).await?;
        page.connections = open_if_any(page.connections);
        // A source that does not go on would be asked for ever.
        page.next = page.next.filter(|next| after.is_none_or(|after| next > after));
        Ok(page)
    }

    /// Finds the connections whose key signed a response, among all that have its issuer, page by page. So nobody
    /// prevents unasked sign-ins by configuring many connections to an identity provider. `candidates` are the first
    /// of them; some of these are returned if none has the key, so that the refusal tells the reason.
    ///
    /// The key only chooses among connections: a second one that has it in common is returned too, and the response is
    /// ambiguous then.
    pub(crate) async fn with_the_key(
        &self,
        mut claimed: ClaimedResponse,
        mut candidates: Vec<Connection>,
        mut permit: ReceivePermit,
    ) -> Result<(ClaimedResponse, Vec<Connection>, ReceivePermit), HttpError> {
        let Some(issuer) = claimed.issuer().cloned() else { return Ok((claimed, candidates, permit)) };
        // Those that name the shared address as their own are on no page. If they are too many, the response is
        // refused.
        let by_address = |one: &&Connection| one.settings().own_assertion_consumer().is_some();
        let named: Vec<Connection> = candidates.iter().filter(by_address).cloned().collect();
        if named.len() > MOST_CANDIDATES {
            return Ok((claimed, candidates, permit));
        }
        let (mut found, mut part, mut after, mut is_last) = (Vec::new(), named, None, false);
        loop {
            let owners;
            (claimed, owners, permit) = self.owners_among(claimed, part, permit).await?;
            owners.into_iter().for_each(|one| keep_owner(one, &mut found));
            if is_last || found.len() >= KEPT {
                break;
            }
            let page;
            (page, permit) = permit.during(self.page_after(&issuer, after.as_ref())).await?;
            (part, is_last, after) = (page.connections, page.next.is_none(), page.next);
        }
        if found.is_empty() {
            candidates.truncate(MOST_CANDIDATES);
            found = candidates;
        }
        Ok((claimed, found, permit))
    }

    /// Returns the connections that have the key.
    ///
    /// A response that no key decides, such as one whose only signature is encrypted, is refused: it may be for a
    /// connection that is not among these.
    async fn owners_among(
        &self,
        claimed: ClaimedResponse,
        part: Vec<Connection>,
        permit: ReceivePermit,
    ) -> Result<(ClaimedResponse, Vec<Connection>, ReceivePermit), HttpError> {
        let service_provider = self.service_provider().clone();
        elsewhere(move || {
            let owners = match service_provider.senders_among(&claimed, &part) {
                Ok(owners) => owners.into_iter().cloned().collect(),
                Err(refusal) if UNDECIDED.contains(&refusal.code()) => return Err(refusal.into()),
                Err(_) => Vec::new(),
            };
            Ok((claimed, owners, permit))
        })
        .await
    }
}

/// Keeps a connection, unless it or enough others are kept.
fn keep_owner(connection: Connection, found: &mut Vec<Connection>) {
    if found.len() < KEPT && !found.iter().any(|one| one.id() == connection.id()) {
        found.push(connection);
    }
}
