//! This module issues a self-signed certificate.

use crate::backend::ecdsa;
use crate::{CryptoError, KeyKind, PrivateKey, Provider, SignatureAlgorithm};
use core::time::Duration;
use signature::Keypair;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::{self, Builder as _, CertificateBuilder, profile::BuilderProfile};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::{Any, BitString, GeneralizedTime, ObjectIdentifier};
use x509_cert::der::{DateTime, Decode as _, Document, Encode as _, Tag};
use x509_cert::ext::{Extension, ToExtension as _, pkix::BasicConstraints, pkix::SubjectKeyIdentifier};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{
    self, AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey,
    SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef,
};
use x509_cert::time::{Time, Validity};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The longest common name, in characters (ub-common-name, RFC 5280, appendix A.1).
const COMMON_NAME_MAXIMUM: usize = 64;

pub(super) fn self_signed(
    provider: &Provider,
    key: &PrivateKey,
    common_name: &str,
    not_before: i64,
    not_after: i64,
) -> Result<Vec<u8>, CryptoError> {
    if not_after <= not_before {
        return Err(refused("the end of validity is not after its begin"));
    }
    let subject = name(common_name)?;
    let validity = Validity::new(time(not_before)?, time(not_after)?);
    let spki = SubjectPublicKeyInfoOwned::from_der(key.public_key().spki_der())
        .map_err(|_| refused("the public key cannot be written"))?;
    let signer =
        Signer { spki_der: key.public_key().spki_der(), algorithm: SignatureAlgorithm::for_key(key.kind()) };
    let failed = |_| refused("its parts cannot be written");
    let mut builder =
        CertificateBuilder::new(SelfSigned(subject), serial(provider)?, validity, spki).map_err(failed)?;
    let message = builder.finalize(&signer).map_err(failed)?;
    let signature = provider.sign(signer.algorithm, key, &message)?;
    let signature = match key.kind() {
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => {
            ecdsa::to_asn1(&signature).ok_or(refused("the signature cannot be written"))?
        }
        KeyKind::Rsa { .. } | KeyKind::Ed25519 => signature,
    };
    let signature =
        BitString::from_bytes(&signature).map_err(|_| refused("the signature cannot be written"))?;
    let certificate = builder.assemble(signature, &signer).map_err(failed)?;
    certificate.to_der().map_err(|_| refused("its parts cannot be written"))
}

fn refused(detail: &'static str) -> CryptoError {
    CryptoError::CertificateNotIssued { detail }
}

fn name(common_name: &str) -> Result<Name, CryptoError> {
    if common_name.is_empty() || common_name.chars().count() > COMMON_NAME_MAXIMUM {
        return Err(refused("the common name must have 1 to 64 characters"));
    }
    let failed = |_| refused("the common name cannot be written");
    let value = Any::new(Tag::Utf8String, common_name.as_bytes()).map_err(failed)?;
    let name = RelativeDistinguishedName::try_from(vec![AttributeTypeAndValue { oid: COMMON_NAME, value }]);
    let mut names = RdnSequence::default();
    names.push(name.map_err(failed)?);
    names.to_der().and_then(|names| Name::from_der(&names)).map_err(failed)
}

fn time(seconds: i64) -> Result<Time, CryptoError> {
    let failed = || refused("a time of validity is outside 1970 to 9999");
    let seconds = Duration::from_secs(u64::try_from(seconds).map_err(|_| failed())?);
    let time = DateTime::from_unix_duration(seconds).map_err(|_| failed())?;
    Ok(Time::from(GeneralizedTime::from_date_time(time)))
}

/// Returns a positive serial number of 127 bits, of which 126 are random.
fn serial(provider: &Provider) -> Result<SerialNumber, CryptoError> {
    let mut bytes = [0; 16];
    provider.random(&mut bytes)?;
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    SerialNumber::new(&bytes).map_err(|_| refused("the serial number cannot be written"))
}

/// The names and extensions of the certificate.
struct SelfSigned(Name);

impl BuilderProfile for SelfSigned {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.0.clone()
    }

    fn build_extensions(
        &self,
        spk: SubjectPublicKeyInfoRef<'_>,
        _issuer_spk: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let constraints = BasicConstraints { ca: false, path_len_constraint: None };
        let mut extensions = vec![(&constraints).to_extension(tbs.subject(), &[])?];
        let identifier = SubjectKeyIdentifier::try_from(spk)?;
        extensions.push((&identifier).to_extension(tbs.subject(), &extensions)?);
        Ok(extensions)
    }
}

/// The public data of the signer that the builder needs. The provider signs.
struct Signer<'k> {
    spki_der: &'k [u8],
    algorithm: SignatureAlgorithm,
}

#[derive(Clone)]
struct Public(Vec<u8>);

impl Keypair for Signer<'_> {
    type VerifyingKey = Public;

    fn verifying_key(&self) -> Public {
        Public(self.spki_der.to_vec())
    }
}

impl EncodePublicKey for Public {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Ok(Document::try_from(self.0.clone())?)
    }
}

impl DynSignatureAlgorithmIdentifier for Signer<'_> {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        let (oid, parameters) = match self.algorithm {
            SignatureAlgorithm::RsaSha256 => ("1.2.840.113549.1.1.11", Some(Any::null())),
            SignatureAlgorithm::EcdsaSha256 => ("1.2.840.10045.4.3.2", None),
            SignatureAlgorithm::EcdsaSha384 => ("1.2.840.10045.4.3.3", None),
            SignatureAlgorithm::EcdsaSha512 => ("1.2.840.10045.4.3.4", None),
            SignatureAlgorithm::Ed25519 => ("1.3.101.112", None),
            _ => return Err(spki::Error::KeyMalformed),
        };
        let oid = ObjectIdentifier::new(oid).map_err(|_| spki::Error::KeyMalformed)?;
        Ok(AlgorithmIdentifierOwned { oid, parameters })
    }
}
