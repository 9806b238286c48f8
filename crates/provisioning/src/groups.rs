//! `[groups]`: which groups put people into which teams, and give which roles.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{
    GroupMatch, GroupPattern, MappingRule, Permission, Role, RoleRule, RuleId, Split,
    entries::{at_most, tables},
    number::whole_number,
};

/// `[groups]`. A login with more than [`MAX_GROUPS`](crate::LoginFacts::MAX_GROUPS) groups is taken as one that says nothing of groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Groups {
    /// Groups that mean nothing, whatever the case, `*` for any characters and `?` for one. By default `Everyone`, which Okta sends for everybody.
    #[serde(deserialize_with = "at_most")]
    pub ignore: Vec<String>,
    /// The characters at which one value that holds a list (`a,b` or `a;b`) is split, such as `",;"`. By default it is not split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// What happens to memberships that the groups do not ask for.
    pub sync: SyncMode,
    /// What happens to a group that no rule of `[[groups.map]]` names.
    pub unmapped: Unmapped,
    /// Whether a team that does not exist is made, with a project of the same name. Off by default.
    pub create_teams: bool,
    /// What people may do in a team that they join without a rule.
    pub role: Permission,
    /// The most that a group gives in a team, whatever a rule says: `admin` by default.
    pub team_role_ceiling: Permission,
    /// What the members of a team that is made may do in the project that is made with it.
    pub project_permission: Permission,
    /// How many memberships and roles one plan may end or lower: a plan that takes more away is refused, unless one person is deleted. 100 by
    /// default. None would refuse every sign-in and every SCIM request that ends something: `sync = "additive"` ends nothing.
    #[serde(deserialize_with = "removals")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1_000_000)))]
    pub max_removals: u32,
    /// Which of several rules of `[[groups.roles]]` counts.
    pub role_choice: RoleChoice,
    /// The highest role in the organization that a group gives, whatever a rule says: `admin` by default, so that no group makes an owner.
    pub role_ceiling: Role,
    /// `[[groups.map]]`: rules. Every rule that names a group of the person counts.
    #[serde(rename = "map", deserialize_with = "mapping_rules")]
    pub rules: Vec<MappingRule>,
    /// `[[groups.roles]]`: which groups give which role in the organization.
    #[serde(deserialize_with = "role_rules")]
    pub roles: Vec<RoleRule>,
}

fn mapping_rules<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<MappingRule>, D::Error> {
    tables("groups.map", list)
}

fn role_rules<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<RoleRule>, D::Error> {
    tables("groups.roles", list)
}

fn removals<'de, D: Deserializer<'de>>(number: D) -> Result<u32, D::Error> {
    whole_number(number, 1..=1_000_000)
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            ignore: vec!["Everyone".to_owned()],
            split: None,
            sync: SyncMode::Additive,
            unmapped: Unmapped::SameName,
            create_teams: false,
            role: Permission::ReadOnly,
            team_role_ceiling: Permission::Admin,
            project_permission: Permission::ReadWrite,
            max_removals: 100,
            role_choice: RoleChoice::Highest,
            role_ceiling: Role::Admin,
            rules: Vec::new(),
            roles: Vec::new(),
        }
    }
}

/// What happens to memberships that a person's groups do not ask for. A login that says nothing of groups ends nothing; only a list, be it
/// empty, does. What SCIM takes a person out of ends in each mode: that was said, and not only left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SyncMode {
    /// Nothing: groups only ever add.
    #[default]
    Additive,
    /// What a group gave ends when it is not among those that came over its connection, or the organization has that connection no more.
    /// What others gave stays: a person by hand, the defaults, groups of another connection.
    Managed,
    /// The same, and what was given by hand and with the account ends too: only groups put people into teams.
    Exclusive,
}

/// What happens to a group that no rule names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unmapped {
    /// It stands for the team of the same name, whatever the case.
    #[default]
    SameName,
    /// It is ignored.
    Ignore,
}

/// Which of several rules of `[[groups.roles]]` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RoleChoice {
    /// The one with the highest role.
    #[default]
    Highest,
    /// The first in the policy that names a group of the person.
    First,
}

impl Groups {
    /// Parses the table, whose regular expressions must not be too large together.
    pub(crate) fn within_budget<'de, D: Deserializer<'de>>(table: D) -> Result<Self, D::Error> {
        let groups = Self::deserialize(table)?;
        let matches = groups.rules.iter().map(|rule| &rule.matches);
        let matches = matches.chain(groups.roles.iter().map(|rule| &rule.matches));
        let weights = matches.map(|matches| match matches {
            GroupMatch::Regex(pattern) => pattern.weight(),
            _ => 0,
        });
        let (weight, most) = (weights.fold(0, usize::saturating_add), GroupPattern::MAX_WEIGHT);
        if weight > most {
            return Err(D::Error::custom(format_args!(
                "the regexes of the policy are too large together: {weight} ranges and characters, at most {most}; [a-z] is smaller than \\w"
            )));
        }
        Ok(groups)
    }

    pub(crate) fn rule_id(&self, rule: &MappingRule, place: usize) -> RuleId {
        rule_id("groups.map", rule.id.as_deref(), place)
    }

    pub(crate) fn role_rule_id(&self, rule: &RoleRule, place: usize) -> RuleId {
        rule_id("groups.roles", rule.id.as_deref(), place)
    }
}

fn rule_id(table: &str, id: Option<&str>, place: usize) -> RuleId {
    match id {
        Some(id) => RuleId::new(format!("{table}.{id}")),
        None => RuleId::new(format!("{table}[{place}]")),
    }
}
