//! Newer metadata of an active connection that waits for approval: what the portal shows of it, and who may judge it.

use chrono::{SecondsFormat, TimeDelta};
use vouchsafe::metadata::KeyChanges;
use vouchsafe::provisioning::Actor;
use vouchsafe::{ConnectionId, ConnectionState};
use vouchsafe_store::{
    ConnectionDecision, ConnectionMetadata, ConnectionStore, Directory, SetUpPurpose, StoredConnection,
};
use vouchsafe_testkit::{self as testkit, keys};

use crate::browser::Browser;
use crate::later::{connected, sign_in};
use crate::world::{World, acme, author, globex};

/// Keeps a document for approval, as the refresher does. It answers its digest.
pub(crate) async fn stage(world: &World, connection: &ConnectionId, document: &str) -> String {
    let mut stored = world.store.connection(connection).await.unwrap().unwrap();
    let staged = ConnectionMetadata::new(document, stored.metadata.source.clone(), world.now());
    let digest = stored.digest(&staged);
    stored.settings.metadata.key_changes = KeyChanges::Approve;
    stored.staged = Some(staged);
    world.store.update_connection(&stored, &author()).await.unwrap();
    digest
}

async fn active(world: &World) -> StoredConnection {
    let [active] = world.connections(&acme(), ConnectionState::Active).await.try_into().unwrap();
    active
}

fn announced() -> String {
    let next = keys::other_identity_provider().certificate();
    testkit::IdentityProvider::okta().with_next_certificate(next).metadata().unwrap()
}

const APPROVE: &str = "/set-up/staged/approve";
const REFUSE: &str = "/set-up/staged/refuse";
const JUDGE_AGAIN: &str = "/set-up/staged/judge-again";

#[tokio::test]
async fn what_waits_is_shown_with_what_it_would_change_and_is_approved() {
    let world = World::make().await;
    let (browser, connection) = connected(&world).await;
    browser.get("/set-up").await.says_not("waits for approval").says_not("Refused metadata");
    let moved = announced().replace("/sso/saml", "/sso/other");
    let digest = stage(&world, &connection.id, &moved).await;
    let new = testkit::IdentityProvider::okta().with_key(keys::other_identity_provider());
    assert_eq!(sign_in(&world, &connection, &new, "ada@example.com").await, 403, "it is not trusted");

    let page = browser.get("/set-up").await;
    let fingerprint = keys::other_identity_provider().certificate().fingerprint_sha256();
    page.is(200).says("Newer metadata waits for approval").says("Key added").says(&fingerprint).says(&digest);
    page.says("Address removed").says("Address added").says("/sso/other");
    page.says("Certificates of the newer metadata").says("It waits because").says("new; ");
    let links = world.audited(&acme()).await.len();
    browser.submit(&page, APPROVE, &[]).await.is(200).says_not("waits for approval").says(&fingerprint);
    assert_eq!(&*active(&world).await.metadata.document, moved.as_bytes());
    assert_eq!(sign_in(&world, &connection, &new, "ada@example.com").await, 200);
    let audited = world.audited(&acme()).await.split_off(links);
    let by_link = |rule: &str| {
        audited.iter().any(|(found, by)| found == rule && matches!(by, Some(Actor::SetUpLink(_))))
    };
    assert!(by_link("connection.metadata") && by_link("connection.key"), "{audited:?}");
    // The page tells which of the two signs.
    browser.get("/set-up").await.says("in use (1 sign-in, the last at ").says("announced but unused (since ");
}

