//! `xs:dateTime` read a second time, with whole seconds and the digits behind them as text, so that nothing is rounded.

/// A point in time: seconds since 1970, and whether anything comes behind them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant {
    seconds: i64,
    more: bool,
}

impl Instant {
    /// Later than a whole second.
    pub(crate) fn is_after(self, second: i64) -> bool {
        self.seconds > second || (self.seconds == second && self.more)
    }

    /// Reads one, if it is one.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (date, time) = text.split_once('T')?;
        let [year, month, day] = numbers(date, '-')?;
        let year = if negative { year.checked_neg()? } else { year };
        let (time, zone) = match time.find(['Z', '+', '-']) {
            Some(at) => time.split_at_checked(at)?,
            None => (time, "Z"),
        };
        let offset = match zone.split_at_checked(1)? {
            ("Z", "") => 0,
            (sign, zone) => {
                let [hours, minutes] = numbers(zone, ':')?;
                let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
                if sign == "-" { minutes.checked_neg()? } else { minutes }
            }
        };
        let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [hours, minutes, seconds] = numbers(clock, ':')?;
        let minutes = days(year, month, day)?
            .checked_mul(24)?
            .checked_add(hours)?
            .checked_mul(60)?
            .checked_add(minutes)?
            .checked_sub(offset)?;
        let more = fraction.bytes().any(|digit| digit != b'0');
        Some(Self { seconds: minutes.checked_mul(60)?.checked_add(seconds)?, more })
    }
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let parts: Option<Vec<i64>> = text.split(separator).map(|part| part.parse().ok()).collect();
    parts?.try_into().ok()
}

/// Days since 1970-01-01 in the Gregorian calendar: years begin in March, so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let (year, month) =
        if month > 2 { (year, month.checked_sub(3)?) } else { (year.checked_sub(1)?, month.checked_add(9)?) };
    let leap = year.div_euclid(4).checked_sub(year.div_euclid(100))?.checked_add(year.div_euclid(400))?;
    let before_month = month.checked_mul(153)?.checked_add(2)?.div_euclid(5);
    year.checked_mul(365)?
        .checked_add(leap)?
        .checked_add(before_month)?
        .checked_add(day)?
        .checked_sub(719_469)
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn seconds_since_1970() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-01T00:00:00Z", 1_767_225_600),
            ("2026-01-01T01:00:00+01:00", 1_767_225_600),
            ("2024-02-29T24:00:00", 1_709_251_200),
            ("1969-12-31T23:59:59.000Z", -1),
        ] {
            let instant = Instant::read(text).expect(text);
            assert_eq!((instant.seconds, instant.more), (seconds, false), "{text}");
        }
        let later = Instant::read("1970-01-01T00:00:00.0000000000001Z").expect("a time");
        assert!(later.is_after(0) && !later.is_after(1));
    }
}
