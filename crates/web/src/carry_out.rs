//! Carries a request of an identity provider out over each of its connections, once, and decides who is answered.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::Instrument;
use vouchsafe::metadata::Binding;
use vouchsafe::{
    Connection, ExpectMessage, IdentityProvider, IncomingMessage, Message, RelayState, ValidMessage,
};

use crate::answers::Context;
use crate::believed::Owners;
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::receive_group::ReceiveGroup;
use crate::single_sign_on::SingleSignOn;
use crate::work::to_the_end;

/// After so many outages the other connections of a request are not tried. The request can be sent again.
const MOST_OUTAGES: usize = 3;
/// The time after which the next connection of a request does not wait for the one before any longer.
const PATIENCE: Duration = Duration::from_millis(100);
/// A request is carried out over so many connections at a time: more than one organization can have active.
const AT_ONCE: usize = 64;
/// The number of bytes that a request keeps for each of its connections, while it waits to be carried out: names,
/// indexes and a reason of the usual length.
const KEPT_BY_EACH: usize = 16 * 1024;

/// A request that was accepted and carried out, with its result for each connection that it belongs to.
pub(crate) struct CarriedOut<R> {
    /// There are several only if the connections have the identity provider and its key in common.
    pub(crate) results: Vec<(R, Connection)>,
    /// Connections that have the key too and refuse the request, such as one whose metadata has ended.
    pub(crate) others: Vec<Connection>,
    /// Whether no other connection has the key.
    pub(crate) is_alone: bool,
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
        let effect = Arc::new(effect);
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
        effect: &Arc<E>,
        context: &mut Context,
    ) -> Result<CarriedOut<E::Done>, HttpError> {
        let relay_state = opened.0.relay_state().cloned();
        let found = self.owners(opened, connection, E::EXPECT, context).await?;
        let is_alone = found.is_one();
        let Owners { owners, others, failure, .. } = found;
        let Some((first, _)) = owners.first() else {
            return Err(failure.unwrap_or(HttpError::UnknownConnection));
        };
        let (key, replay_key) = (first.evidence().key_fingerprint().clone(), first.replay_key());
        let connections = owners.len().saturating_add(others.len());
        if connections > 1 {
            tracing::warn!(
                connections,
                "several connections have the identity provider and the key of a request"
            );
        }
        // The places that limit the checks are free again: stores may take long, which must not delay anything else.
        let bytes = KEPT_BY_EACH.saturating_mul(owners.len());
        let _place = self.inner.limiter.only_within(ReceiveGroup::SignedBy(key), bytes).await?;
        let results = self.carry_out_over_each((owners, is_alone), failure, effect).await?;
        let recorded = self.inner.replays.insert_once(replay_key.hash(), replay_key.expires_at()).await;
        if let Err(failure) = recorded {
            // It was carried out, and the sender is told so. A copy within its time does the same again.
            tracing::warn!(code = failure.code(), reason = %failure, "a request that was carried out could not be recorded");
        }
        Ok(CarriedOut { results, others, is_alone, relay_state })
    }

    /// Carries a request out over each of its connections. `failure` is that of their search, if not all were found.
    ///
    /// A connection over which it takes long, because the store is busy with the organization, does not keep the next
    /// one waiting.
    async fn carry_out_over_each<E: Effect>(
        &self,
        (owners, is_alone): (Vec<(ValidMessage, Connection)>, bool),
        mut failure: Option<HttpError>,
        effect: &Arc<E>,
    ) -> Result<Vec<(E::Done, Connection)>, HttpError> {
        let (mut results, mut outages) = (Vec::new(), 0_usize);
        let (mut waiting, mut running) = (owners.into_iter().enumerate().peekable(), JoinSet::new());
        loop {
            let may_begin = |running: usize| outages < MOST_OUTAGES && running < AT_ONCE;
            if let Some((place, (valid, connection))) = waiting.next_if(|_| may_begin(running.len())) {
                let (sso, effect) = (self.clone(), Arc::clone(effect));
                let carrying_out = async move {
                    let outcome = sso.carry_out_over(valid, (&connection, is_alone), &*effect).await;
                    outcome.map(|result| (place, (result, connection)))
                };
                running.spawn(carrying_out.in_current_span());
            }
            let is_next = waiting.peek().is_some() && may_begin(running.len());
            let done = match is_next {
                true => timeout(PATIENCE, running.join_next()).await.ok().flatten(),
                false => running.join_next().await,
            };
            match done {
                Some(Ok(Ok(result))) => results.push(result),
                Some(Ok(Err(error))) => {
                    let is_outage = error.is_outage() && !error.is_busy_store();
                    outages = outages.saturating_add(usize::from(is_outage));
                    failure = Some(error);
                }
                Some(Err(stopped)) => failure = Some(HttpError::Worker { source: stopped.into() }),
                None if is_next => {}
                None => break,
            }
        }
        results.sort_by_key(|(place, _)| *place);
        failure.map_or(Ok(results.into_iter().map(|(_, result)| result).collect()), Err)
    }

    /// Carries a request out over one connection, unless this was done before.
    async fn carry_out_over<E: Effect>(
        &self,
        valid: ValidMessage,
        (connection, is_alone): (&Connection, bool),
        effect: &E,
    ) -> Result<E::Done, HttpError> {
        let key = valid.evidence().key_fingerprint().clone();
        let message = self.confirm_message(valid).await?;
        // Each one that is carried out is remembered. A connection that has too many does not keep others.
        self.inner.requests.take(connection.id(), key.as_str(), self.now())?;
        effect.over(message, is_alone).await
    }

    /// Returns the request to answer by a browser: the only one, or the first one if all connections have the same
    /// address for answers. Otherwise it is not known who asked.
    pub(crate) fn to_answer<'r, R>(
        &self,
        carried_out: &'r CarriedOut<R>,
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
        carried_out: &'r CarriedOut<R>,
    ) -> Option<&'r (R, Connection)> {
        only_answer(carried_out, |connection| self.service_provider().entity_id_for(connection).clone())
    }

    /// Confirms a message that was not carried out before. It is recorded after it was carried out.
    pub(crate) async fn confirm_message(&self, valid: ValidMessage) -> Result<Message, HttpError> {
        let recorded = self.inner.replays.look_up(valid.replay_key()).await?;
        Ok(valid.confirm(recorded)?)
    }
}

/// Returns the first request, if what decides about the answer is the same for all connections that have the key.
fn only_answer<R, T: PartialEq>(
    carried_out: &CarriedOut<R>,
    decides: impl Fn(&Connection) -> T,
) -> Option<&(R, Connection)> {
    let (first, results) = carried_out.results.split_first()?;
    let meant = decides(&first.1);
    let mut others = results.iter().map(|(_, connection)| connection).chain(&carried_out.others);
    others.all(|connection| decides(connection) == meant).then_some(first)
}
