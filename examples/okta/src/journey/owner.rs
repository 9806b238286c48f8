//! What the owner does after the conversion: look up a refusal, link the own account, try another connection out, change over, disconnect.

use vouchsafe_testkit::keys;
use vouchsafe_testkit::server::{App as OktaApp, User};

use super::browser::{Browser, Form};
use super::world::{ADA, World, unexpected};
use super::{Outcome, require};
use crate::failure::Failure;
use crate::seed;

/// The reference that a person was shown leads the owner to the failed check and what to change; another's owner it leads nowhere.
pub(super) async fn looks_up_a_refusal(world: &World, owner: &Browser) -> Outcome {
    let page = super::refusals::without_token(world).await?;
    let reference = page.text_after("<code id=\"reference\">").unwrap_or_default().to_owned();
    let address = format!("{}/settings/refusals?reference={reference}", world.service);
    let found = owner.get(&address).await?;
    for text in [reference.as_str(), "provisioning.token_missing", "What to change"] {
        require(found.shows(text), || format!("{text:?} is missing; {}", unexpected(&found)))?;
    }
    let other = Browser::new()?;
    let (email, password) = (seed::owner_email("globex.example"), world.app.owner_password.reveal());
    other
        .post(&format!("{}/sign-in/password", world.service), &[("email", &email), ("password", password)])
        .await?;
    let hidden = other.get(&address).await?;
    require(!hidden.shows("provisioning.token_missing"), || "another's owner sees it".to_owned())?;
    Ok(format!("found under {reference}"))
}

pub(super) async fn types_a_wrong_address(world: &World, owner: &Browser) -> Outcome {
    let typed = "http://127.0.0.1:1/nothing";
    let page = owner.post(&format!("{}/settings/draft", world.service), &[("metadata_url", typed)]).await?;
    require(page.status == 422 && page.shows("aria-invalid=\"true\""), || unexpected(&page))?;
    require(page.shows(&format!("value=\"{typed}\"")), || "what was typed is gone".to_owned())?;
    Ok("told so, and the address stays in the form".to_owned())
}

/// The owner's account has a password, so that single sign-on does not lead to it before it was linked.
pub(super) async fn links_the_own_account(world: &World) -> Outcome {
    let email = seed::owner_email("acme.example");
    world.okta.add_user(User::new(&email, "Olive", "Owner"));
    world.okta.assign(&world.tile, &email)?;
    let browser = Browser::new()?;
    let tile = world.okta.app_url(&world.tile)?;
    let form = world.identified(&browser, &tile, &email).await?.saml_form()?;
    let page = browser.submit(&form).await?;
    require(page.shows("Your account was made with a password"), || unexpected(&page))?;
    let address = format!("{}/sign-in/password", world.service);
    let password = world.app.owner_password.reveal();
    let fields = [("email", email.as_str()), ("password", password), ("link", "1")];
    let there = browser.post(&address, &fields).await?;
    let home = browser.submit(&there.saml_form()?).await?;
    require(home.shows(&email), || unexpected(&home))?;
    let again = Browser::new()?;
    let form = world.identified(&again, &tile, &email).await?.saml_form()?;
    let home = again.submit(&form).await?;
    require(home.shows("Signed in as") && home.shows(&email), || unexpected(&home))?;
    Ok("with the password once, and from then on through SAML".to_owned())
}

/// The page says which key signs, and the owner has the say over the next one.
pub(super) async fn watches_over_the_keys(world: &World, owner: &Browser) -> Outcome {
    let address = |path: &str| format!("{}{path}", world.service);
    let page = owner.get(&address("/settings")).await?;
    for text in [
        "Keys of the identity provider",
        "in use, seen since ",
        "valid until ",
        "Follow whatever the address gives",
    ] {
        require(page.shows(text), || format!("{text:?} is missing; {}", unexpected(&page)))?;
    }
    let choice = [("connection", "acme"), ("key_changes", "approve")];
    let page = owner.post(&address("/settings/keys/changes"), &choice).await?;
    let asks = "Ask me before a key or an address is added";
    require(page.status == 200 && page.shows(asks), || unexpected(&page))?;
    let nothing = [("connection", "acme"), ("digest", "00")];
    for step in ["approve", "refuse"] {
        let page = owner.post(&address(&format!("/settings/keys/{step}")), &nothing).await?;
        require(page.status == 422 && page.shows("waits for approval"), || unexpected(&page))?;
    }
    let page = owner.post(&address("/settings/keys/end-refusal"), &nothing).await?;
    require(page.status == 422 && page.shows("is refused"), || unexpected(&page))?;
    judges_newer_metadata(world, owner).await?;
    let back = [("connection", "acme"), ("key_changes", "follow")];
    owner.post(&address("/settings/keys/changes"), &back).await?;
    Ok("the key that signs is told, and the owner is asked where they want to be".to_owned())
}

