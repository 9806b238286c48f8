//! Each accident that can happen to a signed message, and the autopsy's explanation of it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "this is a test: it may panic"
)]

mod common;

use common::{Completion, INCLUSIVE, KEY, LIMITS, OTHER_KEY, PROVIDER, RSA_KEY, complete, parse, trusted};
use vouchsafe_crypto::{
    Certificate, DigestAlgorithm, KeyKind, PrivateKey, SignatureAlgorithm, base64_encode,
};
use vouchsafe_signature::{
    Autopsy, AutopsyBudget, DigestedContent, Explanation, FailedSignature, Maker, Signer, Stopped,
    TrustedKey, autopsy, has_its_digest, sign, verify,
};
use vouchsafe_xml::{Canonicalization, Document, NamespaceScope, canonicalize};

/// A response with an assertion, and with texts and namespaces as they occur in practice.
const RESPONSE: &str = concat!(
    r#"<saml2p:Response xmlns:saml2p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="_r">"#,
    r#"<saml2:Issuer xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion">https://idp.example.com</saml2:Issuer>"#,
    r#"<saml2:Assertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a"><saml2:Issuer>https://idp.example.com</saml2:Issuer>"#,
    r#"<saml2:AttributeStatement><saml2:Attribute Name="name"><saml2:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" "#,
    r#"xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">Ünïcode “&amp;” €</saml2:AttributeValue>"#,
    r#"<saml2:AttributeValue>two"#,
    "\n",
    r#"lines</saml2:AttributeValue></saml2:Attribute></saml2:AttributeStatement></saml2:Assertion></saml2p:Response>"#,
);

fn signed(id: &str, signer: &Signer<'_>) -> String {
    sign(RESPONSE, id, signer, &PROVIDER, &LIMITS).unwrap()
}

/// Returns the autopsy of the element with this identifier. Its signature must not be valid.
fn examine(xml: &str, id: &str, known: &[TrustedKey]) -> Autopsy {
    let document = parse(xml);
    let element = document.elements().find(|element| element.attribute("ID") == Some(id)).unwrap();
    let keys = [trusted(&KEY)];
    verify(element, &keys, &PROVIDER, &LIMITS).unwrap_err();
    let mut budget = AutopsyBudget::default();
    let failed = FailedSignature { element, source: xml, trusted: &keys, known };
    autopsy(&failed, &PROVIDER, &LIMITS, &mut budget).unwrap()
}

/// Returns the autopsy of the root, with one trusted key.
fn of_root(document: &Document, source: &str, key: TrustedKey) -> Autopsy {
    let failed = FailedSignature { element: document.root(), source, trusted: &[key], known: &[] };
    autopsy(&failed, &PROVIDER, &LIMITS, &mut AutopsyBudget::default()).unwrap()
}

fn is_trusted(found: &Autopsy) -> bool {
    matches!(found.maker(), Maker::Trusted { .. })
}

