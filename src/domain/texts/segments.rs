//! How many text messages a text costs: 3GPP TS 23.038 §6.2.1 for the alphabet, TS 23.040 §9.2.3.24.1 for what a part of a longer one holds.

/// Characters that count one.
const BASIC: &str =
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Characters that count two.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// How long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// As they count.
    pub characters: usize,
    /// What it costs.
    pub messages: usize,
    /// The first character that is in no basic alphabet: with it the others need more room, too.
    pub odd: Option<char>,
}

pub fn size(text: &str) -> Size {
    let odd = text.chars().find(|c| !BASIC.contains(*c) && !EXTENDED.contains(*c));
    // What one message holds, and what a part holds; what counts more than one is never cut in two.
    let (whole, part) = if odd.is_none() { (160, 153) } else { (70, 67) };
    let units = |c: char| match odd {
        Some(_) => c.len_utf16(),
        None => 1 + usize::from(EXTENDED.contains(c)),
    };
    let characters = text.chars().map(units).sum();
    if characters <= whole {
        return Size { characters, messages: 1, odd };
    }
    let (mut messages, mut room) = (0, 0);
    for units in text.chars().map(units) {
        if units > room {
            (messages, room) = (messages + 1, part);
        }
        room -= units;
    }
    Size { characters, messages, odd }
}

#[cfg(test)]
mod tests {
    use super::{BASIC, EXTENDED, size};

    fn counted(text: &str) -> (usize, usize) {
        let size = size(text);
        (size.characters, size.messages)
    }

    #[test]
    fn a_message_has_160_characters_and_each_part_of_a_longer_one_153() {
        for (characters, messages) in [(0, 1), (1, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4)] {
            assert_eq!(counted(&"ä".repeat(characters)), (characters, messages));
        }
        assert_eq!(BASIC.chars().count(), 127, "128 with the escape");
    }

    #[test]
    fn some_characters_count_two_and_are_not_cut_in_two() {
        assert_eq!(counted(&"€".repeat(80)), (160, 1));
        assert_eq!(counted(&"€".repeat(81)), (162, 2));
        // 152 and a half-seen euro: it goes whole into the next part.
        assert_eq!(counted(&format!("{}€{}", "a".repeat(152), "b".repeat(152))), (306, 3));
        assert_eq!(counted(&format!("{}€{}", "a".repeat(151), "b".repeat(153))), (306, 2));
        assert!(EXTENDED.chars().all(|c| size(&c.to_string()).characters == 2));
    }

    #[test]
    fn with_any_other_character_there_is_less_than_half_the_room() {
        for (characters, messages) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)] {
            assert_eq!(counted(&"ł".repeat(characters)), (characters, messages));
        }
        assert_eq!(size("Grüße – bald").odd, Some('–'));
        assert_eq!(counted(&"😀".repeat(35)), (70, 1));
        // A part holds 33 of them and one unit that stays empty.
        assert_eq!(counted(&"😀".repeat(67)), (134, 3));
    }
}
