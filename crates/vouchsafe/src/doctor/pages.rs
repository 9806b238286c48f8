//! Reads pages in a recording: error pages of identity providers, and the reference on this service's own page of a
//! refusal.

use vouchsafe_xml::Quoted;

use super::catalogue::{ErrorPage, Product, catalogue};
use super::complaint::{Complaint, Severity};
use super::service_log::is_reference;

/// The maximum number of bytes of a text that may be copied from an error page.
const WORDS: usize = 64 * 1024;
/// The maximum length of a title that is shown, in characters.
const TITLE: usize = 100;

/// Explains an identity provider's error page, if it is in the catalogue.
pub(crate) fn explained(page: &str) -> Option<Complaint> {
    let (product, found) = known(page)?;
    let code = format!("page.{}.{}", product.id, found.id);
    let message = format!("{} showed an error page in the place of a Response: {}", product.name, found.what);
    Some(Complaint::new(Severity::Error, &code, message, found.change.clone()))
}

fn known(page: &str) -> Option<(&'static Product, &'static ErrorPage)> {
    let says = |found: &ErrorPage| found.says.iter().all(|text| page.contains(text.as_str()));
    let all = catalogue().iter().flat_map(|product| product.page.iter().map(move |page| (product, page)));
    all.into_iter().find(|(_, page)| says(page))
}

/// Explains the text of an error that somebody copied from a page or a log.
pub(crate) fn in_words(text: &str) -> Option<Complaint> {
    if text.len() > WORDS {
        return None;
    }
    let (product, found) = known(text)?;
    let code = format!("page.{}.{}", product.id, found.id);
    let message = format!("{} says: {}", product.name, found.what);
    Some(Complaint::new(Severity::Error, &code, message, found.change.clone()))
}

/// Returns the title of a page, quoted.
pub(crate) fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let begin = lower.find("<title")?;
    let begin = begin.checked_add(lower.get(begin..)?.find('>')?)?.checked_add(1)?;
    let text = page.get(begin..)?.split('<').next()?.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = text.chars().take(TITLE).collect();
    (!cut.is_empty()).then(|| Quoted::new(&cut).to_string())
}

/// Returns the reference on a page of a refusal, if the page has exactly one word of that form.
pub(crate) fn reference(page: &str) -> Option<&str> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let mut words = page.split(|character: char| !is_part(character)).filter(|word| is_reference(word));
    let first = words.next()?;
    words.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each page of the catalogue is recognised, and never confused with another page.
    #[test]
    fn each_page_of_the_catalogue_is_recognised() {
        for product in catalogue() {
            for page in &product.page {
                let html = format!("<html><body>{}</body></html>", page.says.join("<br>"));
                let found = explained(&html).unwrap_or_else(|| panic!("{} {}", product.id, page.id));
                assert_eq!(found.code, format!("page.{}.{}", product.id, page.id));
                assert!(found.message.ends_with(&page.what) && found.remedy == page.change);
            }
        }
        assert!(explained("<html><body>Sign in to Okta</body></html>").is_none());
        assert!(explained("We are sorry").is_none(), "a part of what a page says is not enough");
    }

    #[test]
    fn titles_and_references() {
        assert_eq!(title("<HTML><Title lang=\"en\">\n Not\n found </title>").as_deref(), Some("“Not found”"));
        assert_eq!(title("<html><title></title>"), None);
        assert_eq!(title("<title"), None);
        assert_eq!(reference("<code>1a2b3c4d-5e6f7081</code>"), Some("1a2b3c4d-5e6f7081"));
        assert_eq!(
            reference("{\"reference\":\"1a2b3c4d-5e6f7081\"} 1a2b3c4d-5e6f7081"),
            Some("1a2b3c4d-5e6f7081")
        );
        for none in ["1a2b3c4d-5e6f7081 00000000-00000000", "11a2b3c4d-5e6f7081", "1a2b3c4d-5e6f7081-aa", ""]
        {
            assert_eq!(reference(none), None, "{none}");
        }
    }
}
