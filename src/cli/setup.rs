//! `sspr agent setup`: from a domain's name to a settings file that holds, by questions in the terminal, or without any by flags and a
//! file of answers. What it finds on the way is told with its remedy; nothing in the directory is changed.

mod asked;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use toml::{Table, Value};

use self::asked::Asked;
use crate::{
    agent::{
        directory::{Place, dn},
        dns,
        setup::{
            self, Extent, Policies,
            finding::{Code, Finding, Report, Severity},
            tls::{self, Server},
        },
    },
    base::{
        clock::Clock,
        config::{self, Config, DirectoryKind},
        private,
    },
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
    /// DNS name of the domain: corp.example. For openldap only where servers are to be found by it.
    #[arg(long)]
    domain: Option<String>,
    /// Active Directory site whose domain controllers come first.
    #[arg(long)]
    site: Option<String>,
    /// A name server other than this machine's: address:port.
    #[arg(long)]
    dns_server: Option<String>,
    /// ldaps://host:636, where DNS is not to be asked; or "dns": the agent itself finds the servers by it.
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
    /// For openldap: the attribute that holds the sign-in name.
    #[arg(long)]
    user_name: Option<String>,
    /// For openldap: the policy of all who have none of their own, which olcPPolicyDefault names; "" where there is none.
    #[arg(long)]
    policy_dn: Option<String>,
    /// Where the agent's keys and journal will live.
    #[arg(long)]
    state_dir: Option<String>,
}

pub async fn run(args: Args) -> Result<()> {
    let out = args.out.clone();
    let mut asked = Asked::new(args)?;
    println!("Settings of an agent, for {}. Nothing in the directory is changed.\n", out.display());
    let dir = out.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    ensure!(dir.is_dir(), "--out: there is no directory {}; make it first", dir.display());
    ensure!(asked.may_write(&out)?, "{} is there already, and stays as it is", out.display());

    let cloud_url = asked.ask_for("cloud_url", "Address of the cloud (its server.public_url)", None, crate::agent::cloud::base_url)?;
    let kind = asked.ask_for("kind", "Kind of directory: ad or openldap", Some("ad"), kind_of)?;
    let is_openldap = kind == DirectoryKind::Openldap;
    let stray = ["user_name", "policy_dn"].into_iter().find(|key| !is_openldap && asked.given(key).is_some());
    ensure!(stray.is_none(), "{} is only for openldap", stray.unwrap_or_default());
    let domain = match (is_openldap, asked.given("url")) {
        (true, Some(_)) => asked.given("domain").unwrap_or_default(),
        (true, None) => asked.ask("domain", "DNS name of the domain, to find its servers; or nothing", Some(""))?,
        (false, _) => asked.ask("domain", "DNS name of the domain", None)?,
    };
    let [site, dns_server] = ["site", "dns_server"].map(|key| asked.given(key).unwrap_or_default());
    let (url, by_dns) = match asked.given("url") {
        Some(url) if url != BY_DNS => (asked.ask_for("url", "Address of the server (ldaps://host:636)", None, address)?, false),
        _ if domain.is_empty() => (asked.ask_for("url", "Address of the server (ldaps://host:636)", None, address)?, false),
        _ => choose(&mut asked, is_openldap, &domain, &site, &dns_server).await?,
    };
    let server_name = asked.given("server_name").unwrap_or_default();
    let ca_file = authority(&mut asked, &url, &server_name, &out).await?;
    let named = Some(format!("DC={}", domain.replace('.', ",DC="))).filter(|_| !domain.is_empty());
    let base_dn = asked.ask_for("base_dn", "The domain's name in the directory", named.as_deref(), name)?;
    let users_dn = asked.ask_for("users_dn", "The unit whose people are served", None, |text| {
        let text = name(text)?;
        ensure!(dn::is_same(&text, &base_dn) || dn::is_below(&text, &base_dn), "{text:?} does not lie in {base_dn:?}");
        Ok(text)
    })?;
    let mut directory = table([
        ("kind", kind.as_str().to_owned()),
        ("url", if by_dns { String::new() } else { url }),
        ("discovery_domain", if by_dns { domain } else { String::new() }),
        ("server_name", server_name),
        ("ca_file", ca_file),
        ("base_dn", base_dn),
        ("users_dn", users_dn),
        ("dns_server", dns_server),
        ("site", site),
    ]);
    let mut refused = account(&mut asked, &out, &mut directory, is_openldap).await?;
    if is_openldap && refused.is_none() {
        let (_, config) = settings(&out, Table::new(), &directory)?;
        let (own, finding) = openldap(&mut asked, &config.agent.directory).await?;
        directory.insert("openldap".to_owned(), Value::Table(own));
        refused = finding;
    }
    let state_dir = asked.ask("state_dir", "Where the agent's keys and journal shall live", Some("/var/lib/sspr-agent"))?;
    let agent = table([("cloud_url", cloud_url), ("state_dir", absolute(&state_dir)?)]);
    let (text, config) = settings(&out, agent, &directory)?;

    println!("\nLooking at the cloud, the certificate, the policy and the account's rights …\n");
    let report = match refused {
        // Once is enough: trying on locks the account.
        Some(finding) => Report { findings: vec![finding] },
        None => setup::preflight(&config.agent, Extent::default(), &Clock::system()).await,
    };
    print!("{}", report.text());
    let problems = report.count(Severity::Problem);
    if problems > 0 {
        println!("\n{problems} of these must be mended. Afterwards: sspr --config {} agent doctor", out.display());
    }
    write(&out, &text)?;
    println!("\nWrote {} (only its owner may read it: it holds the service account's password).\n", out.display());
    next(&out, &report);
    ensure!(problems == 0, "{problems} of these must be mended; {} is written nevertheless", out.display());
    Ok(())
}

