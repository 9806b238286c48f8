//! Whom a create over a new connection adopts, and with whom it collides: as the takeovers of the policy say, and nobody twice.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod common;

use common::{Answer, World, acme, author, entra, issue, okta, person, start};
use serde_json::{Value, json};
use vouchsafe::provisioning::{Account, AccountId, Identity, OrganizationId, Role};

const BY_SUBJECT: &str = "[[identity.takeovers]]\nfrom = 'acme-okta'\nto = 'acme-entra'\nby = 'subject'";

/// A world with the policy, in which `ada` signs in over Okta by that subject.
async fn world_with(world: &World, policy: &str, subject: &str) -> String {
    world.store.set_policy(&acme(), policy, &author()).await.unwrap();
    let mut ada = Account::new(AccountId::new("ada"), acme(), "ada@acme.example");
    ada.identities.push(Identity::new(okta(), subject));
    world.store.add_account(&ada, &author()).await.unwrap();
    issue(&*world.store, acme(), entra(), start()).await
}

async fn create(world: &mut World, token: &str, body: &Value) -> Answer {
    world.send_with(token, "POST", "/Users", &body.to_string(), &[]).await
}

/// A person of a name, an id and an address that are not those of others.
fn pushed(user_name: &str, external_id: &str, email: &str) -> Value {
    let mut body = person("ada", "Ada", "Lovelace");
    let attributes = body.as_object_mut().unwrap();
    attributes.insert("userName".to_owned(), json!(user_name));
    attributes.insert("externalId".to_owned(), json!(external_id));
    attributes.insert("emails".to_owned(), json!([{"value": email, "type": "work", "primary": true}]));
    body
}

async fn number_of_accounts(world: &World) -> usize {
    world.store.whole(&acme()).await.unwrap().accounts().count()
}

#[tokio::test]
async fn whoever_signs_in_over_the_old_connection_is_adopted_by_the_subject() {
    for mut world in World::on_every_store().await {
        let token = world_with(&world, BY_SUBJECT, "00u-ada").await;
        let before = number_of_accounts(&world).await;
        // Another address came: who it is was said by the subject.
        let answer = create(&mut world, &token, &pushed("ada.l", "00u-ada", "ada.l@acme.example")).await;
        assert_eq!(answer.status, 201, "{}: {}", world.store_name(), answer.text);
        assert_eq!(answer.body["id"], json!("ada"), "{}", world.store_name());
        assert_eq!(number_of_accounts(&world).await, before, "{}", world.store_name());
        let again = create(&mut world, &token, &pushed("ada.l", "00u-ada", "ada.l@acme.example")).await;
        assert_eq!((again.status, &again.body["scimType"]), (409, &json!("uniqueness")));
    }
}

/// A name may be given to the next person: it adopts nobody, and no second account of that name is made.
#[tokio::test]
async fn a_user_name_that_is_the_subject_of_before_adopts_nobody() {
    for mut world in World::on_every_store().await {
        let token = world_with(&world, BY_SUBJECT, "ada.l").await;
        let before = world.store.whole(&acme()).await.unwrap();
        for (id, email) in [("E2", "new@acme.example"), ("E2", "ada@acme.example")] {
            let answer = create(&mut world, &token, &pushed("ada.l", id, email)).await;
            assert_eq!(
                (answer.status, &answer.body["scimType"]),
                (409, &json!("uniqueness")),
                "{}: {}",
                world.store_name(),
                answer.text
            );
        }
        let after = world.store.whole(&acme()).await.unwrap();
        assert_eq!(after.accounts, before.accounts, "{}", world.store_name());
    }
}

/// SCIM gives nobody an account that is worth taking, whatever it is known by.
#[tokio::test]
async fn an_owner_is_adopted_after_a_sign_in_over_the_new_connection() {
    for mut world in World::on_every_store().await {
        let token = world_with(&world, BY_SUBJECT, "x").await;
        let mut owner = Account::new(AccountId::new("owner-of-before"), acme(), "own@acme.example");
        owner.role = Role::Owner;
        owner.identities.push(Identity::new(okta(), "00u-own"));
        world.store.add_account(&owner, &author()).await.unwrap();
        let mut member = Account::new(AccountId::new("moved"), acme(), "moved@acme.example");
        member.has_password = true;
        member.identities.push(Identity::new(okta(), "00u-moved"));
        member.identities.push(Identity::new(entra(), "00u-moved"));
        world.store.add_account(&member, &author()).await.unwrap();
        let answer = create(&mut world, &token, &pushed("own", "00u-own", "own.new@acme.example")).await;
        assert_eq!(answer.status, 409, "{}: {}", world.store_name(), answer.text);
        let answer = create(&mut world, &token, &pushed("moved", "00u-moved", "moved@acme.example")).await;
        assert_eq!((answer.status, &answer.body["id"]), (201, &json!("moved")), "{}", answer.text);
    }
}

