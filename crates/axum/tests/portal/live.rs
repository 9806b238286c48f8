//! The portal with an identity provider of another maker, and in Chromium at two widths. These tests run only if
//! `VOUCHSAFE_INTEROP` is set, since the scripts install software.

use std::path::Path;
use std::process::Command;

use vouchsafe::ConnectionState;
use vouchsafe_store::SetUpPurpose;
use vouchsafe_testkit as testkit;
use vouchsafe_testkit::server::{App as OktaApp, Config, User, start};

use crate::identity_provider::{IdentityProviderProcess, Landed, SIMPLESAMLPHP, shared_folder};
use crate::world::{World, acme};

#[tokio::test]
async fn simplesamlphp_is_set_up_by_a_link() {
    let Some(shared) = shared_folder() else { return };
    let world = World::make().await;
    let metadata = world.browser().get("/saml/metadata").await.body;
    let (entity_id, consumer) =
        (format!("{}/saml/metadata", world.address), format!("{}/saml/acs", world.address));
    let process = IdentityProviderProcess::start(&shared, &SIMPLESAMLPHP, 7342, &[], &metadata, &entity_id);
    // The attribute names of SimpleSAMLphp, and the domain of its test user.
    let policy = "[attributes]\nemail = 'mail'\nfirst_name = 'givenName'\nlast_name = 'sn'\n[admission]\ndomains = 'any'\n";
    vouchsafe_store::Directory::set_policy(&world.store, &acme(), policy, &crate::world::author())
        .await
        .unwrap();

    let (browser, ..) = world.at_values(acme()).await;
    let form = browser.get("/set-up/metadata").await;
    let trial = browser.submit(&form, "/set-up/metadata", &[("metadata_url", &process.metadata_url)]).await;
    trial.is(200).says("Try a sign-in");
    let before = world.people(&acme()).await;
    let on = browser.submit(&trial, "/set-up/trial", &[]).await;
    let landed = process.browse(&on.leads_to(), &consumer);
    let shown = world.carry(&browser, &carried(&landed)).await;
    shown.is(200).says("The sign-in would be accepted.").says("Creates an account");
    assert_eq!(world.people(&acme()).await, before);
    let page = browser.get("/set-up/activate").await;
    browser.submit(&page, "/set-up/activate", &[]).await.is(200).says("Single sign-on is set up");
    let [active] = world.connections(&acme(), ConnectionState::Active).await.try_into().unwrap();

    let person = world.browser();
    let asked = person.get_unfollowed(&format!("/saml/login?organization={}", active.id)).await;
    let landed = process.browse(asked.header("location"), &consumer);
    let home = world.carry(&person, &carried(&landed)).await;
    assert_eq!((home.status, home.body.as_str()), (200, "acme"));
}

/// A browser goes from the link to an active connection, at two widths: nothing is wider than the window, every field
/// has its label, and nothing violates the Content-Security-Policy. Screenshots are written to the folder in
/// `VOUCHSAFE_SCREENSHOTS`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_sets_up_by_a_link() {
    let Some(shared) = shared_folder() else { return };
    for width in [360, 1280] {
        let world = World::make().await;
        let server = start(Config::default()).await.unwrap();
        let okta = server.okta();
        okta.add_user(User::new("ada@example.com", "Ada", "Lovelace").in_groups(["Everyone"]));
        let metadata = world.browser().get("/saml/metadata").await.body;
        let tile = okta.add_app(OktaApp::from_metadata("Loadbench", metadata.as_bytes()).unwrap());
        okta.assign(&tile, "ada@example.com").unwrap();
        let (secret, _) = world.link(acme(), SetUpPurpose::Everything).await;
        let wanted = serde_json::json!({
            "width": width,
            "link": format!("{}{}", world.address, world.set_up.link_path(&secret)),
            "origin": world.address,
            "metadata": okta.metadata_url(&tile).unwrap(),
            "screenshots": std::env::var("VOUCHSAFE_SCREENSHOTS").ok(),
        });
        let scripts = shared.clone();
        let seen = tokio::task::spawn_blocking(move || browse(&scripts, &wanted)).await.unwrap();
        println!("chromium at {width}: {seen}");
        assert_eq!(seen["complaints"], serde_json::json!([]));
        assert_eq!(seen["pages"].as_array().unwrap().len(), 11);
        assert!(seen["end"].as_str().unwrap().contains("Single sign-on is set up for Acme & Sons <Ltd>"));
        assert_eq!(world.connections(&acme(), ConnectionState::Active).await.len(), 1);
        server.stop().await;
    }
}

