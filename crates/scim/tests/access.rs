//! Who may ask, how much, and what a deactivation ends.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod common;

use chrono::TimeDelta;
use common::{World, acme, issue, okta, person, start};
use serde_json::{Value, json};
use vouchsafe::provisioning::{AccountId, Actor, OrganizationId, OrganizationToken};
use vouchsafe::{ConnectionId, Provider};
use vouchsafe_scim::{Limits, RequestRate};
use vouchsafe_store::{Author, ScimToken, Session, SessionId};

fn operation(operation: Value) -> String {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]})
        .to_string()
}

#[tokio::test]
async fn without_a_token_that_works_nothing_is_answered() {
    for mut world in World::on_every_store().await {
        world.given("ada").await;
        let revoked = issue(&*world.store, acme(), okta(), start()).await;
        let author = Author::new(Actor::Operator, start());
        let all = world.store.scim_tokens(&okta()).await.unwrap();
        let last =
            all.iter().find(|token| token.record.hash.matches(&revoked, &Provider::rustcrypto()).unwrap());
        assert!(world.store.revoke_scim_token(&okta(), last.unwrap().id(), &author).await.unwrap());
        assert!(!world.store.revoke_scim_token(&okta(), last.unwrap().id(), &author).await.unwrap());
        let own = world.token.clone();
        let cut: String = own.chars().skip(1).collect();
        for token in ["", "x", &cut, &format!("{own}0"), &revoked, &"0".repeat(64), &"0".repeat(4_096)] {
            for (method, path) in
                [("GET", "/Users"), ("GET", "/ServiceProviderConfig"), ("POST", "/Bulk"), ("GET", "/x")]
            {
                let answer = world.send_with(token, method, path, "", &[]).await;
                assert_eq!(answer.status, 401, "{method} {path}");
                assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"SCIM\"");
                assert_eq!(answer.body["status"], "401");
                assert!(token.is_empty() || token == "x" || !answer.text.contains(token));
            }
        }
        assert_eq!(world.send("GET", "/Users", "", &[]).await.status, 200);
        // Whose token was revoked reads in the audit why nothing is pushed any more; what was never a token is nobody's.
        let audit = world.store.audit(&acme()).await.unwrap();
        let refused: Vec<_> = audit.iter().filter(|record| record.is_refusal()).collect();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!(refused[0].rule.as_str(), "scim.unauthorized");
        assert_eq!(refused[0].actor, Some(Actor::Scim(okta())));
        assert!(refused[0].change.contains(last.unwrap().id()));
    }
}

/// A PUT that does not say the `externalId` leaves it: the person is found by it, and is not made again.
#[tokio::test]
async fn what_a_resource_is_known_by_stays_where_a_put_does_not_say_it() {
    for mut world in World::on_every_store().await {
        for (endpoint, body, other) in [
            (
                "/Users",
                json!({"userName": "kim@acme.example", "externalId": "00u9", "emails": [{"value": "kim@acme.example"}]}),
                json!({"userName": "kim@acme.example", "title": "Boss"}),
            ),
            (
                "/Groups",
                json!({"displayName": "Bosses", "externalId": "00g9"}),
                json!({"displayName": "Heads"}),
            ),
        ] {
            let made = world.send("POST", endpoint, &body.to_string(), &[]).await;
            assert_eq!(made.status, 201, "{}", made.text);
            let path = format!("{endpoint}/{}", made.body["id"].as_str().unwrap());
            let put = world.send("PUT", &path, &other.to_string(), &[]).await;
            assert_eq!((put.status, &put.body["externalId"]), (200, &body["externalId"]), "{}", put.text);
            let query = format!("{endpoint}?filter=externalId+eq+{}", body["externalId"]).replace('"', "%22");
            assert_eq!(world.send("GET", &query, "", &[]).await.body["totalResults"], 1, "{query}");
            let other = json!({"externalId": "another"});
            let mut other_id = body.clone();
            other_id["externalId"] = other["externalId"].clone();
            let put = world.send("PUT", &path, &other_id.to_string(), &[]).await;
            assert_eq!((put.status, &put.body["externalId"]), (200, &other["externalId"]));
        }
    }
}

