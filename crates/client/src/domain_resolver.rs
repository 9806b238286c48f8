//! TXT records of customers' domains, which the verification of a domain reads from the DNS.

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

/// Reads TXT records from the DNS, for
/// [`Organization::verify_domain`](vouchsafe::provisioning::Organization::verify_domain).
///
/// Nothing is cached, so a new record is found as soon as the DNS has it. A question takes at most ten seconds. At
/// most [`MAX_RECORDS`](Self::MAX_RECORDS) records of at most [`MAX_BYTES`](Self::MAX_BYTES) are read from the
/// answer.
///
/// An answer of the DNS is not authenticated if the resolver does not validate DNSSEC. Use a resolver that validates,
/// on a network that you control.
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
    /// The largest number of records that are read from an answer.
    pub const MAX_RECORDS: usize = 100;

    /// The largest length in bytes of a record that is read, with its strings joined.
    pub const MAX_BYTES: usize = 4_096;

    /// The time that it waits for one answer.
    const PATIENCE: Duration = Duration::from_secs(3);

    /// The longest time of a question, with every server and every attempt.
    const LONGEST: Duration = Duration::from_secs(10);

    /// Uses the resolvers of this machine, from `/etc/resolv.conf` or the configuration of Windows.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] if the configuration cannot be read.
    pub fn from_system() -> Result<DomainResolver, ClientError> {
        let builder = TokioResolver::builder_tokio().map_err(setup)?;
        Self::built(builder, Self::PATIENCE, Self::LONGEST)
    }

    /// Uses these resolvers by UDP, and by TCP if an answer is too long for UDP.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] if the resolver cannot be made.
    pub fn at(servers: impl IntoIterator<Item = SocketAddr>) -> Result<DomainResolver, ClientError> {
        Self::at_within(servers, Self::PATIENCE, Self::LONGEST)
    }

    /// Uses these resolvers with other time limits: `patience` for one answer, and `longest` for a whole question.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] if the resolver cannot be made.
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

    /// Returns the TXT records of a name, each with its strings joined (RFC 7208 3.3). The list is empty if the DNS
    /// has no such records. Records that are not UTF-8 or are too long are left out, because they cannot be
    /// verification records.
    ///
    /// # Errors
    ///
    /// [`ClientError::Dns`] if the name is not valid, if no answer came in time, or if the servers of the domain
    /// failed. In these cases it is unknown whether there are records.
    pub async fn txt_records(&self, name: &str) -> Result<Vec<String>, ClientError> {
        let failed = |reason: String| ClientError::Dns { name: name.to_owned(), reason };
        let mut absolute = Name::from_ascii(name).map_err(|error| failed(error.to_string()))?;
        if absolute.num_labels() == 0 {
            return Err(failed("it is empty".to_owned()));
        }
        // The search list of this machine is not used.
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

/// Returns whether the DNS states that there are no such records.
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
