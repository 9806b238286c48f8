//! The statements of an entity about itself: all are read, unreadable ones are reported, and they are written again
//! unchanged.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests fail by panicking"
)]

mod encodings;
mod round_trip;

use std::sync::LazyLock;

use chrono::{DateTime, TimeZone, Utc};
use vouchsafe_crypto::{Certificate, KeyKind, PrivateKey, Provider};
use vouchsafe_metadata::{
    ContactKind, EntityAttributes, EntityDescription, IdentityProvider, MetadataDescription,
    SubjectIdRequirement, Warning,
};

static KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| Provider::rustcrypto().generate_key(KeyKind::P256).unwrap());

static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
    Certificate::self_signed(&Provider::rustcrypto(), &KEY, "idp.example.com", 1_600_000_000, 2_000_000_000)
        .unwrap()
});

const SAML2: &str = r#"protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol""#;
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 0, 1, 0).unwrap()
}

fn entity(content: &str) -> String {
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
             xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"
             xmlns:mdrpi="urn:oasis:names:tc:SAML:metadata:rpi" xmlns:alg="urn:oasis:names:tc:SAML:metadata:algsupport"
             xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:remd="http://refeds.org/metadata"
             xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" entityID="https://idp.example.com">{content}</md:EntityDescriptor>"#
    )
}

fn identity_provider_role(extensions: &str, services: &str) -> String {
    let certificate = CERTIFICATE.to_base64();
    format!(
        "<md:IDPSSODescriptor {SAML2}><md:Extensions>{extensions}</md:Extensions><md:KeyDescriptor><ds:KeyInfo><ds:X509Data>\
         <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{services}</md:IDPSSODescriptor>"
    )
}

