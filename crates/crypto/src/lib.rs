//! Algorithms, keys and certificates for SAML, behind a provider whose list of algorithms is the policy.
