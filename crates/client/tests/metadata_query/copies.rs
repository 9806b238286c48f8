//! What is known outlives the process, and what people invent keeps nobody out.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use chrono::{TimeDelta, Utc};
use vouchsafe::metadata::EntityName;
use vouchsafe::signature::{Signer, sign};
use vouchsafe::{EntityId, Explain, Limits, Provider, RequestRate};
use vouchsafe_client::{MetadataQuery, QueryLimits};
use vouchsafe_testkit::{IdentityProvider as Kit, keys};

use crate::{Server, document, now, university, until_asked};

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNTED: AtomicUsize = AtomicUsize::new(0);
        let number = COUNTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("vouchsafe-query-copies-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    fn files(&self) -> Vec<PathBuf> {
        std::fs::read_dir(&self.0).unwrap().map(|file| file.unwrap().path()).collect()
    }

    fn only_file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files.into_iter().next().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn member(number: usize) -> EntityId {
    EntityId::new(format!("https://member-{number}.example/idp")).unwrap()
}

/// Returns the federation's document about an entity, without an end.
fn endless(entity_id: &EntityId) -> String {
    let kit = Kit::new(entity_id.as_str(), "https://idp.example/sso", keys::identity_provider_p256());
    let unsigned =
        kit.metadata().unwrap().replacen("entityID=", "ID=\"_one\" cacheDuration=\"PT6H\" entityID=", 1);
    let signer = Signer::new(keys::identity_provider().private_key());
    sign(&unsigned, "_one", &signer, &Provider::rustcrypto(), &Limits::metadata()).unwrap()
}

/// Somebody invents names, until none is asked for any more.
async fn flood(query: &Arc<MetadataQuery>) {
    for number in 0..1_000 {
        let name = EntityId::new(format!("https://invented.example/{number}")).unwrap();
        if query.find(&name, now()).await.is_err_and(|error| error.code() == "client.busy") {
            return;
        }
    }
    panic!("there is no limit");
}

#[tokio::test]
async fn a_start_knows_what_was_known_before() {
    let (server, folder) = (Server::start().await, Folder::new());
    let name = university();
    server.publish(name.as_str(), document(&name, keys::identity_provider()));
    let start = || Arc::new(server.query().keeping_copies_in(&folder.0));
    let query = start();
    assert!(query.find(&name, now()).await.unwrap().is_some());
    assert_eq!((folder.files().len(), query.copy_failure()), (1, None));

    // The server is down, and somebody invents names: neither keeps out who was known.
    *server.is_down.lock().unwrap() = true;
    for asked in [EntityName::EntityId(name.clone()), EntityName::source_id_of(&name)] {
        let query = start();
        let all: Vec<_> = (0..20)
            .map(|_| {
                let (query, asked) = (Arc::clone(&query), asked.clone());
                tokio::spawn(async move { query.find_named(&asked, now()).await })
            })
            .collect();
        for one in all {
            assert_eq!(one.await.unwrap().unwrap().unwrap().entity_id(), &name);
        }
    }
    *server.is_down.lock().unwrap() = false;
    let query = start();
    flood(&query).await;
    assert!(query.find(&name, now()).await.unwrap().is_some());
    let without = Arc::new(server.query());
    flood(&without).await;
    assert_eq!(without.find(&name, now()).await.unwrap_err().code(), "client.busy", "the flood lasts");

    // The server has the entity by its entityID only, and is asked by that although the SHA-1 was requested.
    let (query, later) = (start(), now() + TimeDelta::hours(30));
    assert!(query.find_named(&EntityName::source_id_of(&name), now()).await.unwrap().is_some());
    let asked = server.asked();
    assert!(query.find_named(&EntityName::source_id_of(&name), later).await.unwrap().is_some());
    until_asked(&server, asked + 1).await;
    let much_later = later + TimeDelta::minutes(1);
    assert!(query.find_named(&EntityName::source_id_of(&name), much_later).await.unwrap().is_some());
    assert_eq!(server.asked(), asked + 1, "the answer was good");
    // A copy ends as the document does.
    let late = now() + TimeDelta::days(6);
    assert_eq!(start().find(&name, late).await.unwrap_err().code(), "metadata.expired");
}

/// Somebody can write to the folder, or a file is damaged.
#[tokio::test]
async fn a_copy_is_believed_no_more_than_the_server() {
    let (server, folder) = (Server::start().await, Folder::new());
    let name = university();
    let genuine = document(&name, keys::identity_provider());
    server.publish(name.as_str(), genuine.clone());
    let start = || Arc::new(server.query().keeping_copies_in(&folder.0));
    assert!(start().find(&name, now()).await.unwrap().is_some());
    let file = folder.only_file();
    *server.is_down.lock().unwrap() = true;
    for (what, copy) in [
        ("of another key", document(&name, keys::attacker())),
        ("of another entity", document(&member(1), keys::identity_provider())),
        ("changed", genuine.replace("idp.university.example/sso", "idp.evil.example/sso")),
        ("cut off", genuine[..genuine.len() / 2].to_owned()),
        ("empty", String::new()),
    ] {
        std::fs::write(&file, copy).unwrap();
        // A copy of later stays: another process may have written it.
        let damaged = std::fs::File::options().write(true).open(&file).unwrap();
        damaged.set_modified(SystemTime::from(now() - TimeDelta::minutes(1))).unwrap();
        for asked in [EntityName::EntityId(name.clone()), EntityName::source_id_of(&name)] {
            assert_eq!(
                start().find_named(&asked, now()).await.unwrap_err().code(),
                "client.status",
                "{what}"
            );
        }
    }
    // The next good answer takes its place.
    *server.is_down.lock().unwrap() = false;
    assert!(start().find(&name, now()).await.unwrap().is_some());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), genuine);
    *server.is_down.lock().unwrap() = true;
    assert!(start().find(&name, now()).await.unwrap().is_some());
}

