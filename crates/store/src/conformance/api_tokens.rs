//! API tokens: by their hash, and gone with their account.

use chrono::TimeDelta;
use vouchsafe::{
    Provider,
    provisioning::{Account, AccountId, Actor, Change, Role},
};

use super::{Store, acme, author, change, globex, now, with_acme, with_globex};
use crate::{ApiToken, ApiTokenSecret, ApiTokenStore, Author};

fn by(account: &str) -> Author {
    Author::new(Actor::Account(AccountId::new(account)), now())
}

fn secret() -> ApiTokenSecret {
    ApiTokenSecret::generate(&Provider::rustcrypto()).unwrap()
}

async fn with_people(store: &impl Store) {
    with_acme(store).await;
    for (name, role) in
        [("owner", Role::Owner), ("admin", Role::Admin), ("ada", Role::Member), ("bob", Role::Member)]
    {
        let mut account = Account::new(AccountId::new(name), acme(), format!("{name}@example.com"));
        account.role = role;
        store.add_account(&account, &author()).await.unwrap();
    }
}

/// A token of Ada's with this name.
async fn issued(
    store: &(impl Store + ApiTokenStore),
    account: &str,
    name: &str,
) -> (ApiTokenSecret, ApiToken) {
    let secret = secret();
    let token = ApiToken::new(&secret, acme(), AccountId::new(account), name, now());
    store.issue_api_token(&secret, &token, &by(account)).await.unwrap();
    (secret, token)
}

pub async fn a_token_is_found_by_what_is_shown(store: impl Store + ApiTokenStore) {
    with_people(&store).await;
    let (secret, token) = issued(&store, "ada", "nightly build").await;
    assert!(secret.reveal().starts_with(ApiTokenSecret::PREFIX) && secret.reveal().len() == 68);
    let shown = |text: &str| ApiTokenSecret::received(text, &Provider::rustcrypto()).unwrap();
    assert_eq!(store.find_api_token(&shown(secret.reveal()), now()).await.unwrap(), Some(token.clone()));
    for other in ["", "vst_", secret.hash(), &secret.reveal().to_uppercase(), "\0"] {
        assert_eq!(store.find_api_token(&shown(other), now()).await.unwrap(), None, "{other}");
    }
    let taken = store.issue_api_token(&secret, &token, &by("ada")).await.unwrap_err();
    assert_eq!(taken.code(), "store.taken");
    let text = format!("{store:?} {secret:?} {token:?} {:?}", store.audit(&acme()).await.unwrap());
    assert!(!text.contains(secret.reveal()));
}

pub async fn a_token_ends_at_its_time(store: impl Store + ApiTokenStore) {
    with_people(&store).await;
    let (end, secret) = (now() + TimeDelta::hours(1), secret());
    let token = ApiToken::new(&secret, acme(), AccountId::new("ada"), "short", now()).expiring_at(end);
    store.issue_api_token(&secret, &token, &by("ada")).await.unwrap();
    let before = end - TimeDelta::milliseconds(1);
    assert_eq!(store.find_api_token(&secret, before).await.unwrap(), Some(token));
    assert_eq!(store.find_api_token(&secret, end).await.unwrap(), None);
    assert_eq!(store.sweep_api_tokens(before).await.unwrap(), 0);
    issued(&store, "ada", "without end").await;
    assert_eq!(store.sweep_api_tokens(end).await.unwrap(), 1);
    assert_eq!(store.find_api_token(&secret, before).await.unwrap(), None);
}