fn sign_on(binding: &str) -> String {
    format!(r#"<md:SingleSignOnService Binding="{binding}" Location="https://idp.example.com/sso"/>"#)
}

fn whole() -> String {
    let shown = r#"<mdui:UIInfo>
          <mdui:DisplayName xml:lang="de">Hochschule Beispiel</mdui:DisplayName><mdui:DisplayName xml:lang="en-GB"> Example University </mdui:DisplayName>
          <mdui:Description xml:lang="en">For everybody &amp; all</mdui:Description><mdui:Keywords xml:lang="en">exam+ple school</mdui:Keywords>
          <mdui:Logo height="16" width="20">https://idp.example.com/favicon.png</mdui:Logo>
          <mdui:Logo height="60" width="80" xml:lang="de">data:image/png;base64,iVBO
            Rw0KGgo=</mdui:Logo>
          <mdui:InformationURL xml:lang="en">https://idp.example.com/about</mdui:InformationURL>
          <mdui:PrivacyStatementURL xml:lang="en">https://idp.example.com/privacy</mdui:PrivacyStatementURL>
        </mdui:UIInfo><mdui:DiscoHints><mdui:IPHint>192.0.2.0/24</mdui:IPHint><mdui:DomainHint>example.com</mdui:DomainHint>
          <mdui:GeolocationHint>geo:47.37328,8.531126</mdui:GeolocationHint></mdui:DiscoHints>
        <shibmd:Scope regexp="true">^(.+\.)?example\.org$</shibmd:Scope>
        <alg:SigningMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" MinKeySize="256"/>"#;
    let extensions = r#"<md:Extensions>
        <mdrpi:RegistrationInfo registrationAuthority="https://registrar.example" registrationInstant="2020-01-01T24:00:00Z">
          <mdrpi:RegistrationPolicy xml:lang="en">https://registrar.example/policy</mdrpi:RegistrationPolicy></mdrpi:RegistrationInfo>
        <mdattr:EntityAttributes>
          <saml:Attribute Name="urn:oasis:names:tc:SAML:attribute:assurance-certification" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">
            <saml:AttributeValue> https://refeds.org/sirtfi </saml:AttributeValue></saml:Attribute>
          <saml:Attribute Name="http://macedir.org/entity-category"><saml:AttributeValue>http://refeds.org/category/hide-from-discovery</saml:AttributeValue></saml:Attribute>
        </mdattr:EntityAttributes>
        <alg:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha384"/>
        <shibmd:Scope regexp="false">example.com</shibmd:Scope>
        <x:unknown xmlns:x="urn:x"><x:inner a="1"/></x:unknown></md:Extensions>"#;
    let authority = format!(
        r#"<md:AttributeAuthorityDescriptor {SAML2}><md:AttributeService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="https://idp.example.com/aa"/>
             <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
             <saml:Attribute Name="urn:oid:0.9.2342.19200300.100.1.3" FriendlyName="mail"/></md:AttributeAuthorityDescriptor>"#
    );
    let organization = r#"<md:Organization><md:OrganizationName xml:lang="en">Example</md:OrganizationName><md:OrganizationDisplayName xml:lang="en">The organization</md:OrganizationDisplayName><md:OrganizationURL xml:lang="en">https://example.com</md:OrganizationURL></md:Organization>
        <md:ContactPerson contactType="support"><md:GivenName>Help</md:GivenName><md:EmailAddress>mailto:help@example.com</md:EmailAddress></md:ContactPerson>
        <md:ContactPerson contactType="other" remd:contactType="http://refeds.org/metadata/contactType/security"><md:GivenName>CERT</md:GivenName><md:EmailAddress>mailto:cert@example.com</md:EmailAddress></md:ContactPerson>"#;
    entity(
        &[extensions, &identity_provider_role(shown, &sign_on(REDIRECT)), &authority, organization].concat(),
    )
}

fn described(xml: &str) -> EntityDescription {
    let read = MetadataDescription::read(xml.as_bytes()).unwrap();
    assert!(read.left_out().is_empty());
    read.into_entities().pop().unwrap()
}

#[test]
fn what_an_identity_provider_says_about_itself() {
    let found = IdentityProvider::from_metadata(whole().as_bytes()).unwrap();
    assert!(found.warnings(now()).is_empty(), "{:?}", found.warnings(now()));
    assert_eq!(found.display_name(), Some("Example University"), "mdui comes before the organization");
    assert_eq!(found.display_name_in(&["fr", "de-AT"]), Some("Hochschule Beispiel"));
    let shown = found.user_interface();
    assert_eq!(shown.descriptions()[0].value(), "For everybody & all");
    assert_eq!((shown.keywords()[0].language(), shown.keywords()[0].value()), ("en", "exam+ple school"));
    assert_eq!(shown.information_urls()[0].value(), "https://idp.example.com/about");
    assert_eq!(shown.privacy_statement_urls().len(), 1);
    let logos: Vec<_> = shown
        .logos()
        .iter()
        .map(|logo| (logo.address(), logo.width(), logo.height(), logo.language()))
        .collect();
    assert_eq!(
        logos,
        [
            ("https://idp.example.com/favicon.png", 20, 16, None),
            ("data:image/png;base64,iVBORw0KGgo=", 80, 60, Some("de"))
        ]
    );
    assert_eq!(shown.ip_hints(), ["192.0.2.0/24"]);
    assert_eq!(shown.domain_hints(), ["example.com"]);
    assert_eq!(shown.geolocation_hints(), ["geo:47.37328,8.531126"]);
    let attributes = found.entity_attributes();
    assert!(attributes.has(EntityAttributes::ASSURANCE_CERTIFICATION, "https://refeds.org/sirtfi"));
    assert!(attributes.hides_from_discovery() && attributes.subject_id_requirement().is_none());
    let registration = found.registration().unwrap();
    assert_eq!(registration.authority(), "https://registrar.example");
    assert_eq!(registration.instant(), Utc.with_ymd_and_hms(2020, 1, 2, 0, 0, 0).single());
    assert_eq!(registration.policies()[0].value(), "https://registrar.example/policy");
    // The role's value takes precedence over the entity's.
    let support = found.algorithm_support();
    assert!(support.digest_methods().is_empty());
    assert!(
        support.signing_methods()[0].takes_key_of(256) && !support.signing_methods()[0].takes_key_of(255)
    );
    assert!(found.scopes().iter().any(|scope| scope.matches("a.EXAMPLE.org")));
    assert!(found.scopes().iter().any(|scope| scope.matches("Example.com")));
    assert!(!found.scopes().iter().any(|scope| scope.matches("a.example.com")));
    assert_eq!(found.organization().unwrap().urls()[0].value(), "https://example.com");
    let kinds: Vec<_> = found.contacts().iter().map(|contact| contact.kind().clone()).collect();
    assert_eq!(kinds, [ContactKind::Support, ContactKind::Security]);
    assert_eq!(found.contacts()[1].email_addresses(), ["mailto:cert@example.com"]);
    assert!(!format!("{:?}", found.contacts()).contains("example.com"));
}

#[test]
fn every_role_is_described() {
    let read = described(&whole());
    assert!(read.warnings().is_empty() && read.roles().iter().all(|role| role.warnings().is_empty()));
    let [extension] = read.other_extensions() else { panic!("{:?}", read.other_extensions()) };
    assert_eq!((extension.namespace(), extension.name()), ("urn:x", "unknown"));
    assert!(extension.xml().contains(r#"<x:inner a="1">"#));
    let authority = &read.roles()[1];
    assert_eq!(authority.name(), "AttributeAuthorityDescriptor");
    assert_eq!(authority.endpoints()[0].0, "AttributeService");
    assert_eq!(authority.offered_attributes()[0].friendly_name(), Some("mail"));
}

/// The values of a service provider: the attributes and the subject identifier that it requests, and its times.
#[test]
fn what_a_service_provider_asks_for() {
    let xml = entity(&format!(
        r#"<md:Extensions><mdattr:EntityAttributes><saml:Attribute Name="urn:oasis:names:tc:SAML:profiles:subject-id:req"><saml:AttributeValue>pairwise-id</saml:AttributeValue></saml:Attribute></mdattr:EntityAttributes></md:Extensions>
           <md:SPSSODescriptor AuthnRequestsSigned="1" WantAssertionsSigned="false" validUntil="12027-01-01T00:00:00Z" cacheDuration="PT6H" errorURL="https://sp.example.com/error" {SAML2}>
             <md:AttributeConsumingService index="1" isDefault="true"><md:ServiceName xml:lang="en">Service</md:ServiceName>
               <md:RequestedAttribute Name="urn:oid:2.5.4.42" isRequired="true"><saml:AttributeValue>x</saml:AttributeValue></md:RequestedAttribute>
               <md:RequestedAttribute FriendlyName="without a name"/></md:AttributeConsumingService>
           </md:SPSSODescriptor>"#
    ));
    let read = described(&xml);
    assert_eq!(read.entity_attributes().subject_id_requirement(), Some(SubjectIdRequirement::PairwiseId));
    let role = &read.roles()[0];
    assert_eq!(role.flag("AuthnRequestsSigned"), Some(true));
    assert_eq!(role.flag("WantAssertionsSigned"), Some(false));
    assert_eq!(role.flag("WantAuthnRequestsSigned"), None);
    assert_eq!(role.valid_until(), Utc.with_ymd_and_hms(12_027, 1, 1, 0, 0, 0).single());
    assert_eq!(role.cache_duration().map(|time| time.as_secs()), Some(21_600));
    assert_eq!(role.error_url(), Some("https://sp.example.com/error"));
    let [service] = role.attribute_consuming_services() else { panic!("{role:?}") };
    assert_eq!((service.index(), service.is_default()), (Some(1), true));
    assert_eq!(service.names()[0].value(), "Service");
    let [attribute] = service.attributes() else { panic!("{service:?}") };
    assert!(attribute.is_required() && attribute.values() == ["x"]);
    let codes: Vec<&str> = role.warnings().iter().map(Warning::code).collect();
    assert_eq!(codes, ["metadata.extension_ignored"], "an attribute without a name is said");
}

/// Nothing is dropped without a warning.
#[test]
fn what_is_not_used_is_said() {
    let good = || identity_provider_role("<x:y xmlns:x='urn:x'/>", &sign_on(REDIRECT));
    let affiliation = r#"<md:AffiliationDescriptor affiliationOwnerID="https://a.example"><md:AffiliateMember>https://b.example</md:AffiliateMember></md:AffiliationDescriptor>"#;
    let foreign = sign_on("urn:mace:shibboleth:1.0:profiles:AuthnRequest") + &sign_on("urn:example:b");
    let cases = [
        ("an affiliation", good() + affiliation, "metadata.affiliation"),
        ("a role for nobody", good() + "<md:PDPDescriptor/>", "metadata.role_without_protocol"),
        ("foreign bindings alone", identity_provider_role("<x:y xmlns:x='urn:x'/>", &foreign), "metadata.foreign_bindings"),
        ("no address", identity_provider_role("<x:y xmlns:x='urn:x'/>", ""), "metadata.no_single_sign_on"),
        ("a flag that is none", identity_provider_role("<shibmd:Scope regexp='yes'>example.com</shibmd:Scope>", &sign_on(REDIRECT)), "metadata.scope_ignored"),
        ("no expression", identity_provider_role("<shibmd:Scope regexp='true'>(</shibmd:Scope>", &sign_on(REDIRECT)), "metadata.scope_ignored"),
        ("shown twice", identity_provider_role("<mdui:UIInfo/><mdui:UIInfo/>", &sign_on(REDIRECT)), "metadata.extension_ignored"),
        (
            "a large logo",
            identity_provider_role(&format!("<mdui:UIInfo><mdui:Logo height='1' width='1'>data:,{}</mdui:Logo></mdui:UIInfo>", "a".repeat(66_000)), &sign_on(REDIRECT)),
            "metadata.extension_ignored",
        ),
        ("a logo without a size", identity_provider_role("<mdui:UIInfo><mdui:Logo>https://a.example/l</mdui:Logo></mdui:UIInfo>", &sign_on(REDIRECT)), "metadata.extension_ignored"),
        ("an algorithm without a name", identity_provider_role("<alg:SigningMethod/>", &sign_on(REDIRECT)), "metadata.extension_ignored"),
        (
            "nobody registered it",
            "<md:Extensions><mdrpi:RegistrationInfo/></md:Extensions>".to_owned() + &good(),
            "metadata.extension_ignored",
        ),
        (
            "no time of registration",
            "<md:Extensions><mdrpi:RegistrationInfo registrationAuthority='urn:x' registrationInstant='once'/></md:Extensions>".to_owned() + &good(),
            "metadata.extension_ignored",
        ),
        (
            "an assertion about it",
            "<md:Extensions><mdattr:EntityAttributes><saml:Assertion/></mdattr:EntityAttributes></md:Extensions>".to_owned() + &good(),
            "metadata.extension_ignored",
        ),
    ];
    for (what, content, code) in cases {
        let found = IdentityProvider::from_metadata(entity(&content).as_bytes()).unwrap();
        let warnings = found.warnings(now());
        let codes: Vec<&str> =
            warnings.iter().map(Warning::code).filter(|code| *code != "metadata.schema").collect();
        assert_eq!(codes, [code], "{what}: {warnings:?}");
        assert!(warnings.iter().all(|warning| !warning.to_string().is_empty()));
    }
    // One binding of SAML 2.0 next to foreign ones is enough.
    let both = identity_provider_role("<x:y xmlns:x='urn:x'/>", &(foreign + &sign_on(REDIRECT)));
    assert!(IdentityProvider::from_metadata(entity(&both).as_bytes()).unwrap().warnings(now()).is_empty());
}

/// A limited number of each kind is kept, and the rest is counted.
#[test]
fn there_are_ceilings() {
    let many = |element: &str| element.repeat(5_000);
    let role = identity_provider_role(
        &[
            "<mdui:UIInfo>".to_owned(),
            many("<mdui:DisplayName xml:lang='en'>x</mdui:DisplayName>"),
            many("<mdui:Logo height='1' width='1'>https://a.example/l</mdui:Logo>"),
            "</mdui:UIInfo>".to_owned(),
            many("<alg:DigestMethod Algorithm='urn:x'/>"),
            many("<x:y xmlns:x='urn:x'/>"),
        ]
        .concat(),
        &sign_on(REDIRECT),
    );
    let patterns = "<md:Extensions>".to_owned()
        + &"<shibmd:Scope regexp='true'>a{100}</shibmd:Scope>".repeat(40)
        + "</md:Extensions>";
    let contacts = many("<md:ContactPerson contactType='other'/>");
    let xml = entity(&[patterns, role, contacts].concat());
    let found = IdentityProvider::from_metadata(xml.as_bytes()).unwrap();
    assert_eq!(found.user_interface().display_names().len(), 128);
    assert_eq!(found.user_interface().logos().len(), 64);
    assert_eq!(found.algorithm_support().digest_methods().len(), 128);
    assert_eq!(found.contacts().len(), 64);
    assert_eq!(found.scopes().len(), 32);
    let left_out = found.warnings(now()).iter().filter(|one| one.code() == "metadata.left_out").count();
    assert_eq!(left_out, 4, "{:?}", found.warnings(now()));
    assert_eq!(described(&xml).roles()[0].other_extensions().len(), 64);
}
