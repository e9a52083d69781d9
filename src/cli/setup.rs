//! `sspr agent setup`: from a domain's name to a settings file that holds, by questions in the terminal, or without any by flags and a
//! file of answers. What it finds on the way is told with its remedy; nothing in the directory is changed.

use std::{
    fs,
    io::{BufRead, IsTerminal, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use toml::{Table, Value};

use crate::{
    agent::{
        dns,
        setup::{
            self, Extent,
            finding::{Report, Severity},
            tls::{self, Server},
        },
    },
    base::{clock::Clock, config::Config, private},
};

#[derive(clap::Args)]
pub struct Args {
    /// TOML with answers, by the names of the flags with "_" for "-"; a flag counts more.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Ask nothing: take the answers and the defaults, and fail where one is missing.
    #[arg(long)]
    yes: bool,
    /// Where the settings go.
    #[arg(long, value_name = "FILE", default_value = "agent.toml")]
    out: PathBuf,
    /// The cloud's server.public_url.
    #[arg(long)]
    cloud_url: Option<String>,
    /// Family of the directory: ad (Active Directory and Samba AD) or openldap.
    #[arg(long)]
    kind: Option<String>,
    /// DNS name of the domain: corp.example.
    #[arg(long)]
    domain: Option<String>,
    /// Active Directory site whose domain controllers come first.
    #[arg(long)]
    site: Option<String>,
    /// A name server other than this machine's: address:port.
    #[arg(long)]
    dns_server: Option<String>,
    /// ldaps://host:636, where DNS is not to be asked.
    #[arg(long)]
    url: Option<String>,
    /// Name in the server's certificate, if the URL's host is not it.
    #[arg(long)]
    server_name: Option<String>,
    /// PEM of the CA that signs it.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
    /// SHA-256 of the CA's certificate, if the server shows it: then it is kept beside the settings.
    #[arg(long)]
    ca_sha256: Option<String>,
    /// The service account: DN or user principal name.
    #[arg(long)]
    bind_dn: Option<String>,
    /// File that holds its password ("-": standard input).
    #[arg(long, value_name = "FILE")]
    password_file: Option<String>,
    /// The domain's name in the directory; follows from the DNS name.
    #[arg(long)]
    base_dn: Option<String>,
    /// The unit whose people are served.
    #[arg(long)]
    users_dn: Option<String>,
    /// Where the agent's keys and journal will live.
    #[arg(long)]
    state_dir: Option<String>,
}

pub async fn run(args: Args) -> Result<()> {
    let out = args.out.clone();
    let mut asked = Asked::new(args)?;
    println!("Settings of an agent, for {}. Nothing in the directory is changed.\n", out.display());
    ensure!(asked.may_write(&out)?, "{} is there already, and stays as it is", out.display());

    let cloud_url = asked.ask("cloud_url", "Address of the cloud (its server.public_url)", None)?;
    let cloud_url = crate::agent::cloud::base_url(&cloud_url)?;
    let kind = asked.ask("kind", "Kind of directory: ad or openldap", Some("ad"))?;
    ensure!(["ad", "openldap"].contains(&kind.as_str()), "{kind:?}: there are ad and openldap");
    let domain = asked.ask("domain", "DNS name of the domain", None)?;
    let [site, dns_server] = ["site", "dns_server"].map(|key| asked.given(key).unwrap_or_default());
    let url = match asked.given("url") {
        Some(url) => url,
        None => choose(&mut asked, &domain, &site, &dns_server).await?,
    };
    let server_name = asked.given("server_name").unwrap_or_default();
    let ca_file = authority(&mut asked, &url, &server_name, &out).await?;
    let base_dn = asked.ask("base_dn", "The domain's name in the directory", Some(&format!("DC={}", domain.replace('.', ",DC="))))?;
    let users_dn = asked.ask("users_dn", "The unit whose people are served", None)?;
    let bind_dn = asked.ask("bind_dn", "The service account (DN, or name@domain)", None)?;
    let password = asked.password()?;
    let state_dir = asked.ask("state_dir", "Where the agent's keys and journal shall live", Some("/var/lib/sspr-agent"))?;

    let directory = table([
        ("kind", kind),
        ("url", url),
        ("server_name", server_name),
        ("ca_file", ca_file),
        ("bind_dn", bind_dn),
        ("bind_password", password),
        ("base_dn", base_dn),
        ("users_dn", users_dn),
        ("dns_server", dns_server),
        ("site", site),
    ]);
    let mut agent = table([("cloud_url", cloud_url), ("state_dir", state_dir)]);
    agent.insert("directory".to_owned(), Value::Table(directory));
    let text = toml::to_string(&Table::from_iter([("agent".to_owned(), Value::Table(agent))])).context("writing the settings as TOML")?;
    let config = Config::from(Some((&out.display().to_string(), &text)), [])?;

    println!("\nLooking at the cloud, the certificate, the policy and the account's rights …\n");
    let report = setup::preflight(&config.agent, Extent::default(), &Clock::system()).await;
    print!("{}", report.text());
    let problems = report.count(Severity::Problem);
    if problems > 0 {
        println!("\n{problems} of these must be mended. Afterwards: sspr --config {} agent doctor", out.display());
    }
    write(&out, &text)?;
    println!("\nWrote {} (only its owner may read it: it holds the service account's password).\n", out.display());
    next(&out, &report);
    Ok(())
}

fn table<const N: usize>(pairs: [(&str, String); N]) -> Table {
    pairs.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key.to_owned(), Value::String(value))).collect()
}

