//! What a Response says of itself.

use std::borrow::Cow;

use vouchsafe_metadata::name_id_format::ENTITY;
use vouchsafe_xml::{Element, namespace};

use crate::error::AssertionError;
use crate::instant::Moment;
use crate::reading::{elements_named, kept, trimmed};

/// The parts of a `samlp:Response` that rules look at. Whether they are authentic depends on where the element comes from.
#[derive(Debug)]
pub(crate) struct ResponseFacts {
    pub(crate) version: Option<Cow<'static, str>>,
    pub(crate) in_response_to: Option<String>,
    pub(crate) destination: Option<String>,
    pub(crate) issue_instant: Option<Moment>,
    pub(crate) issuer: Option<Issuer>,
    pub(crate) status: Option<Status>,
}

/// The text of an Issuer without the white space round it (Auth0 breaks the line), and its Format.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) value: String,
    pub(crate) format: Option<Cow<'static, str>>,
}

/// The status codes from the outermost to the innermost, and the message.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) codes: Vec<Cow<'static, str>>,
    pub(crate) message: Option<String>,
}

const RESPONSE_ISSUER: &str = "Response/Issuer";

/// The version of SAML (saml-core-2.0-os 4.1).
pub(crate) const VERSION: &str = "2.0";

/// The top-level status that means yes (saml-core-2.0-os 3.2.2.2).
pub(crate) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

impl ResponseFacts {
    pub(crate) fn read(root: Element<'_>) -> Result<ResponseFacts, AssertionError> {
        is_response(root)?;
        let owned = |name: &str| root.attribute(name).map(str::to_owned);
        Ok(ResponseFacts {
            version: root.attribute("Version").map(|version| kept(version, VERSION)),
            in_response_to: owned("InResponseTo"),
            destination: root.attribute("Destination").map(|text| trimmed(text).to_owned()),
            issue_instant: root.attribute("IssueInstant").map(Moment::read),
            issuer: Issuer::read(root, RESPONSE_ISSUER)?,
            status: Status::read(root)?,
        })
    }

    /// Whether the top-level status is Success.
    pub(crate) fn is_success(&self) -> bool {
        self.status.as_ref().and_then(|status| status.codes.first()).is_some_and(|code| code == SUCCESS)
    }
}

impl Issuer {
    /// The Issuer among the children of a message or an assertion; at most one.
    pub(crate) fn read(parent: Element<'_>, place: &'static str) -> Result<Option<Issuer>, AssertionError> {
        Ok(issuer_of(parent, place)?.map(|element| Issuer {
            value: issuer_text(element).into_owned(),
            format: element.attribute("Format").map(|format| kept(format, ENTITY)),
        }))
    }
}

fn issuer_of<'d>(parent: Element<'d>, place: &'static str) -> Result<Option<Element<'d>>, AssertionError> {
    at_most_one(parent, namespace::SAML_ASSERTION, "Issuer", place)
}

fn issuer_text(element: Element<'_>) -> Cow<'_, str> {
    match element.text() {
        Cow::Borrowed(text) => Cow::Borrowed(trimmed(text)),
        Cow::Owned(text) => Cow::Owned(trimmed(&text).to_owned()),
    }
}

impl Status {
    fn read(root: Element<'_>) -> Result<Option<Status>, AssertionError> {
        let protocol = namespace::SAML_PROTOCOL;
        let Some(element) = at_most_one(root, protocol, "Status", "Response/Status")? else {
            return Ok(None);
        };
        let mut codes = Vec::with_capacity(1);
        let mut place = element;
        while let Some(code) = at_most_one(place, protocol, "StatusCode", "Status/StatusCode")? {
            codes.push(kept(code.attribute("Value").map(trimmed).unwrap_or_default(), SUCCESS));
            place = code;
        }
        let message = at_most_one(element, protocol, "StatusMessage", "Status/StatusMessage")?
            .map(|message| trimmed(&message.text()).to_owned())
            .filter(|message| !message.is_empty());
        Ok(Some(Status { codes, message }))
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

/// The only child of that name. A second one is refused: whoever reads "the first" can be made to read the wrong one.
pub(crate) fn at_most_one<'d>(
    parent: Element<'d>,
    namespace: &str,
    name: &str,
    place: &'static str,
) -> Result<Option<Element<'d>>, AssertionError> {
    let mut found = elements_named(parent, namespace, name);
    let first = found.next();
    match found.count() {
        0 => Ok(first),
        more => Err(AssertionError::Malformed {
            place,
            expected: "at most one",
            actual: more.saturating_add(1).to_string(),
        }),
    }
}

/// The Issuer of the Response, else that of its only plain Assertion.
pub(crate) fn claimed_issuer<'d>(root: Element<'d>, issuer: Option<Cow<'d, str>>) -> Option<Cow<'d, str>> {
    issuer.or_else(|| issuer_of_only_assertion(root))
}

fn issuer_of_only_assertion(root: Element<'_>) -> Option<Cow<'_, str>> {
    let mut assertions = elements_named(root, namespace::SAML_ASSERTION, "Assertion");
    let assertion = assertions.next()?;
    if assertions.next().is_some() {
        return None;
    }
    issuer_of(assertion, "Assertion/Issuer").ok().flatten().map(issuer_text)
}
