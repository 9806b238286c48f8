//! Reads bodies of requests that do not come from a browser.

use axum::body::{Body, to_bytes};

/// Reads a body; `None` if it has more bytes than are allowed, or if it is incomplete.
pub(crate) async fn bounded(body: Body, most: usize) -> Option<Vec<u8>> {
    to_bytes(body, most).await.ok().map(|body| body.to_vec())
}