pub async fn tokens_are_listed_and_revoked(store: impl Store + ApiTokenStore) {
    with_people(&store).await;
    let (one, first) = issued(&store, "ada", "first").await;
    let (other, second) = issued(&store, "ada", "second").await;
    let (bobs, third) = issued(&store, "bob", "first").await;
    let ada = AccountId::new("ada");
    let mut listed = store.api_tokens_of(&ada).await.unwrap();
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(listed, [first.clone(), second]);
    assert!(!store.revoke_api_token(&ada, &third.id, &by("admin")).await.unwrap(), "it is another's");
    assert!(store.revoke_api_token(&ada, &first.id, &by("admin")).await.unwrap());
    assert!(!store.revoke_api_token(&ada, &first.id, &by("admin")).await.unwrap());
    assert_eq!(store.find_api_token(&one, now()).await.unwrap(), None);
    for left in [&other, &bobs] {
        assert!(store.find_api_token(left, now()).await.unwrap().is_some());
    }
    let records = store.audit(&acme()).await.unwrap();
    let of_tokens: Vec<_> = records
        .iter()
        .filter(|record| record.rule.as_str().starts_with("api_token."))
        .map(|record| (record.rule.as_str(), record.account.clone().unwrap(), record.actor.clone().unwrap()))
        .collect();
    let actor = |name: &str| Actor::Account(AccountId::new(name));
    assert_eq!(of_tokens.len(), 4);
    assert_eq!(of_tokens[0], ("api_token.issued", ada.clone(), actor("ada")));
    assert_eq!(of_tokens[3], ("api_token.revoked", ada, actor("admin")));
}

/// In the transaction that suspends it, and for good.
pub async fn tokens_end_with_their_account(store: impl Store + ApiTokenStore) {
    with_people(&store).await;
    let (secret, _) = issued(&store, "ada", "nightly build").await;
    let (bobs, _) = issued(&store, "bob", "nightly build").await;
    let ada = AccountId::new("ada");
    store.revoke_account(&ada).await.unwrap();
    assert!(store.find_api_token(&secret, now()).await.unwrap().is_some(), "signing out is no offboarding");
    change(&store, &ada, Change::Suspend, Actor::Operator).await.unwrap();
    assert_eq!(store.find_api_token(&secret, now()).await.unwrap(), None);
    assert!(store.api_tokens_of(&ada).await.unwrap().is_empty());
    let late = ApiTokenSecret::generate(&Provider::rustcrypto()).unwrap();
    let token = ApiToken::new(&late, acme(), ada.clone(), "late", now());
    let refused = store.issue_api_token(&late, &token, &by("ada")).await.unwrap_err();
    assert_eq!(refused.code(), "store.account_suspended");
    change(&store, &ada, Change::Reactivate, Actor::Operator).await.unwrap();
    assert_eq!(store.find_api_token(&secret, now()).await.unwrap(), None, "it does not come back");
    store.issue_api_token(&late, &token, &by("ada")).await.unwrap();
    assert!(store.find_api_token(&bobs, now()).await.unwrap().is_some());
}

/// Nobody gets a token for an account of another organization, or of none.
pub async fn a_token_is_of_an_account_of_its_organization(store: impl Store + ApiTokenStore) {
    with_people(&store).await;
    with_globex(&store).await;
    for (organization, account) in [(globex(), "ada"), (acme(), "nobody")] {
        let secret = secret();
        let token = ApiToken::new(&secret, organization, AccountId::new(account), "theirs", now());
        let refused = store.issue_api_token(&secret, &token, &by(account)).await.unwrap_err();
        assert_eq!(refused.code(), "store.account_suspended", "{account}");
        assert_eq!(store.find_api_token(&secret, now()).await.unwrap(), None);
    }
    let whole = store.whole(&acme()).await.unwrap();
    let (_, token) = issued(&store, "ada", "hers").await;
    for (actor, may) in [("ada", true), ("admin", true), ("owner", true), ("bob", false), ("nobody", false)] {
        let id = AccountId::new(actor);
        let account = whole.account(&id);
        assert_eq!(token.may_be_revoked_by(&Actor::Account(id), account), may, "{actor}");
    }
    assert!(token.may_be_revoked_by(&Actor::Operator, None));
    assert!(!token.may_be_revoked_by(&Actor::SetUpLink("1".to_owned()), None));
}
