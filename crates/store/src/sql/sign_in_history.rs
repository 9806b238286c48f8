//! Recorded sign-ins in SQL.

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::{Account, AccountId, OrganizationId};

use super::{Batch, Engine, Sql, batch::IfNull, memoranda::changed, rows};
use crate::{Answer, HistoryLimits, RecordedSignIn, SignInHistory, StoreError};

/// Of an account of the organization.
const KEEP: &str = "
    INSERT INTO vouchsafe_sign_ins (organization, account, at, record)
    VALUES (?, ?, ?, CASE WHEN EXISTS (SELECT 1 FROM vouchsafe_accounts WHERE id = ? AND organization = ?) THEN ? END)";

/// Another transaction that deletes the same rows does the work.
const FORGET_BEYOND: Sql = Sql {
    sqlite: "
        DELETE FROM vouchsafe_sign_ins WHERE organization = ? AND (at < ? OR number <= (
            SELECT number FROM vouchsafe_sign_ins WHERE organization = ? ORDER BY number DESC LIMIT 1 OFFSET ?))",
    postgres: "
        DELETE FROM vouchsafe_sign_ins WHERE number IN (
            SELECT number FROM vouchsafe_sign_ins WHERE organization = $1 AND (at < $2 OR number <= (
                SELECT number FROM vouchsafe_sign_ins WHERE organization = $3 ORDER BY number DESC LIMIT 1 OFFSET $4))
            ORDER BY number FOR UPDATE SKIP LOCKED)",
};

const OF_ORGANIZATION: &str = "
    SELECT record FROM vouchsafe_sign_ins WHERE organization = ? ORDER BY number DESC LIMIT ?";

/// Rows are locked in one order to avoid deadlocks.
const FORGET_ACCOUNTS: Sql = Sql {
    sqlite: "DELETE FROM vouchsafe_sign_ins WHERE account IN (SELECT value FROM json_each(?))",
    postgres:
        "
        DELETE FROM vouchsafe_sign_ins WHERE number IN (
            SELECT number FROM vouchsafe_sign_ins WHERE account = ANY($1::text[]) ORDER BY number FOR UPDATE)",
};

const SWEEP: Sql = Sql {
    sqlite: "DELETE FROM vouchsafe_sign_ins WHERE at < ?",
    postgres: "
        DELETE FROM vouchsafe_sign_ins WHERE number IN (
            SELECT number FROM vouchsafe_sign_ins WHERE at < $1 ORDER BY number FOR UPDATE)",
};

/// Deletes the sign-ins of accounts that were deleted.
pub(super) fn forget_deleted(batch: Batch, accounts: &[Account]) -> Batch {
    let deleted = accounts.iter().filter(|account| account.is_deleted());
    let ids: Vec<String> = deleted.map(|account| account.id.as_str().to_owned()).collect();
    if ids.is_empty() { batch } else { batch.then(FORGET_ACCOUNTS).bind(ids) }
}

impl<E: Engine> SignInHistory for E {
    fn keep_sign_in<'a>(&'a self, sign_in: &'a RecordedSignIn, limits: HistoryLimits) -> Answer<'a, ()> {
        Box::pin(async move {
            let organization = sign_in.organization.as_str();
            let batch = Batch::of(KEEP)
                .if_null(IfNull::OfAnother("recorded sign-in"))
                .bind(organization)
                .bind(sign_in.account.as_str())
                .bind(sign_in.at.timestamp_millis())
                .bind(sign_in.account.as_str())
                .bind(organization)
                .bind(rows::to_json("recorded sign-in", sign_in)?)
                .then(FORGET_BEYOND)
                .bind(organization)
                .bind(limits.oldest(sign_in.at).timestamp_millis())
                .bind(organization)
                .bind(i64::try_from(limits.most()).unwrap_or(i64::MAX));
            self.write::<(), StoreError>(Box::new(move |turn| {
                Box::pin(async move { turn.run(batch).await.map(drop) })
            }))
            .await
        })
    }

    fn recorded_sign_ins<'a>(
        &'a self,
        organization: &'a OrganizationId,
        most: usize,
    ) -> Answer<'a, Vec<RecordedSignIn>> {
        Box::pin(async move {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let answered =
                self.ask(Batch::of(OF_ORGANIZATION).bind(organization.as_str()).bind(most)).await?;
            let last = answered.rows.iter().rev();
            last.map(|row| rows::from_json("recorded sign-in", row.text(0)?)).collect()
        })
    }

    fn forget_sign_ins_of<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        Box::pin(changed(self, Batch::of(FORGET_ACCOUNTS).bind(vec![account.as_str().to_owned()])))
    }

    fn sweep_sign_ins(&self, before: DateTime<Utc>) -> Answer<'_, u64> {
        Box::pin(changed(self, Batch::of(SWEEP).bind(before.timestamp_millis())))
    }
}
