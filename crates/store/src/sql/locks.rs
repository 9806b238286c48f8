//! The locks of a decision, where others write at the same time.
//!
//! A decision locks what it changes and not the whole organization: the rows of its accounts, and the names that it
//! creates (of teams and projects, addresses, identities), which have no rows yet. A change of how an organization
//! signs in waits for the decisions that depend on it, and they wait for the change. Locks are always taken in this
//! order to avoid deadlocks: the organization, the connection, the person of a logout, names in the order of their
//! texts without the sign, the rows of accounts in the order of their ids, and then the row of a session (whoever ends the
//! sessions of an account locks the account before). All of them end with the transaction.
//!
//! SQLite has one writer at a time and needs no locks.

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe::{
    ConnectionId,
    provisioning::{Account, AccountId, EmailAddress, Identity, LoggedOut, OrganizationId, Snapshot},
};

use super::{Answered, Batch, Transaction, rows, run_one};
use crate::{Decided, StoreError, text::folded};

/// Locks of names. The first character says whether several may hold the lock.
const NAMES: &str = "
    SELECT CASE left(name, 1)
        WHEN '+' THEN pg_advisory_xact_lock_shared(hashtextextended(current_schema() || substr(name, 2), 0))
        ELSE pg_advisory_xact_lock(hashtextextended(current_schema() || substr(name, 2), 0)) END
    FROM unnest($1::text[]) AS name";

/// The most names of one decision that are locked each by itself.
const MOST_NAMES: usize = 64;

const ACCOUNTS: &str = "
    SELECT record FROM vouchsafe_accounts WHERE id = ANY($1) ORDER BY id FOR UPDATE";

/// The account and every active owner of its organization, for a decision after which one of them is no longer an
/// owner.
const ACCOUNTS_AND_OWNERS: &str = "
    SELECT record FROM vouchsafe_accounts
    WHERE id = ANY($1) OR (organization = $2 AND active = 1 AND is_owner = 1) ORDER BY id FOR UPDATE";

const ACCOUNT_AS_IT_IS: &str = "SELECT 1 FROM vouchsafe_accounts WHERE id = $1 FOR SHARE";

const ACCOUNT_AND_OWNERS: &str = "
    SELECT 1 FROM vouchsafe_accounts
    WHERE organization = $1 AND (id = $2 OR (active = 1 AND is_owner = 1)) ORDER BY id FOR UPDATE";

const SESSION_AS_IT_IS: &str = "
    SELECT 1 FROM vouchsafe_sessions AS session WHERE hash = $1 AND NOT EXISTS (
        SELECT 1 FROM vouchsafe_epochs AS now WHERE now.account = session.account AND now.epoch > session.epoch)
    FOR SHARE OF session";

/// Locks an organization, so that nobody else decides about it.
pub(super) async fn organization(turn: &mut dyn Transaction, id: &OrganizationId) -> Result<(), StoreError> {
    names(turn, vec![format!("-organization {id}")]).await
}

/// Locks an organization, so that its own record, connections and policy do not change.
pub(super) async fn organization_as_it_is(
    turn: &mut dyn Transaction,
    id: &OrganizationId,
) -> Result<(), StoreError> {
    names(turn, vec![format!("+organization {id}")]).await
}

/// Locks what a login depends on: the organization, the connection (so that nobody retires it), and the person (so that
/// no logout of them is recorded meanwhile).
pub(super) async fn login(
    turn: &mut dyn Transaction,
    organization: &OrganizationId,
    connection: &ConnectionId,
    person: Option<&Identity>,
) -> Result<(), StoreError> {
    let mut all = vec![format!("+organization {organization}"), format!("+connection {connection}")];
    all.extend(person.into_iter().flat_map(against_logouts));
    names(turn, all).await
}

/// Locks a person, so that no logout of them is recorded.
pub(super) async fn no_logout_of(turn: &mut dyn Transaction, person: &Identity) -> Result<(), StoreError> {
    names(turn, against_logouts(person).into()).await
}

/// The locks of a person who signs in: no logout of any name over the connection is recorded, and none of this name.
fn against_logouts(person: &Identity) -> [String; 2] {
    [format!("+logouts over {}", person.connection), format!("+logout {}", person.value_key())]
}

