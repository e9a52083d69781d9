//! The shape of what a server may send: a reader of BER without recursion that the sender could steer, and the grammar of RFC 4511
//! as far as the library takes it for granted.

use std::str;

use thiserror::Error;

/// One message. A group of 100,000 members with long names is some 10 MiB.
pub const MESSAGE: usize = 16 << 20;
/// Elements of one message: each costs the library some 50 bytes beside its content.
const ELEMENTS: usize = 1 << 18;
/// Nesting where any element may stand; results have six levels.
const DEPTH: usize = 12;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0A;
const CONTROLS: u8 = 0xA0;
/// Active Directory writes the name of its notice of disconnection where controls belong.
const MISPLACED_NAME: u8 = 0x8A;
const ENTRY: u8 = 0x64;
const REFERENCE: u8 = 0x73;
const INTERMEDIATE: u8 = 0x79;
/// Bind, search done, modify, add, delete, rename, compare, extended.
const RESULTS: [u8; 8] = [0x61, 0x65, 0x67, 0x69, 0x6B, 0x6D, 0x6F, 0x78];
const PAGED_RESULTS: &[u8] = b"1.2.840.113556.1.4.319";

/// What a server did that no server may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Breach {
    #[error("a message longer than {MESSAGE} bytes")]
    TooLong,
    #[error("an answer of too many messages")]
    TooMuch,
    #[error("more than {ELEMENTS} elements in one message, or deeper than {DEPTH}")]
    TooIntricate,
    #[error("a message that is no LDAP")]
    Malformed,
    #[error("an answer to what was not asked")]
    Unasked,
}

/// Whose answer a message is (0: nobody's), and its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub id: u32,
    kind: u8,
}

impl Head {
    /// One of several messages that answer one request, and not the last.
    pub fn is_one_of_many(self) -> bool {
        matches!(self.kind, ENTRY | REFERENCE | INTERMEDIATE)
    }
}

/// How long the message is that begins here, header included; `None` while that cannot be said.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, Breach> {
    match bytes {
        [] | [SEQUENCE] => Ok(None),
        [SEQUENCE, rest @ ..] => {
            let Some((header, content)) = header(rest)? else { return Ok(None) };
            let whole = content.checked_add(1 + header).filter(|whole| *whole <= MESSAGE).ok_or(Breach::TooLong)?;
            Ok(Some(whole))
        }
        _ => Err(Breach::Malformed),
    }
}

/// Bytes that the length takes, and the length. Definite and of at most four bytes (RFC 4511 5.1 and good sense).
fn header(bytes: &[u8]) -> Result<Option<(usize, usize)>, Breach> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let count = usize::from(first & 0x7F);
    match first {
        0..=0x7F => Ok(Some((1, count))),
        0x81..=0x84 => Ok(bytes.get(1..=count).map(|length| (1 + count, length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))))),
        0x80 => Err(Breach::Malformed),
        _ => Err(Breach::TooLong),
    }
}

