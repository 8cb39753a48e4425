//! More than one error in a file: the parser stops at the first, so what holds it is taken out and the rest read again.

use crate::diagnostic::Diagnostic;

/// So many are told at once; who has more has enough to do.
const MOST: usize = 8;

/// All errors of a file, beginning with one that is known. `read` is given the text with the parts that are known to
/// be broken blanked out, every line in its place, and returns the next error.
pub(in crate::script) fn all(
    first: Diagnostic,
    text: &str,
    read: impl Fn(&str) -> Option<Diagnostic>,
) -> Vec<Diagnostic> {
    let mut lines: Vec<&str> = text.lines().collect();
    let file = first.file.clone();
    let mut found = vec![first];
    while found.len() < MOST {
        let last = found.last().filter(|last| last.file == file);
        let Some(line) = last.and_then(|last| last.line?.checked_sub(1)) else { break };
        if !blank(&mut lines, line) {
            break;
        }
        match read(&lines.join("\n")) {
            Some(next) => found.push(next),
            None => break,
        }
    }
    found
}

/// Blanks what stands around a line on the top of the file: a function, a constant. Whether anything did.
fn blank(lines: &mut [&str], line: usize) -> bool {
    let begins = |line: &&str| line.starts_with(char::is_alphabetic);
    let Some(upto) = lines.get(..=line) else { return false };
    let from = upto.iter().rposition(begins).unwrap_or(0);
    let to = lines[line + 1..].iter().position(begins).map_or(lines.len(), |at| line + 1 + at);
    let part = &mut lines[from..to];
    let had_any = part.iter().any(|line| !line.trim().is_empty());
    part.fill("");
    had_any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_broken_is_taken_out_as_a_whole() {
        let text = "const A = 1;\nfn f() {\n  bad\n}\n\nfn g() {\n}";
        let mut lines: Vec<&str> = text.lines().collect();
        assert!(blank(&mut lines, 2));
        assert_eq!(lines, ["const A = 1;", "", "", "", "", "fn g() {", "}"]);
        assert!(!blank(&mut lines, 2) || lines[0].is_empty());
    }

    #[test]
    fn it_ends_where_taking_out_helps_no_more() {
        let first = Diagnostic::error("a").in_file("x").at("fn f() {}\nfn g() {}", 1, 1);
        let again = first.clone();
        let found = all(first, "fn f() {}\nfn g() {}", move |_| Some(again.clone()));
        assert_eq!(found.len(), 2);
    }
}