/// Locks the people of whom a logout is recorded: those whose names have its value, or all over its connection.
pub(super) async fn logout(turn: &mut dyn Transaction, logout: &LoggedOut) -> Result<(), StoreError> {
    let of_any = logout.is_of_any_name().then(|| format!("-logouts over {}", logout.connection()));
    let of_value = format!("-logout {}", logout.person().value_key());
    names(turn, of_any.into_iter().chain([of_value]).collect()).await
}

/// Locks connections that are retired, so that nobody signs in over them meanwhile.
pub(super) async fn retired(turn: &mut dyn Transaction, ids: &[ConnectionId]) -> Result<(), StoreError> {
    let ids: BTreeSet<&ConnectionId> = ids.iter().collect();
    names(turn, ids.into_iter().map(|id| format!("-connection {id}")).collect()).await
}

/// Locks the positions of the audit records.
pub(super) async fn audit(turn: &mut dyn Transaction) -> Result<(), StoreError> {
    names(turn, vec!["-audit".to_owned()]).await
}

/// Locks the kept forms.
pub(super) async fn forms(turn: &mut dyn Transaction) -> Result<(), StoreError> {
    names(turn, vec!["-forms".to_owned()]).await
}

/// Locks the number of connections of an organization.
pub(super) async fn connections(turn: &mut dyn Transaction, of: &OrganizationId) -> Result<(), StoreError> {
    names(turn, vec![format!("-connections {of}")]).await
}

/// Locks the names of an account that is to be created.
pub(super) async fn new_account(turn: &mut dyn Transaction, account: &Account) -> Result<(), StoreError> {
    names(turn, in_order(names_of_account(account))).await
}

/// Locks the name of a team or a project that is to be created.
pub(super) async fn new_name(
    turn: &mut dyn Transaction,
    organization: &OrganizationId,
    name: &str,
) -> Result<(), StoreError> {
    names(turn, in_order(locks_of_names(organization, [&name.to_owned()], &BTreeSet::new()))).await
}

/// Locks the number of seats that are taken.
pub(super) async fn seats(turn: &mut dyn Transaction, of: &OrganizationId) -> Result<(), StoreError> {
    names(turn, vec![seats_of(of)]).await
}

/// Locks an account, so that it does not change.
pub(super) async fn account_as_it_is(turn: &mut dyn Transaction, id: &AccountId) -> Result<(), StoreError> {
    if turn.is_alone() {
        return Ok(());
    }
    turn.run(Batch::of(ACCOUNT_AS_IT_IS).bind(id.as_str())).await.map(drop)
}

/// Locks a session, so that nobody ends it. Answers whether it exists still.
pub(super) async fn session(turn: &mut dyn Transaction, hash: &str) -> Result<bool, StoreError> {
    if turn.is_alone() {
        return Ok(true);
    }
    let locked = run_one(turn, Batch::of(SESSION_AS_IT_IS).bind(hash)).await?;
    Ok(!locked.rows.is_empty())
}

/// Locks an account and every active owner of its organization.
pub(super) async fn account_and_owners(
    turn: &mut dyn Transaction,
    organization: &OrganizationId,
    account: &AccountId,
) -> Result<(), StoreError> {
    if turn.is_alone() {
        return Ok(());
    }
    let lock = Batch::of(ACCOUNT_AND_OWNERS).bind(organization.as_str()).bind(account.as_str());
    turn.run(lock).await.map(drop)
}

/// Names in the order in which they are locked: that of their texts without the sign. A lock has the same place for
/// those who share it and for who holds it alone.
fn in_order(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names = Vec::from_iter(names);
    names.sort_by(|one, other| without_sign(one).cmp(without_sign(other)));
    names
}

fn without_sign(name: &str) -> &str {
    name.trim_start_matches(['+', '-'])
}

async fn names(turn: &mut dyn Transaction, names: Vec<String>) -> Result<(), StoreError> {
    if turn.is_alone() || names.is_empty() {
        return Ok(());
    }
    turn.run(Batch::of(NAMES).bind(names)).await.map(drop)
}

