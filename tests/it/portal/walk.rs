//! Ten thousand calls at random, by browsers that know every door and every secret but the ones that matter, against a small model of what
//! each of them has lawfully earned. Nobody ever gets a ticket, a job or a session that the model does not grant.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use reqwest::{Client, header, redirect};
use serde_json::{Value, json};
use sspr::wire::{outcome::Code, ticket::Kind};
use uuid::Uuid;

use crate::support::{Cloud, HandAgent, agent::somebody, person::seal_both};

const WALKERS: usize = 8;
const CALLS: usize = 1250;

/// xorshift64*: the same walk for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % n
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// What a flow has earned, as the model has it.
#[derive(Default, Clone, Debug)]
struct Earned {
    purpose: &'static str,
    proven: bool,
    /// Tickets that were given: job → kind.
    tickets: BTreeMap<Uuid, Kind>,
}

/// How often something was reached: a walk that reaches nothing proves nothing.
#[derive(Default)]
struct Reached {
    tickets: AtomicUsize,
    jobs: AtomicUsize,
    sessions: AtomicUsize,
    changes_within: AtomicUsize,
    refused: AtomicUsize,
}

struct Walker {
    cloud: Arc<Cloud>,
    http: Client,
    chance: Chance,
    name: String,
    user: Uuid,
    cookies: BTreeMap<String, String>,
    /// Of this and of earlier journeys: any of them may be shown again.
    kept: Vec<String>,
    /// By the cookie that it was begun or last rotated with.
    flows: BTreeMap<String, Earned>,
    sessions: usize,
    /// A sealed job of any ticket ever given to it, and which.
    sealed: Vec<(Uuid, Value)>,
    reached: Arc<Reached>,
}

impl Walker {
    fn flow(&self) -> Option<&Earned> {
        self.flows.get(self.cookies.get("sspr_flow")?)
    }

    /// Status, where to, the body, and the cookies that were set to something.
    async fn post(&mut self, path: &str, body: Body<'_>) -> (u16, Value, BTreeMap<String, String>) {
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
        (status, answer.json().await.unwrap_or_default(), set)
    }

    /// Half of them are what a person would do next, so that the walk gets somewhere.
    async fn step(&mut self) {
        let ways = 14;
        let way = match (self.chance.below(2), self.flow().map(|earned| (earned.proven, earned.purpose, earned.tickets.is_empty()))) {
            (0, _) => self.chance.below(ways),
            (_, None) => self.chance.of(&[0, 0, 10]),
            (_, Some((false, ..))) => self.chance.of(&[1, 2, 2]),
            (_, Some((true, _, true))) => 4,
            (_, Some((true, "sign_in", false))) => self.chance.of(&[4, 6, 6, 8, 8, 9]),
            (_, Some((true, _, false))) => self.chance.of(&[4, 6, 6, 0, 10]),
        };
        match way {
            0 => self.begins().await,
            1 => drop(self.post("/reset/method", Body::Form(&[("method", "email")])).await),
            2 | 3 => self.types_a_code().await,
            4 | 5 => self.asks_for_a_ticket().await,
            6 | 7 => self.hands_in().await,
            8 => self.enters().await,
            9 => self.renews().await,
            10 => self.changes_within().await,
            11 => {
                let path =
                    self.chance.of(&["/reset/need", "/reset/again", "/reset/elsewhere", "/reset/elsewhere/leave", "/reset/code/resend"]);
                let need = self.chance.of(&["unlock", "password"]);
                let account = self.user.to_string();
                let fields: Vec<(&str, &str)> = match path {
                    "/reset/need" => vec![("need", need)],
                    "/reset/elsewhere" => vec![("account", &account)],
                    _ => Vec::new(),
                };
                let (_, _, set) = self.post(path, Body::Form(&fields)).await;
                assert!(set.is_empty(), "{path}");
            }
            12 => self.shuffles_cookies(),
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
            self.flows.insert(cookie.clone(), Earned { purpose, ..Earned::default() });
            self.takes(cookie.clone());
        }
    }

