//! A request's body as a blocking reader, without holding it in memory. A body that ends before it should is an error of
//! reading and never a short file: only an end that was seen is an end.

use std::io::{self, Read};
use std::time::Duration;

use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{self, Bytes};
use adapters::decompress::{Compression, Expansion, decompress_within};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use openssl::sha::sha256;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::extract::{header_fault, number_header, percent_decoded, text_header};
use super::problem::{Answer, Failure};
use crate::error::{Error, Kind, Result};
use crate::pipeline::land::Arrival;

/// Pieces of a body on their way; each is what one read of the network gave.
const PIECES: usize = 16;
/// A sender that says nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(60);
/// How much of a refused body is read away, so that its sender gets to read the answer.
const READ_AWAY: usize = 256 << 20;
/// A name longer than this is no file's.
const FILE_NAME: usize = 255;
/// Bytes of an idempotency key.
const LONGEST_KEY: usize = 255;

enum Piece {
    Bytes(Bytes),
    End,
}

/// The body, read where reading may block.
pub struct Body {
    pieces: mpsc::Receiver<Piece>,
    current: Bytes,
    ended: bool,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.current = bytes,
                Some(Piece::End) => self.ended = true,
                None => return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the body broke off")),
            }
        }
        let count = buffer.len().min(self.current.len());
        buffer[..count].copy_from_slice(&self.current.split_to(count));
        Ok(count)
    }
}

/// Runs `work` on the body where it may block, while the body arrives.
pub async fn received<T: Send + 'static>(
    payload: web::Payload,
    work: impl FnOnce(Body) -> Result<T> + Send + 'static,
) -> Answer<T> {
    let (sender, pieces) = mpsc::channel(PIECES);
    let body = Body { pieces, current: Bytes::new(), ended: false };
    let (done, ()) = futures_util::future::join(web::block(move || work(body)), forwarded(payload, sender)).await;
    let broken = |error| Error::new(Kind::Internal, "taking a body broke off").because(error);
    Ok(done.map_err(broken)??)
}

/// Hands the body on piece by piece. Dropped, or after a fault, it hands on no end.
async fn forwarded(mut payload: web::Payload, sender: mpsc::Sender<Piece>) {
    loop {
        match timeout(SILENCE, payload.next()).await {
            Ok(Some(Ok(bytes))) => {
                if sender.send(Piece::Bytes(bytes)).await.is_err() {
                    return read_away(payload).await;
                }
            }
            Ok(None) => {
                // Nobody waits for the end of a body that was refused earlier.
                let _refused = sender.send(Piece::End).await;
                return;
            }
            Ok(Some(Err(error))) => return tracing::debug!(error = %error, "a body broke off"),
            Err(_) => return tracing::debug!("a sender fell silent"),
        }
    }
}

async fn read_away(mut payload: web::Payload) {
    let mut left = READ_AWAY;
    while let Ok(Some(Ok(bytes))) = timeout(SILENCE, payload.next()).await {
        left = left.saturating_sub(bytes.len());
        if left == 0 {
            return;
        }
    }
}

/// A whole body of at most `most` bytes.
pub async fn whole(mut payload: web::Payload, most: usize) -> Answer<Vec<u8>> {
    let mut body = Vec::new();
    while let Ok(next) = timeout(SILENCE, payload.next()).await {
        match next {
            Some(Ok(bytes)) if body.len() + bytes.len() > most => {
                read_away(payload).await;
                let mib = most >> 20;
                let (en, zh) = (format!("this body may have at most {mib} MiB"), format!("该请求体最大 {mib} MiB。"));
                return Err(Failure::new(Kind::TooLarge, "body-too-large", en, zh));
            }
            Some(Ok(bytes)) => body.extend_from_slice(&bytes),
            Some(Err(_)) => break,
            None => return Ok(body),
        }
    }
    let (en, zh) = ("the connection ended before the body did", "连接中断，内容未接收。");
    Err(Failure::new(Kind::Invalid, "body-aborted", en, zh))
}

/// A whole body, checked against its digest and decompressed to at most `most` bytes.
pub fn unpacked(mut arrival: Arrival, sent: Vec<u8>, most: usize) -> Result<(Arrival, Vec<u8>)> {
    if arrival.content_sha256.take().is_some_and(|said| said != sha256(&sent)) {
        return Err(Error::new(Kind::Invalid, "Content-Digest does not fit the bytes that arrived")
            .coded("digest-mismatch", "内容摘要与收到的字节不符，请重发。"));
    }
    let compression = std::mem::replace(&mut arrival.compression, Compression::Identity);
    let limits = Expansion { bytes: most as u64, ..Expansion::default() };
    let mut body = Vec::new();
    let read = decompress_within(compression, limits, io::Cursor::new(sent)).read_to_end(&mut body);
    read.map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge | io::ErrorKind::QuotaExceeded => {
            Error::new(Kind::TooLarge, "the body unpacks to more than is taken here")
                .coded("body-too-large", "请求体解压后过大。")
        }
        _ => Error::new(Kind::Invalid, "the body cannot be decompressed")
            .coded("body-unreadable", "无法解压内容，请检查压缩格式。"),
    })?;
    Ok((arrival, body))
}

