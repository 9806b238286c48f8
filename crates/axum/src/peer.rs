//! The address of the client.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;

/// Returns the address of the TCP connection, for [`SingleSignOn::client_address`](vouchsafe_web::SingleSignOn::client_address)
/// and `ScimService::with_client_address` of a service without a proxy in front of it.
///
/// axum provides it if the service is served by `Router::into_make_service_with_connect_info::<SocketAddr>`. Otherwise the
/// result is `None`.
#[must_use]
pub fn peer_address(request: &Parts) -> Option<IpAddr> {
    request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_axum_says() {
        let (mut parts, ()) = axum::http::Request::new(()).into_parts();
        assert_eq!(peer_address(&parts), None);
        parts.extensions.insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4000))));
        assert_eq!(peer_address(&parts), Some(IpAddr::from([192, 0, 2, 1])));
    }
}
