//! The check of a tree against its content model: one pass in document order, with work in proportion to the visited
//! nodes.

use core::ops::ControlFlow;

use crate::arena::NodeKind;
use crate::content_model::{Child, Content, ElementType, MOST_CHILDREN, OtherAttributes};
use crate::violation::{SchemaProblem, SchemaViolation};
use crate::{Attribute, Document, Element, namespace};

/// Checks an element and all its content against a type, and returns the first violation in document order. An
/// element that lacks a child is reported where it ends. The element's own name is not checked.
///
/// # Errors
/// The first violation.
pub fn check(element: Element<'_>, element_type: &'static ElementType) -> Result<(), SchemaViolation> {
    let mut first = None;
    for_each_violation(element, element_type, &mut |violation| {
        first = Some(violation);
        ControlFlow::Break(())
    });
    first.map_or(Ok(()), Err)
}

/// Calls `report` for every violation in document order, until it returns `Break`. The content of a child that is not
/// allowed is not checked.
///
/// ```
/// # use core::ops::ControlFlow;
/// # use vouchsafe_xml::{Document, ElementType, Limits, for_each_violation};
/// static EMPTY: ElementType = ElementType::elements("EmptyType", &[]);
/// let document = Document::parse(b"<a x='1'>text<b/></a>", &Limits::default())?;
/// let mut count = 0;
/// for_each_violation(document.root(), &EMPTY, &mut |_| {
///     count += 1;
///     ControlFlow::Continue(())
/// });
/// assert_eq!(count, 3); // an attribute, text, a child
/// # Ok::<(), vouchsafe_xml::XmlError>(())
/// ```
pub fn for_each_violation(
    element: Element<'_>,
    element_type: &'static ElementType,
    report: &mut dyn FnMut(SchemaViolation) -> ControlFlow<()>,
) {
    let document = element.document;
    let mut check = Check { document, root: element, open: Vec::with_capacity(8), report };
    if let ControlFlow::Continue(next) = check.begin(element.node, element_type, None, 1) {
        let _ = check.run(next); // what it found is reported already
    }
}

/// An element that has begun and has not ended.
struct Open {
    element_type: &'static ElementType,
    /// The index after its last descendant.
    end: u32,
    /// The child in the table; `None` for the element at which the check began.
    child: Option<&'static Child>,
    /// Its number among its siblings with the same name.
    number: u32,
    /// For each child of its type, how many have begun.
    counts: [u32; MOST_CHILDREN],
}

type Report<'r> = &'r mut dyn FnMut(SchemaViolation) -> ControlFlow<()>;

struct Check<'d, 'r> {
    document: &'d Document,
    root: Element<'d>,
    open: Vec<Open>,
    report: Report<'r>,
}

/// The index of the next node; `Break` if `report` has stopped the check.
type Next = ControlFlow<(), u32>;

impl Check<'_, '_> {
    fn run(&mut self, mut node: u32) -> Next {
        loop {
            while self.open.last().is_some_and(|open| open.end <= node) {
                self.end()?;
                self.open.pop();
            }
            if self.open.is_empty() {
                return ControlFlow::Continue(node);
            }
            node = match self.document.kind_of(node) {
                Some(NodeKind::Element(_)) => self.child(node)?,
                Some(NodeKind::Text(span)) => {
                    self.text(span.of(&self.document.text))?;
                    node.saturating_add(1)
                }
                _ => node.saturating_add(1),
            };
        }
    }

    /// Checks a child of the innermost open element.
    fn child(&mut self, node: u32) -> Next {
        let element = Element { document: self.document, node };
        let Some(open) = self.open.last_mut() else { return ControlFlow::Break(()) };
        let mut children = open.element_type.children().iter().zip(&mut open.counts);
        let Some((child, count)) = children.find(|(child, _)| element.is(child.namespace, child.name)) else {
            let problem = SchemaProblem::UnexpectedElement {
                namespace: element.namespace().to_owned(),
                name: element.local_name().to_owned(),
            };
            self.report(problem)?;
            return ControlFlow::Continue(self.document.end_of(node));
        };
        *count = count.saturating_add(1);
        let number = *count;
        if child.max.is_some_and(|max| number == max.saturating_add(1)) {
            self.report(SchemaProblem::RepeatedElement {
                names: child.name.to_owned(),
                at_most: number.saturating_sub(1),
            })?;
        }
        self.begin(node, child.element_type, Some(child), number)
    }

