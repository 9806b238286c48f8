//! `vouchsafe rollover`: the order of the steps in which a key of ours is replaced.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "tests fail by panicking, and use a part of what tests share"
)]

mod support;

use serde_json::Value;
use support::vouchsafe;

const MONDAY: &str = "2026-06-01T09:00:00Z";

#[test]
fn each_step_is_told_in_its_order() {
    // The known facts, the time, the next step, and whether it is too early for it.
    let signing: [(&[&str], &str, &str, i32); 7] = [
        (&[], MONDAY, "publish_next", 0),
        (&["--published", MONDAY], "2026-06-01T20:00:00Z", "switch_over", 1),
        (&["--published", MONDAY], "2026-06-02T09:00:00Z", "switch_over", 0),
        (
            &["--published", MONDAY, "--switched", "2026-06-02T09:00:00Z"],
            "2026-06-02T09:30:00Z",
            "remove_old",
            1,
        ),
        // A planned switch-over, for which it is too early.
        (
            &["--published", MONDAY, "--switched", "2026-06-01T10:00:00Z"],
            "2026-06-01T09:30:00Z",
            "switch_over",
            1,
        ),
        // A planned time: the next certificate is not published yet, whatever is confirmed.
        (&["--published", "2030-01-01T00:00:00Z", "--confirmed"], MONDAY, "switch_over", 1),
        (&["--published", MONDAY, "--removed", "2026-06-03T09:00:00Z"], "2026-06-03T09:00:00Z", "done", 0),
    ];
    let decryption: [(&[&str], &str, &str, i32); 6] = [
        (&[], MONDAY, "load_next", 0),
        (&["--loaded", MONDAY], MONDAY, "publish_next", 0),
        (&["--loaded", "2030-01-01T00:00:00Z"], MONDAY, "publish_next", 1),
        (
            &["--loaded", MONDAY, "--published", MONDAY, "--confirmed"],
            "2026-06-01T09:30:00Z",
            "remove_old",
            1,
        ),
        (&["--loaded", MONDAY, "--published", MONDAY], "2026-06-01T20:00:00Z", "remove_old", 1),
        (
            &["--loaded", MONDAY, "--published", MONDAY, "--confirmed"],
            "2026-06-01T20:00:00Z",
            "remove_old",
            0,
        ),
    ];
    let all =
        signing.map(|case| ("signing", case)).into_iter().chain(decryption.map(|case| ("decryption", case)));
    for (usage, (known, now, step, status)) in all {
        let start = ["rollover", "--use", usage, "--now", now];
        let asked: Vec<&str> = start.into_iter().chain(known.iter().copied()).collect();
        let human = vouchsafe(&asked);
        assert_eq!(human.status, status, "{human:?}");
        let json = vouchsafe([&asked[..], &["--format", "json"]].concat());
        let told: Value = json.json();
        assert_eq!((json.status, told["step"].as_str()), (status, Some(step)), "{asked:?}");
        assert_eq!(told["not_before"].is_null(), status == 0, "{told}");
        assert!(human.stdout.contains(told["why"].as_str().unwrap()), "{human:?}");
    }
    let early = vouchsafe([
        "rollover",
        "--use",
        "signing",
        "--readers",
        "48",
        "--published",
        MONDAY,
        "--now",
        MONDAY,
    ]);
    assert!(early.stdout.starts_with("switch over to the next key, not before 2026-06-03T09:00:00Z: "));
    assert!(early.stdout.contains("signing_key(next), next_signing_certificate(old)"), "{early:?}");
}
