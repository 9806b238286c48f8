//! The places of the entities in a document, and the functions that parse them one by one. The document is one
//! EntityDescriptor, or EntitiesDescriptors nested to any depth (saml-metadata-2.0-os 2.3).
//!
//! An index does not keep the document: its functions must be called with the bytes that it was made of.

use std::ops::Range;

use chrono::{DateTime, Utc};
use vouchsafe_xml::namespace::SAML_METADATA;
use vouchsafe_xml::{Document, Element, Limits, Outline, XmlError};

use crate::MetadataError;
use crate::foreign::Foreign;
use crate::heads::Heads;
use crate::places::Places;
use crate::registration::MDRPI;
use crate::scopes::Scopes;
use crate::source::{Entity, Inherited, is_entity, is_group};
use crate::time::parse_date_time;

/// The entities of a document, in document order. An EntityDescriptor inside Extensions or any other element is not
/// metadata and is not found. One in another namespace, in the place of an entity, is found so that it can be
/// reported.
#[derive(Debug)]
pub(crate) struct Index {
    places: Places,
    /// What is inherited in each EntitiesDescriptor; the first is the outside of the root.
    groups: Vec<Inherited>,
    /// The namespaces in the groups.
    scopes: Scopes,
    /// The validity of the document as a whole.
    whole: Inherited,
    is_one_entity: bool,
    /// The time when the document was published, if it is a group and states it.
    created: Option<DateTime<Utc>>,
}

/// # Making a value
impl Index {
    pub(crate) fn of(metadata: &[u8]) -> Result<Index, MetadataError> {
        Index::of_outline(&outline(metadata)?, metadata)
    }

    /// Makes an index of a document whose outline was read already.
    pub(crate) fn of_outline(outline: &Outline, metadata: &[u8]) -> Result<Index, MetadataError> {
        let root = outline.frame().root();
        require_metadata(root)?;
        let mut scopes = Scopes::default();
        scopes.add(None, None);
        let mut index = Index {
            places: Places::with_capacity(outline.pieces().len()),
            groups: vec![Inherited::default()],
            scopes,
            whole: Inherited::default().within(root),
            is_one_entity: is_entity(root),
            created: creation_instant(root),
        };
        index.add_all(outline, metadata)?;
        Ok(index)
    }

    fn add_all(&mut self, outline: &Outline, metadata: &[u8]) -> Result<(), MetadataError> {
        let (root, mut pieces) = (outline.frame().root(), outline.pieces());
        if self.is_one_entity {
            let range = pieces.next().map(|piece| piece.range()).unwrap_or_default();
            self.places.add(metadata, range, root, 0);
            return Ok(());
        }
        let mut heads = Heads::default();
        // The open groups, with the children that were not looked at.
        let mut open = vec![(children(root), self.add_group(root, 0))];
        while let Some((element, group)) = following(&mut open) {
            if element.local_name() == ENTITY {
                // The pieces between them are in an element of another namespace.
                let Some(piece) = pieces.find(|piece| piece.stub() == element) else { break };
                if !heads.has_room_in(group) {
                    self.add_heads(&mut heads, metadata)?;
                }
                heads.add(&piece, group, metadata);
            } else if is_group(element) {
                let own = self.add_group(element, group);
                open.push((children(element), own));
            } else {
                self.add_heads(&mut heads, metadata)?;
                self.places.add_foreign(element, group);
            }
        }
        self.add_heads(&mut heads, metadata)
    }

    /// Adds the entities whose start tags wait to be read.
    fn add_heads(&mut self, heads: &mut Heads, metadata: &[u8]) -> Result<(), MetadataError> {
        let Index { places, scopes, .. } = self;
        let add = |range, head: Element<'_>, group| match is_entity(head) {
            true => places.add(metadata, range, head, group),
            false => places.add_foreign(head, group),
        };
        heads.read(scopes, add).map_err(|error| refused(metadata, error))
    }

    /// Adds a group in this one, and returns its number.
    fn add_group(&mut self, element: Element<'_>, group: usize) -> usize {
        let inherited = self.inherited(group).within(element);
        self.groups.push(inherited);
        self.scopes.add(Some(element), Some(group));
        self.groups.len().saturating_sub(1)
    }

    fn inherited(&self, group: usize) -> &Inherited {
        static NOTHING: Inherited = Inherited::NOTHING;
        self.groups.get(group).unwrap_or(&NOTHING)
    }
}

/// Returns the children that may be entities and groups.
fn children(group: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    group.elements().filter(|child| [ENTITY, GROUP].contains(&child.local_name()))
}

/// Returns the next child of the innermost open group that has one, with the number of the group.
fn following<T>(open: &mut Vec<(impl Iterator<Item = T>, usize)>) -> Option<(T, usize)> {
    while let Some((children, group)) = open.last_mut() {
        match children.next() {
            Some(child) => return Some((child, *group)),
            None => open.pop(),
        };
    }
    None
}

/// # Content
impl Index {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns whether the document is an EntityDescriptor.
    pub(crate) fn is_one_entity(&self) -> bool {
        self.is_one_entity
    }

    /// Returns the validity that the root states.
    pub(crate) fn whole(&self) -> &Inherited {
        &self.whole
    }

