//! Decisions, made and written in the writer's transaction.

use std::collections::BTreeSet;

use chrono::DateTime;
use vouchsafe::provisioning::{AccountId, Domain, OrganizationId, Policy, RuleId, Snapshot};

use super::{
    OrFailed as _, Sqlite,
    batch::Batch,
    login, rows, sessions,
    turn::{Runs as _, Turn},
    writes,
};
use crate::{
    About, Applied, AuditRecord, CompletedSignIn, Decided, Decision, SignIn, SignInError, StoreError,
    text::milliseconds_rounded_up,
};

/// Two hand-overs to the thread of the connection: the replay record with the organization, and what the login means there. What is written
/// goes with the first of the next decision.
pub(super) async fn sign_in(turn: &mut Turn<'_>, sign_in: SignIn) -> Result<CompletedSignIn, SignInError> {
    let key = sign_in.replay_key();
    let first = rows::insert_once(key.hash(), milliseconds_rounded_up(key.expires_at()));
    let answered = turn.run(login::ask_organization(first, sign_in.connection())).await?;
    let (recorded, known) = match answered.as_slice() {
        [recorded, known] => (key.recorded(recorded.changed == 1), login::organization_of(known)),
        _ => return Err(StoreError::damaged("answer", "it is not one for each statement").into()),
    };
    let confirmed = sign_in.confirm(recorded)?;
    let about = login::about(turn, known?, confirmed.facts(), confirmed.links()).await?;
    let links_from = match confirmed.links_from() {
        Some(hash) => sessions::read(turn, hash).await?,
        None => None,
    };
    let signed_in = confirmed.decide(&about.snapshot, &about.policy, links_from.as_ref())?;
    let decided = signed_in.decided();
    domains_are_free(turn, decided, &about.snapshot, &about.asked_domains).await?;
    let batch = writes::decided(Batch::default(), decided, &about.snapshot)?;
    let (id, session) = signed_in.session();
    let replaced = signed_in.replaces().map(|before| before.hash());
    turn.write(writes::session(batch, id.hash(), session, replaced, signed_in.answers())?);
    Ok(signed_in.into_signed_in())
}

pub(super) async fn decide(turn: &mut Turn<'_>, decision: Decision) -> Result<Applied, SignInError> {
    let (snapshot, policy, asked_domains) = read(turn, decision.about()).await?;
    let decided = decision.decide(&snapshot, &policy)?;
    domains_are_free(turn, &decided, &snapshot, &asked_domains).await?;
    turn.write(writes::decided(Batch::default(), &decided, &snapshot)?);
    Ok(decided.into_applied())
}

/// The snapshot, the policy, and the domains of which the snapshot says whether another organization has verified them.
async fn read(
    turn: &mut Turn<'_>,
    about: &About,
) -> Result<(Snapshot, Policy, BTreeSet<Domain>), StoreError> {
    let (snapshot, policy) = match about {
        About::Login(facts) => {
            let about = login::read(turn, facts).await?;
            return Ok((about.snapshot, about.policy, about.asked_domains));
        }
        About::Account { organization, account } => {
            let connection = turn.connection().await?;
            let (mut snapshot, policy) = rows::organization_and_policy(connection, organization).await?;
            rows::load_account_and_owners(connection, account, &mut snapshot).await?;
            rows::load_seats(connection, &mut snapshot).await?;
            rows::load_all_teams(connection, &mut snapshot).await?;
            (snapshot, policy)
        }
        About::Organization(organization) => {
            let connection = turn.connection().await?;
            let snapshot = rows::whole(connection, organization).await?;
            (snapshot, rows::policy(connection, organization).await?)
        }
    };
    Ok((snapshot, policy, BTreeSet::new()))
}

/// Refuses what takes a domain that another organization has verified. The store is asked for those that the snapshot does not speak of.
async fn domains_are_free(
    turn: &mut Turn<'_>,
    decided: &Decided,
    snapshot: &Snapshot,
    asked: &BTreeSet<Domain>,
) -> Result<(), StoreError> {
    let taken = decided.plan.domains_taken();
    let others: BTreeSet<Domain> = taken.difference(asked).cloned().collect();
    let mut are_free = taken.is_disjoint(&snapshot.domains_of_others);
    if are_free && !others.is_empty() {
        let connection = turn.connection().await?;
        are_free = rows::of_others(connection, decided.plan.organization(), &others).await?.is_empty();
    }
    match are_free {
        true => Ok(()),
        false => Err(StoreError::taken("the domain of the account's e-mail address")),
    }
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
