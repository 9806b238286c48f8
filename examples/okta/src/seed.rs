//! What the service holds before anybody signs in: three customers, each with an owner, teams and projects.

use chrono::Utc;
use vouchsafe::provisioning::{
    Account, AccountId, Actor, LinkedProject, Organization, OrganizationId, Permission, Project, ProjectId,
    Role, Team, TeamId,
};
use vouchsafe_store::{Author, Directory, NewCustomer};

use crate::failure::Failure;

/// What a new person gets, and what groups of the identity provider mean here.
pub(crate) const POLICY: &str = r#"
[attributes]
preset = "okta"
groups = "groups"

[defaults]
teams = [{ name = "All hands", role = "read_only" }]
projects = [{ name = "Default project", permission = "read_write" }]

[groups]
create_teams = false

[[groups.map]]
group = "perf-team"
team = "Performance"
role = "read_write"
"#;

/// The customers: slug, name, domain. The last has a plan without SAML SSO.
pub(crate) const ORGANIZATIONS: [(&str, &str, &str); 3] = [
    ("acme", "Acme Rockets", "acme.example"),
    ("globex", "Globex", "globex.example"),
    (NOT_ENTITLED, "Initech", "initech.example"),
];
const NOT_ENTITLED: &str = "initech";

/// Fills an empty directory; leaves one that holds something alone.
pub(crate) async fn fill(directory: &dyn Directory) -> Result<(), Failure> {
    if !directory.organizations().await?.is_empty() {
        return Ok(());
    }
    let operator = Author::new(Actor::Operator, Utc::now());
    for (slug, name, domain) in ORGANIZATIONS {
        let id = OrganizationId::new(slug);
        let mut organization = Organization::new(id.clone(), slug, name);
        organization.entitled = slug != NOT_ENTITLED;
        organization.verified_domains = vec![domain.to_owned()];
        let load = Project::new(ProjectId::new(format!("{slug}-default")), id.clone(), "Default project");
        let checkout = Project::new(ProjectId::new(format!("{slug}-checkout")), id.clone(), "Checkout");
        let hands = Team::new(TeamId::new(format!("{slug}-hands")), id.clone(), "All hands");
        let mut performance =
            Team::new(TeamId::new(format!("{slug}-performance")), id.clone(), "Performance");
        performance.projects = vec![LinkedProject::new(checkout.id.clone(), Permission::ReadWrite)];
        let mut owner =
            Account::new(AccountId::new(format!("{slug}-owner")), id.clone(), owner_email(domain));
        owner.role = Role::Owner;
        owner.has_password = true;
        let customer = NewCustomer::new(organization)
            .with_project(load)
            .with_project(checkout)
            .with_team(hands)
            .with_team(performance)
            .with_account(owner)
            .with_policy(POLICY);
        directory.add_customer(&customer, &operator).await?;
    }
    Ok(())
}

/// Whom a customer's first account belongs to.
pub(crate) fn owner_email(domain: &str) -> String {
    format!("owner@{domain}")
}
