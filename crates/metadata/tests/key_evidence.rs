//! The knowledge about keys over time, and the replacement of our own keys.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_metadata::{
    IdentityProvider, KeyChanges, KeyEvidence, KeySighting, KeyStanding, OwnKeyUse, OwnRollover,
    OwnRolloverStep,
};
use vouchsafe_testkit::{IdentityProvider as Kit, keys};

fn day(number: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000 + number * 86_400, 0).unwrap()
}

fn both() -> IdentityProvider {
    let next = keys::identity_provider_p256().certificate().clone();
    let metadata = Kit::okta().with_next_certificate(&next).metadata().unwrap();
    IdentityProvider::from_metadata(metadata.as_bytes()).unwrap()
}

fn only_current() -> IdentityProvider {
    IdentityProvider::from_metadata(Kit::okta().metadata().unwrap().as_bytes()).unwrap()
}

fn standings(of: &IdentityProvider, sightings: &[KeySighting], now: DateTime<Utc>) -> Vec<&'static str> {
    KeyEvidence::of(of, sightings, now).iter().map(|one| one.standing().as_str()).collect()
}

/// A key roll-over from the day of its announcement to the day after the old key is removed.
#[test]
fn each_day_of_a_roll_over_has_its_standing() {
    let (okta, after) = (both(), only_current());
    let [old, new] = [0, 1].map(|place: usize| okta.signing_keys()[place].fingerprint_sha256());
    assert_eq!(standings(&okta, &[], day(0)), ["unproven", "unproven"]);

    let mut sightings =
        [KeySighting::new(&old, day(0)).and_verified(10, day(1)), KeySighting::new(&new, day(1))];
    assert_eq!(standings(&okta, &sightings, day(1)), ["in_use", "announced"]);

    // Both keys are used while the identity provider's machines change over one by one.
    sightings[1] = sightings[1].clone().and_verified(1, day(2));
    assert_eq!(standings(&okta, &sightings, day(2)), ["in_use", "in_use"]);
    // Without any sign-ins, no key is safe to remove.
    assert_eq!(standings(&okta, &sightings, day(300)), ["in_use", "in_use"]);

    sightings[1] = sightings[1].clone().and_verified(5, day(8) - TimeDelta::seconds(1));
    assert_eq!(standings(&okta, &sightings, day(8)), ["in_use", "in_use"], "a second less than a week");
    sightings[1] = sightings[1].clone().and_verified(5, day(8));
    assert_eq!(standings(&okta, &sightings, day(8)), ["safe_to_remove", "in_use"]);
    let evidence = KeyEvidence::of(&okta, &sightings, day(8));
    assert!(evidence[0].advice().is_some() && evidence[0].key().is_some());
    assert_eq!(
        evidence[0].to_string().split(';').next(),
        Some("safe to remove: another key signs"),
        "{}",
        evidence[0]
    );
    assert!(evidence[1].to_string().contains("it vouched for 11 sign-ins, the last at"), "{}", evidence[1]);

    // The metadata has one key; the other one is remembered but not trusted.
    let [kept, gone] = &KeyEvidence::of(&after, &sightings, day(9))[..] else { panic!("two") };
    assert_eq!((kept.fingerprint(), gone.standing()), (&*old, KeyStanding::Withdrawn));
    assert!(gone.key().is_none() && gone.sighting().is_some());
}

/// The next key was stolen and is withdrawn again: the one key that is left is never called safe to remove, and it is said
/// that the identity provider may still sign with the other.
#[test]
fn the_last_key_is_never_safe_to_remove() {
    let (okta, after) = (both(), only_current());
    let [old, new] = [0, 1].map(|place: usize| okta.signing_keys()[place].fingerprint_sha256());
    let signed = KeySighting::new(&old, day(0)).and_verified(10, day(1));
    let stolen = KeySighting::new(&new, day(1)).and_verified(10, day(9));
    let never = KeySighting::new(&old, day(0));
    assert_eq!(standings(&after, &[signed.clone(), stolen.clone()], day(10)), ["in_use", "withdrawn"]);
    assert_eq!(standings(&after, &[never, stolen.clone()], day(10)), ["unproven", "withdrawn"]);
    let evidence = KeyEvidence::of(&after, &[signed.clone(), stolen.clone()], day(10));
    assert_eq!(evidence[0].advice(), None);
    assert!(evidence[1].was_last_to_sign() && !evidence[0].was_last_to_sign());
    assert!(evidence[1].advice().is_some_and(|advice| advice.contains("still signs with it")));
    assert!(evidence[1].to_string().contains("no key of the metadata has signed since"), "{}", evidence[1]);
    // The identity provider has gone back to the first key.
    let evidence = KeyEvidence::of(&after, &[signed.and_verified(1, day(10)), stolen], day(10));
    assert!(!evidence[1].was_last_to_sign() && evidence[1].advice().is_none());

    // A clock was a month ahead for an hour.
    let ahead = KeySighting::new(&new, day(1)).and_verified(1, day(40));
    let now = KeySighting::new(&old, day(0)).and_verified(10, day(9));
    assert_eq!(standings(&okta, &[now, ahead], day(10)), ["in_use", "in_use"]);
}

