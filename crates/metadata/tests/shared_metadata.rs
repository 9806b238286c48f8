//! Every metadata file of the shared material that describes an identity provider is read, or is in the table of
//! refused files.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test over files"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use vouchsafe_metadata::{Aggregate, EntityDescription, EntityId, IdentityProvider, MetadataDescription};
use vouchsafe_testkit::shared;
use vouchsafe_xml::namespace::SAML_METADATA;
use vouchsafe_xml::{Document, Element, Limits};

/// Files that [`IdentityProvider::from_metadata`] refuses, with the code, and why that is right.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "vectors/saml/opensaml/metadata/resolver/filter/impl/EntitiesDescriptor-Name-metadata.xml",
        "metadata.several_identity_providers",
        "an aggregate of 5",
    ),
    (
        "vectors/saml/opensaml/saml2/metadata/InCommon-metadata.xml",
        "metadata.several_identity_providers",
        "an aggregate of 15",
    ),
    (
        "vectors/saml/opensaml/saml2/metadata/impl/EntityDescriptorChildElements.xml",
        "metadata.protocol",
        "protocol \"foo\"",
    ),
    (
        "vectors/saml/opensaml/saml2/metadata/impl/IDPSSODescriptorOptionalAttributes.xml",
        "metadata.root",
        "a role on its own",
    ),
    (
        "vectors/saml/opensaml/saml2/metadata/impl/IDPSSODescriptorUnknownAttributes.xml",
        "metadata.root",
        "a role on its own",
    ),
    (
        "vectors/saml/opensaml/saml2/metadata/metadata.switchaai_signed.xml",
        "metadata.several_identity_providers",
        "an aggregate of 13",
    ),
    (
        "vectors/saml/opensaml/saml2/metadata/ukfederation-metadata.xml",
        "metadata.several_identity_providers",
        "an aggregate of 52",
    ),
    ("vectors/saml/opensaml/security/test1-metadata.xml", "metadata.protocol", "protocols of a test's own"),
    (
        "vectors/saml/polis/sso/data/metadata/nobinding/boxyhq-nobinding.xml",
        "xml.declaration",
        "a comment stands before the XML declaration",
    ),
    (
        "vectors/saml/polis/sso/data/metadata/noentityID/boxyhq-noentityID.xml",
        "xml.declaration",
        "a comment stands before the XML declaration",
    ),
    ("vectors/saml/pyff/metadata/test01.xml", "metadata.no_signing_key", "no KeyDescriptor"),
    ("vectors/saml/pyff/metadata/test02-invalid.xml", "metadata.no_signing_key", "no KeyDescriptor"),
    (
        "vectors/saml/pyff/metadata/wayf-edugain-metadata.xml",
        "metadata.several_identity_providers",
        "an aggregate of 61",
    ),
    (
        "vectors/saml/pysaml2/metadata.aaitest.xml",
        "metadata.several_identity_providers",
        "an aggregate of 35, 32 of which speak SAML 2.0",
    ),
    (
        "vectors/saml/python3-saml/metadata/idp_multiple_descriptors.xml",
        "metadata.several_identity_providers",
        "an aggregate of 2",
    ),
    (
        "vectors/saml/ruby-saml/metadata/idp_multiple_descriptors.xml",
        "metadata.several_identity_providers",
        "an aggregate of 2",
    ),
    (
        "vectors/saml/ruby-saml/metadata/idp_multiple_descriptors_2.xml",
        "metadata.several_identity_providers",
        "an aggregate of 2",
    ),
    (
        "vectors/saml/samlify/misc/idpmeta.xml",
        "metadata.no_signing_key",
        "KeyInfo stands in the metadata namespace",
    ),
    (
        "vectors/saml/samlify/misc/idpmeta_nosign.xml",
        "metadata.no_signing_key",
        "KeyInfo stands in the metadata namespace",
    ),
    (
        "vectors/saml/samlify/misc/idpmeta_onelogoutservice.xml",
        "metadata.no_signing_key",
        "KeyInfo stands in the metadata namespace",
    ),
    (
        "vectors/saml/samlify/misc/idpmeta_rollingcert.xml",
        "metadata.no_signing_key",
        "KeyInfo stands in the metadata namespace",
    ),
    (
        "vectors/saml/samlify/misc/idpmeta_share_cert.xml",
        "metadata.no_signing_key",
        "KeyInfo stands in the metadata namespace",
    ),
    ("vectors/saml/samlify/misc/multiple_entitydescriptor.xml", "xml.outside_root", "two document elements"),
    ("vectors/saml/ssp-saml2/xml/md_EntitiesDescriptor.xml", "metadata.no_signing_key", "a KeyName only"),
    ("vectors/saml/ssp-saml2/xml/md_EntityDescriptor.xml", "metadata.no_signing_key", "no KeyDescriptor"),
    ("vectors/saml/ssp-saml2/xml/md_IDPSSODescriptor.xml", "metadata.root", "a role on its own"),
];

