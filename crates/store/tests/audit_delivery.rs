//! The audit, delivered as it is written.

#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use vouchsafe_store::{
    AuditCursor, AuditDelivery, AuditEntry, AuditFeed, Directory, Memory,
    conformance::{self as suite, acme, author},
};

type Arrived = Arc<Mutex<Vec<AuditCursor>>>;

/// Fails so many times, and then takes everything.
fn receiver(
    fails: usize,
    arrived: &Arrived,
) -> impl Fn(Vec<AuditEntry>) -> std::future::Ready<bool> + Send + Sync + 'static {
    let (left, arrived) = (AtomicUsize::new(fails), Arc::clone(arrived));
    move |entries| {
        let fails = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if fails.is_err() {
            arrived.lock().unwrap().extend(entries.iter().map(|entry| entry.cursor));
        }
        std::future::ready(fails.is_err())
    }
}

async fn until(arrived: &Arrived, count: usize) {
    for waits in 0.. {
        let so_far = so_far(arrived);
        if so_far >= count {
            return;
        }
        assert!(waits < 2_000, "{so_far} of {count} arrived");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn so_far(arrived: &Arrived) -> usize {
    arrived.lock().unwrap().len()
}

/// In order, each once, with a receiver that fails at first; and from where it stopped, when it begins anew.
#[tokio::test]
async fn it_goes_on_by_itself_and_where_it_stopped() {
    let store = Arc::new(Memory::new());
    suite::with_acme(&*store).await;
    let arrived = Arrived::default();
    let delivery = || {
        AuditDelivery::new(Arc::clone(&store) as Arc<dyn AuditFeed>, "siem")
            .every(Duration::from_millis(5))
            .at_most(2)
    };
    let running = delivery().start(receiver(1, &arrived));
    let count = async || store.audit(&acme()).await.unwrap().len();
    until(&arrived, count().await).await;
    store.set_policy(&acme(), "", &author()).await.unwrap();
    until(&arrived, count().await).await;
    running.stop().await;
    store.set_policy(&acme(), suite::POLICY, &author()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(so_far(&arrived), count().await - 1, "it was stopped");

    let running = delivery().start(receiver(0, &arrived));
    until(&arrived, count().await).await;
    drop(running);
    store.set_policy(&acme(), "", &author()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(so_far(&arrived), count().await - 1, "dropping it stops it");
    let arrived = arrived.lock().unwrap();
    assert!(arrived.windows(2).all(|two| two[0] < two[1]), "{arrived:?}");
}
