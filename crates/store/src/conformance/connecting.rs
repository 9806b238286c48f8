//! Converting, replacing and disconnecting an organization, each in one transaction.

use tokio::task::JoinSet;
use vouchsafe::{
    ConnectionState, EntityId, Provider,
    provisioning::{AccountId, Actor, Domain, LoginFacts, Organization, OrganizationToken},
};

use super::connections::{draft, id};
use super::{Store, acme, author, globex, globex_idp, login, now, okta, provision};
use crate::{
    ConnectionDecision, ConnectionTotals, OrganizationConnections, SignInError, StoreError, StoredConnection,
};

/// Acme, which may be converted and is not.
pub async fn with_entitled_acme(store: &impl Store) {
    let mut organization = Organization::new(acme(), "acme", "Acme");
    organization.entitled = true;
    organization.verified_domains = vec!["example.com".to_owned()];
    store.add_organization(&organization, &author()).await.unwrap();
}

fn owner() -> Actor {
    Actor::Account(AccountId::new("owner"))
}

/// A decision about Acme.
pub async fn decide(
    store: &impl Store,
    act: impl Fn(&mut OrganizationConnections) -> Result<(), SignInError> + Send + Sync + 'static,
) -> Result<OrganizationConnections, SignInError> {
    let decision = ConnectionDecision::new(acme(), owner(), now(), move |acme, _| act(acme));
    store.decide_connections(decision).await
}

/// Converts Acme over a connection; its token.
pub async fn convert(store: &impl Store, connection: StoredConnection) -> Result<String, SignInError> {
    let provider = Provider::rustcrypto();
    let token = OrganizationToken::issue(&provider).unwrap();
    let hash = token.hash(&provider).unwrap();
    decide(store, move |acme| acme.convert(connection.clone(), Some(hash.clone()), now())).await?;
    Ok(token.reveal())
}

/// A login of somebody over a connection.
pub fn login_over(name: &str, issuer: EntityId, token: &str, assertion: &str) -> LoginFacts {
    let mut facts = login("ada", token, assertion);
    (facts.connection, facts.issuer) = (id(name), issuer);
    facts
}

async fn codes(store: &impl Store, logins: impl IntoIterator<Item = LoginFacts>) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for login in logins {
        codes.push(provision(store, login).await.map_or_else(|error| error.code(), |_| "signed in"));
    }
    codes
}

pub async fn a_conversion_is_one_decision(store: impl Store) {
    with_entitled_acme(&store).await;
    let stale = store.organization(&acme()).await.unwrap().unwrap();
    let connection = draft("acme-okta", acme(), okta());
    let token = convert(&store, connection.clone()).await.unwrap();

    let organization = store.organization(&acme()).await.unwrap().unwrap().value;
    assert_eq!(organization.identity_provider(), Some(&okta()));
    assert_eq!(organization.connections, [connection.id.clone()].into());
    assert_eq!(organization.tokens.len(), 1);
    let kept = store.connection(&connection.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.revision), (ConnectionState::Active, 1));
    assert_eq!(kept.metadata, connection.metadata);
    assert_eq!(
        codes(
            &store,
            [
                login_over("acme-okta", okta(), &token, "id1"),
                login_over("acme-okta", okta(), "another", "id2"),
                login_over("acme", okta(), &token, "id3"),
            ]
        )
        .await,
        ["signed in", "provisioning.token_unknown", "provisioning.other_connection"]
    );
    assert_eq!(store.update_organization(&stale, &author()).await.unwrap_err().code(), "store.conflict");
}

