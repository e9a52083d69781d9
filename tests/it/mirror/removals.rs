//! Very many people who are missing at once are not taken for gone.

use sspr::{
    agent::{
        mirror,
        setup::{self, Extent, finding::Code},
    },
    lab::samba::Release,
};

use super::{PRESENT, Site};
use crate::support::agent::somebody;

#[tokio::test]
async fn very_many_removals_at_once_are_held_back_until_somebody_accepts_them() {
    let mut site = Site::start(Release::System, |_, settings| settings.mirror_max_removals = 5).await;
    let staff = site.samba.users_dn.clone();
    let state = site.settings.state_dir.clone();
    let held = || mirror::held(&state).unwrap().map(|held| (held.people, held.known));
    site.until(&mut site.mirror(), PRESENT, 20).await;

    // A unit that is there and holds nobody, by mistake.
    site.settings.directory.users_dn = format!("OU=Groups,{}", site.samba.base_dn);
    let mut mistaken = site.mirror();
    for _ in 0..5 {
        mistaken.step().await.unwrap();
    }
    assert_eq!((site.cloud.sql::<i64>(PRESENT).await, held()), (20, Some((20, 20))));
    // Another that holds others: they are told, and nobody is gone.
    site.settings.directory.users_dn = format!("CN=Users,{}", site.samba.base_dn);
    let mut mistaken = site.mirror();
    for _ in 0..5 {
        mistaken.step().await.unwrap();
    }
    assert!(site.cloud.sql::<i64>(PRESENT).await > 20);
    assert_eq!(held(), Some((20, 20)));
    let report = setup::doctor(&site.settings, Extent::default(), &site.cloud.clock).await;
    assert!(report.has(Code::MirrorHeld), "{}", report.text());
    // Mended: all are there, and the few others are gone again.
    site.settings.directory.users_dn.clone_from(&staff);
    let mut mirror = site.mirror();
    site.until(&mut mirror, PRESENT, 20).await;
    assert_eq!(held(), None);

    // Some may leave at any time.
    let elsewhere = format!("CN=Users,{}", site.samba.base_dn);
    for name in ["user01", "user02", "user03"] {
        site.moves(&site.dn(name).await, &format!("CN={name}"), &elsewhere).await;
    }
    site.until(&mut mirror, PRESENT, 17).await;
    // Many, really: held back, while everything else goes on, and over a restart.
    for name in ["user04", "user05", "user06", "user07", "user08", "user09"] {
        site.moves(&site.dn(name).await, &format!("CN={name}"), &elsewhere).await;
    }
    site.samba.set(&site.dn("user10").await, "displayName", "Ten").await.unwrap();
    site.until(&mut mirror, "select count(*) from users where display_name = 'Ten'", 1).await;
    let mut mirror = site.mirror();
    for _ in 0..5 {
        mirror.step().await.unwrap();
    }
    site.cloud.clock.advance(3601);
    mirror.step().await.unwrap();
    assert_eq!((site.cloud.sql::<i64>(PRESENT).await, held()), (17, Some((6, 17))));
    mirror::accept(&state).unwrap();
    site.until(&mut mirror, PRESENT, 11).await;
    assert!(held().is_none() && !mirror::is_accepted(&state));
}

#[tokio::test]
async fn an_agent_that_never_saw_anybody_does_not_say_that_nobody_is_there() {
    let site = Site::start(Release::System, |samba, settings| {
        settings.directory.users_dn = format!("OU=Groups,{}", samba.base_dn);
    })
    .await;
    // Of another agent of the same connector.
    site.cloud.agent().await.mirror(vec![somebody("ann")]).await;
    let mut mirror = site.mirror();
    for _ in 0..3 {
        mirror.step().await.unwrap();
    }
    assert_eq!(site.cloud.sql::<i64>(PRESENT).await, 1);
}
