//! What a mail program or a phone would make a link of. Whoever writes the words of a message may not lead people anywhere: that is what
//! placeholders are for.

/// The first such word. Placeholders stand in `text` as letters, so that nothing can be hung on to one.
pub fn first(text: &str) -> Option<String> {
    beyond(text, &[])
}

/// The first that leads anywhere but to these hosts: one of them alone, or a mail address there.
pub fn beyond(text: &str, hosts: &[&str]) -> Option<String> {
    let own = |word: &str| {
        let word = word.trim_matches(|c| ".,;:!?()".contains(c)).to_lowercase();
        let (name, host) = word.rsplit_once('@').unwrap_or(("", &word));
        name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_+".contains(c)) && hosts.contains(&host)
    };
    text.split_whitespace().find(|word| leads(word) && !own(word)).map(str::to_owned)
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
    // Whatever is neither space nor of ASCII's punctuation may stand in a name: accents that stand alone, pictures.
    plain.split(|c: char| c.is_ascii_punctuation() && !".-_".contains(c)).any(has_host)
}

/// `corp.example`, `10.0.0.1`, `so..corp.example`; not `z.B.`, `1.50`, `27.11.2026` or `so...`.
fn has_host(part: &str) -> bool {
    let labels: Vec<&str> = part.split('.').collect();
    let names = |run: &[&str]| {
        let numbers = run.len() == 4 && run.iter().all(|label| label.parse::<u8>().is_ok());
        numbers || run.iter().skip(1).any(|label| label.chars().map(letters).sum::<usize>() >= 2)
    };
    labels.split(|label| label.is_empty()).any(names)
}

/// For how many letters browsers take it (NFKC): there are `ﬁ`, `㏄` and the like.
fn letters(c: char) -> usize {
    match c {
        'ĳ' | 'Ĳ' | 'Ǆ'..='ǌ' | 'Ǳ'..='ǳ' | '\u{2100}'..='\u{218f}' | '\u{3250}'..='\u{33ff}' | 'ﬀ'..='ﬆ' | '\u{1f12d}'..='\u{1f18f}' => {
            2
        }
        c => usize::from(c.is_alphabetic()),
    }
}

#[cfg(test)]
mod tests {
    use super::{beyond, first};

    #[test]
    fn one_s_own_hosts_lead_nowhere_else() {
        let hosts = ["corp.example", "reset.corp.example"];
        for good in
            ["Ask desk@corp.example, or 4711", "See (Reset.Corp.Example).", "it.desk+a@corp.example", "Dial 4711", "z.B. corp.example"]
        {
            assert_eq!(beyond(good, &hosts), None, "{good}");
        }
        for bad in [
            "www.corp.example",
            "https://corp.example",
            "corp.example.evil.example",
            "corp.example/evil.example",
            "evil.example/@corp.example",
            "x@evil.example@corp.example",
            "evil.example,corp.example",
            "corp.example@evil.example",
            "corp.example evil.example",
            "x@sub.corp.example",
        ] {
            assert!(beyond(bad, &hosts).is_some(), "{bad}");
        }
        assert!(beyond("corp.example", &[]).is_some());
    }

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
            "here..evil.example",
            "see...evil.example...",
            "10.0.0.1..",
            "cafe\u{301}.com",
            "evil.co\u{301}m",
            "i❤.ws",
            "“evil.example”",
            "so–evil.example",
            "evil.\u{fb01}",
            "evil.㏄",
            "भारत.भारत",
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
            "so...",
            "„z.B.“",
            "wait...please",
            "...",
            "so…then",
            "u.Ä.",
            "i.d.R.",
            "e.V.",
            "Dr. Meier",
            "10.30 Uhr",
            "und/oder",
            "24/7",
            "❤.",
            "Co. KG",
        ] {
            assert_eq!(first(&format!("so {good} it is")), None, "{good}");
        }
    }
}
