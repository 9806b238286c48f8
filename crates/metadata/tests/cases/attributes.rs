//! An entityID that is missing or a template; booleans, roles and protocols that do not follow the schema.

use crate::{ENTITY_ID, SAML2, certificate, good, metadata, read, refuses, signing_key, warnings, x509_data};

fn key() -> String {
    signing_key(&x509_data(&[&certificate("idp.example.com")]))
}

#[test]
fn an_entity_id_that_is_none() {
    let long = format!("entityID='{}'", "x".repeat(1_025));
    let shown = "x".repeat(1_025);
    let shown = vouchsafe_xml::Quoted::new(&shown).to_string();
    for (attributes, problem) in [
        ("", "is missing"),
        ("ID='https://idp.example.com'", "is missing"),
        ("entityId='https://idp.example.com'", "is missing: “entityId” is another name"),
        ("EntityID='https://idp.example.com'", "is missing: “EntityID” is another name"),
        ("md:entityID='https://idp.example.com'", "is missing: the one there is in a namespace"),
        ("entityID=''", "is empty"),
        ("entityID=' &#10; '", "is empty"),
        (
            "entityID='My identity provider'",
            "cannot be an entity ID: it holds white space or control characters (“My identity provider”)",
        ),
        (&long, &*format!("cannot be an entity ID: it is longer than 1024 characters ({shown})")),
    ] {
        refuses(
            metadata(attributes, SAML2, &key()).as_bytes(),
            "metadata.entity_id",
            &format!("EntityDescriptor/@entityID {problem}"),
            "Have the publisher write the identity provider's name there",
        );
    }
}

#[test]
fn templates() {
    let entra = "metadata of /common/ or /organizations/, which belongs to no tenant";
    let others = "Fetch the metadata that the identity provider publishes for this customer";
    for (entity_id, placeholder, hint) in [
        ("https://sts.windows.net/{tenantid}/", "{tenantid}", entra),
        ("https://sts.windows.net/{TENANT}/", "{TENANT}", entra),
        ("https://sts.windows.net/%7Btenantid%7D/", "%7Btenantid%7D", entra),
        ("https://login.microsoftonline.us/{tenantid}/v2.0", "{tenantid}", entra),
        ("https://idp.example.com/realms/{realm}", "{realm}", others),
        ("https://idp.example.com/${customer}/saml", "{customer}", others),
        ("https://&lt;your-domain&gt;/saml", "<your-domain>", others),
    ] {
        let shown = entity_id.replace("&lt;", "<").replace("&gt;", ">");
        refuses(
            good(entity_id).as_bytes(),
            "metadata.template",
            &format!(
                "EntityDescriptor/@entityID “{shown}” is a template: “{placeholder}” is a placeholder for the name of a customer"
            ),
            hint,
        );
    }
    for genuine in [
        "https://sts.windows.net/6ba7b810-9dad-11d1-80b4-00c04fd430c8/",
        "urn:{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
    ] {
        assert_eq!(read(&good(genuine)).unwrap().entity_id().as_str(), genuine);
    }
}

#[test]
fn booleans_in_capital_letters() {
    for (value, read_as) in
        [("True", true), ("TRUE", true), ("False", false), ("FALSE", false), (" True ", true)]
    {
        let xml = metadata(ENTITY_ID, &format!("{SAML2} WantAuthnRequestsSigned='{value}'"), &key());
        let found = read(&xml).unwrap();
        assert_eq!(found.wants_authn_requests_signed(), read_as, "{value}");
        let words = format!(
            "IDPSSODescriptor/@WantAuthnRequestsSigned is “{value}”, which is not an xs:boolean; it is read as {read_as}"
        );
        assert_eq!(warnings(&found), [words]);
    }
    for value in ["yes", "t", "", "truе", "2"] {
        refuses(
            metadata(ENTITY_ID, &format!("{SAML2} WantAuthnRequestsSigned='{value}'"), &key()).as_bytes(),
            "metadata.attribute",
            &format!(
                "entity “https://idp.example.com”: IDPSSODescriptor/@WantAuthnRequestsSigned: expected true or false, found {}",
                vouchsafe_xml::Quoted::new(value)
            ),
            "Have the publisher correct the attribute",
        );
    }
    let scope = "<md:Extensions><shibmd:Scope regexp='maybe'>a.example</shibmd:Scope><shibmd:Scope regexp='True'>b</shibmd:Scope></md:Extensions>";
    let found = read(&metadata(ENTITY_ID, SAML2, &(scope.to_owned() + &key()))).unwrap();
    assert_eq!(found.scopes().len(), 1);
    assert_eq!(
        warnings(&found),
        [
            "the scope “a.example” is left out: entity “https://idp.example.com”: Scope/@regexp: expected true or false, found “maybe”"
        ]
    );
}

#[test]
fn roles() {
    let role = |name: &str, attributes: &str| format!("<md:{name} {attributes}>{}</md:{name}>", key());
    let entity = |roles: &str| {
        format!("<md:EntityDescriptor {} {ENTITY_ID}>{roles}</md:EntityDescriptor>", crate::NAMES)
    };
    let protocol =
        "IDPSSODescriptor/@protocolSupportEnumeration must name urn:oasis:names:tc:SAML:2.0:protocol";
    for (xml, code, words, hint) in [
        (
            entity(&role("IDPSSODescriptor", SAML2).repeat(2)),
            "metadata.several_roles",
            "identity provider “https://idp.example.com”: 2 IDPSSODescriptors for SAML 2.0 are in its EntityDescriptor, and nothing says which of them to use".to_owned(),
            "leave one of them",
        ),
        (
            entity(&role("SPSSODescriptor", SAML2)),
            "metadata.no_identity_provider",
            "the entity in this metadata is not an identity provider: it has no md:IDPSSODescriptor, but md:SPSSODescriptor".to_owned(),
            "metadata of a service provider",
        ),
        (
            entity(&(role("SPSSODescriptor", SAML2) + &role("AttributeAuthorityDescriptor", SAML2))),
            "metadata.no_identity_provider",
            "the entity in this metadata is not an identity provider: it has no md:IDPSSODescriptor, but md:SPSSODescriptor, md:AttributeAuthorityDescriptor".to_owned(),
            "metadata of a service provider",
        ),
        (
            entity(""),
            "metadata.no_identity_provider",
            "the entity in this metadata is not an identity provider: it has no md:IDPSSODescriptor, and no other role either".to_owned(),
            "metadata of a service provider",
        ),
        (
            entity(&role("IDPSSODescriptor", "")),
            "metadata.protocol",
            format!("identity provider “https://idp.example.com”: {protocol}, and is missing or empty"),
            "must offer SAML 2.0",
        ),
        (
            entity(&role("IDPSSODescriptor", "protocolSupportEnumeration='urn:oasis:names:tc:SAML:1.1:protocol'")),
            "metadata.protocol",
            format!("identity provider “https://idp.example.com”: {protocol}, found “urn:oasis:names:tc:SAML:1.1:protocol”"),
            "must offer SAML 2.0",
        ),
    ] {
        refuses(xml.as_bytes(), code, &words, hint);
    }
}
