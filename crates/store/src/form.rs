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
    /// The network that the form came from, in any representation that can be compared; `None` if it is not known.
    /// Forms from unknown networks count as forms of one network without limits of its own.
    pub network: Option<String>,
}

impl fmt::Debug for SealedForm {
    /// Shows only what is not personal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("SealedForm");
        shown.field("bytes", &self.sealed.len()).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// How much a store keeps of forms at most.
///
/// A client that posts many forms removes forms of its own network. If a network exceeds its limits, its oldest forms
/// are removed. If all forms together exceed the limits, the oldest forms of the networks with the most are removed:
/// the newest form of every network stays before the second form of any, and of two forms the one stays with which its
/// network has fewer bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "it is made by whoever keeps forms")]
pub struct FormLimits {
    /// The maximum number of forms.
    pub forms: u64,
    /// The maximum size of all forms together in bytes, as they are stored.
    pub bytes: u64,
    /// The maximum number of forms from one network.
    pub forms_of_network: u64,
    /// The maximum size of the forms from one network in bytes.
    pub bytes_of_network: u64,
}

impl FormLimits {
    /// For stores: returns whether a form may be kept. A form that is larger than a limit for all may not.
    #[must_use]
    pub fn allow(&self, form: &SealedForm) -> bool {
        let size = u64::try_from(form.sealed.len()).unwrap_or(u64::MAX);
        let of_network =
            form.network.is_none() || (self.forms_of_network > 0 && size <= self.bytes_of_network);
        self.forms > 0 && size <= self.bytes && of_network
    }
}

/// Keeps forms that were posted without a session, for all processes of a service.
///
/// ```
/// use chrono::{DateTime, Utc};
/// use vouchsafe_store::{FormLimits, FormStore, Memory, SealedForm};
///
/// # async fn example(form: SealedForm, now: DateTime<Utc>) -> Result<(), vouchsafe_store::StoreError> {
/// let store = Memory::new();
/// store.keep_form(&form, FormLimits { forms: 256, bytes: 8 << 20, forms_of_network: 64, bytes_of_network: 2 << 20 }, now).await?;
/// assert_eq!(store.find_form(&form.handle, &form.binding_hash, now).await?.as_ref(), Some(&form.sealed));
/// let taken = store.take_form(&form.handle, &form.binding_hash, now).await?;
/// assert_eq!(taken.as_ref(), Some(&form.sealed));
/// assert!(store.take_form(&form.handle, &form.binding_hash, now).await?.is_none());
/// # Ok(())
/// # }
/// ```
pub trait FormStore: Send + Sync + fmt::Debug {
    /// Stores a form if the limits [allow](FormLimits::allow) it. Other forms are removed if there are more than the
    /// limits permit ([`FormLimits`]). The new form stays, even if the clocks of several machines differ.
    fn keep_form<'a>(
        &'a self,
        form: &'a SealedForm,
        limits: FormLimits,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()>;

    /// The form with this handle and binding hash, unless it has expired. It stays stored.
    fn find_form<'a>(
        &'a self,
        handle: &'a str,
        binding_hash: &'a str,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<Vec<u8>>>;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_would_go_at_once_is_not_allowed() {
        let limits = FormLimits { forms: 2, bytes: 10, forms_of_network: 1, bytes_of_network: 5 };
        let form = |bytes: usize, network: Option<&str>| SealedForm {
            handle: "handle".to_owned(),
            binding_hash: "hash".to_owned(),
            sealed: vec![0; bytes],
            expires_at: DateTime::UNIX_EPOCH,
            network: network.map(str::to_owned),
        };
        assert!(limits.allow(&form(10, None)) && !limits.allow(&form(11, None)));
        assert!(limits.allow(&form(5, Some("a"))) && !limits.allow(&form(6, Some("a"))));
        let none = FormLimits { forms: 0, ..limits };
        assert!(!none.allow(&form(1, None)));
        let none_of_network = FormLimits { forms_of_network: 0, ..limits };
        assert!(!none_of_network.allow(&form(1, Some("a"))) && none_of_network.allow(&form(1, None)));
    }
}
