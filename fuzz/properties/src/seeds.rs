//! Inputs to begin with: what the test kit issues, and what the generator makes of a few bytes.

use std::sync::LazyLock;

use vouchsafe::crypto::{Certificate, ContentCipher, DigestAlgorithm, SignatureAlgorithm, base64_encode};
use vouchsafe::encryption::{EncryptOptions, KeyLayout, encrypt};
use vouchsafe::redirect::{SAML_REQUEST, SAML_RESPONSE, encode};
use vouchsafe::signature::sign_query;
use vouchsafe::xml::{Document, Element, Limits, namespace};
use vouchsafe::{RelayState, metadata::Binding};
use vouchsafe_testkit::{Attribute, IdentityProvider, Part, Place, ResponseBuilder, Signed};

use crate::generator::{self, Choices};
use crate::{backend, keys, mdq_answer, receive_past_signature, script, signature_locate};

/// For the parser and the canonicalizer.
#[must_use]
pub fn documents() -> Vec<Vec<u8>> {
    let generated =
        numbers().into_iter().map(|bytes| generator::document(&mut Choices::new(&bytes)).into_bytes());
    let signed = signature_locate::originals().iter().take(4).map(|text| text.clone().into_bytes());
    generated.chain(signed).chain(metadata()).chain(amplified().map(String::into_bytes)).collect()
}

/// Little text of which a canonical form could have far more: long names of characters that are escaped, declared once and used by many,
/// and values of `xml:base` that are joined. Some are refused for it, some just not.
fn amplified() -> impl Iterator<Item = String> {
    let quotes = "\"".repeat(1000);
    let references = "&#9;".repeat(1000);
    let around = move |attributes: &str, inside: &str| format!("<a{attributes}>{inside}</a>");
    let declared = |count: usize| {
        let declarations = (0..count).map(|number| format!(" xmlns:p{number}='{number}{quotes}'"));
        declarations.collect::<String>()
    };
    let uses = |count: usize| (0..count).map(|number| format!(" p{number}:a=''")).collect::<String>();
    [
        around(&declared(1), &"<p0:b/>".repeat(10)),
        around(&declared(1), &"<p0:b/>".repeat(12)),
        around(&declared(1), &"<p0:b/>".repeat(200)),
        around(&declared(12), &format!("<b><c{}/></b>", uses(12)).repeat(3)),
        around(&declared(12), &"<b xml:lang=''/>".repeat(3)),
        around(&format!(" xmlns='{references}'"), &"<b xmlns=''><c/></b>".repeat(200)),
        around(&format!(" xmlns:p='{references}'"), &"<b p:c=''><p:d/></b>".repeat(200)),
        around(&format!(" b='{quotes}'"), &">".repeat(4000)),
        around(
            " xml:base='a/../b'",
            &"<b xml:base='c//..'><c xml:base=''/><c xml:base='./x:y'/></b>".repeat(20),
        ),
    ]
    .into_iter()
}

/// For the targets that make their documents themselves.
#[must_use]
pub fn generated() -> Vec<Vec<u8>> {
    let own =
        br#"....<p:a xmlns:p="urn:p" ID="root"><p:b ID="inner" xmlns="urn:d"><c/></p:b></p:a>"#.to_vec();
    numbers().into_iter().chain([own]).collect()
}

/// Signed documents, and scripts that wrap what was signed.
#[must_use]
pub fn signature_locate() -> Vec<Vec<u8>> {
    let texts = signature_locate::originals().iter().map(|text| text.clone().into_bytes());
    texts.chain(scripts()).collect()
}

/// Answers of a server of the metadata query protocol, and scripts.
#[must_use]
pub fn mdq_answer() -> Vec<Vec<u8>> {
    let texts = mdq_answer::originals().iter().map(|text| text.clone().into_bytes());
    texts.chain(scripts()).collect()
}

/// Responses to a receiver that believes every signature, and scripts.
#[must_use]
pub fn receive_past_signature() -> Vec<Vec<u8>> {
    let texts = receive_past_signature::originals().iter().cloned();
    texts.chain(amplified_responses()).map(String::into_bytes).chain(scripts()).collect()
}

