//! Which browser on which system, as coarse as people recognise their own by. Whatever a browser says of itself is kept nowhere.

use std::fmt::Write;

use axum::http::{HeaderMap, header};

use super::Page;

/// A word in a `User-Agent`, what it stands for, and how people call that. The first that fits counts: many claim to be others as well.
const BROWSERS: [(&str, &str, &str); 7] = [
    ("Edg", "edge", "Edge"),
    ("OPR/", "opera", "Opera"),
    ("SamsungBrowser/", "samsung", "Samsung Internet"),
    ("Firefox/", "firefox", "Firefox"),
    ("FxiOS/", "firefox", "Firefox"),
    ("Chrome/", "chrome", "Chrome"),
    ("Safari/", "safari", "Safari"),
];
const SYSTEMS: [(&str, &str, &str); 7] = [
    ("iPhone", "iphone", "iPhone"),
    ("iPad", "ipad", "iPad"),
    ("Android", "android", "Android"),
    ("Windows", "windows", "Windows"),
    ("CrOS", "chromeos", "ChromeOS"),
    ("Macintosh", "mac", "Mac"),
    ("Linux", "linux", "Linux"),
];

/// Two words, such as `firefox windows`; `-` for what is not known, and nothing where nothing is.
pub fn of(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let find = |known: &[(&str, &'static str, &str)]| known.iter().find(|(mark, ..)| agent.contains(mark)).map(|(_, word, _)| *word);
    let (browser, system) = (find(&BROWSERS), find(&SYSTEMS));
    let mut device = String::new();
    if browser.is_some() || system.is_some() {
        let _ = write!(device, "{} {}", browser.unwrap_or("-"), system.unwrap_or("-"));
    }
    device
}

/// For people.
pub fn name(page: &Page, device: &str) -> String {
    let find = |known: &[(&str, &str, &'static str)], word: &str| known.iter().find(|(_, of, _)| *of == word).map(|(.., name)| *name);
    let (browser, system) = device.split_once(' ').unwrap_or_default();
    match (find(&BROWSERS, browser), find(&SYSTEMS, system)) {
        (Some(browser), Some(system)) => page.t2("device", "browser", browser, "system", system),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => page.t("device-unknown").into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{name, of};
    use crate::{base::language::Language, web::Page};

    #[test]
    fn devices_are_told_apart_as_people_would() {
        let page = Page::bare(Language::English, None);
        for (agent, device, shown) in [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "firefox windows", "Firefox on Windows"),
            ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "edge windows", "Edge on Windows"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
                "safari iphone",
                "Safari on iPhone",
            ),
            ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "chrome android", "Chrome on Android"),
            ("Mozilla/5.0 (X11; Linux x86_64) Something/1", "- linux", "Linux"),
            ("curl/8", "", "A device that we do not know"),
            ("<script>Firefox/</script>", "firefox -", "Firefox"),
        ] {
            let headers = HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_static(agent))]);
            assert_eq!(of(&headers), device);
            assert_eq!(name(&page, device), shown);
        }
        assert_eq!(of(&HeaderMap::new()), "");
    }
}