#[test]
fn a_certificate_that_ends_is_spoken_of_in_time() {
    let okta = only_current();
    let end = okta.signing_keys()[0].certificate().unwrap().not_after().unwrap();
    let end = DateTime::from_timestamp(end, 0).unwrap();
    let used =
        [KeySighting::new(okta.signing_keys()[0].fingerprint_sha256(), day(0)).and_verified(1, day(0))];
    let said = |before: TimeDelta| KeyEvidence::of(&okta, &used, end - before)[0].to_string();
    assert!(!said(TimeDelta::days(31)).contains("expires"));
    assert!(said(TimeDelta::days(12)).ends_with("its certificate expires in 12 days"));
    assert!(said(TimeDelta::days(1)).ends_with("its certificate expires in 1 day"));
    assert!(said(TimeDelta::hours(5)).ends_with("its certificate expires in 5 hours"));
    assert!(said(TimeDelta::hours(1)).ends_with("its certificate expires in 1 hour"));
    assert!(said(TimeDelta::seconds(1)).ends_with("its certificate expires within the hour"));
    assert!(said(TimeDelta::zero()).ends_with("its certificate has ended"));
    for seen in [&used[..], &[]] {
        let advice = |before| KeyEvidence::of(&okta, seen, end - before)[0].advice();
        assert_eq!(advice(TimeDelta::days(31)), None);
        assert!(
            advice(TimeDelta::days(12))
                .is_some_and(|advice| advice.ends_with("before this certificate ends."))
        );
        assert!(advice(TimeDelta::zero()).is_some_and(|advice| advice.starts_with("Sign-ins go on")));
    }
}

#[test]
fn sightings_add_up_in_any_order() {
    let seen = KeySighting::new("AB", day(5));
    let one = seen.clone().and_verified(2, day(7)).and_verified(3, day(6));
    let other = seen.clone().and_verified(3, day(6)).and_verified(2, day(7));
    assert_eq!(one, other);
    assert_eq!((one.verified, one.last_verified, one.first_seen), (5, Some(day(7)), day(5)));
    assert_eq!(seen.clone().and_verified(0, day(9)).last_verified, None, "nothing was verified");
    assert_eq!(KeySighting::new("AB", day(5)).and_verified(1, day(3)).first_seen, day(3));
    let full = seen.and_verified(u64::MAX, day(6)).and_verified(1, day(6));
    assert_eq!(full.verified, u64::MAX);
}

#[test]
fn what_replaces_all_keys_waits_for_approval() {
    let (current, both) = (only_current(), both());
    let replaced = Kit::okta().with_key(keys::identity_provider_p256()).metadata().unwrap();
    let replaced = IdentityProvider::from_metadata(replaced.as_bytes()).unwrap();
    let moved = Kit::okta().metadata().unwrap().replace("https://", "https://evil.example/");
    let moved = IdentityProvider::from_metadata(moved.as_bytes()).unwrap();
    let says = |changes: KeyChanges, newer: &IdentityProvider| changes.objection(&current, newer);
    for (newer, overlap, approve) in [
        (&current, None, None),
        (&both, None, Some("it adds a signing key")),
        (&replaced, Some("it replaces all signing keys at once"), Some("it adds a signing key")),
        (
            &moved,
            Some("it sends people to a host that was not in the metadata before"),
            Some("it sends people to an address that was not in the metadata before"),
        ),
    ] {
        assert_eq!(says(KeyChanges::Follow, newer), None);
        assert_eq!(says(KeyChanges::Overlap, newer), overlap);
        assert_eq!(says(KeyChanges::Approve, newer), approve);
    }
    // These changes are not about signatures and addresses, but about the scopes, and about who can decrypt.
    let scoped = current.clone().with_scope("other.example");
    let sealed = current.clone().with_encryption_certificate(keys::attacker().certificate().clone());
    for (newer, approve) in [(&scoped, "it adds a scope"), (&sealed, "it adds an encryption key")] {
        assert_eq!(says(KeyChanges::Overlap, newer), None);
        assert_eq!(says(KeyChanges::Approve, newer), Some(approve));
        assert_eq!(KeyChanges::Approve.objection(newer, &current), None, "less needs nobody's approval");
    }
    // A removed key needs no approval.
    assert_eq!(KeyChanges::Approve.objection(&both, &current), None);
    assert_eq!(KeyChanges::Overlap.objection(&both, &replaced), None, "one that is known stays");
}

