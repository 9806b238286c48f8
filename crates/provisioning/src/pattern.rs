//! The groups that a rule selects: by id, name, glob or regular expression, each in time linear in its input.

use std::{collections::HashSet, fmt, iter::Peekable, str::Chars};

use regex::{Captures, Regex, RegexBuilder};
use regex_syntax::hir::{Hir, Look};
use serde::{Deserialize, Serialize};

use crate::{pattern_weight::weight, text::folded};

/// A group of a person, as a rule sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PresentedGroup<'g> {
    /// Its name.
    pub(crate) name: &'g str,
    /// The text that ids are compared with: the same text in a login, and the external id of a SCIM group.
    pub(crate) id: Option<&'g str>,
}

/// The selection of groups by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupMatch {
    /// `group = "..."`: the one of this name, whatever the case of the letters.
    Name(String),
    /// `group_id = "..."`: the one with exactly this id. Entra ID sends object ids.
    Id(String),
    /// `glob = "..."`: those whose whole name is so, whatever the case of the letters: `*` stands for any characters, `?` for one.
    Glob(String),
    /// `regex = "..."`: those whose whole name is so. The team's name may have what was captured in it: `$1`, `${name}`.
    Regex(GroupPattern),
}

impl GroupMatch {
    /// Whether the rule selects a group with this name and id.
    #[must_use]
    pub fn is_met_by(&self, group: &str) -> bool {
        self.meets(PresentedGroup { name: group, id: Some(group) })
    }

    pub(crate) fn meets(&self, group: PresentedGroup<'_>) -> bool {
        match self {
            Self::Name(name) => folded(name) == folded(group.name),
            Self::Id(id) => group.id == Some(id),
            Self::Glob(glob) => is_like(&folded(glob), &folded(group.name)),
            Self::Regex(pattern) => pattern.captures(group.name).is_some(),
        }
    }

    /// The name of a team, with captures of the group's name inserted.
    pub(crate) fn team_for(&self, group: &str, team: &str) -> String {
        let Self::Regex(pattern) = self else { return team.to_owned() };
        let mut name = String::new();
        if let Some(captures) = pattern.captures(group) {
            captures.expand(team, &mut name);
        }
        name
    }

    /// Whether it captures everything that a team's name refers to. A glob captures nothing, and the error gives the
    /// regular expression that does.
    pub(crate) fn gives_what_is_asked_for(&self, team: &str) -> Result<(), String> {
        match self {
            Self::Regex(pattern) => pattern.has_what_is_asked_for(team),
            Self::Glob(glob) => match references(team).first() {
                Some(reference) => Err(format!(
                    "a glob captures nothing, so that the team would be named with `${reference}` in it: write regex = '{}' instead",
                    as_regex(glob)
                )),
                None => Ok(()),
            },
            Self::Name(_) | Self::Id(_) => Ok(()),
        }
    }

    /// Whether the team's name can become this name, whatever is captured.
    pub(crate) fn could_give(&self, team: &str, name: &str) -> bool {
        match self {
            Self::Regex(_) => is_like(&folded(&with_anything_captured(team)), &folded(name)),
            _ => folded(team) == folded(name),
        }
    }

    /// The captures that the team's name refers to although the rule captures nothing. They are used literally.
    pub(crate) fn asks_in_vain(&self, team: &str) -> Option<String> {
        match self {
            Self::Name(_) | Self::Id(_) => references(team).into_iter().next(),
            Self::Glob(_) | Self::Regex(_) => None,
        }
    }

    /// The selection in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Id(_) => "id",
            Self::Glob(_) => "glob",
            Self::Regex(_) => "regex",
        }
    }
}

/// A regular expression over the whole name of a group, which is matched in linear time.
///
/// It has no look-around and no back-references, and its size is limited, so that no policy makes a sign-in slow.
#[derive(Clone)]
pub struct GroupPattern {
    written: String,
    compiled: Regex,
    weight: usize,
}

impl GroupPattern {
    /// The most bytes of a compiled expression. The size of a compiled expression depends on the features that other
    /// crates enable in `regex`; this is far above what the weight allows, so that whether a policy is accepted depends
    /// only on its text.
    const SIZE_LIMIT: usize = 16 * 1_024 * 1_024;

    /// The largest total weight of all expressions of one policy, in bytes of literals and ranges of classes, since
    /// they are compiled at every sign-in. `[a-z]` is one range, `\w` about 800.
    pub(crate) const MAX_WEIGHT: usize = 100_000;

