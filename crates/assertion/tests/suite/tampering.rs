//! Changes of single parts of a signed response: it is refused, or accepted with exactly the signed content.

use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

use crate::common::{REQUEST, Receiver, at, okta};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use vouchsafe_assertion::Login;
use vouchsafe_crypto::ContentCipher;
use vouchsafe_testkit::{Attribute, Encryption, IdentityProvider, Issued, Signed, keys};

const NOW: &str = "2026-01-01T00:01:00Z";

/// Responses with every kind of signature, plain and encrypted.
static GOOD: LazyLock<Vec<String>> = LazyLock::new(|| {
    let response = IdentityProvider::okta()
        .response()
        .in_response_to(REQUEST)
        .attribute(Attribute::new("user.email", ["ada@example.com"]))
        .attribute(Attribute::new("groups", ["Everyone", "perf-team"]));
    let sealed = Encryption::to(keys::service_provider().certificate());
    let gcm = sealed.clone().cipher(ContentCipher::Aes256Gcm);
    [
        response.clone(),
        response.clone().sign(Signed::Response),
        response.clone().sign(Signed::Assertion),
        response.clone().encrypt(sealed.clone()),
        response.clone().encrypt(sealed).sign(Signed::Response),
        response.encrypt(gcm).sign(Signed::Assertion),
    ]
    .iter()
    .map(|response| response.issue().map(Issued::into_xml).unwrap())
    .collect()
});

static RECEIVER: LazyLock<Receiver> = LazyLock::new(|| okta(NOW));

