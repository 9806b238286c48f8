//! A router over https, on a loopback port.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

pub(crate) struct Listening {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listening {
    /// Starts with this certificate and its key. Clients must be configured to trust it.
    pub(crate) async fn start(
        certificate: CertificateDer<'static>,
        private: PrivateKeyDer<'static>,
    ) -> Listening {
        // The provider is named, since other crates of a build may bring another one.
        let cryptography = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(cryptography).with_safe_default_protocol_versions();
        let config = config.unwrap().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate], private).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Listening { listener, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    pub(crate) fn serve(self, router: Router) {
        tokio::spawn(async move { axum::serve(self, router).await });
    }
}

impl Listener for Listening {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else { continue };
            // A client that does not trust the certificate closes the connection.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
