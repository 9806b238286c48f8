//! The suite on SQLite: in memory and in a file.

#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod faults;
mod killed;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use vouchsafe_store::{Directory, ReplayStore, Sqlite, conformance as suite};

mod in_memory {
    use super::Sqlite;

    async fn memory() -> (Sqlite, ()) {
        (Sqlite::in_memory().await.unwrap(), ())
    }

    vouchsafe_store::conformance!(memory);
    vouchsafe_store::conformance!(of api_tokens: memory);
    vouchsafe_store::conformance!(of forms: memory);
    vouchsafe_store::conformance!(of ended_sessions: memory);
    vouchsafe_store::conformance!(of set_up_links: memory);
    vouchsafe_store::conformance!(of audit_feed: memory);
    vouchsafe_store::conformance!(of sign_in_history: memory);
    vouchsafe_store::conformance!(of key_history: memory);
    vouchsafe_store::conformance!(of scim: memory);
}

mod in_a_file {
    use super::{Folder, Sqlite};

    async fn file() -> (Sqlite, Folder) {
        let folder = Folder::new();
        (Sqlite::open(folder.file()).await.unwrap(), folder)
    }

    vouchsafe_store::conformance!(file);
    vouchsafe_store::conformance!(of api_tokens: file);
    vouchsafe_store::conformance!(of forms: file);
    vouchsafe_store::conformance!(of ended_sessions: file);
    vouchsafe_store::conformance!(of set_up_links: file);
    vouchsafe_store::conformance!(of audit_feed: file);
    vouchsafe_store::conformance!(of sign_in_history: file);
    vouchsafe_store::conformance!(of key_history: file);
    vouchsafe_store::conformance!(of scim: file);
}

#[tokio::test]
async fn what_is_stored_is_there_after_opening_again() {
    let folder = Folder::new();
    let store = Sqlite::open(folder.file()).await.unwrap();
    let token = suite::with_acme(&store).await;
    suite::provision(&store, suite::login("ada", &token, "id1")).await.unwrap();
    assert!(store.insert_once("0123", suite::now()).await.unwrap());
    let before = store.whole(&suite::acme()).await.unwrap();
    store.close().await;

    let again = Sqlite::open(folder.file()).await.unwrap();
    assert_eq!(again.whole(&suite::acme()).await.unwrap(), before);
    assert!(!again.insert_once("0123", suite::now()).await.unwrap());
    again.close().await;
    for file in std::fs::read_dir(&folder.0).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()), "the token is stored");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_processes_begin_on_a_new_file_at_once() {
    for _ in 0..30 {
        let folder = Folder::new();
        let opening = (0..6).map(|_| tokio::spawn(Sqlite::open(folder.file())));
        for opened in opening.collect::<Vec<_>>() {
            opened.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_share_a_file() {
    let folder = Folder::new();
    let (one, other) =
        (Sqlite::open(folder.file()).await.unwrap(), Sqlite::open(folder.file()).await.unwrap());
    let token = suite::with_acme(&one).await;
    let facts = |assertion| suite::login("ada", &token, assertion);
    let (first, second) =
        tokio::join!(suite::provision(&one, facts("1")), suite::provision(&other, facts("2")));
    assert_eq!(first.unwrap().account, second.unwrap().account);
    let (first, second) =
        tokio::join!(one.insert_once("0123", suite::now()), other.insert_once("0123", suite::now()));
    assert!(first.unwrap() != second.unwrap());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_an_error() {
    let folder = Folder::new();
    std::fs::write(folder.file(), vec![b'x'; 4096]).unwrap();
    let failure = Sqlite::open(folder.file()).await.unwrap_err();
    assert!(["store.backend", "store.migration"].contains(&failure.code()), "{failure}");
    assert!(failure.is_outage() && !failure.hint().is_empty());
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("vouchsafe-store-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        Path::new(&self.0).join("store.sqlite")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
