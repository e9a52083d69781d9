//! Windows security descriptors (MS-DTYP 2.4), as far as the question goes what an account may do to a user: the owner and the
//! discretionary list. What is not understood grants nothing.

use std::fmt::{self, Write};

use ldap3::controls::RawControl;
use uuid::{Uuid, uuid};

/// Access masks (MS-ADTS 5.1.3.2).
pub const CREATE_CHILD: u32 = 0x1;
pub const DELETE_CHILD: u32 = 0x2;
pub const WRITE_PROPERTY: u32 = 0x20;
pub const DELETE_TREE: u32 = 0x40;
pub const CONTROL_ACCESS: u32 = 0x100;
pub const DELETE: u32 = 0x1_0000;
pub const WRITE_DAC: u32 = 0x4_0000;
pub const WRITE_OWNER: u32 = 0x8_0000;
pub const GENERIC_ALL: u32 = 0x1000_0000;
pub const GENERIC_WRITE: u32 = 0x4000_0000;

pub const USER_CLASS: Uuid = uuid!("bf967aba-0de6-11d0-a285-00aa003049e2");
pub const RESET_PASSWORD: Uuid = uuid!("00299570-246d-11d0-a768-00aa006e0529");
pub const CHANGE_PASSWORD: Uuid = uuid!("ab721a53-1e2f-11d0-9819-00aa0040529b");
pub const LOCKOUT_TIME: Uuid = uuid!("28630ebf-41d5-11d1-a9c1-0000f80367c1");
pub const PWD_LAST_SET: Uuid = uuid!("bf967a0a-0de6-11d0-a285-00aa003049e2");
/// The property set that pwdLastSet belongs to.
pub const ACCOUNT_RESTRICTIONS: Uuid = uuid!("4c164200-20c0-11d0-a768-00aa006e0529");

/// LDAP_MATCHING_RULE_IN_CHAIN (MS-ADTS 3.1.1.3.4.4.3): follows membership through groups in groups.
pub const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

const DACL_PROTECTED: u16 = 0x1000;
const INHERIT_ONLY: u8 = 0x08;
const INHERITED: u8 = 0x10;

/// The groups that AdminSDHolder guards (MS-ADTS 3.1.1.6.1.1): Domain Admins, controllers, Schema and Enterprise Admins, controllers that
/// only read, Key Admins; with them those who own the group policies.
const DOMAIN_ADMINS: [u32; 8] = [512, 516, 518, 519, 520, 521, 526, 527];
/// The same of BUILTIN: Administrators; Account, Server, Print, Backup Operators; Replicator.
const BUILTIN_ADMINS: [u32; 6] = [544, 548, 549, 550, 551, 552];

/// Everyone and Authenticated Users.
const ANYBODY: [&[u8]; 2] = [&[1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], &[1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0]];

/// What everybody who signed in counts as.
pub fn anybody() -> impl Iterator<Item = Sid> {
    ANYBODY.iter().filter_map(|bytes| Sid::read(bytes))
}

/// LDAP_SERVER_SD_FLAGS_OID (MS-ADTS 3.1.1.3.4.1.11), owner and list: without it a read asks for the audit list, too, and is denied
/// everything.
pub fn flags() -> RawControl {
    RawControl { ctype: "1.2.840.113556.1.4.801".to_owned(), crit: false, val: Some(vec![0x30, 0x03, 0x02, 0x01, 0x05]) }
}

/// A filter for the groups that administer the domain with this identifier.
pub fn administering(domain: &Sid) -> String {
    let own = DOMAIN_ADMINS.iter().map(|rid| format!("(objectSid={domain}-{rid})"));
    let all = own.chain(BUILTIN_ADMINS.iter().map(|rid| format!("(objectSid=S-1-5-32-{rid})")));
    format!("(|{})", all.collect::<Vec<_>>().concat())
}

/// One for the accounts whose primary group is one of them. (BUILTIN groups are nobody's.)
pub fn administering_primarily() -> String {
    format!("(|{})", DOMAIN_ADMINS.iter().map(|rid| format!("(primaryGroupID={rid})")).collect::<Vec<_>>().concat())
}

/// A security identifier.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sid(Vec<u8>);

