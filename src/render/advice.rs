//! What helps against Tera's errors: the nearest name, the tag that is still open, how a thing is written.

use crate::diagnostic::nearest;

/// Filters, Tera's and ours. A test holds them against what is registered.
const FILTERS: [&str; 42] = [
    "abs",
    "ago",
    "avatar",
    "capitalize",
    "commas",
    "default",
    "escape",
    "escape_html",
    "escape_xml",
    "first",
    "float",
    "get",
    "group_by",
    "hue",
    "humanize",
    "indent",
    "int",
    "join",
    "keys",
    "last",
    "length",
    "lower",
    "markdown",
    "newlines_to_br",
    "nth",
    "pairs",
    "pluralize",
    "replace",
    "reverse",
    "round",
    "series",
    "sort",
    "split",
    "str",
    "strong",
    "time",
    "title",
    "trim",
    "truncate",
    "unique",
    "upper",
    "url",
];
const TESTS: [&str; 17] = [
    "array",
    "bool",
    "containing",
    "defined",
    "divisible_by",
    "ending_with",
    "even",
    "float",
    "integer",
    "iterable",
    "map",
    "none",
    "number",
    "odd",
    "starting_with",
    "string",
    "undefined",
];
const FUNCTIONS: [&str; 6] = ["asset", "has_icon", "icon", "range", "say", "throw"];
const TAGS: [&str; 12] = [
    "block", "elif", "else", "endblock", "endfor", "endif", "extends", "filter", "for", "if",
    "include", "set",
];

/// What to do about an error that Tera tells as `message`, at a word of `text`.
pub(super) fn against(message: &str, text: &str, at: Option<usize>) -> String {
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    let or = |meant: Option<&str>, list: &[&str]| match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there are {}", list.join(", ")),
    };
    if message.starts_with("Unknown filter") {
        return or(nearest(quoted(), FILTERS), &FILTERS);
    }
    if message.starts_with("Unknown test") {
        return or(nearest(quoted(), TESTS), &TESTS);
    }
    if message.starts_with("Unknown function") {
        return or(nearest(quoted(), FUNCTIONS), &FUNCTIONS);
    }
    if message.starts_with("Unknown tag") {
        let word = at.and_then(|at| word_at(text, at)).unwrap_or_default();
        return or(nearest(word, TAGS), &TAGS);
    }
    if message.starts_with("Unexpected end") {
        return open_tag(text).map_or_else(
            || "a tag is not closed: `{{ … }}` and `{% … %}` end as they begin".into(),
            |(tag, line)| {
                format!(
                    "the `{{% {tag} %}}` of line {line} is still open: write `{{% end{tag} %}}`"
                )
            },
        );
    }
    if message.contains("is not defined") {
        return undefined(message);
    }
    if message.contains("Closing tag") {
        return "close what was opened last first".into();
    }
    if message.contains("expected one of") {
        return "write a value there: a name that `data` returns, a text in quotes, or a number"
            .into();
    }
    "https://keats.github.io/tera shows how templates are written".into()
}

/// Of what Tera lists the nearest name, and the two ways out.
fn undefined(message: &str) -> String {
    let name = message.split('`').nth(1).unwrap_or_default();
    let known = message.split(": ").nth(1).unwrap_or_default();
    let known = known.split(", ").map(str::trim).filter(|known| *known != name);
    let guard = format!("where it may be missing, write `{{% if {name} is defined %}}`");
    match nearest(name, known) {
        Some(meant) => format!("did you mean `{meant}`? Else let `data` return it; {guard}"),
        None => format!("let `data` return it; {guard}"),
    }
}

fn word_at(text: &str, at: usize) -> Option<&str> {
    let rest = text.get(at..)?.trim_start_matches(|c: char| "{%-".contains(c) || c.is_whitespace());
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    rest.get(..end)
}

/// The innermost tag that has no end, and its line.
fn open_tag(text: &str) -> Option<(&'static str, usize)> {
    const WITH_END: [&str; 5] = ["block", "component", "filter", "for", "if"];
    let mut open = Vec::new();
    for (at, _) in text.match_indices("{%") {
        let word = word_at(text, at)?;
        if let Some(tag) = WITH_END.iter().find(|tag| **tag == word) {
            open.push((*tag, text[..at].matches('\n').count() + 1));
        } else if WITH_END.iter().any(|tag| word.strip_prefix("end") == Some(tag)) {
            open.pop();
        }
    }
    open.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_is_there() {
        let mut tera = tera::Tera::new();
        super::super::filters::register(&mut tera, &std::sync::Arc::default());
        let mut refused = Vec::new();
        let filters = FILTERS.iter().map(|name| format!("{{{{ a | {name} }}}}"));
        let tests = TESTS.iter().map(|name| format!("{{{{ a is {name} }}}}"));
        let functions = FUNCTIONS.iter().map(|name| format!("{{{{ {name}() }}}}"));
        for text in filters.chain(tests).chain(functions) {
            if let Err(error) = tera.add_raw_template("x", &text)
                && error.to_string().contains("Unknown")
            {
                refused.push(text);
            }
        }
        assert!(refused.is_empty(), "{refused:?}");
    }

    #[test]
    fn an_open_tag_is_named_with_its_line() {
        let said =
            against("Unexpected end of input", "{% if a %}\n{% for b in c %}{% endfor %}", None);
        assert_eq!(said, "the `{% if %}` of line 1 is still open: write `{% endif %}`");
        let said =
            against("Variable `totl` is not defined. Available variables: items, total", "", None);
        assert!(said.starts_with("did you mean `total`?"), "{said}");
    }
}
