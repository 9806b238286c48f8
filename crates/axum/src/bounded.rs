//! Bodies of requests that come without a browser.

use axum::body::{Body, to_bytes};

/// One byte more than is allowed shows that there is too much: the service says so in its own words.
pub(crate) async fn bounded(body: Body, most: usize) -> Vec<u8> {
    let limit = most.saturating_add(1);
    to_bytes(body, limit).await.map_or_else(|_| vec![0; limit], |body| body.to_vec())
}
