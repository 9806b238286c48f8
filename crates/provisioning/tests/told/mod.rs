//! What happens, told by names, and what comes of it.
//!
//! Every scenario starts from one state: the SAML organization Acme with the verified domain example.com, the teams Engineering and Research, the
//! project Sandbox, and the owner Olga, who signs in over its connection and has a password.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;
use vouchsafe_provisioning::{
    Account, AccountId, Actor, Change, ChangeByHand, Domain, Fact, GroupId, Identity, LoginFacts, Membership,
    Organization, OrganizationId, Permission, Policy, Project, ProjectId, Role, ScimChange, ScimFact,
    ScimGroup, ScimMembers, ScimUser, Snapshot, Source, Team, TeamId,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) policy: String,
    /// Whether the organization's plan does not include SAML SSO any more.
    #[serde(default)]
    not_entitled: bool,
    seats: Option<u32>,
    #[serde(default)]
    connections: Vec<String>,
    #[serde(default)]
    accounts: Vec<Person>,
    facts: Vec<Told>,
    /// Of each fact the lines of the plan's explanation, or the code of the refusal.
    #[serde(default)]
    pub(crate) expected: Vec<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    name: String,
    #[serde(default)]
    password: bool,
    #[serde(default)]
    linked: bool,
    #[serde(default)]
    role: Role,
    /// Teams by hand.
    #[serde(default)]
    teams: Vec<String>,
}

/// A fact, told by names.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Told {
    sign_in: Option<String>,
    link: Option<String>,
    create: Option<String>,
    set: Option<String>,
    delete: Option<String>,
    push: Option<String>,
    edit: Option<String>,
    drop: Option<String>,
    by_hand: Option<String>,
    sweep: bool,
    // How.
    over: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    transient: bool,
    subject: Option<String>,
    token: Option<String>,
    groups: Option<Vec<String>>,
    overage: bool,
    active: Option<bool>,
    external_id: Option<String>,
    user_name: Option<String>,
    members: Vec<String>,
    named: Option<String>,
    join: Vec<String>,
    leave: Vec<String>,
    account: Option<String>,
    team: Option<String>,
    days: i64,
}

struct World {
    state: Snapshot,
    token: String,
}

impl World {
    fn of(scenario: &Scenario) -> World {
        let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
        acme.entitled = true;
        acme.verified_domains = vec!["example.com".to_owned()];
        acme.seat_limit = scenario.seats;
        let token = acme.convert(okta(), &Provider::rustcrypto(), now()).unwrap().reveal();
        acme.connections = scenario.connections.iter().map(|name| connection(Some(name))).collect();
        acme.entitled = !scenario.not_entitled;
        let mut state = Snapshot::new(acme);
        state.domains_of_others.insert(Domain::parse("globex.example").unwrap());
        for name in ["Engineering", "Research"] {
            state.teams.push(Team::new(TeamId::new(name), OrganizationId::new("acme"), name));
        }
        let project = Project::new(ProjectId::new("Sandbox"), OrganizationId::new("acme"), "Sandbox");
        state.projects.push(project);
        let olga = Person {
            name: "olga".to_owned(),
            password: true,
            linked: true,
            role: Role::Owner,
            teams: Vec::new(),
        };
        for person in [&olga].into_iter().chain(&scenario.accounts) {
            state.accounts.push(account(person));
        }
        World { state, token }
    }

    fn id(&self, name: &str) -> AccountId {
        let account = self.state.account_with_email(&format!("{name}@example.com"));
        account.map_or_else(|| AccountId::new(name), |account| account.id.clone())
    }

    fn ids(&self, names: &[String]) -> Vec<AccountId> {
        names.iter().map(|name| self.id(name)).collect()
    }

    fn group(&self, name: &str) -> GroupId {
        let found = self.state.groups.iter().find(|group| group.is_named(name));
        found.map_or_else(|| GroupId::new(name), |group| group.id.clone())
    }