pub async fn a_conversion_that_is_refused_leaves_nothing(store: impl Store) {
    with_entitled_acme(&store).await;
    store.add_connection(&draft("taken", globex(), globex_idp()), &author()).await.unwrap();
    let mut other = Organization::new(globex(), "globex", "Globex");
    other.connections = [id("reserved")].into();
    store.add_organization(&other, &author()).await.unwrap();
    let before = store.organization(&acme()).await.unwrap();
    for (name, organization, code) in [
        ("taken", acme(), "store.taken"),
        ("reserved", acme(), "store.taken"),
        ("free", globex(), "store.connection_fixed"),
    ] {
        let refused = convert(&store, draft(name, organization, okta())).await.unwrap_err();
        assert_eq!(refused.code(), code, "{name}");
    }
    let failing = draft("free", acme(), okta());
    let refused = decide(&store, move |acme| {
        acme.convert(failing.clone(), None, now())?;
        Err(StoreError::unavailable(std::io::Error::other("a fault in the middle")).into())
    });
    assert_eq!(refused.await.unwrap_err().code(), "store.unavailable");
    assert_eq!(store.organization(&acme()).await.unwrap(), before);
    assert_eq!(store.connection(&id("free")).await.unwrap(), None);
    assert_eq!(store.connection(&id("reserved")).await.unwrap(), None);
    assert!(store.connections_of(&acme()).await.unwrap().is_empty());

    let mut without = before.unwrap();
    without.value.entitled = false;
    store.update_organization(&without, &author()).await.unwrap();
    let refused = convert(&store, draft("free", acme(), okta())).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.not_entitled");
    let draft = draft("free", acme(), okta());
    let refused = decide(&store, move |acme| acme.add_draft(draft.clone())).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.not_entitled");
    let nobody = ConnectionDecision::new("nobody".into(), owner(), now(), |_, _| Ok(()));
    assert_eq!(store.decide_connections(nobody).await.unwrap_err().code(), "store.organization_unknown");
}

pub async fn of_ten_conversions_at_once_one_succeeds(store: impl Store) {
    with_entitled_acme(&store).await;
    let mut tasks = JoinSet::new();
    for number in 0..10 {
        let store = store.clone();
        tasks.spawn(async move {
            let connection = draft(&format!("acme-{number}"), acme(), okta());
            convert(&store, connection).await.map(drop).map_err(|error| error.code())
        });
    }
    let mut outcomes = tasks.join_all().await;
    outcomes.sort_unstable();
    assert_eq!(outcomes.remove(0), Ok(()));
    assert!(outcomes.iter().all(|one| *one == Err("provisioning.already_converted")), "{outcomes:?}");
    assert_eq!(store.connections_of(&acme()).await.unwrap().len(), 1);
    assert_eq!(store.organization(&acme()).await.unwrap().unwrap().value.tokens.len(), 1);
}

pub async fn a_connection_is_tried_and_replaces_another(store: impl Store) {
    with_entitled_acme(&store).await;
    let token = convert(&store, draft("old", acme(), okta())).await.unwrap();
    let second = draft("new", acme(), globex_idp());
    decide(&store, move |acme| acme.add_draft(second.clone())).await.unwrap();
    let over = |name, issuer, assertion| login_over(name, issuer, &token, assertion);
    let attempts = || [over("old", okta(), "id1"), over("new", globex_idp(), "id2")];
    assert_eq!(codes(&store, attempts()).await, ["signed in", "provisioning.organization_mismatch"]);

    let changed = decide(&store, |acme| acme.mark_tested(&id("new"), 2)).await.unwrap_err();
    assert_eq!(changed.code(), "store.connection_conflict", "another document was tried");
    decide(&store, |acme| acme.mark_tested(&id("new"), 1)).await.unwrap();
    let after = decide(&store, |acme| acme.replace(&id("old"), &id("new"), now())).await.unwrap();
    let states = |it: &OrganizationConnections| {
        it.connections.iter().map(|one| (one.id.to_string(), one.state, one.revision)).collect::<Vec<_>>()
    };
    let expected =
        [("new".to_owned(), ConnectionState::Active, 3), ("old".to_owned(), ConnectionState::Retired, 2)];
    let read = OrganizationConnections::new(
        store.organization(&acme()).await.unwrap().unwrap().value,
        store.connections_of(&acme()).await.unwrap(),
    );
    assert_eq!(read, after, "what is answered is what is stored");
    assert_eq!(states(&read), expected);
    assert_eq!(read.organization.identity_provider(), Some(&globex_idp()));
    let attempts = [over("old", okta(), "id3"), over("new", globex_idp(), "id4")];
    assert_eq!(codes(&store, attempts).await[0], "provisioning.organization_mismatch");

    // What cannot be done, and then nothing of it is done.
    let refusals = [
        decide(&store, |acme| acme.activate(&id("old"), now())).await,
        decide(&store, |acme| acme.mark_tested(&id("new"), 3)).await,
        decide(&store, |acme| acme.retire(&id("new"))).await,
        decide(&store, |acme| acme.retire(&id("nobody"))).await,
        decide(&store, |acme| acme.replace(&id("nobody"), &id("new"), now())).await,
    ];
    let refusals = refusals.map(|refusal| refusal.unwrap_err().code());
    let state = "provisioning.connection_state";
    assert_eq!(refusals, [state, state, "provisioning.last_connection", "store.connection_unknown", state]);
    assert_eq!(states(&decide(&store, |_| Ok(())).await.unwrap()), expected);
}

