//! The two servers, and what people do on them when all is well.

use tokio::net::TcpListener;
use vouchsafe_axum::LOGIN;
use vouchsafe_store::{AuditDetail, Directory};
use vouchsafe_testkit::server::{App as OktaApp, AppId, Config, Okta, Server, User, start};

use super::browser::{Browser, Form, Visit};
use super::{Outcome, require};
use crate::app::{App, Place, REQUEST_LIFETIME};
use crate::failure::Failure;
use crate::seed;

/// Who walks.
pub(super) const ADA: &str = "ada@acme.example";

/// Her name at a domain that nobody has verified.
const ADA_ELSEWHERE: &str = "ada@mail.acme.example";

pub(super) struct World {
    pub(super) service: String,
    pub(super) app: App,
    pub(super) okta: Okta,
    /// The app of the identity provider that stands for the service.
    pub(super) tile: AppId,
    server: Server,
}

impl World {
    /// Both servers on free ports, the service in a database in memory.
    pub(super) async fn make() -> Result<World, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let service = format!("http://{}", listener.local_addr()?);
        let app = App::open(&service, &Place::default(), REQUEST_LIFETIME).await?;
        let server = start(Config::default()).await?;
        let okta = server.okta();
        okta.add_user(User::new(ADA, "Ada", "Lovelace").in_groups(["Everyone", "perf-team"]));
        okta.add_user(User::new("eve@acme.example", "Eve", "Adams"));
        // The service's metadata has its encryption certificate: assertions are encrypted, in Okta's layout.
        let metadata = app.service_provider().metadata_xml()?;
        let tile = okta.add_app(OktaApp::from_metadata("Loadbench", metadata.as_bytes())?);
        okta.assign(&tile, ADA)?;
        tokio::spawn({
            let app = app.clone();
            async move { app.serve(listener).await }
        });
        Ok(World { service, app, okta, tile, server })
    }

    pub(super) fn identity_provider(&self) -> String {
        self.server.dashboard_url()
    }

    pub(super) async fn owner_signs_in(&self, owner: &Browser) -> Outcome {
        let address = format!("{}/sign-in/password", self.service);
        let email = seed::owner_email("acme.example");
        let wrong = owner.post(&address, &[("email", &email), ("password", "guess")]).await?;
        require(wrong.status == 403, || format!("a wrong password was answered with {}", wrong.status))?;
        let right = owner
            .post(&address, &[("email", &email), ("password", self.app.owner_password.reveal())])
            .await?;
        require(right.shows("Convert to a SAML organization"), || unexpected(&right))?;
        Ok("the settings page offers the conversion".to_owned())
    }

    /// Steps 2 to 5 of the journey: metadata, conversion, token into the identity provider.
    pub(super) async fn convert(&self, owner: &Browser) -> Outcome {
        let metadata_url = self.okta.metadata_url(&self.tile)?;
        let address = format!("{}/settings/connect", self.service);
        let page = owner.post(&address, &[("metadata_url", &metadata_url)]).await?;
        let token = page
            .text_after("id=\"token\">")
            .map(str::to_owned)
            .ok_or_else(|| Failure::new(unexpected(&page)))?;
        require(token.len() >= 20, || format!("a token of {} characters is too short", token.len()))?;
        let again = owner.get(&page.url).await?;
        require(again.shows(&token), || "the page cannot be loaded again".to_owned())?;
        owner.post(&format!("{}/settings/token/done", self.service), &[]).await?;
        for page in ["/settings", "/settings/token"] {
            let again = owner.get(&format!("{}{page}", self.service)).await?;
            require(!again.shows(&token), || "the token is shown again".to_owned())?;
        }
        self.okta.set_attribute(&self.tile, "token", &token)?;
        Ok(format!(
            "metadata loaded from {metadata_url}, token shown once and given to the identity provider"
        ))
    }

    pub(super) async fn first_sign_in(&self) -> Outcome {
        let browser = Browser::new()?;
        let form = self.by_dashboard(&browser).await?;
        require(is_encrypted(&form)?, || "the assertion is not encrypted".to_owned())?;
        let home = browser.submit(&form).await?;
        for text in [
            "Signed in as Ada Lovelace",
            ADA,
            "Acme Rockets",
            "All hands",
            "Performance",
            "Default project",
            "Checkout",
        ] {
            require(home.shows(text), || format!("{text:?} is missing; {}", unexpected(&home)))?;
        }
        let steps = self.steps_of(ADA).await?;
        require(steps > 0, || "nothing was created".to_owned())?;
        Ok(format!(
            "provisioned (encrypted assertion, account created, defaults given, group mapped: {steps} changes)"
        ))
    }

    pub(super) async fn second_sign_in(&self) -> Outcome {
        let before = self.steps_of(ADA).await?;
        let browser = Browser::new()?;
        let form = self.by_button(&browser, ADA).await?;
        let home = browser.submit(&form).await?;
        require(home.shows("Signed in as Ada Lovelace"), || unexpected(&home))?;
        require(home.shows("Nothing changes."), || "something changed".to_owned())?;
        require(home.shows("It began here."), || "it did not begin here".to_owned())?;
        require(self.steps_of(ADA).await? == before, || "something was created".to_owned())?;
        Ok("signed in, nothing created".to_owned())
    }

    /// Three addresses at domains of which nobody here signs in, and a name: one answer, which tells nothing of any of them.
    pub(super) async fn not_found(&self) -> Outcome {
        let mut pages = Vec::new();
        for typed in [ADA_ELSEWHERE, "owner@initech.example", "nobody@nowhere.example", "nobody"] {
            let page = Browser::new()?
                .post(&format!("{}{LOGIN}", self.service), &[("organization", typed), ("return", "/home")])
                .await?;
            require(page.shows("SAML SSO could not be started"), || unexpected(&page))?;
            require(!page.url.contains("%40") && !page.url.contains('@'), || {
                "the address is in the URL".to_owned()
            })?;
            pages.push((page.status, page.url, page.body));
        }
        pages.dedup();
        require(pages.len() == 1, || "the answers differ".to_owned())?;
        Ok("one answer for all".to_owned())
    }

    pub(super) async fn dashboard_again(&self) -> Outcome {
        let browser = Browser::new()?;
        let home = browser.submit(&self.by_dashboard(&browser).await?).await?;
        require(home.shows("Nothing changes."), || unexpected(&home))?;
        require(home.shows("It began at the identity provider."), || unexpected(&home))?;
        Ok("signed in, nothing created".to_owned())
    }

    pub(super) async fn reactivated(&self, owner: &Browser) -> Outcome {
        owner.post(&format!("{}/settings/members/reactivate", self.service), &[("email", ADA)]).await?;
        let browser = Browser::new()?;
        let home = browser.submit(&self.by_dashboard(&browser).await?).await?;
        require(home.shows("Signed in as Ada Lovelace"), || unexpected(&home))?;
        require(home.shows("Performance"), || "the teams are gone".to_owned())?;
        Ok("signed in, with the same teams".to_owned())
    }

    /// Both tokens work for a while: the old one until the new one is pasted in, and the new one.
    pub(super) async fn rotated(&self, owner: &Browser) -> Outcome {
        let page = owner.post(&format!("{}/settings/token", self.service), &[]).await?;
        let token = page
            .text_after("id=\"token\">")
            .map(str::to_owned)
            .ok_or_else(|| Failure::new(unexpected(&page)))?;
        for paste in [false, true] {
            if paste {
                self.okta.set_attribute(&self.tile, "token", &token)?;
            }
            let browser = Browser::new()?;
            let home = browser.submit(&self.by_dashboard(&browser).await?).await?;
            require(home.shows("Signed in as Ada Lovelace"), || unexpected(&home))?;
        }
        Ok("signed in with the old token, and with the new one".to_owned())
    }

    pub(super) async fn unassigned(&self) -> Outcome {
        self.okta.unassign(&self.tile, ADA);
        let browser = Browser::new()?;
        let answer = self.by_dashboard(&browser).await;
        require(answer.is_err(), || "the identity provider still vouches for her".to_owned())?;
        Ok("refused there already: no response is issued".to_owned())
    }

    pub(super) async fn signs_out(&self) -> Outcome {
        let browser = Browser::new()?;
        browser.submit(&self.by_dashboard(&browser).await?).await?;
        let page = browser.post(&format!("{}/saml/logout", self.service), &[]).await?;
        let page = browser.submit(&page.saml_form()?).await?;
        require(page.shows("Your identity provider has ended its session too."), || unexpected(&page))?;
        self.is_signed_out(&browser).await?;
        // And the other way round: signing out at the identity provider ends the session here.
        browser.submit(&self.by_dashboard(&browser).await?).await?;
        let page = browser.post(&format!("{}logout", self.identity_provider()), &[]).await?;
        let answer = browser.submit(&page.saml_form()?).await?;
        self.is_signed_out(&browser).await?;
        let page = browser.submit(&answer.saml_form()?).await?;
        require(page.url == self.identity_provider(), || unexpected(&page))?;
        Ok("the session is over, here and there, whichever side ended it".to_owned())
    }

    async fn is_signed_out(&self, browser: &Browser) -> Result<(), Failure> {
        let page = browser.get(&format!("{}/home", self.service)).await?;
        require(!page.shows("Signed in as"), || "the session goes on".to_owned())
    }

    /// A click on the app in the identity provider's dashboard: the form that goes to the service.
    pub(super) async fn by_dashboard(&self, browser: &Browser) -> Result<Form, Failure> {
        let tile = self.okta.app_url(&self.tile)?;
        self.identified(browser, &tile, ADA).await?.saml_form()
    }

    /// The service's button: by way of the identity provider's sign-in page to the form that goes to the service.
    pub(super) async fn by_button(&self, browser: &Browser, organization: &str) -> Result<Form, Failure> {
        let address = format!("{}{LOGIN}", self.service);
        let page = browser.post(&address, &[("organization", organization), ("return", "/home")]).await?;
        require(page.url.starts_with(&self.identity_provider()), || unexpected(&page))?;
        let there = page.url.clone();
        match page.saml_form() {
            Ok(form) => Ok(form),
            Err(_) => {
                let asked = page.hidden("return").unwrap_or(there);
                self.identified(browser, &asked, ADA).await?.saml_form()
            }
        }
    }

    /// At the identity provider as that user.
    pub(super) async fn identified(
        &self,
        browser: &Browser,
        place: &str,
        user: &str,
    ) -> Result<Visit, Failure> {
        let login = format!("{}login", self.identity_provider());
        let relative = place.strip_prefix(self.identity_provider().trim_end_matches('/')).unwrap_or(place);
        browser.post(&login, &[("user", user), ("return", relative)]).await
    }

    /// How many changes the audit of the organization has for that person's account.
    async fn steps_of(&self, email: &str) -> Result<usize, Failure> {
        let store = &self.app.store;
        let id = "acme".into();
        let snapshot = store.whole(&id).await?;
        let Some(account) = snapshot.account_with_email(email) else { return Ok(0) };
        Ok(store
            .audit(&id)
            .await?
            .iter()
            .filter(|record| record.account.as_ref() == Some(&account.id))
            .filter(|record| matches!(record.detail, Some(AuditDetail::Step { .. })))
            .count())
    }
}

fn is_encrypted(form: &Form) -> Result<bool, Failure> {
    Ok(super::refusals::message(form)?.contains("EncryptedAssertion"))
}

/// What came instead.
pub(super) fn unexpected(visit: &Visit) -> String {
    let text: String = visit
        .body
        .split('>')
        .filter_map(|part| part.split('<').next())
        .filter(|part| part.len() > 3)
        .collect();
    let end: String = text.chars().rev().take(200).collect();
    format!("{} answered with {}: ...{}", visit.url, visit.status, end.chars().rev().collect::<String>())
}
