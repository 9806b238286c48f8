//! Attacks with messages that break the schema, and that readers understand differently: a part occurs twice, is
//! missing, or is in the wrong place. The identity provider signs them in this form.

use vouchsafe_xml::namespace::SAML_PROTOCOL;

use super::scene::{Made, Scene};
use super::signature::signed_as_it_stands;
use super::surgery::{after, append, before, copy, prepend, with_attribute, without};
use super::{Attack, Base, Kind};
use crate::{Part, Place, ResponseBuilder, Signed, TestkitError};

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Schema, description, make).from(Base::Assertion)
}

const RESPONSE: [&str; 1] = ["Response"];
const ASSERTION: [&str; 2] = ["Response", "Assertion"];
const SUBJECT: [&str; 3] = ["Response", "Assertion", "Subject"];
const NAME_ID: [&str; 4] = ["Response", "Assertion", "Subject", "NameID"];
const CONFIRMATION: [&str; 4] = ["Response", "Assertion", "Subject", "SubjectConfirmation"];
const CONDITIONS: [&str; 3] = ["Response", "Assertion", "Conditions"];
const RESTRICTION: [&str; 4] = ["Response", "Assertion", "Conditions", "AudienceRestriction"];
const AUDIENCE: [&str; 5] = ["Response", "Assertion", "Conditions", "AudienceRestriction", "Audience"];
const STATEMENT: [&str; 3] = ["Response", "Assertion", "AuthnStatement"];
const CONTEXT: [&str; 4] = ["Response", "Assertion", "AuthnStatement", "AuthnContext"];
const ROLE: &str = "<saml2:Attribute Name=\"kit.role\"><saml2:AttributeValue>kit.admin</saml2:AttributeValue></saml2:Attribute>";

