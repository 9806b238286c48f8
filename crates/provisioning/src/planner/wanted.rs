//! What a person's groups give: teams and roles, with their sources.

use std::collections::BTreeMap;

use crate::{Permission, Role, RuleId, Source, TeamRef, pattern::PresentedGroup, text::folded};

/// The teams that a person should be in, by folded name, with the sources of each (of one source the widest
/// permission), and the roles that groups give.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) teams: BTreeMap<String, WantedTeam>,
    pub(super) roles: Vec<WantedRole>,
}

pub(super) struct WantedTeam {
    pub(super) team: TeamRef,
    pub(super) grants: Vec<WantedGrant>,
}

#[derive(Clone)]
pub(super) struct WantedGrant {
    pub(super) source: Source,
    pub(super) role: Permission,
    pub(super) rule: RuleId,
    pub(super) because: String,
}

/// A role that a group gives.
pub(super) struct WantedRole {
    pub(super) source: Source,
    pub(super) role: Role,
    pub(super) rule: RuleId,
    pub(super) because: String,
}

impl Wanted {
    pub(super) fn add(&mut self, team: TeamRef, grant: WantedGrant) {
        let wanted =
            self.teams.entry(folded(&team.name)).or_insert_with(|| WantedTeam { team, grants: Vec::new() });
        match wanted.grants.iter_mut().find(|known| known.source == grant.source) {
            Some(known) if known.role >= grant.role => {}
            Some(known) => *known = grant,
            None => wanted.grants.push(grant),
        }
    }
}

/// A group that a person is in, and its source.
pub(super) struct OwnGroup<'g> {
    pub(super) presented: PresentedGroup<'g>,
    /// Its name in the form in which names are compared.
    pub(super) folded: String,
    pub(super) source: Source,
}

impl<'g> OwnGroup<'g> {
    pub(super) fn new(presented: PresentedGroup<'g>, source: Source) -> Self {
        Self { presented, folded: folded(presented.name), source }
    }
}
