//! The attack kit against the command, over HTTP: none of its attacks is accepted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::Utc;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use serde_json::Value;
use vouchsafe_testkit::attacks::{
    self, Asked, Browser as Number, Customer, Form, Outcome, Service, Started, Target,
};
use vouchsafe_testkit::{AuthnRequest, IdentityProvider, keys};

use crate::served::{Browser, FORM, Served, encoded, json_of};
use crate::support::Folder;

struct Trial {
    served: Served,
    folder: Folder,
    asks: bool,
    browsers: Mutex<HashMap<u64, Arc<Browser>>>,
    /// The number of forms in progress, and of posted forms: sessions are compared only if one form was posted alone.
    posting: AtomicUsize,
    begun: AtomicUsize,
}

impl Trial {
    fn start(name: &str, asks: bool) -> Trial {
        let folder = Folder::new(name);
        let other = folder.write("other.xml", IdentityProvider::other().metadata().unwrap());
        let metadata = folder.path("idp.xml");
        let key = folder.path("sp.key");
        let unsolicited = if asks { "refuse" } else { "accept" };
        let served = Served::start(&[
            "--idp-metadata",
            &metadata,
            "--idp-metadata",
            &other,
            "--decryption-key",
            &key,
            "--unsolicited",
            unsolicited,
        ]);
        Trial {
            served,
            folder,
            asks,
            browsers: Mutex::default(),
            posting: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
        }
    }

    fn browser(&self, number: Number) -> Arc<Browser> {
        Arc::clone(self.browsers.lock().unwrap().entry(number.number()).or_default())
    }

    fn target(&self) -> Target {
        Target::new(self.served.url("/saml/metadata"), self.served.url("/saml/acs"))
            .clock(Utc::now)
            .certificate(keys::service_provider().certificate())
    }
}

async fn posted(served: &Served, browser: &Browser, form: &Form) -> Outcome {
    let request = served.post("/saml/acs").header(CONTENT_TYPE, FORM).header(ACCEPT, "application/json");
    let response = browser.send(request.body(form.to_body())).await;
    let status = response.status().as_u16();
    let answer: Value = json_of(response).await;
    match (status, answer["verdict"].as_str()) {
        (200, Some("accepted")) => {
            let subject = answer["subject"]["name_id"].as_str().unwrap_or_default();
            let mut outcome = Outcome::accepted(subject);
            for (name, values) in answer["attributes"].as_object().unwrap() {
                for value in values.as_array().unwrap() {
                    outcome = outcome.with_attribute(name, value.as_str().unwrap());
                }
            }
            outcome
        }
        (403, Some("refused")) => {
            assert!(!answer["code"].as_str().unwrap().is_empty() && answer["ledger"].is_array());
            Outcome::Refused
        }
        other => panic!("neither a verdict of 200 nor one of 403: {other:?} {answer}"),
    }
}

impl Service for Trial {
    async fn post(&self, browser: Number, form: &Form) -> Outcome {
        let browser = self.browser(browser);
        let is_alone = self.posting.fetch_add(1, Ordering::SeqCst) == 0;
        let begun = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let before = browser.json(&self.served, "/session").await;
        let outcome = posted(&self.served, &browser, form).await;
        let after = browser.json(&self.served, "/session").await;
        let was_alone = is_alone && self.begun.load(Ordering::SeqCst) == begun;
        self.posting.fetch_sub(1, Ordering::SeqCst);
        match &outcome {
            _ if !was_alone => {}
            Outcome::Accepted { subject, .. } => assert_eq!(after.1["name_id"], subject.as_str()),
            _ => assert_eq!(before, after, "the form was refused"),
        }
        outcome
    }

    async fn start(&self, browser: Number, customer: Customer, _return_to: Option<&str>) -> Started {
        if !self.asks {
            return Started::NoDoor;
        }
        let one =
            if customer == Customer::Other { IdentityProvider::other() } else { IdentityProvider::okta() };
        let request = self.served.get(&format!("/saml/login?idp={}", encoded(one.entity_id())));
        let response = self.browser(browser).send(request).await;
        let request = AuthnRequest::from_redirect(response.headers()[LOCATION].to_str().unwrap()).unwrap();
        Asked::new(request.id).with_relay_state(request.relay_state.unwrap()).into()
    }

    /// Starts the command with this metadata, with the same addresses if possible.
    async fn post_trusting(&self, metadata: &str, form: &Form) -> Option<Outcome> {
        let metadata = self.folder.write("configured.xml", metadata);
        let (entity_id, base) = (self.served.url("/saml/metadata"), self.served.base.as_str());
        let arguments = [
            "--idp-metadata",
            &metadata,
            "--entity-id",
            &entity_id,
            "--listen",
            "127.0.0.1:0",
            "--unsolicited",
            "accept",
        ];
        let Ok(mut served) = Served::start_at(base, &arguments) else { return Some(Outcome::Refused) };
        served.base = served.listening.clone();
        Some(posted(&served, &Browser::default(), form).await)
    }
}

async fn attacked(name: &str, asks: bool, missing: &[&str]) {
    let trial = Trial::start(name, asks);
    let report = attacks::all().against(trial.target()).run(&trial).await;
    report.assert_none_accepted();
    println!("{report}");
    for entry in report.not_applicable() {
        let known = missing.iter().any(|name| entry.name.starts_with(name));
        assert!(known, "{} is not applicable: {:?}", entry.name, entry.verdict);
    }
}

/// The command accepts no messages by redirect, has no customers with accounts, and redirects nobody.
const NEVER: [&str; 7] =
    ["redirect/", "tenancy/", "account/", "cross-tenant/", "return/", "relay-state/", "pending/"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsolicited() {
    let asked = ["request/", "browser/", "replay/for-another", "replay/another-answer"];
    attacked("serve-attacks-unsolicited", false, &[&NEVER[..], &asked].concat()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_reply() {
    let unasked = ["request/", "replay/after-a", "replay/together-by-browsers"];
    attacked("serve-attacks-in-reply", true, &[&NEVER[..], &unasked].concat()).await;
}
