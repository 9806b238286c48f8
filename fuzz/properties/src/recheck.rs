//! Every rule of a login once more, over the document that came and without the crates that accepted it.
//!
//! Only the tree and the decryption are shared with them. Each rule is what the specification says, as plainly as it can be
//! written; what is refused here and was accepted there is a finding.

use std::collections::HashSet;

use vouchsafe::Login;
use vouchsafe::encryption::{DecryptionContext, cipher_of, decrypt};
use vouchsafe::xml::{Document, Element, Limits, NamespaceScope, namespace};
use vouchsafe_testkit::{ASSERTION_CONSUMER, OKTA_ENTITY_ID, SERVICE_PROVIDER};

use crate::time::Instant;
use crate::{backend, keys};

const SAML: &str = namespace::SAML_ASSERTION;
const PROTOCOL: &str = namespace::SAML_PROTOCOL;

/// What the receiver expected.
pub(crate) struct Expected {
    pub(crate) request: Option<&'static str>,
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// Seconds.
    pub(crate) skew: i64,
}

impl Expected {
    pub(crate) fn is_open(&self, end: &str) -> bool {
        Instant::read(end).is_some_and(|end| end.is_after(self.now.saturating_sub(self.skew)))
    }

    fn has_begun(&self, start: &str) -> bool {
        Instant::read(start).is_some_and(|start| !start.is_after(self.now.saturating_add(self.skew)))
    }

    /// When something was done may be five minutes later: clocks differ.
    pub(crate) fn is_past(&self, instant: &str) -> bool {
        let latest = self.now.saturating_add(self.skew).saturating_add(300);
        Instant::read(instant).is_some_and(|instant| !instant.is_after(latest))
    }
}

/// Panics if the login should not have been.
pub(crate) fn login(text: &[u8], expected: &Expected, login: &Login) {
    let document = Document::parse(text, &Limits::default()).expect("accepted without being XML");
    let root = document.root();
    assert!(root.is(PROTOCOL, "Response"), "the root is no Response");
    let plain = children(root, SAML, "Assertion");
    let encrypted = children(root, SAML, "EncryptedAssertion");
    let response_is_signed = is_signed(root);
    let inner;
    let (assertion, was_encrypted) = match (plain.as_slice(), encrypted.as_slice()) {
        ([assertion], []) => (*assertion, false),
        ([], [encrypted]) => {
            let authenticated = cipher_of(*encrypted).expect("a cipher").is_authenticated();
            assert!(authenticated || response_is_signed, "opened what nothing authenticates");
            inner = opened(*encrypted);
            if response_is_signed && is_exclusive(root) && !is_signed(inner.root()) {
                needs_signed_namespaces_only(*encrypted, &inner);
            }
            (inner.root(), true)
        }
        (plain, encrypted) => panic!("{} assertions, {} of them encrypted", plain.len(), encrypted.len()),
    };
    let documents = if was_encrypted { vec![root, assertion] } else { vec![root] };
    identifiers_are_unique(&documents);
    assert!(assertion.is(SAML, "Assertion"));
    assert!(response_is_signed || is_signed(assertion), "nothing is signed");

    response(root, response_is_signed, was_encrypted, expected);
    assertion_itself(assertion, expected);
    subject(assertion, expected);
    conditions(assertion, expected);
    statements(assertion, expected);
    says_what_it_says(assertion, expected, login);
}

fn opened(encrypted: Element<'_>) -> Document {
    let limits = Limits::default();
    Document::parse_in_scope(text_of(encrypted).as_bytes(), &encrypted.scope(), &limits)
        .expect("it was read before")
}

fn text_of(encrypted: Element<'_>) -> String {
    let own = std::slice::from_ref(keys::clear());
    let limits = Limits::default();
    let mut context = DecryptionContext::new(own, backend::credulous(), &limits);
    let opened = decrypt(encrypted, &mut context).expect("it was opened before");
    String::from_utf8(opened.into_bytes()).expect("it was text before")
}

/// Decrypted text that no signature of its own covers means the same with nothing but the prefixes that the signed elements around it
/// use: exclusive canonicalization, which leaves the other declarations out, has nobody sign those.
fn needs_signed_namespaces_only(encrypted: Element<'_>, document: &Document) {
    let mut around: Vec<Element<'_>> =
        std::iter::successors(Some(encrypted), |element| element.parent()).collect();
    around.reverse();
    let mut scope = NamespaceScope::empty();
    for element in around {
        let attributes = element.attributes().map(|attribute| (attribute.prefix, attribute.namespace));
        let prefixed = attributes.filter(|(prefix, _)| !prefix.is_empty() && *prefix != "xml");
        for (prefix, name) in prefixed.chain([(element.prefix(), element.namespace())]) {
            scope = scope.bind(prefix, name).expect("a document bound it");
        }
    }
    let text = text_of(encrypted);
    let again = Document::parse_in_scope(text.as_bytes(), &scope, &Limits::default());
    let again = again.expect("it was read with a declaration that nobody signed");
    let names = |document: &Document| -> Vec<(String, String)> {
        let elements = document.elements().map(|element| (element.namespace(), element.local_name()));
        let attributes = document.attributes().map(|attribute| (attribute.namespace, attribute.local_name));
        elements.chain(attributes).map(|(space, name)| (space.to_owned(), name.to_owned())).collect()
    };
    assert_eq!(names(document), names(&again), "a name means something else without unsigned declarations");
}

