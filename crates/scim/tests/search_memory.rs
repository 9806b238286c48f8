//! What a search holds. By itself, since the memory of the whole process is measured.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod common;

use common::{World, person};
use serde_json::{Value, json};

fn kib(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A thousand people of some 50,000 bytes: a filter over all of them, and an order, hold a part of them at a time.
#[tokio::test]
async fn a_search_does_not_hold_everybody() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let mut world = World::sqlite().await;
    let body = |number: usize| {
        let mut body = person(&format!("p{number}"), "Given", "Family");
        body["title"] = json!(format!("{number:04}{}", "x".repeat(50_000)));
        body["externalId"] = Value::Null;
        body
    };
    const PEOPLE: usize = 1_000;
    for number in 0..PEOPLE {
        assert_eq!(world.send("POST", "/Users", &body(number).to_string(), &[]).await.status, 201);
    }
    let all = PEOPLE * 50;
    for query in [
        "/Users?filter=title+co+%22x%22&count=3&attributes=userName",
        "/Users?sortBy=title&sortOrder=descending&count=3&attributes=userName",
        "/Users?filter=title+co+%22x%22&sortBy=title&startIndex=500&count=3",
    ] {
        // The highest that was held is counted from here on.
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = kib("VmRSS");
        let answer = world.send("GET", query, "", &[]).await;
        let grown = kib("VmHWM").saturating_sub(before);
        assert_eq!((answer.status, &answer.body["totalResults"]), (200, &json!(PEOPLE)));
        println!("{query}: {grown} KiB, over {all} KiB of attributes");
        assert!(grown < all / 2, "{query} took {grown} KiB");
    }
}