/// Reads elements one after another, and counts them.
struct Reader<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, Breach> {
        let Some((&tag, after)) = self.rest.split_first() else { return Ok(None) };
        self.left = self.left.checked_sub(1).ok_or(Breach::TooIntricate)?;
        // Tags of several bytes are none of LDAP's.
        if tag & 0x1F == 0x1F {
            return Err(Breach::Malformed);
        }
        let (header, length) = header(after)?.ok_or(Breach::Malformed)?;
        let end = header.checked_add(length).ok_or(Breach::Malformed)?;
        let content = after.get(header..end).ok_or(Breach::Malformed)?;
        self.rest = &after[end..];
        Ok(Some((tag, content)))
    }

    fn expect(&mut self, wanted: u8) -> Result<&'a [u8], Breach> {
        match self.next()? {
            Some((tag, content)) if tag == wanted => Ok(content),
            _ => Err(Breach::Malformed),
        }
    }

    fn text(&mut self) -> Result<(), Breach> {
        str::from_utf8(self.expect(OCTETS)?).map(drop).map_err(|_| Breach::Malformed)
    }

    fn number(&mut self, tag: u8) -> Result<u32, Breach> {
        let content = self.expect(tag)?;
        match content {
            [] => Err(Breach::Malformed),
            [0, rest @ ..] if rest.len() <= 4 => Ok(rest.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))),
            rest if rest.len() <= 4 && rest[0] < 0x80 => Ok(rest.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))),
            _ => Err(Breach::Malformed),
        }
    }

    /// Go through the parts of `content`, counted here.
    fn within(&mut self, content: &'a [u8], read: impl FnOnce(&mut Self) -> Result<(), Breach>) -> Result<(), Breach> {
        let outer = std::mem::replace(&mut self.rest, content);
        read(self)?;
        if !self.rest.is_empty() {
            return Err(Breach::Malformed);
        }
        self.rest = outer;
        Ok(())
    }

    /// Everything below is well formed and not too deep, whatever it means. `depth` bounds the recursion.
    fn any(&mut self, tag: u8, content: &'a [u8], depth: usize) -> Result<(), Breach> {
        if tag & 0x20 == 0 {
            return Ok(());
        }
        let depth = depth.checked_sub(1).ok_or(Breach::TooIntricate)?;
        self.within(content, |inner| {
            while let Some((tag, content)) = inner.next()? {
                inner.any(tag, content, depth)?;
            }
            Ok(())
        })
    }

    /// A value that may be BER, and is then well formed all the way. A credential or a name is none, whatever it begins with.
    fn value(&mut self, content: &'a [u8]) -> Result<(), Breach> {
        if content.first().is_none_or(|tag| *tag != SEQUENCE && *tag & 0xE0 != 0xA0) { Ok(()) } else { self.ber(content) }
    }

    /// A control's value: BER, if it is made of parts.
    fn ber(&mut self, content: &'a [u8]) -> Result<(), Breach> {
        if content.first().is_none_or(|tag| *tag & 0x20 == 0) {
            return Ok(());
        }
        let outer = std::mem::replace(&mut self.rest, content);
        while let Some((tag, content)) = self.next()? {
            self.any(tag, content, DEPTH)?;
        }
        self.rest = outer;
        Ok(())
    }

    fn entry(&mut self) -> Result<(), Breach> {
        self.text()?;
        let attributes = self.expect(SEQUENCE)?;
        self.within(attributes, |list| {
            while !list.rest.is_empty() {
                let attribute = list.expect(SEQUENCE)?;
                list.within(attribute, |attribute| {
                    attribute.text()?;
                    let values = attribute.expect(SET)?;
                    attribute.within(values, |values| {
                        while !values.rest.is_empty() {
                            values.expect(OCTETS)?;
                        }
                        Ok(())
                    })
                })?;
            }
            Ok(())
        })
    }

    fn texts(&mut self) -> Result<(), Breach> {
        while !self.rest.is_empty() {
            self.text()?;
        }
        Ok(())
    }

    /// LDAPResult, and what binds and extended operations add to it.
    fn result(&mut self) -> Result<(), Breach> {
        self.number(ENUMERATED)?;
        self.text()?;
        self.text()?;
        while let Some((tag, content)) = self.next()? {
            match tag {
                // What points elsewhere.
                0xA3 => self.within(content, Self::texts)?,
                // Credentials and values.
                0x87 | 0x8B => self.value(content)?,
                0x8A => str::from_utf8(content).map(drop).map_err(|_| Breach::Malformed)?,
                tag if [3, 7, 10, 11].contains(&(tag & 0x1F)) => return Err(Breach::Malformed),
                tag => self.any(tag, content, DEPTH)?,
            }
        }
        Ok(())
    }

    fn controls(&mut self) -> Result<(), Breach> {
        while !self.rest.is_empty() {
            let control = self.expect(SEQUENCE)?;
            self.within(control, |control| {
                let oid = control.expect(OCTETS)?;
                str::from_utf8(oid).map_err(|_| Breach::Malformed)?;
                let mut next = control.next()?;
                if let Some((BOOLEAN, content)) = next {
                    if content.len() != 1 {
                        return Err(Breach::Malformed);
                    }
                    next = control.next()?;
                }
                match next {
                    Some((OCTETS, value)) if oid == PAGED_RESULTS => control.paged_results(value),
                    Some((OCTETS, value)) => control.ber(value),
                    None if oid != PAGED_RESULTS => Ok(()),
                    _ => Err(Breach::Malformed),
                }
            })?;
        }
        Ok(())
    }

    fn paged_results(&mut self, value: &'a [u8]) -> Result<(), Breach> {
        let outer = std::mem::replace(&mut self.rest, value);
        let parts = self.expect(SEQUENCE)?;
        self.within(parts, |parts| {
            parts.number(INTEGER)?;
            parts.expect(OCTETS).map(drop)
        })?;
        self.rest = outer;
        Ok(())
    }
}

/// Whether this is one whole message that the library and we can read.
pub fn check(message: &[u8]) -> Result<Head, Breach> {
    let mut reader = Reader { rest: message, left: ELEMENTS };
    let whole = reader.expect(SEQUENCE)?;
    if !reader.rest.is_empty() {
        return Err(Breach::Malformed);
    }
    reader.rest = whole;
    let id = reader.number(INTEGER)?;
    let (kind, content) = reader.next()?.ok_or(Breach::Malformed)?;
    match kind {
        ENTRY => reader.within(content, Reader::entry)?,
        REFERENCE => reader.within(content, Reader::texts)?,
        INTERMEDIATE => reader.within(content, |parts| {
            while let Some((tag, content)) = parts.next()? {
                parts.any(tag, content, DEPTH)?;
                parts.value(content)?;
            }
            Ok(())
        })?,
        kind if RESULTS.contains(&kind) => reader.within(content, Reader::result)?,
        _ => return Err(Breach::Malformed),
    }
    match reader.next()? {
        None => {}
        Some((CONTROLS, content)) => reader.within(content, Reader::controls)?,
        Some((MISPLACED_NAME, _)) if id == 0 => {}
        Some(_) => return Err(Breach::Malformed),
    }
    if reader.rest.is_empty() { Ok(Head { id, kind }) } else { Err(Breach::Malformed) }
}

