//! Members of a federation that want to be chosen in the place of others, and people who look for much at once.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is a test: it may panic"
)]

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Request};
use vouchsafe::metadata::{Aggregate, EntityName, MetadataDescription, SpeaksFor, TrustedSource};
use vouchsafe::xml::escape_markup;
use vouchsafe::{ConnectionId, EntityId, Provider};
use vouchsafe_store::StoreError;
use vouchsafe_testkit::IdentityProvider;
use vouchsafe_web::{
    Chooser, ConnectionSource as _, Discovery as _, DiscoveryRequest, Federation, IdentityProviderList,
    QueriedFederation,
};

/// An identity provider with the key of the test kit's, this name, and more in its UIInfo and DiscoHints.
fn entity(id: &str, name: &str, information: &str, hints: &str) -> String {
    let metadata = IdentityProvider::okta().metadata().unwrap();
    let (_, key) = metadata.split_once("<md:KeyDescriptor").unwrap();
    let (key, _) = key.split_once("</md:KeyDescriptor>").unwrap();
    format!(
        r#"<md:EntityDescriptor entityID="{id}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:Extensions
             ><u:UIInfo><u:DisplayName xml:lang="en">{}</u:DisplayName>{information}</u:UIInfo><u:DiscoHints>{hints}</u:DiscoHints></md:Extensions
             ><md:KeyDescriptor{key}</md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.com/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"#,
        escape_markup(name)
    )
}

fn hint(domain: &str) -> String {
    format!("<u:DomainHint>{domain}</u:DomainHint>")
}

fn document(entities: &[String]) -> String {
    format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:u="urn:oasis:names:tc:SAML:metadata:ui">{}</md:EntitiesDescriptor>"#,
        entities.concat()
    )
}

fn list(entities: &[String]) -> IdentityProviderList {
    IdentityProviderList::of_aggregate(&Aggregate::read(document(entities)).unwrap())
}

fn page(chooser: &Chooser, query: &str, accept: &'static str) -> String {
    let mut request = Request::get(format!("/saml/choose{query}")).body(()).unwrap();
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
    chooser.page(&request.into_parts().0).into_body()
}

/// One claims the domain of everybody, and a name that stands before all others.
#[test]
fn nobody_is_found_by_the_domain_of_everybody() {
    let all = list(&[
        entity(
            "https://a.evil.example",
            "AAA",
            "",
            &[hint("edu"), hint("."), hint("university.edu.evil")].concat(),
        ),
        entity("https://b.example", "B physics", "", &hint("physics.university.edu")),
        entity("https://z.example", "Z university", "", &hint("university.edu")),
    ]);
    let found = |text: &str| -> Vec<String> {
        all.search(text, &["en"], 50).choices.iter().map(|choice| choice.name(&["en"]).to_owned()).collect()
    };
    assert_eq!(found("ada@university.edu"), ["Z university"]);
    // The closest comes first, and not the first of the alphabet.
    assert_eq!(found("ada@lab.university.edu"), ["Z university"]);
    assert_eq!(found("ada@lab.physics.university.edu"), ["B physics", "Z university"]);
    assert_eq!(found("ada@other.edu"), Vec::<String>::new());
}

