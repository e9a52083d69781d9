//! Operators at their organisation's OpenID provider: a real one, whose own pages are walked.

use serde_json::{Value, json};
use sspr::lab::{browser::Browser, html, oidc::Oidc};

use super::{Cloud, Person};

pub const SECRET: &str = "what-the-provider-knows-us-by-4711";

/// A cloud whose operators may sign in at a provider.
pub struct Sso {
    pub cloud: Cloud,
    pub oidc: Oidc,
}

impl Sso {
    /// `accounts`: name, verified mailbox and what the provider says of how they signed in.
    pub async fn with(accounts: &[(&str, &str, &[&str])]) -> Self {
        let account = |mail: &str, amr: &[&str]| json!({ "claims": { "email": mail, "email_verified": true }, "login": { "amr": amr } });
        let accounts = accounts.iter().map(|(name, mail, amr)| ((*name).to_owned(), account(mail, amr))).collect();
        Self::of(Value::Object(accounts)).await
    }

    pub async fn of(accounts: Value) -> Self {
        let cloud = Cloud::start().await;
        let client = |id: &str, algorithm: &str| {
            json!({ "client_id": id, "client_secret": SECRET, "redirect_uris": [format!("{}/console/sso/back", cloud.url)],
                "id_token_signed_response_alg": algorithm })
        };
        let mut clients = vec![client("console", "RS256"), client("ps", "PS256"), client("es", "ES256"), client("ed", "EdDSA")];
        clients[2]["token_endpoint_auth_method"] = "client_secret_post".into();
        let oidc = Oidc::start(&clients.into(), &accounts).unwrap();
        let sso = Self { cloud, oidc };
        let issuer = sso.oidc.issuer.clone();
        sso.sets(&["--issuer", &issuer, "--client-id", "console", "--label", "Corp ID", "--factors", "mfa", "--enabled", "true"]);
        sso
    }

    /// As `sspr sso set` does, with the secret.
    pub fn sets(&self, args: &[&str]) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), SECRET).unwrap();
        let secret = ["sso", "set", "--secret-file", file.path().to_str().unwrap()];
        self.cloud.administers(&[&secret[..], args].concat());
    }

    /// From our page to the provider: its address, with all that is taken along.
    pub async fn sets_out(&self, person: &mut Person) -> String {
        person.opens("/console/sign-in").await.submits("/console/sso/start", &[("to", "/console/me")]).await;
        address(person)
    }

    /// Signs in there under this name; the address that the provider leads back to.
    pub async fn at_provider(&self, url: &str, name: &str) -> String {
        let mut browser = Browser::new(&self.oidc.issuer).unwrap();
        browser.leaves_for = vec![self.cloud.url.clone()];
        let own = |address: &str| address.strip_prefix(&self.oidc.issuer).unwrap_or(address).to_owned();
        let mut page = browser.open(&own(url)).await.unwrap();
        while page.status != 303 {
            let Some(mut form) = html::forms(&page.body).into_iter().next() else { panic!("{} {}", page.path, page.text()) };
            form.action = own(&form.action);
            for (field, value) in &mut form.fields {
                match field.as_str() {
                    "login" => name.clone_into(value),
                    "password" => "whatever".clone_into(value),
                    _ => {}
                }
            }
            page = browser.submit(&form).await.unwrap();
        }
        page.path
    }

    /// Comes back by this address.
    pub async fn comes_back(&self, person: &mut Person, address: &str) {
        person.opens(address.strip_prefix(&self.cloud.url).unwrap()).await;
    }

    /// All of it.
    pub async fn signs_in(&self, name: &str) -> Person {
        let mut person = Person::at(&self.cloud);
        let url = self.sets_out(&mut person).await;
        let back = self.at_provider(&url, name).await;
        self.comes_back(&mut person, &back).await;
        person
    }
}

/// Where the page in hand leads on to by itself.
pub fn address(person: &Person) -> String {
    let (_, rest) = person.page.body.split_once("content=\"0; url=").unwrap_or_else(|| panic!("{}", person.page.text()));
    html::text(rest.split('"').next().unwrap()).trim().to_owned()
}
