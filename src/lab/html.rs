//! Just enough of HTML to find a page's forms and to read its words. For our own pages, which are well-formed.

use anyhow::{Result, ensure};

/// A form as a person would find it: its fields with the values they have before anything is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
    /// The challenge that a field bears: solved, the answer is the field's value.
    pub work: Option<(String, String)>,
    /// Values that radio buttons and buttons offer.
    choices: Vec<(String, String)>,
}

impl Form {
    /// Type `value` into a field, or choose among its radio buttons. An error if the page has no such field or choice.
    pub fn set(mut self, name: &str, value: &str) -> Result<Self> {
        let offered: Vec<&str> = self.choices.iter().filter(|(choice, _)| choice == name).map(|(_, value)| value.as_str()).collect();
        ensure!(offered.is_empty() || offered.contains(&value), "the form {} offers {offered:?} for {name}, not {value:?}", self.action);
        if let Some(field) = self.fields.iter_mut().find(|(field, _)| field == name) {
            value.clone_into(&mut field.1);
        } else {
            ensure!(!offered.is_empty(), "the form {} has no field {name}", self.action);
            self.fields.push((name.to_owned(), value.to_owned()));
        }
        Ok(self)
    }

    /// The values that radio buttons of this name offer.
    pub fn choices(&self, name: &str) -> Vec<&str> {
        self.choices.iter().filter(|(choice, _)| choice == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// Every form that posts.
pub fn forms(html: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    let mut open: Option<Form> = None;
    for tag in tags(html) {
        match (tag.name, open.as_mut()) {
            ("form", _) if tag.get("method").is_some_and(|method| method.eq_ignore_ascii_case("post")) => {
                open = Some(Form { action: tag.get("action").unwrap_or_default(), fields: Vec::new(), work: None, choices: Vec::new() });
            }
            ("/form", _) => forms.extend(open.take()),
            ("textarea", Some(form)) => {
                let text = tag.behind.split("</textarea").next().unwrap_or_default();
                // The first line break belongs to the tag.
                form.fields.extend(tag.get("name").map(|name| (name, decode(text.strip_prefix('\n').unwrap_or(text)))));
            }
            ("select", Some(form)) => {
                let Some(name) = tag.get("name") else { continue };
                let inside = tags(tag.behind.split("</select").next().unwrap_or_default());
                let options: Vec<_> = inside.iter().filter(|tag| tag.name == "option").collect();
                let chosen = options.iter().find(|option| option.get("selected").is_some()).or(options.first());
                form.fields.extend(chosen.map(|option| (name.clone(), option.get("value").unwrap_or_default())));
                form.choices.extend(options.iter().map(|option| (name.clone(), option.get("value").unwrap_or_default())));
            }
            ("input" | "button", Some(form)) => {
                let Some(name) = tag.get("name").filter(|_| tag.get("disabled").is_none()) else { continue };
                let value = tag.get("value").unwrap_or_default();
                if let Some(challenge) = tag.get("data-work") {
                    form.work = Some((name.clone(), challenge));
                }
                match tag.get("type").as_deref() {
                    Some("radio" | "checkbox") => {
                        if tag.get("checked").is_some() {
                            form.fields.push((name.clone(), value.clone()));
                        }
                        form.choices.push((name, value));
                    }
                    _ if tag.name == "button" => form.choices.push((name, value)),
                    _ => form.fields.push((name, value)),
                }
            }
            _ => {}
        }
    }
    forms
}

/// The words between the tags, without scripts, styles and templates.
pub fn text(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let name: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
        let end = ["script", "style", "template", "head"].contains(&name.as_str()).then(|| format!("</{name}>"));
        rest = match end.and_then(|end| after.split_once(&end)) {
            Some((_, behind)) => behind,
            None => &after[end_of_tag(after).map_or(after.len(), |end| end + 1)..],
        };
        out.push(' ');
    }
    out.push_str(rest);
    decode(&out).split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Tag<'a> {
    name: &'a str,
    attributes: &'a str,
    /// All that follows it.
    behind: &'a str,
}

impl Tag<'_> {
    /// An attribute's value; empty for one without.
    fn get(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes.trim_start();
        while !rest.is_empty() {
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
            let name = &rest[..end];
            rest = rest[end..].trim_start();
            let mut value = "";
            if let Some(quoted) = rest.strip_prefix("=\"") {
                (value, rest) = quoted.split_once('"').unwrap_or((quoted, ""));
            }
            if name == wanted {
                return Some(decode(value));
            }
            rest = rest.trim_start();
        }
        None
    }
}

/// Where the tag ends whose inside this begins with: a `>` in a quoted value does not end it.
fn end_of_tag(inside: &str) -> Option<usize> {
    let mut quoted = false;
    inside.find(|c| {
        quoted ^= c == '"';
        c == '>' && !quoted
    })
}

fn tags(html: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let Some(end) = end_of_tag(after) else { break };
        let tag = &after[..end];
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        rest = &after[end..];
        tags.push(Tag { name, attributes: attributes.trim_end_matches('/'), behind: &rest[1..] });
    }
    tags
}

/// The character references that askama writes.
fn decode(text: &str) -> String {
    let mut out = text.to_owned();
    for (reference, character) in [
        ("&#60;", "<"),
        ("&lt;", "<"),
        ("&#62;", ">"),
        ("&gt;", ">"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#10;", "\n"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        out = out.replace(reference, character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<head><title>No</title></head><h1>Who &amp; what?</h1><form method="get" action="/search"><input name="q"></form>
        <form method="post" action="/reset/method" data-x="a > b"><input type="radio" name="method" value="email" checked>
        <input type="radio" name="method" value="sms"><input type="hidden" name="a&#38;b" value="&#34;1&#34;"><input name="off" disabled>
        <button class="primary">Go</button></form><script>no</script>"#;

    #[test]
    fn a_form_is_what_the_page_says() {
        let forms = forms(PAGE);
        assert_eq!(forms.len(), 1);
        let fields = |form: &Form| form.fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        assert_eq!(fields(&forms[0]), ["method=email", "a&b=\"1\""]);
        assert_eq!(fields(&forms[0].clone().set("method", "sms").unwrap()), ["method=sms", "a&b=\"1\""]);
        assert!(forms[0].clone().set("method", "fax").is_err());
        assert!(forms[0].clone().set("off", "x").is_err());
        assert_eq!(text(PAGE), "Who & what? Go");
    }
}
