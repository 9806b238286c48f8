//! An account with a password is linked by a sign-in from its session.

use std::time::Duration;

use chrono::Utc;
use http::HeaderMap;
use vouchsafe::provisioning::{Account, AccountId, OrganizationId, Role};
use vouchsafe_store::{Directory, Session};
use vouchsafe_testkit::AuthnRequest;

use crate::app::{App, Browser, author};

#[tokio::test]
async fn an_owner_with_a_password_links_the_account_once() {
    let app = App::start().await;
    let (organization, id) = (OrganizationId::new("1"), AccountId::new("owner"));
    let mut owner = Account::new(id.clone(), organization.clone(), "ada@example.com");
    owner.role = Role::Owner;
    owner.has_password = true;
    app.store.add_account(&owner, &author()).await.unwrap();

    // Without a link nobody can sign in to that account, and the sign-in page explains what to do.
    let browser = Browser::new();
    let answer = app.sign_in(&browser, "_1").await;
    assert_eq!(
        (answer.status, answer.location.as_str()),
        (303, "/?problem=link&return=%2F"),
        "{}",
        answer.body
    );
    assert!(answer.set_cookies.is_empty());
    assert_eq!(app.last_refusal().1, "provisioning.email_taken");

    // Nobody links an account without being signed in to it, and another site cannot make somebody do it.
    let link = format!("{}/saml/link", app.address);
    let own = [("sec-fetch-site", "same-origin")];
    assert_eq!(browser.post_saying(&link, &own).await.location, "/");
    let provisioned = app.provisioned.clone();
    let session = Session::of(organization, id.clone(), Utc::now());
    let session = session.lasting(Duration::from_secs(3_600), None);
    let (_, cookie) = provisioned.open_session(&app.sso, &HeaderMap::new(), session).await.unwrap();
    browser.keep(cookie.to_str().unwrap());
    assert_eq!(browser.post_saying(&link, &[("sec-fetch-site", "cross-site")]).await.status, 403);

    let started = browser.post_saying(&link, &own).await;
    let request = AuthnRequest::from_redirect(&started.location).unwrap();
    let issued = app.response().assertion_id("_2").in_response_to(&request.id).issue().unwrap();
    let state = request.relay_state.unwrap();
    let answer = app.finish(&browser, &issued, &state).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(answer.set_cookies.iter().any(|cookie| cookie.starts_with("vouchsafe-session=")));
    let whole = app.store.whole(&OrganizationId::new("1")).await.unwrap();
    assert_eq!(whole.account(&id).unwrap().identities.len(), 1);

    // From now on single sign-on leads to the account.
    let answer = app.sign_in(&Browser::new(), "_3").await;
    assert!(
        answer.set_cookies.iter().any(|cookie| cookie.starts_with("vouchsafe-session=")),
        "{}",
        answer.location
    );
    assert_eq!(app.store.whole(&OrganizationId::new("1")).await.unwrap().accounts().count(), 1);
}

impl App {
    /// Signs in, starting at the service.
    async fn sign_in(&self, browser: &Browser, assertion: &str) -> crate::app::Answer {
        let request = self.begin(browser, "organization=acme").await;
        let issued = self.response().assertion_id(assertion).in_response_to(&request.id).issue().unwrap();
        self.finish(browser, &issued, &request.relay_state.unwrap()).await
    }
}
