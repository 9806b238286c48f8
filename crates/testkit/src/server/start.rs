use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::directory::Okta;
use super::routes::router;
use crate::{KeyPair, TestkitError, keys};

/// The address that the server listens on, and the key that it signs with.
#[derive(Clone, Debug)]
#[must_use]
pub struct Config {
    address: SocketAddr,
    key: KeyPair,
}

impl Default for Config {
    /// Returns 127.0.0.1 with a free port, and the key [`keys::identity_provider`].
    fn default() -> Self {
        Self { address: (Ipv4Addr::LOCALHOST, 0).into(), key: keys::identity_provider().clone() }
    }
}

impl Config {
    /// Listens on another address. There are no passwords, so use only loopback addresses.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Signs with another key.
    pub fn key(mut self, key: &KeyPair) -> Self {
        self.key = key.clone();
        self
    }
}

/// A running server. It stops when this value is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    okta: Okta,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Returns the address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of the page to open in a browser.
    #[must_use]
    pub fn dashboard_url(&self) -> String {
        format!("{}/", self.okta.base_url())
    }

    /// Returns its state.
    #[must_use]
    pub fn okta(&self) -> Okta {
        self.okta.clone()
    }

    /// Stops the server, after the requests that are being answered.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts the server on the current tokio runtime.
///
/// # Errors
///
/// An error is returned if the address is already in use.
pub async fn start(config: Config) -> Result<Server, TestkitError> {
    let failed = |source| TestkitError::Listen { address: config.address, source };
    let listener = TcpListener::bind(config.address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let okta = Okta::new(address, config.key);
    let router = router(okta.clone());
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let until = async move {
            let _ = stopped.await;
        };
        let _ = axum::serve(listener, router).with_graceful_shutdown(until).await;
    });
    Ok(Server { address, okta, stop: Some(stop), task })
}
