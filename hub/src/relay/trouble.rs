//! Why a relay does not run: something is away and comes back by itself, or a person must act.

use std::error::Error as _;

use rdkafka::error::KafkaError;

use crate::error::Error;

/// Why a session of the relay has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The broker or the store is away or refuses; tried again after growing pauses.
    Away(String),
    /// A person must act, or another relay works.
    Stopped(Stop),
    /// It was asked to end, or this hub is not the writer any more.
    Over,
}

/// What only a person can decide. Each is told in the status with what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The position was written by the relay of another store: a restore, a copy or a fresh store.
    OtherEpoch,
    /// The position is past the store's last change: the store was set back.
    Ahead {
        /// The position's `seq`.
        position: i64,
        /// The store's last `seq`.
        store: i64,
    },
    /// The changes after the position are older than what is kept: not all of them can be sent any more.
    Pruned {
        /// The position's `seq`.
        position: i64,
        /// From which `seq` on all are kept.
        first: i64,
    },
    /// There is no position although events have been sent: the control topic was lost.
    PositionLost,
    /// The position cannot be read.
    PositionUnreadable,
    /// A topic that was there already keeps messages in another way than the relay needs.
    Policy {
        /// The topic.
        topic: String,
        /// Its `cleanup.policy`.
        is: String,
        /// What it has to be.
        wants: &'static str,
    },
    /// Another relay has started under the same transactional id.
    Fenced,
}

impl Stop {
    /// What has happened and what to do, in Chinese and in English.
    pub fn sentences(&self, agreement: &str) -> (String, String) {
        let reset = format!("hub relay reset {agreement}");
        match self {
            Self::OtherEpoch => (
                format!("主题中的位置属于另一个数据库（恢复、复制或新建），已停止发送。确认后请运行 {reset}。"),
                format!(
                    "The position in the topic belongs to another store (restored, copied or new). When that is as it should be, run `{reset}`."
                ),
            ),
            Self::Ahead { position, store } => (
                format!("主题中的位置（{position}）超前于数据库（{store}），已停止发送。确认后请运行 {reset}。"),
                format!(
                    "The position in the topic ({position}) is ahead of the store ({store}). When that is as it should be, run `{reset}`."
                ),
            ),
            Self::Pruned { position, first } => (
                format!(
                    "位置（{position}）之后的变更已超过保留期（仅完整保留 {first} 之后），已停止发送。确认后请运行 {reset}，将按最新状态补发差异。"
                ),
                format!(
                    "The changes after the position ({position}) are not all kept (all are after {first}). `{reset}` sends what differs as of now."
                ),
            ),
            Self::PositionLost => (
                format!("事件主题中已有消息，但找不到发送位置，已停止发送。请检查控制主题，再运行 {reset}。"),
                format!(
                    "Events have been sent, but the position is not in the control topic. Look after that topic, then run `{reset}`."
                ),
            ),
            Self::PositionUnreadable => (
                format!("控制主题中的位置无法读取，已停止发送。请检查是否有其他程序写入，再运行 {reset}。"),
                format!(
                    "The position in the control topic cannot be read. See whether something else writes there, then run `{reset}`."
                ),
            ),
            Self::Policy { topic, is, wants } => (
                format!("主题 {topic} 的 cleanup.policy 为 {is}，应为 {wants}。请修改该主题，之后自动继续。"),
                format!(
                    "Topic {topic} has cleanup.policy {is} and needs {wants}. Change the topic; the relay goes on by itself."
                ),
            ),
            Self::Fenced => (
                "另一个发送进程已接管，本进程已停止发送。若它不再前进，一分钟后自动接回。".to_owned(),
                "Another relay has taken over. If it does not move on, this one takes back after a minute by itself."
                    .to_owned(),
            ),
        }
    }
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl From<KafkaError> for Trouble {
    fn from(error: KafkaError) -> Self {
        Self::Away(error.to_string())
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::Away(text)
    }
}
