//! Who can see a refusal, and which parts of it.

use std::sync::{Arc, Mutex};

use chrono::Utc;
use http::header::{ACCEPT, CONTENT_TYPE};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, ConnectionState, IdentityProvider, Unsolicited,
};
use vouchsafe_testkit as testkit;
use vouchsafe_web::{HttpError, RefusalPage, SingleSignOn};

use crate::{CONSUMER, ENTITY_ID, OWN, Posted, connection, over, request, unasked};

#[tokio::test]
async fn refusals_are_told_counted_and_kept() {
    let acme = connection("acme", ConnectionSettings::default().unsolicited(Unsolicited::Accept));
    let counted = Arc::<Mutex<Vec<&'static str>>>::default();
    let counter = Arc::clone(&counted);
    let sso = over([acme]).on_refusal(move |record| counter.lock().unwrap().push(record.code)).refusal_page(
        RefusalPage::rendered_by(|shown| format!("{} {}", shown.reference.as_str(), shown.back)),
    );
    let body = unasked("_1").body();
    sso.accept(&request(&[]), &body).await.unwrap();
    let page = sso.accept(&request(&[]), &body).await.unwrap_err();
    assert_eq!(page.status(), 403);
    let (reference, back) = page.body().split_once(' ').unwrap();
    assert_eq!(back, "/");
    let record = sso.refusals().find(reference).unwrap();
    assert_eq!(record.code, "assertion.replayed");
    assert_eq!(record.connection.as_ref().unwrap().as_str(), "acme");
    assert!(record.ledger.as_ref().unwrap().failed().count() > 0, "what failed is kept");
    assert_eq!(sso.refusals().of(&ConnectionId::new("acme").unwrap()).len(), 1);
    assert!(sso.refusals().of(&ConnectionId::new("globex").unwrap()).is_empty());

    let json = sso.accept(&request(&[(ACCEPT, "application/json")]), b"x=y").await.unwrap_err();
    assert_eq!(json.headers().get(CONTENT_TYPE).unwrap(), "application/json");
    assert!(json.body().starts_with("{\"error\":\"The sign-in could not be completed.\""), "{}", json.body());
    assert_eq!(*counted.lock().unwrap(), ["assertion.replayed", "binding.field_missing"]);
}

/// Returns the codes that each of two customers finds in its log after a refused response.
async fn kept_for(sso: &SingleSignOn, body: &[u8]) -> [Vec<&'static str>; 2] {
    let _ = sso.accept(&request(&[]), body).await.unwrap_err();
    let of = |id| sso.refusals().of(&ConnectionId::new(id).unwrap());
    ["acme", "globex"].map(|id| of(id).iter().map(|record| record.code).collect())
}

/// A refusal belongs to nobody if its response may belong to either of two customers.
#[tokio::test]
async fn what_two_customers_may_be_meant_by_is_nobodys() {
    let refusing = || ConnectionSettings::default();
    let sso = over([connection("acme", refusing()), connection("globex", refusing())]);
    assert_eq!(kept_for(&sso, &unasked("_1").body()).await, [const { Vec::<&str>::new() }; 2]);
    // No sign-in starts at one of them instead of using the response.
    let restarting = || ConnectionSettings::default().unsolicited(Unsolicited::Restart);
    let sso = over([connection("acme", restarting()), connection("globex", restarting())]);
    assert_eq!(sso.accept(&request(&[]), &unasked("_2").body()).await.unwrap_err().status(), 403);
    // It belongs to nobody either if one of them accepts such responses: nothing shows that its key signed.
    let accepting = || ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let sso = over([connection("acme", accepting()), connection("globex", refusing())]);
    let mut forged = testkit::IdentityProvider::okta().with_key(testkit::keys::attacker()).response();
    forged = forged.at(Utc::now()).service_provider(ENTITY_ID, CONSUMER);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("SAMLResponse", &forged.issue().unwrap().to_base64());
    assert_eq!(kept_for(&sso, form.finish().as_bytes()).await, [const { Vec::<&str>::new() }; 2]);
}

/// Among several customers, only the one whose key signed finds the refusal in its log.
#[tokio::test]
async fn the_key_that_signed_says_whose_refusal_it_is() {
    let accepting = || ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let metadata = testkit::IdentityProvider::okta().with_key(testkit::keys::attacker()).metadata().unwrap();
    let other = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let other = Connection::new(ConnectionId::new("globex").unwrap(), other);
    let sso = over([connection("acme", accepting()), other.with_settings(accepting()).unwrap()]);
    let body = Posted { consumer: OWN, ..unasked("_1") }.body();
    let [acme, globex] = kept_for(&sso, &body).await;
    assert!(matches!(acme.as_slice(), [code] if code.starts_with("assertion.")), "{acme:?}");
    assert!(globex.is_empty(), "{globex:?}");
}

