//! Decisions, made and written in a transaction.

use std::collections::BTreeSet;

use chrono::DateTime;
use vouchsafe::provisioning::{AccountId, Domain, OrganizationId, Policy, RuleId, Snapshot};

use super::{
    Batch, Engine, Row, Transaction, decided, locks,
    login::{self, AskedLogin, Found},
    refusals::Refused,
    rows, scim_about, sessions, sign_in_statement, writes,
};
use crate::{About, Applied, AuditRecord, Decided, DecidedSignIn, Decision, SignIn, StoreError};

/// Inserts the replay record while it finds the organization, and then reads what the login refers to there. The result
/// is written after the decision.
pub(super) async fn sign_in(turn: &mut dyn Transaction, sign_in: SignIn) -> Result<DecidedSignIn, Refused> {
    let key = sign_in.replay_key();
    let (is_first, known) = login::record(turn, &key, sign_in.connection()).await?;
    let confirmed = sign_in.confirm(key.recorded(is_first))?;
    let asked =
        AskedLogin { login: confirmed.facts(), links: confirmed.links(), logouts_of: confirmed.logouts_of() };
    if let (Some((person, _)), Some(_)) = (asked.logouts_of, &known) {
        locks::no_logout_of(turn, person).await?;
    }
    let mut links_from = match confirmed.links_from() {
        Some(hash) => sessions::read(turn, hash).await?,
        None => None,
    };
    let found = match known {
        // A link is locked before it is written, since the session that asked for it must last until then.
        Some(known) if !turn.is_alone() && asked.links.is_none() => {
            let id = known.organization().clone();
            let about = login::about(turn, Some(known), &asked).await?;
            match about.snapshot.organization.id == id {
                true => {
                    let read = about.as_read(None);
                    let refused = |error| Refused::of(&about.snapshot, confirmed.facts(), error);
                    let outcome = confirmed.outcome(&read).map_err(refused)?;
                    let known = (&about.snapshot, &about.asked_domains);
                    if sign_in_statement::wrote(turn, &confirmed, &outcome, known).await? {
                        return Ok(confirmed.decided_as(outcome));
                    }
                    Found::Login(Box::new(about))
                }
                false => Found::Organization(Some(Box::new(about.into_known()))),
            }
        }
        known => Found::Organization(known.map(Box::new)),
    };
    let plan = |snapshot: &Snapshot, policy: &Policy| {
        let plan = confirmed.plan(snapshot, policy, links_from.as_ref()).ok()?;
        Decided::of(plan, snapshot).ok()
    };
    let about = login::settled(turn, found, &asked, &plan).await?;
    if let (Some(hash), Some(_)) = (confirmed.links_from(), &links_from)
        && !locks::session(turn, hash).await?
    {
        links_from = None;
    }
    let facts = confirmed.facts().clone();
    let signed_in = confirmed.decide(&about.as_read(links_from.as_ref()));
    let signed_in = signed_in.map_err(|error| Refused::of(&about.snapshot, &facts, error))?;
    let decided = signed_in.decided();
    domains_are_free(turn, decided, &about.snapshot, &about.asked_domains).await?;
    let batch = decided::statements(Batch::default(), decided, &about.snapshot)?;
    let batch = writes::ended(batch, signed_in.replaces(), signed_in.answers());
    turn.write(match signed_in.session() {
        Some((id, session)) => writes::session(batch, id.hash(), session)?,
        None => batch,
    });
    Ok(signed_in)
}

pub(super) async fn decide(turn: &mut dyn Transaction, decision: Decision) -> Result<Applied, Refused> {
    let (snapshot, policy, asked_domains) = read(turn, decision.about()).await?;
    let asked = decision.asked();
    let decided = decision.decide(&snapshot, &policy);
    let decided = decided.map_err(|error| Refused::of_decision(&asked, &snapshot, error))?;
    domains_are_free(turn, &decided, &snapshot, &asked_domains).await?;
    turn.write(decided::statements(Batch::default(), &decided, &snapshot)?);
    Ok(decided.into_applied())
}

