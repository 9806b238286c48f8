//! The list of identity providers that people choose from.

use serde_json::{Value, json};
use vouchsafe::IdentityProvider;
use vouchsafe::metadata::{
    Aggregate, EntityAttributes, EntityDescription, LocalizedText, RoleDescription, UserInterface,
};

use crate::folded::folded;

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
}

/// One identity provider of the list.
#[derive(Clone, Debug)]
pub struct Choice {
    entity_id: String,
    /// The display names, or the organization's names if there are none.
    names: Vec<LocalizedText>,
    shown: UserInterface,
    attributes: EntityAttributes,
    /// The normalized names.
    folded_names: Vec<String>,
    /// All searchable words, normalized, with a space before each word.
    words: String,
    /// The domains in lower case.
    domains: Vec<String>,
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
        let first_of_each = aggregate.entities().filter(|entity| entity.first_of_name().is_none());
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
        IdentityProviderList { choices }
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
    /// those in which each word of the text begins a word, then the others. For an e-mail address the domain counts.
    /// An empty text matches all. Among equal matches, the name in the first of the languages decides.
    #[must_use]
    pub fn search(&self, text: &str, languages: &[&str], limit: usize) -> FoundChoices<'_> {
        let query = Query::of(text);
        let mut found: Vec<(u8, &Choice)> =
            self.choices.iter().filter_map(|choice| Some((query.rank(choice)?, choice))).collect();
        // Matches of one rank are already in the order of their names. Only the few that are returned are compared
        // again in the person's language.
        found.sort_by_key(|(rank, _)| *rank);
        let total = found.len();
        found.truncate(limit);
        found.sort_by_cached_key(|(rank, choice)| (*rank, folded(choice.name(languages))));
        FoundChoices { choices: found.into_iter().map(|(_, choice)| choice).collect(), total }
    }

    /// Returns all of them as JSON, in the format of choosers in JavaScript (the DiscoFeed of Shibboleth).
    #[must_use]
    pub fn feed(&self) -> String {
        Value::Array(self.choices.iter().map(Choice::feed).collect()).to_string()
    }
}

impl Choice {
    /// The entityID.
    #[must_use]
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// The name in the best of these languages, or the entityID if there is no name.
    #[must_use]
    pub fn name(&self, languages: &[&str]) -> &str {
        LocalizedText::best_of(&self.names, languages).unwrap_or(&self.entity_id)
    }

    /// The information for display: logos, descriptions.
    #[must_use]
    pub fn user_interface(&self) -> &UserInterface {
        &self.shown
    }

    fn of_description(entity: &EntityDescription) -> Choice {
        let roles = || entity.roles().iter().filter(|role| role.name() == "IDPSSODescriptor");
        let shown = roles().map(RoleDescription::user_interface).find(|shown| !shown.is_empty());
        let organization = roles().find_map(RoleDescription::organization).or(entity.organization());
        let scopes = entity.scopes().iter().chain(roles().flat_map(RoleDescription::scopes));
        Choice::new(
            entity.entity_id(),
            shown.cloned().unwrap_or_default(),
            organization.map(|one| one.display_names().to_vec()).unwrap_or_default(),
            entity.entity_attributes().clone(),
            scopes.filter(|scope| !scope.is_pattern()).map(|scope| scope.value().to_owned()).collect(),
        )
    }

    fn of_identity_provider(provider: &IdentityProvider) -> Choice {
        let scopes = provider.scopes().iter().filter(|scope| !scope.is_pattern());
        Choice::new(
            provider.entity_id().as_str(),
            provider.user_interface().clone(),
            provider.organization().map(|one| one.display_names().to_vec()).unwrap_or_default(),
            provider.entity_attributes().clone(),
            scopes.map(|scope| scope.value().to_owned()).collect(),
        )
    }

    fn new(
        entity_id: &str,
        shown: UserInterface,
        organization: Vec<LocalizedText>,
        attributes: EntityAttributes,
        scopes: Vec<String>,
    ) -> Choice {
        let names = match shown.display_names() {
            [] => organization,
            names => names.to_vec(),
        };
        let folded_names: Vec<String> = names.iter().map(|name| folded(name.value())).collect();
        let domains =
            shown.domain_hints().iter().chain(&scopes).map(|domain| domain.to_lowercase()).collect();
        let mut words = String::new();
        let keywords = shown.keywords().iter().map(|keywords| folded(keywords.value()));
        let address = std::iter::once(folded(entity_id)).filter(|_| names.is_empty());
        for text in folded_names.iter().cloned().chain(keywords).chain(address) {
            words.push(' ');
            words.push_str(&text);
        }
        Choice { entity_id: entity_id.to_owned(), names, shown, attributes, folded_names, words, domains }
    }

    fn feed(&self) -> Value {
        let texts = |texts: &[LocalizedText]| -> Value {
            texts.iter().map(|text| json!({ "value": text.value(), "lang": text.language() })).collect()
        };
        let mut entry = serde_json::Map::new();
        entry.insert("entityID".to_owned(), self.entity_id.clone().into());
        let lists = [
            ("DisplayNames", self.names.as_slice()),
            ("Descriptions", self.shown.descriptions()),
            ("Keywords", self.shown.keywords()),
            ("InformationURLs", self.shown.information_urls()),
            ("PrivacyStatementURLs", self.shown.privacy_statement_urls()),
        ];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            entry.insert(name.to_owned(), texts(list));
        }
        let logo = |logo: &vouchsafe::metadata::Logo| {
            let mut shown = json!({
                "value": logo.address(), "height": logo.height().to_string(), "width": logo.width().to_string(),
            });
            if let (Some(language), Some(shown)) = (logo.language(), shown.as_object_mut()) {
                shown.insert("lang".to_owned(), language.into());
            }
            shown
        };
        if !self.shown.logos().is_empty() {
            entry.insert("Logos".to_owned(), self.shown.logos().iter().map(logo).collect());
        }
        if !self.attributes.is_empty() {
            let of_one = |one: &vouchsafe::metadata::EntityAttribute| json!({ "name": one.name(), "values": one.values() });
            entry.insert("EntityAttributes".to_owned(), self.attributes.all().iter().map(of_one).collect());
        }
        Value::Object(entry)
    }
}

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
        Query {
            words: text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            text,
            domain,
        }
    }

    /// Returns how well a choice matches; lower is better.
    fn rank(&self, choice: &Choice) -> Option<u8> {
        if let Some(domain) = self.domain.as_deref().filter(|domain| !domain.is_empty()) {
            let is_in = |own: &String| {
                domain == own || domain.strip_suffix(own.as_str()).is_some_and(|rest| rest.ends_with('.'))
            };
            return choice.domains.iter().any(is_in).then_some(0);
        }
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
            choice.words.contains(word.as_str())
                || choice.domains.iter().any(|domain| folded(domain).contains(word))
        };
        self.words.iter().all(is_there).then_some(2)
    }
}