/// Whether every signature method of the document is exclusive canonicalization without a list of prefixes.
/// A reference that names no canonicalization has Canonical XML 1.0 (XML Signature, 4.4.3.2), by which every declaration is signed.
fn is_exclusive(root: Element<'_>) -> bool {
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let names_one = |transforms: Element<'_>| {
        children(transforms, namespace::DSIG, "Transform")
            .iter()
            .any(|transform| transform.attribute("Algorithm").is_some_and(|uri| uri.starts_with(exclusive)))
    };
    root.descendants().all(|element| {
        let is_canonical = !element.is(namespace::DSIG, "Reference")
            || children(element, namespace::DSIG, "Transforms")
                .iter()
                .any(|transforms| names_one(*transforms));
        is_canonical
            && !element.is(exclusive, "InclusiveNamespaces")
            && element
                .attribute("Algorithm")
                .is_none_or(|uri| !uri.contains("c14n") || uri.starts_with(exclusive))
    })
}

/// What the schemas type as an identifier: `Id` only where XML Signature and XML Encryption have it.
pub(crate) fn identifiers_are_unique(roots: &[Element<'_>]) {
    let mut seen = HashSet::new();
    for element in roots.iter().flat_map(|root| root.descendants()) {
        let foreign =
            matches!(element.namespace(), namespace::DSIG | namespace::XMLENC | namespace::XMLENC11);
        for (name, value) in identifying(element) {
            assert!((name == "Id" && !foreign) || seen.insert(value), "{value:?} occurs twice");
        }
    }
}

/// Every attribute that any software takes for an identifier: its name and value.
fn identifying<'d>(element: Element<'d>) -> impl Iterator<Item = (&'d str, &'d str)> {
    let attributes = element.attributes().filter(|attribute| match attribute.namespace {
        "" => matches!(attribute.local_name, "ID" | "Id"),
        namespace::XML => attribute.local_name == "id",
        _ => false,
    });
    attributes.map(|attribute| (attribute.local_name, attribute.value))
}

/// One signature, one reference, and it names the element that carries the signature.
pub(crate) fn is_signed(element: Element<'_>) -> bool {
    let signatures = children(element, namespace::DSIG, "Signature");
    let [signature] = signatures.as_slice() else {
        assert!(signatures.is_empty(), "several signatures");
        return false;
    };
    let infos = children(*signature, namespace::DSIG, "SignedInfo");
    let [info] = infos.as_slice() else { panic!("{} SignedInfo", infos.len()) };
    let references = children(*info, namespace::DSIG, "Reference");
    let [reference] = references.as_slice() else { panic!("{} references", references.len()) };
    let uri = reference.attribute("URI").and_then(|uri| uri.strip_prefix('#'));
    assert!(uri.is_some() && uri == element.attribute("ID"), "the reference names another element");
    let named = element.document().elements().flat_map(identifying).filter(|(_, value)| Some(*value) == uri);
    assert_eq!(named.count(), 1, "the reference could name another element");
    assert!(children(*signature, namespace::DSIG, "Object").is_empty(), "a ds:Object");
    true
}

fn response(root: Element<'_>, is_signed: bool, was_encrypted: bool, expected: &Expected) {
    assert_eq!(root.attribute("Version"), Some("2.0"));
    assert!(root.attribute("IssueInstant").is_some_and(|instant| expected.is_past(instant)));
    assert_eq!(root.attribute("InResponseTo"), expected.request);
    let destination = root.attribute("Destination").map(trimmed);
    assert!(destination == Some(ASSERTION_CONSUMER) || (destination.is_none() && !is_signed));
    let status = only(root, PROTOCOL, "Status").expect("no status");
    let code = only(status, PROTOCOL, "StatusCode").and_then(|code| code.attribute("Value")).map(trimmed);
    assert_eq!(code, Some("urn:oasis:names:tc:SAML:2.0:status:Success"));
    match only(root, SAML, "Issuer") {
        Some(issuer) => is_okta(issuer),
        None => assert!(!is_signed && !was_encrypted, "no issuer"),
    }
}

pub(crate) fn is_okta(issuer: Element<'_>) {
    assert_eq!(trimmed(&issuer.text()), OKTA_ENTITY_ID);
    let entity = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
    assert!(issuer.attribute("Format").is_none_or(|format| format == entity));
}

fn assertion_itself(assertion: Element<'_>, expected: &Expected) {
    assert_eq!(assertion.attribute("Version"), Some("2.0"));
    assert!(assertion.attribute("ID").is_some_and(|id| !id.is_empty()));
    assert!(assertion.attribute("IssueInstant").is_some_and(|instant| expected.is_past(instant)));
    is_okta(only(assertion, SAML, "Issuer").expect("no issuer"));
}

