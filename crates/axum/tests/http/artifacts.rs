//! Sign-ins by artifact over real HTTP, with a resolution service on a loopback port, and the attacks on them.

use std::sync::Mutex;

use vouchsafe_testkit::IdentityProvider;
use vouchsafe_testkit::attacks::Asked;
use vouchsafe_testkit::attacks::artifact::{ArtifactService, ArtifactTarget, Brought, Resolver, all, run};

use crate::app::{App, Browser};

/// The service, and the browser that started the last sign-in.
struct Attacked {
    app: App,
    browser: Mutex<Option<Browser>>,
}

impl Attacked {
    async fn bring_by(&self, browser: &Browser, brought: &Brought) -> bool {
        let consumer = format!("{}/saml/acs", self.app.address);
        let answer = match brought {
            Brought::Query(query) => browser.get(&format!("{consumer}?{query}")).await,
            Brought::Form(form) => {
                browser.post_text(&consumer, "application/x-www-form-urlencoded", form).await
            }
            other => panic!("{other:?}"),
        };
        assert!(answer.status < 500, "{} {}", answer.status, answer.body);
        browser.get_json(&format!("{}/whoami", self.app.address)).await.status == 200
    }
}

impl ArtifactService for Attacked {
    async fn start(&self) -> Asked {
        let browser = Browser::new();
        let request = self.app.begin(&browser, "organization=acme").await;
        *self.browser.lock().unwrap() = Some(browser);
        Asked::new(request.id).with_relay_state(request.relay_state.unwrap())
    }

    async fn bring(&self, brought: &Brought) -> bool {
        let browser = self.browser.lock().unwrap().take().unwrap();
        let signed_in = self.bring_by(&browser, brought).await;
        *self.browser.lock().unwrap() = Some(browser);
        signed_in
    }

    async fn bring_elsewhere(&self, brought: &Brought) -> bool {
        self.bring_by(&Browser::new(), brought).await
    }
}

#[tokio::test]
async fn no_attack_by_artifact_signs_anybody_in() {
    let resolver = Resolver::start().unwrap();
    let okta = resolver.at(IdentityProvider::okta());
    let app = App::start_with_artifacts(okta.clone()).await;
    let other = IdentityProvider::other();
    let trusted = vouchsafe::IdentityProvider::from_metadata(other.metadata().unwrap().as_bytes()).unwrap();
    app.connections.put(vouchsafe::Connection::new(vouchsafe::ConnectionId::new("other").unwrap(), trusted));
    let target = ArtifactTarget::new(resolver, okta, other, app.response());
    let service = Attacked { app, browser: Mutex::default() };
    let report = run(&service, &target).await;
    assert!(report.findings().next().is_none() && report.inconclusive().next().is_none(), "{report}");
    println!("{report}");
    assert_eq!(report.entries().len(), all().len());
}
