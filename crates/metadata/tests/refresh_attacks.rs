//! What somebody does to a source over time: who has its address for a moment, sets a clock, asks for patience, or writes names that are none.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::{
    Aggregate, EntityId, FetchedMetadata, Refresh, RefreshSchedule, Refreshed, SpeaksFor, TrustedMetadata,
    TrustedSource, Validators,
};
use vouchsafe_signature::{Signer, TrustedKey, sign};
use vouchsafe_testkit::{IdentityProvider as Kit, keys};
use vouchsafe_xml::Limits;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 0, 0, 0).unwrap()
}

fn okta() -> EntityId {
    EntityId::new(Kit::okta().entity_id()).unwrap()
}

/// Metadata of the identity provider with these attributes at the root, published then.
fn document(of: &Kit, attributes: &str, created: Option<&str>) -> String {
    let xml = of.metadata().unwrap();
    let root = xml.get(xml.find("<md:EntityDescriptor").unwrap()..).unwrap();
    let (head, rest) = root.split_once('>').unwrap();
    let published = created.map(|instant| {
        format!(
            r#"<md:Extensions><r:PublicationInfo xmlns:r="urn:oasis:names:tc:SAML:metadata:rpi" publisher="p" creationInstant="{instant}"/></md:Extensions>"#
        )
    });
    format!("{head} {attributes}>{}{rest}", published.unwrap_or_default())
}

/// The genuine one, and that of whoever has its address.
fn genuine(attributes: &str, created: Option<&str>) -> String {
    document(&Kit::okta(), attributes, created)
}

fn stolen(attributes: &str, created: Option<&str>) -> String {
    let attacker = Kit::new(Kit::okta().entity_id(), "https://evil.example/sso", keys::attacker());
    document(&attacker, attributes, created)
}

struct Kept {
    refresh: Refresh,
    at_hand: Option<TrustedMetadata>,
}

impl Kept {
    fn of(source: TrustedSource) -> Kept {
        Kept { refresh: Refresh::new(source, RefreshSchedule::default(), now()), at_hand: None }
    }

    fn of_okta() -> Kept {
        Kept::of(TrustedSource::danger_by_transport_alone(SpeaksFor::entity(okta())))
    }

    /// `first`, `unchanged`, `changed`, or the code of the error.
    fn gets(&mut self, document: &str, at: DateTime<Utc>) -> &'static str {
        let bytes = document.as_bytes().to_vec();
        let fetched = FetchedMetadata::Document { bytes, validators: Validators::default() };
        match self.refresh.answered(fetched, self.at_hand.as_ref(), &Provider::rustcrypto(), at, 0) {
            Ok(Refreshed::First(metadata)) => {
                self.at_hand = Some(metadata);
                "first"
            }
            Ok(Refreshed::Changed { metadata, .. }) => {
                self.at_hand = Some(metadata);
                "changed"
            }
            Ok(_) => "unchanged",
            Err(error) => error.code(),
        }
    }
}

/// Who has the address of unsigned metadata for a moment writes dates that no genuine document will reach, so that theirs stays trusted.
#[test]
fn a_moment_at_the_address_is_not_for_ever() {
    let (far, months) = ("validUntil='9999-01-01T00:00:00Z'", "validUntil='2027-06-01T00:00:00Z'");
    for (what, theirs, genuine, at_once) in [
        ("an end without end", stolen(far, None), genuine("", None), "changed"),
        ("an end in some months", stolen(months, None), genuine("", None), "refresh.rolled_back"),
        (
            "an end, where the genuine one has one",
            stolen(months, None),
            genuine("validUntil='2026-12-24T00:00:00Z'", None),
            "refresh.rolled_back",
        ),
        ("published in the future", stolen("", Some("9999-01-01T00:00:00Z")), genuine("", None), "changed"),
        (
            "published in the future, where the genuine one says when",
            stolen("", Some("9999-01-01T00:00:00Z")),
            genuine("", Some("2026-11-01T00:00:00Z")),
            "changed",
        ),
        (
            "published now, where the genuine one does not change",
            stolen("", Some("2026-11-24T00:00:00Z")),
            genuine("", Some("2026-11-01T00:00:00Z")),
            "refresh.rolled_back",
        ),
    ] {
        let mut kept = Kept::of_okta();
        assert_eq!(kept.gets(&theirs, now()), "first", "{what}");
        assert_eq!(kept.gets(&genuine, now() + TimeDelta::hours(1)), at_once, "{what}");
        if at_once == "changed" {
            continue;
        }
        assert_eq!(kept.gets(&genuine, now() + TimeDelta::hours(24)), "refresh.rolled_back", "{what}");
        assert_eq!(kept.gets(&genuine, now() + TimeDelta::hours(25)), "changed", "{what}");
        let keys = kept.at_hand.as_ref().unwrap().identity_provider(&okta()).unwrap().signing_keys();
        let certificate = keys.first().and_then(|key| key.certificate()).unwrap();
        assert_eq!(certificate.der(), keys::identity_provider().certificate().der(), "{what}");
    }
}

