//! Random policies, logins and states.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use proptest::{collection::vec, option, prelude::*, sample::select};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;
use vouchsafe_provisioning::{
    Account, AccountId, Domain, Identity, LoginFacts, Membership, Organization, OrganizationId, Permission,
    Policy, Project, ProjectId, Role, Snapshot, Source, Status, Team, TeamId,
};

pub(crate) const NAMES: [&str; 8] =
    ["Engineering", " engineering", "Sales", "R&D", "Everyone", "STRASSE", "straße", "Ops\u{7}"];
const PEOPLE: [&str; 4] = ["ada", "bob", "eve", "joe"];
const DOMAINS: [&str; 2] = ["example.com", "other.example"];

/// An organization that is converted, and its token. Made once: the token is random.
pub(crate) static ACME: LazyLock<(Organization, String)> = LazyLock::new(|| {
    let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
    acme.entitled = true;
    acme.verified_domains = vec!["Example.com".to_owned()];
    let token =
        acme.convert(okta(), &Provider::rustcrypto(), now()).expect("an entitled organization converts");
    (acme, token.reveal())
});

pub(crate) fn connection() -> ConnectionId {
    ConnectionId::new("acme").unwrap()
}

pub(crate) fn okta() -> EntityId {
    EntityId::new("http://www.okta.com/exk1").unwrap()
}

pub(crate) fn now() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

prop_compose! {
    pub(crate) fn policies()(
        names in vec(select(NAMES.as_slice()), 0..2),
        rules in vec((any::<bool>(), select(NAMES.as_slice()), select(NAMES.as_slice()), roles()), 0..4),
        create in prop_oneof![8 => Just("always"), 1 => Just("scim_only"), 1 => Just("never")],
        (create_teams, link, same_name) in any::<(bool, bool, bool)>(),
        follow in select(["every_login", "create_only", "never"].as_slice()),
        sync in select(["additive", "managed"].as_slice()),
        takeover in option::weighted(0.3, select(["subject", "email"].as_slice())),
        domains in select(["'any'", "'verified'", "['example.com']", "['other.example']"].as_slice()),
    ) -> Policy {
        let teams: Vec<String> = names.iter().map(|name| format!("{{ name = {name:?} }}")).collect();
        let mut toml = format!(
            "[attributes]\ngroups = 'department'\n[identity]\nlink_by_email = {link}\n\
             [admission]\ncreate = '{create}'\ndomains = {domains}\n\
             [profile]\nemail = '{follow}'\nfirst_name = '{follow}'\n\
             [defaults]\nteams = [{}]\nprojects = [{}]\n\
             [groups]\ncreate_teams = {create_teams}\nsync = '{sync}'\nunmapped = '{}'\n",
            teams.join(","), teams.join(","), if same_name { "same_name" } else { "ignore" },
        );
        for (by_name, group, team, role) in rules {
            let key = if by_name { "group" } else { "group_id" };
            toml += &format!("[[groups.map]]\n{key} = {group:?}\nteam = {team:?}\nrole = '{role}'\n");
        }
        if let Some(by) = takeover {
            toml += &format!("[[identity.takeovers]]\nfrom = 'acme-old'\nto = 'acme'\nby = '{by}'\n");
        }
        // Rust and TOML write a control character differently.
        Policy::from_toml(&toml.replace("\\u{7}", "\\u0007")).expect("the policy is well-formed")
    }
}

pub(crate) const ROLES: [Permission; 3] = [Permission::ReadOnly, Permission::ReadWrite, Permission::Admin];

/// By hand, with the account, and by groups of the login's connection, of another one, and of one that is no more the organization's.
pub(crate) fn sources() -> impl Strategy<Value = Source> {
    let group = (select(["acme", "acme-new", "gone"].as_slice()), select(NAMES.as_slice()));
    let group = group.prop_map(|(over, name)| Source::group(ConnectionId::new(over).unwrap(), name));
    prop_oneof![Just(Source::Hand), Just(Source::Defaults), group.clone(), group]
}