#[test]
fn what_happened_to_the_content_on_its_way() {
    let good = signed("_a", &Signer::new(&KEY));
    let lines = |text: &str| text.replace("two\nlines", "two\r\nlines"); // XML reads CR LF as LF
    let cases: [(&str, String, &str); 9] = [
        ("pretty-printed", good.replace("><saml2:Attr", ">\n  <saml2:Attr"), "autopsy.indented"),
        ("pretty-printed with CR", good.replace("><saml2:Attr", ">&#13;\n  <saml2:Attr"), "autopsy.indented"),
        (
            "values on lines of their own",
            good.replace(">two", ">\n two").replace("€<", "€\n<"),
            "autopsy.padded",
        ),
        ("CR added", good.replace("two\nlines", "two&#13;\nlines"), "autopsy.carriage_returns_added"),
        ("CR alone", good.replace("two\nlines", "two&#13;lines"), "autopsy.carriage_returns_added"),
        (
            "UTF-8 for Windows-1252",
            good.replace("Ünïcode", "ÃœnÃ¯code")
                .replace('€', "â‚¬")
                .replace('“', "â€œ")
                .replace('”', "â€\u{9d}"),
            "autopsy.reencoded",
        ),
        (
            "UTF-8 for ISO-8859-1",
            good.replace(
                "Ünïcode “&amp;” €",
                &"Ünïcode “&amp;” €".bytes().map(char::from).collect::<String>(),
            ),
            "autopsy.reencoded",
        ),
        ("escaped twice", good.replace("&amp;", "&amp;amp;"), "autopsy.escaped_again"),
        ("values altered", good.replace("Ünïcode", "Mallory"), "none"),
    ];
    assert!(
        verify(parse(&lines(&good)).at("/*/*[2]").unwrap(), &[trusted(&KEY)], &PROVIDER, &LIMITS).is_ok()
    );
    for (name, xml, code) in cases {
        let found = examine(&xml, "_a", &[]);
        assert!(is_trusted(&found) && !found.is_value_wrong(), "{name}: {found:?}");
        assert_eq!(found.content_explanation().map_or("none", Explanation::code), code, "{name}: {found:?}");
        let (verifications, digests) = found.work();
        assert!(verifications <= 4_096 && digests <= 200, "{name}: {found:?}");
    }
}

#[test]
fn what_was_lost_of_the_layout() {
    for step in ["  ", "    ", "\t"] {
        let indented = [
            format!("<r ID=\"_r\">\n{step}<a>\n{step}{step}<b>t</b>\n{step}</a>\n{step}<c>t</c>\n</r>"),
            format!("<r ID=\"_r\">\n{step}<c>t</c>\n</r>"),
        ];
        for plain in indented {
            let good = sign(&plain, "_r", &Signer::new(&KEY), &PROVIDER, &LIMITS).unwrap();
            let squeezed = good.replace(['\n', '\t'], "").replace("  ", "");
            let found = examine(&squeezed, "_r", &[]);
            assert_eq!(
                found.content_explanation().map(Explanation::code),
                Some("autopsy.unindented"),
                "{squeezed}\n{found:?}"
            );
        }
    }
}

#[test]
fn line_ends_and_lost_characters() {
    let crs = RESPONSE.replace("two\nlines", "two&#13;\nlines");
    let good = sign(&crs, "_a", &Signer::new(&KEY), &PROVIDER, &LIMITS).unwrap();
    let found = examine(&good.replace("&#13;", ""), "_a", &[]);
    assert_eq!(found.content_explanation().unwrap().code(), "autopsy.line_ends_lost");
    assert!(found.content_explanation().unwrap().to_string().contains("CR LF"));

    let good = signed("_a", &Signer::new(&KEY));
    let found = examine(&good.replace(['Ü', 'ï'], "\u{FFFD}"), "_a", &[]);
    assert_eq!((found.lost_characters(), found.content_explanation()), (2, None));
    assert!(matches!(found.content(), DigestedContent::Changed { .. }));
}

