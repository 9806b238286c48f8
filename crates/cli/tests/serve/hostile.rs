//! Text of a message stays text: in pages, in JSON, and in the printed lines.

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::Value;
use vouchsafe::xml::is_plain;
use vouchsafe_testkit::{Attribute, ResponseBuilder};

use crate::served::{Browser, FORM, Served, encoded, form};
use crate::support::Folder;

/// Markup, line breaks, C1, DEL, bidirectional controls, zero width, separators: what XML can hold.
const HOSTILE: &str = "</code><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&lt;b>x\nFORGED accepted\r\nFORGED\u{9b}2J\u{85}\u{7f}\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{e0041}\u{3164}";

/// Checks that a page has only our markup, and no invisible characters.
fn is_clean_page(what: &str, page: &str) {
    assert!(page.starts_with("<!DOCTYPE html>"), "{what}: {page}");
    for forged in ["<script", "<img", "<b>x", "onerror=alert(2)>"] {
        assert!(!page.contains(forged), "{what}: {forged} in {page}");
    }
    assert!(page.chars().all(is_plain), "{what}: {:?}", page.chars().find(|one| !is_plain(*one)));
}

/// Checks that JSON has only plain characters, except for line breaks between values.
fn is_clean_json(what: &str, text: &str) -> Value {
    assert!(text.chars().all(|one| one == '\n' || is_plain(one)), "{what}: {text:?}");
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_texts_stay_texts() {
    let folder = Folder::new("serve-hostile");
    let served = Served::start(&["--idp-metadata", &folder.path("idp.xml"), "--unsolicited", "accept"]);
    let browser = Browser::default();
    let changes: [fn(ResponseBuilder) -> ResponseBuilder; 9] = [
        |response| {
            let hostile = Attribute::new(HOSTILE, [HOSTILE, "b"]);
            response.name_id(HOSTILE).session_index(HOSTILE).attribute(hostile)
        },
        |response| response.audience(HOSTILE),
        |response| response.destination(HOSTILE),
        |response| response.recipient(HOSTILE),
        |response| response.issuer(HOSTILE),
        |response| response.assertion_issuer(HOSTILE),
        |response| response.in_response_to(HOSTILE),
        |response| response.status([HOSTILE, HOSTILE]),
        |response| response.confirmation_method(HOSTILE),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let issued = change(served.response()).issue().unwrap();
        let (status, page) = browser.post_for_page(&served, &issued, Some(HOSTILE)).await;
        is_clean_page(&format!("{place}"), &page);
        assert_eq!(status, if place == 0 { 200 } else { 403 }, "{place}");
        let posted = served.post("/saml/acs").header(CONTENT_TYPE, FORM).header(ACCEPT, "application/json");
        let again = browser.send(posted.body(form(&issued, None))).await.text().await.unwrap();
        is_clean_json(&format!("{place}"), &again);
    }
    // The text has the same content.
    let session = browser.send(served.get("/session")).await.text().await.unwrap();
    let session = is_clean_json("session", &session);
    let normal = HOSTILE.replace("\r\n", "\n");
    assert_eq!(session["name_id"].as_str().unwrap().replace("\r\n", "\n"), normal);
    is_clean_json("sessions", &served.page("/sessions").await);

    let query = encoded(&format!("{HOSTILE}\u{1b}[31m\0"));
    for path in [
        format!("/saml/login?idp={query}"),
        format!("/saml/login?{query}={query}"),
        format!("/saml/login?force={query}"),
        format!("/{query}"),
    ] {
        is_clean_page(&path, &served.page(&path).await);
        let json = served.get(&path).header(ACCEPT, "application/json").send().await.unwrap();
        is_clean_json(&path, &json.text().await.unwrap());
    }
    let page = served.page("/").await;
    is_clean_page("overview", &page);
    assert!(page.contains("FORGED"), "it is shown");
    for line in served.printed_text().lines() {
        assert!(line.chars().all(is_plain), "{line:?}");
        serde_json::from_str::<Value>(line).unwrap();
    }
}

/// Each line for people is escaped too.
#[test]
fn lines_for_people_are_escaped_too() {
    use std::io::{BufRead, BufReader};
    let folder = Folder::new("serve-lines");
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_vouchsafe"))
        .args(["serve", "--base-url", "http://127.0.0.1:0", "--idp-metadata", &folder.path("idp.xml")])
        .args(["--unsolicited", "accept"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Ending(child);
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let base = first.rsplit_once(' ').unwrap().1.to_owned();
    assert_eq!(first, format!("listening at {base}; open {base}"));
    let okta = vouchsafe_testkit::IdentityProvider::okta();
    let issued = okta.response().status([HOSTILE]).issue().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(format!("{base}/saml/acs")).header(CONTENT_TYPE, FORM);
        assert_eq!(request.body(form(&issued, None)).send().await.unwrap().status(), 403);
    });
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("refused [assertion.status]: ") && line.contains(r"\nFORGED"), "{line}");
    assert!(line.chars().all(is_plain), "{line:?}");
}

/// A process that is stopped at the end of its test.
struct Ending(std::process::Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