/// A mirror that is behind from time to time is no source that has gone back.
#[test]
fn a_source_that_gives_both_does_not_go_back() {
    let newer = genuine("validUntil='2026-12-24T00:00:00Z'", None);
    let older = genuine("validUntil='2026-12-23T00:00:00Z'", None);
    let mut kept = Kept::of_okta();
    assert_eq!(kept.gets(&newer, now()), "first");
    for hours in (1..72).step_by(2) {
        assert_eq!(kept.gets(&older, now() + TimeDelta::hours(hours)), "refresh.rolled_back");
        assert_eq!(kept.gets(&newer, now() + TimeDelta::hours(hours + 1)), "unchanged");
    }
}

/// Patience does not make a signed document older or newer.
#[test]
fn a_signed_source_never_goes_back() {
    let key = keys::identity_provider_p256();
    let trusted = TrustedKey::new(key.private_key().public_key().clone(), "the publisher");
    let signed = |xml: String| {
        let signer = Signer::new(key.private_key());
        sign(&xml, "_e", &signer, &Provider::rustcrypto(), &Limits::metadata()).unwrap()
    };
    let of = |end: &str, created| signed(genuine(&format!("ID='_e' validUntil='{end}'"), created));
    let mut kept = Kept::of(TrustedSource::signed_by([trusted], SpeaksFor::entity(okta())));
    let (early, late) = ("2026-11-20T00:00:00Z", "2026-11-23T00:00:00Z");
    assert_eq!(kept.gets(&of("2027-06-01T00:00:00Z", Some(early)), now()), "first");
    // Whoever publishes makes their documents valid for a shorter time: it is newer all the same.
    assert_eq!(kept.gets(&of("2026-12-24T00:00:00Z", Some(late)), now()), "changed");
    for days in 1..20 {
        let older = of("2027-06-01T00:00:00Z", Some(early));
        assert_eq!(kept.gets(&older, now() + TimeDelta::days(days)), "refresh.rolled_back");
    }
    let without = of("2026-12-23T00:00:00Z", None);
    assert_eq!(kept.gets(&without, now() + TimeDelta::days(21)), "refresh.rolled_back");

    // The publisher's clock is ahead, and a mirror has the document of yesterday.
    let endless = |created: &str| signed(genuine("ID='_e'", Some(created)));
    let mut kept = Kept::of(TrustedSource::signed_by(
        [TrustedKey::new(key.private_key().public_key().clone(), "the publisher")],
        SpeaksFor::entity(okta()),
    ));
    assert_eq!(kept.gets(&endless("2026-11-24T00:10:00Z"), now()), "first");
    assert_eq!(kept.gets(&endless("2026-11-23T00:00:00Z"), now()), "refresh.rolled_back");
    assert_eq!(kept.gets(&endless("2026-11-24T00:11:00Z"), now()), "changed");
}

/// A clock that was ahead for a minute, and was set back.
#[test]
fn a_clock_that_was_ahead_stops_no_refresh() {
    let mut kept = Kept::of_okta();
    let ahead = now() + TimeDelta::days(4 * 365);
    assert_eq!(kept.gets(&genuine("", None), ahead), "first");
    assert!(!kept.refresh.is_due(ahead) && kept.refresh.is_due(now()));
    kept.refresh.failed(Some(Duration::MAX), ahead, 0);
    assert!(kept.refresh.is_due(now()), "whatever it waits for");
    assert_eq!(kept.gets(&genuine("", None), now()), "unchanged");
    assert!(!kept.refresh.is_due(now()) && kept.refresh.is_due(kept.refresh.due()));
    // A clock that is a little late is no reason to ask.
    assert!(!kept.refresh.is_due(now() - TimeDelta::hours(12)));
    // The day after which a source is followed begins anew, and not when the clock comes there again.
    let mut kept = Kept::of_okta();
    let (end, ahead) = ("validUntil='2027-11-24T00:00:00Z'", now() + TimeDelta::days(300));
    assert_eq!(kept.gets(&genuine(end, None), now()), "first");
    assert_eq!(kept.gets(&genuine("", None), ahead), "refresh.rolled_back");
    assert_eq!(kept.gets(&genuine("", None), now()), "refresh.rolled_back");
    assert_eq!(kept.gets(&genuine("", None), now() + TimeDelta::days(1)), "changed");
}

