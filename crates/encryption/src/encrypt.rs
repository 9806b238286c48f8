use vouchsafe_crypto::{
    Certificate, ContentCipher, DigestAlgorithm, KeyTransport, Provider, PublicKey, base64_encode,
    hexadecimal,
};
use vouchsafe_xml::{Writer, namespace};

use crate::EncryptionError;
use crate::structure::{TYPE_ELEMENT, TYPE_ENCRYPTED_KEY};

/// The place of the `xenc:EncryptedKey`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyLayout {
    /// Inside the `ds:KeyInfo` of the `xenc:EncryptedData`, as most implementations do.
    #[default]
    InKeyInfo,
    /// Next to the `xenc:EncryptedData`, with a `ds:RetrievalMethod` that refers to it, as Okta does.
    Sibling,
    /// Next to the `xenc:EncryptedData`, without a reference to it.
    SiblingUnreferenced,
}

/// The options of encryption. The default is AES-256-GCM with RSA-OAEP (SHA-1 and MGF1 with SHA-1, which all
/// implementations can read), the key in the `ds:KeyInfo`, and no certificate.
#[derive(Clone, Debug)]
#[must_use]
pub struct EncryptOptions {
    cipher: ContentCipher,
    key_transport: KeyTransport,
    layout: KeyLayout,
    certificate: Option<Certificate>,
}

impl Default for EncryptOptions {
    fn default() -> Self {
        Self {
            cipher: ContentCipher::Aes256Gcm,
            key_transport: KeyTransport::RsaOaep {
                digest: DigestAlgorithm::Sha1,
                mgf: DigestAlgorithm::Sha1,
            },
            layout: KeyLayout::InKeyInfo,
            certificate: None,
        }
    }
}

impl EncryptOptions {
    /// Sets the cipher for the content.
    pub fn cipher(mut self, cipher: ContentCipher) -> Self {
        self.cipher = cipher;
        self
    }

    /// Sets the algorithm that encrypts the content key.
    pub fn key_transport(mut self, key_transport: KeyTransport) -> Self {
        self.key_transport = key_transport;
        self
    }

    /// Sets the place of the encrypted key.
    pub fn layout(mut self, layout: KeyLayout) -> Self {
        self.layout = layout;
        self
    }

    /// Puts this certificate into the encrypted key, so that the recipient can find out which of its keys to use.
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }
}

/// One of the recipients that a message is encrypted to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recipient<'a> {
    /// The public key to encrypt to.
    pub key: &'a PublicKey,
    /// The certificate that is put into the encrypted key.
    pub certificate: Option<&'a Certificate>,
    /// The value of the attribute `Recipient`: an entity ID.
    pub name: Option<&'a str>,
}

impl<'a> Recipient<'a> {
    /// Makes a recipient with a key, but without a certificate or a name.
    #[must_use]
    pub fn new(key: &'a PublicKey) -> Self {
        Self { key, certificate: None, name: None }
    }

