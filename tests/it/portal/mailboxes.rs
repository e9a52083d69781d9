//! People with a second mailbox: offered first, told of every change, and no second proof beside the first.

use sspr::wire::{message::Person as DirectoryPerson, outcome::Code};

use crate::support::{Cloud, Person, agent::somebody, person::code_in};

fn with_a_private_mailbox(name: &str) -> DirectoryPerson {
    DirectoryPerson { private_mail: Some(format!("{name}@home.example")), ..somebody(name) }
}

#[tokio::test]
async fn a_code_goes_to_the_private_mailbox_and_the_notice_to_all() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![with_a_private_mailbox("alice")]).await;
    let mut alice = Person::at(&cloud);
    alice.opens("/").await.submits("/reset", &[("name", "alice")]).await.is_at("/reset/method");
    alice.sees("Private e-mail").sees("a•••@h•••.example").sees("a•••@m•••.example");
    let (private, other) = (alice.page.body.find("private_email").unwrap(), alice.page.body.find("value=\"email\"").unwrap());
    assert!(private < other, "the private one comes first");
    alice.submits("/reset/method", &[("method", "private_email")]).await.is_at("/reset/code").sees("a•••@h•••.example");
    let code = code_in(&cloud.inbox.wait_for("alice@home.example", 0).await.unwrap().text);
    assert_eq!(cloud.inbox.count("alice@mail.example"), 0);
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
    alice.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    let mobile = somebody("alice").mobile.unwrap();
    for (address, seen) in [("alice@home.example", 1), ("alice@mail.example", 0), (mobile.as_str(), 0)] {
        let notice = cloud.inbox.wait_for(address, seen).await.unwrap();
        assert!(notice.text.contains("changed"), "{}", notice.text);
    }
}

#[tokio::test]
async fn two_mailboxes_are_one_proof() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![with_a_private_mailbox("alice"), DirectoryPerson { mobile: None, ..with_a_private_mailbox("bob") }]).await;
    cloud.gates(2).await;
    let mut alice = Person::at(&cloud);
    alice.opens("/").await.submits("/reset", &[("name", "alice")]).await;
    alice.submits("/reset/method", &[("method", "private_email")]).await;
    let code = code_in(&cloud.inbox.wait_for("alice@home.example", 0).await.unwrap().text);
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/method");
    assert!(!alice.page.body.contains("value=\"email\"") && alice.page.body.contains("value=\"sms\""), "{}", alice.page.text());

    // Who has nothing but mailboxes cannot pass two gates: the same answer as for nobody, and no code.
    let mut bob = Person::at(&cloud);
    bob.asks_for_a_code("bob").await;
    alice.submits("/reset/method", &[("method", "sms")]).await;
    cloud.inbox.wait_for(&somebody("alice").mobile.unwrap(), 0).await.unwrap();
    assert_eq!(cloud.inbox.count("bob@mail.example") + cloud.inbox.count("bob@home.example"), 0);
}
