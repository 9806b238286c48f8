//! The list of identity providers that people choose from.

use std::collections::HashSet;

use vouchsafe::IdentityProvider;
use vouchsafe::metadata::{Aggregate, AggregateEntity, LocalizedText, TrustedMetadata};

use crate::choice::Choice;
use crate::discovery_feed;
use crate::folded::{folded, look};

/// Identity providers, searchable by name in any language, by keyword, or by the domain of an e-mail address.
///
/// Those in the category `hide-from-discovery` are left out. A search in ten thousand takes about a millisecond.
///
/// ```
/// # let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
/// use vouchsafe::metadata::Aggregate;
/// use vouchsafe_web::IdentityProviderList;
///
/// let list = IdentityProviderList::of_aggregate(&Aggregate::read(metadata)?);
/// assert_eq!(list.len(), 1);
/// let found = list.search("okta", &["en"], 20);
/// assert_eq!(found.choices[0].entity_id(), "http://www.okta.com/exk1vouchsafe0kit0h7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct IdentityProviderList {
    /// The choices, sorted by name.
    choices: Vec<Choice>,
    /// The names and entityIDs that more than one of the choices has, in any language, in the form in which equal ones
    /// and ones that look the same are equal.
    shared_names: HashSet<String>,
}

/// The result of a search.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FoundChoices<'l> {
    /// The best matches.
    pub choices: Vec<&'l Choice>,
    /// The number of matches, including those that are not returned.
    pub total: usize,
}

/// # Construction
impl IdentityProviderList {
    /// Makes a list of the identity providers of a document that people can sign in with: those of SAML 2.0 with
    /// readable keys. If several have the same entity ID, the first is used.
    #[must_use]
    pub fn of_aggregate(aggregate: &Aggregate) -> IdentityProviderList {
        IdentityProviderList::of_entities(aggregate.entities())
    }

    /// Makes the list of a document that a [source](vouchsafe::metadata::TrustedSource) is trusted for. It has only the
    /// identity providers for which the source may speak.
    #[must_use]
    pub fn of_trusted(metadata: &TrustedMetadata) -> IdentityProviderList {
        IdentityProviderList::of_entities(metadata.entities())
    }

    fn of_entities<'a>(entities: impl Iterator<Item = AggregateEntity<'a>>) -> IdentityProviderList {
        let first_of_each = entities.filter(|entity| entity.first_of_name().is_none());
        let described = first_of_each.filter_map(|entity| entity.description().ok());
        let usable = described.filter(|one| one.is_identity_provider() && one.refusal().is_none());
        IdentityProviderList::of_choices(usable.map(|entity| Choice::of_description(&entity)))
    }

    /// Makes a list of given identity providers, such as those of connections.
    #[must_use]
    pub fn of<'i>(
        identity_providers: impl IntoIterator<Item = &'i IdentityProvider>,
    ) -> IdentityProviderList {
        IdentityProviderList::of_choices(identity_providers.into_iter().map(Choice::of_identity_provider))
    }

    fn of_choices(choices: impl Iterator<Item = Choice>) -> IdentityProviderList {
        let mut choices: Vec<Choice> =
            choices.filter(|choice| !choice.attributes.hides_from_discovery()).collect();
        choices.sort_by_cached_key(|choice| folded(choice.name(&[])));
        let shared_names = shared_names(&choices);
        IdentityProviderList { choices, shared_names }
    }
}

/// # Look-up
impl IdentityProviderList {
    /// The number of identity providers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.choices.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    /// Returns the identity provider with this entity ID.
    #[must_use]
    pub fn get(&self, entity_id: &str) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.entity_id == entity_id)
    }

    /// Returns the best matches for a text, at most `limit`. First come those whose name begins with the text, then
    /// those in which each word of the text begins a word, then the others. For an e-mail address the domain counts: the
    /// closest first, and a scope before an equal domain hint, since anybody can write the domain of another into a hint.
    /// Of the domains of one identity provider, the first 64 KiB are searched for words. An empty text matches all. Among
    /// equal matches, the name in the first of the languages decides.
    #[must_use]
    pub fn search(&self, text: &str, languages: &[&str], limit: usize) -> FoundChoices<'_> {
        let query = Query::of(text);
        let mut found: Vec<((u8, IsHint), &Choice)> =
            self.choices.iter().filter_map(|choice| Some((query.rank(choice)?, choice))).collect();
        // Matches of one rank are already in the order of their names. Only the few that are returned are compared
        // again in the person's language.
        found.sort_by_key(|(rank, _)| *rank);
        let total = found.len();
        found.truncate(limit);
        found.sort_by_cached_key(|(rank, choice)| (*rank, folded(choice.name(languages))));
        FoundChoices { choices: found.into_iter().map(|(_, choice)| choice).collect(), total }
    }

    /// Returns whether another identity provider of the list has the same name, or one that looks the same, in any
    /// language. Letters of different alphabets may look the same, such as the Latin and the Cyrillic a (Unicode
    /// Technical Standard 39). Show the entityID too then, because an identity provider can use the name of another,
    /// and the other may be one that the search did not find.
    #[must_use]
    pub fn is_ambiguous(&self, choice: &Choice, languages: &[&str]) -> bool {
        let name = choice.name(languages);
        name != choice.entity_id && forms(name).iter().any(|form| self.shared_names.contains(form))
    }

    /// Returns all of them as JSON, in the format of choosers in JavaScript (the DiscoFeed of Shibboleth).
    ///
    /// Names and other texts are cut off after 200 and 1,000 characters, and longer addresses are left out. One identity
    /// provider has at most 64 KiB, or less if the feed would have more than 32 MiB. What does not fit is left out, logos
    /// first.
    #[must_use]
    pub fn feed(&self) -> String {
        discovery_feed::feed(&self.choices)
    }

    #[cfg(test)]
    pub(crate) fn choices(&self) -> &[Choice] {
        &self.choices
    }
}