fn names_of_account(account: &Account) -> impl Iterator<Item = String> {
    let organization = &account.organization;
    let email = format!("-account {organization} {}", EmailAddress::key_of(&account.email));
    let keys = account.keys().into_iter().map(|key| format!("-account {organization} {key}"));
    let names: BTreeSet<String> = keys.chain([email]).collect();
    names.into_iter()
}

fn name_of(organization: &OrganizationId, name: &str) -> String {
    format!("-name {organization} {}", folded(name))
}

fn seats_of(organization: &OrganizationId) -> String {
    format!("-seats {organization}")
}

/// The locks that a transaction holds for its decision.
///
/// A decision that is made again may want a lock whose place is before one that is held. The transaction then releases its
/// locks and takes all of them in order, since another one may hold the new lock and wait for an old one.
#[derive(Debug, Default)]
pub(super) struct Held {
    names: BTreeSet<String>,
    accounts: BTreeSet<AccountId>,
    /// Whether the active owners are locked.
    owners: bool,
}

/// Locks that a decision needs and a transaction does not hold.
#[derive(Debug, Default)]
struct New {
    /// In the order in which they are locked.
    names: Vec<String>,
    accounts: BTreeSet<AccountId>,
    owners: bool,
}

impl New {
    fn is_nothing(&self) -> bool {
        self.names.is_empty() && self.accounts.is_empty() && !self.owners
    }
}

/// What a transaction locks after this, it can release.
const BEFORE_LOCKS: &str = "SAVEPOINT before_locks";
const RELEASE: &str = "ROLLBACK TO SAVEPOINT before_locks";

impl Held {
    /// Locks what a decision changes, if it is not locked yet. Answers whether the state that was decided on is still
    /// current.
    pub(super) async fn settles(
        &mut self,
        turn: &mut dyn Transaction,
        decided: &Decided,
        before: &Snapshot,
    ) -> Result<bool, StoreError> {
        let names = names_made(decided, before, &self.names);
        let known =
            |account: &AccountId| before.account(account).map(|account| (account.id.clone(), account));
        let changed = decided.accounts.iter().map(|account| &account.id).chain(&decided.account);
        let changed: BTreeMap<AccountId, &Account> =
            changed.filter(|id| !self.accounts.contains(*id)).filter_map(known).collect();
        let new = New {
            names: in_order(names.difference(&self.names).cloned()),
            accounts: changed.keys().cloned().collect(),
            owners: !self.owners && loses_an_owner(decided, before),
        };
        // A name that is locked now may have been taken before. The number of owners is certain only while nobody else can
        // change it, so it is counted again.
        let is_read_again = !new.names.is_empty() || new.owners || self.is_before_held(&new);
        let locked = self.take(turn, &before.organization.id, new).await?;
        if is_read_again {
            return Ok(false);
        }
        let mut are_same = locked.rows.len() == changed.len();
        for row in &locked.rows {
            let account: Account = rows::from_json("account", row.text(0)?)?;
            are_same &= changed.get(&account.id).is_some_and(|known| **known == account);
        }
        Ok(are_same)
    }

    /// Whether one of the new locks has its place before one that is held.
    fn is_before_held(&self, new: &New) -> bool {
        let holds_rows = self.owners || !self.accounts.is_empty();
        let is_name_before = new.names.first().is_some_and(|new| {
            holds_rows || self.names.iter().any(|held| without_sign(held) > without_sign(new))
        });
        // The database sorts ids in its own order.
        is_name_before || (holds_rows && (new.owners || !new.accounts.is_empty()))
    }

    fn is_nothing(&self) -> bool {
        self.names.is_empty() && self.accounts.is_empty() && !self.owners
    }

    /// Releases all of them, before a lock is taken whose place is before all of them.
    pub(super) async fn release(&mut self, turn: &mut dyn Transaction) -> Result<(), StoreError> {
        if !self.is_nothing() {
            turn.run(Batch::of(RELEASE)).await?;
            *self = Held::default();
        }
        Ok(())
    }

