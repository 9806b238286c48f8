//! A day on which an identity provider changes its key, with a sign-in every minute.

use chrono::TimeDelta;
use vouchsafe::crypto::KeyKind;
use vouchsafe::metadata::{
    FetchedMetadata, Refresh, RefreshSchedule, Refreshed, SpeaksFor, TrustedMetadata, TrustedSource,
    Validators,
};
use vouchsafe::{Expect, Provider};
use vouchsafe_testkit::{IdentityProvider, KeyPair, keys};

use crate::common::{Service, builder, now, okta, posted};

/// The identity provider announces the new key at six in the morning, signs with it from noon, and removes the old
/// one at six in the evening. In between, it is down for an hour.
fn published(hour: i64, old: &KeyPair, new: &KeyPair) -> Option<IdentityProvider> {
    let with = |signs: &KeyPair, other: &KeyPair| {
        IdentityProvider::okta().with_key(signs).with_next_certificate(other.certificate())
    };
    match hour {
        0..6 => Some(IdentityProvider::okta().with_key(old)),
        9 => None,
        6..12 => Some(with(old, new)),
        12..18 => Some(with(new, old)),
        _ => Some(IdentityProvider::okta().with_key(new)),
    }
}

#[test]
fn nobody_is_refused_on_the_day_of_a_roll_over() {
    let (old, new) = (keys::identity_provider_p256(), &KeyPair::generate(KeyKind::P256, "next").unwrap());
    let service = Service::new(builder());
    let provider = Provider::rustcrypto();
    let source = TrustedSource::danger_by_transport_alone(SpeaksFor::entity(okta()));
    let begin = now();
    let mut refresh = Refresh::new(source, RefreshSchedule::default(), begin);
    let mut at_hand: Option<TrustedMetadata> = None;
    let (mut asked, mut changed, mut signed_in) = (0, 0, 0);
    for minute in 0..24 * 60_i64 {
        let time = begin + TimeDelta::minutes(minute);
        let hour = minute / 60;
        if refresh.due() <= time {
            asked += 1;
            match published(hour, old, new) {
                None => refresh.failed(None, time, 7),
                Some(published) => {
                    let bytes = published.metadata().unwrap().into_bytes();
                    let fetched = FetchedMetadata::Document { bytes, validators: Validators::default() };
                    match refresh.answered(fetched, at_hand.as_ref(), &provider, time, 7).unwrap() {
                        Refreshed::First(metadata) | Refreshed::Changed { metadata, .. } => {
                            let found = metadata.find(&okta().into()).unwrap().identity_provider().unwrap();
                            service.connections.refresh("okta", found.clone()).unwrap().unwrap();
                            at_hand = Some(metadata);
                            changed += 1;
                        }
                        _ => {}
                    }
                }
            }
        }
        let signing = if hour < 12 { old } else { new };
        let issued = IdentityProvider::okta().with_key(signing).response().at(time).issue().unwrap();
        let received = service.receive(&posted(&issued), Expect::Unsolicited, time);
        assert!(received.is_ok(), "{hour}: {:?}", received.err().map(|refusal| refusal.code()));
        signed_in += 1;
    }
    assert_eq!(signed_in, 1_440);
    // The changes are the first document, the announcement, the new order, and the end of the old key.
    assert!((3..=4).contains(&changed), "{changed}");
    assert!((24..60).contains(&asked), "{asked}");
    // The old key is no longer trusted.
    let late = begin + TimeDelta::hours(23);
    let issued = IdentityProvider::okta().with_key(old).response().at(late).issue().unwrap();
    let refused = service.receive(&posted(&issued), Expect::Unsolicited, late).unwrap_err();
    assert_eq!(refused.code(), "signature.not_verified");
}
