//! One source over time: which answers are accepted, what is kept, and when it is requested again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests fail by panicking"
)]

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use vouchsafe_crypto::{Certificate, KeyKind, PrivateKey, Provider};
use vouchsafe_metadata::{
    ChangeSubject, EntityId, EntityName, FetchedMetadata, Refresh, RefreshError, RefreshSchedule, Refreshed,
    Restored, SpeaksFor, TrustedMetadata, TrustedSource, Validators,
};
use vouchsafe_signature::{Signer, TrustedKey, sign};
use vouchsafe_xml::Limits;

static PROVIDER: LazyLock<Provider> = LazyLock::new(Provider::rustcrypto);
static KEYS: LazyLock<[PrivateKey; 2]> = LazyLock::new(|| [0, 1].map(|_| new_key()));

const HOUR: Duration = Duration::from_secs(3_600);

fn new_key() -> PrivateKey {
    PROVIDER.generate_key(KeyKind::P256).unwrap()
}

static CERTIFICATES: LazyLock<[Certificate; 2]> = LazyLock::new(|| {
    [0, 1].map(|key| {
        Certificate::self_signed(&PROVIDER, &KEYS[key], "idp.example.com", 1_600_000_000, 2_000_000_000)
            .unwrap()
    })
});

fn certificate(key: &PrivateKey) -> Certificate {
    let is_first = key.public_key().fingerprint() == KEYS[0].public_key().fingerprint();
    CERTIFICATES[usize::from(!is_first)].clone()
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 0, 0, 0).unwrap()
}

fn id(name: &str) -> EntityId {
    EntityId::new(format!("https://{name}.example")).unwrap()
}

/// Makes an identity provider with the certificate of this key.
fn entity(name: &str, key: &PrivateKey) -> String {
    let certificate = certificate(key).to_base64();
    format!(
        r#"<md:EntityDescriptor entityID="https://{name}.example"><md:IDPSSODescriptor
             protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService
             Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://{name}.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

fn group(attributes: &str, content: &str) -> String {
    format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ID="_root" {attributes}>{content}</md:EntitiesDescriptor>"#
    )
}

fn published(instant: &str) -> String {
    format!(
        r#"<md:Extensions><r:PublicationInfo xmlns:r="urn:oasis:names:tc:SAML:metadata:rpi" publisher="https://federation.example" creationInstant="{instant}"/></md:Extensions>"#
    )
}

fn signed(document: &str, key: &PrivateKey) -> String {
    let certificate = [certificate(key)];
    let signer = Signer::new(key).certificate(&certificate[0]);
    sign(document, "_root", &signer, &PROVIDER, &Limits::metadata()).unwrap()
}

fn fetched(document: &str) -> FetchedMetadata {
    FetchedMetadata::Document { bytes: document.as_bytes().to_vec(), validators: Validators::default() }
}

/// A source and its current document.
struct Kept {
    refresh: Refresh,
    metadata: Option<TrustedMetadata>,
}

impl Kept {
    fn of(source: TrustedSource) -> Kept {
        Kept { refresh: Refresh::new(source, RefreshSchedule::default(), now()), metadata: None }
    }

    fn of_a() -> Kept {
        Kept::of(TrustedSource::danger_by_transport_alone(SpeaksFor::entity(id("a"))))
    }

    /// Returns `first`, `unchanged`, `changed`, or the code of the error.
    fn answered(&mut self, fetched: FetchedMetadata, now: DateTime<Utc>, random: u64) -> &'static str {
        match self.refresh.answered(fetched, self.metadata.as_ref(), &PROVIDER, now, random) {
            Ok(Refreshed::First(metadata)) => {
                assert!(self.metadata.replace(metadata).is_none());
                "first"
            }
            Ok(Refreshed::Unchanged) => "unchanged",
            Ok(Refreshed::Changed { metadata, .. }) => {
                assert!(self.metadata.replace(metadata).is_some());
                "changed"
            }
            Ok(Refreshed::Renewed(metadata)) => {
                assert!(self.metadata.replace(metadata).is_some());
                "renewed"
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                assert!(!error.hint().is_empty() && !error.to_string().is_empty());
                error.code()
            }
        }
    }

    fn gets(&mut self, document: &str) -> &'static str {
        self.answered(fetched(document), now(), 0)
    }
}

