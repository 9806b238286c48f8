//! Forms in memory.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use chrono::{DateTime, Utc};

use super::Memory;
use crate::{Answer, FormLimits, FormStore, SealedForm};

/// The forms, and their handles in the order in which they arrived.
#[derive(Default)]
pub(super) struct Forms {
    by_handle: HashMap<String, SealedForm>,
    in_order: VecDeque<String>,
    bytes: u64,
}

impl fmt::Debug for Forms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Forms").field("count", &self.by_handle.len()).finish_non_exhaustive()
    }
}

fn size(form: &SealedForm) -> u64 {
    u64::try_from(form.sealed.len()).unwrap_or(u64::MAX)
}

impl Forms {
    fn keep(&mut self, form: &SealedForm, limits: FormLimits, now: DateTime<Utc>) {
        self.sweep(now);
        if !limits.allow(form) {
            return;
        }
        self.forget(&form.handle);
        self.bytes = self.bytes.saturating_add(size(form));
        self.in_order.push_back(form.handle.clone());
        self.by_handle.insert(form.handle.clone(), form.clone());
        if form.network.is_some() {
            let of_network = self.newest_first().into_iter().filter(|kept| kept.network == form.network);
            let too_many = |kept: &Kept| {
                kept.place_in_network > limits.forms_of_network
                    || kept.bytes_in_network > limits.bytes_of_network
            };
            self.forget_all(of_network.filter(too_many).map(|kept| kept.handle).collect());
        }
        if self.count() > limits.forms || self.bytes > limits.bytes {
            let newest_first = self.newest_first();
            let many = beyond(&newest_first, limits.forms, |kept| kept.place_in_network, |_| 1);
            let large = beyond(&newest_first, limits.bytes, |kept| kept.bytes_in_network, |kept| kept.size);
            self.forget_all(many.into_iter().chain(large).collect());
        }
    }

    /// Returns all forms, the newest first, with the totals of their networks up to each form.
    fn newest_first(&self) -> Vec<Kept> {
        let mut networks: HashMap<Option<&String>, (u64, u64)> = HashMap::new();
        let forms = self.in_order.iter().rev().filter_map(|handle| self.by_handle.get(handle));
        let kept = forms.map(|form| {
            let (place, bytes) = networks.entry(form.network.as_ref()).or_default();
            (*place, *bytes) = (place.saturating_add(1), bytes.saturating_add(size(form)));
            Kept {
                handle: form.handle.clone(),
                network: form.network.clone(),
                size: size(form),
                place_in_network: *place,
                bytes_in_network: *bytes,
            }
        });
        kept.collect()
    }

    fn forget_all(&mut self, handles: Vec<String>) {
        for handle in handles {
            self.forget(&handle);
        }
    }

    fn take(&mut self, handle: &str, binding_hash: &str, now: DateTime<Utc>) -> Option<Vec<u8>> {
        self.by_handle.get(handle).filter(|form| form.binding_hash == binding_hash)?;
        let form = self.forget(handle)?;
        (now < form.expires_at).then_some(form.sealed)
    }

    fn forget(&mut self, handle: &str) -> Option<SealedForm> {
        let form = self.by_handle.remove(handle)?;
        self.in_order.retain(|other| other != handle);
        self.bytes = self.bytes.saturating_sub(size(&form));
        Some(form)
    }

    fn count(&self) -> u64 {
        u64::try_from(self.by_handle.len()).unwrap_or(u64::MAX)
    }

    fn sweep(&mut self, now: DateTime<Utc>) -> u64 {
        let is_over = |form: &&SealedForm| form.expires_at <= now;
        let over: Vec<String> =
            self.by_handle.values().filter(is_over).map(|form| form.handle.clone()).collect();
        over.into_iter().filter_map(|handle| self.forget(&handle)).fold(0, |count, _| count.saturating_add(1))
    }
}

/// A form among those of its network.
struct Kept {
    handle: String,
    network: Option<String>,
    size: u64,
    /// Its number among the forms of its network, counted from the newest.
    place_in_network: u64,
    /// The size of this form and of the newer forms of its network.
    bytes_in_network: u64,
}

/// Returns the handles of the forms that exceed the limit, if the newest form is counted first, and then those whose
/// networks have the least.
fn beyond(
    newest_first: &[Kept],
    limit: u64,
    of_network: impl Fn(&Kept) -> u64,
    weight: impl Fn(&Kept) -> u64,
) -> Vec<String> {
    let mut places: Vec<(usize, &Kept)> = newest_first.iter().enumerate().collect();
    places.sort_by_key(|(place, kept)| (*place > 0, of_network(kept), *place));
    let mut together = 0_u64;
    let in_order = places.into_iter().filter_map(|(_, kept)| {
        together = together.saturating_add(weight(kept));
        (together > limit).then(|| kept.handle.clone())
    });
    in_order.collect()
}

impl FormStore for Memory {
    fn keep_form<'a>(
        &'a self,
        form: &'a SealedForm,
        limits: FormLimits,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()> {
        self.with(move |state| {
            state.forms.keep(form, limits, now);
            Ok(())
        })
    }

    fn find_form<'a>(
        &'a self,
        handle: &'a str,
        binding_hash: &'a str,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<Vec<u8>>> {
        self.with(move |state| {
            let found = state.forms.by_handle.get(handle);
            let found = found.filter(|form| form.binding_hash == binding_hash && now < form.expires_at);
            Ok(found.map(|form| form.sealed.clone()))
        })
    }

    fn take_form<'a>(
        &'a self,
        handle: &'a str,
        binding_hash: &'a str,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<Vec<u8>>> {
        self.with(move |state| Ok(state.forms.take(handle, binding_hash, now)))
    }

    fn count_forms(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.with(move |state| {
            let live = state.forms.by_handle.values().filter(|form| now < form.expires_at).count();
            Ok(u64::try_from(live).unwrap_or(u64::MAX))
        })
    }

    fn sweep_forms(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.with(move |state| Ok(state.forms.sweep(now)))
    }
}
