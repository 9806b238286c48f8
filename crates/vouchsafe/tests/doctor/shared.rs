//! Messages and metadata that others made, when they are there.

use std::path::Path;

use vouchsafe::doctor::{Doctor, Kind};
use vouchsafe_testkit as testkit;

use crate::now;

fn product_of(path: &Path) -> (Kind, Option<String>) {
    let octets = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut exhibits = Doctor::new(now()).examine(&[("file", &octets)]).exhibits;
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

/// Every recorded message beside its metadata is healthy, but for what its table says.
#[test]
fn recorded_responses_are_healthy() {
    let Some(folder) = testkit::shared::folder() else { return };
    let samples = folder.join("idps/samples");
    let provider = testkit::keys::provider();
    let key = provider.private_key(&std::fs::read_to_string(samples.join("sp/key.pem")).unwrap()).unwrap();
    let service = std::fs::read(samples.join("sp/metadata.xml")).unwrap();
    let (mut healthy, mut ill) = (0, Vec::new());
    for name in ["lasso", "pysaml2", "saml-idp", "samlify", "simplesamlphp"] {
        let metadata = std::fs::read(samples.join(name).join("metadata.xml")).unwrap();
        let mut files: Vec<_> =
            std::fs::read_dir(samples.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.to_str().is_some_and(|path| path.ends_with(".response.xml")));
        files.sort();
        for path in files {
            let response = std::fs::read(&path).unwrap();
            let doctor = Doctor::new(now()).with_decryption_keys(vec![key.clone()]);
            let files =
                [("idp", metadata.as_slice()), ("sp", service.as_slice()), ("response", response.as_slice())];
            let exhibit = doctor.examine(&files).exhibits.remove(2);
            assert_eq!(exhibit.kind, Kind::Response, "{}", path.display());
            match crate::errors(&exhibit).first() {
                None => healthy += 1,
                Some(code) => {
                    ill.push(format!("{name}/{}: {code}", path.file_stem().unwrap().to_str().unwrap()))
                }
            }
        }
    }
    println!("{healthy} healthy, {} ill:\n{}", ill.len(), ill.join("\n"));
    assert!(healthy > 50, "{ill:#?}");
}

/// Nothing that others made makes the doctor fail.
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
