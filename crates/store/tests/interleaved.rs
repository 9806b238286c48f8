//! Two decisions at the same time, from two connections to PostgreSQL: what is there afterwards is what one after the other would have made, in one
//! order or the other. The orders are tried in memory, where everything happens in turn.

#![cfg(feature = "postgres")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod postgres_server;

use std::{future::Future, pin::Pin, sync::Arc};

use postgres_server::schema;
use tokio::sync::Barrier;
use vouchsafe::{
    ConnectionId, Provider,
    provisioning::{
        Account, AccountId, Actor, Change, LoginFacts, Organization, OrganizationId, Permission, Policy,
        Role, Snapshot, Team, TeamId,
    },
};
use vouchsafe_store::{
    Decision, Directory, Memory, Postgres, SignInError,
    conformance::{
        self as suite, author, now, okta,
        scenarios::{sign_in, valid_over},
    },
};

/// How often each pair is tried.
const ROUNDS: usize = 40;

const POLICY: &str = "
    [admission]
    domains = 'any'
    [attributes]
    groups = 'department'
    [groups]
    create_teams = true
";

/// An organization of a round, with Ada and two owners in it.
#[derive(Clone)]
struct Round {
    id: OrganizationId,
    token: String,
}

/// Something that somebody does; what came of it, in a word.
type Act = fn(Arc<dyn Directory>, Round) -> Pin<Box<dyn Future<Output = String> + Send>>;

impl Round {
    async fn begin(store: &dyn Directory, name: &str) -> Round {
        let id = OrganizationId::new(name);
        let mut organization = Organization::new(id.clone(), name, name);
        organization.entitled = true;
        let token = organization.convert(okta(), &Provider::rustcrypto(), now()).unwrap().reveal();
        store.add_organization(&organization, &author()).await.unwrap();
        store.set_policy(&id, POLICY, &author()).await.unwrap();
        let round = Round { id, token };
        store
            .add_team(&Team::new(TeamId::new(round.named("team")), round.id.clone(), "Hands"), &author())
            .await
            .unwrap();
        for (person, role) in [("first", Role::Owner), ("second", Role::Owner)] {
            let mut owner =
                Account::new(round.account(person), round.id.clone(), format!("{person}@example.com"));
            owner.role = role;
            store.add_account(&owner, &author()).await.unwrap();
        }
        store.decide(Decision::login(round.login("ada", "Engineering", "0"))).await.unwrap();
        round
    }

    fn named(&self, name: &str) -> String {
        format!("{}-{name}", self.id)
    }

    fn account(&self, person: &str) -> AccountId {
        AccountId::new(self.named(person))
    }

    fn login(&self, person: &str, group: &str, assertion: &str) -> LoginFacts {
        let mut facts = suite::login(person, &self.token, &self.named(assertion))
            .without_attribute("department")
            .with_attribute("department", [group]);
        facts.connection = ConnectionId::new(self.id.as_str()).unwrap();
        facts
    }

    async fn logs_in(&self, store: &dyn Directory, person: &str, group: &str, assertion: &str) -> String {
        word(store.decide(Decision::login(self.login(person, group, assertion))).await)
    }

    /// With an assertion, a session and everything.
    async fn signs_in(&self, store: &dyn Directory, person: &str, assertion: &str) -> String {
        let valid = valid_over(self.id.as_str(), person, &self.token, &self.named(assertion));
        word(store.sign_in(sign_in(valid)).await)
    }

    async fn changes(&self, store: &dyn Directory, account: AccountId, change: Change) -> String {
        let by_hand = suite::by_hand(&account, change, Actor::Operator, "a test");
        word(store.decide(Decision::change(self.id.clone(), by_hand)).await)
    }

    /// The account of the person who has signed in before.
    async fn ada(&self, store: &dyn Directory) -> AccountId {
        let whole = store.whole(&self.id).await.unwrap();
        whole.account_with_email("ada@example.com").unwrap().id.clone()
    }

    async fn changes_ada(&self, store: &dyn Directory, change: Change) -> String {
        let ada = self.ada(store).await;
        self.changes(store, ada, change).await
    }

    async fn adds(&self, store: &dyn Directory, person: &str) -> String {
        let account = Account::new(self.account(person), self.id.clone(), format!("{person}@example.com"));
        store
            .add_account(&account, &author())
            .await
            .map_or_else(|error| error.code().to_owned(), |()| "added".to_owned())
    }
}

fn word<T>(outcome: Result<T, SignInError>) -> String {
    outcome.map_or_else(|error| error.code().to_owned(), |_| "done".to_owned())
}

/// What an organization has, without the ids that a store gives.
fn shape(whole: &Snapshot) -> Vec<String> {
    let team = |id: &TeamId| {
        let found = whole.teams.iter().find(|team| team.id == *id);
        found.map_or("a team that is not there", |team| team.name.as_str())
    };
    let mut lines: Vec<String> = whole.teams.iter().map(|team| format!("team {}", team.name)).collect();
    for account in &whole.accounts {
        let mut teams: Vec<_> =
            account.memberships.iter().map(|one| (team(&one.team), one.role().name())).collect();
        teams.sort_unstable();
        let identities = account.identities.len();
        lines.push(format!(
            "{} {:?} {:?} {:?} {identities} {teams:?}",
            account.email, account.role, account.status, account.holds
        ));
    }
    lines.sort();
    lines
}

/// What came of both, and what is there then.
type Outcome = ([String; 2], Vec<String>);

