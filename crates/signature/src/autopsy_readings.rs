//! This module makes the bytes that may have been signed: as received, and with one accident undone.
//!
//! A reading is written into a [`Metered`]; the digest or the signature value decides whether it is the right one.
//! The number of readings is bounded: about 30 for texts, as many for namespaces, and a dozen for the method. The
//! budget of the [`Metered`] bounds their cost.

use vouchsafe_xml::{
    Canonicalization, Document, Element, Limits, NamespaceScope, XmlError, canonicalize, namespace,
};

use crate::algorithms::Method;
use crate::autopsy_budget::Metered;
use crate::autopsy_explanation::Explanation;
use crate::autopsy_texts::{self as texts, Layout};
use crate::profile::Parts;
use crate::signature_child;

/// Namespace declarations that often get lost, because they are on the elements that messages are cut out of. They
/// have their usual prefixes.
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
/// The sets of prefixes that may have been lost together.
const LOST: [&[&str]; 19] = [
    &["xs"],
    &["xsd"],
    &["xsi"],
    &["saml2p"],
    &["samlp"],
    &["saml2"],
    &["saml"],
    &["ds"],
    &["soap"],
    &["soapenv"],
    &["SOAP-ENV"],
    &["xs", "xsi"],
    &["xs", "saml2p"],
    &["xs", "xsi", "saml2p"],
    &["xs", "samlp"],
    &["xsi", "samlp"],
    &["xs", "xsi", "samlp"],
    &["xsd", "xsi", "samlp"],
    &["samlp", "saml"],
];
/// The largest number of single declarations that are left out in turn.
const LEFT_OUT: usize = 8;
/// The largest number of prefixes that an element may need from its surroundings.
const NEEDED: usize = 16;

/// A hypothesis about the bytes that were signed.
#[derive(Clone, Debug)]
pub(crate) enum Reading<'d> {
    /// An accident of texts, by its index in [`texts::SIMPLE`].
    Text(usize),
    /// White space between elements was removed.
    Layout(Layout),
    /// Comments were digested.
    Comments,
    /// These declarations were lost.
    Lost(&'static [&'static str]),
    /// The element was a document of its own.
    Alone,
    /// The declaration at this index of the scope was not there.
    Gained(usize),
    /// Another canonicalization method was used, with these inclusive prefixes.
    Method(Canonicalization, Vec<&'d str>),
}

/// One signature, prepared for being read in other ways.
pub(crate) struct Readings<'d> {
    element: Element<'d>,
    signature: Element<'d>,
    signed_info: Element<'d>,
    signed_info_method: Method<'d>,
    reference_method: Method<'d>,
    /// The text of the element itself.
    source: Option<&'d str>,
    limits: &'d Limits,
}

/// The part of the message that is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Covered {
    /// `ds:SignedInfo`, which the signature value is over.
    SignedInfo,
    /// The element that the reference names.
    Content,
}

impl<'d> Readings<'d> {
    /// Prepares the readings of a signature. `source` is the text that the element's document was parsed from.
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

    /// Writes the canonical bytes as received.
    pub(crate) fn write(&self, covered: Covered, out: &mut Metered<'_>) {
        match covered {
            Covered::SignedInfo => canonical(self.signed_info, &self.signed_info_method, None, out),
            Covered::Content => canonical(self.element, &self.reference_method, Some(self.signature), out),
        }
    }

