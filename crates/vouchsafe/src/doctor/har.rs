//! What a browser recorded, read for the SAML messages in it: HAR (HTTP Archive 1.2), or the export of the extension SAML-tracer.

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// Requests of a recording that are looked at.
const ENTRIES: usize = 20_000;

#[derive(Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

/// The export of SAML-tracer.
#[derive(Deserialize)]
struct Tracer {
    requests: Vec<Traced>,
}

#[derive(Deserialize)]
struct Traced {
    #[serde(default)]
    method: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    post: Option<Vec<(String, String)>>,
}

impl From<Traced> for Entry {
    fn from(traced: Traced) -> Entry {
        let parameters = traced.post.into_iter().flatten();
        let parameters = parameters.map(|(name, value)| Parameter { name, value: Some(value) }).collect();
        let post_data = Some(PostData { text: None, params: Some(parameters) });
        let request = Request { method: traced.method, url: traced.url, post_data };
        Entry { started_date_time: String::new(), request }
    }
}

/// One request of the recording.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    #[serde(default)]
    started_date_time: String,
    pub(crate) request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    #[serde(default)]
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    post_data: Option<PostData>,
}

#[derive(Default, Deserialize)]
struct PostData {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    params: Option<Vec<Parameter>>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

impl Entry {
    /// When it was sent.
    pub(crate) fn time(&self) -> Option<DateTime<Utc>> {
        Some(DateTime::parse_from_rfc3339(&self.started_date_time).ok()?.with_timezone(&Utc))
    }

    /// The query string of its address.
    pub(crate) fn query(&self) -> Option<&str> {
        let (_, query) = self.request.url.split_once('?')?;
        query.split('#').next()
    }

    /// The value of a field that was posted. Browsers record the body, its parameters, or both; parameters as typed (Firefox) or still
    /// percent-encoded (Chrome).
    pub(crate) fn posted(&self, field: &str) -> Option<String> {
        let data = self.request.post_data.as_ref()?;
        let in_body = data
            .text
            .as_ref()
            .and_then(|text| crate::form::values(text.as_bytes(), field).into_iter().next());
        let parameter = || {
            let value =
                data.params.as_ref()?.iter().find(|parameter| parameter.name == field)?.value.as_ref()?;
            let decoded = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
            Some(decoded.into_owned())
        };
        in_body.or_else(parameter)
    }
}

/// A recording.
pub(crate) struct Recording {
    pub(crate) entries: Vec<Entry>,
    /// Whether it is an export of SAML-tracer, which has neither times nor answers.
    pub(crate) by_tracer: bool,
}

/// The requests of a recording; `None` when it is none.
pub(crate) fn read(octets: &[u8]) -> Option<Recording> {
    let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
    let mut recording = match serde_json::from_slice::<Archive>(octets) {
        Ok(archive) => Recording { entries: archive.log.entries, by_tracer: false },
        Err(_) => {
            let tracer: Tracer = serde_json::from_slice(octets).ok()?;
            Recording { entries: tracer.requests.into_iter().map(Entry::from).collect(), by_tracer: true }
        }
    };
    recording.entries.truncate(ENTRIES);
    Some(recording)
}
