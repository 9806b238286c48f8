//! The headers of every answer, unanswered requests, invalid arguments, and the end of the process.

use reqwest::header::{ACCEPT, HOST};
use vouchsafe_testkit::{IdentityProvider, OKTA_ENTITY_ID};

use crate::served::{Browser, Served};
use crate::support::{Folder, vouchsafe};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_headers() {
    let folder = Folder::new("serve-headers");
    let served = Served::start(&["--idp-metadata", &folder.path("idp.xml")]);
    let browser = Browser::default();
    for path in [
        "/",
        "/session",
        "/sessions",
        "/saml/metadata",
        "/saml/login",
        "/saml/acs",
        "/nothing",
        "/saml/login?x",
    ] {
        for accept in ["text/html", "application/json"] {
            let response = browser.send(served.get(path).header(ACCEPT, accept)).await;
            let headers = response.headers();
            let policy = headers["content-security-policy"].to_str().unwrap();
            assert!(
                policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"),
                "{path}"
            );
            assert!(!policy.contains("script-src"), "{path}");
            // Our metadata may be kept, and is asked for again each time.
            let kept = if path == "/saml/metadata" { "no-cache" } else { "no-store" };
            for (name, value) in [
                ("cache-control", kept),
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "no-referrer"),
            ] {
                assert_eq!(headers[name], value, "{path} {name}");
            }
            assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
        }
    }
}

/// DNS rebinding: a page of another site whose host name resolves to this service.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_host_is_not_answered() {
    let folder = Folder::new("serve-host");
    let served = Served::start(&["--idp-metadata", &folder.path("idp.xml"), "--unsolicited", "accept"]);
    let browser = Browser::default();
    assert_eq!(browser.post(&served, &served.response().issue().unwrap(), None).await.0, 200);
    for path in ["/", "/session", "/sessions", "/saml/metadata"] {
        let response = browser.send(served.get(path).header(HOST, "evil.example")).await;
        assert_eq!(response.status(), 421, "{path}");
        assert!(!response.text().await.unwrap().contains("ada@example.com"));
    }
    let port = served.base.rsplit_once(':').unwrap().1;
    let own = browser.send(served.get("/sessions").header(HOST, format!("localhost:{port}"))).await;
    assert_eq!(own.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_metadata_is_what_metadata_show_reads() {
    let folder = Folder::new("serve-metadata");
    let key = folder.path("sp.key");
    let certificate = folder.path("sp.crt");
    let served = Served::start(&[
        "--idp-metadata",
        &folder.path("idp.xml"),
        "--key",
        &key,
        "--certificate",
        &certificate,
        "--decryption-key",
        &key,
        "--require-signed-assertion",
    ]);
    let response = served.get("/saml/metadata").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/samlmetadata+xml");
    let xml = response.text().await.unwrap();
    assert!(xml.contains("AuthnRequestsSigned=\"true\"") && xml.contains("WantAssertionsSigned=\"true\""));
    let shown = vouchsafe(["metadata", "show", &folder.write("sp.xml", &xml), "--format", "json"]);
    assert_eq!(shown.status, 0, "{shown:?}");
    assert!(shown.stdout.contains(&served.url("/saml/acs")));
    // The key signs and decrypts, so one KeyDescriptor without `use` has it.
    let own = vouchsafe_testkit::keys::service_provider().certificate().to_base64();
    let own: String = own.split_whitespace().collect();
    assert_eq!(xml.split_whitespace().collect::<String>().matches(&own).count(), 1, "{xml}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_when_it_is_told_to() {
    let folder = Folder::new("serve-stop");
    let served = Served::start(&["--idp-metadata", &folder.path("idp.xml")]);
    assert_eq!(served.listening, served.base);
    assert!(served.page("/").await.contains(OKTA_ENTITY_ID));
    let begun = std::time::Instant::now();
    assert_eq!(served.stop(), Some(0));
    assert!(begun.elapsed().as_secs() < 5, "an open connection holds nobody up: {:?}", begun.elapsed());
}

#[test]
fn what_cannot_be_started_says_why() {
    let folder = Folder::new("serve-wrong");
    let metadata = folder.path("idp.xml");
    let twice = ["--idp-metadata", &metadata, "--idp-metadata", &metadata];
    let text = folder.write("text.xml", "no metadata");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let other = IdentityProvider::other().metadata().unwrap();
    folder.write("other.xml", other);
    let loopback = "http://127.0.0.1:0";
    let key = folder.path("sp.key");
    let wrong_certificate = folder.path("evil.crt");
    for (base, arguments, says) in [
        (loopback, twice.to_vec(), "cli.idp_metadata"),
        (loopback, vec!["--idp-metadata", &text], "\"code\": \"xml."),
        (loopback, vec!["--idp-metadata", "gone.xml"], "cli.file"),
        (loopback, vec!["--idp-metadata", "http://127.0.0.1:9/metadata"], "client.exchange"),
        (loopback, vec!["--idp-metadata", "http://example.com/metadata"], "client.forbidden_address"),
        (loopback, vec!["--idp-metadata", "http://10.0.0.1/metadata"], "client.forbidden_address"),
        (loopback, vec!["--idp-metadata", &metadata, "--listen", &taken], "cli.listen"),
        (loopback, vec!["--idp-metadata", &metadata, "--skew", "301"], "--skew"),
        (loopback, vec!["--idp-metadata", &metadata, "--danger-allow", "urn:md5"], "--danger-allow"),
        (loopback, vec!["--idp-metadata", &metadata, "--key", &key], "--certificate"),
        (
            loopback,
            vec!["--idp-metadata", &metadata, "--key", &key, "--certificate", &wrong_certificate],
            "binding.certificate_mismatch",
        ),
        (loopback, vec![], "--idp-metadata"),
        ("http://sp.example.com", vec!["--idp-metadata", &metadata, "--listen", "127.0.0.1:0"], "--base-url"),
        ("sp.example.com", vec!["--idp-metadata", &metadata], "cli.base_url"),
        ("http://127.0.0.1:0/?a", vec!["--idp-metadata", &metadata], "cli.base_url"),
    ] {
        let error =
            Served::start_at(base, &arguments).err().unwrap_or_else(|| panic!("{base} {arguments:?}"));
        assert!(error.contains(says), "{base} {arguments:?}: {error}");
    }
}
