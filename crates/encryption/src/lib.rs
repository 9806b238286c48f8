//! XML encryption as identity providers send it: find the key, decrypt, encrypt.
