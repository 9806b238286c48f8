//! Which addresses may be asked: public ones over https.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

/// How many names are looked up at a time. The system's resolver keeps a thread of the runtime's blocking pool, in which responses are
/// checked too, for as long as the name servers are silent.
const LOOK_UPS: usize = 16;

/// Whether an address may be asked, as far as its text tells; names are looked at again when they are resolved.
pub(crate) fn admissible(url: &Url, loopback: bool) -> Result<(), &'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user name or a password in it");
    }
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    let local = match address {
        Some(address) => address.is_loopback(),
        None => host == "localhost" || host.ends_with(".localhost"),
    };
    if url.scheme() != "https" && !(loopback && local && url.scheme() == "http") {
        return Err("only https is loaded");
    }
    if local && loopback {
        return Ok(());
    }
    let public = match address {
        Some(address) => is_public(address),
        None => !local && !host.is_empty(),
    };
    if public { Ok(()) } else { Err("the host is not on the public internet") }
}

/// Resolves names and lets only public addresses through, so that a name cannot lead inside.
pub(crate) struct Guarded {
    pub(crate) loopback: bool,
    pub(crate) look_ups: LookUps,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let Guarded { loopback, look_ups } = self;
        let (loopback, look_ups) = (*loopback, look_ups.clone());
        Box::pin(async move {
            let look_up = async move {
                let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
                Ok::<Vec<SocketAddr>, std::io::Error>(found.collect())
            };
            let found = look_ups.run(look_up).await??;
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| is_public(address.ip()) || (loopback && address.ip().is_loopback()))
                .collect();
            if allowed.is_empty() {
                return Err("the host has no address on the public internet".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The look-ups of a client, of which a bounded number run.
#[derive(Clone, Debug)]
pub(crate) struct LookUps(Arc<Semaphore>);

impl Default for LookUps {
    fn default() -> LookUps {
        LookUps(Arc::new(Semaphore::new(LOOK_UPS)))
    }
}

impl LookUps {
    /// Runs a look-up when fewer than [`LOOK_UPS`] run. It keeps its place until it ends, even if the request that asked has given up before,
    /// because a thread cannot be made to give up.
    async fn run<T: Send + 'static>(
        &self,
        look_up: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Box<dyn Error + Send + Sync>> {
        let permit = Arc::clone(&self.0).acquire_owned().await?;
        let running = tokio::spawn(async move {
            let _until_it_ends = permit;
            look_up.await
        });
        Ok(running.await?)
    }
}

/// Neither private, local, reserved nor multicast (the IANA special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4() {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 198 && (b == 18 || b == 19 || (b == 51 && c == 100)))
        || (a == 203 && b == 0 && c == 113))
}

/// Global unicast is 2000::/3; of that, translation and tunnelling prefixes and the documentation's are left out.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    (first & 0xe000) == 0x2000
        && first != 0x2002
        && !(first == 0x2001 && (second < 0x0200 || second == 0x0db8))
        && first != 0x3fff
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::watch;
    use tokio::time::timeout;

    use super::*;

    /// A host whose name servers are silent, asked by requests that have given up.
    #[tokio::test]
    async fn a_look_up_keeps_its_place_until_it_ends() {
        let (answer, answered) = watch::channel(false);
        let look_ups = LookUps::default();
        let silent = |mut answered: watch::Receiver<bool>| async move {
            answered.wait_for(|answered| *answered).await.is_ok()
        };
        for _ in 0..LOOK_UPS {
            let waiting = look_ups.run(silent(answered.clone()));
            assert!(timeout(Duration::from_millis(10), waiting).await.is_err());
        }
        let one_more = look_ups.run(async { true });
        assert!(timeout(Duration::from_millis(100), one_more).await.is_err(), "all places are taken");
        answer.send(true).unwrap();
        let one_more = look_ups.run(async { true });
        assert!(timeout(Duration::from_secs(10), one_more).await.unwrap().unwrap());
    }

    #[test]
    fn only_the_public_internet_is_asked() {
        for (address, production, development) in [
            ("https://example.okta.com/app/exk1/sso/saml/metadata", true, true),
            ("https://8.8.8.8/metadata", true, true),
            ("http://example.okta.com/metadata", false, false),
            ("http://127.0.0.1:7080/metadata", false, true),
            ("https://localhost/metadata", false, true),
            ("https://[::1]/metadata", false, true),
            ("https://10.0.0.1/metadata", false, false),
            ("https://169.254.169.254/latest/meta-data", false, false),
            ("https://192.168.1.1/", false, false),
            ("https://100.64.0.1/", false, false),
            ("https://[::ffff:10.0.0.1]/", false, false),
            ("https://[64:ff9b::a00:1]/", false, false),
            ("https://user@example.com/", false, false),
            ("https://0x7f.1/", false, true),
            ("https://[fd00::1]/", false, false),
            ("https://[fe80::1]/", false, false),
            ("https://[2606:4700::1111]/", true, true),
            ("https://2130706433/", false, true),
            ("ftp://example.com/", false, false),
        ] {
            let url = Url::parse(address).unwrap();
            assert_eq!(admissible(&url, false).is_ok(), production, "{address} in production");
            assert_eq!(admissible(&url, true).is_ok(), development, "{address} in development");
        }
    }
}