    /// Takes the new locks. Answers the rows of the accounts, of those that were held too if they had to be released.
    async fn take(
        &mut self,
        turn: &mut dyn Transaction,
        organization: &OrganizationId,
        new: New,
    ) -> Result<Answered, StoreError> {
        if new.is_nothing() {
            return Ok(Answered::default());
        }
        let releases = self.is_before_held(&new);
        let New { mut names, mut accounts, owners: mut with_owners } = new;
        if self.is_nothing() {
            turn.run(Batch::of(BEFORE_LOCKS)).await?;
        }
        self.names.extend(names.iter().cloned());
        self.accounts.extend(accounts.iter().cloned());
        self.owners |= with_owners;
        if releases {
            turn.run(Batch::of(RELEASE)).await?;
            (names, accounts, with_owners) =
                (in_order(self.names.clone()), self.accounts.clone(), self.owners);
        }
        self::names(turn, names).await?;
        let ids: Vec<String> = accounts.iter().map(|id| id.as_str().to_owned()).collect();
        match (with_owners, ids.is_empty()) {
            (true, _) => {
                let lock = Batch::of(ACCOUNTS_AND_OWNERS).bind(ids).bind(organization.as_str());
                run_one(turn, lock).await
            }
            (false, false) => run_one(turn, Batch::of(ACCOUNTS).bind(ids)).await,
            (false, true) => Ok(Answered::default()),
        }
    }
}

/// Whether an active owner is no longer one afterwards.
fn loses_an_owner(decided: &Decided, before: &Snapshot) -> bool {
    let was_owner = |id: &AccountId| before.account(id).is_some_and(Account::is_active_owner);
    decided.accounts.iter().any(|account| !account.is_active_owner() && was_owner(&account.id))
}

/// The names that a decision creates or releases, and the teams and projects that it changes. `held` are locked already.
fn names_made(decided: &Decided, before: &Snapshot, held: &BTreeSet<String>) -> BTreeSet<String> {
    let organization = &before.organization.id;
    let mut names = BTreeSet::new();
    for account in &decided.accounts {
        match before.account(&account.id) {
            Some(known) if known.email == account.email && known.keys() == account.keys() => {}
            _ => names.extend(names_of_account(account)),
        }
        let was_active = before.account(&account.id).is_some_and(Account::is_active);
        if before.organization.seat_limit.is_some() && account.is_active() && !was_active {
            names.insert(seats_of(organization));
        }
    }
    let teams = decided.teams.iter().map(|team| &team.name);
    let groups = decided.groups.iter().map(|group| &group.name);
    let projects = decided.projects.iter().map(|project| &project.name);
    names.extend(locks_of_names(organization, teams.chain(groups).chain(projects), held));
    names
}

/// The locks of names of teams, groups and projects: each, and the one of all names so that several may hold it. For many
/// names, the one of all names alone: a database has a fixed number of locks, which its other users need too.
///
/// The first time decides which: two transactions that share the lock would wait for each other if both then wanted it
/// alone.
fn locks_of_names<'n>(
    organization: &OrganizationId,
    made: impl IntoIterator<Item = &'n String>,
    held: &BTreeSet<String>,
) -> BTreeSet<String> {
    let [shared, alone] = ["+", "-"].map(|sign| format!("{sign}names {organization}"));
    if held.contains(&alone) {
        return BTreeSet::new();
    }
    let mut names: BTreeSet<String> = made.into_iter().map(|name| name_of(organization, name)).collect();
    if names.len() > MOST_NAMES && !held.contains(&shared) {
        return BTreeSet::from([alone]);
    }
    if !names.is_empty() {
        names.insert(shared);
    }
    names
}

#[cfg(test)]
#[cfg(feature = "postgres")]
#[path = "../../tests/postgres_server/mod.rs"]
mod postgres_server;

#[cfg(test)]
mod tests {
    use super::*;

