//! Discovery: the protocol, the list of identity providers, and the page on which people choose.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is a test: it may panic"
)]

use std::sync::Arc;

use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response};
use vouchsafe::metadata::{Aggregate, MetadataDescription, ServiceInformation, SpeaksFor, TrustedSource};
use vouchsafe::xml::escape_markup;
use vouchsafe::{EntityId, Provider, ServiceProvider, WebAddress};
use vouchsafe_store::Memory;
use vouchsafe_testkit::{AuthnRequest, IdentityProvider};
use vouchsafe_web::{
    Chooser, DiscoveryRequest, Federation, IdentityProviderList, ReturnPaths, SingleSignOn, discovered,
};

/// An entity with the key of the test kit's identity provider, a name and more extensions.
fn entity(id: &str, names: &[(&str, &str)], more: &str, of_entity: &str) -> String {
    let metadata = IdentityProvider::okta().metadata().unwrap();
    let (_, key) = metadata.split_once("<md:KeyDescriptor").unwrap();
    let (key, _) = key.split_once("</md:KeyDescriptor>").unwrap();
    let key = format!("<md:KeyDescriptor{key}</md:KeyDescriptor>");
    let names: String = names
        .iter()
        .map(|(language, name)| {
            format!("<u:DisplayName xml:lang=\"{language}\">{}</u:DisplayName>", escape_markup(name))
        })
        .collect();
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:u="urn:oasis:names:tc:SAML:metadata:ui" entityID="{id}">{of_entity}
           <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:Extensions><u:UIInfo>{names}{more}</u:UIInfo>
           <u:DiscoHints><u:DomainHint>{}.example</u:DomainHint></u:DiscoHints></md:Extensions>{key}
           <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.com/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"#,
        id.rsplit('/').next().unwrap()
    )
}

fn group(entities: &[String]) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}</md:EntitiesDescriptor>",
        entities.concat()
    )
}

fn federation() -> String {
    let hidden = r#"<md:Extensions><a:EntityAttributes xmlns:a="urn:oasis:names:tc:SAML:metadata:attribute" xmlns:s="urn:oasis:names:tc:SAML:2.0:assertion"><s:Attribute Name="http://macedir.org/entity-category"><s:AttributeValue>http://refeds.org/category/hide-from-discovery</s:AttributeValue></s:Attribute></a:EntityAttributes></md:Extensions>"#;
    let logos = "<u:Logo height=\"30\" width=\"30\">data:image/png;base64,AAAA</u:Logo><u:Logo height=\"32\" width=\"30\">https://logos.example/l.png</u:Logo>";
    let script = "<u:Logo height=\"30\" width=\"30\">javascript:alert(1)</u:Logo>";
    group(&[
        entity(
            "https://idp.example/zurich",
            &[("de", "Universität Zürich"), ("en", "University of Zurich")],
            logos,
            "",
        ),
        entity(
            "https://idp.example/lodz",
            &[("en", "Łódź University")],
            "<u:Keywords xml:lang=\"en\">lodz+uni textiles</u:Keywords>",
            "",
        ),
        entity("https://idp.example/evil", &[("en", "<script>alert(\"1\")</script> & Söhne")], script, ""),
        entity("https://idp.example/hidden", &[("en", "Hidden University")], "", hidden),
        entity("https://idp.example/nameless", &[], "", ""),
        entity("https://idp.example/zurich", &[("en", "A second Zurich")], "", ""),
        entity("https://idp.example/broken", &[("en", "Broken University")], "", "")
            .replace("KeyDescriptor", "KeyDescripto"),
    ])
}

fn list() -> IdentityProviderList {
    IdentityProviderList::of_aggregate(&Aggregate::read(federation()).unwrap())
}

fn found(text: &str, languages: &[&str]) -> Vec<String> {
    let list = list();
    let found = list.search(text, languages, 50);
    assert_eq!(found.choices.len(), found.total);
    found.choices.iter().map(|choice| choice.name(languages).to_owned()).collect()
}

#[test]
fn who_can_be_chosen() {
    let all = found("", &["en"]);
    assert_eq!(
        all,
        [
            "https://idp.example/nameless",
            "Łódź University",
            "<script>alert(\"1\")</script> & Söhne",
            "University of Zurich"
        ],
        "those hidden, broken and repeated are left out"
    );
}

