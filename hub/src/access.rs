//! Access tokens: made, known again, listed and revoked. The secret text is shown once and kept nowhere; the store has
//! its hash under the hub secret. Says who somebody is and never what they may do: that is the API's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::id;
use crate::keyring::{Keyring, Token};
use crate::store::token::{self, AccessToken};

/// What a secret text begins with, so that one that leaked is recognised.
const PREFIX: &str = "hub_";

/// Whom a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// May do everything.
    Administrator,
    /// Sends the feeds of one department and reads how they fared.
    Department(String),
    /// Reads what one agreement allows.
    Consumer(String),
}

impl Role {
    /// Reads role and subject as stored or typed.
    pub fn read(role: &str, subject: &str) -> Result<Self> {
        let subject = || match subject {
            "" => Err(Error::new(Kind::Invalid, format!("a token for a {role} names its subject"))
                .coded("token-subject", "该角色的令牌必须指明所属部门或协议。")),
            // The words departments and agreements are named with; nothing else may reach a pattern or a path.
            subject
                if subject.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') =>
            {
                Ok(subject.to_owned())
            }
            _ => Err(Error::new(Kind::Invalid, "a subject is lower-case letters, digits and hyphens")
                .coded("token-subject", "部门或协议名只能由小写字母、数字和连字符组成。")),
        };
        match role {
            "administrator" => Ok(Self::Administrator),
            "department" => Ok(Self::Department(subject()?)),
            "consumer" => Ok(Self::Consumer(subject()?)),
            other => {
                Err(Error::new(Kind::Invalid, format!("'{other}' is no role: administrator, department, consumer"))
                    .coded("token-role", "角色只能是 administrator、department 或 consumer。"))
            }
        }
    }

    /// The word for it, and the department or agreement.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Administrator => ("administrator", ""),
            Self::Department(department) => ("department", department),
            Self::Consumer(agreement) => ("consumer", agreement),
        }
    }
}

/// Makes a token; the text is what its owner sends. `role` is `administrator`, `department` or `consumer`, `subject` the
/// department or the agreement. Neither a department without feeds nor an agreement that is not configured is refused:
/// they may come later, and until then the token opens nothing.
pub fn create(hub: &Hub, role: &str, subject: &str, title: &str) -> Result<(AccessToken, String)> {
    let role = Role::read(role, subject)?;
    let (name, subject) = role.parts();
    let text = secret_text()?;
    let row = AccessToken {
        id: id::of_moment(hub.now())?,
        hash: hash(&hub.keyring, &text)?.to_vec(),
        role: name.to_owned(),
        subject: subject.to_owned(),
        title: title.trim().to_owned(),
        created_at: hub.now(),
        revoked_at: None,
    };
    hub.db.write(|conn| token::insert(conn, &row))?;
    Ok((row, text))
}

/// How long a token is taken for good after it was last found in the store. A token that this process revokes is worth
/// nothing at once; one that another process revokes, after this time at the latest.
pub const FRESH: Duration = Duration::from_secs(1);
/// So many tokens are remembered; who comes with more has them looked up more often.
const REMEMBERED: usize = 10_000;

/// Tokens found in the store a moment ago, by hash.
#[derive(Debug, Default)]
pub struct RecentTokens(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    found: HashMap<Token, (Instant, Arc<AccessToken>)>,
    /// Raised by each revocation, so that what was read before it is not remembered after it.
    revocations: u64,
}

impl RecentTokens {
    fn locked(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget_all(&self) {
        let mut known = self.locked();
        known.found.clear();
        known.revocations += 1;
    }
}

/// The token with this secret text, if it was found in the store a moment ago; else ask [`verify`], which may block.
pub fn recalled(hub: &Hub, text: &str) -> Result<Option<Arc<AccessToken>>> {
    let hash = hash(&hub.keyring, text)?;
    let known = hub.tokens.locked();
    Ok(known.found.get(&hash).filter(|(since, _)| since.elapsed() < FRESH).map(|(_, token)| token.clone()))
}

/// The token with this secret text, unless it is unknown or revoked.
pub fn verify(hub: &Hub, text: &str) -> Result<Option<Arc<AccessToken>>> {
    let hash = hash(&hub.keyring, text)?;
    let (since, revocations) = (Instant::now(), hub.tokens.locked().revocations);
    let Some(token) = hub.db.read(|conn| token::by_hash(conn, &hash.0))?.map(Arc::new) else { return Ok(None) };
    let mut known = hub.tokens.locked();
    if known.revocations == revocations {
        if known.found.len() >= REMEMBERED {
            known.found.clear();
        }
        known.found.insert(hash, (since, token.clone()));
    }
    Ok(Some(token))
}

/// Whether the token of this id is still good.
fn stands(hub: &Hub, id: &str) -> Result<bool> {
    hub.db.read(|conn| token::is_in_use(conn, id))
}

/// The token of an answer that takes longer than [`FRESH`]: it is looked at again whenever it has not been for so long.
#[derive(Debug, Clone)]
pub struct Standing {
    id: String,
    since: Instant,
}

impl Standing {
    /// The token of this id, which was found good just now.
    pub fn of(id: String) -> Self {
        Self { id, since: Instant::now() }
    }

