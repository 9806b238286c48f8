//! Keys of the service that are being replaced: the step, and what the customer's administrator does in which console.

use std::time::Duration;

use chrono::TimeDelta;
use vouchsafe::metadata::{OwnKeyUse, OwnRollover};
use vouchsafe_store::SetUpPurpose;
use vouchsafe_testkit::keys;

use crate::world::{Differences, World, acme};

const WEEK: Duration = Duration::from_secs(7 * 86_400);

#[tokio::test]
async fn each_step_says_what_is_to_be_done_in_which_console() {
    let world = World::make_with(Differences { announces_a_key: true, ..Differences::default() }).await;
    let (browser, _, _) = world.at_values(acme()).await;
    browser.get("/set-up").await.says_not("We replace");
    let tell = |rollover: OwnRollover| *world.rollovers.lock().unwrap() = vec![rollover];

    let mut signing = OwnRollover::new(OwnKeyUse::Signing, WEEK);
    tell(signing.clone());
    let page = browser.get("/set-up").await;
    page.says("We replace the key that signs our requests")
        .says("We put the next certificate into our metadata.");
    page.says("There is nothing for you to do now.").says_not("Signature Certificate");
    // Nothing has to be waited for.
    page.says("<dt>Why</dt><dd>Identity providers must know").says_not("Why not sooner");

    // A planned time: nobody is told to take a certificate that is not published.
    signing.published_at = Some(world.now() + TimeDelta::days(1));
    tell(signing.clone());
    browser.get("/set-up").await.says("not before ").says("There is nothing for you to do now.");

    signing.published_at = Some(world.now());
    tell(signing.clone());
    let earliest = (world.now() + TimeDelta::days(7)).format("%Y-%m-%d %H:%M UTC").to_string();
    let page = browser.get("/set-up").await;
    page.says(&format!("We sign with the next key, not before {earliest}."));
    page.says("<dt>Why not sooner</dt><dd>Identity providers that have not read our metadata");
    page.says("In Okta: ").says("Signature Certificate").says("next-signing.pem");
    let file = browser.get("/set-up/next-signing.pem").await;
    assert_eq!(file.is(200).body, keys::other_identity_provider().certificate().to_pem());

    // The switch-over is planned, and not done.
    signing.switched_at = Some(world.now() + TimeDelta::days(14));
    tell(signing.clone());
    let page = browser.get("/set-up").await;
    page.says("We sign with the next key, not before ")
        .says("Signature Certificate")
        .says("next-signing.pem");
    page.says_not("There is nothing for you to do now.");

    signing.switched_at = Some(world.now());
    tell(signing.clone());
    browser.get("/set-up").await.says("We remove the old key").says("There is nothing for you to do now.");
    signing.removed_at = Some(world.now());
    tell(signing);
    browser.get("/set-up").await.says_not("We replace");

    // Of a decryption key the order is another: the identity provider may take it as soon as it is published.
    let mut decryption = OwnRollover::new(OwnKeyUse::Decryption, WEEK);
    tell(decryption.clone());
    browser
        .get("/set-up")
        .await
        .says("We give the next key to all of our machines.")
        .says("nothing for you to do");
    decryption.loaded_at = Some(world.now());
    decryption.published_at = Some(world.now());
    tell(decryption);
    let page = browser.get("/set-up").await;
    page.says("We replace the key that opens encrypted assertions")
        .says("We remove the old key, not before ");
    page.says("Encryption Certificate").says("/set-up/next-encryption.pem");
}

/// Without a product no field is known, a product may keep no certificate of ours, and a link for domains shows none of it.
#[tokio::test]
async fn what_is_not_known_is_asked_for_and_what_is_not_needed_is_not() {
    let world = World::make_with(Differences { announces_a_key: true, ..Differences::default() }).await;
    let mut signing = OwnRollover::new(OwnKeyUse::Signing, WEEK);
    signing.published_at = Some(world.now());
    *world.rollovers.lock().unwrap() = vec![signing];
    let (secret, _) = world.link(acme(), SetUpPurpose::Everything).await;
    let (browser, overview) = world.opened(&secret).await;
    overview.says("Choose your product, and this page shows the field");
    let products = browser.get("/set-up/product").await;
    browser.submit(&products, "/set-up/product", &[("product", "google")]).await.is(200);
    browser.get("/set-up").await.says("Google Workspace keeps no certificate of ours for this.");

    let (domains, _) = world.link(acme(), SetUpPurpose::Domains).await;
    let (_, overview) = world.opened(&domains).await;
    overview.says_not("We replace");

    // A service without such a certificate has no file of it.
    let other = World::make().await;
    let (browser, _, _) = other.at_values(acme()).await;
    browser.get("/set-up/next-signing.pem").await.is(404);
}

/// What is encrypted to the service's key cannot be decrypted over a connection with a key of its own.
#[tokio::test]
async fn a_connection_with_an_own_key_is_given_no_certificate_of_the_service() {
    let of_the_service = keys::service_provider().certificate().to_pem();
    for own_keys in [true, false] {
        let differences = Differences { announces_a_key: true, own_keys, ..Differences::default() };
        let world = World::make_with(differences).await;
        let expected = if own_keys {
            keys::old_service_provider().certificate().to_pem()
        } else {
            of_the_service.clone()
        };
        let mut decryption = OwnRollover::new(OwnKeyUse::Decryption, WEEK);
        (decryption.loaded_at, decryption.published_at) = (Some(world.now()), Some(world.now()));
        *world.rollovers.lock().unwrap() = vec![decryption];

        // Before there is a connection, with a draft, and with the active connection.
        let (browser, _, values) = world.at_values(acme()).await;
        values.says("Encryption certificate");
        assert_eq!(browser.get("/set-up/encryption.pem").await.is(200).body, expected);
        assert_eq!(browser.get("/set-up").await.body.contains("We replace the key"), !own_keys);
        let form = browser.get("/set-up/metadata").await;
        browser.submit(&form, "/set-up/metadata", &[("metadata_url", &world.metadata_url())]).await.is(200);
        assert_eq!(browser.get("/set-up/encryption.pem").await.is(200).body, expected);
        let okta = vouchsafe_testkit::IdentityProvider::okta();
        world.tried(&browser, &okta, "ada@example.com").await.says("would be accepted");
        let page = browser.get("/set-up/activate").await;
        browser.submit(&page, "/set-up/activate", &[]).await.is(200);
        let (secret, _) = world.link(acme(), SetUpPurpose::Everything).await;
        let (browser, overview) = world.opened(&secret).await;
        assert_eq!(overview.body.contains("We replace the key"), !own_keys, "{}", overview.body);
        assert_eq!(browser.get("/set-up/next-encryption.pem").await.is(200).body, of_the_service);
    }
}
