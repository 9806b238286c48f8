//! Metadata of a federation that does not exist: as many entities as are asked for, the same for each seed.

use std::fmt::Write as _;

use vouchsafe::crypto::base64_encode;
use vouchsafe_testkit::keys;

/// Makes aggregates that look like those of large federations: of three entities one is an identity provider, with names and
/// descriptions in several languages, scopes, contacts, and two certificates; an entity has some 8.8 kB, so that 10,000 of them are some
/// 88 MB.
#[derive(Clone, Debug)]
pub struct Federation {
    state: u64,
    certificate: Vec<u8>,
}

/// The entities of a federation, in the order of the document.
const LANGUAGES: [&str; 4] = ["en", "de", "fr", "sv"];
const WORDS: [&str; 16] = [
    "university",
    "library",
    "research",
    "institute",
    "portal",
    "service",
    "archive",
    "learning",
    "faculty",
    "science",
    "network",
    "students",
    "college",
    "medicine",
    "laboratory",
    "collection",
];

impl Federation {
    /// One for this seed.
    #[must_use]
    pub fn new(seed: u64) -> Federation {
        Federation { state: seed | 1, certificate: keys::identity_provider().certificate().der().to_vec() }
    }

    /// The entityID of the entity with this number, from 0.
    #[must_use]
    pub fn entity_id(number: usize) -> String {
        format!("https://entity-{number:05}.federation.example/saml/metadata")
    }

