//! What must be refused. The browser learns a reference; the code comes out of the service's own record under it.

use vouchsafe::crypto::{base64_decode, base64_encode};
use vouchsafe::provisioning::Actor;
use vouchsafe_store::PendingStore;
use vouchsafe_testkit::server::App as OktaApp;

use super::browser::{Browser, Form, Visit};
use super::world::{ADA, World, unexpected};
use super::{Outcome, require};
use crate::failure::Failure;
use crate::{connect, seed};

/// Step 1 of the journey: only an organization that pays for it is converted.
pub(super) async fn not_entitled(world: &World) -> Outcome {
    let owner = Browser::new()?;
    let (email, password) = (seed::owner_email("initech.example"), world.app.owner_password.reveal());
    owner
        .post(&format!("{}/sign-in/password", world.service), &[("email", &email), ("password", password)])
        .await?;
    let metadata_url = world.okta.metadata_url(&world.tile)?;
    let page = owner
        .post(&format!("{}/settings/connect", world.service), &[("metadata_url", &metadata_url)])
        .await?;
    require(page.status == 422 && page.shows("provisioning.not_entitled"), || unexpected(&page))?;
    Ok("refused (provisioning.not_entitled)".to_owned())
}

/// Somebody begins a sign-in and has the answer posted by another person's browser.
pub(super) async fn in_another_browser(world: &World) -> Outcome {
    let form = world.by_button(&Browser::new()?, "acme").await?;
    // The other browser is sent to the identity provider, where it is nobody, and once only.
    let other = Browser::new()?;
    let page = other.submit(&form).await?;
    require(page.url.starts_with(&world.identity_provider()) && page.saml_form().is_err(), || {
        unexpected(&page)
    })?;
    refused(world, &other.submit(&form).await?, "http.no_pending_request")
}

/// The answer is posted when its request is over. The sign-in begins anew by itself, and the identity provider answers at once.
pub(super) async fn late(world: &World) -> Outcome {
    let browser = Browser::new()?;
    let form = world.by_button(&browser, "acme").await?;
    let handle = form.field("RelayState").unwrap_or_default();
    world.app.store.remove_pending(handle).await?;
    let page = browser.submit(&form).await?;
    require(page.url.starts_with(&world.identity_provider()), || unexpected(&page))?;
    let again = page.saml_form()?;
    let home = browser.submit(&again).await?;
    require(home.shows("Signed in as"), || unexpected(&home))?;
    Ok("sent to the identity provider anew, and signed in".to_owned())
}

pub(super) async fn replayed(world: &World) -> Outcome {
    let browser = Browser::new()?;
    let form = world.by_dashboard(&browser).await?;
    let first = browser.submit(&form).await?;
    require(first.shows("Signed in as"), || unexpected(&first))?;
    refused(world, &Browser::new()?.submit(&form).await?, "assertion.replayed")
}

/// Unencrypted for once, so that there is something to put in.
pub(super) async fn tampered(world: &World) -> Outcome {
    let certificate = world.okta.app(&world.tile)?.encryption_certificate;
    world.okta.update_app(&world.tile, |app| app.encryption_certificate = None)?;
    let browser = Browser::new()?;
    let mut form = world.by_dashboard(&browser).await?;
    world.okta.update_app(&world.tile, |app| app.encryption_certificate = certificate)?;

    let xml = message(&form)?;
    require(xml.contains(ADA), || "the response does not name the person".to_owned())?;
    form.set("SAMLResponse", base64_encode(xml.replace(ADA, "eve@acme.example").as_bytes()));
    refused(world, &browser.submit(&form).await?, "signature.digest_mismatch")
}

pub(super) async fn tampered_ciphertext(world: &World) -> Outcome {
    let browser = Browser::new()?;
    let mut form = world.by_dashboard(&browser).await?;
    let xml = message(&form)?;
    let (before, after) =
        xml.rsplit_once("CipherValue>").ok_or_else(|| Failure::new("there is no ciphertext"))?;
    let mut before: Vec<char> = before.chars().collect();
    // Some way before the end of the last value, which is that of the assertion or of its key.
    let place = before.len().saturating_sub(100);
    if let Some(character) = before.get_mut(place) {
        *character = if *character == 'A' { 'B' } else { 'A' };
    }
    let changed = format!("{}CipherValue>{after}", before.into_iter().collect::<String>());
    form.set("SAMLResponse", base64_encode(changed.as_bytes()));
    refused(world, &browser.submit(&form).await?, "signature.digest_mismatch")
}

