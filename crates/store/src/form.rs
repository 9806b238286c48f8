//! Forms that were posted without a session, until the person has signed in.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::Answer;

/// A form as a store keeps it: sealed by whoever keeps it, so that a store and its backups hold nothing that can be read.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever keeps forms makes it")]
pub struct SealedForm {
    /// What it is found by: random, and no secret.
    pub handle: String,
    /// The hash of what the browser holds that posted it. Nobody else gets it.
    pub binding_hash: String,
    /// The sealed form.
    pub sealed: Vec<u8>,
    /// Until when it is kept.
    pub expires_at: DateTime<Utc>,
}

impl fmt::Debug for SealedForm {
    /// Shows what may be told.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("SealedForm");
        shown.field("bytes", &self.sealed.len()).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// How much a store keeps of forms at most, all of them together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "it is made by whoever keeps forms")]
pub struct FormLimits {
    /// How many.
    pub forms: u64,
    /// How many bytes, as they are sealed.
    pub bytes: u64,
}

/// Keeps forms that were posted without a session, for all processes of a service.
///
/// ```
/// use chrono::{DateTime, Utc};
/// use vouchsafe_store::{FormLimits, FormStore, Memory, SealedForm};
///
/// # async fn example(form: SealedForm, now: DateTime<Utc>) -> Result<(), vouchsafe_store::StoreError> {
/// let store = Memory::new();
/// store.keep_form(&form, FormLimits { forms: 256, bytes: 8 << 20 }, now).await?;
/// let taken = store.take_form(&form.handle, &form.binding_hash, now).await?;
/// assert_eq!(taken.as_ref(), Some(&form.sealed));
/// assert!(store.take_form(&form.handle, &form.binding_hash, now).await?.is_none());
/// # Ok(())
/// # }
/// ```
pub trait FormStore: Send + Sync + fmt::Debug {
    /// Keeps a form. The oldest give way where there are more than the limits allow; one that is larger than all together is not kept.
    fn keep_form<'a>(
        &'a self,
        form: &'a SealedForm,
        limits: FormLimits,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()>;

    /// Takes out the form of a handle that has this hash. One of another hash stays. Of many who ask at the same time one gets it; nobody gets
    /// one whose time is over.
    fn take_form<'a>(
        &'a self,
        handle: &'a str,
        binding_hash: &'a str,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<Vec<u8>>>;

    /// How many are kept whose time is not over.
    fn count_forms(&self, now: DateTime<Utc>) -> Answer<'_, u64>;

    /// Forgets the forms whose time is over; how many.
    fn sweep_forms(&self, now: DateTime<Utc>) -> Answer<'_, u64>;
}
