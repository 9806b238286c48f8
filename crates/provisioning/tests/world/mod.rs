//! Random facts of every kind, in a small world: an organization with two teams, two groups at the identity provider, three people.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{collection::vec, option, prelude::*, sample::select};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_provisioning::{
    Account, AccountId, Actor, Change, ChangeByHand, DirectoryGroup, Fact, GroupId, Identity, LoginFacts,
    OrganizationId, Permission, Policy, Role, ScimChange, ScimFact, ScimGroup, ScimMembers, ScimUser,
    Snapshot, Team, TeamId,
};

use crate::random::{ACME, connection, now, okta};

const PEOPLE: [&str; 3] = ["ada", "bob", "eve"];
const GROUPS: [&str; 4] = ["Engineering", "Sales", "perf-team", "Admins"];

pub(crate) fn world() -> Snapshot {
    let mut world = Snapshot::new(ACME.0.clone());
    world.organization.connections.extend([connection(), moved_to()]);
    for name in ["Engineering", "Sales"] {
        world.teams.push(Team::new(TeamId::new(name), acme(), name));
    }
    let mut owner = Account::new(AccountId::new("owner"), acme(), "owner@example.com");
    (owner.role, owner.has_password) = (Role::Owner, true);
    owner.identities.push(Identity::new(connection(), "owner"));
    world.accounts.push(owner);
    let mut bob = Account::new(AccountId::new("bob"), acme(), "bob@example.com");
    bob.has_password = true;
    world.accounts.push(bob);
    let mut foreign =
        Account::new(AccountId::new("foreign"), OrganizationId::new("other"), "ada@example.com");
    foreign.identities.push(Identity::new(connection(), "ada"));
    world.accounts.push(foreign);
    let group = DirectoryGroup::new(
        GroupId::new("other-1"),
        OrganizationId::new("other"),
        connection(),
        "Engineering",
    );
    world.groups.push(group);
    world
}

/// The connection of the identity provider that replaces the other.
fn moved_to() -> ConnectionId {
    ConnectionId::new("acme-new").unwrap()
}

fn over(is_moved: bool) -> ConnectionId {
    if is_moved { moved_to() } else { connection() }
}

fn acme() -> OrganizationId {
    OrganizationId::new("acme")
}

prop_compose! {
    /// Policies that differ in what histories are about.
    pub(crate) fn world_policies()(
        sync in select(["additive", "managed", "exclusive"].as_slice()),
        create in select(["always", "always", "scim_only", "never"].as_slice()),
        approval in select(["never", "never", "when_full", "always"].as_slice()),
        link in any::<bool>(),
        create_teams in any::<bool>(),
        defaults in any::<bool>(),
        max_removals in select([1_u32, 100].as_slice()),
        (role_choice, ceiling) in (select(["highest", "first"].as_slice()), select(["admin", "owner"].as_slice())),
        passwords in select(["optional", "mixed", "required"].as_slice()),
        break_glass in any::<bool>(),
        (blocked, takeovers) in (
            option::weighted(0.1, Just("Sales")), vec(select(["subject", "email"].as_slice()), 0..3),
        ),
    ) -> Policy {
        let teams = if defaults { "[{ name = 'Sales' }]" } else { "[]" };
        let blocked: Vec<&str> = blocked.into_iter().collect();
        let glass = if break_glass { "['owner@example.com']" } else { "[]" };
        let takeovers: String = takeovers
            .iter()
            .map(|by| format!("[[identity.takeovers]]\nfrom = 'acme'\nto = 'acme-new'\nby = '{by}'\n"))
            .collect();
        let toml = format!(
            "[attributes]\ngroups = 'department'\n[identity]\nlink_by_email = {link}\n\
             [admission]\ncreate = '{create}'\napproval = '{approval}'\nblocked_groups = {blocked:?}\n\
             [defaults]\nteams = {teams}\n\
             [groups]\nsync = '{sync}'\ncreate_teams = {create_teams}\nmax_removals = {max_removals}\n\
             role_choice = '{role_choice}'\nrole_ceiling = '{ceiling}'\n\
             [[groups.map]]\nregex = '(?<team>[a-z]+)-team'\nteam = '$team'\nrole = 'read_write'\n\
             [[groups.roles]]\ngroup = 'Admins'\nrole = 'owner'\n\
             [[groups.roles]]\nglob = 'eng*'\nrole = 'admin'\n\
             [enforcement]\npasswords = '{passwords}'\nbreak_glass = {glass}\n\
             [offboarding]\nsuspend_after = '90d'\n{takeovers}"
        );
        Policy::from_toml(&toml).expect("the policy is well-formed")
    }
}

/// What somebody may want, told by names: who is meant is found in the state of the moment.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    Login {
        person: &'static str,
        groups: Option<Vec<&'static str>>,
        later: i64,
        is_moved: bool,
    },
    /// By the `externalId` of one person, with the name of another.
    Create {
        person: &'static str,
        active: Option<bool>,
        id: String,
        is_moved: bool,
    },
    Set {
        person: &'static str,
        active: Option<bool>,
        named: &'static str,
    },
    Delete {
        person: &'static str,
    },
    Push {
        group: &'static str,
        members: Vec<&'static str>,
    },
    Edit {
        group: &'static str,
        named: &'static str,
        join: Option<&'static str>,
        leave: Option<&'static str>,
    },
    Drop {
        group: &'static str,
    },
    ByHand {
        person: &'static str,
        what: usize,
    },
    Sweep {
        later: i64,
    },
}

