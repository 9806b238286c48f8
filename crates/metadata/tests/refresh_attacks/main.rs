//! What somebody does to a source over time: who has its address for a moment, sets a clock, asks for patience, or writes names that are none.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod changes;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::{
    EndedMetadata, EntityId, FetchedMetadata, Refresh, RefreshSchedule, Refreshed, Restored, SpeaksFor,
    TrustedMetadata, TrustedSource, Validators,
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

    /// `first`, `unchanged`, `renewed`, `changed`, or the code of the error.
    fn gets(&mut self, document: &str, at: DateTime<Utc>) -> &'static str {
        self.gets_with("", document, at)
    }

    /// The same with an ETag.
    fn gets_with(&mut self, etag: &str, document: &str, at: DateTime<Utc>) -> &'static str {
        let mut validators = Validators::default();
        validators.etag = Some(etag.to_owned()).filter(|etag| !etag.is_empty());
        self.answered(FetchedMetadata::Document { bytes: document.as_bytes().to_vec(), validators }, at)
    }

    /// What a server gives whose document has this ETag: nothing, if it is asked with that.
    fn asks(&mut self, etag: &str, document: &str, at: DateTime<Utc>) -> &'static str {
        match self.refresh.validators(self.at_hand.as_ref().map(TrustedMetadata::bytes), at).etag {
            Some(known) if known == etag => self.answered(FetchedMetadata::NotModified, at),
            _ => self.gets_with(etag, document, at),
        }
    }

    fn answered(&mut self, fetched: FetchedMetadata, at: DateTime<Utc>) -> &'static str {
        match self.refresh.answered(fetched, self.at_hand.as_ref(), &Provider::rustcrypto(), at, 0) {
            Ok(Refreshed::First(metadata)) => {
                self.at_hand = Some(metadata);
                "first"
            }
            Ok(Refreshed::Changed { metadata, .. }) => {
                self.at_hand = Some(metadata);
                "changed"
            }
            Ok(Refreshed::Renewed(metadata)) => {
                self.at_hand = Some(metadata);
                "renewed"
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

/// Who has the address for a moment sends their keys with the validators of the genuine document, or with ones that are as
/// good: the genuine server would say from then on that nothing has changed.
#[test]
fn validators_of_a_moment_confirm_nothing() {
    let (theirs, mine) = (stolen("", None), genuine("", None));
    for hours_there in [1, 2, 20] {
        let mut kept = Kept::of_okta();
        assert_eq!(kept.asks("1", &mine, now()), "first");
        assert_eq!(kept.asks("1", &mine, now()), "unchanged");
        assert_eq!(kept.gets_with("1", &theirs, now()), "changed");
        for hour in 1..hours_there {
            assert_eq!(kept.asks("1", &theirs, now() + TimeDelta::hours(hour)), "unchanged");
        }
        // The genuine server is there again: at once, or where both were asked for twice, within a day.
        let back = |hour| now() + TimeDelta::hours(hour);
        let hours = (hours_there..).find(|hour| kept.asks("1", &mine, back(*hour)) == "changed").unwrap();
        assert!(hours == hours_there || (hours_there > 1 && hours <= 25), "{hours_there} {hours}");
    }

    // Dates of tomorrow and a validator that confirms: the day after which the source is followed goes on.
    let mut kept = Kept::of_okta();
    let theirs = stolen("validUntil='2027-06-01T00:00:00Z'", None);
    assert_eq!(kept.gets_with("1", &theirs, now()), "first");
    assert_eq!(kept.gets_with("1", &theirs, now()), "unchanged");
    let told: Vec<_> = (1..=50).map(|hour| kept.asks("1", &mine, now() + TimeDelta::hours(hour))).collect();
    let followed = told.iter().position(|told| *told == "changed").unwrap();
    assert_eq!(
        told[..followed].iter().filter(|told| **told == "refresh.rolled_back").count(),
        24,
        "{told:?}"
    );
}

/// The document that validators belong to is not at hand: the next request is without them.
#[test]
fn validators_of_what_is_not_at_hand_are_dropped() {
    let (mut kept, mine) = (Kept::of_okta(), genuine("", None));
    assert_eq!([(); 2].map(|()| kept.asks("1", &mine, now())), ["first", "unchanged"]);
    let at_hand = kept.at_hand.take().unwrap();
    assert!(kept.refresh.validators(Some(at_hand.bytes()), now()).etag.is_some());
    assert_eq!(kept.answered(FetchedMetadata::NotModified, now()), "refresh.nothing_at_hand");
    assert_eq!(kept.refresh.validators(Some(at_hand.bytes()), now()), Validators::default());
}

/// A mirror of a signed source gives yesterday's document with the validator of today's.
#[test]
fn a_false_validator_holds_a_signed_source_back_for_a_day() {
    let key = keys::identity_provider_p256();
    let trusted = TrustedKey::new(key.private_key().public_key().clone(), "the publisher");
    let signed = |created: &str, kit: &Kit| {
        let signer = Signer::new(key.private_key());
        let xml = document(kit, "ID='_e'", Some(created));
        sign(&xml, "_e", &signer, &Provider::rustcrypto(), &Limits::metadata()).unwrap()
    };
    let old = signed("2026-11-22T00:00:00Z", &Kit::okta());
    let new = signed("2026-11-23T00:00:00Z", &Kit::okta().with_key(keys::attacker()));
    let mut kept = Kept::of(TrustedSource::signed_by([trusted], SpeaksFor::entity(okta())));
    assert_eq!(kept.gets_with("new", &old, now()), "first");
    for hour in 1..24 {
        assert_eq!(kept.asks("new", &new, now() + TimeDelta::hours(hour)), "unchanged");
    }
    assert_eq!(kept.asks("new", &new, now() + TimeDelta::hours(24)), "changed");
}

/// The document at hand has ended: an older one that is valid for longer does not take its place, and a newer one does.
#[test]
fn a_document_that_has_ended_is_still_the_newest() {
    let key = keys::identity_provider_p256();
    let trusted = || TrustedKey::new(key.private_key().public_key().clone(), "the publisher");
    let source = || TrustedSource::signed_by([trusted()], SpeaksFor::entity(okta()));
    let signed = |kit: &Kit, end: &str, created: &str| {
        let signer = Signer::new(key.private_key());
        let xml = document(kit, &format!("ID='_e' {end}"), Some(created));
        sign(&xml, "_e", &signer, &Provider::rustcrypto(), &Limits::metadata()).unwrap()
    };
    let with_stolen = Kit::okta().with_next_certificate(keys::attacker().certificate());
    let older = signed(&with_stolen, "validUntil='2026-12-24T00:00:00Z'", "2026-11-20T00:00:00Z");
    let ending = signed(&Kit::okta(), "validUntil='2026-11-25T00:00:00Z'", "2026-11-23T00:00:00Z");
    let newer = signed(&Kit::okta(), "", "2026-11-26T00:00:00Z");
    let late = now() + TimeDelta::days(3);
    let mut kept = Kept::of(source());
    assert_eq!(kept.gets(&ending, now()), "first");
    // As after a restart.
    let mut restarted = Kept::of(source());
    let restored = restarted.refresh.restore(ending, now(), &Provider::rustcrypto(), late, 0);
    let Ok(Restored::Ended { metadata, reason, .. }) = restored else { panic!("it has ended") };
    assert_eq!(reason.code(), "metadata.expired");
    restarted.at_hand = Some(metadata);
    for mut kept in [kept, restarted] {
        assert_eq!(kept.gets(&older, late), "refresh.rolled_back");
        assert_eq!(kept.gets(&newer, late), "renewed");
    }
}

/// A copy that was taken for ended, because the clock was ahead when it was read. It is used as soon as the source gives it
/// again, and keeps older ones out until then.
#[test]
fn a_copy_that_is_not_used_is_loaded_again() {
    let provider = Provider::rustcrypto();
    let copy = genuine("validUntil='2026-11-30T00:00:00Z'", Some("2026-11-20T00:00:00Z"));
    let mut refresh = Kept::of_okta().refresh;
    let ahead = now() + TimeDelta::days(30);
    let restored = refresh.restore(copy.clone(), now(), &provider, ahead, 0);
    let Ok(Restored::Ended { metadata, reason, .. }) = restored else { panic!("it has ended") };
    assert_eq!((reason.code(), refresh.is_due(ahead)), ("metadata.expired", true));
    let ended = EndedMetadata::of(&metadata);
    drop(metadata);
    let mut gets = |document: &str, at| {
        let fetched = FetchedMetadata::Document {
            bytes: document.as_bytes().to_vec(),
            validators: Validators::default(),
        };
        refresh.answered_after_end(fetched, &ended, &provider, at, 0)
    };
    let older = gets(&stolen("", Some("2026-11-19T00:00:00Z")), now());
    assert_eq!(older.unwrap_err().code(), "refresh.rolled_back");
    assert_eq!(gets(&copy, ahead).unwrap_err().code(), "metadata.expired");
    for same in [&copy, &copy.replacen("entityID=", "ID='_2' entityID=", 1)] {
        let Ok(Refreshed::First(metadata)) = gets(same, now()) else { panic!("it is not loaded") };
        assert!(metadata.identity_provider(&okta()).is_ok());
    }
    let not_modified = refresh.answered_after_end(FetchedMetadata::NotModified, &ended, &provider, now(), 0);
    assert_eq!(not_modified.unwrap_err().code(), "refresh.nothing_at_hand");
}

/// A publisher began to state ends. After the end of the newest document, one without an end is still an older one.
#[test]
fn a_signed_document_without_an_end_does_not_come_back() {
    let key = keys::identity_provider_p256();
    let trusted = TrustedKey::new(key.private_key().public_key().clone(), "the publisher");
    let signed = |kit: &Kit, end: &str| {
        let xml = document(kit, &format!("ID='_e' {end}"), None);
        sign(&xml, "_e", &Signer::new(key.private_key()), &Provider::rustcrypto(), &Limits::metadata())
            .unwrap()
    };
    let without = signed(&Kit::okta().with_key(keys::attacker()), "");
    let mut kept = Kept::of(TrustedSource::signed_by([trusted], SpeaksFor::entity(okta())));
    assert_eq!(kept.gets(&without, now()), "first");
    assert_eq!(kept.gets(&signed(&Kit::okta(), "validUntil='2026-11-25T00:00:00Z'"), now()), "changed");
    for days in [0, 1, 2, 400] {
        assert_eq!(kept.gets(&without, now() + TimeDelta::days(days)), "refresh.rolled_back", "{days}");
    }
    let next = signed(&Kit::okta(), "validUntil='2026-12-25T00:00:00Z'");
    assert_eq!(kept.gets(&next, now() + TimeDelta::days(2)), "renewed");
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
    assert_eq!(kept.gets(&of("2026-12-24T00:00:00Z", Some(late)), now()), "renewed");
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
    assert_eq!(kept.gets(&endless("2026-11-24T00:11:00Z"), now()), "renewed");
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
    assert_eq!(kept.gets(&genuine("", None), now() + TimeDelta::days(1)), "renewed");
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

/// A document that changes each minute, and says that it is to be asked for each minute.
#[test]
fn a_change_is_asked_for_again_after_a_quarter_of_an_hour() {
    let mut kept = Kept::of_okta();
    assert_eq!(kept.gets(&genuine("cacheDuration='PT1M'", None), now()), "first");
    assert_eq!(kept.refresh.due() - now(), TimeDelta::minutes(1));
    let next = document(&Kit::okta().with_key(keys::attacker()), "cacheDuration='PT1M'", None);
    assert_eq!(kept.gets(&next, now()), "changed");
    assert_eq!(kept.refresh.due() - now(), TimeDelta::minutes(15));
    assert_eq!(kept.gets(&next, now()), "unchanged");
    assert_eq!(kept.refresh.due() - now(), TimeDelta::minutes(1));
    // The same if each document waits for approval. The source has not confirmed the current one.
    let (before, late) = (kept.refresh.clone(), now() + TimeDelta::hours(2));
    assert_eq!(kept.gets(&genuine("cacheDuration='PT1M'", None), late), "changed");
    kept.refresh.set_aside(&before, late, 0);
    assert_eq!(kept.refresh.due() - late, TimeDelta::minutes(15));
    assert_eq!(kept.refresh.confirmed_at(), Some(now()));
}

/// The document at hand ends soon, and each newer one waits for approval: the address may give the known one again before.
#[test]
fn what_waits_for_approval_is_asked_for_again_before_the_known_document_ends() {
    let end = |minutes: i64| {
        let end = now() + TimeDelta::minutes(minutes);
        format!("validUntil='{}'", end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    };
    for (ends, expected) in [(10, 5), (300, 15)] {
        let mut kept = Kept::of_okta();
        assert_eq!(kept.gets(&genuine(&end(ends), None), now()), "first");
        let before = kept.refresh.clone();
        let next = document(&Kit::okta().with_key(keys::attacker()), &end(ends), None);
        assert_eq!(kept.gets(&next, now()), "changed");
        kept.refresh.set_aside(&before, now(), 0);
        assert!(kept.refresh.due() - now() >= TimeDelta::minutes(expected), "{ends}");
        assert_eq!(kept.refresh.due() - now() <= TimeDelta::minutes(5), ends == 10);
        // One that has ended cannot be helped by asking each minute.
        let late = now() + TimeDelta::minutes(ends + 1);
        kept.refresh.set_aside(&before, late, 0);
        assert!(kept.refresh.due() - late >= TimeDelta::minutes(15), "{ends}");
    }
}

/// A document whose dates alone change each minute, and that says that it is to be asked for each minute.
#[test]
fn dates_that_change_each_minute_are_asked_for_each_quarter_of_an_hour() {
    let mut kept = Kept::of_okta();
    let dated = |minutes: i64| {
        let end = now() + TimeDelta::days(500) - TimeDelta::minutes(minutes);
        let end = end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        genuine(&format!("cacheDuration='PT1M' validUntil='{end}'"), None)
    };
    assert_eq!(kept.gets(&dated(0), now()), "first");
    let (mut time, mut renewals) = (kept.refresh.due(), 0);
    while time < now() + TimeDelta::hours(2) {
        renewals += 1;
        assert_eq!(kept.gets(&dated(renewals), time), "renewed");
        time = kept.refresh.due();
    }
    assert_eq!(renewals, 8);
    // A document that is never valid for long is asked for before it ends.
    let ending = (time + TimeDelta::minutes(10)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let mut short = Kept::of_okta();
    assert_eq!(short.gets(&genuine("", None), time), "first");
    assert_eq!(
        short.gets(&genuine(&format!("cacheDuration='PT1M' validUntil='{ending}'"), None), time),
        "renewed"
    );
    assert_eq!(short.refresh.due() - time, TimeDelta::minutes(5));
}

/// A document may not ask for many requests to a source that does not answer any more.
#[test]
fn failures_are_not_repeated_each_minute_because_a_document_asked_for_that() {
    let mut kept = Kept::of_okta();
    assert_eq!(kept.gets(&genuine("cacheDuration='PT1M'", None), now()), "first");
    for _ in 0..10 {
        kept.refresh.failed(None, now(), 0);
    }
    assert_eq!(kept.refresh.due() - now(), TimeDelta::minutes(30));
}
