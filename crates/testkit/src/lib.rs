//! An Okta-shaped identity provider for tests and demos.
