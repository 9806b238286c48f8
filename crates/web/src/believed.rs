//! Opens a request of an identity provider about sessions or names, and lets it be carried out once.

use http::Method;
use http::request::Parts;
use vouchsafe::metadata::Binding;
use vouchsafe::{
    BindingError, Carriage, Connection, ConnectionId, ExpectMessage, IdentityProvider, IncomingMessage,
    Limits, Message, MessageKind, Refusal, RelayState, ReplayKey, SentMessage, ValidMessage,
};
use vouchsafe_store::StoreError;

use crate::answers::Context;
use crate::check::{elsewhere, open_if_any, to_the_end};
use crate::connection_source::MessageCandidates;
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::single_sign_on::SingleSignOn;

/// After so many outages the other connections of a request are not tried. The request can be sent again.
const MOST_OUTAGES: usize = 3;

/// Reads a message from a query, a body or an envelope.
type Reads = fn(&[u8], &Limits) -> Result<SentMessage, BindingError>;

/// Reads a query, which is ASCII in an address.
fn in_query(query: &[u8], limits: &Limits) -> Result<SentMessage, BindingError> {
    SentMessage::from_query(std::str::from_utf8(query).unwrap_or_default(), limits)
}

/// A request that was accepted and carried out, with its result for each connection that it belongs to.
pub(crate) struct CarriedOut<R> {
    /// There are several only if the connections have the identity provider and its key in common.
    pub(crate) results: Vec<(R, Connection)>,
    pub(crate) relay_state: Option<RelayState>,
}

impl SingleSignOn {
    /// Returns the address at which a message came, as the sender sees it: the service's, or the connection's own.
    async fn address_of(
        &self,
        kind: MessageKind,
        connection: Option<&str>,
        by: Carriage,
    ) -> Result<String, HttpError> {
        let missing = || match kind {
            MessageKind::LogoutRequest => HttpError::NoSingleLogout,
            _ => HttpError::NoNameIdManagement,
        };
        let common = self.service_provider().message_address(None, kind, by);
        let Some(id) = connection else { return common.map(str::to_owned).ok_or_else(missing) };
        let found = self.find_by_address(id).await?.ok_or(HttpError::UnknownConnection)?;
        let own = self.service_provider().message_address(Some(&found), kind, by);
        own.filter(|own| common != Some(own)).map(str::to_owned).ok_or_else(missing)
    }

    /// Opens a message that a browser carries, in the query of a GET or in the form of a POST, to the address for
    /// messages like this kind.
    pub(crate) async fn open_brought(
        &self,
        (request, body): (&Parts, &[u8]),
        kind: MessageKind,
        connection: Option<&str>,
        context: &mut Context,
    ) -> Result<(IncomingMessage, ReceivePermit), HttpError> {
        let at = self.address_of(kind, connection, Carriage::Redirect).await?;
        let query = request.uri.query().unwrap_or_default().as_bytes();
        let bytes = body.len().max(query.len());
        let opening = match request.method {
            Method::POST => self.open_message(request, (body, SentMessage::from_form), at, bytes).await,
            Method::GET => self.open_message(request, (query, in_query), at, bytes).await,
            // Other methods carry none, so a HEAD request of a program that checks a link changes nothing.
            _ => self.open_message(request, (b"", in_query), at, bytes).await,
        };
        let (incoming, permit) = opening?;
        context.issuer = incoming.issuer().map(|issuer| issuer.as_str().to_owned());
        Ok((incoming, permit))
    }

    /// Opens a request of this kind that an identity provider's server sends.
    pub(crate) async fn open_soap(
        &self,
        (request, body): (&Parts, &[u8]),
        kind: MessageKind,
        connection: Option<&str>,
    ) -> Result<(IncomingMessage, ReceivePermit), HttpError> {
        let at = self.address_of(kind, connection, Carriage::Soap).await?;
        self.open_message(request, (body, SentMessage::from_soap), at, body.len()).await
    }

    async fn open_message(
        &self,
        request: &Parts,
        (sent, read): (&[u8], Reads),
        at: String,
        bytes: usize,
    ) -> Result<(IncomingMessage, ReceivePermit), HttpError> {
        let permit = self.inner.limiter.enter(self.inner.address_of(request), bytes).await?;
        let (service_provider, sent) = (self.service_provider().clone(), sent.to_owned());
        elsewhere(move || {
            let sent = read(&sent, service_provider.limits())?;
            Ok((service_provider.open_message(sent, &at)?, permit))
        })
        .await
    }

    /// Waits for places over these connections. While it waits, only the bytes of the message are kept. The parsed document
    /// is larger, so it is parsed again.
    pub(crate) async fn over_connections(
        &self,
        incoming: IncomingMessage,
        connections: &[Connection],
        permit: ReceivePermit,
    ) -> Result<(IncomingMessage, ReceivePermit), HttpError> {
        let waiting = match permit.over_connections_now(connections.iter().map(Connection::id)) {
            Ok(permit) => return Ok((incoming, permit)),
            Err(waiting) => waiting,
        };
        let (at, service_provider) = (incoming.received_at().to_owned(), self.service_provider().clone());
        let sent = incoming.into_sent();
        let permit = waiting.wait().await?;
        elsewhere(move || Ok((service_provider.open_message(sent, &at)?, permit))).await
    }

