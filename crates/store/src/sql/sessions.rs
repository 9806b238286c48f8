//! Sessions in SQL.

use chrono::{DateTime, Utc};
use vouchsafe::ConnectionId;
use vouchsafe::provisioning::{AccountId, LoggedOut};

use super::{
    Batch, Engine, Runs, Sql, Transaction, Wanted, locks, memoranda::changed, rows, run_one, writes,
};
use crate::{
    Answer, Revocation, Session, SessionId, SessionStore, StoreError, text::milliseconds_rounded_up,
};

/// A session of the current epoch of its account: when it was last used, and its record.
pub(crate) const SESSION: &str = "
    SELECT last_used_at || ' ' || record FROM vouchsafe_sessions AS session WHERE hash = ? AND NOT EXISTS (
        SELECT 1 FROM vouchsafe_epochs AS now WHERE now.account = session.account AND now.epoch > session.epoch)";

/// The session whose identifier has this hash, expired or not.
pub(super) async fn read(turn: &mut dyn Runs, hash: &str) -> Result<Option<Session>, StoreError> {
    let answered = run_one(turn, Batch::of(SESSION).bind(hash)).await?;
    answered.rows.first().map(|row| read_back(row.text(0)?)).transpose()
}

/// A session from its record, which follows the time of last use.
fn read_back(text: &str) -> Result<Session, StoreError> {
    let damaged = || StoreError::damaged("session", "when it was last used");
    let (last_used_at, record) = text.split_once(' ').ok_or_else(damaged)?;
    let mut session: Session = rows::from_json("session", record)?;
    if session.idle.is_some() {
        let last_used_at = last_used_at.parse().ok().and_then(DateTime::from_timestamp_millis);
        session.last_used_at = last_used_at.ok_or_else(damaged)?;
    }
    Ok(session)
}

/// Writes that a session is used, unless that was written a short time ago. Sweeping goes by the end that follows from
/// it.
fn note_use(hash: &str, session: &Session, since: DateTime<Utc>) -> Batch {
    const NOTE: &str = "
        UPDATE vouchsafe_sessions SET last_used_at = ?, expires_at = ? WHERE hash = ? AND last_used_at <= ?";
    Batch::of(NOTE)
        .bind(session.last_used_at.timestamp_millis())
        .bind(milliseconds_rounded_up(session.ends_at()))
        .bind(hash)
        .bind(since.timestamp_millis())
}

/// If several sessions are deleted, their rows are locked in one order to avoid deadlocks.
macro_rules! end_where {
    ($sqlite:literal, $postgres:literal) => {
        end_where!($sqlite, $postgres, "")
    };
    ($sqlite:literal, $postgres:literal, $returning:literal) => {
        Sql {
            sqlite: concat!("DELETE FROM vouchsafe_sessions WHERE ", $sqlite, $returning),
            postgres: concat!(
                "DELETE FROM vouchsafe_sessions WHERE hash IN (SELECT hash FROM vouchsafe_sessions WHERE ",
                $postgres,
                " ORDER BY hash FOR UPDATE)",
                $returning
            ),
        }
    };
}

/// The sessions of an account.
const END_OF_ACCOUNTS: Sql =
    end_where!("account IN (SELECT value FROM json_each(?))", "account = ANY($1::text[])");

/// A value that was looked up after a session was read and before it was ended belongs to an earlier epoch.
const NEXT_EPOCH: Sql = Sql {
    sqlite: "
        INSERT INTO vouchsafe_epochs (account, epoch) SELECT value, 1 FROM json_each(?) WHERE TRUE
        ON CONFLICT (account) DO UPDATE SET epoch = vouchsafe_epochs.epoch + 1",
    postgres: "
        INSERT INTO vouchsafe_epochs (account, epoch) SELECT account, 1 FROM unnest($1::text[]) AS account
        ORDER BY account
        ON CONFLICT (account) DO UPDATE SET epoch = vouchsafe_epochs.epoch + 1",
};

