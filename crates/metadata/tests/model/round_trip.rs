//! An entity that is read, written and read again is the same.

use proptest::prelude::*;
use vouchsafe_crypto::{KeyValue, base64_encode};
use vouchsafe_testkit::shared;
use vouchsafe_xml::Writer;

use super::*;

/// The decisions that make an entity, one after another.
struct Tape(std::vec::IntoIter<u16>);

impl Tape {
    fn below(&mut self, limit: u16) -> u16 {
        self.0.next().unwrap_or_default() % limit
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 1
    }

    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[usize::from(self.below(u16::try_from(texts.len()).unwrap()))]
    }

    fn text(&mut self) -> &'static str {
        self.pick(&[
            "Example",
            "a & b < c",
            "\"quoted\" 'text'",
            "Universität Zürich",
            "x",
            "𝄞 clef",
            "two  spaces",
            "tab\tline\nbreak",
        ])
    }

    fn language(&mut self) -> &'static str {
        self.pick(&["en", "de", "pt-BR", "zh-Hant"])
    }
}

fn localized(tape: &mut Tape, writer: &mut Writer, element: &str) {
    for _ in 0..tape.below(3) {
        writer.start(element).attribute("xml:lang", tape.language()).text(tape.text()).end();
    }
}

fn extensions(tape: &mut Tape, writer: &mut Writer, of_role: bool) {
    writer.start("md:Extensions");
    if of_role && tape.yes() {
        writer.start("mdui:UIInfo");
        for element in ["mdui:DisplayName", "mdui:Description", "mdui:Keywords"] {
            localized(tape, writer, element);
        }
        for _ in 0..tape.below(3) {
            writer.start("mdui:Logo").attribute("height", "16").attribute("width", "90");
            writer.optional_attribute("xml:lang", tape.yes().then(|| tape.language()));
            writer.text(tape.pick(&["https://a.example/l?a=1&b=2", "data:image/png;base64,AAAA"])).end();
        }
        localized(tape, writer, "mdui:InformationURL");
        localized(tape, writer, "mdui:PrivacyStatementURL");
        writer.end();
        writer.start("mdui:DiscoHints");
        for element in ["mdui:IPHint", "mdui:DomainHint", "mdui:GeolocationHint"] {
            (0..tape.below(3)).for_each(|_| _ = writer.element(element, "192.0.2.0/24"));
        }
        writer.end();
    }
    if !of_role && tape.yes() {
        writer.start("mdattr:EntityAttributes");
        for _ in 0..tape.below(3) {
            writer
                .start("saml:Attribute")
                .attribute("Name", tape.pick(&["urn:a", "http://macedir.org/entity-category"]));
            writer.optional_attribute("NameFormat", tape.yes().then_some("urn:format"));
            (0..tape.below(3)).for_each(|_| _ = writer.element("saml:AttributeValue", tape.text()));
            writer.end();
        }
        writer.end();
        writer
            .start("mdrpi:RegistrationInfo")
            .attribute("registrationAuthority", "https://registrar.example");
        writer.optional_attribute("registrationInstant", tape.yes().then_some("2020-12-31T23:00:00.25Z"));
        localized(tape, writer, "mdrpi:RegistrationPolicy");
        writer.end();
    }
    for _ in 0..tape.below(3) {
        writer.start("alg:DigestMethod").attribute("Algorithm", tape.pick(&["urn:d1", "urn:d2"])).end();
        writer.start("alg:SigningMethod").attribute("Algorithm", tape.pick(&["urn:s1", "urn:s2"]));
        writer.optional_attribute("MinKeySize", tape.yes().then_some("2048"));
        writer.optional_attribute("MaxKeySize", tape.yes().then_some("4096")).end();
    }
    for _ in 0..tape.below(3) {
        let (flag, value) =
            if tape.yes() { ("1", r"^(.+\.)?example\.org$") } else { ("false", "example.com") };
        writer.start("shibmd:Scope").attribute("regexp", flag).text(value).end();
    }
    for _ in 0..tape.below(3) {
        writer.start("x:unknown").namespace("x", "urn:x").attribute("x:a", tape.text());
        writer.start("y").namespace("", tape.pick(&["", "urn:y"])).text(tape.text()).end().end();
    }
    writer.end();
}

/// Writes each key once, and the keys for encryption only after the others, as the writer does.
fn keys(tape: &mut Tape, writer: &mut Writer) {
    let bare = base64_encode(KeyValue::from_spki_der(CERTIFICATE.spki_der()).unwrap().spki_der());
    let uses = [tape.below(4), tape.below(4)];
    for wanted in [[0, 1], [2, 2]] {
        for (is_certificate, usage) in [true, false].into_iter().zip(uses) {
            if !wanted.contains(&usage) {
                continue;
            }
            writer.start("md:KeyDescriptor");
            writer.optional_attribute("use", [None, Some("signing"), Some("encryption")][usize::from(usage)]);
            writer.start("ds:KeyInfo");
            if is_certificate {
                writer.start("ds:X509Data").element("ds:X509Certificate", &CERTIFICATE.to_base64()).end();
            } else {
                writer.element("dsig11:DEREncodedKeyValue", &bare);
            }
            writer.end().end();
        }
    }
}

