//! Sessions in SQL.

use chrono::{DateTime, Utc};
use vouchsafe::ConnectionId;
use vouchsafe::provisioning::{AccountId, Identity};

use super::{Batch, Engine, Runs, Sql, Wanted, locks, memoranda::changed, rows, run_one, writes};
use crate::{Answer, Revocation, Session, SessionId, SessionStore, StoreError};

/// The session of an identifier with this hash, over or not, which nobody ends while the transaction lasts.
pub(super) async fn read(turn: &mut dyn Runs, hash: &str) -> Result<Option<Session>, StoreError> {
    let answered = run_one(turn, Batch::of(locks::READ_SESSION).bind(hash)).await?;
    let row = answered.rows.first();
    row.map(|row| rows::from_json("session", row.text(0)?)).transpose()
}

/// Deleting several sessions, their rows are locked in one order, so that nobody waits in a circle.
macro_rules! end_where {
    ($sqlite:literal, $postgres:literal) => {
        Sql {
            sqlite: concat!("DELETE FROM vouchsafe_sessions WHERE ", $sqlite),
            postgres: concat!(
                "DELETE FROM vouchsafe_sessions WHERE hash IN (SELECT hash FROM vouchsafe_sessions WHERE ",
                $postgres,
                " ORDER BY hash FOR UPDATE)"
            ),
        }
    };
}

/// Those of an account.
const END_OF_ACCOUNTS: Sql =
    end_where!("account IN (SELECT value FROM json_each(?))", "account = ANY($1::text[])");

/// What they have that is looked up after a session was read, and before it was ended, is of an epoch that is over.
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
    accounts.iter().fold(batch, |batch, account| batch.announcing(Revocation::Account(account.clone())))
}

const END_OVER: Sql =
    end_where!("connection IN (SELECT value FROM json_each(?))", "connection = ANY($1::text[])");
const END_OF_NAME: Sql = end_where!("identity = ?", "identity = $1");
const END_OF_NAME_AND_INDEX: Sql =
    end_where!("identity = ? AND session_index = ?", "identity = $1 AND session_index = $2");
const SWEEP: Sql = end_where!("expires_at <= ?", "expires_at <= $1");

/// Ends the sessions that began over these connections.
pub(super) fn end_over(batch: Batch, ids: &[ConnectionId]) -> Batch {
    match ids {
        [] => batch,
        _ => {
            let ids: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
            batch.then(END_OVER).bind(ids).announcing(Revocation::Some)
        }
    }
}

impl<E: Engine> SessionStore for E {
    fn create<'a>(&'a self, id: &'a SessionId, session: &'a Session) -> Answer<'a, ()> {
        Box::pin(async move {
            let account = session.account.clone();
            let batch = writes::session(Batch::default(), id.hash(), session)?;
            self.write::<(), StoreError>(Box::new(move |turn| {
                Box::pin(async move {
                    locks::account_as_it_is(turn, &account).await?;
                    turn.write(batch);
                    Ok(())
                })
            }))
            .await
        })
    }

    fn find<'a>(&'a self, id: &'a SessionId, now: DateTime<Utc>) -> Answer<'a, Option<Session>> {
        Box::pin(async move {
            let record = self.look_up(Wanted::Session(id.hash().to_owned())).await?;
            let session: Option<Session> =
                record.map(|record| rows::from_json("session", &record)).transpose()?;
            Ok(session.filter(|session| !session.is_over(now)))
        })
    }

    fn revoke<'a>(&'a self, id: &'a SessionId) -> Answer<'a, bool> {
        let revoke = Batch::of("DELETE FROM vouchsafe_sessions WHERE hash = ?")
            .bind(id.hash())
            .announcing(Revocation::Session(id.hash().to_owned()));
        Box::pin(async move { Ok(changed(self, revoke).await? == 1) })
    }

    fn revoke_by_name_id<'a>(
        &'a self,
        name_id: &'a Identity,
        session_index: Option<&'a str>,
    ) -> Answer<'a, u64> {
        let by_name = match session_index {
            None => Batch::of(END_OF_NAME).bind(name_id.key()),
            Some(index) => Batch::of(END_OF_NAME_AND_INDEX).bind(name_id.key()).bind(index),
        };
        Box::pin(changed(self, by_name.announcing(Revocation::Some)))
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