#[test]
fn every_identity_provider_reads_or_is_refused_for_a_known_reason() {
    let Some(folder) = shared::folder() else { return };
    let mut refused: BTreeMap<&str, (&str, &str)> =
        REFUSED.iter().map(|(file, code, why)| (*file, (*code, *why))).collect();
    let (mut read, mut wrong) = (0, Vec::new());
    for file in metadata_files(&folder) {
        let name = file.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&file).unwrap();
        let found = IdentityProvider::from_metadata(&bytes);
        match (refused.remove(name.as_str()), found) {
            (None, Ok(_)) => read += 1,
            (Some((code, _)), Err(error)) if error.code() == code => {}
            (listed, Ok(_)) => wrong.push(format!("{name}: read, although listed as {listed:?}")),
            (listed, Err(error)) => {
                wrong.push(format!("{name}: {} {error}; listed as {listed:?}", error.code()))
            }
        }
    }
    println!("{read} read, {} refused as listed", REFUSED.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused.is_empty(), "listed but not there: {refused:?}");
}

#[test]
fn every_identity_provider_of_an_aggregate_can_be_picked() {
    let Some(folder) = shared::folder() else { return };
    let (mut read, mut codes) = (0, BTreeMap::new());
    for file in metadata_files(&folder) {
        let bytes = std::fs::read(&file).unwrap();
        let Ok(metadata) = MetadataDescription::read(&bytes) else { continue };
        let entities = metadata.entities();
        let providers: Vec<&EntityDescription> =
            entities.iter().filter(|e| e.is_identity_provider()).collect();
        if providers.len() < 2 {
            continue;
        }
        // Each selection reads the file again, so only some entities of the largest files are read.
        let step = 1 + bytes.len() / 300_000;
        for provider in providers.into_iter().step_by(step) {
            let Ok(id) = EntityId::new(provider.entity_id()) else { continue };
            match IdentityProvider::from_metadata_entity(&bytes, &id) {
                Ok(found) => {
                    assert_eq!(found.entity_id(), &id);
                    assert!(!found.signing_keys().is_empty());
                    read += 1;
                }
                Err(error) => *codes.entry(error.code()).or_insert(0) += 1,
            }
        }
    }
    println!("{read} read; refused: {codes:?}");
    assert!(read >= 20, "{read}");
    let expected = ["metadata.no_signing_key", "metadata.protocol", "metadata.several_roles"];
    assert!(codes.keys().all(|code| expected.contains(code)), "{codes:?}");
}

/// Documents that are refused as a whole, and why.
const NO_AGGREGATE: &[(&str, &str)] = &[
    // A comment is before the XML declaration.
    ("vectors/saml/polis/sso/data/metadata/nobinding/boxyhq-nobinding.xml", "xml.declaration"),
    ("vectors/saml/polis/sso/data/metadata/noentityID/boxyhq-noentityID.xml", "xml.declaration"),
    // They have another root, an end tag of another element, or two document elements: made to be refused.
    ("vectors/saml/python3-saml/metadata/noentity_metadata_settings1.xml", "metadata.root"),
    ("vectors/saml/python3-saml/metadata/unparsed_metadata.xml", "xml.end_tag"),
    ("vectors/saml/samlify/misc/multiple_entitydescriptor.xml", "xml.outside_root"),
    // The elements have no namespace of metadata.
    ("vectors/saml/samlify/misc/sp_metadata_98.xml", "metadata.root"),
    ("vectors/saml/samlify/misc/spmeta_noauthnsign.xml", "metadata.root"),
    (
        "vectors/saml/sustainsys/Sustainsys.Saml2.Tests/Serialization/SamlXmlReaderTests/ReadEntityDescriptor_ValidatesNamespace.xml",
        "metadata.root",
    ),
];

