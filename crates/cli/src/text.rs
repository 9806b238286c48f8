//! Text for people: lines of pieces, which are escaped only when they are written.

use vouchsafe::xml::Escaped;

/// Lines of text. A line ends only where the code ends it: a line break in a piece is escaped like every other
/// invisible character.
#[derive(Debug, Default)]
pub(crate) struct Text {
    lines: Vec<Line>,
}

/// One line.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pieces: Vec<(Option<Style>, String)>,
}

/// Returns a number with the counted noun.
pub(crate) fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Emphasis, used if standard output is a terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    Good,
    Bad,
    Quiet,
    Title,
}

impl Text {
    pub(crate) fn new() -> Text {
        Text::default()
    }

    pub(crate) fn push(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Adds a line without emphasis.
    pub(crate) fn line(&mut self, text: impl Into<String>) {
        self.push(Line::of(text));
    }

    /// Adds an indented line for each line of another party's text. The indentation shows that the lines are not
    /// ours.
    pub(crate) fn quote(&mut self, text: &str) {
        text.lines().for_each(|line| self.line(format!("  {line}")));
    }

    pub(crate) fn append(&mut self, other: Text) {
        self.lines.extend(other.lines);
    }

    /// Returns the text as it is written.
    pub(crate) fn shown(&self, colour: bool) -> String {
        self.lines.iter().map(|line| line.shown(colour) + "\n").collect()
    }
}

impl Line {
    pub(crate) fn of(text: impl Into<String>) -> Line {
        Line { pieces: vec![(None, text.into())] }
    }

    pub(crate) fn styled(style: Style, text: impl Into<String>) -> Line {
        Line { pieces: vec![(Some(style), text.into())] }
    }

    /// Adds a piece to the end of the line.
    pub(crate) fn then(mut self, text: impl Into<String>) -> Line {
        self.pieces.push((None, text.into()));
        self
    }

    /// Adds a piece with emphasis to the end of the line.
    pub(crate) fn then_styled(mut self, style: Style, text: impl Into<String>) -> Line {
        self.pieces.push((Some(style), text.into()));
        self
    }

    /// Returns the line as it is written, without its end.
    pub(crate) fn shown(&self, colour: bool) -> String {
        let pieces = self.pieces.iter().map(|(style, text)| match style {
            Some(style) if colour => format!("\u{1b}[{}m{}\u{1b}[0m", style.code(), Escaped::new(text)),
            _ => Escaped::new(text).to_string(),
        });
        pieces.collect()
    }
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Style::Good => "1;32",
            Style::Bad => "1;31",
            Style::Quiet => "2",
            Style::Title => "1",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Style, Text};

    #[test]
    fn only_the_emphasis_is_not_escaped() {
        let mut text = Text::new();
        text.push(Line::styled(Style::Bad, "no\u{1b}[0m").then(" [x]\naccepted"));
        text.quote("one\r\ntwo\u{202e}\n");
        assert_eq!(
            text.shown(true),
            "\u{1b}[1;31mno\\u{1b}[0m\u{1b}[0m [x]\\naccepted\n  one\n  two\\u{202e}\n"
        );
        assert_eq!(text.shown(false), "no\\u{1b}[0m [x]\\naccepted\n  one\n  two\\u{202e}\n");
    }
}
