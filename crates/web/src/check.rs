//! Checks a response, and decides whether it is used, only tried, or replaced by a new request.

use http::HeaderMap;
use http::request::Parts;
use vouchsafe::assertion::MOST_CANDIDATES;
use vouchsafe::{
    BindingError, BoundRequest, ClaimedResponse, Connection, ConnectionId, ConnectionState, EntityId, Expect,
    PendingRequest, PostedResponse, Refusal, RelayState,
};

use crate::answers::{Context, comes_by_paos};
use crate::artifact::artifact_in;
use crate::declined::DeclinedSignIn;
use crate::error::HttpError;
use crate::limiter::{PausedPermit, ReceivePermit};
use crate::opened::{Opened, Opening, open_if_any};
use crate::receive_group::ReceiveGroup;
use crate::restart::Restart;
use crate::return_path::ReturnPath;
use crate::sign_in_answer::{Checked, SignInAnswer};
use crate::single_sign_on::SingleSignOn;
use crate::tried_out::TriedOut;
use crate::unasked::Unasked;
use crate::work::elsewhere;

/// The result of a response.
pub(crate) enum Step {
    Checked(Box<Checked>),
    /// The response is not used: a new sign-in starts.
    Restart(Restart),
    /// The response was checked as a trial, and signs nobody in. Its place is held until the page is made.
    TriedOut(Box<TriedOut>, Option<PausedPermit>),
    /// The identity provider declined.
    Declined(Box<DeclinedSignIn>),
}

/// A response as it was sent, and the address to which it came.
#[derive(Clone, Copy)]
struct Sent<'r> {
    body: &'r [u8],
    /// Whether an enhanced client sent it, in an envelope.
    by_paos: bool,
    received_at: &'r str,
}

impl SingleSignOn {
    /// Checks a response. The check only computes, possibly for a long time, so it runs where no other request waits
    /// for it.
    pub(crate) async fn step(
        &self,
        request: &Parts,
        body: &[u8],
        at: Option<&str>,
        context: &mut Context,
    ) -> Result<Step, HttpError> {
        let headers = &request.headers;
        let service_provider = self.service_provider().clone();
        let permit = self.inner.limiter.enter(self.inner.address_of(request), body.len()).await?;
        let artifact = artifact_in(request, body, service_provider.limits())?;
        let (received_at, not_served) = match self.received_at(at).await {
            Ok(address) => (address, None),
            Err(error) if error.status().is_server_error() => return Err(error),
            Err(error) => (service_provider.assertion_consumer().to_owned(), Some(error)),
        };
        let opening = match (artifact, not_served) {
            (None, not_served) => {
                self.opened_as_posted(request, body, at, (&received_at, not_served), permit, context).await?
            }
            (Some(_), _) if !service_provider.receives_artifacts() => {
                return Err(BindingError::ArtifactsNotReceived.into());
            }
            (Some(_), Some(error)) => return Err(error),
            (Some(sent), None) => {
                self.opened_by_artifact(request, sent, at, &received_at, permit, context).await?
            }
        };
        let Opened { claimed, relay_state, pending, candidates, permit } = match opening {
            Opening::Response(opened) => *opened,
            Opening::Restart(restart) => return Ok(Step::Restart(restart)),
            Opening::TriedOut(tried) => return Ok(Step::TriedOut(tried, None)),
        };
        if let Some(bound) = pending.as_ref().filter(|bound| !bound.request().is_trial())
            && let Some(declined) = self.declined(headers, &claimed, bound, &candidates, context).await
        {
            return Ok(Step::Declined(Box::new(declined)));
        }
        let now = self.now();
        if let Some(bound) = pending.as_ref().filter(|bound| bound.request().is_trial()) {
            let back = self.destination(None, Some(bound.request()));
            let connection = candidates.into_iter().next().ok_or(HttpError::UnknownConnection)?;
            let (tried, permit) = elsewhere(move || {
                let tried = TriedOut::judge(&service_provider, claimed, &connection, pending, back, now);
                Ok((tried, permit))
            })
            .await?;
            return Ok(Step::TriedOut(Box::new(tried), Some(permit.pause())));
        }
        let (valid, pending) = elsewhere(move || {
            let _until_it_is_over = permit;
            let expect = pending.as_ref().map_or(Expect::Unsolicited, Expect::Reply);
            let valid = service_provider.receive(claimed, &candidates, expect, now)?;
            Ok((valid, pending.map(BoundRequest::into_request)))
        })
        .await?;
        let cookies = self.cookies();
        let unbound = pending.as_ref().and_then(|pending| cookies.unbind(headers, pending.handle()));
        let outdated = [cookies.unmark_restart(headers), cookies.forget_answered_logout(headers)];
        let cookies = unbound.into_iter().chain(outdated.into_iter().flatten()).collect();
        let return_to = self.destination(relay_state.as_ref(), pending.as_ref());
        let previous_session = self.previous_session(request, pending.as_ref())?;
        let known = Context {
            connection: Some(valid.connection().clone()),
            issuer: Some(valid.issuer().as_str().to_owned()),
            ..context.clone()
        };
        let answer = SignInAnswer { return_to, cookies, sso: self.clone(), known };
        Ok(Step::Checked(Box::new(Checked { valid, pending, previous_session, answer })))
    }