#[test]
fn namespaces_that_got_lost_or_came_in() {
    // Okta lists `xs`, so it must be declared where the Response declared it.
    let good = signed("_r", &Signer::new(&KEY).inclusive_prefixes(&["xs"]));
    let without = good.replacen(r#" xmlns:xs="http://www.w3.org/2001/XMLSchema""#, "", 1);
    let found = examine(&without, "_r", &[]);
    assert_eq!(
        found.content_explanation().map(Explanation::code),
        Some("autopsy.namespaces_lost"),
        "{found:?}"
    );
    assert!(found.content_explanation().unwrap().to_string().ends_with("“xs”"));

    // The Assertion was cut out of its Response.
    let good = signed("_a", &Signer::new(&KEY).inclusive_prefixes(&["xs"]));
    let document = parse(&good);
    let alone = &good[document.at("/*/*[2]").unwrap().source_range()];
    let found = examine(alone, "_a", &[]);
    assert_eq!(
        found.content_explanation().map(Explanation::code),
        Some("autopsy.namespaces_lost"),
        "{found:?}"
    );
    let inclusive = signed("_a", &Signer::new(&KEY).canonicalization(Canonicalization::INCLUSIVE));
    let document = parse(&inclusive);
    let alone = &inclusive[document.at("/*/*[2]").unwrap().source_range()];
    let found = examine(alone, "_a", &[]);
    assert!(found.is_value_wrong() && found.is_digest_wrong() && is_trusted(&found), "{found:?}");
    let both = [found.value_explanation().unwrap(), found.content_explanation().unwrap()];
    assert!(both.iter().all(|one| one.code() == "autopsy.namespaces_lost"), "{both:?}");

    // An Assertion was signed as a document of its own, then put into a Response.
    let assertion = r#"<saml2:Assertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a"><saml2:Subject>s</saml2:Subject></saml2:Assertion>"#;
    let inclusive = Signer::new(&KEY).canonicalization(Canonicalization::INCLUSIVE);
    let assertion = sign(assertion, "_a", &inclusive, &PROVIDER, &LIMITS).unwrap();
    let response = format!(
        r#"<p:Response xmlns:p="urn:p" xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="urn:xs">{assertion}</p:Response>"#
    );
    let found = examine(&response, "_a", &[]);
    assert!(is_trusted(&found), "{found:?}");
    assert_eq!(
        found.value_explanation().map(Explanation::code),
        Some("autopsy.namespaces_gained"),
        "{found:?}"
    );
    assert_eq!(
        found.content_explanation().map(Explanation::code),
        Some("autopsy.namespaces_gained"),
        "{found:?}"
    );
}

#[test]
fn signers_that_do_something_else_than_they_say() {
    let template = common::TEMPLATE;
    let document = parse(template);
    let mut bytes = Vec::new();
    let signature = common::first_signature(&document);
    let method = Canonicalization::EXCLUSIVE_WITH_COMMENTS;
    canonicalize(document.root(), method, &[], Some(signature), &mut bytes).unwrap();
    let digest = PROVIDER.digest(DigestAlgorithm::Sha256, &bytes).unwrap();
    let with_comments = template.replace("{digest}", &base64_encode(digest.as_ref()));
    let found = examine(&complete(&with_comments, &Completion::default()), "_r", &[]);
    assert_eq!(found.content_explanation(), Some(&Explanation::CommentsDigested), "{found:?}");

    let other = Completion { method: Canonicalization::INCLUSIVE, ..Completion::default() };
    let found = examine(&complete(template, &other), "_r", &[]);
    assert!(
        matches!(
            found.content_explanation(),
            Some(Explanation::OtherCanonicalization { uri: INCLUSIVE, .. })
        ),
        "{found:?}"
    );
    let other = Completion { signed_info_method: Canonicalization::INCLUSIVE, ..Completion::default() };
    let found = examine(&complete(template, &other), "_r", &[]);
    assert!(
        matches!(found.value_explanation(), Some(Explanation::OtherCanonicalization { uri: INCLUSIVE, .. })),
        "{found:?}"
    );
    assert_eq!(found.content(), &DigestedContent::AsDigested);

    let sha512 = template.replace("ecdsa-sha256", "rsa-sha256");
    let how = Completion { key: &RSA_KEY, algorithm: SignatureAlgorithm::RsaSha512, ..Completion::default() };
    let xml = complete(&sha512, &how);
    let document = parse(&xml);
    let found = of_root(&document, &xml, trusted(&RSA_KEY));
    let uri = SignatureAlgorithm::RsaSha512.uri();
    assert!(
        matches!(found.value_explanation(), Some(Explanation::OtherAlgorithm { uri: other, .. }) if *other == uri),
        "{found:?}"
    );
}

#[test]
fn a_response_signed_before_its_assertion() {
    let early = signed("_r", &Signer::new(&KEY));
    let late = sign(&early, "_a", &Signer::new(&KEY), &PROVIDER, &LIMITS).unwrap();
    let found = examine(&late, "_r", &[]);
    assert_eq!(found.content_explanation(), Some(&Explanation::SignedTooEarly), "{found:?}");
}

#[test]
fn whose_key_it_is() {
    let certificate = |key: &PrivateKey| {
        Certificate::self_signed(&PROVIDER, key, "someone", 1_600_000_000, 1_900_000_000).unwrap()
    };
    let other = certificate(&OTHER_KEY);
    let tenant_b = TrustedKey::new(OTHER_KEY.public_key().clone(), "tenant B");
    let signed_by_other = signed("_r", &Signer::new(&OTHER_KEY).certificate(&other));

    let found = examine(&signed_by_other, "_r", std::slice::from_ref(&tenant_b));
    assert!(matches!(found.maker(), Maker::Known { label, .. } if &**label == "tenant B"), "{found:?}");
    assert!(!found.is_value_wrong() && !found.is_digest_wrong());

    let found = examine(&signed_by_other, "_r", &[]);
    let Maker::Embedded { certificate: 0, .. } = found.maker() else { panic!("{found:?}") };
    assert!(found.certificates()[0].certifies(OTHER_KEY.public_key()));
    assert_eq!(found.certificates().first().unwrap().fingerprint_sha256(), other.fingerprint_sha256());

    let found = examine(&signed("_r", &Signer::new(&OTHER_KEY)), "_r", &[]);
    assert_eq!(found.maker(), &Maker::Nobody);
    assert_eq!(
        found.content(),
        &DigestedContent::AsDigested,
        "the content is what SignedInfo says, whoever signed it"
    );

    let mine = certificate(&KEY);
    let broken = signed("_r", &Signer::new(&KEY).certificate(&mine))
        .replace("<ds:SignatureValue>", "<ds:SignatureValue>AAAA");
    let found = examine(&broken, "_r", &[tenant_b]);
    assert_eq!(found.maker(), &Maker::Nobody);
    assert!(found.is_value_wrong() && !found.is_digest_wrong());
    assert!(found.work().0 <= 600, "{found:?}");
}

#[test]
fn pretty_printed_throughout() {
    let good = signed("_r", &Signer::new(&KEY));
    let printed = good.replace("><", ">\n<");
    let found = examine(&printed, "_r", &[]);
    assert!(is_trusted(&found), "{found:?}");
    assert_eq!(found.value_explanation(), Some(&Explanation::Indented));
    assert_eq!(found.content_explanation(), Some(&Explanation::Indented));
}

#[test]
fn decrypted_text_has_the_scope_of_its_place() {
    let good = signed("_a", &Signer::new(&KEY));
    let document = parse(&good);
    let element = document.at("/*/*[2]").unwrap();
    let alone = good[element.source_range()].replace("Ünïcode", "\n Ünïcode");
    let inner = Document::parse_in_scope(alone.as_bytes(), &element.scope(), &LIMITS).unwrap();
    let found = of_root(&inner, &alone, trusted(&KEY));
    assert_eq!(found.content_explanation(), Some(&Explanation::Padded), "{found:?}");
    assert_ne!(element.scope(), NamespaceScope::empty());
}

#[test]
fn another_shape_has_nothing_to_look_into() {
    let document = parse(RESPONSE);
    let failed = FailedSignature { element: document.root(), source: RESPONSE, trusted: &[], known: &[] };
    let error = autopsy(&failed, &PROVIDER, &LIMITS, &mut AutopsyBudget::default()).unwrap_err();
    assert_eq!(error.code(), "signature.missing");
    // A source that is not the document's own costs only hypotheses about namespaces.
    let good = signed("_r", &Signer::new(&KEY)).replace("Ünïcode", " Ünïcode");
    let document = parse(&good);
    let found = of_root(&document, "", trusted(&KEY));
    assert_eq!(found.content_explanation(), Some(&Explanation::Padded));
}

#[test]
fn the_work_is_counted() {
    let found = examine(&signed("_a", &Signer::new(&KEY)).replace("Ünïcode", "Mallory"), "_a", &[]);
    assert_eq!((found.element(), found.work().0), ("Assertion", 1), "{found:?}");
    assert!(found.work().1 > 1, "{found:?}");
    let others = signed("_a", &Signer::new(&OTHER_KEY));
    let with = |known: &[TrustedKey]| examine(&others, "_a", known).work().0;
    assert!(with(&[trusted(&PROVIDER.generate_key(KeyKind::P256).unwrap())]) > with(&[]));
}

#[test]
fn the_work_has_an_end() {
    let [signer, stranger] = [(); 2].map(|()| PROVIDER.generate_key(KeyKind::Ed25519).unwrap());
    let found = examine(&signed("_a", &Signer::new(&signer)), "_a", &vec![trusted(&stranger); 9000]);
    assert_eq!(found.maker(), &Maker::Undecided, "not all keys were tried, so nobody knows");
    assert!(found.is_value_wrong());
    assert_eq!(found.work().0, 4096 - 512);
    assert!(matches!(found.stopped(), Some(Stopped::Operations { limit: 4096, .. })), "{found:?}");
    assert!(found.stopped().unwrap().to_string().contains("4096 public-key operations"));
}

/// A response whose canonical form is many times as long as the response: a long namespace name is declared once and
/// written again on each element.
fn amplifying(elements: usize) -> String {
    let name = "&amp;".repeat(200);
    let children = "<x:b/>".repeat(elements);
    format!(r#"<r ID="_r" xmlns:x="urn:{name}">{children}</r>"#)
}

/// Returns the autopsy of the root with this budget, and how much of it was spent.
fn spent(xml: &str, mut budget: AutopsyBudget) -> (Autopsy, usize, usize) {
    let document = parse(xml);
    let keys = [trusted(&KEY)];
    let failed = FailedSignature { element: document.root(), source: xml, trusted: &keys, known: &[] };
    let (bytes, operations) = (budget.bytes(), budget.operations());
    let found = autopsy(&failed, &PROVIDER, &LIMITS, &mut budget).unwrap();
    (found, bytes - budget.bytes(), operations - budget.operations())
}

#[test]
fn an_amplified_message_is_given_up_before_anything_is_tried() {
    // The response has 200 kB, and its canonical form has about 30 MB, which was once made for each of eighty
    // hypotheses and kept each time.
    let small = sign(&amplifying(10), "_r", &Signer::new(&KEY), &PROVIDER, &LIMITS).unwrap();
    let xml = small.replacen("<x:b/>", &"<x:b/>".repeat(30_000), 1);
    assert!(xml.len() < 256 * 1024);
    let (found, bytes, _) = spent(&xml, AutopsyBudget::default());
    assert!(matches!(found.maker(), Maker::Trusted { .. }), "{found:?}");
    assert!(matches!(found.content(), DigestedContent::Undecided { .. }), "{found:?}");
    assert!(matches!(found.stopped(), Some(Stopped::Bytes { limit: 16_777_216, .. })), "{found:?}");
    assert_eq!((bytes, found.work().1), (16 * 1024 * 1024, 0), "nothing was tried");
}

#[test]
fn a_long_text_is_digested_and_not_kept() {
    let small = sign(r#"<r ID="_r"><c/></r>"#, "_r", &Signer::new(&KEY), &PROVIDER, &LIMITS).unwrap();
    let xml = small.replacen("<c/>", &format!("<c>{}</c>", "y".repeat(900_000)).repeat(5), 1);
    let limits = LIMITS.clone().with_input_bytes(8 * 1024 * 1024);
    let document = Document::parse(xml.as_bytes(), &limits).unwrap();
    let keys = [trusted(&KEY)];
    let failed = FailedSignature { element: document.root(), source: &xml, trusted: &keys, known: &[] };
    let mut budget = AutopsyBudget::default();
    let found = autopsy(&failed, &PROVIDER, &limits, &mut budget).unwrap();
    assert!(matches!(found.content(), DigestedContent::Changed { .. }), "{found:?}");
    assert!(matches!(found.stopped(), Some(Stopped::Length { limit: 4_194_304, .. })), "{found:?}");
    assert!(
        (1..8).contains(&found.work().1),
        "other hypotheses are tried while bytes are left: {:?}",
        found.work()
    );
}

#[test]
fn whatever_the_shape_no_more_is_spent_than_there_is() {
    let shapes = [
        "<a>\n</a>".repeat(5_000),
        format!("{}{}", "<a>".repeat(90), "</a>".repeat(90)).repeat(100),
        "&#13;\n&amp;&lt;".repeat(4_000),
        "Ã¼€".repeat(9_000),
        (0..190).map(|number| format!("<p{number}:a xmlns:p{number}=\"urn:{number}\"/>")).collect(),
        "<x><!-- c --></x>".repeat(4_000),
    ];
    for shape in shapes {
        let good = sign(r#"<r ID="_r"><c/></r>"#, "_r", &Signer::new(&KEY), &PROVIDER, &LIMITS).unwrap();
        let xml = good.replacen("<c/>", &format!("<c>{shape}</c>"), 1);
        for budget in [5_000, 200_000, 2_000_000] {
            let (found, bytes, operations) = spent(&xml, AutopsyBudget::new(budget, 64));
            assert!(bytes <= budget && operations <= 64, "{bytes} of {budget}");
            assert_eq!(found.work().0, operations);
            let changed = matches!(found.content(), DigestedContent::Changed { .. });
            assert!(changed || found.stopped().is_some(), "{found:?}");
        }
    }
}

#[test]
fn what_was_not_tried_is_said() {
    let xml = signed("_r", &Signer::new(&KEY)).replace("Ünïcode", "Mallory");
    let (complete, needed, operations) = spent(&xml, AutopsyBudget::default());
    assert_eq!((complete.stopped(), operations), (None, 1));
    let (found, bytes, _) = spent(&xml, AutopsyBudget::new(needed, 8));
    assert_eq!((found.stopped(), bytes, found.work()), (None, needed, complete.work()));
    let (found, _, _) = spent(&xml, AutopsyBudget::new(needed - 1, 8));
    assert!(matches!(found.stopped(), Some(Stopped::Bytes { .. })), "{found:?}");
    assert!(
        matches!(found.content(), DigestedContent::Changed { .. }),
        "the verdict on what came stays: {found:?}"
    );
    let (found, _, _) = spent(&xml, AutopsyBudget::new(10, 8));
    assert_eq!((found.maker(), found.work()), (&Maker::Undecided, (0, 0)));
    let (found, _, _) = spent(&xml, AutopsyBudget::new(needed, 0));
    assert_eq!((found.maker(), found.work().0), (&Maker::Undecided, 0));
    let DigestedContent::Changed { .. } = found.content() else { panic!("{found:?}") };
}

#[test]
fn a_digest_alone_is_compared_without_hypotheses() {
    let good = signed("_r", &Signer::new(&KEY));
    let has = |xml: &str, mut budget: AutopsyBudget| {
        has_its_digest(parse(xml).root(), &PROVIDER, &LIMITS, &mut budget)
    };
    assert_eq!(has(&good, AutopsyBudget::default()), Some(true));
    assert_eq!(has(&good.replace("Ünïcode", "\nÜnïcode"), AutopsyBudget::default()), Some(false));
    assert_eq!(has(&good, AutopsyBudget::new(100, 0)), None);
    assert_eq!(has(RESPONSE, AutopsyBudget::default()), None);
}