    /// Accepts a request, lets `one` carry it out for each connection that it belongs to, and then records that this was
    /// done. `connection` is the name in the address, if a connection has an address of its own.
    ///
    /// The connections are looked up page by page, and all of them are tried. A connection for which the request cannot
    /// be carried out now does not keep others from it, but after three outages of a store the rest is not tried. The request then stays unanswered and unrecorded, and can be
    /// sent again. Two copies at the same time may both be carried out, which changes nothing more.
    ///
    /// It is done to the end, also if the client closes the connection: an identity provider's frame is removed after a few
    /// seconds, and its request is not sent again.
    pub(crate) async fn carry_out<R, F>(
        &self,
        opened: (IncomingMessage, ReceivePermit),
        connection: Option<&str>,
        expect: ExpectMessage<'static>,
        context: &mut Context,
        one: impl Fn(Message) -> F + Send + Sync + 'static,
    ) -> Result<CarriedOut<R>, HttpError>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, HttpError>> + Send + 'static,
    {
        let (sso, connection, mut known) = (self.clone(), connection.map(str::to_owned), context.clone());
        let carrying_out = async move {
            let done = sso.carry_out_pages(opened, connection.as_deref(), expect, &mut known, one).await;
            Ok((done, known))
        };
        let (done, known) = to_the_end(carrying_out).await?;
        *context = known;
        done
    }