#[tokio::test]
async fn a_token_is_rotated_with_an_overlap_and_expires() {
    for mut world in World::on_every_store().await {
        world.now += TimeDelta::seconds(1);
        let (old, provider) = (world.token.clone(), Provider::rustcrypto());
        let token = OrganizationToken::issue(&provider).unwrap();
        let record = ScimToken::new(token.hash(&provider).unwrap(), acme(), okta(), world.now)
            .expiring_at(world.now + TimeDelta::days(365));
        let overlap = world.now + TimeDelta::hours(1);
        let author = Author::new(Actor::Operator, world.now);
        world.store.add_scim_token(&record, Some(overlap), &author).await.unwrap();
        let new = token.reveal();
        for token in [&old, &new] {
            assert_eq!(world.send_with(token, "GET", "/Users", "", &[]).await.status, 200);
        }
        world.now = overlap;
        assert_eq!(world.send_with(&old, "GET", "/Users", "", &[]).await.status, 401);
        assert_eq!(world.send_with(&new, "GET", "/Users", "", &[]).await.status, 200);
        let tokens = world.store.scim_tokens(&okta()).await.unwrap();
        assert_eq!(tokens.len(), 2);
        assert_eq!(tokens[1].last_used_at, Some(world.now), "that it was used is noted");
        world.now = start() + TimeDelta::days(366);
        assert_eq!(world.send_with(&new, "GET", "/Users", "", &[]).await.status, 401);
        // Who issued it stands in the audit, and the token nowhere.
        let audit = serde_json::to_string(&world.store.audit(&acme()).await.unwrap()).unwrap();
        assert!(audit.contains("scim.token_issued") && !audit.contains(&new));
        assert!(!format!("{tokens:?}{:?}", world.scim).contains(&new));
    }
}

#[tokio::test]
async fn the_people_of_another_customer_are_not_there() {
    for mut world in World::on_every_store().await {
        world.given("ada").await;
        world.given("engineering").await;
        let (ada, engineering) = (world.id("ada"), world.id("engineering"));
        let globex = ConnectionId::new("globex-entra").unwrap();
        let theirs = issue(&*world.store, OrganizationId::new("globex"), globex, start()).await;
        let before = world.store.whole(&acme()).await.unwrap();
        for (method, path, body) in [
            ("GET", format!("/Users/{ada}"), String::new()),
            ("GET", "/Users/owner-of-acme".to_owned(), String::new()),
            ("PUT", format!("/Users/{ada}"), person("ada", "Eve", "Example").to_string()),
            (
                "PATCH",
                format!("/Users/{ada}"),
                operation(json!({"op": "replace", "value": {"active": false}})),
            ),
            ("DELETE", format!("/Users/{ada}"), String::new()),
            ("GET", format!("/Groups/{engineering}"), String::new()),
            (
                "PATCH",
                format!("/Groups/{engineering}"),
                operation(json!({"op": "remove", "path": "members"})),
            ),
            ("DELETE", format!("/Groups/{engineering}"), String::new()),
        ] {
            let answer = world.send_with(&theirs, method, &path, &body, &[]).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
        }
        for query in [
            "",
            "?filter=userName+eq+%22ada%40acme.example%22",
            "?filter=userName+pr",
            &format!("?filter=id+eq+%22{ada}%22"),
        ] {
            let answer = world.send_with(&theirs, "GET", &format!("/Users{query}"), "", &[]).await;
            assert_eq!(answer.body["totalResults"], 0, "{query}");
        }
        let group = json!({"displayName": "Thieves", "members": [{"value": ada}]}).to_string();
        assert_eq!(world.send_with(&theirs, "POST", "/Groups", &group, &[]).await.status, 400);
        // An address of a domain that Acme has verified gives Globex nobody.
        let answer = world
            .send_with(&theirs, "POST", "/Users", &person("ada", "Ada", "Lovelace").to_string(), &[])
            .await;
        assert!([403, 409].contains(&answer.status), "{}", answer.text);
        assert_eq!(world.store.whole(&acme()).await.unwrap(), before);
    }
}

/// An owner with a password is not the identity provider's, and is neither seen nor changed.
#[tokio::test]
async fn accounts_made_by_hand_are_left_alone() {
    for mut world in World::on_every_store().await {
        let before = world.store.whole(&acme()).await.unwrap();
        let answer = world.send("GET", "/Users", "", &[]).await;
        assert_eq!(answer.body["totalResults"], 0);
        for (method, body) in [
            ("GET", String::new()),
            ("PATCH", operation(json!({"op": "replace", "value": {"active": false}}))),
            ("DELETE", String::new()),
        ] {
            assert_eq!(world.send(method, "/Users/owner-of-acme", &body, &[]).await.status, 404);
        }
        let answer = world.send("POST", "/Users", &person("owner", "Olga", "Owner").to_string(), &[]).await;
        assert_eq!((answer.status, &answer.body["scimType"]), (409, &json!("uniqueness")));
        assert_eq!(world.store.whole(&acme()).await.unwrap(), before);
    }
}

