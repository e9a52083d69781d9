//! All that the console's addresses and forms can name, made in the ordinary ways: what a tenant's own operators may act on.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use sspr::{
    base::id,
    domain::{
        acts::{self, Asking, Behalf, Offered},
        approvals::{self, Asked, Wish},
        audit::Source,
        branding, fleet,
        operators::{self, Role},
        policies,
        resets::{self, Why},
        settings,
        tenants::Change,
        texts::{self, Text, Which},
    },
    wire::ticket::Kind,
};
use time::Duration;
use uuid::Uuid;

use crate::support::{
    Cloud, HandAgent, Person,
    agent::{in_groups, somebody},
    person::seal_for,
};

/// What somebody has.
#[derive(Clone)]
pub struct Estate {
    /// By what they are of.
    pub ids: BTreeMap<&'static str, Uuid>,
    /// Of the agent that waits to be confirmed.
    pub fingerprint: String,
    /// A temporary password for the user, as the owner's browser would post it.
    pub sealed: String,
}

impl Estate {
    pub fn id(&self, what: &str) -> Uuid {
        self.ids[what]
    }

    /// The same with this in the place of each id.
    pub fn as_if(&self, id: Uuid) -> Self {
        let ids = self.ids.keys().map(|what| (*what, id)).collect();
        Self { ids, sealed: self.sealed.replace(&self.id("offered").to_string(), &id.to_string()), ..self.clone() }
    }
}

