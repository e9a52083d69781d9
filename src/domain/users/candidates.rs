//! People together with what holds for them: whom a typed name may stand for, and everybody.

use anyhow::Result;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Name, Row, User, contact};
use crate::{
    base::id,
    domain::{policies::Terms, tenants::Scope},
};

/// A person as they are read together with what holds for them.
struct Judged {
    /// What they were looked for.
    why: String,
    /// Where they stand among donors.
    lot: Uuid,
    user_id: Uuid,
    connector_id: Uuid,
    object_guid: Uuid,
    sign_in_name: String,
    display_name: String,
    mail: Option<Vec<u8>>,
    private_mail: Option<Vec<u8>>,
    mobile: Option<Vec<u8>>,
    mail_at: Option<OffsetDateTime>,
    private_mail_at: Option<OffsetDateTime>,
    mobile_at: Option<OffsetDateTime>,
    language: Option<String>,
    /// The directory leaves them open to self-service.
    open: bool,
    terms: Json<Terms>,
    help_desk: bool,
}

impl Judged {
    fn open(self, scope: &Scope) -> Result<(User, Terms, bool)> {
        let Self { user_id, connector_id, object_guid, sign_in_name, display_name, mail, private_mail, mobile, .. } = self;
        let Self { mail_at, private_mail_at, mobile_at, language, .. } = self;
        let row = Row {
            user_id,
            connector_id,
            object_guid,
            sign_in_name,
            display_name,
            mail,
            private_mail,
            mobile,
            mail_at,
            private_mail_at,
            mobile_at,
            language,
        };
        Ok((row.open(scope)?, self.terms.0, self.open))
    }
}

/// Who a typed name may stand for; each with the terms that hold for them.
#[derive(Default)]
pub struct Candidates {
    /// The one person of that name whom self-service may serve. Two are as good as none: a name must not choose. An account that
    /// follows another stands for that other one, and one of a linked directory that follows none counts only where no other
    /// directory knows the name: whoever is disabled there is not served by a side door.
    pub found: Option<(User, Terms)>,
    /// Somebody real who has a similar name: their contacts are shown to whoever types nearly their name, or the difference between
    /// the right and the nearly right name would tell that there is somebody.
    pub namesake: Option<(User, Terms)>,
    /// Some who are real, of whom a decoy borrows the *kinds* of contact of the first who could do what is begun. The same name always
    /// gets the same: those whose lot follows the name's hash (around the end), in an order of the name's own, or whoever has a wide gap
    /// before them would be copied more than anybody.
    pub donors: Vec<(User, Terms)>,
    /// Somebody of this tenant may be let in by the help desk alone: then everybody sees that way, or the help desk's people could be told
    /// from others, and from nobody.
    pub help_desk: bool,
}

/// So many are looked at for one who can do what is begun.
const DONORS: usize = 8;