    /// Returns the hypotheses, the likely ones first.
    pub(crate) fn otherwise(&self, covered: Covered) -> Vec<Reading<'d>> {
        let mut readings: Vec<Reading<'d>> = (0..texts::SIMPLE.len()).map(Reading::Text).collect();
        readings.extend(self.layouts(covered).into_iter().map(Reading::Layout));
        if covered == Covered::Content {
            readings.push(Reading::Comments);
        }
        if self.source.is_some() {
            readings.extend(LOST.into_iter().map(Reading::Lost));
            readings.push(Reading::Alone);
            readings.extend((0..LEFT_OUT).map(Reading::Gained));
        }
        readings.extend(self.methods(covered));
        readings
    }

    /// Writes the bytes of a hypothesis and returns the accident. Returns `None` if the accident cannot have
    /// happened. `text` is the received text, if it is short enough for accidents of texts.
    pub(crate) fn write_otherwise(
        &self,
        reading: &Reading<'d>,
        covered: Covered,
        text: Option<&str>,
        out: &mut Metered<'_>,
    ) -> Option<Explanation> {
        match reading {
            Reading::Text(place) => {
                let (explanation, undo) = texts::SIMPLE.get(*place)?;
                undo(text?, out).then(|| explanation.clone())
            }
            Reading::Layout(layout) => texts::indented(text?, *layout, out)
                .then_some(Explanation::Unindented { indentation: layout.step }),
            Reading::Comments => {
                let canonicalization = match self.reference_method.canonicalization {
                    Canonicalization::EXCLUSIVE => Canonicalization::EXCLUSIVE_WITH_COMMENTS,
                    Canonicalization::INCLUSIVE => Canonicalization::INCLUSIVE_WITH_COMMENTS,
                    _ => Canonicalization::INCLUSIVE_11_WITH_COMMENTS,
                };
                let prefixes = self.reference_method.prefixes();
                canonical_as(self.element, canonicalization, &prefixes, Some(self.signature), out);
                Some(Explanation::CommentsDigested)
            }
            Reading::Lost(prefixes) => {
                let scope = with(&self.element.scope(), prefixes)?;
                let prefixes = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
                self.in_scope(&scope, covered, out).then_some(Explanation::NamespacesLost { prefixes })
            }
            Reading::Alone => {
                let (prefixes, scope) = self.without_surroundings(out)?;
                self.in_scope(&scope, covered, out).then_some(Explanation::NamespacesGained { prefixes })
            }
            Reading::Gained(place) => {
                let scope = self.element.scope();
                let prefix = scope.bindings().nth(*place).map(|(prefix, _)| prefix.to_owned())?;
                let fewer = without(&scope, &prefix)?;
                self.in_scope(&fewer, covered, out)
                    .then(|| Explanation::NamespacesGained { prefixes: vec![prefix] })
            }
            Reading::Method(canonicalization, prefixes) => {
                let (element, omit) = match covered {
                    Covered::SignedInfo => (self.signed_info, None),
                    Covered::Content => (self.element, Some(self.signature)),
                };
                canonical_as(element, *canonicalization, prefixes, omit, out);
                let prefixes = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
                Some(Explanation::OtherCanonicalization { uri: canonicalization.uri(), prefixes })
            }
        }
    }

    /// Returns how the text may have been laid out: as an element of its document or as a document of its own, with
    /// and without the line of the signature.
    fn layouts(&self, covered: Covered) -> Vec<Layout> {
        let (depth, gap) = match covered {
            Covered::SignedInfo => (self.signed_info.depth(), None),
            Covered::Content => (self.element.depth(), Some(self.before_signature())),
        };
        let outsides = if depth == 0 { vec![0] } else { vec![0, depth] };
        let gaps = if gap.is_some() { vec![None, gap] } else { vec![None] };
        let places = outsides.into_iter().flat_map(|outside| gaps.iter().map(move |gap| (outside, *gap)));
        places
            .flat_map(|(outside, gap)| ["  ", "    ", "\t"].map(|step| Layout { step, outside, gap }))
            .collect()
    }

    /// Returns how many child elements stand before the signature.
    fn before_signature(&self) -> usize {
        self.element.elements().take_while(|child| *child != self.signature).count()
    }

    /// Writes the bytes as if the element stood in this namespace scope. Returns `false` if the element cannot be
    /// read in it.
    fn in_scope(&self, scope: &NamespaceScope, covered: Covered, out: &mut Metered<'_>) -> bool {
        let Some(document) = self.parsed(scope, out).and_then(Result::ok) else { return false };
        let root = document.root();
        let Ok(Some(signature)) = signature_child(root) else { return false };
        match covered {
            Covered::Content => canonical(root, &self.reference_method, Some(signature), out),
            Covered::SignedInfo => {
                let Some(signed_info) = signature.elements().next() else { return false };
                canonical(signed_info, &self.signed_info_method, None, out);
            }
        }
        true
    }

    /// Parses the element's text as a document in this namespace scope. Returns `None` if the budget is spent.
    fn parsed(&self, scope: &NamespaceScope, out: &mut Metered<'_>) -> Option<Result<Document, XmlError>> {
        let source = self.source?;
        out.pay(source.len()).then(|| Document::parse_in_scope(source.as_bytes(), scope, self.limits))
    }

    /// Returns the declarations that the element needs as a document of its own, and the prefixes that it does not
    /// need.
    fn without_surroundings(&self, out: &mut Metered<'_>) -> Option<(Vec<String>, NamespaceScope)> {
        let scope = self.element.scope();
        let mut least = NamespaceScope::empty();
        if let Some(default) = scope.namespace_of("") {
            least = least.bind("", default).ok()?;
        }
        for _ in 0..NEEDED {
            match self.parsed(&least, out)? {
                Ok(document) => {
                    let kept = document.root().scope();
                    let gained: Vec<String> = scope
                        .bindings()
                        .filter(|(prefix, _)| kept.namespace_of(prefix).is_none())
                        .map(|(prefix, _)| prefix.to_owned())
                        .collect();
                    return (!gained.is_empty()).then_some((gained, least));
                }
                Err(XmlError::Prefix { prefix, .. }) => {
                    least = least.bind(&prefix, scope.namespace_of(&prefix)?).ok()?
                }
                Err(_) => return None,
            }
        }
        None
    }

    /// Returns the canonicalization methods that the signature does not name.
    fn methods(&self, covered: Covered) -> impl Iterator<Item = Reading<'d>> {
        let method = match covered {
            Covered::SignedInfo => self.signed_info_method,
            Covered::Content => self.reference_method,
        };
        let mut lists = vec![Vec::new(), vec!["xs"]];
        let named = method.prefixes().to_vec();
        if !named.is_empty() && named.len() <= NEEDED && named != ["xs"] {
            lists.push(named);
        }
        let exclusive =
            lists.into_iter().map(|prefixes| Reading::Method(Canonicalization::EXCLUSIVE, prefixes));
        let inclusive = [Canonicalization::INCLUSIVE, Canonicalization::INCLUSIVE_11]
            .map(|method| Reading::Method(method, Vec::new()));
        exclusive.chain(inclusive)
    }
}

