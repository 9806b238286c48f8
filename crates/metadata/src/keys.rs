//! KeyDescriptor: certificates by use (saml-metadata-2.0-os 2.4.1.1, Metadata Interoperability Profile 2.5.1).

use vouchsafe_crypto::Certificate;
use vouchsafe_xml::Element;
use vouchsafe_xml::Quoted;
use vouchsafe_xml::namespace::DSIG;

use crate::read::{children, trimmed};

/// The certificates of a role, and why other KeyDescriptors gave none.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) signing: Vec<Certificate>,
    pub(crate) encryption: Vec<Certificate>,
    pub(crate) ignored: Vec<String>,
}

/// Reads every KeyDescriptor of `role`; one without `use` serves both (MD11).
pub(crate) fn read(role: Element<'_>) -> Keys {
    let mut keys = Keys::default();
    for (number, descriptor) in (1_usize..).zip(children(role, "KeyDescriptor")) {
        let usage = descriptor.attribute("use").map(trimmed).unwrap_or_default();
        let (signs, encrypts) = match usage {
            "signing" => (true, false),
            "encryption" => (false, true),
            "" => (true, true),
            other => {
                keys.ignored.push(format!(
                    "KeyDescriptor {number}: use={} is neither signing nor encryption",
                    Quoted::new(other)
                ));
                continue;
            }
        };
        match certificate(descriptor) {
            Ok(certificate) => {
                if signs {
                    add(&mut keys.signing, &certificate);
                }
                if encrypts {
                    add(&mut keys.encryption, &certificate);
                }
            }
            Err(reason) => keys.ignored.push(format!("KeyDescriptor {number}: {reason}")),
        }
    }
    keys
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
        let found: Vec<&str> = key_info.elements().map(|child| child.local_name()).collect();
        return Err(format!("no ds:X509Data/ds:X509Certificate, found {}", Quoted::new(&found.join(", "))));
    };
    Certificate::from_base64(&first.text()).map_err(|error| error.to_string())
}

fn add(certificates: &mut Vec<Certificate>, certificate: &Certificate) {
    if certificates.iter().all(|known| known.der() != certificate.der()) {
        certificates.push(certificate.clone());
    }
}
