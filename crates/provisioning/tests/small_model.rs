//! Every sequence of up to five facts in a small model: two organizations, two people, two teams, two groups.
//!
//! What is the same is tried once:
//! * a plan depends on the state and the fact alone, so of all sequences that lead to one state one is gone on with;
//! * a fact of one organization is planned on that organization's state alone, so sequences that mix facts of both are sequences of each;
//!   that the other refuses it, or that it changes nothing there, is tried for each fact in each state;
//! * the two people begin alike, so the first fact about a person is about Ada. (The organization's owner is a third account, and no fact
//!   is about it but those that would take the last owner away.)
//!
//! Three facts are gone through with the tests, five with `VOUCHSAFE_MODEL_DEPTH=5`.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot be set up must stop, and says how much it went through"
)]
#![expect(dead_code, reason = "the random worlds are used by other tests")]

mod lawful;
mod random;
mod world;

use std::collections::HashSet;

use random::{ACME, connection, now, okta};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;
use vouchsafe_provisioning::{
    Account, AccountId, Actor, Change, ChangeByHand, Fact, GroupId, Identity, LoginFacts, Organization,
    OrganizationId, Permission, Policy, Role, ScimChange, ScimFact, ScimGroup, ScimMembers, Snapshot, Team,
    TeamId,
};
use world::user;

const PEOPLE: [&str; 2] = ["ada", "bob"];

fn policy(sync: &str) -> Policy {
    Policy::from_toml(&format!(
        "[attributes]\ngroups = 'department'\n[groups]\nsync = '{sync}'\nmax_removals = 1\nrole_ceiling = 'owner'\n\
         [[groups.roles]]\ngroup = 'Sales'\nrole = 'owner'\n[offboarding]\nsuspend_after = '90d'\n"
    ))
    .unwrap()
}

fn acme() -> Snapshot {
    let mut acme = Snapshot::new(ACME.0.clone());
    filled(&mut acme);
    acme
}

/// Another customer with an identity provider and a token of its own.
fn globex() -> Snapshot {
    let mut organization = Organization::new(OrganizationId::new("globex"), "globex", "Globex");
    organization.entitled = true;
    organization.verified_domains = vec!["globex.example".to_owned()];
    let issuer = EntityId::new("http://www.okta.com/exk2").unwrap();
    organization.convert(issuer, &Provider::rustcrypto(), now()).unwrap();
    let mut globex = Snapshot::new(organization);
    filled(&mut globex);
    globex
}

fn filled(snapshot: &mut Snapshot) {
    let id = snapshot.organization.id.clone();
    for name in ["Engineering", "Sales"] {
        snapshot.teams.push(Team::new(TeamId::new(format!("{id}-{name}")), id.clone(), name));
    }
    let mut owner = Account::new(AccountId::new(format!("{id}-owner")), id, "owner@example.com");
    (owner.role, owner.has_password) = (Role::Owner, true);
    owner.identities.push(Identity::new(connection(), "owner"));
    snapshot.accounts.push(owner);
}

