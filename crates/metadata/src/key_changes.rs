//! The changes of trust that a newer document may make without an approval.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vouchsafe_crypto::{KeyKind, KeyValue};

use crate::{EntityKey, IdentityProvider, WebAddress};

/// The shortest RSA key that a service accepts if it does not allow weaker ones.
const RSA_BITS: u32 = 2_048;

/// The changes of trust that the source of a connection's metadata may make without an approval.
///
/// The party that controls the source's address, or a certificate authority that browsers trust, can serve other
/// keys. Most identity providers do not sign their metadata, so it is protected only by TLS; this setting limits
/// which keys such a party can add to the connection.
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
    /// All changes are accepted. This is the default: nobody is locked out when an identity provider replaces its
    /// key.
    #[default]
    Follow,
    /// Keys may be added and removed, as long as one of the known keys stays, and as long as people are sent only to
    /// hosts that were in the metadata before. An RSA key of less than 2,048 bits that stays does not count if a stronger
    /// key is known. Scopes may be added, and everything that does not need an approval under
    /// [`Approve`](Self::Approve) may change. A document that replaces all keys at once waits for approval. This
    /// stops a wrong document, such as that of another application. It does not stop somebody who controls the address
    /// for one refresh and adds a key to the known ones: that key is trusted at once.
    Overlap,
    /// Without approval, no key for signing or encryption and no [scope](IdentityProvider::scopes) is added, and
    /// people are sent only to addresses that were in the metadata before. Removed keys lose their trust at once.
    /// Everything else changes without approval: removed addresses and scopes (nobody can start a sign-in without an
    /// address), names, logos and descriptions, NameID formats, `WantAuthnRequestsSigned`, the algorithms that we sign
    /// with, entity attributes, [`error_url`](IdentityProvider::error_url), and the dates.
    Approve,
}

impl KeyChanges {
    /// Returns why the newer document must wait for approval; `None` if it may replace the current one.
    #[must_use]
    pub fn objection(self, at_hand: &IdentityProvider, newer: &IdentityProvider) -> Option<&'static str> {
        let [known, offered] = [at_hand, newer].map(|one| keys(one.signing_keys()));
        match self {
            KeyChanges::Follow => None,
            KeyChanges::Overlap if !known.is_empty() && strong(&known).is_disjoint(&offered) => {
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

/// Returns the keys themselves: a new certificate for a known key is not a new key.
fn keys(of: &[EntityKey]) -> BTreeSet<&[u8]> {
    of.iter().map(EntityKey::spki_der).collect()
}

/// Returns the keys that every service accepts. If there are none, all of them count: a service may allow weaker ones.
fn strong<'k>(keys: &BTreeSet<&'k [u8]>) -> BTreeSet<&'k [u8]> {
    let is_strong = |spki: &[u8]| {
        let kind = KeyValue::from_spki_der(spki).map(|key| key.kind());
        kind.is_ok_and(|kind| !matches!(kind, KeyKind::Rsa { bits } if bits < RSA_BITS))
    };
    let strong: BTreeSet<&[u8]> = keys.iter().copied().filter(|spki| is_strong(spki)).collect();
    if strong.is_empty() { keys.clone() } else { strong }
}

/// Returns whether a new encryption key is added. The party that has it can read messages encrypted to the identity
/// provider.
fn adds_encryption_key(at_hand: &IdentityProvider, newer: &IdentityProvider) -> bool {
    !keys(newer.encryption_keys()).is_subset(&keys(at_hand.encryption_keys()))
}

/// Returns the domains of the people that it may make statements about.
fn scopes(identity_provider: &IdentityProvider) -> BTreeSet<(&str, bool)> {
    identity_provider.scopes().iter().map(|scope| (scope.value(), scope.is_pattern())).collect()
}

/// Returns the addresses to which people and messages are sent.
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

/// Returns scheme, host and port of these addresses.
fn hosts(identity_provider: &IdentityProvider) -> BTreeSet<String> {
    addresses_of(identity_provider).map(WebAddress::origin).collect()
}