/// The source is trusted less than when the copy was written: its documents must end soon.
#[tokio::test]
async fn a_copy_is_held_to_the_trust_of_today() {
    let (server, folder) = (Server::start().await, Folder::new());
    let name = university();
    server.publish(name.as_str(), document(&name, keys::identity_provider()));
    assert!(
        Arc::new(server.query().keeping_copies_in(&folder.0)).find(&name, now()).await.unwrap().is_some()
    );
    *server.is_down.lock().unwrap() = true;
    for (days, is_used) in [(6, true), (4, false)] {
        let query =
            server.query_of(server.source().requiring_valid_until(Duration::from_secs(days * 86_400)));
        let query = Arc::new(query.keeping_copies_in(&folder.0));
        assert_eq!(query.find(&name, now()).await.is_ok(), is_used, "{days} days");
    }
}

/// A copy has ended. It is not used, and a mirror cannot put an older document in its place that still has a withdrawn key.
#[tokio::test]
async fn a_copy_that_has_ended_is_still_what_answers_are_compared_with() {
    let (server, folder) = (Server::start().await, Folder::new());
    let name = university();
    let created = |created: &str, valid_until: &str| {
        let kit = Kit::new(name.as_str(), "https://idp.example/sso", keys::identity_provider_p256());
        let root = format!("ID=\"_one\" validUntil=\"{valid_until}\" entityID=");
        let publication = format!(
            "<md:Extensions><r:PublicationInfo xmlns:r=\"urn:oasis:names:tc:SAML:metadata:rpi\" publisher=\"https://federation.example\" creationInstant=\"{created}\"/></md:Extensions><md:IDPSSODescriptor"
        );
        let xml = kit.metadata().unwrap().replacen("entityID=", &root, 1);
        let xml = xml.replacen("<md:IDPSSODescriptor", &publication, 1);
        let signer = Signer::new(keys::identity_provider().private_key());
        sign(&xml, "_one", &signer, &Provider::rustcrypto(), &Limits::metadata()).unwrap()
    };
    let start = || Arc::new(server.query().keeping_copies_in(&folder.0));
    server.publish(name.as_str(), created("2026-11-23T00:00:00Z", "2026-11-26T00:00:00Z"));
    assert!(start().find(&name, now()).await.unwrap().is_some());
    let later = now() + TimeDelta::days(3);
    let older = created("2026-11-20T00:00:00Z", "2026-12-18T00:00:00Z");
    server.publish(name.as_str(), older.clone());
    assert_eq!(start().find(&name, later).await.unwrap_err().code(), "refresh.rolled_back");
    assert!(
        Arc::new(server.query()).find(&name, later).await.unwrap().is_some(),
        "without a copy nothing is known"
    );
    server.publish(name.as_str(), created("2026-11-27T00:00:00Z", "2026-12-18T00:00:00Z"));
    assert!(start().find(&name, later).await.unwrap().is_some());
}

/// The server's answer that nothing has changed dates the copy anew, so that an entity without an end is used after a start
/// as long as before it.
#[tokio::test]
async fn a_copy_is_as_old_as_its_last_confirmation() {
    let (server, folder, begin) = (Server::start().await, Folder::new(), Utc::now() - TimeDelta::days(30));
    let name = university();
    server.publish(name.as_str(), endless(&name));
    let start = || Arc::new(server.query().keeping_copies_in(&folder.0));
    let query = start();
    assert!(query.find(&name, begin).await.unwrap().is_some());
    let modified = || std::fs::metadata(folder.only_file()).unwrap().modified().unwrap();
    assert_eq!(modified(), SystemTime::from(begin));
    let later = begin + TimeDelta::days(5);
    assert!(query.find(&name, later).await.unwrap().is_some());
    until_asked(&server, 2).await;
    assert_eq!(modified(), SystemTime::from(later));

    *server.is_down.lock().unwrap() = true;
    assert!(start().find(&name, later + TimeDelta::days(6)).await.unwrap().is_some());
    assert!(
        start().find(&name, later + TimeDelta::days(8)).await.is_err(),
        "7 days after the last confirmation"
    );
}

