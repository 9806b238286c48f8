//! The check of addresses: the client requests only public addresses over https.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vouchsafe::RecentlyUsed;

/// The number of names that are looked up at a time. The system's resolver occupies a thread of the runtime's
/// blocking pool until the name servers answer, and responses are checked in this pool too.
const LOOK_UPS: usize = 16;
/// The number of names that are looked up at a time besides these if they were found before.
const LOOK_UPS_OF_FOUND: usize = 8;
/// The number of names that were found and are remembered at least; at most it is twice as many.
const FOUND: usize = 5_000;

/// Checks whether an address may be requested, as far as its text shows. Names are checked again when they are
/// resolved.
pub(crate) fn admissible(url: &Url, loopback: bool) -> Result<(), &'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user name or a password in it");
    }
    let (host, address, local) = (url.host_str().unwrap_or_default(), address_in(url), is_local(url));
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

/// Checks whether a redirect of the server at `from` may be followed, and returns whether it may lead to this machine. A
/// server on the internet must not send the client to services of this machine, neither by their address nor by a name,
/// also if those may be requested.
pub(crate) fn may_lead(from: Option<SocketAddr>, to: &Url, loopback: bool) -> Result<bool, &'static str> {
    let loopback = loopback && from.is_some_and(|from| from.ip().is_loopback());
    admissible(to, loopback)?;
    Ok(loopback)
}

/// Whether the text of an address names this machine.
pub(crate) fn is_local(url: &Url) -> bool {
    match address_in(url) {
        Some(address) => address.is_loopback(),
        None => url.host_str().is_some_and(|host| host == "localhost" || host.ends_with(".localhost")),
    }
}

