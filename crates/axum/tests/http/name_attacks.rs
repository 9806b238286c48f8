//! The attacks of the kit on the address for names, over real HTTP.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{TimeDelta, Utc};
use http::Request;
use http::header::{LOCATION, SET_COOKIE};
use vouchsafe::{Connection, ConnectionId, NameIdOrder, Participant, SessionNameId};
use vouchsafe_testkit::attacks::names::{
    NameOrderService, NameService, NameTarget, all, all_answers, run, run_answers,
};
use vouchsafe_testkit::attacks::{Answered, Asked, Delivery};
use vouchsafe_testkit::{EMAIL_ADDRESS, IdentityProvider};

use crate::app::{App, Browser};
use crate::names::{okta, sent};

const FORM: &str = "application/x-www-form-urlencoded";

/// Another identity provider, to which the service can answer too.
fn other() -> IdentityProvider {
    IdentityProvider::other().with_name_id_management("https://other.okta.com/app/other/nim/saml")
}

/// The service under attack.
struct Attacked {
    app: App,
    /// The browser of the last sign-in with a name.
    browsers: Mutex<HashMap<String, Arc<Browser>>>,
    /// The browser of the last order.
    ordering: Mutex<Arc<Browser>>,
    number: AtomicU32,
}

impl Attacked {
    async fn start() -> Attacked {
        let app = App::start_with_logout(okta()).await;
        let other = other().metadata().unwrap();
        let other = vouchsafe::IdentityProvider::from_metadata(other.as_bytes()).unwrap();
        app.connections.put(Connection::new(ConnectionId::new("other").unwrap(), other));
        let ordering = Mutex::new(Arc::new(Browser::new()));
        Attacked { app, browsers: Mutex::default(), ordering, number: AtomicU32::new(0) }
    }

    fn target(&self) -> NameTarget {
        NameTarget::new(okta(), other(), self.app.names()).with_soap(format!("{}/soap", self.app.names()))
    }

    async fn send(&self, browser: &Browser, delivery: &Delivery) -> Answered {
        let names = self.app.names();
        let answer = match delivery {
            Delivery::Redirect(query) => browser.get(&format!("{names}?{query}")).await,
            Delivery::Post(body) => browser.post_text(&names, FORM, body).await,
            Delivery::Soap(envelope) => {
                browser.post_text(&format!("{names}/soap"), "text/xml", envelope).await
            }
            _ => panic!("another door"),
        };
        assert!(answer.status < 500, "{} to {delivery:?}", answer.status);
        Answered::of_status(answer.status)
    }
}

impl NameService for Attacked {
    async fn sign_in(&self, name: &str) {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let browser = Arc::new(Browser::new());
        // The response is later than any change of the name. Each has another address, which no account has yet.
        let response = self.app.response_about(name, &format!("person{number}@example.com"));
        let response = response.at(Utc::now() + TimeDelta::seconds(2)).assertion_id(format!("_kit{number}"));
        let answer = self.app.finish(&browser, &response.issue().unwrap(), "").await;
        assert_eq!(answer.status, 303, "{:?} {}", self.app.last_refusal(), answer.body);
        self.browsers.lock().unwrap().insert(name.to_owned(), browser);
    }

    async fn is_signed_in(&self, name: &str) -> bool {
        let browser = self.browsers.lock().unwrap().get(name).cloned();
        self.app.status_of(&browser.unwrap()).await == 200
    }

    async fn account(&self, name: &str) -> Option<String> {
        self.app.account_known_as(name).await.map(|account| account.id.as_str().to_owned())
    }

    async fn deliver(&self, delivery: &Delivery) -> Answered {
        self.send(&Browser::new(), delivery).await
    }
}

impl NameOrderService for Attacked {
    async fn order_end(&self, name: &str) -> Asked {
        let mut session_name = SessionNameId::new(name);
        session_name.format = Some(EMAIL_ADDRESS.to_owned());
        let person = Participant::new(ConnectionId::new("1").unwrap(), session_name, []);
        let parts = Request::new(()).into_parts().0;
        let order = NameIdOrder::terminate(person);
        let started = self.app.sso.order_name_id(&parts, true, order, "/").await.unwrap();
        let browser = Browser::new();
        browser.keep(started.headers().get(SET_COOKIE).unwrap().to_str().unwrap());
        let location = started.headers().get(LOCATION).unwrap().to_str().unwrap();
        let (request, state) = sent(&self.app, location, None);
        let id = request.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0;
        *self.ordering.lock().unwrap() = Arc::new(browser);
        Asked::new(id).with_relay_state(state)
    }

    async fn bring(&self, delivery: &Delivery) -> Answered {
        let browser = Arc::clone(&self.ordering.lock().unwrap());
        self.send(&browser, delivery).await
    }

    async fn bring_elsewhere(&self, delivery: &Delivery) -> Answered {
        self.send(&Browser::new(), delivery).await
    }
}

#[tokio::test]
async fn no_request_of_the_kit_changes_a_name() {
    let attacked = Attacked::start().await;
    let report = run(&attacked, &attacked.target()).await;
    report.assert_none_accepted();
    println!("{report}");
    assert_eq!(report.entries().len(), all().len());
}

#[tokio::test]
async fn no_answer_of_the_kit_changes_a_name() {
    let attacked = Attacked::start().await;
    let report = run_answers(&attacked, &attacked.target()).await;
    report.assert_none_accepted();
    println!("{report}");
    assert_eq!(report.entries().len(), all_answers().len());
}