    /// Whether it was found good a moment ago; else ask [`Standing::holds`], which may block.
    pub fn is_fresh(&self) -> bool {
        self.since.elapsed() < FRESH
    }

    /// Whether it is still good.
    pub fn holds(&mut self, hub: &Hub) -> Result<bool> {
        if self.is_fresh() {
            return Ok(true);
        }
        self.since = Instant::now();
        stands(hub, &self.id)
    }
}

/// All tokens, revoked ones too, oldest first.
pub fn list(hub: &Hub) -> Result<Vec<AccessToken>> {
    hub.db.read(token::list)
}

/// Ends a token: in this process at once, in others within [`FRESH`].
pub fn revoke(hub: &Hub, id: &str) -> Result<()> {
    hub.db.write(|conn| token::revoke(conn, id, hub.now()))?;
    hub.tokens.forget_all();
    Ok(())
}

fn hash(keyring: &Keyring, text: &str) -> Result<Token> {
    keyring.token("access-token", &[text])
}

fn secret_text() -> Result<String> {
    let bytes = id::bytes::<32>()?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

impl AccessToken {
    /// Whom it is for.
    pub fn role(&self) -> Result<Role> {
        Role::read(&self.role, &self.subject)
    }

    /// How its owner is named in deliveries and decisions: its title, else its id.
    pub fn name(&self) -> &str {
        if self.title.is_empty() { &self.id } else { &self.title }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn hub() -> (tempfile::TempDir, Hub) {
        let folder = tempfile::TempDir::new().expect("a folder");
        let hub = Hub::open(Config::in_folder(folder.path())).expect("a hub");
        (folder, hub)
    }

    #[test]
    fn a_token_is_known_by_its_text_until_it_is_revoked() {
        let (_folder, hub) = hub();
        let (made, text) = create(&hub, "department", "health", "卫健委").expect("a token");
        let known = verify(&hub, &text).expect("an answer").expect("it is known");
        assert_eq!(
            (known.id.as_str(), known.role().ok()),
            (made.id.as_str(), Some(Role::Department("health".to_owned())))
        );
        assert!(verify(&hub, &format!("{text}x")).expect("an answer").is_none());
        revoke(&hub, &made.id).expect("it is revoked");
        assert!(verify(&hub, &text).expect("an answer").is_none());
        assert!(revoke(&hub, &made.id).is_err(), "a revoked token cannot be revoked again");
    }

    #[test]
    fn a_token_is_recalled_for_a_moment_and_not_past_its_revocation() {
        let (_folder, hub) = hub();
        let (made, text) = create(&hub, "administrator", "", "").expect("a token");
        let recalled = || recalled(&hub, &text).expect("an answer").map(|token| token.id.clone());
        assert_eq!(recalled(), None, "nobody has asked the store yet");
        verify(&hub, &text).expect("an answer").expect("it is known");
        assert_eq!(recalled(), Some(made.id.clone()));
        assert!(stands(&hub, &made.id).expect("an answer"));
        revoke(&hub, &made.id).expect("it is revoked");
        assert_eq!(recalled(), None);
        assert!(!stands(&hub, &made.id).expect("an answer"));
    }

    #[test]
    fn a_token_that_another_process_revokes_is_recalled_no_longer_than_it_is_fresh() {
        let (_folder, hub) = hub();
        let (made, text) = create(&hub, "administrator", "", "").expect("a token");
        verify(&hub, &text).expect("an answer").expect("it is known");
        // Past this process's memory, as another process writes.
        hub.db.write(|conn| token::revoke(conn, &made.id, hub.now())).expect("it is revoked");
        std::thread::sleep(FRESH);
        assert!(recalled(&hub, &text).expect("an answer").is_none());
        assert!(verify(&hub, &text).expect("an answer").is_none());
    }

    #[test]
    fn the_store_does_not_hold_the_text() {
        let (folder, hub) = hub();
        let (_, text) = create(&hub, "administrator", "", "").expect("a token");
        drop(hub);
        let secret = text.strip_prefix(PREFIX).expect("the prefix");
        assert_eq!(URL_SAFE_NO_PAD.decode(secret).map(|bytes| bytes.len()), Ok(32));
        for entry in std::fs::read_dir(folder.path()).expect("the folder").flatten() {
            if entry.path().is_file() {
                let bytes = std::fs::read(entry.path()).expect("a file");
                let held = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!held, "{} holds the text", entry.path().display());
            }
        }
    }

    #[test]
    fn a_department_or_consumer_without_a_subject_is_no_role() {
        for role in ["department", "consumer", "root", ""] {
            assert!(Role::read(role, "").is_err(), "{role}");
        }
        for pattern in ["%", "social_security", "health/", "健康"] {
            assert!(Role::read("department", pattern).is_err(), "{pattern}");
        }
        assert_eq!(Role::read("administrator", "").ok(), Some(Role::Administrator));
    }
}
