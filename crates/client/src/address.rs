//! The check of addresses: the client requests only public addresses over https.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

/// The number of names that are looked up at a time. The system's resolver occupies a thread of the runtime's
/// blocking pool until the name servers answer, and responses are checked in this pool too.
const LOOK_UPS: usize = 16;

/// Checks whether an address may be requested, as far as its text shows. Names are checked again when they are
/// resolved.
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

/// Resolves names and returns only public addresses, so that a name cannot lead into a private network.
#[derive(Clone)]
pub(crate) struct Guarded {
    loopback: bool,
    look_ups: LookUps,
    ask: Ask,
}

/// Asks the name servers for the addresses of a name.
type Ask = fn(String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

impl Guarded {
    pub(crate) fn new(loopback: bool) -> Guarded {
        let ask: Ask = |name| {
            Box::pin(async move {
                let found = tokio::net::lookup_host((name, 0)).await?;
                Ok(found.collect())
            })
        };
        Guarded { loopback, look_ups: LookUps::default(), ask }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let Guarded { loopback, look_ups, ask } = self;
        let (loopback, look_ups, look_up) = (*loopback, look_ups.clone(), ask(name.as_str().to_owned()));
        Box::pin(async move {
            let found = look_ups.run(look_up).await??;
            Ok(Box::new(allowed(found, loopback)?.into_iter()) as Addrs)
        })
    }
}

/// Returns the allowed addresses of a name. The connection goes to one of these without a second look-up, so a second
/// answer of the name servers cannot lead it elsewhere.
fn allowed(found: Vec<SocketAddr>, loopback: bool) -> Result<Vec<SocketAddr>, &'static str> {
    let may_be_asked =
        |address: &SocketAddr| is_public(address.ip()) || (loopback && address.ip().is_loopback());
    let allowed: Vec<SocketAddr> = found.into_iter().filter(may_be_asked).collect();
    if allowed.is_empty() { Err("the host has no address on the public internet") } else { Ok(allowed) }
}

/// The look-ups of a client, of which a limited number run at a time.
#[derive(Clone, Debug)]
pub(crate) struct LookUps(Arc<Semaphore>);

impl Default for LookUps {
    fn default() -> LookUps {
        LookUps(Arc::new(Semaphore::new(LOOK_UPS)))
    }
}

impl LookUps {
    /// Runs a look-up when fewer than [`LOOK_UPS`] run. It counts until it ends, even if its request has been given
    /// up before, because the thread cannot be stopped.
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

/// Returns whether an address is public: not private, local, reserved or multicast (the IANA special-purpose
/// registries).
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

/// Returns whether an IPv6 address is public. Global unicast is 2000::/3, without the prefixes for translation,
/// tunnelling and documentation.
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

    /// The name servers of a host do not answer, and the requests have been given up.
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

    /// The name servers give another answer each time: a private address is never allowed.
    #[test]
    fn each_answer_of_the_name_servers_is_looked_at() {
        let at = |address: &str| format!("{address}:443").parse::<SocketAddr>().unwrap();
        let (public, private, local) = (at("8.8.8.8"), at("10.0.0.1"), at("127.0.0.1"));
        let metadata_service = at("169.254.169.254");
        for (found, production, development) in [
            (vec![public], Some(vec![public]), Some(vec![public])),
            (vec![private], None, None),
            (vec![metadata_service, private], None, None),
            (vec![public, private], Some(vec![public]), Some(vec![public])),
            (vec![private, local], None, Some(vec![local])),
            (vec![at("[::ffff:10.0.0.1]"), at("[fd00::1]")], None, None),
            (Vec::new(), None, None),
        ] {
            assert_eq!(allowed(found.clone(), false).ok(), production, "{found:?}");
            assert_eq!(allowed(found.clone(), true).ok(), development, "{found:?}");
        }
    }

    /// A name leads to an allowed address at the first look-up, and to a private one at the second. The connection
    /// goes to the checked address, and the next connection is checked again.
    #[tokio::test]
    async fn a_name_is_looked_up_once_for_each_connection() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let ask: Ask = |_| {
            Box::pin(async {
                let inside = ["127.0.0.1:0", "10.0.0.1:0"];
                let place = ASKED.fetch_add(1, Ordering::Relaxed) % 2;
                Ok(vec![inside[place].parse().unwrap()])
            })
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 1024]).await;
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
                stream.write_all(answer).await.unwrap();
            }
        });
        let guarded = Guarded { loopback: true, look_ups: LookUps::default(), ask };
        let client = reqwest::Client::builder().no_proxy().dns_resolver(guarded).build().unwrap();
        for (asked, is_answered) in [(1, true), (2, false), (3, true)] {
            let answer = client.get(format!("http://idp.example:{port}/")).send().await;
            assert_eq!(answer.is_ok(), is_answered, "{answer:?}");
            assert_eq!(ASKED.load(Ordering::Relaxed), asked);
            if let Err(error) = answer {
                let cause = std::iter::successors(error.source(), |cause| (*cause).source()).last();
                assert!(cause.unwrap().to_string().contains("no address on the public internet"));
            }
        }
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
