//! Domains, which an organization verifies by a record in the DNS.

use vouchsafe::provisioning::{Actor, Domain};
use vouchsafe_store::{Directory, SetUpPurpose, SetUpStore, recheck_domains};
use vouchsafe_testkit as testkit;

use crate::world::{World, acme, author, globex};

async fn verified(world: &World, organization: vouchsafe::provisioning::OrganizationId) -> Vec<String> {
    world.store.organization(&organization).await.unwrap().unwrap().value.verified_domains
}

#[tokio::test]
async fn a_domain_is_verified_by_its_record() {
    let world = World::make().await;
    let (secret, link) = world.link(acme(), SetUpPurpose::Domains).await;
    let (browser, _) = world.opened(&secret).await;
    let form = browser.get("/set-up/domains").await;
    form.says("example.com").says("Verified:");
    browser.submit(&form, "/set-up/domains", &[("domain", "no domain")]).await.is(422).says("domain-error");
    let asked = browser.submit(&form, "/set-up/domains", &[("domain", " Acme.Example ")]).await;
    asked.is(200).says("_vouchsafe-challenge.acme.example").says("vouchsafe-domain-verification=");
    let looked = browser.submit(&asked, "/set-up/domains/verify", &[]).await;
    looked.is(422).says("no TXT record has the value");
    assert_eq!(verified(&world, acme()).await, ["example.com"]);

    let organization = world.store.organization(&acme()).await.unwrap().unwrap().value;
    let challenge = &organization.domain_challenges[0];
    world
        .dns
        .lock()
        .unwrap()
        .insert(challenge.record_name(), vec!["v=spf1".to_owned(), challenge.record_value()]);
    browser
        .submit(&looked, "/set-up/domains/verify", &[])
        .await
        .is(200)
        .says("acme.example")
        .says_not("Not verified yet");
    assert_eq!(verified(&world, acme()).await, ["example.com", "acme.example"]);
    let holder = Some(Actor::SetUpLink(link.id));
    assert!(world.audited(&acme()).await.contains(&("organization.domains".to_owned(), holder)));
}

/// The page shows the record of a verified domain that is missing in the DNS, so that somebody writes it again.
#[tokio::test]
async fn a_record_that_is_gone_is_shown() {
    let world = World::make().await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Domains).await;
    let (browser, _) = world.opened(&secret).await;
    let form = browser.get("/set-up/domains").await;
    let asked = browser.submit(&form, "/set-up/domains", &[("domain", "acme.example")]).await;
    let organization = world.store.organization(&acme()).await.unwrap().unwrap().value;
    let challenge = organization.domain_challenges[0].clone();
    let (name, value) = (challenge.record_name(), challenge.record_value());
    world.dns.lock().unwrap().insert(name, vec![value.clone()]);
    browser.submit(&asked, "/set-up/domains/verify", &[]).await.is(200).says_not(&value);
    let resolve = |_: String| async { Ok::<Vec<String>, std::io::Error>(Vec::new()) };
    recheck_domains(&world.store, resolve, chrono::Utc::now()).await.unwrap();
    browser.get("/set-up/domains").await.is(200).says("no longer has the record").says(&value);
}

/// No organization takes a verified domain of another, whose name is not shown. A record for it does not help.
#[tokio::test]
async fn a_domain_of_another_organization_stays_its_own() {
    let world = World::make().await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Everything).await;
    let (browser, _) = world.opened(&secret).await;
    let form = browser.get("/set-up/domains").await;
    let asked = browser.submit(&form, "/set-up/domains", &[("domain", "globex.example")]).await;
    asked.is(200).says("_vouchsafe-challenge.globex.example");
    // A party that controls its DNS does not get it either while it belongs to another.
    let organization = world.store.organization(&acme()).await.unwrap().unwrap().value;
    let challenge = &organization.domain_challenges[0];
    world.dns.lock().unwrap().insert(challenge.record_name(), vec![challenge.record_value()]);
    let taken = browser.submit(&asked, "/set-up/domains/verify", &[]).await;
    taken.is(422).says("store.taken").says_not("Globex");
    assert_eq!(verified(&world, acme()).await, ["example.com"]);
    assert_eq!(verified(&world, globex()).await, ["globex.example"]);

    // The record of one organization proves nothing for another.
    let (theirs, _) = world.link(globex(), SetUpPurpose::Domains).await;
    let (other, _) = world.opened(&theirs).await;
    let form = other.get("/set-up/domains").await;
    let asked = other.submit(&form, "/set-up/domains", &[("domain", "example.org")]).await;
    let mine = browser.get("/set-up/domains").await;
    browser.submit(&mine, "/set-up/domains", &[("domain", "example.org")]).await.is(200);
    let organization = world.store.organization(&acme()).await.unwrap().unwrap().value;
    let challenge =
        organization.domain_challenges.iter().find(|one| one.domain.as_str() == "example.org").unwrap();
    world.dns.lock().unwrap().insert(challenge.record_name(), vec![challenge.record_value()]);
    other.submit(&asked, "/set-up/domains/verify", &[]).await.is(422).says("no TXT record has the value");
}