/// The order of the steps, and that none of them comes too early.
#[test]
fn our_own_keys_are_replaced_in_order() {
    let readers = Duration::from_secs(86_400);
    let hour = TimeDelta::hours(1);
    let step = |rollover: &OwnRollover, now| {
        let next = rollover.next_step(now);
        assert!(next.to_string().contains(next.why()));
        (next.step(), next.not_before())
    };

    let mut signing = OwnRollover::new(OwnKeyUse::Signing, readers);
    assert_eq!(step(&signing, day(0)), (OwnRolloverStep::PublishNext, None));
    signing.published_at = Some(day(0));
    assert_eq!(step(&signing, day(0)), (OwnRolloverStep::SwitchOver, Some(day(1))));
    assert_eq!(step(&signing, day(1)), (OwnRolloverStep::SwitchOver, None), "all have read it");
    signing.confirmed_by_all = true;
    assert_eq!(step(&signing, day(0)), (OwnRolloverStep::SwitchOver, None));
    signing.switched_at = Some(day(1));
    assert_eq!(step(&signing, day(1)), (OwnRolloverStep::RemoveOld, Some(day(1) + hour)));
    signing.removed_at = Some(day(2));
    assert_eq!(step(&signing, day(2)), (OwnRolloverStep::Done, None));

    let mut decryption = OwnRollover::new(OwnKeyUse::Decryption, readers);
    assert_eq!(step(&decryption, day(0)), (OwnRolloverStep::LoadNext, None));
    decryption.loaded_at = Some(day(0));
    assert_eq!(step(&decryption, day(0)), (OwnRolloverStep::PublishNext, None));
    decryption.published_at = Some(day(0));
    assert_eq!(step(&decryption, day(0)), (OwnRolloverStep::RemoveOld, Some(day(1) + hour)));
    // Somebody still encrypts to the old key.
    decryption.old_last_used = Some(day(3));
    assert_eq!(step(&decryption, day(3)), (OwnRolloverStep::RemoveOld, Some(day(4))));
    assert_eq!(step(&decryption, day(4)), (OwnRolloverStep::RemoveOld, None));
    decryption.confirmed_by_all = true;
    assert_eq!(step(&decryption, day(3)), (OwnRolloverStep::RemoveOld, Some(day(4))));
    decryption.removed_at = Some(day(5));
    assert_eq!(step(&decryption, day(5)), (OwnRolloverStep::Done, None));
}

/// The times may be planned ones. No step is advised before what it requires has happened, whatever is confirmed.
#[test]
fn no_step_is_advised_before_what_it_requires() {
    let hour = TimeDelta::hours(1);
    let step = |rollover: &OwnRollover, now| {
        let next = rollover.next_step(now);
        (next.step(), next.not_before())
    };
    let mut decryption = OwnRollover::new(OwnKeyUse::Decryption, Duration::from_secs(86_400));
    decryption.loaded_at = Some(day(5));
    assert_eq!(step(&decryption, day(0)), (OwnRolloverStep::PublishNext, Some(day(5))));
    assert_eq!(step(&decryption, day(5)), (OwnRolloverStep::PublishNext, None));
    decryption.confirmed_by_all = true;
    decryption.published_at = Some(day(6));
    // What was encrypted to the old key a moment ago is under way.
    assert_eq!(step(&decryption, day(6)), (OwnRolloverStep::RemoveOld, Some(day(6) + hour)));
    assert_eq!(step(&decryption, day(0)), (OwnRolloverStep::RemoveOld, Some(day(6) + hour)));
    decryption.removed_at = Some(day(7));
    assert_eq!(step(&decryption, day(6)), (OwnRolloverStep::RemoveOld, Some(day(6) + hour)));
    assert_eq!(step(&decryption, day(7)), (OwnRolloverStep::Done, None));

    let mut signing = OwnRollover::new(OwnKeyUse::Signing, Duration::from_secs(86_400));
    signing.confirmed_by_all = true;
    signing.published_at = Some(day(5));
    assert_eq!(step(&signing, day(0)), (OwnRolloverStep::SwitchOver, Some(day(5))));
    assert_eq!(step(&signing, day(5)), (OwnRolloverStep::SwitchOver, None));
}

