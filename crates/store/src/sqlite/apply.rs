//! A plan becomes rows, in one transaction.

use chrono::DateTime;
use sqlx::SqliteConnection;
use vouchsafe::provisioning::{AccountId, Cause, OrganizationId, Plan, RuleId, Snapshot};

use super::{Sqlite, rows};
use crate::{
    Applied, AuditRecord, StoreError, audit,
    text::{fresh_ids, milliseconds_rounded_up},
};

pub(super) async fn apply(store: &Sqlite, plan: &Plan) -> Result<Applied, StoreError> {
    let organization = plan.organization();
    let mut transaction = store.write().await?;
    if let Some(account) = applied_before(&mut transaction, plan).await? {
        return Ok(Applied { organization: organization.clone(), account, repeated: true });
    }
    let conflict = |actual| StoreError::Conflict {
        organization: organization.clone(),
        expected: plan.version(),
        actual,
    };
    if plan.is_empty() {
        let actual = rows::version(&mut transaction, organization).await?;
        if actual != plan.version() {
            return Err(conflict(actual));
        }
    } else {
        rows::next_version(&mut transaction, organization, plan.version()).await?;
    }
    if !rows::of_others(&mut transaction, organization, &plan.domains_taken()).await?.is_empty() {
        return Err(conflict(plan.version()));
    }
    let before = affected(&mut transaction, plan).await?;
    let mut ids = fresh_ids(plan.steps().len())?;
    let after = before.after_with(plan, &mut || ids.pop().unwrap_or_default());
    let account = audit::account_of(plan, &after)?;
    write_difference(&mut transaction, &before, &after).await.map_err(|failure| meanwhile(failure, plan))?;
    write_records(&mut transaction, plan, &account).await?;
    transaction.commit().await?;
    Ok(Applied { organization: organization.clone(), account, repeated: false })
}

pub(super) async fn audit(store: &Sqlite, id: &OrganizationId) -> Result<Vec<AuditRecord>, StoreError> {
    type Row = (String, i64, String, String, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT account, at, rule, change, before, after, assertion_hash FROM audit
         WHERE organization = ? ORDER BY number",
    )
    .bind(id.as_str())
    .fetch_all(&store.pool)
    .await?;
    rows.into_iter()
        .map(|(account, at, rule, change, before, after, assertion_hash)| {
            Ok(AuditRecord {
                organization: id.clone(),
                account: AccountId::new(account),
                at: DateTime::from_timestamp_millis(at)
                    .ok_or_else(|| StoreError::damaged("audit record", "its time is none"))?,
                rule: RuleId::new(rule),
                change,
                before,
                after,
                assertion_hash,
            })
        })
        .collect()
}

async fn applied_before(
    connection: &mut SqliteConnection,
    plan: &Plan,
) -> Result<Option<AccountId>, StoreError> {
    let Some(key) = plan.idempotency_key() else { return Ok(None) };
    let before: Option<(String, String, String)> =
        sqlx::query_as("SELECT organization, identity, account FROM applied WHERE key = ?")
            .bind(key)
            .fetch_optional(connection)
            .await?;
    let Some((organization, identity, account)) = before else { return Ok(None) };
    let (organization, account) = (OrganizationId::new(organization), AccountId::new(account));
    if plan.repeats(&organization, &rows::from_json("applied plan", &identity)?, &account) {
        Ok(Some(account))
    } else {
        Err(StoreError::AssertionReused { organization: plan.organization().clone() })
    }
}

/// The organization with the one account that the plan is about, if there is one already.
async fn affected(connection: &mut SqliteConnection, plan: &Plan) -> Result<Snapshot, StoreError> {
    let mut snapshot = rows::snapshot(connection, plan.organization(), Some(&Default::default())).await?;
    if let Some(account) = plan.account() {
        let record: Option<String> =
            sqlx::query_scalar("SELECT record FROM accounts WHERE id = ? AND organization = ?")
                .bind(account.as_str())
                .bind(plan.organization().as_str())
                .fetch_optional(connection)
                .await?;
        let record = record.ok_or_else(|| StoreError::damaged("plan", "its account is not there"))?;
        snapshot.accounts.push(rows::from_json("account", &record)?);
    }
    Ok(snapshot)
}

async fn write_difference(
    connection: &mut SqliteConnection,
    before: &Snapshot,
    after: &Snapshot,
) -> Result<(), StoreError> {
    for account in after.accounts.iter().filter(|account| !before.accounts.contains(account)) {
        rows::put_account(connection, account).await?;
    }
    for project in after.projects.iter().filter(|project| !before.projects.contains(project)) {
        rows::put_project(connection, project).await?;
    }
    for team in after.teams.iter().filter(|team| !before.teams.contains(team)) {
        rows::put_team(connection, team).await?;
    }
    Ok(())
}

async fn write_records(
    connection: &mut SqliteConnection,
    plan: &Plan,
    account: &AccountId,
) -> Result<(), StoreError> {
    for record in audit::records(plan, account) {
        sqlx::query(
            "INSERT INTO audit (organization, account, at, rule, change, before, after, assertion_hash)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(record.organization.as_str())
        .bind(record.account.as_str())
        .bind(record.at.timestamp_millis())
        .bind(record.rule.as_str())
        .bind(record.change)
        .bind(record.before)
        .bind(record.after)
        .bind(record.assertion_hash)
        .execute(&mut *connection)
        .await?;
    }
    if let (Cause::SignIn { identity, .. }, Some(assertion)) = (plan.cause(), plan.assertion()) {
        sqlx::query(
            "INSERT INTO applied (key, organization, identity, account, expires_at) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(&assertion.hash)
        .bind(plan.organization().as_str())
        .bind(rows::to_json("applied plan", identity)?)
        .bind(account.as_str())
        .bind(milliseconds_rounded_up(assertion.expires_at))
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// A name that is taken although the version is the right one: the plan was not made on this organization.
fn meanwhile(failure: StoreError, plan: &Plan) -> StoreError {
    match rows::unique("a name that the plan uses")(failure) {
        StoreError::Taken { .. } => StoreError::Conflict {
            organization: plan.organization().clone(),
            expected: plan.version(),
            actual: plan.version(),
        },
        other => other,
    }
}
