//! Axum routes, cookies and metadata loading for a SAML service provider.