/// Whole or not at all, and closed from its first byte on.
fn write(path: &Path, text: &str) -> Result<()> {
    let fresh = path.with_extension("new");
    let writing = || -> std::io::Result<()> {
        let mut file = private::options().create(true).truncate(true).write(true).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    writing().with_context(|| format!("writing {}", path.display()))
}

/// Which domain controller, of those that DNS names.
async fn choose(asked: &mut Asked, domain: &str, site: &str, dns_server: &str) -> Result<String> {
    let found = match dns::controllers(domain, site, dns_server).await {
        Ok(found) => found.all,
        Err(why) => {
            println!("DNS could not be asked: {why}.");
            Vec::new()
        }
    };
    let urls = found.iter().map(|found| format!("ldaps://{}:{}", found.host, found.port)).collect::<Vec<_>>();
    if urls.is_empty() {
        println!("DNS names no domain controller of {domain}.");
    } else {
        println!("Domain controllers of {domain}, best first: {}", urls.join(", "));
    }
    asked.ask("url", "Which one shall the agent use", urls.first().map(String::as_str))
}

/// The file with the CA that the server's certificate comes from: given, or taken from the server after a person (or the answers) has
/// compared its fingerprint.
async fn authority(asked: &mut Asked, url: &str, server_name: &str, out: &Path) -> Result<String> {
    if let Some(file) = asked.given("ca_file") {
        return Ok(file);
    }
    let settings = Config::from(
        None,
        [
            ("SSPR_AGENT__DIRECTORY__URL".to_owned(), url.to_owned()),
            ("SSPR_AGENT__DIRECTORY__SERVER_NAME".to_owned(), server_name.to_owned()),
        ],
    )?;
    let server: Server =
        setup::named(&settings.agent.directory)?.into_iter().next().with_context(|| format!("{url:?} is no ldaps:// address"))?;
    let shown = match tls::presented(&server).await {
        Ok(chain) => chain,
        Err(finding) => {
            print!("{}", Report { findings: vec![finding] }.text());
            Vec::new()
        }
    };
    let Some((subject, print, root)) =
        shown.last().and_then(|last| tls::self_issued(last).map(|subject| (subject, tls::print(last), last)))
    else {
        println!("The server does not show its CA's certificate.");
        return asked.ask("ca_file", "File with the certificate of the CA that signs the domain controllers' (PEM)", None);
    };
    println!("\nThe server's certificate comes from this CA, whose certificate the server shows:\n\n    {subject}\n    SHA-256 {print}\n");
    println!("Compare that with the CA's own (on it: certutil -ca.cert ca.cer, or openssl x509 -noout -fingerprint -sha256 -in ca.pem).");
    let typed = asked.ask("ca_sha256", "Type the CA's SHA-256 as you found it there; or nothing, to name a file instead", Some(""))?;
    if typed.is_empty() {
        return asked.ask("ca_file", "File with that CA's certificate (PEM)", None);
    }
    let hex = |text: &str| text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_uppercase();
    ensure!(
        hex(&typed) == hex(&print),
        "the server shows another CA than you expect ({print}): somebody may stand between. Nothing was kept"
    );
    let file = out.with_file_name("ca.pem");
    fs::write(&file, tls::pem(root)).with_context(|| format!("writing {}", file.display()))?;
    println!("Kept it as {}.", file.display());
    Ok(std::path::absolute(&file)?.display().to_string())
}

fn next(out: &Path, report: &Report) {
    let out = setup::grants::posix(&out.display().to_string());
    println!("Optional features, off until an administrator switches them on in the cloud:\n");
    println!("    writeback      jobs may change this directory              sspr connector writeback CONNECTOR on");
    println!("    unlock         people may unlock and keep their password   sspr connector unlock CONNECTOR on");
    println!("    self-service   people are served at all                    sspr tenant set TENANT --self-service true\n");
    println!("Next:\n");
    if report.worst() == Severity::Problem {
        println!("    here           mend what is marked PROBLEM above, then: sspr --config {out} agent doctor");
    }
    println!("    in the cloud   sspr agent token CONNECTOR > token          (sspr connector list tells which)");
    println!("    here           sspr --config {out} agent enrol --token-file token");
    println!("    in the cloud   sspr agent confirm AGENT --fingerprint …    (after comparing it with the one shown here)");
    println!("    here           sspr --config {out} agent                   (or deploy/systemd/sspr-agent.service)");
    println!("    any time       sspr --config {out} agent doctor");
}

/// Answers that were given, and a person to ask for the others.
struct Asked {
    given: Table,
    yes: bool,
    terminal: bool,
}

impl Asked {
    fn new(args: Args) -> Result<Self> {
        let mut given = Table::new();
        if let Some(file) = &args.answers {
            let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            given = text.parse::<Table>().map_err(|error| anyhow::anyhow!("{}: {}", file.display(), error.message()))?;
        }
        let flags = [
            ("cloud_url", args.cloud_url),
            ("kind", args.kind),
            ("domain", args.domain),
            ("site", args.site),
            ("dns_server", args.dns_server),
            ("url", args.url),
            ("server_name", args.server_name),
            ("ca_file", args.ca_file),
            ("ca_sha256", args.ca_sha256),
            ("bind_dn", args.bind_dn),
            ("password_file", args.password_file),
            ("base_dn", args.base_dn),
            ("users_dn", args.users_dn),
            ("state_dir", args.state_dir),
        ];
        let known = flags.iter().map(|(key, _)| *key).collect::<Vec<_>>();
        if let Some((key, _)) = given.iter().find(|(key, value)| !known.contains(&key.as_str()) || !value.is_str()) {
            // A password in it would be found out here, and is not repeated.
            bail!("--answers: {key:?} is not one of {}, as text", known.join(", "));
        }
        for (key, value) in flags {
            if let Some(value) = value {
                given.insert(key.to_owned(), Value::String(value));
            }
        }
        Ok(Self { given, yes: args.yes, terminal: std::io::stdin().is_terminal() })
    }

    fn given(&self, key: &str) -> Option<String> {
        self.given.get(key).and_then(Value::as_str).map(str::to_owned)
    }

    /// The answer that was given, or one from the terminal.
    fn ask(&mut self, key: &str, question: &str, default: Option<&str>) -> Result<String> {
        if let Some(given) = self.given(key) {
            return Ok(given);
        }
        let flag = key.replace('_', "-");
        if self.yes {
            return default.map(str::to_owned).with_context(|| format!("--{flag} is missing: {question}"));
        }
        loop {
            let shown = default.filter(|default| !default.is_empty()).map(|default| format!(" [{default}]")).unwrap_or_default();
            print!("{question}{shown}: ");
            std::io::stdout().flush()?;
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line).context("reading the answer")?;
            if !self.terminal {
                // Otherwise the prompts run together where nobody's typing ends them.
                println!();
            }
            match (line.trim(), default) {
                ("", Some(default)) => return Ok(default.to_owned()),
                ("", None) => ensure!(read > 0, "no answer to: {question} (--{flag})"),
                (text, _) => return Ok(text.to_owned()),
            }
        }
    }

    fn may_write(&mut self, out: &Path) -> Result<bool> {
        Ok(!out.exists()
            || self.yes
            || self.ask("overwrite", &format!("{} is there already. Replace it (yes or no)", out.display()), Some("no"))? == "yes")
    }

    fn password(&mut self) -> Result<String> {
        let file = self.ask("password_file", "File that holds its password (it is not asked for here, where it would show)", None)?;
        let mut text = String::new();
        if file == "-" {
            std::io::stdin().read_to_string(&mut text).context("reading the password from standard input")?;
        } else {
            text = fs::read_to_string(&file).with_context(|| format!("reading the password from {file}"))?;
        }
        let password = text.trim_end_matches(['\r', '\n']);
        ensure!(!password.is_empty(), "{file} holds no password");
        Ok(password.to_owned())
    }
}
