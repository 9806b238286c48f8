//! Problems of the rules of `[[groups.map]]` and `[[groups.roles]]`.

use std::collections::{BTreeMap, btree_map::Entry};

use crate::{
    GroupMatch, Groups, MappingRule, Policy,
    check::Check,
    pattern::NamedGroups,
    text::{Shown, folded},
};

impl Check<'_> {
    pub(crate) fn rules(&mut self) {
        let groups = &self.policy.groups;
        self.ids("groups.map", groups.rules.iter().map(|rule| rule.id.as_ref()));
        self.ids("groups.roles", groups.roles.iter().map(|rule| rule.id.as_ref()));
        for (place, rule) in groups.rules.iter().enumerate() {
            self.is_not_ignored(groups, "groups.map", place, &rule.matches);
            self.is_not_taken_as_written(place, rule);
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
        self.mapped_twice(groups);
        self.roles_twice(groups);
    }

    /// A text that looks like a regular expression where a glob or a name is expected. Such a group never arrives, so
    /// nobody would be blocked by it.
    pub(crate) fn globs(&mut self) {
        let Policy { admission, groups, .. } = self.policy;
        let lists = [
            ("admission.required_groups", &admission.required_groups),
            ("admission.blocked_groups", &admission.blocked_groups),
            ("groups.ignore", &groups.ignore),
        ];
        for (list, globs) in lists {
            for (place, glob) in globs.iter().enumerate() {
                self.is_no_regex(format!("{list}[{place}]"), glob);
            }
        }
        let rules = groups.rules.iter().map(|rule| &rule.matches).enumerate();
        let roles = groups.roles.iter().map(|rule| &rule.matches).enumerate();
        let tables = rules.map(|rule| ("groups.map", rule)).chain(roles.map(|rule| ("groups.roles", rule)));
        for (table, (place, matches)) in tables {
            match matches {
                GroupMatch::Glob(glob) => self.is_no_regex(format!("{table}[{place}].glob"), glob),
                GroupMatch::Name(name) => self.is_no_regex(format!("{table}[{place}].group"), name),
                _ => {}
            }
        }
    }

    fn is_no_regex(&mut self, path: String, glob: &str) {
        if let Some(meant) = glob_in_place_of(glob) {
            let message = format!(
                "it looks like a regular expression, and is not read as one: `*` stands for any characters, `?` for one; perhaps {} is meant",
                Shown(&meant)
            );
            self.warning(path, message);
        }
    }

    /// Ids must be unique in their table.
    fn ids<'i>(&mut self, table: &str, ids: impl Iterator<Item = Option<&'i String>>) {
        let mut seen: BTreeMap<&String, usize> = BTreeMap::new();
        for (place, id) in ids.enumerate() {
            let Some(id) = id else { continue };
            if let Some(before) = seen.insert(id, place) {
                let message = format!("the rule {table}[{before}] has the id {} too", Shown(id));
                self.error(format!("{table}[{place}].id"), message);
            }
        }
    }

    fn is_not_ignored(&mut self, groups: &Groups, table: &str, place: usize, matches: &GroupMatch) {
        let GroupMatch::Name(name) = matches else { return };
        if NamedGroups::of(&groups.ignore).has(&folded(name)) {
            self.warning(
                format!("{table}[{place}].group"),
                "the group is one of groups.ignore: the rule never counts",
            );
        }
    }

    /// A rule without a regular expression whose team name looks as if it used captures.
    fn is_not_taken_as_written(&mut self, place: usize, rule: &MappingRule) {
        if let Some(reference) = rule.matches.asks_in_vain(&rule.team) {
            let message =
                format!("`${reference}` is a part of the team's name: only a regex captures something");
            self.warning(format!("groups.map[{place}].team"), message);
        }
    }

    /// If two rules are for one group and one team, the wider role counts.
    fn mapped_twice(&mut self, groups: &Groups) {
        let mut seen = BTreeMap::new();
        for (place, rule) in groups.rules.iter().enumerate() {
            match seen.entry((written(&rule.matches), folded(&rule.team))) {
                Entry::Vacant(free) => drop(free.insert((place, rule.role))),
                Entry::Occupied(mut taken) => {
                    let (before, role) = *taken.get();
                    let so = match rule.role == role {
                        true => "it adds nothing".to_owned(),
                        false => format!("the wider role counts, {}", rule.role.max(role).name()),
                    };
                    let message =
                        format!("the rule groups.map[{before}] has the same groups and the same team: {so}");
                    self.warning(format!("groups.map[{place}]"), message);
                    taken.insert((before, rule.role.max(role)));
                }
            }
        }
    }

    /// If two rules are for one group, one of the roles counts.
    fn roles_twice(&mut self, groups: &Groups) {
        let mut seen = BTreeMap::new();
        for (place, rule) in groups.roles.iter().enumerate() {
            if let Some(before) = seen.insert(written(&rule.matches), place) {
                let message = format!(
                    "the rule groups.roles[{before}] has the same groups: groups.role_choice says which counts"
                );
                self.warning(format!("groups.roles[{place}]"), message);
            }
        }
    }
}

/// The same for two rules that select their groups in the same way.
fn written(matches: &GroupMatch) -> (&'static str, String) {
    let text = match matches {
        GroupMatch::Name(text) | GroupMatch::Glob(text) => folded(text),
        GroupMatch::Id(id) => id.clone(),
        GroupMatch::Regex(pattern) => pattern.as_str().to_owned(),
    };
    (matches.kind(), text)
}

/// The glob that was probably intended, if the text has characters of regular expressions that group names do not have.
fn glob_in_place_of(text: &str) -> Option<String> {
    const OF_A_REGEX: [&str; 5] = [".*", ".+", "[^", "\\", "(?"];
    let bare = text.strip_prefix('^').unwrap_or(text);
    let bare = bare.strip_suffix('$').unwrap_or(bare);
    let is_a_regex = bare.len() < text.len() || OF_A_REGEX.iter().any(|sign| text.contains(sign));
    is_a_regex.then(|| bare.replace(".*", "*").replace(".+", "?*").replace('\\', ""))
}
