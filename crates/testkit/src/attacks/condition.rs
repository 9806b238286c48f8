//! Attacks on the requirements of an assertion: another confirmation method than bearer, the request that it was
//! signed for, and conditions that the service must understand.

use super::scene::{Made, Scene};
use super::signature::{signed_as_it_stands, x509};
use super::surgery::with_attribute;
use super::{Attack, Base, Kind, Needs};
use crate::{Part, Place, ResponseBuilder, Signed};

const HOLDER: &str = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key";
const KEYCLOAK_HOLDER: &str = "CVE-2026-92855 (Keycloak)";
const KEYCLOAK_PROXY: &str = "CVE-2026-92856 (Keycloak)";
const UNSIGNED: &str = "CVE-2026-49284 (SimpleSAMLphp)";

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Context, description, make)
}

pub(super) const ATTACKS: &[Attack] = &[
    row(
        "confirmation/holder-of-key-with-key",
        "the confirmation is holder-of-key and names the attacker's key",
        |scene| {
            let key = x509(&[crate::keys::attacker().certificate()]);
            let info =
                format!("<ds:KeyInfo xmlns:ds=\"{}\">{key}</ds:KeyInfo>", vouchsafe_xml::namespace::DSIG);
            let message = scene.message().confirmation_method(HOLDER);
            hostile(scene, message.insert(Place::SubjectConfirmationData, info))
        },
    )
    .known_as(KEYCLOAK_HOLDER),
    row(
        "confirmation/holder-of-key-beside-bearer",
        "holder-of-key for us, bearer for another service",
        |scene| {
            let bearer = confirmation(
                scene,
                "urn:oasis:names:tc:SAML:2.0:cm:bearer",
                "https://other.example/saml/acs",
            );
            hostile(scene, scene.message().confirmation_method(HOLDER).insert(Place::Subject, bearer))
        },
    )
    .known_as(KEYCLOAK_HOLDER),
    row(
        "confirmation/holder-of-key-after-bearer",
        "bearer for another service, holder-of-key for us",
        |scene| {
            let ours = confirmation(scene, HOLDER, &scene.target().assertion_consumer);
            let message = scene.message().recipient("https://other.example/saml/acs");
            hostile(scene, message.insert(Place::Subject, ours))
        },
    )
    .known_as(KEYCLOAK_HOLDER),
    row("confirmation/bearer-expired-holder", "bearer is expired, holder-of-key is not", |scene| {
        let ours = confirmation(scene, HOLDER, &scene.target().assertion_consumer);
        let message = scene.message().subject_not_on_or_after(scene.minutes(-60));
        hostile(scene, message.insert(Place::Subject, ours))
    })
    .known_as(KEYCLOAK_HOLDER),
    row("confirmation/method-longer", "a method that begins like bearer", |scene| {
        hostile(scene, scene.message().confirmation_method("urn:oasis:names:tc:SAML:2.0:cm:bearer:x"))
    }),
    row("confirmation/method-upper-case", "bearer in capitals", |scene| {
        hostile(scene, scene.message().confirmation_method("URN:OASIS:NAMES:TC:SAML:2.0:CM:BEARER"))
    }),
    row("confirmation/method-empty", "an empty method", |scene| {
        hostile(scene, scene.message().confirmation_method(""))
    }),
    row("confirmation/method-saml-1", "bearer of SAML 1.1", |scene| {
        hostile(scene, scene.message().confirmation_method("urn:oasis:names:tc:SAML:1.0:cm:bearer"))
    }),
    row("request/unsigned", "only the Response, which is not signed, says what it answers", |scene| {
        hostile(scene, scene.message().omit(Part::SubjectInResponseTo))
    })
    .from(Base::Assertion)
    .needs(&[Needs::Request])
    .known_as(UNSIGNED),
    row(
        "request/unsigned-other",
        "the Response, which is not signed, answers ours, its signed Assertion another",
        |scene| hostile(scene, scene.message().subject_in_response_to("_other")),
    )
    .from(Base::Assertion)
    .needs(&[Needs::Request])
    .known_as(UNSIGNED),
    row(
        "request/unsigned-empty",
        "the same, the signed Assertion answers nothing, in an empty attribute",
        |scene| hostile(scene, scene.message().subject_in_response_to("")),
    )
    .from(Base::Assertion)
    .needs(&[Needs::Request])
    .known_as(UNSIGNED),
    row(
        "request/stolen",
        "an unsolicited signed Assertion in an envelope that answers our request",
        |scene| {
            let stolen = scene.message_about(scene.victim()).omit(Part::SubjectInResponseTo);
            hostile(scene, stolen)
        },
    )
    .from(Base::Assertion)
    .needs(&[Needs::Request])
    .known_as(UNSIGNED),
    row(
        "request/stolen-unsolicited",
        "an Assertion that answers somebody's request, in an envelope that answers none",
        |scene| {
            let stolen = scene.message_about(scene.victim()).subject_in_response_to("_somebody");
            hostile(scene, stolen)
        },
    )
    .from(Base::Assertion)
    .needs(&[Needs::Unsolicited])
    .known_as(UNSIGNED),
    row("request/white-space", "InResponseTo with white space around ours and another behind it", |scene| {
        let ours = scene.request().unwrap_or_default().to_owned();
        hostile(scene, scene.message().in_response_to(format!(" {ours} _other")))
    })
    .needs(&[Needs::Request]),
    row("request/before", "a message that was issued an hour before its request", |scene| {
        let before = scene.minutes(-60);
        let message = scene.message().response_issue_instant(before).assertion_issue_instant(before);
        hostile(scene, message.authn_instant(before))
    })
    .needs(&[Needs::Request]),
    row("condition/one-time-use-twice", "two OneTimeUse conditions", |scene| {
        let once = "<saml2:OneTimeUse></saml2:OneTimeUse>";
        hostile(scene, scene.message().insert(Place::Conditions, once).insert(Place::Conditions, once))
    })
    .known_as(KEYCLOAK_PROXY),
    row("condition/proxy-twice", "two ProxyRestrictions, one that forbids and one that allows", |scene| {
        let proxy = |count| format!("<saml2:ProxyRestriction Count=\"{count}\"></saml2:ProxyRestriction>");
        hostile(
            scene,
            scene.message().insert(Place::Conditions, proxy(0)).insert(Place::Conditions, proxy(9)),
        )
    })
    .known_as(KEYCLOAK_PROXY),
    row("condition/proxy-count", "a ProxyRestriction whose Count is not a number", |scene| {
        let proxy = "<saml2:ProxyRestriction Count=\"-1\"></saml2:ProxyRestriction>";
        hostile(scene, scene.message().insert(Place::Conditions, proxy))
    })
    .known_as(KEYCLOAK_PROXY),
    row("condition/proxy-audience", "our Audience is only in a ProxyRestriction", |scene| {
        let proxy = format!(
            "<saml2:ProxyRestriction><saml2:Audience>{}</saml2:Audience></saml2:ProxyRestriction>",
            scene.target().entity_id
        );
        hostile(scene, scene.message().omit(Part::AudienceRestriction).insert(Place::Conditions, proxy))
    })
    .known_as(KEYCLOAK_PROXY),
    row("condition/unknown-element", "a condition of another namespace", |scene| {
        let unknown = "<x:Never xmlns:x=\"urn:example:x\"></x:Never>";
        hostile(scene, scene.message().insert(Place::Conditions, unknown))
    }),
    row("condition/not-before-after-end", "Conditions that begin after their end", |scene| {
        let message = scene.message().not_before(scene.minutes(4)).not_on_or_after(scene.minutes(-4));
        hostile(scene, message)
    }),
    row(
        "condition/time-zone",
        "NotOnOrAfter an hour ago, in a time zone that makes it look later",
        |scene| {
            let local = scene.minutes(5 * 60).format("%Y-%m-%dT%H:%M:%S+06:00").to_string();
            hostile(scene, scene.message().not_on_or_after(local.as_str()))
        },
    ),
    row("condition/xsi-nil", "Conditions that are nil, and still for another service", |scene| {
        let message = scene.message().audience("https://other.example/saml/metadata").sign(Signed::Neither);
        let xml = message.issue()?.into_xml();
        let nil = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"";
        let xml = with_attribute(&xml, &["Response", "Assertion", "Conditions"], nil)?;
        Ok(vec![scene.hostile(signed_as_it_stands(scene, &xml)?)])
    })
    .from(Base::Assertion),
];

fn hostile(scene: &Scene<'_>, message: ResponseBuilder) -> Made {
    Ok(vec![scene.hostile(message.issue()?.xml())])
}

fn confirmation(scene: &Scene<'_>, method: &str, recipient: &str) -> String {
    format!(
        "<saml2:SubjectConfirmation Method=\"{method}\"><saml2:SubjectConfirmationData {}NotOnOrAfter=\"{}\" \
         Recipient=\"{recipient}\"></saml2:SubjectConfirmationData></saml2:SubjectConfirmation>",
        scene.request().map(|id| format!("InResponseTo=\"{id}\" ")).unwrap_or_default(),
        scene.minutes(5).format("%Y-%m-%dT%H:%M:%SZ"),
    )
}
