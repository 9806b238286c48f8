//! How far a newer document may change whom a connection trusts before somebody has looked at it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{EntityKey, IdentityProvider, WebAddress};

/// How far the address that a connection's metadata is fetched from may change whom the connection trusts, all by itself.
///
/// Whoever controls that address, or a certificate authority that browsers trust, can serve other keys. Most identity providers sign nothing, so
/// TLS is all that vouches for them; this is what stands between their address and the connection's keys.
///
/// ```
/// # let kit = vouchsafe_testkit::IdentityProvider::okta();
/// # let next = vouchsafe_testkit::keys::identity_provider_p256().certificate().clone();
/// # let (document, announcing) = (kit.metadata()?, kit.with_next_certificate(&next).metadata()?);
/// use vouchsafe_metadata::{IdentityProvider, KeyChanges};
///
/// let at_hand = IdentityProvider::from_metadata(document.as_bytes())?;
/// let newer = IdentityProvider::from_metadata(announcing.as_bytes())?;
/// assert_eq!(KeyChanges::Follow.objection(&at_hand, &newer), None);
/// assert_eq!(KeyChanges::Overlap.objection(&at_hand, &newer), None, "the key that is known stays");
/// assert!(KeyChanges::Approve.objection(&at_hand, &newer).is_some());
/// // A key that goes takes trust away: nobody has to look at that.
/// assert_eq!(KeyChanges::Approve.objection(&newer, &at_hand), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyChanges {
    /// Whatever comes is taken. The default: an identity provider that replaces its key locks nobody out.
    #[default]
    Follow,
    /// Keys may be added and removed, as long as one of those that are known stays; and people are sent to no host that was not in the metadata
    /// before. What replaces all keys at once waits until somebody approves it. It stops a wrong document and an address that was taken over in
    /// one stroke. It does not stop somebody who keeps the address for two refreshes.
    Overlap,
    /// No key is added, for signing or encryption, no [scope](IdentityProvider::scopes), and people are sent to no address that was not in the
    /// metadata before, until somebody approves it. Keys that go stop being trusted at once.
    Approve,
}

impl KeyChanges {
    /// Why the newer document has to wait for approval in the place of the one at hand; none: it may be taken.
    #[must_use]
    pub fn objection(self, at_hand: &IdentityProvider, newer: &IdentityProvider) -> Option<&'static str> {
        let [known, offered] = [at_hand, newer].map(|one| keys(one.signing_keys()));
        match self {
            KeyChanges::Follow => None,
            KeyChanges::Overlap if !known.is_empty() && known.is_disjoint(&offered) => {
                Some("it replaces all signing keys at once")
            }
            KeyChanges::Overlap if !hosts(newer).is_subset(&hosts(at_hand)) => {
                Some("it sends people to a host that was not in the metadata before")
            }
            KeyChanges::Approve if !offered.is_subset(&known) => Some("it adds a signing key"),
            KeyChanges::Approve if !addresses(newer).is_subset(&addresses(at_hand)) => {
                Some("it sends people to an address that was not in the metadata before")
            }
            KeyChanges::Approve if adds_encryption_key(at_hand, newer) => Some("it adds an encryption key"),
            KeyChanges::Approve if !scopes(newer).is_subset(&scopes(at_hand)) => Some("it adds a scope"),
            KeyChanges::Overlap | KeyChanges::Approve => None,
        }
    }
}

/// The keys themselves: a new certificate for a known key is no new key.
fn keys(of: &[EntityKey]) -> BTreeSet<&[u8]> {
    of.iter().map(EntityKey::spki_der).collect()
}

/// Whoever has it reads what is encrypted to the identity provider.
fn adds_encryption_key(at_hand: &IdentityProvider, newer: &IdentityProvider) -> bool {
    !keys(newer.encryption_keys()).is_subset(&keys(at_hand.encryption_keys()))
}

/// For which domains it may say who somebody is.
fn scopes(identity_provider: &IdentityProvider) -> BTreeSet<(&str, bool)> {
    identity_provider.scopes().iter().map(|scope| (scope.value(), scope.is_pattern())).collect()
}

/// Where people and messages are sent.
fn addresses_of(identity_provider: &IdentityProvider) -> impl Iterator<Item = &WebAddress> {
    let lists = [
        &identity_provider.single_sign_on,
        &identity_provider.single_logout,
        &identity_provider.name_id_management,
        &identity_provider.artifact_resolution,
    ];
    lists.into_iter().flatten().flat_map(|one| [one.address(), one.address_of_responses()])
}

fn addresses(identity_provider: &IdentityProvider) -> BTreeSet<&str> {
    addresses_of(identity_provider).map(WebAddress::as_str).collect()
}

/// Scheme, host and port.
fn hosts(identity_provider: &IdentityProvider) -> BTreeSet<String> {
    addresses_of(identity_provider).map(WebAddress::origin).collect()
}
