//! Distinguished names (RFC 4514), compared by their parts: a name that merely *ends* like the served part of the directory is
//! not in it.

/// One relative name: its `type=value` pairs, folded and sorted.
type Rdn = Vec<(String, String)>;

/// Whether `dn` lies strictly below `base`. A name that cannot be parsed lies nowhere.
pub fn is_below(dn: &str, base: &str) -> bool {
    match (parse(dn), parse(base)) {
        (Some(dn), Some(base)) => dn.len() > base.len() && !base.is_empty() && dn.ends_with(&base),
        _ => false,
    }
}

/// Whether both are the same name.
pub fn is_same(a: &str, b: &str) -> bool {
    matches!((parse(a), parse(b)), (Some(a), Some(b)) if a == b && !a.is_empty())
}

/// Whether it is a name at all, and not the empty one.
pub fn is_name(text: &str) -> bool {
    parse(text).is_some_and(|parts| !parts.is_empty())
}

/// What lies directly above; empty at the top.
pub fn above(dn: &str) -> &str {
    let first = split(dn, ',').and_then(|parts| parts.first().map(|part| part.len()));
    first.and_then(|len| dn.get(len + 1..)).unwrap_or_default()
}

/// The parts, most specific first. `None` when it is no DN.
fn parse(dn: &str) -> Option<Vec<Rdn>> {
    if dn.trim().is_empty() {
        return Some(Vec::new());
    }
    split(dn, ',')?
        .into_iter()
        .map(|rdn| {
            let mut pairs = split(rdn, '+')?.into_iter().map(pair).collect::<Option<Rdn>>()?;
            pairs.sort();
            Some(pairs)
        })
        .collect()
}

/// At `separator`, but not where it is escaped.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut from, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == separator {
            parts.push(&text[from..at]);
            from = at + 1;
        }
    }
    parts.push(&text[from..]);
    (!escaped).then_some(parts)
}

/// `type=value` with escapes undone, both folded as directories compare them.
fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim().to_ascii_lowercase();
    let value = unescape(trim_unescaped(value))?;
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    (!name.is_empty()).then_some((name, value))
}

/// Without the spaces around, but keeping a last one that is escaped.
fn trim_unescaped(value: &str) -> &str {
    let value = value.trim_start();
    let trimmed = value.trim_end();
    let backslashes = trimmed.bytes().rev().take_while(|&byte| byte == b'\\').count();
    let escaped = value[trimmed.len()..].chars().next().filter(|_| backslashes % 2 == 1);
    &value[..trimmed.len() + escaped.map_or(0, char::len_utf8)]
}

/// `\,` and `\2C`. The bytes must be UTF-8 in the end.
fn unescape(value: &str) -> Option<String> {
    let (bytes, mut out, mut at) = (value.as_bytes(), Vec::with_capacity(value.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        if byte != b'\\' {
            out.push(byte);
            at += 1;
            continue;
        }
        let hex = bytes.get(at + 1..at + 3).and_then(|two| data_encoding::HEXUPPER_PERMISSIVE.decode(two).ok());
        if let Some(hex) = hex {
            out.extend(hex);
            at += 3;
        } else {
            out.push(*bytes.get(at + 1)?);
            at += 2;
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_is_by_whole_parts() {
        let base = "OU=Staff,DC=corp,DC=example";
        for dn in [
            "CN=Ann,OU=Staff,DC=corp,DC=example",
            "cn=ann, ou=STAFF , dc=Corp,dc=EXAMPLE",
            "CN=Ann,OU=Inner,OU=Staff,DC=corp,DC=example",
            "CN=Doe\\, Ann,OU=Staff,DC=corp,DC=example",
            "CN=Doe\\2C Ann,OU=St\\61ff,DC=corp,DC=example",
            "CN=a+SN=b,OU=Staff,DC=corp,DC=example",
            "CN=a\\ ,OU=Staff,DC=corp,DC=example",
            "CN=a\\\\\\ ,OU=Staff,DC=corp,DC=example",
            "CN=a\\\u{3000},OU=Staff,DC=corp,DC=example",
        ] {
            assert!(is_below(dn, base), "{dn}");
        }
        for dn in [
            base,
            "CN=Ann,OU=NotStaff,DC=corp,DC=example",
            "CN=x\\,OU=Staff,DC=corp,DC=example",
            "CN=x\\,OU=Staff\\,DC=corp\\,DC=example",
            "CN=Ann,OU=Staff,DC=corp,DC=example,DC=evil",
            "CN=Ann,OU=Staff\\,DC=corp,DC=example",
            "OU=Staff,DC=corp,DC=example\\",
            "",
            "Ann",
        ] {
            assert!(!is_below(dn, base), "{dn}");
        }
        // An empty base would be everybody.
        assert!(!is_below("CN=Ann,DC=example", ""));
    }

    #[test]
    fn above_is_one_part_less() {
        assert_eq!(above("CN=Doe\\, Ann,OU=Staff,DC=x"), "OU=Staff,DC=x");
        assert_eq!((above("DC=x"), above(""), above("CN=a\\")), ("", "", ""));
    }

    #[test]
    fn same_ignores_case_order_and_spelling_of_escapes() {
        assert!(is_same("CN=Doe\\, Ann,DC=x", "cn=doe\\2c  ann,dc=X"));
        assert!(is_same("CN=a+SN=b,DC=x", "sn=B + cn=A,dc=x"));
        assert!(is_same("CN=M\\C3\\BCller,DC=x", "cn=müller,dc=x"));
        assert!(!is_same("CN=a,DC=x", "CN=b,DC=x"));
        assert!(!is_same("", ""));
    }
}
