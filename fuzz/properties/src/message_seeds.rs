//! Messages other than a Response to begin with: signed by the trusted key, and the same for a backend that believes every signature.

use std::sync::LazyLock;

use vouchsafe::crypto::SignatureAlgorithm;
use vouchsafe::signature::{Signer, sign, sign_query};
use vouchsafe::xml::{Limits, namespace};
use vouchsafe_testkit::{IdentityProvider, LOGOUT_ID, LogoutBuilder, Part, RESPONSE_ID, Signed, logout};

use crate::artifact::QUESTION;
use crate::{keys, seeds};

/// The request of ours that logout answers name.
pub(crate) const REQUEST: &str = "_request";

/// Logout messages, each in all that it may come in, and scripts over those that are signed.
#[must_use]
pub(crate) fn logout_request() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = signed_messages().iter().cloned().map(String::into_bytes).collect();
    all.extend(zeroed(signed_messages()).into_iter().map(String::into_bytes));
    all.extend(signed_messages().iter().map(|message| logout::soap(message).into_bytes()));
    all.extend(queries().iter().cloned().map(String::into_bytes));
    all.extend(seeds::scripts());
    all
}

/// Envelopes, good and bad, and scripts.
#[must_use]
pub(crate) fn soap() -> Vec<Vec<u8>> {
    let texts = envelopes().iter().cloned().map(String::into_bytes);
    texts.chain(seeds::scripts()).collect()
}

/// Artifacts in queries and forms, answers to a question, and scripts over those.
#[must_use]
pub(crate) fn artifact() -> Vec<Vec<u8>> {
    let artifact = IdentityProvider::okta().artifact(0, [7; 20]);
    let encoded = artifact.replace('+', "%2B").replace('=', "%3D");
    let fields = [
        artifact.clone(),
        format!("SAMLart={encoded}"),
        format!("SAMLart={encoded}&RelayState=a%20b"),
        format!("RelayState=x&SAML%61rt={encoded}&SAMLart={encoded}"),
        format!("SAMLart={encoded}&SAMLResponse=PGEvPg"),
        "AAEAAA==".to_owned(),
    ];
    let answers = answers().iter().chain(zeroed_answers()).cloned();
    let texts = fields.into_iter().chain(answers).map(String::into_bytes);
    texts.chain(seeds::scripts()).collect()
}

/// The messages that the trusted key signed: the only ones that it ever did.
pub(crate) fn signed_messages() -> &'static [String] {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| {
        messages().iter().map(|message| signed(&message.xml().expect("a message"), LOGOUT_ID)).collect()
    });
    &ALL
}

/// The queries that it signed.
pub(crate) fn queries() -> &'static [String] {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| {
        let query = |message: &LogoutBuilder| {
            let plain = message.to_unsigned_query(Some("a b&c")).expect("a query");
            sign_query(&plain, SignatureAlgorithm::Ed25519, keys::trusted(), keys::provider())
                .expect("signed")
        };
        messages().iter().map(query).collect()
    });
    &ALL
}

/// The same for a backend whose digests are zeros.
pub(crate) fn zeroed(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| seeds::with_zeros(text)).collect()
}

fn messages() -> Vec<LogoutBuilder> {
    let request = || IdentityProvider::okta().logout_request();
    let answer = || IdentityProvider::okta().logout_response(REQUEST);
    let samlp = namespace::SAML_PROTOCOL;
    let assertion =
        IdentityProvider::okta().response().omit(Part::KeyInfo).issue().expect("the kit can issue");
    let name = "countess";
    vec![
        request(),
        request()
            .name_id(" ada ")
            .qualifiers(Some("urn:idp"), Some("urn:sp"))
            .session_index("_one")
            .session_index("two"),
        request().not_on_or_after("2026-01-01T00:05:00Z").name_id_format(None),
        request().extensions(assertion.element()).name_id("grace@example.com"),
        answer(),
        answer().status([
            "urn:oasis:names:tc:SAML:2.0:status:Responder",
            "urn:oasis:names:tc:SAML:2.0:status:PartialLogout",
        ]),
        request()
            .element("ManageNameIDRequest")
            .raw(format!("<samlp:NewID xmlns:samlp=\"{samlp}\">{name}</samlp:NewID>")),
        request().destination(None),
        request().issuer(Some("https://else.example")),
    ]
}

/// What envelopes hold and how they are wrong.
pub(crate) fn envelopes() -> &'static [String] {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| {
        let message = signed_messages().first().cloned().unwrap_or_default();
        let soap = namespace::SOAP_ENVELOPE;
        let around = |head: &str, body: &str, tail: &str| {
            format!("<S:Envelope xmlns:S=\"{soap}\">{head}<S:Body>{body}</S:Body>{tail}</S:Envelope>")
        };
        let block = |attributes: &str| format!("<S:Header><a xmlns=\"urn:a\"{attributes}/></S:Header>");
        let fault = "<S:Fault><faultcode>S:Server</faultcode><faultstring>no</faultstring></S:Fault>";
        let mut all: Vec<String> = signed_messages().iter().map(|message| logout::soap(message)).collect();
        all.extend([
            around("<S:Header/>", &message, ""),
            around(&block(""), &message, ""),
            around(&block(" S:mustUnderstand=\"1\""), &message, ""),
            around(&block(" S:mustUnderstand=\"true\" S:actor=\"urn:b\""), &message, ""),
            around(&block(" S:mustUnderstand=\"0\""), &message, ""),
            around("", fault, ""),
            around("", &format!("{message}{message}"), ""),
            around("", &message, &format!("<S:Body>{message}</S:Body>")),
            around("", &message, "<S:Header/>"),
            around("", "", ""),
            around("", &format!("text{message}<!-- c --><?p?>"), ""),
            around("", &message, "").replace(soap, "http://www.w3.org/2003/05/soap-envelope"),
        ]);
        all
    });
    &ALL
}

/// Answers to the question, in envelopes, signed by the trusted key in each way, or not.
pub(crate) fn answers() -> &'static [String] {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| {
        let mut all = Vec::new();
        for response in responses() {
            let answer = answer(Some(response));
            all.push(logout::soap(&signed(&answer, LOGOUT_ID)));
            all.push(logout::soap(&answer));
        }
        all.push(logout::soap(&signed(&answer(None), LOGOUT_ID)));
        all
    });
    &ALL
}

fn zeroed_answers() -> &'static [String] {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| zeroed(answers()));
    &ALL
}

fn answer(response: Option<&String>) -> String {
    let answer =
        IdentityProvider::okta().logout_response(QUESTION).element("ArtifactResponse").destination(None);
    let answer = match response {
        Some(response) => answer.raw(response.as_str()),
        None => answer,
    };
    answer.xml().expect("an answer")
}

/// The Responses that the trusted key signed, and one that nobody did.
pub(crate) fn responses() -> &'static [String] {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| {
        let plain = |subject: &str| {
            let response = IdentityProvider::okta().response().name_id(subject).in_response_to(REQUEST);
            let issued = response.sign(Signed::Neither).issue().expect("the kit can issue");
            issued.element().to_owned()
        };
        let by_response = signed(&plain("ada@example.com"), RESPONSE_ID);
        let by_assertion = signed(&plain("grace@example.com"), vouchsafe_testkit::ASSERTION_ID);
        vec![by_response, by_assertion, plain("eve@example.com")]
    });
    &ALL
}

fn signed(xml: &str, id: &str) -> String {
    let signer = Signer::new(keys::trusted());
    sign(xml, id, &signer, keys::provider(), &Limits::default()).expect("a signed message")
}
