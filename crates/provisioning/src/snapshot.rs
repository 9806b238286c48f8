//! The state that a plan is made on, and the state after a plan.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;

use crate::{
    Account, AccountId, Action, DirectoryGroup, Domain, EmailAddress, GroupId, Identity, Organization, Plan,
    PlanRefusal, Project, Step, Team, TeamId, applying::Applying,
};

/// One organization at one version: all of it, or the part that a decision needs.
///
/// A store may leave out accounts that have neither the login's identity nor its e-mail address if it gives the number
/// of taken seats in [`seats_taken`](Self::seats_taken). It may also leave out projects and teams that the login
/// [cannot refer to](crate::Policy::names_for), but no team that one of these accounts is in. The planner never sees
/// anything of another organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Snapshot {
    /// A counter of the changes of the organization's own record and policy. Changes of its people do not count.
    #[serde(default)]
    pub version: u64,
    /// The organization.
    pub organization: Organization,
    /// Its accounts, or those that a decision may be about.
    #[serde(default)]
    pub accounts: Vec<Account>,
    /// Its teams.
    #[serde(default)]
    pub teams: Vec<Team>,
    /// Its projects.
    #[serde(default)]
    pub projects: Vec<Project>,
    /// The groups that identity providers pushed by SCIM. A SCIM fact needs them, and so does a login if [admission
    /// depends on groups](crate::Admission::asks_for_groups).
    #[serde(default)]
    pub groups: Vec<DirectoryGroup>,
    /// The number of active accounts; `None`: the number in `accounts`.
    #[serde(default)]
    pub seats_taken: Option<u32>,
    /// The number of active owners; `None`: the number in `accounts`. If it is not known that another owner remains, no
    /// plan takes the role from the last known one.
    #[serde(default)]
    pub owners: Option<u32>,
    /// The domains, among those of the e-mail addresses that the login may refer to, that another organization has
    /// verified. A store fills it in for a login; no person of such a domain is admitted here.
    #[serde(default)]
    pub domains_of_others: BTreeSet<Domain>,
    /// The connections over which an assertion needs no token. A store fills it in for a login from the settings of the
    /// login's connection. Over all others the token is required.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeSet<crate::schema::Connection>"))]
    pub token_not_required: BTreeSet<ConnectionId>,
}

impl Snapshot {
    /// An organization without accounts, teams and projects.
    #[must_use]
    pub fn new(organization: Organization) -> Self {
        Self {
            version: 0,
            organization,
            accounts: Vec::new(),
            teams: Vec::new(),
            projects: Vec::new(),
            groups: Vec::new(),
            seats_taken: None,
            owners: None,
            domains_of_others: BTreeSet::new(),
            token_not_required: BTreeSet::new(),
        }
    }