/// What the headers say of a body.
pub fn arrival(headers: &HeaderMap, mut arrival: Arrival) -> Answer<Arrival> {
    arrival.idempotency_key = text_header(headers, "idempotency-key")?.map(str::to_owned);
    if arrival.idempotency_key.as_ref().is_some_and(|key| key.len() > LONGEST_KEY) {
        return Err(header_fault("Idempotency-Key"));
    }
    arrival.file_name = file_name(headers)?;
    arrival.as_of = text_header(headers, "hub-as-of")?.map(str::to_owned);
    arrival.sequence = number_header(headers, "hub-sequence")?;
    arrival.total = number_header(headers, "hub-total")?;
    arrival.content_sha256 = text_header(headers, "content-digest")?.map(sha256_in).transpose()?;
    arrival.compression = compression(text_header(headers, header::CONTENT_ENCODING.as_str())?)?;
    Ok(arrival)
}

fn file_name(headers: &HeaderMap) -> Answer<Option<String>> {
    const NAME: &str = "hub-file-name";
    let Some(text) = text_header(headers, NAME)? else { return Ok(None) };
    let name = percent_decoded(text).filter(|name| name.len() <= FILE_NAME && !name.chars().any(char::is_control));
    name.map(Some).ok_or_else(|| header_fault("Hub-File-Name"))
}

/// The SHA-256 among the digests of a `Content-Digest` (RFC 9530). One that cannot be checked is refused: its sender
/// believes that it was.
fn sha256_in(text: &str) -> Answer<Vec<u8>> {
    let value = text.split(',').find_map(|member| member.trim().strip_prefix("sha-256="));
    let Some(value) = value else {
        let (en, zh) = ("Content-Digest must hold sha-256=:...:", "Content-Digest 须包含 sha-256=:...:。");
        return Err(Failure::new(Kind::Invalid, "digest-unsupported", en, zh));
    };
    let value = value.split(';').next().unwrap_or_default().trim();
    let encoded = value.strip_prefix(':').and_then(|value| value.strip_suffix(':'));
    let digest = encoded.and_then(|encoded| STANDARD.decode(encoded).ok()).filter(|digest| digest.len() == 32);
    digest.ok_or_else(|| header_fault("Content-Digest"))
}

fn compression(text: Option<&str>) -> Answer<Compression> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None | Some("identity") => Ok(Compression::Identity),
        Some("gzip" | "x-gzip") => Ok(Compression::Gzip),
        Some("zstd") => Ok(Compression::Zstd),
        Some(_) => {
            let (en, zh) =
                ("a body is compressed by gzip or zstd, or not at all", "请求体只能用 gzip 或 zstd 压缩，或不压缩。");
            Err(Failure::new(Kind::Invalid, "encoding-unsupported", en, zh))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body_of(pieces: Vec<Piece>) -> Body {
        let (sender, receiver) = mpsc::channel(PIECES);
        for piece in pieces {
            assert!(sender.try_send(piece).is_ok());
        }
        Body { pieces: receiver, current: Bytes::new(), ended: false }
    }

    #[test]
    fn a_body_whose_end_was_not_seen_is_an_error_and_no_short_file() {
        let mut whole = body_of(vec![Piece::Bytes("ab".into()), Piece::Bytes("c".into()), Piece::End]);
        let mut text = String::new();
        assert!(whole.read_to_string(&mut text).is_ok());
        assert_eq!(text, "abc");
        let mut cut = body_of(vec![Piece::Bytes("ab".into()), Piece::Bytes("c".into())]);
        let error = cut.read_to_string(&mut text).expect_err("it broke off");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }

    #[test]
    fn a_digest_that_cannot_be_checked_is_refused() {
        let digest = STANDARD.encode([7; 32]);
        assert_eq!(sha256_in(&format!("sha-512=:AAAA:, sha-256=:{digest}:")).ok(), Some(vec![7; 32]));
        for wrong in ["sha-512=:AAAA:", "sha-256=AAAA", "sha-256=:AAAA:", "sha-256=:%%:", ""] {
            assert!(sha256_in(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_compression_the_hub_does_not_know_is_refused() {
        assert_eq!(compression(Some("GZIP")).ok(), Some(Compression::Gzip));
        assert!(compression(Some("br")).is_err());
        assert!(compression(Some("gzip, zstd")).is_err());
    }
}
