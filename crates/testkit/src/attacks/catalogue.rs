//! A list of all attacks, on all endpoints.

use std::fmt;

use super::{EndpointAttack, all, artifact, availability, logout, names};

/// The endpoint that an attack is made against.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Endpoint {
    /// The assertion consumer, and the other doors of [`Service`](super::Service).
    AssertionConsumer,
    /// The assertion consumer, with an artifact.
    AssertionConsumerByArtifact,
    /// The single logout addresses, with logout requests.
    SingleLogout,
    /// The single logout address, with answers to the service's own requests.
    SingleLogoutAnswers,
    /// The address for messages about names, with requests.
    NameIdManagement,
    /// The address for messages about names, with answers to the service's own requests.
    NameIdManagementAnswers,
    /// The endpoints that customers share.
    SharedEndpoints,
}

impl Endpoint {
    /// All endpoints.
    pub const ALL: [Endpoint; 7] = [
        Endpoint::AssertionConsumer,
        Endpoint::AssertionConsumerByArtifact,
        Endpoint::SingleLogout,
        Endpoint::SingleLogoutAnswers,
        Endpoint::NameIdManagement,
        Endpoint::NameIdManagementAnswers,
        Endpoint::SharedEndpoints,
    ];
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Endpoint::AssertionConsumer => "assertion consumer",
            Endpoint::AssertionConsumerByArtifact => "assertion consumer by artifact",
            Endpoint::SingleLogout => "single logout",
            Endpoint::SingleLogoutAnswers => "answers to logout requests",
            Endpoint::NameIdManagement => "name identifier management",
            Endpoint::NameIdManagementAnswers => "answers about names",
            Endpoint::SharedEndpoints => "availability between customers",
        })
    }
}

/// An attack in the list.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Listed {
    /// Its name, which does not change.
    pub name: String,
    /// The endpoint that it is made against.
    pub endpoint: Endpoint,
    /// The way to the endpoint, if there are several: `redirect`, `post`, `soap`, `query`, `form`; for
    /// [`Endpoint::SharedEndpoints`], what another customer's people do.
    pub door: Option<&'static str>,
    /// Its description in one line.
    pub description: &'static str,
    /// Where it was described or found, if that is certain.
    pub reference: Option<&'static str>,
}

/// Returns every attack of the kit, on all endpoints.
///
/// ```
/// use vouchsafe_testkit::attacks::{Endpoint, catalogue};
///
/// let all = catalogue();
/// for endpoint in Endpoint::ALL {
///     assert!(all.iter().any(|listed| listed.endpoint == endpoint), "{endpoint}");
/// }
/// ```
#[must_use]
pub fn catalogue() -> Vec<Listed> {
    let consumer = all()
        .iter()
        .map(|attack| Listed {
            name: attack.name().to_owned(),
            endpoint: Endpoint::AssertionConsumer,
            door: None,
            description: attack.description(),
            reference: attack.reference(),
        })
        .collect::<Vec<_>>();
    let by_artifact = artifact::all().into_iter().map(|attack| Listed {
        name: attack.name(),
        endpoint: Endpoint::AssertionConsumerByArtifact,
        door: Some(attack.door().name()),
        description: attack.description(),
        reference: attack.reference(),
    });
    let others = [
        (Endpoint::SingleLogout, logout::all()),
        (Endpoint::SingleLogoutAnswers, logout::all_answers()),
        (Endpoint::NameIdManagement, names::all()),
        (Endpoint::NameIdManagementAnswers, names::all_answers()),
        (Endpoint::SharedEndpoints, availability::all()),
    ];
    let others = others
        .into_iter()
        .flat_map(|(endpoint, attacks)| attacks.into_iter().map(move |attack| listed(endpoint, &attack)));
    consumer.into_iter().chain(by_artifact).chain(others).collect()
}

fn listed(endpoint: Endpoint, attack: &EndpointAttack) -> Listed {
    Listed {
        name: attack.name().to_owned(),
        endpoint,
        door: Some(attack.door()),
        description: attack.description(),
        reference: None,
    }
}