/// What the entity and its role say counts, and not the root of an aggregate alone: the shortest on any level.
#[test]
fn the_shortest_on_any_level_says_when_it_is_asked() {
    let entity = |of_entity: &str, of_role: &str| {
        genuine(of_entity, None).replacen(
            "<md:IDPSSODescriptor",
            &format!("<md:IDPSSODescriptor {of_role}"),
            1,
        )
    };
    let group = |attributes: &str, content: &str| {
        format!(
            "<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' {attributes}>{content}</md:EntitiesDescriptor>"
        )
    };
    let (hour, six) = ("cacheDuration='PT1H'", "cacheDuration='PT6H'");
    let soon = "validUntil='2026-11-24T01:00:00Z'";
    for (document, minutes) in [
        (entity(six, ""), 360),
        (entity(six, hour), 60),
        (entity(hour, six), 60),
        (group(six, &entity("", hour)), 60),
        (group(six, &entity(hour, "")), 60),
        (group(six, &group(hour, &entity("", ""))), 60),
        (group(six, &entity("", soon)), 30),
        (group("validUntil='2026-12-24T00:00:00Z'", &entity(soon, "")), 30),
        (group(six, &(entity(soon, "").replace("www.okta.com", "other.example") + &entity("", ""))), 360),
    ] {
        let mut kept = Kept::of_okta();
        assert_eq!(kept.gets(&document, now()), "first");
        assert_eq!(kept.refresh.due() - now(), TimeDelta::minutes(minutes), "{document:.300}");
    }
}

/// A server that is down asks for a day of patience, which the document at hand does not have.
#[test]
fn patience_ends_before_the_document_does() {
    let mut kept = Kept::of_okta();
    assert_eq!(kept.gets(&genuine("validUntil='2026-11-24T04:00:00Z'", None), now()), "first");
    kept.refresh.failed(Some(Duration::from_secs(86_400)), now(), 0);
    assert_eq!(kept.refresh.due() - now(), TimeDelta::hours(2));
    let late = now() + TimeDelta::hours(5);
    kept.refresh.failed(Some(Duration::from_secs(86_400)), late, 0);
    assert_eq!(kept.refresh.due() - late, TimeDelta::minutes(1));
}

/// A name that no entity may have, or that reads as the digest of another's, is compared with itself.
#[test]
fn names_that_are_none_are_no_change() {
    let other = "https://other.example";
    let digest = vouchsafe_metadata::EntityName::source_id_of(&EntityId::new(other).unwrap()).to_string();
    let entity = |name: &str, more: &str| {
        format!("<md:EntityDescriptor entityID='{name}'><md:SPSSODescriptor {more}/></md:EntityDescriptor>")
    };
    let document = |more: &str| {
        let content = ["two words", &digest, &"x".repeat(1_025), other].map(|name| entity(name, more));
        let xml = format!(
            "<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'>{}</md:EntitiesDescriptor>",
            content.concat()
        );
        Aggregate::read(xml).unwrap()
    };
    assert_eq!(document("").changes_to(&document("")), []);
    assert_eq!(document("").changes_to(&document("ID='_1'")), []);
    // The digest's entity goes, and the other one is not told in its place.
    let without =
        Aggregate::read(std::str::from_utf8(document("").bytes()).unwrap().replace(&entity(&digest, ""), ""))
            .unwrap();
    let changes = document("").changes_to(&without);
    let names: Vec<_> = changes.iter().map(|change| change.entity_id()).collect();
    assert_eq!(names, [Some(digest.as_str())]);
}

/// A binding can be any text, and a line of a log says what has changed.
#[test]
fn a_change_is_told_in_one_short_line() {
    let forged =
        format!("urn:x&#10;2026-11-24 metadata of acme: approved&#x9b;31m\u{202e}{}", "x".repeat(100_000));
    let more =
        format!(r#"<md:SingleLogoutService Binding="{forged}" Location="https://idp.example.com/slo"/>"#);
    let plain = genuine("", None);
    let changed = plain.replacen("<md:SingleSignOnService", &format!("{more}<md:SingleSignOnService"), 1);
    let [before, after] = [plain, changed].map(|xml| Aggregate::read(xml).unwrap());
    let changes = before.changes_to(&after);
    assert_eq!(changes.len(), 1);
    for change in changes {
        let line = change.to_string();
        assert!(line.contains("endpoint added: SingleLogoutService “urn:x\\n2026"), "{line}");
        assert!(line.chars().all(vouchsafe_xml::is_plain) && line.len() < 1_000, "{line}");
    }
}
