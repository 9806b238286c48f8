//! API tokens in SQL.

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::AccountId;

use super::{Batch, Engine, Sql, batch::IfNull, locks, memoranda::changed, rows, run_one, writes};
use crate::{
    Answer, ApiToken, ApiTokenSecret, ApiTokenStore, AuditRecord, Author, StoreError,
    text::milliseconds_rounded_up,
};

const ADD: &str = "
    INSERT INTO vouchsafe_api_tokens (hash, id, account, expires_at, record)
    VALUES (?, ?, ?, ?, CASE WHEN EXISTS (SELECT 1 FROM vouchsafe_accounts
        WHERE id = ? AND organization = ? AND active = 1) THEN ? END)";

/// A look-up by the primary keys of both tables.
const FIND: &str = "
    SELECT token.record FROM vouchsafe_api_tokens AS token
    JOIN vouchsafe_accounts AS account ON account.id = token.account
    WHERE token.hash = ? AND account.active = 1";

const OF_ACCOUNT: &str = "SELECT record FROM vouchsafe_api_tokens WHERE account = ? ORDER BY number";

const REVOKE: &str = "DELETE FROM vouchsafe_api_tokens WHERE account = ? AND id = ? RETURNING record";

/// Rows are locked in one order to avoid deadlocks.
const END_OF_ACCOUNTS: Sql = Sql {
    sqlite: "DELETE FROM vouchsafe_api_tokens WHERE account IN (SELECT value FROM json_each(?))",
    postgres: "
        DELETE FROM vouchsafe_api_tokens WHERE number IN (
            SELECT number FROM vouchsafe_api_tokens WHERE account = ANY($1::text[]) ORDER BY number FOR UPDATE)",
};

const SWEEP: Sql = Sql {
    sqlite: "DELETE FROM vouchsafe_api_tokens WHERE expires_at <= ?",
    postgres: "
        DELETE FROM vouchsafe_api_tokens WHERE number IN (
            SELECT number FROM vouchsafe_api_tokens WHERE expires_at <= $1 ORDER BY number FOR UPDATE)",
};

/// Ends the tokens of these accounts.
pub(super) fn end_of_accounts(batch: Batch, accounts: &[AccountId]) -> Batch {
    if accounts.is_empty() {
        return batch;
    }
    let ids: Vec<String> = accounts.iter().map(|account| account.as_str().to_owned()).collect();
    batch.then(END_OF_ACCOUNTS).bind(ids)
}

impl<E: Engine> ApiTokenStore for E {
    fn issue_api_token<'a>(
        &'a self,
        secret: &'a ApiTokenSecret,
        token: &'a ApiToken,
        author: &'a Author,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let add = Batch::of(ADD)
                .if_taken("the token")
                .if_null(IfNull::Suspended(token.account.clone()))
                .bind(secret.hash())
                .bind(token.id.as_str())
                .bind(token.account.as_str())
                .bind(token.expires_at.map(milliseconds_rounded_up))
                .bind(token.account.as_str())
                .bind(token.organization.as_str())
                .bind(rows::to_json("API token", token)?);
            let batch = writes::audit(add, &[AuditRecord::of_api_token(token, true, author)])?;
            let account = token.account.clone();
            self.write_for::<(), StoreError>(
                &token.organization,
                Box::new(move |turn| {
                    Box::pin(async move {
                        locks::account_as_it_is(turn, &account).await?;
                        turn.run(batch).await.map(drop)
                    })
                }),
            )
            .await
        })
    }

    fn find_api_token<'a>(
        &'a self,
        secret: &'a ApiTokenSecret,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<ApiToken>> {
        Box::pin(async move {
            let answered = self.ask(Batch::of(FIND).bind(secret.hash())).await?;
            let row = answered.rows.first();
            let token: Option<ApiToken> =
                row.map(|row| rows::from_json("API token", row.text(0)?)).transpose()?;
            Ok(token.filter(|token| !token.is_over(now)))
        })
    }

    fn api_tokens_of<'a>(&'a self, account: &'a AccountId) -> Answer<'a, Vec<ApiToken>> {
        Box::pin(async move {
            let answered = self.ask(Batch::of(OF_ACCOUNT).bind(account.as_str())).await?;
            answered.rows.iter().map(|row| rows::from_json("API token", row.text(0)?)).collect()
        })
    }

    fn revoke_api_token<'a>(
        &'a self,
        account: &'a AccountId,
        id: &'a str,
        author: &'a Author,
    ) -> Answer<'a, bool> {
        let (revoke, author) = (Batch::of(REVOKE).bind(account.as_str()).bind(id), author.clone());
        self.write::<bool, StoreError>(Box::new(move |turn| {
            Box::pin(async move {
                let ended = run_one(turn, revoke).await?;
                let Some(row) = ended.rows.first() else { return Ok(false) };
                let token: ApiToken = rows::from_json("API token", row.text(0)?)?;
                let record = AuditRecord::of_api_token(&token, false, &author);
                turn.run(writes::audit(Batch::default(), &[record])?).await?;
                Ok(true)
            })
        }))
    }

    fn sweep_api_tokens(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        Box::pin(changed(self, Batch::of(SWEEP).bind(now.timestamp_millis())))
    }
}
