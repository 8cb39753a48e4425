//! Files for Rhai's language server: what scripts may call, with its documentation, made from the reference.

use super::reference::{Chapter, Entry, chapters};
use crate::script;
use std::fmt::Write as _;

/// What the functions of a widget are given and owe, for whoever points at their names.
const WIDGETS: &str = r"module static;

/// Whether a message makes the data of an instance old. Pure: it asks nobody, and is over in microseconds.
///
/// `message` has `topic`, `category`, `id`, `sent_at`, `msg` (the body, also as `body`), `headers`, `usernames`,
/// `packages`, `objects`, `title`, `summary`, `link`, `icon`, `secondary_icon`. What is not there is `()`, all the way.
///
/// `widget` has `id`, `name`, `config` (the parameters), and `hub` (`name`, `kind`, `summary`, `owners`, `members`,
/// `subscribers`, `stargazers`, `days_idle`, `archived`).
fn should_invalidate(message: message, widget: widget) -> bool;

/// What narrows the messages that `should_invalidate` is asked about: a map of `topics`, `categories`, `usernames`,
/// `packages` and `body`, or a list of such maps, of which any may match.
fn hints(widget: widget) -> ?;

/// The data of an instance: a map that JSON can hold. Its fields are what the template sees.
fn data(widget: widget) -> Map;
";

/// Files by name, Rhai's own functions among them.
pub fn definitions() -> Vec<(String, String)> {
    let mut files = script::standard_definitions();
    let mut anywhere = String::from("module static;\n");
    for chapter in chapters() {
        match (chapter.name, chapter.is_module) {
            ("templates", _) => {}
            (name, true) => {
                let mut text = format!("module {name};\n");
                for entry in &chapter.entries {
                    write(entry, true, &mut text);
                    write(entry, false, &mut anywhere);
                }
                files.push((format!("{name}.d.rhai"), text));
            }
            (_, false) => functions(&chapter, &mut anywhere),
        }
    }
    files.push(("hubs-functions.d.rhai".into(), anywhere));
    files.push(("hubs-widgets.d.rhai".into(), WIDGETS.into()));
    files
}

fn functions(chapter: &Chapter, out: &mut String) {
    for entry in &chapter.entries {
        write(entry, false, out);
    }
}

/// An entry as functions, one for each number of arguments; of a module's file those of the module, else the others.
fn write(entry: &Entry, of_module: bool, out: &mut String) {
    for signature in entry.signatures.iter().filter(|s| s.contains("::") == of_module) {
        for (name, parameters) in shapes(signature) {
            out.push('\n');
            for line in format!("{}\n\n{}", entry.gives, entry.text).trim().lines() {
                let _ = writeln!(out, "{}", format!("/// {line}").trim_end());
            }
            let _ = writeln!(out, "fn {name}({}) -> ?;", parameters.join(", "));
        }
    }
}

/// `get(url[, #{ headers }])` is `get(url)` and `get(url, options)`. A method takes its receiver first.
fn shapes(signature: &str) -> Vec<(String, Vec<String>)> {
    // Fields are no functions, and what nothing (`()`) answers is Rhai's own, by its names.
    let Some((path, rest)) = signature.split_once('(').filter(|(path, _)| !path.is_empty()) else {
        return Vec::new();
    };
    let path = path.rsplit("::").next().unwrap_or(path);
    let (receiver, name) = match path.rsplit_once('.') {
        Some((receiver, name)) => (receiver.rsplit('.').next(), name),
        None => (None, path),
    };
    let inner = rest.strip_suffix(')').unwrap_or(rest);
    let (required, optional) = inner.split_once('[').unwrap_or((inner, ""));
    let optional = optional.trim_end_matches(']').trim_start_matches(',');
    let mut parameters: Vec<String> = receiver.map(|r| format!("{r}: {r}")).into_iter().collect();
    parameters.extend(split(required).map(parameter));
    let mut shapes = vec![(name.to_owned(), numbered(&parameters))];
    for more in split(optional) {
        parameters.push(parameter(more));
        shapes.push((name.to_owned(), numbered(&parameters)));
    }
    shapes
}

/// At commas that are not inside a map.
fn split(parameters: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let at_comma = move |letter: char| {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    };
    parameters.split(at_comma).map(str::trim).filter(|parameter| !parameter.is_empty())
}

/// A parameter with its type, as far as its name says it.
fn parameter(written: &str) -> String {
    match written {
        map if map.starts_with("#{") => "options: Map".into(),
        function if function.starts_with("||") => "make: Fn".into(),
        path if path.starts_with('"') => format!("{}: String", path.trim_matches('"')),
        "url" | "text" | "key" | "at" | "start" | "end" | "between" | "who" | "username" => {
            format!("{written}: String")
        }
        "list" | "urls" => format!("{written}: Array"),
        "n" | "number" | "side" => format!("{written}: int"),
        other => format!("{other}: ?"),
    }
}

/// Names that stand twice get a number.
fn numbered(parameters: &[String]) -> Vec<String> {
    let name = |parameter: &str| parameter.split(':').next().unwrap_or_default().to_owned();
    let number = |(at, parameter): (usize, &String)| {
        let own = name(parameter);
        match parameters[..at].iter().filter(|earlier| name(earlier) == own).count() {
            0 => parameter.clone(),
            again => parameter.replacen(&own, &format!("{own}{}", again + 1), 1),
        }
    };
    parameters.iter().enumerate().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_has_a_file_with_its_documentation() {
        let files = definitions();
        let text = |name: &str| {
            let found = files.iter().find(|(file, _)| file == name);
            found.unwrap_or_else(|| panic!("no {name}")).1.clone()
        };
        let http = text("http.d.rhai");
        assert!(http.starts_with("module http;\n"), "{http}");
        assert!(http.contains("\nfn get(url: String) -> ?;\n"), "{http}");
        assert!(http.contains("\nfn get(url: String, options: Map) -> ?;\n"), "{http}");
        assert!(!http.contains("fn json"), "methods of a response are called by their bare name");
        let anywhere = text("hubs-functions.d.rhai");
        assert!(anywhere.contains("fn json(response: response) -> ?;"), "{anywhere}");
        assert!(anywhere.contains("fn first(list: Array, n: int) -> ?;"), "{anywhere}");
        assert!(anywhere.contains("fn log(value: ?, value2: ?, value3: ?) -> ?;"), "{anywhere}");
        assert!(anywhere.contains("fn contains(part: part, value: ?) -> ?;"), "{anywhere}");
        assert!(anywhere.contains("fn get(config: config, name: ?) -> ?;"), "{anywhere}");
        assert!(text("__static__.d.rhai").contains("fn to_upper"), "Rhai's own are there too");
    }

    #[test]
    fn what_a_widgets_functions_are_given_is_as_it_is() {
        for field in crate::hub::HUB_FIELDS {
            assert!(WIDGETS.contains(&format!("`{field}`")), "{field}");
        }
    }
}
