//! stub
use std::sync::Arc;
use crate::{error::Result, hub::Hub};
/// stub
pub async fn serve(_hub: Arc<Hub>) -> Result<()> { std::future::pending().await }
