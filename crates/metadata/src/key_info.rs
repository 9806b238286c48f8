//! The keys of one KeyDescriptor.
//!
//! A ds:KeyInfo is about one key (XML-DSig 4.4), and the Metadata Interoperability Profile (2.5.1) allows one
//! certificate for it. Some products write whole chains and the certificates of a roll-over into it, in any order, so
//! the content is sorted:
//!
//! * If there are a ds:KeyValue and certificates, the ds:KeyValue selects the certificates of the key.
//! * One ds:X509Data is one key with its chain (4.4.4). The other certificates of the chain are not trusted here. The
//!   key is that of the first certificate, unless this is an issuer's certificate: it states so itself (cA and
//!   keyCertSign), and another certificate names it as its issuer. Names alone prove nothing, because anybody can
//!   name a signer's certificate as the issuer of another one.
//! * Several ds:X509Data that do not belong to one chain are several keys, and each of them is tried.
//!
//! Everything that is left out is named in a warning, and one that is not an issuer's in another one, since it may be the
//! next key.

use vouchsafe_crypto::{Certificate, KeyValue};
use vouchsafe_xml::namespace::DSIG;
use vouchsafe_xml::{Element, Quoted};

use crate::bounded::{Bounded, CERTIFICATES};
use crate::{EntityKey, Warning, key_value};

/// The keys of one KeyDescriptor, at least one, and the warnings about them.
pub(crate) struct Found {
    pub(crate) keys: Vec<EntityKey>,
    pub(crate) remarks: Vec<Warning>,
}

/// Reads the KeyDescriptor at place `number`. Returns the reason if it contains no key.
pub(crate) fn read(descriptor: Element<'_>, number: usize) -> Result<Found, String> {
    let key_info = key_info(descriptor)?;
    let mut certificates = Certificates::read(key_info, number);
    let value = value(key_info);
    let keys = match &value {
        Some(Ok(value)) => certificates.of(value)?,
        Some(Err(_)) | None => certificates.without_chain(),
    };
    let unreadable = certificates.unreadable.into_iter().chain(value.and_then(Result::err));
    if keys.is_empty() {
        return Err(all_of(unreadable.collect()).unwrap_or_else(|| nothing(key_info)));
    }
    let mut remarks = certificates.remarks;
    remarks.extend(
        unreadable.map(|reason| Warning::KeyIgnored { reason: format!("KeyDescriptor {number}: {reason}") }),
    );
    let count = different_keys(&keys);
    if count > 1 {
        remarks.push(Warning::SeveralKeys { descriptor: number, count });
    }
    Ok(Found { keys, remarks })
}

/// Returns the certificates in the signature of an element. They are not trusted by themselves.
pub(crate) fn certificates_of_signature(element: Element<'_>) -> impl Iterator<Item = Certificate> {
    let child = |name: &'static str| move |child: &Element<'_>| child.is(DSIG, name);
    let key_infos = element.elements().filter(child("Signature")).flat_map(Element::elements);
    let data = key_infos.filter(child("KeyInfo")).flat_map(Element::elements).filter(child("X509Data"));
    let texts = data.flat_map(Element::elements).filter(child("X509Certificate")).take(CERTIFICATES);
    texts.filter_map(|one| Certificate::all_from_base64(&one.text()).ok()).flatten()
}