/// The times come from people. A step that was taken, or is planned, before what it requires is not built upon.
#[test]
fn a_step_in_the_wrong_order_is_put_right_before_the_old_key_is_removed() {
    use OwnRolloverStep::{LoadNext, PublishNext, RemoveOld, SwitchOver};
    let start: DateTime<Utc> = "2026-06-01T09:00:00Z".parse().unwrap();
    let day = |days| start + TimeDelta::days(days);
    let readers = Duration::from_secs(86_400);
    // When every process had the key, when it was published, the time, and the advice.
    for (loaded, published, now, step, not_before) in [
        (Some(19), 0, 2, LoadNext, None),
        (None, 0, 2, LoadNext, None),
        (Some(19), 5, 2, LoadNext, None),
        (Some(5), 19, 2, RemoveOld, Some(day(20) + TimeDelta::hours(1))),
        (Some(19), 0, 19, RemoveOld, None),
        (Some(0), 0, 0, RemoveOld, Some(day(1) + TimeDelta::hours(1))),
    ] {
        let mut decryption = OwnRollover::new(OwnKeyUse::Decryption, readers);
        (decryption.loaded_at, decryption.published_at) = (loaded.map(day), Some(day(published)));
        let advice = decryption.next_step(day(now));
        assert_eq!((advice.step(), advice.not_before()), (step, not_before), "{loaded:?} {published} {now}");
    }
    for (published, switched, now, step, not_before) in [
        (None, 0, 2, PublishNext, None),
        (Some(19), 0, 2, PublishNext, None),
        // A planned switch-over has not happened: those that load our metadata by hand must act before.
        (Some(19), 20, 2, SwitchOver, Some(day(20))),
        (Some(0), 7, 2, SwitchOver, Some(day(7))),
        (Some(2), 7, 7, RemoveOld, Some(day(7) + TimeDelta::hours(1))),
        // It is planned too early.
        (Some(5), 5, 2, SwitchOver, Some(day(6))),
        // Switched over too early: those that have not read our metadata still know only the old key.
        (Some(0), 0, 0, RemoveOld, Some(day(1))),
    ] {
        let mut signing = OwnRollover::new(OwnKeyUse::Signing, readers);
        (signing.published_at, signing.switched_at) = (published.map(day), Some(day(switched)));
        let advice = signing.next_step(day(now));
        assert_eq!(
            (advice.step(), advice.not_before()),
            (step, not_before),
            "{published:?} {switched} {now}"
        );
    }
}

/// A weak key that stays in the document is no key by which anybody knows the publisher.
#[test]
fn a_weak_key_that_stays_is_not_the_known_key_that_must_stay() {
    let modulus = vouchsafe_crypto::base64_encode(&[0xc1; 128]);
    let weak = format!(
        "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo></md:KeyDescriptor>"
    );
    let with_weak = |kit: &Kit| {
        kit.metadata().unwrap().replacen("<md:KeyDescriptor", &format!("{weak}<md:KeyDescriptor"), 1)
    };
    let only_weak = |document: &str| {
        let (before, rest) = document.rsplit_once("<md:KeyDescriptor").unwrap();
        let (_, after) = rest.split_once("</md:KeyDescriptor>").unwrap();
        format!("{before}{after}")
    };
    let read = |document: &str| IdentityProvider::from_metadata(document.as_bytes()).unwrap();
    let known = with_weak(&Kit::okta());
    let replaced = with_weak(&Kit::okta().with_key(keys::identity_provider_p256()));
    let says = |known: &str, newer: &str| KeyChanges::Overlap.objection(&read(known), &read(newer));
    assert_eq!(says(&known, &replaced), Some("it replaces all signing keys at once"));
    assert_eq!(says(&known, &Kit::okta().metadata().unwrap()), None, "the strong one stays");
    // A connection that knows nothing but a weak key may allow it.
    assert_eq!(says(&only_weak(&known), &replaced), None);
    let other = Kit::okta().with_key(keys::identity_provider_p256()).metadata().unwrap();
    assert_eq!(says(&only_weak(&known), &other), Some("it replaces all signing keys at once"));
}