/// All of them in one look, the same for names that are known and that are not: whom an account follows is asked in any case, of somebody.
/// `similar` is the name's [`super::similar`] hash. Ten are read for every name, whoever is found and their namesake among
/// them: reading one takes a time that could be told.
pub async fn candidates(conn: &mut PgConnection, scope: &Scope, name: &Name, similar: &[u8]) -> Result<Candidates> {
    let rows = sqlx::query_as!(
        Judged,
        r#"with served as not materialized (
               select u.*, c.linked from users u join connectors c using (tenant_id, connector_id)
               where tenant_id = $1 and removed_at is null and enabled and not protected
           ), named as not materialized (
               select u.user_id, c.linked from users u join connectors c using (tenant_id, connector_id)
               where u.tenant_id = $1 and u.removed_at is null and (u.sign_in_name = $2 or u.principal_name = $2 or u.mail_index = $3)
           ), follows as materialized (
               select first_of($1, coalesce((select user_id from named where linked limit 1),
                   (select user_id from served where lot >= $5 and mail is not null and not linked order by lot limit 1))) as first
           ), chosen as not materialized (
               select user_id from named where not linked
               union all select first from follows where first is not null and (select not bool_or(not linked) and count(*) = 1 from named)
               union all select user_id from named where linked and (select not bool_or(not linked) from named) and (select first is null from follows)
           ), picked as materialized (
               (select 'found' as why, s.* from served s where user_id = any(array(select user_id from chosen)) limit 2)
               union all
               (select 'namesake', s.* from served s where user_id = any(array(select people_alike($1, $4))) order by linked, user_id limit 1)
               union all
               (select 'donor', s.* from served s where lot >= $5 and mail is not null and not linked order by lot limit 8)
               union all
               (select 'first', s.* from served s where lot < $5 and mail is not null and not linked order by lot limit 8)
               limit 10
           )
           select why as "why!", lot as "lot!", user_id as "user_id!", connector_id as "connector_id!", object_guid as "object_guid!",
               sign_in_name as "sign_in_name!", display_name as "display_name!", mail, private_mail, mobile, mail_at, private_mail_at, mobile_at, language,
               true as "open!", to_jsonb(p) as "terms!: Json<Terms>",
               exists (select from policies d join tenants t using (tenant_id) where d.tenant_id = $1 and d.serves and d.gates = 1 and 'help_desk' = any(d.methods)
                   and 'code' <> all (t.forbidden)) as "help_desk!"
           from picked, policy_of($1, user_id) p"#,
        scope.id(),
        name.as_str(),
        contact::mail_index(scope, name.as_str()),
        similar,
        Uuid::from_slice(similar.get(..16).unwrap_or(&[0; 16]))?,
    )
    .fetch_all(conn)
    .await?;
    let (mut candidates, mut more, mut donors) = (Candidates::default(), false, Vec::new());
    for row in rows {
        let (why, lot) = (row.why.clone(), row.lot);
        candidates.help_desk = row.help_desk;
        let (user, terms, _) = row.open(scope)?;
        let one = (user, terms);
        match why.as_str() {
            "found" => {
                more |= candidates.found.is_some();
                candidates.found = Some(one);
            }
            "namesake" => candidates.namesake = Some(one),
            _ => donors.push(((why == "first", lot), one)),
        }
    }
    donors.sort_by_key(|(place, _)| *place);
    donors.truncate(DONORS);
    donors.sort_by_cached_key(|((_, lot), _)| id::sha256(&[similar, lot.as_bytes()].concat()));
    candidates.donors = donors.into_iter().map(|(_, one)| one).collect();
    candidates.found = candidates.found.filter(|_| !more);
    Ok(candidates)
}

/// A page of everybody whom a directory that goes first has, behind `after` in the order of their ids; each with what holds for them and
/// whether the directory leaves them open to self-service. What holds is asked once for all who are in the same of the groups that any
/// policy knows: it depends on nothing else.
pub async fn everybody(conn: &mut PgConnection, scope: &Scope, after: Uuid, most: i64) -> Result<Vec<(User, Terms, bool)>> {
    let rows = sqlx::query_as!(
        Judged,
        r#"with page as materialized (
               select u.* from users u join connectors c using (tenant_id, connector_id)
               where u.tenant_id = $1 and u.user_id > $2 and u.removed_at is null and not c.linked order by u.user_id limit $3
           ), watched as materialized (
               select connector_id, group_guid from policy_groups where tenant_id = $1
               union select connector_id, group_guid from privileged_groups where tenant_id = $1
           ), placed as materialized (
               select p.user_id, p.connector_id, array(select m.group_guid from memberships m join watched using (connector_id, group_guid)
                   where m.user_id = p.user_id order by m.group_guid) as groups from page p
           ), alike as materialized (
               select connector_id, groups, (array_agg(user_id))[1] as one from placed group by connector_id, groups
           ), judged as materialized (
               select a.connector_id, a.groups, to_jsonb(p) as terms from alike a, policy_of($1, a.one) p
           )
           select '' as "why!", lot as "lot!", u.user_id, u.connector_id, object_guid, sign_in_name, display_name, mail, private_mail, mobile, mail_at, private_mail_at, mobile_at, language,
               enabled and not protected as "open!", j.terms as "terms!: Json<Terms>", false as "help_desk!"
           from page u join placed l using (user_id) join judged j on j.connector_id = l.connector_id and j.groups = l.groups
           order by u.user_id"#,
        scope.id(),
        after,
        most,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| row.open(scope)).collect()
}
