//! Decodes workbooks; not written yet.
use crate::format::{Limits, XlsxOptions};
use crate::record::{DecodeError, DecodeErrorKind, Decoder, Envelope, Row};
use std::io::Read;
pub(crate) struct XlsxDecoder(Envelope);
impl XlsxDecoder {
    pub(crate) fn open(_: &XlsxOptions, _: &Limits, _: Box<dyn Read + Send>) -> Result<Self, DecodeError> {
        Err(DecodeError::new(DecodeErrorKind::Malformed, "start", "Workbooks are not read yet."))
    }
}
impl Decoder for XlsxDecoder {
    fn next_row(&mut self) -> Result<Option<Row>, DecodeError> {
        Ok(None)
    }
    fn envelope(&self) -> &Envelope {
        unreachable!()
    }
}
