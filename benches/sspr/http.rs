//! A client that costs next to nothing: requests are bytes made beforehand, answers are read no further than needed. It shares
//! the processors with what it measures.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

/// One connection, HTTP/1.1 with keep-alive; over TCP unless said otherwise.
pub struct Conn<S = TcpStream> {
    stream: S,
    buffer: Vec<u8>,
    filled: usize,
    used: Instant,
}

/// The server closes a connection on which nothing was asked for so long.
const KEPT: Duration = Duration::from_secs(5);

/// Of an answer.
pub struct Answer<'a> {
    pub status: u16,
    pub head: &'a str,
    pub body: &'a [u8],
}

impl Conn {
    pub async fn open(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await.with_context(|| format!("connecting to {to}"))?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    pub fn over(stream: S) -> Self {
        Self { stream, buffer: Vec::new(), filled: 0, used: Instant::now() }
    }

    /// Whether the server still waits for a request on it.
    pub fn is_fresh(&self) -> bool {
        self.used.elapsed() < KEPT
    }

    /// Send one request and read its answer, whole.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        let (status, head, length) = self.begin(request).await?;
        let body = match length {
            Length::Exactly(bytes) => {
                let end = head + bytes;
                while self.filled < end {
                    self.more().await?;
                }
                head..end
            }
            Length::Chunked => self.chunks(head).await?,
        };
        ensure!(self.filled == self.buffer.len(), "an answer that nobody asked for");
        self.used = Instant::now();
        let text = std::str::from_utf8(&self.buffer[..head]).context("a head that is not text")?;
        Ok(Answer { status, head: text, body: &self.buffer[body] })
    }

    /// Send one request whose answer is a stream of events; read until one of its `data:` lines holds `last`. The connection is
    /// of no use after that.
    pub async fn until_event(mut self, request: &[u8], last: &str) -> Result<()> {
        let (status, head, _) = self.begin(request).await?;
        ensure!(status == 200, "the event stream was answered {status}");
        loop {
            let text = String::from_utf8_lossy(&self.buffer[head..self.filled]);
            if text.lines().any(|line| line.starts_with("data:") && line.contains(last)) {
                return Ok(());
            }
            self.more().await.context("the event stream ended early")?;
        }
    }

    /// Status, where the head ends, how long the body is.
    async fn begin(&mut self, request: &[u8]) -> Result<(u16, usize, Length)> {
        self.buffer.clear();
        self.filled = 0;
        self.stream.write_all(request).await.context("sending")?;
        let head = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let text = std::str::from_utf8(&self.buffer[..head]).context("a head that is not text")?;
        let status = text.get(9..12).and_then(|status| status.parse().ok()).context("no status")?;
        let length = match (field(text, "content-length"), field(text, "transfer-encoding")) {
            (Some(length), _) => Length::Exactly(length.parse()?),
            (None, Some("chunked")) => Length::Chunked,
            (None, None) => Length::Exactly(0),
            (None, Some(other)) => bail!("transfer-encoding {other}"),
        };
        Ok((status, head, length))
    }

    /// Joins the chunks in place behind the head.
    async fn chunks(&mut self, head: usize) -> Result<std::ops::Range<usize>> {
        let (mut read, mut write) = (head, head);
        loop {
            let line = loop {
                if let Some(at) = find(&self.buffer[read..self.filled], b"\r\n") {
                    break read + at;
                }
                self.more().await?;
            };
            let size = usize::from_str_radix(std::str::from_utf8(&self.buffer[read..line])?.trim(), 16).context("a chunk's size")?;
            let (from, end) = (line + 2, line + 2 + size + 2);
            while self.filled < end {
                self.more().await?;
            }
            self.buffer.copy_within(from..from + size, write);
            (read, write) = (end, write + size);
            if size == 0 {
                self.buffer.truncate(read.max(write));
                self.filled = self.buffer.len();
                return Ok(head..write);
            }
        }
    }

    async fn more(&mut self) -> Result<()> {
        let count = self.stream.read_buf(&mut self.buffer).await.context("reading")?;
        ensure!(count > 0, "the server closed the connection");
        self.filled += count;
        Ok(())
    }
}

enum Length {
    Exactly(usize),
    Chunked,
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// A header's value.
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().filter_map(|line| line.split_once(':')).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// A whole request; `headers` are lines without their ends.
pub fn request(method: &str, path: &str, host: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n");
    for header in headers {
        text += header;
        text += "\r\n";
    }
    if method == "POST" {
        let _ = write!(text, "content-length: {}\r\n", body.len());
    }
    text += "\r\n";
    let mut request = text.into_bytes();
    request.extend_from_slice(body);
    request
}