pub(super) const ATTACKS: &[Attack] = &[
    row("schema/two-subjects", "two Subjects, the first about the victim", |scene| {
        signed(scene, |xml| before(xml, &SUBJECT, &scene.forged(&copy(xml, &SUBJECT)?)))
    }),
    row("schema/two-subjects-last", "two Subjects, the last about the victim", |scene| {
        signed(scene, |xml| after(xml, &SUBJECT, &scene.forged(&copy(xml, &SUBJECT)?)))
    }),
    row("schema/two-name-ids", "two NameIDs, the first of the victim", |scene| {
        signed(scene, |xml| before(xml, &NAME_ID, &scene.forged(&copy(xml, &NAME_ID)?)))
    }),
    row("schema/two-name-ids-last", "two NameIDs, the last of the victim", |scene| {
        signed(scene, |xml| after(xml, &NAME_ID, &scene.forged(&copy(xml, &NAME_ID)?)))
    }),
    row("schema/base-id", "a BaseID of the victim beside the NameID", |scene| {
        signed(scene, |xml| {
            before(xml, &NAME_ID, &format!("<saml2:BaseID>{}</saml2:BaseID>", scene.victim()))
        })
    }),
    row("schema/text-in-subject", "the victim's name as text of the Subject, before the NameID", |scene| {
        signed(scene, |xml| prepend(xml, &SUBJECT, scene.victim()))
    }),
    row("schema/name-id-outside", "a NameID of the victim as a child of the Assertion", |scene| {
        signed(scene, |xml| before(xml, &SUBJECT, &scene.forged(&copy(xml, &NAME_ID)?)))
    }),
    row("schema/name-id-in-confirmation", "the confirmation names the victim, as who may confirm", |scene| {
        bent(scene, |xml| prepend(xml, &CONFIRMATION, &scene.forged(&copy(xml, &NAME_ID)?)))
    }),
    row("schema/two-issuers", "two Issuers of the Assertion, the last another one", |scene| {
        signed(scene, |xml| {
            let path = ["Response", "Assertion", "Issuer"];
            after(xml, &path, "<saml2:Issuer>https://other.example/idp</saml2:Issuer>")
        })
    }),
    row("schema/two-conditions", "two Conditions, the first for us, the last for another service", |scene| {
        signed(scene, |xml| after(xml, &CONDITIONS, &elsewhere(scene, &copy(xml, &CONDITIONS)?)))
    }),
    row(
        "schema/two-conditions-last",
        "two Conditions, the last for us, the first for another service",
        |scene| signed(scene, |xml| before(xml, &CONDITIONS, &elsewhere(scene, &copy(xml, &CONDITIONS)?))),
    ),
    row("schema/restriction-outside", "the AudienceRestriction is a child of the Assertion", |scene| {
        signed(scene, |xml| {
            let restriction = copy(xml, &RESTRICTION)?;
            after(&without(xml, &RESTRICTION)?, &CONDITIONS, &restriction)
        })
    }),
    row("schema/audience-outside", "the Audience is a child of the Conditions", |scene| {
        signed(scene, |xml| {
            let audience = copy(xml, &AUDIENCE)?;
            append(&without(xml, &RESTRICTION)?, &CONDITIONS, &audience)
        })
    }),
    row("schema/conditions-in-advice", "the only Conditions are in the Advice", |scene| {
        signed(scene, |xml| {
            let advice = format!("<saml2:Advice>{}</saml2:Advice>", copy(xml, &CONDITIONS)?);
            super::surgery::replace(xml, &CONDITIONS, &advice)
        })
    }),
    row("schema/confirmation-outside", "the SubjectConfirmation is a child of the Assertion", |scene| {
        signed(scene, |xml| {
            let confirmation = copy(xml, &CONFIRMATION)?;
            after(&without(xml, &CONFIRMATION)?, &SUBJECT, &confirmation)
        })
    }),
    row("schema/confirmation-data-twice", "two SubjectConfirmationData, one for another service", |scene| {
        signed(scene, |xml| {
            let path = ["Response", "Assertion", "Subject", "SubjectConfirmation", "SubjectConfirmationData"];
            let ours = copy(xml, &path)?;
            let theirs = ours.replace(&scene.target().assertion_consumer, "https://other.example/saml/acs");
            after(xml, &path, &theirs)
        })
    }),
    row("schema/no-context", "an AuthnStatement without AuthnContext", |scene| {
        issued(scene, scene.message().omit(Part::AuthnContext))
    }),
    row("schema/empty-context", "an empty AuthnContextClassRef", |scene| {
        issued(scene, scene.message().authn_context(""))
    }),
    row(
        "schema/two-contexts",
        "an AuthnStatement with two AuthnContexts, the last a stronger one",
        |scene| signed(scene, |xml| after(xml, &CONTEXT, &stronger())),
    ),
    row(
        "schema/two-class-refs",
        "an AuthnContext with two class references, the last a stronger one",
        |scene| signed(scene, |xml| append(xml, &CONTEXT, STRONGER)),
    ),
    row("schema/context-outside", "the AuthnContext is a child of the Assertion", |scene| {
        signed(scene, |xml| {
            let context = copy(xml, &CONTEXT)?;
            after(&without(xml, &CONTEXT)?, &STATEMENT, &context)
        })
    }),
    row("schema/no-authn-instant", "an AuthnStatement without AuthnInstant", |scene| {
        issued(scene, scene.message().omit(Part::AuthnInstant))
    }),
    row("schema/authn-instant", "an AuthnInstant that is not a time", |scene| {
        issued(scene, scene.message().authn_instant("yesterday"))
    }),
    row("schema/empty-statement", "an AttributeStatement without Attribute", |scene| {
        issued(
            scene,
            scene
                .message()
                .insert(Place::AssertionEnd, "<saml2:AttributeStatement></saml2:AttributeStatement>"),
        )
    }),
    row("schema/attribute-outside", "an Attribute as a child of the Assertion", |scene| {
        forging(scene, |xml| append(xml, &ASSERTION, ROLE))
    }),
    row("schema/attribute-in-subject", "an Attribute in the Subject", |scene| {
        forging(scene, |xml| append(xml, &SUBJECT, ROLE))
    }),
    row("schema/attribute-in-authn-statement", "an Attribute in the AuthnStatement", |scene| {
        forging(scene, |xml| append(xml, &STATEMENT, ROLE))
    }),
    row("schema/attribute-in-attribute", "an Attribute in an Attribute", |scene| {
        let inside = format!("<saml2:Attribute Name=\"kit.around\">{ROLE}</saml2:Attribute>");
        forging(scene, |xml| append(xml, &ASSERTION, &statement(&inside)))
    }),
    row("schema/attribute-without-name", "an Attribute without Name", |scene| {
        signed(scene, |xml| append(xml, &ASSERTION, &statement(&ROLE.replace(" Name=\"kit.role\"", ""))))
    }),
    row("schema/value-outside", "an AttributeValue as a child of the AttributeStatement", |scene| {
        forging(scene, |xml| {
            let value = "<saml2:AttributeValue>kit.admin</saml2:AttributeValue>";
            append(
                xml,
                &ASSERTION,
                &statement(&[ROLE.replace("kit.admin", "kit.member").as_str(), value].concat()),
            )
        })
    }),
    row("schema/nested-assertion", "an Assertion about the victim as a child of the Assertion", |scene| {
        signed(scene, |xml| {
            let inner = scene.forged(&copy(xml, &ASSERTION)?);
            append(
                xml,
                &ASSERTION,
                &inner.replace(&scene.assertion_id(), &format!("{}.inner", scene.assertion_id())),
            )
        })
    }),
    row("schema/status-in-assertion", "a Status of the protocol in the Assertion", |scene| {
        signed(scene, |xml| {
            let status = copy(xml, &["Response", "Status"])?;
            let declared = format!("<saml2p:Status xmlns:saml2p=\"{SAML_PROTOCOL}\">");
            append(xml, &ASSERTION, &status.replacen("<saml2p:Status>", &declared, 1))
        })
    }),
    row("schema/no-response-id", "a Response without ID", |scene| {
        issued(scene, scene.message().omit(Part::ResponseId))
    }),
    row("schema/no-response-time", "a Response without IssueInstant", |scene| {
        issued(scene, scene.message().omit(Part::ResponseIssueInstant))
    }),
    row("schema/no-response-version", "a Response without Version", |scene| {
        issued(scene, scene.message().omit(Part::ResponseVersion))
    }),
    row("schema/no-assertion-time", "an Assertion without IssueInstant", |scene| {
        issued(scene, scene.message().omit(Part::AssertionIssueInstant))
    }),
    row("schema/no-assertion-version", "an Assertion without Version", |scene| {
        issued(scene, scene.message().omit(Part::AssertionVersion))
    }),
    row("schema/empty-name-id", "an empty NameID", |scene| issued(scene, scene.message_about(""))),
    row("schema/blank-name-id", "a NameID of white space", |scene| issued(scene, scene.message_about(" \t"))),
    row("schema/unknown-child", "an element of no namespace in the Response", |scene| {
        signed(scene, |xml| append(xml, &RESPONSE, "<Trusted>yes</Trusted>"))
    }),
    row("schema/unknown-attribute", "an attribute of the Subject that the schema does not know", |scene| {
        signed(scene, |xml| with_attribute(xml, &SUBJECT, &format!("NameID=\"{}\"", scene.victim())))
    }),
    row("schema/text-in-response", "text between the elements of the Response", |scene| {
        signed(scene, |xml| append(xml, &RESPONSE, scene.victim()))
    }),
];

