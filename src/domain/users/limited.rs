//! Whom a limit is for: counters know people by keyed hashes only, so an operator's question is answered by hashing who is there.

use std::collections::HashMap;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{EmailAddress, Name, Phone, Reach, User, similar};
use crate::domain::{
    policies::{Class, Method},
    tenants::Scope,
};

/// Whose tries count once a proof of theirs is passed: apart from what a stranger can use up by a name.
pub fn proven(scope: &Scope, user: Uuid) -> Vec<u8> {
    scope.key().hash(b"limit subject after a proof", user.as_bytes())
}

/// The same for a mailbox or number of theirs, which strangers can have codes sent to.
pub fn proven_destination(scope: &Scope, to: &str) -> Vec<u8> {
    scope.key().hash(b"limit destination after a proof", to.to_lowercase().as_bytes())
}

/// Whom a name stands for that nobody has.
pub fn no_one(scope: &Scope, similar: &[u8]) -> Vec<u8> {
    scope.key().hash(b"limit subject of nobody", similar)
}

/// Wherever this account is sent codes by this method: where they go is another mailbox for somebody real than for a name that is nearly
/// theirs, and a wait must not tell.
pub fn anywhere(scope: &Scope, subject: &[u8], method: Method) -> Vec<u8> {
    scope.key().hash(b"limit destination of an account", &[subject, method.as_str().as_bytes()].concat())
}

/// All by which limits know whoever is called that: what is typed, and of everybody of that name the account, whatever else may be typed for
/// it, its mailboxes and its number.
pub async fn subjects(conn: &mut PgConnection, scope: &Scope, name: &Name, people: &[User]) -> Result<Vec<Vec<u8>>> {
    let mut subjects = vec![similar(scope, name), no_one(scope, &similar(scope, name))];
    for user in people {
        subjects.extend([user.subject(scope), proven(scope, user.user_id)]);
        let mails = [&user.mail, &user.private_mail].into_iter().flatten().map(EmailAddress::as_str);
        // Of sign-in name, principal name and mail; nobody is found by the private mailbox, but it may be typed.
        subjects.extend(user.private_mail.iter().map(|mail| super::contact::alias(scope, mail.as_str())));
        subjects.extend(mails.chain(user.mobile.as_ref().map(Phone::as_str)).flat_map(|to| by_destination(scope, to)));
    }
    let ids: Vec<_> = people.iter().map(|user| user.user_id).collect();
    let aliases = sqlx::query_scalar!(
        r#"select unnest(aliases) as "alias!" from users where tenant_id = $1 and user_id = any($2)"#,
        scope.id(),
        &ids,
    );
    subjects.extend(aliases.fetch_all(conn).await?);
    let sent: Vec<_> = subjects.iter().flat_map(|subject| everywhere(scope, subject)).collect();
    Ok([subjects, sent].concat())
}

fn by_destination(scope: &Scope, to: &str) -> [Vec<u8>; 2] {
    [User::destination(scope, to), proven_destination(scope, to)]
}

fn everywhere(scope: &Scope, subject: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let sent = Method::ALL.into_iter().filter(|method| method.class() == Class::Issued);
    sent.map(|method| anywhere(scope, subject, method))
}

/// The sign-in names behind these subjects. Goes through all people of the tenant: for an operator, not for a page.
pub async fn whose(conn: &mut PgConnection, scope: &Scope, subjects: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, String>> {
    let mut named: HashMap<Vec<u8>, String> = subjects.iter().map(|subject| (subject.clone(), String::new())).collect();
    let rows = sqlx::query!(
        "select user_id, object_guid, sign_in_name, aliases, mail, private_mail, mobile from users where tenant_id = $1 and removed_at is null",
        scope.id(),
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let reach = Reach::open(scope, String::new(), [row.mail, row.private_mail, row.mobile], None)?;
        let mails = [&reach.mail, &reach.private_mail].into_iter().flatten().map(EmailAddress::as_str);
        let reached = mails.chain(reach.mobile.as_ref().map(Phone::as_str)).flat_map(|to| by_destination(scope, to));
        let known: Vec<_> = [User::subject_of(scope, row.object_guid), proven(scope, row.user_id)].into_iter().chain(row.aliases).collect();
        let sent = known.iter().flat_map(|subject| everywhere(scope, subject));
        for subject in reached.chain(sent).chain(known.iter().cloned()) {
            // One person is limited by several subjects, and some of those may be the same one.
            if let Some(names) = named.get_mut(&subject).filter(|names| !names.split(", ").any(|name| name == row.sign_in_name)) {
                let comma = if names.is_empty() { "" } else { ", " };
                names.push_str(comma);
                names.push_str(&row.sign_in_name);
            }
        }
    }
    named.retain(|_, names| !names.is_empty());
    Ok(named)
}