fn roles() -> impl Strategy<Value = &'static str> {
    select(["read_only", "read_write", "admin"].as_slice())
}

prop_compose! {
    pub(crate) fn logins()(
        subject in select(PEOPLE.as_slice()),
        person in option::weighted(0.8, select(PEOPLE.as_slice())),
        domain in select(DOMAINS.as_slice()),
        first_name in vec(select(["Ada", "Bob", " "].as_slice()), 0..3),
        groups in option::of(vec(select(NAMES.as_slice()), 0..5)),
    ) -> LoginFacts {
        let mut login = LoginFacts::new(connection(), okta(), subject, now())
            .with_assertion_id("id1")
            .with_attribute("token", [ACME.1.clone()])
            .with_attribute("user.first_name", first_name);
        if let Some(person) = person {
            login = login.with_attribute("user.email", [format!("{person}@{domain}")]);
        }
        if let Some(groups) = groups {
            login = login.with_attribute("department", groups);
        }
        login
    }
}

prop_compose! {
    fn accounts(teams: usize)(
        person in select(PEOPLE.as_slice()),
        domain in select(DOMAINS.as_slice()),
        identity in option::of(select(PEOPLE.as_slice())),
        (foreign, suspended, has_password, owner) in (
            prop::bool::weighted(0.2), prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.3)),
        is_old in prop::bool::weighted(0.2),
        memberships in vec((0..teams, sources(), select(ROLES.as_slice())), 0..5),
    ) -> Account {
        let organization = OrganizationId::new(if foreign { "other" } else { "acme" });
        let id = AccountId::new(format!("account-{person}@{domain}-{foreign}"));
        let mut account = Account::new(id, organization, format!("{person}@{domain}"));
        let over = if is_old { ConnectionId::new("acme-old").unwrap() } else { connection() };
        account.identities.extend(identity.map(|subject| Identity::new(over, subject)));
        account.status = if suspended { Status::Suspended } else { Status::Active };
        account.role = if owner { Role::Owner } else { Role::Member };
        account.has_password = has_password;
        for (team, source, role) in memberships {
            let team = TeamId::new(format!("team-{team}"));
            match account.memberships.iter_mut().find(|membership| membership.team == team) {
                Some(known) => *known = known.clone().also_by(source, role),
                None => account.memberships.push(Membership::new(team, role, source)),
            }
        }
        account
    }
}

/// An organization; and things of another one in the same snapshot, which no store would put there.
pub(crate) fn snapshots() -> impl Strategy<Value = Snapshot> {
    let named = vec((select(NAMES.as_slice()), prop::bool::weighted(0.2)), 2..10);
    let others = option::weighted(0.2, select(DOMAINS.as_slice()));
    (named.clone(), named, vec(accounts(6), 0..5), option::weighted(0.2, 0_u32..4), others).prop_map(
        |(teams, projects, accounts, seat_limit, others)| {
            let mut snapshot = Snapshot::new(ACME.0.clone());
            snapshot.organization.seat_limit = seat_limit;
            snapshot.domains_of_others.extend(others.map(|domain| Domain::parse(domain).unwrap()));
            let owner = |foreign: bool| OrganizationId::new(if foreign { "other" } else { "acme" });
            for (number, (name, foreign)) in teams.into_iter().enumerate() {
                if foreign || snapshot.team_named(name).is_none() {
                    let id = TeamId::new(format!("team-{number}"));
                    snapshot.teams.push(Team::new(id, owner(foreign), name));
                }
            }
            for (number, (name, foreign)) in projects.into_iter().enumerate() {
                if foreign || snapshot.project_named(name).is_none() {
                    let id = ProjectId::new(format!("project-{number}"));
                    snapshot.projects.push(Project::new(id, owner(foreign), name));
                }
            }
            for account in accounts {
                let clashes = |known: &Account| {
                    known.organization == account.organization
                        && (known.email == account.email
                            || known.identities.iter().any(|identity| account.identities.contains(identity)))
                };
                if !snapshot.accounts.iter().any(clashes) {
                    snapshot.accounts.push(account);
                }
            }
            snapshot
        },
    )
}
