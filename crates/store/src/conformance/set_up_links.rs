//! Set-up links: by the hash of their secret, each of one organization, and written at their revision.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::{
    ConnectionId, ConnectionState, Provider,
    provisioning::{Actor, OrganizationId},
};

use super::{POLICY, Store, acme, author, connections::draft, globex, now, okta, with_acme, with_globex};
use crate::{
    Author, ConnectionDecision, SetUpLink, SetUpLinkState, SetUpPurpose, SetUpSecret, SetUpStore, SetUpTrial,
    set_up_sweep::end_draft, sweep_set_up_links,
};

fn secret() -> SetUpSecret {
    SetUpSecret::generate(&Provider::rustcrypto()).unwrap()
}

async fn issued(store: &impl SetUpStore, organization: OrganizationId) -> (SetUpSecret, SetUpLink) {
    let secret = secret();
    let end = now() + TimeDelta::days(1);
    let link = SetUpLink::new(&secret, organization, SetUpPurpose::Everything, now(), end);
    store.add_set_up_link(&secret, &link, &author()).await.unwrap();
    let link = store.find_set_up_link(&secret).await.unwrap().unwrap();
    (secret, link)
}

pub async fn a_link_is_found_by_what_is_shown(store: impl Store + SetUpStore) {
    with_acme(&store).await;
    let (secret, link) = issued(&store, acme()).await;
    assert_eq!((link.revision, link.id.len(), link.state(now())), (1, 16, SetUpLinkState::Open));
    assert!(secret.reveal().starts_with(SetUpSecret::PREFIX) && secret.reveal().len() == 68);
    assert_eq!(store.set_up_link(&link.id).await.unwrap(), Some(link.clone()));
    let shown = |text: &str| SetUpSecret::received(text, &Provider::rustcrypto()).unwrap();
    for other in ["", "vsl_", secret.hash(), &link.id, &secret.reveal().to_uppercase(), "\0"] {
        assert_eq!(store.find_set_up_link(&shown(other)).await.unwrap(), None, "{other}");
    }
    for other in ["", secret.hash(), secret.reveal(), "\0"] {
        assert_eq!(store.set_up_link(other).await.unwrap(), None, "{other}");
    }
    let taken = store.add_set_up_link(&secret, &link, &author()).await.unwrap_err();
    assert_eq!(taken.code(), "store.taken");
    let text = format!("{store:?} {secret:?} {link:?} {:?}", store.audit(&acme()).await.unwrap());
    assert!(!text.contains(secret.reveal()));
}

pub async fn a_link_is_of_an_organization_that_there_is(store: impl Store + SetUpStore) {
    with_acme(&store).await;
    let secret = secret();
    let link = SetUpLink::new(&secret, globex(), SetUpPurpose::Domains, now(), now() + TimeDelta::days(1));
    let refused = store.add_set_up_link(&secret, &link, &author()).await.unwrap_err();
    assert_eq!(refused.code(), "store.organization_unknown");
    assert_eq!(store.find_set_up_link(&secret).await.unwrap(), None);
    let unknown = store.update_set_up_link(&link, &author()).await.unwrap_err();
    assert_eq!(unknown.code(), "store.set_up_link_unknown");
}

