//! The line that a refusal writes to the log. It is alone in its process: an event that another test makes without a subscriber may
//! switch it off for all.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::io;
use std::sync::{Arc, Mutex};

use chrono::Utc;
use http::Request;
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider, ServiceProvider,
    Unsolicited,
};
use vouchsafe_store::Memory;
use vouchsafe_testkit as testkit;
use vouchsafe_web::SingleSignOn;

const ENTITY_ID: &str = "https://app.example.com/saml/metadata";
const CONSUMER: &str = "https://app.example.com/saml/acs";

/// What a subscriber wrote.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A value of a message cannot end its quotes, and nothing is escaped twice.
#[tokio::test]
async fn a_refusal_is_one_line_in_which_values_are_escaped_once() {
    let okta = testkit::IdentityProvider::okta();
    let trusted = IdentityProvider::from_metadata(okta.metadata().unwrap().as_bytes()).unwrap();
    let settings = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let acme = Connection::new(ConnectionId::new("acme").unwrap(), trusted).with_settings(settings).unwrap();
    let saml = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap());
    let saml = saml.assertion_consumer(CONSUMER).unwrap().build().unwrap();
    let connections: Connections = [acme].into_iter().collect();
    let sso = SingleSignOn::new(saml, Arc::new(connections), Arc::new(Memory::new()));

    let response = okta.response().at(Utc::now());
    let response = response.service_provider("https://app.example.com/”, b\\“c", CONSUMER).issue().unwrap();
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("SAMLResponse", &response.to_base64());
    let request = Request::new(()).into_parts().0;
    let log = Log::default();
    let writer = log.clone();
    let written = tracing_subscriber::fmt().with_ansi(false).without_time();
    let logging = tracing::subscriber::set_default(written.with_writer(move || writer.clone()).finish());
    sso.accept(&request, form.finish().as_bytes()).await.unwrap_err();
    drop(logging);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.lines().count(), 1, "{log}");
    let issuer = okta.entity_id();
    for text in [
        " WARN vouchsafe_web::answers: sign-in refused reference=\"".to_owned(),
        format!(
            " connection=\"acme\" issuer=“{issuer}” code=\"assertion.audience\" reason=AudienceRestriction: "
        ),
        format!(
            " failed_checks=conditions.audience: expected “{ENTITY_ID}”, actual “https://app.example.com/\\u{{201d}}, b\\\\\\u{{201c}}c”\n"
        ),
    ] {
        assert!(log.contains(&text), "{text}\n{log}");
    }
}
