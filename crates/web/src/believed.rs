//! Opens and accepts a request of an identity provider about sessions or names.

use http::Method;
use http::request::Parts;
use vouchsafe::metadata::Binding;
use vouchsafe::{
    Connection, ExpectMessage, IdentityProvider, IncomingMessage, Message, RelayState, ReplayKey,
    SentMessage, ValidMessage,
};

use crate::answers::Context;
use crate::check::{elsewhere, open_if_any};
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::single_sign_on::SingleSignOn;

/// A request that a key of the connections signed and that was not used before.
pub(crate) struct Believed {
    /// The request as each connection understands it. There are several only if they have the identity provider and
    /// its key in common.
    pub(crate) messages: Vec<(Message, Connection)>,
    /// The error to return after the messages were carried out, if another connection of the request has too many. The
    /// request then stays unanswered, and can be sent again.
    pub(crate) too_many: Option<HttpError>,
    pub(crate) relay_state: Option<RelayState>,
    /// The key to record after the request was carried out. A request that failed can then be sent again.
    pub(crate) replay_key: ReplayKey,
    /// The permit whose places are held until then.
    pub(crate) permit: ReceivePermit,
}

impl SingleSignOn {
    /// Opens a message that a browser carries, in the query of a GET or in the form of a POST.
    pub(crate) async fn open_brought(
        &self,
        request: &Parts,
        body: &[u8],
        at: String,
        context: &mut Context,
    ) -> Result<(IncomingMessage, ReceivePermit), HttpError> {
        let limits = self.service_provider().limits();
        let query = request.uri.query().unwrap_or_default();
        let sent = match request.method {
            Method::POST => SentMessage::from_form(body, limits)?,
            Method::GET => SentMessage::from_query(query, limits)?,
            // Other methods carry none, so a HEAD request of a program that checks a link changes nothing.
            _ => SentMessage::from_query("", limits)?,
        };
        let bytes = body.len().max(query.len());
        let (incoming, permit) = self.open_message(request, sent, at, bytes).await?;
        context.issuer = incoming.issuer().map(|issuer| issuer.as_str().to_owned());
        Ok((incoming, permit))
    }

    /// Opens a message that a browser or an identity provider's server sends.
    pub(crate) async fn open_message(
        &self,
        request: &Parts,
        sent: SentMessage,
        at: String,
        bytes: usize,
    ) -> Result<(IncomingMessage, ReceivePermit), HttpError> {
        let permit = self.inner.limiter.enter(self.inner.address_of(request), bytes).await?;
        let service_provider = self.service_provider().clone();
        elsewhere(move || Ok((service_provider.open_message(sent, &at)?, permit))).await
    }

    /// Accepts a request. `connection` is the name in the address, if a connection has an address of its own.
    pub(crate) async fn believe(
        &self,
        incoming: IncomingMessage,
        connection: Option<&str>,
        expect: ExpectMessage<'static>,
        permit: ReceivePermit,
        context: &mut Context,
    ) -> Result<Believed, HttpError> {
        let relay_state = incoming.relay_state().cloned();
        let look_up = async {
            Ok::<Vec<Connection>, HttpError>(match connection {
                Some(id) => self.find_by_address(id).await?.into_iter().collect(),
                None => self.inner.connections.candidates_for_message(&incoming).await?,
            })
        };
        let (candidates, permit) = permit.during(look_up).await?;
        let candidates: Vec<Connection> = match connection {
            Some(_) => candidates,
            None => open_if_any(candidates),
        };
        if let [only] = candidates.as_slice() {
            context.connection = Some(only.id().clone());
        }
        let permit = permit.over_connections(candidates.iter().map(Connection::id)).await?;
        let (service_provider, judged, now) =
            (self.service_provider().clone(), candidates.clone(), self.now());
        let (valid, permit) = elsewhere(move || {
            Ok((service_provider.receive_request(incoming, &judged, expect, now)?, permit))
        })
        .await?;
        let replay_key = valid.first().map(ValidMessage::replay_key).ok_or(HttpError::UnknownConnection)?;
        let (mut messages, mut too_many, connections) = (Vec::new(), None, valid.len());
        for valid in valid {
            let message = self.confirm_message(valid).await?;
            let found = candidates.iter().find(|one| one.id() == message.connection());
            let connection = found.ok_or(HttpError::UnknownConnection)?.clone();
            // Each one that is carried out is remembered. A connection that has too many does not keep others.
            match self.inner.requests.take(connection.id(), self.now()) {
                Ok(()) => messages.push((message, connection)),
                Err(retry_after) => {
                    let rate = self.inner.requests.rate();
                    too_many = Some(HttpError::TooManyRequests { rate, retry_after });
                }
            }
        }
        match messages.as_slice() {
            [(_, only)] if connections == 1 => context.connection = Some(only.id().clone()),
            [] => {}
            _ => {
                tracing::warn!(
                    connections,
                    "a request is carried out for several connections with one identity provider and key"
                );
            }
        }
        Ok(Believed { messages, too_many, relay_state, replay_key, permit })
    }

    /// Returns the request to answer: the only one, or the first one if all connections have the same address for
    /// answers. Otherwise it is not known who asked. `carried_out` has every connection that the request belongs to.
    pub(crate) fn to_answer<'r, R>(
        &self,
        carried_out: &'r [(R, Connection)],
        service: impl Fn(&IdentityProvider, &Binding) -> Option<String>,
    ) -> Option<&'r (R, Connection)> {
        let address = |connection: &Connection| {
            let identity_provider = connection.identity_provider();
            let bindings =
                [Binding::HttpRedirect, Binding::HttpPost, Binding::HttpPostSimpleSign, Binding::Soap];
            let services = bindings.map(|binding| service(identity_provider, &binding));
            (self.service_provider().entity_id_for(connection).clone(), services)
        };
        let (first, others) = carried_out.split_first()?;
        let meant = address(&first.1);
        others.iter().all(|(_, connection)| address(connection) == meant).then_some(first)
    }

    /// Confirms a message that was not carried out before. It is recorded after it was carried out.
    pub(crate) async fn confirm_message(&self, valid: ValidMessage) -> Result<Message, HttpError> {
        let recorded = self.inner.replays.look_up(valid.replay_key()).await?;
        Ok(valid.confirm(recorded)?)
    }
}
