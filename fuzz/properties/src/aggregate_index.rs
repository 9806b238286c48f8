//! An index of entities and the tree of the whole document agree, and so do the canonical forms that are written in a sweep and of trees.

use vouchsafe::EntityId;
use vouchsafe::metadata::{Aggregate, AggregateEntity, EntityName, IdentityProvider};
use vouchsafe::xml::{Document, Element, Limits, Outline, OutlineForm, OutlineWatch, namespace};

use crate::{METHODS, ample};

const METADATA: &str = namespace::SAML_METADATA;

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    forms_agree(data);
    let aggregate = match Aggregate::read(data) {
        Ok(aggregate) => aggregate,
        Err(error) => {
            let whole = Document::parse(data, &ample());
            let is_metadata = whole.is_ok_and(|whole| is_root(whole.root()));
            assert!(!is_metadata || error.code() == "xml.limit", "only as a whole: {error}");
            return;
        }
    };
    // What is in UTF-16 is read as it was written anew.
    match Document::parse(aggregate.bytes(), &ample()) {
        Ok(whole) => agree(&aggregate, &whole),
        Err(error) => {
            // What stands in an element of another namespace is nobody's to read.
            let is_broken = |entity: AggregateEntity<'_>| {
                let reason = entity.description().err();
                reason.is_some_and(|reason| reason.code().starts_with("xml.") || entity.range().is_none())
            };
            assert!(aggregate.entities().any(is_broken), "only in pieces: {error}");
        }
    }
    for entity in aggregate.entities() {
        is_found(&aggregate, entity, data);
    }
}

/// A piece that is written in a sweep has the form that it has when a tree is made of it, or is refused for the same reason; and where the pieces
/// stand in it is known.
fn forms_agree(data: &[u8]) {
    let limits = Limits::default();
    let names = ("EntitiesDescriptor", "EntityDescriptor");
    let Ok(outline) = Outline::read(data, names.0, names.1, &limits) else { return };
    for method in METHODS {
        let form = OutlineForm { method, inclusive_prefixes: &["ds", "#default"], whole: true, omit: None };
        let [swept, of_trees] = [None, Some("")].map(|sought| {
            let watch = OutlineWatch { sought, piece: &mut |_| {}, bytes: &mut |_| {} };
            outline.canonicalize(data.to_vec(), form, &limits, watch)
        });
        match (swept, of_trees) {
            (Ok(swept), Ok(of_trees)) => {
                assert_eq!(String::from_utf8_lossy(swept.bytes()), String::from_utf8_lossy(of_trees.bytes()));
                if let Ok((bytes, known)) = swept.into_outline(&limits) {
                    let read = Outline::read(&bytes, names.0, names.1, &limits);
                    let ranges =
                        |outline: &Outline| outline.pieces().map(|piece| piece.range()).collect::<Vec<_>>();
                    assert_eq!(read.map(|read| ranges(&read)).ok(), Some(ranges(&known)));
                }
            }
            (swept, of_trees) => {
                assert_eq!(swept.err().map(|e| e.to_string()), of_trees.err().map(|e| e.to_string()));
            }
        }
    }
}

/// The same entities in the same order, which stand where the tree says.
fn agree(aggregate: &Aggregate, whole: &Document) {
    let expected: Vec<Element<'_>> = whole.elements().filter(|element| is_entity(*element)).collect();
    let found: Vec<AggregateEntity<'_>> =
        aggregate.entities().filter(|entity| entity.range().is_some()).collect();
    assert_eq!(found.len(), expected.len());
    for (entity, element) in found.into_iter().zip(expected) {
        assert_eq!(entity.range(), Some(element.source_range()));
        let id = element.attribute("entityID").unwrap_or_default().trim_matches([' ', '\t', '\r', '\n']);
        assert_eq!(entity.entity_id().unwrap_or_default(), id);
        if let Ok(description) = entity.description() {
            assert_eq!(description.entity_id(), id);
            let roles = element.elements().filter(|child| child.is(METADATA, "IDPSSODescriptor")).count();
            assert_eq!(description.is_identity_provider(), roles > 0);
        }
    }
}

/// By its name and by its source id it is found, or the one before it that has its name; and reading it alone says the same.
fn is_found(aggregate: &Aggregate, entity: AggregateEntity<'_>, data: &[u8]) {
    let id = entity.entity_id().and_then(|id| EntityId::new(id).ok());
    let Some(id) = id.filter(|_| entity.range().is_some()) else { return };
    let first = entity.first_of_name().unwrap_or(entity);
    for name in [EntityName::source_id_of(&id), EntityName::from(id.clone())] {
        assert_eq!(aggregate.find(&name).map(|found| found.place()), Some(first.place()), "{name}");
    }
    let kept = first.identity_provider();
    let alone = IdentityProvider::from_metadata_entity(data, &id);
    assert_eq!(kept.map_err(|error| error.code()).err(), alone.as_ref().map_err(|error| error.code()).err());
    if let (Ok(kept), Ok(alone)) = (kept, alone) {
        assert_eq!((kept.entity_id(), kept.signing_keys()), (&id, alone.signing_keys()));
    }
}

fn is_root(element: Element<'_>) -> bool {
    element.is(METADATA, "EntityDescriptor") || element.is(METADATA, "EntitiesDescriptor")
}

/// Whether it is the root, or stands in groups alone.
fn is_entity(element: Element<'_>) -> bool {
    let mut round = std::iter::successors(element.parent(), |one| one.parent());
    element.is(METADATA, "EntityDescriptor") && round.all(|one| one.is(METADATA, "EntitiesDescriptor"))
}