#[tokio::test]
async fn what_is_refused_stays_refused_until_the_refusal_ends() {
    let world = World::make().await;
    let (browser, connection) = connected(&world).await;
    let digest = stage(&world, &connection.id, &announced()).await;
    let page = browser.get("/set-up").await;
    let after = browser.submit(&page, REFUSE, &[]).await;
    after.is(200).says_not("waits for approval").says("Refused metadata").says(&digest);
    let [refused] = active(&world).await.refused.try_into().unwrap();
    assert_eq!(refused.digest, digest);
    assert!(matches!(refused.by, Actor::SetUpLink(_)), "{:?}", refused.by);
    stage(&world, &connection.id, &announced()).await;
    assert_eq!(active(&world).await.staged, None);
    // The form of a page that is open still.
    browser.submit(&page, APPROVE, &[]).await.is(422).says("store.not_staged");
    browser.submit(&page, REFUSE, &[]).await.is(422).says("store.not_staged");

    browser.submit(&after, JUDGE_AGAIN, &[]).await.is(200).says_not("Refused metadata");
    browser.submit(&after, JUDGE_AGAIN, &[]).await.is(422).says("store.not_refused");
    stage(&world, &connection.id, &announced()).await;
    assert!(active(&world).await.staged.is_some());
}

/// What an owner or the operator refused is refused for every link.
#[tokio::test]
async fn a_link_does_not_end_the_refusal_of_an_owner() {
    for by in [Actor::Account("olga".into()), Actor::Operator] {
        let world = World::make().await;
        let (browser, connection) = connected(&world).await;
        let digest = stage(&world, &connection.id, &announced()).await;
        let forms = browser.get("/set-up").await.form(REFUSE);
        let (id, refused, author) = (connection.id.clone(), digest.clone(), by.clone());
        let refusal = ConnectionDecision::new(acme(), by, chrono::Utc::now(), move |it, now| {
            it.refuse_metadata(&id, &refused, author.clone(), now)
        });
        world.store.decide_connections(refusal).await.unwrap();
        let page = browser.get("/set-up").await;
        page.is(200).says("Refused metadata").says(&digest).says_not("End the refusal");
        // The form would have these fields.
        let fields: Vec<_> = forms.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = browser.post(JUDGE_AGAIN, &fields).await;
        answer.is(422).says("store.refused_by_owner");
        assert_eq!(active(&world).await.refused.len(), 1);
        stage(&world, &connection.id, &announced()).await;
        assert_eq!(active(&world).await.staged, None);
    }
}

/// A refused document is not used because a link gives it as its own, before the refusal or after it.
#[tokio::test]
async fn a_link_does_not_give_a_document_that_an_owner_refused() {
    let refuse = async |world: &World, connection: &StoredConnection, digest: String| {
        let (id, by) = (connection.id.clone(), Actor::Account("olga".into()));
        let refusal = ConnectionDecision::new(acme(), by.clone(), world.now(), move |it, now| {
            it.refuse_metadata(&id, &digest, by.clone(), now)
        });
        world.store.decide_connections(refusal).await.unwrap();
    };
    let give = async |browser: &Browser, document: &str| {
        let products = browser.get("/set-up/product").await;
        browser.submit(&products, "/set-up/product", &[("product", "okta")]).await.is(200);
        let form = browser.get("/set-up/metadata").await;
        browser.submit(&form, "/set-up/metadata", &[("metadata_text", document)]).await
    };
    let world = World::make().await;
    let (browser, connection) = connected(&world).await;
    let digest = stage(&world, &connection.id, &announced()).await;
    refuse(&world, &connection, digest).await;
    give(&browser, &announced()).await.is(422).says("store.refused_by_owner");

    // The draft was tried before the owner refused the document.
    let later = announced().replace("/sso/saml", "/sso/later");
    give(&browser, &later).await.is(200).says("Try a sign-in");
    let next = testkit::IdentityProvider::okta().with_key(keys::other_identity_provider());
    world.tried(&browser, &next, "ada@example.com").await.says("would be accepted");
    let digest = stage(&world, &connection.id, &later).await;
    refuse(&world, &connection, digest).await;
    let page = browser.get("/set-up/activate").await;
    browser.submit(&page, "/set-up/activate", &[]).await.is(422).says("store.refused_by_owner");
    let active = active(&world).await;
    assert_eq!((&active.metadata, active.refused.len()), (&connection.metadata, 2));
}

