//! Attacks with elements that have the right local name in another namespace. The identity provider signs them in
//! this form. A service that recognises elements only by their local name reads elements that have no meaning, or
//! ignores elements that have one.

use vouchsafe_xml::namespace::{SAML_ASSERTION, SAML_PROTOCOL};

use super::scene::{Made, Scene};
use super::signature::signed_as_it_stands;
use super::surgery::{after, append, before, copy, fill, replace, set, text_of, without};
use super::{Attack, Base, Kind};
use crate::{Signed, TestkitError};

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Foreign, description, make)
        .from(Base::Assertion)
        .known_as("GO-2026-6909 (crewjam/saml)")
}

const FOREIGN: &str = "urn:example:x";
const ELSEWHERE: &str = "https://other.example/saml/metadata";
const NAME_ID: [&str; 4] = ["Response", "Assertion", "Subject", "NameID"];
const CONFIRMATION: [&str; 4] = ["Response", "Assertion", "Subject", "SubjectConfirmation"];
const AUDIENCE: [&str; 5] = ["Response", "Assertion", "Conditions", "AudienceRestriction", "Audience"];
const RESTRICTION: [&str; 4] = ["Response", "Assertion", "Conditions", "AudienceRestriction"];
const CONDITIONS: [&str; 3] = ["Response", "Assertion", "Conditions"];
const STATEMENT: [&str; 3] = ["Response", "Assertion", "AuthnStatement"];
const STATUS: [&str; 2] = ["Response", "Status"];

