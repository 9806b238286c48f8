//! Spans of time in a policy.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// A span of time in a policy: a number and a unit, `"90d"`, `"12h"`, `"30m"` or `"45s"`; more than nothing, and at most ten years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PolicyDuration(Duration);

impl PolicyDuration {
    const LONGEST: Duration = Duration::from_secs(3_650 * 86_400);

    /// `sessions.absolute`
    pub(crate) fn of_absolute<'de, D: Deserializer<'de>>(span: D) -> Result<Option<Self>, D::Error> {
        Self::at_least(
            "5m",
            "people would be sent to the identity provider in the middle of what they do",
            span,
        )
    }

    /// `sessions.idle`
    pub(crate) fn of_idle<'de, D: Deserializer<'de>>(span: D) -> Result<Option<Self>, D::Error> {
        Self::at_least("5m", "use is noted once a minute, and whoever reads a page would be signed out", span)
    }

    /// `offboarding.suspend_after`
    pub(crate) fn of_suspension<'de, D: Deserializer<'de>>(span: D) -> Result<Option<Self>, D::Error> {
        Self::at_least("1d", "everybody would be suspended overnight", span)
    }

    fn at_least<'de, D: Deserializer<'de>>(
        floor: &str,
        otherwise: &str,
        span: D,
    ) -> Result<Option<Self>, D::Error> {
        let span = Self::deserialize(span)?;
        let floor = Self::try_from(floor.to_owned()).map_err(D::Error::custom)?;
        match span < floor {
            true => Err(D::Error::custom(format_args!("at least \"{floor}\": {otherwise}"))),
            false => Ok(Some(span)),
        }
    }

    /// The span of time.
    #[must_use]
    pub fn get(self) -> Duration {
        self.0
    }
}

impl TryFrom<String> for PolicyDuration {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const EXPECTED: &str =
            "a duration is a whole number with a unit, such as \"90d\", \"12h\", \"30m\" or \"45s\"";
        let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
        let unit = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
        let (number, seconds) = unit.ok_or(EXPECTED)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(EXPECTED);
        }
        let number: u64 = number.parse().map_err(|_| EXPECTED)?;
        let span = Duration::from_secs(number.saturating_mul(seconds));
        match span.is_zero() || span > Self::LONGEST {
            true => Err("a duration must be longer than zero, and at most ten years"),
            false => Ok(Self(span)),
        }
    }
}

impl fmt::Display for PolicyDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [("d", 86_400_u64), ("h", 3_600), ("m", 60)];
        let whole = units.iter().find(|(_, length)| seconds.checked_rem(*length) == Some(0));
        let (unit, length) = whole.copied().unwrap_or(("s", 1));
        write!(formatter, "{}{unit}", seconds.checked_div(length).unwrap_or_default())
    }
}

impl From<PolicyDuration> for String {
    fn from(duration: PolicyDuration) -> Self {
        duration.to_string()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for PolicyDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PolicyDuration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A whole number with a unit: 90d, 12h, 30m, 45s.",
            "type": "string",
            "pattern": "^[0-9]+[dhms]$"
        })
    }
}
