//! Recordings of sign-ins as a browser saves them, made step by step.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use vouchsafe::doctor::{Diagnosis, Doctor};
use vouchsafe::redirect;
use vouchsafe_testkit::{self as testkit, Issued, ResponseBuilder};

use crate::now;

pub(crate) const APP: &str = "https://app.example.com";

/// A recording of a sign-in, step by step.
pub(crate) struct Recording {
    pub(crate) entries: Vec<Value>,
    pub(crate) at: DateTime<Utc>,
}

impl Recording {
    /// Starts a recording: a person opens the service, which sets these cookies and sends the person to Okta.
    pub(crate) fn started(at: &str, set: &[&str]) -> Recording {
        let mut recording = Recording { entries: Vec::new(), at: testkit::ISSUE_INSTANT };
        recording.sign_in("_q1", at, set);
        recording
    }

    pub(crate) fn sign_in(&mut self, id: &str, at: &str, set: &[&str]) {
        let request = format!(
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
             ID=\"{id}\" Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\"><saml:Issuer>{}</saml:Issuer></samlp:AuthnRequest>",
            testkit::SERVICE_PROVIDER
        );
        let query = redirect::encode(redirect::SAML_REQUEST, &request, None);
        let address = format!("{}?{query}", testkit::OKTA_SINGLE_SIGN_ON);
        let set = set.iter().map(|line| json!({"name": "Set-Cookie", "value": line}));
        let headers: Vec<Value> = set.chain([json!({"name": "Location", "value": address})]).collect();
        self.push(json!({"method": "GET", "url": at}), json!({"status": 302, "headers": headers}));
        self.push(json!({"method": "GET", "url": address}), json!({"status": 200}));
    }

    pub(crate) fn push(&mut self, request: Value, response: Value) {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Millis, true);
        self.entries.push(json!({"startedDateTime": at, "request": request, "response": response}));
        self.at += TimeDelta::seconds(1);
    }

    pub(crate) fn posted(mut self, issued: &Issued, cookies: &str, status: u16) -> Recording {
        let headers =
            if cookies.is_empty() { json!([]) } else { json!([{"name": "Cookie", "value": cookies}]) };
        let data = json!({"params": [{"name": "SAMLResponse", "value": issued.to_base64()}]});
        self.push(
            json!({"method": "POST", "url": testkit::ASSERTION_CONSUMER, "headers": headers, "postData": data}),
            json!({"status": status}),
        );
        self
    }

    /// Records a cookie of the identity provider's own, so that the recording shows the cookies of requests.
    pub(crate) fn with_cookies_of_requests(mut self) -> Recording {
        self.entries[1]["request"]["headers"] = json!([{"name": "Cookie", "value": "JSESSIONID=1"}]);
        self
    }

    pub(crate) fn after(mut self, seconds: i64) -> Recording {
        self.at += TimeDelta::seconds(seconds);
        self
    }

    /// Sets the page that answers the last request.
    pub(crate) fn showing(mut self, status: u16, page: &str) -> Recording {
        let last = self.entries.last_mut().unwrap();
        last["response"] = json!({"status": status, "content": {"mimeType": "text/html", "text": page}});
        self
    }

    pub(crate) fn examined(self) -> Diagnosis {
        self.examined_with(|doctor| doctor, &[])
    }

    pub(crate) fn examined_with(
        self,
        told: impl FnOnce(Doctor) -> Doctor,
        more: &[(&str, &[u8])],
    ) -> Diagnosis {
        let har = json!({"log": {"version": "1.2", "entries": self.entries}}).to_string();
        let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
        let other = testkit::IdentityProvider::other().metadata().unwrap();
        let doctor = Doctor::new(now())
            .with_entity_id(testkit::SERVICE_PROVIDER)
            .with_assertion_consumer(testkit::ASSERTION_CONSUMER);
        let mut files = vec![
            ("sign-in.har", har.as_bytes()),
            ("okta.xml", metadata.as_bytes()),
            ("other.xml", other.as_bytes()),
        ];
        files.extend(more);
        told(doctor).examine(&files)
    }
}

pub(crate) fn answer() -> ResponseBuilder {
    testkit::IdentityProvider::okta().response().in_response_to("_q1")
}

pub(crate) const BINDING: &str = "__Host-saml=x; Path=/; Secure; HttpOnly; SameSite=None";

pub(crate) fn started() -> Recording {
    Recording::started(&format!("{APP}/app"), &[BINDING])
}

pub(crate) fn issued(response: ResponseBuilder) -> Issued {
    response.issue().unwrap()
}