/// One takes the name of another, or one that looks so, or one that nobody can see.
#[test]
fn equal_names_are_told_apart() {
    let chooser = Chooser::new(list(&[
        entity("https://university.example/idp", "University of Zurich", "", ""),
        entity("https://evil.example/idp", "University\u{200b} of \u{202e}\u{2066}Zurich", "", ""),
        entity("https://other.example/idp", "Other", "", ""),
        entity("https://reversed.example/idp", "\u{202e}ytisrevinU hciruZ", "", ""),
        entity("https://unseen.example/idp", "\u{200b}\u{2060}", "", ""),
    ]));
    let html = page(&chooser, "", "text/html");
    for shown in ["<small>https://university.example/idp</small>", "<small>https://evil.example/idp</small>"]
    {
        assert!(html.contains(shown), "{html}");
    }
    assert_eq!(html.matches("<small>").count(), 2, "the others need none");
    assert!(html.contains("<b dir=\"auto\">ytisrevinU hciruZ</b>"), "it looks as it is written");
    assert!(html.contains("<b dir=\"auto\">https://unseen.example/idp</b>"), "a row without a name is none");
    assert!(html.contains("<b dir=\"auto\">Other</b>"));
    let json: serde_json::Value =
        serde_json::from_str(&page(&chooser, "?q=zurich", "application/json")).unwrap();
    let choices = json["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 2, "what nobody sees in a name does not hide it from a search: {json}");
    assert!(choices.iter().all(|choice| choice["is_ambiguous"] == true));
    assert!(page(&chooser, "?q=other", "application/json").contains("\"is_ambiguous\":false"));
}

/// One takes the name of another with letters of other alphabets, or with letters and digits, that look the same. No
/// letters that look different are the same.
#[test]
fn names_of_letters_that_look_the_same_are_told_apart() {
    let names = [
        "University of Zurich",
        "Univ\u{435}rsity of Zuri\u{441}h",
        "\u{39d}orway Institute",
        "Norway Institute",
        "Indiana",
        "lndiana",
        "Kim",
        "\u{ff2b}i\u{1d426}",
        // In capitals only, and with one Cyrillic letter.
        "Institute of Basel",
        "\u{406}NSTI\u{422}UTE OF BASEL",
        "\u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{430}",
        "\u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{438}\u{447}",
        "Other",
    ];
    let entities: Vec<String> = (1_u32..)
        .zip(names)
        .map(|(number, name)| entity(&format!("https://{number}.example/idp"), name, "", ""))
        .collect();
    let json: serde_json::Value =
        serde_json::from_str(&page(&Chooser::new(list(&entities)), "", "application/json")).unwrap();
    let choices = json["choices"].as_array().unwrap();
    assert_eq!(choices.len(), names.len());
    for (place, name) in names.iter().enumerate() {
        let choice = choices.iter().find(|choice| choice["name"] == *name).unwrap();
        assert_eq!(choice["is_ambiguous"], place < 10, "{name}");
    }
}

/// One member makes no answer megabytes longer: neither the feed, which has all members, nor the page. Others are not
/// shortened for it.
#[test]
fn one_member_makes_no_answer_much_longer() {
    let text = |name: &str, value: &str| format!("<u:{name} xml:lang=\"en\">{value}</u:{name}>");
    let long = "word ".repeat(20_000);
    let logo =
        format!("<u:Logo height=\"30\" width=\"30\">https://logos.example/{}</u:Logo>", "l".repeat(60_000));
    let many: Vec<String> = ["Description", "DisplayName", "InformationURL", "PrivacyStatementURL"]
        .iter()
        .flat_map(|name| (0..6).map(|_| text(name, &format!("https://evil.example/{long}"))))
        .chain([format!("<u:Keywords xml:lang=\"en\">{long}</u:Keywords>"), logo.repeat(8)])
        .collect();
    let short = [text("Description", "Figures"), text("InformationURL", "https://uni.example/")].concat();
    let chooser = Chooser::new(list(&[
        entity("https://evil.example", &format!("Evil {long}"), &many.concat(), ""),
        entity("https://uni.example", "University", &short, ""),
    ]));
    let feed = chooser.feed(&HeaderMap::new());
    assert!(feed.body().len() < 64 * 1_024, "{}", feed.body().len());
    let feed: serde_json::Value = serde_json::from_slice(feed.body().as_ref()).unwrap();
    let of = |id: &str| feed.as_array().unwrap().iter().find(|one| one["entityID"] == id).unwrap();
    assert_eq!(of("https://uni.example")["Descriptions"][0]["value"], "Figures");
    assert_eq!(of("https://uni.example")["InformationURLs"][0]["value"], "https://uni.example/");
    let evil = of("https://evil.example");
    let name = evil["DisplayNames"][0]["value"].as_str().unwrap();
    assert!(name.starts_with("Evil word") && name.chars().count() <= 200, "{name}");
    assert_eq!(
        (&evil["Logos"], &evil["InformationURLs"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    for accept in ["text/html", "application/json"] {
        let page = page(&chooser.clone().load_logos_of_others(), "", accept);
        assert!(page.len() < 16 * 1_024, "{accept}: {}", page.len());
    }
}

/// A thousand requests of the feed hold one copy of it.
#[test]
fn the_feed_is_not_copied_for_each_request() {
    let chooser = Chooser::new(list(&[entity("https://uni.example", "University", "", "")]));
    let [one, other] = [chooser.feed(&HeaderMap::new()), chooser.clone().feed(&HeaderMap::new())];
    assert!(std::sync::Arc::ptr_eq(one.body(), other.body()));
}

/// One has the name of a university, in some language, and the domain that the university does not claim: a search finds it
/// alone.
#[test]
fn a_name_is_told_apart_from_those_that_are_not_found() {
    let german = r#"<u:DisplayName xml:lang="de">Universität Zürich</u:DisplayName>"#;
    let all = list(&[
        entity("https://university.example/idp", "University of Zurich", german, ""),
        entity("https://evil.example/idp", "University of Zurich", "", &hint("uni.example")),
        entity("https://bad.example/idp", "Universitat Zurich", "", &hint("bad.example")),
        entity("https://address.example/idp", "https://university.example/idp", "", &hint("address.example")),
        entity(
            "https://other.example/idp",
            "Other",
            r#"<u:DisplayName xml:lang="de">Other</u:DisplayName>"#,
            &hint("other.example"),
        ),
    ]);
    let chooser = Chooser::new(all);
    for (domain, is_ambiguous) in
        [("uni.example", true), ("bad.example", true), ("address.example", true), ("other.example", false)]
    {
        let json: serde_json::Value =
            serde_json::from_str(&page(&chooser, &format!("?q=ada@{domain}"), "application/json")).unwrap();
        assert_eq!(
            (&json["total"], &json["choices"][0]["is_ambiguous"]),
            (&1.into(), &is_ambiguous.into()),
            "{domain}"
        );
    }
    let html = page(&chooser, "?q=ada@uni.example", "text/html");
    assert!(html.contains("<small>https://evil.example/idp</small>"), "{html}");
}

/// What others show as links and images runs nothing, and one member does not fill the feed.
#[test]
fn the_feed_has_addresses_of_the_web_alone() {
    let logo = |address: &str| format!("<u:Logo height=\"30\" width=\"30\">{address}</u:Logo>");
    let text = |name: &str, value: &str| format!("<u:{name} xml:lang=\"en\">{value}</u:{name}>");
    let information = [
        text("InformationURL", "javascript:alert(1)"),
        text("InformationURL", "https://uni.example/über"),
        text("PrivacyStatementURL", "data:text/html,x"),
        text("PrivacyStatementURL", "HTTP://uni.example/privacy"),
        logo("javascript:alert(2)"),
        logo("data:text/html;base64,PHN2Zz4="),
        logo("https://logos.example/l.png"),
        logo(&format!("data:image/png;base64,{}", "A".repeat(17_000))),
        logo("data:image/png;base64,AAAA"),
    ];
    let many = vec![logo("https://logos.example/m.png"); 60].concat();
    let evil = "<img src=x onerror=alert(3)>\u{202e}";
    let chooser = Chooser::new(list(&[
        entity("https://a.example", evil, &information.concat(), ""),
        entity("https://b.example", "B", &many, ""),
    ]));
    let feed = chooser.feed(&HeaderMap::new());
    assert!(feed.body().len() < 3_000, "{:?}", feed.body());
    let feed: serde_json::Value = serde_json::from_slice(feed.body().as_ref()).unwrap();
    let (first, second) = match feed[0]["entityID"] == "https://a.example" {
        true => (&feed[0], &feed[1]),
        false => (&feed[1], &feed[0]),
    };
    let values = |name: &str| -> Vec<&str> {
        first[name].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect()
    };
    assert_eq!(values("InformationURLs"), ["https://uni.example/über"]);
    assert_eq!(values("PrivacyStatementURLs"), ["HTTP://uni.example/privacy"]);
    assert_eq!(values("Logos"), ["https://logos.example/l.png", "data:image/png;base64,AAAA"]);
    // A name is text, and the program that shows it escapes it. It sets no direction.
    assert_eq!(values("DisplayNames"), ["<img src=x onerror=alert(3)>"]);
    assert_eq!(second["Logos"].as_array().unwrap().len(), 8);
}

/// A search of as many words as fit, each of which is in every name but for the last.
#[test]
fn what_stands_after_eight_words_does_not_count() {
    let words = (0..100).map(|number| format!("w{number:02}")).collect::<Vec<_>>().join(" ");
    let keywords = format!("<u:Keywords xml:lang=\"en\">{words}</u:Keywords>");
    let entities: Vec<String> = (0..500)
        .map(|n| entity(&format!("https://{n}.example"), &format!("College {n}"), &keywords, ""))
        .collect();
    let all = list(&entities);
    let found = |text: &str| all.search(text, &["en"], 50).total;
    // Eight words are looked for, and no more: the ninth is in no name.
    assert_eq!(found("w90 w91 w92 w93 w94 w95 w96 zzz"), 0);
    assert_eq!(found("w90 w91 w92 w93 w94 w95 w96 w97 zzz"), 500);
    // A text is cut off after two hundred characters, also within a word.
    let long = |length: usize| format!("w90{}zzz", " ".repeat(length - 3));
    assert_eq!((found(&long(197)), found(&long(200))), (0, 500));
    // A word that stands there often counts once.
    assert_eq!(found("w01 w01 w01 w02 w02 w03 w04 w05 w06 w07 w08 zzz"), 500);
    assert_eq!(found("w01 zzz"), 0);
}

/// People choose among those whom the source speaks for.
#[test]
fn nobody_is_offered_whom_the_source_does_not_speak_for() {
    let own = EntityId::new("https://own.example").unwrap();
    let xml = document(&[
        entity("https://own.example", "Own", "", ""),
        entity("https://others.example", "Others", "", ""),
    ]);
    let source = TrustedSource::danger_by_transport_alone(SpeaksFor::entity(own));
    let now = "2026-11-24T00:00:00Z".parse().unwrap();
    let trusted = source.accept(xml, now, &Provider::rustcrypto()).unwrap();
    let offered = IdentityProviderList::of_trusted(&trusted);
    assert_eq!((offered.len(), offered.get("https://own.example").is_some()), (1, true));
}

/// The address in the metadata of a service has the parameter of the answer already, so that the answer would stand there twice.
#[test]
fn the_parameter_of_the_answer_is_free() {
    let metadata = |location: &str| {
        let xml = format!(
            r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:sp"><md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:Extensions
                 ><d:DiscoveryResponse xmlns:d="urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol" Binding="urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol" Location="{location}" index="1"/></md:Extensions
                 ><md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example/acs" index="1"/></md:SPSSODescriptor></md:EntityDescriptor>"#
        );
        MetadataDescription::read(xml.as_bytes()).unwrap().into_entities().pop().unwrap()
    };
    let ask = |query: &str, location: &str| {
        DiscoveryRequest::parse(query)
            .unwrap()
            .return_address(&metadata(location))
            .map_err(|error| error.code())
    };
    let taken = "https://sp.example/discovered?entityID=https://idp.evil.example";
    assert_eq!(ask("entityID=urn:sp", taken).unwrap_err(), "http.discovery_request");
    assert_eq!(ask("entityID=urn:sp&returnIDParam=idp", taken).unwrap().as_str(), taken);
    let escaped = "https://sp.example/discovered?%65ntityID=x";
    assert_eq!(ask("entityID=urn:sp", escaped).unwrap_err(), "http.discovery_request");
    let free = "https://sp.example/discovered?target=entityID";
    assert_eq!(ask("entityID=urn:sp", free).unwrap().as_str(), free);
    // A name with the characters of a query stays one name.
    let request = DiscoveryRequest::parse("entityID=urn:sp&returnIDParam=a%26entityID%3Dx%23%0d%0a").unwrap();
    let address = request.return_address(&metadata(free)).unwrap();
    let answer = request.answer(&address, Some(&EntityId::new("urn:idp").unwrap()));
    assert_eq!(answer, "https://sp.example/discovered?target=entityID&a%26entityID%3Dx%23%0D%0A=urn%3Aidp");
}

/// Identity providers that are looked up one at a time, by somebody who may be down, or give another one.
#[tokio::test]
async fn a_federation_that_is_asked_gives_nobody_else() {
    let okta =
        vouchsafe::IdentityProvider::from_metadata(IdentityProvider::okta().metadata().unwrap().as_bytes());
    let okta = okta.unwrap();
    let own = okta.entity_id().clone();
    let federation = QueriedFederation::new(move |name| {
        let answer = match name {
            EntityName::EntityId(id) if id.as_str() == "urn:down" => {
                Err(StoreError::unavailable(std::io::Error::other("down")))
            }
            EntityName::EntityId(id) if id.as_str() == "urn:nobody" => Ok(None),
            _ => Ok(Some(okta.clone())),
        };
        Box::pin(std::future::ready(answer))
    });
    let found = federation.discover(own.as_str()).await.unwrap().unwrap();
    assert_eq!(found.id(), &Federation::connection_id(&own).unwrap());
    let again = federation.find(found.id()).await.unwrap().unwrap();
    assert_eq!(again.identity_provider().entity_id(), &own);
    for nobody in ["urn:nobody", "urn:another", "two words", ""] {
        assert!(federation.discover(nobody).await.unwrap().is_none(), "{nobody}");
    }
    assert_eq!(federation.discover("urn:down").await.unwrap_err().code(), "store.unavailable");
    for nobody in ["acme", "00112233445566778899aabbccddeeff00112233"] {
        assert!(federation.find(&ConnectionId::new(nobody).unwrap()).await.unwrap().is_none(), "{nobody}");
    }
}

fn with_scopes(entity: &str, scopes: &[String]) -> String {
    let scope = |scope: &String| {
        format!(r#"<s:Scope xmlns:s="urn:mace:shibboleth:metadata:1.0" regexp="false">{scope}</s:Scope>"#)
    };
    let scopes: String = scopes.iter().map(scope).collect();
    entity.replacen("</md:Extensions", &format!("{scopes}</md:Extensions"), 1)
}

/// Federations check scopes, and nobody checks hints.
#[test]
fn an_address_finds_the_owner_of_its_scope_before_those_who_only_hint_at_it() {
    let evil = entity("https://evil.example", "A - University sign-in", "", &hint("victim.example"));
    let victim = entity("https://idp.victim.example", "Victim University", "", "");
    let victim = with_scopes(&victim, &["victim.example".into()]);
    let all = list(&[evil, victim]);
    let found = all.search("ada@victim.example", &["en"], 10);
    let names: Vec<&str> = found.choices.iter().map(|choice| choice.entity_id()).collect();
    assert_eq!(names, ["https://idp.victim.example", "https://evil.example"]);
    // The closest domain still comes first, whoever says so.
    let closer = entity("https://lab.example", "Laboratory", "", &hint("lab.victim.example"));
    let university =
        with_scopes(&entity("https://idp.victim.example", "V", "", ""), &["victim.example".into()]);
    let all = list(&[university, closer]);
    assert_eq!(
        all.search("ada@lab.victim.example", &["en"], 1).choices[0].entity_id(),
        "https://lab.example"
    );
}

/// Everybody who searches pays for the domains of each member.
#[test]
fn very_many_domains_of_one_member_are_not_all_searched_for_words() {
    let mut scopes: Vec<String> =
        (0..3_900).map(|number| format!("{number}.{}.example", "a".repeat(60))).collect();
    scopes.insert(0, format!("toolong.{}.example", "b".repeat(300)));
    scopes.insert(0, "first.example".into());
    scopes.push("last.example".into());
    let all = list(&[with_scopes(&entity("https://idp.example.com", "Somebody", "", ""), &scopes)]);
    let total = |text: &str| all.search(text, &["en"], 10).total;
    assert_eq!((total("first"), total("last"), total("toolong")), (1, 0, 0));
    // An address is compared with all of them: the identity provider of a whole country has very many.
    assert_eq!((total("ada@first.example"), total("ada@last.example")), (1, 1));
}