/// A draft with so many bytes of metadata.
fn large(name: &str, bytes: usize) -> StoredConnection {
    let mut draft = draft(name, acme(), okta());
    draft.metadata.document = vec![b'x'; bytes].into();
    draft
}

/// What anybody may add who has an organization is bounded, by each way in which it is added.
pub async fn an_organization_has_so_many_connections(store: impl Store) {
    const LIMIT: &str = "store.connection_limit";
    with_entitled_acme(&store).await;
    for number in 0..ConnectionTotals::MOST_DRAFTS {
        let one = draft(&format!("draft-{number}"), acme(), okta());
        decide(&store, move |acme| acme.add_draft(one.clone())).await.unwrap();
    }
    // One of them is no more than it was.
    let one = store.connection(&id("draft-2")).await.unwrap().unwrap();
    store.update_connection(&one, &author()).await.unwrap();
    let more = draft("more", acme(), okta());
    let refused = store.add_connection(&more, &author()).await.unwrap_err();
    assert_eq!((refused.code(), refused.is_outage(), refused.is_conflict()), (LIMIT, false, false));
    assert!(refused.to_string().contains("9 drafts; at most 8"), "{refused}");
    let again = more.clone();
    assert_eq!(decide(&store, move |acme| acme.add_draft(again.clone())).await.unwrap_err().code(), LIMIT);
    assert_eq!(store.connection(&more.id).await.unwrap(), None);
    store.add_connection(&draft("theirs", globex(), okta()), &author()).await.unwrap();

    // One that is activated or discarded makes room, until there are too many altogether.
    decide(&store, |acme| acme.retire(&id("draft-0"))).await.unwrap();
    decide(&store, |acme| acme.activate(&id("draft-1"), now())).await.unwrap();
    let mut added = 0;
    let refused = loop {
        let one = draft(&format!("next-{added}"), acme(), okta());
        let outcome = decide(&store, move |acme| {
            let id = one.id.clone();
            acme.add_draft(one.clone())?;
            acme.activate(&id, now())
        });
        match outcome.await {
            Ok(_) => added += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(
        (refused.code(), added),
        (LIMIT, ConnectionTotals::MOST_OPEN + 1 - ConnectionTotals::MOST_DRAFTS)
    );
    decide(&store, |acme| {
        acme.disconnect(now());
        Ok(())
    })
    .await
    .unwrap();
    // Retired ones keep their names, and there is an end to names as well.
    let retired = store.connections_of(&acme()).await.unwrap().len();
    for number in retired..ConnectionTotals::MOST {
        let mut one = draft(&format!("retired-{number}"), acme(), okta());
        one.state = ConnectionState::Retired;
        store.add_connection(&one, &author()).await.unwrap();
    }
    assert_eq!(store.add_connection(&more, &author()).await.unwrap_err().code(), LIMIT);
    decide(&store, |_| Ok(())).await.unwrap();
}

pub async fn metadata_of_an_organization_is_so_large_at_most(store: impl Store) {
    const LIMIT: &str = "store.connection_limit";
    const MIB: usize = ConnectionTotals::MOST_DRAFT_BYTES;
    with_entitled_acme(&store).await;
    let mut drafts = large("drafts", MIB);
    decide(&store, {
        let drafts = drafts.clone();
        move |acme| acme.add_draft(drafts.clone())
    })
    .await
    .unwrap();
    drafts.revision = 1;
    assert_eq!(store.add_connection(&large("more", 1), &author()).await.unwrap_err().code(), LIMIT);
    let larger = StoredConnection { revision: 1, ..large("drafts", MIB + 1) };
    assert_eq!(store.update_connection(&larger, &author()).await.unwrap_err().code(), LIMIT);
    let refused = decide(&store, |acme| {
        acme.connection_mut(&id("drafts"))?.metadata.document = vec![b'x'; MIB + 1].into();
        Ok(())
    });
    assert_eq!(refused.await.unwrap_err().code(), LIMIT);
    assert_eq!(store.connection(&id("drafts")).await.unwrap(), Some(drafts), "nothing was written");

    // A draft that is discarded makes room, for its metadata is not kept.
    let after = decide(&store, |acme| acme.retire(&id("drafts"))).await.unwrap();
    assert!(after.connection(&id("drafts")).unwrap().is_discarded());
    assert!(store.connection(&id("drafts")).await.unwrap().unwrap().is_discarded());
    let rules: Vec<String> =
        store.audit(&acme()).await.unwrap().iter().map(|record| record.rule.to_string()).collect();
    assert_eq!(rules, ["organization.added", "connection.added", "connection.state"]);

    // What people signed in over keeps it, as the refusals of late responses want it; and it counts.
    for number in 0..ConnectionTotals::MOST_BYTES / MIB {
        let one = large(&format!("used-{number}"), MIB);
        decide(&store, move |acme| {
            let id = one.id.clone();
            acme.add_draft(one.clone())?;
            acme.activate(&id, now())
        })
        .await
        .unwrap();
    }
    decide(&store, |acme| acme.retire(&id("used-0"))).await.unwrap();
    assert_eq!(store.connection(&id("used-0")).await.unwrap().unwrap().metadata.document.len(), MIB);
    assert_eq!(store.add_connection(&large("more", 1), &author()).await.unwrap_err().code(), LIMIT);
}

pub async fn several_connections_are_active_until_one_is_retired(store: impl Store) {
    with_entitled_acme(&store).await;
    let first = draft("first", acme(), okta());
    decide(&store, move |acme| acme.add_draft(first.clone())).await.unwrap();
    assert_eq!(store.organization(&acme()).await.unwrap().unwrap().value.identity_provider(), None);
    decide(&store, |acme| acme.activate(&id("first"), now())).await.unwrap();
    let second = draft("second", acme(), globex_idp());
    decide(&store, move |acme| {
        acme.add_draft(second.clone())?;
        acme.activate(&id("second"), now())
    })
    .await
    .unwrap();
    let organization = store.organization(&acme()).await.unwrap().unwrap().value;
    assert_eq!(organization.connections, [id("first"), id("second")].into());
    let after = decide(&store, |acme| acme.retire(&id("first"))).await.unwrap();
    assert_eq!(after.organization.connections, [id("second")].into());
}

/// Names and addresses lead to the oldest connection, so every reading answers them in the order of their activation.
pub async fn connections_are_in_the_order_of_their_activation(store: impl Store) {
    with_entitled_acme(&store).await;
    // Neither the order of the names nor that of the drafts.
    for name in ["alpha", "beta", "omega", "zeta"] {
        let added = draft(name, acme(), okta());
        decide(&store, move |acme| acme.add_draft(added.clone())).await.unwrap();
    }
    let in_order = async || {
        let by_id = store.organization(&acme()).await.unwrap().unwrap().value;
        let by_slug = store.organization_by_slug("acme").await.unwrap().unwrap().value;
        let domain = Domain::parse("example.com").unwrap();
        let by_domain = store.organization_by_domain(&domain).await.unwrap().unwrap().value;
        let whole = store.whole(&acme()).await.unwrap().organization;
        for other in [by_slug, by_domain, whole] {
            assert_eq!(other.connections, by_id.connections);
        }
        let names: Vec<String> = by_id.own_connections().iter().map(ToString::to_string).collect();
        names.join(" ")
    };
    for name in ["zeta", "alpha", "omega"] {
        decide(&store, move |acme| acme.activate(&id(name), now())).await.unwrap();
    }
    assert_eq!(in_order().await, "zeta alpha omega");
    let mut renamed = store.organization(&acme()).await.unwrap().unwrap();
    renamed.value.name = "Acme Rockets".to_owned();
    store.update_organization(&renamed, &author()).await.unwrap();
    assert_eq!(in_order().await, "zeta alpha omega", "another change leaves the order");

    // What replaces the oldest gets the people who came over it, and no other connection does.
    decide(&store, |acme| acme.replace(&id("zeta"), &id("beta"), now())).await.unwrap();
    assert_eq!(in_order().await, "beta alpha omega");
    decide(&store, |acme| acme.retire(&id("beta"))).await.unwrap();
    assert_eq!(in_order().await, "alpha omega");
}

pub async fn a_disconnected_organization_signs_nobody_in(store: impl Store) {
    with_entitled_acme(&store).await;
    let token = convert(&store, draft("first", acme(), okta())).await.unwrap();
    provision(&store, login_over("first", okta(), &token, "id1")).await.unwrap();
    let after = decide(&store, |acme| {
        acme.disconnect(now());
        Ok(())
    });
    let after = after.await.unwrap();
    assert!(after.organization.conversion.is_none() && after.organization.connections.is_empty());
    assert!(after.organization.tokens.iter().all(|record| !record.works_at(now())));
    assert_eq!(after.connection(&id("first")).unwrap().state, ConnectionState::Retired);
    let refused = provision(&store, login_over("first", okta(), &token, "id2")).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.not_converted");

    // It can be connected again, over a connection of another name and with another token.
    let again = convert(&store, draft("first", acme(), okta())).await.unwrap_err();
    assert_eq!(again.code(), "store.taken");
    let next = convert(&store, draft("second", acme(), okta())).await.unwrap();
    let attempts = [
        login_over("second", okta(), &token, "id3"),
        login_over("first", okta(), &next, "id4"),
        login_over("second", okta(), &next, "id5"),
    ];
    // Ada is known over the first connection only, and her address is no proof that it is she.
    let expected =
        ["provisioning.token_revoked", "provisioning.other_connection", "provisioning.email_taken"];
    assert_eq!(codes(&store, attempts).await, expected);
}

/// A name without a connection is nobody's: a customer who gives a connection the id of another organization is in nobody's way.
pub async fn a_connection_named_as_another_organization_stops_nobody(store: impl Store) {
    with_entitled_acme(&store).await;
    convert(&store, draft("acme-okta", acme(), okta())).await.unwrap();
    let mut other = Organization::new(globex(), "globex", "Globex");
    other.connections = [id(acme().as_str()), id("initech")].into();
    store.add_organization(&other, &author()).await.unwrap();
    let initech = Organization::new("initech".into(), "initech", "Initech");
    store.add_organization(&initech, &author()).await.unwrap();
    let disconnect = decide(&store, |acme| {
        acme.disconnect(now());
        Ok(())
    });
    assert!(disconnect.await.unwrap().organization.own_connections().is_empty());

    // It signs nobody in to the organization of that id, either.
    let mut initech = store.organization(&"initech".into()).await.unwrap().unwrap();
    initech.value.entitled = true;
    initech.value.convert(okta(), &Provider::rustcrypto(), now()).unwrap();
    assert_eq!(store.update_organization(&initech, &author()).await.unwrap_err().code(), "store.taken");
}

/// An application may write connections beside the organizations. One that has the name of another organization's signs nobody in to that.
pub async fn a_stored_connection_of_another_organization_signs_nobody_in(store: impl Store) {
    let token = super::with_acme(&store).await;
    let own = || login_over(acme().as_str(), okta(), &token, "id1");
    assert_eq!(codes(&store, [own()]).await, ["signed in"], "over the connection of its id");
    let mut theirs = draft(acme().as_str(), globex(), globex_idp());
    theirs.state = ConnectionState::Active;
    store.add_connection(&theirs, &author()).await.unwrap();
    let over_theirs = login_over(acme().as_str(), globex_idp(), &token, "id2");
    assert_eq!(codes(&store, [over_theirs]).await, ["store.no_organization"]);
}

pub async fn whether_a_token_is_required_is_the_connections_setting(store: impl Store) {
    with_entitled_acme(&store).await;
    let mut without = draft("without", acme(), okta());
    without.settings.token_required = false;
    convert(&store, without).await.unwrap();
    let with = draft("with", acme(), globex_idp());
    decide(&store, move |acme| {
        acme.add_draft(with.clone())?;
        acme.activate(&id("with"), now())
    })
    .await
    .unwrap();
    let over = |name, issuer, assertion| login_over(name, issuer, "", assertion).without_attribute("token");
    let attempts = || [over("without", okta(), "id1"), over("with", globex_idp(), "id2")];
    assert_eq!(codes(&store, attempts()).await, ["signed in", "provisioning.token_missing"]);
    let snapshot = store.snapshot(&attempts()[0]).await.unwrap();
    assert_eq!(snapshot.token_not_required, [id("without")].into());
    assert!(store.snapshot(&attempts()[1]).await.unwrap().token_not_required.is_empty());

    let mut changed = store.connection(&id("without")).await.unwrap().unwrap();
    changed.settings.token_required = true;
    store.update_connection(&changed, &author()).await.unwrap();
    assert_eq!(codes(&store, [over("without", okta(), "id3")]).await, ["provisioning.token_missing"]);
}

pub async fn the_configuration_is_audited_with_its_actor(store: impl Store) {
    with_entitled_acme(&store).await;
    let token = convert(&store, draft("old", acme(), okta())).await.unwrap();
    let second = draft("new", acme(), globex_idp());
    decide(&store, move |acme| {
        acme.add_draft(second.clone())?;
        acme.replace(&id("old"), &id("new"), now())
    })
    .await
    .unwrap();
    decide(&store, |acme| {
        let connection = acme.connection_mut(&id("new"))?;
        connection.metadata.document = b"<other/>".as_slice().into();
        connection.settings.token_required = false;
        Ok(())
    })
    .await
    .unwrap();
    decide(&store, |_| Ok(())).await.unwrap();
    decide(&store, |acme| acme.retire(&id("new"))).await.unwrap_err();
    decide(&store, |acme| {
        acme.disconnect(now());
        Ok(())
    })
    .await
    .unwrap();
    let mut records = store.audit(&acme()).await.unwrap();
    assert_eq!(records.remove(0).rule.as_str(), "organization.added");
    for record in &records {
        assert_eq!((record.actor.as_ref(), record.account.as_ref()), (Some(&owner()), None));
        assert_eq!(record.at, now());
    }
    let rules: Vec<&str> = records.iter().map(|record| record.rule.as_str()).collect();
    let expected = [
        "organization.converted",
        "token.issued",
        "connection.added",
        "connection.state",
        "connection.added",
        "connection.metadata",
        "connection.metadata_not_compared",
        "connection.settings",
        "organization.disconnected",
        "token.revoked",
        "connection.state",
    ];
    assert_eq!(rules, expected);
    assert_eq!(records[3].before.as_deref(), Some("active"));
    assert_eq!(records[3].after.as_deref(), Some("retired"));
    assert!(records[7].after.as_ref().unwrap().contains("\"token_required\":false"));
    assert!(!serde_json::to_string(&records).unwrap().contains(&token));
}
