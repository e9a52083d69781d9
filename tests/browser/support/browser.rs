//! What a person does with a browser: opens, types, clicks, reads. Each waits for a few seconds until it can be done, so that no
//! test sleeps, and fails with what the page shows instead.

use std::{
    future::Future,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::sync::Semaphore;

use super::driver::Driver;

const PATIENCE: Duration = Duration::from_secs(15);

pub struct Browser {
    pub web: WebDriver,
    _driver: Driver,
}

#[derive(Clone, Copy)]
pub enum Screen {
    Phone,
    /// The narrowest that WCAG 1.4.10 asks for.
    Narrow,
    Desktop,
}

impl Browser {
    /// A fresh browser of phone size, in English, in light colours.
    pub async fn start() -> Self {
        let driver = Driver::start();
        let web = driver.browser().await;
        let browser = Self { web, _driver: driver };
        browser.has_screen(Screen::Phone).await;
        browser
    }

    pub async fn has_screen(&self, screen: Screen) {
        let (width, height, scale, mobile) = match screen {
            Screen::Phone => (390, 844, 2, true),
            Screen::Narrow => (320, 640, 2, true),
            Screen::Desktop => (1280, 800, 1, false),
        };
        let size = json!({"width": width, "height": height, "screenWidth": width, "screenHeight": height, "deviceScaleFactor": scale, "mobile": mobile});
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
    }

    pub async fn is_dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        self.cdp("Emulation.setEmulatedMedia", json!({"features": [{"name": "prefers-color-scheme", "value": value}]})).await;
    }

    /// A high-contrast theme: colours are the system's.
    pub async fn has_few_colours(&self) {
        self.cdp("Emulation.setEmulatedMedia", json!({"features": [{"name": "forced-colors", "value": "active"}]})).await;
    }

    /// As if scripts were switched off in the settings.
    pub async fn has_scripts(&self, on: bool) {
        self.cdp("Emulation.setScriptExecutionDisabled", json!({"value": !on})).await;
    }

    pub async fn opens(&self, url: &str) {
        self.web.goto(url).await.unwrap_or_else(|error| panic!("{url} does not open: {error}"));
    }

    /// Types into the field with this label, in place of what was there.
    pub async fn types(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.expect("a field that can be cleared");
        field.send_keys(text).await.expect("a field that takes text");
    }

    /// Chooses a file of this machine in the field with this label.
    pub async fn picks(&self, label: &str, path: &str) {
        self.field(label).await.send_keys(path).await.expect("a field that takes a file");
    }

    pub async fn value(&self, label: &str) -> String {
        self.field(label).await.prop("value").await.expect("a field").unwrap_or_default()
    }

    /// Picks the radio button or ticks the box with this text in its label.
    pub async fn chooses(&self, text: &str) {
        self.element(&format!("//label[contains(normalize-space(.), {})]", quoted(text)), text)
            .await
            .click()
            .await
            .expect("a label to click");
    }

    /// Clicks the button, link or summary with exactly this text, once it is not disabled.
    pub async fn clicks(&self, text: &str) {
        let path = format!("//*[self::button or self::a or self::summary][normalize-space(.)={}][not(@disabled)]", quoted(text));
        self.element(&path, text).await.click().await.unwrap_or_else(|error| panic!("{text:?} cannot be clicked: {error}"));
    }

    /// Waits until the page shows this text.
    pub async fn sees(&self, text: &str) {
        let start = Instant::now();
        loop {
            let page = self.text().await;
            if page.contains(text) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "the page does not say {text:?}, but at {}:\n{page}", self.url().await);
            pause().await;
        }
    }

    /// The same in the page's frame, or in the frame in that.
    pub async fn sees_in_frame(&self, text: &str) {
        let start = Instant::now();
        loop {
            let mut shown = String::new();
            while self.web.enter_frame(0).await.is_ok() {
                shown += &self.text().await;
            }
            self.web.enter_default_frame().await.expect("the page itself");
            if shown.contains(text) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "the frame does not say {text:?}, but:\n{shown}");
            pause().await;
        }
    }

    pub async fn does_not_see(&self, text: &str) {
        let page = self.text().await;
        assert!(!page.contains(text), "the page should not say {text:?}:\n{page}");
    }

    /// Waits until the address ends so.
    pub async fn arrives_at(&self, path: &str) {
        let start = Instant::now();
        // What an address bears besides matters only to whoever asks for it.
        let part = |url: String| if path.contains('?') { url } else { url.split('?').next().unwrap_or_default().to_owned() };
        while !part(self.url().await).ends_with(path) {
            assert!(start.elapsed() < PATIENCE, "still at {} and not at {path}:\n{}", self.url().await, self.text().await);
            pause().await;
        }
    }

    pub async fn goes_back(&self) {
        self.web.back().await.expect("a page to go back to");
    }

    pub async fn url(&self) -> String {
        self.web.current_url().await.map(|url| url.to_string()).unwrap_or_default()
    }

    /// What a person can read, as laid out.
    pub async fn text(&self) -> String {
        match self.web.find(By::Tag("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// A picture of the whole page in `tests/browser/shots`.
    pub async fn shot(&self, name: &str) {
        let size = self.cdp("Page.getLayoutMetrics", json!({})).await;
        let (width, height) = (&size["cssContentSize"]["width"], &size["cssContentSize"]["height"]);
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let answer = self.cdp("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": true, "clip": clip})).await;
        let png = data_encoding::BASE64.decode(answer["data"].as_str().expect("a picture").as_bytes()).expect("base64");
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/shots"));
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        std::fs::write(folder.join(format!("{name}.png")), png).expect("room for a picture");
    }

    /// Runs axe-core on the page and fails with what it finds: WCAG 2.2 A and AA and its best practices.
    pub async fn is_accessible(&self) {
        let axe = include_str!("../vendor/axe.min.js");
        self.web.execute(axe, vec![]).await.expect("axe-core loads");
        let found = self
            .runs(
                "const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
                 const { violations } = await axe.run(document, { runOnly: tags });
                 return violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.map((n) => n.html + ' -- ' + n.failureSummary).join(' | ')}`);",
            )
            .await;
        assert_eq!(found, json!([]), "axe-core on {}", self.url().await);
        // Nothing may need two directions of scrolling (WCAG 1.4.10).
        // (A phone's innerWidth grows with what overflows, its screen does not.)
        let wide = self
            .runs(
                "const width = Math.min(innerWidth, screen.width);
                 if (document.documentElement.scrollWidth <= width) return [];
                 const wide = [...document.body.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > width);
                 return wide.map((one) => `${one.tagName}.${one.className}#${one.id}`);",
            )
            .await;
        assert_eq!(wide, json!([]), "{} scrolls sideways", self.url().await);
    }

    /// Fails when the page's policy stopped anything, or a script broke.
    pub async fn has_nothing_to_complain_of(&self) {
        let log = self.web.browser_log().await.expect("the browser's log");
        let bad: Vec<String> = log
            .iter()
            .map(|entry| format!("{entry:?}"))
            .filter(|entry| ["Content Security", "Trusted", "Uncaught"].iter().any(|sign| entry.contains(sign)))
            .collect();
        assert!(bad.is_empty(), "{bad:?}");
    }

    /// The value of the body of an async function; a thrown error comes back as `{"error": …}`.
    pub async fn runs(&self, body: &str) -> Value {
        self.runs_with(body, vec![]).await
    }

    /// As [`Self::runs`], with `args` in the body.
    pub async fn runs_with(&self, body: &str, args: Vec<Value>) -> Value {
        let script = format!(
            "const args = [...arguments]; const done = args.pop();
             (async () => {{ {body} }})().then((value) => done({{ value: value ?? null }}), (error) => done({{ value: {{ error: String(error) }} }}));"
        );
        let answer = self.web.execute_async(script, args).await.expect("a script that ends");
        answer.json()["value"].clone()
    }

    pub async fn cdp(&self, method: &str, parameters: Value) -> Value {
        self.web.cdp().send_raw(method, parameters).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    async fn field(&self, label: &str) -> WebElement {
        let found = self.element(&format!("//label[normalize-space(.)={}]", quoted(label)), label).await;
        let id = found.attr("for").await.expect("a label").expect("a label that names its field");
        let field = format!("//*[@id={}][not(@disabled)]", quoted(&id));
        self.element(&field, label).await
    }

    async fn element(&self, path: &str, what: &str) -> WebElement {
        let start = Instant::now();
        loop {
            for element in self.web.find_all(By::XPath(path)).await.unwrap_or_default() {
                if element.is_displayed().await.unwrap_or(false) {
                    return element;
                }
            }
            assert!(start.elapsed() < PATIENCE, "there is no {what:?} at {}:\n{}", self.url().await, self.text().await);
            pause().await;
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // After a failed test the library would ask for the session's end on a runtime that no longer turns, for two minutes.
        let _ = self.web.clone().leak();
    }
}

/// So many browsers at once: each is worth a processor, and stories have patience, not for ever.
static AT_ONCE: Semaphore = Semaphore::const_new(3);

/// Runs one story and quits the browser in the good case; in the bad one [`Driver`] ends it.
pub async fn story<F: Future<Output = ()>>(tell: impl FnOnce(Rc<Browser>) -> F) {
    let _place = AT_ONCE.acquire().await.expect("never closed");
    let browser = Rc::new(Browser::start().await);
    tell(browser.clone()).await;
    browser.web.clone().quit().await.expect("Chromium quits");
}

/// The same with two people, each at a browser of their own.
pub async fn story_of_two<F: Future<Output = ()>>(tell: impl FnOnce(Rc<Browser>, Rc<Browser>) -> F) {
    // Both places at once: stories that each hold one and want another would wait for ever.
    let _places = AT_ONCE.acquire_many(2).await.expect("never closed");
    let (one, other) = (Rc::new(Browser::start().await), Rc::new(Browser::start().await));
    tell(one.clone(), other.clone()).await;
    for browser in [one, other] {
        browser.web.clone().quit().await.expect("Chromium quits");
    }
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// An XPath string; none of our texts holds both kinds of quotes.
fn quoted(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}
