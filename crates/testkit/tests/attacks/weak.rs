//! A service provider with one or several mistakes that real ones have made. It checks only what a test does not
//! switch off, and not thoroughly: it exists to be attacked.

use std::cell::RefCell;
use std::collections::HashSet;

use vouchsafe_crypto::{Certificate, DigestAlgorithm, PublicKey, SignatureAlgorithm, base64_decode};
use vouchsafe_testkit::attacks::{Form, Outcome};
use vouchsafe_testkit::{IdentityProvider, keys};
use vouchsafe_xml::{Canonicalization, Document, Element, Limits, Node, canonicalize, namespace};

use crate::opened::{decrypted, one_root, without_doctype};
use crate::weak_checks::{children, is_hmac, is_in_context};

/// The address for the other customer's messages, if each customer has its own.
pub(crate) const OTHER_ASSERTION_CONSUMER: &str = "https://app.example.com/saml/globex/acs";

/// The signatures that are believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Those of the identity provider that the Issuer of the Response names.
    Trusted,
    /// Those of any tenant's identity provider.
    AnyTenant,
    /// Those by the certificate or KeyValue in the message.
    FromMessage,
    /// An HMAC with the certificate as its secret is believed too.
    OrHmac,
    /// A message without a signature is believed too.
    OnlyIfThere,
    /// A signature without a reference counts as none, and a message without a signature is believed.
    OnlyIfReadable,
    /// The digest is compared, but the value over SignedInfo is not.
    DigestAlone,
    /// No signature is checked.
    Nobody,
}

/// The Assertion that is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// The Assertion that the signature covers.
    Covered,
    /// The first Assertion anywhere, after any signature was verified.
    FirstByName,
    /// The last Assertion anywhere.
    LastByName,
    /// The first Assertion among the children of the root.
    FirstChild,
    /// The element that contains a signature.
    AroundSignature,
    /// The Assertion with the ID that the signature names, searched again from the other end.
    ById,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Whole,
    /// The text up to the first comment or other node.
    First,
    /// The text after the last comment or other node.
    Last,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digest {
    Checked,
    /// The first text node of DigestValue, which a comment splits.
    FirstNode,
    /// The first DigestValue anywhere in the document.
    FirstInDocument,
    /// The digest is not compared; the value over SignedInfo is enough.
    Unchecked,
}

#[derive(Clone, Copy)]
pub(crate) struct Weak {
    pub(crate) keys: Keys,
    pub(crate) read: Read,
    pub(crate) text: Text,
    pub(crate) digest: Digest,
    /// Elements are identified by ID in any spelling.
    pub(crate) any_id: bool,
    /// A reference without the enveloped transform, with two of them, by XPointer, or next to others is accepted.
    pub(crate) any_reference: bool,
    /// SHA-1 and MD5 are accepted.
    pub(crate) legacy: bool,
    /// Times, audience, recipient, status and version are not checked.
    pub(crate) careless: bool,
    /// Accepted messages are not recorded.
    pub(crate) forgetful: bool,
    /// Entities are expanded before the signature is verified, and dropped afterwards.
    pub(crate) entities: bool,
    /// Names are compared without namespaces.
    pub(crate) local_names: bool,
    /// The first NameID inside the Assertion is read, wherever it is.
    pub(crate) search: bool,
    /// Only the part up to the end of the first Response is read, or from the last Response on.
    pub(crate) roots: Option<bool>,
    /// The last field of a name is read, and its value need not be signed.
    pub(crate) last_field: bool,
}

/// The service without a mistake; tests add mistakes to it.
pub(crate) const SOUND: Weak = Weak {
    keys: Keys::Trusted,
    read: Read::Covered,
    text: Text::Whole,
    digest: Digest::Checked,
    any_id: false,
    any_reference: false,
    legacy: false,
    careless: false,
    forgetful: false,
    entities: false,
    local_names: false,
    search: false,
    roots: None,
    last_field: false,
};

/// A [`Weak`] service with its memory.
pub(crate) struct Service {
    weak: Weak,
    seen: RefCell<HashSet<String>>,
    /// The trusted keys, instead of those of the kit's two identity providers.
    trusted: Option<Vec<PublicKey>>,
}

/// The content of a message that the service believes.
pub(crate) struct Believed {
    /// The ID of the Assertion.
    pub(crate) id: String,
    pub(crate) issuer: String,
    /// The request that the SubjectConfirmationData answers.
    pub(crate) request: Option<String>,
    /// The address that the SubjectConfirmationData is for, which is one of the two.
    pub(crate) recipient: String,
    /// The NameID with all its qualifiers.
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
}

