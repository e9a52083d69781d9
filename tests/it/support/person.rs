//! A person at a browser, as a story: `alice.opens("/")`, `alice.types("name", "alice")`, `alice.submits("/reset")`.

use serde_json::{Value, json};
use sspr::{
    lab::{
        browser::{Browser, Page},
        html,
    },
    wire::{
        keys::Statement,
        seal::{self, Envelope, Secrets},
        ticket::Ticket,
        unb64,
    },
};
use zeroize::Zeroizing;

use super::Cloud;

pub struct Person {
    pub browser: Browser,
    pub page: Page,
}

impl Person {
    pub fn at(cloud: &Cloud) -> Self {
        Self { browser: Browser::new(&cloud.url).unwrap(), page: Page { status: 0, path: String::new(), body: String::new() } }
    }

    pub async fn opens(&mut self, path: &str) -> &mut Self {
        self.page = self.browser.open(path).await.unwrap();
        self
    }

    /// Is signed in to their account page from now on, without having walked there.
    pub async fn is_signed_in(&mut self, cloud: &Cloud, name: &str) -> &mut Self {
        self.browser.cookies.insert("sspr_session".into(), cloud.session_of(name).await);
        self
    }

    /// Fill the form of this action on the page in hand and submit it.
    pub async fn submits(&mut self, action: &str, fields: &[(&str, &str)]) -> &mut Self {
        let mut form = self.page.form(action).unwrap();
        for (name, value) in fields {
            form = form.set(name, value).unwrap();
        }
        self.page = self.browser.submit(&form).await.unwrap();
        self
    }

    #[track_caller]
    pub fn is_at(&self, path: &str) -> &Self {
        assert_eq!(self.page.path.split('?').next().unwrap_or_default(), path, "{}", self.page.text());
        self
    }

    #[track_caller]
    pub fn sees(&self, text: &str) -> &Self {
        assert!(self.page.text().contains(text), "{:?} is not on {}: {}", text, self.page.path, self.page.text());
        self
    }

    /// From the first page to the code's, by e-mail.
    pub async fn asks_for_a_code(&mut self, name: &str) -> &mut Self {
        self.opens("/").await.submits("/reset", &[("name", name)]).await;
        self.is_at("/reset/method");
        self.submits("/reset/method", &[("method", "email")]).await;
        self.is_at("/reset/code");
        self
    }

    /// All the way to the password page; the code comes from the real inbox.
    pub async fn proves(&mut self, cloud: &Cloud, name: &str) -> &mut Self {
        self.proves_at(cloud, name, &format!("{name}@mail.example")).await
    }

    /// The same for somebody whose address is `address`.
    pub async fn proves_at(&mut self, cloud: &Cloud, name: &str, address: &str) -> &mut Self {
        let seen = cloud.inbox.count(address);
        self.asks_for_a_code(name).await;
        let code = code_to(cloud, address, seen).await;
        self.submits("/reset/code", &[("code", &code)]).await;
        self.is_at("/reset/password");
        self
    }

    /// Through the proof by e-mail, from one of the first pages on: `/`, `/change` or `/account/sign-in`.
    pub async fn proves_from(&mut self, cloud: &Cloud, first: &str, name: &str) -> &mut Self {
        let address = format!("{name}@mail.example");
        let seen = cloud.inbox.count(&address);
        self.opens(first).await.submits(if first == "/" { "/reset" } else { first }, &[("name", name)]).await;
        self.is_at("/reset/method");
        self.submits("/reset/method", &[("method", "email")]).await;
        let code = code_to(cloud, &address, seen).await;
        self.submits("/reset/code", &[("code", &code)]).await
    }

    pub async fn ticket(&mut self) -> (u16, Value) {
        self.browser.post_json("/reset/ticket", &json!({})).await.unwrap()
    }

    /// Post a form as no page offers it, with this browser's cookies; the status.
    pub async fn posts_form(&mut self, path: &str, body: &str) -> u16 {
        let quoted = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;");
        let pairs = form_urlencoded::parse(body.as_bytes());
        let fields: Vec<_> =
            pairs.map(|(name, value)| format!("<input name=\"{}\" value=\"{}\">", quoted(&name), quoted(&value))).collect();
        let fields = fields.concat();
        let form = html::forms(&format!("<form method=\"post\" action=\"{path}\">{fields}</form>")).remove(0);
        self.page = self.browser.submit(&form).await.unwrap();
        self.page.status
    }

    /// Ask for a ticket and seal `password`, as the page's script does; what would be posted.
    pub async fn seals(&mut self, password: &str) -> Value {
        let (status, answer) = self.ticket().await;
        assert_eq!(status, 200, "{answer}");
        seal_for(&answer, password)
    }

    pub async fn posts(&mut self, job: &Value) -> (u16, Value) {
        self.browser.post_json("/reset/jobs", job).await.unwrap()
    }

    /// Seal, post, and be told 202.
    pub async fn sets(&mut self, password: &str) -> &mut Self {
        let job = self.seals(password).await;
        let (status, answer) = self.posts(&job).await;
        assert_eq!(status, 202, "{answer}");
        self
    }

    /// The live stream's last word.
    pub async fn is_told(&mut self) -> Value {
        self.browser.events("/reset/status/events", |event| event["final"] == true).await.unwrap()
    }

    pub async fn status(&mut self) -> Value {
        self.browser.get_json("/reset/status.json").await.unwrap().1
    }
}

/// What to post for the answer to a ticket request.
pub fn seal_for(answer: &Value, password: &str) -> Value {
    seal_both(answer, password, "")
}

/// The same with the current password; accounts that follow get the new one alone.
pub fn seal_both(answer: &Value, password: &str, old: &str) -> Value {
    let ticket: Ticket = serde_json::from_value(answer["ticket"].clone()).unwrap();
    let secrets = Secrets { new: Zeroizing::new(password.to_owned()), old: Zeroizing::new(old.to_owned()) };
    let envelopes: Vec<Envelope> = answer["recipients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|recipient| {
            let statement: Statement = serde_json::from_value(recipient["statement"].clone()).unwrap();
            seal::seal(&secrets, &ticket, &statement.key_id().unwrap(), &unb64(&statement.key).unwrap()).unwrap()
        })
        .collect();
    let mut job = json!({ "job": ticket.job, "envelopes": envelopes });
    if let Some(linked) = answer["linked"].as_array() {
        job["linked"] = linked.iter().map(|linked| seal_for(linked, password)).collect();
    }
    job
}

/// The first code to this address after the first `seen` messages: notices may come between.
pub async fn code_to(cloud: &Cloud, address: &str, mut seen: usize) -> String {
    loop {
        let message = cloud.inbox.wait_for(address, seen).await.unwrap();
        if message.text.contains("This is the code") || message.text.contains("is your code") || message.subject.starts_with("Ihr Code") {
            return code_in(&message.text);
        }
        seen += 1;
    }
}

/// The six digits in a message.
#[track_caller]
pub fn code_in(text: &str) -> String {
    text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).unwrap_or_else(|| panic!("no code in {text:?}")).to_owned()
}