fn organization_and_contacts(tape: &mut Tape, writer: &mut Writer) {
    if tape.yes() {
        writer.start("md:Organization");
        for element in ["md:OrganizationName", "md:OrganizationDisplayName", "md:OrganizationURL"] {
            localized(tape, writer, element);
        }
        writer.end();
    }
    for _ in 0..tape.below(3) {
        writer.start("md:ContactPerson");
        writer.attribute(
            "contactType",
            tape.pick(&["technical", "support", "administrative", "billing", "other", "unheard"]),
        );
        if tape.below(4) == 0 {
            writer.attribute("remd:contactType", "http://refeds.org/metadata/contactType/security");
        }
        for element in ["md:Company", "md:GivenName", "md:SurName"] {
            if tape.yes() {
                writer.element(element, tape.text());
            }
        }
        (0..tape.below(3)).for_each(|_| {
            _ = writer
                .element("md:EmailAddress", tape.pick(&["mailto:a@example.com", "MAILTO:b@example.com"]))
        });
        (0..tape.below(3)).for_each(|_| _ = writer.element("md:TelephoneNumber", tape.text()));
        writer.end();
    }
}

fn service(tape: &mut Tape, writer: &mut Writer, name: &str, is_indexed: bool) {
    for _ in 0..tape.below(3) {
        writer.start(&format!("md:{name}"));
        writer.attribute(
            "Binding",
            tape.pick(&[REDIRECT, "urn:oasis:names:tc:SAML:2.0:bindings:SOAP", "urn:other"]),
        );
        writer.attribute("Location", "https://a.example/x?a=1&b=2");
        writer.optional_attribute("ResponseLocation", tape.yes().then_some("https://a.example/y"));
        if is_indexed {
            writer.attribute("index", tape.pick(&["0", "1", "65535"]));
            writer.optional_attribute(
                "isDefault",
                [None, Some("true"), Some("false")][usize::from(tape.below(3))],
            );
        }
        writer.end();
    }
}

fn attributes(tape: &mut Tape, writer: &mut Writer, element: &str) {
    for _ in 0..tape.below(3) {
        writer.start(element).attribute("Name", tape.pick(&["urn:oid:2.5.4.42", "mail"]));
        writer.optional_attribute("NameFormat", tape.yes().then_some("urn:format"));
        writer.optional_attribute("FriendlyName", tape.yes().then(|| tape.pick(&["given name", "é"])));
        if element == "md:RequestedAttribute" {
            writer.optional_attribute(
                "isRequired",
                [None, Some("1"), Some("false")][usize::from(tape.below(3))],
            );
        }
        (0..tape.below(3)).for_each(|_| _ = writer.element("saml:AttributeValue", tape.text()));
        writer.end();
    }
}

fn role(tape: &mut Tape, writer: &mut Writer) {
    let name = tape.pick(&[
        "IDPSSODescriptor",
        "SPSSODescriptor",
        "AttributeAuthorityDescriptor",
        "AuthnAuthorityDescriptor",
        "PDPDescriptor",
        "RoleDescriptor",
    ]);
    writer.start(&format!("md:{name}"));
    writer.optional_attribute("validUntil", tape.yes().then_some("12026-12-31T23:00:00Z"));
    writer.optional_attribute("cacheDuration", tape.yes().then_some("PT6H"));
    writer.optional_attribute("errorURL", tape.yes().then_some("https://a.example/error"));
    writer.attribute("protocolSupportEnumeration", "urn:oasis:names:tc:SAML:2.0:protocol urn:other");
    if name == "RoleDescriptor" {
        writer.namespace("xsi", "http://www.w3.org/2001/XMLSchema-instance").namespace("fed", "urn:fed");
        writer.attribute("xsi:type", "fed:Service").start("fed:Target").text(tape.text()).end().end();
        return;
    }
    if name == "IDPSSODescriptor" {
        writer.optional_attribute("WantAuthnRequestsSigned", tape.yes().then_some("1"));
    }
    if name == "SPSSODescriptor" {
        writer.optional_attribute("AuthnRequestsSigned", tape.yes().then_some("true"));
        writer.optional_attribute("WantAssertionsSigned", tape.yes().then_some("false"));
    }
    extensions(tape, writer, true);
    keys(tape, writer);
    organization_and_contacts(tape, writer);
    let services: &[(&str, bool)] = match name {
        "IDPSSODescriptor" => &[
            ("ArtifactResolutionService", true),
            ("SingleLogoutService", false),
            ("SingleSignOnService", false),
        ],
        "SPSSODescriptor" => &[("SingleLogoutService", false), ("AssertionConsumerService", true)],
        "AttributeAuthorityDescriptor" => {
            &[("AttributeService", false), ("AssertionIDRequestService", false)]
        }
        "AuthnAuthorityDescriptor" => &[("AuthnQueryService", false)],
        _ => &[("AuthzService", false)],
    };
    services.iter().for_each(|(name, is_indexed)| service(tape, writer, name, *is_indexed));
    (0..tape.below(3)).for_each(|_| _ = writer.element("md:NameIDFormat", "urn:format"));
    if name == "IDPSSODescriptor" || name == "AttributeAuthorityDescriptor" {
        (0..tape.below(3)).for_each(|_| _ = writer.element("md:AttributeProfile", "urn:profile"));
        attributes(tape, writer, "saml:Attribute");
    }
    if name == "SPSSODescriptor" {
        for index in 0..tape.below(3) {
            writer.start("md:AttributeConsumingService").attribute("index", &index.to_string());
            localized(tape, writer, "md:ServiceName");
            localized(tape, writer, "md:ServiceDescription");
            attributes(tape, writer, "md:RequestedAttribute");
            writer.end();
        }
    }
    writer.end();
}

