//! Opens a request of an identity provider about sessions or names, and lets it be carried out once.

use http::Method;
use http::request::Parts;
use vouchsafe::metadata::Binding;
use vouchsafe::{
    BindingError, Carriage, Connection, ConnectionId, ExpectMessage, IdentityProvider, IncomingMessage,
    Limits, Message, MessageKind, Refusal, RelayState, SentMessage, ValidMessage,
};

use crate::answers::Context;
use crate::check::{elsewhere, to_the_end};
use crate::connection_source::CandidatePage;
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::receive_group::ReceiveGroup;
use crate::single_sign_on::SingleSignOn;

/// After so many outages the other connections of a request are not tried. The request can be sent again.
const MOST_OUTAGES: usize = 3;
/// The number of bytes that a request keeps for each of its connections, while it waits to be carried out: names,
/// indexes and a reason of the usual length.
const KEPT_BY_EACH: usize = 16 * 1024;

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

/// What a request of an identity provider does.
pub(crate) trait Effect: Send + Sync + 'static {
    /// The result over one connection.
    type Done: Send + 'static;
    /// The kind of request.
    const EXPECT: ExpectMessage<'static>;

    /// Carries the request out over a connection whose key signed it. `is_alone` states that no other one has the
    /// key: a public key is public, so anybody can configure a connection that has the key of somebody else.
    fn over(
        &self,
        message: Message,
        is_alone: bool,
    ) -> impl Future<Output = Result<Self::Done, HttpError>> + Send;
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

    /// Waits for a place of this group. While it waits, only the bytes of the message are kept. The parsed document is
    /// larger, so it is parsed again.
    pub(crate) async fn within(
        &self,
        group: ReceiveGroup,
        incoming: IncomingMessage,
        permit: ReceivePermit,
    ) -> Result<(IncomingMessage, ReceivePermit), HttpError> {
        let waiting = match permit.within_now(group) {
            Ok(permit) => return Ok((incoming, permit)),
            Err(waiting) => waiting,
        };
        let (at, service_provider) = (incoming.received_at().to_owned(), self.service_provider().clone());
        let sent = incoming.into_sent();
        let permit = waiting.wait().await?;
        elsewhere(move || Ok((service_provider.open_message(sent, &at)?, permit))).await
    }

    /// Accepts a request, has it carried out over each connection that it belongs to, and then records that this was
    /// done. `connection` is the name in the address, if a connection has an address of its own.
    ///
    /// A connection over which the request cannot be carried out now does not keep others from it, but after three
    /// outages of a store the rest is not tried. The request then stays unanswered and unrecorded, and can be sent
    /// again. Two copies at the same time may both be carried out, which changes nothing more.
    ///
    /// It is done to the end, also if the client closes the connection: an identity provider's frame is removed after a
    /// few seconds, and its request is not sent again.
    pub(crate) async fn carry_out<E: Effect>(
        &self,
        opened: (IncomingMessage, ReceivePermit),
        connection: Option<&str>,
        effect: E,
        context: &mut Context,
    ) -> Result<CarriedOut<E::Done>, HttpError> {
        let (sso, connection, mut known) = (self.clone(), connection.map(str::to_owned), context.clone());
        let carrying_out = async move {
            let done = sso.carry_out_over_all(opened, connection.as_deref(), &effect, &mut known).await;
            Ok((done, known))
        };
        let (done, known) = to_the_end(carrying_out).await?;
        *context = known;
        done
    }

    async fn carry_out_over_all<E: Effect>(
        &self,
        opened: (IncomingMessage, ReceivePermit),
        connection: Option<&str>,
        effect: &E,
        context: &mut Context,
    ) -> Result<CarriedOut<E::Done>, HttpError> {
        let relay_state = opened.0.relay_state().cloned();
        let Owners { owners, failure } = self.owners(opened, connection, E::EXPECT, context).await?;
        let Some((first, _)) = owners.first() else {
            return Err(failure.unwrap_or(HttpError::UnknownConnection));
        };
        let (key, replay_key) = (first.evidence().key_fingerprint().clone(), first.replay_key());
        if owners.len() > 1 {
            let connections = owners.len();
            tracing::warn!(
                connections,
                "several connections have the identity provider and the key of a request"
            );
        }
        // The places that limit the checks are free again: stores may take long, which must not delay anything else.
        let bytes = KEPT_BY_EACH.saturating_mul(owners.len());
        let _place = self.inner.limiter.only_within(ReceiveGroup::SignedBy(key), bytes).await?;
        let carried_out = self.carry_out_over_each(owners, failure, effect).await?;
        let recorded = self.inner.replays.insert_once(replay_key.hash(), replay_key.expires_at()).await;
        if let Err(failure) = recorded {
            // It was carried out, and the sender is told so. A copy within its time does the same again.
            tracing::warn!(code = failure.code(), reason = %failure, "a request that was carried out could not be recorded");
        }
        Ok(CarriedOut { results: carried_out, relay_state })
    }

    /// Carries a request out over each of its connections. `failure` is that of their search, if not all were found.
    async fn carry_out_over_each<E: Effect>(
        &self,
        owners: Vec<(ValidMessage, Connection)>,
        mut failure: Option<HttpError>,
        effect: &E,
    ) -> Result<Vec<(E::Done, Connection)>, HttpError> {
        let is_alone = owners.len() == 1 && failure.is_none();
        let (mut results, mut outages) = (Vec::new(), 0_usize);
        for (valid, connection) in owners {
            let key = valid.evidence().key_fingerprint().clone();
            let message = self.confirm_message(valid).await?;
            // Each one that is carried out is remembered. A connection that has too many does not keep others. The key
            // counts too: whoever has copied a key cannot use up, by a key of their own, what comes by the copied one.
            let counted = (connection.id().clone(), key);
            if let Err(retry_after) = self.inner.requests.take(&counted, self.now()) {
                let rate = self.inner.requests.rate();
                failure = Some(HttpError::TooManyRequests { rate, retry_after });
                continue;
            }
            match effect.over(message, is_alone).await {
                Ok(result) => results.push((result, connection)),
                Err(error) => {
                    outages =
                        outages.saturating_add(usize::from(error.is_outage() && !error.is_busy_store()));
                    failure = Some(error);
                }
            }
            if outages >= MOST_OUTAGES {
                break;
            }
        }
        failure.map_or(Ok(results), Err)
    }

    /// Finds the connections that a request belongs to, among all that may have it, page by page. There is at least
    /// one, or a failure of the search.
    async fn owners(
        &self,
        (mut incoming, mut permit): (IncomingMessage, ReceivePermit),
        connection: Option<&str>,
        expect: ExpectMessage<'static>,
        context: &mut Context,
    ) -> Result<Owners, HttpError> {
        let (mut owners, mut refusal, mut after) = (Vec::new(), None, None);
        let mut group = group_of(&incoming, connection);
        loop {
            let look_up = self.candidates_after(&incoming, connection, after.as_ref());
            let page;
            (page, permit) = match permit.during(look_up).await {
                Ok(found) => found,
                Err(failure) => return Ok(Owners { owners, failure: Some(failure) }),
            };
            if let (None, [only], None) = (&after, page.connections.as_slice(), &page.next) {
                context.connection = Some(only.id().clone());
            }
            // The place is taken once, for the work on all pages. An issuer that no connection has takes none.
            let is_known = !page.connections.is_empty() || page.next.is_some();
            if let Some(group) = group.take_if(|_| is_known) {
                (incoming, permit) = self.within(group, incoming, permit).await?;
            }
            let judged = self.judge_page(incoming, page, expect, permit).await?;
            match judged.valid {
                Ok(valid) => owners.extend(with_connections(valid, &judged.connections)),
                Err(refused) => refusal = refusal.or(Some(refused)),
            }
            permit = judged.permit;
            match judged.rest.filter(|_| !refusal.as_ref().is_some_and(is_of_all)) {
                Some((rest, next)) => (incoming, after) = (rest, Some(next)),
                None => break,
            }
        }
        match owners.as_slice() {
            [] => {}
            [(_, only)] => context.connection = Some(only.id().clone()),
            _ => context.connection = None,
        }
        match refusal.filter(|_| owners.is_empty()) {
            Some(refusal) => Err(refusal.into()),
            None => Ok(Owners { owners, failure: None }),
        }
    }

    /// Looks up the connections over which a request may have come, after those that were tried.
    async fn candidates_after(
        &self,
        incoming: &IncomingMessage,
        connection: Option<&str>,
        after: Option<&ConnectionId>,
    ) -> Result<CandidatePage, HttpError> {
        match (connection, incoming.issuer()) {
            (Some(id), _) => Ok(CandidatePage::all(self.find_by_address(id).await?)),
            (None, Some(issuer)) => self.page_after(issuer, after).await,
            (None, None) => Ok(CandidatePage::default()),
        }
    }

    /// Finds the connections of a page whose key signed a request, and checks it for each of them.
    async fn judge_page(
        &self,
        incoming: IncomingMessage,
        page: CandidatePage,
        expect: ExpectMessage<'static>,
        permit: ReceivePermit,
    ) -> Result<Judged, HttpError> {
        let (service_provider, now) = (self.service_provider().clone(), self.now());
        elsewhere(move || {
            let CandidatePage { connections, next } = page;
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

    /// Returns the request to answer over SOAP: the first one, if this service has one entity ID for all connections.
    /// The answer goes back to whoever asked, so no address decides.
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

/// Returns the group whose places limit the work on a request. At an address that connections share it is the claimed
/// issuer: so nobody else's responses, such as artifacts that a server resolves slowly, take the places of its
/// messages.
fn group_of(incoming: &IncomingMessage, connection: Option<&str>) -> Option<ReceiveGroup> {
    match connection {
        Some(id) => ConnectionId::new(id).ok().map(ReceiveGroup::RequestsAt),
        None => incoming.issuer().cloned().map(ReceiveGroup::RequestsFrom),
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

/// The connections that a request belongs to.
struct Owners {
    owners: Vec<(ValidMessage, Connection)>,
    /// The reason if there may be others. The request is then carried out for those that were found, and can be sent
    /// again.
    failure: Option<HttpError>,
}

/// Returns messages with their connections.
fn with_connections(valid: Vec<ValidMessage>, candidates: &[Connection]) -> Vec<(ValidMessage, Connection)> {
    let with_its_own = |valid: ValidMessage| {
        let found = candidates.iter().find(|one| one.id() == valid.connection());
        found.cloned().map(|connection| (valid, connection))
    };
    valid.into_iter().filter_map(with_its_own).collect()
}

/// Returns whether the connections of further pages refuse a request too.
fn is_of_all(refusal: &Refusal) -> bool {
    matches!(refusal.code(), "message.kind" | "message.unsigned")
}