/// The number of a request that the library made.
pub(super) fn number(request: &[u8]) -> Result<u32, Breach> {
    let mut reader = Reader { rest: request, left: ELEMENTS };
    reader.rest = reader.expect(SEQUENCE)?;
    reader.number(INTEGER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        if let Ok(short @ ..=0x7F) = u8::try_from(content.len()) {
            bytes.push(short);
        } else {
            bytes.push(0x84);
            bytes.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        }
        bytes.extend(content);
        bytes
    }

    fn message(parts: &[Vec<u8>]) -> Vec<u8> {
        element(SEQUENCE, &parts.concat())
    }

    fn id(number: u8) -> Vec<u8> {
        element(INTEGER, &[number])
    }

    fn result(kind: u8) -> Vec<u8> {
        element(kind, &[element(ENUMERATED, &[0]), element(OCTETS, b""), element(OCTETS, b"fine")].concat())
    }

    #[test]
    fn what_servers_say_gets_through() {
        let attribute = element(SEQUENCE, &[element(OCTETS, b"objectGUID"), element(SET, &element(OCTETS, &[0xFF; 16]))].concat());
        let entry = element(ENTRY, &[element(OCTETS, "CN=Ü".as_bytes()), element(SEQUENCE, &attribute)].concat());
        assert_eq!(check(&message(&[id(7), entry])), Ok(Head { id: 7, kind: ENTRY }));
        let value = element(SEQUENCE, &[element(INTEGER, &[0]), element(OCTETS, b"cookie")].concat());
        let control = element(SEQUENCE, &[element(OCTETS, PAGED_RESULTS), element(OCTETS, &value)].concat());
        assert!(check(&message(&[id(1), result(0x65), element(CONTROLS, &control)])).is_ok());
        assert!(check(&message(&[id(0), result(0x78), element(MISPLACED_NAME, b"1.3.6.1.4.1.1466.20036")])).is_ok());
    }

    #[test]
    fn what_the_library_would_fall_over_does_not() {
        let mut deep = element(OCTETS, b"");
        for _ in 0..500 {
            deep = element(0xA3, &deep);
        }
        let wrapped = element(0x79, &deep);
        assert_eq!(check(&message(&[id(1), wrapped])), Err(Breach::TooIntricate));
        let control = |value: Option<Vec<u8>>| {
            let parts = [element(OCTETS, PAGED_RESULTS), value.map(|value| element(OCTETS, &value)).unwrap_or_default()].concat();
            message(&[id(1), result(0x65), element(CONTROLS, &element(SEQUENCE, &parts))])
        };
        for bad in [
            message(&[]),
            message(&[id(1)]),
            message(&[element(INTEGER, &[]), result(0x61)]),
            message(&[element(INTEGER, &[0xFF]), result(0x61)]),
            message(&[id(1), result(0x63)]),
            message(&[id(1), element(0x61, b"")]),
            message(&[id(1), element(ENTRY, &element(OCTETS, &[0xFF]))]),
            message(&[id(1), result(0x61), result(0x61)]),
            message(&[id(1), result(0x61), element(CONTROLS, &id(1))]),
            control(None),
            control(Some(b"cookie".to_vec())),
            vec![SEQUENCE, 3, INTEGER, 9, 1],
            vec![SEQUENCE, 0x80, 0, 0],
        ] {
            assert!(matches!(check(&bad), Err(Breach::Malformed)), "{}", bad.escape_ascii());
        }
        let many = element(0x73, &element(OCTETS, b"").repeat(ELEMENTS));
        assert_eq!(check(&message(&[id(1), many])), Err(Breach::TooIntricate));
    }

    #[test]
    fn a_length_is_believed_only_within_reason() {
        assert_eq!((length(b""), length(b"\x30"), length(b"\x30\x84\0\0")), (Ok(None), Ok(None), Ok(None)));
        assert_eq!((length(b"\x30\x05"), length(b"\x30\x82\x01\x00")), (Ok(Some(7)), Ok(Some(260))));
        assert_eq!(length(b"\x30\x84\x40\0\0\0"), Err(Breach::TooLong));
        assert_eq!(length(b"\x30\x89\0\0\0\0\0\0\0\0\x01"), Err(Breach::TooLong));
        assert_eq!(length(b"\x30\x80"), Err(Breach::Malformed));
        assert_eq!(length(b"GET / HTTP/1.1"), Err(Breach::Malformed));
    }
}
