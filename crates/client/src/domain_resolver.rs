//! TXT records of customers' domains: what the verification of a domain asks the DNS.

use std::{fmt, net::SocketAddr, time::Duration};

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, RData},
    },
};

use crate::ClientError;

/// Asks the DNS for TXT records, for [`Organization::verify_domain`](vouchsafe::provisioning::Organization::verify_domain).
///
/// Every question is asked anew: a record that was just written is seen as soon as the DNS has it. A question takes ten seconds at most, and of
/// the answer no more is looked at than [`MAX_RECORDS`](Self::MAX_RECORDS) records of [`MAX_BYTES`](Self::MAX_BYTES).
///
/// An answer of the DNS is not signed where the resolver that is asked does not validate DNSSEC. Ask one that does, on a network of yours.
///
/// ```no_run
/// use vouchsafe::provisioning::{Domain, Organization};
/// use vouchsafe_client::DomainResolver;
///
/// # async fn example(mut acme: Organization, now: chrono::DateTime<chrono::Utc>) -> Result<(), Box<dyn std::error::Error>> {
/// let resolver = DomainResolver::from_system()?;
/// let domain = Domain::parse("acme.example")?;
/// let Some(challenge) = acme.domain_challenges.iter().find(|known| known.domain == domain) else { return Ok(()) };
/// let records = resolver.txt_records(&challenge.record_name()).await?;
/// acme.verify_domain(&domain, &records, now)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DomainResolver {
    resolver: TokioResolver,
    longest: Duration,
}

impl DomainResolver {
    /// How many records of an answer are looked at.
    pub const MAX_RECORDS: usize = 100;

    /// How many bytes a record may have to be looked at, its strings joined.
    pub const MAX_BYTES: usize = 4_096;

    /// How long it waits for one answer.
    const PATIENCE: Duration = Duration::from_secs(3);

    /// How long a question takes at most, with every server and every attempt.
    const LONGEST: Duration = Duration::from_secs(10);

    /// Asks the resolvers of this machine: `/etc/resolv.conf`, or what Windows has instead.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`]: they cannot be read.
    pub fn from_system() -> Result<DomainResolver, ClientError> {
        let builder = TokioResolver::builder_tokio().map_err(setup)?;
        Self::built(builder, Self::PATIENCE, Self::LONGEST)
    }

    /// Asks these resolvers, by UDP, and by TCP where an answer is too long for that.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`].
    pub fn at(servers: impl IntoIterator<Item = SocketAddr>) -> Result<DomainResolver, ClientError> {
        Self::at_within(servers, Self::PATIENCE, Self::LONGEST)
    }

    /// The same that waits for so long for one answer, and for so long in all.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`].
    pub fn at_within(
        servers: impl IntoIterator<Item = SocketAddr>,
        patience: Duration,
        longest: Duration,
    ) -> Result<DomainResolver, ClientError> {
        let servers = servers.into_iter().map(|server| {
            let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            connections.iter_mut().for_each(|connection| connection.port = server.port());
            NameServerConfig::new(server.ip(), true, connections.into())
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
        Self::built(Resolver::builder_with_config(config, TokioRuntimeProvider::default()), patience, longest)
    }

    fn built(
        mut builder: hickory_resolver::ResolverBuilder<TokioRuntimeProvider>,
        patience: Duration,
        longest: Duration,
    ) -> Result<DomainResolver, ClientError> {
        let options: &mut ResolverOpts = builder.options_mut();
        options.timeout = patience;
        options.attempts = 2;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        Ok(DomainResolver { resolver: builder.build().map_err(setup)?, longest })
    }

    /// The TXT records of a name, each with its strings joined (RFC 7208 3.3); none where the DNS has none. What is no UTF-8 or too long is left
    /// out: it is nothing that was asked for.
    ///
    /// # Errors
    ///
    /// [`ClientError::Dns`]: the name is none, nobody answered in time, or the servers of the domain failed. Then it is not known whether there are any.
    pub async fn txt_records(&self, name: &str) -> Result<Vec<String>, ClientError> {
        let failed = |reason: String| ClientError::Dns { name: name.to_owned(), reason };
        let mut absolute = Name::from_ascii(name).map_err(|error| failed(error.to_string()))?;
        if absolute.num_labels() == 0 {
            return Err(failed("it is empty".to_owned()));
        }
        // No search list of this machine is tried.
        absolute.set_fqdn(true);
        let asked = tokio::time::timeout(self.longest, self.resolver.txt_lookup(absolute)).await;
        let found = match asked {
            Ok(Ok(found)) => found,
            Ok(Err(error)) if is_none(&error) => return Ok(Vec::new()),
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Err(_) => return Err(failed("nobody answered in time".to_owned())),
        };
        let records = found.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(text) => joined(&text.txt_data),
            _ => None,
        });
        Ok(records.take(Self::MAX_RECORDS).collect())
    }
}

impl fmt::Debug for DomainResolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DomainResolver").field("longest", &self.longest).finish_non_exhaustive()
    }
}

fn setup(error: NetError) -> ClientError {
    ClientError::Setup { source: Box::new(error) }
}

/// Whether the DNS says that there are no such records.
fn is_none(error: &NetError) -> bool {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError)
        }
        _ => false,
    }
}

fn joined(strings: &[Box<[u8]>]) -> Option<String> {
    let bytes = strings.concat();
    if bytes.len() > DomainResolver::MAX_BYTES { None } else { String::from_utf8(bytes).ok() }
}
