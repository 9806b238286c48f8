//! One document of many entities that is kept fresh.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use vouchsafe::metadata::{SpeaksFor, TrustedSource};
use vouchsafe::{ConnectionId, Explain, Provider};
use vouchsafe_client::{Client, DocumentRefresher, RefreshEvent, RefreshOutcome};
use vouchsafe_testkit::keys;

use crate::server::{Answer, Server};
use crate::{always, client, entity_id, federation};

const END: &str = "2036-02-01T00:00:00Z";

fn name() -> ConnectionId {
    ConnectionId::new("federation").unwrap()
}

fn with(client: Client, server: &Server) -> DocumentRefresher {
    let fingerprint = keys::identity_provider().certificate().fingerprint_sha256();
    let source = TrustedSource::signed_by_certificate(&fingerprint, SpeaksFor::Everybody).unwrap();
    DocumentRefresher::new(client, Provider::rustcrypto(), name(), server.address(), source)
        .with_schedule(always())
}

fn told(event: &RefreshEvent) -> String {
    assert_eq!(event.connection(), Some(&name()));
    assert!(event.identity_provider().is_none(), "it is no connection's");
    match &event.outcome {
        RefreshOutcome::DocumentLoaded { .. } => "loaded".to_owned(),
        RefreshOutcome::DocumentChanged { changes, .. } => format!("{} changes", changes.len()),
        RefreshOutcome::Unchanged => "unchanged".to_owned(),
        RefreshOutcome::Kept { reason, confirmed_at, .. } => {
            format!("{}: {}", if confirmed_at.is_some() { "kept" } else { "none" }, reason.code())
        }
        other => format!("{other:?}"),
    }
}

async fn next(refresher: &mut DocumentRefresher) -> Vec<String> {
    refresher.refresh_due().await.iter().map(told).collect()
}

fn signing_keys(refresher: &DocumentRefresher) -> usize {
    let metadata = refresher.metadata().unwrap();
    metadata.identity_provider(&entity_id()).unwrap().signing_keys().len()
}

#[tokio::test]
async fn a_document_is_kept_fresh_and_no_fault_takes_it_away() {
    let first = federation("2026-02-01T00:00:00Z", END, false);
    let server = Server::start(Answer::Status(503)).await;
    let mut refresher = with(client(&server), &server);
    assert_eq!(next(&mut refresher).await, ["none: client.status"]);
    assert!(refresher.metadata().is_none());
    server.answers(Answer::Document(first.clone()));
    assert_eq!(next(&mut refresher).await, ["loaded"]);
    assert_eq!(signing_keys(&refresher), 1);
    for (answer, expected) in [
        (Answer::Document(first.clone()), "unchanged"),
        (Answer::Document(first.replace("/sso/saml", "/evil")), "kept: signature.digest_mismatch"),
        (Answer::Document(federation("2026-01-01T00:00:00Z", END, true)), "kept: refresh.rolled_back"),
        (Answer::Cut(first.clone()), "kept: client.exchange"),
        (Answer::Megabytes(2), "kept: client.too_large"),
        (Answer::Tagged(federation("2026-02-02T00:00:00Z", END, true), "\"2\""), "1 changes"),
        (Answer::Tagged("<html/>".to_owned(), "\"2\""), "unchanged"),
    ] {
        server.answers(answer);
        assert_eq!(next(&mut refresher).await, [expected]);
    }
    assert_eq!(signing_keys(&refresher), 2);
    let status = refresher.status().of(&name()).unwrap();
    assert!(status.last_error.is_none() && status.failures == 0);
    // With the room of a federation.
    server.answers(Answer::Megabytes(2));
    let mut roomy = with(client(&server).for_federations(), &server);
    assert_eq!(next(&mut roomy).await, ["none: xml.no_root"]);
}

