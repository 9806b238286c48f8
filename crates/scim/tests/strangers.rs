//! What somebody without a token that works costs.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use common::{World, given, person};
use http::Request;
use vouchsafe_scim::{Limits, RequestRate};

/// A request from an address, and how many bytes of its body were asked for, if it was.
async fn send(
    world: &World,
    (method, path): (&str, &str),
    (token, from): (&str, &str),
    body: Option<&str>,
) -> (u16, Option<usize>) {
    let request = Request::builder().method(method).uri(format!("{}{path}", common::BASE));
    let request = request.header("authorization", format!("Bearer {token}")).header("x-client", from);
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let asked = AtomicUsize::new(usize::MAX);
    let read = |most| {
        asked.store(most, Ordering::SeqCst);
        std::future::ready(body.map(|body| body.as_bytes().to_vec()))
    };
    let answer = world.scim.handle(&parts, path, read, || world.now).await;
    let asked = Some(asked.into_inner()).filter(|asked| *asked != usize::MAX);
    (answer.status().as_u16(), asked)
}

fn wrong(number: usize) -> String {
    format!("{number:064x}")
}

#[tokio::test]
async fn the_body_is_asked_for_after_the_token_and_the_rate() {
    for mut world in World::on_every_store().await {
        let token = world.token.clone();
        let most = Limits::default().body_bytes;
        let ada = person("ada", "Ada", "Lovelace").to_string();
        assert_eq!(send(&world, ("POST", "/Users"), (&wrong(1), ""), Some(&ada)).await, (401, None));
        assert_eq!(send(&world, ("POST", "/Users"), ("", ""), Some(&ada)).await, (401, None));
        assert_eq!(send(&world, ("POST", "/Nothing"), (&token, ""), Some(&ada)).await, (404, None));
        assert_eq!(send(&world, ("DELETE", "/Users/1"), (&token, ""), Some(&ada)).await, (404, None));
        assert_eq!(send(&world, ("GET", "/Users"), (&token, ""), Some(&ada)).await, (200, None));
        assert_eq!(send(&world, ("POST", "/Users"), (&token, ""), None).await, (413, Some(most)));
        assert_eq!(send(&world, ("POST", "/Users"), (&token, ""), Some(&ada)).await, (201, Some(most)));
        world.scim = world.scim.clone().with_rate(RequestRate { per_second: 1, burst: 1 });
        assert_eq!(send(&world, ("GET", "/Users"), (&token, ""), None).await, (200, None));
        assert_eq!(send(&world, ("POST", "/Users"), (&token, ""), Some(&ada)).await, (429, None));
    }
}

/// Whoever tries tokens is not looked up without end, and keeps nobody else out.
#[tokio::test]
async fn tokens_that_open_nothing_are_looked_up_so_often_and_no_more() {
    for mut world in World::on_every_store().await {
        let token = world.token.clone();
        world.scim = world
            .scim
            .clone()
            .with_failed_token_rates(
                RequestRate { per_second: 1, burst: 3 },
                RequestRate { per_second: 1, burst: 1 },
            )
            .with_client_address(|request| request.headers.get("x-client")?.to_str().ok()?.parse().ok());
        let get = ("GET", "/Users");
        // It has worked once, from an address of an attacker, too: behind a proxy that the service does not know.
        assert_eq!(send(&world, get, (&token, "192.0.2.1"), None).await, (200, None));
        let mut statuses = Vec::new();
        for number in 0..7 {
            statuses.push(send(&world, get, (&wrong(number), "192.0.2.1"), None).await.0);
        }
        assert_eq!(
            statuses,
            [401, 401, 401, 401, 429, 429, 429],
            "three of this address, and one for all of them"
        );
        assert_eq!(send(&world, get, (&token, "192.0.2.1"), None).await.0, 200);
        assert_eq!(send(&world, get, (&wrong(7), "192.0.2.2"), None).await.0, 401);
        // One network of IPv6 is one client.
        for number in 0..3 {
            let from = format!("2001:db8:0:1::{number}");
            assert_eq!(send(&world, get, (&wrong(number), &from), None).await.0, 401);
        }
        assert_eq!(send(&world, get, (&wrong(9), "2001:db8:0:1:ffff::1"), None).await.0, 429);
        assert_eq!(send(&world, get, (&wrong(9), "2001:db8:0:2::1"), None).await.0, 401);
        // The answer is one of SCIM, and says when to come again.
        let request = Request::get(common::BASE).header("authorization", format!("Bearer {}", wrong(9)));
        let (parts, ()) = request.header("x-client", "192.0.2.1").body(()).unwrap().into_parts();
        let answer = world.scim.handle(&parts, "/Users", given(""), || world.now).await;
        assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()), (429, &b"1"[..]));
        let told: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(told["status"], "429");
        world.now += chrono::TimeDelta::seconds(1);
        assert_eq!(send(&world, get, (&wrong(9), "192.0.2.1"), None).await.0, 401, "a second later");
    }
}

/// Where no address is known, no stranger uses up what others need: a customer whose token is new, or mistyped, is answered as ever.
#[tokio::test]
async fn a_stranger_takes_nothing_from_others_whose_address_is_not_known() {
    for world in World::on_every_store().await {
        let get = ("GET", "/Users");
        // More than one client address has at once by default.
        let tries = 40;
        for number in 0..tries {
            assert_eq!(send(&world, get, (&wrong(number), ""), None).await.0, 401, "{}", world.store_name());
        }
        // It works, and has never been used.
        assert_eq!(send(&world, get, (&world.token, ""), None).await.0, 200, "{}", world.store_name());
        assert_eq!(send(&world, get, (&wrong(tries), ""), None).await.0, 401, "{}", world.store_name());
    }
}
