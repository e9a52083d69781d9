//! What was registered goes only by the word of whoever proves the strongest of it: a mailbox and the password that opens it, in the
//! hands of a thief, must not be enough to strip an account of its passkey. Who has lost the strongest adds another one and, once that
//! has cooled off, removes the old one by it.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Kind, usable};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        policies::{self, Method},
        tenants::Scope,
        users,
    },
};

/// What came of removing something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    Yes(Kind),
    /// There is no such, or it is not theirs.
    NotThere,
    /// Not before they have proven this.
    Proof(Kind),
}

/// Remove one's own. `proven`: by what they are signed in.
pub async fn remove(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    (user, proven): (Uuid, &[Method]),
    authenticator: Uuid,
) -> Result<Removed> {
    if let Some(kind) = wanted(&mut *conn, scope, clock, user, proven).await? {
        let detail = serde_json::json!({ "authenticator": authenticator, "wanted": kind.as_str() });
        let event = Event { action: "authenticator.remove", outcome: "refused", user: Some(user), detail, ..Event::default() };
        audit::record(conn, scope, clock, source, event).await?;
        return Ok(Removed::Proof(kind));
    }
    let kind = take_away(&mut *conn, scope, clock, source, user, authenticator).await?;
    if kind.is_some() {
        users::put_in_order(conn, scope, clock, user).await?;
    }
    Ok(kind.map_or(Removed::NotThere, Removed::Yes))
}

/// The same by an operator's word, who has made sure whom they speak to. `None`: there is no such, or it is not theirs.
pub async fn take_away(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    user: Uuid,
    authenticator: Uuid,
) -> Result<Option<Kind>> {
    let kind = sqlx::query_scalar!(
        "delete from authenticators where tenant_id = $1 and user_id = $2 and authenticator_id = $3 returning kind",
        scope.id(),
        user,
        authenticator,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(kind) = kind else { return Ok(None) };
    let detail = serde_json::json!({ "authenticator": authenticator, "kind": kind });
    let event = Event { action: "authenticator.remove", outcome: "removed", user: Some(user), detail, ..Event::default() };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(Some(Kind::parse(&kind)?))
}

/// What they must prove before anything of theirs is removed: the strongest that they can use and their policy takes. `None`: they have
/// proven enough, or have nothing to prove.
pub async fn wanted(conn: &mut PgConnection, scope: &Scope, clock: &Clock, user: Uuid, proven: &[Method]) -> Result<Option<Kind>> {
    let terms = policies::of_user(&mut *conn, scope, user).await?;
    let usable: Vec<Kind> = usable(conn, scope, clock, &[user]).await?.into_iter().map(|(_, kind)| kind).collect();
    let taken: Vec<Kind> = usable.into_iter().filter(|kind| terms.methods.contains(&kind.method())).collect();
    Ok(stronger(&taken, proven))
}

/// A recovery code does for any of them: it is kept for the day when the others are lost.
fn stronger(usable: &[Kind], proven: &[Method]) -> Option<Kind> {
    let strongest = [Kind::Passkey, Kind::Totp, Kind::RecoveryCodes].into_iter().find(|kind| usable.contains(kind))?;
    let does = |method: &Method| match method {
        Method::Passkey | Method::RecoveryCode => true,
        Method::Totp => strongest != Kind::Passkey,
        Method::Email | Method::PrivateEmail | Method::Sms | Method::HelpDesk => false,
    };
    (!proven.iter().any(does)).then_some(strongest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_is_asked_for_and_a_code_that_was_sent_is_never_it() {
        use Kind::{Passkey, RecoveryCodes, Totp};
        let sent = [Method::Email, Method::PrivateEmail, Method::Sms, Method::HelpDesk];
        for (usable, wanted) in
            [(&[Passkey, Totp, RecoveryCodes][..], Passkey), (&[RecoveryCodes, Totp], Totp), (&[RecoveryCodes], RecoveryCodes)]
        {
            assert_eq!(stronger(usable, &[]), Some(wanted));
            assert_eq!(stronger(usable, &sent), Some(wanted));
            assert_eq!(stronger(usable, &[Method::Passkey]), None);
            assert_eq!(stronger(usable, &[Method::RecoveryCode]), None);
            assert_eq!(stronger(usable, &[Method::Totp]), (wanted == Passkey).then_some(Passkey));
        }
        assert_eq!(stronger(&[], &sent), None, "nothing can be proven, so nothing is asked");
    }
}
