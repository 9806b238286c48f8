//! API tokens in memory.

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::AccountId;

use super::{Memory, State, sweep};
use crate::{Answer, ApiToken, ApiTokenSecret, ApiTokenStore, AuditRecord, Author, StoreError};

impl ApiTokenStore for Memory {
    fn issue_api_token<'a>(
        &'a self,
        secret: &'a ApiTokenSecret,
        token: &'a ApiToken,
        author: &'a Author,
    ) -> Answer<'a, ()> {
        self.with(move |state| {
            if !state.has_active(token) {
                return Err(StoreError::account_suspended(token.account.clone()));
            }
            let is_same = |known: &ApiToken| known.account == token.account && known.id == token.id;
            if state.api_tokens.contains_key(secret.hash()) || state.api_tokens.values().any(is_same) {
                return Err(StoreError::taken("the token"));
            }
            state.api_tokens.insert(secret.hash().to_owned(), token.clone());
            state.audit.push(AuditRecord::of_api_token(token, true, author));
            Ok(())
        })
    }

    fn find_api_token<'a>(
        &'a self,
        secret: &'a ApiTokenSecret,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<ApiToken>> {
        self.with(move |state| {
            let found = state.api_tokens.get(secret.hash()).filter(|token| !token.is_over(now));
            Ok(found.filter(|token| state.has_active(token)).cloned())
        })
    }

    fn api_tokens_of<'a>(&'a self, account: &'a AccountId) -> Answer<'a, Vec<ApiToken>> {
        self.with(move |state| {
            let of_account = state.api_tokens.values().filter(|token| token.account == *account);
            let mut tokens: Vec<ApiToken> = of_account.cloned().collect();
            tokens.sort_by_key(|token| token.issued_at);
            Ok(tokens)
        })
    }

    fn revoke_api_token<'a>(
        &'a self,
        account: &'a AccountId,
        id: &'a str,
        author: &'a Author,
    ) -> Answer<'a, bool> {
        self.with(move |state| {
            let mut tokens = state.api_tokens.iter();
            let found = tokens.find(|(_, token)| token.account == *account && token.id == id);
            let Some((hash, token)) = found.map(|(hash, token)| (hash.clone(), token.clone())) else {
                return Ok(false);
            };
            state.api_tokens.remove(&hash);
            state.audit.push(AuditRecord::of_api_token(&token, false, author));
            Ok(true)
        })
    }

    fn sweep_api_tokens(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.with(move |state| Ok(sweep(&mut state.api_tokens, |token| token.is_over(now))))
    }
}

impl State {
    fn has_active(&self, token: &ApiToken) -> bool {
        let organization = self.organizations.get(&token.organization);
        let account = organization.and_then(|held| held.whole.account(&token.account));
        account.is_some_and(vouchsafe::provisioning::Account::is_active)
    }
}
