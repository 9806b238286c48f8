//! What a store looks up for a login, before any policy is known.

use vouchsafe_crypto::CryptoError;

use crate::{
    Identity, LoginFacts, Snapshot, TokenHash,
    text::{domain_of, folded},
    token::hashing,
};

/// What a store looks up to make the [`Snapshot`] for a login: the organization by one of the token hashes, or
/// else by the identity provider; and of its accounts those with one of the identities or e-mail addresses.
///
/// Which attribute holds the token, the subject or the address is the policy's affair, and the policy is the
/// organization's, which is what is being looked for. So everything that any policy could mean is looked up:
/// the values of all attributes that have one value. Too much is harmless, since the planner chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LookUp {
    /// Hashes of everything that could be the token.
    pub token_hashes: Vec<TokenHash>,
    /// Whom the login could be about.
    pub identities: Vec<Identity>,
    /// E-mail addresses that the login could mean, folded.
    pub emails: Vec<String>,
}

impl LookUp {
    /// What is to be looked up for a login.
    ///
    /// # Errors
    ///
    /// What the provider of cryptography answers when it does not do SHA-256.
    pub fn of(login: &LoginFacts) -> Result<LookUp, CryptoError> {
        let mut values: Vec<&str> =
            login.attributes.keys().filter_map(|name| login.single(name).value()).collect();
        let mut token_hashes: Vec<TokenHash> = login.token_hash.iter().cloned().collect();
        for value in &values {
            token_hashes.push(TokenHash::of(value, hashing())?);
        }
        values.extend(login.subject.as_deref());
        let identities = values.iter().map(|value| Identity::new(login.issuer.clone(), *value)).collect();
        let addresses = values.iter().filter(|value| domain_of(value).is_some());
        Ok(LookUp { token_hashes, identities, emails: addresses.map(|value| folded(value)).collect() })
    }

    /// Whether an account could be the login's.
    #[must_use]
    pub fn means(&self, account: &crate::Account) -> bool {
        self.emails.contains(&folded(&account.email))
            || account.identities.iter().any(|identity| self.identities.contains(identity))
    }
}

impl Snapshot {
    /// The same organization with only those accounts that a login could mean: what a store gives. A login is
    /// planned the same on it as on the whole.
    #[must_use]
    pub fn restricted_to(&self, look_up: &LookUp) -> Snapshot {
        let mut restricted = self.clone();
        restricted.seats_taken = Some(self.seats());
        restricted.accounts.retain(|account| look_up.means(account));
        restricted
    }
}