#[test]
fn by_name_keyword_and_domain() {
    for (text, expected) in [
        ("zur", vec!["University of Zurich"]),
        ("ZÜRICH", vec!["University of Zurich"]),
        ("universitat", vec!["University of Zurich"]),
        ("univ", vec!["University of Zurich", "Łódź University"]),
        ("university", vec!["University of Zurich", "Łódź University"]),
        ("of univ", vec!["University of Zurich"]),
        ("łódź", vec!["Łódź University"]),
        ("textiles", vec!["Łódź University"]),
        ("lodz.example", vec!["Łódź University"]),
        ("ada@zurich.example", vec!["University of Zurich"]),
        ("ada@physics.zurich.example", vec!["University of Zurich"]),
        ("ada@notzurich.example", vec![]),
        ("ada@example", vec![]),
        ("nameless", vec!["https://idp.example/nameless"]),
        ("sohne", vec!["<script>alert(\"1\")</script> & Söhne"]),
        ("hidden", vec![]),
        ("broken", vec![]),
        ("nobody", vec![]),
    ] {
        assert_eq!(found(text, &["en"]), expected, "{text}");
    }
    assert_eq!(found("zur", &["de-CH"]), ["Universität Zürich"]);
}

#[test]
fn an_answer_is_bounded_and_the_best_come_first() {
    let entities: Vec<String> = (0..300)
        .map(|number| {
            entity(
                &format!("https://idp.example/{number}"),
                &[("en", &format!("College {number:03}"))],
                "",
                "",
            )
        })
        .collect();
    let list = IdentityProviderList::of_aggregate(&Aggregate::read(group(&entities)).unwrap());
    assert_eq!(list.len(), 300);
    let found = list.search("college", &[], 50);
    assert_eq!((found.choices.len(), found.total), (50, 300));
    assert_eq!(found.choices[0].name(&[]), "College 000");
    assert_eq!(list.search("299", &[], 50).choices[0].name(&[]), "College 299");
    let page = page(&Chooser::new(list), "/saml/choose?q=college", &[]);
    assert_eq!(page.body().matches("<li>").count(), 50);
    assert!(page.body().contains("50 of 300 are shown"));
    assert!(page.body().len() < 30_000);
}

fn parts(uri: &str, headers: &[(http::HeaderName, &str)]) -> Parts {
    let mut request = Request::get(uri).body(()).unwrap();
    for (name, value) in headers {
        request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
    }
    request.into_parts().0
}

fn page(chooser: &Chooser, uri: &str, headers: &[(http::HeaderName, &str)]) -> Response<String> {
    chooser.page(&parts(uri, headers))
}

#[test]
fn the_page_says_what_it_is_given_and_nothing_else() {
    let chooser = Chooser::new(list()).name("Our <Service>");
    let uri = "/saml/choose?q=%22%3E%3Cscript%3Ealert(2)%3C/script%3E&return=/%22%3E%3Cb%3E";
    let evil = page(&chooser, uri, &[]);
    assert_eq!(evil.body().matches("<script>").count(), 1, "ours");
    assert!(!evil.body().contains("<b>\"") && !evil.body().contains("\"><b>"));
    let all = page(&chooser, "/saml/choose?return=/projects/7", &[(ACCEPT_LANGUAGE, "de")]);
    let body = all.body();
    assert!(body.contains("Universität Zürich") && body.contains("Our &lt;Service&gt;"));
    assert!(body.contains("&lt;script&gt;alert("), "{body}");
    assert!(body.contains(
        "href=\"/saml/login?organization=https%3A%2F%2Fidp.example%2Fzurich&amp;return=%2Fprojects%2F7\""
    ));
    // Nothing is loaded from other sites, and only our script runs.
    assert!(body.contains("data:image/png;base64,AAAA"));
    assert!(!body.contains("logos.example") && !body.contains("javascript:"));
    let policy = all.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'; script-src 'sha256-")
            && policy.contains("img-src 'self' data:;")
    );
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("https:"));

    let loading = page(&chooser.load_logos_of_others(), "/saml/choose", &[]);
    assert!(
        loading.body().contains("https://logos.example/l.png") && !loading.body().contains("javascript:")
    );
    assert!(
        loading.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("img-src 'self' data: https:;")
    );
}

#[test]
fn the_script_gets_the_same_as_json() {
    let chooser = Chooser::new(list());
    let answer = page(&chooser, "/saml/choose?q=zur&return=%2Fx", &[(ACCEPT, "application/json")]);
    let json: serde_json::Value = serde_json::from_str(answer.body()).unwrap();
    assert_eq!(json["total"], 1);
    assert_eq!(json["choices"][0]["name"], "University of Zurich");
    assert_eq!(json["choices"][0]["entity_id"], "https://idp.example/zurich");
    assert_eq!(
        json["choices"][0]["address"],
        "/saml/login?organization=https%3A%2F%2Fidp.example%2Fzurich&return=%2Fx"
    );
    assert_eq!(json["choices"][0]["logo"], "data:image/png;base64,AAAA");
    let own = Chooser::new(list()).rendered_by(|view| format!("{} of {}", view.choices.len(), view.total));
    assert_eq!(page(&own, "/saml/choose?q=univ", &[]).body(), "2 of 2");
}