/// The disk is full, or the folder is not mounted: people sign in, it is told, and no older copy is left that would be trusted
/// after a start.
#[tokio::test]
async fn a_folder_that_cannot_be_written_keeps_nobody_out() {
    let (server, folder) = (Server::start().await, Folder::new());
    let name = university();
    server.publish(name.as_str(), document(&name, keys::identity_provider()));
    std::fs::write(&folder.0, "not a folder").unwrap();
    let query = Arc::new(server.query().keeping_copies_in(&folder.0));
    assert!(query.find(&name, now()).await.unwrap().is_some());
    assert!(query.copy_failure().is_some());
    // There is room again, and nothing has changed: the copy is written all the same.
    std::fs::remove_file(&folder.0).unwrap();
    assert!(query.find(&name, now() + TimeDelta::hours(7)).await.unwrap().is_some());
    until_asked(&server, 2).await;
    assert_eq!((folder.files().len(), query.copy_failure()), (1, None));
    assert_eq!(server.not_modified.load(Ordering::Relaxed), 0, "the whole document is asked for");
}

#[tokio::test]
async fn copies_are_limited() {
    let (server, folder) = (Server::start().await, Folder::new());
    let mut limits = QueryLimits::default();
    limits.entities = 4;
    // In either order.
    let query = || server.query().keeping_copies_in(&folder.0).with_limits(limits.clone());
    let other = || server.query().with_limits(limits.clone()).keeping_copies_in(&folder.0);
    for query in [query(), other()].map(Arc::new) {
        for number in 0..8 {
            server.publish(member(number).as_str(), document(&member(number), keys::identity_provider()));
            let at = now() + TimeDelta::minutes(i64::try_from(number).unwrap());
            assert!(query.find(&member(number), at).await.unwrap().is_some());
            assert!(folder.files().len() <= 4, "{:?}", folder.files());
        }
        *server.is_down.lock().unwrap() = true;
        let (later, after) =
            (now() + TimeDelta::minutes(9), Arc::new(server.query().keeping_copies_in(&folder.0)));
        for number in 5..8 {
            assert!(after.find(&member(number), later).await.unwrap().is_some(), "{number}");
        }
        assert!(after.find(&member(0), later).await.is_err(), "its copy was removed");
        *server.is_down.lock().unwrap() = false;
    }
}

/// Nothing was ever found, and somebody invents names: those that the application expects are found.
#[tokio::test]
async fn who_is_expected_is_found_among_invented_names() {
    let server = Server::start().await;
    let (one, other) = (university(), member(1));
    for name in [&one, &other] {
        server.publish(name.as_str(), document(name, keys::identity_provider()));
        server
            .publish(&EntityName::source_id_of(name).to_string(), document(name, keys::identity_provider()));
    }
    let query = Arc::new(server.query());
    query.set_expected([member(5)]);
    query.set_expected([one.clone()]);
    flood(&query).await;
    assert_eq!(query.find(&other, now()).await.unwrap_err().code(), "client.busy");
    assert_eq!(
        query.find(&member(5), now()).await.unwrap_err().code(),
        "client.busy",
        "it is expected no more"
    );
    assert!(query.find_named(&EntityName::source_id_of(&one), now()).await.unwrap().is_some());
    assert!(query.find(&one, now()).await.unwrap().is_some());
}

#[tokio::test]
async fn the_limits_are_settings() {
    let server = Server::start().await;
    let mut limits = QueryLimits::default();
    limits.new_names = RequestRate { per_second: 1, burst: 3 };
    limits.unknown_for = Duration::from_secs(60);
    let query = Arc::new(server.query().with_limits(limits));
    let first = EntityId::new("https://invented.example/0").unwrap();
    flood(&query).await;
    assert_eq!(server.asked(), 3);
    server.publish(first.as_str(), document(&first, keys::identity_provider()));
    assert!(query.find(&first, now() + TimeDelta::seconds(59)).await.unwrap().is_none());
    let later = now() + TimeDelta::seconds(61);
    assert!(query.find(&first, later).await.unwrap().is_some(), "it is asked for again");
    assert_eq!(server.asked(), 3 + 1);
}

/// A mirror answers with the federation's document about another entity. It does not end what was known.
#[tokio::test]
async fn an_answer_about_another_entity_ends_nothing() {
    let server = Server::start().await;
    let (name, other) = (university(), member(1));
    let sha1 = EntityName::source_id_of(&name);
    server.publish(&sha1.to_string(), endless(&name));
    let query = Arc::new(server.query());
    assert!(query.find_named(&sha1, now()).await.unwrap().is_some());
    server.publish(&sha1.to_string(), endless(&other));
    let at = |hours| now() + TimeDelta::hours(hours);
    assert!(query.find_named(&sha1, at(7)).await.unwrap().is_some());
    until_asked(&server, 2).await;
    for hours in [7, 8, 100] {
        let found = query.find_named(&sha1, at(hours)).await.unwrap().unwrap();
        assert_eq!(found.entity_id(), &name, "after {hours} hours");
    }
    until_asked(&server, 3).await;
    // 7 days after the last confirmation.
    assert!(query.find_named(&sha1, at(7 * 24 + 1)).await.is_err());
}
