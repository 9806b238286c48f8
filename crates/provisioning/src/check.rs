//! What is wrong with a policy that can be read: in itself, and for the organization that it is to be of.

use std::{collections::BTreeMap, fmt};

use crate::{
    AdmittedDomains, GroupMatch, Groups, Passwords, Policy, PolicyError, Snapshot, SyncMode,
    names::Names,
    place::Places,
    text::{Shown, folded},
};

/// Something about a policy that its author should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Whether the policy should not be used so.
    pub severity: Severity,
    /// Where it is: `groups.map[2].team`.
    pub path: String,
    /// Line, from 1, where the key is written.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// What is the matter.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(formatter, "line {line}, column {column}: ")?;
        }
        write!(formatter, "{}: {}: {}", self.severity.name(), self.path, self.message)
    }
}

/// How much a [`Finding`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// It is probably not what was meant.
    Warning,
    /// It does not work.
    Error,
}

impl Severity {
    /// The severity in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Policy {
    /// Looks a policy over, as it is written, and for an organization where one is given: the whole of it, or at least its teams, projects,
    /// owners and break-glass accounts.
    ///
    /// # Errors
    ///
    /// That it cannot be read.
    ///
    /// ```
    /// use vouchsafe_provisioning::Policy;
    ///
    /// let findings = Policy::check("[groups]\nsync = 'managed'\n[[groups.map]]\ngroup = 'A'\nteam = 'B'\n", None)?;
    /// assert_eq!(findings[0].path, "groups.map");
    /// println!("{}", findings[0]);    // line 3, column 3: warning: groups.map: no attribute has the groups: set attributes.groups
    /// # Ok::<(), vouchsafe_provisioning::PolicyError>(())
    /// ```
    pub fn check(toml: &str, organization: Option<&Snapshot>) -> Result<Vec<Finding>, PolicyError> {
        let policy = Self::from_toml(toml)?;
        let mut check = Check { policy: &policy, places: Places::of(toml), findings: Vec::new() };
        check.attributes();
        check.admission();
        check.takeovers();
        check.rules();
        check.modes();
        if let Some(snapshot) = organization {
            check.names(snapshot);
            check.people(snapshot);
        }
        check.findings.sort_by_key(|finding| (finding.line, finding.column));
        Ok(check.findings)
    }
}

