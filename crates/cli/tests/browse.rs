//! `vouchsafe doctor --browse` as a process, over HTTP.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "tests fail by panicking, and use a part of what tests share"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use support::{Folder, response, vouchsafe};
use vouchsafe::crypto::base64_encode;
use vouchsafe_testkit::{ASSERTION_CONSUMER, SERVICE_PROVIDER};

/// The page in a process of its own.
struct Browse {
    process: Child,
    address: String,
    client: reqwest::Client,
}

impl Drop for Browse {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Browse {
    fn start(arguments: &[&str]) -> Browse {
        let mut process = Command::new(env!("CARGO_BIN_EXE_vouchsafe"))
            .args(["--format", "json", "doctor", "--browse"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = told["listening"].as_str().unwrap().trim_end_matches('/').to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{address}");
        Browse { process, address, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn examined(&self, fields: &[(&str, &str)]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let sent = self.post(form.finish()).send().await.unwrap();
        assert_eq!(sent.status(), 200);
        sent.text().await.unwrap()
    }

    fn post(&self, body: String) -> reqwest::RequestBuilder {
        let request = self.client.post(format!("{}/examine", self.address));
        request.header("content-type", "application/x-www-form-urlencoded").body(body)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pasted_response_is_explained_beside_itself() {
    let folder = Folder::new("browse");
    let browse = Browse::start(&[&folder.path("idp.xml"), "--entity-id", "https://other.example/saml"]);
    let start = browse.client.get(&browse.address).send().await.unwrap();
    let policy = start.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'; script-src 'sha256-"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(start.headers()[name], value);
    }
    let start = start.text().await.unwrap();
    assert!(start.contains("<textarea id=\"text\" name=\"text\"") && start.contains("idp.xml"));
    // The policy names the only script.
    assert_eq!(start.matches("<script").count(), 1);

    let xml = response().issue().unwrap().into_xml();
    let page = browse.examined(&[("text", &xml)]).await;
    assert!(
        page.contains("<h1>What is wrong</h1>") && page.contains("<code>assertion.audience</code>"),
        "{page}"
    );
    let mark = page.split_once("<mark id=\"marked-0\">").unwrap().1.split_once("</mark>").unwrap().0;
    assert!(
        mark.contains("AudienceRestriction") && mark.contains(vouchsafe_testkit::SERVICE_PROVIDER),
        "{mark}"
    );
    assert!(page.contains("<a href=\"#marked-0\">"));
}

/// The metadata that defines whom to trust and who we are can be pasted together with the message, also without
/// JavaScript.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_can_be_pasted_beside_a_message() {
    let browse = Browse::start(&[]);
    let start = browse.client.get(&browse.address).send().await.unwrap().text().await.unwrap();
    assert_eq!(start.matches("<textarea").count(), 3);
    assert_eq!(start.matches("name=\"text\"").count(), 3);
    let xml = response().audience("https://other.example").issue().unwrap().into_xml();
    let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata().unwrap();
    let ours = vouchsafe(["metadata", "sp", "--entity-id", SERVICE_PROVIDER, "--acs", ASSERTION_CONSUMER]);
    let page = browse.examined(&[("text", &xml), ("text", &metadata), ("text", &ours.stdout)]).await;
    for text in ["<code>assertion.audience</code>", "the second pasted text", "the third pasted text"] {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
    assert!(!page.contains("doctor.unverified_sender"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_files_are_looked_at_together() {
    let browse = Browse::start(&["--entity-id", vouchsafe_testkit::SERVICE_PROVIDER]);
    let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata().unwrap();
    let encoded = base64_encode(response().issue().unwrap().xml().as_bytes());
    let har = serde_json::json!({"log": {"entries": [
        {"request": {"method": "POST", "url": vouchsafe_testkit::ASSERTION_CONSUMER, "postData": {"params": [{"name": "SAMLResponse", "value": encoded}]}},
         "response": {"status": 403}}
    ]}});
    let page = browse
        .examined(&[
            ("name", "sign-in.har"),
            ("base64", &base64_encode(har.to_string().as_bytes())),
            ("name", "okta.xml"),
            ("base64", &base64_encode(metadata.as_bytes())),
        ])
        .await;
    for text in [
        "The cause</span> is at request 1",
        "doctor.refused_here",
        "okta.xml: identity provider metadata",
        "Not judged",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let nothing = browse.examined(&[("text", "  ")]).await;
    assert!(nothing.contains("What is wrong with it?"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_this_machine_and_its_own_form_are_answered() {
    let browse = Browse::start(&[]);
    let get = |host: &str| browse.client.get(&browse.address).header("host", host).send();
    let port = browse.address.rsplit(':').next().unwrap();
    assert_eq!(get(&format!("localhost:{port}")).await.unwrap().status(), 200);
    for host in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        "127.0.0.1:1".to_owned(),
        "localhost".to_owned(),
    ] {
        assert_eq!(get(&host).await.unwrap().status(), 421, "{host}");
    }
    for (name, value, status) in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("sec-fetch-site", "same-origin", 200),
        ("origin", "http://evil.example", 403),
        ("origin", "null", 403),
        ("origin", browse.address.as_str(), 200),
    ] {
        let sent = browse.post("text=x".to_owned()).header(name, value).send().await.unwrap();
        assert_eq!(sent.status(), status, "{name}: {value}");
        assert!(sent.headers().contains_key("content-security-policy"));
    }
    assert_eq!(browse.client.get(format!("{}/x", browse.address)).send().await.unwrap().status(), 404);

    let open = vouchsafe(["doctor", "--browse", "--listen", "0.0.0.0:0"]);
    assert!(open.status == 2 && open.stderr.contains("is reached from other machines"), "{open:?}");
    assert_eq!(vouchsafe(["doctor", "--listen", "127.0.0.1:0", "x"]).status, 2);
}

/// Names, values and content that is not XML never become markup, and only our script runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_texts_stay_texts() {
    let browse = Browse::start(&[]);
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let response = response()
        .audience(evil)
        .issuer(evil)
        .name_id(evil)
        .attribute(vouchsafe_testkit::Attribute::new(evil, [evil]))
        .issue()
        .unwrap();
    let har = serde_json::json!({"requests": [{"method": evil, "url": format!("https://x/?SAMLResponse=x&{evil}"), "post": [["SAMLResponse", response.to_base64()]]}]});
    for fields in [
        vec![("text", evil)],
        vec![("text", response.xml())],
        vec![("name", evil), ("base64", evil)],
        vec![("name", evil), ("base64", har.to_string().as_str())],
    ] {
        let page = browse.examined(&fields).await;
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        assert!(!page.contains("<img") && !page.contains("alert(2)>"), "{page}");
    }
}
