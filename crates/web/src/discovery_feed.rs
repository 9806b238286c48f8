//! The list of identity providers as JSON, in the format of choosers in JavaScript (the DiscoFeed of Shibboleth).

use serde_json::{Map, Value, json};
use vouchsafe::metadata::{EntityAttribute, LocalizedText, Logo};

use crate::choice::{Choice, LONGEST_ADDRESS, LONGEST_TEXT, is_own_image, is_web};
use crate::folded::first_characters;

/// The maximum length of the feed in bytes. If it would be longer, each member has at most its share, so that members
/// with much to say do not shorten the others.
const LONGEST_FEED: usize = 32 * 1_024 * 1_024;

/// The maximum length of one identity provider in the feed in bytes, which has all identity providers in one answer.
const LONGEST_ENTRY: usize = 64 * 1_024;

/// The share of an identity provider is never smaller than this.
const SMALLEST_SHARE: usize = 2 * 1_024;

/// The largest number of logos of one identity provider in the feed.
const LOGOS: usize = 8;

/// The maximum length of the tag of a language. The longest in use have about 35 characters (RFC 5646, 4.4.1).
const LONGEST_LANGUAGE: usize = 35;

pub(crate) fn feed(choices: &[Choice]) -> String {
    let whole = feed_of_entries(choices, LONGEST_ENTRY);
    if whole.len() <= LONGEST_FEED {
        return whole;
    }
    let share = LONGEST_FEED.checked_div(choices.len()).unwrap_or(LONGEST_ENTRY);
    feed_of_entries(choices, share.clamp(SMALLEST_SHARE, LONGEST_ENTRY))
}

/// Returns the feed whose entries have at most this length.
fn feed_of_entries(choices: &[Choice], longest: usize) -> String {
    let mut feed = String::from("[");
    for choice in choices {
        if feed.len() > 1 {
            feed.push(',');
        }
        feed.push_str(&Entry::of(choice, longest).to_string());
    }
    feed.push(']');
    feed
}

/// An identity provider in the feed. It has what fits into its length.
struct Entry {
    fields: Map<String, Value>,
    left: usize,
}

impl Entry {
    /// The most important fields come first. The name is always there.
    fn of(choice: &Choice, longest: usize) -> Value {
        let mut entry = Entry { fields: Map::new(), left: longest };
        let shown = choice.user_interface();
        entry.fields.insert("entityID".to_owned(), choice.entity_id().into());
        entry.add("DisplayNames", choice.names.iter().map(text));
        entry.add("EntityAttributes", choice.attributes.all().iter().map(attribute));
        // Programs that show the feed make links of these.
        let pages = |pages: &[LocalizedText]| -> Vec<Value> {
            pages.iter().filter(|page| is_web(page.value())).map(text).collect()
        };
        entry.add("InformationURLs", pages(shown.information_urls()));
        entry.add("PrivacyStatementURLs", pages(shown.privacy_statement_urls()));
        entry.add("Keywords", shown.keywords().iter().map(text));
        entry.add("Descriptions", shown.descriptions().iter().map(text));
        let may_be_shown = |logo: &&Logo| is_own_image(logo) || is_web(logo.address());
        entry.add("Logos", shown.logos().iter().filter(may_be_shown).take(LOGOS).map(logo));
        Value::Object(entry.fields)
    }

    /// Adds those of the values for which there is room.
    fn add(&mut self, field: &str, values: impl IntoIterator<Item = Value>) {
        let is_name = field == "DisplayNames";
        let mut added: Vec<Value> = Vec::new();
        for value in values {
            let length = value.to_string().len().saturating_add(1);
            if length <= self.left || (is_name && added.is_empty()) {
                self.left = self.left.saturating_sub(length);
                added.push(value);
            }
        }
        if !added.is_empty() {
            self.fields.insert(field.to_owned(), added.into());
        }
    }
}

/// Addresses are not cut, because a part of one leads elsewhere: [`is_web`] and this function agree on their length.
fn text(text: &LocalizedText) -> Value {
    const { assert!(LONGEST_TEXT <= LONGEST_ADDRESS) }
    let longest = if is_web(text.value()) { LONGEST_ADDRESS } else { LONGEST_TEXT };
    let value = first_characters(text.value(), longest);
    json!({ "value": value, "lang": first_characters(text.language(), LONGEST_LANGUAGE) })
}

fn attribute(attribute: &EntityAttribute) -> Value {
    json!({ "name": attribute.name(), "values": attribute.values() })
}

fn logo(logo: &Logo) -> Value {
    let mut shown = json!({
        "value": logo.address(), "height": logo.height().to_string(), "width": logo.width().to_string(),
    });
    if let (Some(language), Some(shown)) = (logo.language(), shown.as_object_mut()) {
        shown.insert("lang".to_owned(), first_characters(language, LONGEST_LANGUAGE).into());
    }
    shown
}

#[cfg(test)]
mod tests {
    use vouchsafe_testkit::IdentityProvider as Kit;

    use super::*;
    use crate::IdentityProviderList;

    /// Twenty members with much to say, and one with little. In a short feed each has its share.
    #[test]
    fn who_says_little_loses_nothing() {
        let metadata = Kit::okta().metadata().unwrap();
        let with = |description: &str| {
            let shown = format!(
                "<md:Extensions><u:UIInfo xmlns:u=\"urn:oasis:names:tc:SAML:metadata:ui\"><u:DisplayName xml:lang=\"en\">Uni</u:DisplayName>\
                 <u:Description xml:lang=\"en\">{description}</u:Description></u:UIInfo></md:Extensions><md:KeyDescriptor"
            );
            let document = metadata.replacen("<md:KeyDescriptor", &shown, 1);
            vouchsafe::IdentityProvider::from_metadata(document.as_bytes()).unwrap()
        };
        let (much, little) = (with(&"words ".repeat(150)), with("Figures"));
        let list = IdentityProviderList::of(vec![&much; 20].into_iter().chain([&little]));
        let choices = list.choices();
        let read = |feed: String| -> Vec<Value> { serde_json::from_str(&feed).unwrap() };
        let described =
            |feed: &[Value]| feed.iter().filter(|entry| entry.get("Descriptions").is_some()).count();
        assert_eq!(described(&read(feed(choices))), 21);
        let short = feed_of_entries(choices, 500);
        assert!(short.len() < 21 * 500, "{}", short.len());
        let short = read(short);
        assert_eq!((short.len(), described(&short)), (21, 1));
        assert_eq!(short[20]["Descriptions"][0]["value"], "Figures");
        assert!(
            read(feed_of_entries(choices, 0)).iter().all(|entry| entry["DisplayNames"][0]["value"] == "Uni")
        );
    }
}
