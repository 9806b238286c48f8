//! What an operation's path means.

use vouchsafe_store::ScimKind;

use crate::{
    AttributePath, Filter, Limits, ScimError,
    schema::{Described as _, urn},
};

/// What an operation changes (RFC 7644, 3.5.2: `PATH = attrPath / valuePath [subAttr]`).
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// All of an extension: `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`.
    Schema(String),
    /// An attribute, or those of its elements that match.
    Attribute { path: AttributePath, filter: Option<Filter> },
}

impl Target {
    pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Target, ScimError> {
        if text.len() > limits.filter_bytes {
            return Err(ScimError::path(text, format!("it may have {} bytes", limits.filter_bytes)));
        }
        let is_schema = |schema: &&str| schema.eq_ignore_ascii_case(text);
        if [urn::USER, urn::GROUP, urn::ENTERPRISE].iter().any(is_schema) {
            return Ok(Target::Schema(text.to_owned()));
        }
        let Some((before, rest)) = text.split_once('[') else {
            return Ok(Target::Attribute { path: AttributePath::parse(text)?, filter: None });
        };
        let wrong = |reason: &str| ScimError::path(text, reason);
        // A bracket may stand in a text that is compared with: the last one is the end.
        let (filter, after) = rest.rsplit_once(']').ok_or_else(|| wrong("']' is missing"))?;
        let path = AttributePath::parse(before.trim())?;
        if path.part().is_some() {
            return Err(wrong("brackets must follow an attribute"));
        }
        let path = match after.trim() {
            "" => path,
            part => {
                let part = part.strip_prefix('.').ok_or_else(|| wrong("'.' must follow ']'"))?;
                let part = AttributePath::parse(part)?;
                if part.part().is_some() || part.schema().is_some() {
                    return Err(wrong("one sub-attribute must follow ']'"));
                }
                path.with_part(part.attribute())
            }
        };
        let filter = Filter::parse(filter, limits).map_err(|error| wrong(&error.to_string()))?;
        let has_brackets = |filter: &Filter| matches!(filter, Filter::Element { .. });
        if has_brackets(&filter) {
            return Err(wrong("brackets cannot be within brackets"));
        }
        Ok(Target::Attribute { path, filter: Some(filter) })
    }

    /// The name of the attribute as one word, for errors.
    pub(crate) fn shown(&self) -> String {
        match self {
            Target::Schema(schema) => schema.clone(),
            Target::Attribute { path, filter: None } => path.to_string(),
            Target::Attribute { path, filter: Some(filter) } => format!("{path} [{filter}]"),
        }
    }

    /// Whether it is a read-only attribute that a client sends along with the others.
    pub(crate) fn is_read_only(&self, kind: ScimKind) -> bool {
        match self {
            Target::Schema(_) => false,
            Target::Attribute { path, .. } => {
                path.extension(kind).is_none()
                    && kind.attribute(path.attribute()).is_some_and(crate::schema::Attribute::is_read_only)
            }
        }
    }
}
