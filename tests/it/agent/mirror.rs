//! What the directory tells of its people: everybody, what changed, who is gone, who is in which group. What becomes of it in the
//! cloud is in `tests/it/mirror`.

use sspr::{
    agent::directory::people::{Guids, Mark, Page, People},
    lab::samba::{Samba, SambaOptions},
    wire::message::Person,
};
use uuid::Uuid;

use super::{Bench, Domain, add_outsider, groups::group, guid};

/// All pages in one.
async fn pages(bench: &Bench, since: Option<&Mark>) -> Page {
    let mut all = Page::default();
    loop {
        let page = bench.directory.page(since, std::mem::take(&mut all.cookie)).await.unwrap();
        all.people.extend(page.people);
        all.gone.extend(page.gone);
        (all.shifted, all.cookie) = (all.shifted | page.shifted, page.cookie);
        if all.cookie.is_empty() {
            all.people.sort_by(|a, b| a.sign_in_name.cmp(&b.sign_in_name));
            return all;
        }
    }
}

fn names(people: &[Person]) -> Vec<&str> {
    people.iter().map(|person| person.sign_in_name.as_str()).collect()
}

fn sorted(Guids { mut guids, cookie }: Guids) -> Vec<Uuid> {
    assert!(cookie.is_empty());
    guids.sort_unstable();
    guids
}

async fn rename(samba: &Samba, dn: &str, rdn: &str, parent: Option<&str>) {
    samba.admin().await.unwrap().modifydn(dn, rdn, true, parent).await.unwrap().success().unwrap();
}

async fn add_unit(samba: &Samba, dn: &str) {
    let class = std::collections::HashSet::from(["organizationalUnit"]);
    samba.admin().await.unwrap().add(dn, vec![("objectClass", class)]).await.unwrap().success().unwrap();
}

#[tokio::test]
async fn sees_everybody_then_what_changed_and_where_they_went() {
    for release in [sspr::lab::samba::Release::Backports, sspr::lab::samba::Release::System] {
        let domain = Domain::start(&SambaOptions { release, ..SambaOptions::default() });
        let samba = &domain.samba;
        let bench = Bench::with(samba, |settings| {
            settings.directory.attributes.private_mail = "otherMailbox".into();
            settings.directory.attributes.language = "preferredLanguage".into();
        });
        let directory = &bench.directory;
        let (first, everybody) = (directory.mark().await.unwrap(), pages(&bench, None).await.people);
        assert_eq!(everybody.len(), 20);
        for (person, user) in everybody.iter().zip(&samba.users) {
            assert_eq!((&person.sign_in_name, &person.principal_name), (&user.sign_in_name, &user.principal_name));
            assert_eq!((&person.display_name, &person.mail, &person.mobile), (&user.display_name, &user.mail, &user.mobile));
            assert_eq!((person.enabled, person.protected), (!user.disabled, false));
            assert_eq!((&person.private_mail, person.manager), (&None, None));
            // By the domain's policy; who must change it at the next sign-in is past that.
            let expires = person.password_expires_at.is_some_and(|at| at > 1_700_000_000);
            assert_eq!(expires, person.sign_in_name != "user19", "{:?}", person.password_expires_at);
        }
        let [ann, ben, cid, dan, eve, fay, gus] = ["user01", "user02", "user03", "user04", "user05", "user06", "user07"];
        let mut dns = Vec::new();
        for name in [ann, ben, cid, dan, eve, fay, gus] {
            dns.push((guid(samba, name).await, samba.dn(name).await.unwrap()));
        }
        let [(ann_id, ann_dn), (_, ben_dn), (_, cid_dn), (_, dan_dn), (eve_id, eve_dn), (fay_id, fay_dn), (gus_id, gus_dn)] = &dns[..]
        else {
            panic!()
        };
        assert_eq!(everybody[0].guid, *ann_id);

        samba.set(ann_dn, "displayName", "Ann Newname").await.unwrap();
        samba.set(ann_dn, "otherMailbox", "ann@home.example").await.unwrap();
        samba.set(ann_dn, "manager", gus_dn).await.unwrap();
        samba.set(ann_dn, "preferredLanguage", "de-DE").await.unwrap();
        samba.set(ben_dn, "userAccountControl", "514").await.unwrap();
        // A password that never expires.
        samba.set(dan_dn, "userAccountControl", "66048").await.unwrap();
        // In 2001.
        samba.set(cid_dn, "accountExpires", "126227808000000000").await.unwrap();
        samba.set(dan_dn, "adminCount", "1").await.unwrap();
        samba.admin().await.unwrap().delete(eve_dn).await.unwrap().success().unwrap();
        rename(samba, fay_dn, "CN=Fay", Some(&format!("CN=Users,{}", samba.base_dn))).await;
        let second = directory.mark().await.unwrap();
        assert!(second.follows(&first) && !first.follows(&second));
        let changed = pages(&bench, Some(&first)).await;
        let told = changed.people.iter().map(|p| (p.sign_in_name.as_str(), p.display_name.as_str(), p.enabled, p.protected));
        let name = |name: &str| samba.user(name).unwrap().display_name.clone();
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                (ann, "Ann Newname", true, false),
                (ben, &name(ben), false, false),
                (cid, &name(cid), false, false),
                (dan, &name(dan), true, true)
            ]
        );
        assert_eq!((changed.people[0].private_mail.as_deref(), changed.people[0].manager), (Some("ann@home.example"), Some(*gus_id)));
        assert_eq!((changed.people[0].language.as_deref(), &changed.people[1].language), (Some("de-DE"), &None));
        assert!(changed.people[0].password_expires_at.is_some() && changed.people[3].password_expires_at.is_none());
        // Who moved is seen elsewhere; who was deleted is not seen at all without the right to, and missed in the census.
        assert!(changed.gone.contains(fay_id) && !changed.gone.contains(eve_id) && !changed.shifted);
        assert_eq!(names(&pages(&bench, Some(&second)).await.people), [""; 0]);
        let census = sorted(directory.census(Vec::new()).await.unwrap());
        assert_eq!(census.len(), 18);
        assert!(!census.contains(eve_id) && !census.contains(fay_id) && census.contains(gus_id));
        // Asked for by their ids, only who is served is told.
        let found = directory.people(&[*ann_id, *eve_id, *fay_id, *gus_id]).await.unwrap();
        assert_eq!(found.iter().map(|p| p.guid).collect::<std::collections::BTreeSet<_>>(), [*ann_id, *gus_id].into());

        // A part of the tree that moves takes people along who do not change themselves.
        let (inner, outer) = (format!("OU=Inner,{}", samba.users_dn), format!("OU=Inner,{}", samba.base_dn));
        add_unit(samba, &inner).await;
        rename(samba, gus_dn, "CN=Gus", Some(&inner)).await;
        let third = directory.mark().await.unwrap();
        rename(samba, &inner, "OU=Inner", Some(&samba.base_dn)).await;
        let moved = pages(&bench, Some(&third)).await;
        assert!(moved.shifted && moved.people.is_empty());
        assert!(!directory.census(Vec::new()).await.unwrap().guids.contains(gus_id));
        rename(samba, &outer, "OU=Inner", Some(&samba.users_dn)).await;
        assert!(directory.census(Vec::new()).await.unwrap().guids.contains(gus_id));
    }
}

