//! Reads recordings of browsers for the SAML messages in them: HAR (HTTP Archive 1.2), or the export of the extension
//! SAML-tracer.

use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::address::without_query;
use crate::redirect::percent_encode;

/// The maximum number of requests of a recording that are read.
const ENTRIES: usize = 20_000;
/// The maximum number of headers and form fields of a request that are read.
const PER_REQUEST: usize = 256;
/// The maximum number of cookies of a request that are read.
const COOKIES: usize = 64;
/// The maximum length of the browser's text about a failed connection, in characters.
const ERROR: usize = 200;
/// The maximum number of bytes of a page that are kept. Error pages are small, and their text comes before the end of
/// their scripts.
const PAGE: usize = 256 * 1024;

#[derive(Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    #[serde(deserialize_with = "at_most::<ENTRIES, _, _>")]
    entries: Vec<Entry>,
}

/// The export of SAML-tracer.
#[derive(Deserialize)]
struct Tracer {
    #[serde(deserialize_with = "at_most::<ENTRIES, _, _>")]
    requests: Vec<Traced>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Traced {
    #[serde(default)]
    method: String,
    #[serde(default)]
    url: String,
    #[serde(default, deserialize_with = "at_most::<PER_REQUEST, _, _>")]
    post: Vec<(String, String)>,
    #[serde(default, deserialize_with = "at_most::<PER_REQUEST, _, _>")]
    request_headers: Vec<Header>,
    #[serde(default)]
    response_status: Option<i64>,
    #[serde(default, deserialize_with = "at_most::<PER_REQUEST, _, _>")]
    response_headers: Vec<Header>,
}

impl From<Traced> for Entry {
    fn from(traced: Traced) -> Entry {
        let parameters = traced.post.into_iter();
        let parameters = parameters.map(|(name, value)| Parameter { name, value: Some(value) }).collect();
        let post_data = Some(PostData { text: None, params: parameters });
        let Traced { method, url, request_headers, response_status, response_headers, .. } = traced;
        Entry {
            started_date_time: String::new(),
            request: Request { method, url, post_data, headers: request_headers, cookies: Vec::new() },
            response: Response {
                status: response_status.unwrap_or_default(),
                headers: response_headers,
                cookies: Vec::new(),
                content: Content::default(),
                error: None,
            },
            resource_type: None,
        }
    }
}

/// One request of the recording.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    #[serde(default)]
    started_date_time: String,
    pub(crate) request: Request,
    #[serde(default)]
    response: Response,
    /// The cause of the request, as Chrome and Edge record it.
    #[serde(default, rename = "_resourceType")]
    resource_type: Option<String>,
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
    #[serde(default, deserialize_with = "at_most::<PER_REQUEST, _, _>")]
    headers: Vec<Header>,
    #[serde(default, deserialize_with = "at_most::<PER_REQUEST, _, _>")]
    cookies: Vec<Cookie>,
}

#[derive(Default, Deserialize)]
struct Response {
    #[serde(default)]
    status: i64,
    #[serde(default, deserialize_with = "at_most::<PER_REQUEST, _, _>")]
    headers: Vec<Header>,
    #[serde(default, deserialize_with = "at_most::<PER_REQUEST, _, _>")]
    cookies: Vec<Cookie>,
    #[serde(default)]
    content: Content,
    /// The reason why there is no answer, as Chrome and Edge record it.
    #[serde(default, rename = "_error")]
    error: Option<String>,
}

/// The body of an answer, if it is a page.
#[derive(Default, Deserialize)]
struct Content {
    #[serde(default, deserialize_with = "page")]
    text: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cookie {
    name: String,
    #[serde(default)]
    same_site: Option<String>,
    #[serde(default)]
    secure: Option<bool>,
}

/// A cookie that an answer set, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    /// The attribute in lower case.
    pub(crate) same_site: Option<String>,
    pub(crate) secure: bool,
    /// The lifetime in seconds, if the cookie states it.
    pub(crate) max_age: Option<i64>,
    /// Whether the header deletes the cookie.
    pub(crate) ends: bool,
}

/// The data of a recorded request, apart from the messages in it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) method: String,
    /// The address without its query.
    pub(crate) address: String,
    /// Whether the request posted a body that the recording contains.
    pub(crate) has_body: bool,
    pub(crate) time: Option<DateTime<Utc>>,
    pub(crate) status: Option<u16>,
    /// The reason why there is no answer, in the words of the browser.
    pub(crate) error: Option<String>,
    /// Whether a script made the request, and not the browser to load a page.
    pub(crate) is_fetched: bool,
    /// The address of a redirect, without its query.
    pub(crate) location: Option<String>,
    /// The names of the sent cookies.
    pub(crate) sent: Vec<String>,
    pub(crate) set: Vec<SetCookie>,
    /// The beginning of the page in the answer, if the recording contains one.
    pub(crate) page: Option<String>,
}

