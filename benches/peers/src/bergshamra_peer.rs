//! bergshamra: parses the document and verifies every signature in it with a key of ours.

use std::error::Error;

use bergshamra::keys::loader::load_x509_cert_pem;
use bergshamra::{DsigContext, KeysManager, verify_all};

use crate::{Handed, Work};

pub(crate) fn verify(handed: &Handed) -> Result<Work, Box<dyn Error>> {
    bergshamra::initialize_backend()?;
    let mut keys = KeysManager::new();
    keys.add_key(load_x509_cert_pem(handed.certificate.as_bytes())?);
    let context = DsigContext::new(keys);
    let xml = handed.xml.clone();
    Ok(Box::new(move || {
        let results = verify_all(&context, &xml)?;
        match results.iter().find(|result| !result.is_valid()) {
            None if results.len() == 2 => Ok(()),
            None => Err(format!("{} signatures", results.len()).into()),
            Some(invalid) => Err(format!("{invalid:?}").into()),
        }
    }))
}