#[tokio::test]
async fn groups_are_told_with_everybody_who_is_in_them_however_deep() {
    for domain in super::both() {
        let samba = &domain.samba;
        let (ann, ben, cat) = (domain.somebody().await, domain.somebody().await, domain.somebody().await);
        let outsider = add_outsider(samba, &format!("outsider-{}", ann.name)).await;
        let inner = group(samba, "mirror inner (x)", &[&ben.dn]).await;
        let outer = group(samba, "mirror outer", &[&ann.dn, &inner, &outsider]).await;
        let bench = Bench::new(samba);
        let found = bench.directory.groups(&outer).await.unwrap();
        assert_eq!((found.len(), found[0].name.as_str(), &found[0].dn), (1, "mirror outer", &outer));
        let mut expected = vec![ann.guid, ben.guid];
        expected.sort_unstable();
        assert_eq!(sorted(bench.directory.members(&found[0], Vec::new()).await.unwrap()), expected);

        // A change of its members is a change of the group, and not of theirs.
        let before = bench.directory.mark().await.unwrap();
        samba.add_member(&inner, &cat.dn).await.unwrap();
        let changed = pages(&bench, Some(&before)).await;
        assert!(changed.shifted && changed.people.iter().all(|person| person.guid != cat.guid));
        expected.push(cat.guid);
        expected.sort_unstable();
        assert_eq!(sorted(bench.directory.members(&found[0], Vec::new()).await.unwrap()), expected);

        // The primary group, which lists no members; and all groups of a part of the tree.
        let everybody = bench.directory.groups(&format!("CN=Domain Users,CN=Users,{}", samba.base_dn)).await.unwrap();
        assert!(bench.directory.members(&everybody[0], Vec::new()).await.unwrap().guids.len() >= 60);
        let below = bench.directory.groups(&format!("CN=Users,{}", samba.base_dn)).await.unwrap();
        assert!(below.iter().any(|group| group.dn == outer) && below.len() > 10);
        for nothing in [format!("CN=Nobody,{}", samba.base_dn), "no name".into()] {
            assert!(bench.directory.groups(&nothing).await.unwrap().is_empty(), "{nothing}");
        }
    }
}
