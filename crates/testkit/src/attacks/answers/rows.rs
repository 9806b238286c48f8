//! The table of forged answers, with their messages.

use super::super::bent_query::{self, Bend};
use super::super::surgery;
use super::{Delivery, Door, Made, Request, Row, Scene, Setting};
use crate::keys;
use crate::logout::{form, query, signed_form};

const fn row(what: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Row {
    Row {
        what,
        doors: Door::FRONT,
        description,
        setting: Setting::Same,
        make,
        only: None,
        may_be_accepted: false,
    }
}

const fn at(doors: &'static [Door], row: Row) -> Row {
    Row { doors, ..row }
}

const fn only(request: Request, row: Row) -> Row {
    Row { only: Some(request), ..row }
}

const fn in_setting(setting: Setting, row: Row) -> Row {
    Row { setting, ..row }
}

/// A genuine answer that confirms nothing, or not everything.
const fn unconfirmed(row: Row) -> Row {
    Row { may_be_accepted: true, ..row }
}

const REDIRECT: &[Door] = &[Door::Redirect];
const POST: &[Door] = &[Door::Post];

pub(super) const ROWS: &[Row] = &[
    row("unsigned", "an unsigned answer with Success", |s| s.raw(&s.genuine().xml()?)),
    row("attacker-key", "signed by a key of the attacker's", |s| {
        s.signed(&s.genuine().key(keys::attacker()))
    }),
    row("other-key", "signed by the key of another identity provider that is trusted", |s| {
        s.signed(&s.genuine().key(s.place.other.key()))
    }),
    row(
        "other-identity-provider",
        "the answer of another trusted identity provider, which was not asked",
        |s| s.signed(&s.genuine().issuer(Some(s.place.other.entity_id())).key(s.place.other.key())),
    ),
    row("other-issuer", "signed by the asked identity provider, with another one as its Issuer", |s| {
        s.signed(&s.genuine().issuer(Some(s.place.other.entity_id())))
    }),
    row("service-provider-key", "signed by the key of the service itself", |s| {
        s.signed(&s.genuine().key(keys::service_provider()))
    }),
    row("no-issuer", "without Issuer", |s| s.signed(&s.genuine().issuer(None))),
    row("issuer-format", "an Issuer whose Format is not entity", |s| {
        s.signed(&s.genuine().issuer_format(crate::EMAIL_ADDRESS))
    }),
    row("other-destination", "an answer to another service", |s| {
        s.signed(&s.genuine().destination(Some("https://other.example/saml/slo")))
    }),
    row("destination-prefix", "a Destination that begins as the address does", |s| {
        s.signed(&s.genuine().destination(Some(&format!("{}.evil.example", s.place.address))))
    }),
    row("no-destination", "no Destination", |s| s.signed(&s.genuine().destination(None))),
    row("old", "issued an hour ago", |s| s.signed(&s.genuine().at(s.ago(60)))),
    row("future", "issued an hour from now", |s| s.signed(&s.genuine().at(s.ago(-60)))),
    row("no-time", "an IssueInstant that is not a time", |s| s.signed(&s.genuine().issue_instant("now"))),
    row("version", "of SAML 1.1", |s| s.signed(&s.genuine().version("1.1"))),
    row("other-request", "the answer to another request", |s| s.signed(&s.answer_to("_other"))),
    row("no-request", "without InResponseTo", |s| s.signed(&s.genuine().in_response_to(None))),
    row("empty-request", "an empty InResponseTo", |s| s.signed(&s.answer_to(""))),
    row("other-state", "the RelayState of another request", |s| {
        s.signed_with(&s.genuine(), Some("0123456789abcdef0123456789abcdef"))
    }),
    row("response", "a genuine Response instead of the answer", |s| {
        let response = s.place.identity_provider.response().at(s.now()).in_response_to(&s.asked.id);
        s.raw(response.issue()?.xml())
    }),
    row("request", "a genuine logout request instead of the answer", |s| {
        let request = s.place.identity_provider.logout_request().at(s.now());
        s.raw(&request.id(format!("{}.request", s.asked.id)).destination(Some(s.place.address)).signed()?)
    }),
    row("doctype", "a document type with an entity", |s| {
        s.raw(&format!("<!DOCTYPE r [<!ENTITY e \"x\">]>{}", s.genuine().xml()?))
    }),
    row("signed-child", "an unsigned answer around a signed one that confirms nothing", |s| {
        s.raw(&s.genuine().extensions(s.failed().signed()?).xml()?)
    }),
    row("signed-assertion", "a genuine signed Response in Extensions of an unsigned answer", |s| {
        let issued = s.place.identity_provider.response().at(s.now()).issue()?;
        s.raw(&s.genuine().extensions(issued.element()).xml()?)
    }),
    unconfirmed(row(
        "wrapped",
        "a forged answer in Extensions of a genuine one that confirms nothing",
        |s| s.signed(&s.failed().extensions(s.genuine().xml()?)),
    )),
    unconfirmed(only(
        Request::Logout,
        row("partial", "a genuine answer with Success and PartialLogout", |s| {
            s.signed(&s.with_status(&["Success", "PartialLogout"]))
        }),
    )),
    unconfirmed(only(
        Request::Logout,
        row("partial-alone", "a genuine answer with PartialLogout as the first status", |s| {
            s.signed(&s.with_status(&["PartialLogout"]))
        }),
    )),
    unconfirmed(row("failed", "a genuine answer with Responder", |s| s.signed(&s.failed()))),
    unconfirmed(row("failed-within", "a genuine answer with Responder, and Success within it", |s| {
        s.signed(&s.with_status(&["Responder", "Success"]))
    })),
    unconfirmed(row("success-like", "a genuine answer with a status that ends like Success", |s| {
        s.signed(&s.genuine().status(["urn:example:status:Success"]))
    })),
    row("no-status", "a signed answer without Status", |s| {
        s.signed(&s.genuine().status(Vec::<String>::new()))
    }),
    row("two-statuses", "a signed answer with Responder and a second Status with Success", |s| {
        let second = surgery::copy(&s.genuine().xml()?, &s.path("Status"))?;
        s.signed(&s.failed().with_raw(declared(&second)))
    }),
    row("foreign-status", "a signed answer with Success in a Status of another vocabulary", |s| {
        let foreign = "<Status><StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></Status>";
        s.signed(&s.genuine().status(Vec::<String>::new()).with_raw(foreign))
    }),
    at(
        POST,
        row("changed", "a genuine answer that confirms nothing, changed after it was signed", |s| {
            let status = surgery::copy(&s.genuine().xml()?, &s.path("Status"))?;
            s.raw(&surgery::replace(&s.failed().signed()?, &s.path("Status"), &status)?)
        }),
    ),
    at(
        POST,
        row("moved-signature", "the signature of an answer that confirms nothing", |s| {
            let signature = surgery::copy(&s.failed().signed()?, &s.path("Signature"))?;
            let forged = s.genuine().xml()?;
            s.raw(&forged.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1))
        }),
    ),
    at(
        POST,
        row("attacker-certificate", "signed by the attacker, whose certificate is in the message", |s| {
            s.raw(&bent_query::resigned(&s.genuine(), keys::attacker())?)
        }),
    ),
    at(
        POST,
        row("empty-signature", "a Signature with nothing in it", |s| {
            let empty = "</saml:Issuer><ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>";
            s.raw(&s.genuine().xml()?.replacen("</saml:Issuer>", empty, 1))
        }),
    ),
    at(
        POST,
        row("in-request-field", "the answer in the field SAMLRequest", |s| {
            Ok(Delivery::Post(form("SAMLRequest", &s.genuine().signed()?, s.state())))
        }),
    ),
    at(
        POST,
        row("two-fields", "a genuine answer that confirms nothing, and a forged one behind it", |s| {
            let (genuine, forged) = (s.failed().signed()?, s.genuine().xml()?);
            let forged = form("SAMLResponse", &forged, None);
            Ok(Delivery::Post(format!("{}&{forged}", form("SAMLResponse", &genuine, s.state()))))
        }),
    ),
    at(
        POST,
        row("form-by-attacker", "a form whose fields the attacker signed (HTTP-POST-SimpleSign)", |s| {
            signed_fields(s, keys::attacker())
        }),
    ),
    at(
        POST,
        row("form-by-other", "a form whose fields another trusted identity provider signed", |s| {
            signed_fields(s, s.place.other.key())
        }),
    ),
    at(
        POST,
        row("form-state", "a form that is signed with another RelayState", |s| {
            let (xml, key) = (s.genuine().xml()?, s.place.identity_provider.key());
            let other = signed_form("SAMLResponse", &xml, Some("other"), key)?;
            let state = s.state().unwrap_or_default();
            Ok(Delivery::Post(other.replacen("RelayState=other", &format!("RelayState={state}"), 1)))
        }),
    ),
    at(
        REDIRECT,
        row("enveloped-only", "an enveloped signature of the attacker's and none in the query", |s| {
            s.raw(&s.genuine().key(keys::attacker()).signed()?)
        }),
    ),
    at(
        REDIRECT,
        row("escaped-name", "SAMLRe%73ponse instead of SAMLResponse", |s| {
            bent(s, bent_query::escaped_behind)
        }),
    ),
    at(
        REDIRECT,
        row("repeated", "a forged answer behind a signed one that confirms nothing", |s| {
            bent(s, bent_query::repeated_behind)
        }),
    ),
    at(
        REDIRECT,
        row("repeated-first", "a forged answer before a signed one that confirms nothing", |s| {
            bent(s, bent_query::repeated_before)
        }),
    ),
    at(
        REDIRECT,
        row("exchanged", "the signature of an answer that confirms nothing", |s| {
            bent(s, bent_query::exchanged)
        }),
    ),
    at(
        REDIRECT,
        row("exchanged-state", "a query that is signed with another RelayState", |s| {
            let query = s.genuine().to_query(Some("other"))?;
            let state = s.state().unwrap_or_default();
            Ok(Delivery::Redirect(query.replacen("RelayState=other", &format!("RelayState={state}"), 1)))
        }),
    ),
    at(
        REDIRECT,
        row("empty-query-signature", "SigAlg and an empty Signature", |s| {
            Ok(Delivery::Redirect(bent_query::without_signature(&s.genuine().to_query(s.state())?)))
        }),
    ),
    in_setting(
        Setting::Elsewhere,
        row("another-browser", "the genuine answer, brought by a browser that asked nothing", |s| {
            s.signed(&s.genuine())
        }),
    ),
    in_setting(
        Setting::Elsewhere,
        row("another-browser-without-state", "the same, without RelayState", |s| {
            s.signed_with(&s.genuine(), None)
        }),
    ),
    in_setting(
        Setting::Elsewhere,
        row("unasked", "an answer of the identity provider that nobody asked for", |s| {
            s.signed_with(&s.answer_to("_nobody"), None)
        }),
    ),
    in_setting(
        Setting::OtherRequest,
        row("of-another-browser", "the answer to another browser's request", |s| s.signed(&s.genuine())),
    ),
    in_setting(
        Setting::OtherRequest,
        row("of-another-browser-own-state", "the same, with the own RelayState", |s| {
            s.signed_with(&s.genuine(), s.own.relay_state.as_deref())
        }),
    ),
    in_setting(
        Setting::OtherRequest,
        row("of-another-browser-without-state", "the same, without RelayState", |s| {
            s.signed_with(&s.genuine(), None)
        }),
    ),
    in_setting(
        Setting::OtherRequest,
        row(
            "state-of-another-browser",
            "the answer to the own request, with another browser's RelayState",
            |s| s.signed(&s.answer_to(&s.own.id)),
        ),
    ),
    in_setting(Setting::Again, row("twice", "a second genuine answer", |s| s.signed(&s.genuine()))),
    in_setting(
        Setting::AgainElsewhere,
        row("twice-elsewhere", "a second genuine answer, brought by another browser", |s| {
            s.signed(&s.genuine())
        }),
    ),
    only(
        Request::Logout,
        in_setting(
            Setting::SignedInAgain,
            row(
                "after-signing-in-again",
                "a second genuine answer, after the person has signed in again",
                |s| s.signed(&s.genuine()),
            ),
        ),
    ),
    in_setting(
        Setting::AfterFailure,
        row(
            "unsigned-after-failure",
            "an unsigned answer with Success, after a genuine one that confirms nothing",
            |s| s.raw(&s.genuine().xml()?),
        ),
    ),
    in_setting(
        Setting::AfterFailure,
        row(
            "signed-after-failure",
            "a genuine answer with Success, after a genuine one that confirms nothing",
            |s| s.signed(&s.genuine()),
        ),
    ),
];

fn declared(status: &str) -> String {
    match status.contains("xmlns:samlp=") {
        true => status.to_owned(),
        false => status.replacen(
            "<samlp:Status",
            "<samlp:Status xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
            1,
        ),
    }
}

/// Returns a form with the genuine answer, whose fields this key signed.
fn signed_fields(scene: &Scene<'_>, key: &crate::KeyPair) -> Made {
    Ok(Delivery::Post(signed_form("SAMLResponse", &scene.genuine().xml()?, scene.state(), key)?))
}

/// Returns a genuine query that confirms nothing, changed by `bend` with the value of a forged answer.
fn bent(scene: &Scene<'_>, bend: Bend) -> Made {
    let genuine = scene.failed().to_query(scene.state())?;
    let forged = query("SAMLResponse", &scene.genuine().xml()?, None);
    let value = forged.strip_prefix("SAMLResponse=").unwrap_or_default();
    Ok(Delivery::Redirect(bend("SAMLResponse", &genuine, value)))
}
