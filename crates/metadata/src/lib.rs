//! SAML metadata: identity providers, endpoints, keys, and our own descriptor.