    /// Checks the attributes of an element that begins, and its text if it can have nothing else.
    fn begin(
        &mut self,
        node: u32,
        element_type: &'static ElementType,
        child: Option<&'static Child>,
        number: u32,
    ) -> Next {
        let element = Element { document: self.document, node };
        let end = self.document.end_of(node);
        self.open.push(Open { element_type, end, child, number, counts: [0; MOST_CHILDREN] });
        self.attributes(element, element_type)?;
        match element_type.content() {
            Content::Elements(_) => {}
            Content::Text(simple_type) => {
                let text = element.text();
                if !simple_type.accepts(&text) {
                    let problem = SchemaProblem::TextValue {
                        expected: simple_type.expected(),
                        is_blank: is_blank(&text),
                    };
                    self.report(problem)?;
                }
            }
            Content::Open => {
                self.open.pop();
                return ControlFlow::Continue(end);
            }
        }
        ControlFlow::Continue(node.saturating_add(1))
    }

    fn attributes(&mut self, element: Element<'_>, element_type: &'static ElementType) -> ControlFlow<()> {
        let mut seen = 0_u32;
        for attribute in element.attributes() {
            let mut named = (0_u32..).zip(element_type.attributes());
            let known = named.find(|(_, known)| {
                known.name == attribute.local_name && known.namespace == attribute.namespace
            });
            let Some((place, known)) = known else {
                if !is_allowed(&attribute, element_type.other_attributes()) {
                    self.report(SchemaProblem::UnexpectedAttribute {
                        namespace: attribute.namespace.to_owned(),
                        name: attribute.local_name.to_owned(),
                    })?;
                }
                continue;
            };
            seen |= 1_u32.wrapping_shl(place);
            let judged = known.judged_type();
            if !judged.accepts(attribute.value) {
                self.report(SchemaProblem::AttributeValue {
                    name: known.name,
                    expected: judged.expected(),
                    actual: attribute.value.to_owned(),
                })?;
            }
        }
        for (place, known) in (0_u32..).zip(element_type.attributes()) {
            if known.required && seen & 1_u32.wrapping_shl(place) == 0 {
                self.report(SchemaProblem::MissingAttribute { name: known.name })?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Checks text in the innermost open element.
    fn text(&mut self, text: &str) -> ControlFlow<()> {
        let takes_text =
            self.open.last().is_some_and(|open| matches!(open.element_type.content(), Content::Text(_)));
        if takes_text || is_blank(text) {
            return ControlFlow::Continue(());
        }
        self.report(SchemaProblem::UnexpectedText)
    }

    /// Checks the innermost open element, which ends: no child may be missing, and children that exclude each other
    /// may not occur together.
    fn end(&mut self) -> ControlFlow<()> {
        let Some(Open { element_type, counts, .. }) = self.open.last() else {
            return ControlFlow::Continue(());
        };
        let (element_type, counts) = (*element_type, *counts);
        for (child, count) in element_type.children().iter().zip(counts) {
            if count < child.min {
                self.report(SchemaProblem::MissingElement { names: child.name.to_owned() })?;
            }
        }
        for choice in element_type.choices() {
            let total = choice.total(&counts);
            let names = || choice.names(element_type.children());
            if total < choice.min {
                self.report(SchemaProblem::MissingElement { names: names() })?;
            }
            if let Some(at_most) = choice.max.filter(|max| total > *max) {
                self.report(SchemaProblem::RepeatedElement { names: names(), at_most })?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Reports a problem of the innermost open element.
    fn report(&mut self, problem: SchemaProblem) -> ControlFlow<()> {
        let schema_type = self.open.last().map_or("", |open| open.element_type.name());
        let violation = SchemaViolation { path: self.path(), schema_type, problem };
        (self.report)(violation)
    }

    fn path(&self) -> String {
        let mut path = format!("/{}", self.root.local_name());
        for Open { child, number, .. } in &self.open {
            let Some(child) = child else { continue };
            path.push('/');
            path.push_str(child.name);
            if child.max.is_none_or(|max| max > 1) || *number > 1 {
                path.push_str(&format!("[{number}]"));
            }
        }
        path
    }
}

fn is_allowed(attribute: &Attribute<'_>, other: OtherAttributes) -> bool {
    const XSI: [&str; 3] = ["type", "schemaLocation", "noNamespaceSchemaLocation"];
    let of_any_element = attribute.namespace == namespace::XSI && XSI.contains(&attribute.local_name);
    of_any_element
        || match other {
            OtherAttributes::None => false,
            OtherAttributes::OfOtherNamespaces(own) => {
                !attribute.namespace.is_empty() && attribute.namespace != own
            }
            OtherAttributes::Any => true,
        }
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}
