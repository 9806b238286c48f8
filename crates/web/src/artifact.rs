//! Responses by HTTP-Artifact: checks the artifact first, then requests the Response from the identity provider.

use std::time::Duration;

use http::Method;
use http::request::Parts;
use vouchsafe::assertion::MessageError;
use vouchsafe::{
    ArtifactResolution, BoundRequest, ClaimedResponse, ConfirmedArtifact, Connection, ConnectionId,
    ConnectionState, Expect, Limits, PendingRequest, ReceivedArtifact, Refusal, RelayState, SentArtifact,
    Unsolicited,
};

use crate::answers::{Context, comes_by_paos};
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::opened::{Opened, Opening, open_if_any};
use crate::receive_group::ReceiveGroup;
use crate::single_sign_on::SingleSignOn;
use crate::tried_out::TriedOut;
use crate::unasked::{Unasked, is_first_handle};
use crate::work::elsewhere;

/// How long an identity provider may take to resolve an artifact, while the person waits.
const RESOLUTION_TIME: Duration = Duration::from_secs(10);

/// Returns the artifact of a request to the assertion consumer, if there is one: in the query of a GET, or in the
/// form of a POST. Other methods resolve none, so a HEAD request of a program that checks a link does not use an
/// artifact up.
pub(crate) fn artifact_in(
    request: &Parts,
    body: &[u8],
    limits: &Limits,
) -> Result<Option<SentArtifact>, HttpError> {
    let query = request.uri.query().unwrap_or_default();
    Ok(match request.method {
        Method::GET if body.is_empty() => Some(SentArtifact::from_query(query, limits)?),
        Method::POST if !comes_by_paos(&request.headers) && SentArtifact::is_in_form(body) => {
            Some(SentArtifact::from_form(body, limits)?)
        }
        _ => None,
    })
}

impl SingleSignOn {
    /// Resolves an artifact, if that is allowed: this browser started the sign-in that it answers, or the connection
    /// accepts unsolicited responses. `at` is the connection whose own address received the artifact.
    pub(crate) async fn opened_by_artifact(
        &self,
        request: &Parts,
        sent: SentArtifact,
        at: Option<&str>,
        received_at: &str,
        permit: ReceivePermit,
        context: &mut Context,
    ) -> Result<Opening, HttpError> {
        if self.inner.back_channel.is_none() {
            return Err(HttpError::NoBackChannel);
        }
        let relay_state = sent.relay_state().cloned();
        // The Response names the request that it answers, but it is not available yet.
        let pending = self.pending_request(&request.headers, relay_state.as_ref(), None).await?;
        let asked = pending.as_ref().map(BoundRequest::request);
        context.return_to = asked.and_then(PendingRequest::return_to).map(str::to_owned);
        let look_up = self.candidates_for_artifact(&sent, at, received_at, asked);
        let (candidates, permit) = permit.during(look_up).await?;
        let candidates = open_if_any(candidates);
        if let [only] = candidates.as_slice() {
            context.connection = Some(only.id().clone());
        }
        if pending.is_none() {
            let may_be: Vec<&Connection> = candidates
                .iter()
                .filter(|connection| sent.artifact().is_of(connection.identity_provider().entity_id()))
                .collect();
            // The Response names its request, and is not fetched to find it out. A handle of ours shows that the
            // answer is late.
            let answers = relay_state.as_ref().filter(|state| is_first_handle(state)).map(RelayState::as_str);
            let is_addressed = |connection: &Connection| self.is_at(connection, received_at);
            let unasked = Unasked::new(relay_state.as_ref(), answers, may_be, is_addressed);
            if let Some(restart) = self.to_restart(request, &unasked, context)? {
                return Ok(Opening::Restart(restart));
            }
            let is_given_back = relay_state.as_ref().is_some_and(|state| !state.as_str().is_empty());
            if !is_given_back
                && let Some(asked) = self.asked_by_artifact(request, &sent, received_at, &candidates).await?
            {
                return self
                    .opened_over(asked, request, sent, (received_at, candidates), permit, context)
                    .await;
            }
        }
        let received = sent.at(received_at);
        let resolved = self.resolved(request, received, &candidates, pending.as_ref(), permit).await;
        let (claimed, connection, permit) = match (resolved, pending.as_ref().map(BoundRequest::request)) {
            (Ok(resolved), _) => resolved,
            (Err(HttpError::Refused(refusal)), Some(request)) if request.is_trial() => {
                let back = self.destination(None, Some(request));
                return Ok(Opening::TriedOut(Box::new(TriedOut::refused(
                    request,
                    refusal,
                    back,
                    self.now(),
                ))));
            }
            (Err(error), _) => return Err(error),
        };
        context.issuer = claimed.issuer().map(|issuer| issuer.as_str().to_owned());
        let candidates = candidates.into_iter().filter(|candidate| *candidate.id() == connection).collect();
        Ok(Opening::Response(Box::new(Opened { claimed, relay_state, pending, candidates, permit })))
    }

