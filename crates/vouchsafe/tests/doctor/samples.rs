//! Messages in the form of each product, written by hand from its documentation. They are not signed.

const GUID: &str = "1f0b7d3e-8a5c-4a36-9d21-7c4e5b6f8a90";
const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
pub(crate) const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
pub(crate) const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

/// A builder of a response.
pub(crate) struct Sample {
    pub(crate) protocol: &'static str,
    pub(crate) assertion: &'static str,
    pub(crate) id: String,
    pub(crate) assertion_id: String,
    pub(crate) issuer: String,
    pub(crate) destination: &'static str,
    pub(crate) audience: &'static str,
    pub(crate) name_id: String,
    pub(crate) attributes: String,
    pub(crate) key_info: &'static str,
    pub(crate) algorithm: &'static str,
    pub(crate) sign_response: bool,
    pub(crate) encrypted: Option<&'static str>,
}

impl Sample {
    /// Starts the response of a product that uses these prefixes; an empty prefix is the default namespace.
    pub(crate) fn new(issuer: &str, protocol: &'static str, assertion: &'static str) -> Sample {
        Sample {
            protocol,
            assertion,
            id: format!("_{GUID}"),
            assertion_id: "_a".to_owned(),
            issuer: issuer.to_owned(),
            destination: "https://app.example.com/saml/acs",
            audience: "https://app.example.com/saml/metadata",
            name_id: format!("Format=\"{EMAIL}\""),
            attributes: String::new(),
            key_info: "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>",
            algorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            sign_response: false,
            encrypted: None,
        }
    }

    pub(crate) fn attribute(mut self, name: &str, value: &str) -> Sample {
        let (open, close) = (self.tag("Attribute"), self.end("Attribute"));
        let (value_open, value_close) = (self.tag("AttributeValue"), self.end("AttributeValue"));
        self.attributes.push_str(&format!(
            "<{open} Name=\"{name}\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:basic\"><{value_open}>{value}<{value_close}><{close}>"
        ));
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Sample)) -> Sample {
        change(&mut self);
        self
    }

    pub(crate) fn xml(&self) -> String {
        let Sample { protocol, id, issuer, destination, audience, name_id, attributes, assertion_id, .. } =
            self;
        let declared = match self.assertion {
            "" => "xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\"".to_owned(),
            prefix => format!("xmlns:{prefix}=\"urn:oasis:names:tc:SAML:2.0:assertion\""),
        };
        let issuer = format!("<{} {declared}>{issuer}<{}>", self.tag("Issuer"), self.end("Issuer"));
        let signature = format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo><ds:SignatureMethod Algorithm=\"{}\"/>\
             </ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue>{}</ds:Signature>",
            self.algorithm,
            if self.key_info.is_empty() {
                String::new()
            } else {
                format!("<ds:KeyInfo>{}</ds:KeyInfo>", self.key_info)
            },
        );
        let (outer, inner) =
            if self.sign_response { (signature.as_str(), "") } else { ("", signature.as_str()) };
        let t = |name: &str| self.tag(name);
        let e = |name: &str| self.end(name);
        let plain = format!(
            "<{} {declared} ID=\"{assertion_id}\" Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\">{issuer}{inner}<{}><{} {name_id}>x<{}><{}>\
             <{}><{}><{}>{audience}<{}><{}><{}><{}>{attributes}<{}><{}>",
            t("Assertion"),
            t("Subject"),
            t("NameID"),
            e("NameID"),
            e("Subject"),
            t("Conditions"),
            t("AudienceRestriction"),
            t("Audience"),
            e("Audience"),
            e("AudienceRestriction"),
            e("Conditions"),
            t("AttributeStatement"),
            e("AttributeStatement"),
            e("Assertion"),
        );
        let body = match self.encrypted {
            None => plain,
            Some(encrypted) => {
                format!("<{} {declared}>{encrypted}<{}>", t("EncryptedAssertion"), e("EncryptedAssertion"))
            }
        };
        format!(
            "<{protocol}:Response xmlns:{protocol}=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"{id}\" Version=\"2.0\" \
             IssueInstant=\"2026-01-01T00:00:00Z\" Destination=\"{destination}\">{issuer}{outer}<{protocol}:Status>\
             <{protocol}:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></{protocol}:Status>{body}</{protocol}:Response>"
        )
    }

    fn tag(&self, name: &str) -> String {
        if self.assertion.is_empty() { name.to_owned() } else { format!("{}:{name}", self.assertion) }
    }

    fn end(&self, name: &str) -> String {
        format!("/{}", self.tag(name))
    }
}

/// Metadata of an identity provider at this address.
pub(crate) fn metadata(entity_id: &str, location: &str, attributes: &str, more: &str) -> String {
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{entity_id}\">\
         {more}<IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\" {attributes}>\
         <KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>\
         <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{location}\"/>\
         </IDPSSODescriptor></EntityDescriptor>",
        vouchsafe_testkit::keys::identity_provider().certificate().to_base64()
    )
}

/// Ciphertext without a usable content, which contains the encrypted key.
pub(crate) const NESTED: &str = concat!(
    r#"<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"><xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>"#,
    r#"<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/>"#,
    r#"<xenc:CipherData><xenc:CipherValue>AAAA</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>"#,
    r#"<xenc:CipherData><xenc:CipherValue>AAAA</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>"#,
);