/// The snapshot, the policy, and the domains for which the snapshot says whether another organization has verified
/// them.
pub(super) async fn read(
    turn: &mut dyn Transaction,
    about: &About,
) -> Result<(Snapshot, Policy, BTreeSet<Domain>), StoreError> {
    let (snapshot, policy) = match about {
        About::Login(facts) => {
            let known = login::known(turn, facts).await?;
            // The plan of the stored policy, whatever the decision does.
            let plan = |snapshot: &Snapshot, policy: &Policy| {
                policy.plan(&**facts, snapshot).ok().and_then(|plan| Decided::of(plan, snapshot).ok())
            };
            let found = Found::Organization(known.map(Box::new));
            let about = login::settled(turn, found, &AskedLogin::of(facts), &plan).await?;
            return Ok((about.snapshot, about.policy, about.asked_domains));
        }
        About::Account { organization, account } => {
            locks::organization_as_it_is(turn, organization).await?;
            let (mut snapshot, policy) = rows::organization_and_policy(turn, organization).await?;
            if snapshot.organization.seat_limit.is_some() {
                locks::seats(turn, organization).await?;
            }
            locks::account_and_owners(turn, organization, account).await?;
            rows::load_account_and_owners(turn, account, &mut snapshot).await?;
            rows::load_seats(turn, &mut snapshot).await?;
            rows::load_all_teams(turn, &mut snapshot).await?;
            (snapshot, policy)
        }
        About::Scim { organization, fact } => {
            locks::organization(turn, organization).await?;
            let (mut snapshot, policy) = rows::organization_and_policy(turn, organization).await?;
            scim_about::load(turn, fact, &policy, &mut snapshot).await?;
            (snapshot, policy)
        }
        About::Organization(organization) => {
            locks::organization(turn, organization).await?;
            let (mut snapshot, policy) = rows::organization_and_policy(turn, organization).await?;
            rows::load_everything(turn, &mut snapshot).await?;
            (snapshot, policy)
        }
    };
    Ok((snapshot, policy, BTreeSet::new()))
}

/// Refuses a plan that uses a domain that another organization has verified. Domains that the snapshot does not cover
/// are looked up in the store.
pub(super) async fn domains_are_free(
    turn: &mut dyn Transaction,
    decided: &Decided,
    snapshot: &Snapshot,
    asked: &BTreeSet<Domain>,
) -> Result<(), StoreError> {
    let taken = decided.plan.domains_taken();
    let others: BTreeSet<Domain> = taken.difference(asked).cloned().collect();
    let mut are_free = taken.is_disjoint(&snapshot.domains_of_others);
    if are_free && !others.is_empty() {
        are_free = rows::of_others(turn, decided.plan.organization(), &others).await?.is_empty();
    }
    match are_free {
        true => Ok(()),
        false => Err(StoreError::taken("the domain of the account's e-mail address")),
    }
}

pub(super) async fn audit(engine: &impl Engine, id: &OrganizationId) -> Result<Vec<AuditRecord>, StoreError> {
    const OF_ORGANIZATION: &str = "
        SELECT account, actor, at, rule, change, before, after, assertion_hash, detail FROM vouchsafe_audit
        WHERE organization = ? ORDER BY number";
    let answered = engine.ask(Batch::of(OF_ORGANIZATION).bind(id.as_str())).await?;
    answered.rows.iter().map(|row| audit_record(id.clone(), row)).collect()
}

pub(super) fn audit_record(organization: OrganizationId, row: &Row) -> Result<AuditRecord, StoreError> {
    let text = |column| Ok::<_, StoreError>(row.optional_text(column)?.map(str::to_owned));
    let actor = row.optional_text(1)?;
    Ok(AuditRecord {
        organization,
        account: row.optional_text(0)?.map(AccountId::new),
        actor: actor.map(|actor| rows::from_json("actor", actor)).transpose()?,
        at: DateTime::from_timestamp_millis(row.integer(2)?)
            .ok_or_else(|| StoreError::damaged("audit record", "its time is not a time"))?,
        rule: RuleId::new(row.text(3)?),
        change: row.text(4)?.to_owned(),
        before: text(5)?,
        after: text(6)?,
        assertion_hash: text(7)?,
        detail: row.optional_text(8)?.map(|detail| rows::from_json("audit record", detail)).transpose()?,
    })
}