pub async fn every_write_of_a_link_is_at_its_revision(store: impl Store + SetUpStore) {
    with_acme(&store).await;
    let (secret, first) = issued(&store, acme()).await;
    let (_, other) = issued(&store, acme()).await;
    let mut link = first.clone();
    let connection = ConnectionId::new("acme-2").unwrap();
    link.progress.product = Some("okta".to_owned());
    link.progress.connection = Some(connection.clone());
    link.progress.trial = Some(SetUpTrial::new(connection, "00ff", now(), Some("assertion.audience")));
    link.revision = store.update_set_up_link(&link, &author()).await.unwrap();
    assert_eq!(link.revision, 2);
    assert_eq!(store.find_set_up_link(&secret).await.unwrap(), Some(link.clone()));
    let conflict = store.update_set_up_link(&first, &author()).await.unwrap_err();
    assert_eq!(conflict.code(), "store.set_up_link_conflict");
    assert!(conflict.is_conflict());

    link.used_at = Some(now());
    link.revision = store.update_set_up_link(&link, &author()).await.unwrap();
    assert_eq!(link.state(now()), SetUpLinkState::Used);
    let later = now() + TimeDelta::days(9);
    link.renew_until(later);
    link.revision = store.update_set_up_link(&link, &author()).await.unwrap();
    let found = store.set_up_link(&link.id).await.unwrap().unwrap();
    assert_eq!(found.state(later - TimeDelta::milliseconds(1)), SetUpLinkState::Open);
    assert_eq!(found.state(later), SetUpLinkState::Expired);
    assert_eq!(found.progress.trial, None, "what was set up before is done");
    assert_eq!(store.set_up_link(&other.id).await.unwrap(), Some(other), "another link stays as it is");
}

pub async fn of_writers_of_one_link_one_succeeds(store: impl Store + SetUpStore) {
    with_acme(&store).await;
    let (_, link) = issued(&store, acme()).await;
    let writers: Vec<_> = (0..10)
        .map(|number| {
            let (store, mut link) = (store.clone(), link.clone());
            link.progress.product = Some(format!("product {number}"));
            tokio::spawn(async move { store.update_set_up_link(&link, &author()).await })
        })
        .collect();
    let mut succeeded = 0;
    for writer in writers {
        match writer.await.unwrap() {
            Ok(revision) => succeeded += revision - 1,
            Err(error) => assert_eq!(error.code(), "store.set_up_link_conflict"),
        }
    }
    assert_eq!(succeeded, 1);
    assert_eq!(store.set_up_link(&link.id).await.unwrap().unwrap().revision, 2);
}

pub async fn what_never_changes_of_a_link_is_refused(store: impl Store + SetUpStore) {
    with_acme(&store).await;
    with_globex(&store).await;
    let (_, link) = issued(&store, acme()).await;
    let (mut moved, mut widened) = (link.clone(), link.clone());
    moved.organization = globex();
    widened.purpose = SetUpPurpose::Domains;
    for changed in [moved, widened] {
        let refused = store.update_set_up_link(&changed, &author()).await.unwrap_err();
        assert_eq!(refused.code(), "store.set_up_link_conflict");
    }
    let mut revoked = link.clone();
    revoked.revoke(now());
    revoked.revision = store.update_set_up_link(&revoked, &author()).await.unwrap();
    let mut renewed = revoked.clone();
    renewed.renew_until(now() + TimeDelta::days(30));
    renewed.revision = store.update_set_up_link(&renewed, &author()).await.unwrap();
    assert_eq!(renewed.state(now()), SetUpLinkState::Revoked, "renewal brings no revoked link back");
    renewed.revoked_at = None;
    let refused = store.update_set_up_link(&renewed, &author()).await.unwrap_err();
    assert_eq!(refused.code(), "store.set_up_link_conflict");
}

pub async fn links_are_listed_and_audited(store: impl Store + SetUpStore) {
    with_acme(&store).await;
    with_globex(&store).await;
    let (_, mut link) = issued(&store, acme()).await;
    let (_, theirs) = issued(&store, globex()).await;
    assert_eq!(store.set_up_links_of(&acme()).await.unwrap(), [link.clone()]);
    assert_eq!(store.set_up_links_of(&globex()).await.unwrap(), [theirs]);

    let by_its_holder = Author::new(link.actor(), now());
    link.progress.product = Some("entra".to_owned());
    link.revision = store.update_set_up_link(&link, &by_its_holder).await.unwrap();
    let connection = ConnectionId::new("acme-2").unwrap();
    link.progress.trial = Some(SetUpTrial::new(connection, "00ff", now(), None));
    link.used_at = Some(now());
    link.revision = store.update_set_up_link(&link, &by_its_holder).await.unwrap();
    link.revision = store.update_set_up_link(&link, &by_its_holder).await.unwrap();
    link.revoke(now());
    store.update_set_up_link(&link, &author()).await.unwrap();
    let records = store.audit(&acme()).await.unwrap();
    let of_links: Vec<_> = records
        .iter()
        .filter_map(|record| {
            Some((record.rule.as_str().strip_prefix("set_up_link.")?, record.actor.clone()?))
        })
        .collect();
    let holder = Actor::SetUpLink(link.id.clone());
    assert_eq!(
        of_links,
        [
            ("issued", Actor::Operator),
            ("product", holder.clone()),
            ("trial", holder.clone()),
            ("used", holder),
            ("revoked", Actor::Operator),
        ]
    );
}

