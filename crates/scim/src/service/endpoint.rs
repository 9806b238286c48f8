//! Which endpoint a path means.

use percent_encoding::percent_decode_str;
use vouchsafe_store::ScimKind;

use crate::ScimError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Configuration,
    ResourceTypes(Option<String>),
    Schemas(Option<String>),
    All(ScimKind),
    One(ScimKind, String),
    Search(ScimKind),
    SearchAll,
    Bulk,
    Me,
}

impl Endpoint {
    /// Endpoints are compared as they are written (RFC 7644, 3.2).
    pub(super) fn of(path: &str) -> Result<Endpoint, ScimError> {
        let mut parts = path.trim_matches('/').split('/');
        let (first, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        if third.is_some() {
            return Err(ScimError::NoEndpoint);
        }
        let second = second.filter(|name| !name.is_empty()).map(decoded).transpose()?;
        match (first, second) {
            ("ServiceProviderConfig", None) => Ok(Endpoint::Configuration),
            ("ResourceTypes", name) => Ok(Endpoint::ResourceTypes(name)),
            ("Schemas", name) => Ok(Endpoint::Schemas(name)),
            ("Users", part) => Ok(Self::of_kind(ScimKind::User, part)),
            ("Groups", part) => Ok(Self::of_kind(ScimKind::Group, part)),
            (".search", None) => Ok(Endpoint::SearchAll),
            ("Bulk", None) => Ok(Endpoint::Bulk),
            ("Me", None) => Ok(Endpoint::Me),
            _ => Err(ScimError::NoEndpoint),
        }
    }

    fn of_kind(kind: ScimKind, part: Option<String>) -> Endpoint {
        match part {
            None => Endpoint::All(kind),
            Some(part) if part == ".search" => Endpoint::Search(kind),
            Some(id) => Endpoint::One(kind, id),
        }
    }
}

fn decoded(part: &str) -> Result<String, ScimError> {
    let decoded = percent_decode_str(part).decode_utf8().map_err(|_| ScimError::NoEndpoint)?;
    Ok(decoded.into_owned())
}
