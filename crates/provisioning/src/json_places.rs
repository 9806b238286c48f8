//! The positions of keys and values in a JSON text that was parsed successfully before.

use crate::place::key_path;

/// A value of a JSON text.
#[derive(Debug)]
pub(crate) struct Node {
    /// Its path in the document, such as `accounts[0].role`; empty: the document.
    pub(crate) path: String,
    /// The start of its key or, without a key, of the value.
    pub(crate) start: usize,
    /// The end of the value.
    pub(crate) end: usize,
}

/// Every value. A value comes after the values inside it.
pub(crate) fn nodes(text: &str) -> Vec<Node> {
    let mut reader = Reader { text, at: 0, found: Vec::new() };
    reader.space();
    let start = reader.at;
    reader.value("", start);
    reader.found
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    found: Vec<Node>,
}

impl Reader<'_> {
    fn value(&mut self, path: &str, start: usize) {
        match self.peek() {
            Some(b'{') => self.object(path),
            Some(b'[') => self.array(path),
            Some(b'"') => drop(self.string()),
            _ => self.skip(|byte| !matches!(byte, b',' | b']' | b'}') && !byte.is_ascii_whitespace()),
        }
        self.found.push(Node { path: path.to_owned(), start, end: self.at });
    }

    fn object(&mut self, path: &str) {
        self.step();
        while let Some(b'"') = self.next_item() {
            let start = self.at;
            let key = self.string();
            self.space();
            self.step();
            self.space();
            self.value(&key_path(path, &key), start);
        }
        self.step();
    }

    fn array(&mut self, path: &str) {
        self.step();
        let mut number = 0_usize;
        while let Some(byte) = self.next_item() {
            if byte == b']' {
                break;
            }
            let start = self.at;
            self.value(&format!("{path}[{number}]"), start);
            number = number.saturating_add(1);
        }
        self.step();
    }

    /// The text after white space and a comma.
    fn next_item(&mut self) -> Option<u8> {
        self.space();
        if self.peek() == Some(b',') {
            self.step();
            self.space();
        }
        self.peek()
    }

    fn string(&mut self) -> String {
        let start = self.at;
        self.step();
        while let Some(byte) = self.peek() {
            self.step();
            match byte {
                b'\\' => self.step(),
                b'"' => break,
                _ => {}
            }
        }
        let written = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(written).unwrap_or_default()
    }

    fn space(&mut self) {
        self.skip(|byte| byte.is_ascii_whitespace());
    }

    fn skip(&mut self, is_skipped: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&is_skipped) {
            self.step();
        }
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_found_where_it_is() {
        let text = "{ \"a\\u0062\": [1, {\"c\": \"}\\\",\" }, []],\n \"d\" : {} , \"e\":null}";
        let found: Vec<(String, &str)> = nodes(text)
            .into_iter()
            .map(|node| (node.path.clone(), text.get(node.start..node.end).unwrap()))
            .collect();
        let expected = [
            ("ab[0]", "1"),
            ("ab[1].c", "\"c\": \"}\\\",\""),
            ("ab[1]", "{\"c\": \"}\\\",\" }"),
            ("ab[2]", "[]"),
            ("ab", "\"a\\u0062\": [1, {\"c\": \"}\\\",\" }, []]"),
            ("d", "\"d\" : {}"),
            ("e", "\"e\":null"),
            ("", text),
        ];
        assert_eq!(found, expected.map(|(path, text)| (path.to_owned(), text)));
    }
}
