//! Decisions, made and written in the writer's transaction.

use chrono::DateTime;
use sqlx::SqliteConnection;
use vouchsafe::provisioning::{AccountId, LoginFacts, LookUp, OrganizationId, Policy, RuleId, Snapshot};

use super::{OrFailed as _, Sqlite, rows, sessions};
use crate::{
    About, Applied, AuditRecord, CompletedSignIn, Decided, Decision, SignIn, SignInError, StoreError,
    text::milliseconds_rounded_up,
};

pub(super) async fn sign_in(
    connection: &mut SqliteConnection,
    sign_in: SignIn,
) -> Result<CompletedSignIn, SignInError> {
    let key = sign_in.replay_key();
    let end = milliseconds_rounded_up(key.expires_at());
    let is_first = rows::insert_once(connection, key.hash(), end).await?;
    let confirmed = sign_in.confirm(key.recorded(is_first))?;
    let (snapshot, policy) = about_login(connection, confirmed.facts(), confirmed.links()).await?;
    let decided = confirmed.decide(&snapshot, &policy)?;
    write(connection, decided.decided()).await?;
    let (id, session) = decided.session();
    let replaced = decided.replaces().map(|before| before.hash());
    sessions::begin(connection, id.hash(), session, replaced, decided.answers()).await?;
    Ok(decided.into_signed_in())
}

pub(super) async fn decide(
    connection: &mut SqliteConnection,
    decision: Decision,
) -> Result<Applied, SignInError> {
    let (snapshot, policy) = match decision.about() {
        About::Login(login) => about_login(connection, login, None).await?,
        About::Account { organization, account } => {
            let (mut snapshot, policy) = rows::organization_and_policy(connection, organization).await?;
            rows::load_account_and_owners(connection, account, &mut snapshot).await?;
            rows::load_all_teams(connection, &mut snapshot).await?;
            (snapshot, policy)
        }
        About::Organization(organization) => {
            let snapshot = rows::whole(connection, organization).await?;
            (snapshot, rows::policy(connection, organization).await?)
        }
    };
    let decided = decision.decide(&snapshot, &policy)?;
    write(connection, &decided).await?;
    Ok(decided.into_applied())
}

/// The organization that a login means, with what it could mean there, and nothing else.
pub(super) async fn about_login(
    connection: &mut SqliteConnection,
    login: &LoginFacts,
    links: Option<&AccountId>,
) -> Result<(Snapshot, Policy), StoreError> {
    const FIND: &str = "
        SELECT found.organization, coalesce(connection.token_required, 1),
            EXISTS (SELECT 1 FROM vouchsafe_connections WHERE id = ?2 AND organization <> found.organization)
        FROM (
            SELECT 1 AS rank, organization FROM vouchsafe_tokens WHERE hash IN (SELECT value FROM json_each(?1))
            UNION ALL
            SELECT 2 AS rank, organization FROM vouchsafe_organization_connections WHERE connection = ?2) AS found
        LEFT JOIN vouchsafe_connections AS connection
            ON connection.id = ?2 AND connection.organization = found.organization
        ORDER BY rank, found.organization LIMIT 1";
    let look_up = LookUp::of(login).map_err(StoreError::cryptography)?;
    let hashes: Vec<String> = look_up.token_hashes.iter().map(|hash| hash.to_hex()).collect();
    let found: Option<(String, bool, bool)> = sqlx::query_as(FIND)
        .bind(rows::to_json("look-up", &hashes)?)
        .bind(login.connection.as_str())
        .fetch_optional(&mut *connection)
        .await
        .or_failed()?;
    let found = found.ok_or_else(|| StoreError::no_organization_for(&login.connection))?;
    let (organization, is_token_required, is_of_another) = (OrganizationId::new(found.0), found.1, found.2);
    let (mut snapshot, policy) = rows::organization_and_policy(connection, &organization).await?;
    // One that only has the name which this organization would sign in over.
    if is_of_another && snapshot.organization.signs_in_over(&login.connection) {
        return Err(StoreError::no_organization_for(&login.connection));
    }
    snapshot.token_not_required.extend((!is_token_required).then(|| login.connection.clone()));
    rows::load_named(connection, &policy.names_for(login), &mut snapshot).await?;
    rows::load_meant_accounts(connection, &look_up.with_takeovers(&policy), &mut snapshot).await?;
    if let Some(account) = links.filter(|account| snapshot.account(account).is_none()) {
        rows::load_account(connection, account, &mut snapshot).await?;
    }
    rows::load_teams_of_accounts(connection, &mut snapshot).await?;
    Ok((snapshot, policy))
}

async fn write(connection: &mut SqliteConnection, decided: &Decided) -> Result<(), StoreError> {
    let domains = decided.plan.domains_taken();
    if !rows::of_others(connection, decided.plan.organization(), &domains).await?.is_empty() {
        return Err(StoreError::taken("the domain of the account's e-mail address"));
    }
    for account in &decided.accounts {
        rows::put_account(connection, account).await?;
    }
    for project in &decided.projects {
        rows::put_project(connection, project).await?;
    }
    for team in &decided.teams {
        rows::put_team(connection, team).await?;
    }
    if decided.ends_sessions {
        sessions::revoke_account(connection, &decided.account).await?;
    }
    record(connection, &decided.audit).await
}

/// All records in one statement, as arrays in JSON: each statement is handed to the thread of the connection and back.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    records: &[AuditRecord],
) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::new();
    for record in records {
        let actor = record.actor.as_ref().map(|actor| rows::to_json("actor", actor)).transpose()?;
        rows.push((
            record.organization.as_str(),
            record.account.as_ref().map(AccountId::as_str),
            actor,
            record.at.timestamp_millis(),
            record.rule.as_str(),
            &record.change,
            &record.before,
            &record.after,
            &record.assertion_hash,
        ));
    }
    sqlx::query(
        "INSERT INTO vouchsafe_audit
         (organization, account, actor, at, rule, change, before, after, assertion_hash)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
         value ->> 7, value ->> 8 FROM json_each(?) ORDER BY key",
    )
    .bind(rows::to_json("audit records", &rows)?)
    .execute(connection)
    .await
    .or_failed()?;
    Ok(())
}

pub(super) async fn audit(store: &Sqlite, id: &OrganizationId) -> Result<Vec<AuditRecord>, StoreError> {
    type Text = Option<String>;
    type Row = (Text, Text, i64, String, String, Text, Text, Text);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT account, actor, at, rule, change, before, after, assertion_hash FROM vouchsafe_audit
         WHERE organization = ? ORDER BY number",
    )
    .bind(id.as_str())
    .fetch_all(&store.pool)
    .await
    .or_failed()?;
    rows.into_iter()
        .map(|(account, actor, at, rule, change, before, after, assertion_hash)| {
            Ok(AuditRecord {
                organization: id.clone(),
                account: account.map(AccountId::new),
                actor: actor.map(|actor| rows::from_json("actor", &actor)).transpose()?,
                at: DateTime::from_timestamp_millis(at)
                    .ok_or_else(|| StoreError::damaged("audit record", "its time is not a time"))?,
                rule: RuleId::new(rule),
                change,
                before,
                after,
                assertion_hash,
            })
        })
        .collect()
}
