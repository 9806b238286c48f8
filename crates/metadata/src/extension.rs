//! The children of `md:Extensions` (saml-metadata-2.0-os 2.3.1): those that are interpreted, and those that are kept
//! unchanged.

use std::collections::BTreeSet;

use vouchsafe_xml::namespace::SAML_METADATA;
use vouchsafe_xml::{Canonicalization, Element, Writer, canonicalize};

use crate::bounded::{Bounded, EXTENSION_BYTES, EXTENSIONS, OTHER_EXTENSIONS};
use crate::values::extensions;
use crate::{
    Warning, algorithm_support, entity_attributes, registration, scope, service_information, user_interface,
};

/// An extension that this library does not interpret. It is kept, so that other code can read it and that it is
/// published again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    namespace: String,
    name: String,
    xml: String,
}

impl Extension {
    /// Returns its namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns its local name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the element as a document of its own: in canonical form, with the prefixes that were in scope.
    #[must_use]
    pub fn xml(&self) -> &str {
        &self.xml
    }

    /// Returns `None` for an extension that is too large.
    pub(crate) fn of(element: Element<'_>) -> Option<Extension> {
        let (namespace, name) = (element.namespace().to_owned(), element.local_name().to_owned());
        text_of(element).map(|xml| Extension { namespace, name, xml })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.raw_element(&self.xml);
    }
}

/// Returns the extensions that this library does not interpret.
pub(crate) fn others(holder: Element<'_>, warnings: &mut Vec<Warning>) -> Vec<Extension> {
    let mut kept = Bounded::new("extensions of other kinds", OTHER_EXTENSIONS);
    let mut too_large = Bounded::new("extensions that are too large", OTHER_EXTENSIONS);
    for (number, element) in (1_usize..).zip(extensions(holder).filter(|one| !is_read(*one))) {
        if !kept.has_room() {
            kept.leave_out(number);
            continue;
        }
        match Extension::of(element) {
            Some(extension) => kept.push(number, extension),
            None => too_large.push(number, format!("{{{}}}{}", element.namespace(), element.local_name())),
        }
    }
    let kept = kept.finish(warnings);
    for extension in too_large.finish(warnings) {
        let reason = format!("it has more than {EXTENSION_BYTES} bytes");
        warnings.push(Warning::ExtensionIgnored { extension, reason });
    }
    kept
}

fn is_read(extension: Element<'_>) -> bool {
    user_interface::is_known(extension)
        || entity_attributes::is_known(extension)
        || algorithm_support::is_known(extension)
        || registration::is_known(extension)
        || scope::is_known(extension)
        || service_information::is_known(extension)
}

fn text_of(element: Element<'_>) -> Option<String> {
    if element.source_range().len() > EXTENSION_BYTES {
        return None;
    }
    let scope = element.scope();
    // Where the extension is written again, `md` is bound to the namespace of metadata. So `md` is declared only
    // where it is used, and the text does not grow.
    let kept = scope.bindings().filter(|binding| *binding != ("md", SAML_METADATA));
    let prefixes: Vec<&str> = kept.map(|(prefix, _)| prefix).collect();
    let mut bytes = Vec::new();
    canonicalize(element, Canonicalization::EXCLUSIVE_WITH_COMMENTS, &prefixes, None, &mut bytes).ok()?;
    String::from_utf8(bytes).ok().filter(|xml| xml.len() <= EXTENSION_BYTES)
}

/// Returns the names of all extensions of this holder, as `{namespace}name`, each once.
pub(crate) fn names(holder: Element<'_>, warnings: &mut Vec<Warning>) -> Vec<String> {
    let mut names = Bounded::new("extensions", EXTENSIONS);
    let mut known = BTreeSet::new();
    let elements = extensions(holder);
    for (number, extension) in (1_usize..).zip(elements) {
        let name = (extension.namespace(), extension.local_name());
        if known.contains(&name) {
            continue;
        }
        if names.has_room() {
            known.insert(name);
            names.push(number, format!("{{{}}}{}", name.0, name.1));
        } else {
            names.leave_out(number);
        }
    }
    names.finish(warnings)
}