pub async fn links_are_swept(store: impl Store + SetUpStore) {
    with_acme(&store).await;
    let (secret, mut link) = issued(&store, acme()).await;
    let before = link.expires_at;
    link.renew_until(before + TimeDelta::days(1));
    store.update_set_up_link(&link, &author()).await.unwrap();
    assert_eq!(swept(&store, before).await, 0, "it was renewed");
    assert_eq!(store.delete_set_up_links(std::slice::from_ref(&link.id), before).await.unwrap(), 0);
    assert_eq!(swept(&store, link.expires_at - TimeDelta::milliseconds(1)).await, 0);
    assert_eq!(link.state(link.expires_at), SetUpLinkState::Expired);
    assert!(store.find_set_up_link(&secret).await.unwrap().is_some(), "so that its holder is told");
    assert_eq!(swept(&store, link.expires_at).await, 1);
    assert_eq!(store.find_set_up_link(&secret).await.unwrap(), None);
    // More than are answered at once.
    for _ in 0..=SetUpLink::MOST_OVER {
        issued(&store, acme()).await;
    }
    assert_eq!(store.set_up_links_over(before).await.unwrap().len(), SetUpLink::MOST_OVER);
    assert_eq!(swept(&store, before).await, 101);
}

/// Deletes the links that expired before a time, and returns their number.
async fn swept(store: &(impl Store + SetUpStore), before: DateTime<Utc>) -> u64 {
    sweep_set_up_links(store, before, before).await.unwrap()
}

/// A draft of a link that is over is ended, if nobody else has to do with it.
pub async fn a_draft_goes_with_its_link(store: impl Store + SetUpStore) {
    with_acme(&store).await;
    let id = |name: &str| ConnectionId::new(name).unwrap();
    let mut end = now();
    for name in ["left", "tried", "shared", "led-to"] {
        let (_, mut link) = issued(&store, acme()).await;
        let adds = ConnectionDecision::new(acme(), link.actor(), now(), move |it, _| {
            it.add_draft(draft(name, acme(), okta()))
        });
        store.decide_connections(adds).await.unwrap();
        link.progress.connection = Some(id(name));
        store.update_set_up_link(&link, &author()).await.unwrap();
        end = link.expires_at;
    }
    let revision = store.connection(&id("tried")).await.unwrap().unwrap().revision;
    let tried = ConnectionDecision::new(acme(), Actor::Operator, now(), move |it, _| {
        it.mark_tested(&ConnectionId::new("tried").unwrap(), revision)
    });
    store.decide_connections(tried).await.unwrap();
    let (_, mut sharing) = issued(&store, acme()).await;
    sharing.renew_until(end + TimeDelta::days(9));
    sharing.progress.connection = Some(id("shared"));
    store.update_set_up_link(&sharing, &author()).await.unwrap();
    let takeover = "[[identity.takeovers]]\nfrom = 'acme'\nto = 'led-to'\nby = 'subject'";
    store.set_policy(&acme(), &format!("{POLICY}{takeover}"), &author()).await.unwrap();

    let states = async || {
        let mut states = Vec::new();
        for name in ["left", "tried", "shared", "led-to"] {
            states.push(store.connection(&id(name)).await.unwrap().unwrap().state.name());
        }
        states
    };
    assert_eq!(swept(&store, end - TimeDelta::milliseconds(1)).await, 0);
    assert_eq!(states().await, ["draft", "tested", "draft", "draft"]);
    assert_eq!(swept(&store, end).await, 4);
    assert_eq!(states().await, ["retired", "tested", "draft", "draft"]);
    let left = store.connection(&id("left")).await.unwrap().unwrap();
    assert!(left.metadata.document.is_empty());
    let by_rule = async || {
        let audit = store.audit(&acme()).await.unwrap();
        let rule = Actor::Rule("set_up_link.over".into());
        audit.into_iter().filter(|record| record.actor.as_ref() == Some(&rule)).collect::<Vec<_>>()
    };
    let [record] = &by_rule().await[..] else { panic!("{:?}", by_rule().await) };
    assert_eq!((record.rule.as_str(), record.at), ("connection.state", end));
    assert!(record.change.contains("left"), "{record:?}");
    assert_eq!(swept(&store, sharing.expires_at).await, 1);
    assert_eq!(states().await, ["retired", "tested", "retired", "draft"]);
    assert_eq!(by_rule().await.len(), 2);
}

