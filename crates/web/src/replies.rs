//! The answers of identity providers to requests of this service about sessions or names.

use std::time::Duration;

use vouchsafe::xml::Quoted;
use vouchsafe::{Connection, ExpectMessage, IncomingMessage, Message, ReplayKey, SoapCall, StatusAnswer};

use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::logout_sessions::BackChannel;
use crate::receive_group::ReceiveGroup;
use crate::single_sign_on::SingleSignOn;
use crate::work::elsewhere;

/// The answer of an identity provider that was asked over SOAP.
pub(crate) enum SoapReply {
    Accepted(Box<StatusAnswer>),
    /// There was an answer, and it was refused.
    Refused,
    /// There was no answer.
    Silent,
}

impl SingleSignOn {
    /// Asks an identity provider over SOAP, and waits at most this time for its answer. `about` names the request in
    /// the log.
    pub(crate) async fn ask_over_soap(
        &self,
        send: &BackChannel,
        call: SoapCall,
        about: &'static str,
        time: Duration,
    ) -> SoapReply {
        let connection = call.connection().clone();
        let answered = match tokio::time::timeout(time, send(&call)).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => {
                let cause = error.cause();
                tracing::warn!(%connection, about, code = error.code(), cause, "an identity provider did not answer a request");
                return SoapReply::Silent;
            }
            Err(_) => {
                tracing::warn!(%connection, about, "an identity provider did not answer a request in time");
                return SoapReply::Silent;
            }
        };
        let (service_provider, now) = (self.service_provider().clone(), self.now());
        match elsewhere(move || Ok(service_provider.call_answered(call, &answered, now)?)).await {
            Ok(answer) => SoapReply::Accepted(Box::new(answer)),
            Err(HttpError::Refused(refusal)) => {
                let reason = refusal.to_string();
                tracing::warn!(%connection, about, code = refusal.code(), reason = %Quoted::new(&reason), "the answer of an identity provider is not believed");
                SoapReply::Refused
            }
            Err(failure) => {
                tracing::warn!(%connection, about, code = failure.code(), reason = %failure, "the answer of an identity provider was not read");
                SoapReply::Silent
            }
        }
    }

    /// Checks the answer to a request of ours that a browser carried: `bound` is the request, and `asked` the
    /// connection that was asked, unless it is gone.
    pub(crate) async fn judge_reply<B: Send + 'static>(
        &self,
        incoming: IncomingMessage,
        asked: Option<Connection>,
        bound: B,
        expect: for<'b> fn(&'b B) -> ExpectMessage<'b>,
        permit: ReceivePermit,
    ) -> Result<(Message, B, ReplayKey), HttpError> {
        let group = asked.as_ref().map(|asked| ReceiveGroup::Connection(asked.id().clone()));
        let (incoming, permit) = match group {
            Some(group) => self.within(group, incoming, permit).await?,
            None => (incoming, permit),
        };
        let (service_provider, now) = (self.service_provider().clone(), self.now());
        let (valid, bound) = elsewhere(move || {
            let _until_it_is_over = permit;
            Ok((service_provider.receive_message(incoming, asked.as_slice(), expect(&bound), now)?, bound))
        })
        .await?;
        let replay_key = valid.replay_key();
        Ok((self.confirm_message(valid).await?, bound, replay_key))
    }
}
