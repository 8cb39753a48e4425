//! A widget's template against what its `data` returns.

use super::listed;
use crate::diagnostic::nearest;
use crate::hub::HUB_FIELDS;
use crate::script::Shape;
use crate::widget::Definition;

/// Why a name in a template is never there, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreturned {
    pub message: String,
    pub help: String,
    /// Which part of the path it is, from 0.
    pub part: usize,
}

impl Definition {
    /// What a template would read in vain: a path of names (`user.name`; `*` is an item of a list) that `data` never
    /// returns, as far as the script shows plainly what it does return.
    pub fn unreturned(&self, path: &[&str]) -> Option<Unreturned> {
        match path {
            ["widget", rest @ ..] => return self.not_of_widget(rest),
            // The same in every template.
            ["hubs_version", ..] => return None,
            _ => {}
        }
        let mut shape = self.returns.as_ref()?;
        for (part, name) in path.iter().enumerate() {
            match (shape, *name) {
                (Shape::List(item), "*") => shape = item,
                (Shape::Map(fields), name) if name != "*" => {
                    let Some(next) = fields.get(name) else {
                        return Some(self.missing(path, part, fields.keys()));
                    };
                    shape = next;
                }
                _ => return None,
            }
        }
        None
    }

    /// `widget.config.limt`: what a template sees as `widget` is the same in every one.
    fn not_of_widget(&self, path: &[&str]) -> Option<Unreturned> {
        let parameters: Vec<&str> = self.parameters.iter().map(|p| p.name.as_str()).collect();
        let (whose, name, known): (_, &str, &[&str]) = match path {
            ["config", name, ..] => ("widget.config", name, &parameters),
            ["hub", name, ..] => ("widget.hub", name, &HUB_FIELDS),
            [name, ..] => ("widget", name, &["config", "hub", "id", "name", "page"]),
            [] => return None,
        };
        if name == "*" || known.contains(&name) {
            return None;
        }
        let names: Vec<String> = known.iter().map(ToString::to_string).collect();
        let help = match nearest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{whose}.{meant}`?"),
            None => format!("it has {}", listed(names.iter())),
        };
        let part = whose.split('.').count();
        Some(Unreturned { message: format!("`{whose}` has no `{name}`"), help, part })
    }

    fn missing<'a>(
        &self,
        path: &[&str],
        part: usize,
        known: impl Iterator<Item = &'a String> + Clone,
    ) -> Unreturned {
        let name = path[part];
        let whose = match part {
            0 => format!("`data` of widget `{}`", self.name),
            _ => format!("`{}` in the data of widget `{}`", path[..part].join("."), self.name),
        };
        let whose = whose.replace(".*", "[]");
        let help = match nearest(name, known.clone().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`? `data` returns {}", listed(known)),
            None if part == 0 => format!("`data` returns {}", listed(known)),
            None => format!("it has {}", listed(known)),
        };
        let verb = if part == 0 { "never returns" } else { "never has" };
        Unreturned { message: format!("{whose} {verb} `{name}`"), help, part }
    }
}

/// Whether a template reads a parameter, or hands all of them on.
pub(super) fn reads_setting(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices("config").any(|(at, word)| {
        let rest = &text[at + word.len()..];
        if rest.starts_with(is_part) {
            return false;
        }
        match rest.strip_prefix('.') {
            Some(field) => field.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_part)),
            None => match rest.strip_prefix(['[']) {
                Some(item) => {
                    let item = item.trim_start_matches(['"', '\'', '`', ' ']);
                    item.starts_with(name) || !rest.contains(['"', '\'', '`'])
                }
                // `widget.config` on its own, in a loop or handed to a filter.
                None => true,
            },
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_read_by_name_or_with_all_others() {
        assert!(reads_setting("{{ widget.config.limit }}", "limit"));
        assert!(reads_setting("{{ widget.config[\"limit\"] }}", "limit"));
        assert!(reads_setting("{% for key in widget.config %}", "limit"));
        assert!(!reads_setting("{{ widget.config.limits }}", "limit"));
        assert!(!reads_setting("{{ limit }}", "limit"));
    }
}
