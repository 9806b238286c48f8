//! Determines which addresses count as one client.

use std::fmt;
use std::net::IpAddr;

/// The network that counts as one client when requests are counted: an IPv4 address, or the first 64 bits of an IPv6
/// address, which a network usually assigns to one customer.
///
/// An IPv4 address in the form of an IPv6 address counts as the IPv4 address: `::ffff:192.0.2.1`, and `64:ff9b::192.0.2.1`,
/// which a service behind a translator from IPv4 to IPv6 sees (RFC 6052).
///
/// ```
/// use vouchsafe::ClientNetwork;
///
/// # fn main() -> Result<(), std::net::AddrParseError> {
/// assert_eq!(ClientNetwork::of("2001:db8::1".parse()?), ClientNetwork::of("2001:db8::2".parse()?));
/// assert_ne!(ClientNetwork::of("192.0.2.1".parse()?), ClientNetwork::of("192.0.2.2".parse()?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    /// Returns the network of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> ClientNetwork {
        ClientNetwork(match untranslated(address.to_canonical()) {
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
            v4 => v4,
        })
    }

    /// Returns the larger network that this one is probably a part of: the first 48 bits of an IPv6 address, which a
    /// provider assigns to one line or site, and the same address for IPv4. Use it for a second and higher limit, so that
    /// nobody gets 65,536 times the first one.
    ///
    /// ```
    /// use vouchsafe::ClientNetwork;
    ///
    /// # fn main() -> Result<(), std::net::AddrParseError> {
    /// let (one, other) = (ClientNetwork::of("2001:db8:0:1::1".parse()?), ClientNetwork::of("2001:db8:0:2::1".parse()?));
    /// assert!(one != other && one.site() == other.site());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn site(self) -> ClientNetwork {
        ClientNetwork(match self.0 {
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 80 << 80).into()),
            v4 => v4,
        })
    }
}

/// The IPv4 address in an address with the well-known prefix of translators.
fn untranslated(address: IpAddr) -> IpAddr {
    let IpAddr::V6(translated) = address else { return address };
    match translated.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            IpAddr::from([a, b, c, d])
        }
        _ => address,
    }
}

/// Writes the first address of the network.
impl fmt::Display for ClientNetwork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::ClientNetwork;

    #[test]
    fn one_network_is_one_client() {
        let network = |text: &str| ClientNetwork::of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::2"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("64:ff9b::192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("64:ff9b::192.0.2.1"), network("64:ff9b::192.0.2.2"));
        assert_ne!(network("64:ff9b:0:1::192.0.2.1"), network("192.0.2.1"));
        assert_eq!(network("2001:db8:1:2:3::1").to_string(), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2:3::1").site().to_string(), "2001:db8:1::");
        assert_eq!(network("192.0.2.1").site(), network("192.0.2.1"));
    }
}
