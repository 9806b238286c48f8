//! Problems of a policy that can be parsed: in itself, and for the organization that it is meant for.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::{
    AdmittedDomains, GroupMatch, Passwords, Policy, PolicyError, Snapshot, SyncMode,
    names::Names,
    pattern::NamedGroups,
    place::Places,
    text::{Shown, folded},
};

/// A problem that the author of a policy should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Whether it is an error or a warning.
    pub severity: Severity,
    /// The path of the key: `groups.map[2].team`.
    pub path: String,
    /// The line of the key, starting at 1.
    pub line: Option<usize>,
    /// The column of the key in characters, starting at 1.
    pub column: Option<usize>,
    /// The problem in words.
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
    /// The policy probably does not do what was intended.
    Warning,
    /// The policy does not work.
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
    /// Checks a policy in itself and, if an organization is given, for that organization. The snapshot must contain all
    /// of it, or at least its teams, projects, owners and break-glass accounts.
    ///
    /// # Errors
    ///
    /// The policy cannot be parsed.
    ///
    /// ```
    /// use vouchsafe_provisioning::Policy;
    ///
    /// let findings = Policy::check("[groups]\nignore = ['A']\n[[groups.map]]\ngroup = 'A'\nteam = 'B'\n", None)?;
    /// assert_eq!(findings[0].path, "groups.map[0].group");
    /// println!("{}", findings[0]);    // line 4, column 1: warning: groups.map[0].group: the group is one of groups.ignore: the rule never counts
    /// # Ok::<(), vouchsafe_provisioning::PolicyError>(())
    /// ```
    pub fn check(toml: &str, organization: Option<&Snapshot>) -> Result<Vec<Finding>, PolicyError> {
        let policy = Self::from_toml(toml)?;
        let mut check = Check { policy: &policy, places: Places::of(toml), findings: Vec::new() };
        check.attributes();
        check.admission();
        check.takeovers();
        check.globs();
        check.rules();
        check.modes();
        check.durations();
        if let Some(snapshot) = organization {
            check.names(snapshot);
            check.people(snapshot);
        }
        check.findings.sort_by_key(|finding| (finding.line, finding.column));
        Ok(check.findings)
    }
}

pub(crate) struct Check<'p> {
    pub(crate) policy: &'p Policy,
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

    pub(crate) fn error(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.find(Severity::Error, path, message);
    }

    pub(crate) fn warning(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.find(Severity::Warning, path, message);
    }

    /// No attribute may be used for two things, such as a token that is also a name, or groups that are also an
    /// address.
    fn attributes(&mut self) {
        let mut used: BTreeMap<&str, &str> = BTreeMap::new();
        for (key, name) in self.policy.attributes.in_use() {
            let Some(before) = used.insert(name, key) else { continue };
            let message = format!("the attribute {} is used for {before} and for {key}", Shown(name));
            let is_a_name = |key: &str| ["email", "username"].contains(&key);
            match is_a_name(before) && is_a_name(key) {
                // Many use the address as the name.
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
        let mut required = admission.required_groups.iter();
        let blocked = NamedGroups::of(&admission.blocked_groups);
        if let Some(group) = required.find(|group| blocked.has(&folded(group))) {
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

    fn modes(&mut self) {
        let groups = &self.policy.groups;
        if groups.sync == SyncMode::Exclusive && !self.policy.defaults.teams.is_empty() {
            let message = "groups.sync is exclusive: the first list of groups ends what the defaults gave";
            self.warning("defaults.teams", message);
        }
    }

    /// Rules that never apply, and settings that let people stay for long.
    fn durations(&mut self) {
        let (sessions, offboarding) = (self.policy.sessions, self.policy.offboarding);
        let days = |days: u64| Duration::from_secs(days.saturating_mul(86_400));
        if let (Some(idle), Some(absolute)) = (sessions.idle, sessions.absolute)
            && idle >= absolute
        {
            self.warning(
                "sessions.idle",
                format!("it is never reached: a session ends after {absolute} anyway"),
            );
        }
        if let Some(absolute) = sessions.absolute.filter(|absolute| absolute.get() > days(30)) {
            let message = format!(
                "whoever is removed at the identity provider stays signed in for up to {absolute}, unless SCIM or a logout ends it"
            );
            self.warning("sessions.absolute", message);
        }
        let Some(after) = offboarding.suspend_after else { return };
        if after.get() < days(14) {
            let message = format!("whoever is on holiday for longer than {after} is suspended");
            self.warning("offboarding.suspend_after", message);
        }
        if let Some(absolute) = sessions.absolute.filter(|absolute| *absolute >= after) {
            let message = format!(
                "whoever stays signed in for {absolute}, as sessions.absolute allows, is suspended meanwhile"
            );
            self.warning("offboarding.suspend_after", message);
        }
    }

    /// Teams and projects that the policy names must exist.
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
            let has_one =
                || snapshot.teams.iter().any(|team| rule.matches.could_give(&rule.team, &team.name));
            if is_captured && !groups.create_teams && !has_one() {
                let message = format!(
                    "the organization has no team that {} could be, whatever the regex captures, and groups.create_teams is off",
                    Shown(&rule.team)
                );
                self.warning(format!("groups.map[{place}].team"), message);
            }
        }
        for (place, takeover) in self.policy.identity.takeovers.iter().enumerate() {
            if !snapshot.organization.signs_in_over(&takeover.to) {
                let message = format!("nobody signs in over the connection {} yet", takeover.to);
                self.warning(format!("identity.takeovers[{place}].to"), message);
            }
        }
    }

    /// Somebody must be admitted, and somebody must always be able to sign in.
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
            let message = match snapshot.account_with_email(email) {
                None => "the organization has no account with this address",
                Some(account) if !enforcement.is_usable_break_glass(account) => {
                    "a break-glass account is an active owner with a password: this one is not"
                }
                Some(_) => continue,
            };
            self.error(format!("enforcement.break_glass[{place}]"), message);
        }
        if enforcement.passwords == Passwords::Required
            && let Err(refused) = self.policy.requirement_is_tested(snapshot)
        {
            self.error("enforcement.passwords", format!("{refused}. {}", refused.hint()));
        }
    }
}