    /// Parses an expression.
    ///
    /// # Errors
    ///
    /// The problem in words.
    pub fn new(written: impl Into<String>) -> Result<Self, String> {
        let written = written.into();
        // It is parsed by itself first, so that it cannot close the group that is put around it.
        let read = regex_syntax::parse(&written).map_err(|error| unreadable(&error.to_string()))?;
        // With the anchors that are compiled with it.
        let weight = weight(&Hir::concat(vec![Hir::look(Look::Start), read, Hir::look(Look::End)]));
        if weight > Self::MAX_WEIGHT {
            return Err(TOO_LARGE.to_owned());
        }
        let whole = RegexBuilder::new(&format!(r"\A(?:{written})\z")).size_limit(Self::SIZE_LIMIT).build();
        let compiled = whole.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => TOO_LARGE.to_owned(),
            other => unreadable(&other.to_string()),
        })?;
        Ok(Self { written, compiled, weight })
    }

    /// The cost of compiling it: see [`MAX_WEIGHT`](Self::MAX_WEIGHT).
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// The expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    fn captures<'g>(&self, group: &'g str) -> Option<Captures<'g>> {
        self.compiled.captures(group.trim())
    }

    /// Whether the expression captures everything that a team's name refers to.
    pub(crate) fn has_what_is_asked_for(&self, team: &str) -> Result<(), String> {
        for reference in references(team) {
            let is_there = match reference.parse::<usize>() {
                Ok(number) => number < self.compiled.captures_len(),
                Err(_) => self.compiled.capture_names().flatten().any(|name| name == reference),
            };
            if !is_there {
                return Err(format!("the team asks for `${reference}`, which the regex does not capture"));
            }
        }
        Ok(())
    }
}

/// The regular expression that is equivalent to a glob, with a capture for each `*` and `?`.
fn as_regex(glob: &str) -> String {
    let mut regex = "(?i)".to_owned();
    for character in glob.trim().chars() {
        match character {
            '*' => regex.push_str("(.*)"),
            '?' => regex.push_str("(.)"),
            '.' | '+' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' | '\\' => {
                regex.extend(['\\', character]);
            }
            other => regex.push(other),
        }
    }
    regex
}

const TOO_LARGE: &str = "the regex is too large";

/// The last line of the parser's error; the lines before it show the expression.
fn unreadable(error: &str) -> String {
    let last = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("the regex cannot be read: {last}")
}

/// What a team's name asks for, as `regex` reads it: `$1`, `$name`, `${name}`; `$$` is a dollar sign.
fn references(team: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut characters = team.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '$' {
            continue;
        }
        match characters.peek() {
            Some('$') => drop(characters.next()),
            Some('{') => {
                characters.next();
                let name: String = characters.by_ref().take_while(|character| *character != '}').collect();
                found.push(name);
            }
            _ => found.extend(word(&mut characters)),
        }
    }
    found
}

/// The team's name with `*` in place of each reference to a capture. A `*` or `?` in the name itself stays, so that the glob
/// matches more names rather than fewer.
fn with_anything_captured(team: &str) -> String {
    let mut glob = String::new();
    let mut characters = team.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '$' {
            glob.push(character);
            continue;
        }
        match characters.peek() {
            Some('$') => glob.extend(characters.next()),
            Some('{') => {
                glob.push('*');
                characters.by_ref().take_while(|character| *character != '}').for_each(drop);
            }
            _ => glob.push(if word(&mut characters).is_some() { '*' } else { '$' }),
        }
    }
    glob
}

fn word(characters: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut name = String::new();
    while let Some(character) = characters.next_if(|next| next.is_ascii_alphanumeric() || *next == '_') {
        name.push(character);
    }
    (!name.is_empty()).then_some(name)
}

impl PartialEq for GroupPattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for GroupPattern {}

impl fmt::Debug for GroupPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("GroupPattern").field(&self.written).finish()
    }
}

/// Whether a text matches a glob. If a `*` matched too little, only the last one is extended, which is sufficient.
fn is_like(glob: &str, text: &str) -> bool {
    let (mut glob, mut text) = (glob.chars(), text.chars());
    let mut last_star: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        let rest_of_text = text.clone();
        match (glob.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                last_star = Some((glob.clone(), rest_of_text.clone()));
                text = rest_of_text;
            }
            (Some(wanted), Some(there)) if wanted == '?' || wanted == there => {}
            _ => {
                let Some((after_star, mut from)) = last_star.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                (glob, text) = (after_star.clone(), from.clone());
                last_star = Some((after_star, from));
            }
        }
    }
}

/// The groups of a list such as `admission.required_groups`: names, and globs if they contain `*` or `?`. Case is
/// ignored.
pub(crate) struct NamedGroups {
    names: HashSet<String>,
    globs: Vec<String>,
}

impl NamedGroups {
    pub(crate) fn of<'n>(written: impl IntoIterator<Item = &'n String>) -> Self {
        let (globs, names): (Vec<String>, Vec<String>) =
            written.into_iter().map(|name| folded(name)).partition(|name| name.contains(['*', '?']));
        Self { names: names.into_iter().collect(), globs }
    }

    /// Whether a group of this name, in the form in which names are compared, is in the list.
    pub(crate) fn has(&self, folded: &str) -> bool {
        self.names.contains(folded) || self.globs.iter().any(|glob| is_like(glob, folded))
    }
}

/// The characters at which one value that holds a list is split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Split(String);

impl Split {
    /// The values in one value, without surrounding white space.
    pub(crate) fn values<'v>(&self, value: &'v str) -> impl Iterator<Item = &'v str> {
        value.split(move |character| self.0.contains(character)).map(str::trim)
    }
}

