//! Tests of the limits of what is checked at a time.

use vouchsafe::signature::KeyFingerprint;

use super::*;

fn code(result: Result<ReceivePermit, HttpError>) -> &'static str {
    result.unwrap_err().code()
}

fn over(text: &str) -> ReceiveGroup {
    ReceiveGroup::Connection(vouchsafe::ConnectionId::new(text).unwrap())
}

fn remembered(limiter: &ReceiveLimiter) -> (usize, usize, usize) {
    let Shared { all, addresses, groups, .. } = &*limiter.0;
    (all.len(), addresses.len(), groups.len())
}

#[test]
fn all_services_of_a_process_share_one() {
    let [one, other] = [ReceiveLimiter::of_the_process(), ReceiveLimiter::of_the_process()];
    assert!(Arc::ptr_eq(&one.0, &other.0));
}

#[tokio::test]
async fn each_limit_holds_and_a_place_comes_back() {
    let limiter = ReceiveLimiter::new(4).per_client_address(2).per_connection(1).queue(0, Duration::ZERO);
    let [a, b] = ["192.0.2.1", "192.0.2.2"].map(|text| Some(text.parse::<IpAddr>().unwrap()));

    let first = limiter.enter(a, 1).await.unwrap().within(over("one")).await.unwrap();
    let second = limiter.enter(a, 1).await.unwrap();
    assert_eq!(code(limiter.enter(a, 1).await), "http.too_many_from_address");
    assert_eq!(code(limiter.enter(b, 1).await.unwrap().within(over("one")).await), "http.busy");
    let third = limiter.enter(b, 1).await.unwrap().within(over("two")).await.unwrap();
    let fourth = limiter.enter(None, 1).await.unwrap();
    assert_eq!(code(limiter.enter(b, 1).await), "http.busy");
    drop((first, second));
    let again = limiter.enter(a, 1).await.unwrap().within(over("one")).await.unwrap();
    drop((again, third, fourth));
    assert_eq!(remembered(&limiter), (0, 0, 0));
}

/// Who takes all places of a connection keeps nothing from the messages that claim its issuer, and the other way
/// round.
#[tokio::test]
async fn each_group_has_places_of_its_own() {
    let limiter = ReceiveLimiter::new(8).per_connection(1).queue(0, Duration::ZERO);
    let id = vouchsafe::ConnectionId::new("one").unwrap();
    let issuer = vouchsafe::EntityId::new("https://idp.example").unwrap();
    let groups = [
        ReceiveGroup::Connection(id.clone()),
        ReceiveGroup::UnaskedFrom(issuer.clone()),
        ReceiveGroup::RequestsAt(id),
        ReceiveGroup::SignedBy(KeyFingerprint::Key("AB:CD".into())),
        ReceiveGroup::RequestsFrom(issuer),
    ];
    let mut held = Vec::new();
    for group in &groups {
        held.push(limiter.enter(None, 1).await.unwrap().within(group.clone()).await.unwrap());
    }
    for group in &groups {
        assert_eq!(code(limiter.enter(None, 1).await.unwrap().within(group.clone()).await), "http.busy");
    }
    let moved = held.pop().unwrap().within(over("two")).await.unwrap();
    assert!(limiter.enter(None, 1).await.unwrap().within(groups[4].clone()).await.is_ok());
    drop((held, moved));
    assert_eq!(remembered(&limiter), (0, 0, 0));
}

