//! What became of each form. Here it is kept in memory; keep yours with your sessions.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// How a sign-up ended, as far as a household cares.
#[derive(Clone)]
pub enum SignUp {
    Consent(String),
    /// Created, with nothing left to consent to.
    Done,
    /// Not created, because of what they entered.
    Refused,
    /// Not created, through no fault of theirs.
    Later(Duration),
    /// Perhaps created: a second try might create a second household.
    Unclear {
        request_id: Option<String>,
    },
}

/// Filled by the first request. Others for the same form and name wait for it.
pub type Answer = Arc<OnceCell<SignUp>>;

#[derive(Clone, Default)]
pub struct Answers {
    forms: Arc<Mutex<HashMap<Uuid, Vec<Asked>>>>,
}

struct Asked {
    name: String,
    answer: Answer,
}

impl Answers {
    /// The answer to a form with this name.
    pub fn to(&self, form: Uuid, name: &str) -> Answer {
        let mut forms = self.forms.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = forms.entry(form).or_default();
        if let Some(same) = asked.iter().find(|asked| asked.name == name) {
            return Arc::clone(&same.answer);
        }
        let answer = Answer::default();
        asked.push(Asked { name: name.to_owned(), answer: Arc::clone(&answer) });
        answer
    }

    /// The names that the same form signed up before this one.
    pub fn earlier(&self, form: Uuid, name: &str) -> Vec<String> {
        let forms = self.forms.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = forms.get(&form).into_iter().flatten();
        // What was refused has no answer that is kept.
        let before = asked.take_while(|asked| asked.name != name).filter(|asked| asked.answer.initialized());
        before.map(|asked| asked.name.clone()).collect()
    }
}
