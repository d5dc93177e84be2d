//! stub
use crate::{error::Result, hub::Hub};
use std::sync::Arc;
/// stub
pub async fn serve(_hub: Arc<Hub>) -> Result<()> {
    std::future::pending().await
}