    /// Opens a posted response. A response to an address that is not served is still read after the look-up, so that
    /// neither the answer nor the duration of the reading tells which connection names exist.
    async fn opened_as_posted(
        &self,
        request: &Parts,
        body: &[u8],
        at: Option<&str>,
        (received_at, not_served): (&str, Option<HttpError>),
        permit: ReceivePermit,
        context: &mut Context,
    ) -> Result<Opening, HttpError> {
        let sent = Sent { body, by_paos: comes_by_paos(&request.headers), received_at };
        let (claimed, permit) = self.open(sent, permit).await?;
        if let Some(error) = not_served {
            return Err(error);
        }
        context.issuer = claimed.issuer().map(|issuer| issuer.as_str().to_owned());
        let relay_state = claimed.relay_state().cloned();

        let answers = claimed.in_response_to();
        let pending = self.pending_request(&request.headers, relay_state.as_ref(), answers).await?;
        let asked = pending.as_ref().map(BoundRequest::request);
        context.return_to = asked.and_then(PendingRequest::return_to).map(str::to_owned);
        let (candidates, permit) = permit.during(self.candidates(&claimed, asked)).await?;
        let mut candidates = open_if_any(candidates);
        if let [only] = candidates.as_slice() {
            context.connection = Some(only.id().clone());
        }
        // If the identity provider declined, this is reported. No new sign-in starts, since it would be declined
        // again.
        if pending.is_none() {
            claimed.require_success()?;
        }
        // Only configured connections are candidates, so names that strangers make up cost no signature check.
        let mut group = group_of(&claimed, asked, at).filter(|_| !candidates.is_empty());
        let (mut claimed, mut permit) = (claimed, permit);
        if candidates.len() > MOST_CANDIDATES && pending.is_none() && at.is_none() {
            (claimed, permit) = self.within_group(group.take(), claimed, sent, permit).await?;
            (claimed, candidates, permit) = self.with_the_key(claimed, candidates, permit).await?;
            context.connection =
                candidates.first().filter(|_| candidates.len() == 1).map(|only| only.id().clone());
        }
        let is_undecided = pending.is_none() && self.unasked(&claimed, &candidates).needs_key();
        if pending.is_none()
            && !is_undecided
            && let Some(restart) = self.to_restart(request, &self.unasked(&claimed, &candidates), context)?
        {
            return Ok(Opening::Restart(restart));
        }
        if pending.is_none()
            && candidates.is_empty()
            && let Some(issuer) = claimed.issuer()
        {
            let closest = self.closest_issuers(&claimed, at, context).await?;
            let closest = closest.iter().map(EntityId::as_str);
            return Err(Refusal::unknown_issuer(issuer.as_str(), closest).into());
        }
        let (claimed, permit) = self.within_group(group, claimed, sent, permit).await?;
        let opened = Opened { claimed, relay_state, pending, candidates, permit };
        if is_undecided {
            self.sent_by_one(request, opened, context).await
        } else {
            Ok(Opening::Response(Box::new(opened)))
        }
    }

