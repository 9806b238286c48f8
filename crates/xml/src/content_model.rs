//! Content models as data: which children, attributes and text an element may have, as an XML Schema says it.

use crate::SimpleType;

/// How many different children a type can name. The check counts them in an array of this size.
pub(crate) const MOST_CHILDREN: usize = 16;

/// The type of an element (XML Schema part 1, complex and simple types), without the order of its children.
///
/// Types are `static` items that refer to one another, so that a vocabulary is one table of data. [`check`](crate::check)
/// and [`for_each_violation`](crate::for_each_violation) hold a tree against one.
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

/// What stands between the tags of an element.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Content {
    /// Text alone, of this type.
    Text(SimpleType),
    /// These children, in any order, and no text but white space.
    Elements(&'static [Child]),
    /// Anything. It is not looked at.
    Open,
}

/// Which attributes an element may have besides those that its type names. `xsi:type`, `xsi:schemaLocation` and
/// `xsi:noNamespaceSchemaLocation` may stand on any element (XML Schema part 1, 2.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OtherAttributes {
    /// None.
    None,
    /// Those of a namespace, other than this one (`xs:anyAttribute namespace="##other"`).
    OfOtherNamespaces(&'static str),
    /// Any.
    Any,
}

/// A child that a type allows, and how often.
#[derive(Debug)]
pub struct Child {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    pub(crate) element_type: &'static ElementType,
    pub(crate) min: u32,
    pub(crate) max: Option<u32>,
}

/// How often several children of a type may occur together: a bound on the sum of their numbers (`xs:choice`).
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
    /// How the value is judged, if otherwise than its type says, and why.
    pub(crate) deviation: Option<(SimpleType, &'static str)>,
}

/// # Tables
impl ElementType {
    /// Text alone.
    #[must_use]
    pub const fn text(name: &'static str, simple_type: SimpleType) -> ElementType {
        ElementType::new(name, Content::Text(simple_type))
    }

    /// Children alone.
    ///
    /// # Panics
    /// If there are more than 16, which in a `static` item is an error of the compiler.
    #[must_use]
    pub const fn elements(name: &'static str, children: &'static [Child]) -> ElementType {
        assert!(children.len() <= MOST_CHILDREN, "a type names at most 16 children");
        ElementType::new(name, Content::Elements(children))
    }

    /// Content that is not looked at.
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

    /// Bounds that several children share.
    #[must_use]
    pub const fn with_choices(mut self, choices: &'static [Choice]) -> ElementType {
        self.choices = choices;
        self
    }

    /// The attributes that the type names.
    ///
    /// # Panics
    /// If there are more than 32, which in a `static` item is an error of the compiler.
    #[must_use]
    pub const fn with_attributes(mut self, attributes: &'static [AttributeUse]) -> ElementType {
        assert!(attributes.len() <= 32, "a type names at most 32 attributes");
        self.attributes = attributes;
        self
    }

    /// The attributes that the type does not name.
    #[must_use]
    pub const fn with_other_attributes(mut self, other: OtherAttributes) -> ElementType {
        self.other_attributes = other;
        self
    }

    /// Says that the type differs from the published schema on purpose, and why.
    #[must_use]
    pub const fn deviating(mut self, reason: &'static str) -> ElementType {
        self.deviation = Some(reason);
        self
    }
}

/// # What it says
impl ElementType {
    /// Its name in the schema, such as `saml:SubjectType`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What stands between the tags.
    #[must_use]
    pub const fn content(&self) -> Content {
        self.content
    }