/// Anybody can make a draft with the same identity provider. It does not hide a refusal from its customer.
#[tokio::test]
async fn a_closed_connection_hides_no_refusal() {
    for state in [ConnectionState::Draft, ConnectionState::Tested, ConnectionState::Retired] {
        let refusing = || ConnectionSettings::default();
        let sso = over([connection("acme", refusing()), connection("globex", refusing()).with_state(state)]);
        let kept = kept_for(&sso, &unasked("_1").body()).await;
        assert_eq!(kept, [vec!["assertion.unsolicited"], vec![]], "{state}");
    }
}

/// A refusal by the application is kept for the customer of the person, like that of a response.
#[tokio::test]
async fn what_the_application_refuses_is_told_and_kept() {
    let accepting = || ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    // Another customer claims the same identity provider with another key: the signature decides.
    let metadata = testkit::IdentityProvider::okta().with_key(testkit::keys::attacker()).metadata().unwrap();
    let other = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let other =
        Connection::new(ConnectionId::new("globex").unwrap(), other).with_settings(accepting()).unwrap();
    let sso = over([connection("acme", accepting()), other]);
    let accepted = sso.accept(&request(&[]), &unasked("_1").body()).await.unwrap();
    let page = accepted.refuse(HttpError::UnknownConnection);
    assert_eq!(page.status(), 403);
    assert!(page.body().contains("<html"), "{}", page.body());
    let acme = ConnectionId::new("acme").unwrap();
    let [record] = sso.refusals().of(&acme).try_into().unwrap();
    assert_eq!((record.connection, record.issuer.as_deref()), (Some(acme), Some(testkit::OKTA_ENTITY_ID)));
}

/// The log has the cause of a failed signature, and the browser does not see it.
#[tokio::test]
async fn the_log_has_the_cause_of_a_bad_signature() {
    let settings = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let sso = over([connection("acme", settings)]);
    let forged = testkit::IdentityProvider::okta().response().key(testkit::keys::attacker()).issue().unwrap();
    let field: String = form_urlencoded::byte_serialize(forged.to_base64().as_bytes()).collect();
    let answer = sso.accept(&request(&[]), format!("SAMLResponse={field}").as_bytes()).await.unwrap_err();
    let reference = answer.extensions().get::<vouchsafe_web::Reference>().unwrap();
    let record = sso.refusals().find(reference.as_str()).unwrap();
    assert_eq!(record.code, "signature.not_verified");
    let cause = "; the key of a certificate in the message made it, and that certificate is not known here";
    assert!(record.message.contains(cause), "{}", record.message);
    assert!(record.hint.starts_with("Compare the fingerprint with the identity provider's console first"));
    assert!(!answer.body().contains("certificate"), "{}", answer.body());
}

/// The operator sees the probable name; a customer never sees another's.
#[tokio::test]
async fn an_unknown_issuer_is_told_with_the_closest_in_the_operators_record_alone() {
    let accepting = || ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let own = || accepting().assertion_consumer(OWN).unwrap();
    let elsewhere = Connection::new(
        ConnectionId::new("elsewhere").unwrap(),
        IdentityProvider::from_metadata(testkit::IdentityProvider::other().metadata().unwrap().as_bytes())
            .unwrap(),
    );
    let okta = testkit::IdentityProvider::okta().entity_id().to_owned();
    let body = |issuer: &str, consumer: &str| {
        let response = testkit::IdentityProvider::okta().response().at(Utc::now()).issuer(issuer);
        let issued = response.service_provider(ENTITY_ID, consumer).issue().unwrap();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("SAMLResponse", &issued.to_base64());
        form.finish().into_bytes()
    };
    let records = Arc::<Mutex<Vec<vouchsafe_web::RefusalRecord>>>::default();
    let kept = Arc::clone(&records);
    let sso = over([connection("acme", accepting()), elsewhere, connection("owner", own())])
        .on_refusal(move |record| kept.lock().unwrap().push(record.clone()));

    let _ = sso.accept(&request(&[]), &body(&format!("{okta}/"), CONSUMER)).await.unwrap_err();
    let record = records.lock().unwrap().pop().unwrap();
    assert_eq!((record.code, record.connection), ("assertion.unknown_issuer", None));
    assert_eq!(
        record.message,
        format!(
            "no trusted identity provider is named “{okta}/”; the closest that is trusted is “{okta}”; they differ only in the slash at the end"
        )
    );
    for id in ["acme", "elsewhere", "owner"] {
        assert!(sso.refusals().of(&ConnectionId::new(id).unwrap()).is_empty(), "{id}");
    }

    // At the address of one connection, only its name is compared.
    let other = testkit::IdentityProvider::other().entity_id().to_owned();
    let _ = sso.accept_for("owner", &request(&[]), &body(&format!("{other}/"), OWN)).await.unwrap_err();
    let record = records.lock().unwrap().pop().unwrap();
    assert_eq!(record.connection, Some(ConnectionId::new("owner").unwrap()));
    assert!(
        record.message.contains(&okta) && !record.message.contains(&format!("“{other}”")),
        "{}",
        record.message
    );
}
