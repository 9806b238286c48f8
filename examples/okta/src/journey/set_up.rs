//! Somebody without an account sets Globex up: by a link that its owner made, in a private window.

use vouchsafe_testkit::server::{App as OktaApp, User};

use super::browser::{Browser, Visit};
use super::world::{World, unexpected};
use super::{Outcome, require};
use crate::failure::Failure;
use crate::seed;

const GRACE: &str = "grace@globex.example";

pub(super) async fn by_a_link(world: &World) -> Outcome {
    let owner = Browser::new()?;
    let (email, password) = (seed::owner_email("globex.example"), world.app.owner_password.reveal());
    let address = |path: &str| format!("{}{path}", world.service);
    owner.post(&address("/sign-in/password"), &[("email", &email), ("password", password)]).await?;
    let issued = owner.post(&address("/settings/links"), &[]).await?;
    let link = issued.text_after("id=\"link\">").ok_or_else(|| Failure::new(unexpected(&issued)))?.to_owned();

    // At the identity provider, in whose console the values are entered.
    let metadata = owner.get(&address("/saml/metadata")).await?;
    let tile = world.okta.add_app(OktaApp::from_metadata("Loadbench, by a link", metadata.body.as_bytes())?);
    world.okta.add_user(User::new(GRACE, "Grace", "Hopper").in_groups(["Everyone"]));
    world.okta.assign(&tile, GRACE)?;

    let admin = Browser::new()?;
    let landing = admin.get(&link).await?;
    require(landing.shows("Set up single sign-on for Globex at Loadbench"), || unexpected(&landing))?;
    let secret = landing.hidden("secret").unwrap_or_default();
    let overview = admin.post(&address("/set-up/begin"), &[("secret", &secret)]).await?;
    require(overview.shows("What comes next"), || unexpected(&overview))?;
    let products = admin.get(&address("/set-up/product")).await?;
    // People sign in over another connection already, so the next page is not that of the values.
    let next = step(world, &admin, &products, "product", &[("product", "okta")]).await?;
    require(next.shows("People sign in already"), || unexpected(&next))?;
    let values = admin.get(&address("/set-up/values")).await?;
    require(values.shows("Copy these values into Okta"), || unexpected(&values))?;
    let issued = step(world, &admin, &values, "token", &[]).await?;
    let token = issued.text_after("class=\"secret\">").ok_or_else(|| Failure::new(unexpected(&issued)))?;
    world.okta.set_attribute(&tile, "token", token)?;
    let metadata_url = world.okta.metadata_url(&tile)?;
    let metadata = admin.get(&address("/set-up/metadata")).await?;
    let trial = step(world, &admin, &metadata, "metadata", &[("metadata_url", &metadata_url)]).await?;
    require(trial.shows("Try a sign-in"), || unexpected(&trial))?;

    let on = step(world, &admin, &trial, "trial", &[]).await?;
    let there = on.link_to(&world.identity_provider()).ok_or_else(|| Failure::new(unexpected(&on)))?;
    let shown = admin.submit(&world.identified(&admin, &there, GRACE).await?.saml_form()?).await?;
    require(shown.shows("The sign-in would be accepted"), || unexpected(&shown))?;
    let home = admin.get(&address("/home")).await?;
    require(!home.shows("Signed in as"), || "a trial signed somebody in".to_owned())?;

    let activation = admin.get(&address("/set-up/activate")).await?;
    let replaced = activation.hidden("replaces").unwrap_or_default();
    let done = step(world, &admin, &activation, "activate", &[("replaces", &replaced)]).await?;
    require(done.shows("Single sign-on is set up for Globex"), || unexpected(&done))?;

    let browser = Browser::new()?;
    let tile = world.okta.app_url(&tile)?;
    let home = browser.submit(&world.identified(&browser, &tile, GRACE).await?.saml_form()?).await?;
    require(home.shows("Signed in as Grace Hopper"), || unexpected(&home))?;
    let links = owner.get(&address("/settings/links")).await?;
    require(links.shows("used: a connection was activated with it"), || unexpected(&links))?;
    Ok("from the link to an active connection and a sign-in, by somebody without an account".to_owned())
}

/// A form of a page of the portal.
async fn step(
    world: &World,
    admin: &Browser,
    page: &Visit,
    step: &str,
    typed: &[(&str, &str)],
) -> Result<Visit, Failure> {
    let token = page.hidden("form_token").unwrap_or_default();
    let fields: Vec<(&str, &str)> =
        std::iter::once(("form_token", token.as_str())).chain(typed.iter().copied()).collect();
    admin.post(&format!("{}/set-up/{step}", world.service), &fields).await
}