#[tokio::test]
async fn who_is_deactivated_or_deleted_has_no_session_when_the_answer_is_there() {
    for deletes in [false, true] {
        for mut world in World::on_every_store().await {
            world.given("ada").await;
            world.given("bob").await;
            let (ada, bob) = (world.id("ada"), world.id("bob"));
            let mut sessions = Vec::new();
            for account in [&ada, &ada, &bob] {
                let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
                let session: Session = serde_json::from_value(json!({
                    "organization": "acme", "account": account, "name_id": null, "session_indexes": [],
                    "created_at": world.now, "expires_at": world.now + TimeDelta::hours(8),
                }))
                .unwrap();
                world.store.create(&id, &session).await.unwrap();
                sessions.push(id);
            }
            let path = format!("/Users/{ada}");
            let status = match deletes {
                true => world.send("DELETE", &path, "", &[]).await.status,
                false => {
                    let body = operation(json!({"op": "Replace", "path": "active", "value": "False"}));
                    world.send("PATCH", &path, &body, &[]).await.status
                }
            };
            assert_eq!(status, if deletes { 204 } else { 200 });
            let mut found = Vec::new();
            for id in &sessions {
                found.push(world.store.find(id, world.now).await.unwrap().is_some());
            }
            assert_eq!(found, [false, false, true], "on {}", world.store_name());
            assert!(!world.is_active("ada@acme.example").await);
            // Her data is kept, and who asked for it is in the audit.
            let whole = world.store.whole(&acme()).await.unwrap();
            assert!(whole.account(&AccountId::new(ada.as_str())).is_some());
            let audit = world.store.audit(&acme()).await.unwrap();
            assert!(audit.iter().any(|record| record.change.contains("uspend") && record.actor.is_some()));
        }
    }
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_again() {
    let mut world = World::memory().await;
    world.scim = world.scim.clone().with_rate(RequestRate { per_second: 1, burst: 2 });
    let mut statuses = Vec::new();
    for _ in 0..4 {
        world.now -= TimeDelta::seconds(1); // the same moment
        let answer = world.send("GET", "/Users", "", &[]).await;
        if answer.status == 429 {
            assert_eq!(answer.headers["retry-after"], "1");
            assert_eq!(answer.headers["content-type"], "application/scim+json");
            assert_eq!(answer.body["status"], "429");
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
    assert_eq!(world.send("GET", "/Users", "", &[]).await.status, 200, "a second later");
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let mut world = World::memory().await;
    let mut limits = Limits::default();
    (limits.body_bytes, limits.values, limits.resource_bytes, limits.members, limits.search) =
        (4_096, 3, 1_024, 2, 2);
    world.scim = world.scim.clone().with_limits(limits);
    for name in ["ada", "bob"] {
        world.given(name).await;
    }
    let (ada, bob) = (world.id("ada"), world.id("bob"));
    let mut cara = person("cara", "Cara", "Example");
    cara["title"] = json!("x".repeat(5_000));
    assert_eq!(world.send("POST", "/Users", &cara.to_string(), &[]).await.status, 413);
    cara["title"] = json!("x".repeat(2_000));
    assert_eq!(world.send("POST", "/Users", &cara.to_string(), &[]).await.body["scimType"], "invalidValue");
    cara["title"] = Value::Null;
    cara["photos"] = json!([{"value": "1"}, {"value": "2"}, {"value": "3"}, {"value": "4"}]);
    assert_eq!(world.send("POST", "/Users", &cara.to_string(), &[]).await.body["scimType"], "invalidValue");
    cara["photos"] = Value::Null;
    assert_eq!(world.send("POST", "/Users", &cara.to_string(), &[]).await.status, 201);
    let answer = world.send("GET", "/Users?filter=title+pr", "", &[]).await;
    assert_eq!((answer.status, &answer.body["scimType"]), (400, &json!("tooMany")));
    let answer = world.send("GET", "/Users?filter=userName+eq+%22cara%40acme.example%22", "", &[]).await;
    let cara = answer.body["Resources"][0]["id"].as_str().unwrap().to_owned();
    let group = |members: &[&str]| {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        json!({"displayName": "All", "members": members}).to_string()
    };
    assert_eq!(
        world.send("POST", "/Groups", &group(&[&ada, &bob, &cara]), &[]).await.body["scimType"],
        "invalidValue"
    );
    let made = world.send("POST", "/Groups", &group(&[&ada, &bob]), &[]).await;
    let path = format!("/Groups/{}", made.body["id"].as_str().unwrap());
    let join = operation(json!({"op": "add", "path": "members", "value": [{"value": cara}]}));
    assert_eq!(world.send("PATCH", &path, &join, &[]).await.body["scimType"], "invalidValue");
    for filter in [
        "(".repeat(100),
        "not (".repeat(100),
        "a pr and ".repeat(40) + "a pr",
        "x".repeat(5_000),
        "\"".to_owned(),
    ] {
        let query: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let answer = world.send("GET", &format!("/Users?filter={query}"), "", &[]).await;
        assert_eq!(answer.body["scimType"], "invalidFilter", "{}", answer.text);
    }
}

/// The group of a connection gives a team, and nothing when it ends.
#[tokio::test]
async fn a_pushed_group_is_a_source_of_its_team() {
    for mut world in World::on_every_store().await {
        let author = Author::new(Actor::Operator, world.now);
        world.store.set_policy(&acme(), "version = 1\n[groups]\ncreate_teams = true", &author).await.unwrap();
        world.given("ada").await;
        world.given("engineering").await;
        let (ada, engineering) = (world.id("ada"), world.id("engineering"));
        let teams = |whole: &vouchsafe::provisioning::Snapshot| {
            whole.account(&AccountId::new(ada.as_str())).unwrap().memberships.len()
        };
        let whole = world.store.whole(&acme()).await.unwrap();
        assert_eq!((teams(&whole), whole.team_named("Engineering").is_some()), (1, true));
        let path = format!("/Groups/{engineering}");
        let leave = operation(json!({"op": "remove", "path": format!("members[value eq \"{ada}\"]")}));
        assert_eq!(world.send("PATCH", &path, &leave, &[]).await.status, 200);
        assert_eq!(teams(&world.store.whole(&acme()).await.unwrap()), 0);
        let join = operation(json!({"op": "add", "path": "members", "value": [{"value": ada}]}));
        assert_eq!(world.send("PATCH", &path, &join, &[]).await.status, 200);
        assert_eq!(teams(&world.store.whole(&acme()).await.unwrap()), 1);
        assert_eq!(world.send("DELETE", &path, "", &[]).await.status, 204);
        let whole = world.store.whole(&acme()).await.unwrap();
        assert_eq!((teams(&whole), whole.groups.len()), (0, 0));
    }
}

/// Two requests at the same time: neither is lost.
#[tokio::test]
async fn changes_at_the_same_time_are_all_made() {
    for mut world in World::on_every_store().await {
        for name in ["ada", "bob", "engineering"] {
            world.given(name).await;
        }
        for number in 0..6 {
            world.given(&format!("p{number}")).await;
        }
        let path = format!("/Groups/{}", world.id("engineering"));
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..6 {
            let (scim, token, now, path) = (world.scim.clone(), world.token.clone(), world.now, path.clone());
            let id = world.id(&format!("p{number}"));
            tasks.spawn(async move {
                let body = operation(json!({"op": "add", "path": "members", "value": [{"value": id}]}));
                let request = http::Request::patch(format!("{}{path}", common::BASE))
                    .header("authorization", format!("Bearer {token}"));
                let (parts, ()) = request.body(()).unwrap().into_parts();
                scim.handle(&parts, &path, common::given(&body), || now).await.status().as_u16()
            });
        }
        assert!(tasks.join_all().await.iter().all(|status| *status == 200));
        let group = world.send("GET", &path, "", &[]).await;
        assert_eq!(group.body["members"].as_array().unwrap().len(), 7);
        // Two who make the same person: one of them is told so.
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (scim, token, now) = (world.scim.clone(), world.token.clone(), world.now);
            tasks.spawn(async move {
                let request = http::Request::post(format!("{}/Users", common::BASE))
                    .header("authorization", format!("Bearer {token}"));
                let (parts, ()) = request.body(()).unwrap().into_parts();
                let body = person("zoe", "Zoe", "Example").to_string();
                scim.handle(&parts, "/Users", common::given(&body), || now).await.status().as_u16()
            });
        }
        let mut statuses = tasks.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409]);
    }
}
