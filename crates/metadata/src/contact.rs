//! Contacts of an entity: `md:Organization` and `md:ContactPerson` (saml-metadata-2.0-os 2.3.2.1, 2.3.2.2).

use std::fmt;

use vouchsafe_xml::{Element, Writer};

use crate::bounded::{Bounded, CONTACTS, first as first_few};
use crate::localized;
use crate::values::{children, trimmed};
use crate::{LocalizedText, Warning};

/// The organization that runs an entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Organization {
    names: Vec<LocalizedText>,
    display_names: Vec<LocalizedText>,
    urls: Vec<LocalizedText>,
}

/// A person or a group that answers questions about an entity. `Debug` shows neither names nor addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct Contact {
    kind: ContactKind,
    company: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    email_addresses: Vec<String>,
    telephone_numbers: Vec<String>,
}

/// The kind of questions that a contact answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContactKind {
    /// Technical questions.
    Technical,
    /// Help for people who sign in.
    Support,
    /// Administrative questions.
    Administrative,
    /// Questions about billing.
    Billing,
    /// Other questions.
    Other,
    /// Security incidents (REFEDS Security Contact, and `remd:contactType` of Sirtfi). Its `contactType` is `other`.
    Security,
    /// A type that the schema does not define.
    Unknown(String),
}

impl Organization {
    /// Makes an organization with a name in one language.
    #[must_use]
    pub fn new(language: &str, name: &str, display_name: &str, url: &str) -> Organization {
        Organization::default().with_language(language, name, display_name, url)
    }

    /// Adds the name in another language.
    #[must_use]
    pub fn with_language(mut self, language: &str, name: &str, display_name: &str, url: &str) -> Self {
        self.names.push(LocalizedText::new(language, name));
        self.display_names.push(LocalizedText::new(language, display_name));
        self.urls.push(LocalizedText::new(language, url));
        self
    }

    /// Returns its names.
    #[must_use]
    pub fn names(&self) -> &[LocalizedText] {
        &self.names
    }

    /// Returns its names for display.
    #[must_use]
    pub fn display_names(&self) -> &[LocalizedText] {
        &self.display_names
    }

    /// Returns the addresses of pages about it.
    #[must_use]
    pub fn urls(&self) -> &[LocalizedText] {
        &self.urls
    }