impl Service {
    pub(crate) fn new(weak: Weak) -> Service {
        Service { weak, seen: RefCell::default(), trusted: None }
    }

    /// Makes a service that trusts only these keys.
    pub(crate) fn trusting(weak: Weak, keys: Vec<PublicKey>) -> Service {
        Service { trusted: Some(keys), ..Service::new(weak) }
    }

    pub(crate) fn post(&self, form: &Form) -> Outcome {
        match self.believe(form) {
            Some(believed) if self.seen.borrow_mut().insert(believed.id.clone()) || self.weak.forgetful => {
                believed.outcome
            }
            _ => Outcome::Refused,
        }
    }

    /// Checks everything except whether the message was seen before.
    pub(crate) fn believe(&self, form: &Form) -> Option<Believed> {
        let repeated = form.fields().iter().filter(|(name, _)| name == "SAMLResponse").count() > 1;
        let weak = Weak { last_field: self.weak.last_field && repeated, ..self.weak };
        let mut values = form.fields().iter().filter(|(name, _)| name == "SAMLResponse");
        let value = if weak.last_field { values.next_back() } else { values.next() };
        let text = String::from_utf8(base64_decode(&value?.1).ok()?).ok()?;
        let text = decrypted(&one_root(&text, weak.roots));
        let expanded = if weak.entities { without_doctype(&text, true) } else { text.clone() };
        let document = Document::parse(expanded.as_bytes(), &Limits::default()).ok()?;
        let covered = weak.covered(&document, self.trusted.as_deref());
        if covered.is_empty() && !weak.needs_no_signature(&document) {
            return None;
        }
        let assertion = weak.assertion(&document, &covered)?;
        if !weak.careless && !is_in_context(document.root(), assertion) {
            return None;
        }
        let id = assertion.attribute("ID").unwrap_or_default().to_owned();
        let again = without_doctype(&text, false);
        let reread = Document::parse(again.as_bytes(), &Limits::default()).ok();
        let assertion = match &reread {
            Some(reread) if weak.entities => reread.at(&assertion.position())?,
            _ => assertion,
        };
        let name_id = weak.name_id(assertion)?;
        let mut outcome = Outcome::accepted(weak.text_of(name_id));
        for attribute in assertion.descendants().filter(|element| weak.is(*element, "Attribute")) {
            for value in attribute.elements() {
                outcome = outcome
                    .with_attribute(attribute.attribute("Name").unwrap_or_default(), weak.text_of(value));
            }
        }
        let child = |name: &str| assertion.descendants().find(|element| weak.is(*element, name));
        let qualifiers = ["NameQualifier", "SPNameQualifier", "Format"];
        let qualified = qualifiers.map(|name| name_id.attribute(name).unwrap_or_default()).join("|");
        let data = child("SubjectConfirmationData")?;
        Some(Believed {
            id,
            recipient: data.attribute("Recipient").unwrap_or_default().to_owned(),
            issuer: child("Issuer")?.text().into_owned(),
            request: data.attribute("InResponseTo").map(str::to_owned),
            name: format!("{qualified}|{}", weak.text_of(name_id)),
            outcome,
        })
    }
}

impl Weak {
    fn is(self, element: Element<'_>, name: &str) -> bool {
        element.local_name() == name && (self.local_names || element.namespace() == namespace::SAML_ASSERTION)
    }

