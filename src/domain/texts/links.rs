//! What a mail program or a phone would make a link of. Whoever writes the words of a message may not lead people anywhere: that is what
//! placeholders are for.

/// The first such word. Placeholders stand in `text` as letters, so that nothing can be hung on to one.
pub fn first(text: &str) -> Option<String> {
    text.split_whitespace().find(|word| leads(word)).map(str::to_owned)
}

fn leads(word: &str) -> bool {
    // Dots and slashes of other scripts that browsers read as ours (UTS 46 §4).
    let plain: String = word
        .chars()
        .map(|c| match c {
            '。' | '．' | '｡' | '․' | '﹒' => '.',
            '／' | '⁄' | '∕' => '/',
            '：' | '﹕' => ':',
            '＠' | '﹫' => '@',
            c => c,
        })
        .collect::<String>()
        .to_lowercase();
    if plain.contains("//") || plain.contains('@') || ["www.", "http:", "https:"].iter().any(|begin| plain.contains(begin)) {
        return true;
    }
    plain.split(|c: char| !(c.is_alphanumeric() || ".-_".contains(c))).any(|part| is_host(part.trim_matches('.')))
}

/// `corp.example`, `10.0.0.1`; not `z.B.`, `1.50` or `27.11.2026`.
fn is_host(part: &str) -> bool {
    let labels: Vec<&str> = part.split('.').collect();
    let numbers = labels.len() == 4 && labels.iter().all(|label| label.parse::<u8>().is_ok());
    let letters = |label: &&str| label.chars().filter(|c| c.is_alphabetic()).count() >= 2;
    numbers || labels.iter().all(|label| !label.is_empty()) && labels.iter().skip(1).any(letters)
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn whatever_leads_somewhere_is_found() {
        for bad in [
            "http://evil.example",
            "HTTPS://evil",
            "(www.evil)",
            "evil.example",
            "Evil.Example/login",
            "see:evil.example.",
            "a@b",
            "help@corp.example,",
            "//evil",
            "evil。example",
            "evil．example",
            "http：／／evil",
            "10.0.0.1/x",
            "x.evil.example",
            "xn--bcher-kva.example",
            "müller.de",
        ] {
            assert!(first(&format!("please open {bad} now")).is_some(), "{bad}");
        }
        for good in [
            "z.B.",
            "1.50",
            "27.11.2026",
            "Wait ... please.",
            "d.h.",
            "e.g.",
            "Mo-Fr 8.00-17.00",
            "A/B",
            "Room 1.07",
            "+49 30 1234",
            "10:30",
            "x.",
            "Titel:",
            "SMS:",
        ] {
            assert_eq!(first(&format!("so {good} it is")), None, "{good}");
        }
    }
}