fn subject(assertion: Element<'_>, expected: &Expected) {
    let subject = only(assertion, SAML, "Subject").expect("no subject");
    assert!(children(subject, SAML, "BaseID").is_empty());
    let confirmed = children(subject, SAML, "SubjectConfirmation").into_iter().any(|confirmation| {
        let bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
        let data = only(confirmation, SAML, "SubjectConfirmationData");
        confirmation.attribute("Method").map(trimmed) == Some(bearer)
            && data.is_some_and(|data| {
                data.attribute("Recipient").map(trimmed) == Some(ASSERTION_CONSUMER)
                    && data.attribute("NotBefore").is_none()
                    && data.attribute("NotOnOrAfter").is_some_and(|end| expected.is_open(end))
                    && data.attribute("InResponseTo") == expected.request
            })
    });
    assert!(confirmed, "no bearer confirmation that holds");
}

fn conditions(assertion: Element<'_>, expected: &Expected) {
    let conditions = only(assertion, SAML, "Conditions").expect("no audience without conditions");
    assert!(conditions.attribute("NotBefore").is_none_or(|start| expected.has_begun(start)));
    assert!(conditions.attribute("NotOnOrAfter").is_none_or(|end| expected.is_open(end)));
    let audiences = children(conditions, SAML, "AudienceRestriction");
    assert!(!audiences.is_empty(), "for nobody in particular");
    for restriction in &audiences {
        let mut audiences = children(*restriction, SAML, "Audience").into_iter();
        assert!(audiences.any(|audience| trimmed(&audience.text()) == SERVICE_PROVIDER), "for somebody else");
    }
    let once = children(conditions, SAML, "OneTimeUse").len();
    let proxy = children(conditions, SAML, "ProxyRestriction").len();
    assert!(once <= 1 && proxy <= 1);
    let known = audiences.len().saturating_add(once).saturating_add(proxy);
    assert_eq!(conditions.elements().count(), known, "a condition that is not understood");
}

fn statements(assertion: Element<'_>, expected: &Expected) {
    let signed_in = children(assertion, SAML, "AuthnStatement").into_iter().any(|statement| {
        statement.attribute("AuthnInstant").is_some_and(|instant| Instant::read(instant).is_some())
            && statement.attribute("SessionNotOnOrAfter").is_none_or(|end| expected.is_open(end))
    });
    assert!(signed_in, "nobody signed in");
}

/// The login holds what the assertion says and nothing else.
fn says_what_it_says(assertion: Element<'_>, expected: &Expected, login: &Login) {
    assert_eq!(login.issuer().as_str(), OKTA_ENTITY_ID);
    assert_eq!(Some(login.assertion_id()), assertion.attribute("ID"));
    assert_eq!(login.in_response_to(), expected.request);
    assert!(!login.evidence().is_empty());

    let subject = only(assertion, SAML, "Subject").expect("no subject");
    let (plain, encrypted) = (only(subject, SAML, "NameID"), only(subject, SAML, "EncryptedID"));
    assert!(plain.is_none() || encrypted.is_none(), "two names");
    let inner = encrypted.map(opened);
    let name_id = plain.or(inner.as_ref().map(Document::root));
    assert_eq!(login.name_id().map(|name_id| name_id.value()), name_id.map(|e| e.text()).as_deref());
    assert!(login.name_id().is_none_or(|name_id| !name_id.value().trim().is_empty()));

    let statements = children(assertion, SAML, "AttributeStatement");
    let named = |name| statements.iter().flat_map(move |one| children(*one, SAML, name));
    let opened: Vec<Document> = named("EncryptedAttribute").map(opened).collect();
    let all: Vec<Element<'_>> = named("Attribute").chain(opened.iter().map(Document::root)).collect();
    for attribute in login.attributes().iter() {
        let values: Vec<String> = all
            .iter()
            .filter(|element| element.attribute("Name") == Some(attribute.name()))
            .flat_map(|element| children(*element, SAML, "AttributeValue"))
            .map(all_text)
            .collect();
        for value in attribute.values() {
            assert!(values.iter().any(|said| said.contains(value)), "a value that nobody said");
        }
        assert!(attribute.values().len() <= values.len());
    }
    let names: HashSet<_> = all.iter().map(|element| element.attribute("Name")).collect();
    assert_eq!(names.len(), login.attributes().len());
}

fn all_text(element: Element<'_>) -> String {
    let mut text = String::new();
    for part in element.descendants() {
        text.push_str(&part.text());
    }
    text
}

pub(crate) fn children<'d>(parent: Element<'d>, namespace: &str, name: &str) -> Vec<Element<'d>> {
    parent.elements().filter(|child| child.is(namespace, name)).collect()
}

pub(crate) fn only<'d>(parent: Element<'d>, namespace: &str, name: &str) -> Option<Element<'d>> {
    let found = children(parent, namespace, name);
    assert!(found.len() <= 1, "{} {name} where one may be", found.len());
    found.first().copied()
}

pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}
