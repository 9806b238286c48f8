//! Answers, and the documents that describe the service.

use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_LOCATION, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION, RETRY_AFTER,
        WWW_AUTHENTICATE,
    },
    request::Parts,
};
use serde_json::{Map, Value, json};
use vouchsafe::ETag;
use vouchsafe_store::ScimResource;

use crate::{Limits, ScimError, schema::urn};

/// An answer that is not written yet.
#[derive(Debug)]
pub(super) struct Answered {
    status: StatusCode,
    body: Option<Value>,
    version: Option<ETag>,
    location: Option<String>,
    retry_after: Option<u64>,
}

impl Answered {
    fn of(status: StatusCode, body: Option<Value>) -> Answered {
        Answered { status, body, version: None, location: None, retry_after: None }
    }

    pub(super) fn document(document: Value) -> Answered {
        Answered::of(StatusCode::OK, Some(document))
    }

    /// All of some documents, or the one of this id.
    pub(super) fn documents(documents: Vec<Value>, id: Option<&str>) -> Result<Answered, ScimError> {
        let Some(id) = id else { return Ok(Answered::page(documents, None, 1, None)) };
        let is_it = |document: &Value| {
            document.get("id").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(id))
        };
        let found = documents.into_iter().find(is_it);
        found.map(Answered::document).ok_or_else(|| ScimError::not_found(id))
    }

    /// A list (RFC 7644, 3.4.2); with a cursor one of RFC 9865.
    pub(super) fn page(
        resources: Vec<Value>,
        total: Option<usize>,
        start_index: usize,
        next: Option<Next>,
    ) -> Answered {
        let mut body = json!({
            "schemas": [urn::LIST],
            "totalResults": total.unwrap_or(resources.len()),
            "itemsPerPage": resources.len(),
            "Resources": resources,
        });
        if let Some(body) = body.as_object_mut() {
            match next {
                Some(Next::Cursor(cursor)) => drop(body.insert("nextCursor".to_owned(), json!(cursor))),
                Some(Next::End) => {}
                None => drop(body.insert("startIndex".to_owned(), json!(start_index))),
            }
        }
        Answered::of(StatusCode::OK, Some(body))
    }

    pub(super) fn resource(
        status: StatusCode,
        document: Map<String, Value>,
        resource: &ScimResource,
        location: String,
    ) -> Answered {
        let (version, location) = (Some(version(resource)), Some(location));
        Answered { version, location, ..Answered::of(status, Some(Value::Object(document))) }
    }

    pub(super) fn nothing(resource: Option<&ScimResource>) -> Answered {
        Answered { version: resource.map(version), ..Answered::of(StatusCode::NO_CONTENT, None) }
    }

    pub(super) fn error(error: &ScimError) -> Answered {
        let retry_after = match error {
            ScimError::TooManyRequests { retry_after }
            | ScimError::TooManySearches { retry_after }
            | ScimError::TooManyGuesses { retry_after } => Some(*retry_after),
            ScimError::Store(_) | ScimError::Cryptography(_) => Some(5),
            _ => None,
        };
        Answered { retry_after, ..Answered::of(error.status(), Some(error.to_json())) }
    }

    pub(super) fn into_response(self, request: &Parts) -> Response<Vec<u8>> {
        let is_unchanged = self.status == StatusCode::OK
            && request.method == Method::GET
            && self
                .version
                .as_ref()
                .is_some_and(|version| names_version(&request.headers, &IF_NONE_MATCH, version));
        let (status, body) = match is_unchanged {
            true => (StatusCode::NOT_MODIFIED, None),
            false => (self.status, self.body),
        };
        let bytes = body.map(|body| body.to_string().into_bytes());
        let has_body = bytes.is_some();
        let mut response = Response::new(bytes.unwrap_or_default());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"SCIM\""));
        }
        let texts = [
            (ETAG, self.version.map(|version| version.to_string())),
            (if status == StatusCode::CREATED { LOCATION } else { CONTENT_LOCATION }, self.location),
            (RETRY_AFTER, self.retry_after.map(|seconds| seconds.to_string())),
        ];
        for (name, text) in texts {
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// What a page that a cursor asked for goes on with.
#[derive(Debug)]
pub(super) enum Next {
    Cursor(String),
    End,
}

/// The weak entity tag of a resource: an id may come again after a removal, and its time does not.
pub(super) fn version(resource: &ScimResource) -> ETag {
    ETag::weak(&format!("{}-{:x}", resource.revision, resource.modified_at.timestamp_millis()))
}

/// Whether a request may change a resource: `If-Match`, where it came, names its version (RFC 7644, 3.14).
pub(super) fn require_version(request: &Parts, resource: &ScimResource) -> Result<(), ScimError> {
    let is_asked = request.headers.contains_key(IF_MATCH);
    match is_asked && !names_version(&request.headers, &IF_MATCH, &version(resource)) {
        true => Err(ScimError::PreconditionFailed),
        false => Ok(()),
    }
}

/// Whether a header names a version, or any.
fn names_version(headers: &HeaderMap, header: &http::HeaderName, version: &ETag) -> bool {
    version.is_among(headers.get_all(header).iter().filter_map(|value| value.to_str().ok()))
}

/// A body is JSON; where no type is said it is taken for it.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), ScimError> {
    let Some(header) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let essence = header.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
    let is_json =
        ["application/scim+json", "application/json"].iter().any(|json| json.eq_ignore_ascii_case(&essence));
    if is_json { Ok(()) } else { Err(ScimError::UnsupportedMediaType) }
}

/// What this service does of what RFC 7643, 5 leaves to choice.
pub(super) fn configuration(base: &str, limits: &Limits) -> Value {
    json!({
        "schemas": [urn::CONFIGURATION],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": limits.page},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "pagination": {"cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": limits.page, "maxPageSize": limits.page},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token of the connection, which the organization's SCIM page issues",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    })
}