/// Ends all sessions of these accounts.
pub(super) fn end_of_accounts(batch: Batch, accounts: &[AccountId]) -> Batch {
    if accounts.is_empty() {
        return batch;
    }
    let ids: Vec<String> = accounts.iter().map(|account| account.as_str().to_owned()).collect();
    let batch = batch.then(END_OF_ACCOUNTS).bind(ids.clone()).then(NEXT_EPOCH).bind(ids);
    batch.announcing(accounts.iter().cloned().map(Revocation::Account))
}

const END_OVER: Sql =
    end_where!("connection IN (SELECT value FROM json_each(?))", "connection = ANY($1::text[])");
const END_THESE: Sql =
    end_where!("hash IN (SELECT value FROM json_each(?))", "hash = ANY($1::text[])", " RETURNING hash");

/// The sessions that a logout may mean: those of its name, and those over the connection with one of the indexes. The
/// first index of a session is in an index of the database; few sessions have several. PostgreSQL's has the index's hash,
/// since it limits the length of what it indexes.
const MAY_BE_MEANT: Sql = Sql {
    sqlite: "
        WITH asked (identity, connection, indexes) AS MATERIALIZED (VALUES (?, ?, ?))
        SELECT hash, record FROM vouchsafe_sessions WHERE hash IN (
            SELECT one.hash FROM asked CROSS JOIN vouchsafe_sessions AS one ON one.identity = asked.identity
            UNION
            SELECT one.hash FROM asked CROSS JOIN json_each(asked.indexes) AS wanted
            CROSS JOIN vouchsafe_sessions AS one
                ON one.connection = asked.connection AND one.session_indexes ->> 0 = wanted.value
            UNION
            SELECT one.hash FROM asked CROSS JOIN vouchsafe_sessions AS one
                ON one.connection = asked.connection AND json_array_length(one.session_indexes) > 1
            WHERE asked.indexes <> '[]')",
    postgres: "
        SELECT hash, record FROM vouchsafe_sessions WHERE hash IN (
            SELECT hash FROM vouchsafe_sessions WHERE identity = $1
            UNION SELECT hash FROM vouchsafe_sessions
                WHERE connection = $2 AND hashtextextended(session_indexes[1], 0)
                    IN (SELECT hashtextextended(one, 0) FROM unnest($3::text[]) AS one)
            UNION SELECT hash FROM vouchsafe_sessions
                WHERE connection = $2 AND cardinality(session_indexes) > 1 AND cardinality($3::text[]) > 0)
        ORDER BY hash FOR UPDATE",
};

/// Looks through a part of a connection's sessions for a name that ends with this text.
const HAS_NAME_THAT_ENDS: Sql = Sql {
    sqlite: "
        SELECT count(*) FROM (SELECT identity FROM vouchsafe_sessions WHERE connection = ? LIMIT 2000)
        CROSS JOIN (SELECT ? AS ending) WHERE substr(identity, -length(ending)) = ending",
    postgres: "
        SELECT count(*) FROM (SELECT identity FROM vouchsafe_sessions WHERE connection = $1 LIMIT 2000) AS some
        WHERE right(identity, length($2)) = $2",
};
const SWEEP: Sql = end_where!("expires_at <= ?", "expires_at <= $1");

/// Ends the sessions that began over these connections.
pub(super) fn end_over(batch: Batch, ids: &[ConnectionId]) -> Batch {
    match ids {
        [] => batch,
        _ => {
            let names: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
            batch.then(END_OVER).bind(names).announcing(ids.iter().cloned().map(Revocation::Connection))
        }
    }
}

/// Ends the sessions that a logout means. Their rows are locked in the order of all who end several sessions.
async fn end_logged_out(turn: &mut dyn Transaction, logout: &LoggedOut) -> Result<u64, StoreError> {
    // A logout by its whole name finds the sessions of the name alone.
    let is_by_name = logout.keys().len() == 1;
    let indexes = if is_by_name { Vec::new() } else { logout.session_indexes().to_vec() };
    let asked =
        Batch::of(MAY_BE_MEANT).bind(logout.person().key()).bind(logout.connection().as_str()).bind(indexes);
    let found = run_one(turn, asked).await?;
    let mut meant = Vec::new();
    for row in &found.rows {
        let session: Session = rows::from_json("session", row.text(1)?)?;
        if session.is_meant_by(logout) {
            meant.push(row.text(0)?.to_owned());
        }
    }
    if meant.is_empty() {
        return Ok(0);
    }
    Ok(run_one(turn, Batch::of(END_THESE).bind(meant).announcing_sessions()).await?.changed)
}

