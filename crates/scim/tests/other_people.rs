//! What SCIM does to people whom the request does not name, to those who were others before, and what it takes away at one go.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod common;

use common::{World, acme, author, okta, person, start};
use serde_json::{Value, json};
use vouchsafe::provisioning::{
    Account, AccountId, Actor, Change, ChangeByHand, Identity, Permission, Role, Team, TeamId,
};
use vouchsafe_store::Decision;

fn patch(operations: &Value) -> String {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
        .to_string()
}

async fn set_policy(world: &World, toml: &str) {
    world.store.set_policy(&acme(), toml, &author()).await.unwrap();
}

/// A group named so, with these members.
async fn group(world: &mut World, name: &str, members: &[String]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let schema = "urn:ietf:params:scim:schemas:core:2.0:Group";
    let body = json!({"schemas": [schema], "displayName": name, "members": members});
    let answer = world.send("POST", "/Groups", &body.to_string(), &[]).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body.get("id").and_then(Value::as_str).unwrap().to_owned()
}

async fn account(world: &World, id: &str) -> Account {
    world.store.whole(&acme()).await.unwrap().account(&AccountId::new(id)).unwrap().clone()
}

#[tokio::test]
async fn whoever_is_deleted_is_out_however_many_teams_that_ends() {
    for mut world in World::on_every_store().await {
        let policy = "[groups]\ncreate_teams = true\nmax_removals = 1\n[[groups.roles]]\ngroup = 'Red'\nrole = 'admin'";
        set_policy(&world, policy).await;
        for name in ["ada", "bob"] {
            world.given(name).await;
        }
        let ada = world.id("ada");
        for name in ["Red", "Blue"] {
            group(&mut world, name, std::slice::from_ref(&ada)).await;
        }
        assert_eq!(account(&world, &ada).await.role, Role::Admin);
        let answer = world.send("DELETE", &format!("/Users/{ada}"), "", &[]).await;
        assert_eq!(answer.status, 204, "{}: {}", world.store_name(), answer.text);
        let after = account(&world, &ada).await;
        assert!(!after.is_active() && after.memberships.is_empty() && after.role == Role::Member);
    }
}

#[tokio::test]
async fn whoever_is_deactivated_is_out_and_keeps_teams() {
    for mut world in World::on_every_store().await {
        set_policy(&world, "[groups]\ncreate_teams = true\nmax_removals = 1").await;
        world.given("ada").await;
        let ada = world.id("ada");
        group(&mut world, "Red", std::slice::from_ref(&ada)).await;
        let inactive = patch(&json!([{"op": "replace", "value": {"active": false}}]));
        let answer = world.send("PATCH", &format!("/Users/{ada}"), &inactive, &[]).await;
        assert_eq!(answer.status, 200, "{}: {}", world.store_name(), answer.text);
        let after = account(&world, &ada).await;
        assert!(!after.is_active() && after.memberships.len() == 1);
    }
}

#[tokio::test]
async fn whoever_never_was_in_a_group_does_not_leave_it() {
    for mut world in World::on_every_store().await {
        set_policy(&world, "[groups]\nsync = 'exclusive'\ncreate_teams = true").await;
        world.store.add_team(&Team::new(TeamId::new("t"), acme(), "Board"), &author()).await.unwrap();
        world.given("ada").await;
        let ada = world.id("ada");
        for id in ["owner-of-acme", &ada] {
            let join = ChangeByHand {
                account: AccountId::new(id),
                change: Change::JoinTeam(TeamId::new("t"), Permission::Admin),
                actor: Actor::Operator,
                because: "by hand".to_owned(),
                at: start(),
            };
            world.store.decide(Decision::change(acme(), join)).await.unwrap();
        }
        let red = group(&mut world, "Red", &[]).await;
        let gone = json!([{"value": "owner-of-acme"}, {"value": ada}, {"value": "nobody"}]);
        let leave = patch(&json!([{"op": "remove", "path": "members", "value": gone}]));
        let answer = world.send("PATCH", &format!("/Groups/{red}"), &leave, &[]).await;
        assert!(answer.status < 300, "{}: {}", world.store_name(), answer.text);
        for id in ["owner-of-acme", &ada] {
            let after = account(&world, id).await;
            assert!(after.membership(&TeamId::new("t")).is_some(), "{id} left a team");
        }
    }
}