    /// Sets the certificate that is put into the encrypted key.
    #[must_use]
    pub fn with_certificate(mut self, certificate: &'a Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Sets the entity ID of the recipient.
    #[must_use]
    pub fn with_name(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }
}

/// Encrypts one serialised element for one recipient.
///
/// The result is an `xenc:EncryptedData`, followed by an `xenc:EncryptedKey` if the layout has it as a sibling. Put
/// it inside a `saml2:EncryptedAssertion` or another element of this kind. The plain element is encrypted unchanged:
/// it must declare the prefixes that it uses, unless they are declared where the result will be.
///
/// # Errors
///
/// An error is returned if the provider does not accept an algorithm, or if the key is not RSA.
pub fn encrypt(
    plain_element_xml: &str,
    recipient: &PublicKey,
    options: &EncryptOptions,
    provider: &Provider,
) -> Result<String, EncryptionError> {
    let recipient = Recipient { key: recipient, certificate: options.certificate.as_ref(), name: None };
    encrypt_for(plain_element_xml, &[recipient], options, provider)
}

/// Encrypts one serialised element for several recipients, each with its own `xenc:EncryptedKey`. Otherwise it works
/// like [`encrypt`]. The certificate of the options is not used.
///
/// # Errors
///
/// As for [`encrypt`], and [`EncryptionError::NoEncryptedKey`] if there is no recipient.
pub fn encrypt_for(
    plain_element_xml: &str,
    recipients: &[Recipient<'_>],
    options: &EncryptOptions,
    provider: &Provider,
) -> Result<String, EncryptionError> {
    if recipients.is_empty() {
        return Err(EncryptionError::NoEncryptedKey { position: "/*".to_owned() });
    }
    let mut content_key = vec![0; options.cipher.key_length()];
    provider.random(&mut content_key).map_err(EncryptionError::Encrypt)?;
    let bytes = provider
        .encrypt_content(options.cipher, &content_key, plain_element_xml.as_bytes())
        .map_err(EncryptionError::Encrypt)?;
    let data_id = random_id(provider)?;

    let mut key_ids = Vec::with_capacity(recipients.len());
    let mut keys = Vec::with_capacity(recipients.len());
    for recipient in recipients {
        let wrapped = provider
            .encrypt_key(options.key_transport, recipient.key, &content_key)
            .map_err(EncryptionError::Encrypt)?;
        let id = random_id(provider)?;
        let data = (options.layout == KeyLayout::Sibling).then_some(data_id.as_str());
        keys.push(encrypted_key(&id, recipient, &wrapped, options.key_transport, data)?);
        key_ids.push(id);
    }
    let mut text = encrypted_data(&data_id, &bytes, &key_ids, &keys, options)?;
    if options.layout != KeyLayout::InKeyInfo {
        text.extend(keys);
    }
    Ok(text)
}

fn encrypted_data(
    id: &str,
    bytes: &[u8],
    key_ids: &[String],
    keys: &[String],
    options: &EncryptOptions,
) -> Result<String, EncryptionError> {
    let mut writer = Writer::new();
    writer.start("xenc:EncryptedData").namespace("xenc", namespace::XMLENC);
    writer.attribute("Id", id).attribute("Type", TYPE_ELEMENT);
    writer.start("xenc:EncryptionMethod").attribute("Algorithm", options.cipher.uri()).end();
    match options.layout {
        KeyLayout::InKeyInfo => {
            writer.start("ds:KeyInfo").namespace("ds", namespace::DSIG);
            for key in keys {
                writer.raw_element(key);
            }
            writer.end();
        }
        KeyLayout::Sibling => {
            writer.start("ds:KeyInfo").namespace("ds", namespace::DSIG);
            for key_id in key_ids {
                writer.start("ds:RetrievalMethod").attribute("Type", TYPE_ENCRYPTED_KEY);
                writer.attribute("URI", &format!("#{key_id}")).end();
            }
            writer.end();
        }
        KeyLayout::SiblingUnreferenced => {}
    }
    cipher_data(&mut writer, bytes);
    writer.end();
    Ok(writer.finish()?)
}

fn encrypted_key(
    id: &str,
    recipient: &Recipient<'_>,
    bytes: &[u8],
    transport: KeyTransport,
    data_id: Option<&str>,
) -> Result<String, EncryptionError> {
    let mut writer = Writer::new();
    writer.start("xenc:EncryptedKey").namespace("xenc", namespace::XMLENC).attribute("Id", id);
    if let Some(name) = recipient.name {
        writer.attribute("Recipient", name);
    }
    encryption_method(&mut writer, transport);
    if let Some(certificate) = recipient.certificate {
        writer.start("ds:KeyInfo").namespace("ds", namespace::DSIG);
        writer.start("ds:X509Data").start("ds:X509Certificate").text(&certificate.to_base64());
        writer.end().end().end();
    }
    cipher_data(&mut writer, bytes);
    if let Some(data_id) = data_id {
        writer.start("xenc:ReferenceList").start("xenc:DataReference");
        writer.attribute("URI", &format!("#{data_id}")).end().end();
    }
    writer.end();
    Ok(writer.finish()?)
}

/// Writes the `xenc:EncryptionMethod`. The older identifier of RSA-OAEP is used wherever possible, because all
/// implementations know it.
fn encryption_method(writer: &mut Writer, transport: KeyTransport) {
    writer.start("xenc:EncryptionMethod").attribute("Algorithm", transport.uri());
    if let KeyTransport::RsaOaep { digest, mgf } = transport {
        writer.start("ds:DigestMethod").namespace("ds", namespace::DSIG);
        writer.attribute("Algorithm", digest.uri()).end();
        if transport.uri() == KeyTransport::RSA_OAEP_URI {
            writer.start("xenc11:MGF").namespace("xenc11", namespace::XMLENC11);
            writer.attribute("Algorithm", mgf.mgf_uri()).end();
        }
    }
    writer.end();
}

fn cipher_data(writer: &mut Writer, bytes: &[u8]) {
    writer.start("xenc:CipherData").start("xenc:CipherValue").text(&base64_encode(bytes)).end().end();
}

/// Returns 128 random bits as an XML name.
fn random_id(provider: &Provider) -> Result<String, EncryptionError> {
    let mut bytes = [0_u8; 16];
    provider.random(&mut bytes).map_err(EncryptionError::Encrypt)?;
    Ok(format!("_{}", hexadecimal(&bytes)))
}