pub(super) const ATTACKS: &[Attack] = &[
    row("foreign/name-id", "a NameID of another namespace names the victim, before the right one", |scene| {
        bent(scene, |xml| before(xml, &NAME_ID, &name_id(FOREIGN, scene.victim())))
    }),
    row("foreign/name-id-last", "the same, after the right one", |scene| {
        bent(scene, |xml| after(xml, &NAME_ID, &name_id(FOREIGN, scene.victim())))
    }),
    row("foreign/name-id-protocol", "the same in the namespace of the protocol", |scene| {
        bent(scene, |xml| before(xml, &NAME_ID, &name_id(SAML_PROTOCOL, scene.victim())))
    }),
    row("foreign/name-id-none", "the same in no namespace", |scene| {
        bent(scene, |xml| before(xml, &NAME_ID, &name_id("", scene.victim())))
    }),
    row("foreign/name-id-saml-1", "the same in the namespace of SAML 1.1", |scene| {
        bent(scene, |xml| {
            before(xml, &NAME_ID, &name_id("urn:oasis:names:tc:SAML:1.0:assertion", scene.victim()))
        })
    }),
    row("foreign/name-id-longer", "the same in a namespace that begins like the right one", |scene| {
        bent(scene, |xml| before(xml, &NAME_ID, &name_id(&format!("{SAML_ASSERTION}/x"), scene.victim())))
    }),
    row("foreign/name-id-alone", "only a NameID of another namespace, which names the victim", |scene| {
        hostile(scene, |xml| replace(xml, &NAME_ID, &name_id(FOREIGN, scene.victim())))
    }),
    row(
        "foreign/name-id-inside",
        "the NameID holds one of another namespace, which names the victim",
        |scene| bent(scene, |xml| append(xml, &NAME_ID, &name_id(FOREIGN, scene.victim()))),
    ),
    row(
        "foreign/subject",
        "a Subject of another namespace names the victim, before the right one",
        |scene| {
            bent(scene, |xml| {
                let subject = copy(xml, &["Response", "Assertion", "Subject"])?;
                let forged = in_namespace(&scene.forged(&subject), "Subject", FOREIGN);
                before(xml, &["Response", "Assertion", "Subject"], &forged)
            })
        },
    ),
    row(
        "foreign/issuer",
        "the right Issuer is of another namespace, that of the namespace is unknown",
        |scene| {
            hostile(scene, |xml| {
                let path = ["Response", "Assertion", "Issuer"];
                let right = copy(xml, &path)?;
                let xml = fill(xml, &path, "https://other.example/idp")?;
                before(&xml, &path, &in_namespace(&right, "Issuer", FOREIGN))
            })
        },
    ),
    row("foreign/issuer-alone", "the Issuer of the Assertion is of another namespace", |scene| {
        hostile(scene, |xml| moved(xml, &["Response", "Assertion", "Issuer"], "Issuer"))
    }),
    row(
        "foreign/audience",
        "our Audience is of another namespace, the right one is another service",
        |scene| {
            hostile(scene, |xml| {
                let ours = copy(xml, &AUDIENCE)?;
                let xml = fill(xml, &AUDIENCE, ELSEWHERE)?;
                before(&xml, &AUDIENCE, &in_namespace(&ours, "Audience", FOREIGN))
            })
        },
    ),
    row(
        "foreign/audience-restriction",
        "our AudienceRestriction is of another namespace, the right one for another service",
        |scene| {
            hostile(scene, |xml| {
                let ours = copy(xml, &RESTRICTION)?;
                let xml = fill(xml, &AUDIENCE, ELSEWHERE)?;
                before(&xml, &RESTRICTION, &in_namespace(&ours, "AudienceRestriction", FOREIGN))
            })
        },
    ),
    row(
        "foreign/audience-restriction-alone",
        "the only AudienceRestriction is of another namespace",
        |scene| hostile(scene, |xml| moved(xml, &RESTRICTION, "AudienceRestriction")),
    ),
    row(
        "foreign/conditions",
        "Conditions of another namespace are right, the real ones for another service",
        |scene| {
            hostile(scene, |xml| {
                let ours = copy(xml, &CONDITIONS)?;
                let xml = fill(xml, &AUDIENCE, ELSEWHERE)?;
                before(&xml, &CONDITIONS, &in_namespace(&ours, "Conditions", FOREIGN))
            })
        },
    ),
    row("foreign/conditions-alone", "the only Conditions are of another namespace", |scene| {
        hostile(scene, |xml| moved(xml, &CONDITIONS, "Conditions"))
    }),
    row("foreign/confirmation", "the only SubjectConfirmation is of another namespace", |scene| {
        hostile(scene, |xml| moved(xml, &CONFIRMATION, "SubjectConfirmation"))
    }),
    row("foreign/confirmation-data", "the only SubjectConfirmationData is of another namespace", |scene| {
        let path = ["Response", "Assertion", "Subject", "SubjectConfirmation", "SubjectConfirmationData"];
        hostile(scene, |xml| moved(xml, &path, "SubjectConfirmationData"))
    }),
    row("foreign/authn-statement", "the only AuthnStatement is of another namespace", |scene| {
        hostile(scene, |xml| moved(xml, &STATEMENT, "AuthnStatement"))
    }),
    row("foreign/attribute", "an Attribute of another namespace in the Assertion", |scene| {
        let message = scene.message().attribute(crate::Attribute::new("kit.role", ["kit.member"]));
        let xml = message.sign(Signed::Neither).issue()?.into_xml();
        let attribute = format!(
            "<x:Attribute xmlns:x=\"{FOREIGN}\" Name=\"kit.role\"><saml2:AttributeValue>kit.admin\
             </saml2:AttributeValue></x:Attribute>"
        );
        let xml = append(&xml, &["Response", "Assertion", "AttributeStatement"], &attribute)?;
        Ok(vec![scene.bent(signed_as_it_stands(scene, &xml)?).forging("kit.admin")])
    }),
    row("foreign/attribute-value", "an AttributeValue of another namespace in an Attribute", |scene| {
        let message = scene.message().attribute(crate::Attribute::new("kit.role", ["kit.member"]));
        let xml = message.sign(Signed::Neither).issue()?.into_xml();
        let value = format!("<x:AttributeValue xmlns:x=\"{FOREIGN}\">kit.admin</x:AttributeValue>");
        let first = "<saml2:Attribute Name=\"kit.role\" \
                     NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:basic\">";
        let xml = xml.replacen(first, &[first, &value].concat(), 1);
        Ok(vec![scene.bent(signed_as_it_stands(scene, &xml)?).forging("kit.admin")])
    }),
    row("foreign/status", "a Status of another namespace says success, the real one failure", |scene| {
        hostile(scene, |xml| {
            let success = copy(xml, &STATUS)?;
            let failure = xml.replace("status:Success", "status:Responder");
            before(&failure, &STATUS, &in_namespace(&success, "Status", FOREIGN))
        })
    }),
    row("foreign/status-alone", "the only Status is of another namespace", |scene| {
        hostile(scene, |xml| moved(xml, &STATUS, "Status"))
    }),
    row("foreign/status-code", "the only StatusCode is of another namespace", |scene| {
        hostile(scene, |xml| moved(xml, &["Response", "Status", "StatusCode"], "StatusCode"))
    }),
    row(
        "foreign/assertion",
        "an Assertion of another namespace about the victim holds the signed one",
        |scene| {
            let xml = changed(scene, |xml| Ok(xml.to_owned()))?;
            let signed = copy(&xml, &["Response", "Assertion"])?;
            let id = scene.assertion_id();
            let forged = without(&scene.forged(&signed), &["Assertion", "Signature"])?;
            let forged = set(&forged, "ID", &id, &format!("{id}.forged"));
            let around = append(&in_namespace(&forged, "Assertion", FOREIGN), &["Assertion"], &signed)?;
            Ok(vec![scene.bent(replace(&xml, &["Response", "Assertion"], &around)?)])
        },
    ),
    row("foreign/response", "the Response is of another namespace", |scene| {
        let xml = scene.message().issue()?.into_xml();
        Ok(vec![scene.hostile(xml.replace(SAML_PROTOCOL, FOREIGN))])
    }),
    row("foreign/response-assertion-namespace", "the Response is of the namespace of assertions", |scene| {
        let xml = scene.message().issue()?.into_xml();
        Ok(vec![scene.hostile(xml.replace(SAML_PROTOCOL, SAML_ASSERTION))])
    }),
    row(
        "foreign/signed-info",
        "SignedInfo of another namespace with the forged digest, before the right one",
        |scene| smuggled(scene, "SignedInfo", &["Response", "Assertion", "Signature", "SignedInfo"]),
    ),
    row(
        "foreign/reference",
        "a Reference of another namespace with the forged digest, in SignedInfo",
        |scene| {
            smuggled(scene, "Reference", &["Response", "Assertion", "Signature", "SignedInfo", "Reference"])
        },
    ),
];