    /// Decides whether a new sign-in starts instead of using a response that several connections may have sent, since
    /// anybody can claim the identity provider of another. The key that signed it shows which one it was.
    async fn sent_by_one(
        &self,
        request: &Parts,
        opened: Opened,
        context: &mut Context,
    ) -> Result<Opening, HttpError> {
        let service_provider = self.service_provider().clone();
        let (opened, sender) = elsewhere(move || {
            let sender =
                service_provider.sender(&opened.claimed, &opened.candidates).map(|one| one.id().clone());
            Ok((opened, sender))
        })
        .await?;
        let restart = match sender {
            Ok(id) => {
                context.connection.get_or_insert(id.clone());
                let sender = opened.candidates.iter().filter(|one| *one.id() == id);
                self.to_restart(request, &self.unasked(&opened.claimed, sender), context)?
            }
            // That it is late says more than that its sender is not known; and one that accepts it judges it. No sign-in
            // starts over the only one that would start it: the key may be that of another.
            Err(refusal) => {
                let unasked = self.unasked(&opened.claimed, &opened.candidates);
                if unasked.answers.is_some() {
                    self.to_restart(request, &unasked, context)?
                } else if unasked.is_accepted() {
                    None
                } else {
                    return Err(refusal.into());
                }
            }
        };
        Ok(match restart {
            Some(restart) => Opening::Restart(restart),
            None => Opening::Response(Box::new(opened)),
        })
    }