    fn takes(&mut self, cookie: String) {
        self.kept.push(cookie.clone());
        self.cookies.insert("sspr_flow".into(), cookie);
    }

    /// Sometimes the right one: what was sent is made known to it.
    async fn types_a_code(&mut self) {
        let known = self.chance.below(3) > 0;
        if known && let Some(cookie) = self.cookies.get("sspr_flow") {
            let key = self.cloud.tenant.scope.key();
            let flow: Option<Uuid> = sqlx::query_scalar("select flow_id from flows where browser_hash = $1")
                .bind(sspr::base::id::sha256(cookie.as_bytes()))
                .fetch_optional(&self.cloud.app.db)
                .await
                .unwrap();
            if let Some(flow) = flow {
                let hash = key.hash(b"challenge code", format!("{flow} email 123456").as_bytes());
                let known =
                    sqlx::query("update challenges set code_hash = $2 where flow_id = $1 and method = 'email'").bind(flow).bind(hash);
                known.execute(&self.cloud.app.db).await.unwrap();
            }
        }
        let code = if known { "123456" } else { "654321" };
        let (_, _, set) = self.post("/reset/code", Body::Form(&[("code", code)])).await;
        if let Some(cookie) = set.get("sspr_flow") {
            let before = self.cookies["sspr_flow"].clone();
            let earned = self.flows.remove(&before).expect("a flow that the model knows");
            assert!(known && !earned.proven, "a wrong code, or one too many: {earned:?}");
            self.flows.insert(cookie.clone(), Earned { proven: true, ..earned });
            self.takes(cookie.clone());
        }
    }

