//! Which account follows which is asked at every step that could carry a password.

use sspr::wire::outcome::Code;

use super::linked::{at_password, cloud, states};
use crate::support::{HandAgent, Person, agent::somebody};

/// The mirror tells that the linked account has another address now: one that is nobody's, or somebody else's.
async fn moves(second: &mut HandAgent, mail: &str) {
    let mut alice = somebody("alice.lab");
    alice.mail = Some(mail.to_owned());
    second.mirror(vec![alice]).await;
}

#[tokio::test]
async fn a_link_that_holds_no_more_carries_nothing() {
    let (cloud, mut first, mut second) = cloud().await;
    // After the ticket.
    let mut alice = at_password(&cloud, "alice").await;
    let sealed = alice.seals("Correct-Horse-7").await;
    moves(&mut second, "bob@mail.example").await;
    assert_eq!(alice.posts(&sealed).await.0, 202);
    assert_eq!(states(&cloud).await, "Head office submitted, Lab offered", "as if it had never been sealed");
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where envelopes is not null").await, 1);
    first.work(Code::Applied).await;
    assert!(second.lease(0).await.is_empty());
    cloud.inbox.wait_for("alice@mail.example", 1).await.unwrap();

    // While it is held: another address, another owner of the same one, switched off, and an account that is protected now.
    let off = ["connector", "link", &second.connector.to_string(), "off"];
    for (n, how) in ["moved", "rival", "protected", "writeback", "off"].into_iter().enumerate() {
        moves(&mut second, "alice@mail.example").await;
        let seen = cloud.inbox.count("alice@mail.example");
        let mut alice = at_password(&cloud, "alice").await;
        alice.sets(&format!("Correct-Horse-and-{how}-8")).await;
        assert!(states(&cloud).await.ends_with("Head office submitted, Lab held"), "{how}");
        match how {
            "moved" => moves(&mut second, "bob@mail.example").await,
            "rival" => {
                let mut rival = somebody("rival");
                rival.mail = somebody("alice").mail;
                first.mirror(vec![somebody("alice"), somebody("bob"), rival]).await;
            }
            "protected" => {
                let mut protected = somebody("alice.lab");
                (protected.mail, protected.protected) = (somebody("alice").mail, true);
                second.mirror(vec![protected]).await;
            }
            "writeback" => drop(cloud.administers(&["connector", "writeback", &second.connector.to_string(), "off"])),
            _ => drop(cloud.administers(&off)),
        }
        first.work(Code::Applied).await;
        assert!(states(&cloud).await.ends_with("Head office applied, Lab cancelled"), "{how}: {}", states(&cloud).await);
        assert!(second.lease(0).await.is_empty(), "{how}");
        assert_eq!(cloud.sql::<i64>("select count(*) from jobs where envelopes is not null").await, 0, "{how}");
        cloud.inbox.wait_for("alice@mail.example", seen + 1).await.unwrap();
        first.mirror(vec![somebody("alice"), somebody("bob")]).await;
        cloud.administers(&["connector", "writeback", &second.connector.to_string(), "on"]);
        first.beat(true).await;
        second.beat(true).await;
        // The limits per person are not what this is about.
        assert!(n < 5);
        sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
    }
}

#[tokio::test]
async fn a_password_of_its_own_is_for_whom_it_still_follows() {
    let (cloud, mut first, mut second) = cloud().await;
    for late in [false, true] {
        moves(&mut second, "alice@mail.example").await;
        let mut alice = at_password(&cloud, "alice").await;
        alice.sets(if late { "Correct-Horse-8" } else { "Correct-Horse-7" }).await;
        first.work(Code::Applied).await;
        second.work(Code::PolicyLength).await;
        alice.opens("/reset").await.is_at("/reset/done").sees("Choose a password for it");
        // Somebody else's now: before she asks, or after she has sealed.
        let sealed = if late {
            alice.submits("/reset/elsewhere", &[]).await.is_at("/reset/password");
            Some(alice.seals("Alice-Takes-It-7").await)
        } else {
            None
        };
        moves(&mut second, "bob@mail.example").await;
        if let Some(sealed) = sealed {
            let (status, answer) = alice.posts(&sealed).await;
            assert_eq!((status, answer["code"].as_str()), (403, Some("not_served")), "{answer}");
            let (status, answer) = alice.ticket().await;
            assert_eq!((status, answer["code"].as_str()), (403, Some("not_served")), "{answer}");
        } else {
            // Pressed on the page as it was.
            alice.submits("/reset/elsewhere", &[]).await.is_at("/reset/done");
            assert!(!alice.page.text().contains("Choose a password for it"));
        }
        assert!(second.lease(0).await.is_empty());
        first.beat(true).await;
        second.beat(true).await;
        cloud.inbox.wait_for("alice@mail.example", if late { 3 } else { 1 }).await.unwrap();
    }
}

#[tokio::test]
async fn whoever_is_disabled_where_they_go_first_is_not_served_by_a_side_door() {
    let (cloud, mut first, _second) = cloud().await;
    let mut alice = somebody("alice");
    alice.enabled = false;
    first.mirror(vec![alice, somebody("bob")]).await;
    for name in ["alice.lab", "alice@mail.example"] {
        Person::at(&cloud).asks_for_a_code(name).await;
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from flows where user_id is not null").await, 0);
    // The name of the account that follows is as good as that of the first.
    first.mirror(vec![somebody("alice"), somebody("bob")]).await;
    let mut person = Person::at(&cloud);
    person.proves_at(&cloud, "alice.lab", "alice@mail.example").await;
    person.sees("It is set in Lab as well");
}

#[tokio::test]
async fn a_directory_that_is_away_gets_it_when_it_is_back_in_time() {
    let (cloud, mut first, mut second) = cloud().await;
    second.beat(false).await;
    let mut alice = at_password(&cloud, "alice").await;
    // Sealed for it from the start, and not promised.
    assert!(!alice.page.text().contains("as well"), "{}", alice.page.text());
    alice.sets("Correct-Horse-7").await;
    first.work(Code::Applied).await;
    alice.opens("/reset/status").await.sees("Head office").sees("The new password is set.").sees("Lab");
    assert!(second.lease(0).await.is_empty(), "nobody is asked who does not reach it");
    second.beat(true).await;
    second.work(Code::Applied).await;
    alice.is_told().await;
    alice.opens("/reset").await.is_at("/reset/done").sees("Lab");
    let text = alice.page.text();
    assert_eq!((text.matches("The new password is set.").count(), text.contains("could not be reached")), (2, false), "{text}");
}

#[tokio::test]
async fn a_directory_that_nobody_serves_now_is_not_promised_and_not_passed_over_in_silence() {
    let (cloud, mut first, mut second) = cloud().await;
    second.beat(false).await;
    let mut alice = at_password(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    first.work(Code::Applied).await;
    // It does not come back while the sealed password lives.
    cloud.clock.advance(600);
    cloud.worked().await;
    first.beat(true).await;
    alice.is_told().await;
    alice.opens("/reset").await.is_at("/reset/done").sees("Head office").sees("Lab").sees("could not be reached in time");
    // The other way round: that one of several directories is away closes the door for nobody of the others.
    let other = cloud.administers(&["connector", "add", &cloud.tenant.scope.id().to_string(), "Overseas"]);
    let other = other.split_whitespace().last().unwrap();
    cloud.administers(&["connector", "writeback", other, "on"]);
    cloud.hears().await;
    first.beat(true).await;
    Person::at(&cloud).asks_for_a_code("bob").await;
}
