//! The audit as a feed: nothing is missed, and nothing comes twice.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::{Store, acme, globex, login, provision, with_acme, with_globex};
use crate::{AuditCursor, AuditEntry, AuditFeed, AuditRecord, export_audit};

pub async fn pages_of_the_audit_are_the_whole(store: impl Store + AuditFeed) {
    let token = with_acme(&store).await;
    with_globex(&store).await;
    store.set_policy(&globex(), "[admission]\ncreate = 'never'", &super::author()).await.unwrap();
    for person in ["ada", "bob", "eve"] {
        provision(&store, login(person, &token, person)).await.unwrap();
    }
    let all = store.audit_after(None, AuditCursor::default(), usize::MAX).await.unwrap();
    assert!(all.windows(2).all(|two| two[0].cursor < two[1].cursor));
    let of = |id| {
        let all = all.iter().map(|entry| entry.record.clone());
        all.filter(|record| record.organization == id).collect::<Vec<AuditRecord>>()
    };
    assert_eq!(of(acme()), store.audit(&acme()).await.unwrap());
    assert_eq!(of(globex()), store.audit(&globex()).await.unwrap());
    assert_eq!(of(globex()).len(), 2);
    let of_all: Vec<AuditRecord> = all.iter().map(|entry| entry.record.clone()).collect();
    for (organization, expected) in [(Some(acme()), of(acme())), (None, of_all)] {
        for most in [1, 2, 7] {
            let (mut pages, mut cursor) = (Vec::new(), AuditCursor::default());
            loop {
                let page = store.audit_after(organization.as_ref(), cursor, most).await.unwrap();
                assert!(page.len() <= most);
                let Some(last) = page.last() else { break };
                cursor = last.cursor.to_string().parse().unwrap();
                pages.extend(page.into_iter().map(|entry| entry.record));
            }
            assert_eq!(pages, expected, "{most}");
        }
    }
}

pub async fn the_audit_is_exported_as_lines(store: impl Store + AuditFeed) {
    let token = with_acme(&store).await;
    provision(&store, login("ada", &token, "id1")).await.unwrap();
    let (lines, next) = export_audit(&store, Some(&acme()), AuditCursor::default(), 1_000).await.unwrap();
    let read: Vec<AuditEntry> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let records: Vec<AuditRecord> = read.iter().map(|entry| entry.record.clone()).collect();
    assert_eq!(records, store.audit(&acme()).await.unwrap());
    assert_eq!(read.last().unwrap().cursor, next);
    assert!(!lines.contains(&token));
    let (nothing, same) = export_audit(&store, Some(&acme()), next, 1_000).await.unwrap();
    assert_eq!((nothing.as_str(), same), ("", next));
}

/// While forty people sign in at once, a reader goes on from its cursor.
pub async fn a_reader_misses_nothing_that_is_written_meanwhile(store: impl Store + AuditFeed) {
    let token = with_acme(&store).await;
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let (store, facts) = (store.clone(), login(&format!("p{number}"), &token, &format!("id{number}")));
        tasks.spawn(async move { provision(&store, facts).await.unwrap() });
    }
    let (mut seen, mut cursor) = (Vec::new(), AuditCursor::default());
    loop {
        let is_over = tasks.is_empty();
        let page = store.audit_after(None, cursor, 5).await.unwrap();
        cursor = page.last().map_or(cursor, |entry| entry.cursor);
        let was_empty = page.is_empty();
        seen.extend(page);
        while tasks.try_join_next().is_some() {}
        if is_over && was_empty {
            break;
        }
        tokio::task::yield_now().await;
    }
    let cursors: BTreeSet<AuditCursor> = seen.iter().map(|entry| entry.cursor).collect();
    assert_eq!(cursors.len(), seen.len(), "one came twice");
    let whole = store.audit(&acme()).await.unwrap();
    assert_eq!(seen.len(), whole.len());
    assert!(whole.iter().all(|record| seen.iter().any(|entry| entry.record == *record)));
}

/// Each receiver has a place of its own, which never goes back.
pub async fn how_far_it_was_delivered_is_kept(store: impl Store + AuditFeed) {
    assert_eq!(store.audit_delivered("siem").await.unwrap(), AuditCursor::default());
    for (until, kept) in [(7, 7), (3, 7), (9, 9)] {
        store.keep_audit_delivered("siem", AuditCursor::new(until)).await.unwrap();
        assert_eq!(store.audit_delivered("siem").await.unwrap(), AuditCursor::new(kept));
    }
    assert_eq!(store.audit_delivered("queue").await.unwrap(), AuditCursor::default());
}
