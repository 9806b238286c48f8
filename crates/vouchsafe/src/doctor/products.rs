//! Recognises the product that made a message or metadata, and puts complaints into the words of its console.

use vouchsafe_xml::{Document, Limits};

use super::catalogue::{Product, Weight, catalogue};
use super::complaint::{Complaint, Setting, Severity};
use super::console_words::in_no_words;
use super::exhibit::{Kind, RecognisedProduct};
use super::found::{Found, Message, kind};
use super::pattern::fits;
use super::traits::Traits;

/// The maximum number of metadata files whose products are determined.
const PRODUCTS: usize = 32;
/// The weight from which a product is certain.
const CERTAIN: u32 = 3;

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
        let kind = kind(&document);
        recognise(&Traits::of(&document, kind, &Message::default()))
    });
    match recognised.max_by_key(|one| one.weight) {
        Some(found) => found.product.in_its_words(code, hint),
        None => in_no_words(hint),
    }
}