impl<E: Engine> SessionStore for E {
    fn create<'a>(&'a self, id: &'a SessionId, session: &'a Session) -> Answer<'a, ()> {
        Box::pin(async move {
            let account = session.account.clone();
            let batch = writes::session(Batch::default(), id.hash(), session)?;
            self.write_for::<(), StoreError>(
                &session.organization,
                Box::new(move |turn| {
                    Box::pin(async move {
                        locks::account_as_it_is(turn, &account).await?;
                        turn.write(batch);
                        Ok(())
                    })
                }),
            )
            .await
        })
    }

    fn find<'a>(&'a self, id: &'a SessionId, now: DateTime<Utc>) -> Answer<'a, Option<Session>> {
        Box::pin(async move {
            let record = self.look_up(Wanted::Session(id.hash().to_owned())).await?;
            let found = record.as_deref().map(read_back).transpose()?;
            let Some(mut session) = found.filter(|session| !session.is_over(now)) else { return Ok(None) };
            if let Some(since) = session.notes_use_since(now) {
                session.last_used_at = now;
                self.apply(note_use(id.hash(), &session, since)).await?;
            }
            Ok(Some(session))
        })
    }

    fn revoke<'a>(&'a self, id: &'a SessionId) -> Answer<'a, bool> {
        let revoke = Batch::of("DELETE FROM vouchsafe_sessions WHERE hash = ?")
            .bind(id.hash())
            .announcing([Revocation::Session(id.hash().to_owned())]);
        Box::pin(async move { Ok(changed(self, revoke).await? == 1) })
    }

    fn revoke_logged_out<'a>(&'a self, logout: &'a LoggedOut) -> Answer<'a, u64> {
        Box::pin(async move {
            let _permit = self.permit_for_logout(logout.connection()).await?;
            self.write_again(move || {
                let logout = logout.clone();
                Box::new(move |turn| Box::pin(async move { end_logged_out(turn, &logout).await }))
            })
            .await
        })
    }

    fn may_have_value<'a>(&'a self, logout: &'a LoggedOut) -> Answer<'a, bool> {
        let value = &logout.person().subject;
        let asked = Batch::of(HAS_NAME_THAT_ENDS)
            .bind(logout.connection().as_str())
            .bind(format!(" {}:{value}", value.len()));
        Box::pin(async move { Ok(self.ask(asked).await?.number()? > 0) })
    }

    fn revoke_account<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        Box::pin(changed(self, end_of_accounts(Batch::default(), std::slice::from_ref(account))))
    }

    fn epoch<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        let asked = Batch::of("SELECT epoch FROM vouchsafe_epochs WHERE account = ?").bind(account.as_str());
        Box::pin(async move { Ok(self.ask(asked).await?.number()?.unsigned_abs()) })
    }

    fn sweep_sessions(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        Box::pin(changed(self, Batch::of(SWEEP).bind(now.timestamp_millis())))
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use super::MAY_BE_MEANT;
    use crate::Sqlite;

    /// A logout costs the same over a connection with a hundred thousand sessions.
    #[tokio::test]
    async fn a_logout_reads_no_sessions_but_those_it_may_mean() {
        let store = Sqlite::in_memory().await.unwrap();
        let steps = store.steps_of(MAY_BE_MEANT.sqlite).await;
        for index in ["by_identity", "by_session_index", "of_several"] {
            let name = format!("vouchsafe_sessions_{index}");
            assert!(steps.iter().any(|step| step.contains(&name)), "{index}: {steps:#?}");
        }
        let reads_all = |step: &&String| {
            step.starts_with("SCAN")
                && !step.contains("VIRTUAL TABLE")
                && (step.contains("one") || step.contains("vouchsafe_"))
        };
        assert_eq!(steps.iter().find(reads_all), None, "{steps:#?}");
    }
}