/// Returns the forms of a name by which it is compared. Letters may look the same as those of another alphabet in only one
/// of upper and lower case, so the name is also compared as it would look in capitals.
fn forms(name: &str) -> [String; 3] {
    [folded(name), look(name), look(&name.to_uppercase())]
}

/// Returns what more than one of the choices is called. A choice may have one name in several languages.
fn shared_names(choices: &[Choice]) -> HashSet<String> {
    let (mut names, mut shared) = (HashSet::new(), HashSet::new());
    for choice in choices {
        let texts = choice.names.iter().map(LocalizedText::value).chain([choice.entity_id.as_str()]);
        let of_choice: HashSet<String> = texts.flat_map(forms).collect();
        for name in of_choice {
            if let Some(name) = names.replace(name) {
                shared.insert(name);
            }
        }
    }
    shared
}

/// The largest number of different words of a search text that are used.
const WORDS: usize = 8;

/// Whether only a domain hint matches, and no scope.
type IsHint = bool;

/// The search text of a person.
struct Query {
    text: String,
    words: Vec<String>,
    /// The domain, if the text is an e-mail address.
    domain: Option<String>,
}

impl Query {
    fn of(text: &str) -> Query {
        // A longer text is cut off, since nobody types more.
        let text: String = text.chars().take(200).collect();
        let domain = text.rsplit_once('@').map(|(_, domain)| domain.trim().to_lowercase());
        let text = folded(&text);
        let mut words: Vec<String> = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if words.len() < WORDS && words.iter().all(|known| known != word) {
                words.push(word.to_owned());
            }
        }
        Query { words, text, domain }
    }

    /// Returns how well a choice matches; lower is better.
    fn rank(&self, choice: &Choice) -> Option<(u8, IsHint)> {
        if let Some(domain) = self.domain.as_deref().filter(|domain| !domain.is_empty()) {
            let closest = |domains: &[String], is_hint| {
                let close = domains.iter().filter_map(|own| how_close(domain, own)).min();
                close.map(|close| (close, is_hint))
            };
            let [scope, hint] = [closest(&choice.scopes, false), closest(&choice.hints, true)];
            return scope.into_iter().chain(hint).min();
        }
        self.rank_of_words(choice).map(|rank| (rank, false))
    }

    fn rank_of_words(&self, choice: &Choice) -> Option<u8> {
        if self.words.is_empty() || choice.folded_names.iter().any(|name| name.starts_with(&self.text)) {
            return Some(0);
        }
        let begins = |word: &String| {
            choice
                .words
                .match_indices(word.as_str())
                .any(|(at, _)| choice.words.get(..at).is_some_and(|before| before.ends_with(' ')))
        };
        if self.words.iter().all(begins) {
            return Some(1);
        }
        let is_there = |word: &String| {
            choice.words.contains(word.as_str()) || choice.folded_domains.contains(word.as_str())
        };
        self.words.iter().all(is_there).then_some(2)
    }
}

/// Returns how close a domain is to one of an identity provider, if it is equal to it or below it. A smaller number is
/// closer. Nothing is below a domain of a single label, such as `edu`: an identity provider with that hint would be found
/// by everybody.
fn how_close(domain: &str, own: &str) -> Option<u8> {
    if domain == own {
        return Some(0);
    }
    let is_below = own.contains('.') && domain.strip_suffix(own).is_some_and(|rest| rest.ends_with('.'));
    is_below.then(|| u8::MAX.saturating_sub(u8::try_from(own.len()).unwrap_or(u8::MAX).min(254)))
}
