//! Namespace names and algorithm identifiers that several crates use, as strings.

/// The namespace of the `xml` prefix (Namespaces in XML 1.0, section 3).
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of namespace declarations (Namespaces in XML 1.0, section 3).
pub const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
/// XML Schema instance: `xsi:type`, `xsi:nil`.
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// XML Schema data types: the values of `xsi:type`.
pub const XS: &str = "http://www.w3.org/2001/XMLSchema";

/// XML Signature Syntax and Processing 1.0 and 1.1.
pub const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// The additions of XML Signature 1.1.
pub const DSIG11: &str = "http://www.w3.org/2009/xmldsig11#";
/// XML Encryption 1.0.
pub const XMLENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// The additions of XML Encryption 1.1.
pub const XMLENC11: &str = "http://www.w3.org/2009/xmlenc11#";
/// The namespace of `InclusiveNamespaces` (Exclusive XML Canonicalization 1.0).
pub const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// SOAP 1.1: the envelope, its header and its body.
pub const SOAP_ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// PAOS 1.1: SOAP with the roles reversed.
pub const PAOS: &str = "urn:liberty:paos:2003-08";
/// SAML 2.0 profile of enhanced clients and proxies.
pub const ECP: &str = "urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp";

/// SAML 2.0 protocol messages.
pub const SAML_PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// SAML 2.0 assertions.
pub const SAML_ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// SAML 2.0 metadata.
pub const SAML_METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// SAML 2.0 metadata interface: display names, logos.
pub const SAML_METADATA_UI: &str = "urn:oasis:names:tc:SAML:metadata:ui";
/// SAML 2.0 metadata: algorithm support.
pub const SAML_METADATA_ALGORITHM: &str = "urn:oasis:names:tc:SAML:metadata:algsupport";
/// SAML 2.0 metadata: registration and publication information.
pub const SAML_METADATA_RPI: &str = "urn:oasis:names:tc:SAML:metadata:rpi";
/// SAML 2.0 metadata: entity attributes.
pub const SAML_METADATA_ATTRIBUTE: &str = "urn:oasis:names:tc:SAML:metadata:attribute";
/// Identity provider discovery service protocol.
pub const SAML_DISCOVERY: &str = "urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol";
/// Shibboleth metadata: `shibmd:Scope`.
pub const SHIBBOLETH_METADATA: &str = "urn:mace:shibboleth:metadata:1.0";