    /// Two decisions that are made again, and then want what the other one holds.
    #[cfg(feature = "postgres")]
    #[tokio::test]
    async fn locks_of_a_second_round_end_in_no_deadlock() {
        use std::sync::Arc;

        use vouchsafe::provisioning::{Actor, Organization, Role};

        use crate::{Author, Directory as _, Postgres, sql::Engine as _};

        let Some(schema) = postgres_server::schema().await else { return };
        let store = Postgres::connect(schema.address()).await.unwrap();
        let (acme, author) =
            (OrganizationId::new("acme"), Author::new(Actor::Operator, chrono::DateTime::UNIX_EPOCH));
        store.add_organization(&Organization::new(acme.clone(), "acme", "Acme"), &author).await.unwrap();
        for id in ["a", "b"] {
            let mut account = Account::new(id.into(), acme.clone(), format!("{id}@acme.example"));
            account.role = if id == "a" { Role::Owner } else { Role::Member };
            store.add_account(&account, &author).await.unwrap();
        }
        let name = |name: &str| New { names: vec![format!("-name acme {name}")], ..New::default() };
        let row = |id: &str| New { accounts: BTreeSet::from([id.into()]), ..New::default() };
        let owners = || New { owners: true, ..New::default() };
        let cases = [
            [(name("a"), name("b")), (name("b"), name("a"))],
            [(row("a"), name("a")), (name("a"), row("a"))],
            [(row("a"), row("b")), (row("b"), row("a"))],
            [(owners(), row("b")), (row("b"), owners())],
        ];
        for case in cases {
            let both_hold = Arc::new(tokio::sync::Barrier::new(2));
            let [one, other] = case.map(|(first, second)| {
                let (acme, both_hold) = (acme.clone(), Arc::clone(&both_hold));
                store.write::<(), StoreError>(Box::new(move |turn| {
                    Box::pin(async move {
                        let mut held = Held::default();
                        held.take(turn, &acme, first).await?;
                        both_hold.wait().await;
                        held.take(turn, &acme, second).await.map(drop)
                    })
                }))
            });
            let (one, other) = tokio::join!(one, other);
            one.and(other).unwrap();
        }
    }

    #[test]
    fn a_decision_holds_few_locks_however_many_names_it_makes() {
        let acme = OrganizationId::new("acme");
        let locks = |number: usize| {
            let names: Vec<String> = (0..number).map(|number| format!("Team {number}")).collect();
            locks_of_names(&acme, &names, &BTreeSet::new())
        };
        assert!(locks(0).is_empty());
        assert_eq!(locks(1), BTreeSet::from(["+names acme".to_owned(), "-name acme team 0".to_owned()]));
        assert_eq!(locks(MOST_NAMES).len(), MOST_NAMES + 1);
        assert_eq!(locks(MOST_NAMES + 1), BTreeSet::from(["-names acme".to_owned()]));
        assert_eq!(locks(2_000).len(), 1);
    }

    #[test]
    fn a_lock_has_one_place_whether_it_is_shared_or_not() {
        let places = |sign: &str| {
            let names = ["-seats acme", "-account acme ada", "-name acme team 1", "-name acme zebra"];
            let lock = format!("{sign}names acme");
            let ordered = in_order(names.into_iter().map(str::to_owned).chain([lock]));
            ordered.iter().map(|name| without_sign(name).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(places("+"), places("-"));
        assert_eq!(
            places("+"),
            ["account acme ada", "name acme team 1", "name acme zebra", "names acme", "seats acme"]
        );
    }

    /// A transaction that shares the lock of all names never wants it alone, and one that has it alone needs no other.
    #[test]
    fn the_lock_of_all_names_stays_as_it_was_taken() {
        let acme = OrganizationId::new("acme");
        let locks = |number: usize, held: &str| {
            let names: Vec<String> = (0..number).map(|number| format!("Team {number}")).collect();
            locks_of_names(&acme, &names, &BTreeSet::from([held.to_owned()]))
        };
        let many = locks(MOST_NAMES + 1, "+names acme");
        assert!(many.contains("+names acme") && many.len() == MOST_NAMES + 2, "{many:?}");
        assert!(locks(1, "-names acme").is_empty() && locks(MOST_NAMES + 1, "-names acme").is_empty());
        assert_eq!(locks(MOST_NAMES + 1, "+names other"), BTreeSet::from(["-names acme".to_owned()]));
    }
}