/// The same around and inside a response: before its signatures are verified, and in values that are canonicalized once more.
fn amplified_responses() -> Vec<String> {
    let response = issued(base());
    let quotes = "\"".repeat(1000);
    let declared = response.replacen("<saml2p:Response", &format!("<saml2p:Response xmlns:q='{quotes}'"), 1);
    let end = "</saml2:AttributeStatement>";
    let value = "<saml2:AttributeValue><q:b/></saml2:AttributeValue>";
    let attribute = |count: usize| {
        let values = value.repeat(count);
        let attribute = format!("<saml2:Attribute Name='x' q:a=''>{values}</saml2:Attribute>{end}");
        declared.replacen(end, &attribute, 1)
    };
    let used = format!("<saml2p:Extensions>{}</saml2p:Extensions><saml2p:Status>", "<q:b/>".repeat(30));
    vec![declared.clone(), declared.replacen("<saml2p:Status>", &used, 1), attribute(3), attribute(30)]
}

/// Encrypted documents that open.
#[must_use]
pub fn decrypt() -> Vec<Vec<u8>> {
    let mut all = generated();
    for cipher in [ContentCipher::Aes128Cbc, ContentCipher::Aes256Gcm] {
        for layout in [KeyLayout::InKeyInfo, KeyLayout::Sibling, KeyLayout::SiblingUnreferenced] {
            all.push(
                format!("<e xmlns:p='urn:p'>{}</e>", sealed("<p:a>text</p:a>", cipher, layout)).into_bytes(),
            );
        }
    }
    all
}

/// Queries, signed and not.
#[must_use]
pub fn redirect_query() -> Vec<Vec<u8>> {
    let state = RelayState::new("a b+c&d=é").expect("short enough");
    let message = "<Request>é\u{3ff}~~~???</Request>";
    let mut all = Vec::new();
    for (field, state) in [(SAML_REQUEST, None), (SAML_RESPONSE, Some(&state))] {
        let query = encode(field, message, state);
        let signed = sign_query(&query, SignatureAlgorithm::Ed25519, keys::trusted(), keys::provider());
        all.push(signed.expect("a signed query").into_bytes());
        all.push(
            format!("x=y&{query}&SAMLEncoding=urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE")
                .into_bytes(),
        );
    }
    all
}

/// Base64, and forms.
#[must_use]
pub fn base64_form() -> Vec<Vec<u8>> {
    let issued =
        IdentityProvider::okta().response().sign(Signed::Neither).issue().expect("the kit can issue");
    let form = format!("SAMLResponse={}&RelayState=a%20b", issued.to_base64().replace('+', "%2B"));
    let lines = issued.to_base64().replace("AA", "A\r\nA");
    let short = ["", "aGVsbG8=", "aGVs bG8h\n", "aGVsbG9=", "AA==", "AB==", "====", "a"];
    short.map(str::to_owned).into_iter().chain([form, lines]).map(String::into_bytes).collect()
}

