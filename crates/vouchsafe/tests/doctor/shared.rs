//! Messages and metadata of other software, if they are available.

use std::collections::BTreeSet;
use std::path::Path;

use vouchsafe::doctor::{Doctor, Kind};
use vouchsafe_testkit as testkit;

use crate::now;

fn product_of(path: &Path) -> (Kind, Option<String>) {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut exhibits = Doctor::new(now()).examine(&[("file", &bytes)]).exhibits;
    let exhibit = exhibits.remove(0);
    (exhibit.kind, exhibit.product.map(|product| product.name))
}

#[test]
fn products_are_recognised_in_messages_of_the_field() {
    let Some(folder) = testkit::shared::folder() else { return };
    for (file, kind, product) in [
        ("vectors/saml/gosaml2/okta_response.xml", Kind::Response, "Okta"),
        ("vectors/saml/gosaml2/oktaenc_response.b64", Kind::Response, "Okta"),
        ("vectors/saml/gosaml2/adfs_response.b64", Kind::Response, "AD FS"),
        ("vectors/saml/gosaml2/onelogin_response.xml", Kind::Response, "OneLogin"),
        (
            "vectors/saml/crewjam/testdata/TestSPCanHandlePlaintextResponse_IDPMetadata",
            Kind::IdentityProviderMetadata,
            "Google Workspace",
        ),
        ("vectors/saml/lightsaml/idp-ed.xml", Kind::IdentityProviderMetadata, "Microsoft Entra ID"),
        ("idps/samples/simplesamlphp/metadata.xml", Kind::IdentityProviderMetadata, "SimpleSAMLphp"),
        ("idps/samples/simplesamlphp/post.response.xml", Kind::Response, "SimpleSAMLphp"),
    ] {
        assert_eq!(product_of(&folder.join(file)), (kind, Some(product.to_owned())), "{file}");
    }
}

/// The recorded messages with a fault that their recorder intended, and its code. All others are genuine and without
/// a fault.
const ILL: &[(&str, &str)] = &[
    ("lasso/encrypted-3des.response.xml", "encryption.refused_algorithm"),
    ("lasso/no-authn-context.response.xml", "assertion.status"),
    ("lasso/no-passive.response.xml", "assertion.status"),
    ("lasso/sha1.response.xml", "signature.algorithm"),
    // pysaml2 writes the index of the endpoint as digits.
    ("pysaml2/artifact.artifact.url", "doctor.artifact_address"),
    // pysaml2 signs the Response inside, and not the message itself.
    ("pysaml2/artifact.artifactresponse-second.soap.xml", "message.unsigned"),
    ("pysaml2/artifact.artifactresponse.soap.xml", "message.unsigned"),
    ("pysaml2/encrypted.response.xml", "encryption.refused_algorithm"),
    // Our side sent these without a signature to software that accepts that.
    ("pysaml2/mni-new-id.managenameidrequest.soap.xml", "message.unsigned"),
    ("pysaml2/mni-terminate.managenameidrequest.soap.xml", "message.unsigned"),
    ("pysaml2/slo-soap.logoutrequest.soap.xml", "message.unsigned"),
    ("pysaml2/mni-new-id.managenameidresponse.soap.xml", "message.issuer"),
    ("pysaml2/mni-terminate.managenameidresponse.soap.xml", "message.issuer"),
    ("pysaml2/no-passive.response.xml", "assertion.status"),
    ("pysaml2/slo-idp-initiated.logoutrequest.url", "signature.algorithm"),
    ("pysaml2/slo-redirect.logoutresponse.url", "signature.algorithm"),
    // samlify signs first and encrypts afterwards.
    ("samlify/encrypted.response.xml", "signature.digest_mismatch"),
    ("simplesamlphp/artifact.artifactresponse-second.soap.xml", "message.no_response"),
    ("simplesamlphp/no-passive.response.xml", "assertion.status"),
];

/// The recorded messages of an identity provider in both directions, by any binding. A message by redirect is given
/// as its address, which contains the signature.
fn recorded(folder: &Path) -> Vec<String> {
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.collect();
    let is_message = |name: &&String| {
        let is_file = name.ends_with(".url") || name.ends_with(".xml");
        let by_redirect =
            name.strip_suffix(".xml").is_some_and(|stem| names.contains(&format!("{stem}.url")));
        is_file && !by_redirect && *name != "metadata.xml" && !name.contains("decrypted")
    };
    names.iter().filter(is_message).cloned().collect()
}

/// Shuffles a list. The same number gives the same order (a linear congruential generator, and the shuffle of Fisher
/// and Yates).
fn shuffled<T>(mut list: Vec<T>, mut number: u64) -> Vec<T> {
    for place in (1..list.len()).rev() {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(number >> 33).unwrap() % (place + 1);
        list.swap(place, other);
    }
    list
}

/// Every recorded message is examined together with the metadata of all five identity providers and ours, each time
/// in another order.
#[test]
fn recorded_messages_beside_all_metadata_in_any_order() {
    let Some(folder) = testkit::shared::folder() else { return };
    let samples = folder.join("idps/samples");
    let provider = testkit::keys::provider();
    let key = provider.private_key(&std::fs::read_to_string(samples.join("sp/key.pem")).unwrap()).unwrap();
    let names = ["lasso", "pysaml2", "saml-idp", "samlify", "simplesamlphp"];
    let metadata: Vec<(String, Vec<u8>)> = names
        .iter()
        .chain([&"sp"])
        .map(|name| (format!("{name}.xml"), std::fs::read(samples.join(name).join("metadata.xml")).unwrap()))
        .collect();
    let (mut wrong, mut healthy, mut orders) = (Vec::new(), 0, BTreeSet::new());
    for name in names {
        for file in recorded(&samples.join(name)) {
            let bytes = std::fs::read(samples.join(name).join(&file)).unwrap();
            let doctor = Doctor::new(now()).with_decryption_keys(vec![key.clone()]);
            let mut files: Vec<(&str, &[u8])> =
                metadata.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
            files.push(("message", &bytes));
            let files = shuffled(files, u64::try_from(orders.len() + healthy).unwrap());
            orders.insert(files.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" "));
            let diagnosis = doctor.examine(&files);
            let of_message = diagnosis.exhibits.iter().filter(|one| one.source.starts_with("message"));
            let found: Vec<&str> = of_message.flat_map(crate::errors).collect();
            let named = format!("{name}/{file}");
            let expected = ILL.iter().find(|(ill, _)| *ill == named).map(|(_, code)| *code);
            if found.first().copied() != expected {
                wrong.push(format!("(\"{named}\", {found:?}), expected {expected:?}"));
            }
            healthy += usize::from(found.is_empty());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(healthy > 200, "{healthy}");
    assert!(orders.len() > 100, "{}", orders.len());
}

/// No file of other software makes the doctor fail.
#[test]
fn everything_of_the_field_is_survived() {
    let Some(folder) = testkit::shared::folder() else { return };
    let (mut waiting, mut count) = (vec![folder.join("vectors/saml"), folder.join("corpus")], 0);
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.metadata().unwrap().len() < 200_000 {
                let _ = product_of(&path);
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count}");
}
