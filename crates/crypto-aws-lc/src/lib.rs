//! The Vouchsafe cryptography provider on AWS-LC.
