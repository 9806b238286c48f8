//! The visible traits of an unverified message: names and values for the patterns of the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_crypto::Certificate;
use vouchsafe_xml::{Document, Element, namespace};

use super::exhibit::Kind;
use super::found::Message;

/// The maximum number of values of one trait, and of characters of a value.
const VALUES: usize = 256;
const LENGTH: usize = 1024;
/// The maximum number of certificates that are read.
const CERTIFICATES: usize = 8;

/// The names of all traits, to check the catalogue.
#[cfg(test)]
pub(crate) const NAMES: [&str; 30] = [
    "issuer",
    "issuer_format",
    "issuer_padding",
    "location",
    "id",
    "assertion_id",
    "prefixes",
    "audience",
    "attribute",
    "repeated_attribute",
    "attribute_format",
    "attribute_value",
    "name_id_format",
    "name_qualifier",
    "certificate",
    "certificate_form",
    "key_info",
    "signed",
    "algorithm",
    "cipher",
    "encrypted_key",
    "destination",
    "consent",
    "logout",
    "query_escapes",
    "element",
    "wants_signed_requests",
    "message",
    "session_index",
    "status",
];

/// The traits of a message.
#[derive(Debug, Default)]
pub(crate) struct Traits {
    values: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Traits {
    pub(crate) fn of(document: &Document, kind: Kind, message: &Message) -> Traits {
        let mut traits = Traits::default();
        let root = document.root();
        traits.add("id", root.attribute("ID"));
        traits.add("consent", root.attribute("Consent"));
        traits.message(root, kind);
        traits.issuers(document, kind);
        traits.addresses(root, kind, message);
        for element in document.elements() {
            traits.element(element);
        }
        traits.prefixes(document);
        traits.signatures(root);
        traits.certificates(document);
        if kind == Kind::IdentityProviderMetadata {
            let offers = traits.values("element").any(|name| name == "SingleLogoutService");
            traits.add("logout", Some(if offers { "offered" } else { "none" }));
        }
        if let Some(query) = &message.query {
            traits.escapes(query);
        }
        traits
    }

    /// Returns the values of a trait.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.get(name).into_iter().flatten().map(String::as_str)
    }

    fn add(&mut self, name: &'static str, value: Option<&str>) {
        let Some(value) = value else { return };
        let values = self.values.entry(name).or_default();
        if values.len() < VALUES {
            values.insert(value.trim().chars().take(LENGTH).collect());
        }
    }

    /// Adds the issuer: for metadata, its entity ID. A request has none, since our own software wrote it.
    fn issuers(&mut self, document: &Document, kind: Kind) {
        match kind {
            Kind::AuthnRequest | Kind::ServiceProviderMetadata => {}
            Kind::IdentityProviderMetadata => self.add("issuer", document.root().attribute("entityID")),
            _ => {
                for issuer in document
                    .elements()
                    .filter(|element| element.is(namespace::SAML_ASSERTION, "Issuer"))
                    .take(4)
                {
                    let text = issuer.text();
                    self.add("issuer", Some(&text));
                    self.add("issuer_format", Some(issuer.attribute("Format").unwrap_or("none")));
                    if text.trim().len() != text.len() {
                        self.add("issuer_padding", Some("white space"));
                    }
                }
            }
        }
    }

    /// Adds the kind of message, and the traits of logout messages.
    fn message(&mut self, root: Element<'_>, kind: Kind) {
        if root.namespace() == namespace::SAML_PROTOCOL {
            self.add("message", Some(root.local_name()));
        }
        if kind == Kind::LogoutRequest {
            let indexes =
                root.elements().filter(|child| child.is(namespace::SAML_PROTOCOL, "SessionIndex")).count();
            self.add("session_index", Some(["none", "one"].get(indexes).unwrap_or(&"several")));
        }
    }

    /// Adds the addresses of the identity provider.
    fn addresses(&mut self, root: Element<'_>, kind: Kind, message: &Message) {
        match kind {
            Kind::AuthnRequest => {
                self.add("location", root.attribute("Destination"));
                self.add("location", message.address.as_deref());
            }
            Kind::LogoutRequest | Kind::LogoutResponse => {
                self.add("location", root.attribute("Destination"));
                self.add("location", message.address.as_deref());
            }
            Kind::Response => self.add("destination", Some(root.attribute("Destination").unwrap_or("none"))),
            Kind::IdentityProviderMetadata => {
                for element in
                    root.descendants().filter(|element| element.namespace() == namespace::SAML_METADATA)
                {
                    self.add("location", element.attribute("Location"));
                    self.add("wants_signed_requests", element.attribute("WantAuthnRequestsSigned"));
                }
            }
            _ => {}
        }
    }

