//! The parts of an authentic `saml:Assertion` that the rules examine. They keep nothing else of the document.

use std::borrow::Cow;

use vouchsafe_xml::{Element, namespace};

use crate::attributes::{Attributes, Collector};
use crate::conditions::{ProxyFacts, read_audiences};
use crate::envelope::{Issuer, VERSION};
use crate::error::AssertionError;
use crate::instant::Moment;
use crate::name_id::NameId;
use crate::opening::Opener;
use crate::reading::{elements_named, kept, only_child, trimmed};
use crate::schema::Encryptable;

const SAML: &str = namespace::SAML_ASSERTION;

/// The confirmation method that a browser can meet (saml-profiles-2.0-os 3.3).
pub(crate) const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// The content of an assertion (saml-core-2.0-os 2.3.3). It is read from a tree that was checked against the schema,
/// so required parts are present, and parts that may occur once do so.
pub(crate) struct AssertionFacts {
    pub(crate) id: String,
    pub(crate) version: Cow<'static, str>,
    pub(crate) issue_instant: Moment,
    pub(crate) issuer: Option<Issuer>,
    pub(crate) subject: Option<Subject>,
    pub(crate) conditions: Option<Conditions>,
    pub(crate) authn_statements: Vec<AuthnStatement>,
    pub(crate) attributes: Attributes,
}

/// The `<Subject>` of an assertion (2.4.1).
pub(crate) struct Subject {
    pub(crate) name_id: Option<NameId>,
    pub(crate) has_base_id: bool,
    pub(crate) confirmations: Vec<Confirmation>,
}

/// A `<SubjectConfirmation>`: how the receiver verifies that the party that presents the assertion is its subject
/// (2.4.1.1).
pub(crate) struct Confirmation {
    pub(crate) method: Cow<'static, str>,
    pub(crate) data: Option<ConfirmationData>,
}

/// The `<SubjectConfirmationData>` with the limits of a confirmation (2.4.1.2). Its Address is not read: the profile
/// allows that, and proxies make it useless.
pub(crate) struct ConfirmationData {
    pub(crate) not_before: Option<Moment>,
    pub(crate) not_on_or_after: Option<Moment>,
    pub(crate) recipient: Option<String>,
    pub(crate) in_response_to: Option<String>,
}

/// The `<Conditions>` under which the assertion is valid (2.5.1).
pub(crate) struct Conditions {
    pub(crate) not_before: Option<Moment>,
    pub(crate) not_on_or_after: Option<Moment>,
    pub(crate) audience_restrictions: Vec<Vec<String>>,
    pub(crate) one_time_use: usize,
    pub(crate) proxy_restrictions: Vec<ProxyFacts>,
    pub(crate) unknown: Vec<String>,
}

/// The `<AuthnStatement>`: how and when the person signed in (2.7.2).
pub(crate) struct AuthnStatement {
    pub(crate) authn_instant: Moment,
    pub(crate) session_index: Option<String>,
    pub(crate) session_not_on_or_after: Option<Moment>,
    pub(crate) context_class: Option<String>,
}

impl AssertionFacts {
    /// Reads an Assertion of authentic bytes that was checked against the schema. `opener` decrypts the encrypted
    /// parts inside it.
    pub(crate) fn read(
        element: Element<'_>,
        opener: &mut Opener<'_, '_>,
    ) -> Result<AssertionFacts, AssertionError> {
        let subject =
            only_child(element, SAML, "Subject").map(|subject| Subject::read(subject, opener)).transpose()?;
        Ok(AssertionFacts {
            id: required(element, "ID").to_owned(),
            version: kept(required(element, "Version"), VERSION),
            issue_instant: Moment::read(required(element, "IssueInstant")),
            issuer: Issuer::read(element),
            subject,
            conditions: only_child(element, SAML, "Conditions").map(Conditions::read),
            authn_statements: elements_named(element, SAML, "AuthnStatement")
                .map(AuthnStatement::read)
                .collect(),
            attributes: read_attributes(element, opener)?,
        })
    }
}