    fn text_of(self, element: Element<'_>) -> String {
        let texts: Vec<_> = element.children().collect();
        let text = |node: Option<&Node<'_>>| match node {
            Some(Node::Text(text)) => (*text).to_owned(),
            _ => String::new(),
        };
        match self.text {
            Text::Whole => element.descendants().map(|element| element.text().into_owned()).collect(),
            Text::First => text(texts.first()),
            Text::Last => text(texts.last()),
        }
    }

    fn name_id(self, assertion: Element<'_>) -> Option<Element<'_>> {
        if self.search {
            return assertion.descendants().find(|element| self.is(*element, "NameID"));
        }
        let subject = assertion.elements().find(|element| self.is(*element, "Subject"))?;
        subject.elements().find(|element| self.is(*element, "NameID"))
    }

    fn needs_no_signature(self, document: &Document) -> bool {
        let there = |name: &str| document.elements().any(|element| element.is(namespace::DSIG, name));
        match self.keys {
            Keys::Nobody => true,
            Keys::OnlyIfThere => !there("Signature"),
            Keys::OnlyIfReadable => !there("Reference"),
            _ => self.last_field,
        }
    }

    /// Returns the elements that any signature covers, wherever it is.
    fn covered<'d>(
        self,
        document: &'d Document,
        trusted: Option<&[PublicKey]>,
    ) -> Vec<(Element<'d>, Element<'d>)> {
        let signatures = document.elements().filter(|element| element.is(namespace::DSIG, "Signature"));
        let verified = |signature| Some((signature, self.verified(document, signature, trusted)?));
        signatures.filter_map(verified).collect()
    }

    fn verified<'d>(
        self,
        document: &'d Document,
        signature: Element<'d>,
        trusted: Option<&[PublicKey]>,
    ) -> Option<Element<'d>> {
        let signed_infos: Vec<_> = children(signature, "SignedInfo");
        let value = children(signature, "SignatureValue").first().map(|value| value.text());
        let value = match self.keys {
            Keys::DigestAlone => Vec::new(),
            _ => base64_decode(value?.as_bytes()).ok()?,
        };
        let genuine =
            signed_infos.iter().any(|info| self.value_is_right(document, signature, *info, &value, trusted));
        if !genuine {
            return None;
        }
        for info in signed_infos {
            for reference in children(info, "Reference") {
                if let Some(element) = self.referenced(document, signature, reference) {
                    return Some(element);
                }
                if !self.any_reference {
                    return None;
                }
            }
        }
        self.any_reference.then(|| signature.parent()).flatten()
    }

    fn value_is_right(
        self,
        document: &Document,
        signature: Element<'_>,
        info: Element<'_>,
        value: &[u8],
        trusted: Option<&[PublicKey]>,
    ) -> bool {
        if self.keys == Keys::DigestAlone {
            return true;
        }
        let mut bytes = Vec::new();
        canonicalize(info, Canonicalization::EXCLUSIVE, &[], None, &mut bytes).unwrap();
        let method =
            children(info, "SignatureMethod").first().and_then(|method| method.attribute("Algorithm"));
        let method = method.unwrap_or_default();
        if method.contains("hmac") {
            return self.keys == Keys::OrHmac && is_hmac(method, &bytes, value);
        }
        // This verifier accepts any algorithm that fits the key.
        if self.keys == Keys::OrHmac && value.len() == 32 {
            return is_hmac("hmac-sha256", &bytes, value);
        }
        if self.keys == Keys::OrHmac && (method == "none" || method.is_empty() || method.starts_with("urn:"))
        {
            return true;
        }
        let legacy = method.contains("sha1") || method.contains("md5");
        let algorithm = match SignatureAlgorithm::from_uri(method) {
            _ if legacy && !self.legacy => return false,
            None if legacy => SignatureAlgorithm::RsaSha256,
            Some(algorithm) => algorithm,
            None => return false,
        };
        // Java's ECDSA accepted this until 2022.
        if self.keys == Keys::FromMessage && value.iter().all(|byte| *byte == 0) {
            return true;
        }
        trusted
            .map_or_else(|| self.keys_for(document, signature), <[PublicKey]>::to_vec)
            .iter()
            .any(|key| keys::provider().verify(algorithm, key, &bytes, value).is_ok())
    }

    fn keys_for(self, document: &Document, signature: Element<'_>) -> Vec<PublicKey> {
        let (okta, other) = (IdentityProvider::okta(), IdentityProvider::other());
        let issuer = document.root().descendants().find(|element| element.local_name() == "Issuer");
        let trusted = match issuer.map(|issuer| issuer.text().into_owned()) {
            _ if self.keys == Keys::AnyTenant => vec![okta.key().clone(), other.key().clone()],
            Some(name) if name == other.entity_id() => vec![other.key().clone()],
            Some(name) if name == okta.entity_id() || self.careless || self.text != Text::Whole => {
                vec![okta.key().clone()]
            }
            _ => vec![],
        };
        let mut found: Vec<PublicKey> =
            trusted.iter().map(|key| key.private_key().public_key().clone()).collect();
        if self.keys == Keys::FromMessage {
            let provider = keys::provider();
            for element in signature.document().elements() {
                match element.local_name() {
                    "X509Certificate" | "BinarySecurityToken" => found.extend(
                        Certificate::from_base64(&element.text())
                            .ok()
                            .and_then(|certificate| certificate.public_key(provider).ok()),
                    ),
                    "DEREncodedKeyValue" => found.extend(
                        base64_decode(element.text().as_bytes())
                            .ok()
                            .and_then(|spki| provider.public_key(&spki).ok()),
                    ),
                    // The numbers are those of the kit's attacker.
                    "RSAKeyValue" => found.push(keys::attacker().private_key().public_key().clone()),
                    _ => {}
                }
            }
            if children(signature, "KeyInfo").is_empty() {
                found.push(keys::attacker().private_key().public_key().clone());
            }
        }
        found
    }

    fn referenced<'d>(
        self,
        document: &'d Document,
        signature: Element<'d>,
        reference: Element<'d>,
    ) -> Option<Element<'d>> {
        let uri = reference.attribute("URI").unwrap_or_default();
        let id = uri.trim_start_matches("#xpointer(id('").trim_start_matches('#').trim_end_matches("'))");
        let mut named = document.elements().filter(|element| self.identified(*element, id));
        let element = named.find(|element| self.digest_is_right(*element, signature, reference));
        if element.is_none() && self.digest == Digest::Unchecked {
            return document.elements().find(|element| self.identified(*element, id)).or(signature.parent());
        }
        element
    }

    fn identified(self, element: Element<'_>, id: &str) -> bool {
        let spellings = ["ID", "Id", "id", "AssertionID", "key"];
        element.attributes().any(|attribute| {
            attribute.value == id
                && (attribute.local_name == "ID" && attribute.namespace.is_empty()
                    || self.any_id && spellings.contains(&attribute.local_name))
        })
    }

    fn digest_is_right(self, element: Element<'_>, signature: Element<'_>, reference: Element<'_>) -> bool {
        let transforms: Vec<_> = reference
            .descendants()
            .filter(|inner| inner.is(namespace::DSIG, "Transform"))
            .filter_map(|transform| transform.attribute("Algorithm"))
            .collect();
        if !self.any_reference && (transforms.len() != 2 || !transforms[0].ends_with("enveloped-signature")) {
            return false;
        }
        let method = transforms
            .iter()
            .find_map(|uri| Canonicalization::from_uri(uri))
            .unwrap_or(Canonicalization::EXCLUSIVE)
            .without_comments();
        let prefixes = reference
            .descendants()
            .find_map(|inner| inner.attribute("PrefixList"))
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>();
        let digest_value = match self.digest {
            Digest::FirstInDocument => {
                signature.document().elements().find(|found| found.is(namespace::DSIG, "DigestValue"))
            }
            _ => children(reference, "DigestValue").first().copied(),
        };
        let Some(digest_value) = digest_value else { return false };
        let text = match (self.digest, digest_value.children().next()) {
            (Digest::FirstNode, Some(Node::Comment(text) | Node::Text(text))) => text.to_owned(),
            _ => digest_value.text().into_owned(),
        };
        let uri =
            children(reference, "DigestMethod").first().and_then(|method| method.attribute("Algorithm"));
        let uri = uri.unwrap_or_default();
        if uri.ends_with("md5") {
            return self.legacy;
        }
        let Some(algorithm) = DigestAlgorithm::from_uri(uri) else { return false };
        if algorithm == DigestAlgorithm::Sha1 && !self.legacy {
            return false;
        }
        let mut bytes = Vec::new();
        let inside = element.contains(signature).then_some(signature);
        canonicalize(element, method, &prefixes, inside, &mut bytes).unwrap();
        let actual = keys::provider().digest(algorithm, &bytes).unwrap();
        base64_decode(text.as_bytes()).is_ok_and(|expected| expected == actual.as_ref())
    }

    fn assertion<'d>(
        self,
        document: &'d Document,
        covered: &[(Element<'d>, Element<'d>)],
    ) -> Option<Element<'d>> {
        let root = document.root();
        let mut all = root.descendants().filter(|element| self.is(*element, "Assertion"));
        match self.read {
            Read::Covered if covered.is_empty() => all.next(),
            Read::Covered => covered
                .iter()
                .find_map(|(_, element)| element.descendants().find(|inner| self.is(*inner, "Assertion"))),
            Read::FirstByName => all.next(),
            Read::LastByName => all.last(),
            Read::FirstChild => root.elements().find(|child| self.is(*child, "Assertion")),
            Read::AroundSignature => covered.iter().find_map(|(signature, _)| {
                let mut around = std::iter::successors(signature.parent(), |element| element.parent());
                let carrier =
                    around.find(|element| ["Assertion", "Response"].contains(&element.local_name()))?;
                carrier.descendants().find(|inner| self.is(*inner, "Assertion"))
            }),
            Read::ById => covered.iter().find_map(|(_, element)| {
                let id = element.attribute("ID")?;
                let named: Vec<_> = document.elements().filter(|found| self.identified(*found, id)).collect();
                let other = named.iter().find(|found| *found != element).unwrap_or(element);
                other.descendants().find(|inner| self.is(*inner, "Assertion"))
            }),
        }
    }
}
