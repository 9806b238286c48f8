//! Content models as data: the children, attributes and text that an element may have, as in an XML Schema.

use crate::SimpleType;

/// The largest number of different children that a type can have. The check counts them in an array of this size.
pub(crate) const MOST_CHILDREN: usize = 16;

/// The type of an element (XML Schema part 1, complex and simple types), without the order of its children.
///
/// Types are `static` items that refer to one another, so that a vocabulary is one table of data.
/// [`check`](crate::check) and [`for_each_violation`](crate::for_each_violation) check a tree against a type.
///
/// ```
/// use vouchsafe_xml::{Child, Document, ElementType, Limits, SimpleType, check};
///
/// static NOTE: ElementType = ElementType::text("NoteType", SimpleType::String);
/// static LETTER: ElementType = ElementType::elements("LetterType", &[Child::one("urn:x", "note", &NOTE)]);
///
/// let letter = Document::parse(b"<letter xmlns='urn:x'><note>hello</note></letter>", &Limits::default())?;
/// assert!(check(letter.root(), &LETTER).is_ok());
///
/// let empty = Document::parse(b"<letter xmlns='urn:x'/>", &Limits::default())?;
/// let violation = check(empty.root(), &LETTER).unwrap_err();
/// assert_eq!(violation.path(), "/letter");
/// assert_eq!(violation.schema_type(), "LetterType");
/// # Ok::<(), vouchsafe_xml::XmlError>(())
/// ```
#[derive(Debug)]
pub struct ElementType {
    name: &'static str,
    content: Content,
    choices: &'static [Choice],
    attributes: &'static [AttributeUse],
    other_attributes: OtherAttributes,
    deviation: Option<&'static str>,
}

/// The content of an element.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Content {
    /// Text of this type, and no children.
    Text(SimpleType),
    /// These children, in any order, and no text except white space.
    Elements(&'static [Child]),
    /// Any content. It is not checked.
    Open,
}

/// The attributes that an element may have in addition to those of its type. `xsi:type`, `xsi:schemaLocation` and
/// `xsi:noNamespaceSchemaLocation` are allowed on every element (XML Schema part 1, 2.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OtherAttributes {
    /// No other attributes.
    None,
    /// Attributes of any namespace other than this one (`xs:anyAttribute namespace="##other"`).
    OfOtherNamespaces(&'static str),
    /// Any attributes.
    Any,
}

/// A child that a type allows, and how many times it may occur.
#[derive(Debug)]
pub struct Child {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    pub(crate) element_type: &'static ElementType,
    pub(crate) min: u32,
    pub(crate) max: Option<u32>,
}

/// How many times several children of a type may occur together: a range for the sum of their numbers (`xs:choice`).
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    pub(crate) first: usize,
    pub(crate) count: usize,
    pub(crate) min: u32,
    pub(crate) max: Option<u32>,
}

/// An attribute that a type allows.
#[derive(Debug)]
pub struct AttributeUse {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    pub(crate) simple_type: SimpleType,
    pub(crate) required: bool,
    /// The type that the value is checked against instead of its own, and the reason.
    pub(crate) deviation: Option<(SimpleType, &'static str)>,
}

/// # Making types
impl ElementType {
    /// Makes a type with text and no children.
    #[must_use]
    pub const fn text(name: &'static str, simple_type: SimpleType) -> ElementType {
        ElementType::new(name, Content::Text(simple_type))
    }

    /// Makes a type with children and no text.
    ///
    /// # Panics
    /// It panics if there are more than 16 children. In a `static` item this is a compile error.
    #[must_use]
    pub const fn elements(name: &'static str, children: &'static [Child]) -> ElementType {
        assert!(children.len() <= MOST_CHILDREN, "a type names at most 16 children");
        ElementType::new(name, Content::Elements(children))
    }

    /// Makes a type whose content is not checked.
    #[must_use]
    pub const fn open(name: &'static str) -> ElementType {
        ElementType::new(name, Content::Open)
    }

    const fn new(name: &'static str, content: Content) -> ElementType {
        ElementType {
            name,
            content,
            choices: &[],
            attributes: &[],
            other_attributes: OtherAttributes::None,
            deviation: None,
        }
    }

    /// Sets the ranges that several children share.
    #[must_use]
    pub const fn with_choices(mut self, choices: &'static [Choice]) -> ElementType {
        self.choices = choices;
        self
    }

    /// Sets the attributes of the type.
    ///
    /// # Panics
    /// It panics if there are more than 32 attributes. In a `static` item this is a compile error.
    #[must_use]
    pub const fn with_attributes(mut self, attributes: &'static [AttributeUse]) -> ElementType {
        assert!(attributes.len() <= 32, "a type names at most 32 attributes");
        self.attributes = attributes;
        self
    }

    /// Sets which attributes are allowed in addition to those of the type.
    #[must_use]
    pub const fn with_other_attributes(mut self, other: OtherAttributes) -> ElementType {
        self.other_attributes = other;
        self
    }

    /// Records that the type differs from the published schema on purpose, with the reason.
    #[must_use]
    pub const fn deviating(mut self, reason: &'static str) -> ElementType {
        self.deviation = Some(reason);
        self
    }
}

/// # Reading a type
impl ElementType {
    /// Returns its name in the schema, such as `saml:SubjectType`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the content that the type allows.
    #[must_use]
    pub const fn content(&self) -> Content {
        self.content
    }