/// Metadata: of the test kit, with several entities, with a logout.
#[must_use]
pub fn metadata() -> Vec<Vec<u8>> {
    let okta = IdentityProvider::okta().with_single_logout("https://idp.example.com/slo?a=b&c=d");
    let one = okta.metadata().expect("metadata");
    let other = IdentityProvider::other().metadata().expect("metadata");
    let declaration = one.find("<md:").unwrap_or_default();
    let (_, entity) = one.split_at(declaration);
    let (_, another) = other.split_at(declaration);
    let several = format!(
        "<md:EntitiesDescriptor xmlns:md=\"{}\" validUntil=\"2030-01-01T00:00:00Z\">{entity}{another}</md:EntitiesDescriptor>",
        namespace::SAML_METADATA
    );
    let artifact = one.replace(Binding::HttpPost.uri(), Binding::HttpArtifact.uri());
    let extensions = r#"<md:Extensions><u:UIInfo xmlns:u="urn:oasis:names:tc:SAML:metadata:ui"><u:DisplayName xml:lang="en">N</u:DisplayName><u:Logo height="1" width="1">data:,x</u:Logo></u:UIInfo>
        <s:Scope xmlns:s="urn:mace:shibboleth:metadata:1.0" regexp="true">^(.+\.)?example\.org$</s:Scope><a:SigningMethod xmlns:a="urn:oasis:names:tc:SAML:metadata:algsupport" Algorithm="urn:x" MinKeySize="2048"/>
        <e:EntityAttributes xmlns:e="urn:oasis:names:tc:SAML:metadata:attribute"><t:Attribute xmlns:t="urn:oasis:names:tc:SAML:2.0:assertion" Name="urn:a"><t:AttributeValue>v</t:AttributeValue></t:Attribute></e:EntityAttributes>
        <r:RegistrationInfo xmlns:r="urn:oasis:names:tc:SAML:metadata:rpi" registrationAuthority="urn:r" registrationInstant="2020-12-31T24:00:00Z"/><x:y xmlns:x="urn:x" x:z="1"/></md:Extensions><md:KeyDescriptor"#;
    let extended = one.replacen("<md:KeyDescriptor", extensions, 1);
    let utf_16 = format!("\u{feff}{extended}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut all = [one, several, artifact, extended].map(String::into_bytes).to_vec();
    all.push(utf_16);
    all
}

/// Aggregates: flat and nested, with an entity twice, one in another namespace, one that is broken, and text that looks like tags.
#[must_use]
pub fn aggregates() -> Vec<Vec<u8>> {
    let open = format!("<md:EntitiesDescriptor xmlns:md=\"{}\">", namespace::SAML_METADATA);
    let close = "</md:EntitiesDescriptor>";
    let entity = |id: &str, content: &str| {
        format!("<md:EntityDescriptor entityID='{id}'>{content}<md:SPSSODescriptor/></md:EntityDescriptor>")
    };
    let tricky = "<!-- </md:EntityDescriptor> --><a b='>'/><![CDATA[</md:EntityDescriptor>]]><?p </a>?>";
    let one = entity("https://a.example", tricky);
    let (other, broken) = (entity("https://b.example", "<a>t</a>"), entity("https://c.example", "&wrong;"));
    let foreign = other.replace("md:", "");
    let mut all = metadata();
    for content in [
        one.clone() + &other,
        format!("{one}{open}{other}{one}{close}<md:Extensions>{other}</md:Extensions>"),
        format!("{one}{broken}{foreign}{open}{close}<EntitiesDescriptor>{one}</EntitiesDescriptor>{other}"),
    ] {
        all.push(format!("<?xml version='1.0'?>\n{open}{content}{close}").into_bytes());
    }
    all
}

/// Messages in every dress, and what comes in the place of a message.
#[must_use]
pub fn field_content() -> Vec<Vec<u8>> {
    let response = issued(base().sign(Signed::Neither));
    let base64 = vouchsafe::crypto::base64_encode(response.as_bytes());
    let texts = [
        response.clone(),
        base64.clone(),
        vouchsafe::crypto::base64_encode(base64.as_bytes()),
        base64.replace('+', "-").replace('/', "_"),
        base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"),
        format!("Hello,\r\n\r\nSAMLResponse: {base64}\r\n\r\nRegards"),
        format!("curl -d 'SAMLResponse={base64}&RelayState=x' https://app.example.com/acs"),
        response.replace('<', "&lt;"),
        response.replace('"', "\\\""),
        response.replace('=', "=3D"),
        format!("{base64}={base64}"),
        "<html><form><input name=\"wa\" value=\"wsignin1.0\"></form></html>".to_owned(),
        "{\"log\":{\"entries\":[{\"request\":{\"method\":\"POST\",\"url\":\"https://a/?code=1&state=2\"}}]}}"
            .to_owned(),
        "sign-in refused reference=\"1a2b3c4d-5e6f7081\" code=\"a.b\" reason=x hint=\"h\"".to_owned(),
        "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----".to_owned(),
        "SHA1 Fingerprint=0B:4F:FE:77:B1:82:D9:CF:E2:1F:7F:44:61:6C:6B:00:1F:96:81:BA".to_owned(),
    ];
    let binary: [&[u8]; 4] =
        [b"\x30\x82\x0a\x0f\x02\x01\x03", b"PK\x03\x04word/", b"\x1f\x8b\x08", b"\xff\xfe<\0a\0/\0>\0"];
    texts.map(String::into_bytes).into_iter().chain(binary.map(<[u8]>::to_vec)).collect()
}

/// Everything that the doctor takes: messages, metadata, queries, forms, a page, and a recording of a browser.
#[must_use]
pub fn doctor() -> Vec<Vec<u8>> {
    let form = base64_form().into_iter().rev().nth(1).unwrap_or_default();
    let form = String::from_utf8_lossy(&form).into_owned();
    let value = form.split(['=', '&']).nth(1).unwrap_or_default();
    let page = format!("<html><form><input type='hidden' name='SAMLResponse' value='{value}'></form></html>");
    let recording = format!(
        "{{\"log\":{{\"entries\":[{{\"startedDateTime\":\"2026-01-01T00:00:00Z\",\"request\":{{\"method\":\"POST\",\
         \"url\":\"https://app.example.com/acs?x=1\",\"postData\":{{\"text\":\"{form}\"}}}}}}]}}}}"
    );
    let others = [form, page, recording].map(String::into_bytes);
    signature_locate().into_iter().chain(metadata()).chain(redirect_query()).chain(others).collect()
}

/// What [`crate::receive_past_signature`] accepts and refuses: the digests are those of its backend, zeros.
pub(crate) fn responses() -> Vec<String> {
    let mut all = Vec::new();
    for signed in [Signed::Both, Signed::Response, Signed::Assertion, Signed::Neither] {
        all.push(issued(base().sign(signed)));
        all.push(issued(base().sign(signed).in_response_to(receive_past_signature::REQUEST)));
    }
    all.push(issued(base().omit(Part::NameId).insert(Place::Conditions, "<saml2:OneTimeUse/>")));
    all.push(issued(
        base().audience_restrictions([vec!["https://else.example", vouchsafe_testkit::SERVICE_PROVIDER]]),
    ));
    all.push(issued(base().session_not_on_or_after("2026-01-01T01:00:00+01:00").sign(Signed::Assertion)));
    all.push(issued(
        base().subject_not_on_or_after("2025-12-31T24:00:00").not_on_or_after("2026-01-01T00:00:00.1Z"),
    ));
    for (signed, cipher) in [
        (Signed::Both, ContentCipher::Aes256Cbc),
        (Signed::Assertion, ContentCipher::Aes128Gcm),
        (Signed::Response, ContentCipher::Aes256Gcm),
        (Signed::Assertion, ContentCipher::Aes256Cbc),
    ] {
        all.push(with_encrypted(&issued(base().sign(signed)), "Assertion", "EncryptedAssertion", cipher));
    }
    let plain = issued(base());
    all.push(with_encrypted(&plain, "NameID", "EncryptedID", ContentCipher::Aes128Gcm));
    all.push(with_encrypted(&plain, "Attribute", "EncryptedAttribute", ContentCipher::Aes256Gcm));
    all.extend(namespaces_in_encrypted_parts());
    all
}

/// Decrypted text that uses a prefix which is declared on the Response, where nobody signs it, on the encrypted element, inside the
/// decrypted text, or nowhere; and an encrypted part inside an encrypted Assertion.
fn namespaces_in_encrypted_parts() -> Vec<String> {
    let cipher = ContentCipher::Aes256Gcm;
    let mut all = Vec::new();
    for signed in [Signed::Response, Signed::Assertion] {
        let clear = issued(base().sign(signed));
        let nil = clear.replacen("<saml2:AttributeValue", "<saml2:AttributeValue x:nil=\"true\"", 1);
        let declaration = format!("xmlns:x=\"{}\" ", namespace::XSI);
        let declared =
            |text: &str, start: &str| text.replacen(start, &[start, declaration.as_str()].concat(), 1);
        for start in ["<saml2p:Response ", "<saml2:Assertion ", "<saml2:Attribute "] {
            let text = declared(&nil, start);
            all.push(with_encrypted(&text, "Assertion", "EncryptedAssertion", cipher));
            let part = with_encrypted(&text, "Attribute", "EncryptedAttribute", cipher);
            all.push(with_encrypted(&part, "Assertion", "EncryptedAssertion", cipher));
            all.push(part);
        }
        // The prefix is bound by what holds the ciphertext, to one thing or to another.
        let encrypted =
            with_encrypted(&declared(&nil, "<saml2p:Response "), "Assertion", "EncryptedAssertion", cipher);
        all.push(encrypted.replacen(
            "<saml2:EncryptedAssertion",
            "<saml2:EncryptedAssertion xmlns:x=\"urn:something-else\"",
            1,
        ));
    }
    all
}

/// A certificate that names the key under which content keys travel in clear.
pub(crate) fn clear_certificate() -> Certificate {
    static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
        Certificate::self_signed(backend::credulous(), keys::clear(), "clear", 1_577_836_800, 4_733_510_400)
            .expect("a certificate can be made")
    });
    CERTIFICATE.clone()
}