fn accepted(source: &TrustedSource, document: &str) -> &'static str {
    source.accept(document, now(), &PROVIDER).map_or_else(|error| RefreshError::code(&error), |_| "ok")
}

#[test]
fn what_proves_a_document() {
    let [federation, other] = &*KEYS;
    let plain = group("", &entity("a", other));
    let by_federation = signed(&plain, federation);
    let by_other = signed(&plain, other);
    let trusted = TrustedKey::new(federation.public_key().clone(), "the federation");
    let keys = TrustedSource::signed_by([trusted], SpeaksFor::Everybody);
    let fingerprint = certificate(federation).fingerprint_sha256();
    let pinned = TrustedSource::signed_by_certificate(&fingerprint, SpeaksFor::Everybody).unwrap();
    let bare = fingerprint.replace(':', "").to_lowercase();
    assert!(TrustedSource::signed_by_certificate(&bare, SpeaksFor::Everybody).is_ok());
    let transport = TrustedSource::danger_by_transport_alone(SpeaksFor::Everybody);
    let cases = [
        ("the key", &keys, &by_federation, "ok"),
        ("another key", &keys, &by_other, "signature.not_verified"),
        ("no signature", &keys, &plain, "signature.missing"),
        ("the certificate", &pinned, &by_federation, "ok"),
        ("another certificate", &pinned, &by_other, "signature.no_keys"),
        ("no signature under the certificate", &pinned, &plain, "signature.missing"),
        ("whatever comes over https", &transport, &by_other, "ok"),
    ];
    for (what, source, document, expected) in cases {
        assert_eq!(accepted(source, document), expected, "{what}");
    }
    // The pinned certificate is next to a signature that its key did not make.
    let inserted =
        by_other.replacen(&certificate(other).to_base64(), &certificate(federation).to_base64(), 1);
    assert_eq!(pinned.accept(inserted, now(), &PROVIDER).unwrap_err().code(), "signature.not_verified");
    let sha1 = &bare[..40];
    let error = TrustedSource::signed_by_certificate(sha1, SpeaksFor::Everybody).unwrap_err();
    assert_eq!(error.code(), "refresh.fingerprint");
}

#[test]
fn how_long_a_document_may_be_valid() {
    let [key, _] = &*KEYS;
    let source = TrustedSource::danger_by_transport_alone(SpeaksFor::Everybody);
    let strict = source.clone().requiring_valid_until(24 * HOUR);
    let cases = [
        ("", "ok", "refresh.no_valid_until"),
        ("validUntil='2026-11-24T12:00:00Z'", "ok", "ok"),
        ("validUntil='2026-11-25T00:00:00Z'", "ok", "ok"),
        ("validUntil='2026-11-25T00:00:01Z'", "ok", "refresh.validity_too_long"),
        ("validUntil='2026-11-24T00:00:00Z'", "metadata.expired", "metadata.expired"),
        ("validUntil='soon'", "metadata.attribute", "metadata.attribute"),
    ];
    for (attributes, lenient, required) in cases {
        let document = group(attributes, &entity("a", key));
        for (source, expected) in [(&source, lenient), (&strict, required)] {
            assert_eq!(accepted(source, &document), expected, "{attributes}");
        }
    }
}