    /// Returns the children of the type.
    #[must_use]
    pub const fn children(&self) -> &'static [Child] {
        match self.content {
            Content::Elements(children) => children,
            Content::Text(_) | Content::Open => &[],
        }
    }

    /// Returns the attributes of the type.
    #[must_use]
    pub const fn attributes(&self) -> &'static [AttributeUse] {
        self.attributes
    }

    /// Returns which attributes are allowed in addition to those of the type.
    #[must_use]
    pub const fn other_attributes(&self) -> OtherAttributes {
        self.other_attributes
    }

    /// Returns the reason why it differs from the published schema, if it does.
    #[must_use]
    pub const fn deviation(&self) -> Option<&'static str> {
        self.deviation
    }

    /// Returns whether these numbers of its [`children`](Self::children) are allowed together. `counts` has their
    /// order.
    #[must_use]
    pub fn allows(&self, counts: &[u32]) -> bool {
        let count_of = |place: usize| counts.get(place).copied().unwrap_or_default();
        let mut places = (0_usize..).zip(self.children());
        places.all(|(place, child)| is_within(count_of(place), child.min, child.max))
            && self.choices.iter().all(|choice| is_within(choice.total(counts), choice.min, choice.max))
    }

    pub(crate) const fn choices(&self) -> &'static [Choice] {
        self.choices
    }
}

impl Child {
    /// Makes a child that occurs exactly once.
    #[must_use]
    pub const fn one(namespace: &'static str, name: &'static str, of: &'static ElementType) -> Child {
        Child { namespace, name, element_type: of, min: 1, max: Some(1) }
    }

    /// Makes a child that occurs at most once.
    #[must_use]
    pub const fn optional(namespace: &'static str, name: &'static str, of: &'static ElementType) -> Child {
        Child { namespace, name, element_type: of, min: 0, max: Some(1) }
    }

    /// Makes a child that occurs any number of times.
    #[must_use]
    pub const fn any(namespace: &'static str, name: &'static str, of: &'static ElementType) -> Child {
        Child { namespace, name, element_type: of, min: 0, max: None }
    }

    /// Makes a child that occurs at least once.
    #[must_use]
    pub const fn some(namespace: &'static str, name: &'static str, of: &'static ElementType) -> Child {
        Child { namespace, name, element_type: of, min: 1, max: None }
    }

    /// Returns its namespace name.
    #[must_use]
    pub const fn namespace(&self) -> &'static str {
        self.namespace
    }

    /// Returns its local name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns its type.
    #[must_use]
    pub const fn element_type(&self) -> &'static ElementType {
        self.element_type
    }
}

impl Choice {
    /// Allows at most one of `count` children. `first` is the index of the first of them.
    #[must_use]
    pub const fn at_most_one(first: usize, count: usize) -> Choice {
        Choice { first, count, min: 0, max: Some(1) }
    }

    /// Requires at least one of these children.
    #[must_use]
    pub const fn at_least_one(first: usize, count: usize) -> Choice {
        Choice { first, count, min: 1, max: None }
    }

    /// Requires exactly one of these children.
    #[must_use]
    pub const fn one(first: usize, count: usize) -> Choice {
        Choice { first, count, min: 1, max: Some(1) }
    }

    pub(crate) fn total(&self, counts: &[u32]) -> u32 {
        counts.iter().skip(self.first).take(self.count).fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Returns the names of its children.
    pub(crate) fn names(&self, children: &'static [Child]) -> String {
        let names: Vec<&str> =
            children.iter().skip(self.first).take(self.count).map(|child| child.name).collect();
        names.join(" or ")
    }
}

impl AttributeUse {
    /// Makes a required attribute.
    #[must_use]
    pub const fn required(name: &'static str, simple_type: SimpleType) -> AttributeUse {
        AttributeUse { namespace: "", name, simple_type, required: true, deviation: None }
    }

    /// Makes an optional attribute.
    #[must_use]
    pub const fn optional(name: &'static str, simple_type: SimpleType) -> AttributeUse {
        AttributeUse { namespace: "", name, simple_type, required: false, deviation: None }
    }

    /// Puts the attribute into a namespace.
    #[must_use]
    pub const fn in_namespace(mut self, namespace: &'static str) -> AttributeUse {
        self.namespace = namespace;
        self
    }

    /// Checks the value against another type than the schema's, for this reason.
    #[must_use]
    pub const fn judged_as(mut self, simple_type: SimpleType, reason: &'static str) -> AttributeUse {
        self.deviation = Some((simple_type, reason));
        self
    }

    /// Does not check the value. `whom` names the code that checks it.
    #[must_use]
    pub const fn left_to(self, whom: &'static str) -> AttributeUse {
        self.judged_as(SimpleType::String, whom)
    }

    /// Returns its namespace name; empty if it has none.
    #[must_use]
    pub const fn namespace(&self) -> &'static str {
        self.namespace
    }

    /// Returns its local name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the type of its value in the schema.
    #[must_use]
    pub const fn simple_type(&self) -> SimpleType {
        self.simple_type
    }

    /// Returns the reason why its value is checked against another type, if it is.
    #[must_use]
    pub fn deviation(&self) -> Option<&'static str> {
        self.deviation.map(|(_, reason)| reason)
    }

    pub(crate) fn judged_type(&self) -> SimpleType {
        self.deviation.map_or(self.simple_type, |(judged, _)| judged)
    }

    /// Returns whether the attribute is required.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        self.required
    }
}

pub(crate) fn is_within(count: u32, min: u32, max: Option<u32>) -> bool {
    count >= min && max.is_none_or(|max| count <= max)
}
