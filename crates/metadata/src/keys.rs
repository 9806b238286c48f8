//! KeyDescriptor: certificates by use (saml-metadata-2.0-os 2.4.1.1, Metadata Interoperability Profile 2.5.1).

use vouchsafe_crypto::Certificate;
use vouchsafe_xml::Element;
use vouchsafe_xml::Quoted;
use vouchsafe_xml::namespace::DSIG;

use crate::Warning;
use crate::bounded::{Bounded, KEYS, REASONS};
use crate::read::{children, trimmed};

/// The certificates of a role, and why other KeyDescriptors gave none.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) signing: Vec<Certificate>,
    pub(crate) encryption: Vec<Certificate>,
    pub(crate) ignored: Vec<String>,
    /// What is over a limit.
    pub(crate) left_out: Vec<Warning>,
}

/// Reads every KeyDescriptor of `role`; one without `use` serves both (MD11). The first [`KEYS`] certificates of each use are kept,
/// in document order, and what comes after them is not parsed.
pub(crate) fn read(role: Element<'_>) -> Keys {
    let mut signing = Bounded::new("KeyDescriptors for signing", KEYS);
    let mut encryption = Bounded::new("KeyDescriptors for encryption", KEYS);
    let mut ignored = Bounded::new("reasons why a KeyDescriptor gives no certificate", REASONS);
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
        match wanted.then(|| certificate(descriptor)) {
            Some(Ok(certificate)) => {
                // One certificate for both uses is kept once.
                let kept = signing.find(&certificate).or_else(|| encryption.find(&certificate)).cloned();
                let certificate = kept.unwrap_or(certificate);
                if signs {
                    signing.push_new(number, certificate.clone());
                }
                if encrypts {
                    encryption.push_new(number, certificate);
                }
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
    Keys {
        signing: signing.finish(&mut left_out),
        encryption: encryption.finish(&mut left_out),
        ignored: ignored.finish(&mut left_out),
        left_out,
    }
}

/// The certificate of one KeyDescriptor. The first carries the key; any after it are a chain, which nobody here follows.
fn certificate(descriptor: Element<'_>) -> Result<Certificate, String> {
    let key_info: Vec<Element<'_>> =
        descriptor.elements().filter(|child| child.local_name() == "KeyInfo").collect();
    let [key_info] = key_info.as_slice() else {
        return Err(format!("expected one ds:KeyInfo, found {}", key_info.len()));
    };
    if key_info.namespace() != DSIG {
        return Err(format!("KeyInfo is in namespace {}, not in {DSIG}", Quoted::new(key_info.namespace())));
    }
    let first = key_info
        .elements()
        .filter(|child| child.is(DSIG, "X509Data"))
        .flat_map(|data| data.elements())
        .find(|child| child.is(DSIG, "X509Certificate"));
    let Some(first) = first else {
        let found: Vec<&str> = key_info.elements().take(NAMES_SHOWN).map(Element::local_name).collect();
        return Err(format!("no ds:X509Data/ds:X509Certificate, found {}", Quoted::new(&found.join(", "))));
    };
    Certificate::from_base64(&first.text()).map_err(|error| error.to_string())
}

/// How many names of children a reason shows.
const NAMES_SHOWN: usize = 10;
