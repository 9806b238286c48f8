//! The table of forged requests, with their messages.

use super::super::bent_query::{self, Bend, resigned};
use super::super::surgery;
use super::{Delivery, Door, Made, Request, Row, Scene};
use crate::logout::{form, signed_form, soap};
use crate::{KeyPair, keys};

const fn row(what: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Row {
    let (only, may_be_accepted, is_sequence, is_of_other) = (None, false, false, false);
    Row { what, doors: Door::ALL, description, make, only, may_be_accepted, is_sequence, is_of_other }
}

const fn at(doors: &'static [Door], row: Row) -> Row {
    Row { doors, ..row }
}

const fn only(request: Request, row: Row) -> Row {
    Row { only: Some(request), ..row }
}

/// A genuine request about somebody else, which may be accepted.
const fn elsewhere(row: Row) -> Row {
    Row { may_be_accepted: true, ..row }
}

const fn in_sequence(row: Row) -> Row {
    Row { is_sequence: true, ..row }
}

const fn of_other(row: Row) -> Row {
    Row { is_of_other: true, ..row }
}

const ENVELOPED: &[Door] = &[Door::Post, Door::Soap];

pub(super) const ROWS: &[Row] = &[
    row("unsigned", "an unsigned request (esaml, CVE-2026-86696)", |s| s.raw(&s.genuine().xml()?)),
    row("attacker-key", "signed by a key of the attacker's", |s| {
        s.signed(&s.genuine().key(keys::attacker()))
    }),
    of_other(row("other-key", "signed by the key of another identity provider that is trusted", |s| {
        s.signed(&s.genuine().key(s.place.other.key()))
    })),
    of_other(elsewhere(row(
        "other-identity-provider",
        "another trusted identity provider names the victim",
        |s| s.signed(&s.genuine().issuer(Some(s.place.other.entity_id())).key(s.place.other.key())),
    ))),
    row("service-provider-key", "signed by the key of the service itself", |s| {
        s.signed(&s.genuine().key(keys::service_provider()))
    }),
    row(
        "assertion-in-extensions",
        "a genuine signed Assertion in Extensions (Keycloak, CVE-2026-133430)",
        |s| {
            let assertion = surgery::copy(&s.response()?, &["Response", "Assertion"])?;
            let declared = match assertion.contains("xmlns:saml2=") {
                true => assertion,
                false => assertion.replacen("<saml2:Assertion", &format!("<saml2:Assertion {SAML2}"), 1),
            };
            s.raw(&s.genuine().extensions(declared).xml()?)
        },
    ),
    row("response-in-extensions", "a genuine signed Response in Extensions (pac4j, CVE-2026-82465)", |s| {
        s.raw(&s.genuine().extensions(s.response()?).xml()?)
    }),
    row("request-in-extensions", "a genuine signed request for somebody else in Extensions", |s| {
        let other = s.about_somebody().signed()?;
        s.raw(&s.genuine().extensions(other).xml()?)
    }),
    elsewhere(row(
        "wrapped-in-signed",
        "a forged request in Extensions of a genuine one for somebody else",
        |s| {
            let forged = s.genuine().xml()?;
            s.signed(&s.about_somebody().extensions(forged))
        },
    )),
    row("other-destination", "a genuine request to another service", |s| {
        s.signed(&s.genuine().destination(Some("https://other.example/saml/slo")))
    }),
    row("destination-prefix", "a Destination that begins as the address does", |s| {
        let longer = format!("{}.evil.example", s.place.address);
        s.signed(&s.genuine().destination(Some(&longer)))
    }),
    row("destination-case", "a Destination in another case", |s| {
        s.signed(&s.genuine().destination(Some(&s.place.address.to_uppercase())))
    }),
    row("empty-destination", "an empty Destination", |s| s.signed(&s.genuine().destination(Some("")))),
    at(Door::FRONT, row("no-destination", "no Destination", |s| s.signed(&s.genuine().destination(None)))),
    only(
        Request::Logout,
        row("expired", "NotOnOrAfter is past", |s| {
            s.signed(&s.genuine().not_on_or_after("2020-01-01T00:00:00Z"))
        }),
    ),
    only(
        Request::Logout,
        row("malformed-end", "a NotOnOrAfter that is not a time", |s| {
            s.signed(&s.genuine().not_on_or_after("never"))
        }),
    ),
    row("old", "issued an hour ago, without NotOnOrAfter", |s| s.signed(&s.genuine().at(s.ago(60)))),
    row("future", "issued an hour from now", |s| s.signed(&s.genuine().at(s.ago(-60)))),
    row("no-time", "an IssueInstant that is not a time", |s| s.signed(&s.genuine().issue_instant("now"))),
    row("version", "of SAML 1.1", |s| s.signed(&s.genuine().version("1.1"))),
    row("no-issuer", "without Issuer", |s| s.signed(&s.genuine().issuer(None))),
    row("issuer-format", "an Issuer whose Format is not entity", |s| {
        s.signed(&s.genuine().issuer_format(crate::EMAIL_ADDRESS))
    }),
    in_sequence(row("replayed", "a genuine request, sent again after the victim signed in again", |s| {
        let delivery = s.signed(&s.genuine())?;
        Ok([delivery.clone(), delivery].concat())
    })),
    elsewhere(row(
        "comment",
        "a genuine request for a name that begins as the victim's, behind a comment",
        |s| {
            let genuine = s.genuine();
            let name = surgery::copy(&genuine.xml()?, &s.path("NameID"))?;
            let longer = name.replacen("</saml:NameID>", "<!-- -->.evil.example</saml:NameID>", 1);
            s.signed(&genuine.without_name_id().with_raw(longer))
        },
    )),
    elsewhere(row("other-format", "the victim's name in another Format", |s| {
        s.signed(&s.genuine().name_id_format(Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")))
    })),
    // With the victim's session index it is no attack: Entra ID sends such requests.
    only(
        Request::Logout,
        elsewhere(row("no-format", "the victim's name without Format, with another session's index", |s| {
            let genuine = s.genuine().name_id_format(None).without_session_index();
            s.signed(&genuine.session_index("_of_another_session"))
        })),
    ),
    elsewhere(row("name-qualifier", "the victim's name with a NameQualifier", |s| {
        s.signed(&s.genuine().qualifiers(Some("https://idp.example"), None))
    })),
    elsewhere(row("service-provider-qualifier", "the victim's name with an SPNameQualifier", |s| {
        s.signed(&s.genuine().qualifiers(None, Some("https://other.example")))
    })),
    elsewhere(row("foreign-name", "the victim's name in an element of another vocabulary", |s| {
        s.signed(&s.about_somebody().with_raw(format!("<NameID>{}</NameID>", s.genuine().name())))
    })),
    row("two-names", "two names, of which one is the victim's", |s| {
        let genuine = s.genuine();
        let name = surgery::copy(&genuine.xml()?, &s.path("NameID"))?;
        s.signed(&genuine.name_id("somebody@example.com").with_raw(name))
    }),
    row("response", "a genuine Response instead of a request", |s| s.raw(&s.response()?)),
    row("doctype", "a document type with an entity", |s| {
        s.raw(&format!("<!DOCTYPE r [<!ENTITY e \"x\">]>{}", s.genuine().xml()?))
    }),
    at(
        ENVELOPED,
        row("changed", "a genuine request for somebody else, changed after it was signed", |s| {
            let somebody = s.about_somebody().signed()?;
            let name = surgery::copy(&s.genuine().xml()?, &s.path("NameID"))?;
            s.raw(&surgery::replace(&somebody, &s.path("NameID"), &name)?)
        }),
    ),
    at(
        ENVELOPED,
        row("moved-signature", "the signature of another request", |s| {
            let somebody = s.about_somebody().signed()?;
            let signature = surgery::copy(&somebody, &s.path("Signature"))?;
            let forged = s.genuine().xml()?;
            s.raw(&forged.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1))
        }),
    ),
    at(
        ENVELOPED,
        row("signature-of-extensions", "a signature that refers to an element in Extensions", |s| {
            let inner = s.about_somebody().signed()?;
            let signature = surgery::copy(&inner, &s.path("Signature"))?;
            let bare = surgery::without(&inner, &s.path("Signature"))?;
            let forged = s.genuine().extensions(bare).xml()?;
            s.raw(&forged.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1))
        }),
    ),
    at(
        ENVELOPED,
        row("attacker-certificate", "signed by the attacker, whose certificate is in the message", |s| {
            s.raw(&resigned(&s.genuine(), keys::attacker())?)
        }),
    ),
    at(
        ENVELOPED,
        row("empty-signature", "a Signature with nothing in it", |s| {
            let empty = "</saml:Issuer><ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>";
            s.raw(&s.genuine().xml()?.replacen("</saml:Issuer>", empty, 1))
        }),
    ),
    at(
        REDIRECT,
        row("enveloped-only", "an enveloped signature and none in the query", |s| {
            s.raw(&s.genuine().key(keys::attacker()).signed()?)
        }),
    ),
    at(
        REDIRECT,
        row("escaped-name", "SAMLRe%71uest instead of SAMLRequest", |s| bent(s, bent_query::escaped_behind)),
    ),
    at(
        REDIRECT,
        row("escaped-first", "an escaped name before the signed one", |s| {
            bent(s, bent_query::escaped_before)
        }),
    ),
    at(
        REDIRECT,
        row("repeated", "a forged message behind the signed one", |s| bent(s, bent_query::repeated_behind)),
    ),
    at(
        REDIRECT,
        row("repeated-first", "a forged message before the signed one", |s| {
            bent(s, bent_query::repeated_before)
        }),
    ),
    at(
        REDIRECT,
        elsewhere(row("array", "a forged SAMLRequest[] beside the signed one", |s| {
            bent(s, bent_query::array)
        })),
    ),
    at(
        REDIRECT,
        row("question-mark", "a forged message behind a second question mark", |s| {
            bent(s, bent_query::question_mark)
        }),
    ),
    at(REDIRECT, row("exchanged", "the signature of another query", |s| bent(s, bent_query::exchanged))),
    at(
        REDIRECT,
        row("empty-query-signature", "SigAlg and an empty Signature", |s| {
            let query = s.genuine().to_query(Some("state"))?;
            Ok(vec![Delivery::Redirect(bent_query::without_signature(&query))])
        }),
    ),
    at(
        POST,
        row("in-response-field", "a request in the field SAMLResponse", |s| {
            Ok(vec![Delivery::Post(form("SAMLResponse", &s.genuine().signed()?, None))])
        }),
    ),
    at(
        POST,
        row("two-fields", "a genuine request for somebody else, and a forged one beside it", |s| {
            let genuine = form("SAMLRequest", &s.about_somebody().signed()?, None);
            let forged = form("SAMLRequest", &s.genuine().xml()?, None);
            Ok(vec![
                Delivery::Post(format!("{genuine}&{forged}")),
                Delivery::Post(format!("{forged}&{genuine}")),
            ])
        }),
    ),
    at(
        POST,
        row("form-by-attacker", "a form whose fields the attacker signed (HTTP-POST-SimpleSign)", |s| {
            signed_fields(&s.genuine().xml()?, keys::attacker())
        }),
    ),
    at(
        POST,
        of_other(row("form-by-other", "a form whose fields another trusted identity provider signed", |s| {
            signed_fields(&s.genuine().xml()?, s.place.other.key())
        })),
    ),
    at(
        POST,
        row("form-exchanged", "a signed form for somebody else with the message exchanged", |s| {
            let somebody = s.about_somebody().to_signed_form(Some("state"))?;
            let forged = form("SAMLRequest", &s.genuine().xml()?, None);
            let rest = somebody.split_once("&RelayState").map(|(_, rest)| rest).unwrap_or_default();
            Ok(vec![Delivery::Post(format!("{forged}&RelayState{rest}"))])
        }),
    ),
    at(
        POST,
        row("form-repeated", "a forged message beside the fields of a signed form for somebody else", |s| {
            let somebody = s.about_somebody().to_signed_form(Some("state"))?;
            let forged = form("SAMLRequest", &s.genuine().xml()?, None);
            let both = [format!("{forged}&{somebody}"), format!("{somebody}&{forged}")];
            Ok(both.into_iter().map(Delivery::Post).collect())
        }),
    ),
    at(
        POST,
        row("form-relay-state", "a signed form with another RelayState", |s| {
            let genuine = s.genuine().to_signed_form(Some("state"))?;
            Ok(vec![Delivery::Post(genuine.replacen("RelayState=state", "RelayState=other", 1))])
        }),
    ),
    at(
        POST,
        row(
            "form-without-signature",
            "a form that names an algorithm and has an empty signature, or none",
            |s| {
                let genuine = s.genuine().to_signed_form(Some("state"))?;
                let (before, _) = genuine.split_once("&Signature=").unwrap_or((&genuine, ""));
                Ok(vec![Delivery::Post(before.to_owned()), Delivery::Post(format!("{before}&Signature="))])
            },
        ),
    ),
    at(
        POST,
        row(
            "form-over-forged-signature",
            "a genuine signature around a message that the attacker signed",
            |s| {
                let somebody = s.about_somebody().to_signed_form(Some("state"))?;
                let forged = form("SAMLRequest", &resigned(&s.genuine(), keys::attacker())?, None);
                let rest = somebody.split_once("&RelayState").map(|(_, rest)| rest).unwrap_or_default();
                Ok(vec![Delivery::Post(format!("{forged}&RelayState{rest}"))])
            },
        ),
    ),
    at(
        SOAP,
        row("two-messages", "a forged request beside a genuine one for somebody else", |s| {
            let genuine = s.about_somebody().signed()?;
            let forged = s.genuine().xml()?;
            Ok(vec![
                Delivery::Soap(soap(&[genuine.as_str(), forged.as_str()].concat())),
                Delivery::Soap(soap(&[forged.as_str(), genuine.as_str()].concat())),
            ])
        }),
    ),
    at(
        SOAP,
        row("signed-header", "a genuine request in the Header, a forged one in the Body", |s| {
            let genuine = s.about_somebody().signed()?;
            let envelope = soap(&s.genuine().xml()?);
            let header = format!("<S:Header>{genuine}</S:Header><S:Body>");
            Ok(vec![Delivery::Soap(envelope.replacen("<S:Body>", &header, 1))])
        }),
    ),
    at(
        SOAP,
        row("two-bodies", "a second Body with a forged request", |s| {
            let genuine = soap(&s.about_somebody().signed()?);
            let second = format!("</S:Body><S:Body>{}</S:Body>", s.genuine().xml()?);
            Ok(vec![Delivery::Soap(genuine.replacen("</S:Body>", &second, 1))])
        }),
    ),
];

const REDIRECT: &[Door] = &[Door::Redirect];
const POST: &[Door] = &[Door::Post];
const SOAP: &[Door] = &[Door::Soap];
const SAML2: &str = "xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"";

/// Returns a form whose fields this key signed.
fn signed_fields(xml: &str, key: &KeyPair) -> Made {
    Ok(vec![Delivery::Post(signed_form("SAMLRequest", xml, Some("state"), key)?)])
}

/// Returns a genuine query for somebody else, changed by `bend` with the value of a forged message.
fn bent(scene: &Scene<'_>, bend: Bend) -> Made {
    let genuine = scene.about_somebody().to_query(Some("state"))?;
    let forged = scene.genuine().to_unsigned_query(None)?;
    let value = forged.strip_prefix("SAMLRequest=").unwrap_or_default();
    Ok(vec![Delivery::Redirect(bend("SAMLRequest", &genuine, value))])
}