    /// Reads the first organization of this holder.
    pub(crate) fn read(holder: Element<'_>, warnings: &mut Vec<Warning>) -> Option<Organization> {
        let organization = children(holder, "Organization").next()?;
        let mut texts = |name: &'static str| localized::read(children(organization, name), name, warnings);
        Some(Organization {
            names: texts("OrganizationName"),
            display_names: texts("OrganizationDisplayName"),
            urls: texts("OrganizationURL"),
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.start("md:Organization");
        localized::write(writer, "md:OrganizationName", &self.names);
        localized::write(writer, "md:OrganizationDisplayName", &self.display_names);
        localized::write(writer, "md:OrganizationURL", &self.urls);
        writer.end();
    }
}

/// # Building in code
impl Contact {
    /// Makes a contact with an e-mail address, such as `support@example.com`.
    #[must_use]
    pub fn new(kind: ContactKind, email_address: &str) -> Contact {
        Contact {
            kind,
            company: None,
            given_name: None,
            surname: None,
            email_addresses: vec![email_address.to_owned()],
            telephone_numbers: Vec::new(),
        }
    }

    /// Sets the first name. Sirtfi requires a name.
    #[must_use]
    pub fn with_given_name(self, name: impl Into<String>) -> Contact {
        Contact { given_name: Some(name.into()), ..self }
    }
}

/// # Reading values
impl Contact {
    /// Returns the kind of questions that it answers.
    #[must_use]
    pub fn kind(&self) -> &ContactKind {
        &self.kind
    }

    /// Returns its company.
    #[must_use]
    pub fn company(&self) -> Option<&str> {
        self.company.as_deref()
    }

    /// Returns its first name, or the name of a group.
    #[must_use]
    pub fn given_name(&self) -> Option<&str> {
        self.given_name.as_deref()
    }

    /// Returns its last name.
    #[must_use]
    pub fn surname(&self) -> Option<&str> {
        self.surname.as_deref()
    }

    /// Returns its e-mail addresses as written; many begin with `mailto:`.
    #[must_use]
    pub fn email_addresses(&self) -> &[String] {
        &self.email_addresses
    }

    /// Returns its telephone numbers.
    #[must_use]
    pub fn telephone_numbers(&self) -> &[String] {
        &self.telephone_numbers
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// # Reading and writing
impl Contact {
    /// Reads the contacts of this holder.
    pub(crate) fn read_all(holder: Element<'_>, warnings: &mut Vec<Warning>) -> Vec<Contact> {
        first_few("ContactPerson", CONTACTS, children(holder, "ContactPerson"), warnings, Contact::read)
    }

    fn read(element: Element<'_>) -> Contact {
        // Only the first of many texts are kept, which are enough to contact somebody.
        let texts = |name: &'static str| {
            let mut texts = Bounded::new(name, CONTACTS);
            for (number, child) in (1_usize..).zip(children(element, name)) {
                let text = child.text();
                if !trimmed(&text).is_empty() {
                    texts.push(number, trimmed(&text).to_owned());
                }
            }
            texts.finish(&mut Vec::new())
        };
        let one = |name: &'static str| texts(name).into_iter().next();
        Contact {
            kind: kind(element),
            company: one("Company"),
            given_name: one("GivenName"),
            surname: one("SurName"),
            email_addresses: texts("EmailAddress"),
            telephone_numbers: texts("TelephoneNumber"),
        }
    }

    /// Writes the contact. An address must be a URI (2.3.2.2), so `mailto:` is added to an address without it.
    pub(crate) fn write(&self, writer: &mut Writer) {
        let kind = match &self.kind {
            ContactKind::Technical => "technical",
            ContactKind::Support => "support",
            ContactKind::Administrative => "administrative",
            ContactKind::Billing => "billing",
            ContactKind::Other | ContactKind::Security => "other",
            ContactKind::Unknown(kind) => kind,
        };
        writer.start("md:ContactPerson");
        if self.kind == ContactKind::Security {
            writer.namespace("remd", REMD);
        }
        writer.attribute("contactType", kind);
        if self.kind == ContactKind::Security {
            writer.attribute("remd:contactType", SECURITY);
        }
        let texts = [
            ("md:Company", &self.company),
            ("md:GivenName", &self.given_name),
            ("md:SurName", &self.surname),
        ];
        for (element, text) in texts {
            text.iter().for_each(|text| _ = writer.element(element, text));
        }
        for address in &self.email_addresses {
            let is_uri = address.get(..MAILTO.len()).is_some_and(|start| start.eq_ignore_ascii_case(MAILTO));
            let written = if is_uri { address.clone() } else { format!("{MAILTO}{address}") };
            writer.element("md:EmailAddress", &written);
        }
        self.telephone_numbers.iter().for_each(|number| _ = writer.element("md:TelephoneNumber", number));
        writer.end();
    }
}

fn kind(element: Element<'_>) -> ContactKind {
    if element.attribute_in(REMD, "contactType").map(trimmed) == Some(SECURITY) {
        return ContactKind::Security;
    }
    match element.attribute("contactType").map(trimmed).unwrap_or_default() {
        "technical" => ContactKind::Technical,
        "support" => ContactKind::Support,
        "administrative" => ContactKind::Administrative,
        "billing" => ContactKind::Billing,
        "other" => ContactKind::Other,
        unknown => ContactKind::Unknown(unknown.to_owned()),
    }
}

const MAILTO: &str = "mailto:";

/// The namespace of the REFEDS metadata extensions.
const REMD: &str = "http://refeds.org/metadata";

const SECURITY: &str = "http://refeds.org/metadata/contactType/security";
