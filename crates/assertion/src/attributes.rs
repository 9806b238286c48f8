//! The attributes of a person in an assertion.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use vouchsafe_xml::{Canonicalization, Document, Element, Node, XmlError, canonicalize, namespace};

use crate::reading::{elements_named, kept};

/// One attribute with all of its values (saml-core-2.0-os 2.7.3.1). `Debug` does not show the values.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    name: String,
    name_format: Option<Cow<'static, str>>,
    friendly_name: Option<String>,
    values: Vec<String>,
    markup: Vec<(usize, String)>,
}

impl Attribute {
    /// The `Name`, which identifies the attribute.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `NameFormat`, any URI or none.
    #[must_use]
    pub fn name_format(&self) -> Option<&str> {
        self.name_format.as_deref()
    }

    /// The `FriendlyName`. It is for people to read; never compare it.
    #[must_use]
    pub fn friendly_name(&self) -> Option<&str> {
        self.friendly_name.as_deref()
    }

    /// The values in their order. There are none if the attribute came without values, or with `xsi:nil`; an empty
    /// value is an empty string.
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Returns the value at that position as XML, if it contains elements and not only text: its AttributeValue in
    /// exclusive canonical form. The text of such a value is the text of all its elements in sequence.
    #[must_use]
    pub fn markup(&self, place: usize) -> Option<&str> {
        let found = self.markup.binary_search_by_key(&place, |(at, _)| *at).ok()?;
        self.markup.get(found).map(|(_, xml)| xml.as_str())
    }
}

impl Attribute {
    fn push(&mut self, element: Element<'_>, budget: &mut MarkupBudget<'_>) -> Result<(), XmlError> {
        if element.elements().next().is_none() {
            self.values.push(element.text().into_owned());
            return Ok(());
        }
        let mut bytes = Vec::new();
        canonicalize(element, Canonicalization::EXCLUSIVE, &[], None, &mut bytes)?;
        budget.spend(bytes.len())?;
        if let Ok(xml) = String::from_utf8(bytes) {
            self.markup.push((self.values.len(), xml));
        }
        self.values.push(text_within(element));
        Ok(())
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attribute")
            .field("name", &self.name)
            .field("values", &format_args!("({})", self.values.len()))
            .finish_non_exhaustive()
    }
}

/// The attributes of an assertion, in the order in which they first came.
///
/// Attributes with the same `Name` are merged, over several Attribute elements and several statements; the first
/// gives the format. An attribute that came without a value is present and has no values; one that did not come is
/// absent.
///
/// ```no_run
/// # fn login() -> vouchsafe_assertion::Login { unimplemented!() }
/// let login = login();
/// let email: Option<&str> = login.attributes().first("user.email");
/// for group in login.attributes().get("groups").unwrap_or_default() {
///     println!("{group}");
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attributes(Vec<Attribute>);

impl Attributes {
    /// Returns all values of an attribute; `None` if it did not come.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.attribute(name).map(Attribute::values)
    }

    /// Returns an attribute with its format and friendly name; `None` if it did not come.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.0.iter().find(|attribute| attribute.name == name)
    }

    /// Returns the first value of an attribute.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(<[String]>::first).map(String::as_str)
    }

    /// Returns every attribute.
    pub fn iter(&self) -> impl Iterator<Item = &Attribute> {
        self.0.iter()
    }

    /// The number of different attributes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no attribute.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Collects attributes while they are read, and finds them by name in constant time.
pub(crate) struct Collector<'d> {
    attributes: Vec<Attribute>,
    /// The positions of the attributes by name, except for the first few.
    places: HashMap<String, usize>,
    budget: MarkupBudget<'d>,
}

/// The limit on the XML of the values of one assertion. Each value repeats the namespace declarations around it, so
/// all values together could be far longer than the assertion. They may be as long as one canonical form of it.
struct MarkupBudget<'d> {
    assertion: &'d Document,
    spent: usize,
}

impl MarkupBudget<'_> {
    fn spend(&mut self, bytes: usize) -> Result<(), XmlError> {
        self.spent = self.spent.saturating_add(bytes);
        self.assertion.allows_canonical_bytes(self.spent)
    }
}

/// The NameFormat that most identity providers write (saml-core-2.0-os 8.2.3).
const BASIC: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";

/// The number of attributes up to which names are compared one by one.
const FEW: usize = 16;

impl<'d> Collector<'d> {
    /// Makes a collector for the attributes of the assertion in that document.
    pub(crate) fn new(assertion: &'d Document) -> Collector<'d> {
        Collector {
            attributes: Vec::new(),
            places: HashMap::new(),
            budget: MarkupBudget { assertion, spent: 0 },
        }
    }

    /// Adds a `saml:Attribute` of authentic bytes that was checked against the schema, which requires its Name.
    pub(crate) fn add(&mut self, element: Element<'_>) -> Result<(), XmlError> {
        let name = element.attribute("Name").unwrap_or_default();
        let known = self.place_of(name);
        if known.is_none() {
            if self.attributes.len() >= FEW {
                self.places.insert(name.to_owned(), self.attributes.len());
            }
            self.attributes.push(Attribute {
                name: name.to_owned(),
                name_format: element.attribute("NameFormat").map(|format| kept(format, BASIC)),
                friendly_name: element.attribute("FriendlyName").map(str::to_owned),
                values: Vec::new(),
                markup: Vec::new(),
            });
        }
        let attribute = match known {
            Some(place) => self.attributes.get_mut(place),
            None => self.attributes.last_mut(),
        };
        if let Some(attribute) = attribute {
            elements_named(element, namespace::SAML_ASSERTION, "AttributeValue")
                .filter(|child| !is_nil(*child))
                .try_for_each(|child| attribute.push(child, &mut self.budget))?;
        }
        Ok(())
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        let few = self.attributes.iter().take(FEW).position(|attribute| attribute.name == name);
        few.or_else(|| self.places.get(name).copied())
    }

    pub(crate) fn finish(self) -> Attributes {
        Attributes(self.attributes)
    }
}

fn is_nil(element: Element<'_>) -> bool {
    matches!(element.attribute_in(namespace::XSI, "nil").map(str::trim), Some("true" | "1"))
}

/// Returns all the text of nested elements, such as a NameID in eduPersonTargetedID, without the indentation.
fn text_within(element: Element<'_>) -> String {
    let mut text = String::new();
    for part in element.descendants() {
        for node in part.children() {
            if let Node::Text(piece) = node {
                text.push_str(piece);
            }
        }
    }
    text.trim_matches([' ', '\t', '\r', '\n']).to_owned()
}
