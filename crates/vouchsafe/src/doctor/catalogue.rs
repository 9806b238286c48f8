//! The catalogue of products: how to recognise them, their peculiarities, and the names of the settings in their
//! consoles.
//!
//! The catalogue is data: one file for each product, in the folder `quirks` of this crate (`docs/quirks` in the
//! repository is a link to it).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// One product of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Product {
    /// The short name of the product, with which the codes of its quirks begin.
    pub id: String,
    /// The name of the product.
    pub name: String,
    /// The place in its console where the settings of an application are.
    pub console: String,
    /// The place of its metadata.
    pub metadata: String,
    /// The place where its signing keys are found and changed.
    pub keys: String,
    /// The signs by which it is recognised.
    pub(super) recognise: Vec<Sign>,
    /// The names of the settings in its console, by the setting that an error is about.
    pub settings: BTreeMap<String, String>,
    /// The places of those settings that are not where [`console`](Self::console) says.
    #[serde(default)]
    pub places: BTreeMap<String, String>,
    /// The peculiarities of the product.
    #[serde(default)]
    pub quirk: Vec<Quirk>,
    /// The error pages of the product.
    #[serde(default)]
    pub page: Vec<ErrorPage>,
}

/// An error page of a product, which people see instead of a sign-in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ErrorPage {
    /// The short name of the page.
    pub id: String,
    /// The texts of the page, all of which it must contain.
    pub says: Vec<String>,
    /// The meaning of the page.
    pub what: String,
    /// What to change, and where.
    pub change: String,
}

/// A sign by which a product is recognised.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sign {
    #[serde(rename = "trait")]
    pub(super) name: String,
    pub(super) like: String,
    /// The weight: 3 if hardly any other product has this sign, 1 if some do.
    pub(super) weight: u32,
}

/// A peculiarity of a product.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Quirk {
    /// The short name of the quirk.
    pub id: String,
    /// The severity: `error`, `warning` or `note`.
    pub(super) severity: Weight,
    /// The conditions, all of which must be met.
    pub(super) when: Vec<Condition>,
    /// What the quirk is, and its effect on a service.
    pub what: String,
    /// What to change, and where.
    pub change: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Weight {
    Error,
    Warning,
    Note,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    #[serde(rename = "trait")]
    pub(super) name: String,
    pub(super) like: String,
}

/// Returns all products, in the order of their files.
#[must_use]
pub fn catalogue() -> &'static [Product] {
    static CATALOGUE: LazyLock<Vec<Product>> =
        LazyLock::new(|| FILES.iter().filter_map(|(_, text)| toml::from_str(text).ok()).collect());
    &CATALOGUE
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// The name of each file and its text.
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../quirks/", $name, ".toml")))),*];
    };
}

files!(
    "okta",
    "entra",
    "google",
    "adfs",
    "keycloak",
    "onelogin",
    "auth0",
    "pingfederate",
    "shibboleth",
    "simplesamlphp",
    "cloudflare",
    "cyberark",
    "duo",
    "ibm_verify",
    "jumpcloud",
    "miniorange",
    "netiq",
    "oracle_idcs",
    "sap_ias",
    "zitadel",
    "pingone",
);

/// The settings that every product must name.
#[cfg(test)]
const SETTINGS: [&str; 11] = [
    "audience",
    "assertion_consumer",
    "sign_response",
    "sign_assertion",
    "signature_algorithm",
    "encryption_certificate",
    "encryption_algorithm",
    "certificate",
    "name_id",
    "issuer",
    "log",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::traits::NAMES;

    #[test]
    fn every_file_of_the_catalogue_reads() {
        for (name, text) in FILES {
            let product: Product = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(product.id, *name);
            assert!(!product.quirk.is_empty() && !product.recognise.is_empty(), "{name}");
            assert!(product.page.iter().all(|page| page.says.iter().all(|text| text.len() > 7)), "{name}");
            for setting in SETTINGS {
                assert!(product.settings.contains_key(setting), "{name}: no name for {setting}");
            }
            for setting in product.places.keys() {
                assert!(product.settings.contains_key(setting), "{name}: a place of no setting, {setting}");
            }
            let signs = product.recognise.iter().map(|sign| &sign.name);
            for used in signs.chain(product.quirk.iter().flat_map(|quirk| &quirk.when).map(|one| &one.name)) {
                assert!(NAMES.contains(&used.as_str()), "{name}: there is no trait {used}");
            }
        }
        assert_eq!(catalogue().len(), FILES.len());
    }
}