    fn element(&mut self, element: Element<'_>) {
        let name = element.local_name();
        match (element.namespace(), name) {
            (namespace::SAML_ASSERTION, "Assertion") => self.add("assertion_id", element.attribute("ID")),
            (namespace::SAML_ASSERTION, "Audience") => self.add("audience", Some(&element.text())),
            (namespace::SAML_ASSERTION, "Attribute") => self.attribute(element),
            (namespace::SAML_ASSERTION, "NameID") => {
                self.add("name_id_format", Some(element.attribute("Format").unwrap_or("none")));
                self.add("name_qualifier", element.attribute("NameQualifier"));
                self.add("name_qualifier", element.attribute("SPNameQualifier"));
            }
            (namespace::SAML_METADATA, "NameIDFormat") => self.add("name_id_format", Some(&element.text())),
            (namespace::SAML_PROTOCOL, "RequestedAuthnContext")
            | (namespace::SAML_ASSERTION, "EncryptedID") => self.add("element", Some(name)),
            (namespace::SAML_PROTOCOL, "StatusCode") => self.add("status", element.attribute("Value")),
            (namespace::DSIG, "SignatureMethod" | "DigestMethod") => {
                self.add("algorithm", element.attribute("Algorithm"))
            }
            (namespace::XMLENC, "EncryptionMethod") => self.add("cipher", element.attribute("Algorithm")),
            (namespace::XMLENC, "EncryptedKey") => {
                let inside = element.parent().is_some_and(|parent| parent.is(namespace::DSIG, "KeyInfo"));
                self.add(
                    "encrypted_key",
                    Some(if inside { "inside KeyInfo" } else { "beside EncryptedData" }),
                );
            }
            _ => {}
        }
        if [namespace::SAML_METADATA, namespace::SHIBBOLETH_METADATA, FEDERATION]
            .contains(&element.namespace())
        {
            self.add("element", Some(name));
        }
    }

    fn attribute(&mut self, attribute: Element<'_>) {
        let name = attribute.attribute("Name").unwrap_or_default();
        let repeated = self.values("attribute").any(|other| other == name);
        if repeated {
            self.add("repeated_attribute", Some(name));
        }
        self.add("attribute", Some(name));
        self.add("attribute_format", Some(attribute.attribute("NameFormat").unwrap_or("none")));
        for value in attribute.elements().take(VALUES) {
            self.add("attribute_value", Some(&format!("{name}={}", value.text().trim())));
        }
    }

    /// Adds the prefixes of the protocol and of assertions, as `saml2p saml2`; `default` if there is none.
    fn prefixes(&mut self, document: &Document) {
        let prefix_of = |wanted: &str| {
            let element = document.elements().find(|element| element.namespace() == wanted)?;
            Some(if element.prefix().is_empty() { "default" } else { element.prefix() })
        };
        if let (Some(protocol), Some(assertion)) =
            (prefix_of(namespace::SAML_PROTOCOL), prefix_of(namespace::SAML_ASSERTION))
        {
            self.add("prefixes", Some(&format!("{protocol} {assertion}")));
        }
    }

    fn signatures(&mut self, root: Element<'_>) {
        if !root.is(namespace::SAML_PROTOCOL, "Response") {
            return;
        }
        let signed =
            |element: Element<'_>| element.elements().any(|child| child.is(namespace::DSIG, "Signature"));
        let assertion = root.elements().find(|child| child.is(namespace::SAML_ASSERTION, "Assertion"));
        self.add(
            "signed",
            Some(match (signed(root), assertion.is_some_and(signed)) {
                (true, true) => "both",
                (true, false) => "response",
                (false, true) => "assertion",
                (false, false) => "none",
            }),
        );
    }

    fn certificates(&mut self, document: &Document) {
        for key_info in
            document.elements().filter(|element| element.is(namespace::DSIG, "KeyInfo")).take(CERTIFICATES)
        {
            for child in key_info.elements() {
                self.add("key_info", Some(child.local_name()));
            }
        }
        if self.values("signed").any(|signed| signed != "none") && self.values("key_info").next().is_none() {
            self.add("key_info", Some("none"));
        }
        let certificates =
            document.elements().filter(|element| element.is(namespace::DSIG, "X509Certificate"));
        for element in certificates.take(CERTIFICATES) {
            let text = element.text();
            if text.trim_start().starts_with("LS0tLS1CRUdJTi") {
                self.add("certificate_form", Some("base64 of PEM"));
            }
            if let Ok(certificate) = Certificate::from_base64(&text) {
                self.add("certificate", Some(certificate.subject()));
            }
        }
    }

    /// Adds whether the hexadecimal digits of percent-encoding are in upper or lower case.
    fn escapes(&mut self, query: &str) {
        for escape in query.split('%').skip(1).filter_map(|rest| rest.get(..2)) {
            if escape.bytes().any(|byte| byte.is_ascii_lowercase()) {
                self.add("query_escapes", Some("lower case"));
            } else if escape.bytes().any(|byte| byte.is_ascii_uppercase()) {
                self.add("query_escapes", Some("upper case"));
            }
        }
    }
}

/// The namespace of WS-Federation, which the metadata of Microsoft's products also describes.
const FEDERATION: &str = "http://docs.oasis-open.org/wsfed/federation/200706";
