//! This module parses the outline of a certificate (RFC 5280, 4.1).

use super::Inner;
use crate::{CryptoError, tlv};
use core::fmt::Write as _;
use core::ops::Range;
use x509_cert::der::Decode as _;

pub(super) fn read(der: &[u8]) -> Result<Inner, CryptoError> {
    let Outline { whole, serial, issuer, validity, subject, spki, .. } = outline(der)?;
    let mut times = tlv::Elements::new(validity.content);
    let is_self_issued = issuer == subject;
    Ok(Inner {
        der: whole.into(),
        spki: range_in(whole, spki),
        serial: range_in(whole, serial),
        subject: name(subject).into(),
        issuer: (!is_self_issued).then(|| name(issuer).into()),
        not_before: times.next().and_then(unix_time),
        not_after: times.next().and_then(unix_time),
    })
}

/// Returns the range of `part` in `whole`.
fn range_in(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start.saturating_add(part.len())
}

/// The parts of a certificate. Finding them takes a few steps, whatever they contain.
pub(super) struct Outline<'a> {
    whole: &'a [u8],
    serial: &'a [u8],
    issuer: &'a [u8],
    validity: tlv::Element<'a>,
    subject: &'a [u8],
    pub(super) spki: &'a [u8],
    behind_spki: &'a [u8],
}

pub(super) fn outline(der: &[u8]) -> Result<Outline<'_>, CryptoError> {
    let expected = match der {
        [] => "it is empty",
        [tlv::SEQUENCE, ..] => "it is cut off",
        _ => "it does not begin as a certificate does",
    };
    let certificate = Place { all: der, elements: tlv::Elements::new(der) }.take(tlv::SEQUENCE, expected)?;
    let tbs = certificate.inside(der).take(tlv::SEQUENCE, "tbsCertificate")?;
    let mut parts = tbs.inside(der);
    parts.elements.next_if(tlv::CONTEXT_0);
    let serial = parts.take(tlv::INTEGER, "serialNumber")?;
    parts.take(tlv::SEQUENCE, "the signature algorithm")?;
    let issuer = parts.take(tlv::SEQUENCE, "issuer")?;
    let validity = parts.take(tlv::SEQUENCE, "validity")?;
    let subject = parts.take(tlv::SEQUENCE, "subject")?;
    let spki = parts.take(tlv::SEQUENCE, "subjectPublicKeyInfo")?;
    Ok(Outline {
        whole: certificate.whole,
        serial: serial.content,
        issuer: issuer.whole,
        validity,
        subject: subject.whole,
        spki: spki.whole,
        behind_spki: parts.elements.rest(),
    })
}

/// Returns whether the extensions state that the key signs certificates: cA in BasicConstraints (RFC 5280, 4.2.1.9)
/// and keyCertSign in KeyUsage (4.2.1.3). Both are required, because many self-signed certificates have the first
/// without issuing any certificate.
pub(super) fn signs_certificates(der: &[u8]) -> bool {
    let Ok(Outline { behind_spki, .. }) = outline(der) else { return false };
    let wrapped = tlv::Elements::new(behind_spki).find(|element| element.tag == tlv::CONTEXT_3);
    let sequence = wrapped.and_then(|wrapped| tlv::Elements::new(wrapped.content).next_if(tlv::SEQUENCE));
    let (mut is_authority, mut may_sign) = (false, false);
    for extension in sequence.into_iter().flat_map(|all| tlv::Elements::new(all.content)) {
        let mut parts = tlv::Elements::new(extension.content);
        let identifier = parts.next_if(tlv::OBJECT_IDENTIFIER);
        parts.next_if(tlv::BOOLEAN);
        let (Some(identifier), Some(value)) = (identifier, parts.next_if(tlv::OCTET_STRING)) else {
            continue;
        };
        let mut value = tlv::Elements::new(value.content);
        match identifier.content {
            BASIC_CONSTRAINTS => {
                let constraints = value.next_if(tlv::SEQUENCE);
                let authority =
                    constraints.and_then(|all| tlv::Elements::new(all.content).next_if(tlv::BOOLEAN));
                is_authority |= authority.is_some_and(|authority| authority.content != [0]);
            }
            KEY_USAGE => {
                let bits = value.next_if(tlv::BIT_STRING).and_then(|bits| bits.content.get(1).copied());
                may_sign |= bits.is_some_and(|bits| bits & KEY_CERT_SIGN != 0);
            }
            _ => {}
        }
    }
    is_authority && may_sign
}

/// The object identifier 2.5.29.19.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
/// The object identifier 2.5.29.15.
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
/// Bit 5 of the first byte, counted from the highest bit.
const KEY_CERT_SIGN: u8 = 0x04;

/// The elements of a part, with the bytes of the whole certificate, so that an error can state the offset.
struct Place<'a> {
    all: &'a [u8],
    elements: tlv::Elements<'a>,
}