    /// Returns a sign-in that an artifact without a RelayState may answer, if several connections would accept it
    /// unasked and this browser started sign-ins over one of them. It shows over which one the artifact is resolved.
    async fn asked_by_artifact(
        &self,
        request: &Parts,
        sent: &SentArtifact,
        received_at: &str,
        candidates: &[Connection],
    ) -> Result<Option<BoundRequest>, HttpError> {
        let may_accept = |connection: &&Connection| {
            sent.artifact().is_of(connection.identity_provider().entity_id())
                && self.is_at(connection, received_at)
                && connection.state() == ConnectionState::Active
                && connection.settings().on_unsolicited() == Unsolicited::Accept
        };
        let accepting: Vec<&ConnectionId> =
            candidates.iter().filter(may_accept).map(Connection::id).collect();
        match accepting.as_slice() {
            [] | [_] => Ok(None),
            several => self.awaited_over(&request.headers, several).await,
        }
    }

    /// Resolves an artifact without a RelayState over the connection of this sign-in, of several candidates. The
    /// Response must name a request of this browser, which may be another one than this. If it names none, its
    /// connection is not known.
    async fn opened_over(
        &self,
        asked: BoundRequest,
        request: &Parts,
        sent: SentArtifact,
        (received_at, mut candidates): (&str, Vec<Connection>),
        permit: ReceivePermit,
        context: &mut Context,
    ) -> Result<Opening, HttpError> {
        let (relay_state, count) = (sent.relay_state().cloned(), candidates.len());
        candidates.retain(|candidate| candidate.id() == asked.request().connection());
        context.connection = Some(asked.request().connection().clone());
        let (claimed, _, permit) =
            self.resolved(request, sent.at(received_at), &candidates, Some(&asked), permit).await?;
        context.issuer = claimed.issuer().map(|issuer| issuer.as_str().to_owned());
        let pending = self.pending_request(&request.headers, None, claimed.in_response_to()).await?;
        let Some(pending) = pending else {
            claimed.require_success()?;
            return Err(match claimed.in_response_to() {
                Some(id) => HttpError::no_pending_request(id),
                None => Refusal::new(MessageError::artifact_ambiguous(count).into()).into(),
            });
        };
        context.return_to = pending.request().return_to().map(str::to_owned);
        let pending = Some(pending);
        Ok(Opening::Response(Box::new(Opened { claimed, relay_state, pending, candidates, permit })))
    }

    /// Requests the Response once: the record is written before the request is sent.
    async fn resolved(
        &self,
        request: &Parts,
        artifact: ReceivedArtifact,
        candidates: &[Connection],
        pending: Option<&BoundRequest>,
        permit: ReceivePermit,
    ) -> Result<(ClaimedResponse, ConnectionId, ReceivePermit), HttpError> {
        let expect = pending.map_or(Expect::Unsolicited, Expect::Reply);
        let valid = self.service_provider().check_artifact(artifact, candidates, expect, self.now())?;
        // A place is held while the identity provider is awaited, so only the connection that it belongs to counts, and
        // not others with the same entity ID.
        let permit = permit.within(ReceiveGroup::Connection(valid.connection().clone())).await?;
        // Each artifact causes a request and a record, like the start of a sign-in.
        self.count_start(request)?;
        self.inner.starts.count_over(valid.connection(), self.now())?;
        let recorded = self.inner.replays.record(valid.replay_key()).await?;
        let (resolution, permit) = self.question(valid.confirm(recorded)?, permit).await?;
        let (answer, permit) = self.asked_what_it_stands_for(&resolution, permit).await?;
        let (service_provider, now) = (self.service_provider().clone(), self.now());
        let connection = resolution.connection().clone();
        elsewhere(move || {
            let claimed = service_provider.artifact_resolved(resolution, &answer, now)?;
            Ok((claimed, connection, permit))
        })
        .await
    }

    /// Returns the connection of the pending request, or the one whose own address received the artifact, or those of
    /// the identity provider that it names.
    async fn candidates_for_artifact(
        &self,
        sent: &SentArtifact,
        at: Option<&str>,
        received_at: &str,
        asked: Option<&PendingRequest>,
    ) -> Result<Vec<Connection>, HttpError> {
        let connections = &self.inner.connections;
        Ok(match (asked, at) {
            (Some(pending), _) => connections.find(pending.connection()).await?.into_iter().collect(),
            (None, Some(id)) => self.find_by_address(id).await?.into_iter().collect(),
            (None, None) => connections.candidates_for_artifact(sent.artifact(), received_at).await?,
        })
    }

    /// Makes the signed request.
    async fn question(
        &self,
        artifact: ConfirmedArtifact,
        permit: ReceivePermit,
    ) -> Result<(ArtifactResolution, ReceivePermit), HttpError> {
        let (service_provider, now) = (self.service_provider().clone(), self.now());
        elsewhere(move || Ok((service_provider.resolve_artifact(artifact, now)?, permit))).await
    }

    /// Sends the request and waits for the answer. Meanwhile the place over the connection is held, but no place
    /// among all: a slow identity provider delays only its own people.
    async fn asked_what_it_stands_for(
        &self,
        resolution: &ArtifactResolution,
        permit: ReceivePermit,
    ) -> Result<(Vec<u8>, ReceivePermit), HttpError> {
        let send = self.inner.back_channel.as_ref().ok_or(HttpError::NoBackChannel)?;
        let paused = permit.pause();
        let answer = match tokio::time::timeout(RESOLUTION_TIME, send(resolution.call())).await {
            Ok(answer) => answer?,
            Err(elapsed) => return Err(HttpError::back_channel(elapsed)),
        };
        let permit = paused.resume(answer.len()).await?;
        Ok((answer, permit))
    }
}