/// A link is renewed after it was found to be over, and before its draft is ended.
pub async fn a_draft_stays_if_its_link_is_renewed_meanwhile(store: impl Store + SetUpStore) {
    with_acme(&store).await;
    let id = ConnectionId::new("left").unwrap();
    let (_, mut link) = issued(&store, acme()).await;
    store.add_connection(&draft("left", acme(), okta()), &author()).await.unwrap();
    link.progress.connection = Some(id.clone());
    link.revision = store.update_set_up_link(&link, &author()).await.unwrap();
    let end = link.expires_at;
    let over = store.set_up_links_over(end).await.unwrap();
    let [found] = &over[..] else { panic!("{over:?}") };
    link.renew_until(end + TimeDelta::days(1));
    store.update_set_up_link(&link, &author()).await.unwrap();
    let audit = store.audit(&acme()).await.unwrap();
    let refused = end_draft(&store, found, end, end).await.unwrap_err();
    assert_eq!(refused.code(), "store.set_up_link_conflict");
    assert_eq!(store.connection(&id).await.unwrap().unwrap().state, ConnectionState::Draft);
    assert_eq!(store.audit(&acme()).await.unwrap(), audit);
    // It is over again.
    end_draft(&store, found, link.expires_at, link.expires_at).await.unwrap();
    assert_eq!(store.connection(&id).await.unwrap().unwrap().state, ConnectionState::Retired);
}

/// An operator who makes an active connection a draft again pauses it: it does not go with the link that made it.
pub async fn a_paused_connection_stays_when_its_link_goes(store: impl Store + SetUpStore) {
    with_acme(&store).await;
    let paused = ConnectionId::new("paused").unwrap();
    let (_, mut link) = issued(&store, acme()).await;
    let adds = ConnectionDecision::new(acme(), link.actor(), now(), move |it, now| {
        for name in ["paused", "other"] {
            it.add_draft(draft(name, acme(), okta()))?;
            it.activate(&ConnectionId::new(name).unwrap(), now)?;
        }
        Ok(())
    });
    store.decide_connections(adds).await.unwrap();
    link.progress.connection = Some(paused.clone());
    store.update_set_up_link(&link, &author()).await.unwrap();
    let mut stored = store.connection(&paused).await.unwrap().unwrap();
    stored.state = ConnectionState::Draft;
    store.update_connection(&stored, &author()).await.unwrap();
    assert_eq!(swept(&store, link.expires_at).await, 1);
    let stays = store.connection(&paused).await.unwrap().unwrap();
    assert_eq!((stays.state.name(), stays.metadata.document.is_empty()), ("draft", false));
}