/// Returns the scope with usual declarations added, or `None` if one of the prefixes is bound already.
fn with(scope: &NamespaceScope, prefixes: &[&str]) -> Option<NamespaceScope> {
    let mut more = scope.clone();
    for prefix in prefixes {
        let (_, name) = USUAL.into_iter().find(|(usual, _)| usual == prefix)?;
        if scope.namespace_of(prefix).is_some() {
            return None;
        }
        more = more.bind(prefix, name).ok()?;
    }
    Some(more)
}

fn without(scope: &NamespaceScope, prefix: &str) -> Option<NamespaceScope> {
    let mut fewer = NamespaceScope::empty();
    for (bound, name) in scope.bindings().filter(|(bound, _)| *bound != prefix) {
        fewer = fewer.bind(bound, name).ok()?;
    }
    Some(fewer)
}

fn canonical(element: Element<'_>, method: &Method<'_>, omit: Option<Element<'_>>, out: &mut Metered<'_>) {
    canonical_as(element, method.canonicalization, &method.prefixes(), omit, out);
}

/// Canonicalizes an element. An autopsy canonicalizes nowhere else.
fn canonical_as(
    element: Element<'_>,
    method: Canonicalization,
    prefixes: &[&str],
    omit: Option<Element<'_>>,
    out: &mut Metered<'_>,
) {
    if !out.is_full() && canonicalize(element, method, prefixes, omit, out).is_err() {
        // The canonical form is larger than a message may be, so it was not signed: spend the whole budget.
        out.pay(usize::MAX);
    }
}
