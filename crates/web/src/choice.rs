//! One identity provider of the list that people choose from.

use vouchsafe::IdentityProvider;
use vouchsafe::metadata::{
    EntityAttributes, EntityDescription, LocalizedText, Logo, RoleDescription, UserInterface,
};

use crate::folded::{first_characters, folded, is_visible, without_directions};

/// One identity provider of the list.
#[derive(Clone, Debug)]
pub struct Choice {
    pub(crate) entity_id: String,
    /// The display names, or the organization's names if there are none.
    pub(crate) names: Vec<LocalizedText>,
    shown: UserInterface,
    pub(crate) attributes: EntityAttributes,
    /// The normalized names.
    pub(crate) folded_names: Vec<String>,
    /// All searchable words, normalized, with a space before each word.
    pub(crate) words: String,
    /// The scopes in lower case. Federations check that these domains belong to the identity provider.
    pub(crate) scopes: Vec<String>,
    /// The domain hints in lower case. Nobody checks them (MDUI 2.2.3).
    pub(crate) hints: Vec<String>,
    /// The scopes and hints, normalized, with a space between them.
    pub(crate) folded_domains: String,
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

    pub(crate) fn of_description(entity: &EntityDescription) -> Choice {
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

    pub(crate) fn of_identity_provider(provider: &IdentityProvider) -> Choice {
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
            [] => &*organization,
            names => names,
        };
        // Everybody who searches or looks at the list pays for long names.
        let shown_as_written = |name: &LocalizedText| {
            let value = without_directions(first_characters(name.value(), LONGEST_NAME));
            LocalizedText::new(name.language(), value)
        };
        let mut names: Vec<LocalizedText> = names.iter().map(shown_as_written).collect();
        // A row of the list must have something to read.
        names.retain(|name| is_visible(name.value()));
        let folded_names: Vec<String> = names.iter().map(|name| folded(name.value())).collect();
        let in_lower_case = |domains: &[String]| -> Vec<String> {
            let domains = domains.iter().filter(|domain| domain.len() <= LONGEST_DOMAIN);
            domains.map(|domain| domain.to_lowercase()).collect()
        };
        let (scopes, hints) = (in_lower_case(&scopes), in_lower_case(shown.domain_hints()));
        let folded_domains = folded_domains(scopes.iter().chain(&hints));
        let mut words = String::new();
        let keywords = shown.keywords().iter();
        let keywords = keywords.map(|keywords| folded(first_characters(keywords.value(), LONGEST_TEXT)));
        let address = std::iter::once(folded(entity_id)).filter(|_| names.is_empty());
        for text in folded_names.iter().cloned().chain(keywords).chain(address) {
            words.push(' ');
            words.push_str(&text);
        }
        Choice {
            entity_id: entity_id.to_owned(),
            names,
            shown,
            attributes,
            folded_names,
            words,
            scopes,
            hints,
            folded_domains,
        }
    }
}

/// Returns the domains in the form in which they are searched, without those that are too many.
fn folded_domains<'a>(domains: impl Iterator<Item = &'a String>) -> String {
    let mut all = String::new();
    for domain in domains {
        let one = folded(domain);
        if all.len().saturating_add(one.len()) >= MOST_OF_DOMAINS {
            break;
        }
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(&one);
    }
    all
}

/// The maximum length of a domain in bytes (RFC 1035, 2.3.4). What is longer is not one.
const LONGEST_DOMAIN: usize = 253;

/// The maximum size of the domains of one identity provider that a search for words looks at, in bytes. An e-mail address is
/// compared with all of them. Everybody who searches pays for the domains of each member of a federation.
const MOST_OF_DOMAINS: usize = 64 * 1_024;

/// The maximum length of a name in characters. No list shows a longer one whole.
const LONGEST_NAME: usize = 200;

/// The maximum length of another text in characters.
pub(crate) const LONGEST_TEXT: usize = 1_000;

/// The maximum length of a web address in bytes.
pub(crate) const LONGEST_ADDRESS: usize = 2_048;

/// The maximum length of a logo in the metadata, in bytes of its address. 50 logos on a page are then at most 800 KiB.
const LOGO_BYTES: usize = 16 * 1_024;

/// Returns whether the logo is an image in the metadata itself, and not too long.
pub(crate) fn is_own_image(logo: &Logo) -> bool {
    logo.address().starts_with("data:image/") && logo.address().len() <= LOGO_BYTES
}

/// Returns whether this is a web address that can be shown, and not, for example, a script.
pub(crate) fn is_web(address: &str) -> bool {
    let begins =
        |scheme: &str| address.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    (begins("https://") || begins("http://")) && address.len() <= LONGEST_ADDRESS
}
