//! This module finds the EncryptedKeys of an EncryptedData, and the order in which they are tried with the private
//! keys.

use vouchsafe_crypto::{Certificate, KeyKind, PrivateKey, Provider};
use vouchsafe_xml::{Element, Limits, namespace};

use crate::EncryptionError;
use crate::context::DecryptionContext;
use crate::structure::{EncryptedData, EncryptedKey, TYPE_ENCRYPTED_KEY};

/// One private-key operation that may succeed.
pub(crate) struct Attempt<'a> {
    pub(crate) wrapped: &'a EncryptedKey<'a>,
    pub(crate) key: &'a PrivateKey,
    /// The index of the private key.
    pub(crate) place: usize,
}

/// Returns the usable EncryptedKeys, the most likely first.
///
/// An EncryptedKey for another recipient may use an algorithm that is unknown or not accepted here. This is an error
/// only if no other EncryptedKey is left.
pub(crate) fn encrypted_keys<'d>(
    data: &EncryptedData<'d>,
    provider: &Provider,
    limits: &Limits,
) -> Result<Vec<EncryptedKey<'d>>, EncryptionError> {
    let elements = in_order_of_likelihood(data, limits.encrypted_keys)?;
    let mut usable = Vec::with_capacity(elements.len());
    let mut first_error = None;
    for element in elements {
        match EncryptedKey::read(element).and_then(|key| accepted(key, provider)) {
            Ok(key) => usable.push(key),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        _ if !usable.is_empty() => Ok(usable),
        Some(error) => Err(error),
        None => Err(EncryptionError::NoEncryptedKey { position: data.element.position() }),
    }
}

/// Returns the pairs of an EncryptedKey and a private key that can fit, at most as many as there are operations left.
/// The order is: EncryptedKeys with a certificate of the private key, then those without a certificate, then those
/// with another certificate. Among equals, the key that opened the previous part is first.
pub(crate) fn attempts<'a>(
    wrapped: &'a [EncryptedKey<'a>],
    context: &DecryptionContext<'a>,
) -> Vec<Attempt<'a>> {
    let mut ranked = Vec::new();
    for wrapped in wrapped {
        let named = public_keys_of(wrapped.element);
        for (place, key) in context.keys().iter().enumerate().filter(|(_, key)| fits(wrapped, key)) {
            let rank = match named.as_slice() {
                [] => 1,
                some if some.iter().any(|spki| spki == key.public_key().spki_der()) => 0,
                _ => 2,
            };
            ranked.push(((rank, !context.opened_last(place)), Attempt { wrapped, key, place }));
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, attempt)| attempt).take(context.operations_left()).collect()
}

/// Returns the EncryptedKeys in this order: inside KeyInfo, then siblings that a reference connects with this
/// EncryptedData, then other siblings. They are counted before they are compared with the references, because a
/// message can hold very many references.
fn in_order_of_likelihood<'d>(
    data: &EncryptedData<'d>,
    limit: usize,
) -> Result<Vec<Element<'d>>, EncryptionError> {
    let mut found = data.key_info.map(inside_key_info).unwrap_or_default();
    let beside = data.element.parent().into_iter().flat_map(|parent| parent.elements());
    let mut siblings: Vec<_> =
        beside.filter(|sibling| sibling.is(namespace::XMLENC, "EncryptedKey")).collect();
    let count = found.len().saturating_add(siblings.len());
    if count > limit {
        return Err(EncryptionError::TooManyKeys { found: count, limit });
    }
    let retrieved = data.key_info.map(retrieval_targets).unwrap_or_default();
    let own_id = data.element.attribute("Id");
    siblings.sort_by_cached_key(|sibling| {
        let joined =
            sibling.attribute("Id").is_some_and(|id| retrieved.contains(&id)) || refers_to(*sibling, own_id);
        !joined
    });
    found.extend(siblings);
    Ok(found)
}

/// Returns the EncryptedKeys at any depth in a KeyInfo, except those that are themselves inside an EncryptedKey.
fn inside_key_info(key_info: Element<'_>) -> Vec<Element<'_>> {
    let mut found = Vec::new();
    let mut open: Vec<_> = key_info.elements().collect();
    open.reverse();
    while let Some(element) = open.pop() {
        if element.is(namespace::XMLENC, "EncryptedKey") {
            found.push(element);
        } else {
            let below = open.len();
            open.extend(element.elements());
            if let Some(added) = open.get_mut(below..) {
                added.reverse();
            }
        }
    }
    found
}

/// Returns the identifiers that the RetrievalMethods of a KeyInfo refer to. RetrievalMethods with transforms or
/// external addresses are ignored.
fn retrieval_targets(key_info: Element<'_>) -> Vec<&str> {
    key_info
        .elements()
        .filter(|child| child.is(namespace::DSIG, "RetrievalMethod"))
        .filter(|method| method.attribute("Type").is_none_or(|kind| kind == TYPE_ENCRYPTED_KEY))
        .filter(|method| method.elements().next().is_none())
        .filter_map(|method| method.attribute("URI")?.strip_prefix('#'))
        .collect()
}

/// Returns whether the ReferenceList of an EncryptedKey names the EncryptedData with this identifier.
fn refers_to(encrypted_key: Element<'_>, id: Option<&str>) -> bool {
    let lists = encrypted_key.elements().filter(|child| child.is(namespace::XMLENC, "ReferenceList"));
    let mut references = lists.flat_map(|list| list.elements());
    id.is_some()
        && references.any(|reference| {
            reference.is(namespace::XMLENC, "DataReference")
                && reference.attribute("URI").and_then(|uri| uri.strip_prefix('#')) == id
        })
}

fn accepted<'d>(key: EncryptedKey<'d>, provider: &Provider) -> Result<EncryptedKey<'d>, EncryptionError> {
    if provider.accepts_key_transport(key.transport) {
        Ok(key)
    } else {
        let algorithm = key.transport_uri.to_owned();
        Err(EncryptionError::RefusedAlgorithm { purpose: "key transport", algorithm })
    }
}

/// Returns whether the lengths fit. RSA ciphertext is as long as the modulus; any other length belongs to another
/// key.
fn fits(wrapped: &EncryptedKey<'_>, key: &PrivateKey) -> bool {
    match key.kind() {
        KeyKind::Rsa { bits } => {
            usize::try_from(bits).is_ok_and(|bits| bits.div_ceil(8) == wrapped.bytes.len())
        }
        _ => false,
    }
}

/// Returns the public keys, in DER, of the certificates in an EncryptedKey. Nothing else in these certificates is
/// read: they only order the attempts, and anybody may have made them.
fn public_keys_of(encrypted_key: Element<'_>) -> Vec<Vec<u8>> {
    encrypted_key
        .elements()
        .filter(|child| child.is(namespace::DSIG, "KeyInfo"))
        .flat_map(|info| info.elements())
        .filter(|child| child.is(namespace::DSIG, "X509Data"))
        .flat_map(|data| data.elements())
        .filter(|child| child.is(namespace::DSIG, "X509Certificate"))
        .filter_map(|certificate| Certificate::spki_of_base64(&certificate.text()))
        .collect()
}
