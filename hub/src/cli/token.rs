//! `hub token`: access tokens. The secret text is printed once and kept nowhere.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::{Common, print};
use crate::access;
use crate::error::{Error, Kind, Result};
use crate::time;

/// What to do with tokens.
#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a token and print its secret text, once
    Create {
        /// Who will use it
        #[arg(long)]
        role: RoleName,
        /// The department, for the role department
        #[arg(long)]
        department: Option<String>,
        /// The agreement, for the role consumer
        #[arg(long)]
        agreement: Option<String>,
        /// What people call it
        #[arg(long, default_value = "")]
        title: String,
    },
    /// List tokens, without their secret texts
    List,
    /// Make a token worthless from now on
    Revoke {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleName {
    Administrator,
    Department,
    Consumer,
}

/// Creates, lists or revokes.
pub fn token(args: &TokenArgs, common: &Common) -> Result<ExitCode> {
    let hub = common.open()?;
    match &args.action {
        Action::Create { role, department, agreement, title } => {
            let (role, subject) = match role {
                RoleName::Administrator => ("administrator", None),
                RoleName::Department => ("department", department.as_deref()),
                RoleName::Consumer => ("consumer", agreement.as_deref()),
            };
            if role != "administrator" && subject.is_none() {
                return Err(Error::new(Kind::Invalid, format!("the role {role} wants --department or --agreement"))
                    .coded("token-subject", "部门令牌需要 --department，用户方令牌需要 --agreement。"));
            }
            let (created, secret) = access::create(&hub, role, subject.unwrap_or_default(), title)?;
            if common.json {
                print::json(
                    &serde_json::json!({ "id": created.id, "role": created.role, "subject": created.subject, "token": secret }),
                )?;
            } else {
                print::line(&secret);
            }
        }
        Action::List => {
            let found = access::list(&hub)?;
            let shown: Vec<_> = found
                .iter()
                .map(|token| {
                    serde_json::json!({
                        "id": token.id, "role": token.role, "subject": token.subject, "title": token.title,
                        "created_at": time::text(token.created_at), "revoked_at": token.revoked_at.map(time::text),
                    })
                })
                .collect();
            if common.json {
                print::json(&serde_json::json!({ "tokens": shown }))?;
            } else {
                let row = |token: &crate::store::token::AccessToken| {
                    let revoked = token.revoked_at.map(time::text).unwrap_or_default();
                    vec![token.id.clone(), token.role.clone(), token.subject.clone(), token.title.clone(), revoked]
                };
                print::table(
                    &["id", "role", "subject", "title", "revoked"],
                    &found.iter().map(row).collect::<Vec<_>>(),
                );
            }
        }
        Action::Revoke { id } => {
            access::revoke(&hub, id)?;
            // A hub that serves may have found the token good just before. Once this ends, the token opens nothing anywhere.
            std::thread::sleep(access::FRESH);
        }
    }
    Ok(ExitCode::SUCCESS)
}