    /// The children that it names.
    #[must_use]
    pub const fn children(&self) -> &'static [Child] {
        match self.content {
            Content::Elements(children) => children,
            Content::Text(_) | Content::Open => &[],
        }
    }

    /// The attributes that it names.
    #[must_use]
    pub const fn attributes(&self) -> &'static [AttributeUse] {
        self.attributes
    }

    /// The attributes that it does not name.
    #[must_use]
    pub const fn other_attributes(&self) -> OtherAttributes {
        self.other_attributes
    }

    /// Why it differs from the published schema, if it does.
    #[must_use]
    pub const fn deviation(&self) -> Option<&'static str> {
        self.deviation
    }

    /// Whether so many of each of its [`children`](Self::children) are allowed together.
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
    /// Exactly one.
    #[must_use]
    pub const fn one(namespace: &'static str, name: &'static str, of: &'static ElementType) -> Child {
        Child { namespace, name, element_type: of, min: 1, max: Some(1) }
    }

    /// At most one.
    #[must_use]
    pub const fn optional(namespace: &'static str, name: &'static str, of: &'static ElementType) -> Child {
        Child { namespace, name, element_type: of, min: 0, max: Some(1) }
    }

    /// Any number.
    #[must_use]
    pub const fn any(namespace: &'static str, name: &'static str, of: &'static ElementType) -> Child {
        Child { namespace, name, element_type: of, min: 0, max: None }
    }

    /// One or more.
    #[must_use]
    pub const fn some(namespace: &'static str, name: &'static str, of: &'static ElementType) -> Child {
        Child { namespace, name, element_type: of, min: 1, max: None }
    }

    /// Its namespace name.
    #[must_use]
    pub const fn namespace(&self) -> &'static str {
        self.namespace
    }

    /// Its local name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its type.
    #[must_use]
    pub const fn element_type(&self) -> &'static ElementType {
        self.element_type
    }
}

impl Choice {
    /// At most one of `count` children, from the one at the place `first` on.
    #[must_use]
    pub const fn at_most_one(first: usize, count: usize) -> Choice {
        Choice { first, count, min: 0, max: Some(1) }
    }

    /// At least one of them.
    #[must_use]
    pub const fn at_least_one(first: usize, count: usize) -> Choice {
        Choice { first, count, min: 1, max: None }
    }

    /// Exactly one of them.
    #[must_use]
    pub const fn one(first: usize, count: usize) -> Choice {
        Choice { first, count, min: 1, max: Some(1) }
    }

    pub(crate) fn total(&self, counts: &[u32]) -> u32 {
        counts.iter().skip(self.first).take(self.count).fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The names of its children.
    pub(crate) fn names(&self, children: &'static [Child]) -> String {
        let names: Vec<&str> =
            children.iter().skip(self.first).take(self.count).map(|child| child.name).collect();
        names.join(" or ")
    }
}

impl AttributeUse {
    /// One that must be there.
    #[must_use]
    pub const fn required(name: &'static str, simple_type: SimpleType) -> AttributeUse {
        AttributeUse { namespace: "", name, simple_type, required: true, deviation: None }
    }

    /// One that may be there.
    #[must_use]
    pub const fn optional(name: &'static str, simple_type: SimpleType) -> AttributeUse {
        AttributeUse { namespace: "", name, simple_type, required: false, deviation: None }
    }

    /// The same attribute in a namespace.
    #[must_use]
    pub const fn in_namespace(mut self, namespace: &'static str) -> AttributeUse {
        self.namespace = namespace;
        self
    }

    /// Judges its value as another type than the schema's, which needs a reason.
    #[must_use]
    pub const fn judged_as(mut self, simple_type: SimpleType, reason: &'static str) -> AttributeUse {
        self.deviation = Some((simple_type, reason));
        self
    }

    /// Leaves its value to somebody else, who is named. It is not judged here.
    #[must_use]
    pub const fn left_to(self, whom: &'static str) -> AttributeUse {
        self.judged_as(SimpleType::String, whom)
    }

    /// Its namespace name, empty for none.
    #[must_use]
    pub const fn namespace(&self) -> &'static str {
        self.namespace
    }

    /// Its local name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The type of its value.
    #[must_use]
    pub const fn simple_type(&self) -> SimpleType {
        self.simple_type
    }

    /// Why its value is judged otherwise than its type says, if it is.
    #[must_use]
    pub fn deviation(&self) -> Option<&'static str> {
        self.deviation.map(|(_, reason)| reason)
    }

    pub(crate) fn judged_type(&self) -> SimpleType {
        self.deviation.map_or(self.simple_type, |(judged, _)| judged)
    }

    /// Whether it must be there.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        self.required
    }
}

pub(crate) fn is_within(count: u32, min: u32, max: Option<u32>) -> bool {
    count >= min && max.is_none_or(|max| count <= max)
}
