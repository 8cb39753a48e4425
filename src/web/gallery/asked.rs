//! Which messages a widget is asked about, and which ones it was lately.

use super::super::Services;
use crate::hub::WidgetName;
use crate::message::{Message, Words as _};
use crate::render::{Answered, AskedAbout, AskedLately};
use crate::triage::AskedOf;
use crate::triage::memory::Answer;
use crate::widget::Definition;

/// Messages of the last hour that a page shows.
const MESSAGES: usize = 12;
/// Answers to each.
const ANSWERS: usize = 4;

pub(super) fn about(definition: &Definition) -> Option<AskedAbout> {
    definition.reach().map(|reach| AskedAbout {
        hints: reach.hints(),
        condition: reach.condition(),
        without_script: reach.is_whole(),
        any_message: reach.is_any_message(),
    })
}

pub(super) async fn lately(services: &Services, widget: &WidgetName) -> Vec<AskedLately> {
    let asked = services.triage.asked_of(widget, MESSAGES, ANSWERS);
    let messages = asked.iter().map(|one| Message::clone(&one.asked.message)).collect();
    let worded = services.triage.wording().word(messages).await;
    asked.into_iter().zip(&worded).map(|(one, message)| told(one, message)).collect()
}

fn told(AskedOf { asked, answers, others }: AskedOf, message: &Message) -> AskedLately {
    let answers = answers.into_iter().map(|(place, answer)| Answered {
        hub: place.hub,
        instance: place.id,
        answer: match answer {
            Answer::Yes => "yes",
            Answer::No => "no",
            Answer::Failed => "failed",
            Answer::GivenUp => "given up",
        },
    });
    AskedLately {
        id: message.id.clone(),
        topic: message.topic.to_string(),
        summary: message.description.summary.clone(),
        at: asked.at,
        answers: answers.collect(),
        others,
    }
}