fn generated(decisions: Vec<u16>) -> String {
    let mut tape = Tape(decisions.into_iter());
    let mut writer = Writer::new();
    writer.start("md:EntityDescriptor");
    for (prefix, name) in [
        ("md", "urn:oasis:names:tc:SAML:2.0:metadata"),
        ("ds", "http://www.w3.org/2000/09/xmldsig#"),
        ("dsig11", "http://www.w3.org/2009/xmldsig11#"),
        ("mdui", "urn:oasis:names:tc:SAML:metadata:ui"),
        ("mdattr", "urn:oasis:names:tc:SAML:metadata:attribute"),
        ("mdrpi", "urn:oasis:names:tc:SAML:metadata:rpi"),
        ("alg", "urn:oasis:names:tc:SAML:metadata:algsupport"),
        ("saml", "urn:oasis:names:tc:SAML:2.0:assertion"),
        ("remd", "http://refeds.org/metadata"),
        ("shibmd", "urn:mace:shibboleth:metadata:1.0"),
    ] {
        writer.namespace(prefix, name);
    }
    writer.attribute("entityID", tape.pick(&["https://a.example/?a=1&b=2", "urn:example:\"quoted\""]));
    writer.optional_attribute("validUntil", tape.yes().then_some("2027-01-01T24:00:00Z"));
    writer.optional_attribute("cacheDuration", tape.yes().then_some("P1DT1.5S"));
    extensions(&mut tape, &mut writer, false);
    (0..=tape.below(3)).for_each(|_| role(&mut tape, &mut writer));
    organization_and_contacts(&mut tape, &mut writer);
    writer.end();
    writer.finish().unwrap()
}

/// Returns everything that was read. The names of extensions are left out: they have the order of the document, which
/// may differ.
fn shown(entity: &EntityDescription) -> String {
    let mut is_name = false;
    let text = format!("{entity:#?}");
    let mut lines = Vec::new();
    for line in text.lines() {
        is_name |= line.trim_start() == "extensions: [";
        if !is_name && line.trim_start() != "extensions: []," {
            lines.push(line);
        }
        is_name &= line.trim_start() != "],";
    }
    lines.join("\n")
}

fn comes_back(xml: &str) {
    let first = described(xml);
    let written = first.to_xml().unwrap();
    let second = described(&written);
    assert_eq!(shown(&first), shown(&second), "{written}");
    assert_eq!(second.to_xml().unwrap(), written);
    // `Debug` shows no names of contacts.
    let contacts = |entity: &EntityDescription| -> Vec<_> {
        let of_roles = entity.roles().iter().flat_map(|role| role.contacts());
        entity.contacts().iter().chain(of_roles).cloned().collect()
    };
    assert!(contacts(&first) == contacts(&second));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn parse_write_parse_is_equal(decisions in proptest::collection::vec(any::<u16>(), 0..400)) {
        comes_back(&generated(decisions));
    }
}

#[test]
fn the_whole_comes_back() {
    comes_back(&whole());
}

/// Metadata from other projects is the same after writing, except for what is left out of it.
#[test]
fn metadata_of_others_comes_back() {
    let Some(folder) = shared::folder() else { return };
    let mut count = 0;
    for file in ["InCommon-metadata.xml", "ukfederation-metadata.xml", "metadata.switchaai_signed.xml"] {
        let bytes = std::fs::read(folder.join("vectors/saml/opensaml/saml2/metadata").join(file)).unwrap();
        for entity in MetadataDescription::read(&bytes).unwrap().entities() {
            let written = entity.to_xml().unwrap();
            let read = described(&written);
            assert_eq!(read.to_xml().unwrap(), written, "{file} {}", entity.entity_id());
            assert_eq!(read.display_name(), entity.display_name());
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}
