//! PATCH (RFC 7644, 3.5.2), as the RFC, Okta and Entra ID write it.

mod apply;
mod members;
mod target;

use serde_json::{Map, Value};

use vouchsafe_store::ScimKind;

use crate::{Limits, ScimError, names, schema::urn};
pub(crate) use members::{MemberChanges, identifiers};
use target::Target;

/// A parsed PATCH: all of its operations are applied, or none.
///
/// ```
/// use serde_json::json;
/// use vouchsafe_scim::{Limits, Patch, ScimKind};
///
/// let limits = Limits::default();
/// let entra = json!({
///     "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
///     "Operations": [
///         {"op": "Replace", "path": "active", "value": "False"},
///         {"op": "Add", "path": "emails[type eq \"work\"].value", "value": "ada@example.com"},
///     ],
/// });
/// let patch = Patch::from_json(entra, ScimKind::User, &limits)?;
/// let before = json!({"userName": "ada", "active": true});
/// let after = patch.applied_to(before.as_object().unwrap(), &limits)?;
/// assert_eq!(after["active"], false);
/// assert_eq!(after["emails"], json!([{"type": "work", "value": "ada@example.com"}]));
/// # Ok::<(), vouchsafe_scim::ScimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Patch {
    kind: ScimKind,
    operations: Vec<Operation>,
}

#[derive(Clone, Debug)]
struct Operation {
    verb: Verb,
    target: Option<Target>,
    value: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

impl Patch {
    /// Parses the body of a PATCH.
    ///
    /// # Errors
    /// [`ScimError::InvalidSyntax`], [`ScimError::InvalidPath`], [`ScimError::InvalidFilter`]; [`ScimError::NoTarget`]
    /// for a removal without a path.
    pub fn from_json(body: Value, kind: ScimKind, limits: &Limits) -> Result<Patch, ScimError> {
        let Value::Object(mut body) = body else {
            return Err(ScimError::syntax("a PATCH is a JSON object"));
        };
        require_schema(&body, urn::PATCH)?;
        let Some(Value::Array(operations)) = names::remove(&mut body, "Operations") else {
            return Err(ScimError::syntax("a PATCH has a list of Operations"));
        };
        if operations.is_empty() {
            return Err(ScimError::syntax("a PATCH has at least one operation"));
        }
        if operations.len() > limits.patch_operations {
            let most = limits.patch_operations;
            return Err(ScimError::syntax(format!("a PATCH may have {most} operations")));
        }
        let read = |operation| Operation::from_json(operation, limits);
        let operations: Result<Vec<Operation>, ScimError> = operations.into_iter().map(read).collect();
        Ok(Patch { kind, operations: operations? })
    }

    /// The resource after all operations. `before` is not changed, so an error leaves nothing half done.
    ///
    /// # Errors
    /// [`ScimError::NoTarget`], [`ScimError::Mutability`], [`ScimError::InvalidValue`], [`ScimError::InvalidPath`].
    pub fn applied_to(
        &self,
        before: &Map<String, Value>,
        limits: &Limits,
    ) -> Result<Map<String, Value>, ScimError> {
        let mut after = before.clone();
        let mut gone_through = 0_usize;
        for operation in &self.operations {
            gone_through = gone_through.saturating_add(count_values(&after));
            if gone_through > limits.patch_values {
                let most = limits.patch_values;
                return Err(ScimError::syntax(format!("the operations go through more than {most} values")));
            }
            apply::apply(operation, &mut after, self.kind, limits)?;
            // Checked after each operation, since the next one works on its result.
            crate::resource::check_size(&after, self.kind, limits)?;
        }
        crate::resource::check(&after, self.kind, limits)?;
        Ok(after)
    }
}

/// The number of values of all multi-valued attributes of a resource together.
fn count_values(resource: &Map<String, Value>) -> usize {
    resource.values().filter_map(Value::as_array).map(Vec::len).fold(0, usize::saturating_add)
}

impl Operation {
    fn from_json(operation: Value, limits: &Limits) -> Result<Operation, ScimError> {
        let Value::Object(mut operation) = operation else {
            return Err(ScimError::syntax("an operation is a JSON object"));
        };
        let verb = match names::text(&operation, "op").map(str::to_ascii_lowercase).as_deref() {
            Some("add") => Verb::Add,
            Some("replace") => Verb::Replace,
            Some("remove") => Verb::Remove,
            _ => return Err(ScimError::syntax("an operation's op is add, replace or remove")),
        };
        let target = match names::remove(&mut operation, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.trim().is_empty() => None,
            Some(Value::String(path)) => Some(Target::parse(path.trim(), limits)?),
            Some(_) => return Err(ScimError::syntax("an operation's path is a text")),
        };
        let value = names::remove(&mut operation, "value");
        value.iter().try_for_each(|value| names::require_narrow(value, limits))?;
        match (verb, &target, &value) {
            (Verb::Remove, None, _) => Err(ScimError::no_target("")),
            (Verb::Add | Verb::Replace, _, None) => {
                Err(ScimError::value("value", "add and replace have a value"))
            }
            (Verb::Add | Verb::Replace, None, Some(value)) if !value.is_object() => {
                Err(ScimError::value("value", "without a path the value is an object of attributes"))
            }
            _ => Ok(Operation { verb, target, value }),
        }
    }
}

/// Whether the message lists this schema.
pub(crate) fn require_schema(body: &Map<String, Value>, schema: &str) -> Result<(), ScimError> {
    let is_it = |value: &Value| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(schema));
    match names::get(body, "schemas") {
        Some(Value::Array(schemas)) if schemas.iter().any(is_it) => Ok(()),
        _ => Err(ScimError::syntax(format!("schemas has {schema}"))),
    }
}
