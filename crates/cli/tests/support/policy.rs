//! An organization, its policy and recorded sign-ins, as files.

use vouchsafe::{
    ConnectionId, EntityId, Provider,
    provisioning::{LoginFacts, Organization, OrganizationId, Snapshot, Team, TeamId},
};

use crate::support::Folder;

pub const POLICY: &str = "
version = 1
[attributes]
groups = 'department'
[groups]
sync = 'managed'
[[groups.map]]
id = 'engineers'
glob = 'eng*'
team = 'Engineering'
role = 'read_write'
";

/// The organization Acme with one team, and a login of a person with this NameID.
pub fn acme(subject: &str, groups: &[&str]) -> (Snapshot, LoginFacts) {
    let now = "2026-01-15T09:00:00Z".parse().unwrap();
    let okta = EntityId::new("http://www.okta.com/exk1").unwrap();
    let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
    acme.entitled = true;
    acme.verified_domains = vec!["example.com".to_owned()];
    let provider = Provider::rustcrypto();
    let token = acme.convert(okta.clone(), &provider, now).unwrap().reveal();
    let mut state = Snapshot::new(acme);
    state.teams.push(Team::new(TeamId::new("t1"), OrganizationId::new("acme"), "Engineering"));
    let login = LoginFacts::new(ConnectionId::new("acme").unwrap(), okta, subject, now)
        .with_attribute("user.email", ["ada@example.com"])
        .with_attribute("department", groups.iter().copied())
        .with_attribute("token", [token])
        .sealed("token", &provider)
        .unwrap();
    (state, login)
}

fn written(folder: &Folder, subject: &str) -> (String, String, String) {
    let (state, login) = acme(subject, &["Engineers", "Sales"]);
    (
        folder.write("policy.toml", POLICY),
        folder.write("state.json", serde_json::to_string(&state).unwrap()),
        folder.write("login.json", serde_json::to_string(&login).unwrap()),
    )
}

/// Returns the arguments of `policy plan` for a person with this NameID.
pub fn plan(folder: &Folder, subject: &str) -> Vec<String> {
    let (policy, state, login) = written(folder, subject);
    ["policy", "plan", &policy, "--login", &login, "--state", &state].map(str::to_owned).to_vec()
}

/// Returns the arguments of `policy replay` for one recorded sign-in.
pub fn replay(folder: &Folder, against: Option<&str>) -> Vec<String> {
    let (policy, state, logins) = written(folder, "00u1");
    let arguments = ["policy", "replay", &policy, "--logins", &logins, "--state", &state];
    let mut arguments = arguments.map(str::to_owned).to_vec();
    if let Some(against) = against {
        arguments.extend(["--against".to_owned(), folder.write("other.toml", against)]);
    }
    arguments
}
