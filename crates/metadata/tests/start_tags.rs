//! Aggregates: the start tags of entities, which are read before the entities, many at a time.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use vouchsafe_metadata::{Aggregate, EntityName};

fn group(content: &str) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' xmlns:o='urn:other'>{content}</md:EntitiesDescriptor>"
    )
}

fn entities(count: usize) -> String {
    (0..count).map(|number| format!("<md:EntityDescriptor entityID='urn:e:{number}'/>\n")).collect()
}

fn place_of(aggregate: &Aggregate, name: &str) -> Option<usize> {
    aggregate.find(&name.parse::<EntityName>().unwrap()).map(|found| found.place())
}

/// A name may be written in any way that XML allows. Only one that is in the document as it is is read from there.
#[test]
fn names_in_any_spelling() {
    let spellings = [
        ("entityID='urn:plain'", "urn:plain"),
        ("entityID=\"  urn:spaces \"", "urn:spaces"),
        ("entityID='\n urn:lines\t'", "urn:lines"),
        ("entityID='urn:a&amp;b'", "urn:a&b"),
        ("entityID='&#x20;urn:reference'", "urn:reference"),
        ("o:entityID='urn:wrong' ID='urn:right' entityID='urn:right'", "urn:right"),
        ("entityID='ürn:é'", "ürn:é"),
    ];
    let written: String =
        spellings.iter().map(|(head, _)| format!("<md:EntityDescriptor {head}/>")).collect();
    for mark in ["", "\u{feff}"] {
        let aggregate = Aggregate::read(format!("{mark}{}", group(&written))).unwrap();
        for (place, (_, name)) in spellings.into_iter().enumerate() {
            assert_eq!(aggregate.entities().nth(place).unwrap().entity_id(), Some(name));
            assert_eq!(place_of(&aggregate, name), Some(place + 1), "{name}");
        }
        for (head, name) in spellings {
            let alone = format!(
                "{mark}<!-- c --><md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' xmlns:o='urn:other' {head}/>"
            );
            let aggregate = Aggregate::read(alone).unwrap();
            assert_eq!(aggregate.entities().next().unwrap().entity_id(), Some(name));
            assert_eq!(place_of(&aggregate, name), Some(1), "{name}");
        }
    }
}

/// Several hundred entities, groups among them, and groups and entities of another namespace.
#[test]
fn the_order_of_the_document() {
    let many = entities(600);
    let inner = group("<md:EntityDescriptor entityID='urn:inner'/>");
    let foreign = "<o:EntityDescriptor entityID='urn:foreign'/>";
    let foreign_group =
        "<o:EntitiesDescriptor><md:EntityDescriptor entityID='urn:hidden'/></o:EntitiesDescriptor>";
    let last = "<md:EntityDescriptor entityID='urn:last'/>";
    let aggregate =
        Aggregate::read(group(&format!("{many}{inner}{foreign}{foreign_group}<o:x/>{last}"))).unwrap();
    let names = ["urn:inner", "urn:foreign", "", "urn:last"];
    let found: Vec<_> = aggregate.entities().skip(600).map(|one| one.entity_id().unwrap_or("")).collect();
    assert_eq!(found, names);
    for number in [0, 255, 256, 257, 599] {
        assert_eq!(place_of(&aggregate, &format!("urn:e:{number}")), Some(number + 1));
    }
    let places =
        ["urn:inner", "urn:foreign", "urn:hidden", "urn:last"].map(|name| place_of(&aggregate, name));
    assert_eq!(places, [Some(601), None, None, Some(604)]);
    for entity in aggregate.entities().skip(601).take(2) {
        assert_eq!(entity.range(), None);
        assert_eq!(entity.description().unwrap_err().code(), "metadata.namespace");
    }
}

/// Whose start tag cannot be read has no name that others could be told by, so the document is refused, with the place.
#[test]
fn a_start_tag_that_cannot_be_read() {
    for (wrong, code, within) in [
        ("<md:EntityDescriptor entityID='&nothing;'/>", "xml.reference", 31),
        ("<md:EntityDescriptor a='1' a='2'>text</md:EntityDescriptor>", "xml.duplicate_attribute", 0),
        ("<p:EntityDescriptor/>", "xml.prefix", 0),
    ] {
        for before in [0, 1, 255, 256, 700] {
            let xml = group(&(entities(before) + &group(wrong) + &entities(300)));
            let error = Aggregate::read(xml.as_str()).unwrap_err();
            assert_eq!(error.code(), code);
            let whole = vouchsafe_xml::Document::parse(xml.as_bytes(), &vouchsafe_xml::Limits::metadata());
            let offset = xml.find(wrong).unwrap() + within;
            assert_eq!(whole.unwrap_err().offset(), Some(offset), "{wrong}");
            assert!(error.to_string().contains(&offset.to_string()), "{error}, at {offset}");
        }
    }
}