/// The request of a link's holder came before the link was revoked, and writes afterwards.
pub async fn a_link_that_was_revoked_meanwhile_changes_nothing(store: impl Store + SetUpStore) {
    type End = fn(&mut SetUpLink);
    with_acme(&store).await;
    let connection = |name: &str| draft(name, acme(), okta());
    store.add_connection(&connection("acme-1"), &author()).await.unwrap();
    let stored = store.connection(&ConnectionId::new("acme-1").unwrap()).await.unwrap().unwrap();
    let late = now() + TimeDelta::days(2);
    let ends: [(&str, End, DateTime<Utc>); 3] = [
        ("revoked", |link| link.revoke(now()), now()),
        ("used", |link| link.used_at = Some(now()), now()),
        ("expired", |_| {}, late),
    ];
    for (what, end, at) in ends {
        let (_, mut link) = issued(&store, acme()).await;
        let holder = Author::new(link.actor(), at);
        end(&mut link);
        store.update_set_up_link(&link, &author()).await.unwrap();
        let audit = store.audit(&acme()).await.unwrap();
        let decision = ConnectionDecision::new(acme(), link.actor(), at, |it, _| {
            it.add_draft(draft("acme-2", acme(), okta()))
        });
        let refused = store.decide_connections(decision).await.unwrap_err();
        assert_eq!(refused.code(), "store.set_up_link_conflict", "{what}");
        let mut other = stored.clone();
        other.settings.token_required = false;
        let organization = store.organization(&acme()).await.unwrap().unwrap();
        for refused in [
            store.update_connection(&other, &holder).await.map(drop),
            store.add_connection(&connection("acme-3"), &holder).await.map(drop),
            store.update_organization(&organization, &holder).await.map(drop),
            store.set_policy(&acme(), "", &holder).await,
        ] {
            assert_eq!(refused.unwrap_err().code(), "store.set_up_link_conflict", "{what}");
        }
        assert_eq!(store.connections_of(&acme()).await.unwrap(), std::slice::from_ref(&stored), "{what}");
        assert_eq!(store.audit(&acme()).await.unwrap(), audit, "{what}");
    }
    // While it works, and where nothing is known about it, nothing is refused.
    let (_, link) = issued(&store, acme()).await;
    let mut changed = stored;
    for actor in [link.actor(), Actor::SetUpLink("of-another-store".to_owned())] {
        changed.settings.token_required = !changed.settings.token_required;
        changed.revision = store.update_connection(&changed, &Author::new(actor, now())).await.unwrap();
    }
}

/// The holder writes again and again while the link is revoked. No write comes after the revocation.
pub async fn of_a_link_and_its_revocation_the_last_word_is_the_revocation(store: impl Store + SetUpStore) {
    with_acme(&store).await;
    store.add_connection(&draft("acme-1", acme(), okta()), &author()).await.unwrap();
    let (_, mut link) = issued(&store, acme()).await;
    let (writing, actor) = (store.clone(), link.actor());
    let (begun, has_begun) = std::sync::mpsc::channel();
    let writes = tokio::spawn(async move {
        let id = ConnectionId::new("acme-1").unwrap();
        loop {
            let mut connection = writing.connection(&id).await.unwrap().unwrap();
            connection.settings.token_required = !connection.settings.token_required;
            match writing.update_connection(&connection, &Author::new(actor.clone(), now())).await {
                Ok(_) => drop(begun.send(())),
                Err(refused) => return refused.code(),
            }
        }
    });
    let waiting = tokio::task::spawn_blocking(move || has_begun.recv().is_ok());
    assert!(waiting.await.unwrap());
    link.revoke(now());
    store.update_set_up_link(&link, &author()).await.unwrap();
    assert_eq!(writes.await.unwrap(), "store.set_up_link_conflict");
    let audit = store.audit(&acme()).await.unwrap();
    assert_eq!(audit.last().unwrap().rule.as_str(), "set_up_link.revoked");
}
