//! Attacks with a DOCTYPE and entities. SAML messages contain neither, so a service refuses a message that has one.

use super::comment::{SUFFIX, longer};
use super::scene::{Made, Scene};
use super::surgery::{after, append, root};
use super::wrapping::{Parts, extensions};
use super::{Attack, Base, Kind};
use crate::TestkitError;

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Entity, description, make).from(Base::Assertion)
}

const XXE: &str = "CVE-2016-10149 (PySAML2)";

pub(super) const ATTACKS: &[Attack] = &[
    row("entity/doctype", "a DOCTYPE that declares nothing before the genuine Response", |scene| {
        genuine(scene, "<!DOCTYPE Response>", "")
    }),
    row("entity/unused", "an entity that is declared and not used", |scene| {
        genuine(scene, "<!DOCTYPE Response [<!ENTITY a \"b\">]>", "")
    }),
    row("entity/external-file", "an external entity, /dev/null, in Extensions", |scene| {
        genuine(scene, "<!DOCTYPE Response [<!ENTITY a SYSTEM \"file:///dev/null\">]>", "&a;")
    })
    .known_as(XXE),
    row(
        "entity/external-http",
        "an external entity at a web address (loopback, port 9) in Extensions",
        |scene| genuine(scene, "<!DOCTYPE Response [<!ENTITY a SYSTEM \"http://127.0.0.1:9/\">]>", "&a;"),
    )
    .known_as(XXE),
    row("entity/external-subset", "a DTD at a web address (loopback, port 9)", |scene| {
        genuine(scene, "<!DOCTYPE Response SYSTEM \"http://127.0.0.1:9/response.dtd\">", "")
    }),
    row("entity/parameter", "an external parameter entity at a web address (loopback, port 9)", |scene| {
        genuine(scene, "<!DOCTYPE Response [<!ENTITY % a SYSTEM \"http://127.0.0.1:9/\"> %a;]>", "")
    }),
    row("entity/name-id", "NameID \"victim&e;\", where e is \".evil\": the whole text or nothing", |scene| {
        let name = longer(scene);
        let issued = scene.message_about(&name).issue()?.into_xml();
        let bent = issued.replace(&format!(">{name}<"), &format!(">{}&e;<", scene.victim()));
        let doctype = format!("<!DOCTYPE Response [<!ENTITY e \"{SUFFIX}\">]>");
        Ok(vec![scene.bent_about(name, [doctype.as_str(), root(&bent)].concat())])
    })
    .known_as("CVE-2018-0486 (Shibboleth)"),
    row(
        "entity/assertion",
        "an entity that holds a forged Assertion, used in Extensions before the signed one",
        |scene| {
            let parts = Parts::of(scene)?;
            let forged = parts.evil.replace('"', "'").replace('&', "&#38;").replace('%', "&#37;");
            let doctype = format!("<!DOCTYPE Response [<!ENTITY a \"{forged}\">]>");
            let response = parts.response(&[&parts.original]);
            put(scene, &doctype, &response, "&a;")
        },
    ),
    row(
        "entity/id",
        "forged Assertion holds the signature and the ID as an entity, the original follows",
        |scene| {
            let parts = Parts::of(scene)?;
            let forged = parts.evil_with(&parts.signature)?;
            let forged = forged.replacen(&parts.evil_id(), "&i;", 1);
            let doctype = format!("<!DOCTYPE Response [<!ENTITY i \"{}\">]>", parts.assertion_id());
            let response = parts.response(&[&forged, &parts.bare]);
            Ok(vec![scene.hostile([doctype.as_str(), root(&response)].concat())])
        },
    )
    .known_as("CVE-2025-23369 (GitHub Enterprise Server)"),
    row("entity/default-attribute", "forged Assertion gets the ID by default from the DTD", |scene| {
        let parts = Parts::of(scene)?;
        let forged =
            parts.evil_with(&parts.signature)?.replacen(&format!(" ID=\"{}\"", parts.evil_id()), "", 1);
        let doctype =
            format!("<!DOCTYPE Response [<!ATTLIST saml2:Assertion ID CDATA \"{}\">]>", parts.assertion_id());
        let response = parts.response(&[&forged, &parts.bare]);
        Ok(vec![scene.hostile([doctype.as_str(), root(&response)].concat())])
    }),
    row(
        "entity/declared-id",
        "the DTD says which attribute of a forged Assertion is its identifier",
        |scene| {
            let parts = Parts::of(scene)?;
            let forged = parts.evil_with(&parts.signature)?;
            let forged = super::surgery::with_attribute(
                &forged,
                &["Assertion"],
                &format!("key=\"{}\"", parts.assertion_id()),
            )?;
            let doctype = "<!DOCTYPE Response [<!ATTLIST saml2:Assertion key ID #IMPLIED>]>";
            let response = parts.response(&[&forged, &parts.bare]);
            Ok(vec![scene.hostile([doctype, root(&response)].concat())])
        },
    ),
    row("entity/laughs", "entities of entities that expand to 1 MiB", |scene| {
        let mut entities = "<!ENTITY l0 \"0123456789abcdef\">".to_owned();
        for level in 1..=4_u32 {
            let inner = format!("&l{};", level.saturating_sub(1)).repeat(16);
            entities.push_str(&format!("<!ENTITY l{level} \"{inner}\">"));
        }
        genuine(scene, &format!("<!DOCTYPE Response [{entities}]>"), "&l4;")
    })
    .known_as("CVE-2003-1564 (libxml2)"),
    row("entity/quadratic", "one entity of 4 KiB, used 500 times", |scene| {
        let doctype = format!("<!DOCTYPE Response [<!ENTITY a \"{}\">]>", "a".repeat(4096));
        genuine(scene, &doctype, &"&a;".repeat(500))
    }),
];

/// Returns the genuine Response with a DOCTYPE, and with unsigned content in Extensions.
fn genuine(scene: &Scene<'_>, doctype: &str, inside: &str) -> Made {
    let issued = scene.message().issue()?.into_xml();
    put(scene, doctype, &issued, inside)
}

fn put(scene: &Scene<'_>, doctype: &str, response: &str, inside: &str) -> Made {
    let body: Result<String, TestkitError> = if inside.is_empty() {
        Ok(response.to_owned())
    } else {
        let marked = after(response, &["Response", "Issuer"], &extensions("<x xmlns=\"urn:example:x\"/>"))?;
        append(&marked, &["Response", "Extensions"], inside)
    };
    Ok(vec![scene.hostile([doctype, root(&body?)].concat())])
}
