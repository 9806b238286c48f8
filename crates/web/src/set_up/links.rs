//! The set-up links in the store.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::provisioning::Organization;
use vouchsafe_store::{Author, SetUpLink, SetUpLinkState, SetUpSecret, StoreError};

use super::error::SetUpError;
use super::settings::SetUp;

impl SetUp {
    /// Returns the link with this secret.
    pub(super) async fn opened(&self, secret: &SetUpSecret) -> Result<SetUpLink, SetUpError> {
        self.0.store.find_set_up_link(secret).await?.ok_or(SetUpError::LinkUnknown)
    }

    /// Returns the organization of a link.
    pub(super) async fn organization_of(&self, link: &SetUpLink) -> Result<Organization, SetUpError> {
        let found = self.0.store.organization(&link.organization).await?;
        let found = found.ok_or_else(|| StoreError::organization_unknown(&link.organization))?;
        Ok(found.value)
    }

    /// Changes the current state of a link, even if somebody else changed it since it was read.
    pub(super) async fn change_link(
        &self,
        id: &str,
        author: &Author,
        change: impl Fn(&mut SetUpLink),
    ) -> Result<(), SetUpError> {
        /// The maximum number of attempts if somebody else changes the link at the same time.
        const ATTEMPTS: usize = 5;
        for _ in 1..ATTEMPTS {
            match self.change_link_once(id, author, &change).await {
                Err(SetUpError::Store(conflict)) if conflict.is_conflict() => {}
                changed => return changed,
            }
        }
        self.change_link_once(id, author, &change).await
    }

    async fn change_link_once(
        &self,
        id: &str,
        author: &Author,
        change: impl Fn(&mut SetUpLink),
    ) -> Result<(), SetUpError> {
        let mut link = self.0.store.set_up_link(id).await?.ok_or(SetUpError::LinkUnknown)?;
        change(&mut link);
        self.0.store.update_set_up_link(&link, author).await?;
        Ok(())
    }

    /// Removes links a month after their expiry, and the drafts that they left. Until then, a person who opens one is told
    /// that it has expired.
    pub(crate) async fn sweep(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let before = now.checked_sub_signed(TimeDelta::days(30)).unwrap_or(DateTime::<Utc>::MIN_UTC);
        vouchsafe_store::sweep_set_up_links(self.0.store.as_ref(), before, now).await
    }
}

/// Checks that a link works.
pub(super) fn require_open(link: &SetUpLink, now: DateTime<Utc>) -> Result<(), SetUpError> {
    match link.state(now) {
        SetUpLinkState::Open => Ok(()),
        state => Err(SetUpError::LinkOver { state }),
    }
}
