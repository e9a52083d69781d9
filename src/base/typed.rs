//! Codes as people type and paste them: what no eye sees, what only parts them, and the digits of other keyboards.

/// The characters of a code. What is left out parts or surrounds it, in messages and on paper: white space, dashes, dots, and what steers
/// text without being seen. Full-width letters and digits, and the digits of Arabic and Indic keyboards, are read as ASCII.
pub fn plain(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !parts(*c)).map(ascii)
}

const fn parts(c: char) -> bool {
    matches!(
        c,
        '-' | '.' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2010}'..='\u{2015}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{feff}' | '\u{ff0d}' | '\u{ff0e}'
    ) || c.is_whitespace()
}

fn ascii(c: char) -> char {
    let digit = |zero: u32| char::from_digit(c as u32 - zero, 10).unwrap_or(c);
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{660}'..='\u{669}' => digit(0x660),
        '\u{6f0}'..='\u{6f9}' => digit(0x6f0),
        '\u{966}'..='\u{96f}' => digit(0x966),
        '\u{9e6}'..='\u{9ef}' => digit(0x9e6),
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_code_is_read_however_it_was_pasted() {
        for typed in [
            "123456",
            " 123 456\n",
            "123-456",
            "123\u{2011}456",
            "123\u{2013}456",
            "\u{200b}123456\u{feff}",
            "\u{200e}123456\u{202c}",
            "123\u{a0}456",
            "\u{2060}123\u{200d}456",
            "１２３４５６",
            "١٢٣٤٥٦",
            "۱۲۳۴۵۶",
            "१२३४५६",
        ] {
            assert_eq!(plain(typed).collect::<String>(), "123456", "{typed:?}");
        }
        assert_eq!(plain("ＡＢ－1a").collect::<String>(), "AB1a");
        for other in ["12345б", "12345¼", "12345⁶"] {
            assert_ne!(plain(other).collect::<String>(), "123456", "{other}");
            assert_eq!(plain(other).count(), 6, "what is none of it stays: {other}");
        }
    }
}