struct Check<'p> {
    policy: &'p Policy,
    places: Places<'p>,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn find(&mut self, severity: Severity, path: impl Into<String>, message: impl Into<String>) {
        let (path, message) = (path.into(), message.into());
        let place = self.places.of_path(&path);
        let (line, column) = (place.map(|(line, _)| line), place.map(|(_, column)| column));
        self.findings.push(Finding { severity, path, line, column, message });
    }

    fn error(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.find(Severity::Error, path, message);
    }

    fn warning(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.find(Severity::Warning, path, message);
    }

    /// No attribute is used for two things: a token that is somebody's name, or groups that are an address, is a mistake.
    fn attributes(&mut self) {
        let mut used: BTreeMap<&str, &str> = BTreeMap::new();
        for (key, name) in self.policy.attributes.in_use() {
            let Some(before) = used.insert(name, key) else { continue };
            let message = format!("the attribute {} is used for {before} and for {key}", Shown(name));
            let is_a_name = |key: &str| ["email", "username"].contains(&key);
            match is_a_name(before) && is_a_name(key) {
                // Many name people by their address.
                true => {}
                false => self.error(format!("attributes.{key}"), message),
            }
        }
        let subject = self.policy.identity.subject_attribute.as_deref();
        for key in ["token", "groups"] {
            let name = self.policy.attributes.in_use().find(|(known, _)| *known == key).map(|(_, name)| name);
            if subject.is_some() && subject == name {
                self.error("identity.subject_attribute", format!("the attribute is used for {key} as well"));
            }
        }
    }

    fn admission(&mut self) {
        let admission = &self.policy.admission;
        let has_groups = self.policy.attributes.groups.is_some();
        for (key, groups) in
            [("required_groups", &admission.required_groups), ("blocked_groups", &admission.blocked_groups)]
        {
            if !groups.is_empty() && !has_groups {
                self.error(format!("admission.{key}"), "no attribute has the groups: set attributes.groups");
            }
        }
        let mut required = admission.required_groups.iter();
        let blocked =
            |group: &&String| admission.blocked_groups.iter().any(|one| folded(one) == folded(group));
        if let Some(group) = required.find(blocked) {
            let message = format!("the group {} is required as well: nobody in it is admitted", Shown(group));
            self.error("admission.blocked_groups", message);
        }
    }

    fn takeovers(&mut self) {
        for (place, takeover) in self.policy.identity.takeovers.iter().enumerate() {
            if takeover.from == takeover.to {
                self.error(
                    format!("identity.takeovers[{place}].to"),
                    "a connection takes over its own people",
                );
            }
        }
    }

    /// Ids are unique, and no rule can never count.
    fn rules(&mut self) {
        let groups = &self.policy.groups;
        let ids = |table: &'static str, ids: Vec<Option<&String>>| {
            let mut seen: BTreeMap<&String, usize> = BTreeMap::new();
            let mut twice = Vec::new();
            for (place, id) in ids.into_iter().enumerate() {
                let Some(id) = id else { continue };
                if let Some(before) = seen.insert(id, place) {
                    twice.push((
                        format!("{table}[{place}].id"),
                        format!("the rule {table}[{before}] has the id {} too", Shown(id)),
                    ));
                }
            }
            twice
        };
        let mut twice = ids("groups.map", groups.rules.iter().map(|rule| rule.id.as_ref()).collect());
        twice.extend(ids("groups.roles", groups.roles.iter().map(|rule| rule.id.as_ref()).collect()));
        for (path, message) in twice {
            self.error(path, message);
        }
        for (place, rule) in groups.rules.iter().enumerate() {
            self.is_not_ignored(groups, "groups.map", place, &rule.matches);
            if rule.role > groups.team_role_ceiling {
                let message =
                    format!("it gives {} at most: groups.team_role_ceiling", groups.team_role_ceiling.name());
                self.warning(format!("groups.map[{place}].role"), message);
            }
        }
        for (place, rule) in groups.roles.iter().enumerate() {
            self.is_not_ignored(groups, "groups.roles", place, &rule.matches);
            if rule.role > groups.role_ceiling {
                let message = format!("it gives {} at most: groups.role_ceiling", groups.role_ceiling.name());
                self.warning(format!("groups.roles[{place}].role"), message);
            }
        }
        let has_rules = [("groups.map", groups.rules.is_empty()), ("groups.roles", groups.roles.is_empty())];
        for (table, _) in has_rules.into_iter().filter(|(_, is_empty)| !is_empty) {
            if self.policy.attributes.groups.is_none() {
                // SCIM has groups without an attribute.
                self.warning(
                    table,
                    "no attribute has the groups: set attributes.groups, unless SCIM alone pushes them",
                );
            }
        }
    }

    fn is_not_ignored(&mut self, groups: &Groups, table: &str, place: usize, matches: &GroupMatch) {
        let GroupMatch::Name(name) = matches else { return };
        if groups.ignore.iter().any(|ignored| folded(ignored) == folded(name)) {
            self.warning(
                format!("{table}[{place}].group"),
                "the group is one of groups.ignore: the rule never counts",
            );
        }
    }

    fn modes(&mut self) {
        let groups = &self.policy.groups;
        if groups.sync == SyncMode::Exclusive && !self.policy.defaults.teams.is_empty() {
            let message = "groups.sync is exclusive: the first list of groups ends what the defaults gave";
            self.warning("defaults.teams", message);
        }
        if groups.sync != SyncMode::Additive && groups.max_removals == 0 {
            self.warning(
                "groups.max_removals",
                "no membership ever ends by a group: whoever would lose one is refused",
            );
        }
    }

    /// What a policy names is there.
    fn names(&mut self, snapshot: &Snapshot) {
        let (defaults, groups, names) = (&self.policy.defaults, &self.policy.groups, Names::of(snapshot));
        for (place, team) in defaults.teams.iter().enumerate() {
            if names.team_named(&team.name).is_none() {
                let message = format!("the organization has no team {}", Shown(&team.name));
                self.error(format!("defaults.teams[{place}].name"), message);
            }
        }
        for (place, project) in defaults.projects.iter().enumerate() {
            if names.project_named(&project.name).is_none() {
                let message = format!("the organization has no project {}", Shown(&project.name));
                self.error(format!("defaults.projects[{place}].name"), message);
            }
        }
        for (place, rule) in groups.rules.iter().enumerate() {
            let is_captured = matches!(rule.matches, GroupMatch::Regex(_));
            if !is_captured && !groups.create_teams && names.team_named(&rule.team).is_none() {
                let message = format!(
                    "the organization has no team {}, and groups.create_teams is off",
                    Shown(&rule.team)
                );
                self.error(format!("groups.map[{place}].team"), message);
            }
        }
        for (place, takeover) in self.policy.identity.takeovers.iter().enumerate() {
            if !snapshot.organization.signs_in_over(&takeover.to) {
                let message = format!("nobody signs in over the connection {} yet", takeover.to);
                self.warning(format!("identity.takeovers[{place}].to"), message);
            }
        }
    }

    /// Somebody is admitted, and somebody can always get in.
    fn people(&mut self, snapshot: &Snapshot) {
        let organization = &snapshot.organization;
        let is_verified = self.policy.admission.domains == AdmittedDomains::Verified;
        if is_verified && organization.verified_domains.is_empty() {
            self.warning(
                "admission.domains",
                "the organization has verified no domain: no new person is admitted",
            );
        }
        let enforcement = &self.policy.enforcement;
        for (place, email) in enforcement.break_glass.iter().enumerate() {
            let account = snapshot.account_with_email(email);
            if account.is_none_or(|account| !enforcement.is_usable_break_glass(account)) {
                let message = "a break-glass account is an active owner with a password: this one is not";
                self.error(format!("enforcement.break_glass[{place}]"), message);
            }
        }
        if enforcement.passwords == Passwords::Required
            && let Err(refused) = self.policy.requirement_is_tested(snapshot)
        {
            self.error("enforcement.passwords", format!("{refused}. {}", refused.hint()));
        }
    }
}
