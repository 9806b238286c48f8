//! Published XML Schema files, compared with a table of [`ElementType`]s, so that the table stays correct.

use std::collections::BTreeSet;
use std::path::Path;

use vouchsafe_xml::{
    Child, Content, Document, Element, ElementType, Limits, OtherAttributes, SimpleType, namespace,
};

use crate::particle::{Particle, achievable, groups, vectors};
use crate::xsd_name::{Name, qualified};

/// Schema files, read as far as SAML's schemas need it: global elements, complex types by extension and restriction,
/// and simple types.
///
/// ```no_run
/// # use vouchsafe_xml::{ElementType, SimpleType};
/// static NAME: ElementType = ElementType::text("xs:string", SimpleType::String);
///
/// let schemas = vouchsafe_testkit::Xsd::read("vectors/xsd".as_ref(), &["saml-schema-assertion-2.0.xsd"]).unwrap();
/// assert!(schemas.differences("urn:oasis:names:tc:SAML:2.0:assertion", "Issuer", &NAME).len() > 0);
/// ```
#[derive(Debug)]
pub struct Xsd {
    schemas: Vec<Document>,
}

/// The beginning of a message about a difference in the numbers of children.
const COUNTS: &str = "allows the numbers";
/// The message about a table that names children where the schema allows any.
const NARROWED: &str = "has other content than children";

impl Xsd {
    /// Reads schema files from a folder.
    ///
    /// # Errors
    /// The name of a file that cannot be read or is not XML, with the reason.
    pub fn read(folder: &Path, files: &[&str]) -> Result<Xsd, String> {
        let read = |file: &&str| {
            let bytes = std::fs::read(folder.join(file)).map_err(|error| format!("{file}: {error}"))?;
            Document::parse(&without_encoding(&bytes), &Limits::metadata())
                .map_err(|error| format!("{file}: {error}"))
        };
        Ok(Xsd { schemas: files.iter().map(read).collect::<Result<_, _>>()? })
    }

    /// Returns all differences between a table and the schemas, starting at the element with that name. A type that
    /// states a reason for deviating may be open, or may allow other numbers of its children. If it does neither,
    /// this is a difference too.
    #[must_use]
    pub fn differences(
        &self,
        namespace: &str,
        name: &str,
        element_type: &'static ElementType,
    ) -> Vec<String> {
        let mut found = Vec::new();
        let mut compared = BTreeSet::new();
        let mut waiting = vec![((namespace.to_owned(), name.to_owned()), element_type)];
        while let Some((name, element_type)) = waiting.pop() {
            if !compared.insert((name.clone(), element_type.name())) {
                continue;
            }
            let differences = self.compare(&name, element_type);
            let is_open = matches!(element_type.content(), Content::Open);
            let excused =
                |difference: &String| is_open || difference.contains(COUNTS) || difference.contains(NARROWED);
            match (element_type.deviation(), differences.iter().any(excused)) {
                (None, _) => found.extend(differences),
                (Some(_), true) => found.extend(differences.into_iter().filter(|one| !excused(one))),
                (Some(_), false) => found.push(format!("{}: deviates in nothing", element_type.name())),
            }
            let children = element_type.children().iter();
            waiting.extend(children.map(|child| (expanded(child), child.element_type())));
        }
        found
    }

    fn compare(&self, name: &Name, element_type: &'static ElementType) -> Vec<String> {
        let said = |what: String| vec![format!("{} ({}): {what}", name.1, element_type.name())];
        let is_open = matches!(element_type.content(), Content::Open);
        if self.schema(&name.0).is_none() {
            // Another vocabulary is not checked.
            return if is_open {
                Vec::new()
            } else {
                said("is of a vocabulary without a schema here".to_owned())
            };
        }
        let Some(declaration) = self.global("element", name) else {
            return said("no such element".to_owned());
        };
        let Some(of) = qualified(declaration, "type") else { return said("has no named type".to_owned()) };
        if element_type.name().rsplit(':').next() != Some(of.1.as_str()) {
            return said(format!("is of the type {}", of.1));
        }
        if of == (namespace::XS.to_owned(), "anyType".to_owned()) {
            let agrees = is_open && element_type.other_attributes() == OtherAttributes::Any;
            return if agrees { Vec::new() } else { said("is of any type".to_owned()) };
        }
        if of.0 != namespace::XS && self.schema(&of.0).is_none() {
            return if is_open {
                Vec::new()
            } else {
                said("is of a vocabulary without a schema here".to_owned())
            };
        }
        let expected = match self.complex_type(&of) {
            Some(complex) => complex,
            None => Complex { text: self.simple_type(&of), ..Complex::default() },
        };
        expected.compare(&name.0, element_type).into_iter().flat_map(said).collect()
    }

