//! `mdattr:EntityAttributes`: statements of a federation about an entity (SAML V2.0 Metadata Extension for Entity
//! Attributes).

use vouchsafe_xml::namespace::SAML_ASSERTION;
use vouchsafe_xml::{Element, Writer};

use crate::Warning;
use crate::bounded::{ATTRIBUTE_VALUES, ATTRIBUTES, Bounded};
use crate::values::trimmed;

/// The attributes of an entity: its categories, the certifications of its assurance, the subject identifier that it
/// needs, and others.
///
/// ```
/// use vouchsafe_metadata::{EntityAttributes, SubjectIdRequirement};
///
/// let attributes = EntityAttributes::default()
///     .with_subject_id_requirement(SubjectIdRequirement::PairwiseId)
///     .with(EntityAttributes::CATEGORY, ["https://refeds.org/category/personalized"]);
/// assert_eq!(attributes.subject_id_requirement(), Some(SubjectIdRequirement::PairwiseId));
/// assert!(attributes.has(EntityAttributes::CATEGORY, "https://refeds.org/category/personalized"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityAttributes(Vec<EntityAttribute>);

/// One attribute: its name, the format of the name and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityAttribute {
    name: String,
    name_format: Option<String>,
    values: Vec<String>,
}

/// The subject identifier that a service provider needs (saml-subject-id-attr-v1.0 3.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubjectIdRequirement {
    /// The identifier that is the same for all service providers.
    SubjectId,
    /// The identifier that is different for each service provider.
    PairwiseId,
    /// Either of them. Identity providers prefer the pairwise one.
    Any,
    /// Neither of them.
    None,
}

impl SubjectIdRequirement {
    /// Returns the value of the attribute.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SubjectIdRequirement::SubjectId => "subject-id",
            SubjectIdRequirement::PairwiseId => "pairwise-id",
            SubjectIdRequirement::Any => "any",
            SubjectIdRequirement::None => "none",
        }
    }

    fn of(value: &str) -> Option<SubjectIdRequirement> {
        let all = [
            SubjectIdRequirement::SubjectId,
            SubjectIdRequirement::PairwiseId,
            SubjectIdRequirement::Any,
            SubjectIdRequirement::None,
        ];
        all.into_iter().find(|one| one.as_str() == value)
    }
}

impl EntityAttribute {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the format of its name; `None` if the metadata does not state it.
    #[must_use]
    pub fn name_format(&self) -> Option<&str> {
        self.name_format.as_deref()
    }

    /// Returns its values, without white space around them.
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.values
    }
}

/// # Reading values
impl EntityAttributes {
    /// The attribute with the categories of the entity (RFC 8409), such as
    /// `http://refeds.org/category/hide-from-discovery`.
    pub const CATEGORY: &str = "http://macedir.org/entity-category";
    /// The attribute with the categories of service providers that an identity provider supports (RFC 8409).
    pub const CATEGORY_SUPPORT: &str = "http://macedir.org/entity-category-support";
    /// The attribute with the certifications of its assurance (SAML V2.0 Identity Assurance Profiles), such as
    /// `https://refeds.org/sirtfi`.
    pub const ASSURANCE_CERTIFICATION: &str = "urn:oasis:names:tc:SAML:attribute:assurance-certification";
    /// The attribute with the subject identifier that a service provider needs.
    pub const SUBJECT_ID_REQUIREMENT: &str = "urn:oasis:names:tc:SAML:profiles:subject-id:req";
    /// The category of an identity provider that discovery services do not show.
    pub const HIDE_FROM_DISCOVERY: &str = "http://refeds.org/category/hide-from-discovery";

    /// Returns all attributes, in document order.
    #[must_use]
    pub fn all(&self) -> &[EntityAttribute] {
        &self.0
    }

    /// Returns the values of the attributes with this name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |attribute| attribute.name == name);
        named.flat_map(|attribute| attribute.values.iter().map(String::as_str))
    }

    /// Returns whether an attribute with this name has this value.
    #[must_use]
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.values(name).any(|one| one == value)
    }

    /// Returns the subject identifier that a service provider needs; `None` if it is missing or has an undefined
    /// value.
    #[must_use]
    pub fn subject_id_requirement(&self) -> Option<SubjectIdRequirement> {
        self.values(Self::SUBJECT_ID_REQUIREMENT).find_map(SubjectIdRequirement::of)
    }

    /// Returns whether discovery services must not show the entity.
    #[must_use]
    pub fn hides_from_discovery(&self) -> bool {
        self.has(Self::CATEGORY, Self::HIDE_FROM_DISCOVERY)
    }

    /// Returns whether there are no attributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// # Building in code
