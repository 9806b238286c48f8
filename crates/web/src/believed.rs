//! Opens and accepts a request of an identity provider about sessions or names.

use http::Method;
use http::request::Parts;
use vouchsafe::{
    Connection, ExpectMessage, IncomingMessage, Message, RelayState, ReplayKey, SentMessage, ValidMessage,
};

use crate::answers::Context;
use crate::check::{elsewhere, open_if_any};
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::single_sign_on::SingleSignOn;

/// A request that a key of the connection signed and that was not used before.
pub(crate) struct Believed {
    pub(crate) message: Message,
    pub(crate) connection: Connection,
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
            Ok((service_provider.receive_message(incoming, &judged, expect, now)?, permit))
        })
        .await?;
        let replay_key = valid.replay_key();
        let message = self.confirm_message(valid).await?;
        let found = candidates.into_iter().find(|one| one.id() == message.connection());
        let connection = found.ok_or(HttpError::UnknownConnection)?;
        context.connection = Some(connection.id().clone());
        Ok(Believed { message, connection, relay_state, replay_key, permit })
    }

    /// Confirms a message that was not carried out before. It is recorded after it was carried out.
    pub(crate) async fn confirm_message(&self, valid: ValidMessage) -> Result<Message, HttpError> {
        let recorded = self.inner.replays.look_up(valid.replay_key()).await?;
        Ok(valid.confirm(recorded)?)
    }
}