#[test]
fn nobody_is_found_whom_the_source_may_not_speak_for() {
    let [key, _] = &*KEYS;
    let source = TrustedSource::danger_by_transport_alone(SpeaksFor::entity(id("a")));
    let document = group("", &(entity("b", key) + &entity("a", key)));
    let metadata = source.accept(document, now(), &PROVIDER).unwrap();
    let find = |name: &str| metadata.find(&id(name).into()).is_some();
    assert_eq!((find("a"), find("b"), metadata.entities().count()), (true, false, 1));
    let by_hash = EntityName::source_id_of(&id("b"));
    assert!(metadata.find(&by_hash).is_none());

    let mut kept = Kept::of_a();
    for (what, document, expected) in [
        ("another entity alone", group("", &entity("b", key)), "metadata.unknown_entity"),
        ("nobody", group("", ""), "metadata.unknown_entity"),
        ("no metadata", "<html/>".to_owned(), "metadata.root"),
        ("cut off", group("", &entity("a", key))[..400].to_owned(), "xml.unclosed"),
        ("it alone", group("", &entity("a", key)), "first"),
    ] {
        assert_eq!(kept.gets(&document), expected, "{what}");
    }
    let both = fetched(&group("", &(entity("a", key) + &entity("b", key))));
    let refreshed = kept.refresh.answered(both, kept.metadata.as_ref(), &PROVIDER, now(), 0).unwrap();
    assert!(matches!(refreshed, Refreshed::Unchanged), "of another nothing is told: {refreshed:?}");
}

#[test]
fn trust_is_never_emptied() {
    let [key, other] = &*KEYS;
    let mut kept = Kept::of(TrustedSource::danger_by_transport_alone(SpeaksFor::Everybody));
    let good = group("", &(entity("a", key) + &entity("b", other)));
    assert_eq!(kept.gets(&good), "first");
    let no_key = entity("a", key).replace("KeyDescriptor", "NoDescriptor");
    for (document, code) in [
        (group("", ""), "refresh.nobody"),
        (group("", &no_key), "refresh.nobody"),
        ("<html>down for maintenance</html>".to_owned(), "metadata.root"),
        (String::new(), "xml.no_root"),
    ] {
        assert_eq!(kept.gets(&document), code);
    }
    assert_eq!((kept.refresh.failures(), kept.refresh.confirmed_at()), (4, Some(now())));
    assert_eq!(kept.gets(&good), "unchanged");
    assert_eq!(kept.refresh.failures(), 0);
}

#[test]
fn trust_never_goes_back() {
    let [key, other] = &*KEYS;
    let of = |created: Option<&str>, valid_until: Option<&str>, key: &PrivateKey| {
        let valid_until = valid_until.map(|time| format!("validUntil='{time}'")).unwrap_or_default();
        group(&valid_until, &(created.map(published).unwrap_or_default() + &entity("a", key)))
    };
    let (early, late) = ("2026-11-23T00:00:00Z", "2026-11-23T12:00:00Z");
    let (soon, later) = ("2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z");
    let cases = [
        ((Some(early), Some(soon)), (Some(late), Some(later)), "changed"),
        ((Some(early), Some(soon)), (Some(early), Some(soon)), "changed"),
        ((Some(late), Some(soon)), (Some(early), Some(later)), "refresh.rolled_back"),
        ((Some(late), Some(later)), (Some(late), Some(soon)), "refresh.rolled_back"),
        ((Some(late), None), (None, None), "refresh.rolled_back"),
        ((None, Some(soon)), (None, None), "refresh.rolled_back"),
        ((None, None), (Some(early), Some(soon)), "changed"),
        ((None, None), (None, None), "changed"),
    ];
    for ((created, valid), (next_created, next_valid), expected) in cases {
        let mut kept = Kept::of_a();
        assert_eq!(kept.gets(&of(created, valid, key)), "first");
        let outcome = kept.gets(&of(next_created, next_valid, other));
        assert_eq!(outcome, expected, "{created:?} {valid:?} {next_created:?} {next_valid:?}");
    }
}