fn kind_of(text: &str) -> Result<DirectoryKind> {
    let all = [DirectoryKind::Ad, DirectoryKind::Openldap];
    all.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text)).with_context(|| format!("{text:?}: there are ad and openldap"))
}

fn address(text: &str) -> Result<String> {
    Place::parse("the address", text).map(|_| text.to_owned())
}

fn name(text: &str) -> Result<String> {
    ensure!(dn::is_name(text), "{text:?} is no distinguished name (such as OU=Staff,DC=corp,DC=example)");
    Ok(text.to_owned())
}

/// The service account and its password, which the directory takes, or would not take; whoever sits there may try another.
async fn account(asked: &mut Asked, out: &Path, directory: &mut Table, is_openldap: bool) -> Result<Option<Finding>> {
    let mut before = None::<String>;
    loop {
        let read = |text: &str| if is_openldap { name(text) } else { Ok(text.to_owned()) };
        let bind_dn = asked.ask_for("bind_dn", "The service account (DN, or in Active Directory name@domain)", before.as_deref(), read)?;
        let password = asked.password()?;
        directory.extend(table([("bind_dn", bind_dn.clone()), ("bind_password", password)]));
        if !asked.may_ask_again() {
            return Ok(None);
        }
        let (_, config) = settings(out, Table::new(), directory)?;
        match setup::signs_in(&config.agent.directory).await {
            Err(finding) if finding.code == Code::BindRefused => {
                print!("{}", Report { findings: vec![finding] }.text());
                println!("Another account, or another file with its password; ^C to mend the account first.");
                asked.forget("bind_dn");
                asked.forget("password_file");
                before = Some(bind_dn);
            }
            // Whatever else is wrong is told with everything else.
            _ => return Ok(None),
        }
    }
}

/// As the file holds them, and as the agent understands them.
fn settings(out: &Path, mut agent: Table, directory: &Table) -> Result<(String, Config)> {
    agent.insert("directory".to_owned(), Value::Table(directory.clone()));
    let text = toml::to_string(&Table::from_iter([("agent".to_owned(), Value::Table(agent))])).context("writing the settings as TOML")?;
    let config = Config::from(Some((&out.display().to_string(), &text)), [])?;
    Ok((text, config))
}

/// The agent does not run where this is typed.
fn absolute(path: &str) -> Result<String> {
    Ok(std::path::absolute(path).with_context(|| format!("{path:?}"))?.display().to_string())
}

