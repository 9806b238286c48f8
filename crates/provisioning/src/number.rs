//! Whole numbers of a policy, whose errors give the allowed range.

use std::{fmt, ops::RangeInclusive};

use serde::{
    Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// Parses a whole number in this range.
pub(crate) fn whole_number<'de, D: Deserializer<'de>>(
    number: D,
    among: RangeInclusive<u32>,
) -> Result<u32, D::Error> {
    number.deserialize_u32(WholeNumber(among))
}

struct WholeNumber(RangeInclusive<u32>);

impl Visitor<'_> for WholeNumber {
    type Value = u32;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.start() == self.0.end() {
            return write!(formatter, "the number {}", self.0.start());
        }
        write!(formatter, "a whole number from {} to {}", self.0.start(), self.0.end())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u32, E> {
        let among = u32::try_from(number).ok().filter(|number| self.0.contains(number));
        among.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }
}