#[test]
fn the_feed_is_in_the_form_that_choosers_read() {
    let chooser = Chooser::new(list());
    let first = chooser.feed(&HeaderMap::new());
    let feed: serde_json::Value = serde_json::from_slice(first.body().as_ref()).unwrap();
    let zurich =
        feed.as_array().unwrap().iter().find(|one| one["entityID"] == "https://idp.example/zurich").unwrap();
    assert_eq!(zurich["DisplayNames"][0], serde_json::json!({ "value": "Universität Zürich", "lang": "de" }));
    assert_eq!(zurich["Logos"][1]["value"], "https://logos.example/l.png");
    assert_eq!(zurich["Logos"][1]["height"], "32");
    assert!(!feed.to_string().contains("hidden"));

    let etag = first.headers()[ETAG].clone();
    let mut held = HeaderMap::new();
    held.insert(IF_NONE_MATCH, etag);
    assert_eq!(chooser.feed(&held).status(), 304);
    chooser.replace(IdentityProviderList::default());
    let newer = chooser.feed(&held);
    let text: &[u8] = newer.body().as_ref();
    assert_eq!((newer.status().as_u16(), text), (200, &b"[]"[..]));
}

fn ours() -> String {
    let information = ServiceInformation::default()
        .with_discovery_response("https://app.example.com/saml/discovered")
        .and_then(|information| information.with_discovery_response("http://app.example.com/insecure"))
        .unwrap();
    service(information).metadata_xml().unwrap()
}

fn service(information: ServiceInformation) -> ServiceProvider {
    ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata").unwrap())
        .assertion_consumer("https://app.example.com/saml/acs")
        .unwrap()
        .information(information)
        .build()
        .unwrap()
}

/// The address of the answer must be in the metadata of the requesting service.
#[test]
fn nobody_is_sent_anywhere_else() {
    let metadata = MetadataDescription::read(ours().as_bytes()).unwrap().into_entities().pop().unwrap();
    let ask = |address: &str| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("entityID", "https://app.example.com/saml/metadata")
            .append_pair("return", address)
            .finish();
        DiscoveryRequest::parse(&query).and_then(|request| request.return_address(&metadata))
    };
    for good in
        ["https://app.example.com/saml/discovered", "https://app.example.com/saml/discovered?return=%2Fx&y"]
    {
        assert_eq!(ask(good).unwrap().as_str(), good);
    }
    for bad in [
        "https://evil.example/saml/discovered",
        "https://app.example.com/saml/discovered/",
        "https://app.example.com/saml/discovered/../evil",
        "https://app.example.com.evil.example/saml/discovered",
        "https://app.example.com@evil.example/saml/discovered",
        "https://app.example.com/saml/Discovered",
        "https://app.example.com/saml/acs",
        "http://app.example.com/saml/discovered",
        "http://app.example.com/insecure",
        "https://app.example.com/saml/discovered#x",
        "https://app.example.com/saml/discovered?entityID=https://idp.evil.example",
        "javascript:alert(1)",
        "//evil.example/saml/discovered",
        "",
    ] {
        assert_eq!(ask(bad).unwrap_err().code(), "http.discovery_request", "{bad}");
    }
    let default = DiscoveryRequest::new(EntityId::new("https://app.example.com/saml/metadata").unwrap());
    let address = default.return_address(&metadata).unwrap();
    assert_eq!(address.as_str(), "https://app.example.com/saml/discovered");
    let chosen = EntityId::new("https://idp.example/a?b&c").unwrap();
    assert_eq!(
        default.answer(&address, Some(&chosen)),
        "https://app.example.com/saml/discovered?entityID=https%3A%2F%2Fidp.example%2Fa%3Fb%26c"
    );
    assert_eq!(default.answer(&address, None), "https://app.example.com/saml/discovered");
    let other = DiscoveryRequest::new(EntityId::new("https://other.example").unwrap());
    assert_eq!(other.return_address(&metadata).unwrap_err().code(), "http.discovery_request");
}