fn address_in(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
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

    /// Returns the resolver that does not return this machine. Both have the same limits.
    pub(crate) fn without_loopback(self) -> Guarded {
        Guarded { loopback: false, ..self }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let Guarded { loopback, look_ups, ask } = self;
        let (loopback, look_ups, look_up) = (*loopback, look_ups.clone(), ask(name.as_str().to_owned()));
        Box::pin(async move {
            let found = look_ups.run(name.as_str(), look_up).await??;
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
///
/// Name servers that do not answer hold a look-up for as long as the system's resolver waits. So names that were found
/// before have places of their own: whoever names hosts with silent name servers does not hold back the sign-ins of others.
/// A name has such a place only once until it is found again.
#[derive(Clone, Debug)]
pub(crate) struct LookUps {
    any: Arc<Semaphore>,
    of_found: Arc<Semaphore>,
    found: Arc<Mutex<RecentlyUsed<String>>>,
}

impl Default for LookUps {
    fn default() -> LookUps {
        LookUps {
            any: Arc::new(Semaphore::new(LOOK_UPS)),
            of_found: Arc::new(Semaphore::new(LOOK_UPS_OF_FOUND)),
            found: Arc::new(Mutex::new(RecentlyUsed::at_least(FOUND))),
        }
    }
}

impl LookUps {
    /// Runs a look-up when there is a place. It counts until it ends, even if its request has been given up before,
    /// because the thread cannot be stopped.
    async fn run<T: Send + 'static, E: Send + 'static>(
        &self,
        name: &str,
        look_up: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<Result<T, E>, Box<dyn Error + Send + Sync>> {
        let permit = match self.reserved(name) {
            Some(permit) => permit,
            None => Arc::clone(&self.any).acquire_owned().await?,
        };
        let (look_ups, name) = (self.clone(), name.to_owned());
        let running = tokio::spawn(async move {
            let _until_it_ends = permit;
            let answer = look_up.await;
            if answer.is_ok() {
                look_ups.remember(name);
            }
            answer
        });
        Ok(running.await?)
    }

    /// Returns one of the places of names that were found, if this is such a name and a place is free.
    fn reserved(&self, name: &str) -> Option<OwnedSemaphorePermit> {
        let mut found = self.found();
        found.get(name)?;
        let permit = Arc::clone(&self.of_found).try_acquire_owned().ok()?;
        found.remove(name);
        Some(permit)
    }

    fn remember(&self, name: String) {
        self.found().insert(name, ());
    }

    fn found(&self) -> MutexGuard<'_, RecentlyUsed<String>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether an address is public: not private, local, reserved or multicast (the IANA special-purpose
/// registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4().or_else(|| translated(address)) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

/// Returns the IPv4 address in one of the well-known prefix for translation, which a network of IPv6 alone uses to reach
/// hosts that have only IPv4 (RFC 6052, 2.1).
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = address.segments() else { return None };
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(Ipv4Addr::new(a, b, c, d))
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

/// Returns whether an IPv6 address is public. Global unicast is 2000::/3, without the prefixes for tunnelling and
/// documentation.
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

    /// The name servers of some hosts do not answer, and the requests have been given up.
    #[tokio::test(start_paused = true)]
    async fn a_look_up_keeps_its_place_until_it_ends() {
        let (answer, answered) = watch::channel(false);
        let look_ups = LookUps::default();
        let silent = |mut answered: watch::Receiver<bool>| async move {
            answered.wait_for(|answered| *answered).await.map(|_| ())
        };
        let at_once = || async { Ok::<(), ()>(()) };
        assert!(look_ups.run("found.example", at_once()).await.unwrap().is_ok());
        for number in 0..LOOK_UPS {
            let name = format!("{number}.silent.example");
            let waiting = look_ups.run(&name, silent(answered.clone()));
            assert!(timeout(Duration::from_millis(10), waiting).await.is_err());
        }
        let one_more = look_ups.run("new.example", at_once());
        assert!(timeout(Duration::from_millis(100), one_more).await.is_err(), "all places are taken");
        // A host that was found before is found again, each time.
        for _ in 0..3 {
            let again = look_ups.run("found.example", at_once());
            assert!(timeout(Duration::from_secs(10), again).await.unwrap().unwrap().is_ok());
        }
        // If its name servers are silent now, it holds one of these places, and not more.
        for _ in 0..2 * LOOK_UPS_OF_FOUND {
            let waiting = look_ups.run("found.example", silent(answered.clone()));
            assert!(timeout(Duration::from_millis(10), waiting).await.is_err());
        }
        assert_eq!(look_ups.of_found.available_permits(), LOOK_UPS_OF_FOUND - 1);
        answer.send(true).unwrap();
        let one_more = look_ups.run("new.example", at_once());
        assert!(timeout(Duration::from_secs(10), one_more).await.unwrap().unwrap().is_ok());
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
            ("https://[64:ff9b::7f00:1]/", false, false),
            ("https://[64:ff9b::808:808]/", true, true),
            ("https://[64:ff9b:1::808:808]/", false, false),
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

    #[test]
    fn a_server_on_the_internet_sends_nobody_to_this_machine() {
        let [public, local] = ["192.0.2.1:443", "127.0.0.1:7080"].map(|from| Some(from.parse().unwrap()));
        for (from, to, is_followed, may_be_local) in [
            (public, "https://cdn.example.com/metadata", true, false),
            (public, "http://127.0.0.1:7080/metadata", false, false),
            (public, "https://localhost/metadata", false, false),
            (local, "http://localhost:7081/metadata", true, true),
            (local, "https://idp.example.com/metadata", true, true),
            (Some("[::1]:443".parse().unwrap()), "http://[::1]:7081/metadata", true, true),
            (None, "https://cdn.example.com/metadata", true, false),
            (None, "https://localhost/metadata", false, false),
        ] {
            let to = Url::parse(to).unwrap();
            let led = may_lead(from, &to, true);
            assert_eq!(led.is_ok(), is_followed, "{from:?} {to}");
            // A name is looked up by the resolver that may return this machine, or by the other one.
            assert_eq!(led.unwrap_or_default(), may_be_local, "{from:?} {to}");
            let in_production = may_lead(from, &to, false);
            assert_eq!(in_production.is_ok(), is_followed && !is_local(&to), "{from:?} {to}");
            assert!(!in_production.unwrap_or_default());
        }
    }
}