#[tokio::test]
async fn whoever_was_pushed_over_the_old_connection_is_adopted_by_the_same_id() {
    for mut world in World::on_every_store().await {
        world.store.set_policy(&acme(), BY_SUBJECT, &author()).await.unwrap();
        let token = issue(&*world.store, acme(), entra(), start()).await;
        let old = world
            .send("POST", "/Users", &pushed("ada", "00u-ada", "ada@acme.example").to_string(), &[])
            .await;
        let answer = create(&mut world, &token, &pushed("ada.l", "00u-ada", "ada.l@acme.example")).await;
        assert_eq!(answer.status, 201, "{}: {}", world.store_name(), answer.text);
        assert_eq!(answer.body["id"], old.body["id"], "{}", world.store_name());
        // Whom the old one deleted is nobody's: the address says that the account is there, and it opens for nobody.
        let bob = world
            .send("POST", "/Users", &pushed("bob", "00u-bob", "bob@acme.example").to_string(), &[])
            .await;
        let path = format!("/Users/{}", bob.body["id"].as_str().unwrap());
        assert_eq!(world.send("DELETE", &path, "", &[]).await.status, 204);
        let answer = create(&mut world, &token, &pushed("bob", "00u-bob", "bob@acme.example")).await;
        assert_eq!((answer.status, &answer.body["scimType"]), (409, &json!("uniqueness")));
    }
}

#[tokio::test]
async fn without_a_takeover_nobody_of_another_connection_is_adopted() {
    let other_way = "[[identity.takeovers]]\nfrom = 'acme-entra'\nto = 'acme-okta'\nby = 'subject'";
    for policy in ["", "[identity]\nlink_by_email = true", other_way] {
        for mut world in World::on_every_store().await {
            let token = world_with(&world, policy, "00u-ada").await;
            let answer = create(&mut world, &token, &pushed("ada", "00u-ada", "ada@acme.example")).await;
            assert_eq!(answer.status, 409, "{}: {policy}: {}", world.store_name(), answer.text);
            let ada = world.store.whole(&acme()).await.unwrap();
            assert!(ada.account(&AccountId::new("ada")).unwrap().scim.is_empty());
        }
    }
}

/// The `externalId` is one person's and the `userName` another's: neither is taken, and no third is made.
#[tokio::test]
async fn of_two_who_could_be_meant_neither_is_adopted() {
    for over in [okta(), entra()] {
        for mut world in World::on_every_store().await {
            let token = world_with(&world, BY_SUBJECT, "x").await;
            for (id, subject) in [("bob", "00u-bob"), ("eve", "bob")] {
                let mut account = Account::new(AccountId::new(id), acme(), format!("{id}@acme.example"));
                account.identities.push(Identity::new(over.clone(), subject));
                world.store.add_account(&account, &author()).await.unwrap();
            }
            let before = number_of_accounts(&world).await;
            let answer = create(&mut world, &token, &pushed("bob", "00u-bob", "new@acme.example")).await;
            assert_eq!(
                (answer.status, &answer.body["scimType"]),
                (409, &json!("uniqueness")),
                "{}",
                answer.text
            );
            assert_eq!(number_of_accounts(&world).await, before);
        }
    }
}

/// A subject, a name or an address of another organization's person is nothing here.
#[tokio::test]
async fn nobody_of_another_organization_is_adopted() {
    for mut world in World::on_every_store().await {
        let token = world_with(&world, BY_SUBJECT, "x").await;
        let globex = OrganizationId::new("globex");
        let mut theirs = Account::new(AccountId::new("theirs"), globex.clone(), "ada@globex.example");
        theirs.identities.push(Identity::new(okta(), "00u-theirs"));
        theirs.identities.push(Identity::new(entra(), "00u-theirs"));
        world.store.add_account(&theirs, &author()).await.unwrap();
        let answer = create(&mut world, &token, &pushed("t", "00u-theirs", "ada@globex.example")).await;
        assert!([403, 409].contains(&answer.status), "{}: {}", world.store_name(), answer.text);
        let answer = create(&mut world, &token, &pushed("t", "00u-theirs", "t@acme.example")).await;
        assert_eq!(answer.status, 201, "{}: {}", world.store_name(), answer.text);
        assert_ne!(answer.body["id"], json!("theirs"));
        let whole = world.store.whole(&globex).await.unwrap();
        assert_eq!(whole.account(&AccountId::new("theirs")), Some(&theirs));
    }
}
