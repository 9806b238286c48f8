//! What quick-xml says of a document, to be held against our tree: another reader of the same bytes.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use vouchsafe::xml::{Document, Element, Node};

/// A document that we read, quick-xml reads too, and to the same elements, attributes, texts, comments and instructions.
pub(crate) fn agrees(source: &str, document: &Document) {
    assert_eq!(theirs(source), ours(document.root()), "another reader sees another document");
}

fn theirs(source: &str) -> Vec<String> {
    let mut reader = Reader::from_str(source);
    let (mut tokens, mut depth) = (Vec::new(), 0_usize);
    loop {
        let event = reader.read_event().expect("what we read, quick-xml reads");
        match event {
            Event::Start(tag) => {
                depth = depth.saturating_add(1);
                tokens.push(start_tag(&tag));
            }
            Event::Empty(tag) => tokens.extend([start_tag(&tag), "/".to_owned()]),
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                tokens.push("/".to_owned());
            }
            Event::Eof => return tokens,
            _ if depth == 0 => {} // beside the root
            Event::Text(text) => add_text(&text.xml10_content(), &mut tokens),
            Event::CData(text) => add_text(&text.xml10_content(), &mut tokens),
            Event::GeneralRef(name) => match name.resolve_char_ref().expect("a number of a character") {
                Some(character) => add_text(character.encode_utf8(&mut [0; 4]), &mut tokens),
                None => {
                    let known = quick_xml::escape::resolve_predefined_entity(&name);
                    add_text(known.expect("a name that XML defines"), &mut tokens);
                }
            },
            Event::Comment(text) => tokens.push(format!("!{}", text.xml10_content())),
            Event::PI(instruction) => {
                let data = instruction.content().trim_start_matches([' ', '\t', '\r', '\n']);
                let data = data.replace("\r\n", "\n").replace('\r', "\n");
                tokens.push(format!("?{} {data}", instruction.target()));
            }
            Event::Decl(_) | Event::DocType(_) => panic!("it stands in an element: {event:?}"),
        }
    }
}

fn start_tag(tag: &BytesStart<'_>) -> String {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.expect("an attribute that we read");
        let key = attribute.key.as_ref();
        if key != "xmlns" && !key.starts_with("xmlns:") {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).expect("a value that we read");
            attributes.push(format!("{key}={value:?}"));
        }
    }
    format!("<{} {}", tag.name().as_ref(), attributes.join(" "))
}

/// Texts that nothing comes between are one.
fn add_text(text: &str, tokens: &mut Vec<String>) {
    if text.is_empty() {
        return;
    }
    match tokens.last_mut() {
        Some(last) if last.starts_with('"') => last.push_str(text),
        _ => tokens.push(format!("\"{text}")),
    }
}

fn ours(root: Element<'_>) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = vec![Step::Into(Node::Element(root))];
    while let Some(step) = rest.pop() {
        match step {
            Step::Out => tokens.push("/".to_owned()),
            Step::Into(Node::Element(element)) => {
                let attributes = element.attributes().map(|one| {
                    let colon = if one.prefix.is_empty() { "" } else { ":" };
                    format!("{}{colon}{}={:?}", one.prefix, one.local_name, one.value)
                });
                let attributes: Vec<String> = attributes.collect();
                tokens.push(format!("<{} {}", element.qualified_name(), attributes.join(" ")));
                rest.push(Step::Out);
                let mut children: Vec<_> = element.children().map(Step::Into).collect();
                children.reverse();
                rest.append(&mut children);
            }
            Step::Into(Node::Text(text)) => tokens.push(format!("\"{text}")),
            Step::Into(Node::Comment(text)) => tokens.push(format!("!{text}")),
            Step::Into(Node::ProcessingInstruction { target, data, .. }) => {
                tokens.push(format!("?{target} {data}"))
            }
            Step::Into(other) => panic!("a node of another kind: {other:?}"),
        }
    }
    tokens
}

enum Step<'d> {
    Into(Node<'d>),
    Out,
}
