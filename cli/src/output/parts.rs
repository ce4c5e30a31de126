//! What came from outside, made fit for a terminal.

/// The text without anything a terminal would obey or that would turn a line around: escapes, bells, bidirectional
/// overrides. A ticket must not be able to repaint the reader's screen. Lines stay lines.
pub fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|char| match char {
            '\n' => Some('\n'),
            '\t' => Some(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => None,
            char if char.is_control() => None,
            char => Some(char),
        })
        .collect()
}

/// [`clean`], on one line.
pub fn one_line(text: &str) -> String {
    clean(&text.replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_cannot_repaint_the_readers_screen() {
        assert_eq!(clean("a\x1b[2Jb\x07\u{9b}31mc\u{202e}d\r\ne"), "a[2Jb31mcd\ne");
        assert_eq!(one_line("Till\n2\tis out"), "Till 2 is out");
    }
}
