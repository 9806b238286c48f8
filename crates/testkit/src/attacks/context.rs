//! Attacks with genuine, signed messages in the wrong context: for another service, from another time, or in answer
//! to another request.

use super::scene::{Made, Scene};
use super::{Attack, Kind, Needs};
use crate::{Part, Place, ResponseBuilder};
use vouchsafe_xml::namespace::{SAML_ASSERTION, XSI};

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Context, description, make)
}

type Change = fn(&Scene<'_>, ResponseBuilder) -> ResponseBuilder;

/// Returns the attacker's genuine message, changed before it was signed.
fn changed(scene: &Scene<'_>, change: Change) -> Made {
    Ok(vec![scene.hostile(change(scene, scene.message()).issue()?.xml())])
}

macro_rules! attacks {
    ($($name:literal, $description:literal, $needs:expr, $change:expr;)*) => {
        pub(super) const ATTACKS: &[Attack] = &[
            $(row($name, $description, |scene| changed(scene, $change)).needs($needs),)*
        ];
    };
}

const ALWAYS: &[Needs] = &[];
const REQUEST: &[Needs] = &[Needs::Request];
const UNSOLICITED: &[Needs] = &[Needs::Unsolicited];

attacks! {
    "time/old", "a message of two hours ago", ALWAYS, |scene, response| response.at(scene.minutes(-120));
    "time/future", "a message of two hours from now", ALWAYS, |scene, response| response.at(scene.minutes(120));
    "time/conditions-expired", "Conditions expired an hour ago", ALWAYS, |scene, response| {
        response.not_before(scene.minutes(-120)).not_on_or_after(scene.minutes(-60))
    };
    "time/conditions-not-yet", "Conditions begin in an hour", ALWAYS, |scene, response| {
        response.not_before(scene.minutes(60)).not_on_or_after(scene.minutes(120))
    };
    "time/conditions-malformed", "NotOnOrAfter of the Conditions is not a time", ALWAYS, |_, response| {
        response.not_on_or_after("never")
    };
    "time/conditions-empty", "NotOnOrAfter of the Conditions is empty", ALWAYS, |_, response| {
        response.not_on_or_after("")
    };
    "time/confirmation-expired", "SubjectConfirmationData expired an hour ago", ALWAYS, |scene, response| {
        response.subject_not_on_or_after(scene.minutes(-60))
    };
    "time/confirmation-not-before", "SubjectConfirmationData has NotBefore, in an hour", ALWAYS, |scene, response| {
        response.subject_not_before(scene.minutes(60))
    };
    "time/confirmation-malformed", "NotOnOrAfter of the SubjectConfirmationData is not a time", ALWAYS, |_, response| {
        response.subject_not_on_or_after("2999-99-99T00:00:00Z")
    };
    "time/confirmation-unlimited", "SubjectConfirmationData without NotOnOrAfter", ALWAYS, |_, response| {
        response.omit(Part::SubjectNotOnOrAfter)
    };
    "time/session-expired", "SessionNotOnOrAfter an hour ago", ALWAYS, |scene, response| {
        response.session_not_on_or_after(scene.minutes(-60))
    };
    "time/issue-instant-future", "both IssueInstants in an hour", ALWAYS, |scene, response| {
        response.response_issue_instant(scene.minutes(60)).assertion_issue_instant(scene.minutes(60))
    };
    "audience/other", "the Audience is another service", ALWAYS, |_, response| {
        response.audience("https://other.example/saml/metadata")
    };
    "audience/absent", "no AudienceRestriction", ALWAYS, |_, response| response.omit(Part::AudienceRestriction);
    "audience/no-conditions", "no Conditions at all", ALWAYS, |_, response| response.omit(Part::Conditions);
    "audience/empty", "an AudienceRestriction without Audience", ALWAYS, |_, response| {
        response.audience_restrictions([Vec::<String>::new()])
    };
    "audience/second-restriction", "two AudienceRestrictions, one for another service", ALWAYS, |scene, response| {
        let ours = scene.target().entity_id.as_str();
        response.audience_restrictions([[ours], ["https://other.example/saml/metadata"]])
    };
    "audience/longer", "the Audience begins like ours", ALWAYS, |scene, response| {
        response.audience(format!("{}.evil.example", scene.target().entity_id))
    };
    "audience/shorter", "the Audience is the beginning of ours", ALWAYS, |scene, response| {
        let ours = &scene.target().entity_id;
        response.audience(ours.get(..ours.len().saturating_sub(1)).unwrap_or_default())
    };
    "audience/list", "the Audience holds ours between others, by spaces", ALWAYS, |scene, response| {
        response.audience(format!("urn:example:x {} urn:example:y", scene.target().entity_id))
    };
    "audience/upper-case", "the Audience is ours in capitals", ALWAYS, |scene, response| {
        response.audience(scene.target().entity_id.to_uppercase())
    };
    "recipient/other", "Recipient is another service's address", ALWAYS, |_, response| {
        response.recipient("https://other.example/saml/acs")
    };
    "recipient/absent", "no Recipient", ALWAYS, |_, response| response.omit(Part::Recipient);
    "recipient/longer", "Recipient begins like our address", ALWAYS, |scene, response| {
        response.recipient(format!("{}/../evil", scene.target().assertion_consumer))
    };
    "recipient/entity-id", "Recipient is our entity ID", ALWAYS, |scene, response| {
        response.recipient(scene.target().entity_id.as_str())
    };
    "recipient/mixed-confirmations", "one confirmation for us is expired, another is for another service", ALWAYS, |scene, response| {
        let other = format!(
            "<saml2:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
             <saml2:SubjectConfirmationData {}NotOnOrAfter=\"{}\" Recipient=\"https://other.example/saml/acs\">\
             </saml2:SubjectConfirmationData></saml2:SubjectConfirmation>",
            scene.request().map(|id| format!("InResponseTo=\"{id}\" ")).unwrap_or_default(),
            scene.minutes(5).format("%Y-%m-%dT%H:%M:%SZ"),
        );
        response.subject_not_on_or_after(scene.minutes(-60)).insert(Place::Subject, other)
    };
    "destination/other", "Destination is another service's address", ALWAYS, |_, response| {
        response.destination("https://other.example/saml/acs")
    };
    "destination/longer", "Destination begins like our address", ALWAYS, |scene, response| {
        response.destination(format!("{}.evil.example", scene.target().assertion_consumer))
    };
    "confirmation/holder-of-key", "the confirmation is holder-of-key", ALWAYS, |_, response| {
        response.confirmation_method("urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")
    };
    "confirmation/sender-vouches", "the confirmation is sender-vouches", ALWAYS, |_, response| {
        response.confirmation_method("urn:oasis:names:tc:SAML:2.0:cm:sender-vouches")
    };
    "confirmation/no-data", "a SubjectConfirmation without data", ALWAYS, |_, response| {
        response.omit(Part::SubjectConfirmationData)
    };
    "confirmation/absent", "no SubjectConfirmation", ALWAYS, |_, response| response.omit(Part::SubjectConfirmation);
    "confirmation/no-subject", "no Subject", ALWAYS, |_, response| response.omit(Part::Subject);
    "request/other", "the answer to another request", REQUEST, |_, response| response.in_response_to("_other");
    "request/other-response", "the Response answers another request", REQUEST, |_, response| {
        response.response_in_response_to("_other")
    };
    "request/other-subject", "the SubjectConfirmationData answers another request", REQUEST, |_, response| {
        response.subject_in_response_to("_other")
    };
    "request/absent", "an unsolicited message instead of an answer", REQUEST, |_, response| {
        response.omit(Part::ResponseInResponseTo).omit(Part::SubjectInResponseTo)
    };
    "request/absent-subject", "only the Response says what it answers", REQUEST, |_, response| {
        response.omit(Part::SubjectInResponseTo)
    };
    "request/unknown", "the answer to a request that was never made", UNSOLICITED, |_, response| {
        response.in_response_to("_nobody")
    };
    "request/unknown-subject", "the SubjectConfirmationData answers a request that was never made", UNSOLICITED, |_, response| {
        response.subject_in_response_to("_nobody")
    };
    "issuer/other", "both Issuers are unknown", ALWAYS, |_, response| response.issuer("https://other.example/idp");
    "issuer/other-response", "the Issuer of the Response is unknown", ALWAYS, |_, response| {
        response.response_issuer("https://other.example/idp")
    };
    "issuer/other-assertion", "the Issuer of the Assertion is unknown", ALWAYS, |_, response| {
        response.assertion_issuer("https://other.example/idp")
    };
    "issuer/absent-assertion", "the Assertion has no Issuer", ALWAYS, |_, response| response.omit(Part::AssertionIssuer);
    "issuer/longer", "both Issuers begin like the trusted one", ALWAYS, |scene, response| {
        response.issuer(format!("{}/", scene.target().identity_provider.entity_id()))
    };
    "issuer/upper-case", "both Issuers are the trusted one in capitals", ALWAYS, |scene, response| {
        response.issuer(scene.target().identity_provider.entity_id().to_uppercase())
    };
    "issuer/format", "the Issuers are names of persons, by Format", ALWAYS, |_, response| {
        response.issuer_format("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")
    };
    "message/version-response", "the Response is of version 1.1", ALWAYS, |_, response| response.response_version("1.1");
    "message/version-assertion", "the Assertion is of version 1.1", ALWAYS, |_, response| response.assertion_version("1.1");
    "message/no-authn-statement", "the Assertion has no AuthnStatement", ALWAYS, |_, response| {
        response.omit(Part::AuthnStatement)
    };
    "message/unknown-condition", "an unknown condition", ALWAYS, |_, response| {
        response.insert(
            Place::Conditions,
            format!(
                "<saml2:Condition xmlns:saml2=\"{SAML_ASSERTION}\" xmlns:xsi=\"{XSI}\" xmlns:x=\"urn:example:x\" \
                 xsi:type=\"x:NeverType\"></saml2:Condition>"
            ),
        )
    };
}