/// The entities that cannot be read, by file.
const LEFT_OUT: &[(&str, &[&str])] = &[
    // They have no entityID.
    (
        "vectors/saml/opensaml/saml2/metadata/impl/EntitiesDescriptorChildElements.xml",
        &["metadata.entity_id", "metadata.entity_id"],
    ),
];

/// Every metadata document, including those of service providers: its entities equal those of the tree of the whole,
/// and each of them is read by itself, or is left out with a known reason.
#[test]
fn every_document_is_an_aggregate() {
    let Some(folder) = shared::folder() else { return };
    let mut refused: BTreeMap<&str, &str> = NO_AGGREGATE.iter().copied().collect();
    let mut left_out: BTreeMap<&str, &[&str]> = LEFT_OUT.iter().copied().collect();
    let (mut documents, mut entities, mut wrong) = (0, 0, Vec::new());
    for file in files_with(&folder, &["EntityDescriptor", "EntitiesDescriptor"]) {
        let name = file.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&file).unwrap();
        let aggregate = match (Aggregate::read(bytes.as_slice()), refused.remove(name.as_str())) {
            (Ok(aggregate), None) => aggregate,
            (Err(error), Some(code)) if error.code() == code => continue,
            (found, listed) => {
                wrong
                    .push(format!("{name}: {:?}, listed as {listed:?}", found.map_err(|error| error.code())));
                continue;
            }
        };
        documents += 1;
        let whole = Document::parse(&bytes, &Limits::metadata()).unwrap();
        let expected: Vec<&str> = whole.elements().filter(|one| is_entity(*one)).map(entity_id).collect();
        let found: Vec<&str> =
            aggregate.entities().map(|entity| entity.entity_id().unwrap_or_default()).collect();
        assert_eq!(found, expected, "{name}");
        entities += found.len();
        let codes: Vec<&str> = aggregate
            .entities()
            .filter_map(|entity| entity.description().err())
            .map(|error| error.code())
            .collect();
        if codes != left_out.remove(name.as_str()).unwrap_or_default() {
            wrong.push(format!("{name}: left out {codes:?}"));
        }
    }
    println!("{documents} documents with {entities} entities");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused.is_empty() && left_out.is_empty(), "listed but not there: {refused:?} {left_out:?}");
}

/// Returns whether the element is in a place where an entity may be: the root, or only inside groups.
fn is_entity(element: Element<'_>) -> bool {
    let mut round = std::iter::successors(element.parent(), |one| one.parent());
    element.is(SAML_METADATA, "EntityDescriptor")
        && round.all(|one| one.is(SAML_METADATA, "EntitiesDescriptor"))
}

fn entity_id(element: Element<'_>) -> &str {
    element.attribute("entityID").unwrap_or_default().trim()
}

/// Returns the metadata files of other projects, of the recorded identity providers, and of the corpus.
fn metadata_files(folder: &Path) -> Vec<PathBuf> {
    files_with(folder, &["IDPSSODescriptor"])
}

/// Returns the files that contain one of these words.
fn files_with(folder: &Path, words: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for part in ["vectors/saml", "idps/samples", "corpus/keys"] {
        collect(&folder.join(part), &mut files);
    }
    files.sort();
    files.retain(|file| {
        let xml = file.extension().is_none_or(|extension| extension == "xml");
        xml && std::fs::read_to_string(file).is_ok_and(|text| words.iter().any(|word| text.contains(word)))
    });
    files
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