    /// The document.
    #[must_use]
    pub fn aggregate(mut self, entities: usize) -> String {
        let mut xml = String::with_capacity(entities.saturating_mul(9_000));
        xml.push_str(concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" ",
            "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\" ",
            "xmlns:mdrpi=\"urn:oasis:names:tc:SAML:metadata:rpi\" xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\" ",
            "xmlns:mdattr=\"urn:oasis:names:tc:SAML:metadata:attribute\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ",
            "ID=\"_federation\" Name=\"https://federation.example\" cacheDuration=\"PT6H\" validUntil=\"2030-01-01T00:00:00Z\">\n"
        ));
        for number in 0..entities {
            self.entity(number, &mut xml);
        }
        xml.push_str("</md:EntitiesDescriptor>\n");
        xml
    }

    fn entity(&mut self, number: usize, xml: &mut String) {
        let _ = write!(
            xml,
            "  <md:EntityDescriptor entityID=\"{}\">\n    <md:Extensions>\n      <mdrpi:RegistrationInfo registrationAuthority=\"https://federation.example\" registrationInstant=\"2020-01-01T00:00:00Z\">\n        <mdrpi:RegistrationPolicy xml:lang=\"en\">https://federation.example/policy</mdrpi:RegistrationPolicy>\n      </mdrpi:RegistrationInfo>\n      <mdattr:EntityAttributes>\n        <saml:Attribute Name=\"http://macedir.org/entity-category\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:uri\">\n          <saml:AttributeValue>http://refeds.org/category/research-and-scholarship</saml:AttributeValue>\n        </saml:Attribute>\n      </mdattr:EntityAttributes>\n    </md:Extensions>\n",
            Federation::entity_id(number)
        );
        if number.is_multiple_of(3) {
            self.identity_provider(number, xml);
        } else {
            self.service_provider(number, xml);
        }
        self.people(number, xml);
        xml.push_str("  </md:EntityDescriptor>\n");
    }

    fn identity_provider(&mut self, number: usize, xml: &mut String) {
        xml.push_str("    <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n      <md:Extensions>\n");
        let _ =
            writeln!(xml, "        <shibmd:Scope regexp=\"false\">entity-{number:05}.example</shibmd:Scope>");
        self.interface(number, xml);
        xml.push_str("      </md:Extensions>\n");
        self.keys(xml);
        for (service, path) in [("ArtifactResolutionService", "artifact"), ("SingleLogoutService", "logout")]
        {
            let index = if path == "artifact" { " index=\"0\"" } else { "" };
            let _ = writeln!(
                xml,
                "      <md:{service}{index} Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" Location=\"https://entity-{number:05}.federation.example/saml/{path}\"/>"
            );
        }
        xml.push_str(
            "      <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>\n",
        );
        for binding in ["HTTP-Redirect", "HTTP-POST", "HTTP-POST-SimpleSign", "SOAP"] {
            let _ = writeln!(
                xml,
                "      <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"https://entity-{number:05}.federation.example/saml/sso/{binding}\"/>"
            );
        }
        xml.push_str("    </md:IDPSSODescriptor>\n");
    }

    fn service_provider(&mut self, number: usize, xml: &mut String) {
        xml.push_str("    <md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n      <md:Extensions>\n");
        self.interface(number, xml);
        xml.push_str("      </md:Extensions>\n");
        self.keys(xml);
        for index in 0..6 {
            let _ = writeln!(
                xml,
                "      <md:AssertionConsumerService index=\"{index}\" Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://entity-{number:05}.federation.example/saml/acs/{index}\"/>"
            );
        }
        xml.push_str("      <md:AttributeConsumingService index=\"0\">\n        <md:ServiceName xml:lang=\"en\">Service</md:ServiceName>\n");
        for attribute in 0..4 {
            let _ = writeln!(
                xml,
                "        <md:RequestedAttribute Name=\"urn:oid:1.3.6.1.4.1.5923.1.1.1.{attribute}\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:uri\" isRequired=\"true\"/>"
            );
        }
        xml.push_str("      </md:AttributeConsumingService>\n    </md:SPSSODescriptor>\n");
    }

    fn interface(&mut self, number: usize, xml: &mut String) {
        xml.push_str("        <mdui:UIInfo>\n");
        for language in LANGUAGES {
            let (name, about) = (self.words(3), self.words(12));
            let _ = write!(
                xml,
                "          <mdui:DisplayName xml:lang=\"{language}\">{name}</mdui:DisplayName>\n          <mdui:Description xml:lang=\"{language}\">{about}</mdui:Description>\n          <mdui:InformationURL xml:lang=\"{language}\">https://entity-{number:05}.federation.example/{language}/about</mdui:InformationURL>\n          <mdui:PrivacyStatementURL xml:lang=\"{language}\">https://entity-{number:05}.federation.example/{language}/privacy</mdui:PrivacyStatementURL>\n"
            );
        }
        let _ = write!(
            xml,
            "          <mdui:Logo height=\"60\" width=\"80\">https://entity-{number:05}.federation.example/logo.png</mdui:Logo>\n        </mdui:UIInfo>\n"
        );
    }

    fn keys(&mut self, xml: &mut String) {
        for usage in ["signing", "encryption"] {
            let certificate = self.certificate();
            let _ = write!(
                xml,
                "      <md:KeyDescriptor use=\"{usage}\">\n        <ds:KeyInfo>\n          <ds:X509Data>\n            <ds:X509Certificate>\n"
            );
            for line in certificate.as_bytes().chunks(64) {
                xml.push_str(&String::from_utf8_lossy(line));
                xml.push('\n');
            }
            xml.push_str("            </ds:X509Certificate>\n          </ds:X509Data>\n        </ds:KeyInfo>\n      </md:KeyDescriptor>\n");
        }
    }

    fn people(&mut self, number: usize, xml: &mut String) {
        xml.push_str("    <md:Organization>\n");
        for element in ["OrganizationName", "OrganizationDisplayName", "OrganizationURL"] {
            for language in LANGUAGES {
                let value = match element {
                    "OrganizationURL" => format!("https://entity-{number:05}.example/{language}"),
                    _ => self.words(3),
                };
                let _ = writeln!(xml, "      <md:{element} xml:lang=\"{language}\">{value}</md:{element}>");
            }
        }
        xml.push_str("    </md:Organization>\n");
        for kind in ["technical", "support"] {
            let (given, family) = (self.words(1), self.words(1));
            let _ = write!(
                xml,
                "    <md:ContactPerson contactType=\"{kind}\">\n      <md:GivenName>{given}</md:GivenName>\n      <md:SurName>{family}</md:SurName>\n      <md:EmailAddress>mailto:{kind}@entity-{number:05}.example</md:EmailAddress>\n    </md:ContactPerson>\n"
            );
        }
    }

    fn words(&mut self, count: usize) -> String {
        let words: Vec<&str> = (0..count)
            .filter_map(|_| {
                let place = usize::try_from(self.next() % 16).ok()?;
                WORDS.get(place).copied()
            })
            .collect();
        words.join(" ")
    }

    /// A certificate of its own: the last bytes are in the signature, at which nobody looks.
    fn certificate(&mut self) -> String {
        let random = self.next().to_be_bytes();
        for (byte, random) in self.certificate.iter_mut().rev().zip(random) {
            *byte = random;
        }
        base64_encode(&self.certificate)
    }

    /// The numbers of a linear congruential generator, as good as is needed here.
    fn next(&mut self) -> u64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.state.rotate_right(40)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vouchsafe::metadata::Aggregate;

    #[test]
    fn a_seed_makes_one_federation_of_entities_that_can_be_read() {
        let xml = Federation::new(7).aggregate(30);
        assert_eq!(xml, Federation::new(7).aggregate(30));
        assert_ne!(xml, Federation::new(8).aggregate(30));
        let size = xml.len() / 30;
        assert!((8_500..9_200).contains(&size), "{size}");
        let aggregate = Aggregate::read(xml).unwrap();
        assert_eq!(aggregate.len(), 30);
        for (number, entity) in aggregate.entities().enumerate() {
            assert_eq!(entity.entity_id(), Some(Federation::entity_id(number).as_str()));
            assert_eq!(entity.description().unwrap().warnings(), []);
            assert_eq!(entity.identity_provider().is_ok(), number % 3 == 0);
        }
    }
}