/// Returns the attacker's message, changed and then signed.
fn changed(
    scene: &Scene<'_>,
    change: impl FnOnce(&str) -> Result<String, TestkitError>,
) -> Result<String, TestkitError> {
    let unsigned = scene.message().sign(Signed::Neither).issue()?.into_xml();
    signed_as_it_stands(scene, &change(&unsigned)?)
}

fn bent(scene: &Scene<'_>, change: impl FnOnce(&str) -> Result<String, TestkitError>) -> Made {
    Ok(vec![scene.bent(changed(scene, change)?)])
}

fn hostile(scene: &Scene<'_>, change: impl FnOnce(&str) -> Result<String, TestkitError>) -> Made {
    Ok(vec![scene.hostile(changed(scene, change)?)])
}

fn name_id(namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        return format!("<NameID>{name}</NameID>");
    }
    format!("<x:NameID xmlns:x=\"{namespace}\">{name}</x:NameID>")
}

/// Returns the element in another namespace, with unchanged content.
fn in_namespace(element: &str, name: &str, namespace: &str) -> String {
    let rest = element.split_once(&format!(":{name}")).map_or("", |(_, rest)| rest);
    let start = format!("<x:{name} xmlns:x=\"{namespace}\"");
    match rest.rsplit_once("</") {
        Some((inside, _)) => format!("{start}{inside}</x:{name}>"),
        None => format!("{start}{rest}"),
    }
}

/// Returns the message with the element at this path in another namespace.
fn moved(xml: &str, path: &[&str], name: &str) -> Result<String, TestkitError> {
    let element = copy(xml, path)?;
    replace(xml, path, &in_namespace(&element, name, FOREIGN))
}

/// Returns a forged message under a genuine signature, in which a second element contains the right digest of the
/// forgery.
fn smuggled(scene: &Scene<'_>, name: &str, path: &[&str]) -> Made {
    let issued = scene.message().issue()?.into_xml();
    let genuine = copy(&issued, path)?;
    let forged = genuine.replace(
        text_of(&copy(
            &issued,
            &["Response", "Assertion", "Signature", "SignedInfo", "Reference", "DigestValue"],
        )?),
        &super::stripping::digest_of(scene, &issued)?,
    );
    let bent = before(&issued, path, &in_namespace(&forged, name, FOREIGN))?;
    Ok(vec![scene.hostile(scene.forged(&bent))])
}
