//! The statements of an identity provider about itself that a sign-in does not need.

use std::sync::{Arc, LazyLock};

use vouchsafe_xml::Element;

use crate::values::extensions;
use crate::{
    AlgorithmSupport, Contact, EntityAttributes, LocalizedText, Organization, Registration, UserInterface,
    Warning,
};

/// Information for people, for policies, and for messages to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Information {
    pub(crate) user_interface: UserInterface,
    pub(crate) entity_attributes: EntityAttributes,
    pub(crate) algorithm_support: AlgorithmSupport,
    pub(crate) registration: Option<Registration>,
    pub(crate) organization: Option<Organization>,
    pub(crate) contacts: Vec<Contact>,
}

/// The value that all identity providers without information share, so that a hundred thousand of them need no memory
/// for it.
static NOTHING: LazyLock<Arc<Information>> = LazyLock::new(Arc::default);

impl Information {
    /// Returns the shared empty value.
    pub(crate) fn nothing() -> Arc<Information> {
        Arc::clone(&NOTHING)
    }

    /// Returns a value to be stored.
    pub(crate) fn shared(self) -> Arc<Information> {
        if self == **NOTHING { Information::nothing() } else { Arc::new(self) }
    }

    /// Reads the information. Values of the role take precedence over those of the entity.
    pub(crate) fn read(entity: Element<'_>, role: Element<'_>, warnings: &mut Vec<Warning>) -> Information {
        let (of_entity, of_role) = (|| extensions(entity), || extensions(role));
        let mut algorithm_support = AlgorithmSupport::read(of_role(), warnings);
        if algorithm_support.is_empty() {
            algorithm_support = AlgorithmSupport::read(of_entity(), warnings);
        }
        let mut contacts = Contact::read_all(role, warnings);
        contacts.extend(Contact::read_all(entity, warnings));
        let organization = Organization::read(role, warnings);
        Information {
            user_interface: UserInterface::read(of_role(), warnings),
            entity_attributes: EntityAttributes::read(of_entity(), warnings),
            algorithm_support,
            registration: Registration::read(of_entity(), warnings),
            organization: organization.or_else(|| Organization::read(entity, warnings)),
            contacts,
        }
    }

    /// Returns the name for display in the best of these languages.
    pub(crate) fn display_name(&self, languages: &[&str]) -> Option<&str> {
        let of_organization =
            || LocalizedText::best_of(self.organization.as_ref()?.display_names(), languages);
        self.user_interface.display_name(languages).or_else(of_organization)
    }
}