    fn schema(&self, target: &str) -> Option<Element<'_>> {
        self.schemas.iter().map(Document::root).find(|root| root.attribute("targetNamespace") == Some(target))
    }

    /// Returns a global declaration.
    fn global(&self, kind: &str, (target, name): &Name) -> Option<Element<'_>> {
        let mut declared = self.schema(target)?.elements();
        declared.find(|child| child.is(namespace::XS, kind) && child.attribute("name") == Some(name))
    }

    fn complex_type(&self, name: &Name) -> Option<Complex> {
        let declaration = self.global("complexType", name)?;
        let mut complex =
            Complex { is_abstract: declaration.attribute("abstract") == Some("true"), ..Complex::default() };
        self.fill(declaration, &mut complex);
        Some(complex)
    }

    /// Adds the content of a complexType, extension, restriction or attributeGroup.
    fn fill(&self, declaration: Element<'_>, complex: &mut Complex) {
        for child in declaration.elements() {
            match child.local_name() {
                "complexContent" | "simpleContent" => self.fill(child, complex),
                "restriction" => self.fill(child, complex), // only of anyType
                "extension" => {
                    if let Some(base) = qualified(child, "base") {
                        match self.global("complexType", &base) {
                            Some(base) => self.fill(base, complex),
                            None => complex.text = self.simple_type(&base),
                        }
                    }
                    self.fill(child, complex);
                }
                "sequence" | "choice" => complex.particles.extend(Particle::read(child)),
                "attribute" => complex.attributes.extend(self.attribute(child)),
                "attributeGroup" => {
                    let group = qualified(child, "ref").and_then(|name| self.global("attributeGroup", &name));
                    if let Some(group) = group {
                        self.fill(group, complex);
                    }
                }
                "anyAttribute" => complex.any_attribute = true,
                _ => {}
            }
        }
    }

    fn attribute(&self, declaration: Element<'_>) -> Option<Attribute> {
        let required = declaration.attribute("use") == Some("required");
        match qualified(declaration, "ref") {
            // Only `xml:lang` is referred to.
            Some(name) => Some(Attribute { name, simple: Some(Simple::Plain(SimpleType::String)), required }),
            None => Some(Attribute {
                name: (String::new(), declaration.attribute("name")?.to_owned()),
                simple: self.simple_type(&qualified(declaration, "type")?),
                required,
            }),
        }
    }

    fn simple_type(&self, name: &Name) -> Option<Simple> {
        if name.0 == namespace::XS {
            return built_in(&name.1).map(Simple::Plain);
        }
        let declaration = self.global("simpleType", name)?;
        let inner =
            declaration.elements().find(|child| ["restriction", "list"].contains(&child.local_name()))?;
        if inner.local_name() == "list" {
            return Some(Simple::Plain(SimpleType::Uris));
        }
        let values: BTreeSet<String> = inner
            .elements()
            .filter(|child| child.local_name() == "enumeration")
            .filter_map(|child| child.attribute("value").map(str::to_owned))
            .collect();
        if values.is_empty() {
            self.simple_type(&qualified(inner, "base")?)
        } else {
            Some(Simple::OneOf(values))
        }
    }
}

/// A complex type with all that it inherits.
#[derive(Default)]
struct Complex {
    is_abstract: bool,
    text: Option<Simple>,
    particles: Vec<Particle>,
    attributes: Vec<Attribute>,
    any_attribute: bool,
}

struct Attribute {
    name: Name,
    simple: Option<Simple>,
    required: bool,
}

#[derive(PartialEq)]
enum Simple {
    Plain(SimpleType),
    OneOf(BTreeSet<String>),
}

impl Simple {
    fn is(&self, simple_type: SimpleType) -> bool {
        match (self, simple_type) {
            (Simple::OneOf(values), SimpleType::OneOf(texts)) => {
                texts.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<String>>() == *values
            }
            (Simple::Plain(plain), other) => *plain == other,
            (Simple::OneOf(_), _) => false,
        }
    }
}

