//! Cookies. Over https they are `__Host-`, `Secure`; over http, which only a loopback host may use, browsers other than Chromium
//! would drop those, so the prefix and the flag go together with the scheme.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::app::PublicUrl;

/// The flow's cookie.
pub const FLOW: &str = "sspr_flow";
/// Of a browser that asked for a passkey's challenge and gave no name.
pub const PASSKEY: &str = "sspr_passkey";
/// The session's cookie.
pub const SESSION: &str = "sspr_session";
/// An operator's session's cookie.
pub const CONSOLE: &str = "sspr_console";
/// Of an operator's browser that was sent to the organisation's provider.
pub const SSO: &str = "sspr_sso";
/// The chosen language.
pub const LANGUAGE: &str = "sspr_lang";

fn name(url: &PublicUrl, name: &str) -> String {
    if url.is_secure() { format!("__Host-{name}") } else { name.to_owned() }
}

/// The value of a cookie; of two of the same name neither is believed.
pub fn get<'a>(headers: &'a HeaderMap, url: &PublicUrl, wanted: &str) -> Option<&'a str> {
    let wanted = name(url, wanted);
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == wanted)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

/// `Set-Cookie`. `age` in seconds; 0 deletes. `value` must be base64url or a language tag.
pub fn set(url: &PublicUrl, cookie: &str, value: &str, age: i64) -> HeaderValue {
    let secure = if url.is_secure() { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}", name(url, cookie)))
        .expect("base64url and language tags are header text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_a_cookie_is_this_host_s_alone() {
        let (https, http) = (PublicUrl::parse("https://reset.example.org").unwrap(), PublicUrl::parse("http://localhost:8080").unwrap());
        for cookie in [FLOW, PASSKEY, SESSION, CONSOLE, SSO, LANGUAGE] {
            let said = set(&https, cookie, "x", 60);
            // What `__Host-` asks for: Secure, the whole path, no domain.
            assert_eq!(said, format!("__Host-{cookie}=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"));
            assert_eq!(set(&http, cookie, "x", 0), format!("{cookie}=x; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
            let sent = |value: String| HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&value).unwrap())]);
            assert_eq!(get(&sent(format!("a=b; __Host-{cookie}=x")), &https, cookie), Some("x"));
            assert_eq!(get(&sent(format!("{cookie}=x")), &https, cookie), None, "one that any subdomain may lay");
            assert_eq!(get(&sent(format!("__Host-{cookie}=x; __Host-{cookie}=y")), &https, cookie), None);
        }
    }
}
