//! The application's sessions: a table of its own. People end them here, and their identity providers end them too.
//!
//! docs/LOGOUT.md explains the columns.

use std::time::Duration;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use vouchsafe::provisioning::{Identity, LoggedOut};
use vouchsafe::{LogoutRequest, Participant};
use vouchsafe_axum::{Accepted, EndsSessions, HttpError, LogoutSessions};
use vouchsafe_store::SessionId;

pub(crate) const TABLE: &str = "
create table if not exists sessions (
    hash             text primary key,
    user_id          integer not null references users (id),
    ends             integer not null,
    connection       text not null,
    value_key        text not null,
    identity         text not null,
    session_indexes  text not null,
    participant      text
);
create index if not exists sessions_of_value on sessions (value_key);
create index if not exists sessions_over_connection on sessions (connection);
create index if not exists sessions_that_end on sessions (ends);";

/// The table of sessions.
#[derive(Clone, Debug)]
pub(crate) struct Sessions(pub(crate) SqlitePool);

impl Sessions {
    /// Begins the session of a login. Sessions that are over are removed.
    pub(crate) async fn begin(
        &self,
        session: &SessionId,
        user: i64,
        accepted: &Accepted,
        lifetime: Duration,
    ) -> Result<(), HttpError> {
        let (person, login) = (accepted.identity()?, &accepted.login);
        let participant = Participant::of_login(login).as_ref().map(serde_json::to_string);
        let mut transaction = self.0.begin_with("begin immediate").await.map_err(failed)?;
        sqlx::query("delete from sessions where ends <= unixepoch()")
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let insert = "
            insert into sessions
                (hash, user_id, ends, connection, value_key, identity, session_indexes, participant)
            values ($1, $2, unixepoch() + $3, $4, $5, $6, $7, $8)";
        sqlx::query(insert)
            .bind(session.hash())
            .bind(user)
            .bind(i64::try_from(lifetime.as_secs()).unwrap_or_default())
            .bind(accepted.connection().as_str())
            .bind(person.value_key())
            .bind(serde_json::to_string(&person).map_err(failed)?)
            .bind(serde_json::to_string(login.session_indexes()).map_err(failed)?)
            .bind(participant.transpose().map_err(failed)?)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// Whose session has this hash: the id of the user, and the identity of the login. Sessions that are over and those
    /// of blocked users are not found.
    pub(crate) async fn find(&self, hash: &str) -> Result<Option<(i64, Identity)>, HttpError> {
        let select = "
            select user_id, identity from sessions join users on users.id = user_id
            where hash = $1 and ends > unixepoch() and not blocked";
        let found = sqlx::query(select).bind(hash).fetch_optional(&self.0).await.map_err(failed)?;
        let Some(row) = found else { return Ok(None) };
        let identity = serde_json::from_str(text(&row, "identity")?).map_err(failed)?;
        Ok(Some((row.try_get("user_id").map_err(failed)?, identity)))
    }

    /// Removes the session with this hash, and returns the session at the identity provider that it came from.
    pub(crate) async fn remove(&self, hash: &str) -> Result<Option<Participant>, HttpError> {
        let delete = "delete from sessions where hash = $1 returning participant";
        let removed = sqlx::query(delete).bind(hash).fetch_optional(&self.0).await.map_err(failed)?;
        let Some(row) = removed else { return Ok(None) };
        let participant: Option<&str> = row.try_get("participant").map_err(failed)?;
        participant.map(serde_json::from_str).transpose().map_err(failed)
    }
}

/// What identity providers end.
impl LogoutSessions for Sessions {
    fn end<'a>(&'a self, request: &'a LogoutRequest) -> EndsSessions<'a> {
        Box::pin(async move {
            let logout = LoggedOut::of(request);
            // All names of one value over a connection have one value key. All sessions over the connection are read only
            // if its logout requests end sessions by their index alone.
            let select = "
                select hash, identity, session_indexes from sessions
                where value_key = $1 or ($2 and connection = $3)";
            let mut transaction = self.0.begin_with("begin immediate").await.map_err(failed)?;
            let rows = sqlx::query(select)
                .bind(logout.person().value_key())
                .bind(logout.is_of_any_name())
                .bind(logout.connection().as_str())
                .fetch_all(&mut *transaction)
                .await
                .map_err(failed)?;
            let mut ended: u64 = 0;
            for row in rows {
                let person: Identity = serde_json::from_str(text(&row, "identity")?).map_err(failed)?;
                let indexes: Vec<String> =
                    serde_json::from_str(text(&row, "session_indexes")?).map_err(failed)?;
                if logout.means(&person, &indexes) {
                    let delete = sqlx::query("delete from sessions where hash = $1");
                    let delete = delete.bind(text(&row, "hash")?).execute(&mut *transaction);
                    ended = ended.saturating_add(delete.await.map_err(failed)?.rows_affected());
                }
            }
            transaction.commit().await.map_err(failed)?;
            Ok(ended)
        })
    }
}

fn text<'r>(row: &'r SqliteRow, column: &'static str) -> Result<&'r str, HttpError> {
    row.try_get(column).map_err(failed)
}

/// An outage: the database does not answer, or a row cannot be read.
fn failed(error: impl std::error::Error + Send + Sync + 'static) -> HttpError {
    HttpError::unavailable("sessions", error)
}
