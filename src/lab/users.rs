//! The people a directory begins with, as its CSV file has them.

use std::collections::HashMap;

use anyhow::{Context, Result};

/// One of the people the directory began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleUser {
    /// `sAMAccountName` or `uid`.
    pub sign_in_name: String,
    pub principal_name: String,
    pub display_name: String,
    pub mail: Option<String>,
    pub mobile: Option<String>,
    /// The first one.
    pub password: String,
    pub disabled: bool,
    pub must_change: bool,
}

pub(super) fn sample_users(csv: &str) -> Result<Vec<SampleUser>> {
    let mut lines = csv.lines();
    let heading = fields(lines.next().unwrap_or_default());
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let row: HashMap<String, String> = heading.iter().cloned().zip(fields(line)).collect();
            let get = |name: &str| row.get(name).cloned().with_context(|| format!("the sample users have no column {name}"));
            let some = |name: &str| row.get(name).filter(|text| !text.is_empty()).cloned();
            let flags = row.get("flags").cloned().unwrap_or_default();
            let sign_in_name = get("username")?;
            Ok(SampleUser {
                principal_name: format!("{sign_in_name}@corp.example"),
                display_name: format!("{} {}", get("given_name")?, get("family_name")?),
                mail: some("mail"),
                mobile: some("mobile"),
                password: get("password")?,
                disabled: flags.split(';').any(|flag| flag == "disabled"),
                must_change: flags.split(';').any(|flag| flag == "must-change"),
                sign_in_name,
            })
        })
        .collect()
}

/// The fields of one line of CSV (RFC 4180 without line breaks inside fields).
fn fields(line: &str) -> Vec<String> {
    let (mut out, mut quoted) = (vec![String::new()], false);
    let mut characters = line.trim_end_matches('\r').chars().peekable();
    while let Some(character) = characters.next() {
        let field = out.last_mut().expect("never empty");
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            other => field.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_commas_quotes_and_umlauts() {
        let csv = "username,given_name,family_name,mail,mobile,password,groups,flags\r\n\
                   jo,\"Jo \"\"J\"\"\",\"Müller, sen.\",,+15550100,\"a,b\",staff,disabled;must-change\r\n";
        let users = sample_users(csv).unwrap();
        assert_eq!(users[0].display_name, "Jo \"J\" Müller, sen.");
        assert_eq!((users[0].mail.as_deref(), users[0].password.as_str()), (None, "a,b"));
        assert!(users[0].disabled && users[0].must_change);
    }
}
