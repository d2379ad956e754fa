//! Kill a validator's signer between signing and sending: what may have been sent never changes.

mod common;

use common::{alone, child_folder, config, run, softhsm};
use std::{
    collections::BTreeMap, env, fs, os::unix::process::ExitStatusExt as _, path::Path, process,
};
use trine_crypto::{Algorithm, Signing as _, VoteKey, VoteSignature};
use trine_token::{KeyName, PersistedVotes, Token, TokenError, TokenKey, VoteSource};

/// Where a child dies: "signed" before the log is written, "written" after it, or nowhere.
const PLACE: &str = "TRINE_TOKEN_CRASH";
const MESSAGES: u8 = 4;

/// A token's key whose process dies right after it signed the vote for the last message.
struct Dying(TokenKey);

impl VoteSource for Dying {
    fn vote_key(&self) -> Option<VoteKey> {
        self.0.vote_key()
    }

    fn sign_vote(&self, namespace: &[u8], message: &[u8]) -> Result<VoteSignature, TokenError> {
        let signature = self.0.sign_vote(namespace, message)?;
        // What an observer of the token saw; nobody else did.
        let folder = child_folder("child_votes").unwrap();
        fs::write(folder.join("signed"), &*signature).unwrap();
        if message == [MESSAGES - 1] && env::var(PLACE).is_ok_and(|place| place == "signed") {
            process::abort();
        }
        Ok(signature)
    }
}

/// Votes for every message and "sends" each vote to a file; dies where it is told to.
///
/// Goal: be the child of the tests below. Method: see there.
#[test]
fn child_votes() {
    let Some(folder) = child_folder("child_votes") else { return };
    let token = Token::open(config(softhsm().unwrap(), &folder)).unwrap();
    let key = token.key(&KeyName::label("votes")).unwrap();
    let votes = PersistedVotes::open(Dying(key), &folder.join("log"), Box::new(|_| {})).unwrap();
    for message in 0..MESSAGES {
        let signature = votes.sign(b"space", &[message]).unwrap();
        assert!(votes.public_key().key().len() > 1);
        if message == MESSAGES - 1 && env::var(PLACE).is_ok_and(|place| place == "written") {
            fs::write(folder.join("given"), &*signature).unwrap();
            process::abort();
        }
        fs::write(folder.join(format!("sent-{message}")), &*signature).unwrap();
    }
}

fn sent(folder: &Path) -> BTreeMap<u8, Vec<u8>> {
    let file = |message: &u8| folder.join(format!("sent-{message}"));
    (0..MESSAGES)
        .filter(|message| file(message).exists())
        .map(|message| (message, fs::read(file(&message)).unwrap()))
        .collect()
}

fn generate(module: &Path, folder: &Path) {
    let token = Token::open(config(module, folder)).unwrap();
    token.generate(Algorithm::P256, &KeyName::label("votes")).unwrap();
}

/// Goal: a crash between signing and writing loses what nobody saw. Method: abort a child there;
/// the next one sends the same bytes for all votes that were sent, and may sign the last anew.
#[test]
fn a_crash_between_sign_and_write_loses_nothing_that_was_sent() {
    alone("a_crash_between_sign_and_write_loses_nothing_that_was_sent", |module, folder| {
        generate(module, folder);
        let ended = run("child_votes", folder, &[(PLACE, "signed")]);
        assert_eq!(ended.signal(), Some(6), "the child must abort");
        let before = sent(folder);
        assert_eq!(before.len(), usize::from(MESSAGES) - 1);
        let never_sent = fs::read(folder.join("signed")).unwrap();
        assert!(run("child_votes", folder, &[]).success());
        let after = sent(folder);
        assert!(before.iter().all(|(message, signature)| after[message] == *signature));
        // The token is randomised: had the votes above not been kept, they would differ too.
        assert_ne!(after[&(MESSAGES - 1)], never_sent);
    });
}

/// Goal: a crash between writing and sending changes no byte of the vote. Method: abort a child
/// there; the next one sends exactly what the first was about to send.
#[test]
fn a_crash_between_write_and_send_keeps_the_vote() {
    alone("a_crash_between_write_and_send_keeps_the_vote", |module, folder| {
        generate(module, folder);
        let ended = run("child_votes", folder, &[(PLACE, "written")]);
        assert_eq!(ended.signal(), Some(6), "the child must abort");
        let before = sent(folder);
        let given = fs::read(folder.join("given")).unwrap();
        assert!(run("child_votes", folder, &[]).success());
        let after = sent(folder);
        assert!(before.iter().all(|(message, signature)| after[message] == *signature));
        assert_eq!(after[&(MESSAGES - 1)], given);
        // A third start changes nothing either.
        assert!(run("child_votes", folder, &[]).success());
        assert_eq!(sent(folder), after);
    });
}