/// Whoever tries people of any domain does not learn whose domains other organizations have verified, as long as the policy
/// admits neither.
#[tokio::test]
async fn a_trial_does_not_tell_a_domain_of_another_organization() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (browser, link, _) = world.at_trial(acme()).await;
    for address in ["eve@globex.example", "eve@nobody.example"] {
        let page = world.tried(&browser, &okta, address).await;
        page.says("provisioning.domain_not_verified").says_not("another organization");
        let kept = world.store.set_up_link(&link.id).await.unwrap().unwrap().progress.trial.unwrap();
        assert_eq!(kept.refused.as_deref(), Some("provisioning.domain_not_verified"), "{address}");
    }
    // A policy that admits any other domain cannot refuse this one without telling why.
    let policy = "[admission]\ndomains = \"any\"\n";
    world.store.set_policy(&acme(), policy, &author()).await.unwrap();
    let page = world.tried(&browser, &okta, "eve@globex.example").await;
    page.says("provisioning.domain_of_another").says_not("Globex");
    world.tried(&browser, &okta, "eve@nobody.example").await.says("would be accepted");
}

/// A link can remove only an unverified domain. A verified domain decides who can sign in.
#[tokio::test]
async fn a_verified_domain_is_not_given_up_by_a_link() {
    let world = World::make().await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Domains).await;
    let (browser, _) = world.opened(&secret).await;
    let form = browser.get("/set-up/domains").await;
    let asked = browser.submit(&form, "/set-up/domains", &[("domain", "acme.example")]).await;
    browser.submit(&asked, "/set-up/domains/give-up", &[]).await.is(200).says_not("_vouchsafe-challenge");
    browser
        .submit(&asked, "/set-up/domains/give-up", &[("domain", "example.com")])
        .await
        .is(422)
        .says("provisioning.domain_verified");
    let organization = world.store.organization(&acme()).await.unwrap().unwrap().value;
    assert!(
        organization.owns(&Domain::parse("example.com").unwrap())
            && organization.domain_challenges.is_empty()
    );
    // A domain without a request is not looked up.
    browser
        .submit(&asked, "/set-up/domains/verify", &[("domain", "other.example")])
        .await
        .is(422)
        .says("no value was asked for");
}

/// One link verifies the domain while the page of another still shows its request.
#[tokio::test]
async fn a_request_is_not_taken_back_by_a_page_from_before_its_verification() {
    let world = World::make().await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Domains).await;
    let (browser, _) = world.opened(&secret).await;
    let form = browser.get("/set-up/domains").await;
    let asked = browser.submit(&form, "/set-up/domains", &[("domain", "acme.example")]).await;
    let (theirs, _) = world.link(acme(), SetUpPurpose::Domains).await;
    let (other, _) = world.opened(&theirs).await;
    let shown = other.get("/set-up/domains").await;
    let challenge =
        world.store.organization(&acme()).await.unwrap().unwrap().value.domain_challenges[0].clone();
    world.dns.lock().unwrap().insert(challenge.record_name(), vec![challenge.record_value()]);
    other.submit(&shown, "/set-up/domains/verify", &[]).await.is(200);
    let refused = browser.submit(&asked, "/set-up/domains/give-up", &[]).await;
    refused.is(422).says("provisioning.domain_verified");
    let organization = world.store.organization(&acme()).await.unwrap().unwrap().value;
    let domain = Domain::parse("acme.example").unwrap();
    assert!(organization.owns(&domain) && organization.proves(&domain));
}
