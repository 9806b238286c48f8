//! Text in several languages (saml-metadata-2.0-os 2.2.4).

use vouchsafe_xml::{Element, Writer, namespace};

use crate::Warning;
use crate::bounded::{Bounded, TEXTS};
use crate::values::trimmed;

/// A text for display, with its language.
///
/// ```
/// use vouchsafe_metadata::LocalizedText;
///
/// let names = [LocalizedText::new("de", "Beispiel"), LocalizedText::new("en", "Example"), LocalizedText::new("fr", "Exemple")];
/// assert_eq!(LocalizedText::best_of(&names, &["fr-CA", "de"]), Some("Exemple"));
/// // Without one of these languages it is the English one, or the first.
/// assert_eq!(LocalizedText::best_of(&names, &["fi"]), Some("Example"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LocalizedText {
    language: Box<str>,
    value: Box<str>,
}

impl LocalizedText {
    /// Makes a text in a language, which is a tag of BCP 47 such as `en` or `pt-BR`.
    #[must_use]
    pub fn new(language: impl Into<Box<str>>, value: impl Into<Box<str>>) -> LocalizedText {
        LocalizedText { language: language.into(), value: value.into() }
    }

    /// Returns its language (`xml:lang`); empty if the metadata does not state it.
    #[must_use]
    pub fn language(&self) -> &str {
        &self.language
    }

    /// Returns the text.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Returns the text in the first of these languages for which there is one, the preferred one first. A text in
    /// another variant of a language is better than none in it. If there is none, returns the English text, or the
    /// first one.
    #[must_use]
    pub fn best_of<'t>(texts: &'t [LocalizedText], languages: &[&str]) -> Option<&'t str> {
        let exact = |wanted: &str| texts.iter().find(|text| text.language.eq_ignore_ascii_case(wanted));
        let related = |wanted: &str| {
            let primary = primary(wanted);
            texts.iter().find(|text| primary_of(text).eq_ignore_ascii_case(primary))
        };
        let wanted = languages.iter().find_map(|wanted| exact(wanted).or_else(|| related(wanted)));
        let chosen = wanted.or_else(|| related("en")).or_else(|| texts.first());
        chosen.map(LocalizedText::value)
    }
}

fn primary_of(text: &LocalizedText) -> &str {
    primary(&text.language)
}

/// Returns the language without its variant.
fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or_default()
}

/// Returns the texts in these elements, without empty ones.
pub(crate) fn read<'d>(
    elements: impl Iterator<Item = Element<'d>>,
    what: &'static str,
    warnings: &mut Vec<Warning>,
) -> Vec<LocalizedText> {
    let mut texts = Bounded::new(what, TEXTS);
    for (number, element) in (1_usize..).zip(elements) {
        let text = element.text();
        let value = trimmed(&text);
        if !value.is_empty() {
            texts.push(number, LocalizedText::new(language(element), value));
        }
    }
    texts.finish(warnings)
}

pub(crate) fn language(element: Element<'_>) -> &str {
    element.attribute_in(namespace::XML, "lang").map(trimmed).unwrap_or_default()
}

/// Writes each of them as an element. The schema requires a language, so an unknown one is `und`, as in BCP 47.
pub(crate) fn write(writer: &mut Writer, element: &str, texts: &[LocalizedText]) {
    for text in texts {
        let language = if text.language.is_empty() { "und" } else { &*text.language };
        writer.start(element).attribute("xml:lang", language).text(&text.value).end();
    }
}