const STRONGER: &str = "<saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI</saml2:AuthnContextClassRef>";

fn stronger() -> String {
    format!("<saml2:AuthnContext>{STRONGER}</saml2:AuthnContext>")
}

fn statement(inside: &str) -> String {
    format!("<saml2:AttributeStatement>{inside}</saml2:AttributeStatement>")
}

fn elsewhere(scene: &Scene<'_>, conditions: &str) -> String {
    conditions.replace(&scene.target().entity_id, "https://other.example/saml/metadata")
}

fn changed(
    scene: &Scene<'_>,
    change: impl FnOnce(&str) -> Result<String, TestkitError>,
) -> Result<String, TestkitError> {
    let unsigned = scene.message().sign(Signed::Neither).issue()?.into_xml();
    signed_as_it_stands(scene, &change(&unsigned)?)
}

/// Returns the attacker's message, changed and then signed. The schema does not allow it.
fn signed(scene: &Scene<'_>, change: impl FnOnce(&str) -> Result<String, TestkitError>) -> Made {
    Ok(vec![scene.hostile(changed(scene, change)?)])
}

/// Returns the attacker's message, changed and then signed. The schema allows it, but it does not name the victim.
fn bent(scene: &Scene<'_>, change: impl FnOnce(&str) -> Result<String, TestkitError>) -> Made {
    Ok(vec![scene.bent(changed(scene, change)?)])
}

/// Returns a message with a role in a place where no attribute is allowed.
fn forging(scene: &Scene<'_>, change: impl FnOnce(&str) -> Result<String, TestkitError>) -> Made {
    Ok(vec![scene.hostile(changed(scene, change)?).forging("kit.admin")])
}

fn issued(scene: &Scene<'_>, message: ResponseBuilder) -> Made {
    Ok(vec![scene.hostile(message.issue()?.xml())])
}
