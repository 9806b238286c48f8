//! The catalogue of products: how to recognise them, their peculiarities, and the names of the settings in their
//! consoles.
//!
//! The catalogue is data: one file for each product, in the folder `quirks` of this crate (`docs/quirks` in the
//! repository is a link to it).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use vouchsafe_xml::{Document, Limits};

use super::complaint::{Complaint, Setting, Severity};
use super::console_words::in_no_words;
use super::pattern::fits;
use super::recognise::{Found, Message, kind};
use super::traits::Traits;
use super::{Kind, RecognisedProduct};

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
    recognise: Vec<Sign>,
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
struct Sign {
    #[serde(rename = "trait")]
    name: String,
    like: String,
    /// The weight: 3 if hardly any other product has this sign, 1 if some do.
    weight: u32,
}

/// A peculiarity of a product.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Quirk {
    /// The short name of the quirk.
    pub id: String,
    /// The severity: `error`, `warning` or `note`.
    severity: Weight,
    /// The conditions, all of which must be met.
    when: Vec<Condition>,
    /// What the quirk is, and its effect on a service.
    pub what: String,
    /// What to change, and where.
    pub change: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Weight {
    Error,
    Warning,
    Note,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    #[serde(rename = "trait")]
    name: String,
    like: String,
}

/// The maximum number of metadata files whose products are determined.
const PRODUCTS: usize = 32;
/// The weight from which a product is certain.
const CERTAIN: u32 = 3;

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

/// A product, and the signs by which it was recognised.
#[derive(Debug)]
pub(crate) struct Recognition {
    product: &'static Product,
    weight: u32,
    because: Vec<String>,
}

/// Returns the product with the greatest weight of signs.
pub(crate) fn recognise(traits: &Traits) -> Option<Recognition> {
    let mut best: Option<Recognition> = None;
    for product in catalogue() {
        let mut recognition = Recognition { product, weight: 0, because: Vec::new() };
        for sign in &product.recognise {
            if traits.values(&sign.name).any(|value| fits(&sign.like, value)) {
                recognition.weight = recognition.weight.saturating_add(sign.weight);
                recognition.because.push(format!("{} like {}", sign.name, sign.like));
            }
        }
        if recognition.weight > best.as_ref().map_or(1, |best| best.weight) {
            best = Some(recognition);
        }
    }
    best
}

/// Returns the product of the identity providers whose metadata is among the files, if all are of the same product.
pub(crate) fn only(found: &[Found]) -> Option<&'static Product> {
    let documents = found.iter().filter_map(|one| match one {
        Found::Message(read) if read.message.whole => read.parsed.as_ref().ok(),
        _ => None,
    });
    let metadata =
        documents.filter(|document| kind(document) == Kind::IdentityProviderMetadata).take(PRODUCTS);
    let mut products = metadata.map(|document| {
        let traits = Traits::of(document, Kind::IdentityProviderMetadata, &Message::default());
        recognise(&traits).map(|recognition| recognition.product)
    });
    let first = products.next()??;
    products.all(|other| other.is_some_and(|other| other.id == first.id)).then_some(first)
}

impl Recognition {
    pub(crate) fn shown(&self) -> RecognisedProduct {
        RecognisedProduct {
            name: self.product.name.clone(),
            certain: self.weight >= CERTAIN,
            because: self.because.clone(),
            console: self.product.console.clone(),
        }
    }

    /// Puts complaints into the words of the product's console, and adds the quirks whose conditions are met.
    pub(crate) fn advise(&self, traits: &Traits, complaints: &mut Vec<Complaint>) {
        for complaint in complaints.iter_mut() {
            let name = self.product.setting(&complaint.code);
            complaint.remedy = self.product.in_its_words(&complaint.code, &complaint.remedy);
            complaint.setting = match (name, complaint.setting.take()) {
                (Some(name), setting) => {
                    let value = setting.and_then(|setting| setting.value);
                    let place = self.product.place_of_setting(&complaint.code).to_owned();
                    Some(Setting { name: name.to_owned(), value, place })
                }
                (None, _) => None,
            };
        }
        for quirk in &self.product.quirk {
            if quirk.when.iter().all(|one| traits.values(&one.name).any(|value| fits(&one.like, value))) {
                let severity = match quirk.severity {
                    Weight::Error => Severity::Error,
                    Weight::Warning => Severity::Warning,
                    Weight::Note => Severity::Note,
                };
                let code = format!("quirk.{}.{}", self.product.id, quirk.id);
                complaints.push(Complaint::new(severity, &code, quirk.what.clone(), quirk.change.clone()));
            }
        }
    }
}

/// Returns the hint of an error in the words of the console of the product that is recognised from these documents:
/// the message, and the metadata of its sender. If no product is recognised, the hint names no console.
///
/// ```
/// use vouchsafe::doctor::hint_in_the_words_of_the_console;
///
/// let metadata = r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sts.windows.net/1f0b7d3e/">
///     <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/></EntityDescriptor>"#;
/// let hint = "Set the audience (Okta: \"Audience URI (SP Entity ID)\"), letter by letter.";
/// let words = hint_in_the_words_of_the_console(&[metadata.as_bytes()], "assertion.audience", hint);
/// assert_eq!(words, "Set the audience (Microsoft Entra ID: Basic SAML Configuration > Identifier (Entity ID)), letter by letter.");
/// ```
#[must_use]
pub fn hint_in_the_words_of_the_console(documents: &[&[u8]], code: &str, hint: &str) -> String {
    let recognised = documents.iter().filter_map(|bytes| {
        let document = Document::parse(bytes, &Limits::default()).ok()?;
        let kind = super::recognise::kind(&document);
        recognise(&Traits::of(&document, kind, &Message::default()))
    });
    match recognised.max_by_key(|one| one.weight) {
        Some(found) => found.product.in_its_words(code, hint),
        None => in_no_words(hint),
    }
}

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