async fn in_turn(acts: [Act; 2], order: [usize; 2]) -> Outcome {
    let store = Arc::new(Memory::new());
    let round = Round::begin(&*store, "round").await;
    let mut words = [String::new(), String::new()];
    for place in order {
        words[place] = acts[place](store.clone(), round.clone()).await;
    }
    (words, shape(&store.whole(&round.id).await.unwrap()))
}

/// Runs both at the same time, again and again, and compares with both orders.
async fn are_as_in_turn(name: &str, acts: [Act; 2]) {
    let Some(schema) = schema().await else { return };
    let orders = [in_turn(acts, [0, 1]).await, in_turn(acts, [1, 0]).await];
    let stores = [
        Arc::new(Postgres::connect(schema.address()).await.unwrap()),
        Arc::new(Postgres::connect(schema.address()).await.unwrap()),
    ];
    for number in 0..ROUNDS {
        let round = Round::begin(&*stores[0], &format!("round{number}")).await;
        let barrier = Arc::new(Barrier::new(2));
        let tasks = [0, 1].map(|place| {
            let (store, round, barrier, act) =
                (stores[place].clone(), round.clone(), Arc::clone(&barrier), acts[place]);
            tokio::spawn(async move {
                barrier.wait().await;
                // Each is a little ahead in turn.
                if number % 3 == place {
                    tokio::time::sleep(std::time::Duration::from_micros(300)).await;
                }
                act(store, round).await
            })
        });
        let [first, second] = tasks;
        let words = [first.await.unwrap(), second.await.unwrap()];
        let outcome = (words, shape(&stores[0].whole(&round.id).await.unwrap()));
        if !orders.contains(&outcome) {
            panic!("{name}, round {number}: {outcome:#?} is neither {:#?} nor {:#?}", orders[0], orders[1]);
        }
    }
}

macro_rules! pair {
    ($name:ident, $first:expr, $second:expr) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $name() {
            are_as_in_turn(stringify!($name), [$first, $second]).await;
        }
    };
}

macro_rules! act {
    (|$store:ident, $round:ident| $body:expr) => {
        |$store, $round| Box::pin(async move { $body.await })
    };
}

pair!(
    one_account_is_suspended_and_gets_a_role,
    act!(|store, round| round.changes_ada(&*store, Change::Suspend)),
    act!(|store, round| round.changes_ada(&*store, Change::SetRole(Role::Admin)))
);
pair!(
    one_account_joins_a_team_and_signs_in,
    act!(|store, round| {
        let team = TeamId::new(round.named("team"));
        round.changes_ada(&*store, Change::JoinTeam(team, Permission::Admin))
    }),
    act!(|store, round| round.signs_in(&*store, "ada", "1"))
);
pair!(
    one_account_is_suspended_and_signs_in,
    act!(|store, round| round.changes_ada(&*store, Change::Suspend)),
    act!(|store, round| round.signs_in(&*store, "ada", "1"))
);
pair!(
    one_account_signs_in_twice_with_other_groups,
    act!(|store, round| round.logs_in(&*store, "ada", "Sales", "1")),
    act!(|store, round| round.logs_in(&*store, "ada", "Support", "2"))
);
pair!(
    one_response_is_posted_twice,
    act!(|store, round| round.signs_in(&*store, "ada", "1")),
    act!(|store, round| round.signs_in(&*store, "ada", "1"))
);
pair!(
    one_team_name_is_made_by_two_people,
    act!(|store, round| round.logs_in(&*store, "bob", "Sales", "1")),
    act!(|store, round| round.logs_in(&*store, "eve", "sales ", "2"))
);
pair!(
    one_team_name_is_made_by_hand_and_by_a_login,
    act!(|store, round| async move {
        let team = Team::new(TeamId::new(round.named("new")), round.id.clone(), "SALES");
        let added = store.add_team(&team, &author()).await;
        added.map_or_else(|error| error.code().to_owned(), |()| "added".to_owned())
    }),
    act!(|store, round| round.logs_in(&*store, "eve", "Sales", "2"))
);
pair!(
    the_last_owner_is_not_suspended_by_another,
    act!(|store, round| round.changes(&*store, round.account("first"), Change::Suspend)),
    act!(|store, round| round.changes(&*store, round.account("second"), Change::Suspend))
);
pair!(
    the_last_owner_keeps_the_role,
    act!(|store, round| round.changes(&*store, round.account("first"), Change::SetRole(Role::Member))),
    act!(|store, round| round.changes(&*store, round.account("second"), Change::Suspend))
);
pair!(
    one_address_is_invited_and_signs_in,
    act!(|store, round| round.adds(&*store, "bob")),
    act!(|store, round| round.signs_in(&*store, "bob", "1"))
);
pair!(
    one_person_signs_in_for_the_first_time_at_two_machines,
    act!(|store, round| round.signs_in(&*store, "bob", "1")),
    act!(|store, round| round.signs_in(&*store, "bob", "2"))
);
pair!(
    the_policy_is_changed_while_somebody_signs_in,
    act!(|store, round| async move {
        store
            .set_policy(&round.id, "[admission]\ndomains = 'any'\ncreate = 'never'", &author())
            .await
            .unwrap();
        assert!(store.policy(&round.id).await.unwrap() != Policy::default());
        "set".to_owned()
    }),
    act!(|store, round| round.signs_in(&*store, "bob", "1"))
);
