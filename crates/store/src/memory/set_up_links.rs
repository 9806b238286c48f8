//! Set-up links in memory.

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::{Actor, OrganizationId};

use super::{Memory, State, sweep};
use crate::{
    Answer, AuditRecord, Author, ConnectionDecision, SetUpLink, SetUpSecret, SetUpStore, StoreError,
};

impl SetUpStore for Memory {
    fn add_set_up_link<'a>(
        &'a self,
        secret: &'a SetUpSecret,
        link: &'a SetUpLink,
        author: &'a Author,
    ) -> Answer<'a, ()> {
        self.with(move |state| {
            state.held(&link.organization)?;
            if state.set_up_links.iter().any(|(hash, known)| hash == secret.hash() || known.id == link.id) {
                return Err(StoreError::taken("the set-up link"));
            }
            let first = link.first();
            state.audit.extend(AuditRecord::of_set_up_link(None, &first, author));
            state.set_up_links.insert(secret.hash().to_owned(), first);
            Ok(())
        })
    }

    fn find_set_up_link<'a>(&'a self, secret: &'a SetUpSecret) -> Answer<'a, Option<SetUpLink>> {
        self.with(move |state| Ok(state.set_up_links.get(secret.hash()).cloned()))
    }

    fn set_up_link<'a>(&'a self, id: &'a str) -> Answer<'a, Option<SetUpLink>> {
        self.with(move |state| Ok(state.link(id).cloned()))
    }

    fn set_up_links_of<'a>(&'a self, organization: &'a OrganizationId) -> Answer<'a, Vec<SetUpLink>> {
        self.with(move |state| {
            let of_organization = state.set_up_links.values().filter(|one| one.organization == *organization);
            let mut links: Vec<SetUpLink> = of_organization.cloned().collect();
            links.sort_by(|one, other| (one.issued_at, &one.id).cmp(&(other.issued_at, &other.id)));
            Ok(links)
        })
    }

    fn update_set_up_link<'a>(&'a self, link: &'a SetUpLink, author: &'a Author) -> Answer<'a, u64> {
        self.with(move |state| {
            let mut all = state.set_up_links.values_mut();
            let known = all.find(|known| known.id == link.id).ok_or_else(StoreError::set_up_link_unknown)?;
            let next = link.in_place_of(known)?;
            state.audit.extend(AuditRecord::of_set_up_link(Some(known), &next, author));
            *known = next;
            Ok(known.revision)
        })
    }

    fn set_up_links_over(&self, before: DateTime<Utc>) -> Answer<'_, Vec<SetUpLink>> {
        self.with(move |state| {
            let over = state.set_up_links.values().filter(|link| link.expires_at <= before);
            let mut links: Vec<SetUpLink> = over.cloned().collect();
            links.sort_by(|one, other| (one.expires_at, &one.id).cmp(&(other.expires_at, &other.id)));
            links.truncate(SetUpLink::MOST_OVER);
            Ok(links)
        })
    }

    fn delete_set_up_links<'a>(&'a self, ids: &'a [String], before: DateTime<Utc>) -> Answer<'a, u64> {
        self.with(move |state| {
            let is_over = |link: &SetUpLink| link.expires_at <= before && ids.contains(&link.id);
            Ok(sweep(&mut state.set_up_links, is_over))
        })
    }
}

impl State {
    /// Refuses what the holder of a link asks for if the link does not work any more.
    pub(super) fn require_open_link(&self, author: &Author) -> Result<(), StoreError> {
        let Actor::SetUpLink(id) = &author.actor else { return Ok(()) };
        SetUpLink::require_open(self.link(id), author.at)
    }

    /// Refuses to end what a link left if the link was renewed since it was found to be over.
    pub(super) fn require_link_over(&self, decision: &ConnectionDecision) -> Result<(), StoreError> {
        let Some((id, before)) = decision.link_that_left_it() else { return Ok(()) };
        SetUpLink::require_over(self.link(id), before)
    }

    fn link(&self, id: &str) -> Option<&SetUpLink> {
        self.set_up_links.values().find(|link| link.id == id)
    }
}