/// What only OpenLDAP needs; and that the directory refuses the account, if it does.
async fn openldap(asked: &mut Asked, directory: &config::Directory) -> Result<(Table, Option<Finding>)> {
    let user_name = asked.ask("user_name", "The attribute that holds the sign-in name", Some(&directory.openldap.user_name))?;
    let given = asked.given("policy_dn");
    let found = if given.is_some() { Ok(Policies::default()) } else { setup::policies(directory).await };
    let (Policies { all, default }, refused) = match found {
        Ok(found) => (found, None),
        Err(finding) => {
            print!("{}", Report { findings: vec![finding.clone()] }.text());
            (Policies::default(), Some(finding).filter(|finding| finding.code == Code::BindRefused))
        }
    };
    if given.is_none() {
        let list = if all.is_empty() { "none".to_owned() } else { all.join("; ") };
        println!("Password policies that the account sees: {list}");
    }
    // Where there are several, none is as good as another.
    let default = default.or_else(|| all.is_empty().then(String::new));
    let policy = asked.ask("policy_dn", "The one of all who have none of their own (olcPPolicyDefault names it)", default.as_deref())?;
    Ok((table([("user_name", user_name), ("policy_dn", policy)]), refused))
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

/// The answer that leaves the choice of the server to DNS.
const BY_DNS: &str = "dns";

/// Which server, of those that DNS names; and whether the agent shall ask DNS itself, whenever the records run out: then the server is the
/// one to begin with.
async fn choose(asked: &mut Asked, is_openldap: bool, domain: &str, site: &str, dns_server: &str) -> Result<(String, bool)> {
    let what = if is_openldap { "server" } else { "domain controller" };
    let found = if is_openldap { dns::servers(domain, dns_server).await } else { dns::controllers(domain, site, dns_server).await };
    let found = match found {
        Ok(found) => found.all,
        Err(why) => {
            println!("DNS could not be asked: {why}.");
            Vec::new()
        }
    };
    let urls = found.iter().map(|found| format!("ldaps://{}:{}", found.host, found.port)).collect::<Vec<_>>();
    if urls.is_empty() {
        println!("DNS names no {what} of {domain}.");
    } else {
        println!("{}{}s of {domain}, best first: {}", what[..1].to_uppercase(), &what[1..], urls.join(", "));
    }
    let Some(first) = urls.first() else {
        return Ok((asked.ask_for("url", "Which one shall the agent use (ldaps://host:636)", None, address)?, false));
    };
    // With several, one that fails is replaced by another without anybody's doing.
    let usual = if urls.len() > 1 { BY_DNS } else { first };
    let read = |text: &str| if text == BY_DNS { Ok(text.to_owned()) } else { address(text) };
    let answer = asked.ask_for("url", "Which one shall the agent use; or dns, for all that DNS names at the time", Some(usual), read)?;
    Ok(if answer == BY_DNS { (first.clone(), true) } else { (answer, false) })
}

/// The file with the CA that the server's certificate comes from: given, or taken from the server after a person (or the answers) has
/// compared its fingerprint.
async fn authority(asked: &mut Asked, url: &str, server_name: &str, out: &Path) -> Result<String> {
    if asked.given("ca_file").is_some() {
        return asked.ca_file("File with the certificate of the CA that signs the server's (PEM)");
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
        return asked.ca_file("File with the certificate of the CA that signs the server's (PEM)");
    };
    println!("\nThe server's certificate comes from this CA, whose certificate the server shows:\n\n    {subject}\n    SHA-256 {print}\n");
    println!("Compare that with the CA's own (on it: certutil -ca.cert ca.cer, or openssl x509 -noout -fingerprint -sha256 -in ca.pem).");
    let hex = |text: &str| text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_uppercase();
    let question = "Type the CA's SHA-256 as you found it there; or nothing, to name a file instead";
    let typed = asked.ask_for("ca_sha256", question, Some(""), |typed| {
        ensure!(
            typed.is_empty() || hex(typed) == hex(&print),
            "the server shows another CA than you expect ({print}): somebody may stand between. Nothing was kept"
        );
        Ok(typed.to_owned())
    })?;
    if typed.is_empty() {
        return asked.ca_file("File with that CA's certificate (PEM)");
    }
    let file = out.with_file_name("ca.pem");
    fs::write(&file, tls::pem(root)).with_context(|| format!("writing {}", file.display()))?;
    println!("Kept it as {}.", file.display());
    absolute(&file.display().to_string())
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
    println!("    here           sspr --config {out} agent");
    println!("                   or as a service, deploy/systemd/sspr-agent.service, which reads the password from a file of its own:");
    println!("                   install -m 600 PASSWORD_FILE /etc/sspr/bind_password");
    println!("    any time       sspr --config {out} agent doctor");
}