fn key_info(descriptor: Element<'_>) -> Result<Element<'_>, String> {
    let mut all = descriptor.elements().filter(|child| child.local_name() == "KeyInfo");
    let (Some(key_info), None) = (all.next(), all.next()) else {
        let count = descriptor.elements().filter(|child| child.local_name() == "KeyInfo").count();
        return Err(format!("expected one ds:KeyInfo, found {count}"));
    };
    if key_info.namespace() != DSIG {
        return Err(format!("KeyInfo is in namespace {}, not in {DSIG}", Quoted::new(key_info.namespace())));
    }
    Ok(key_info)
}

/// Returns the key as numbers, if there is one.
fn value(key_info: Element<'_>) -> Option<Result<KeyValue, String>> {
    let mut values = key_info.elements().filter(key_value::is_key_value).map(key_value::read);
    let first = values.next()?;
    match (first, values.next()) {
        (first, None) => Some(first),
        (Ok(first), Some(Ok(second))) if first == second => Some(Ok(first)),
        (Err(reason), Some(_)) | (Ok(_), Some(Err(reason))) => Some(Err(reason)),
        (Ok(_), Some(Ok(_))) => Some(Err("two ds:KeyValue hold two different keys".to_owned())),
    }
}

/// The certificates of one KeyInfo.
struct Certificates<'d> {
    number: usize,
    /// The certificates, each with the ds:X509Data that contains it.
    kept: Vec<(Element<'d>, Certificate)>,
    unreadable: Vec<String>,
    remarks: Vec<Warning>,
}

impl<'d> Certificates<'d> {
    fn read(key_info: Element<'d>, number: usize) -> Certificates<'d> {
        let mut kept: Bounded<(Element<'d>, Certificate)> =
            Bounded::new("certificates of a KeyDescriptor", CERTIFICATES);
        let (mut unreadable, mut remarks) = (Vec::new(), Vec::new());
        let data = key_info.elements().filter(|child| child.is(DSIG, "X509Data"));
        let elements = data.flat_map(|data| {
            let certificates = data.elements().filter(|child| child.is(DSIG, "X509Certificate"));
            certificates.map(move |certificate| (data, certificate))
        });
        for (place, (data, element)) in (1_usize..).zip(elements) {
            if !kept.has_room() {
                kept.leave_out(place);
                continue;
            }
            match Certificate::all_from_base64(&element.text()) {
                Ok(all) => {
                    if all.len() > 1 {
                        remarks.push(Warning::SeveralCertificates { descriptor: number, count: all.len() });
                    }
                    all.into_iter().for_each(|one| kept.push(place, (data, one)));
                }
                Err(error) if unreadable.len() < CERTIFICATES => unreadable.push(error.to_string()),
                Err(_) => {}
            }
        }
        let kept = kept.finish(&mut remarks);
        Certificates { number, kept, unreadable, remarks }
    }

    /// Returns the key with these numbers: its certificates, if there are any.
    fn of(&mut self, value: &KeyValue) -> Result<Vec<EntityKey>, String> {
        let Some((_, first)) = self.kept.first().cloned() else { return Ok(vec![value.clone().into()]) };
        let is_of_it = |certificate: &Certificate| {
            KeyValue::from_spki_der(certificate.spki_der()).is_ok_and(|own| own == *value)
        };
        let certified: Vec<bool> = self.kept.iter().map(|(_, certificate)| is_of_it(certificate)).collect();
        if !certified.contains(&true) {
            return Err(format!("ds:KeyValue holds another key than {}", EntityKey::from(first)));
        }
        Ok(self.keep(&certified, "ds:KeyValue holds another key"))
    }

    /// Returns the first certificate of each ds:X509Data that is not the issuer of another one.
    fn without_chain(&mut self) -> Vec<EntityKey> {
        let issued_another =
            |certificate: &Certificate| certificate.signs_certificates() && self.is_named_issuer(certificate);
        let is_end: Vec<bool> =
            self.kept.iter().map(|(_, certificate)| !issued_another(certificate)).collect();
        let mut seen: Vec<Element<'_>> = Vec::new();
        let mut are_keys: Vec<bool> = Vec::new();
        for ((data, _), is_end) in self.kept.iter().zip(&is_end) {
            let is_key = *is_end && !seen.contains(data);
            if is_key {
                seen.push(*data);
            }
            are_keys.push(is_key);
        }
        if !are_keys.contains(&true) {
            // If the names form a circle, they say nothing, so only the first certificate is used.
            are_keys = (0..are_keys.len()).map(|place| place == 0).collect();
        }
        self.keep(&are_keys, "one ds:X509Data is about one key, and this is not its certificate")
    }

    /// Returns the certificates that are keys, each once. The others are reported with the reason.
    fn keep(&mut self, are_keys: &[bool], reason: &'static str) -> Vec<EntityKey> {
        let mut keys: Vec<EntityKey> = Vec::new();
        let (certified, others): (Vec<_>, Vec<_>) =
            self.kept.iter().zip(are_keys).partition(|(_, is_key)| **is_key);
        for ((_, certificate), _) in certified {
            let key = EntityKey::from(certificate.clone());
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        for ((_, certificate), _) in others {
            let other = EntityKey::from(certificate.clone());
            if keys.contains(&other) {
                continue;
            }
            let (descriptor, is_issuer) = (self.number, self.is_named_issuer(certificate));
            let certificate = other.to_string();
            self.remarks.push(match is_issuer {
                true => Warning::CertificateLeftOut { descriptor, certificate, reason },
                false => Warning::OtherKeyLeftOut { descriptor, certificate, reason },
            });
        }
        keys
    }

    /// Whether another certificate names this one as its issuer.
    fn is_named_issuer(&self, certificate: &Certificate) -> bool {
        self.kept.iter().any(|(_, other)| {
            other != certificate
                && other.issuer() == certificate.subject()
                && other.issuer() != other.subject()
        })
    }
}

/// Returns the number of different keys, because several certificates may have the same key.
fn different_keys(keys: &[EntityKey]) -> usize {
    let mut different: Vec<&[u8]> = keys.iter().map(EntityKey::spki_der).collect();
    different.sort_unstable();
    different.dedup();
    different.len()
}

fn all_of(reasons: Vec<String>) -> Option<String> {
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

/// Returns a description of the content that stands there instead of a key.
fn nothing(key_info: Element<'_>) -> String {
    let found: Vec<&str> = key_info.elements().take(NAMES_SHOWN).map(Element::local_name).collect();
    if found.is_empty() {
        return "ds:KeyInfo is empty".to_owned();
    }
    format!(
        "neither ds:X509Data/ds:X509Certificate nor ds:KeyValue, found {}",
        Quoted::new(&found.join(", "))
    )
}

/// The number of names of children in a reason.
const NAMES_SHOWN: usize = 10;
