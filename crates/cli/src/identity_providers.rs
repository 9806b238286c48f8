//! `--idp-metadata`: the trusted identity providers, from one or more files, which may be aggregates.

use vouchsafe::SignatureInquiry;
use vouchsafe::assertion::Refusal;
use vouchsafe::crypto::Provider;
use vouchsafe::metadata::{EntityId, IdentityProvider, MetadataDescription, MetadataError};

use crate::failure::Failure;
use crate::input;

/// The identity providers in the files.
#[derive(Debug)]
pub(crate) struct IdentityProviders {
    sources: Vec<Source>,
}

#[derive(Debug)]
enum Source {
    One(Box<IdentityProvider>, Vec<u8>),
    /// An aggregate: one of its entities is picked when a message names it.
    Aggregate(Vec<u8>),
}

/// The maximum number of identity providers of an aggregate whose keys are tried if a signature fails.
const OTHERS: usize = 1_000;

impl IdentityProviders {
    /// Reads the files.
    pub(crate) fn load(paths: &[String]) -> Result<IdentityProviders, Failure> {
        let sources = paths.iter().map(|path| source(path)).collect::<Result<_, Failure>>()?;
        Ok(IdentityProviders { sources })
    }

    /// Returns whether the files describe more than one identity provider.
    pub(crate) fn are_several(&self) -> bool {
        !matches!(self.sources.as_slice(), [Source::One(..)])
    }

    /// Returns the file if there is one and it describes one identity provider. It helps to recognise the product.
    pub(crate) fn single_files(&self) -> impl Iterator<Item = &[u8]> {
        let only = self.sources.first().filter(|_| self.sources.len() == 1);
        only.filter(|source| matches!(source, Source::One(..))).map(Source::bytes).into_iter()
    }

    /// Returns the identity provider that a message claims to come from, or the only one if the message names none.
    pub(crate) fn claimed(&self, issuer: Option<&EntityId>) -> Result<IdentityProvider, Failure> {
        let mut found = Vec::new();
        for source in &self.sources {
            found.extend(source.named(issuer)?);
        }
        if found.len() > 1 {
            return Err(Failure::usage(
                "cli.idp_metadata",
                format!("{} of the metadata files describe the same identity provider", found.len()),
                "Give each identity provider once.",
            ));
        }
        found.pop().ok_or_else(|| {
            let trusted: Vec<String> = self.sources.iter().flat_map(Source::names).collect();
            let issuer = issuer.map(EntityId::as_str).unwrap_or_default();
            Failure::refused(Refusal::unknown_issuer(issuer, trusted.iter().map(String::as_str)))
        })
    }
}

impl IdentityProviders {
    /// Adds the keys in the files that may have made a failed signature: other keys of the entity, and those of the
    /// other entities.
    pub(crate) fn witnesses<'a>(
        &self,
        mut inquiry: SignatureInquiry<'a>,
        entity_id: &EntityId,
        provider: &Provider,
    ) -> SignatureInquiry<'a> {
        for described in
            self.sources.iter().filter_map(|source| MetadataDescription::read(source.bytes()).ok())
        {
            for entity in described.entities().iter().take(OTHERS) {
                if entity.entity_id() == entity_id.as_str() {
                    inquiry = inquiry.with_other_uses(entity);
                    continue;
                }
                let roles = entity.roles().iter().filter(|role| role.name() == "IDPSSODescriptor");
                let keys = roles.flat_map(|role| role.signing_keys());
                let named = keys.filter_map(|key| {
                    key.trusted(format!("{}, a signing key", entity.entity_id()), provider).ok()
                });
                inquiry = inquiry.with_known_keys(named);
            }
        }
        inquiry
    }
}

fn source(path: &str) -> Result<Source, Failure> {
    let bytes = input::bytes(path)?;
    match IdentityProvider::from_metadata(&bytes) {
        Ok(one) => Ok(Source::One(Box::new(one), bytes)),
        Err(MetadataError::SeveralIdentityProviders { .. }) => Ok(Source::Aggregate(bytes)),
        Err(error) => Err(Failure::unusable(path, error)),
    }
}

impl Source {
    /// Returns the entity IDs of its identity providers.
    fn names(&self) -> Vec<String> {
        match self {
            Source::One(one, _) => vec![one.entity_id().as_str().to_owned()],
            Source::Aggregate(bytes) => {
                let described = MetadataDescription::read(bytes).ok();
                let entities = described.iter().flat_map(MetadataDescription::entities);
                let providers = entities.filter(|entity| entity.is_identity_provider());
                providers.map(|entity| entity.entity_id().to_owned()).collect()
            }
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Source::One(_, bytes) | Source::Aggregate(bytes) => bytes,
        }
    }

    fn named(&self, issuer: Option<&EntityId>) -> Result<Option<IdentityProvider>, Failure> {
        match (self, issuer) {
            (Source::One(one, _), None) => Ok(Some(one.as_ref().clone())),
            (Source::One(one, _), Some(issuer)) => {
                Ok((one.entity_id() == issuer).then(|| one.as_ref().clone()))
            }
            (Source::Aggregate(_), None) => Ok(None),
            (Source::Aggregate(bytes), Some(issuer)) => {
                match IdentityProvider::from_metadata_entity(bytes, issuer) {
                    Ok(one) => Ok(Some(one)),
                    Err(MetadataError::UnknownEntity { .. }) => Ok(None),
                    Err(error) => Err(Failure::refused(error)),
                }
            }
        }
    }
}
