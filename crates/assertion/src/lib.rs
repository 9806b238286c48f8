//! SAML responses from octets to a login: authenticate, validate, confirm, explain.
