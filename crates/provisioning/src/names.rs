//! Indexes of an organization's teams, projects and accounts for one plan.

use std::{cell::OnceCell, collections::HashMap};

use crate::{Account, AccountId, OrganizationId, PlanRefusal, Project, Snapshot, Team, TeamId, text::folded};

/// It is made once for a plan, each part when it is first needed: a login may have [many
/// groups](crate::LoginFacts::MAX_GROUPS), and an organization many teams. If two have the same name the first counts,
/// as in [`Snapshot::team_named`].
pub(crate) struct Names<'s> {
    snapshot: &'s Snapshot,
    teams: OnceCell<HashMap<String, &'s Team>>,
    team_ids: OnceCell<HashMap<&'s TeamId, &'s Team>>,
    projects: OnceCell<HashMap<String, &'s Project>>,
    accounts: OnceCell<HashMap<&'s AccountId, &'s Account>>,
}

impl<'s> Names<'s> {
    pub(crate) fn of(snapshot: &'s Snapshot) -> Self {
        Self {
            snapshot,
            teams: OnceCell::new(),
            team_ids: OnceCell::new(),
            projects: OnceCell::new(),
            accounts: OnceCell::new(),
        }
    }

    pub(crate) fn team_named(&self, name: &str) -> Option<&'s Team> {
        let teams = || first_of_each(self.teams().map(|team| (folded(&team.name), team)));
        self.teams.get_or_init(teams).get(&folded(name)).copied()
    }

    pub(crate) fn team(&self, id: &TeamId) -> Option<&'s Team> {
        let teams = || first_of_each(self.teams().map(|team| (&team.id, team)));
        self.team_ids.get_or_init(teams).get(id).copied()
    }

    pub(crate) fn project_named(&self, name: &str) -> Option<&'s Project> {
        let own = |project: &&Project| self.is_own(&project.organization);
        let named = |project: &'s Project| (folded(&project.name), project);
        let projects = || first_of_each(self.snapshot.projects.iter().filter(own).map(named));
        self.projects.get_or_init(projects).get(&folded(name)).copied()
    }

    /// The account with this id, or the refusal that there is none. A fact may name thousands.
    pub(crate) fn known_account(&self, id: &AccountId) -> Result<&'s Account, PlanRefusal> {
        let accounts = || first_of_each(self.snapshot.accounts().map(|account| (&account.id, account)));
        let known = self.accounts.get_or_init(accounts).get(id).copied();
        known.ok_or_else(|| self.snapshot.account_unknown(id))
    }

    fn teams(&self) -> impl Iterator<Item = &'s Team> {
        self.snapshot.teams.iter().filter(|team| self.is_own(&team.organization))
    }

    fn is_own(&self, organization: &OrganizationId) -> bool {
        *organization == self.snapshot.organization.id
    }
}

/// A map in which the first value of a key is kept.
pub(crate) fn first_of_each<K: Eq + std::hash::Hash, V>(
    pairs: impl IntoIterator<Item = (K, V)>,
) -> HashMap<K, V> {
    let mut map = HashMap::new();
    for (key, value) in pairs {
        map.entry(key).or_insert(value);
    }
    map
}
