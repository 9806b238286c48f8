use chrono::{DateTime, NaiveDateTime, Utc};

/// An `xs:dateTime`. SAML writes UTC (saml-core-2.0-os 1.3.3); a value without a time zone is taken for UTC, which several products
/// mean by it.
pub(crate) fn parse_date_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return text.contains('T').then(|| time.with_timezone(&Utc));
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_metadata_holds() {
        let cases = [
            ("2026-11-24T00:01:00Z", Some("2026-11-24T00:01:00+00:00")),
            ("2026-11-24T00:01:00.123Z", Some("2026-11-24T00:01:00.123+00:00")),
            (" 2026-11-24T02:01:00+02:00\n", Some("2026-11-24T00:01:00+00:00")),
            ("2001-02-03T04:05:06.789", Some("2001-02-03T04:05:06.789+00:00")),
            ("2026-11-24 00:01:00Z", None),
            ("2026-11-24", None),
            ("tomorrow", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_date_time(text).map(|t| t.to_rfc3339()).as_deref(), expected, "{text:?}");
        }
    }
}