#[derive(Default, Deserialize)]
struct PostData {
    #[serde(default)]
    text: Option<String>,
    #[serde(default, deserialize_with = "at_most::<PER_REQUEST, _, _>")]
    params: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

fn header<'h>(headers: &'h [Header], name: &'static str) -> impl Iterator<Item = &'h str> {
    let named = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.filter_map(|header| header.value.as_deref())
}

impl SetCookie {
    fn read(line: &str) -> Option<SetCookie> {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let mut cookie = SetCookie {
            name: name.trim().to_owned(),
            same_site: None,
            secure: false,
            max_age: None,
            ends: value.trim().is_empty(),
        };
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            match attribute.trim().to_ascii_lowercase().as_str() {
                "samesite" => cookie.same_site = Some(value.trim().to_ascii_lowercase()),
                "secure" => cookie.secure = true,
                "max-age" => cookie.max_age = value.trim().parse().ok(),
                _ => {}
            }
        }
        cookie.ends |= cookie.max_age.is_some_and(|seconds| seconds <= 0);
        Some(cookie)
    }
}

impl Entry {
    /// Returns the data of the request apart from its messages. Browsers record cookies as headers, as a list, or, by
    /// default, not at all.
    pub(crate) fn into_step(self) -> Step {
        let time = self.time();
        let has_body = self.posted_form().is_some();
        let is_fetched = self.is_fetched();
        let Entry { request, response, .. } = self;
        let in_header = header(&request.headers, "cookie").flat_map(|line| line.split(';'));
        let in_header = in_header.filter_map(|pair| Some(pair.split_once('=')?.0.trim().to_owned()));
        let mut sent: Vec<String> =
            in_header.chain(request.cookies.iter().map(|cookie| cookie.name.clone())).collect();
        sent.sort();
        sent.dedup();
        let lines = header(&response.headers, "set-cookie").flat_map(str::lines);
        let mut set: Vec<SetCookie> = lines.filter_map(SetCookie::read).collect();
        if set.is_empty() {
            set.extend(response.cookies.iter().map(|cookie| SetCookie {
                name: cookie.name.clone(),
                same_site: cookie.same_site.as_ref().map(|text| text.to_ascii_lowercase()),
                secure: cookie.secure.unwrap_or_default(),
                max_age: None,
                ends: false,
            }));
        }
        sent.truncate(COOKIES);
        set.truncate(COOKIES);
        Step {
            address: without_query(&request.url),
            method: request.method,
            has_body,
            time,
            error: response.error.map(|text| text.chars().take(ERROR).collect()),
            is_fetched,
            status: u16::try_from(response.status).ok().filter(|status| *status > 0),
            location: header(&response.headers, "location").next().map(without_query),
            sent,
            set,
            page: response.content.text,
        }
    }

    /// Returns whether it is a script's request to another origin, or the preflight request before one.
    fn is_fetched(&self) -> bool {
        let mode = header(&self.request.headers, "sec-fetch-mode").next();
        self.request.method == "OPTIONS"
            || mode.is_some_and(|mode| mode.eq_ignore_ascii_case("cors"))
            || matches!(self.resource_type.as_deref(), Some("xhr" | "fetch" | "preflight"))
    }

    /// When the request was sent.
    pub(crate) fn time(&self) -> Option<DateTime<Utc>> {
        Some(DateTime::parse_from_rfc3339(&self.started_date_time).ok()?.with_timezone(&Utc))
    }

    /// Returns whether a form was posted whose content the recording does not contain.
    pub(crate) fn posted_without_content(&self) -> bool {
        let is_form = || {
            let kinds = header(&self.request.headers, "content-type");
            kinds.into_iter().any(|kind| kind.starts_with("application/x-www-form-urlencoded"))
        };
        let is_empty =
            |data: &PostData| data.text.as_deref().unwrap_or_default().is_empty() && data.params.is_empty();
        self.request.method == "POST" && is_form() && self.request.post_data.as_ref().is_none_or(is_empty)
    }