#[test]
fn requests_are_read_strictly() {
    let read = DiscoveryRequest::parse(
        "entityID=urn:a&return=https%3A%2F%2Fa.example%2Fx&returnIDParam=idp&isPassive=true&policy=urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol:single&more=1",
    )
    .unwrap();
    assert!(read.is_passive() && read.entity_id().as_str() == "urn:a");
    let address = WebAddress::new("https://a.example/x").unwrap();
    let chosen = EntityId::new("urn:b").unwrap();
    assert_eq!(read.answer(&address, Some(&chosen)), "https://a.example/x?idp=urn%3Ab");
    for bad in [
        "",
        "return=https://a.example",
        "entityID=",
        "entityID=urn:a&entityID=urn:b",
        "entityID=urn:a&return=https://a.example&return=https://b.example",
        "entityID=urn:a&policy=urn:other",
        "entityID=urn:a&isPassive=yes",
        "entityID=urn:a&returnIDParam=",
        "entityID=urn:a&returnIDParam=x&return=https%3A%2F%2Fa.example%2F%3Fx%3D1",
    ] {
        assert_eq!(DiscoveryRequest::parse(bad).unwrap_err().code(), "http.discovery_request", "{bad}");
    }
    assert_eq!(discovered("return=/").unwrap(), None);
    assert_eq!(discovered("entityID=").unwrap(), None);
    assert_eq!(discovered("entityID=urn%3Aa").unwrap().unwrap().as_str(), "urn:a");
    assert_eq!(discovered("entityID=urn:a&entityID=urn:b").unwrap_err().code(), "http.discovery_request");
}

/// From the request to the sign-in, over a federation.
#[tokio::test]
async fn a_discovery_service_is_asked_and_its_answer_starts_a_sign_in() {
    let information = ServiceInformation::default()
        .with_discovery_response("https://app.example.com/saml/discovered")
        .unwrap();
    let source = TrustedSource::danger_by_transport_alone(SpeaksFor::Everybody);
    let now = chrono::Utc::now();
    let trusted = source.accept(federation(), now, &Provider::rustcrypto()).unwrap();
    let federation = Arc::new(Federation::new(trusted));
    let sso = SingleSignOn::new(service(information), Arc::clone(&federation), Arc::new(Memory::new()))
        .discovery(federation)
        .sign_in_page("/saml/choose")
        .return_paths(ReturnPaths::new("/home").unwrap().under("/projects").unwrap());
    let discovery = WebAddress::new("https://discovery.example/ds").unwrap();
    let asked = sso.ask_discovery_service(&discovery, Some("/projects/7")).unwrap();
    let location = asked.headers()[LOCATION].to_str().unwrap();
    let request = DiscoveryRequest::parse(location.split_once('?').unwrap().1).unwrap();
    let metadata = sso.service_provider().metadata_xml().unwrap();
    let metadata = MetadataDescription::read(metadata.as_bytes()).unwrap().into_entities().pop().unwrap();
    let address = request.return_address(&metadata).unwrap();
    let answer = request.answer(&address, Some(&EntityId::new("https://idp.example/zurich").unwrap()));
    let path = answer.strip_prefix("https://app.example.com").unwrap();

    let started = sso.discovered(&parts(path, &[])).await;
    let location = started.headers()[LOCATION].to_str().unwrap();
    assert!(location.starts_with("https://idp.example.com/sso?SAMLRequest="), "{location}");
    AuthnRequest::from_redirect(location).unwrap();

    let place = async |path: &str| {
        let answer = sso.discovered(&parts(path, &[])).await;
        answer.headers().get(LOCATION).map(|place| place.to_str().unwrap().to_owned())
    };
    assert_eq!(
        place("/saml/discovered?return=%2Fprojects%2F7").await.unwrap(),
        "/saml/choose?return=%2Fprojects%2F7"
    );
    assert_eq!(place("/saml/discovered?return=https%3A%2F%2Fevil.example").await.unwrap(), "/saml/choose");
    // An identity provider that is hidden from choosers can still be used; an unknown or broken one cannot.
    assert!(
        place("/saml/discovered?entityID=https%3A%2F%2Fidp.example%2Fhidden")
            .await
            .unwrap()
            .starts_with("https://idp")
    );
    for unknown in ["nobody", "broken"] {
        let path = format!("/saml/discovered?entityID=https%3A%2F%2Fidp.example%2F{unknown}");
        assert_eq!(place(&path).await.unwrap(), "/saml/choose?problem=organization", "{unknown}");
    }
    let twice = sso.discovered(&parts("/saml/discovered?entityID=urn:a&entityID=urn:b", &[])).await;
    assert_eq!(twice.status(), 403);
    if let Some(place) = place("/saml/discovered?entityID=urn:a&return=/a&return=/b").await {
        panic!("{place}");
    }
}