    /// The organization's accounts.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        #[cfg(test)]
        WALKS.set(WALKS.get().saturating_add(1));
        self.accounts.iter().filter(|account| account.organization == self.organization.id)
    }

    /// The account with this id.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts().find(|account| account.id == *id)
    }

    /// The account with this id, or the refusal that there is none.
    pub(crate) fn known_account(&self, id: &AccountId) -> Result<&Account, PlanRefusal> {
        self.account(id).ok_or_else(|| self.account_unknown(id))
    }

    pub(crate) fn account_unknown(&self, id: &AccountId) -> PlanRefusal {
        let (organization, account) = (self.organization.name.clone(), id.to_string());
        PlanRefusal::AccountUnknown { organization, account }
    }

    /// The account that this identity signs in to, or the refusal that there is none.
    ///
    /// # Errors
    /// [`PlanRefusal::IdentityUnknown`].
    pub fn known_by(&self, identity: &Identity) -> Result<&Account, PlanRefusal> {
        let unknown = || PlanRefusal::IdentityUnknown { connection: identity.connection.to_string() };
        self.account_of(identity).ok_or_else(unknown)
    }

    /// The account that this identity signs in to.
    #[must_use]
    pub fn account_of(&self, identity: &Identity) -> Option<&Account> {
        self.accounts().find(|account| account.identities.contains(identity))
    }

    /// The account with this e-mail address, ignoring the case of ASCII letters; `None` also for a text that is not an
    /// [`EmailAddress`].
    #[must_use]
    pub fn account_with_email(&self, email: &str) -> Option<&Account> {
        self.account_with(&EmailAddress::parse(email.trim()).ok()?)
    }

    pub(crate) fn account_with(&self, email: &EmailAddress) -> Option<&Account> {
        self.accounts().find(|account| EmailAddress::parse(&account.email).as_ref() == Ok(email))
    }

    /// The owners that may be used.
    pub fn active_owners(&self) -> impl Iterator<Item = &Account> {
        self.accounts().filter(|account| account.is_active_owner())
    }

    /// Fails if no active owner remains in the state [after](Self::after) a plan; an organization that has none already
    /// cannot lose one. The planner checks every plan with it. A store checks every plan again, since the plan may have
    /// been made on an older snapshot.
    ///
    /// A snapshot that leaves out remaining owners and does not [count](Self::owners) them makes this refuse too much,
    /// never too little.
    ///
    /// # Errors
    /// [`PlanRefusal::LastOwner`].
    pub fn keeps_an_owner(&self, after: &Snapshot) -> Result<(), PlanRefusal> {
        if self.owner_count() > 0 && after.owner_count() == 0 {
            return Err(PlanRefusal::LastOwner { organization: self.organization.name.clone() });
        }
        Ok(())
    }

    /// Fails if the organization has more active accounts in the state [after](Self::after) a plan than its plan of
    /// service allows and than before. An organization that has too many keeps them and gets no further one. The
    /// planner checks every plan with it, whatever makes an account active, and a store checks every plan again.
    ///
    /// A snapshot that leaves out accounts must give the number of [taken seats](Self::seats_taken).
    ///
    /// # Errors
    /// [`PlanRefusal::SeatLimit`].
    pub fn keeps_its_seats(&self, after: &Snapshot) -> Result<(), PlanRefusal> {
        match self.organization.seat_limit {
            Some(limit) if after.seats() > limit && after.seats() > self.seats() => {
                Err(PlanRefusal::SeatLimit { organization: self.organization.name.clone(), limit })
            }
            _ => Ok(()),
        }
    }

    /// The plan, if it leaves an active owner and does not exceed the seats.
    pub(crate) fn guarded(&self, plan: Plan) -> Result<Plan, PlanRefusal> {
        let may_take_a_seat =
            |step: &Step| matches!(step.action, Action::CreateAccount { .. } | Action::Reactivate { .. });
        let is_limited = self.organization.seat_limit.is_some();
        if plan.may_end_an_owner() || (is_limited && plan.steps.iter().any(may_take_a_seat)) {
            let after = self.after(&plan);
            self.keeps_an_owner(&after)?;
            self.keeps_its_seats(&after)?;
        }
        Ok(plan)
    }

    /// The team with this id.
    #[must_use]
    pub fn team(&self, id: &TeamId) -> Option<&Team> {
        self.teams.iter().find(|team| team.organization == self.organization.id && team.id == *id)
    }

    /// The team with this name, ignoring case.
    #[must_use]
    pub fn team_named(&self, name: &str) -> Option<&Team> {
        self.teams.iter().find(|team| team.organization == self.organization.id && team.is_named(name))
    }

    /// The project with this name, ignoring case.
    #[must_use]
    pub fn project_named(&self, name: &str) -> Option<&Project> {
        self.projects
            .iter()
            .find(|project| project.organization == self.organization.id && project.is_named(name))
    }

    /// The SCIM group with this id.
    #[must_use]
    pub fn group(&self, id: &GroupId) -> Option<&DirectoryGroup> {
        self.groups.iter().find(|group| group.organization == self.organization.id && group.id == *id)
    }

    /// The number of taken seats: one for each active account.
    #[must_use]
    pub fn seats(&self) -> u32 {
        self.seats_taken.unwrap_or_else(|| self.visible_seats())
    }

    /// The number of active owners.
    #[must_use]
    pub fn owner_count(&self) -> u32 {
        self.owners.unwrap_or_else(|| self.visible_owners())
    }

    pub(crate) fn visible_seats(&self) -> u32 {
        counted(self.accounts().filter(|account| account.is_active()))
    }

    pub(crate) fn visible_owners(&self) -> u32 {
        counted(self.active_owners())
    }

    /// The state after a plan that was made on this snapshot. New items get ids that no store would give. A step about
    /// something that does not exist changes nothing.
    #[must_use]
    pub fn after(&self, plan: &Plan) -> Snapshot {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        taken.extend(self.accounts.iter().map(|account| account.id.to_string()));
        taken.extend(self.teams.iter().map(|team| team.id.to_string()));
        taken.extend(self.projects.iter().map(|project| project.id.to_string()));
        taken.extend(self.groups.iter().map(|group| group.id.to_string()));
        let mut numbers = 1_u64..;
        self.after_with(plan, &mut || {
            loop {
                let id = format!("new-{}", numbers.next().unwrap_or(u64::MAX));
                if taken.insert(id.clone()) {
                    return id;
                }
            }
        })
    }

    /// The same as [`after`](Self::after) with ids from the caller, for a store in memory.
    #[must_use]
    pub fn after_with(&self, plan: &Plan, fresh_id: &mut dyn FnMut() -> String) -> Snapshot {
        if plan.organization != self.organization.id {
            return self.clone();
        }
        Applying::new(self.clone(), plan, fresh_id).run()
    }
}

fn counted<T>(all: impl Iterator<Item = T>) -> u32 {
    u32::try_from(all.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
thread_local! {
    /// Counts how often this thread went through the accounts of a snapshot, for a test of the cost.
    pub(crate) static WALKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}
