//! What the cloud is told about people.

use sspr::{
    agent::directory::{Directory, Trouble},
    lab::samba::SambaOptions,
    wire::message::Person,
};

use super::{Bench, Domain};

async fn people(bench: &Bench, since: Option<i64>) -> Result<Vec<Person>, Trouble> {
    let (mut people, mut cookie) = (Vec::new(), Vec::new());
    loop {
        let page = bench.directory.page(since, cookie).await?;
        people.extend(page.people);
        cookie = page.cookie;
        if cookie.is_empty() {
            people.sort_by(|a, b| a.sign_in_name.cmp(&b.sign_in_name));
            return Ok(people);
        }
    }
}

#[tokio::test]
async fn sees_everybody_then_what_changed() {
    for release in [sspr::lab::samba::Release::Backports, sspr::lab::samba::Release::System] {
        let domain = Domain::start(&SambaOptions { release, ..SambaOptions::default() });
        let (samba, bench) = (&domain.samba, Bench::new(&domain.samba));
        let (first, everybody) = (bench.directory.mark().await.unwrap(), people(&bench, None).await.unwrap());
        assert_eq!(everybody.len(), 20);
        for (person, user) in everybody.iter().zip(&samba.users) {
            assert_eq!((&person.sign_in_name, &person.principal_name), (&user.sign_in_name, &user.principal_name));
            assert_eq!((&person.display_name, &person.mail, &person.mobile), (&user.display_name, &user.mail, &user.mobile));
            assert_eq!((person.enabled, person.protected), (!user.disabled, false));
        }
        assert_eq!(everybody[0].guid, super::guid(samba, "user01").await);

        let [ann, ben, cid, dan] = ["user01", "user02", "user03", "user04"];
        samba.set(&samba.dn(ann).await.unwrap(), "displayName", "Ann Newname").await.unwrap();
        samba.set(&samba.dn(ben).await.unwrap(), "userAccountControl", "514").await.unwrap();
        // In 2001.
        samba.set(&samba.dn(cid).await.unwrap(), "accountExpires", "126227808000000000").await.unwrap();
        samba.set(&samba.dn(dan).await.unwrap(), "adminCount", "1").await.unwrap();
        samba.admin().await.unwrap().delete(&samba.dn("user05").await.unwrap()).await.unwrap().success().unwrap();

        let second = bench.directory.mark().await.unwrap();
        assert!(second.server == first.server && second.usn > first.usn);
        let changed = people(&bench, Some(first.usn + 1)).await.unwrap();
        let told = changed.iter().map(|p| (p.sign_in_name.as_str(), p.display_name.as_str(), p.enabled, p.protected)).collect::<Vec<_>>();
        let name = |name: &str| samba.user(name).unwrap().display_name.clone();
        assert_eq!(
            told,
            [
                (ann, "Ann Newname", true, false),
                (ben, &name(ben), false, false),
                (cid, &name(cid), false, false),
                (dan, &name(dan), true, true)
            ]
        );
        assert!(people(&bench, Some(second.usn + 1)).await.unwrap().is_empty());

        let left = people(&bench, None).await.unwrap();
        assert_eq!(left.len(), 19);
        assert!(left.iter().all(|person| person.sign_in_name != "user05"));
    }
}