impl Complex {
    fn compare(&self, target: &str, element_type: &'static ElementType) -> Vec<String> {
        if self.is_abstract {
            let is_open = matches!(element_type.content(), Content::Open)
                && element_type.other_attributes() == OtherAttributes::Any;
            return if is_open { Vec::new() } else { vec!["is abstract, and so open".to_owned()] };
        }
        let mut found = self.compare_attributes(target, element_type);
        let has_any = self.particles.iter().any(Particle::has_any);
        match (element_type.content(), &self.text) {
            (Content::Open, None) if has_any => {}
            (Content::Open, _) => found.push("is not open".to_owned()),
            (Content::Text(simple), Some(text)) if text.is(simple) => {}
            (Content::Text(_), _) => found.push("is not such a text".to_owned()),
            (Content::Elements(_), None) if !has_any => found.extend(self.compare_children(element_type)),
            (_, _) => found.push(NARROWED.to_owned()),
        }
        found
    }

    fn compare_attributes(&self, target: &str, element_type: &'static ElementType) -> Vec<String> {
        let mut found = Vec::new();
        let other = if self.any_attribute {
            matches!(element_type.other_attributes(), OtherAttributes::OfOtherNamespaces(own) if own == target)
        } else {
            element_type.other_attributes() == OtherAttributes::None
        };
        if !other {
            found.push(format!("anyAttribute is {}", self.any_attribute));
        }
        for expected in &self.attributes {
            let mut named = element_type.attributes().iter();
            match named.find(|known| known.namespace() == expected.name.0 && known.name() == expected.name.1)
            {
                None => found.push(format!("the attribute {} is not in the table", expected.name.1)),
                Some(known) => {
                    if known.is_required() != expected.required {
                        found.push(format!(
                            "the attribute {}: required is {}",
                            expected.name.1, expected.required
                        ));
                    }
                    if !expected.simple.as_ref().is_some_and(|simple| simple.is(known.simple_type())) {
                        found.push(format!("the attribute {} is of another type", expected.name.1));
                    }
                }
            }
        }
        let extra = element_type.attributes().iter().filter(|known| {
            !self
                .attributes
                .iter()
                .any(|expected| known.namespace() == expected.name.0 && known.name() == expected.name.1)
        });
        found.extend(extra.map(|known| format!("the attribute {} is not in the schema", known.name())));
        found
    }

    /// Compares the names of the children, and then all numbers of each up to two: the table must allow what the
    /// schema allows in some order.
    fn compare_children(&self, element_type: &'static ElementType) -> Vec<String> {
        let names: Vec<Name> = element_type.children().iter().map(expanded).collect();
        let expected: BTreeSet<Name> = self.particles.iter().flat_map(Particle::names).collect();
        if expected != names.iter().cloned().collect() || names.len() != expected.len() {
            return vec![format!("has the children {expected:?}")];
        }
        let groups = groups(&self.particles);
        let sets: Vec<BTreeSet<Vec<u32>>> = groups.iter().map(|group| achievable(group, &names)).collect();
        let mut found = Vec::new();
        for (place, group) in groups.iter().enumerate() {
            let own: BTreeSet<Name> = group.iter().flat_map(|particle| particle.names()).collect();
            let Some(allowed) = sets.get(place) else { continue };
            let others = sets.iter().enumerate().filter(|(other, _)| *other != place);
            let rest: Vec<&Vec<u32>> = others.filter_map(|(_, set)| set.first()).collect();
            for counts in vectors(&names, &own) {
                let whole: Vec<u32> = (0..names.len())
                    .map(|at| rest.iter().chain([&&counts]).filter_map(|part| part.get(at)).sum())
                    .collect();
                if element_type.allows(&whole) != allowed.contains(&counts) {
                    found.push(format!(
                        "{COUNTS} {counts:?} of {names:?} is not {}",
                        allowed.contains(&counts)
                    ));
                }
            }
        }
        found.truncate(3);
        found
    }
}

fn expanded(child: &Child) -> Name {
    (child.namespace().to_owned(), child.name().to_owned())
}

fn built_in(name: &str) -> Option<SimpleType> {
    Some(match name {
        "string" => SimpleType::String,
        "anyURI" => SimpleType::Uri,
        "NCName" | "ID" => SimpleType::NcName,
        "boolean" => SimpleType::Boolean,
        "unsignedShort" => SimpleType::UnsignedShort,
        "nonNegativeInteger" => SimpleType::NonNegativeInteger,
        "dateTime" => SimpleType::DateTime,
        "duration" => SimpleType::Duration,
        _ => return None,
    })
}

/// Changes the declared encoding. The schemas declare US-ASCII, which is valid UTF-8.
fn without_encoding(bytes: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(bytes).replacen("encoding=\"US-ASCII\"", "encoding=\"UTF-8\"", 1).into_bytes()
}