/// What waits to be carried out fills a queue of its own, and the checks fill theirs.
#[tokio::test(start_paused = true)]
async fn what_is_carried_out_waits_in_a_queue_of_its_own() {
    let limiter = ReceiveLimiter::new(1).per_connection(1).queue(2, Duration::from_secs(60));
    let key = ReceiveGroup::SignedBy(KeyFingerprint::Key("AB:CD".into()));
    let held = limiter.only_within(key.clone(), 1).await.unwrap();
    let waits = |limiter: &ReceiveLimiter| {
        let (limiter, key) = (limiter.clone(), key.clone());
        tokio::spawn(async move { limiter.only_within(key, 1).await.is_ok() })
    };
    let first = waits(&limiter);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!waits(&limiter).await.unwrap(), "half of the queue is that of one key");

    let checked = limiter.enter(None, 1).await.unwrap();
    let [one, other] = [limiter.clone(), limiter.clone()];
    let check =
        |limiter: ReceiveLimiter| tokio::spawn(async move { limiter.enter(None, 1).await.map(drop).is_ok() });
    let checks = [check(one), check(other)];
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(code(limiter.enter(None, 1).await), "http.busy", "the queue of the checks is full");
    drop(checked);
    for check in checks {
        assert!(check.await.unwrap());
    }
    drop(held);
    assert!(first.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_at_once_over_one_connection_all_get_their_turn() {
    let limiter = ReceiveLimiter::new(4).per_connection(2);
    let tasks: Vec<_> = (0..500)
        .map(|number: usize| {
            let limiter = limiter.clone();
            tokio::spawn(async move {
                let permit = limiter.enter(None, 1).await.unwrap();
                let group = over(if number.is_multiple_of(2) { "one" } else { "two" });
                let permit = permit.within(group).await.unwrap();
                tokio::task::yield_now().await;
                drop(permit);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(remembered(&limiter), (0, 0, 0));
}

/// Those who wait over one connection hold no place that another customer's people need.
#[tokio::test]
async fn who_waits_over_one_connection_keeps_nobody_else() {
    let limiter = ReceiveLimiter::new(2).per_connection(1);
    let held = limiter.enter(None, 1).await.unwrap().within(over("loud")).await.unwrap();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move {
                let permit = limiter.enter(None, 1).await?;
                permit.within(over("loud")).await
            })
        })
        .collect();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert!(limiter.enter(None, 1).await.unwrap().within(over("quiet")).await.is_ok());
    drop(held);
    for task in waiting {
        assert!(task.await.unwrap().is_ok());
    }
}

/// A refused place leaves no data behind either.
#[tokio::test]
async fn nothing_is_remembered_of_whom_nothing_runs() {
    let limiter = ReceiveLimiter::new(3).queue(0, Duration::ZERO);
    for number in 0..10_000_u32 {
        let address = Some(IpAddr::V4(number.into()));
        let permit = limiter.enter(address, 1).await.unwrap();
        drop(permit.within(over(&format!("c{number}"))).await.unwrap());
    }
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(limiter.enter(None, 1).await.unwrap());
    }
    for number in 0..10_000_u32 {
        assert_eq!(code(limiter.enter(Some(IpAddr::V4(number.into())), 1).await), "http.busy");
    }
    assert_eq!(remembered(&limiter), (1, 0, 0));
}

/// Whoever posts a response chooses the issuer that is looked up.
#[tokio::test(start_paused = true)]
async fn a_look_up_that_takes_long_keeps_nobody_else() {
    let limiter = ReceiveLimiter::new(2).queue(0, Duration::ZERO);
    let look_up = |seconds: u64| {
        let limiter = limiter.clone();
        async move {
            let permit = limiter.enter(None, 1).await?;
            let found = permit.during(async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok(seconds)
            });
            found.await.map(|(seconds, _permit)| seconds)
        }
    };
    let mut slow = Vec::new();
    for _ in 0..8 {
        slow.push(tokio::spawn(look_up(15)));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(look_up(0).await.unwrap(), 0, "a look-up that takes no time");
    let refused = look_up(15).await.unwrap_err();
    assert_eq!(refused.code(), "http.busy", "what waits is bounded");
    assert!(limiter.enter(None, 1).await.is_ok());
    for one in slow {
        assert_eq!(one.await.unwrap().unwrap(), 15);
    }
    assert_eq!(limiter.0.look_ups.len(), 0);
    assert_eq!(remembered(&limiter), (0, 0, 0));
}

#[tokio::test]
async fn a_place_is_given_back_by_a_thread_that_panics() {
    let limiter = ReceiveLimiter::new(1).queue(0, Duration::ZERO);
    let permit = limiter.enter(None, 1).await.unwrap();
    let thread = std::thread::spawn(move || {
        let _permit = permit;
        panic!("a check that breaks off");
    });
    assert!(thread.join().is_err());
    assert!(limiter.enter(None, 1).await.is_ok());
}
