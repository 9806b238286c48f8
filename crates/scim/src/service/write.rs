//! Making, changing and removing resources.

use std::collections::BTreeSet;

use http::{StatusCode, request::Parts};
use serde_json::{Map, Value};
use vouchsafe::provisioning::GroupId;
use vouchsafe_store::{
    ScimApplied, ScimKey, ScimKind, ScimPage, ScimResource, ScimWrite, SignInError, StoreError,
};

use super::{
    ScimService,
    answer::{Answered, require_version},
    caller::Caller,
    change::{Asked, Change, form_of},
    groups, users,
};
use crate::{
    Patch, ScimError,
    query::Projection,
    resource,
    schema::{Described as _, urn},
};

/// How often a change is made anew because another one came between its reading and its writing.
const ATTEMPTS: usize = 8;

impl ScimService {
    pub(super) async fn create(
        &self,
        caller: &Caller,
        kind: ScimKind,
        body: Map<String, Value>,
        projection: &Projection,
    ) -> Result<Answered, ScimError> {
        require_kind(&body, kind)?;
        let members = groups::members_of(&body, kind)?;
        self.takes_turn_for(caller, members.as_ref().map_or(0, BTreeSet::len))?;
        let attributes = resource::attributes(body, kind, &self.shared.limits)?;
        let attributes = match kind {
            ScimKind::User => users::with_default(attributes),
            _ => groups::without_members(attributes),
        };
        let form = form_of(attributes, kind)?;
        let taken =
            || ScimError::Uniqueness { what: format!("the {} {:?}", kind.name_attribute(), form.name) };
        let key = ScimKey::Name(form.name.clone());
        if self.shared.store.count_scim(&caller.connection, kind, &key).await? > 0 {
            return Err(taken());
        }
        let change = match kind {
            ScimKind::User => users::created(&form),
            _ => self.group_created(caller, &form, members.unwrap_or_default()).await?,
        };
        let decision = caller.decision(change, None, ScimWrite::Put(form.clone()));
        let applied = match self.shared.store.decide_scim(decision).await {
            // Another request made it at the same time.
            Err(SignInError::Store(StoreError::ScimConflict { .. })) => return Err(taken()),
            other => other.map_err(unless_taken)?,
        };
        self.answer(caller, StatusCode::CREATED, applied, projection).await
    }

    pub(super) async fn read(
        &self,
        caller: &Caller,
        kind: ScimKind,
        id: &str,
        projection: &Projection,
    ) -> Result<Answered, ScimError> {
        let resource = self.found(caller, kind, id).await?;
        if kind == ScimKind::Group && !projection.leaves_out("members", kind) {
            self.takes_turn_for(caller, self.count_members(&[GroupId::new(id)]).await?)?;
        }
        self.written_out(caller, StatusCode::OK, &resource, projection).await
    }

    pub(super) async fn replace(
        &self,
        caller: &Caller,
        (kind, id): (ScimKind, &str),
        body: Map<String, Value>,
        projection: &Projection,
        request: &Parts,
    ) -> Result<Answered, ScimError> {
        require_kind(&body, kind)?;
        let applied = self.changed_resource(caller, (kind, id), &Asked::Replace(&body), request).await?;
        self.answer(caller, StatusCode::OK, applied, projection).await
    }

    pub(super) async fn patch(
        &self,
        caller: &Caller,
        (kind, id): (ScimKind, &str),
        body: Value,
        projection: &Projection,
        request: &Parts,
    ) -> Result<Answered, ScimError> {
        let patch = Patch::from_json(body, kind, &self.shared.limits)?;
        let applied = self.changed_resource(caller, (kind, id), &Asked::Patch(&patch), request).await?;
        // A group of many members is not written out for each who joins: 204 (RFC 7644, 3.5.2).
        if kind == ScimKind::Group
            && !projection.leaves_out("members", kind)
            && self.count_members(&[GroupId::new(id)]).await? > groups::MOST_WRITTEN_OUT
        {
            return Ok(Answered::nothing(applied.resource.as_ref()));
        }
        self.answer(caller, StatusCode::OK, applied, projection).await
    }

    pub(super) async fn delete(
        &self,
        caller: &Caller,
        kind: ScimKind,
        id: &str,
        request: &Parts,
    ) -> Result<Answered, ScimError> {
        self.changed_resource(caller, (kind, id), &Asked::Delete, request).await?;
        Ok(Answered::nothing(None))
    }

    /// Reads a resource, decides what is to become of it, and writes that if nobody else wrote it meanwhile; else once more.
    async fn changed_resource(
        &self,
        caller: &Caller,
        (kind, id): (ScimKind, &str),
        asked: &Asked<'_>,
        request: &Parts,
    ) -> Result<ScimApplied, ScimError> {
        for _ in 0..ATTEMPTS {
            let resource = self.found(caller, kind, id).await?;
            require_version(request, &resource)?;
            let Change { change, write } = match kind {
                ScimKind::User => users::changed(&resource, asked, &self.shared.limits)?,
                _ => self.group_changed(caller, &resource, asked).await?,
            };
            let decision = caller.decision(change, Some(&resource), write);
            match self.shared.store.decide_scim(decision).await {
                Err(SignInError::Store(StoreError::ScimConflict { .. })) => {}
                other => return other.map_err(unless_taken),
            }
        }
        Err(ScimError::Store(StoreError::scim_conflict()))
    }

    /// The resource of the connection with this id.
    async fn found(&self, caller: &Caller, kind: ScimKind, id: &str) -> Result<ScimResource, ScimError> {
        let (by, page) = (ScimKey::id(id), ScimPage::first(1));
        let found = self.shared.store.find_scim(&caller.connection, kind, &by, page).await?;
        found.into_iter().next().ok_or_else(|| ScimError::not_found(id))
    }

    async fn answer(
        &self,
        caller: &Caller,
        status: StatusCode,
        applied: ScimApplied,
        projection: &Projection,
    ) -> Result<Answered, ScimError> {
        match &applied.resource {
            Some(resource) => self.written_out(caller, status, resource, projection).await,
            None => Ok(Answered::nothing(None)),
        }
    }

    async fn written_out(
        &self,
        caller: &Caller,
        status: StatusCode,
        resource: &ScimResource,
        projection: &Projection,
    ) -> Result<Answered, ScimError> {
        let document = self.one_document(caller, resource, projection).await?;
        let location = self.location(resource.kind, &resource.id);
        Ok(Answered::resource(status, document, resource, location))
    }
}

/// What is taken already may be another thing than the name: an address, or its domain.
fn unless_taken(error: SignInError) -> ScimError {
    match error {
        SignInError::Store(StoreError::Taken { what, .. }) => ScimError::Uniqueness { what: what.to_owned() },
        other => other.into(),
    }
}

/// The schemas of a resource name its own, where they name any.
fn require_kind(body: &Map<String, Value>, kind: ScimKind) -> Result<(), ScimError> {
    let names = |schemas: &[Value], schema: &str| {
        schemas.iter().filter_map(Value::as_str).any(|text| text.eq_ignore_ascii_case(schema))
    };
    match crate::names::get(body, "schemas") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(schemas)) if names(schemas, kind.schema()) => Ok(()),
        // Some connectors name the extension alone.
        Some(Value::Array(schemas)) if kind == ScimKind::User && names(schemas, urn::ENTERPRISE) => Ok(()),
        _ => Err(ScimError::syntax(format!("schemas has {}", kind.schema()))),
    }
}
