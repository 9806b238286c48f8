//! The SAML profile of XML signatures: verify, sign, and HTTP-Redirect query signatures.
