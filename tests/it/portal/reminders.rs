//! Reminders before a password runs out: by the directory's word for each person, each mark once, whatever number of nodes look.

use sspr::{wire::message::Person as DirectoryPerson, worker};

use crate::support::{Cloud, agent::somebody};

const DAY: i64 = 86400;

fn expiring(cloud: &Cloud, name: &str, days: i64) -> DirectoryPerson {
    DirectoryPerson { password_expires_at: Some(cloud.clock.seconds() + days * DAY + 3600), ..somebody(name) }
}

async fn reminded(cloud: &Cloud) -> Vec<(String, i16)> {
    worker::expiring(&cloud.app).await.unwrap();
    let rows = sqlx::query_as("select u.sign_in_name, r.days from reminders r join users u using (user_id) order by 1, r.at, 2 desc");
    rows.fetch_all(&cloud.app.db).await.unwrap()
}

#[tokio::test]
async fn each_mark_is_told_of_once_where_it_is_switched_on() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let soon = expiring(&cloud, "alice", 13);
    let people = vec![
        soon.clone(),
        expiring(&cloud, "bob", 20),
        DirectoryPerson { enabled: false, ..expiring(&cloud, "carol", 2) },
        expiring(&cloud, "dave", -1),
        somebody("eve"),
    ];
    agent.mirror(people).await;
    assert!(reminded(&cloud).await.is_empty(), "off until it is switched on");
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--expiry-reminders", "true"]);

    // Eight looks at once, as of so many nodes.
    let looks: Vec<_> = (0..8)
        .map(|_| {
            tokio::spawn({
                let app = cloud.app.clone();
                async move { worker::expiring(&app).await }
            })
        })
        .collect();
    for look in looks {
        look.await.unwrap().unwrap();
    }
    assert_eq!(reminded(&cloud).await, [("alice".to_owned(), 14)]);
    let mail = cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap();
    assert!(mail.text.contains("runs out") && mail.text.contains("/change") && !mail.html.unwrap().contains("href"), "{}", mail.text);

    // Nine days later two marks lie behind at once: the last one counts.
    cloud.clock.advance(10 * DAY + 3600);
    let found = reminded(&cloud).await;
    assert_eq!(found, [("alice", 14), ("alice", 3), ("bob", 14)].map(|(name, days)| (name.to_owned(), days)));
    cloud.inbox.wait_for("alice@mail.example", 1).await.unwrap();
    cloud.clock.advance(2 * DAY);
    assert_eq!(reminded(&cloud).await.iter().filter(|(name, _)| name == "alice").count(), 3);
    cloud.inbox.wait_for("alice@mail.example", 2).await.unwrap();
    cloud.clock.advance(2 * DAY);
    reminded(&cloud).await;
    assert_eq!(reminded(&cloud).await.iter().filter(|(name, _)| name == "alice").count(), 3, "it has run out");
    assert_eq!(cloud.inbox.count("alice@mail.example"), 3);
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel = 'sms'").await, 0);
}

#[tokio::test]
async fn another_password_begins_anew_and_a_frozen_account_is_left_alone() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--expiry-reminders", "true"]);
    agent.mirror(vec![expiring(&cloud, "alice", 2), expiring(&cloud, "bob", 2)]).await;
    cloud.administers(&["user", "freeze", "--tenant", &tenant, "bob"]);
    assert_eq!(reminded(&cloud).await, [("alice".to_owned(), 3)]);
    // Changed: it lasts longer, and is told of again when its own time comes.
    agent.mirror(vec![expiring(&cloud, "alice", 5), expiring(&cloud, "bob", 40)]).await;
    assert_eq!(reminded(&cloud).await, [("alice".to_owned(), 3), ("alice".to_owned(), 7)]);
    // What another time is told is not another address.
    assert_eq!(cloud.sql::<i64>("select count(*) from notices where about = 'contact'").await, 0);
}
