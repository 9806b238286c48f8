//! The identity provider rolls its key over while the service runs: one line keeps the metadata fresh, and nothing is started anew.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vouchsafe::metadata::RefreshSchedule;
use vouchsafe::{ConnectionId, EntityId, Provider};
use vouchsafe_client::{Client, RefreshEvent, RefreshedConnection, Refresher};
use vouchsafe_testkit::{IdentityProvider as Kit, KeyPair, keys};

use crate::app::{App, Browser};

#[tokio::test]
async fn new_keys_count_without_a_restart() {
    rolls_over().await;
}

/// The key is announced, then used, then the old one is withdrawn.
pub(crate) async fn rolls_over() {
    let (old, new) = (keys::identity_provider(), keys::identity_provider_p256());
    let app = App::start().await;
    assert_eq!((signs_in(&app, old).await, signs_in(&app, new).await), (303, 403));

    let announced = Kit::okta().with_next_certificate(new.certificate()).metadata().unwrap();
    let (published, address) = publish(announced).await;
    let okta = RefreshedConnection::new(
        ConnectionId::new("1").unwrap(),
        EntityId::new(Kit::okta().entity_id()).unwrap(),
        address,
    );
    let refresher = Refresher::new(Client::with_loopback().unwrap(), Provider::rustcrypto())
        .with_schedule(always())
        .with(okta);
    let told = Arc::<Mutex<Vec<String>>>::default();
    let events = Arc::clone(&told);
    let refreshing = refresher.start(Arc::clone(&app.connections), move |event: &RefreshEvent| {
        events.lock().unwrap().push(event.to_string());
    });
    until(async || signs_in(&app, new).await == 303).await;
    assert_eq!(signs_in(&app, old).await, 303, "both count while both are published");

    *published.lock().unwrap() = Kit::okta().with_key(new).metadata().unwrap();
    until(async || signs_in(&app, old).await == 403).await;
    assert_eq!(signs_in(&app, new).await, 303);
    let [source] = refreshing.sources().try_into().unwrap();
    assert!(source.confirmed_at.is_some() && source.last_error.is_none(), "{source:?}");
    assert!(told.lock().unwrap().iter().any(|event| event.contains("key removed: ")), "{told:?}");

    // When it is stopped, the service goes on with what it knows.
    assert!(refreshing.is_running());
    refreshing.stop().await;
    *published.lock().unwrap() = Kit::okta().metadata().unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!((signs_in(&app, old).await, signs_in(&app, new).await), (403, 303));
}

/// The status of an answer that this key signed.
async fn signs_in(app: &App, key: &KeyPair) -> u16 {
    static COUNT: Mutex<u32> = Mutex::new(0);
    let number = {
        let mut count = COUNT.lock().unwrap();
        *count += 1;
        *count
    };
    let response = app.response().assertion_id(format!("_roll-over-{number}")).key(key).issue().unwrap();
    let acs = format!("{}/saml/acs", app.address);
    Browser::new().post(&acs, &[("SAMLResponse", response.to_base64().as_str())]).await.status
}

/// Waits for what must come soon.
async fn until(comes: impl AsyncFn() -> bool) {
    for _ in 0..300 {
        if comes().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not come");
}

fn always() -> RefreshSchedule {
    let mut always = RefreshSchedule::default();
    (always.shortest, always.usual, always.longest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    always
}

/// A host of metadata, whatever framework the service has.
async fn publish(document: String) -> (Arc<Mutex<String>>, String) {
    let published = Arc::new(Mutex::new(document));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/metadata", listener.local_addr().unwrap());
    let served = Arc::clone(&published);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.windows(4).any(|end| end == b"\r\n\r\n")
                && stream.read_buf(&mut asked).await.unwrap() > 0
            {}
            let document = served.lock().unwrap().clone();
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/samlmetadata+xml\r\nConnection: close\r\n";
            let answer = format!("{head}Content-Length: {}\r\n\r\n{document}", document.len());
            // Whoever went away meanwhile asks again.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (published, address)
}
