//! Announcements over `LISTEN` and `NOTIFY`.

use std::time::Duration;

use sqlx::{Executor as _, postgres::PgListener};

use super::Postgres;
use crate::{Announcements, Announces, Answer, Revocation, StoreError, sql::failed};

/// Tells all machines after the commit.
pub(super) const NOTIFY: &str = "
    SELECT pg_notify('vouchsafe_' || md5(current_schema()), told) FROM unnest($1::text[]) AS told";

/// The channel of this schema.
const CHANNEL: &str = "SELECT 'vouchsafe_' || md5(current_schema())";

impl Announces for Postgres {
    fn announcements(&self) -> Answer<'_, Box<dyn Announcements>> {
        Box::pin(async move {
            let channel: String = sqlx::query_scalar(CHANNEL).fetch_one(&self.pool).await.map_err(failed)?;
            let mut listener = PgListener::connect_with(&self.pool).await.map_err(failed)?;
            // A connection that was silently re-established has missed announcements.
            listener.eager_reconnect(false);
            listener.listen(&channel).await.map_err(failed)?;
            Ok(Box::new(Listening { listener }) as Box<dyn Announcements>)
        })
    }
}

#[derive(Debug)]
struct Listening {
    listener: PgListener,
}

impl Listening {
    fn buffered(&mut self, told: &mut Vec<Revocation>) {
        while let Some(notification) = self.listener.next_buffered() {
            told.push(Revocation::from_text(notification.payload()));
        }
    }
}

impl Announcements for Listening {
    /// The server sends notifications that were committed before a statement arrived ahead of the statement's answer.
    fn until_now(&mut self) -> Answer<'_, Vec<Revocation>> {
        Box::pin(async move {
            self.listener.execute("SELECT 1").await.map_err(failed)?;
            let mut told = Vec::new();
            self.buffered(&mut told);
            Ok(told)
        })
    }

    fn next(&mut self, at_most: Duration) -> Answer<'_, Vec<Revocation>> {
        Box::pin(async move {
            let mut told = Vec::new();
            match tokio::time::timeout(at_most, self.listener.try_recv()).await {
                Err(_) => {}
                Ok(Ok(Some(notification))) => told.push(Revocation::from_text(notification.payload())),
                Ok(Ok(None)) => {
                    return Err(StoreError::unavailable(std::io::Error::from(
                        std::io::ErrorKind::ConnectionAborted,
                    )));
                }
                Ok(Err(error)) => return Err(failed(error)),
            }
            self.buffered(&mut told);
            Ok(told)
        })
    }
}