/// The identity provider publishes another key: the owner refuses it for good, ends the refusal, and is asked again.
async fn judges_newer_metadata(world: &World, owner: &Browser) -> Result<(), Failure> {
    let address = |path: &str| format!("{}{path}", world.service);
    let waits = "Newer metadata waits for your approval";
    world.okta.set_key(keys::other_identity_provider());
    let page = owner.post(&address("/settings/reload"), &[]).await?;
    require(page.status == 200 && page.shows(waits), || unexpected(&page))?;
    let fingerprint = keys::other_identity_provider().certificate().fingerprint_sha256();
    require(page.shows(&fingerprint), || "the new key is not shown".to_owned())?;
    let digest = page.hidden("digest").ok_or_else(|| Failure::new(unexpected(&page)))?;
    let judged = [("connection", "acme"), ("digest", digest.as_str())];
    let page = owner.post(&address("/settings/keys/refuse"), &judged).await?;
    require(page.shows("refused for good") && page.shows("Refused metadata"), || unexpected(&page))?;
    let page = owner.post(&address("/settings/reload"), &[]).await?;
    require(page.status == 200 && !page.shows(waits), || "what was refused waits again".to_owned())?;
    owner.post(&address("/settings/keys/end-refusal"), &judged).await?;
    let page = owner.post(&address("/settings/reload"), &[]).await?;
    require(page.shows(waits) && !page.shows("Refused metadata"), || unexpected(&page))?;
    // The identity provider goes back to its key, and nothing waits any more.
    world.okta.set_key(keys::identity_provider());
    let page = owner.post(&address("/settings/reload"), &[]).await?;
    require(page.status == 200 && !page.shows(waits), || unexpected(&page))
}

/// A draft is judged and shown, nobody gets in by it, and then it takes the place of the present connection.
pub(super) async fn changes_over(world: &World, owner: &Browser) -> Outcome {
    let metadata = owner.get(&format!("{}/saml/metadata", world.service)).await?;
    let tile = world.okta.add_app(OktaApp::from_metadata("Loadbench, new", metadata.body.as_bytes())?);
    world.okta.assign(&tile, ADA)?;
    let address = |path: &str| format!("{}{path}", world.service);
    let metadata_url = world.okta.metadata_url(&tile)?;
    let page = owner.post(&address("/settings/draft"), &[("metadata_url", &metadata_url)]).await?;
    require(page.status == 200 && page.shows("draft"), || unexpected(&page))?;

    // The owner tries it out, as Ada at the identity provider, where nobody has entered the token yet.
    let form = tries_out(world, owner).await?;
    for _ in 0..2 {
        let shown = owner.submit(&form).await?;
        require(shown.shows("token is missing"), || unexpected(&shown))?;
        require(!shown.shows("would be accepted"), || "the token is not asked for".to_owned())?;
    }
    let token = owner.post(&address("/settings/token"), &[]).await?;
    let token = token.text_after("id=\"token\">").ok_or_else(|| Failure::new("no token is shown"))?;
    world.okta.set_attribute(&tile, "token", token)?;
    let form = tries_out(world, owner).await?;
    let shown = owner.submit(&form).await?;
    require(shown.shows("The sign-in would be accepted"), || unexpected(&shown))?;
    let settings = owner.get(&address("/settings")).await?;
    require(settings.shows("tested"), || unexpected(&settings))?;
    let browser = Browser::new()?;
    let answer = world.identified(&browser, &world.okta.app_url(&tile)?, ADA).await?.saml_form()?;
    let refused = browser.submit(&answer).await?;
    require(refused.status == 403, || "somebody got in over a draft".to_owned())?;

    let replacing = [("connection", "acme-2"), ("replaces", "acme")];
    let page = owner.post(&address("/settings/activate"), &replacing).await?;
    require(page.status == 200 && page.shows("new connection"), || unexpected(&page))?;
    // People are known by the connection that vouches for them, so whoever comes over the new one is new, or has to link the account.
    const BOB: &str = "bob@acme.example";
    world.okta.add_user(User::new(BOB, "Bob", "Noyce"));
    world.okta.assign(&tile, BOB)?;
    let browser = Browser::new()?;
    let answer = world.identified(&browser, &world.okta.app_url(&tile)?, BOB).await?.saml_form()?;
    let home = browser.submit(&answer).await?;
    require(home.shows("Signed in as Bob Noyce"), || unexpected(&home))?;
    let old = browser.submit(&world.by_dashboard(&browser).await?).await?;
    require(old.status == 403, || "the old connection goes on".to_owned())?;
    Ok("tried out, tested, and in the place of the old one".to_owned())
}

/// Starts the trial of the draft, and signs in as Ada at the identity provider; what it posts.
async fn tries_out(world: &World, owner: &Browser) -> Result<Form, Failure> {
    let there = owner.post(&format!("{}/settings/try", world.service), &[("connection", "acme-2")]).await?;
    if let Ok(form) = there.saml_form() {
        return Ok(form);
    }
    let asked = there.hidden("return").unwrap_or_else(|| there.url.clone());
    world.identified(owner, &asked, ADA).await?.saml_form()
}

pub(super) async fn disconnects(world: &World, owner: &Browser) -> Outcome {
    let page = owner.post(&format!("{}/settings/disconnect", world.service), &[]).await?;
    require(page.shows("Convert to a SAML organization"), || unexpected(&page))?;
    require(page.shows("Disconnects the organization from SAML."), || "the audit says nothing".to_owned())?;
    Ok("nobody signs in over it any more, and it can be converted again".to_owned())
}
