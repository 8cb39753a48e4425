//! A message as scripts read it: made once for each thread, then handed to script after script.

use super::{
    Tier,
    tree::{Json, Tree},
};
use crate::message::Message;
use rhai::{Dynamic, ImmutableString, Map};
use std::rc::Rc;

/// Making it costs a microsecond, handing it to a script next to nothing.
#[derive(Clone)]
pub struct MessageArgument {
    top: Dynamic,
    fields: Rc<Fields>,
}

impl MessageArgument {
    pub(super) fn new(message: &Message, tier: Tier) -> Self {
        let fields = Rc::new(fields(message));
        let top = match tier {
            // A map on top is read twice as fast as a tree.
            Tier::Pure => {
                let fields = fields.iter().map(|(name, value)| ((*name).into(), value.clone()));
                // In this order of the two wrappings. The other order, or only one of them, would let one widget change
                // the message for the next.
                Dynamic::from_map(fields.collect::<Map>()).into_read_only().into_shared()
            }
            Tier::Data => tree_of(&fields),
        };
        Self { top, fields }
    }

    pub(super) fn top(&self) -> Dynamic {
        self.top.clone()
    }

    /// For a list of messages: shared values inside a list make Rhai panic once the list is changed.
    pub(super) fn tree(&self) -> Dynamic {
        tree_of(&self.fields)
    }
}

/// A message among others, as `data` reads it.
pub(crate) fn message(message: &Message) -> Dynamic {
    tree_of(&fields(message))
}

type Fields = [(&'static str, Dynamic); 15];

fn fields(message: &Message) -> Fields {
    let body = Json::Body(message.body.clone()).into_dynamic();
    let about = &message.description;
    let texts =
        |list: &[String]| Dynamic::from(Tree::list(list.iter().map(|text| text.as_str().into())));
    // Comments that begin with a name are the reference that authors read: bindings/reference.rs takes them from here.
    //
    // `message.topic`, `message.category` → the whole topic, `"org.fedoraproject.prod.bodhi.update.request.stable"`, and its
    // fourth word, `"bodhi"`.
    //
    // `message.id`, `message.sent_at` → its id, and when it was sent as RFC 3339 in UTC.
    //
    // `message.msg`, `message.body`, `message.headers` → the body, by two names, and the headers, as they came.
    //
    // `message.usernames`, `message.packages`, `message.objects` → lists of texts: whom and what it is about, as its
    // processor reads it. `objects` are paths such as `"badges/awards"`.
    //
    // `message.title`, `message.summary`, `message.link`, `message.icon`, `message.secondary_icon` → texts for people, as
    // its processor writes them; without one the topic is the summary and the others are empty.
    [
        ("topic", message.topic.as_str().into()),
        ("category", message.topic.category().into()),
        ("id", message.id.as_str().into()),
        ("sent_at", message.sent_at.to_string().into()),
        ("msg", body.clone()),
        ("body", body),
        ("headers", Json::Headers(message.headers.clone()).into_dynamic()),
        ("usernames", texts(&about.usernames)),
        ("packages", texts(&about.packages)),
        ("title", about.title.as_str().into()),
        ("summary", about.summary.as_str().into()),
        ("link", about.link.as_str().into()),
        ("icon", about.icon.as_str().into()),
        ("secondary_icon", about.secondary_icon.as_str().into()),
        ("objects", texts(&about.objects)),
    ]
}

fn tree_of(fields: &Fields) -> Dynamic {
    let fields = fields.iter().map(|(name, value)| (ImmutableString::from(*name), value.clone()));
    Dynamic::from(Tree::object(fields.collect()))
}
