//! This module writes single values of metadata: endpoints, times, booleans.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use vouchsafe_xml::Writer;

use crate::Endpoint;

pub(crate) fn write_endpoint(writer: &mut Writer, element: &str, endpoint: &Endpoint) {
    writer.start(element);
    endpoint_attributes(writer, endpoint);
    writer.end();
}

/// Writes the attributes of an endpoint.
pub(crate) fn endpoint_attributes(writer: &mut Writer, endpoint: &Endpoint) {
    writer.attribute("Binding", endpoint.binding().uri()).attribute("Location", endpoint.location());
    writer.optional_attribute("ResponseLocation", endpoint.response_location());
    writer.optional_attribute("index", endpoint.index().map(|index| index.to_string()).as_deref());
    writer.optional_attribute("isDefault", endpoint.written_default().map(boolean));
}

/// Returns the time in the form of XML Schema, which has no sign before years of more than four digits.
pub(crate) fn instant(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true).trim_start_matches('+').to_owned()
}

pub(crate) fn duration(duration: Duration) -> String {
    format!("PT{}S", duration.as_secs())
}

pub(crate) fn boolean(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