    fn fact(&self, told: &Told) -> Fact {
        let over = connection(told.over.as_deref());
        let at = now() + TimeDelta::days(told.days);
        let scim = |change| Fact::from(ScimFact::new(over.clone(), change, at));
        let group = |name: &str| {
            let group = ScimGroup::new(told.named.as_deref().unwrap_or(name));
            told.external_id.as_ref().map_or(group.clone(), |id| group.with_external_id(id))
        };
        if let Some(name) = told.sign_in.as_ref().or(told.link.as_ref()) {
            let login = self.login(told, name, &over, at);
            return match told.link {
                Some(_) => Fact::link(login, self.id(told.account.as_deref().unwrap_or(name))),
                None => Fact::login(login),
            };
        }
        if let Some(name) = &told.create {
            return scim(ScimChange::CreateUser(user(told, name)));
        }
        if let Some(name) = &told.set {
            return scim(ScimChange::set_user(self.id(name), user(told, name)));
        }
        if let Some(name) = &told.delete {
            return scim(ScimChange::delete_user(self.id(name)));
        }
        if let Some(name) = &told.push {
            let id = GroupId::new(format!("id-of-{name}"));
            return scim(ScimChange::create_group(id, group(name), self.ids(&told.members)));
        }
        if let Some(name) = &told.edit {
            let members = ScimMembers::changed(self.ids(&told.join), self.ids(&told.leave));
            return scim(ScimChange::set_group(self.group(name), group(name), members));
        }
        if let Some(name) = &told.drop {
            return scim(ScimChange::delete_group(self.group(name)));
        }
        if told.sweep {
            return Fact::sweep(at);
        }
        let team = || TeamId::new(told.team.clone().unwrap());
        let change = match told.by_hand.as_deref().unwrap() {
            "suspend" => Change::Suspend,
            "reactivate" => Change::Reactivate,
            "approve" => Change::Approve,
            "end sessions" => Change::EndSessions,
            "member" => Change::SetRole(Role::Member),
            "admin" => Change::SetRole(Role::Admin),
            "owner" => Change::SetRole(Role::Owner),
            "join" => Change::JoinTeam(team(), Permission::ReadWrite),
            other => {
                assert_eq!(other, "leave");
                Change::LeaveTeam(team())
            }
        };
        Fact::change(ChangeByHand {
            account: self.id(told.account.as_deref().unwrap()),
            change,
            actor: Actor::Operator,
            because: "asked for".to_owned(),
            at,
        })
    }

    fn login(&self, told: &Told, name: &str, over: &ConnectionId, at: DateTime<Utc>) -> LoginFacts {
        let token = told.token.as_ref().unwrap_or(&self.token);
        let email = told.email.clone().unwrap_or_else(|| format!("{name}@example.com"));
        let subject = told.subject.as_deref().unwrap_or(name);
        let mut login = LoginFacts::new(over.clone(), okta(), subject, at)
            .with_attribute("user.email", [email])
            .with_attribute("token", [token.clone()]);
        if let Some(groups) = &told.groups {
            login = login.with_attribute("groups", groups.clone());
        }
        if let Some(name) = &told.first_name {
            login = login.with_attribute("user.first_name", [name.clone()]);
        }
        if told.transient {
            login = login.with_subject_format("urn:oasis:names:tc:SAML:2.0:nameid-format:transient");
        }
        if told.overage {
            login = login.with_attribute("groups.link", ["https://graph.example"]);
        }
        login
    }
}

fn user(told: &Told, name: &str) -> ScimUser {
    let mut user = ScimUser::new(told.user_name.as_deref().unwrap_or(name));
    user.email = Some(told.email.clone().unwrap_or_else(|| format!("{name}@example.com")));
    user.external_id.clone_from(&told.external_id);
    user.active = told.active;
    user
}

fn account(person: &Person) -> Account {
    let email = format!("{}@example.com", person.name);
    let mut account = Account::new(AccountId::new(&person.name), OrganizationId::new("acme"), email);
    (account.has_password, account.role, account.created_at) = (person.password, person.role, Some(now()));
    if person.linked {
        account.identities.push(Identity::new(connection(None), &person.name));
        account.last_sign_in = Some(now());
    }
    for team in &person.teams {
        account.memberships.push(Membership::new(TeamId::new(team), Permission::ReadOnly, Source::Hand));
    }
    account
}

fn connection(name: Option<&str>) -> ConnectionId {
    ConnectionId::new(name.unwrap_or("acme")).unwrap()
}

fn okta() -> EntityId {
    EntityId::new("http://www.okta.com/exk1").unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

/// Of each fact the lines of the plan's explanation, or the code of the refusal.
pub(crate) fn outcomes(scenario: &Scenario) -> Vec<Vec<String>> {
    let attributes = match scenario.policy.contains("[attributes]") {
        true => "",
        false => "[attributes]\ngroups = 'groups'\ngroups_overage = 'groups.link'\n",
    };
    let policy = Policy::from_toml(&format!("{attributes}{}", scenario.policy)).unwrap();
    let mut world = World::of(scenario);
    let mut outcomes = Vec::new();
    for told in &scenario.facts {
        outcomes.push(match policy.plan(world.fact(told), &world.state) {
            Ok(plan) => {
                world.state = world.state.after(&plan);
                plan.explanation()
            }
            Err(refused) => vec![refused.code().to_owned()],
        });
    }
    outcomes
}
