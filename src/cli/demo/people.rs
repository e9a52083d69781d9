//! The twenty people of `corp.example`, whom nobody should mistake for somebody real: addresses under a reserved domain, numbers
//! from the range that is kept for films.

use std::fmt::Write;

use crate::base::id;

/// Sign-in name, given name, family name, groups, flags. The portal must cope with these names; so must the directory.
const PEOPLE: [(&str, &str, &str, &str, &str); 20] = [
    ("anna.becker", "Anna", "Becker", "all-staff;finance", ""),
    ("joerg.mueller", "Jörg", "Müller", "all-staff", ""),
    ("priya.nair", "Priya", "Nair", "all-staff;engineering", ""),
    ("tom.okafor", "Tom", "Okafor", "all-staff;engineering", ""),
    ("lena.weiss", "Lena", "Weiß", "all-staff", ""),
    ("marek.dvorak", "Marek", "Dvořák", "all-staff;finance", ""),
    ("sofia.rossi", "Sofia", "Rossi", "all-staff", ""),
    ("aoife.obrien", "Aoife", "O'Brien", "all-staff;engineering", ""),
    ("henrik.lofgren", "Henrik", "Löfgren", "all-staff", ""),
    ("yuki.tanaka", "Yuki", "Tanaka", "all-staff;engineering", ""),
    ("fatima.elsayed", "Fatima", "El-Sayed", "all-staff;finance", ""),
    ("lucas.silva", "Lucas", "da Silva", "all-staff", ""),
    ("chloe.dubois", "Chloé", "Dubois", "all-staff", ""),
    ("ivan.petrov", "Ivan", "Petrov", "all-staff;engineering", ""),
    ("maya.cohen", "Maya", "Cohen", "all-staff", ""),
    ("samuel.adeyemi", "Samuel", "Adeyemi", "all-staff;finance", ""),
    ("greta.lindqvist", "Greta", "Lindqvist", "all-staff", ""),
    ("daniel.kim", "Daniel", "Kim", "all-staff;engineering", ""),
    // Must change the password at the next sign-in.
    ("nora.haddad", "Nora", "Haddad", "all-staff", "must-change"),
    // Left the company: served like a stranger.
    ("paul.schaefer", "Paul", "Schäfer", "all-staff", "disabled"),
];

/// As `lab/samba-dc` takes it, with a first password for each that is made now.
pub fn csv() -> String {
    let mut csv = String::from("username,given_name,family_name,mail,mobile,password,groups,flags\n");
    for (number, (name, given, family, groups, flags)) in PEOPLE.into_iter().enumerate() {
        // +1 … 555 0100 to 0199 belongs to fiction. Every fifth has no mobile phone on file.
        let mobile = if number % 5 == 4 { String::new() } else { format!("+120255501{number:02}") };
        writeln!(csv, "{name},{given},{family},{name}@corp.example,{mobile},{},{groups},{flags}", password()).expect("a string takes text");
    }
    csv
}

/// Speakable, of four kinds of characters, 40 bits: good for a directory that lives an afternoon on loopback.
pub fn password() -> String {
    const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
    const VOWELS: &[u8; 4] = b"aeio";
    let random = id::random_bytes::<8>();
    let mut text = String::new();
    for (number, byte) in random[..6].iter().enumerate() {
        let consonant = char::from(CONSONANTS[usize::from(byte & 15)]);
        text.push(if number % 3 == 0 { consonant.to_ascii_uppercase() } else { consonant });
        text.push(char::from(VOWELS[usize::from(byte >> 4 & 3)]));
        if number == 2 {
            text.push('-');
        }
    }
    write!(text, "-{:04}", u16::from_be_bytes([random[6], random[7]]) % 10_000).expect("a string takes text");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_passwords_are_complex() {
        let mut names: Vec<_> = PEOPLE.iter().map(|person| person.0).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 20);
        assert!(names.iter().all(|name| name.is_ascii() && name.len() <= 20), "sAMAccountName has 20 characters");
        assert_eq!(csv().lines().count(), 21);
        let password = password();
        assert_eq!(password.len(), 18);
        assert!(password.contains(|c: char| c.is_ascii_uppercase()) && password.contains(|c: char| c.is_ascii_digit()));
    }
}
