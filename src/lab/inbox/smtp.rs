//! The inbox's SMTP side (RFC 5321, as much as a sending client needs).

use mail_parser::MessageParser;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_util::sync::CancellationToken;

use super::{Channel, Message, Refusal, Shelf};

/// RFC 5321 §4.5.3.1 has 512 for commands and 1000 for text; a little generosity does no harm.
const LONGEST_LINE: u64 = 4096;
const LARGEST_MAIL: usize = 10 << 20;

pub(super) async fn listen(listener: TcpListener, shelf: Shelf, stop: CancellationToken) {
    while let Ok((stream, _)) = listener.accept().await {
        let session = Session::new(stream, shelf.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(session.run()));
    }
}

struct Session {
    from_client: BufReader<OwnedReadHalf>,
    to_client: OwnedWriteHalf,
    shelf: Shelf,
    sender: String,
    recipients: Vec<String>,
}

impl Session {
    fn new(stream: TcpStream, shelf: Shelf) -> Self {
        let _ = stream.set_nodelay(true);
        let (read, to_client) = stream.into_split();
        Self { from_client: BufReader::new(read), to_client, shelf, sender: String::new(), recipients: Vec::new() }
    }

    /// Until the client goes away or breaks the protocol.
    async fn run(mut self) -> std::io::Result<()> {
        self.say("220 inbox ESMTP").await?;
        while let Some(line) = self.line().await? {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let verb = line.to_ascii_uppercase();
            if verb.starts_with("EHLO") {
                self.say("250-inbox\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN").await?;
            } else if verb.starts_with("AUTH") {
                self.say("235 welcome").await?;
            } else if verb.starts_with("MAIL FROM:") {
                self.sender = address(&line);
                self.recipients.clear();
                self.say("250 ok").await?;
            } else if verb.starts_with("RCPT TO:") {
                let to = address(&line);
                match self.shelf.refusal(&to) {
                    Some(Refusal::ForGood) => self.say("550 5.1.1 no such mailbox").await?,
                    Some(Refusal::ForNow) => self.say("451 4.2.1 mailbox busy, try later").await?,
                    None => {
                        self.recipients.push(to);
                        self.say("250 ok").await?;
                    }
                }
            } else if verb == "DATA" && self.recipients.is_empty() {
                self.say("503 5.5.1 no recipient").await?;
            } else if verb == "DATA" {
                self.say("354 go ahead").await?;
                let Some(mail) = self.data().await? else { return Ok(()) };
                self.keep(&mail);
                self.say("250 queued").await?;
            } else if verb == "QUIT" {
                return self.say("221 bye").await;
            } else {
                self.say("250 ok").await?;
            }
        }
        Ok(())
    }

    /// One line with its end; `None` when there are no more or it is too long.
    async fn line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        (&mut self.from_client).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        Ok(line.ends_with(b"\n").then_some(line))
    }

    async fn say(&mut self, reply: &str) -> std::io::Result<()> {
        self.to_client.write_all(format!("{reply}\r\n").as_bytes()).await
    }

    /// The mail's text up to the lone dot, with the doubled dots undone.
    async fn data(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut mail = Vec::new();
        while let Some(line) = self.line().await? {
            if line == b".\r\n" {
                return Ok(Some(mail));
            }
            mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if mail.len() > LARGEST_MAIL {
                break;
            }
        }
        Ok(None)
    }

    fn keep(&mut self, raw: &[u8]) {
        let parsed = MessageParser::default().parse(raw);
        let part = |body: Option<std::borrow::Cow<'_, str>>| body.map(|text| text.replace("\r\n", "\n"));
        let subject = parsed.as_ref().and_then(|mail| mail.subject()).unwrap_or_default().to_owned();
        let text = part(parsed.as_ref().and_then(|mail| mail.body_text(0))).unwrap_or_default();
        // For a mail without an HTML part the parser would make one up.
        let html = part(
            parsed.as_ref().filter(|mail| mail.parts.iter().any(mail_parser::MessagePart::is_text_html)).and_then(|mail| mail.body_html(0)),
        );
        for to in self.recipients.drain(..) {
            self.shelf.put(Message {
                channel: Channel::Email,
                to,
                from: self.sender.clone(),
                subject: subject.clone(),
                text: text.clone(),
                html: html.clone(),
                at: self.shelf.clock.now(),
                raw: raw.to_vec(),
            });
        }
    }
}

/// What stands between `<` and `>`.
fn address(line: &str) -> String {
    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address.to_owned()).unwrap_or_default()
}