impl Sid {
    /// The one that these bytes begin with.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let len = 8 + 4 * usize::from(*bytes.get(1)?);
        (bytes.first() == Some(&1)).then(|| bytes.get(..len).map(|sid| Self(sid.to_vec())))?
    }

    /// The last number: which account or group of its domain.
    pub fn rid(&self) -> u32 {
        self.0.last_chunk().filter(|_| self.0.len() > 8).map_or(0, |last| u32::from_le_bytes(*last))
    }

    /// Everyone, the authenticated, BUILTIN: no domain's own.
    pub fn is_domain(&self) -> bool {
        self.to_string().starts_with("S-1-5-21-")
    }

    /// Whether it is a group that administers a domain or its servers.
    pub fn administers(&self) -> bool {
        if self.is_domain() {
            DOMAIN_ADMINS.contains(&self.rid())
        } else {
            self.to_string().starts_with("S-1-5-32-") && BUILTIN_ADMINS.contains(&self.rid())
        }
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0[2..8].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        write!(f, "S-1-{authority}")?;
        self.0[8..]
            .chunks_exact(4)
            .try_for_each(|part| write!(f, "-{}", part.iter().rev().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte))))
    }
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ace {
    allow: bool,
    flags: u8,
    mask: u32,
    /// A property, property set or extended right; `None`: all of them.
    object: Option<Uuid>,
    /// The class that inherits it.
    inherited_by: Option<Uuid>,
    pub sid: Sid,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Descriptor {
    pub owner: Option<Sid>,
    /// Nothing is inherited from above.
    pub is_protected: bool,
    pub aces: Vec<Ace>,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn guid_at(bytes: &[u8], at: usize) -> Option<Uuid> {
    Some(Uuid::from_bytes_le(*bytes.get(at..)?.first_chunk()?))
}

impl Descriptor {
    /// In self-relative form. `None` when it is none, or has no list that we were allowed to see.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let offset = |at| Some(usize::try_from(u32_at(bytes, at)?).ok()?).filter(|&at| at != 0);
        let owner = offset(4).and_then(|at| Sid::read(bytes.get(at..)?));
        let list = bytes.get(offset(16)?..)?;
        let mut at = 8;
        let mut aces = Vec::new();
        for _ in 0..u16_at(list, 4)? {
            let size = usize::from(u16_at(list, at + 2)?);
            aces.extend(Ace::read(list.get(at..at + size)?));
            at += size.max(8);
        }
        Some(Self { owner, is_protected: u16_at(bytes, 2)? & DACL_PROTECTED != 0, aces })
    }

    /// Whether somebody with these identifiers has `mask` on `object` (or on a set that it belongs to): the first entry that
    /// says something about it decides (MS-ADTS 5.1.3.3.2 and .3).
    pub fn allows(&self, token: &[Sid], mask: u32, objects: &[Uuid]) -> bool {
        self.deciding(token, mask, objects).is_some_and(|ace| ace.allow)
    }

    /// The entry that keeps somebody from it, whatever else is granted.
    pub fn denying(&self, token: &[Sid], mask: u32, objects: &[Uuid]) -> Option<&Ace> {
        self.deciding(token, mask, objects).filter(|ace| !ace.allow)
    }

    fn deciding(&self, token: &[Sid], mask: u32, objects: &[Uuid]) -> Option<&Ace> {
        self.aces
            .iter()
            .filter(|ace| ace.flags & INHERIT_ONLY == 0 && ace.mask & mask == mask && token.contains(&ace.sid))
            .find(|ace| ace.object.is_none_or(|object| objects.contains(&object)))
    }
}

impl Ace {
    /// `None` for kinds that are not understood (conditional ones, for instance).
    fn read(bytes: &[u8]) -> Option<Self> {
        const ALLOWED: u8 = 0;
        const DENIED: u8 = 1;
        const ALLOWED_OBJECT: u8 = 5;
        const DENIED_OBJECT: u8 = 6;
        let (kind, flags, mask) = (*bytes.first()?, *bytes.get(1)?, u32_at(bytes, 4)?);
        let is_object = matches!(kind, ALLOWED_OBJECT | DENIED_OBJECT);
        if !is_object && !matches!(kind, ALLOWED | DENIED) {
            return None;
        }
        let (mut at, mut object, mut inherited_by) = (8, None, None);
        if is_object {
            let present = u32_at(bytes, 8)?;
            at = 12;
            for (bit, slot) in [(1, &mut object), (2, &mut inherited_by)] {
                if present & bit != 0 {
                    *slot = Some(guid_at(bytes, at)?);
                    at += 16;
                }
            }
        }
        let sid = Sid::read(bytes.get(at..)?)?;
        Some(Self { allow: matches!(kind, ALLOWED | ALLOWED_OBJECT), flags, mask, object, inherited_by, sid })
    }

    pub fn is_inherited(&self) -> bool {
        self.flags & INHERITED != 0
    }

    /// Whether this one, made somewhere, is what `heir` inherited.
    pub fn is_source_of(&self, heir: &Self) -> bool {
        let same = (self.allow, self.mask, self.object, &self.sid) == (heir.allow, heir.mask, heir.object, &heir.sid);
        same && !self.is_inherited()
    }

    /// The property, set of properties or right that it is about; `None`: all of them.
    pub fn object(&self) -> Option<Uuid> {
        self.object
    }

    pub fn has(&self, mask: u32) -> bool {
        self.mask & mask != 0
    }

    /// Whether it lets its holder do more to people than reset, unlock and make them change their password.
    pub fn is_too_much(&self) -> bool {
        const NEVER: u32 = CREATE_CHILD | DELETE_CHILD | DELETE_TREE | DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_ALL | GENERIC_WRITE;
        // Changing with the old password is everybody's right.
        let needed = match self.object {
            Some(RESET_PASSWORD | CHANGE_PASSWORD) => CONTROL_ACCESS,
            Some(LOCKOUT_TIME | PWD_LAST_SET) => WRITE_PROPERTY,
            // Another one, or all.
            _ => 0,
        };
        let concerns_people = self.inherited_by.is_none_or(|class| class == USER_CLASS);
        self.allow && concerns_people && self.mask & (NEVER | WRITE_PROPERTY | CONTROL_ACCESS) & !needed != 0
    }

    /// As tools take it (MS-DTYP 2.5.1).
    pub fn sddl(&self) -> String {
        const FLAGS: [(u8, &str); 4] = [(0x02, "CI"), (0x08, "IO"), (0x01, "OI"), (0x04, "NP")];
        const RIGHTS: [(u32, &str); 15] = [
            (CREATE_CHILD, "CC"),
            (DELETE_CHILD, "DC"),
            (0x4, "LC"),
            (0x8, "SW"),
            (0x10, "RP"),
            (WRITE_PROPERTY, "WP"),
            (DELETE_TREE, "DT"),
            (0x80, "LO"),
            (CONTROL_ACCESS, "CR"),
            (DELETE, "SD"),
            (0x2_0000, "RC"),
            (WRITE_DAC, "WD"),
            (WRITE_OWNER, "WO"),
            (GENERIC_ALL, "GA"),
            (GENERIC_WRITE, "GW"),
        ];
        let is_object = self.object.is_some() || self.inherited_by.is_some();
        let mut out = String::from("(");
        out += match (self.allow, is_object) {
            (true, false) => "A;",
            (false, false) => "D;",
            (true, true) => "OA;",
            (false, true) => "OD;",
        };
        FLAGS.iter().filter(|(bit, _)| self.flags & bit != 0).for_each(|(_, name)| out += name);
        out += ";";
        RIGHTS.iter().filter(|(bit, _)| self.mask & bit != 0).for_each(|(_, name)| out += name);
        let guid = |guid: Option<Uuid>| guid.map(|guid| guid.to_string()).unwrap_or_default();
        let _ = write!(out, ";{};{};{})", guid(self.object), guid(self.inherited_by), self.sid);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sid(rid: u32) -> Vec<u8> {
        let mut bytes = vec![1, 5, 0, 0, 0, 0, 0, 5];
        for part in [21_u32, 1, 2, 3, rid] {
            bytes.extend(part.to_le_bytes());
        }
        bytes
    }

    fn ace(kind: u8, flags: u8, mask: u32, object: Option<Uuid>, class: Option<Uuid>, rid: u32) -> Vec<u8> {
        let mut body = mask.to_le_bytes().to_vec();
        if kind >= 5 {
            body.extend((u32::from(object.is_some()) | u32::from(class.is_some()) << 1).to_le_bytes());
            [object, class].into_iter().flatten().for_each(|guid| body.extend(guid.to_bytes_le()));
        }
        body.extend(sid(rid));
        let size = u16::try_from(body.len() + 4).unwrap().to_le_bytes();
        [vec![kind, flags], size.to_vec(), body].concat()
    }

    fn descriptor(control: u16, aces: &[Vec<u8>]) -> Vec<u8> {
        let owner = sid(512);
        let list = aces.concat();
        let mut out = vec![1, 0];
        out.extend(control.to_le_bytes());
        let at = 20 + u32::try_from(owner.len()).unwrap();
        for offset in [20_u32, 0, 0, at] {
            out.extend(offset.to_le_bytes());
        }
        out.extend(&owner);
        out.extend([4, 0]);
        out.extend(u16::try_from(list.len() + 8).unwrap().to_le_bytes());
        out.extend(u16::try_from(aces.len()).unwrap().to_le_bytes());
        out.extend([0, 0]);
        out.extend(list);
        out
    }

    #[test]
    fn the_first_entry_that_speaks_of_it_decides() {
        let me = [Sid::read(&sid(1104)).unwrap()];
        let may = |aces: &[Vec<u8>]| {
            let read = Descriptor::read(&descriptor(0x9004, aces)).unwrap();
            assert!(read.is_protected && read.owner.as_ref().is_some_and(|owner| owner.rid() == 512));
            read.allows(&me, CONTROL_ACCESS, &[RESET_PASSWORD])
        };
        let grant = ace(5, 0x12, CONTROL_ACCESS, Some(RESET_PASSWORD), Some(USER_CLASS), 1104);
        assert!(may(std::slice::from_ref(&grant)));
        assert!(may(&[ace(0, 0, 0xF01FF, None, None, 1104)]), "full control");
        assert!(!may(&[ace(1, 0, CONTROL_ACCESS, None, None, 1104), grant.clone()]), "denied first");
        assert!(may(&[ace(6, 0, CONTROL_ACCESS, Some(CHANGE_PASSWORD), None, 1104), grant.clone()]), "another right denied");
        assert!(!may(&[ace(5, 0x0A, CONTROL_ACCESS, Some(RESET_PASSWORD), None, 1104)]), "only for those below");
        assert!(!may(&[ace(5, 0, CONTROL_ACCESS, Some(RESET_PASSWORD), None, 1105)]), "somebody else");
        assert!(!may(&[ace(5, 0, WRITE_PROPERTY, Some(RESET_PASSWORD), None, 1104)]), "another right");
        assert!(!may(&[ace(9, 0, CONTROL_ACCESS, None, None, 1104)]), "what is not understood grants nothing");
    }

    #[test]
    fn entries_are_written_as_tools_take_them() {
        let read = Descriptor::read(&descriptor(
            4,
            &[
                ace(5, 0x0A, CONTROL_ACCESS, Some(RESET_PASSWORD), Some(USER_CLASS), 1104),
                ace(5, 0x0A, WRITE_PROPERTY, Some(LOCKOUT_TIME), Some(USER_CLASS), 1104),
                ace(0, 0x02, 0xF01FF, None, None, 1104),
                ace(5, 0x0A, WRITE_PROPERTY, Some(ACCOUNT_RESTRICTIONS), Some(USER_CLASS), 1104),
            ],
        ))
        .unwrap();
        assert!(!read.is_protected);
        assert_eq!(
            read.aces.iter().map(Ace::sddl).collect::<Vec<_>>(),
            [
                "(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1104)",
                "(OA;CIIO;WP;28630ebf-41d5-11d1-a9c1-0000f80367c1;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1104)",
                "(A;CI;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;S-1-5-21-1-2-3-1104)",
                "(OA;CIIO;WP;4c164200-20c0-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1104)",
            ]
        );
        assert_eq!(read.aces.iter().map(Ace::is_too_much).collect::<Vec<_>>(), [false, false, true, true]);
    }

    #[test]
    fn no_cut_of_it_is_misread() {
        let whole = descriptor(4, &[ace(5, 0, CONTROL_ACCESS, Some(RESET_PASSWORD), None, 1104)]);
        for len in 0..whole.len() {
            assert_eq!(Descriptor::read(&whole[..len]), None, "{len}");
        }
        for at in 0..whole.len() {
            let mut bent = whole.clone();
            bent[at] = 0xFF;
            // Whatever it says then: it ends.
            drop(Descriptor::read(&bent));
        }
    }
}
