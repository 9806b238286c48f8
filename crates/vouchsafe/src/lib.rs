//! SAML 2.0 service provider: only verified octets can be read, and every refusal is explained.
