//! A kept connection to the hub, as plain as can be: what the client needs is not to be measured.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::Result;

/// A connection that is kept.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    headers: String,
    line: String,
    /// The body of the last answer.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects to a port of this machine.
    pub fn open(port: u16, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let headers = format!("Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n");
        Ok(Self { stream: BufReader::with_capacity(1 << 16, stream), headers, line: String::new(), body: Vec::new() })
    }

    /// GET; the status. The body is kept.
    pub fn get(&mut self, path: &str) -> Result<u16> {
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n", self.headers);
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.answer()
    }

    /// GET of an answer that comes piece by piece and must be answered with 200; `take` sees each piece.
    pub fn stream(&mut self, path: &str, accept: &str, take: &mut dyn FnMut(&[u8])) -> Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\n{}Accept: {accept}\r\n\r\n", self.headers);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.status()?;
        while !self.read_line()?.trim_end().is_empty() {}
        if status != 200 {
            return Err(self.refused("GET", path, status));
        }
        loop {
            let length = usize::from_str_radix(self.read_line()?.trim_end(), 16)?;
            self.body.resize(length, 0);
            self.stream.read_exact(&mut self.body)?;
            self.read_line()?;
            if length == 0 {
                return Ok(());
            }
            take(&self.body);
        }
    }

    /// GET that must be answered with 200.
    pub fn good(&mut self, path: &str) -> Result<()> {
        let status = self.get(path)?;
        if status == 200 { Ok(()) } else { Err(self.refused("GET", path, status)) }
    }

    /// POST of JSON that must be answered with 200.
    pub fn post(&mut self, path: &str, json: &str) -> Result<()> {
        let length = json.len();
        let headers = &self.headers;
        let request = format!(
            "POST {path} HTTP/1.1\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}"
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.answer()?;
        if status == 200 { Ok(()) } else { Err(self.refused("POST", path, status)) }
    }

    fn refused(&self, method: &str, path: &str, status: u16) -> super::Fault {
        format!("{method} {path}: {status} {}", String::from_utf8_lossy(&self.body)).into()
    }

    fn status(&mut self) -> Result<u16> {
        Ok(self.read_line()?.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or("no status")?)
    }

    fn answer(&mut self) -> Result<u16> {
        let status = self.status()?;
        let mut length = None;
        loop {
            let line = self.read_line()?.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        let length: usize = length.ok_or("an answer without a length")?;
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok(status)
    }

    fn read_line(&mut self) -> Result<&str> {
        self.line.clear();
        if self.stream.read_line(&mut self.line)? == 0 {
            return Err("the connection was closed".into());
        }
        Ok(&self.line)
    }
}