    async fn asks_for_a_ticket(&mut self) {
        let (status, answer, _) = self.post("/reset/ticket", Body::Json(&json!({}))).await;
        if status != 200 {
            self.reached.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let kind = Kind::parse(answer["ticket"]["kind"].as_str().unwrap()).unwrap();
        let job: Uuid = answer["ticket"]["job"].as_str().unwrap().parse().unwrap();
        let cookie = self.cookies["sspr_flow"].clone();
        let earned = self.flows.get_mut(&cookie).expect("a flow that the model knows");
        let wanted = match earned.purpose {
            "reset" => Kind::Reset,
            "change" => Kind::Change,
            _ => Kind::Verify,
        };
        assert!(earned.proven && kind == wanted, "{kind}: {earned:?}");
        earned.tickets.insert(job, kind);
        self.reached.tickets.fetch_add(1, Ordering::Relaxed);
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
            assert!(earned.proven && (kind == Kind::Verify) == (path == "/account/jobs"), "{path}: {kind}");
            self.reached.jobs.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn enters(&mut self) {
        let (_, _, set) = self.post("/account/sessions", Body::Form(&[])).await;
        let Some(session) = set.get("sspr_session") else { return };
        let cookie = self.cookies.remove("sspr_flow").unwrap();
        let earned = self.flows.remove(&cookie).expect("a flow that the model knows");
        assert!(earned.proven && earned.purpose == "sign_in", "{earned:?}");
        // What the directory said of the newest ticket of that flow.
        let newest = earned.tickets.keys().max().expect("a ticket");
        let said: Option<String> = sqlx::query_scalar("select code from jobs where job_id = $1 and kind = 'verify' and state = 'applied'")
            .bind(newest)
            .fetch_one(&self.cloud.app.db)
            .await
            .unwrap();
        assert_eq!(said.as_deref(), Some("verified"));
        self.sessions += 1;
        self.cookies.insert("sspr_session".into(), session.clone());
        self.reached.sessions.fetch_add(1, Ordering::Relaxed);
    }

    async fn renews(&mut self) {
        self.post("/account/renewal", Body::Form(&[])).await;
        // It shows in the database alone: then the flow is a change.
        let Some(cookie) = self.cookies.get("sspr_flow").cloned() else { return };
        let purpose: Option<String> = sqlx::query_scalar("select purpose from flows where browser_hash = $1")
            .bind(sspr::base::id::sha256(cookie.as_bytes()))
            .fetch_optional(&self.cloud.app.db)
            .await
            .unwrap();
        if let (Some("change"), Some(earned)) = (purpose.as_deref(), self.flows.get_mut(&cookie))
            && earned.purpose == "sign_in"
        {
            let newest = earned.tickets.keys().max().expect("a ticket");
            let said: String =
                sqlx::query_scalar("select code from jobs where job_id = $1").bind(newest).fetch_one(&self.cloud.app.db).await.unwrap();
            assert!(["password_expired", "must_change"].contains(&said.as_str()) && earned.proven, "{said}");
            *earned = Earned { purpose: "change", proven: true, tickets: BTreeMap::new() };
        }
    }

    async fn changes_within(&mut self) {
        let (_, _, set) = self.post("/account/change", Body::Form(&[])).await;
        if let Some(cookie) = set.get("sspr_flow") {
            assert!(self.sessions > 0 && self.cookies.contains_key("sspr_session"), "without ever having signed in");
            self.flows.insert(cookie.clone(), Earned { purpose: "change", proven: true, ..Earned::default() });
            self.takes(cookie.clone());
            self.reached.changes_within.fetch_add(1, Ordering::Relaxed);
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
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
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
        assert!(usize::try_from(sessions).unwrap() <= self.sessions, "{sessions} sessions, {} earned", self.sessions);
        assert_eq!(jobs, 0, "jobs of another purpose, or of a flow that proved nothing");
    }
}

enum Body<'a> {
    Form(&'a [(&'a str, &'a str)]),
    Json(&'a Value),
}

/// The directory: says whatever it likes of each job.
async fn works(mut agent: HandAgent, over: Arc<AtomicBool>) {
    let mut chance = Chance(7);
    let mut beat = std::time::Instant::now();
    while !over.load(Ordering::Relaxed) {
        if beat.elapsed().as_secs() > 10 {
            agent.beat(true).await;
            beat = std::time::Instant::now();
        }
        for job in agent.lease(1).await {
            let code = match job.ticket.kind {
                Kind::Verify => {
                    chance.of(&[Code::Verified, Code::Verified, Code::WrongPassword, Code::PasswordExpired, Code::AccountLocked])
                }
                _ => chance.of(&[Code::Applied, Code::PolicyHistory, Code::WrongPassword, Code::LimitReached]),
            };
            agent.ends(&job, code).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_calls_earn_nothing_that_is_not_lawful() {
    let cloud = Arc::new(Cloud::start().await);
    let mut agent = cloud.agent().await;
    agent.mirror((0..WALKERS).map(|n| somebody(&format!("walker{n}"))).collect()).await;
    let over = Arc::new(AtomicBool::new(false));
    let working = tokio::spawn(works(agent, over.clone()));
    let (reached, seed) = (Arc::<Reached>::default(), u64::from_be_bytes(sspr::base::id::random_bytes::<8>()) | 1);
    println!("seed {seed}");
    let mut walks = Vec::new();
    for n in 0..WALKERS {
        let name = format!("walker{n}");
        let user =
            sqlx::query_scalar("select user_id from users where sign_in_name = $1").bind(&name).fetch_one(&cloud.app.db).await.unwrap();
        let mut walker = Walker {
            cloud: cloud.clone(),
            http: Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap(),
            chance: Chance(seed.wrapping_add(u64::try_from(n).unwrap().wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1),
            name,
            user,
            cookies: BTreeMap::new(),
            kept: Vec::new(),
            flows: BTreeMap::new(),
            sessions: 0,
            sealed: Vec::new(),
            reached: reached.clone(),
        };
        walks.push(tokio::spawn(async move {
            for _ in 0..CALLS {
                walker.step().await;
            }
        }));
    }
    for walk in walks {
        walk.await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    over.store(true, Ordering::Relaxed);
    working.await.unwrap();
    let counts = [&reached.tickets, &reached.jobs, &reached.sessions, &reached.changes_within, &reached.refused];
    let counts = counts.map(|count| count.load(Ordering::Relaxed));
    println!("tickets, jobs, sessions, changes within, refused: {counts:?}");
    assert!(counts.iter().all(|count| *count > 10), "a walk that gets nowhere proves nothing: {counts:?}");
}
