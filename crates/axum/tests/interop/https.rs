//! A router over https, on a loopback port.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;
use vouchsafe_testkit::KeyPair;

pub(crate) struct Listening {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listening {
    /// With the certificate of this key, which browsers have to be told to take.
    pub(crate) async fn start(key: &KeyPair) -> Listening {
        let certificate = CertificateDer::from(key.certificate().der().to_vec());
        let private = key.private_key().to_pkcs8_pem();
        let private = PrivateKeyDer::from_pem_slice(private.as_str().as_bytes()).unwrap();
        // Named, since other crates of a build may bring another one.
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
            // A browser breaks connections off until it has decided to take the certificate.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