#[tokio::test]
async fn a_group_that_gives_a_role_is_not_emptied_at_one_go() {
    let policy = |most: u32| {
        format!(
            "[groups]\nsync = 'managed'\nmax_removals = {most}\nunmapped = 'ignore'\n[[groups.roles]]\ngroup = 'Admins'\nrole = 'admin'"
        )
    };
    for mut world in World::on_every_store().await {
        set_policy(&world, &policy(2)).await;
        let mut all = Vec::new();
        for name in ["a", "b", "c"] {
            world.given(name).await;
            all.push(world.id(name));
        }
        let admins = group(&mut world, "Admins", &all).await;
        let path = format!("/Groups/{admins}");
        let rename = patch(&json!([{"op": "replace", "value": {"displayName": "Admins (old)"}}]));
        let empty = patch(&json!([{"op": "replace", "path": "members", "value": []}]));
        for (method, body) in [("PATCH", rename.as_str()), ("PATCH", &empty), ("DELETE", "")] {
            let answer = world.send(method, &path, body, &[]).await;
            assert_eq!(answer.status, 403, "{}: {}", world.store_name(), answer.text);
            for id in &all {
                assert_eq!(account(&world, id).await.role, Role::Admin);
            }
        }
        set_policy(&world, &policy(3)).await;
        let answer = world.send("PATCH", &path, &rename, &[]).await;
        assert!(answer.status < 300, "{}: {}", world.store_name(), answer.text);
        for id in &all {
            assert_eq!(account(&world, id).await.role, Role::Member);
        }
    }
}

/// The account of before, with what it was given by hand, is opened by the same `externalId` alone.
#[tokio::test]
async fn a_new_person_of_an_old_name_or_address_is_another_one() {
    for mut world in World::on_every_store().await {
        set_policy(&world, "[identity]\nlink_by_email = true").await;
        world.given("ada").await;
        let old = world.id("ada");
        assert_eq!(world.send("DELETE", &format!("/Users/{old}"), "", &[]).await.status, 204);
        let (mut unnamed, mut other) = (person("ada", "Ada", "Byron"), person("ada", "Ada", "Byron"));
        unnamed.as_object_mut().unwrap().remove("externalId");
        other["externalId"] = json!("another");
        let mut renamed = other.clone();
        renamed["userName"] = json!("byron");
        for body in [&unnamed, &other, &renamed] {
            let answer = world.send("POST", "/Users", &body.to_string(), &[]).await;
            assert_eq!(answer.status, 409, "{}: {}", world.store_name(), answer.text);
            assert!(!account(&world, &old).await.is_active());
        }
        // With an address of their own they have an account of their own.
        unnamed["emails"] = json!([{"value": "byron@acme.example"}]);
        let answer = world.send("POST", "/Users", &unnamed.to_string(), &[]).await;
        assert_eq!(answer.status, 201, "{}: {}", world.store_name(), answer.text);
        assert_ne!(answer.body["id"], json!(old));
        assert!(!account(&world, &old).await.is_active());
    }
}

#[tokio::test]
async fn without_external_ids_the_name_of_a_deleted_person_is_taken() {
    for mut world in World::on_every_store().await {
        let mut ada = person("ada", "Ada", "Lovelace");
        ada.as_object_mut().unwrap().remove("externalId");
        let answer = world.send("POST", "/Users", &ada.to_string(), &[]).await;
        let old = answer.body["id"].as_str().unwrap().to_owned();
        assert_eq!(world.send("DELETE", &format!("/Users/{old}"), "", &[]).await.status, 204);
        for body in [ada, person("ada", "Ada", "Byron")] {
            let answer = world.send("POST", "/Users", &body.to_string(), &[]).await;
            assert_eq!(answer.status, 409, "{}: {}", world.store_name(), answer.text);
            assert_eq!(answer.body["scimType"], "uniqueness");
            assert!(!account(&world, &old).await.is_active());
        }
    }
}

/// To the address goes the link for a new password: a bearer token alone does not say where.
#[tokio::test]
async fn the_address_of_an_account_with_a_password_or_a_role_does_not_follow_scim() {
    for mut world in World::on_every_store().await {
        let people = [
            ("boss", Role::Owner, true),
            ("clerk", Role::Member, true),
            ("chief", Role::Admin, false),
            ("glass", Role::Member, false),
            ("plain", Role::Member, false),
        ];
        let email_of = |name: &str| format!("{name}@acme.example");
        for (name, role, has_password) in people {
            let mut known = Account::new(AccountId::new(name), acme(), email_of(name));
            (known.role, known.has_password) = (role, has_password);
            known.identities.push(Identity::new(okta(), email_of(name)));
            world.store.add_account(&known, &author()).await.unwrap();
        }
        set_policy(&world, "[enforcement]\nbreak_glass = ['glass@acme.example']").await;
        for (name, ..) in people {
            let email = email_of(name);
            let mut body = person(name, "The", "Same");
            body["emails"] = json!([{"value": format!("intern-{name}@acme.example")}]);
            let answer = world.send("POST", "/Users", &body.to_string(), &[]).await;
            assert_eq!((answer.status, &answer.body["id"]), (201, &json!(name)), "{}", answer.text);
            let put = world.send("PUT", &format!("/Users/{name}"), &body.to_string(), &[]).await;
            assert_eq!(put.status, 200, "{}: {}", world.store_name(), put.text);
            let moved = patch(
                &json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x@acme.example"}]),
            );
            world.send("PATCH", &format!("/Users/{name}"), &moved, &[]).await;
            let follows = account(&world, name).await.email != email;
            assert_eq!(follows, name == "plain", "{}: {name}", world.store_name());
        }
    }
}