/// Globex is a customer too, with an identity provider and a token of its own. Acme's identity provider sends that token.
pub(super) async fn token_of_another_organization(world: &World, owner: &Browser) -> Outcome {
    let metadata = owner.get(&format!("{}/saml/metadata", world.service)).await?;
    let other = world.okta.add_app(OktaApp::from_metadata("Loadbench for Globex", metadata.body.as_bytes())?);
    let stolen =
        connect::convert(&world.app, Actor::Operator, &"globex".into(), &world.okta.metadata_url(&other)?)
            .await?;
    let page = with_token(world, &stolen).await?;
    refused(world, &page, "provisioning.organization_mismatch")
}

/// The page that refuses it.
pub(super) async fn without_token(world: &World) -> Result<Visit, Failure> {
    with_token(world, "").await
}

pub(super) async fn no_token(world: &World) -> Outcome {
    let page = without_token(world).await?;
    refused(world, &page, "provisioning.token_missing")
}

/// A page of another site posts the owner's forms, as if the browser sent the cookies along.
pub(super) async fn forms_of_another_site(world: &World, owner: &Browser) -> Outcome {
    for (path, fields) in [
        ("/settings/token", &[][..]),
        ("/settings/members/suspend", &[("email", ADA)][..]),
        ("/saml/logout", &[]),
    ] {
        let page = owner.post_from_elsewhere(&format!("{}{path}", world.service), fields).await?;
        refused(world, &page, "http.cross_site")?;
    }
    let settings = owner.get(&format!("{}/settings", world.service)).await?;
    require(settings.status == 200 && settings.url.ends_with("/settings"), || unexpected(&settings))?;
    Ok("refused (http.cross_site), and the owner is signed in still".to_owned())
}

/// Her session ends, and she gets no other.
pub(super) async fn suspended(world: &World, owner: &Browser) -> Outcome {
    let browser = Browser::new()?;
    browser.submit(&world.by_dashboard(&browser).await?).await?;
    let home = format!("{}/home", world.service);
    require(browser.get(&home).await?.shows("Signed in as"), || "she was not signed in".to_owned())?;
    owner.post(&format!("{}/settings/members/suspend", world.service), &[("email", ADA)]).await?;
    require(!browser.get(&home).await?.shows("Signed in as"), || "her session goes on".to_owned())?;
    let page = browser.submit(&world.by_dashboard(&browser).await?).await?;
    let outcome = refused(world, &page, "provisioning.account_suspended")?;
    // Its owner reads why.
    let page = owner.get(&format!("{}/settings/sign-ins", world.service)).await?;
    require(page.shows("Last refused") && page.shows("provisioning.account_suspended"), || {
        unexpected(&page)
    })?;
    Ok(outcome)
}

/// A sign-in with another value of the attribute `token`; afterwards the old one is back.
async fn with_token(world: &World, token: &str) -> Result<Visit, Failure> {
    let attributes = world.okta.app(&world.tile)?.fixed_attributes;
    let own = attributes
        .iter()
        .find(|(name, _)| name == "token")
        .map(|(_, value)| value.clone())
        .unwrap_or_default();
    world.okta.set_attribute(&world.tile, "token", token)?;
    let browser = Browser::new()?;
    let form = world.by_dashboard(&browser).await;
    world.okta.set_attribute(&world.tile, "token", &own)?;
    browser.submit(&form?).await
}

/// The page says nothing but a reference, under which the service recorded this code.
fn refused(world: &World, page: &Visit, code: &str) -> Outcome {
    require(page.status == 403, || unexpected(page))?;
    require(!page.shows(code), || "the page tells which check failed".to_owned())?;
    let reference = page.text_after("<code id=\"reference\">").unwrap_or_default();
    let refusal =
        world.app.refusal(reference).ok_or_else(|| Failure::new(format!("no record under {reference:?}")))?;
    require(refusal.code == code, || {
        format!("refused with {} instead of {code}: {}", refusal.code, refusal.message)
    })?;
    Ok(format!("refused ({code}, reference {reference}): {}", refusal.message))
}

/// The message in a form, as text.
pub(super) fn message(form: &Form) -> Result<String, Failure> {
    let bytes = base64_decode(form.field("SAMLResponse").unwrap_or_default())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
