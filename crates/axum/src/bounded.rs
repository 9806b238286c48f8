//! Bodies of requests that come without a browser.

use axum::body::{Body, to_bytes};

/// A body; `None` if it has more bytes than are allowed, or does not come to its end.
pub(crate) async fn bounded(body: Body, most: usize) -> Option<Vec<u8>> {
    to_bytes(body, most).await.ok().map(|body| body.to_vec())
}
