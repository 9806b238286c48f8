//! How a resource is asked to change, and what is to become of it.

use serde_json::{Map, Value};
use vouchsafe::provisioning::ScimChange;
use vouchsafe_store::{ScimForm, ScimKind, ScimResource, ScimWrite};

use crate::{Patch, ScimError, names, schema::Described as _};

/// What is to become of a resource.
pub(super) struct Change {
    pub(super) change: ScimChange,
    pub(super) write: ScimWrite,
}

/// How a resource is asked to change.
pub(super) enum Asked<'a> {
    Replace(&'a Map<String, Value>),
    Patch(&'a Patch),
    Delete,
}

/// What is kept of attributes: the name and the external id stand for themselves.
pub(super) fn form_of(attributes: Map<String, Value>, kind: ScimKind) -> Result<ScimForm, ScimError> {
    let name = names::text(&attributes, kind.name_attribute());
    let name =
        name.ok_or_else(|| ScimError::value(kind.name_attribute(), "it is required"))?.trim().to_owned();
    let external_id = names::text(&attributes, "externalId").map(str::to_owned);
    Ok(ScimForm::new(kind, name, external_id, attributes))
}

/// What a PUT leaves as it is where it does not say it, as RFC 7644, 3.5.1 allows: whether a person is active, and what a resource is known by at
/// the identity provider.
pub(super) fn keep(attributes: &mut Map<String, Value>, resource: &ScimResource, names: &[&str]) {
    for name in names {
        if let (None, Some(known)) = (attributes.get(*name), resource.attributes.get(*name)) {
            attributes.insert((*name).to_owned(), known.clone());
        }
    }
}
