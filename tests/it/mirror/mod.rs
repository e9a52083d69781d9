//! The mirror, whole: a real domain, the agent's mirror a step at a time, and what then stands in the real cloud.

mod removals;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use sspr::{
    agent::{
        cloud::Cloud as Relay,
        directory::{
            Trouble,
            ad::Ad,
            people::{Group, Guids, Mark, Page, People},
        },
        enrol,
        mirror::Mirror,
        state,
        time::Time,
    },
    base::config::{self, Config},
    lab::samba::{Release, Samba, SambaOptions},
    wire::message::Person,
};
use uuid::Uuid;

use crate::{
    agent::{directory_of, groups::group, guid},
    support::{
        Cloud,
        agent::{code_of, somebody},
    },
};

/// The longest that a change may take to arrive. A second is usual; a machine that runs everything else beside takes longer.
const LONGEST: Duration = Duration::from_mins(1);

/// An enrolled and confirmed agent of a domain, of which only the mirror runs.
struct Site {
    cloud: Cloud,
    samba: Samba,
    settings: config::Agent,
    relay: Arc<Relay>,
    _dir: tempfile::TempDir,
}

impl Site {
    async fn start(release: Release, change: impl FnOnce(&Samba, &mut config::Agent)) -> Self {
        let (cloud, samba) = (Cloud::start().await, Samba::start(&SambaOptions { release, ..SambaOptions::default() }).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Config::from(None, []).unwrap().agent;
        settings.cloud_url.clone_from(&cloud.url);
        settings.state_dir = dir.path().join("agent");
        settings.directory = directory_of(&samba);
        change(&samba, &mut settings);
        let token = cloud.enrolment_token().await.into();
        let done = enrol::enrol(&settings, &token, "head office".into(), cloud.clock.clone()).await.unwrap();
        assert!(cloud.confirm(done.me.agent, &done.fingerprint).await);
        let (me, identity) = state::look(&settings.state_dir).unwrap().unwrap();
        let relay = Arc::new(Relay::new(&cloud.url, Arc::new(identity), Some(me.agent), Time::new(cloud.clock.clone())).unwrap());
        Self { cloud, samba, settings, relay, _dir: dir }
    }

    fn directory(&self) -> Arc<Ad> {
        Arc::new(Ad::new(&self.settings.directory, Time::new(self.cloud.clock.clone())).unwrap())
    }

    /// As after a start of the agent: it knows what is on its disk.
    fn mirror(&self) -> Mirror<Ad> {
        self.over(self.directory())
    }

    fn over<D: People>(&self, directory: Arc<D>) -> Mirror<D> {
        Mirror::new(directory, self.relay.clone(), &self.settings, Time::new(self.cloud.clock.clone()))
    }

    async fn dn(&self, name: &str) -> String {
        self.samba.dn(name).await.unwrap()
    }

    async fn moves(&self, dn: &str, rdn: &str, parent: &str) -> String {
        self.samba.admin().await.unwrap().modifydn(dn, rdn, true, Some(parent)).await.unwrap().success().unwrap();
        format!("{rdn},{parent}")
    }

    async fn deletes(&self, dn: &str) {
        self.samba.admin().await.unwrap().delete(dn).await.unwrap().success().unwrap();
    }

    async fn adds(&self, dn: &str, name: &str) {
        let set = |value: &str| HashSet::from([value.to_owned()]);
        let attributes = vec![("objectClass".to_owned(), set("user")), ("sAMAccountName".to_owned(), set(name))];
        self.samba.admin().await.unwrap().add(dn, attributes).await.unwrap().success().unwrap();
    }

    /// The mirror goes on, as it does, until the cloud says this.
    async fn until<D: People>(&self, mirror: &mut Mirror<D>, query: &'static str, wanted: i64) {
        let begun = Instant::now();
        loop {
            mirror.step().await.unwrap();
            let found = self.cloud.sql::<i64>(query).await;
            if found == wanted {
                return;
            }
            assert!(begun.elapsed() < LONGEST, "{query}: {found}, not {wanted}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

const PRESENT: &str = "select count(*) from users where removed_at is null";
const ANN: &str = "select count(*) from users where removed_at is null and sign_in_name = 'user01'";

#[tokio::test]
async fn people_are_followed_by_their_ids_wherever_they_go() {
    for release in [Release::Backports, Release::System] {
        let site = Site::start(release, |samba, settings| {
            settings.mirror_groups = vec![format!("OU=Groups,{}", samba.base_dn)];
            settings.directory.attributes.private_mail = "otherMailbox".into();
        })
        .await;
        let (cloud, samba) = (&site.cloud, &site.samba);
        let mut mirror = site.mirror();
        site.until(&mut mirror, PRESENT, 20).await;
        site.until(&mut mirror, "select count(*) from groups", 2).await;
        site.until(&mut mirror, "select count(*) from memberships", 25).await;

        // Another name, in every respect: the same person. Contact data is as hostile as names.
        let (staff, elsewhere) = (samba.users_dn.clone(), format!("CN=Users,{}", samba.base_dn));
        let first = cloud.sql::<Uuid>("select user_id from users where sign_in_name = 'user02'").await;
        let ben = site.moves(&site.dn("user02").await, "CN=Ben \\22x\\22\\, y\\=z", &staff).await;
        for (attribute, value) in [
            ("sAMAccountName", "ben"),
            ("displayName", "B\u{202e}en 🙂, \"x\""),
            ("otherMailbox", "ben@home.example"),
            ("mail", "no address"),
        ] {
            samba.set(&ben, attribute, value).await.unwrap();
        }
        site.until(
            &mut mirror,
            "select count(*) from users where display_name = 'Ben 🙂, \"x\"' and mail is null and private_mail is not null",
            1,
        )
        .await;
        assert_eq!(cloud.sql::<Uuid>("select user_id from users where sign_in_name = 'ben'").await, first);

        // Out of the served part, and back: gone with the addresses and groups, and there again as the same.
        let ann = site.moves(&site.dn("user01").await, "CN=Ann", &elsewhere).await;
        site.until(&mut mirror, ANN, 0).await;
        let traces = "select count(*) from users u left join memberships m using (user_id) where removed_at is not null
             and (mail is not null or mobile is not null or private_mail is not null or content is not null or m.user_id is not null)";
        assert_eq!(cloud.sql::<i64>(traces).await, 0);
        let ann = site.moves(&ann, "CN=Ann", &staff).await;
        site.until(&mut mirror, ANN, 1).await;
        assert_eq!(cloud.sql::<i64>("select count(*) from users").await, 20);

        // With a part of the tree that moves: nobody changed themselves.
        let (inner, outer) = (format!("OU=Inner,{staff}"), format!("OU=Inner,{}", samba.base_dn));
        let class = HashSet::from(["organizationalUnit"]);
        samba.admin().await.unwrap().add(&inner, vec![("objectClass", class)]).await.unwrap().success().unwrap();
        site.moves(&ann, "CN=Ann", &inner).await;
        site.until(&mut mirror, ANN, 1).await;
        site.moves(&inner, "OU=Inner", &samba.base_dn).await;
        site.until(&mut mirror, ANN, 0).await;
        site.moves(&outer, "OU=Inner", &staff).await;
        site.until(&mut mirror, ANN, 1).await;

        samba.set(&site.dn("user03").await, "userAccountControl", "514").await.unwrap();
        site.until(&mut mirror, "select count(*) from users where sign_in_name = 'user03' and not enabled", 1).await;

        // Groups: somebody more, through another group, and the other group gone again.
        let in_finance = "select count(*) from memberships m join groups g on g.object_guid = m.group_guid where g.name = 'finance'";
        samba.add_member(&format!("CN=finance,OU=Groups,{}", samba.base_dn), &site.dn("user05").await).await.unwrap();
        site.until(&mut mirror, in_finance, 6).await;
        let inside = group(samba, "inside", &[&site.dn("user06").await]).await;
        samba.add_member(&format!("CN=finance,OU=Groups,{}", samba.base_dn), &inside).await.unwrap();
        site.until(&mut mirror, in_finance, 7).await;
        site.deletes(&inside).await;
        site.until(&mut mirror, in_finance, 6).await;
        site.deletes(&format!("CN=all-staff,OU=Groups,{}", samba.base_dn)).await;
        site.until(&mut mirror, "select count(*) from groups", 1).await;
        assert_eq!(cloud.sql::<i64>("select count(*) from memberships").await, 6);

        // A name that is given anew is another person, who inherits nothing.
        let cid = site.dn("user04").await;
        let old = (guid(samba, "user04").await, cloud.sql::<Uuid>("select user_id from users where sign_in_name = 'user04'").await);
        site.deletes(&cid).await;
        site.adds(&cid, "user04").await;
        site.until(&mut mirror, "select count(*) from users where sign_in_name = 'user04' and removed_at is not null", 1).await;
        site.until(&mut mirror, "select count(*) from users where sign_in_name = 'user04' and removed_at is null", 1).await;
        let now = cloud.sql::<Uuid>("select user_id from users where sign_in_name = 'user04' and removed_at is null").await;
        assert_ne!((guid(samba, "user04").await, now), old);
        let inherits = "select count(*) from users u left join memberships m using (user_id) where sign_in_name = 'user04'
             and (mail is not null or mobile is not null or m.user_id is not null)";
        assert_eq!(cloud.sql::<i64>(inherits).await, 0);
    }
}

#[tokio::test]
async fn who_leaves_the_groups_that_are_served_is_gone() {
    let site = Site::start(Release::Backports, |samba, settings| {
        settings.allow_groups = vec![format!("CN=finance,OU=Groups,{}", samba.base_dn)];
    })
    .await;
    let samba = &site.samba;
    let mut mirror = site.mirror();
    site.until(&mut mirror, PRESENT, 5).await;
    let finance = format!("CN=finance,OU=Groups,{}", samba.base_dn);
    samba.add_member(&finance, &site.dn("user01").await).await.unwrap();
    site.until(&mut mirror, ANN, 1).await;
    samba.remove_member(&finance, &site.dn("user01").await).await.unwrap();
    site.until(&mut mirror, ANN, 0).await;
    // Somebody who is not served does not come in by changing.
    samba.set(&site.dn("user02").await, "displayName", "Ben").await.unwrap();
    mirror.step().await.unwrap();
    assert_eq!(site.cloud.sql::<i64>(PRESENT).await, 5);

    // Other settings begin anew, after a restart.
    let mut site = site;
    site.settings.deny_groups = std::mem::take(&mut site.settings.allow_groups);
    let mut mirror = site.mirror();
    site.until(&mut mirror, PRESENT, 15).await;
}

#[tokio::test]
async fn who_comes_to_administer_the_domain_is_told_as_protected() {
    let site = Site::start(Release::Backports, |_, _| ()).await;
    let (samba, mut mirror) = (&site.samba, site.mirror());
    let protected = "select count(*) from users where protected";
    site.until(&mut mirror, PRESENT, 20).await;
    site.until(&mut mirror, protected, 0).await;
    let (ann, ben) = (site.dn("user01").await, site.dn("user02").await);
    let inner = group(samba, "the team", &[&ann]).await;
    let admins = format!("CN=Domain Admins,CN=Users,{}", samba.base_dn);
    samba.add_member(&admins, &inner).await.unwrap();
    site.until(&mut mirror, protected, 1).await;
    samba.add_member(&format!("CN=Administrators,CN=Builtin,{}", samba.base_dn), &ben).await.unwrap();
    site.until(&mut mirror, protected, 2).await;
    // Their own entry says nothing of it, and changes nothing.
    samba.set(&ben, "displayName", "Ben Otherwise").await.unwrap();
    site.until(&mut mirror, "select count(*) from users where protected and display_name = 'Ben Otherwise'", 1).await;
    // Whose primary group it is, stands in no list of members.
    let cid = site.dn("user03").await;
    samba.add_member(&admins, &cid).await.unwrap();
    samba.set(&cid, "primaryGroupID", "512").await.unwrap();
    site.until(&mut mirror, "select count(*) from users where protected and sign_in_name = 'user03'", 1).await;
    samba.remove_member(&admins, &inner).await.unwrap();
    site.until(&mut mirror, protected, 2).await;
    assert_eq!(site.cloud.sql::<i64>("select count(*) from users where protected and sign_in_name = 'user01'").await, 0);
}

/// The real directory in pages of five, which breaks off after so many.
struct Small {
    real: Arc<Ad>,
    pages: AtomicI64,
}

impl People for Small {
    async fn mark(&self) -> Result<Mark, Trouble> {
        self.real.mark().await
    }

    async fn page(&self, since: Option<&Mark>, cookie: Vec<u8>) -> Result<Page, Trouble> {
        if self.pages.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(Trouble::Unreachable("on purpose".into()));
        }
        let from = cookie.first().map_or(0, |from| usize::from(*from));
        let mut page = self.real.page(since, Vec::new()).await?;
        page.people.sort_by_key(|person| person.guid);
        let more = page.people.len() > from + 5;
        page.people = page.people.into_iter().skip(from).take(5).collect();
        page.cookie = if more { vec![u8::try_from(from + 5).unwrap()] } else { Vec::new() };
        Ok(page)
    }

    async fn people(&self, guids: &[Uuid]) -> Result<Vec<Person>, Trouble> {
        self.real.people(guids).await
    }

    async fn census(&self, cookie: Vec<u8>) -> Result<Guids, Trouble> {
        self.real.census(cookie).await
    }

    async fn groups(&self, dn: &str) -> Result<Vec<Group>, Trouble> {
        self.real.groups(dn).await
    }

    async fn powerful(&self) -> Result<Vec<Uuid>, Trouble> {
        self.real.powerful().await
    }

    async fn members(&self, group: &Group, cookie: Vec<u8>) -> Result<Guids, Trouble> {
        self.real.members(group, cookie).await
    }
}

const NAMED_NOW: &str = "select count(*) from users where mirrored_at > (select max(mirrored_at) - interval '30 s' from users)";

#[tokio::test]
async fn a_pass_that_was_broken_off_goes_on_after_a_restart() {
    let site = Site::start(Release::Backports, |_, _| ()).await;
    let cloud = &site.cloud;
    let small = Arc::new(Small { real: site.directory(), pages: AtomicI64::new(3) });
    assert!(site.over(small.clone()).step().await.is_err());
    assert_eq!(cloud.sql::<i64>("select count(*) from users").await, 15);

    cloud.clock.advance(60);
    small.pages.store(100, Ordering::SeqCst);
    let mut mirror = site.over(small.clone());
    mirror.step().await.unwrap();
    assert_eq!((cloud.sql::<i64>(PRESENT).await, cloud.sql::<i64>("select count(*) from mirror_passes").await), (20, 0));
    assert_eq!(cloud.sql::<i64>(NAMED_NOW).await, 5, "only the rest was sent");

    // Nothing changed: nothing is sent, also after a restart.
    cloud.clock.advance(60);
    mirror.step().await.unwrap();
    site.over(small.clone()).step().await.unwrap();
    assert_eq!(cloud.sql::<i64>(NAMED_NOW).await, 5);

    // An hour later everybody is named anew. It breaks off, and the cloud comes back without what it knew of it: once more from the start.
    cloud.clock.advance(3600);
    small.pages.store(3, Ordering::SeqCst);
    assert!(mirror.step().await.is_err());
    sqlx::query("delete from mirror_passes").execute(&cloud.app.db).await.unwrap();
    small.pages.store(100, Ordering::SeqCst);
    let refused = mirror.step().await.unwrap_err().to_string();
    assert!(refused.contains("unknown_pass"), "{refused}");
    cloud.clock.advance(60);
    mirror.step().await.unwrap();
    assert_eq!((cloud.sql::<i64>(NAMED_NOW).await, cloud.sql::<i64>(PRESENT).await), (20, 20));

    // A server that was put back: its numbers mean nothing any more.
    site.deletes(&site.dn("user01").await).await;
    site.until(&mut mirror, PRESENT, 19).await;
    site.samba.reset().unwrap();
    cloud.clock.advance(60);
    let mut mirror = site.mirror();
    let begun = Instant::now();
    while mirror.step().await.is_err() {
        assert!(begun.elapsed() < LONGEST);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!((cloud.sql::<i64>(NAMED_NOW).await, cloud.sql::<i64>(PRESENT).await), (20, 20));
}

#[tokio::test]
async fn hostile_attributes_are_dropped_and_the_others_taken() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let long = "x".repeat(10_000);
    let odd = |n: u128, change: &dyn Fn(&mut Person)| {
        let mut person = somebody(&format!("odd{n}"));
        change(&mut person);
        person
    };
    let people = vec![
        odd(1, &|p| p.display_name = "a\u{7}b\u{202e}c, \"d\"=🙂".into()),
        odd(2, &|p| p.display_name.clone_from(&long)),
        odd(3, &|p| p.mail = Some(long.clone())),
        odd(4, &|p| p.mail = Some("a@b.de\u{7f}".into())),
        odd(5, &|p| p.mobile = Some("call me".into())),
        odd(6, &|p| p.sign_in_name.clone_from(&long)),
        odd(7, &|p| p.private_mail = Some("odd1@mail.example".into())),
        odd(8, &|p| p.groups = vec![Uuid::from_u128(9); 3]),
        odd(9, &|p| p.manager = Some(p.guid)),
        // The same once more: the last word counts.
        odd(9, &|p| p.display_name = "Later".into()),
        // The address of another.
        odd(10, &|p| p.mail = Some("odd1@mail.example".into())),
    ];
    agent.mirror(people).await;
    assert_eq!(cloud.sql::<i64>(PRESENT).await, 10);
    assert_eq!(cloud.sql::<i64>("select count(*) from users where mail is null and mail_index is null").await, 2);
    assert_eq!(cloud.sql::<i64>("select count(*) from users where mobile is null").await, 1);
    assert_eq!(cloud.sql::<i64>("select count(*) from memberships").await, 0);
    for name in ["abc, \"d\"=🙂", "Later"] {
        let found: i64 =
            sqlx::query_scalar("select count(*) from users where display_name = $1").bind(name).fetch_one(&cloud.app.db).await.unwrap();
        assert_eq!(found, 1, "{name}");
    }
    // Two have it: it names nobody.
    let mut odd = crate::support::Person::at(&cloud);
    let sent = cloud.inbox.count("odd1@mail.example");
    odd.asks_for_a_code("odd1@mail.example").await;
    odd.asks_for_a_code("odd2").await;
    cloud.inbox.wait_for("odd2@mail.example", 0).await.unwrap();
    assert_eq!(cloud.inbox.count("odd1@mail.example"), sent);

    // Groups first, then who is in them; a group that is not told any more takes its memberships along.
    let told = |groups: Vec<sspr::wire::message::Group>, people: Vec<Person>| sspr::wire::message::MirrorBatch {
        pass: Uuid::from_u128(1),
        first: true,
        last: true,
        upserts: people,
        groups: Some(groups),
        ..Default::default()
    };
    let [one, two] = [1, 2].map(|n| sspr::wire::message::Group { guid: Uuid::from_u128(n), name: format!("group\u{1} {n}") });
    let member = Person { groups: vec![one.guid, two.guid, Uuid::from_u128(3)], ..somebody("odd2") };
    assert_eq!(agent.post("/agent/v1/directory", &told(vec![one.clone(), two], vec![member])).await.status(), 204);
    assert_eq!(cloud.sql::<i64>("select count(*) from memberships").await, 2);
    assert_eq!(agent.post("/agent/v1/directory", &told(vec![one.clone()], Vec::new())).await.status(), 204);
    assert_eq!((cloud.sql::<i64>("select count(*) from memberships").await, cloud.sql::<i64>("select count(*) from groups").await), (1, 1));
    let many = agent.post("/agent/v1/directory", &told(vec![one; 201], Vec::new())).await;
    assert_eq!(code_of(many).await, (413, "too_large".to_owned()));
}