/// Returns an attribute that the schema requires.
fn required<'d>(element: Element<'d>, name: &str) -> &'d str {
    element.attribute(name).unwrap_or_default()
}

impl Subject {
    fn read(element: Element<'_>, opener: &mut Opener<'_, '_>) -> Result<Subject, AssertionError> {
        let plain = only_child(element, SAML, "NameID");
        let encrypted = only_child(element, SAML, "EncryptedID");
        let name_id = match (plain, encrypted) {
            (Some(plain), _) => Some(NameId::read(plain)),
            (None, Some(encrypted)) => {
                Some(opener.open(encrypted, Encryptable::NameId, |name| Ok(NameId::read(name)))?)
            }
            (None, None) => None,
        };
        Ok(Subject {
            name_id,
            has_base_id: elements_named(element, SAML, "BaseID").next().is_some(),
            confirmations: elements_named(element, SAML, "SubjectConfirmation")
                .map(Confirmation::read)
                .collect(),
        })
    }
}

impl Confirmation {
    fn read(element: Element<'_>) -> Confirmation {
        let data = only_child(element, SAML, "SubjectConfirmationData");
        Confirmation {
            method: kept(trimmed(required(element, "Method")), BEARER),
            data: data.map(|data| ConfirmationData {
                not_before: data.attribute("NotBefore").map(Moment::read),
                not_on_or_after: data.attribute("NotOnOrAfter").map(Moment::read),
                recipient: data.attribute("Recipient").map(|recipient| trimmed(recipient).to_owned()),
                in_response_to: data.attribute("InResponseTo").map(str::to_owned),
            }),
        }
    }
}

impl Conditions {
    /// Reads the conditions. Every child element is recorded: a `saml:Condition` of any type is put into `unknown`.
    fn read(element: Element<'_>) -> Conditions {
        let mut conditions = Conditions {
            not_before: element.attribute("NotBefore").map(Moment::read),
            not_on_or_after: element.attribute("NotOnOrAfter").map(Moment::read),
            audience_restrictions: Vec::new(),
            one_time_use: 0,
            proxy_restrictions: Vec::new(),
            unknown: Vec::new(),
        };
        for child in element.elements() {
            match (child.namespace(), child.local_name()) {
                (SAML, "AudienceRestriction") => {
                    conditions.audience_restrictions.push(read_audiences(child));
                }
                (SAML, "OneTimeUse") => conditions.one_time_use = conditions.one_time_use.saturating_add(1),
                (SAML, "ProxyRestriction") => conditions.proxy_restrictions.push(ProxyFacts::read(child)),
                (_, name) => {
                    let kind = child.attribute_in(namespace::XSI, "type").map_or("", trimmed);
                    conditions.unknown.push(format!("{name} {kind}").trim_end().to_owned());
                }
            }
        }
        conditions
    }
}

impl AuthnStatement {
    fn read(element: Element<'_>) -> AuthnStatement {
        let class = only_child(element, SAML, "AuthnContext")
            .and_then(|context| only_child(context, SAML, "AuthnContextClassRef"));
        AuthnStatement {
            authn_instant: Moment::read(required(element, "AuthnInstant")),
            session_index: element.attribute("SessionIndex").map(str::to_owned),
            session_not_on_or_after: element.attribute("SessionNotOnOrAfter").map(Moment::read),
            context_class: class.map(|class| trimmed(&class.text()).to_owned()),
        }
    }
}

/// Reads the attributes of every AttributeStatement. Statements inside an Advice do not belong to this assertion
/// (2.6.1).
fn read_attributes(element: Element<'_>, opener: &mut Opener<'_, '_>) -> Result<Attributes, AssertionError> {
    let mut attributes = Collector::new(element.document());
    for statement in elements_named(element, SAML, "AttributeStatement") {
        for child in statement.elements() {
            if child.is(SAML, "Attribute") {
                attributes.add(child)?;
            } else if child.is(SAML, "EncryptedAttribute") {
                opener.open(child, Encryptable::Attribute, |attribute| Ok(attributes.add(attribute)?))?;
            }
        }
    }
    Ok(attributes.finish())
}
