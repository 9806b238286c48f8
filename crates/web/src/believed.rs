//! Opens a request of an identity provider about sessions or names, and finds the connections that have the key that
//! signed it.

use http::Method;
use http::request::Parts;
use vouchsafe::{
    BindingError, Carriage, Connection, ConnectionId, ExpectMessage, IncomingMessage, Limits, MessageKind,
    ReceivedRequest, Refusal, SentMessage, ValidMessage,
};

use crate::answers::Context;
use crate::connection_source::CandidatePage;
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::receive_group::ReceiveGroup;
use crate::single_sign_on::SingleSignOn;
use crate::work::elsewhere;

/// Reads a message from a query, a body or an envelope.
type Reads = fn(&[u8], &Limits) -> Result<SentMessage, BindingError>;

/// Reads a query, which is ASCII in an address.
fn in_query(query: &[u8], limits: &Limits) -> Result<SentMessage, BindingError> {
    SentMessage::from_query(std::str::from_utf8(query).unwrap_or_default(), limits)
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

    /// Finds the connections that a request belongs to, among all that may have it, page by page. There is at least
    /// one, or a failure of the search.
    pub(crate) async fn owners(
        &self,
        (mut incoming, mut permit): (IncomingMessage, ReceivePermit),
        connection: Option<&str>,
        expect: ExpectMessage<'static>,
        context: &mut Context,
    ) -> Result<Owners, HttpError> {
        let (mut found, mut refusal, mut after) = (Owners::default(), None, None);
        let mut group = group_of(&incoming, connection);
        loop {
            let look_up = self.candidates_after(&incoming, connection, after.as_ref());
            let page;
            (page, permit) = match permit.during(look_up).await {
                Ok(found) => found,
                Err(failure) => return Ok(Owners { failure: Some(failure), ..found }),
            };
            found.are_unknown |= page.unusable > 0;
            if let (None, [only], None) = (&after, page.connections.as_slice(), &page.next) {
                context.connection = Some(only.id().clone());
            }
            // The place is taken once, for the work on all pages. An issuer that no connection has takes none.
            let is_known = !page.connections.is_empty() || page.next.is_some();
            if let Some(group) = group.take_if(|_| is_known) {
                (incoming, permit) = self.within(group, incoming, permit).await?;
            }
            let judged = self.judge_page((incoming, permit), page, expect, after.is_none()).await?;
            let refused = match judged.received {
                Ok(received) => found.take(received, &judged.connections),
                Err(refused) => Some(refused),
            };
            refusal = refusal.or(refused);
            permit = judged.permit;
            match judged.rest.filter(|_| !refusal.as_ref().is_some_and(is_of_all)) {
                Some((rest, next)) => (incoming, after) = (rest, Some(next)),
                None => break,
            }
        }
        match found.owners.as_slice() {
            [] => {}
            [(_, only)] => context.connection = Some(only.id().clone()),
            _ => context.connection = None,
        }
        match refusal.filter(|_| found.owners.is_empty()) {
            Some(refusal) => Err(refusal.into()),
            None => Ok(found),
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
        (incoming, permit): (IncomingMessage, ReceivePermit),
        page: CandidatePage,
        expect: ExpectMessage<'static>,
        is_first: bool,
    ) -> Result<Judged, HttpError> {
        let (service_provider, now) = (self.service_provider().clone(), self.now());
        elsewhere(move || {
            let CandidatePage { connections, next, .. } = page;
            let (received, rest) = match next {
                // No other page needs the message, so it is not parsed again for a single connection. If all connections
                // refuse it, it does not matter which ones they are.
                None if is_first => {
                    (service_provider.receive_request(incoming, &connections, expect, now), None)
                }
                next => {
                    let received =
                        service_provider.receive_request_among(&incoming, &connections, expect, now);
                    (received, next.map(|next| (incoming, next)))
                }
            };
            Ok(Judged { received, connections, rest, permit })
        })
        .await
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

/// A request, as the connections of one page understand it.
struct Judged {
    received: Result<ReceivedRequest, Refusal>,
    connections: Vec<Connection>,
    /// The request, and the name after which the next page begins.
    rest: Option<(IncomingMessage, ConnectionId)>,
    permit: ReceivePermit,
}

/// The connections that have the key that signed a request.
#[derive(Default)]
pub(crate) struct Owners {
    /// Those that the request belongs to.
    pub(crate) owners: Vec<(ValidMessage, Connection)>,
    /// Those that refuse it, such as one whose metadata has ended.
    pub(crate) others: Vec<Connection>,
    /// Whether there are connections that cannot be used, so that it is not known which keys they have.
    pub(crate) are_unknown: bool,
    /// The reason if there may be others. The request is then carried out for those that were found, and can be sent
    /// again.
    pub(crate) failure: Option<HttpError>,
}

impl Owners {
    /// Returns whether it is certain that one connection alone has the key.
    pub(crate) fn is_one(&self) -> bool {
        self.owners.len() == 1 && self.others.is_empty() && !self.are_unknown && self.failure.is_none()
    }

    /// Adds those of a page, and returns the refusal if they all refuse the request.
    fn take(&mut self, received: ReceivedRequest, candidates: &[Connection]) -> Option<Refusal> {
        let named = |id: &ConnectionId| candidates.iter().find(|one| one.id() == id).cloned();
        let refusal = received.refusal.filter(|_| received.valid.is_empty());
        self.others.extend(received.others.iter().filter_map(named));
        for valid in received.valid {
            self.owners.extend(named(valid.connection()).map(|connection| (valid, connection)));
        }
        refusal
    }
}

/// Returns whether the connections of further pages refuse a request too.
fn is_of_all(refusal: &Refusal) -> bool {
    matches!(refusal.code(), "message.kind" | "message.unsigned")
}
