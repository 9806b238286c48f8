//! Records as JSON.

use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

pub(crate) fn to_json(what: &'static str, value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| unreadable(what, &error))
}

pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

/// The place where a record cannot be read. The error's own text would repeat the stored value.
fn unreadable(what: &'static str, error: &serde_json::Error) -> StoreError {
    let (line, column) = (error.line(), error.column());
    StoreError::damaged(what, format!("{:?} error at line {line}, column {column}", error.classify()))
}

#[cfg(test)]
mod tests {
    use vouchsafe::provisioning::Account;

    use super::*;

    #[test]
    fn what_an_unreadable_record_holds_is_not_repeated() {
        for record in [r#"{"id": "1", "organization": ["ada@example.com"]}"#, r#""ada@example.com""#, "{"] {
            let failure = from_json::<Account>("account", record).unwrap_err();
            assert_eq!(failure.code(), "store.damaged");
            assert!(!format!("{failure} {failure:?}").contains("ada@"), "{failure}");
            assert!(failure.to_string().contains("line 1, column"), "{failure}");
        }
    }
}
