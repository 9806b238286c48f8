//! The envelope of an assertion: the parts of the Response itself.

use std::borrow::Cow;

use vouchsafe_metadata::name_id_format::ENTITY;
use vouchsafe_xml::{Element, namespace};

use crate::error::AssertionError;
use crate::instant::Moment;
use crate::ledger::{Check, Outcome};
use crate::reading::{kept, only_child, trimmed};

/// The parts of a `samlp:Response` that the rules examine. Whether they are authentic depends on the source of the
/// element.
#[derive(Debug)]
pub(crate) struct ResponseFacts {
    pub(crate) version: Cow<'static, str>,
    pub(crate) in_response_to: Option<String>,
    pub(crate) destination: Option<String>,
    pub(crate) issue_instant: Moment,
    pub(crate) issuer: Option<Issuer>,
    pub(crate) status: Status,
}

/// The text of an Issuer without surrounding white space (Auth0 breaks the line), and its Format.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) value: String,
    pub(crate) format: Option<Cow<'static, str>>,
}

/// The status codes from the outermost to the innermost, and the message.
#[derive(Debug, Default)]
pub(crate) struct Status {
    pub(crate) codes: Vec<Cow<'static, str>>,
    pub(crate) message: Option<String>,
}

/// The version of SAML (saml-core-2.0-os 4.1).
pub(crate) const VERSION: &str = "2.0";

/// The top-level status of a successful answer (saml-core-2.0-os 3.2.2.2).
pub(crate) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

pub(crate) const STATUS_RULE: &str = "response.status";
pub(crate) const STATUS_CLAUSE: &str = "saml-core-2.0-os 3.2.2.2";

impl ResponseFacts {
    /// Reads the parts as they are. In a tree that was not checked against the schema yet, any of them may be
    /// missing. Before that check, they are used only to refuse.
    pub(crate) fn read(root: Element<'_>) -> Result<ResponseFacts, AssertionError> {
        is_response(root)?;
        let owned = |name: &str| root.attribute(name).map(str::to_owned);
        Ok(ResponseFacts {
            version: kept(root.attribute("Version").unwrap_or_default(), VERSION),
            in_response_to: owned("InResponseTo"),
            destination: root.attribute("Destination").map(|text| trimmed(text).to_owned()),
            issue_instant: Moment::read(root.attribute("IssueInstant").unwrap_or_default()),
            issuer: Issuer::read(root),
            status: Status::read(root),
        })
    }

    /// Returns whether the top-level status is Success.
    pub(crate) fn is_success(&self) -> bool {
        self.status.codes.first().is_some_and(|code| code == SUCCESS)
    }
}

impl Issuer {
    /// Returns the only Issuer among the children of a message or an assertion.
    pub(crate) fn read(parent: Element<'_>) -> Option<Issuer> {
        issuer_of(parent).map(|element| Issuer {
            value: issuer_text(element).into_owned(),
            format: element.attribute("Format").map(|format| kept(format, ENTITY)),
        })
    }
}

fn issuer_of(parent: Element<'_>) -> Option<Element<'_>> {
    only_child(parent, namespace::SAML_ASSERTION, "Issuer")
}

fn issuer_text(element: Element<'_>) -> Cow<'_, str> {
    match element.text() {
        Cow::Borrowed(text) => Cow::Borrowed(trimmed(text)),
        Cow::Owned(text) => Cow::Owned(trimmed(&text).to_owned()),
    }
}

impl Status {
    /// Returns the status among the children of a Response. It has no codes if there is no Status, or more than one.
    pub(crate) fn read(root: Element<'_>) -> Status {
        let child = |parent, name| only_child(parent, namespace::SAML_PROTOCOL, name);
        let Some(element) = child(root, "Status") else { return Status::default() };
        let mut codes = Vec::with_capacity(1);
        let mut place = element;
        while let Some(code) = child(place, "StatusCode") {
            codes.push(kept(code.attribute("Value").map(trimmed).unwrap_or_default(), SUCCESS));
            place = code;
        }
        let message = child(element, "StatusMessage")
            .map(|message| trimmed(&message.text()).to_owned())
            .filter(|message| !message.is_empty());
        Status { codes, message }
    }

    /// Returns the refusal, if the top-level code is not Success.
    pub(crate) fn refusal(&self) -> Option<AssertionError> {
        self.codes.first().filter(|code| *code != SUCCESS)?;
        Some(AssertionError::Status {
            codes: self.codes.iter().map(ToString::to_string).collect(),
            message: self.message.clone(),
        })
    }
}

impl Status {
    /// Returns the check of the ledger for a status other than Success.
    pub(crate) fn failed_check(&self) -> Check {
        Check::new(STATUS_RULE, STATUS_CLAUSE, Outcome::Failed).expected(SUCCESS).actual(self.joined())
    }

    /// Returns the codes from the outermost to the innermost, as one text.
    pub(crate) fn joined(&self) -> String {
        self.codes.join(" / ")
    }
}

fn is_response(root: Element<'_>) -> Result<(), AssertionError> {
    if root.is(namespace::SAML_PROTOCOL, "Response") {
        return Ok(());
    }
    Err(AssertionError::NotAResponse {
        namespace: root.namespace().to_owned(),
        name: root.local_name().to_owned(),
    })
}

/// Returns the Issuer of the Response, or that of its only plain Assertion.
pub(crate) fn claimed_issuer<'d>(root: Element<'d>, issuer: Option<Cow<'d, str>>) -> Option<Cow<'d, str>> {
    issuer.or_else(|| issuer_of_only_assertion(root))
}

fn issuer_of_only_assertion(root: Element<'_>) -> Option<Cow<'_, str>> {
    only_child(root, namespace::SAML_ASSERTION, "Assertion").and_then(issuer_of).map(issuer_text)
}