/// A document that is an EntityDescriptor can state when it was published too.
#[test]
fn one_entity_never_goes_back() {
    let [key, _] = &*KEYS;
    let of = |instant: &str| {
        let head = r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://a.example">"#;
        let head = head.to_owned() + &published(instant);
        entity("a", key).replace(r#"<md:EntityDescriptor entityID="https://a.example">"#, &head)
    };
    let mut kept = Kept::of_a();
    assert_eq!(kept.gets(&of("2026-11-23T12:00:00Z")), "first");
    assert_eq!(kept.gets(&of("2026-11-23T11:00:00Z")), "refresh.rolled_back");
    assert_eq!(kept.gets(&of("2026-11-23T13:00:00Z")), "renewed");
}

#[test]
fn what_changed_is_told() {
    let [key, other] = &*KEYS;
    let mut kept = Kept::of_a();
    kept.gets(&group("", &entity("a", key)));
    let newer = fetched(&group("", &entity("a", other)));
    let refreshed = kept.refresh.answered(newer, kept.metadata.as_ref(), &PROVIDER, now(), 0).unwrap();
    let Refreshed::Changed { metadata, changes, .. } = refreshed else { panic!("{refreshed:?}") };
    // For signing and for encryption, one key is added and one is removed.
    let subjects: Vec<_> = changes.iter().map(|change| change.subject()).collect();
    assert_eq!(subjects, [ChangeSubject::Key; 4]);
    // A removed key is not trusted any more.
    let provider = metadata.find(&id("a").into()).unwrap().identity_provider().unwrap();
    assert_eq!(provider.signing_keys().len(), 1);
}

#[test]
fn a_source_is_asked_with_what_came_last() {
    let [key, _] = &*KEYS;
    let mut kept = Kept::of_a();
    assert_eq!(kept.refresh.validators(None, now()), Validators::default());
    assert_eq!(kept.answered(FetchedMetadata::NotModified, now(), 0), "refresh.nothing_at_hand");
    let with = |etag: &str, document: &str| {
        let mut validators = Validators::default();
        validators.etag = Some(etag.to_owned());
        FetchedMetadata::Document { bytes: document.into(), validators }
    };
    let document = group("", &entity("a", key));
    let asked = |kept: &Kept, at| {
        kept.refresh.validators(kept.metadata.as_ref().map(TrustedMetadata::bytes), at).etag
    };
    assert_eq!(kept.answered(with("\"1\"", &document), now(), 0), "first");
    assert_eq!(asked(&kept, now()), None, "nobody but the sender vouches for them so far");
    assert_eq!(kept.answered(with("\"1\"", &document), now(), 0), "unchanged");
    assert_eq!(asked(&kept, now()).as_deref(), Some("\"1\""));
    let later = now() + TimeDelta::hours(1);
    assert_eq!(kept.answered(FetchedMetadata::NotModified, later, 0), "unchanged");
    assert_eq!(kept.refresh.confirmed_at(), Some(later));
    // The validator of a refused document is not sent, because a better document would never be sent then.
    assert_eq!(kept.answered(with("\"2\"", "<html/>"), later, 0), "metadata.root");
    assert_eq!(asked(&kept, later).as_deref(), Some("\"1\""));
    assert_eq!(kept.answered(with("\"3\"", &document), later, 0), "unchanged");
    assert_eq!(asked(&kept, later).as_deref(), Some("\"3\""));
    // Once a day the whole document is asked for, however often it was confirmed.
    let evening = later + TimeDelta::hours(23);
    assert_eq!(kept.answered(FetchedMetadata::NotModified, evening, 0), "unchanged");
    assert_eq!(asked(&kept, evening).as_deref(), Some("\"3\""));
    assert_eq!(asked(&kept, later + TimeDelta::days(1)), None);
    assert_eq!(asked(&kept, later - TimeDelta::minutes(1)), None, "the clock was ahead");
}

#[test]
fn a_copy_is_no_more_trusted_than_the_source() {
    let [key, other] = &*KEYS;
    let trusted = TrustedKey::new(key.public_key().clone(), "the federation");
    let source = TrustedSource::signed_by([trusted], SpeaksFor::Everybody);
    let mut refresh = Refresh::new(source, RefreshSchedule::default(), now());
    let document = group("", &entity("a", other));
    let fetched_at = now() - TimeDelta::days(3);
    let mut restore = |copy: &str, random| {
        let restored = refresh.restore(copy, fetched_at, &PROVIDER, now(), random);
        let restored = match restored {
            Ok(Restored::Usable(_)) => "ok",
            Ok(_) => "ended",
            Err(error) => error.code(),
        };
        (restored, refresh.due() - now(), refresh.confirmed_at())
    };
    assert_eq!(restore(&signed(&document, other), 7), ("signature.not_verified", TimeDelta::zero(), None));
    let due = TimeDelta::milliseconds(59_999);
    assert_eq!(restore(&signed(&document, key), 59_999), ("ok", due, Some(fetched_at)));
}

#[test]
fn when_a_source_is_asked_again() {
    let [key, _] = &*KEYS;
    let minutes = TimeDelta::minutes;
    let cases = [
        ("", minutes(60)),
        ("cacheDuration='PT6H'", minutes(6 * 60)),
        ("cacheDuration='PT1S'", minutes(1)),
        ("cacheDuration='P30D'", minutes(24 * 60)),
        // This is half of the remaining time.
        ("cacheDuration='PT6H' validUntil='2026-11-24T02:00:00Z'", minutes(60)),
        ("validUntil='2026-11-24T00:01:00Z'", minutes(1)),
    ];
    for (attributes, expected) in cases {
        let mut kept = Kept::of_a();
        assert_eq!(kept.gets(&group(attributes, &entity("a", key))), "first");
        assert_eq!(kept.refresh.due() - now(), expected, "{attributes}");
    }
    let Kept { mut refresh, .. } = Kept::of_a();
    for expected in [30, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800] {
        refresh.failed(None, now(), 0);
        assert_eq!((refresh.due() - now()).num_seconds(), expected);
    }
    refresh.failed(Some(Duration::from_secs(7_200)), now(), 0);
    assert_eq!((refresh.due() - now()).num_seconds(), 7_200);
    refresh.failed(Some(Duration::MAX), now(), 0);
    assert_eq!((refresh.due() - now()).num_seconds(), 86_400);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// For all answers at all times: the current document was fetched, and does not go back unless the source has
    /// given only older documents for a day; and the next request is neither now nor never.
    #[test]
    fn over_time(answers in prop::collection::vec((0_u8..7, 0_i64..100_000, any::<u64>()), 1..40)) {
        let [key, other] = &*KEYS;
        let mut kept = Kept::of_a();
        let mut time = now();
        let mut newest: Option<DateTime<Utc>> = None;
        let mut older_since: Option<DateTime<Utc>> = None;
        for (number, (answer, seconds, random)) in answers.into_iter().enumerate() {
            time += TimeDelta::seconds(seconds);
            let created = time - TimeDelta::seconds(i64::from(answer) * 100_000);
            let instant = created.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            let content = published(&instant) + &entity("a", if number % 2 == 0 { key } else { other });
            match answer {
                0..=2 => {
                    let outcome = kept.answered(fetched(&group("", &content)), time, random);
                    let is_taken = outcome != "refresh.rolled_back"; // also "renewed" and "unchanged"
                    let gives_in = older_since.is_some_and(|since| time - since >= TimeDelta::days(1));
                    let is_newer = newest.is_none_or(|newest| created >= newest);
                    prop_assert_eq!(is_taken, is_newer || gives_in, "{}", outcome);
                    if is_taken {
                        (newest, older_since) = (Some(created), None);
                    } else {
                        older_since.get_or_insert(time);
                    }
                }
                3 => {
                    kept.answered(FetchedMetadata::NotModified, time, random);
                    older_since = older_since.filter(|_| kept.metadata.is_none());
                }
                4 => prop_assert_eq!(kept.answered(fetched("<html/>"), time, random), "metadata.root"),
                _ => {
                    let after = Some(Duration::from_secs(random)).filter(|_| answer == 6);
                    kept.refresh.failed(after, time, random);
                }
            }
            prop_assert_eq!(kept.metadata.is_some(), newest.is_some());
            let wait = kept.refresh.due() - time;
            prop_assert!(wait >= TimeDelta::seconds(30) && wait <= TimeDelta::hours(24), "{wait}");
        }
    }
}