    /// Returns the query string of the address.
    pub(crate) fn query(&self) -> Option<&str> {
        let (_, query) = self.request.url.split_once('?')?;
        query.split('#').next()
    }

    /// Returns the posted form, as in the body. Browsers record the body, its parameters, or both. Firefox records
    /// the parameters decoded, and Chrome percent-encoded.
    pub(crate) fn posted_form(&self) -> Option<String> {
        let data = self.request.post_data.as_ref()?;
        if let Some(text) = data.text.as_ref().filter(|text| !text.is_empty()) {
            return Some(text.clone());
        }
        let pairs = data.params.iter().map(|parameter| {
            let value = parameter.value.as_deref().unwrap_or_default();
            let decoded = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            format!("{}={}", percent_encode(&parameter.name), percent_encode(&decoded))
        });
        let form: Vec<String> = pairs.collect();
        (!form.is_empty()).then(|| form.join("&"))
    }

    /// Returns whether a field with this name was posted.
    pub(crate) fn has_posted(&self, field: &str) -> bool {
        self.posted_form().is_some_and(|form| !crate::form::values(form.as_bytes(), field).is_empty())
    }
}

/// A recording.
pub(crate) struct Recording {
    pub(crate) entries: Vec<Entry>,
    /// Whether it is an export of SAML-tracer, which contains neither times nor answers.
    pub(crate) by_tracer: bool,
}

/// Reads the requests of a recording; `None` if the bytes are not a recording.
pub(crate) fn read(bytes: &[u8]) -> Option<Recording> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    Some(match serde_json::from_slice::<Archive>(bytes) {
        Ok(archive) => Recording { entries: in_time(archive.log.entries), by_tracer: false },
        Err(_) => {
            let tracer: Tracer = serde_json::from_slice(bytes).ok()?;
            Recording { entries: tracer.requests.into_iter().map(Entry::from).collect(), by_tracer: true }
        }
    })
}

/// Sorts the requests by the time when they were sent, if all have one, because some programs save them in another
/// order.
fn in_time(mut entries: Vec<Entry>) -> Vec<Entry> {
    if entries.iter().all(|entry| entry.time().is_some()) {
        entries.sort_by_key(Entry::time);
    }
    entries
}

/// Reads the beginning of a text that is a page or an error in JSON. Scripts, styles and images are skipped and not
/// kept.
fn page<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    struct Beginning;

    impl<'de> Visitor<'de> for Beginning {
        type Value = Option<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_none<E>(self) -> Result<Option<String>, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<String>, D::Error> {
            deserializer.deserialize_str(self)
        }

        fn visit_str<E>(self, text: &str) -> Result<Option<String>, E> {
            let text = text.trim_start();
            let end = (0..=PAGE.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
            let beginning = text.get(..end.unwrap_or_default()).unwrap_or_default();
            Ok(text.starts_with(['<', '{']).then(|| beginning.to_owned()))
        }
    }

    deserializer.deserialize_option(Beginning)
}

/// Reads the beginning of a list. The rest is skipped and not kept. `null` is an empty list.
fn at_most<'de, const MOST: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_option(Beginning::<MOST, T>(PhantomData))
}

struct Beginning<const MOST: usize, T>(PhantomData<T>);

impl<'de, const MOST: usize, T: Deserialize<'de>> Visitor<'de> for Beginning<MOST, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_none<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < MOST {
            match list.next_element()? {
                Some(one) => kept.push(one),
                None => return Ok(kept),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_a_bound_is_not_kept() {
        for (head, entry, tail) in
            [(r#"{"log":{"entries":["#, r#"{"request":{}}"#, "]}}"), (r#"{"requests":["#, "{}", "]}")]
        {
            let list = vec![entry; 200_000].join(",");
            let recording = read(format!("{head}{list}{tail}").as_bytes()).unwrap();
            assert_eq!(recording.entries.len(), ENTRIES);
            assert!(recording.entries.capacity() < 2 * ENTRIES, "{head}");
        }
        let list = vec![r#"{"name":"a"}"#; 100_000].join(",");
        let text =
            format!(r#"{{"log":{{"entries":[{{"request":{{"headers":[{list}],"cookies":null}}}}]}}}}"#);
        let recording = read(text.as_bytes()).unwrap();
        assert_eq!(recording.entries[0].request.headers.len(), PER_REQUEST);
        assert!(recording.entries[0].request.headers.capacity() < 2 * PER_REQUEST);
        assert!(read(br#"{"requests":[{},{"method":7}]}"#).is_none(), "what is kept is checked");
    }
}
