//! The octets that a signature may have been made over: as they came, and with one accident undone.
//!
//! A hypothesis is a pair of an [`Explanation`] and octets; whether it is true, the digest or the signature value decides. Each is linear
//! in the element, and their number is bounded: some 30 about texts, as many about namespaces, a dozen about the method.

use vouchsafe_xml::{
    Canonicalization, Document, Element, Limits, NamespaceScope, XmlError, canonicalize, namespace,
};

use crate::algorithms::Method;
use crate::autopsy_explanation::Explanation;
use crate::autopsy_texts as texts;
use crate::profile::Parts;
use crate::signature_child;

/// Declarations that get lost: on the elements that messages are cut out of, under their usual prefixes.
const USUAL: [(&str, &str); 11] = [
    ("xs", namespace::XS),
    ("xsd", namespace::XS),
    ("xsi", namespace::XSI),
    ("saml2p", namespace::SAML_PROTOCOL),
    ("samlp", namespace::SAML_PROTOCOL),
    ("saml2", namespace::SAML_ASSERTION),
    ("saml", namespace::SAML_ASSERTION),
    ("ds", namespace::DSIG),
    ("soap", SOAP),
    ("soapenv", SOAP),
    ("SOAP-ENV", SOAP),
];
const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// Those that stand together on one element.
const TOGETHER: [&[&str]; 8] = [
    &["xs", "xsi"],
    &["xs", "saml2p"],
    &["xs", "xsi", "saml2p"],
    &["xs", "samlp"],
    &["xsi", "samlp"],
    &["xs", "xsi", "samlp"],
    &["xsd", "xsi", "samlp"],
    &["samlp", "saml"],
];
/// Single declarations that are left out in turn.
const LEFT_OUT: usize = 8;
/// Prefixes that an element may need of its surroundings before it is given up.
const NEEDED: usize = 16;

/// A hypothesis: what happened, and the octets if it did.
pub(crate) type Hypothesis = (Explanation, Vec<u8>);

/// One signature, ready to be read in other ways.
pub(crate) struct Readings<'d> {
    element: Element<'d>,
    signature: Element<'d>,
    signed_info: Element<'d>,
    signed_info_method: Method<'d>,
    reference_method: Method<'d>,
    /// The element's own text.
    source: Option<&'d str>,
    limits: &'d Limits,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Covered {
    SignedInfo,
    Content,
}

