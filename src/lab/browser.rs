//! A browser without a screen, for the probe and the tests: cookies, redirects, forms as the page has them, event streams.
//!
//! It posts what the returned HTML says and nothing it knows better: a form that lost a field or an action fails here as it
//! would fail a person. No script runs.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, Method, RequestBuilder, Response, header, redirect};
use serde_json::Value;

use super::{
    html::{self, Form},
    work,
};

/// A person would have given up.
const PATIENCE: Duration = Duration::from_secs(30);
const MOST_REDIRECTS: usize = 5;

pub struct Browser {
    http: Client,
    /// Where it connects to.
    address: String,
    /// What it says that its pages are from.
    origin: String,
    pub cookies: BTreeMap<String, String>,
    /// Other sites that it may be led to: it stops there, with the whole address as the page's path and no body.
    pub leaves_for: Vec<String>,
    pub language: String,
}

/// What a page came to, after redirects.
#[derive(Debug, Clone)]
pub struct Page {
    pub status: u16,
    /// Where the redirects led.
    pub path: String,
    pub body: String,
}

impl Browser {
    /// `origin` as in `http://localhost:8080`.
    pub fn new(origin: &str) -> Result<Self> {
        let mut http = Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(PATIENCE);
        if origin.starts_with("http://") {
            // Reading the system's roots takes longer than a page does.
            http = http.tls_certs_only([]);
        }
        let http = http.build()?;
        let origin = origin.trim_end_matches('/').to_owned();
        Ok(Self { http, address: origin.clone(), origin, cookies: BTreeMap::new(), leaves_for: Vec::new(), language: "en".to_owned() })
    }

    /// The same browser, with its cookies, led to another node of the same portal: what is in front of the nodes knows of that, and no
    /// page does.
    #[must_use]
    pub fn at(&self, address: &str) -> Self {
        let (http, origin, language) = (self.http.clone(), self.origin.clone(), self.language.clone());
        Self { http, address: address.to_owned(), origin, cookies: self.cookies.clone(), leaves_for: self.leaves_for.clone(), language }
    }

    pub async fn open(&mut self, path: &str) -> Result<Page> {
        let answer = self.send(self.navigate(Method::GET, path)).await?;
        self.follow(answer, path).await
    }

    /// Post `form` and follow where it leads. Its proof of work is done first, if it is not yet.
    pub async fn submit(&mut self, form: &Form) -> Result<Page> {
        let form = &worked(form.clone()).await?;
        let request = self.navigate(Method::POST, &form.action).form(&form.fields);
        let answer = self.send(request).await?;
        self.follow(answer, &form.action).await
    }

    /// As a script would: status and JSON.
    pub async fn post_json(&mut self, path: &str, body: &Value) -> Result<(u16, Value)> {
        let answer = self.send(self.request(Method::POST, path).header(header::ACCEPT, "application/json").json(body)).await?;
        let status = answer.status().as_u16();
        let text = answer.text().await.context("reading the answer")?;
        Ok((status, serde_json::from_str(&text).with_context(|| format!("POST {path} answered {status} without JSON"))?))
    }

    pub async fn get_json(&mut self, path: &str) -> Result<(u16, Value)> {
        let answer = self.send(self.request(Method::GET, path).header(header::ACCEPT, "application/json")).await?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await.with_context(|| format!("GET {path} answered {status} without JSON"))?))
    }

    /// Read server-sent events from `path` until `last` says that one was the last; that one's data.
    pub async fn events(&mut self, path: &str, mut last: impl FnMut(&Value) -> bool) -> Result<Value> {
        let mut answer = self.send(self.request(Method::GET, path).header(header::ACCEPT, "text/event-stream")).await?;
        ensure!(answer.status().is_success(), "GET {path} answered {}", answer.status());
        let mut buffer = Vec::new();
        while let Some(chunk) = answer.chunk().await.context("reading events")? {
            buffer.extend_from_slice(&chunk);
            while let Some(end) = buffer.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let Some(data) = line.strip_prefix(b"data:") else { continue };
                let event = serde_json::from_slice(data).context("an event without JSON")?;
                if last(&event) {
                    return Ok(event);
                }
            }
        }
        bail!("the stream {path} ended early")
    }

    /// A person goes there, so a page is wanted.
    fn navigate(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let changes = method != Method::GET;
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.address))
            .header(header::ACCEPT_LANGUAGE, &self.language)
            .header("sec-fetch-site", "same-origin");
        if changes {
            request = request.header(header::ORIGIN, &self.origin);
        }
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        request
    }

    async fn send(&mut self, request: RequestBuilder) -> Result<Response> {
        let answer = request.send().await.context("the portal does not answer")?;
        for cookie in answer.headers().get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            if attributes.split(';').any(|attribute| attribute.trim().eq_ignore_ascii_case("max-age=0")) {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    async fn follow(&mut self, mut answer: Response, from: &str) -> Result<Page> {
        let mut path = from.to_owned();
        for _ in 0..MOST_REDIRECTS {
            if !answer.status().is_redirection() {
                let status = answer.status().as_u16();
                return Ok(Page { status, path, body: answer.text().await.context("reading the page")? });
            }
            // 307 and 308 would post the form, code and all, again.
            ensure!(answer.status() == 303, "{path} answered {}: a portal redirects by 303", answer.status());
            let target = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).context("a redirect to nowhere")?;
            if self.leaves_for.iter().any(|site| target.starts_with(&format!("{site}/"))) {
                return Ok(Page { status: 303, path: target.to_owned(), body: String::new() });
            }
            let target = target.strip_prefix(&self.origin).unwrap_or(target).to_owned();
            ensure!(target.starts_with('/') && !target.starts_with("//"), "{path} redirects to another site");
            path = target;
            answer = self.send(self.navigate(Method::GET, &path)).await?;
        }
        bail!("{from} redirects in circles")
    }
}

/// The form with its proof of work, as the page's script does it while one types. A field that has something in it stays as it is.
pub async fn worked(mut form: Form) -> Result<Form> {
    let Some((name, challenge)) = form.work.take() else { return Ok(form) };
    if let Some(field) = form.fields.iter_mut().find(|(field, value)| *field == name && value.is_empty()) {
        field.1 = tokio::task::spawn_blocking(move || work::solve(&challenge)).await??;
    }
    Ok(form)
}

impl Page {
    /// The page's form with this action.
    pub fn form(&self, action: &str) -> Result<Form> {
        let forms = html::forms(&self.body);
        let actions: Vec<&str> = forms.iter().map(|form| form.action.as_str()).collect();
        match forms.iter().find(|form| form.action == action) {
            Some(form) => Ok(form.clone()),
            None => {
                bail!("{} answered {} without a form {action} (it has {actions:?}): {}", self.path, self.status, html::text(&self.body))
            }
        }
    }

    /// What a person reads.
    pub fn text(&self) -> String {
        html::text(&self.body)
    }
}