/// What the operator requires of the address is required of a document that a link gives for the connection.
#[tokio::test]
async fn a_link_gives_no_document_without_what_its_connection_requires() {
    let world = World::make().await;
    let (browser, connection) = connected(&world).await;
    let give = async |browser: &Browser, document: &str| {
        let products = browser.get("/set-up/product").await;
        browser.submit(&products, "/set-up/product", &[("product", "okta")]).await.is(200);
        let form = browser.get("/set-up/metadata").await;
        browser.submit(&form, "/set-up/metadata", &[("metadata_text", document)]).await
    };
    give(&browser, &announced()).await.is(200).says("Try a sign-in");
    let mut stored = world.store.connection(&connection.id).await.unwrap().unwrap();
    stored.settings.metadata.signer = Some(keys::identity_provider().certificate().fingerprint_sha256());
    stored.revision = world.store.update_connection(&stored, &author()).await.unwrap();
    give(&browser, &announced()).await.is(422).says("signature.missing");
    stored.settings.metadata.signer = None;
    stored.settings.metadata.require_valid_until(std::time::Duration::from_secs(86_400));
    stored.revision = world.store.update_connection(&stored, &author()).await.unwrap();
    give(&browser, &announced()).await.is(422).says("refresh.no_valid_until");
    let end = (world.now() + TimeDelta::hours(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let ending = announced().replacen("entityID=", &format!("validUntil=\"{end}\" entityID="), 1);
    give(&browser, &ending).await.is(200).says("Try a sign-in");
}

/// What the operator requires since the document was given is required before it is used.
#[tokio::test]
async fn a_link_activates_no_document_without_what_its_connection_requires_now() {
    let world = World::make().await;
    let (browser, connection) = connected(&world).await;
    let (products, okta) = (browser.get("/set-up/product").await, testkit::IdentityProvider::okta());
    browser.submit(&products, "/set-up/product", &[("product", "okta")]).await.is(200);
    let form = browser.get("/set-up/metadata").await;
    browser.submit(&form, "/set-up/metadata", &[("metadata_text", &announced())]).await.is(200);
    world.tried(&browser, &okta, "ada@example.com").await.says("would be accepted");
    let page = browser.get("/set-up/activate").await;
    let mut stored = world.store.connection(&connection.id).await.unwrap().unwrap();
    stored.settings.metadata.signer = Some(keys::identity_provider().certificate().fingerprint_sha256());
    stored.revision = world.store.update_connection(&stored, &author()).await.unwrap();
    browser.submit(&page, "/set-up/activate", &[]).await.is(422).says("set_up.other_proof");
    assert_eq!(active(&world).await.metadata, connection.metadata);
    // How its keys may change is nothing that the document proves.
    stored.settings.metadata.signer = None;
    stored.settings.metadata.key_changes = KeyChanges::Approve;
    world.store.update_connection(&stored, &author()).await.unwrap();
    browser.submit(&page, "/set-up/activate", &[]).await.is(200);
    assert_eq!(&*active(&world).await.metadata.document, announced().as_bytes());
}

#[tokio::test]
async fn nobody_judges_what_the_page_did_not_show_or_what_is_not_theirs() {
    let world = World::make().await;
    let (browser, connection) = connected(&world).await;
    stage(&world, &connection.id, &announced()).await;
    let page = browser.get("/set-up").await;
    for form in [APPROVE, REFUSE] {
        browser.submit(&page, form, &[("form_token", "x")]).await.is(403).says("set_up.form_token");
        browser.submit(&page, form, &[("digest", &"0".repeat(64))]).await.is(422).says("store.not_staged");
        browser.submit(&page, form, &[("connection", "x")]).await.is(422).says("store.connection_unknown");
        browser.submit(&page, form, &[("connection", "")]).await.is(422).says("set_up.form");
        let fields = page.form(form);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let elsewhere = Some("https://elsewhere.example");
        browser.post_from(form, &fields, Some("cross-site"), elsewhere).await.is(403);
        // A link of another organization, and one of this that is for domains.
        let (theirs, _) = world.link(globex(), SetUpPurpose::Everything).await;
        let (domains, _) = world.link(acme(), SetUpPurpose::Domains).await;
        for (secret, status, code) in
            [(theirs, 422, "store.connection_unknown"), (domains, 403, "set_up.purpose")]
        {
            let (other, overview) = world.opened(&secret).await;
            overview.is(200).says_not("waits for approval");
            let domains = other.get("/set-up/domains").await;
            let token =
                domains.form("/set-up/domains").into_iter().find(|(name, _)| name == "form_token").unwrap().1;
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| (*name, if *name == "form_token" { token.as_str() } else { *value }))
                .collect();
            other.post(form, &fields).await.is(status).says(code);
        }
    }
    for page in ["/set-up/staged", "/set-up/staged/approve"] {
        browser.get(page).await.is(404).says("set_up.step_unknown");
    }
    browser.submit(&page, "/set-up/staged/approve", &[]).await.is(200);

    // What came after the page was opened is not approved with it.
    let next = stage(&world, &connection.id, &announced().replace("/sso/saml", "/sso/other")).await;
    let page = browser.get("/set-up").await;
    let later = stage(&world, &connection.id, &announced().replace("/sso/saml", "/sso/evil")).await;
    let refused = browser.submit(&page, APPROVE, &[]).await;
    refused.is(422).says("store.not_staged").says(&later).says_not(&next);
}

/// A scope for all domains stands behind more changes than the page shows.
#[tokio::test]
async fn what_is_not_shown_is_not_approved() {
    let world = World::make().await;
    let (browser, connection) = connected(&world).await;
    let with = |addresses: usize| {
        let added: String = (0..addresses)
            .map(|number| {
                format!(
                    r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/{number}"/>"#
                )
            })
            .collect();
        let scope = r#"<md:Extensions><s:Scope xmlns:s="urn:mace:shibboleth:metadata:1.0" regexp="true">.*</s:Scope></md:Extensions>"#;
        let document =
            announced().replacen("<md:SingleSignOnService", &format!("{added}<md:SingleSignOnService"), 1);
        document.replacen("<md:KeyDescriptor", &format!("{scope}<md:KeyDescriptor"), 1)
    };
    stage(&world, &connection.id, &with(10)).await;
    browser.get("/set-up").await.says("Scope added").says("Approve these changes");
    stage(&world, &connection.id, &with(300)).await;
    let page = browser.get("/set-up").await;
    page.is(200).says_not("Scope added").says("more changes are not shown").says("Refuse this document");
    page.says_not("Approve these changes");
}

/// The present metadata cannot be compared with: everything that the newer one brings is shown, or it is not approved.
#[tokio::test]
async fn what_cannot_be_compared_is_shown_whole() {
    for damage in [
        ("<md:EntityDescriptor", "<md:EntityDescriptor broken"),
        ("entityID=", "validUntil=\"soon\" entityID="),
    ] {
        let world = World::make().await;
        let (browser, connection) = connected(&world).await;
        let mut stored = active(&world).await;
        let document =
            std::str::from_utf8(&stored.metadata.document).unwrap().replacen(damage.0, damage.1, 1);
        stored.metadata.document = document.into_bytes().into();
        world.store.update_connection(&stored, &author()).await.unwrap();
        let moved = announced().replace("/sso/saml", "/sso/elsewhere");
        let scope = r#"<md:Extensions><s:Scope xmlns:s="urn:mace:shibboleth:metadata:1.0">evil.example</s:Scope></md:Extensions>"#;
        let moved = moved.replacen("<md:KeyDescriptor", &format!("{scope}<md:KeyDescriptor"), 1);
        stage(&world, &connection.id, &moved).await;
        let page = browser.get("/set-up").await;
        page.is(200)
            .says("cannot be read")
            .says("Address added")
            .says("/sso/elsewhere")
            .says("Scope added")
            .says("evil.example");
        for key in [keys::identity_provider(), keys::other_identity_provider()] {
            page.says("Key added").says(&key.certificate().fingerprint_sha256());
        }
        page.says("Statement added")
            .says("http://www.okta.com/exk1vouchsafe0kit0h7: it can")
            .says("nobody can sign in");
        page.says("Approve these changes");
        // There is more than the page shows.
        let logout = |number: usize| {
            format!(
                r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/{number}"/>"#
            )
        };
        let many: String = (0..300).map(logout).collect();
        let many = moved.replacen("<md:SingleSignOnService", &format!("{many}<md:SingleSignOnService"), 1);
        stage(&world, &connection.id, &many).await;
        let page = browser.get("/set-up").await;
        page.is(200).says("more changes are not shown").says_not("Approve these changes");
        // The newer document cannot be read either.
        stage(&world, &connection.id, "<md:EntityDescriptor").await;
        let page = browser.get("/set-up").await;
        page.is(200)
            .says("The newer document cannot be read")
            .says_not("Approve these changes")
            .says("Refuse this document");
    }
}

/// The address gives each time a document that was written anew: the page that is open approves it all the same.
#[tokio::test]
async fn a_document_that_was_written_anew_is_the_same_to_approve() {
    let world = World::make().await;
    let (browser, connection) = connected(&world).await;
    let written = |id: &str| announced().replacen("entityID=", &format!("ID=\"{id}\" entityID="), 1);
    let digest = stage(&world, &connection.id, &written("_1")).await;
    let page = browser.get("/set-up").await;
    assert_eq!(stage(&world, &connection.id, &written("_2")).await, digest);
    browser.submit(&page, REFUSE, &[]).await.is(200).says("Refused metadata").says(&digest);
    stage(&world, &connection.id, &written("_3")).await;
    assert_eq!(active(&world).await.staged, None, "it is refused however it is written");
}

#[tokio::test]
async fn what_cannot_be_used_is_not_offered_for_approval() {
    let world = World::make().await;
    let (browser, connection) = connected(&world).await;
    let end = (world.now() + TimeDelta::hours(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let ending = announced().replacen("entityID=", &format!("validUntil=\"{end}\" entityID="), 1);
    stage(&world, &connection.id, &ending).await;
    let page = browser.get("/set-up").await;
    page.says("Valid until added").says("Approve these changes");
    world.wait(TimeDelta::hours(2));
    let late = browser.get("/set-up").await;
    late.says("metadata.expired").says_not("Approve these changes").says("Refuse this document");
    browser.submit(&page, APPROVE, &[]).await.is(422).says("metadata.expired");

    // The document is shown as text, whatever is in it.
    let nasty = announced().replace("/sso/saml", "/&lt;script>alert(1)&lt;/script>");
    stage(&world, &connection.id, &nasty).await;
    browser.get("/set-up").await.is(200).says_not("<script>");
    let audit = world.store.audit(&acme()).await.unwrap();
    assert!(audit.iter().all(|record| record.rule.as_str() != "connection.key"));
}

/// A document that waits for approval is not used, and the known one is not renewed meanwhile.
#[tokio::test]
async fn the_page_says_that_nobody_signs_in_after_the_end_of_the_present_metadata() {
    let world = World::make().await;
    let (browser, connection) = connected(&world).await;
    for (hours, nobody) in [(1, false), (-1, true)] {
        let mut stored = world.store.connection(&connection.id).await.unwrap().unwrap();
        let end = (world.now() + TimeDelta::hours(hours)).to_rfc3339_opts(SecondsFormat::Secs, true);
        let known = testkit::IdentityProvider::okta().metadata().unwrap();
        let known = known.replacen("entityID=", &format!("validUntil=\"{end}\" entityID="), 1);
        stored.metadata = ConnectionMetadata::new(known, stored.metadata.source.clone(), world.now());
        world.store.update_connection(&stored, &author()).await.unwrap();
        stage(&world, &connection.id, &announced()).await;
        let page = browser.get("/set-up").await;
        let [goes_on, stopped] =
            ["people sign in with the present ones", "so nobody can sign in until newer"];
        assert_eq!((page.body.contains(goes_on), page.body.contains(stopped)), (!nobody, nobody));
    }
}
