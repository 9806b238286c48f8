//! What is served as our metadata for one connection.

use std::sync::{Arc, Mutex};

use http::Response;
use http::header::{ETAG, IF_NONE_MATCH};
use vouchsafe::{ConnectionSettings, ConnectionState, Connections, EntityId, ServiceProvider};
use vouchsafe_store::Memory;
use vouchsafe_testkit as testkit;
use vouchsafe_web::{RefusalPage, SingleSignOn};

use super::{CONSUMER, ENTITY_ID, OWN, Posted, connection, over, request, unasked};

/// A signature makes two documents with the same content differ. It must not tell which connections exist, and it is made
/// once.
#[tokio::test]
async fn signed_metadata_tells_no_names_and_stays_the_same() {
    let signing = testkit::keys::identity_provider_p256();
    let builder = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap());
    let builder = builder.assertion_consumer(CONSUMER).unwrap().sign_metadata();
    let saml =
        builder.signing_key(signing.private_key().clone(), signing.certificate().clone()).build().unwrap();
    let plain = ConnectionSettings::default;
    let own = connection("own", plain().assertion_consumer(OWN).unwrap());
    let connections: Connections = [connection("common", plain()), own].into_iter().collect();
    let sso = SingleSignOn::new(saml, Arc::new(connections), Arc::new(Memory::new()))
        .refusal_page(RefusalPage::rendered_by(|shown| shown.message.to_string()));
    let headers = request(&[]).headers;
    let shown =
        |answer: Response<String>| (answer.status().as_u16(), answer.headers().len(), answer.into_body());
    let nobody = shown(sso.metadata_for(&headers, "nobody").await);
    assert_eq!(nobody.0, 404);
    assert_eq!(shown(sso.metadata_for(&headers, "common").await), nobody);

    let own = sso.metadata_for(&headers, "own").await;
    assert!(own.status() == 200 && own.body().contains("SignatureValue") && own.body().contains(OWN));
    let common = sso.metadata(&headers);
    assert!(common.body().contains("SignatureValue") && !common.body().contains(OWN));
    assert_eq!(sso.metadata_for(&headers, "own").await.into_body(), *own.body(), "signed once");
    assert_eq!(sso.clone().metadata(&headers).into_body(), *common.body(), "signed once");
    for (answer, again) in
        [(&common, sso.metadata(&headers)), (&own, sso.metadata_for(&headers, "own").await)]
    {
        let etag = answer.headers()[ETAG].clone();
        assert_eq!(again.headers()[ETAG], etag);
        let held = request(&[(IF_NONE_MATCH, &format!("\"x\", {}", etag.to_str().unwrap()))]).headers;
        let both =
            [sso.metadata(&held).status().as_u16(), sso.metadata_for(&held, "own").await.status().as_u16()];
        assert_eq!(both, if etag == common.headers()[ETAG] { [304, 200] } else { [200, 304] });
        assert_eq!(sso.metadata_for(&held, "common").await.status(), 404);
    }
}

/// The answers for an unknown name and for a connection that is not served are the same.
#[tokio::test]
async fn what_is_not_served_is_answered_as_what_is_not_there() {
    let own = |settings: ConnectionSettings| settings.assertion_consumer(OWN).unwrap();
    let plain = ConnectionSettings::default;
    let sso = over([
        connection("retired", own(plain())).with_state(ConnectionState::Retired),
        connection("common", plain()),
        connection("draft", own(plain())).with_state(ConnectionState::Draft),
        connection("signed", plain().require_signed_assertion()),
        connection("own", own(plain())),
    ])
    .refusal_page(RefusalPage::rendered_by(|shown| format!("{} {}", shown.message, shown.back)));
    let headers = request(&[]).headers;
    let shown = |answer: Response<String>| {
        let mut headers: Vec<_> = answer
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        headers.sort();
        (answer.status().as_u16(), headers, answer.into_body())
    };
    let nobody = shown(sso.metadata_for(&headers, "nobody").await);
    assert_eq!(nobody.0, 404);
    for id in ["retired", "common", "", "a/b"] {
        assert_eq!(shown(sso.metadata_for(&headers, id).await), nobody, "{id}");
    }
    // The administrator who configures a draft at the identity provider needs its metadata.
    for id in ["own", "draft", "signed"] {
        assert_eq!(sso.metadata_for(&headers, id).await.status(), 200, "{id}");
    }
    let garbage = b"SAMLResponse=PGEvPg==".to_vec();
    for body in [Posted { consumer: OWN, ..unasked("_1") }.body(), garbage, b"x=y".to_vec()] {
        let answer = async |id: &str| shown(*sso.accept_for(id, &request(&[]), &body).await.unwrap_err());
        let nobody = answer("nobody").await;
        for id in ["retired", "common", "own"] {
            assert_eq!(answer(id).await, nobody, "{id}");
        }
    }
    // The posted body is read before the name is checked, so that the duration reveals nothing.
    let _ = sso.accept_for("nobody", &request(&[]), b"x=y").await;
    let codes = Arc::<Mutex<Vec<&'static str>>>::default();
    let kept = Arc::clone(&codes);
    let sso = sso.on_refusal(move |record| kept.lock().unwrap().push(record.code));
    for id in ["nobody", "retired", "own"] {
        let _ = sso.accept_for(id, &request(&[]), b"SAMLResponse=PGEvPg==").await.unwrap_err();
    }
    assert_eq!(*codes.lock().unwrap(), ["assertion.not_a_response"; 3]);
}