    async fn carry_out_pages<R, F>(
        &self,
        (mut incoming, mut permit): (IncomingMessage, ReceivePermit),
        connection: Option<&str>,
        expect: ExpectMessage<'static>,
        context: &mut Context,
        one: impl Fn(Message) -> F,
    ) -> Result<CarriedOut<R>, HttpError>
    where
        F: Future<Output = Result<R, HttpError>>,
    {
        let relay_state = incoming.relay_state().cloned();
        let (mut progress, mut after) = (Progress::default(), None);
        loop {
            let look_up = self.candidates_after(&incoming, connection, after.as_ref());
            let (page, held) = permit.during(look_up).await?;
            permit = match &after {
                // Every message that claims this issuer begins with the first page, so that the places over its
                // connections limit the work on all pages.
                None => {
                    if let ([only], None) = (page.connections.as_slice(), &page.next) {
                        context.connection = Some(only.id().clone());
                    }
                    let placed = self.over_connections(incoming, &page.connections, held).await?;
                    incoming = placed.0;
                    placed.1
                }
                Some(_) => held,
            };
            let judged = self.judge_page(incoming, page, expect, permit).await?;
            match judged.valid {
                Ok(valid) => {
                    self.carry_out_page(valid, &judged.connections, &mut progress, context, &one).await?
                }
                Err(refusal) => progress.refuse(refusal),
            }
            permit = judged.permit;
            match judged.rest.filter(|_| progress.goes_on()) {
                Some((rest, next)) => (incoming, after) = (rest, Some(next)),
                None => break,
            }
        }
        let Progress { results, connections, failure, refusal, replay_key, .. } = progress;
        if connections > 1 {
            tracing::warn!(
                connections,
                "a request is carried out for several connections with one identity provider and key"
            );
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        let Some(replay_key) = replay_key else {
            return Err(refusal.map_or(HttpError::UnknownConnection, HttpError::Refused));
        };
        self.inner.replays.insert_once(replay_key.hash(), replay_key.expires_at()).await?;
        drop(permit);
        Ok(CarriedOut { results, relay_state })
    }

    /// Looks up the connections over which a request may have come, after those that were tried.
    async fn candidates_after(
        &self,
        incoming: &IncomingMessage,
        connection: Option<&str>,
        after: Option<&ConnectionId>,
    ) -> Result<MessageCandidates, HttpError> {
        let Some(id) = connection else {
            let mut page = self.inner.connections.candidates_for_message(incoming, after).await?;
            page.connections = open_if_any(page.connections);
            // A source that does not go on would be asked for ever.
            page.next = page.next.filter(|next| after.is_none_or(|after| next > after));
            return Ok(page);
        };
        Ok(MessageCandidates::all(self.find_by_address(id).await?))
    }

    /// Finds the connections of a page whose key signed a request, and checks it for each of them.
    async fn judge_page(
        &self,
        incoming: IncomingMessage,
        page: MessageCandidates,
        expect: ExpectMessage<'static>,
        permit: ReceivePermit,
    ) -> Result<Judged, HttpError> {
        let (service_provider, now) = (self.service_provider().clone(), self.now());
        elsewhere(move || {
            let MessageCandidates { connections, next } = page;
            let (valid, rest) = match next {
                None => (service_provider.receive_request(incoming, &connections, expect, now), None),
                Some(next) => {
                    let valid = service_provider.receive_request_among(&incoming, &connections, expect, now);
                    (valid, Some((incoming, next)))
                }
            };
            Ok(Judged { valid, connections, rest, permit })
        })
        .await
    }

    /// Carries a request out for the connections of a page that it belongs to.
    async fn carry_out_page<R, F>(
        &self,
        valid: Vec<ValidMessage>,
        candidates: &[Connection],
        progress: &mut Progress<R>,
        context: &mut Context,
        one: impl Fn(Message) -> F,
    ) -> Result<(), HttpError>
    where
        F: Future<Output = Result<R, HttpError>>,
    {
        for valid in valid {
            progress.replay_key = Some(valid.replay_key());
            let message = self.confirm_message(valid).await?;
            let found = candidates.iter().find(|one| one.id() == message.connection());
            let connection = found.ok_or(HttpError::UnknownConnection)?.clone();
            progress.connections = progress.connections.saturating_add(1);
            context.connection = Some(connection.id().clone()).filter(|_| progress.connections == 1);
            // Each one that is carried out is remembered. A connection that has too many does not keep others.
            if let Err(retry_after) = self.inner.requests.take(connection.id(), self.now()) {
                let rate = self.inner.requests.rate();
                progress.failure = Some(HttpError::TooManyRequests { rate, retry_after });
                continue;
            }
            match one(message).await {
                Ok(result) => progress.results.push((result, connection)),
                Err(failure) => {
                    // What keeps one organization busy is no outage for the others.
                    let is_busy = matches!(&failure, HttpError::Store(StoreError::Busy { .. }));
                    let is_for_all = failure.is_outage() && !is_busy;
                    progress.outages = progress.outages.saturating_add(usize::from(is_for_all));
                    progress.failure = Some(failure);
                    if progress.outages >= MOST_OUTAGES {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the request to answer by a browser: the only one, or the first one if all connections have the same
    /// address for answers. Otherwise it is not known who asked. `carried_out` has every connection that the request
    /// belongs to.
    pub(crate) fn to_answer<'r, R>(
        &self,
        carried_out: &'r [(R, Connection)],
        service: impl Fn(&IdentityProvider, &Binding) -> Option<String>,
    ) -> Option<&'r (R, Connection)> {
        let address = |connection: &Connection| {
            let identity_provider = connection.identity_provider();
            let bindings = [Binding::HttpRedirect, Binding::HttpPost, Binding::HttpPostSimpleSign];
            let services = bindings.map(|binding| service(identity_provider, &binding));
            (self.service_provider().entity_id_for(connection).clone(), services)
        };
        only_answer(carried_out, address)
    }

    /// Returns the request to answer over SOAP: the first one, if this service has one entity ID for all connections. The
    /// answer goes back to whoever asked, so no address decides.
    pub(crate) fn to_answer_by_soap<'r, R>(
        &self,
        carried_out: &'r [(R, Connection)],
    ) -> Option<&'r (R, Connection)> {
        only_answer(carried_out, |connection| self.service_provider().entity_id_for(connection).clone())
    }

    /// Confirms a message that was not carried out before. It is recorded after it was carried out.
    pub(crate) async fn confirm_message(&self, valid: ValidMessage) -> Result<Message, HttpError> {
        let recorded = self.inner.replays.look_up(valid.replay_key()).await?;
        Ok(valid.confirm(recorded)?)
    }
}

/// Returns the first request, if what decides about the answer is the same for all connections.
fn only_answer<R, T: PartialEq>(
    carried_out: &[(R, Connection)],
    decides: impl Fn(&Connection) -> T,
) -> Option<&(R, Connection)> {
    let (first, others) = carried_out.split_first()?;
    let meant = decides(&first.1);
    others.iter().all(|(_, connection)| decides(connection) == meant).then_some(first)
}

/// A request, as the connections of one page understand it.
struct Judged {
    valid: Result<Vec<ValidMessage>, Refusal>,
    connections: Vec<Connection>,
    /// The request, and the name after which the next page begins.
    rest: Option<(IncomingMessage, ConnectionId)>,
    permit: ReceivePermit,
}

/// The state of a request that is carried out page by page.
struct Progress<R> {
    results: Vec<(R, Connection)>,
    /// The number of connections that the request belongs to.
    connections: usize,
    outages: usize,
    /// The error to return at the end. The request then stays unanswered, and can be sent again.
    failure: Option<HttpError>,
    /// The first refusal, if the request belongs to no connection.
    refusal: Option<Refusal>,
    /// The key to record at the end.
    replay_key: Option<ReplayKey>,
}

impl<R> Default for Progress<R> {
    fn default() -> Progress<R> {
        let (results, failure, refusal, replay_key) = (Vec::new(), None, None, None);
        Progress { results, connections: 0, outages: 0, failure, refusal, replay_key }
    }
}

impl<R> Progress<R> {
    fn refuse(&mut self, refusal: Refusal) {
        self.refusal = self.refusal.take().or(Some(refusal));
    }

    /// Returns whether the connections of further pages can change the result.
    fn goes_on(&self) -> bool {
        let is_refused_by_all =
            |refusal: &Refusal| matches!(refusal.code(), "message.kind" | "message.unsigned");
        self.outages < MOST_OUTAGES && !self.refusal.as_ref().is_some_and(is_refused_by_all)
    }
}