impl EntityAttributes {
    /// Adds values to the attribute with this name, whose format is a URI.
    #[must_use]
    pub fn with<V: Into<String>>(mut self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(Into::into);
        match self.0.iter_mut().find(|attribute| attribute.name == name) {
            Some(attribute) => attribute.values.extend(values),
            None => self.0.push(EntityAttribute {
                name: name.to_owned(),
                name_format: Some(URI_FORMAT.to_owned()),
                values: values.collect(),
            }),
        }
        self
    }

    /// Sets the subject identifier that is needed, and replaces an earlier one.
    #[must_use]
    pub fn with_subject_id_requirement(mut self, requirement: SubjectIdRequirement) -> Self {
        self.0.retain(|attribute| attribute.name != Self::SUBJECT_ID_REQUIREMENT);
        self.with(Self::SUBJECT_ID_REQUIREMENT, [requirement.as_str()])
    }
}

/// # Reading and writing
impl EntityAttributes {
    /// Reads the attributes among these extensions. An assertion about the entity in it is not read, because it is
    /// not verified.
    pub(crate) fn read<'d>(
        extensions: impl Iterator<Item = Element<'d>>,
        warnings: &mut Vec<Warning>,
    ) -> EntityAttributes {
        let mut attributes = Bounded::new("entity attributes", ATTRIBUTES);
        let mut assertions = 0_usize;
        let children = extensions.filter(|one| is_known(*one)).flat_map(Element::elements);
        let mut number = 0_usize;
        for child in children {
            if child.is(SAML_ASSERTION, "Assertion") {
                assertions = assertions.saturating_add(1);
            }
            let Some(name) = child.attribute("Name").filter(|_| child.is(SAML_ASSERTION, "Attribute")) else {
                continue;
            };
            number = number.saturating_add(1);
            if !attributes.has_room() {
                attributes.leave_out(number);
                continue;
            }
            let name_format = child.attribute("NameFormat").map(|format| trimmed(format).to_owned());
            let values = attribute_values(child, warnings);
            attributes.push(number, EntityAttribute { name: trimmed(name).to_owned(), name_format, values });
        }
        if assertions > 0 {
            let (extension, reason) =
                ("mdattr:EntityAttributes".to_owned(), format!("{assertions} assertions in it are not read"));
            warnings.push(Warning::ExtensionIgnored { extension, reason });
        }
        EntityAttributes(attributes.finish(warnings))
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        if self.is_empty() {
            return;
        }
        writer.start("mdattr:EntityAttributes").namespace("mdattr", MDATTR).namespace("saml", SAML_ASSERTION);
        for attribute in &self.0 {
            writer.start("saml:Attribute").attribute("Name", &attribute.name);
            writer.optional_attribute("NameFormat", attribute.name_format());
            attribute.values.iter().for_each(|value| _ = writer.element("saml:AttributeValue", value));
            writer.end();
        }
        writer.end();
    }
}

/// Returns whether this module reads this extension.
pub(crate) fn is_known(extension: Element<'_>) -> bool {
    extension.is(MDATTR, "EntityAttributes")
}

/// Returns the values of a `saml:Attribute`.
pub(crate) fn attribute_values(attribute: Element<'_>, warnings: &mut Vec<Warning>) -> Vec<String> {
    let mut values = Bounded::new("values of an attribute", ATTRIBUTE_VALUES);
    let elements = attribute.elements().filter(|child| child.is(SAML_ASSERTION, "AttributeValue"));
    for (number, value) in (1_usize..).zip(elements) {
        values.push(number, trimmed(&value.text()).to_owned());
    }
    values.finish(warnings)
}

const MDATTR: &str = "urn:oasis:names:tc:SAML:metadata:attribute";

/// The format of a name that is a URI (saml-core-2.0-os 8.2.2).
pub(crate) const URI_FORMAT: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