impl<'d> Readings<'d> {
    /// `source` is the text that the element's document was parsed from.
    pub(crate) fn of(parts: &Parts<'d>, source: &'d str, limits: &'d Limits) -> Readings<'d> {
        Readings {
            element: parts.element,
            signature: parts.signature,
            signed_info: parts.signed_info,
            signed_info_method: parts.signed_info_method,
            reference_method: parts.reference_method,
            source: source.get(parts.element.source_range()),
            limits,
        }
    }

    /// The canonical `ds:SignedInfo`.
    pub(crate) fn signed_info(&self) -> Vec<u8> {
        canonical(self.signed_info, &self.signed_info_method, None)
    }

    /// What the reference names.
    pub(crate) fn content(&self) -> Vec<u8> {
        canonical(self.element, &self.reference_method, Some(self.signature))
    }

    /// Other octets that the value may have been made over.
    pub(crate) fn signed_info_otherwise(&self) -> impl Iterator<Item = Hypothesis> {
        self.otherwise(Covered::SignedInfo)
    }

    /// Other octets that the digest may have been taken of.
    pub(crate) fn content_otherwise(&self) -> impl Iterator<Item = Hypothesis> {
        self.otherwise(Covered::Content)
    }

    pub(crate) fn lost_characters(&self) -> usize {
        let content = self.content();
        String::from_utf8_lossy(&content).matches('\u{FFFD}').count()
    }

    fn otherwise(&self, covered: Covered) -> impl Iterator<Item = Hypothesis> {
        let as_it_came = match covered {
            Covered::SignedInfo => self.signed_info(),
            Covered::Content => self.content(),
        };
        let text = String::from_utf8(as_it_came.clone()).unwrap_or_default();
        let place = match covered {
            Covered::SignedInfo => texts::Place { depth: self.signed_info.depth(), gap_after: None },
            Covered::Content => {
                texts::Place { depth: self.element.depth(), gap_after: Some(self.before_signature()) }
            }
        };
        texts::hypotheses(text, place)
            .chain(self.comments(covered))
            .chain(
                self.scopes().filter_map(move |(explanation, scope)| {
                    Some((explanation, self.in_scope(&scope, covered)?))
                }),
            )
            .chain(self.methods(covered))
            .filter(move |(_, octets)| *octets != as_it_came)
    }

    /// How many elements stand before the signature.
    fn before_signature(&self) -> usize {
        self.element.elements().take_while(|child| *child != self.signature).count()
    }

    /// The octets when the element stood among other namespaces.
    fn in_scope(&self, scope: &NamespaceScope, covered: Covered) -> Option<Vec<u8>> {
        let document = Document::parse_in_scope(self.source?.as_bytes(), scope, self.limits).ok()?;
        let root = document.root();
        let signature = signature_child(root).ok()??;
        Some(match covered {
            Covered::Content => canonical(root, &self.reference_method, Some(signature)),
            Covered::SignedInfo => canonical(signature.elements().next()?, &self.signed_info_method, None),
        })
    }

    /// Surroundings in which the element may have been signed.
    fn scopes(&self) -> impl Iterator<Item = (Explanation, NamespaceScope)> {
        let scope = self.element.scope();
        let singly = USUAL.into_iter().map(|(prefix, _)| vec![prefix]);
        let together = TOGETHER.into_iter().map(<[&str]>::to_vec);
        let base = scope.clone();
        let lost = singly.chain(together).filter_map(move |prefixes| with(&base, &prefixes));
        lost.chain(self.without_surroundings(&scope)).chain(without_one(scope))
    }

    /// Only the declarations that the element needs: as if it had been a document of its own.
    fn without_surroundings(&self, scope: &NamespaceScope) -> Option<(Explanation, NamespaceScope)> {
        let source = self.source?;
        let mut least = NamespaceScope::empty();
        if let Some(default) = scope.namespace_of("") {
            least = least.bind("", default).ok()?;
        }
        for _ in 0..NEEDED {
            match Document::parse_in_scope(source.as_bytes(), &least, self.limits) {
                Ok(document) => {
                    let kept = document.root().scope();
                    let gained: Vec<String> = scope
                        .bindings()
                        .filter(|(prefix, _)| kept.namespace_of(prefix).is_none())
                        .map(|(prefix, _)| prefix.to_owned())
                        .collect();
                    return (!gained.is_empty())
                        .then_some((Explanation::NamespacesGained { prefixes: gained }, least));
                }
                Err(XmlError::Prefix { prefix, .. }) => {
                    least = least.bind(&prefix, scope.namespace_of(&prefix)?).ok()?
                }
                Err(_) => return None,
            }
        }
        None
    }

    fn comments(&self, covered: Covered) -> Option<Hypothesis> {
        if covered == Covered::SignedInfo {
            return None;
        }
        let method = match self.reference_method.canonicalization {
            Canonicalization::EXCLUSIVE => Canonicalization::EXCLUSIVE_WITH_COMMENTS,
            Canonicalization::INCLUSIVE => Canonicalization::INCLUSIVE_WITH_COMMENTS,
            _ => Canonicalization::INCLUSIVE_11_WITH_COMMENTS,
        };
        let mut octets = Vec::new();
        let prefixes = self.reference_method.prefixes();
        canonicalize(self.element, method, &prefixes, Some(self.signature), &mut octets).ok()?;
        Some((Explanation::CommentsDigested, octets))
    }

    /// The methods that the signature does not name.
    fn methods(&self, covered: Covered) -> impl Iterator<Item = Hypothesis> {
        let (element, omit, method) = match covered {
            Covered::SignedInfo => (self.signed_info, None, self.signed_info_method),
            Covered::Content => (self.element, Some(self.signature), self.reference_method),
        };
        let mut lists = vec![Vec::new(), vec!["xs"]];
        let named = method.prefixes().to_vec();
        if !named.is_empty() && named.len() <= NEEDED && named != ["xs"] {
            lists.push(named);
        }
        let exclusive = lists.into_iter().map(|prefixes| (Canonicalization::EXCLUSIVE, prefixes));
        let inclusive =
            [Canonicalization::INCLUSIVE, Canonicalization::INCLUSIVE_11].map(|method| (method, Vec::new()));
        exclusive.chain(inclusive).filter_map(move |(method, prefixes)| {
            let mut octets = Vec::new();
            canonicalize(element, method, &prefixes, omit, &mut octets).ok()?;
            let prefixes = prefixes.into_iter().map(str::to_owned).collect();
            Some((Explanation::OtherCanonicalization { uri: method.uri(), prefixes }, octets))
        })
    }
}

/// The scope with usual declarations added; `None` when one of the prefixes is bound already.
fn with(scope: &NamespaceScope, prefixes: &[&str]) -> Option<(Explanation, NamespaceScope)> {
    let mut more = scope.clone();
    for prefix in prefixes {
        let (_, name) = USUAL.into_iter().find(|(usual, _)| usual == prefix)?;
        if scope.namespace_of(prefix).is_some() {
            return None;
        }
        more = more.bind(prefix, name).ok()?;
    }
    let prefixes = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
    Some((Explanation::NamespacesLost { prefixes }, more))
}

/// The scope without one of its declarations, in turn.
fn without_one(scope: NamespaceScope) -> impl Iterator<Item = (Explanation, NamespaceScope)> {
    let prefixes: Vec<String> =
        scope.bindings().map(|(prefix, _)| prefix.to_owned()).take(LEFT_OUT).collect();
    prefixes.into_iter().filter_map(move |prefix| {
        let fewer = without(&scope, &prefix)?;
        Some((Explanation::NamespacesGained { prefixes: vec![prefix] }, fewer))
    })
}

fn without(scope: &NamespaceScope, prefix: &str) -> Option<NamespaceScope> {
    let mut fewer = NamespaceScope::empty();
    for (bound, name) in scope.bindings().filter(|(bound, _)| *bound != prefix) {
        fewer = fewer.bind(bound, name).ok()?;
    }
    Some(fewer)
}

/// Empty, which nobody signs, if it has more bytes than are allowed.
fn canonical(element: Element<'_>, method: &Method<'_>, omit: Option<Element<'_>>) -> Vec<u8> {
    let mut octets = Vec::new();
    match canonicalize(element, method.canonicalization, &method.prefixes(), omit, &mut octets) {
        Ok(()) => octets,
        Err(_) => Vec::new(),
    }
}
