//! People: what a resource says of one, as a fact.

use serde_json::{Map, Value};
use vouchsafe::provisioning::{AccountId, ScimChange, ScimUser};
use vouchsafe_store::{ScimForm, ScimKind, ScimResource, ScimWrite};

use super::change::{Asked, Change, form_of, keep};
use crate::{Limits, ScimError, names, resource};

/// People are active unless it is said otherwise.
pub(super) fn with_default(mut attributes: Map<String, Value>) -> Map<String, Value> {
    attributes.entry("active").or_insert(Value::Bool(true));
    attributes
}

pub(super) fn created(form: &ScimForm) -> ScimChange {
    ScimChange::CreateUser(described(form))
}

/// What is to become of a person.
pub(super) fn changed(
    resource: &ScimResource,
    asked: &Asked<'_>,
    limits: &Limits,
) -> Result<Change, ScimError> {
    let account = AccountId::new(resource.id.as_str());
    let attributes = match asked {
        Asked::Delete => {
            return Ok(Change { change: ScimChange::delete_user(account), write: ScimWrite::Remove });
        }
        Asked::Replace(body) => {
            let mut attributes = resource::attributes((*body).clone(), ScimKind::User, limits)?;
            keep(&mut attributes, resource, &["active", "externalId"]);
            attributes
        }
        Asked::Patch(patch) => patch.applied_to(&resource.attributes, limits)?,
    };
    let form = form_of(attributes, ScimKind::User)?;
    Ok(Change { change: ScimChange::set_user(account, described(&form)), write: ScimWrite::Put(form) })
}

/// What the attributes say of a person that the service uses.
fn described(form: &ScimForm) -> ScimUser {
    let attributes = &form.attributes;
    let name = names::get(attributes, "name").and_then(Value::as_object);
    let part = |part: &str| name.and_then(|name| names::text(name, part)).map(str::to_owned);
    let mut user = ScimUser::new(form.name.as_str());
    user.external_id.clone_from(&form.external_id);
    user.email = email(attributes);
    user.first_name = part("givenName");
    user.last_name = part("familyName");
    user.active = names::get(attributes, "active").and_then(Value::as_bool);
    user
}

/// The primary address; else that of the type work; else the first.
fn email(attributes: &Map<String, Value>) -> Option<String> {
    let emails = names::get(attributes, "emails").and_then(Value::as_array)?;
    let usable: Vec<&Map<String, Value>> = emails
        .iter()
        .filter_map(Value::as_object)
        .filter(|email| names::text(email, "value").is_some())
        .collect();
    let is_primary = |email: &&&Map<String, Value>| names::get(email, "primary") == Some(&Value::Bool(true));
    let is_work = |email: &&&Map<String, Value>| {
        names::text(email, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
    };
    let chosen =
        usable.iter().find(is_primary).or_else(|| usable.iter().find(is_work)).or_else(|| usable.first());
    chosen.and_then(|email| names::text(email, "value")).map(|address| address.trim().to_owned())
}
