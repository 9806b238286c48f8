//! Ciphertexts of others, over AWS-LC: the suite of `vouchsafe-encryption`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

#[path = "../../encryption/tests/vector_suite/mod.rs"]
mod vector_suite;

use vouchsafe_crypto::Provider;

fn provider() -> Provider {
    vouchsafe_crypto_aws_lc::provider()
}

const UNSUPPORTED: &str = "crypto.algorithm_unsupported";

/// What AWS-LC leaves out: the name of the file, and the code.
const NOT_IMPLEMENTED: &[(&str, &str)] = &[
    // RSA-OAEP with two different digests: aws-lc-rs has no name for them.
    ("enc-element-3des-kt-rsa_oaep_sha256.xml", UNSUPPORTED),
    ("enc-element-3des-kt-rsa_oaep_sha512.xml", UNSUPPORTED),
    ("enc-aes256-kt-rsa_oaep_sha1_mgf1_sha512.xml", UNSUPPORTED),
    ("enc-aes256-kt-rsa_oaep_sha512_mgf1_sha1.xml", UNSUPPORTED),
    ("enc-aes256-kt-rsa_oaep_sha512_mgf1_sha384.xml", UNSUPPORTED),
    ("cipherText__RSA-3072__aes192-gcm__rsa-oaep-mgf1p__Sha256.xml", UNSUPPORTED),
    ("cipherText__RSA-3072__aes256-gcm__rsa-oaep__Sha384-MGF_Sha1.xml", UNSUPPORTED),
    ("cipherText__RSA-4096__aes256-gcm__rsa-oaep__Sha512-MGF_Sha1_PSource.xml", UNSUPPORTED),
    // Private keys of 1024 bits, which AWS-LC does not take.
    ("encrypt-data-tripledes-cbc-rsa-oaep-mgf1p-sha256.xml", UNSUPPORTED),
    ("encrypt-data-tripledes-cbc-rsa-oaep-mgf1p.xml", UNSUPPORTED),
    ("encrypt-element-aes128-cbc-rsa-1_5.xml", UNSUPPORTED),
    ("saml_response.xml", UNSUPPORTED),
    ("TestParseXMLArtifactResponse_response", UNSUPPORTED),
    ("TestSPResponseWithNoIssuer_response", UNSUPPORTED),
    ("ciphertext.xml", UNSUPPORTED),
    ("double_signed_encrypted_assertion.xml.base64", UNSUPPORTED),
    ("double_signed_encrypted_assertion2.xml.base64", UNSUPPORTED),
    ("signed_message_encrypted_assertion.xml.base64", UNSUPPORTED),
    ("signed_message_encrypted_assertion2.xml.base64", UNSUPPORTED),
    ("valid_encrypted_assertion.xml.base64", UNSUPPORTED),
    ("valid_encrypted_assertion_encrypted_nameid.xml.base64", UNSUPPORTED),
    ("encrypted_attribute_statement.xml", UNSUPPORTED),
    ("logout_request_encrypted_nameid.xml", UNSUPPORTED),
    ("slo_request_encrypted_nameid.xml", UNSUPPORTED),
    ("encrypted_new_attack.xml.base64", UNSUPPORTED),
    ("response_encrypted_attrs.xml.base64", UNSUPPORTED),
    ("response_with_retrieval_method.xml", UNSUPPORTED),
    ("unsigned_message_aes128_encrypted_signed_assertion.xml.base64", UNSUPPORTED),
    ("unsigned_message_aes128gcm_encrypted_signed_assertion.xml.base64", UNSUPPORTED),
    ("unsigned_message_aes192_encrypted_signed_assertion.xml.base64", UNSUPPORTED),
    ("unsigned_message_aes192gcm_encrypted_signed_assertion.xml.base64", UNSUPPORTED),
    ("unsigned_message_aes256_encrypted_signed_assertion.xml.base64", UNSUPPORTED),
    ("unsigned_message_encrypted_unsigned_assertion.xml.base64", UNSUPPORTED),
];