impl TryFrom<String> for Split {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_separator = |character: char| character.is_ascii_punctuation() || character == ' ';
        match (1..=4).contains(&text.len()) && text.chars().all(is_separator) {
            true => Ok(Self(text)),
            false => Err("a list is split at one to four signs, such as \",\" or \",;\""),
        }
    }
}

impl From<Split> for String {
    fn from(split: Split) -> Self {
        split.0
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Split {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Split".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": 4 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_is_met_by_the_whole_name() {
        for (glob, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("*", "anything", true),
            ("team-*", "team-red", true),
            ("team-*", "a team-red", false),
            ("*-admins", "red-admins", true),
            ("*-admins", "red-admins-2", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("?", "é", true),
            ("?", "", false),
            ("a?c", "abc", true),
            ("[a]", "a", false),
            ("a*", "b", false),
        ] {
            assert_eq!(is_like(glob, text), expected, "{glob} {text}");
        }
        // This must not take exponential time.
        let (glob, text) = ("a*".repeat(100) + "b", "a".repeat(5_000));
        assert!(!is_like(&glob, &text));
    }

    #[test]
    fn a_list_of_groups_has_names_and_globs() {
        let written = ["Everyone", " K6 * ", "a?c"].map(str::to_owned);
        let listed = NamedGroups::of(&written);
        for (group, expected) in [
            ("everyone", true),
            ("everyone else", false),
            ("k6 users", true),
            ("k6", false),
            ("the k6 users", false),
            ("abc", true),
            ("abbc", false),
            ("", false),
        ] {
            assert_eq!(listed.has(group), expected, "{group}");
        }
        assert!(!NamedGroups::of(&[]).has("k6"));
    }

    #[test]
    fn a_team_asks_for_what_is_captured() {
        let pattern = GroupPattern::new(r"k6-(?<team>[a-z]+)-(\w+)").unwrap();
        for (team, is_good) in [
            ("$team", true),
            ("${team}-$2", true),
            ("$$1", true),
            ("$3", false),
            ("${tea}", false),
            ("$team_x", false),
            ("100 $", true),
        ] {
            assert_eq!(pattern.has_what_is_asked_for(team).is_ok(), is_good, "{team}");
        }
        let by = GroupMatch::Regex(pattern);
        assert_eq!(by.team_for("k6-perf-rw", "${team} ($2)"), "perf (rw)");
        assert!(by.is_met_by(" k6-perf-rw ") && !by.is_met_by("x k6-perf-rw"));
    }

    #[test]
    fn a_team_with_captures_could_be_some_and_not_others() {
        let regex = GroupMatch::Regex(GroupPattern::new("(?P<team>.*)-(.*)").unwrap());
        for (team, name, could) in [
            ("$team", "Anything", true),
            ("Team $1", "team red", true),
            ("Team ${team} of $2", "Team Red of Acme", true),
            ("Team $1", "Red", false),
            ("${team}s", "Red", false),
            ("$$1", "$1", true),
            ("$$1", "Red", false),
            ("Plain", "plain", true),
        ] {
            assert_eq!(regex.could_give(team, name), could, "{team} {name}");
        }
        let plain = GroupMatch::Name("red".to_owned());
        assert!(plain.could_give("$1", "$1") && !plain.could_give("$1", "Red"));
    }

    #[test]
    fn a_glob_that_is_to_capture_is_refused_with_the_regex_that_does() {
        for (glob, regex) in [("k6-*", "(?i)k6-(.*)"), ("a.b?", r"(?i)a\.b(.)"), ("(x)*", r"(?i)\(x\)(.*)")] {
            let refused = GroupMatch::Glob(glob.to_owned()).gives_what_is_asked_for("$1").unwrap_err();
            assert!(refused.ends_with(&format!("write regex = '{regex}' instead")), "{refused}");
            let captures = GroupMatch::Regex(GroupPattern::new(regex).unwrap());
            assert!(captures.gives_what_is_asked_for("$1").is_ok());
        }
        let by = GroupMatch::Regex(GroupPattern::new("(?i)k6-(.*)").unwrap());
        assert_eq!(by.team_for("K6-Red", "$1"), "Red");
        assert!(GroupMatch::Glob("k6-*".to_owned()).gives_what_is_asked_for("100 $ & $$1").is_ok());
        assert_eq!(GroupMatch::Name("a".to_owned()).asks_in_vain("$1").as_deref(), Some("1"));
        assert_eq!(GroupMatch::Name("a".to_owned()).asks_in_vain("100 $"), None);
    }

    #[test]
    fn a_regex_that_is_wrong_or_large_is_refused() {
        for wrong in ["(", "a)|(b", "(?=a)", r"(a)\1", "a{100000}"] {
            assert!(GroupPattern::new(wrong).is_err(), "{wrong}");
        }
        assert!(GroupPattern::new("a|b").unwrap().captures("ab").is_none(), "the whole name");
    }

    #[test]
    fn a_list_is_split_at_signs() {
        let split = Split::try_from(",;".to_owned()).unwrap();
        assert_eq!(split.values("a, b;c").collect::<Vec<_>>(), ["a", "b", "c"]);
        for wrong in ["", "a", ",;|/:", "é"] {
            assert!(Split::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