    /// Returns the time when the document was published, if it states it.
    pub(crate) fn creation_instant(&self, metadata: &[u8]) -> Option<DateTime<Utc>> {
        match self.is_one_entity {
            true => creation_instant(self.document(metadata, 0).ok()?.root()),
            false => self.created,
        }
    }

    /// Returns the entityID without white space around it, if there is one.
    pub(crate) fn entity_id<'a>(&'a self, metadata: &'a [u8], place: usize) -> Option<&'a str> {
        self.places.entity_id(metadata, place)
    }

    /// Returns the earlier entity with the same name.
    pub(crate) fn first_of_name(&self, place: usize) -> Option<usize> {
        self.places.first_of_name(place)
    }

    /// Returns the range of its bytes. `None` for an element of another namespace.
    pub(crate) fn range(&self, place: usize) -> Option<Range<usize>> {
        self.places.range(place)
    }

    /// Returns the first entity with this name.
    pub(crate) fn find(&self, metadata: &[u8], entity_id: &str) -> Option<usize> {
        self.places.find(metadata, entity_id)
    }

    /// Returns the first entity with this name, or one in another namespace, which is refused when it is read.
    pub(crate) fn named(&self, metadata: &[u8], entity_id: &str) -> Result<usize, MetadataError> {
        let found = self.find(metadata, entity_id);
        let is_it = |place: &usize| self.entity_id(metadata, *place) == Some(entity_id);
        found.or_else(|| (0..self.len()).find(is_it)).ok_or_else(|| MetadataError::UnknownEntity {
            entity_id: entity_id.to_owned(),
            entities: self.len(),
        })
    }

    /// Returns the names of the entities, with the first entity of each.
    pub(crate) fn names<'a>(&'a self, metadata: &'a [u8]) -> impl Iterator<Item = (&'a str, usize)> {
        self.places.names(metadata)
    }
}

/// # Parsing
impl Index {
    /// Parses one entity by itself.
    pub(crate) fn document(&self, metadata: &[u8], place: usize) -> Result<Document, MetadataError> {
        let Some(range) = self.range(place) else { return Err(self.places.refusal(place)) };
        #[cfg(test)]
        crate::work::count(&crate::work::PARSED, 1);
        let bytes = metadata.get(range.clone()).unwrap_or_default();
        let group = self.places.group(place).unwrap_or_default();
        let scope = self.scopes.of(group, bytes).map_err(MetadataError::Xml)?;
        let limits = if self.is_one_entity { Limits::metadata() } else { Limits::metadata_entity() };
        Document::parse_in_scope(bytes, &scope, &limits)
            .map_err(|error| MetadataError::Xml(error.shifted(range.start)))
    }

    /// Returns whether the namespaces and dates around these entities, which have the same text, are the same, except
    /// for the dates of the whole documents.
    pub(crate) fn has_same_surroundings(
        &self,
        text: &[u8],
        place: usize,
        other: &Index,
        others: usize,
    ) -> bool {
        let round = |index: &Index, place: usize| {
            let group = index.places.group(place)?;
            let inherited = index.inherited(group);
            let is_of_the_whole = inherited.valid_until().ok()? == index.whole.valid_until().ok()?;
            is_of_the_whole.then(|| (index.scopes.of(group, text).ok(), inherited.cache_duration()))
        };
        matches!((round(self, place), round(other, others)), (Some(own), Some(others)) if own == others)
    }

    /// Returns the entity at this place, whose document was parsed.
    pub(crate) fn entity<'d>(&'d self, document: &'d Document, place: usize) -> Entity<'d> {
        Entity {
            element: document.root(),
            inherited: self.inherited(self.places.group(place).unwrap_or_default()),
            duplicates: self.places.duplicates(place),
        }
    }
}

/// Returns `mdrpi:PublicationInfo/@creationInstant` in the Extensions of the root.
fn creation_instant(root: Element<'_>) -> Option<DateTime<Utc>> {
    let extensions = root.elements().filter(|child| child.is(SAML_METADATA, "Extensions"));
    let mut found = extensions.flat_map(Element::elements).filter(|child| child.is(MDRPI, "PublicationInfo"));
    parse_date_time(found.next()?.attribute("creationInstant")?)
}

/// Returns the outline of the document, with entities in any namespace.
pub(crate) fn outline(metadata: &[u8]) -> Result<Outline, MetadataError> {
    Outline::read(metadata, GROUP, ENTITY, &Limits::metadata()).map_err(|error| refused(metadata, error))
}

/// Returns the error about bytes that are not XML. The bytes are examined, so that the error can say what they are.
pub(crate) fn refused(bytes: &[u8], error: XmlError) -> MetadataError {
    match Foreign::of(bytes) {
        Some(found) => MetadataError::NotXml { found, error: Box::new(error) },
        None => MetadataError::Xml(error),
    }
}

/// Checks that the root of a document is an element of metadata.
pub(crate) fn require_metadata(root: Element<'_>) -> Result<(), MetadataError> {
    if is_entity(root) || is_group(root) {
        return Ok(());
    }
    Err(MetadataError::Root { namespace: root.namespace().to_owned(), name: root.local_name().to_owned() })
}

/// The local names of entities and of groups.
const ENTITY: &str = "EntityDescriptor";
const GROUP: &str = "EntitiesDescriptor";
