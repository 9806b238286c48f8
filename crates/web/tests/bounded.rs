//! The stored data of a refusal do not grow with the refused message.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::Arc;

use chrono::Utc;
use http::Request;
use http::request::Parts;
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider, ServiceProvider,
    Unsolicited,
};
use vouchsafe_store::Memory;
use vouchsafe_testkit::{self as testkit, ResponseBuilder};
use vouchsafe_web::{HttpError, RefusalRecord, SingleSignOn};

const ENTITY_ID: &str = "https://app.example.com/saml/metadata";
const CONSUMER: &str = "https://app.example.com/saml/acs";

fn service() -> SingleSignOn {
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let okta = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let settings = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let acme = Connection::new(ConnectionId::new("acme").unwrap(), okta).with_settings(settings).unwrap();
    let builder = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap());
    let service_provider = builder.assertion_consumer(CONSUMER).unwrap().build().unwrap();
    let connections: Connections = [acme].into_iter().collect();
    SingleSignOn::new(service_provider, Arc::new(connections), Arc::new(Memory::new()))
}

fn request() -> Parts {
    Request::new(()).into_parts().0
}

/// Returns the size of a record in bytes: its texts, and the ledger as JSON.
fn size(record: &RefusalRecord) -> usize {
    let ledger = record.ledger.as_ref().map(|ledger| serde_json::to_string(ledger).unwrap());
    let texts = [Some(record.message.clone()), record.issuer.clone(), ledger];
    texts.into_iter().flatten().map(|text| text.len()).sum()
}

type Change = fn(ResponseBuilder, String) -> ResponseBuilder;

const CHANGES: [(&str, Change); 19] = [
    ("InResponseTo", |response, long| response.in_response_to(long)),
    ("ID", |response, long| response.response_id(format!("_{long}")).recipient("x")),
    ("Version", |response, long| response.response_version(long)),
    ("Destination", |response, long| response.destination(long)),
    ("assertion ID", |response, long| response.assertion_id(format!("_{long}")).assertion_version("1")),
    ("assertion Version", |response, long| response.assertion_version(long)),
    ("issuer Format", |response, long| response.issuer_format(long)),
    ("NameID", |response, long| response.name_id(long).recipient("x")),
    ("NameID Format", |response, long| response.name_id_format(long).recipient("x")),
    ("Method", |response, long| response.confirmation_method(long)),
    ("Recipient", |response, long| response.recipient(long)),
    ("AuthnContextClassRef", |response, long| response.authn_context(long).recipient("x")),
    ("issuer of the response", |response, long| response.response_issuer(long)),
    ("issuer of the assertion", |response, long| response.assertion_issuer(long)),
    ("StatusMessage", |response, long| response.status(["urn:x"]).status_message(long)),
    ("Status", |response, long| response.status([long])),
    ("Audience", |response, long| response.audience(long)),
    ("SubjectConfirmationData InResponseTo", |response, long| response.subject_in_response_to(long)),
    ("Address", |response, long| response.address(long).recipient("x")),
];

#[tokio::test]
async fn what_is_kept_is_small_whatever_came() {
    const LONG: usize = 200_000;
    for (place, change) in CHANGES {
        let sso = service();
        let response = testkit::IdentityProvider::okta()
            .response()
            .at(Utc::now())
            .service_provider(ENTITY_ID, CONSUMER)
            .name_id("ada@example.com");
        let issued = change(response, "x".repeat(LONG)).issue().unwrap();
        assert!(issued.xml().len() > LONG, "{place}");
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("SAMLResponse", &issued.to_base64());
        let kept = Arc::<std::sync::Mutex<Vec<RefusalRecord>>>::default();
        let keeps = Arc::clone(&kept);
        let sso = sso.on_refusal(move |record| keeps.lock().unwrap().push(record.clone()));
        let _ = sso.accept(&request(), form.finish().as_bytes()).await.unwrap_err();
        let [record] = kept.lock().unwrap().clone().try_into().unwrap_or_else(|_| panic!("{place}"));
        assert!(size(&record) < 20_000, "{place}: {} bytes, {}", size(&record), record.code);
    }
}

/// An error that is passed on, for example to the hook of an application, contains only a short part of the message.
#[test]
fn an_operand_is_cut() {
    let error = HttpError::no_pending_request(&"é".repeat(100_000));
    let HttpError::NoPendingRequest { in_response_to, .. } = &error else { panic!("{error:?}") };
    assert!(in_response_to.len() < 5_000, "{}", in_response_to.len());
    assert!(error.to_string().contains('…'), "and it shows that it is cut: {error}");
    let short = HttpError::no_pending_request("_1");
    assert!(short.to_string().contains("“_1”"), "{short}");
    let HttpError::Body { reason, .. } = HttpError::body("x".repeat(100_000)) else { panic!() };
    assert!(reason.len() < 5_000);
    assert!(format!("{:?}", ConnectionId::new("x".repeat(100_000)).unwrap_err()).len() < 5_000);
}