#[tokio::test]
async fn a_copy_of_it_outlives_the_process() {
    let folder = std::env::temp_dir().join(format!("vouchsafe-documents-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let server = Server::start(Answer::Document(federation("2026-02-01T00:00:00Z", END, false))).await;
    let start = || with(client(&server), &server).keeping_a_copy_in(&folder);
    let loaded = async |mut refresher: DocumentRefresher| -> (Vec<String>, DocumentRefresher) {
        let events = refresher.load().await.iter().map(told).collect();
        (events, refresher)
    };
    assert_eq!(loaded(start()).await.0, ["loaded"]);
    server.answers(Answer::Status(500));
    let (events, refresher) = loaded(start()).await;
    assert_eq!(events, ["loaded", "kept: client.status"]);
    assert_eq!(signing_keys(&refresher), 1);
    // An older document than the copy is one that goes back, after a start as well.
    server.answers(Answer::Document(federation("2026-01-01T00:00:00Z", END, true)));
    assert_eq!(loaded(start()).await.0, ["loaded", "kept: refresh.rolled_back"]);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside the copy");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The refresher has the current document in memory and no earlier one, also after a source has given an older one: of that it
/// keeps the time.
#[tokio::test]
async fn no_earlier_document_stays_in_memory() {
    let server = Server::start(Answer::Document(federation("2026-02-01T00:00:00Z", END, false))).await;
    let mut refresher = with(client(&server), &server);
    refresher.load().await;
    for (day, expected) in [(2, "1 changes"), (1, "kept: refresh.rolled_back"), (3, "1 changes")] {
        let earlier = Arc::downgrade(refresher.metadata().unwrap());
        server.answers(Answer::Document(federation(&format!("2026-02-0{day}T00:00:00Z"), END, day == 2)));
        assert_eq!(next(&mut refresher).await, [expected]);
        let is_current = expected.starts_with("kept");
        assert_eq!(earlier.strong_count(), usize::from(is_current), "{day}");
        assert_eq!(Arc::strong_count(refresher.metadata().unwrap()), 1);
    }
}

/// The service takes a newer document over while it runs, and is told on a thread where it may take its time.
#[tokio::test]
async fn whoever_is_told_may_take_their_time() {
    let server = Server::start(Answer::Document(federation("2026-02-01T00:00:00Z", END, false))).await;
    let mut refresher = with(client(&server), &server);
    refresher.load().await;
    let served = Arc::new(Mutex::new(Arc::clone(refresher.metadata().unwrap())));
    let (taking, changed) = (Arc::clone(&served), Arc::new(tokio::sync::Notify::new()));
    let change = Arc::clone(&changed);
    let refreshing = refresher.start(move |event| {
        if let Some(newer) = event.metadata() {
            // The only thread of this runtime goes on meanwhile.
            std::thread::sleep(Duration::from_millis(500));
            *taking.lock().unwrap() = Arc::clone(newer);
            change.notify_one();
        }
    });
    server.answers(Answer::Document(federation("2026-02-02T00:00:00Z", END, true)));
    let mut slept = 0;
    let wait = async {
        loop {
            tokio::select! {
                () = changed.notified() => break,
                () = tokio::time::sleep(Duration::from_millis(10)) => slept += 1,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap();
    assert!(slept >= 20, "{slept}");
    let now = Arc::clone(&served.lock().unwrap());
    assert_eq!(now.identity_provider(&entity_id()).unwrap().signing_keys().len(), 2);
    assert!(refreshing.is_running());
    refreshing.stop().await;
}

/// A line of a log has room for some changes and not for thousands.
#[tokio::test]
async fn an_event_is_told_in_one_line() {
    let server = Server::start(Answer::Document(federation("2026-02-01T00:00:00Z", END, false))).await;
    let mut refresher = with(client(&server), &server);
    let loaded = refresher.load().await;
    let line = loaded.first().unwrap().to_string();
    assert!(
        line.starts_with("metadata of federation: a document of 1 entities is loaded, as fetched at "),
        "{line}"
    );
    server.answers(Answer::Document(federation("2026-02-02T00:00:00Z", END, true)));
    let changed = refresher.refresh_due().await;
    let line = changed.first().unwrap().to_string();
    let entity = entity_id();
    assert!(line.contains(&format!("; “{entity}”: key added: ")) && !line.contains('\n'), "{line}");
}
