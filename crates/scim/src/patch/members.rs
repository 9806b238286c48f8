//! A PATCH of a group that says who joins and who leaves, without anybody having to know who is in it.

use std::collections::BTreeSet;

use serde_json::Value;
use vouchsafe_store::ScimKind;

use super::{Operation, Patch, Target, Verb};
use crate::{Filter, ScimError, names};

/// Who joins and who leaves a group. Nobody is in both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemberChanges {
    pub(crate) join: BTreeSet<String>,
    pub(crate) leave: BTreeSet<String>,
}

impl Patch {
    /// What the operations say of members, with the PATCH of everything else; `None` where it can only be told from who is in the group.
    pub(crate) fn member_changes(&self) -> Result<Option<(MemberChanges, Patch)>, ScimError> {
        let mut changes = MemberChanges::default();
        let mut others = Vec::new();
        for operation in &self.operations {
            match about_members(operation) {
                About::Others => others.push(operation.clone()),
                About::Members(filter) => {
                    if !changes.take(operation, filter)? {
                        return Ok(None);
                    }
                }
                About::Both => return Ok(None),
            }
        }
        Ok(Some((changes, Patch { kind: self.kind, operations: others })))
    }

    /// Whether it has no operation.
    pub(crate) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

impl MemberChanges {
    /// Takes an operation in; whether it could be.
    fn take(&mut self, operation: &Operation, filter: Option<&Filter>) -> Result<bool, ScimError> {
        let named = match (operation.verb, filter, &operation.value) {
            (Verb::Add, None, Some(value)) => identifiers(value)?,
            (Verb::Remove, None, Some(value)) if !value.is_null() => identifiers(value)?,
            (Verb::Remove, Some(filter), _) => match filter.as_equalities().as_deref() {
                Some([(name, Value::String(id))]) if name.eq_ignore_ascii_case("value") => vec![id.clone()],
                _ => return Ok(false),
            },
            _ => return Ok(false),
        };
        let is_joining = operation.verb == Verb::Add;
        for id in named {
            let (to, from) = match is_joining {
                true => (&mut self.join, &mut self.leave),
                false => (&mut self.leave, &mut self.join),
            };
            from.remove(&id);
            to.insert(id);
        }
        Ok(true)
    }
}

enum About<'o> {
    Members(Option<&'o Filter>),
    Others,
    Both,
}

fn about_members(operation: &Operation) -> About<'_> {
    match &operation.target {
        Some(Target::Attribute { path, filter })
            if path.extension(ScimKind::Group).is_none()
                && path.attribute().eq_ignore_ascii_case("members") =>
        {
            if path.part().is_none() {
                About::Members(filter.as_ref())
            } else {
                About::Both
            }
        }
        Some(Target::Attribute { .. }) => About::Others,
        Some(Target::Schema(_)) => About::Both,
        None => {
            let value = operation.value.as_ref().and_then(Value::as_object);
            let mentions = |name: &String| name.to_ascii_lowercase().contains("members");
            match value.is_some_and(|value| value.keys().any(mentions)) {
                true => About::Both,
                false => About::Others,
            }
        }
    }
}

/// The identifiers of members: a list of `{"value": id}`, one of them, or the identifiers alone.
pub(crate) fn identifiers(members: &Value) -> Result<Vec<String>, ScimError> {
    let wrong = || ScimError::value("members", "a member has a value, which is the identifier of a user");
    let identifier = |member: &Value| match member {
        Value::String(id) if !id.is_empty() => Ok(id.clone()),
        Value::Object(parts) => names::text(parts, "value").map(str::to_owned).ok_or_else(wrong),
        _ => Err(wrong()),
    };
    match members {
        Value::Array(members) => members.iter().map(identifier).collect(),
        Value::Null => Ok(Vec::new()),
        single => Ok(vec![identifier(single)?]),
    }
}
