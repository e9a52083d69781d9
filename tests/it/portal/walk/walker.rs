//! A browser that does one thing after another, and knows what it has earned by that.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{Client, header, redirect};
use serde_json::{Value, json};
use sspr::{
    base::id,
    domain::{audit::Source, resets},
    wire::ticket::Kind,
};
use uuid::Uuid;

use super::{
    Chance, Reached,
    model::{ASKED, Asked, Earned, METHODS, Sessions},
};
use crate::support::{
    Cloud,
    authenticator::{Passkey, app_shows},
    person::seal_both,
};

fn counts(count: &AtomicUsize) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// What a walker knows and has.
pub struct Walker {
    cloud: Arc<Cloud>,
    http: Client,
    chance: Chance,
    name: String,
    user: Uuid,
    passkey: Passkey,
    /// Not registered for anybody.
    other: Passkey,
    /// The app's.
    secret: String,
    codes: Vec<String>,
    cookies: BTreeMap<String, String>,
    /// Of this and of earlier journeys: any of them may be shown again.
    kept: Vec<String>,
    pub calls: usize,
    /// What the policy asks now.
    asked: Asked,
    frozen: bool,
    /// By the cookie that it was begun or last rotated with.
    flows: BTreeMap<String, Earned>,
    sessions: Sessions,
    /// A sealed job of any ticket ever given to it, and which.
    sealed: Vec<(Uuid, Value)>,
    reached: Arc<Reached>,
}

impl Walker {
    fn flow(&self) -> Option<&Earned> {
        self.flows.get(self.cookies.get("sspr_flow")?)
    }

    fn signed_in(&self) -> Option<bool> {
        self.sessions.is(self.cookies.get("sspr_session"))
    }