impl Cloud {
    /// Of the tenant that this cloud's helpers work for; its owner at the console, and its agent.
    pub async fn estate(&self) -> (Estate, Person, HandAgent) {
        let (scope, clock, source) = (&self.tenant.scope, &self.clock, Source::house("cli"));
        let mut ids = BTreeMap::new();
        let (owner, person) = self.operator_with(Role::Owner, &[]).await;
        let session = self.owned("operator_sessions", "session_id", "true").await;
        self.at_console(owner).await;
        ids.insert("session", self.owned("operator_sessions", "session_id", &format!("session_id <> '{session}'")).await);
        // One of two can be removed.
        self.is_ready(owner).await;
        ids.insert("factor", self.owned("operator_factors", "factor_id", "true").await);
        self.is_ready(owner).await;
        let colleague = self.operator_with(Role::Owner, &[]).await.0;
        ids.insert("operator", self.operator_with(Role::HelpDesk, &[]).await.0);
        ids.insert("disabled", self.operator_with(Role::HelpDesk, &[]).await.0);

        let mut tx = self.app.begin().await.unwrap();
        let connector = fleet::create_connector(&mut tx, scope, clock, "Branch").await.unwrap();
        for feature in [fleet::Feature::Writeback, fleet::Feature::Unlock] {
            fleet::switch(&mut tx, scope, clock, &source, connector, (feature, true)).await.unwrap();
        }
        operators::switch(&mut tx, scope, clock, &source, ids["disabled"], false).await.unwrap();
        tx.commit().await.unwrap();
        ids.insert("connector", connector);
        let mut agent = self.agent_of(connector).await;
        ids.insert("agent", agent.id);
        let group = id::random();
        ids.insert("group", group);
        agent.tells(&[(group, &format!("Group {group}"))], vec![in_groups("alice", &[group]), somebody("bob")]).await;
        let pending = HandAgent::enrol_by(self, &self.token_of(connector).await).await;
        ids.insert("pending", pending.id);
        // What no helper comes to: an alarm, and people who are held back.
        let alarm = format!("update agents set cloned_at = 'epoch' where agent_id = '{}'", pending.id);
        let held = "insert into held_removals (connector_id, tenant_id, people, before, held_at)";
        let held = format!("{held} values ('{connector}', '{}', 1, 'epoch', 'epoch')", scope.id());
        for line in [alarm, held] {
            assert_eq!(sqlx::query(AssertSqlSafe(line)).execute(&self.app.db).await.unwrap().rows_affected(), 1);
        }
        self.registers_app("alice", Duration::ZERO).await;
        let (user, app) = (self.user("alice").await.user_id, self.owned("authenticators", "authenticator_id", "true").await);
        ids.extend([("user", user), ("frozen", self.user("bob").await.user_id), ("authenticator", app)]);

        self.changes_everything().await;
        ids.insert("policy", self.owned("policies", "policy_id", "true").await);
        for what in ["policies", "settings", "branding", "texts"] {
            ids.insert(what, self.owned("history", "change_id", &format!("what = '{what}'")).await);
        }

        let mut tx = self.app.begin().await.unwrap();
        let frozen = ids["frozen"];
        resets::freeze(&mut tx, &self.tenant, clock, &source, frozen, Why::Operator("x")).await.unwrap();
        let before = policies::rules(&mut tx, scope).await.unwrap();
        let mut after = before.clone();
        after.policies[0].terms.cooling_off = 12;
        let asker = operators::get(&mut tx, scope, colleague).await.unwrap().unwrap();
        for (what, by, wish) in [
            ("draft", owner, Wish::Method { user, authenticator: app }),
            ("waiting", colleague, Wish::Code { user, number: "123456".into() }),
            ("impact", colleague, Wish::Policy { before, after }),
        ] {
            let approval = approvals::begin(&mut tx, scope, clock, by, &wish).await.unwrap().unwrap();
            ids.insert(what, approval);
            if by == colleague {
                let asked = approvals::ask(&mut tx, &self.tenant, clock, &source, &asker, (approval, "x")).await.unwrap();
                assert_eq!(asked, Asked::Yes);
            }
        }
        let asking = acts::ask(&mut tx, scope, clock, &source, user, Kind::Inspect).await.unwrap();
        let Asking::Asked { job, .. } = asking else { panic!("not asked") };
        let behalf = Behalf { session, user, allowed: false };
        let offered = acts::offer(&mut tx, scope, clock, &source, behalf).await.unwrap();
        let Offered::Permit(ticket, recipients) = offered else { panic!("not offered") };
        tx.commit().await.unwrap();
        ids.extend([("job", job), ("offered", ticket.job)]);
        let sealed: Value = seal_for(&json!({ "ticket": ticket, "recipients": recipients }), "Correct-Horse-7");
        // Not over before it is looked at.
        let lasts = "update jobs set expires_at = expires_at + interval '1 day' where tenant_id = $1";
        sqlx::query(lasts).bind(scope.id()).execute(&self.app.db).await.unwrap();
        (Estate { ids, fingerprint: pending.fingerprint, sealed: sealed.to_string() }, person, agent)
    }

    /// A change of each kind that can be taken back.
    async fn changes_everything(&self) {
        let (scope, clock, source) = (&self.tenant.scope, &self.clock, Source::house("cli"));
        self.policy(|terms| policies::Draft { cooling_off: 48, ..terms }).await;
        let mut tx = self.app.begin().await.unwrap();
        let change = Change { self_service: Some(true), reconfirm_days: Some(77), ..Change::default() };
        settings::change(&mut tx, clock, &source, scope, (change, None)).await.unwrap();
        let edit = |state: &mut branding::State| state.accent = Some("#123456".into());
        branding::change(&mut tx, clock, &source, scope, (edit, None)).await.unwrap();
        let which = Which::parse("code", "email", "en").unwrap();
        let text = Text { subject: "A word".into(), ..texts::ours(which) };
        texts::change(&mut tx, scope, clock, &source, (which, Some(text)), None).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The first id of this tenant's in a table, of those for which that is true.
    async fn owned(&self, table: &str, column: &str, is: &str) -> Uuid {
        let query = format!("select {column} from {table} where tenant_id = $1 and {is} limit 1");
        sqlx::query_scalar(AssertSqlSafe(query)).bind(self.tenant.scope.id()).fetch_one(&self.app.db).await.unwrap()
    }
}
