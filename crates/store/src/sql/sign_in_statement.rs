//! Sign-ins that PostgreSQL writes with one statement, since each statement is a round trip to the server: ordinary
//! sign-ins of known people, and first sign-ins.
//!
//! Both are decided on values that were read without locks, and the statement itself checks whether they still hold. If
//! they do not, nothing is written, and the sign-in is locked, read and decided again.

use std::collections::BTreeSet;

use vouchsafe::{
    ConnectionId,
    provisioning::{Account, Domain, EmailAddress, Identity, Role, Snapshot},
};

use super::{Batch, Transaction, rows::to_json, run_one, writes};
use crate::{ConfirmedSignIn, Decided, Session, StoreError, text::milliseconds_rounded_up};

/// An ordinary sign-in: only the account's time of last use changes, and the session is new. The account is changed
/// only if its record is still the one that was decided on; the update locks it. The row is found by its id alone,
/// whatever the query planner knows of the table, since the organization is part of the record.
const RETURNING: &str = "
    WITH changed AS (
        UPDATE vouchsafe_accounts SET record = $11 WHERE id = $1 AND record = $12 RETURNING id),
    ended AS (DELETE FROM vouchsafe_sessions USING changed WHERE hash = $2 RETURNING hash),
    answered AS (DELETE FROM vouchsafe_pending USING changed WHERE handle = $3)
    INSERT INTO vouchsafe_sessions
        (hash, account, epoch, connection, identity, session_indexes, expires_at, last_used_at, record)
    SELECT $4, id, coalesce((SELECT epoch FROM vouchsafe_epochs WHERE account = $1), 0), $5, $6, $7, $8, $9, $10
    FROM changed RETURNING (SELECT hash FROM ended)";

/// A first sign-in: the account and its session are new. Unique indexes ensure that nobody else has its address and its
/// identities.
const ARRIVING: &str = concat!(
    "
    WITH account AS (
        INSERT INTO vouchsafe_accounts (id, organization, email, active, is_owner, record)
        VALUES ($1, $11, $12, 1, $13, $14)),
    keys AS (
        INSERT INTO vouchsafe_identities (organization, account, identity)
        SELECT $11, $1, key FROM unnest($15::text[]) AS key),
    subjects AS (
        INSERT INTO vouchsafe_subjects (organization, connection, subject, account)
        SELECT $11, connection, subject, $1 FROM unnest($16::text[], $17::text[]) AS one (connection, subject)),
    audited AS ( ",
    writes::insert_audit_rows!("$18"),
    "),
    ended AS (DELETE FROM vouchsafe_sessions WHERE hash = $2 RETURNING hash),
    answered AS (DELETE FROM vouchsafe_pending WHERE handle = $3)
    INSERT INTO vouchsafe_sessions
        (hash, account, epoch, connection, identity, session_indexes, expires_at, last_used_at, record)
    SELECT $4, $1, coalesce((SELECT epoch FROM vouchsafe_epochs WHERE account = $1), 0), $5, $6, $7, $8, $9, $10
    RETURNING (SELECT hash FROM ended)"
);

/// The savepoint to return to if [`ARRIVING`] met a row of another sign-in.
const SAVEPOINT: &str = "SAVEPOINT before_arriving";
const BACK_TO_SAVEPOINT: &str = "ROLLBACK TO SAVEPOINT before_arriving";

/// Writes the sign-in if it has one of the two forms and nobody changed the state that was decided on. Otherwise
/// nothing is written. The snapshot says whose the asked domains are.
pub(super) async fn wrote(
    turn: &mut dyn Transaction,
    confirmed: &ConfirmedSignIn,
    (decided, session): &(Decided, Session),
    (before, asked_domains): (&Snapshot, &BTreeSet<Domain>),
) -> Result<bool, StoreError> {
    let [account] = decided.accounts.as_slice() else { return Ok(false) };
    let changes_more = !(decided.teams.is_empty()
        && decided.projects.is_empty()
        && decided.groups.is_empty()
        && decided.removed_groups.is_empty()
        && decided.ended_accounts.is_empty());
    let domains = decided.plan.domains_taken();
    let are_free = domains.is_subset(asked_domains) && domains.is_disjoint(&before.domains_of_others);
    if changes_more || !are_free || !account.is_active() || decided.plan.waits_for_approval() {
        return Ok(false);
    }
    match before.account(&account.id) {
        Some(known) if is_as_every_day(known, account) && decided.audit.is_empty() => {
            let batch = with_session(RETURNING, account, confirmed, session)?
                .bind(to_json("account", account)?)
                .bind(to_json("account", known)?);
            Ok(!run_one(turn, batch).await?.rows.is_empty())
        }
        // Seats are limited: they must be counted, and no unique index would detect one too many.
        None if before.organization.seat_limit.is_none() && account.scim_groups.is_empty() => {
            arrives(turn, arriving(account, confirmed, (decided, session))?).await
        }
        _ => Ok(false),
    }
}

fn is_as_every_day(known: &Account, account: &Account) -> bool {
    known.is_active()
        && writes::searched(known) == writes::searched(account)
        && known.keys() == account.keys()
        && known.scim_groups == account.scim_groups
}

async fn arrives(turn: &mut dyn Transaction, batch: Batch) -> Result<bool, StoreError> {
    run_one(turn, Batch::of(SAVEPOINT)).await?;
    match run_one(turn, batch).await {
        Ok(_) => Ok(true),
        Err(StoreError::Taken { .. }) => {
            run_one(turn, Batch::of(BACK_TO_SAVEPOINT)).await?;
            Ok(false)
        }
        Err(failure) => Err(failure),
    }
}

fn arriving(
    account: &Account,
    confirmed: &ConfirmedSignIn,
    (decided, session): (&Decided, &Session),
) -> Result<Batch, StoreError> {
    let keys: Vec<String> = account.keys().into_iter().collect();
    let (connections, subjects): (Vec<String>, Vec<String>) = writes::subjects(account)
        .into_iter()
        .map(|(connection, subject)| (connection.as_str().to_owned(), subject))
        .unzip();
    Ok(with_session(ARRIVING, account, confirmed, session)?
        .bind(account.organization.as_str())
        .bind(EmailAddress::key_of(&account.email))
        .bind(account.role == Role::Owner)
        .bind(to_json("account", account)?)
        .bind(keys)
        .bind(connections)
        .bind(subjects)
        .bind(writes::audit_rows(&decided.audit)?))
}

/// The common parameters of both statements, `$1` to `$10`.
fn with_session(
    sql: &'static str,
    account: &Account,
    confirmed: &ConfirmedSignIn,
    session: &Session,
) -> Result<Batch, StoreError> {
    let (id, replaces, answers) = confirmed.terms();
    Ok(Batch::of(sql)
        .if_taken("the session's identifier, or the address or an identity of the account")
        .announcing_sessions()
        .bind(account.id.as_str())
        .bind(replaces)
        .bind(answers)
        .bind(id.hash())
        .bind(session.connection.as_ref().map(ConnectionId::as_str))
        .bind(session.identity.as_ref().map(Identity::key))
        .bind(writes::searched_indexes(session))
        .bind(milliseconds_rounded_up(session.ends_at()))
        .bind(session.last_used_at.timestamp_millis())
        .bind(to_json("session", session)?))
}