    /// Status, where to or what, and the cookies that were set to something.
    async fn post(&mut self, path: &str, body: Body<'_>) -> (u16, Value, BTreeMap<String, String>) {
        self.calls += 1;
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.http.post(format!("{}{path}", self.cloud.url));
        let request = request.header(header::ORIGIN, &self.cloud.url).header(header::COOKIE, cookies.join("; "));
        let request = match body {
            Body::Form(fields) => request.header(header::ACCEPT, "text/html").form(fields),
            Body::Json(value) => request.header(header::ACCEPT, "application/json").json(value),
        };
        let answer = request.send().await.unwrap();
        let mut set = BTreeMap::new();
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            if !value.is_empty() {
                set.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = answer.status().as_u16();
        assert!(status < 500 || status == 503, "{path} answered {status}");
        let to = answer.headers().get(header::LOCATION).map(|to| Value::from(to.to_str().unwrap()));
        (status, to.unwrap_or(answer.json().await.unwrap_or_default()), set)
    }

    /// Somebody of this name, who has one of everything.
    pub async fn new(cloud: &Arc<Cloud>, name: &str, chance: Chance, reached: &Arc<Reached>) -> Self {
        let user = sqlx::query_scalar("select user_id from users where sign_in_name = $1").bind(name).fetch_one(&cloud.app.db).await;
        let mut passkey = Passkey::new();
        cloud.registers_passkey(name, &mut passkey).await;
        Self {
            cloud: cloud.clone(),
            http: Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap(),
            chance,
            secret: cloud.registers_app(name, time::Duration::ZERO).await,
            codes: cloud.makes_codes(name).await,
            name: name.to_owned(),
            user: user.unwrap(),
            passkey,
            other: Passkey::new(),
            cookies: BTreeMap::new(),
            kept: Vec::new(),
            calls: 0,
            asked: ASKED[0],
            frozen: false,
            flows: BTreeMap::new(),
            sessions: Sessions::default(),
            sealed: Vec::new(),
            reached: reached.clone(),
        }
    }

    /// As far as this many calls in all, while the policy asks this.
    pub async fn walks(mut self, asked: Asked, calls: usize) -> Self {
        self.asked = asked;
        while self.calls < calls {
            self.step().await;
        }
        self
    }

    /// Half of them are what a person would do next, so that the walk gets somewhere.
    async fn step(&mut self) {
        let here = self.flow().map(|earned| (earned.is_proven(self.asked), earned.purpose, earned.tickets.is_empty()));
        let likely: &[usize] = match here {
            _ if self.frozen && self.chance.below(4) == 0 => &[15],
            _ if self.chance.below(2) == 0 => &[],
            None => &[0, 0, 10, 13, 14],
            Some((false, ..)) => &[1, 2, 2, 2],
            Some((true, "sign_in", true)) => &[4, 8],
            Some((true, _, true)) => &[4],
            Some((true, "sign_in", false)) => &[4, 6, 6, 8, 8, 9],
            Some((true, _, false)) => &[4, 6, 6, 0, 10],
        };
        let way = if likely.is_empty() { self.chance.below(17) } else { self.chance.of(likely) };
        match way {
            0 => self.begins().await,
            1 => self.chooses().await,
            2 | 3 => self.proves().await,
            4 | 5 => self.asks_for_a_ticket().await,
            6 | 7 => self.hands_in().await,
            8 => self.enters().await,
            9 => self.renews().await,
            10 => self.changes_within().await,
            11 => self.tries_the_rest().await,
            12 => self.shuffles_cookies(),
            13 => self.adds_an_app().await,
            14 => self.removes_a_method().await,
            15 => self.freezes_or_is_served().await,
            _ => self.waits().await,
        }
        self.nothing_unlawful_stands().await;
    }

    async fn begins(&mut self) {
        let (path, purpose) = self.chance.of(&[("/reset", "reset"), ("/change", "change"), ("/account/sign-in", "sign_in")]);
        let name = self.name.clone();
        let work = self.cloud.worked().await;
        let (status, _, set) = self.post(path, Body::Form(&[("name", &name), ("work", &work)])).await;
        if let (303, Some(cookie)) = (status, set.get("sspr_flow")) {
            self.flows.insert(cookie.clone(), Earned::new(purpose, self.asked, false));
            self.takes(cookie.clone());
        }
    }

    fn takes(&mut self, cookie: String) {
        self.kept.push(cookie.clone());
        self.cookies.insert("sspr_flow".into(), cookie);
    }

    async fn chooses(&mut self) {
        let method = self.chance.of(&METHODS);
        let (_, _, set) = self.post("/reset/method", Body::Form(&[("method", method)])).await;
        assert!(set.is_empty(), "a cookie for choosing {method}");
    }

    /// Show what is asked for, or something like it. Mostly the right thing: what was sent is made known to it.
    async fn proves(&mut self) {
        let known = self.chance.below(4) > 0;
        let Some(cookie) = self.cookies.get("sspr_flow").cloned() else { return };
        let flow: Option<(Uuid, Option<String>)> = sqlx::query_as("select flow_id, method from flows where browser_hash = $1")
            .bind(id::sha256(cookie.as_bytes()))
            .fetch_optional(&self.cloud.app.db)
            .await
            .unwrap();
        let (flow, method) = flow.unwrap_or_default();
        let Some(method) = METHODS.into_iter().find(|one| Some(*one) == method.as_deref()) else { return self.chooses().await };
        let set = if method == "passkey" { self.signs(known).await } else { self.types(flow, method, known).await };
        let Some(cookie) = set.get("sspr_flow") else { return };
        let before = self.cookies["sspr_flow"].clone();
        let mut earned = self.flows.remove(&before).expect("a flow that the model knows");
        assert!(known, "{method}: not what was asked for: {earned:?}");
        assert!(!earned.begun.is_enough(earned.purpose, &earned.passed), "{method}: one proof too many: {earned:?}");
        assert!(earned.begun.takes(method, &earned.passed), "{method}: twice the same: {earned:?}");
        earned.passed.push(method);
        if earned.passed.len() > 1 {
            counts(&self.reached.second_proofs);
        }
        self.flows.insert(cookie.clone(), earned);
        self.takes(cookie.clone());
    }

    async fn types(&mut self, flow: Uuid, method: &str, known: bool) -> BTreeMap<String, String> {
        let (db, key) = (self.cloud.app.db.clone(), self.cloud.tenant.scope.key());
        let code = match method {
            "totp" => {
                // Each code is good once; how that holds is another test's.
                let again = sqlx::query("update authenticators set last_step = 0 where user_id = $1 and kind = 'totp'").bind(self.user);
                again.execute(&db).await.unwrap();
                let ahead = if known { 0 } else { 3600 };
                app_shows(&self.secret, self.cloud.clock.seconds() + ahead)
            }
            "recovery_code" => {
                let again = sqlx::query(
                    "update recovery_codes set used_at = null where authenticator_id in (select authenticator_id from authenticators where user_id = $1)",
                );
                again.bind(self.user).execute(&db).await.unwrap();
                let (one, other) = (&self.codes[self.chance.below(10)], &self.codes[0]);
                if known { one.clone() } else { format!("{}{}", &other[..4], &self.codes[1][4..]) }
            }
            sent => {
                let code = if sent == "help_desk" { "12345678" } else { "123456" };
                if known {
                    let hash = key.hash(b"challenge code", format!("{flow} {sent} {code}").as_bytes());
                    let known = sqlx::query("update challenges set code_hash = $2 where flow_id = $1 and method = $3");
                    known.bind(flow).bind(hash).bind(sent).execute(&db).await.unwrap();
                }
                if known { code.to_owned() } else { code.replace('1', "9") }
            }
        };
        self.post("/reset/code", Body::Form(&[("code", &code)])).await.2
    }

    async fn signs(&mut self, known: bool) -> BTreeMap<String, String> {
        let (status, options, _) = self.post("/reset/passkey/challenge", Body::Json(&json!({}))).await;
        if status != 200 {
            return BTreeMap::new();
        }
        let url = self.cloud.url.clone();
        let answer = match (known, self.chance.below(2)) {
            (true, _) => self.passkey.signs(&options, &url),
            (false, 0) => self.passkey.signs(&options, "https://evil.example"),
            // With the handle of whoever is to be robbed.
            (false, _) => {
                self.other.handle.clone_from(&self.passkey.handle);
                self.other.signs(&options, &url)
            }
        };
        self.post("/reset/passkey", Body::Form(&[("answer", &answer.to_string())])).await.2
    }

    async fn asks_for_a_ticket(&mut self) {
        let (status, answer, _) = self.post("/reset/ticket", Body::Json(&json!({}))).await;
        if status != 200 {
            counts(&self.reached.refused);
            return;
        }
        let kind = Kind::parse(answer["ticket"]["kind"].as_str().unwrap()).unwrap();
        let job: Uuid = answer["ticket"]["job"].as_str().unwrap().parse().unwrap();
        let (cookie, asked, frozen) = (self.cookies["sspr_flow"].clone(), self.asked, self.frozen);
        let earned = self.flows.get_mut(&cookie).expect("a flow that the model knows");
        assert!(earned.is_proven(asked) && !frozen && kind == earned.kind(), "{kind}, {asked:?}, frozen {frozen}: {earned:?}");
        earned.tickets.insert(job, kind);
        counts(&self.reached.tickets);
        let (new, old) = if kind == Kind::Verify { ("", "Old-Horse-6") } else { ("Correct-Horse-7", "Old-Horse-6") };
        self.sealed.push((job, seal_both(&answer, new, if kind == Kind::Reset { "" } else { old })));
        if self.sealed.len() > 6 {
            self.sealed.remove(0);
        }
    }

    async fn hands_in(&mut self) {
        if self.sealed.is_empty() {
            return;
        }
        let at = if self.chance.below(2) == 0 { self.sealed.len() - 1 } else { self.chance.below(self.sealed.len()) };
        let (job, sealed) = self.sealed[at].clone();
        let path = self.chance.of(&["/reset/jobs", "/account/jobs"]);
        let (status, ..) = self.post(path, Body::Json(&sealed)).await;
        if status == 202 {
            let earned = self.flow().expect("a flow that the model knows");
            let kind = *earned.tickets.get(&job).unwrap_or_else(|| panic!("a ticket of another flow: {earned:?}"));
            assert!((kind == Kind::Verify) == (path == "/account/jobs"), "{path}: {kind}");
            assert!(earned.is_proven(self.asked) && !self.frozen, "{:?}, frozen {}: {earned:?}", self.asked, self.frozen);
            counts(&self.reached.jobs);
        }
    }

    async fn enters(&mut self) {
        let (_, _, set) = self.post("/account/sessions", Body::Form(&[])).await;
        let Some(session) = set.get("sspr_session") else { return };
        let old = self.cookies.remove("sspr_session");
        let cookie = self.cookies.remove("sspr_flow").unwrap();
        let earned = self.flows.remove(&cookie).expect("a flow that the model knows");
        assert!(earned.is_proven(self.asked) && !self.frozen && earned.purpose == "sign_in", "{:?}: {earned:?}", self.asked);
        let by_passkey = earned.passed.contains(&"passkey");
        if by_passkey && self.asked.signs_in() {
            counts(&self.reached.by_passkey);
        } else {
            // What the directory said of the newest ticket of that flow.
            let newest = earned.tickets.keys().max().unwrap_or_else(|| panic!("no ticket: {earned:?}"));
            let said: Option<String> =
                sqlx::query_scalar("select code from jobs where job_id = $1 and kind = 'verify' and state = 'applied'")
                    .bind(newest)
                    .fetch_one(&self.cloud.app.db)
                    .await
                    .unwrap();
            assert_eq!(said.as_deref(), Some("verified"));
        }
        // Who signs in where they are signed in is signed in anew.
        self.sessions.0.remove(&old.unwrap_or_default());
        // A recovery code is kept for the day when the others are lost.
        self.sessions.0.insert(session.clone(), by_passkey || earned.passed.contains(&"recovery_code"));
        self.cookies.insert("sspr_session".into(), session.clone());
        counts(&self.reached.sessions);
    }

    async fn renews(&mut self) {
        self.post("/account/renewal", Body::Form(&[])).await;
        // It shows in the database alone: then the flow is a change.
        let Some(cookie) = self.cookies.get("sspr_flow").cloned() else { return };
        let purpose: Option<String> = sqlx::query_scalar("select purpose from flows where browser_hash = $1")
            .bind(id::sha256(cookie.as_bytes()))
            .fetch_optional(&self.cloud.app.db)
            .await
            .unwrap();
        let (asked, frozen) = (self.asked, self.frozen);
        if let (Some("change"), Some(earned)) = (purpose.as_deref(), self.flows.get_mut(&cookie))
            && earned.purpose == "sign_in"
        {
            let newest = earned.tickets.keys().max().expect("a ticket");
            let said: Option<String> =
                sqlx::query_scalar("select code from jobs where job_id = $1").bind(newest).fetch_one(&self.cloud.app.db).await.unwrap();
            assert!(matches!(said.as_deref(), Some("password_expired" | "must_change")), "{said:?}: {earned:?}");
            assert!(earned.is_proven(asked) && !frozen, "{earned:?}");
            earned.purpose = "change";
            earned.tickets.clear();
        }
    }

    async fn changes_within(&mut self) {
        let (_, _, set) = self.post("/account/change", Body::Form(&[])).await;
        if let Some(cookie) = set.get("sspr_flow") {
            assert!(self.signed_in().is_some() && !self.frozen, "without having signed in");
            self.flows.insert(cookie.clone(), Earned::new("change", self.asked, true));
            self.takes(cookie.clone());
            counts(&self.reached.changes_within);
        }
    }

    async fn tries_the_rest(&mut self) {
        let path = self.chance.of(&["/reset/need", "/reset/again", "/reset/elsewhere", "/reset/elsewhere/leave", "/reset/code/resend"]);
        let (need, account) = (self.chance.of(&["unlock", "password"]), self.user.to_string());
        let fields: Vec<(&str, &str)> = match path {
            "/reset/need" => vec![("need", need)],
            "/reset/elsewhere" => vec![("account", &account)],
            _ => Vec::new(),
        };
        let (_, _, set) = self.post(path, Body::Form(&fields)).await;
        assert!(set.is_empty(), "{path}");
    }

    async fn methods(&self) -> i64 {
        let count = sqlx::query_scalar("select count(*) from authenticators where user_id = $1").bind(self.user);
        count.fetch_one(&self.cloud.app.db).await.unwrap()
    }

    /// Another one, which goes again without anybody's word.
    async fn adds_an_app(&mut self) {
        let before = self.methods().await;
        self.post("/account/methods/app", Body::Form(&[])).await;
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let page = self.http.get(format!("{}/account/methods/app", self.cloud.url)).header(header::COOKIE, cookies.join("; "));
        let page = page.header(header::ACCEPT, "text/html").send().await.unwrap().text().await.unwrap();
        let key = page.split_once("<code>").and_then(|(_, after)| after.split_once("</code>")).map(|(key, _)| key.to_owned());
        let code = app_shows(key.as_ref().unwrap_or(&self.secret), self.cloud.clock.seconds());
        self.post("/account/methods/app/code", Body::Form(&[("label", "Another"), ("code", &code)])).await;
        if self.methods().await > before {
            assert!(self.signed_in().is_some() && !self.frozen && key.is_some(), "by nobody who is signed in");
            counts(&self.reached.methods);
            let gone = sqlx::query("delete from authenticators where user_id = $1 and label = 'Another'").bind(self.user);
            gone.execute(&self.cloud.app.db).await.unwrap();
        }
    }

    /// One that was put there for it.
    async fn removes_a_method(&mut self) {
        let put =
            "insert into authenticators (authenticator_id, tenant_id, user_id, kind, label, secret, last_step, created_at, usable_from)
             select $2, tenant_id, user_id, kind, 'Spare', secret, last_step, created_at, usable_from from authenticators
             where user_id = $1 and kind = 'totp' limit 1";
        let (spare, db) = (id::time_ordered(&self.cloud.clock), self.cloud.app.db.clone());
        sqlx::query(put).bind(self.user).bind(spare).execute(&db).await.unwrap();
        self.post("/account/methods/remove", Body::Form(&[("id", &spare.to_string())])).await;
        let gone = sqlx::query("delete from authenticators where authenticator_id = $1").bind(spare).execute(&db).await.unwrap();
        if gone.rows_affected() == 0 {
            assert!(self.signed_in() == Some(true) && !self.frozen, "not by the strongest: {:?}", self.signed_in());
            counts(&self.reached.removals);
        }
    }

    /// Says of some notice that it was not them, if they have got one; or the help desk, whom they called, lets them go on.
    async fn freezes_or_is_served(&mut self) {
        if self.frozen {
            let mut tx = self.cloud.app.begin().await.unwrap();
            let (scope, clock, source) = (&self.cloud.tenant.scope, &self.cloud.clock, Source::house("cli"));
            assert!(resets::lift(&mut tx, scope, clock, &source, self.user).await.unwrap());
            tx.commit().await.unwrap();
            self.frozen = false;
            return;
        }
        let address = format!("{}@mail.example", self.name);
        let seen = self.cloud.inbox.count(&address);
        if seen == 0 {
            return;
        }
        let mail = self.cloud.inbox.wait_for(&address, self.chance.below(seen)).await.unwrap().text;
        let Some((_, token)) = mail.split_whitespace().find_map(|word| word.split_once("/not-me#")) else { return };
        let (_, to, set) = self.post("/not-me", Body::Form(&[("code", token)])).await;
        assert!(set.is_empty());
        let frozen = sqlx::query_scalar("select exists (select from freezes where user_id = $1 and lifted_at is null)").bind(self.user);
        self.frozen = frozen.fetch_one(&self.cloud.app.db).await.unwrap();
        assert_eq!(self.frozen, to.as_str().is_some_and(|to| to.starts_with("/not-me/stopped")), "{to}");
        if self.frozen {
            counts(&self.reached.freezes);
            self.sessions.0.clear();
            self.flows.values_mut().for_each(|earned| earned.void = true);
        }
    }

    /// An older cookie, one of another name, or none.
    fn shuffles_cookies(&mut self) {
        match self.chance.below(5) {
            0 if !self.kept.is_empty() => {
                let cookie = self.kept[self.chance.below(self.kept.len())].clone();
                self.cookies.insert("sspr_flow".into(), cookie);
            }
            1 => {
                if let Some(flow) = self.cookies.get("sspr_flow").cloned() {
                    self.cookies.insert("sspr_session".into(), flow);
                    self.cookies.remove("sspr_flow");
                }
            }
            2 => drop(self.cookies.remove("sspr_session")),
            _ => {}
        }
    }

    /// Limits are another test's.
    async fn waits(&mut self) {
        // Not row by row: whoever counts at this moment locks several in an order of their own.
        sqlx::query("truncate limits").execute(&self.cloud.app.db).await.unwrap();
        sqlx::query("update challenges set created_at = created_at - interval '1 minute'").execute(&self.cloud.app.db).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    /// Whatever was answered: what stands in the database is no more than was earned.
    async fn nothing_unlawful_stands(&self) {
        let (sessions, jobs): (i64, i64) = sqlx::query_as(
            "select (select count(*) from sessions where user_id = $1),
                 (select count(*) from jobs j left join flows f using (flow_id) where j.user_id = $1 and j.kind <> 'inspect'
                     and (f.state = 'proving' or (f.purpose, j.kind) not in (('reset', 'reset'), ('change', 'change'), ('sign_in', 'verify'), ('change', 'verify'))))",
        )
        .bind(self.user)
        .fetch_one(&self.cloud.app.db)
        .await
        .unwrap();
        let earned = self.sessions.0.len();
        assert!(usize::try_from(sessions).unwrap() <= earned, "{sessions} sessions, {earned} earned");
        assert_eq!(jobs, 0, "jobs of another purpose, or of a flow that proved nothing");
    }
}

enum Body<'a> {
    Form(&'a [(&'a str, &'a str)]),
    Json(&'a Value),
}
