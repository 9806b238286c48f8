//! Forms that were posted without a session, kept until the person has signed in.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::Answer;

/// A sealed form. The caller seals it, so that neither the store nor its backups contain anything readable.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever keeps forms makes it")]
pub struct SealedForm {
    /// A random handle that finds the form. It is not secret.
    pub handle: String,
    /// The hash of a value that only the browser that posted the form holds. Only this browser gets the form back.
    pub binding_hash: String,
    /// The sealed form.
    pub sealed: Vec<u8>,
    /// When the form expires.
    pub expires_at: DateTime<Utc>,
}

impl fmt::Debug for SealedForm {
    /// Shows only what is not personal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("SealedForm");
        shown.field("bytes", &self.sealed.len()).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The most that a store keeps of all forms together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "it is made by whoever keeps forms")]
pub struct FormLimits {
    /// The number of forms.
    pub forms: u64,
    /// The number of bytes of the sealed forms.
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
    /// Keeps a form. If there are more forms than the limits allow, the oldest are removed. A form that is larger than
    /// the limit of all forms together is not kept.
    fn keep_form<'a>(
        &'a self,
        form: &'a SealedForm,
        limits: FormLimits,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()>;

    /// Removes and answers the form with this handle if it has this hash; a form with another hash stays. If many ask
    /// at the same time, one of them gets it. Nobody gets an expired form.
    fn take_form<'a>(
        &'a self,
        handle: &'a str,
        binding_hash: &'a str,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<Vec<u8>>>;

    /// The number of kept forms that have not expired.
    fn count_forms(&self, now: DateTime<Utc>) -> Answer<'_, u64>;

    /// Deletes the expired forms and answers how many there were.
    fn sweep_forms(&self, now: DateTime<Utc>) -> Answer<'_, u64>;
}