/// Newer metadata that waits, in a browser at two widths: what would change, the forms, and what was refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_judges_newer_metadata() {
    let Some(shared) = shared_folder() else { return };
    for width in [360, 1280] {
        let world = World::make().await;
        let (_, active) = crate::later::connected(&world).await;
        // It has signed somebody in, and has announced the next key and another address.
        crate::later::sign_in(&world, &active, &testkit::IdentityProvider::okta(), "ada@example.com").await;
        let next = testkit::keys::other_identity_provider().certificate();
        let newer = testkit::IdentityProvider::okta().with_next_certificate(next).metadata().unwrap();
        crate::newer_metadata::stage(&world, &active.id, &newer.replace("/sso/saml", "/sso/other")).await;
        let (secret, _) = world.link(acme(), SetUpPurpose::Everything).await;
        let wanted = serde_json::json!({
            "width": width,
            "link": format!("{}{}", world.address, world.set_up.link_path(&secret)),
            "origin": world.address,
            "walk": "judge",
            "screenshots": std::env::var("VOUCHSAFE_SCREENSHOTS").ok(),
        });
        let scripts = shared.clone();
        let seen = tokio::task::spawn_blocking(move || browse(&scripts, &wanted)).await.unwrap();
        println!("chromium at {width}: {seen}");
        assert_eq!(seen["complaints"], serde_json::json!([]));
        assert_eq!(seen["pages"].as_array().unwrap().len(), 4);
        let [active] = world.connections(&acme(), ConnectionState::Active).await.try_into().unwrap();
        assert_eq!((active.staged, active.refused), (None, Vec::new()));
    }
}

/// Newer metadata of the present identity provider, given by a link in a browser at two widths.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_gives_newer_metadata() {
    let Some(shared) = shared_folder() else { return };
    for width in [360, 1280] {
        let world = World::make().await;
        let (_, active) = crate::later::connected(&world).await;
        let newer = testkit::IdentityProvider::okta().with_key(testkit::keys::other_identity_provider());
        *world.published.lock().unwrap() = newer.metadata().unwrap();
        let (secret, _) = world.link(acme(), SetUpPurpose::Connection).await;
        let wanted = serde_json::json!({
            "width": width,
            "link": format!("{}{}", world.address, world.set_up.link_path(&secret)),
            "origin": world.address,
            "metadata": world.metadata_url(),
            "walk": "renew",
            "screenshots": std::env::var("VOUCHSAFE_SCREENSHOTS").ok(),
        });
        let scripts = shared.clone();
        let seen = tokio::task::spawn_blocking(move || browse(&scripts, &wanted)).await.unwrap();
        println!("chromium at {width}: {seen}");
        assert_eq!(seen["complaints"], serde_json::json!([]));
        assert_eq!(seen["pages"].as_array().unwrap().len(), 5);
        let [draft] = world.connections(&acme(), ConnectionState::Draft).await.try_into().unwrap();
        assert_eq!(draft.identity_provider, active.identity_provider);
    }
}

/// What a browser posts to the service.
fn carried(landed: &Landed) -> Vec<(&'static str, String)> {
    let form = landed.form();
    let fields = form_urlencoded::parse(form.as_bytes());
    let named = fields.filter_map(|(name, value)| {
        let name = ["SAMLResponse", "RelayState"].into_iter().find(|known| *known == name)?;
        Some((name, value.into_owned()))
    });
    named.collect()
}

fn browse(shared: &Path, wanted: &serde_json::Value) -> serde_json::Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/portal/chromium.js");
    let setup = ". \"$0/lib.sh\"; ensure_apt chromium; ensure_npm \"$IDPS_DIR/browser\" browser; \
                 export NODE_PATH=$NPM_DIR/node_modules; exec node \"$@\"";
    let output = Command::new("bash")
        .arg("-c")
        .arg(setup)
        .arg(shared)
        .arg(script)
        .arg(wanted.to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
