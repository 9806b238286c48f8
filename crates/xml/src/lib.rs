//! A strict, bounded XML tree and Canonical XML for signed messages.
