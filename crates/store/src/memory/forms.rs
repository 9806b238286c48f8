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
        if limits.forms == 0 || size(form) > limits.bytes {
            return;
        }
        self.forget(&form.handle);
        let others = limits.bytes.saturating_sub(size(form));
        while self.count() >= limits.forms || self.bytes > others {
            let Some(oldest) = self.in_order.front().cloned() else { break };
            self.forget(&oldest);
        }
        self.bytes = self.bytes.saturating_add(size(form));
        self.in_order.push_back(form.handle.clone());
        self.by_handle.insert(form.handle.clone(), form.clone());
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
