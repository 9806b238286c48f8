//! The statements of an entity that are neither keys nor endpoints nor scopes, as lines for people.

use std::collections::BTreeSet;

use vouchsafe_crypto::{hexadecimal, own_sha256};
use vouchsafe_xml::namespace::{DSIG, SAML_METADATA, XML};
use vouchsafe_xml::{Attribute, Element, Quoted};

use crate::content::{Level, is_endpoint};
use crate::scope;
use crate::source::speaks_saml2;
use crate::values::trimmed;

/// The characters of a name in a line. Names in metadata are shorter.
const NAME: usize = 64;
/// The characters of a value that [`Quoted`] shows.
const SHOWN: usize = 200;

/// Returns a line for each value that the entity states and that [`content::digest`](crate::content::digest) digests,
/// except for keys, endpoints and scopes, which have lines of their own.
pub(crate) fn of(entity: Element<'_>) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    let mut waiting = vec![(entity, Level::Entity, String::new(), String::new())];
    while let Some((element, level, role, parent)) = waiting.pop() {
        let name: String = element.local_name().chars().take(NAME).collect();
        // The same statement in another role is another one.
        let role = match level {
            Level::Entity => "the entity".to_owned(),
            Level::Role if speaks_saml2(element) => name.clone(),
            Level::Role => format!("{name} of other protocols"),
            Level::Inside => role,
        };
        let label = match level {
            Level::Inside => format!("{role}: {parent}/{name}"),
            Level::Entity | Level::Role => role.clone(),
        };
        let attributes = level.attributes(element).filter(|one| is_statement(*one, element));
        lines.extend(attributes.map(|one| {
            let attribute: String = one.local_name.chars().take(NAME).collect();
            format!("{label} {attribute}: {}", shown(one.value))
        }));
        let text = element.text();
        if !trimmed(&text).is_empty() {
            lines.insert(match element.attribute_in(XML, "lang") {
                Some(language) => format!("{label} in {}: {}", Quoted::new(language), shown(&text)),
                None => format!("{label}: {}", shown(&text)),
            });
        } else if element.elements().next().is_none() && level.attributes(element).next().is_none() {
            lines.insert(label);
        }
        let inner = level.children(element).filter(|(child, _)| !is_told_elsewhere(*child, element));
        waiting.extend(inner.map(|(child, level)| (child, level, role.clone(), name.clone())));
    }
    lines
}

fn is_statement(attribute: Attribute<'_>, element: Element<'_>) -> bool {
    const OF_ENDPOINTS: [&str; 5] = ["Binding", "Location", "ResponseLocation", "index", "isDefault"];
    let is_of_endpoint = is_endpoint(element) && OF_ENDPOINTS.contains(&attribute.local_name);
    let is_use = element.is(SAML_METADATA, "KeyDescriptor") && attribute.local_name == "use";
    let is_name = element.is(SAML_METADATA, "EntityDescriptor") && attribute.local_name == "entityID";
    !(is_of_endpoint || is_use || is_name || (attribute.namespace == XML && attribute.local_name == "lang"))
}

fn is_told_elsewhere(element: Element<'_>, parent: Element<'_>) -> bool {
    scope::is_known(element) || (element.is(DSIG, "KeyInfo") && parent.is(SAML_METADATA, "KeyDescriptor"))
}

/// Returns a value for a line. A long one is cut, and its digest tells two of them apart.
fn shown(value: &str) -> String {
    let value = trimmed(value);
    let quoted = Quoted::new(value);
    if value.chars().nth(SHOWN).is_none() {
        return quoted.to_string();
    }
    let [first, second, third, fourth, ..] = own_sha256(value.as_bytes());
    format!("{quoted} (SHA-256 {}…)", hexadecimal(&[first, second, third, fourth]))
}
