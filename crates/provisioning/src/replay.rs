//! Recorded facts replayed under a policy, and who gains and loses what under another policy.

use std::{collections::BTreeMap, fmt};

use crate::{Account, Fact, Permission, PlanRefusal, Policy, Role, Snapshot, Status, text::Shown};

/// The result of a list of facts, each planned on the state that the earlier ones left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replay {
    /// The organization after all facts.
    pub after: Snapshot,
    /// The number of facts that were planned.
    pub planned: usize,
    /// The refused facts by their position, counted from 0, with their refusals.
    pub refused: Vec<(usize, PlanRefusal)>,
}

impl Policy {
    /// Plans facts one after the other, as a service with this policy would. It changes nothing anywhere.
    pub fn replay(&self, facts: impl IntoIterator<Item = Fact>, start: &Snapshot) -> Replay {
        let mut replay = Replay { after: start.clone(), planned: 0, refused: Vec::new() };
        for (place, fact) in facts.into_iter().enumerate() {
            match self.plan(fact, &replay.after) {
                Ok(plan) => {
                    replay.after = replay.after.after(&plan);
                    replay.planned = replay.planned.saturating_add(1);
                }
                Err(refused) => replay.refused.push((place, refused)),
            }
        }
        replay
    }
}

/// A difference in what a person may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct AccessChange {
    /// The person's e-mail address.
    pub who: String,
    /// The kind: `account`, `role`, `team` or `project`.
    pub kind: &'static str,
    /// The name of the team or project; empty for other kinds.
    pub name: String,
    /// The value before; `None`: nothing.
    pub before: Option<&'static str>,
    /// The value afterwards; `None`: nothing.
    pub after: Option<&'static str>,
    /// Whether it is more or less.
    pub direction: Direction,
}

/// The direction of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Direction {
    /// The person may do more.
    Gains,
    /// The person may do less.
    Loses,
}

impl Direction {
    /// The direction in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gains => "gains",
            Self::Loses => "loses",
        }
    }
}

impl fmt::Display for AccessChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} ", Shown(&self.who), self.direction.name())?;
        match self.kind {
            "account" => formatter.write_str("the account")?,
            "role" => formatter.write_str("a role in the organization")?,
            kind => write!(formatter, "the {kind} {}", Shown(&self.name))?,
        }
        write!(formatter, ": {} -> {}", self.before.unwrap_or("nothing"), self.after.unwrap_or("nothing"))
    }
}

impl AccessChange {
    /// The differences in what people may do between two states of an organization. People are matched by e-mail
    /// address, and things by name, since a replay makes up ids.
    #[must_use]
    pub fn between(before: &Snapshot, after: &Snapshot) -> Vec<AccessChange> {
        let (before, after) = (access(before), access(after));
        let mut changes = Vec::new();
        for key in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
            let (was, is) = (before.get(key), after.get(key));
            let rank = |level: Option<&Level>| level.map_or(0, |level| level.rank);
            let direction = match rank(is).cmp(&rank(was)) {
                std::cmp::Ordering::Equal => continue,
                std::cmp::Ordering::Greater => Direction::Gains,
                std::cmp::Ordering::Less => Direction::Loses,
            };
            let (who, kind, name) = key.clone();
            let words = |level: Option<&Level>| level.map(|level| level.words);
            changes.push(AccessChange { who, kind, name, before: words(was), after: words(is), direction });
        }
        changes.sort();
        changes
    }
}

/// The rank of a value; 0 is nothing.
struct Level {
    rank: u8,
    words: &'static str,
}

type Key = (String, &'static str, String);

fn access(snapshot: &Snapshot) -> BTreeMap<Key, Level> {
    let mut access = BTreeMap::new();
    for account in snapshot.accounts() {
        let mut put = |kind, name: &str, level| {
            access.insert((account.email.to_lowercase(), kind, name.to_owned()), level);
        };
        put("account", "", of_status(account));
        // A person whose account may not be used can do nothing with it.
        if !account.is_active() {
            continue;
        }
        put("role", "", of_role(account.role));
        for membership in &account.memberships {
            if let Some(team) = snapshot.team(&membership.team) {
                put("team", &team.name, of_permission(membership.role()));
            }
        }
        for assignment in &account.projects {
            let mut projects = snapshot.projects.iter();
            if let Some(project) = projects.find(|project| project.id == assignment.project) {
                put("project", &project.name, of_permission(assignment.permission));
            }
        }
    }
    access
}

fn of_status(account: &Account) -> Level {
    let rank = if account.status == Status::Active { 1 } else { 0 };
    Level { rank, words: account.status.name() }
}

fn of_role(role: Role) -> Level {
    let rank = match role {
        Role::Member => 1,
        Role::Admin => 2,
        Role::Owner => 3,
    };
    Level { rank, words: role.name() }
}

fn of_permission(permission: Permission) -> Level {
    let rank = match permission {
        Permission::ReadOnly => 1,
        Permission::ReadWrite => 2,
        Permission::Admin => 3,
    };
    Level { rank, words: permission.name() }
}
