//! Announcements over a connection that subscribes.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, ProtocolVersion, PushInfo, PushKind, Value, aio::MultiplexedConnection, cmd,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{RESPONSE_TIMEOUT, Redis, failed};
use crate::{Announcements, Announces, Answer, Revocation, StoreError};

impl Announces for Redis {
    fn announcements(&self) -> Answer<'_, Box<dyn Announcements>> {
        Box::pin(async move {
            // In version 3 of the protocol one connection both subscribes and answers commands, in one order.
            let info = self.client.get_connection_info();
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
            let client = redis::Client::open(info.clone().set_redis_settings(settings)).map_err(failed)?;
            let (sender, pushed) = unbounded_channel();
            let config = AsyncConnectionConfig::new()
                .set_push_sender(sender)
                .set_response_timeout(Some(RESPONSE_TIMEOUT))
                .set_connection_timeout(Some(RESPONSE_TIMEOUT));
            let connection = client.get_multiplexed_async_connection_with_config(&config).await;
            let mut connection = connection.map_err(failed)?;
            connection.subscribe(self.channel()).await.map_err(failed)?;
            Ok(Box::new(Listening { connection, pushed }) as Box<dyn Announcements>)
        })
    }
}

#[derive(Debug)]
struct Listening {
    connection: MultiplexedConnection,
    pushed: UnboundedReceiver<PushInfo>,
}

impl Listening {
    /// The messages that were pushed and not read yet; an error if the connection is lost.
    fn waiting(&mut self, told: &mut Vec<Revocation>) -> Result<(), StoreError> {
        while let Ok(push) = self.pushed.try_recv() {
            told.extend(heard(&push)?);
        }
        Ok(())
    }
}

/// The revocation in a pushed message.
fn heard(push: &PushInfo) -> Result<Option<Revocation>, StoreError> {
    match (&push.kind, push.data.as_slice()) {
        (PushKind::Disconnection, _) => Err(lost()),
        (PushKind::Message, [_, Value::BulkString(text)]) => {
            Ok(Some(Revocation::from_text(&String::from_utf8_lossy(text))))
        }
        (PushKind::Message, _) => Ok(Some(Revocation::Some)),
        _ => Ok(None),
    }
}

fn lost() -> StoreError {
    StoreError::unavailable(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
}

impl Announcements for Listening {
    /// Messages that were published before a command arrived come before the command's answer.
    fn until_now(&mut self) -> Answer<'_, Vec<Revocation>> {
        Box::pin(async move {
            let pong: Result<Value, _> = cmd("PING").query_async(&mut self.connection).await;
            pong.map_err(failed)?;
            let mut told = Vec::new();
            self.waiting(&mut told)?;
            Ok(told)
        })
    }

    fn next(&mut self, at_most: Duration) -> Answer<'_, Vec<Revocation>> {
        Box::pin(async move {
            let mut told = Vec::new();
            match tokio::time::timeout(at_most, self.pushed.recv()).await {
                Err(_) => {}
                Ok(Some(push)) => told.extend(heard(&push)?),
                Ok(None) => return Err(lost()),
            }
            self.waiting(&mut told)?;
            Ok(told)
        })
    }
}