/// What may happen, told by people; facts are made of it in a state.
#[derive(Clone, Copy, Debug)]
enum Event {
    Login(usize, Option<&'static [&'static str]>),
    Create(usize),
    Deactivate(usize),
    Activate(usize),
    Delete(usize),
    ByHand(usize, fn(&Snapshot) -> Change),
    Push(&'static str),
    Join(usize, &'static str),
    Leave(usize, &'static str),
    Drop(&'static str),
    Owner(fn(&Snapshot) -> Change),
    Sweep,
}

fn events() -> Vec<Event> {
    let mut events = vec![
        Event::Push("Sales"),
        Event::Drop("Sales"),
        Event::Owner(|_| Change::Suspend),
        Event::Owner(|_| Change::SetRole(Role::Member)),
        Event::Sweep,
    ];
    for person in 0..PEOPLE.len() {
        events.extend([
            Event::Login(person, None),
            Event::Login(person, Some(&[])),
            Event::Login(person, Some(&["Sales"])),
            Event::Login(person, Some(&["Engineering", "Sales"])),
            Event::Create(person),
            Event::Deactivate(person),
            Event::Activate(person),
            Event::Delete(person),
            Event::ByHand(person, |_| Change::Suspend),
            Event::ByHand(person, |_| Change::Reactivate),
            Event::ByHand(person, |_| Change::SetRole(Role::Owner)),
            Event::ByHand(person, |state| {
                Change::JoinTeam(state.team_named("Sales").unwrap().id.clone(), Permission::ReadWrite)
            }),
            Event::Join(person, "Sales"),
            Event::Leave(person, "Sales"),
        ]);
    }
    events
}

impl Event {
    fn person(self) -> Option<usize> {
        match self {
            Self::Login(person, _)
            | Self::Create(person)
            | Self::Deactivate(person)
            | Self::Activate(person)
            | Self::Delete(person)
            | Self::ByHand(person, _)
            | Self::Join(person, _)
            | Self::Leave(person, _) => Some(person),
            Self::Push(_) | Self::Drop(_) | Self::Owner(_) | Self::Sweep => None,
        }
    }

    /// `None`: there is nobody or nothing that it could be about.
    fn fact(self, state: &Snapshot) -> Option<Fact> {
        let scim = |change| Some(Fact::from(ScimFact::new(connection(), change, now())));
        let id = |person: usize| {
            state
                .account_with_email(&format!("{}@example.com", PEOPLE.get(person)?))
                .map(|one| one.id.clone())
        };
        let name = |person: usize| PEOPLE.get(person).copied().unwrap_or_default();
        let group = |name: &str| {
            let found = state.groups.iter().find(|group| group.is_named(name));
            found.map(|group| group.id.clone())
        };
        let by_hand = |account, change| {
            Fact::change(ChangeByHand {
                account,
                change,
                actor: Actor::Operator,
                because: "a test".to_owned(),
                at: now(),
            })
        };
        match self {
            Self::Login(person, groups) => {
                let login = LoginFacts::new(connection(), okta(), name(person), now())
                    .with_attribute("user.email", [format!("{}@example.com", name(person))])
                    .with_attribute("token", [ACME.1.clone()]);
                let groups = groups.map(<[_]>::to_vec);
                Some(match groups {
                    Some(groups) => login.with_attribute("department", groups).into(),
                    None => login.into(),
                })
            }
            Self::Create(person) => scim(ScimChange::CreateUser(user(name(person), None))),
            Self::Deactivate(person) => {
                scim(ScimChange::set_user(id(person)?, user(name(person), Some(false))))
            }
            Self::Activate(person) => scim(ScimChange::set_user(id(person)?, user(name(person), Some(true)))),
            Self::Delete(person) => scim(ScimChange::delete_user(id(person)?)),
            Self::ByHand(person, change) => Some(by_hand(id(person)?, change(state))),
            Self::Push(name) => scim(ScimChange::create_group(
                GroupId::new(format!("pushed-{name}")),
                ScimGroup::new(name),
                [],
            )),
            Self::Join(person, name) => {
                let members = ScimMembers::changed([id(person)?], []);
                scim(ScimChange::set_group(group(name)?, ScimGroup::new(name), members))
            }
            Self::Leave(person, name) => {
                let members = ScimMembers::changed([], [id(person)?]);
                scim(ScimChange::set_group(group(name)?, ScimGroup::new(name), members))
            }
            Self::Drop(name) => scim(ScimChange::delete_group(group(name)?)),
            Self::Owner(change) => {
                Some(by_hand(AccountId::new(format!("{}-owner", state.organization.id)), change(state)))
            }
            Self::Sweep => Some(Fact::sweep(now() + chrono::TimeDelta::days(120))),
        }
    }
}

#[derive(Default)]
struct Count {
    states: usize,
    facts: usize,
    refused: usize,
}

fn explore(policy: &Policy, depth: usize) -> Count {
    let (events, foreign) = (events(), globex());
    let mut count = Count::default();
    let key = |state: &Snapshot, met_ada: bool| (serde_json::to_string(state).unwrap(), met_ada);
    let mut seen = HashSet::from([key(&acme(), false)]);
    let mut border = vec![(acme(), false)];
    for _ in 0..depth {
        let mut next = Vec::new();
        for (state, met_ada) in border {
            for event in events.iter().filter(|event| met_ada || event.person() != Some(1)) {
                let Some(fact) = event.fact(&state) else { continue };
                count.facts += 1;
                let after = lawful::check(policy, &fact, &state).unwrap_or_else(|wrong| {
                    panic!("{event:?} on {}: {wrong}", serde_json::to_string(&state).unwrap())
                });
                is_nothing_to_another(policy, &fact, &foreign);
                let Some(after) = after else {
                    count.refused += 1;
                    continue;
                };
                let met_ada = met_ada || event.person().is_some();
                if seen.insert(key(&after, met_ada)) {
                    next.push((after, met_ada));
                }
            }
        }
        border = next;
    }
    count.states = seen.len();
    count
}

/// A fact of one organization is refused by another, or has nobody there whom it could be about.
fn is_nothing_to_another(policy: &Policy, fact: &Fact, foreign: &Snapshot) {
    let planned = policy.plan(fact, foreign);
    assert!(
        matches!(fact, Fact::Sweep { .. }) || planned.is_err(),
        "{fact:?} is planned elsewhere: {planned:?}"
    );
    let other = ConnectionId::new("globex").unwrap();
    assert!(foreign.organization.signs_in_over(&other), "it has a connection of its own");
}

#[test]
fn no_sequence_of_facts_breaks_a_law() {
    let depth = std::env::var("VOUCHSAFE_MODEL_DEPTH").ok().map_or(3, |depth| depth.parse().unwrap());
    let sequences: u128 =
        (1..=u32::try_from(depth).unwrap()).map(|length| (events().len() as u128).pow(length)).sum();
    for sync in ["additive", "managed", "exclusive"] {
        let count = explore(&policy(sync), depth);
        println!(
            "{sync}: {sequences} sequences of up to {depth} of {} facts are {} states and {} facts in them, {} refused",
            events().len(),
            count.states,
            count.facts,
            count.refused
        );
        assert!(count.states > 50 && count.refused > 0);
    }
}
