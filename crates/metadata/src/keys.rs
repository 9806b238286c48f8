//! KeyDescriptor elements: keys by use (saml-metadata-2.0-os 2.4.1.1, Metadata Interoperability Profile 2.5.1).

use vouchsafe_xml::{Element, Quoted};

use crate::bounded::{Bounded, KEYS, REASONS};
use crate::values::{children, trimmed};
use crate::{EntityKey, Warning, key_info};

/// The keys of a role, and the reasons why other KeyDescriptors contain none.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) signing: Vec<EntityKey>,
    pub(crate) encryption: Vec<EntityKey>,
    pub(crate) ignored: Vec<String>,
    /// The warnings about kept keys, and about everything over a limit.
    pub(crate) remarks: Vec<Warning>,
}

/// Reads every KeyDescriptor of `role`; one without `use` serves both uses (MD11). The first [`KEYS`] keys of each
/// use are kept, in document order, and the KeyDescriptors after them are not parsed.
pub(crate) fn read(role: Element<'_>) -> Keys {
    let mut signing = Bounded::new("KeyDescriptors for signing", KEYS);
    let mut encryption = Bounded::new("KeyDescriptors for encryption", KEYS);
    let mut ignored = Bounded::new("reasons why a KeyDescriptor gives no key", REASONS);
    let mut remarks = Bounded::new("remarks on KeyDescriptors", REASONS);
    for (number, descriptor) in (1_usize..).zip(children(role, "KeyDescriptor")) {
        let usage = descriptor.attribute("use").map(trimmed).unwrap_or_default();
        let (signs, encrypts) = match usage {
            "signing" => (true, false),
            "encryption" => (false, true),
            "" => (true, true),
            other => {
                let reason = format!(
                    "KeyDescriptor {number}: use={} is neither signing nor encryption",
                    Quoted::new(other)
                );
                ignored.push(number, reason);
                continue;
            }
        };
        let wanted = (signs && signing.has_room()) || (encrypts && encryption.has_room());
        match wanted.then(|| key_info::read(descriptor, number)) {
            Some(Ok(found)) => {
                for key in found.keys {
                    // A key for both uses is kept once.
                    let kept = signing.find(&key).or_else(|| encryption.find(&key)).cloned();
                    let key = kept.unwrap_or(key);
                    if signs {
                        signing.push_new(number, key.clone());
                    }
                    if encrypts {
                        encryption.push_new(number, key);
                    }
                }
                found.remarks.into_iter().for_each(|remark| remarks.push(number, remark));
            }
            Some(Err(reason)) => ignored.push(number, format!("KeyDescriptor {number}: {reason}")),
            None => {
                if signs {
                    signing.leave_out(number);
                }
                if encrypts {
                    encryption.leave_out(number);
                }
            }
        }
    }
    let mut left_out = Vec::new();
    let (signing, encryption) = (signing.finish(&mut left_out), encryption.finish(&mut left_out));
    let ignored = ignored.finish(&mut left_out);
    let mut remarks = remarks.finish(&mut left_out);
    remarks.append(&mut left_out);
    Keys { signing, encryption, ignored, remarks }
}
