//! The bytes that a signature may have been made over: as they came, and with one accident undone.
//!
//! A reading is written into a [`Metered`]; whether it is the right one, the digest or the signature value decides. Their number is bounded:
//! some 30 about texts, as many about namespaces, a dozen about the method. What they cost is bounded by the budget behind the `Metered`.

use vouchsafe_xml::{
    Canonicalization, Document, Element, Limits, NamespaceScope, XmlError, canonicalize, namespace,
};

use crate::algorithms::Method;
use crate::autopsy_budget::Metered;
use crate::autopsy_explanation::Explanation;
use crate::autopsy_texts::{self as texts, Layout};
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
/// Those that get lost, one alone or together on one element.
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
/// Single declarations that are left out in turn.
const LEFT_OUT: usize = 8;
/// Prefixes that an element may need of its surroundings before it is given up.
const NEEDED: usize = 16;

/// A hypothesis: how the bytes may have been when they were signed.
#[derive(Clone, Debug)]
pub(crate) enum Reading<'d> {
    /// An accident of texts, by its place in [`texts::SIMPLE`].
    Text(usize),
    /// White space between elements was removed.
    Layout(Layout),
    /// Comments were digested.
    Comments,
    /// Declarations got lost.
    Lost(&'static [&'static str]),
    /// The element was a document of its own.
    Alone,
    /// The declaration at this place of the scope was not there.
    Gained(usize),
    /// Another method.
    Method(Canonicalization, Vec<&'d str>),
}

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

/// What is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Covered {
    /// `ds:SignedInfo`, which the value is made over.
    SignedInfo,
    /// What the reference names.
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

    /// The canonical bytes as they came.
    pub(crate) fn write(&self, covered: Covered, out: &mut Metered<'_>) {
        match covered {
            Covered::SignedInfo => canonical(self.signed_info, &self.signed_info_method, None, out),
            Covered::Content => canonical(self.element, &self.reference_method, Some(self.signature), out),
        }
    }

    /// The hypotheses, the likely ones first.
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

    /// Writes the bytes of a hypothesis and returns what happened; `None` when it cannot have happened. `text` is what came, if it is short
    /// enough for accidents of texts.
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

    /// How it may have been laid out: as an element of its document or as one of its own, with and without the line of the signature.
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

    /// How many elements stand before the signature.
    fn before_signature(&self) -> usize {
        self.element.elements().take_while(|child| *child != self.signature).count()
    }

    /// The bytes when the element stood among other namespaces; `false` when it cannot have stood there.
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

    /// The element's text as a document among these namespaces; `None` when nothing is left to pay for it.
    fn parsed(&self, scope: &NamespaceScope, out: &mut Metered<'_>) -> Option<Result<Document, XmlError>> {
        let source = self.source?;
        out.pay(source.len()).then(|| Document::parse_in_scope(source.as_bytes(), scope, self.limits))
    }

    /// Only the declarations that the element needs, as if it had been a document of its own; and which ones it does not need.
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

    /// The methods that the signature does not name.
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

/// The scope with usual declarations added; `None` when one of the prefixes is bound already.
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

/// The one place where an autopsy canonicalizes.
fn canonical_as(
    element: Element<'_>,
    method: Canonicalization,
    prefixes: &[&str],
    omit: Option<Element<'_>>,
    out: &mut Metered<'_>,
) {
    if !out.is_full() && canonicalize(element, method, prefixes, omit, out).is_err() {
        // More bytes than a message may have: nothing that was signed.
        out.pay(usize::MAX);
    }
}
