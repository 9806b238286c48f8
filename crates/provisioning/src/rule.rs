//! `[[groups.map]]` and `[[groups.roles]]`: what the people of a group get.

use serde::{Deserialize, Serialize};

use crate::{GroupMatch, GroupPattern, Permission, Role, policy_error::at_key};

/// `[[groups.map]]`: people of a group join a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRule", into = "WrittenRule")]
#[non_exhaustive]
pub struct MappingRule {
    /// Its name in explanations and audit records.
    pub id: Option<String>,
    /// Which groups.
    pub matches: GroupMatch,
    /// The team's name, whatever the case of the letters. Beside a `regex` it may have what was captured in it.
    pub team: String,
    /// What they may do in it: `read_only` by default.
    pub role: Permission,
}

/// `[[groups.roles]]`: people of a group have a role in the organization as long as they are in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRoleRule", into = "WrittenRoleRule")]
#[non_exhaustive]
pub struct RoleRule {
    /// Its name in explanations and audit records.
    pub id: Option<String>,
    /// Which groups.
    pub matches: GroupMatch,
    /// The role.
    pub role: Role,
}

/// The table as it is written in TOML.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "MappingRule"))]
pub(crate) struct WrittenRule {
    /// Its name in explanations and audit records.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The group of this name, whatever the case of the letters. A rule has one of `group`, `group_id`, `glob` and `regex`.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// The group with exactly this id. Entra ID sends object ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    /// The groups whose whole name is so: `*` stands for any characters, `?` for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    glob: Option<String>,
    /// The groups whose whole name is so. The team may have what was captured in it: `$1`, `${name}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    regex: Option<String>,
    /// The team's name, whatever the case of the letters.
    team: String,
    /// What they may do in it.
    #[serde(default)]
    role: Permission,
}

/// The table as it is written in TOML.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "RoleRule"))]
pub(crate) struct WrittenRoleRule {
    /// Its name in explanations and audit records.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The group of this name, whatever the case of the letters. A rule has one of `group`, `group_id`, `glob` and `regex`.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// The group with exactly this id. Entra ID sends object ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    /// The groups whose whole name is so: `*` stands for any characters, `?` for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    glob: Option<String>,
    /// The groups whose whole name is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    regex: Option<String>,
    /// The role.
    role: Role,
}

/// The four keys that select groups. A rule has exactly one of them.
#[derive(Default)]
struct WrittenMatch {
    group: Option<String>,
    group_id: Option<String>,
    glob: Option<String>,
    regex: Option<String>,
}

impl TryFrom<WrittenMatch> for GroupMatch {
    type Error = String;

    fn try_from(written: WrittenMatch) -> Result<Self, Self::Error> {
        let WrittenMatch { group, group_id, glob, regex } = written;
        let regex = regex.map(GroupPattern::new).transpose().map_err(|error| at_key("regex", error))?;
        let all = [
            ("group", group.map(Self::Name)),
            ("group_id", group_id.map(Self::Id)),
            ("glob", glob.map(Self::Glob)),
            ("regex", regex.map(Self::Regex)),
        ];
        let mut written = all.into_iter().filter_map(|(key, matches)| Some((key, matches?)));
        match (written.next(), written.next()) {
            (Some((_, one)), None) => Ok(one),
            (None, _) => Err(at_key(
                "",
                "a rule names a group: group = \"name\", group_id = \"id\", glob = \"a-*\" or regex = \"a-(.+)\"",
            )),
            (Some((first, _)), Some((second, _))) => Err(at_key(
                second,
                format!("a rule names its groups once, and this one does by {first} already"),
            )),
        }
    }
}

impl From<GroupMatch> for WrittenMatch {
    fn from(matches: GroupMatch) -> Self {
        match matches {
            GroupMatch::Name(name) => Self { group: Some(name), ..Self::default() },
            GroupMatch::Id(id) => Self { group_id: Some(id), ..Self::default() },
            GroupMatch::Glob(glob) => Self { glob: Some(glob), ..Self::default() },
            GroupMatch::Regex(pattern) => {
                Self { regex: Some(pattern.as_str().to_owned()), ..Self::default() }
            }
        }
    }
}

impl TryFrom<WrittenRule> for MappingRule {
    type Error = String;

    fn try_from(written: WrittenRule) -> Result<Self, Self::Error> {
        let WrittenRule { id, group, group_id, glob, regex, team, role } = written;
        let matches = GroupMatch::try_from(WrittenMatch { group, group_id, glob, regex })?;
        if team.trim().is_empty() {
            return Err(at_key("team", "the team has no name"));
        }
        matches.gives_what_is_asked_for(&team).map_err(|error| at_key("team", error))?;
        Ok(Self { id, matches, team, role })
    }
}

impl From<MappingRule> for WrittenRule {
    fn from(rule: MappingRule) -> Self {
        let WrittenMatch { group, group_id, glob, regex } = rule.matches.into();
        Self { id: rule.id, group, group_id, glob, regex, team: rule.team, role: rule.role }
    }
}

impl TryFrom<WrittenRoleRule> for RoleRule {
    type Error = String;

    fn try_from(written: WrittenRoleRule) -> Result<Self, Self::Error> {
        let WrittenRoleRule { id, group, group_id, glob, regex, role } = written;
        let matches = GroupMatch::try_from(WrittenMatch { group, group_id, glob, regex })?;
        Ok(Self { id, matches, role })
    }
}

impl From<RoleRule> for WrittenRoleRule {
    fn from(rule: RoleRule) -> Self {
        let WrittenMatch { group, group_id, glob, regex } = rule.matches.into();
        Self { id: rule.id, group, group_id, glob, regex, role: rule.role }
    }
}

#[cfg(feature = "schema")]
mod schema {
    use schemars::{JsonSchema, Schema, SchemaGenerator};

    use super::{MappingRule, RoleRule, WrittenRoleRule, WrittenRule};

    /// Exactly one of the four keys.
    fn with_one_match(mut schema: Schema) -> Schema {
        let keys = ["group", "group_id", "glob", "regex"].map(|key| serde_json::json!({ "required": [key] }));
        schema.insert("oneOf".to_owned(), keys.to_vec().into());
        schema
    }

    impl JsonSchema for MappingRule {
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "MappingRule".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            with_one_match(WrittenRule::json_schema(generator))
        }
    }

    impl JsonSchema for RoleRule {
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "RoleRule".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            with_one_match(WrittenRoleRule::json_schema(generator))
        }
    }
}
