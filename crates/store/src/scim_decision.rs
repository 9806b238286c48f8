//! A SCIM request that is decided in the transaction that writes its result.

use vouchsafe::{
    ConnectionState,
    provisioning::{AccountId, OrganizationId, Plan, PlanRefusal, ScimChange, ScimFact, Snapshot, TokenHash},
};

use crate::{
    AskedDecision, AuditedRefusal, Decided, Decision, ScimKind, ScimResource, ScimToken, ScimWrite,
    SignInError, StoreError,
};

/// A SCIM request, and what its resource becomes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScimDecision {
    /// The organization of the connection.
    pub organization: OrganizationId,
    /// The token that the request came with.
    pub token: TokenHash,
    /// The request.
    pub fact: ScimFact,
    /// The resource that the fact was made from, and its revision; `None` if the resource is created.
    pub from: Option<ScimRevision>,
    /// What is written to the resource.
    pub write: ScimWrite,
}

impl ScimDecision {
    /// A decision. The time of the fact is when the whole request was there.
    #[must_use]
    pub fn new(
        organization: OrganizationId,
        token: TokenHash,
        fact: ScimFact,
        from: Option<ScimRevision>,
        write: ScimWrite,
    ) -> Self {
        Self { organization, token, fact, from, write }
    }

    /// For stores: whether the request may still be decided. `token` was read in the transaction by
    /// [its hash](Self::token), and `connection` is the state of the stored connection; `None` if there is none of that
    /// id. Nobody may end the token or change the state before the transaction has ended.
    ///
    /// While the connection signs nobody in, because an operator made it a draft again, only changes that [end
    /// access](ScimChange::ends_access) are accepted.
    ///
    /// # Errors
    /// [`StoreError::ScimTokenInvalid`] if the token is unknown, revoked or expired, or is one of another connection, and
    /// [`PlanRefusal::ConnectionState`]. The transaction is then rolled back, and the store notes the
    /// [refusal](Self::refused).
    pub fn is_still_acceptable(
        &self,
        token: Option<&ScimToken>,
        connection: Option<ConnectionState>,
    ) -> Result<(), SignInError> {
        if !token.is_some_and(|token| self.came_with(token) && token.record.works_at(self.fact.at)) {
            return Err(StoreError::scim_token_invalid().into());
        }
        match connection {
            Some(state) if state != ConnectionState::Active && !self.fact.change.ends_access() => {
                let connection = self.fact.connection.clone();
                Err(PlanRefusal::connection_state(connection, state.name(), "provisioned over").into())
            }
            _ => Ok(()),
        }
    }

    /// For stores: the audit record of the refusal of this decision on a snapshot; `None` if there is nothing to note.
    #[must_use]
    pub fn refused(
        &self,
        before: &Snapshot,
        token: Option<&ScimToken>,
        refusal: &SignInError,
    ) -> Option<AuditedRefusal> {
        match refusal {
            SignInError::Store(StoreError::ScimTokenInvalid { .. }) => {
                let token = token.filter(|token| self.came_with(token))?;
                Some(AuditedRefusal::of_scim_token(token, self.fact.at))
            }
            _ => AskedDecision::scim(&self.fact).refused(before, refusal),
        }
    }

    /// Whether a token is one of the connection of the request.
    fn came_with(&self, token: &ScimToken) -> bool {
        token.record.hash == self.token
            && token.organization == self.organization
            && token.connection == self.fact.connection
    }

    /// For stores: the id of the resource, which may be that of the account that was found or created.
    #[must_use]
    pub fn resource_id<'a>(&'a self, decided: &'a Decided) -> Option<&'a str> {
        match (&self.from, &self.fact.change) {
            (Some(from), _) => Some(&from.id),
            (None, ScimChange::CreateGroup { id, .. }) => Some(id.as_str()),
            _ => decided.account.as_ref().map(AccountId::as_str),
        }
    }

    /// For stores: the kind of the resource.
    #[must_use]
    pub fn kind(&self) -> ScimKind {
        match &self.fact.change {
            ScimChange::CreateUser(_) | ScimChange::SetUser { .. } | ScimChange::DeleteUser { .. } => {
                ScimKind::User
            }
            _ => ScimKind::Group,
        }
    }

    /// For stores: the decision over the directory.
    #[must_use]
    pub fn decision(&self) -> Decision {
        Decision::scim(self.organization.clone(), self.fact.clone())
    }

    /// For stores: the resource to write; `None` if it is removed. `stored` was read in the transaction by the
    /// connection and the [`resource_id`](Self::resource_id).
    ///
    /// # Errors
    /// [`StoreError::ScimConflict`] if the resource is not at the revision that was read, or exists where a new one is
    /// created.
    pub fn written(
        &self,
        stored: Option<&ScimResource>,
        decided: &Decided,
    ) -> Result<Option<ScimResource>, StoreError> {
        if self.from.as_ref().map(|from| from.revision) != stored.map(|stored| stored.revision) {
            return Err(StoreError::scim_conflict());
        }
        let ScimWrite::Put(form) = &self.write else { return Ok(None) };
        let id = self.resource_id(decided);
        let id = id.ok_or_else(|| StoreError::damaged("plan", "it is about no account"))?;
        let written = ScimResource {
            connection: self.fact.connection.clone(),
            kind: form.kind,
            id: id.to_owned(),
            name: form.name.clone(),
            external_id: form.external_id.clone(),
            attributes: form.attributes.clone(),
            created_at: stored.map_or(self.fact.at, |stored| stored.created_at),
            modified_at: stored.map_or(self.fact.at, |stored| stored.modified_at),
            revision: stored.map_or(0, |stored| stored.revision),
            number: stored.map_or(0, |stored| stored.number),
        };
        match stored == Some(&written) && decided.plan.is_empty() {
            true => Ok(Some(written)),
            false => Ok(Some(ScimResource {
                modified_at: written.modified_at.max(self.fact.at),
                revision: written.revision.saturating_add(1),
                ..written
            })),
        }
    }
}

/// A resource at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScimRevision {
    /// Its kind.
    pub kind: ScimKind,
    /// Its id.
    pub id: String,
    /// Its revision.
    pub revision: u64,
}

impl From<&ScimResource> for ScimRevision {
    fn from(resource: &ScimResource) -> Self {
        Self { kind: resource.kind, id: resource.id.clone(), revision: resource.revision }
    }
}

/// The result of a SCIM request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScimApplied {
    /// The plan.
    pub plan: Plan,
    /// The resource after the request; `None` if it was removed.
    pub resource: Option<ScimResource>,
}

impl ScimApplied {
    /// For stores: the result of a SCIM request.
    #[must_use]
    pub fn new(plan: Plan, resource: Option<ScimResource>) -> Self {
        Self { plan, resource }
    }
}