fn base() -> ResponseBuilder {
    let groups = Attribute::new("groups", ["Everyone", "admins"]).with_friendly_name("Groups");
    IdentityProvider::okta()
        .response()
        .omit(Part::KeyInfo)
        .attribute(groups)
        .attribute(Attribute::new("empty", [""]))
}

/// Every digest is replaced by zeros.
fn issued(response: ResponseBuilder) -> String {
    with_zeros(&response.issue().expect("the kit can issue").into_xml())
}

/// A signed document, with zeros in the place of every digest.
pub(crate) fn with_zeros(issued: &str) -> String {
    let zeros = base64_encode(&vec![0; DigestAlgorithm::Sha256.length()]);
    let mut parts = issued.split("<ds:DigestValue>");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, rest) = part.split_once('<').expect("an end tag");
        text.extend(["<ds:DigestValue>", &zeros, "<", rest]);
    }
    text
}

/// The first element of that name, encrypted in its place.
fn with_encrypted(text: &str, name: &str, around: &str, cipher: ContentCipher) -> String {
    let document = Document::parse(text.as_bytes(), &Limits::default()).expect("issued");
    let mut elements =
        document.elements().filter(|element: &Element<'_>| element.is(namespace::SAML_ASSERTION, name));
    let range = elements.next().expect("issued with it").source_range();
    let (before, rest) = text.split_at(range.start);
    let (element, after) = rest.split_at(range.len());
    let sealed = sealed(element, cipher, KeyLayout::Sibling);
    let saml = namespace::SAML_ASSERTION;
    format!("{before}<saml2:{around} xmlns:saml2=\"{saml}\">{sealed}</saml2:{around}>{after}")
}

fn sealed(element: &str, cipher: ContentCipher, layout: KeyLayout) -> String {
    let options = EncryptOptions::default().cipher(cipher).layout(layout);
    encrypt(element, keys::clear_public(), &options, backend::credulous()).expect("anything can be encrypted")
}

/// Numbers in an order that looks like none: a generator of 32 bits.
fn numbers() -> Vec<Vec<u8>> {
    let mut state = 1_u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [high, ..] = state.to_be_bytes();
        high
    };
    (0..24).map(|number: usize| (0..number.saturating_mul(7)).map(|_| byte()).collect()).collect()
}

/// Scripts over signed documents: see [`script`].
pub fn scripts() -> impl Iterator<Item = Vec<u8>> {
    (0..10).flat_map(|what| {
        (0..6_u8).map(move |which| {
            let step = [what, which.wrapping_mul(3), which.wrapping_mul(5), which];
            [&[script::MARK, which][..], &step, &[5, which, 0, what]].concat()
        })
    })
}