#[test]
fn delete_or_duplicate_any_piece() {
    let (mut refused, mut harmless) = (0, 0);
    for good in GOOD.iter() {
        let signed = content(&RECEIVER.receive(good.as_bytes()).unwrap());
        for piece in pieces(good) {
            let text = &good[piece.clone()];
            let deleted = splice(good, piece.clone(), "");
            let doubled = splice(good, piece.end..piece.end, text);
            let doubled_before = splice(good, piece.start..piece.start, &format!("{text} "));
            for tampered in [deleted, doubled, doubled_before] {
                match RECEIVER.receive(tampered.as_bytes()) {
                    Err(_) => refused += 1,
                    Ok(login) => {
                        assert_eq!(content(&login), signed, "{tampered}");
                        harmless += 1;
                    }
                }
            }
        }
    }
    println!("{refused} refused, {harmless} harmless");
    assert!(refused > 500, "{refused} refused, {harmless} harmless");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flip_any_character(which in 0..6_usize, place in any::<prop::sample::Index>(), to in "[a-zA-Z0-9 <>&\"'/=_#:.-]") {
        let good = &GOOD[which];
        let at = place.index(good.len());
        prop_assume!(good.is_char_boundary(at) && good.is_char_boundary(at + 1));
        unchanged_or_refused(good, &splice(good, at..at + 1, &to))?;
    }

    #[test]
    fn move_or_copy_any_piece_anywhere(
        which in 0..6_usize,
        what in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        keep in any::<bool>(),
    ) {
        let good = &GOOD[which];
        let pieces = pieces(good);
        let piece = pieces[what.index(pieces.len())].clone();
        let target = &pieces[place.index(pieces.len())];
        prop_assume!(!piece.contains(&target.start));
        let text = good[piece.clone()].to_owned();
        let tampered = match (keep, target.start < piece.start) {
            (true, _) => splice(good, target.start..target.start, &text),
            (false, true) => splice(&splice(good, piece, ""), target.start..target.start, &text),
            (false, false) => splice(&splice(good, target.start..target.start, &text), piece, ""),
        };
        unchanged_or_refused(good, &tampered)?;
    }

    #[test]
    fn put_a_piece_of_one_response_in_place_of_one_of_another(
        which in 0..6_usize,
        other in 0..6_usize,
        what in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
    ) {
        let (good, source) = (&GOOD[which], &GOOD[other]);
        let (pieces, pieces_of_other) = (pieces(good), pieces(source));
        let target = pieces[place.index(pieces.len())].clone();
        let text = &source[pieces_of_other[what.index(pieces_of_other.len())].clone()];
        // All of them were issued with the same content, so the result must be that content.
        unchanged_or_refused(good, &splice(good, target, text))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// For any clock, skew and times: a response is accepted if and only if every time of validity is met, in
    /// nanoseconds, and none is inverted.
    #[test]
    fn acceptance_is_the_windows(
        now in nanoseconds(), skew in 0..=300_i64, start in nanoseconds(), end in nanoseconds(), confirmed in nanoseconds(),
        session in nanoseconds(),
    ) {
        let time = |offset: i64| at("2026-01-01T00:00:00Z") + TimeDelta::nanoseconds(offset);
        let text = |offset: i64| format!("{}", time(offset).format("%Y-%m-%dT%H:%M:%S%.9fZ"));
        let issued = IdentityProvider::okta()
            .response()
            .in_response_to(REQUEST)
            .not_before(text(start).as_str())
            .not_on_or_after(text(end).as_str())
            .subject_not_on_or_after(text(confirmed).as_str())
            .session_not_on_or_after(text(session).as_str())
            .response_issue_instant("2026-01-01T00:00:00Z")
            .assertion_issue_instant("2026-01-01T00:00:00Z")
            .sign(Signed::Response)
            .issue()
            .unwrap();
        let receiver = Receiver {
            now: time(now),
            expectations: RECEIVER.expectations.clone().with_clock_skew(Duration::from_secs(skew.unsigned_abs())).unwrap(),
            ..RECEIVER.clone()
        };
        let skew = skew * 1_000_000_000;
        let holds = now - skew < end && now - skew < confirmed && now - skew < session && now + skew >= start && start < end;
        match receiver.receive(issued.xml().as_bytes()) {
            Ok(_) => prop_assert!(holds),
            Err(refusal) => prop_assert!(!holds, "{refusal}"),
        }
        if holds {
            let key = receiver.validate(issued.xml().as_bytes()).unwrap().replay_key();
            let expires: DateTime<Utc> = time(end.min(confirmed)) + TimeDelta::nanoseconds(skew);
            prop_assert_eq!(key.expires_at(), expires);
            let later = Receiver { now: expires, ..receiver };
            prop_assert!(later.receive(issued.xml().as_bytes()).is_err());
        }
    }
}

/// Times that are equal often enough to test the bounds.
fn nanoseconds() -> impl Strategy<Value = i64> {
    let seconds = prop_oneof![Just(0_i64), Just(60), Just(-60), Just(300), -400..400_i64];
    (seconds, prop_oneof![Just(0_i64), Just(1), Just(-1)]).prop_map(|(s, n)| s * 1_000_000_000 + n)
}

fn unchanged_or_refused(good: &str, tampered: &str) -> Result<(), TestCaseError> {
    if let Ok(login) = RECEIVER.receive(tampered.as_bytes()) {
        let signed = content(&RECEIVER.receive(good.as_bytes()).unwrap());
        prop_assert_eq!(content(&login), signed, "{}", tampered);
    }
    Ok(())
}

/// Returns everything that a login contains.
fn content(login: &Login) -> String {
    let name = login.name_id().unwrap();
    let attributes: Vec<_> = login
        .attributes()
        .iter()
        .map(|a| (a.name(), a.name_format(), a.friendly_name(), a.values()))
        .collect();
    format!(
        "{} {} {:?} {:?} {:?} {attributes:?} {:?} {:?} {:?} {:?} {}",
        login.issuer(),
        name.value(),
        name.format(),
        name.name_qualifier(),
        name.sp_name_qualifier(),
        login.session_indexes(),
        login.session_not_on_or_after(),
        login.authn_instant(),
        login.authn_context(),
        login.assertion_id(),
    )
}

fn splice(text: &str, range: Range<usize>, with: &str) -> String {
    [&text[..range.start], with, &text[range.end..]].concat()
}

/// Every element, attribute (with the space before it) and text of a document that has no comments and no CDATA.
fn pieces(xml: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open = Vec::new();
    let mut place = 0;
    while place < xml.len() {
        let rest = &xml[place..];
        if rest.starts_with("<?") {
            place += rest.find("?>").unwrap() + 2;
        } else if rest.starts_with("</") {
            place += rest.find('>').unwrap() + 1;
            found.push(open.pop().unwrap()..place);
        } else if rest.starts_with('<') {
            let end = place + rest.find('>').unwrap() + 1;
            let mut scan = place;
            while let Some(space) = xml[scan..end].find(' ') {
                let start = scan + space;
                let quote = start + xml[start..end].find('"').unwrap() + 1;
                scan = quote + xml[quote..end].find('"').unwrap() + 1;
                found.push(start..scan);
            }
            if xml[..end].ends_with("/>") {
                found.push(place..end);
            } else {
                open.push(place);
            }
            place = end;
        } else {
            let end = place + rest.find('<').unwrap_or(rest.len());
            found.push(place..end);
            place = end;
        }
    }
    found
}
