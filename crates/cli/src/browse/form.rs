//! Reads the form of the page: a pasted text, and files, each with its name and its bytes in base64.

use vouchsafe::crypto::base64_decode;

/// The maximum number of files of a form that are examined.
const FILES: usize = 64;
/// The maximum length of a file's name that is shown, in characters.
const NAME: usize = 200;

/// The names of pasted texts, in their order.
const TEXTS: [&str; 3] = ["the pasted text", "the second pasted text", "the third pasted text"];

/// Returns the files, the pasted text first.
pub(super) fn files(body: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut name: Option<String> = None;
    let mut texts = TEXTS.into_iter();
    for (field, value) in form_urlencoded::parse(body) {
        if files.len() >= FILES {
            break;
        }
        match field.as_ref() {
            "text" if !value.trim().is_empty() => {
                let name = texts.next().unwrap_or("another pasted text");
                files.push((name.to_owned(), value.trim().as_bytes().to_vec()));
            }
            "name" => name = Some(value.chars().take(NAME).collect()),
            "base64" => {
                let name = name.take().unwrap_or_else(|| "a file".to_owned());
                // A value that is not base64 was typed into the form.
                files.push((
                    name,
                    base64_decode(value.as_bytes()).unwrap_or_else(|_| value.as_bytes().to_vec()),
                ));
            }
            _ => {}
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::files;

    #[test]
    fn the_text_and_files_with_their_names() {
        let found = files(b"text=+%3Ca/%3E%0A&name=a.har&base64=e30%3D&base64=AA%3D%3D&name=lost&other=1");
        let expected = [("the pasted text", "<a/>"), ("a.har", "{}"), ("a file", "\0")];
        assert_eq!(found, expected.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())));
        let names: Vec<String> =
            files(b"text=a&text=&text=b&text=c&text=d").into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            ["the pasted text", "the second pasted text", "the third pasted text", "another pasted text"]
        );
        assert!(files(b"text=+").is_empty() && files(b"").is_empty());
        assert_eq!(files("base64=%00&".repeat(100).as_bytes()).len(), 64);
    }
}