impl<'a> Place<'a> {
    fn take(&mut self, tag: u8, detail: &'static str) -> Result<tlv::Element<'a>, CryptoError> {
        let offset = (self.elements.rest().as_ptr() as usize).saturating_sub(self.all.as_ptr() as usize);
        self.elements.next_if(tag).ok_or(CryptoError::CertificateMalformed { detail, offset })
    }
}

impl<'a> tlv::Element<'a> {
    fn inside(&self, all: &'a [u8]) -> Place<'a> {
        Place { all, elements: tlv::Elements::new(self.content) }
    }
}

fn name(der: &[u8]) -> String {
    if let Ok(name) = x509_cert::name::Name::from_der(der) {
        return name.to_string();
    }
    let mut hexadecimal = String::from("#");
    for byte in der {
        let _ = write!(hexadecimal, "{byte:02X}");
    }
    hexadecimal
}

/// Parses UTCTime and GeneralizedTime in the forms that encoders write in practice: seconds may be missing, and
/// fractions and offsets occur.
fn unix_time(element: tlv::Element<'_>) -> Option<i64> {
    let text = core::str::from_utf8(element.content).ok()?;
    let (year_digits, century) = match element.tag {
        tlv::UTC_TIME => (2, None),
        tlv::GENERALIZED_TIME => (4, Some(0)),
        _ => return None,
    };
    let (year, mut rest) = digits(text, year_digits)?;
    // The years 50 to 99 are 1950 to 1999 (RFC 5280, 4.1.2.5.1).
    let year = match century {
        None if year >= 50 => year.checked_add(1900)?,
        None => year.checked_add(2000)?,
        Some(_) => year,
    };
    let mut fields = [0; 4];
    for field in &mut fields {
        (*field, rest) = digits(rest, 2)?;
    }
    let [month, day, hour, minute] = fields;
    let (second, rest) = digits(rest, 2).unwrap_or((0, rest));
    let zone = rest.trim_start_matches(['.', ',']).trim_start_matches(|c: char| c.is_ascii_digit());
    let (sign, offset) = match zone.split_at_checked(1) {
        None | Some(("Z", "")) => (0, 0),
        Some((sign @ ("+" | "-"), offset)) => {
            let (hours, rest) = digits(offset, 2)?;
            let (minutes, _) = digits(rest, 2)?;
            (if sign == "+" { -1 } else { 1 }, hours.checked_mul(60)?.checked_add(minutes)?)
        }
        Some(_) => return None,
    };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let minutes =
        days(year, month, day)?.checked_mul(24)?.checked_add(hour)?.checked_mul(60)?.checked_add(minute)?;
    minutes.checked_add(offset.checked_mul(sign)?)?.checked_mul(60)?.checked_add(second)
}

fn digits(text: &str, count: usize) -> Option<(i64, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_digit());
    if all { Some((digits.parse().ok()?, rest)) } else { None }
}

/// Returns the days from 1970-01-01 to a day of the Gregorian calendar, which repeats every 400 years of 146,097
/// days. Years begin in March here, so that the leap day is the last day of the year.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = month.checked_add(9)?.rem_euclid(12);
    let day_of_year =
        month_from_march.checked_mul(153)?.checked_add(2)?.div_euclid(5).checked_add(day)?.checked_sub(1)?;
    let leap_days = year_of_era.div_euclid(4).checked_sub(year_of_era.div_euclid(100))?;
    let day_of_era = year_of_era.checked_mul(365)?.checked_add(leap_days)?.checked_add(day_of_year)?;
    era.checked_mul(146_097)?.checked_add(day_of_era)?.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::{tlv, unix_time};

    #[test]
    fn times_as_they_occur() {
        for (tag, text, expected) in [
            (tlv::UTC_TIME, "700101000000Z", Some(0)),
            (tlv::UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (tlv::UTC_TIME, "500101000000Z", Some(-631_152_000)),
            (tlv::UTC_TIME, "000229120000Z", Some(951_825_600)),
            (tlv::UTC_TIME, "7001010000Z", Some(0)),
            (tlv::UTC_TIME, "700101013000+0130", Some(0)),
            (tlv::UTC_TIME, "691231223000-0130", Some(0)),
            (tlv::GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (tlv::GENERALIZED_TIME, "20500101000000.5Z", Some(2_524_608_000)),
            (tlv::GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (tlv::GENERALIZED_TIME, "00000101000000Z", Some(-62_167_219_200)),
            (tlv::UTC_TIME, "701301000000Z", None),
            (tlv::UTC_TIME, "70010100", None),
            (tlv::UTC_TIME, "70+101000000Z", None),
            (tlv::UTC_TIME, "700101000000X", None),
            (tlv::INTEGER, "700101000000Z", None),
        ] {
            let element = tlv::Element { tag, content: text.as_bytes(), whole: &[] };
            assert_eq!(unix_time(element), expected, "{text}");
        }
    }
}
