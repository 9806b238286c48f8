//! This module reads the content of one element of a signature: a value, or child elements in their order.

use std::borrow::Cow;

use vouchsafe_xml::{Element, Node, namespace};

use crate::SignatureError;

/// Rule: a value contains only text. An element, a comment or a processing instruction inside it is refused.
pub(crate) fn value<'d>(
    element: Element<'d>,
    name: &'static str,
    attributes: &[&str],
) -> Result<Cow<'d, str>, SignatureError> {
    only_attributes(element, name, attributes)?;
    for node in element.children() {
        if !matches!(node, Node::Text(_)) {
            return Err(SignatureError::Structure {
                parent: name,
                expected: "text only",
                actual: described(&node),
            });
        }
    }
    Ok(element.text())
}

/// Reads the child elements of an element one after another. Between them, only white space and comments are
/// accepted.
pub(crate) struct Children<'d, I: Iterator<Item = Element<'d>>> {
    parent: &'static str,
    elements: std::iter::Peekable<I>,
}

impl<'d> Children<'d, std::iter::Empty<Element<'d>>> {
    /// Starts reading `parent`. Errors call it `name`, and it may have only these `attributes`.
    pub(crate) fn of(
        parent: Element<'d>,
        name: &'static str,
        attributes: &[&str],
    ) -> Result<Children<'d, impl Iterator<Item = Element<'d>> + use<'d>>, SignatureError> {
        only_attributes(parent, name, attributes)?;
        for node in parent.children() {
            let harmless = match &node {
                Node::Element(_) | Node::Comment(_) => true,
                Node::Text(text) => text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')),
                _ => false,
            };
            if !harmless {
                return Err(SignatureError::Structure {
                    parent: name,
                    expected: "elements only",
                    actual: described(&node),
                });
            }
        }
        Ok(Children { parent: name, elements: parent.elements().peekable() })
    }
}

impl<'d, I: Iterator<Item = Element<'d>>> Children<'d, I> {
    /// Returns the next child, which must be this element of the XML-DSig namespace.
    pub(crate) fn next(&mut self, expected: &'static str) -> Result<Element<'d>, SignatureError> {
        match self.elements.next() {
            Some(child) if is_dsig(child, expected) => Ok(child),
            other => Err(self.unexpected(expected, other)),
        }
    }

    /// Returns the next child if it is this element of the XML-DSig namespace.
    pub(crate) fn optional(&mut self, name: &str) -> Option<Element<'d>> {
        self.optional_in(namespace::DSIG, name)
    }

    /// Returns the next child if it is this element.
    pub(crate) fn optional_in(&mut self, namespace: &str, name: &str) -> Option<Element<'d>> {
        self.elements.next_if(|child| child.is(namespace, name))
    }

    /// Checks that there is no further child.
    pub(crate) fn end(mut self, expected: &'static str) -> Result<(), SignatureError> {
        match self.elements.next() {
            None => Ok(()),
            more => Err(self.unexpected(expected, more)),
        }
    }

    fn unexpected(&self, expected: &'static str, found: Option<Element<'_>>) -> SignatureError {
        let actual = found.map_or_else(
            || "nothing more".to_owned(),
            |element| format!("{{{}}}{}", element.namespace(), element.local_name()),
        );
        SignatureError::Structure { parent: self.parent, expected, actual }
    }
}

fn only_attributes(element: Element<'_>, name: &'static str, known: &[&str]) -> Result<(), SignatureError> {
    let unknown = element
        .attributes()
        .find(|attribute| !(attribute.namespace.is_empty() && known.contains(&attribute.local_name)));
    match unknown {
        None => Ok(()),
        Some(attribute) => {
            Err(SignatureError::Attribute { element: name, attribute: attribute.local_name.to_owned() })
        }
    }
}

pub(crate) fn is_dsig(element: Element<'_>, name: &str) -> bool {
    element.is(namespace::DSIG, name)
}

fn described(node: &Node<'_>) -> String {
    match node {
        Node::Element(element) => format!("{{{}}}{}", element.namespace(), element.local_name()),
        Node::Text(text) => format!("the text {text}"),
        Node::Comment(_) => "a comment".to_owned(),
        _ => "a processing instruction".to_owned(),
    }
}
