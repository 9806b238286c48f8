//! pyFF, a server of the metadata query protocol from another project, on loopback. The test runs if
//! `VOUCHSAFE_INTEROP` is set, with pyFF's folder of programs in `VOUCHSAFE_TEST_PYFF`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test: it may panic")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use vouchsafe::metadata::{SpeaksFor, TrustedSource};
use vouchsafe::signature::TrustedKey;
use vouchsafe::{EntityId, Provider};
use vouchsafe_client::{Client, MetadataQuery};
use vouchsafe_testkit::{IdentityProvider, keys};

const ENTITIES: usize = 20;

/// The server, which ends with the test.
struct Server {
    process: Child,
    folder: PathBuf,
}

impl Server {
    fn start(programs: &Path, port: u16) -> Server {
        let folder = std::env::temp_dir().join(format!("vouchsafe-pyff-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        let federation = keys::identity_provider();
        write("federation.key", federation.private_key().to_pkcs8_pem().as_str());
        write("federation.crt", &federation.certificate().to_pem());
        write("all.xml", &all());
        let place = folder.display();
        write(
            "pipeline.fd",
            &format!(
                "- when update:\n    - load:\n        - {place}/all.xml\n    - break\n\
                 - when request:\n    - select\n    - pipe:\n        - when accept application/samlmetadata+xml application/xml:\n            \
                 - first\n            - finalize:\n                cacheDuration: PT5H\n                validUntil: P5D\n            \
                 - sign:\n                key: {place}/federation.key\n                cert: {place}/federation.crt\n            \
                 - emit application/samlmetadata+xml\n            - break\n"
            ),
        );
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let process = Command::new(programs.join("gunicorn"))
            .args([
                "--bind",
                &format!("127.0.0.1:{port}"),
                "--workers",
                "1",
                "--threads",
                "4",
                "pyff.wsgi:app",
            ])
            .current_dir(&folder)
            .env("PYFF_PIPELINE", folder.join("pipeline.fd"))
            // The server loads its own content by a request to itself.
            .env("PYFF_PORT", port.to_string())
            .env("PYFF_UPDATE_FREQUENCY", "5")
            .env("PYFF_CACHING_ENABLED", "False")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Server { process, folder }
    }

    fn stop(&mut self) {
        // The process has ended, or ends now.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn entity_id(number: usize) -> EntityId {
    EntityId::new(format!("https://idp{number}.example/shibboleth?number={number}&of=all")).unwrap()
}

fn all() -> String {
    let entity = |number| {
        let id = entity_id(number).as_str().to_owned();
        let xml =
            IdentityProvider::new(id, "https://idp.example/sso", keys::identity_provider_p256()).metadata();
        xml.unwrap().split_once("?>").unwrap().1.to_owned()
    };
    let entities: String = (0..ENTITIES).map(entity).collect();
    format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{entities}</md:EntitiesDescriptor>"#
    )
}

#[tokio::test]
async fn every_entity_of_a_federation_that_pyff_serves() {
    if std::env::var_os("VOUCHSAFE_INTEROP").is_none() {
        eprintln!("skipped: VOUCHSAFE_INTEROP is not set");
        return;
    }
    let programs = PathBuf::from(std::env::var_os("VOUCHSAFE_TEST_PYFF").unwrap());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = Server::start(&programs, port);
    let address = format!("http://127.0.0.1:{port}/");
    let federation = keys::identity_provider().private_key().public_key().clone();
    let source =
        TrustedSource::signed_by([TrustedKey::new(federation, "the federation")], SpeaksFor::Everybody);
    let query = |base: &str| {
        let client = Client::with_loopback().unwrap();
        MetadataQuery::new(client, Provider::rustcrypto(), base, source.clone())
    };
    wait_for(&query, &address).await;

    let (by_name, by_digest) = (Arc::new(query(&address)), Arc::new(query(&address).asking_by_sha1()));
    let now = Utc::now();
    for number in 0..ENTITIES {
        for asked in [&by_name, &by_digest] {
            let found = asked.find(&entity_id(number), now).await.unwrap().unwrap();
            assert_eq!(found.entity_id(), &entity_id(number));
        }
    }
    let stranger = EntityId::new("https://stranger.example").unwrap();
    assert!(by_name.find(&stranger, now).await.unwrap().is_none());

    // The server is down for a day: all known entities are still found.
    server.stop();
    let mut failed = 0;
    for hour in 0..24 {
        for number in 0..ENTITIES {
            let found = by_name.find(&entity_id(number), now + TimeDelta::hours(hour)).await;
            failed += usize::from(!found.is_ok_and(|found| found.is_some()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    eprintln!(
        "{ENTITIES} entities by name and by digest; {failed} of {} look-ups failed in a day's outage",
        24 * ENTITIES
    );
    assert_eq!(failed, 0);
}

/// Waits until the server has loaded its entities.
async fn wait_for(query: &impl Fn(&str) -> MetadataQuery, address: &str) {
    let mut last = None;
    for _ in 0..120 {
        let found = Arc::new(query(address)).find(&entity_id(0), Utc::now()).await;
        if found.as_ref().is_ok_and(Option::is_some) {
            return;
        }
        last = Some(found);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("pyFF does not answer: {last:?}");
}