pub(crate) fn wishes() -> impl Strategy<Value = Wish> {
    let person = || select(PEOPLE.as_slice());
    let anybody = || select(["ada", "bob", "eve", "owner"].as_slice());
    let group = || select(GROUPS.as_slice());
    let groups = || option::weighted(0.8, vec(group(), 0..3));
    let active = || option::of(any::<bool>());
    let is_moved = || prop::bool::weighted(0.3);
    let later = || select([0_i64, 0, 0, 60, 120].as_slice());
    prop_oneof![
        6 => (anybody(), groups(), later(), is_moved())
            .prop_map(|(person, groups, later, is_moved)| Wish::Login { person, groups, later, is_moved }),
        2 => (person(), active()).prop_map(|(person, active)| {
            Wish::Create { person, active, id: format!("x-{person}"), is_moved: false }
        }),
        3 => (anybody(), active(), anybody(), select(["", "x-"].as_slice()), any::<bool>())
            .prop_map(|(person, active, id, kind, is_moved)| {
                Wish::Create { person, active, id: format!("{kind}{id}"), is_moved }
            }),
        3 => (anybody(), active(), person()).prop_map(|(person, active, named)| Wish::Set { person, active, named }),
        1 => anybody().prop_map(|person| Wish::Delete { person }),
        2 => (group(), vec(anybody(), 0..3)).prop_map(|(group, members)| Wish::Push { group, members }),
        3 => (group(), group(), option::of(anybody()), option::of(anybody()))
            .prop_map(|(group, named, join, leave)| Wish::Edit { group, named, join, leave }),
        1 => group().prop_map(|group| Wish::Drop { group }),
        4 => (anybody(), 0..10_usize).prop_map(|(person, what)| Wish::ByHand { person, what }),
        1 => later().prop_map(|later| Wish::Sweep { later }),
    ]
}

impl Wish {
    /// The fact, where there is one to be made in this state.
    pub(crate) fn fact(&self, state: &Snapshot) -> Option<Fact> {
        let id = |person: &str| account(state, person).map(|account| account.id.clone());
        let scim = |change| Fact::from(ScimFact::new(connection(), change, now()));
        Some(match self {
            Self::Login { person, groups, later, is_moved } => {
                let at = at(*later);
                let login = LoginFacts::new(over(*is_moved), okta(), *person, at)
                    .with_attribute("user.email", [format!("{person}@example.com")])
                    .with_attribute("token", [ACME.1.clone()]);
                match groups {
                    Some(groups) => login.with_attribute("department", groups.clone()).into(),
                    None => login.into(),
                }
            }
            Self::Create { person, active, id, is_moved } => {
                let mut user = user(person, *active);
                user.external_id = Some(id.clone());
                ScimFact::new(over(*is_moved), ScimChange::CreateUser(user), now()).into()
            }
            Self::Set { person, active, named } => {
                let named = if *person == "owner" { "owner" } else { named };
                scim(ScimChange::set_user(id(person)?, user(named, *active)))
            }
            Self::Delete { person } => scim(ScimChange::delete_user(id(person)?)),
            Self::Push { group, members } => {
                let members: Vec<AccountId> = members.iter().filter_map(|person| id(person)).collect();
                let fresh = GroupId::new(format!("group-{}", state.groups.len() + state.teams.len()));
                scim(ScimChange::create_group(fresh, ScimGroup::new(*group), members))
            }
            Self::Edit { group, named, join, leave } => {
                let ids = |person: &Option<&str>| person.and_then(id);
                let members = ScimMembers::changed(ids(join), ids(leave));
                scim(ScimChange::set_group(group_id(state, group)?, ScimGroup::new(*named), members))
            }
            Self::Drop { group } => scim(ScimChange::delete_group(group_id(state, group)?)),
            Self::ByHand { person, what } => {
                let team = TeamId::new("Engineering");
                let changes = [
                    Change::Suspend,
                    Change::Reactivate,
                    Change::Approve,
                    Change::EndSessions,
                    Change::SetRole(Role::Member),
                    Change::SetRole(Role::Admin),
                    Change::SetRole(Role::Owner),
                    Change::JoinTeam(team.clone(), Permission::ReadWrite),
                    Change::JoinTeam(team.clone(), Permission::Admin),
                    Change::LeaveTeam(team),
                ];
                Fact::change(ChangeByHand {
                    account: id(person)?,
                    change: changes.get(*what)?.clone(),
                    actor: Actor::Operator,
                    because: "a test".to_owned(),
                    at: now(),
                })
            }
            Self::Sweep { later } => Fact::sweep(at(*later)),
        })
    }
}

fn at(days: i64) -> DateTime<Utc> {
    now() + TimeDelta::days(days)
}

pub(crate) fn user(person: &str, active: Option<bool>) -> ScimUser {
    let mut user = ScimUser::new(person);
    user.external_id = Some(format!("x-{person}"));
    user.email = Some(format!("{person}@example.com"));
    user.active = active;
    user
}

fn account<'s>(state: &'s Snapshot, person: &str) -> Option<&'s Account> {
    state.accounts().find(|account| account.email == format!("{person}@example.com"))
}

fn group_id(state: &Snapshot, name: &str) -> Option<GroupId> {
    let mut own = state.groups.iter().filter(|group| group.organization == state.organization.id);
    own.find(|group| group.is_named(name)).map(|group| group.id.clone())
}