    /// Returns what is known about a response without a pending request of this browser.
    fn unasked<'c>(
        &self,
        claimed: &'c ClaimedResponse,
        candidates: impl IntoIterator<Item = &'c Connection>,
    ) -> Unasked<'c> {
        let is_of_issuer =
            |connection: &&Connection| claimed.issuer() == Some(connection.identity_provider().entity_id());
        let of_issuer = candidates.into_iter().filter(is_of_issuer).collect();
        let is_addressed = |connection: &Connection| self.is_at(connection, claimed.received_at());
        Unasked::new(claimed.relay_state(), claimed.in_response_to(), of_issuer, is_addressed)
    }

    /// Returns whether responses over this connection come to this address.
    pub(crate) fn is_at(&self, connection: &Connection, received_at: &str) -> bool {
        self.service_provider().assertion_consumer_for(connection) == received_at
    }

    /// Waits for a place of the group, if there is one to wait for. While it waits, only the posted bytes are kept. The
    /// parsed document is larger, so it is parsed again.
    async fn within_group(
        &self,
        group: Option<ReceiveGroup>,
        claimed: ClaimedResponse,
        sent: Sent<'_>,
        permit: ReceivePermit,
    ) -> Result<(ClaimedResponse, ReceivePermit), HttpError> {
        let Some(group) = group else { return Ok((claimed, permit)) };
        match permit.within_now(group) {
            Ok(permit) => Ok((claimed, permit)),
            Err(waiting) => {
                drop(claimed);
                self.open(sent, waiting.wait().await?).await
            }
        }
    }

    /// Parses a posted response.
    async fn open(
        &self,
        Sent { body, by_paos, received_at }: Sent<'_>,
        permit: ReceivePermit,
    ) -> Result<(ClaimedResponse, ReceivePermit), HttpError> {
        let service_provider = self.service_provider().clone();
        let received_at = received_at.to_owned();
        if !by_paos {
            let posted = PostedResponse::from_form(body, service_provider.limits())?;
            return elsewhere(move || Ok((service_provider.open_at(posted, &received_at)?, permit))).await;
        }
        if !service_provider.receives_from_enhanced_clients() {
            return Err(BindingError::EnhancedClientsNotReceived.into());
        }
        let body = body.to_owned();
        elsewhere(move || {
            let posted = PostedResponse::from_paos(&body, service_provider.limits())?;
            Ok((service_provider.open_at(posted, &received_at)?, permit))
        })
        .await
    }

    /// Returns the address to which browsers post: the service's, or the connection's own.
    async fn received_at(&self, connection: Option<&str>) -> Result<String, HttpError> {
        let ours = self.service_provider().assertion_consumer();
        let Some(id) = connection else { return Ok(ours.to_owned()) };
        let found = self.find_by_address(id).await?;
        let open = found.filter(|connection| connection.state() != ConnectionState::Retired);
        let connection = open.ok_or(HttpError::UnknownConnection)?;
        match self.service_provider().assertion_consumer_for(&connection) {
            own if own != ours => Ok(own.to_owned()),
            _ => Err(HttpError::UnknownConnection),
        }
    }

    /// Returns the sign-in of this browser that this response answers. If it is `None`, the response can only be an
    /// unsolicited one.
    pub(crate) async fn pending_request(
        &self,
        headers: &HeaderMap,
        relay_state: Option<&RelayState>,
        in_response_to: Option<&str>,
    ) -> Result<Option<BoundRequest>, HttpError> {
        let found = self.awaited(headers, relay_state, in_response_to).await?;
        // A request about a name waits for another kind of answer.
        Ok(found.filter(|bound| bound.request().name_id_order().is_none()))
    }

    /// Returns the connection of the request, or those over which an unsolicited response may have come.
    async fn candidates(
        &self,
        claimed: &ClaimedResponse,
        asked: Option<&PendingRequest>,
    ) -> Result<Vec<Connection>, HttpError> {
        let connections = &self.inner.connections;
        Ok(match asked {
            Some(pending) => connections.find(pending.connection()).await?.into_iter().collect(),
            None => connections.candidates(claimed).await?,
        })
    }

    /// Finds similar entity IDs for an unknown issuer. At a connection's own address it is only that of the
    /// connection, whose customer may read it. At the service's address it may be any, and the refusal then belongs
    /// to no connection, so no customer can look it up.
    async fn closest_issuers(
        &self,
        claimed: &ClaimedResponse,
        at: Option<&str>,
        context: &mut Context,
    ) -> Result<Vec<EntityId>, HttpError> {
        let Some(id) = at else { return Ok(self.inner.connections.closest_issuers(claimed).await?) };
        let Some(connection) = self.find_by_address(id).await? else { return Ok(Vec::new()) };
        context.connection = Some(connection.id().clone());
        Ok(vec![connection.identity_provider().entity_id().clone()])
    }

    /// Returns where the person wanted to go: the path stored with the request, or, for an unsolicited response, the
    /// configured path of the identity provider (Okta: "Default RelayState"). Both must be on the list of allowed
    /// paths.
    pub(crate) fn destination(
        &self,
        relay_state: Option<&RelayState>,
        pending: Option<&PendingRequest>,
    ) -> ReturnPath {
        let wanted = match pending {
            Some(pending) => pending.return_to(),
            None => relay_state.map(RelayState::as_str),
        };
        self.inner.return_paths.choose(wanted)
    }
}

/// Returns the group whose places limit the work on a posted response.
fn group_of(
    claimed: &ClaimedResponse,
    asked: Option<&PendingRequest>,
    at: Option<&str>,
) -> Option<ReceiveGroup> {
    match (asked, at) {
        (Some(asked), _) => Some(ReceiveGroup::Connection(asked.connection().clone())),
        (None, Some(at)) => ConnectionId::new(at).ok().map(ReceiveGroup::Connection),
        (None, None) => claimed.issuer().cloned().map(ReceiveGroup::UnaskedFrom),
    }
}
