//! What can never happen: code behind a `return`, conditions that are decided already, comparisons that can't come true.

use super::Reader;
use super::flow::Compared;
use super::nodes::{Link, Node, chain, leaves};
use super::value::Value;
use crate::diagnostic::Diagnostic;
use rhai::{Expr, Position, Stmt, StmtBlock};
use std::collections::BTreeMap;

pub(super) fn check(reader: &mut Reader<'_>, compared: &[Compared]) {
    let mut found = Vec::new();
    for body in &reader.outline.bodies {
        behind(reader, &body.statements, &mut found);
        body.walk(&mut |node| match node {
            Node::Stmt(Stmt::If(flow, _)) => {
                decided(reader, &flow.expr, &flow.body, &flow.branch, &mut found);
                behind(reader, flow.body.statements(), &mut found);
                behind(reader, flow.branch.statements(), &mut found);
            }
            Node::Stmt(Stmt::While(flow, _) | Stmt::Do(flow, ..) | Stmt::TryCatch(flow, _)) => {
                behind(reader, flow.body.statements(), &mut found);
                behind(reader, flow.branch.statements(), &mut found);
            }
            Node::Stmt(Stmt::For(parts, _)) => {
                behind(reader, parts.2.body.statements(), &mut found);
            }
            Node::Stmt(Stmt::Block(block)) | Node::Expr(Expr::Stmt(block)) => {
                behind(reader, block.statements(), &mut found);
            }
            Node::Expr(Expr::And(parts, _)) => both(reader, parts, &mut found),
            _ => {}
        });
    }
    for one in compared {
        if let Some((said, help)) = never(one) {
            found.push(reader.at(Diagnostic::warning(said), one.at, one.operator.len()).help(help));
        }
    }
    reader.problems.append(&mut found);
}

fn behind(reader: &Reader<'_>, statements: &[Stmt], found: &mut Vec<Diagnostic>) {
    let Some(leaving) = statements.iter().position(leaves) else { return };
    let next = statements[leaving + 1..].iter().find(|statement| !statement.is_noop());
    if let Some(next) = next {
        let said = "this is never reached: the line before it leaves";
        let problem = reader.at(Diagnostic::warning(said), next.position(), 1);
        found.push(problem.help("remove it, or move it before the `return`, `throw` or `break`"));
    }
}

fn decided(
    reader: &Reader<'_>,
    condition: &Expr,
    body: &StmtBlock,
    branch: &StmtBlock,
    found: &mut Vec<Diagnostic>,
) {
    let Expr::BoolConstant(yes, at) = condition else { return };
    let said = match (yes, branch.is_empty()) {
        (true, true) => "this condition is always true",
        (true, false) => "this condition is always true: its `else` is never reached",
        (false, _) if body.is_empty() => "this condition is never true",
        (false, _) => "this condition is never true: what stands below it is never reached",
    };
    let problem = reader.at(Diagnostic::warning(said), *at, if *yes { 4 } else { 5 });
    found.push(problem.help("write the condition that is meant, or remove the `if`"));
}

/// `a == "x" && a == "y"`.
fn both(reader: &Reader<'_>, parts: &[Expr], found: &mut Vec<Diagnostic>) {
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for part in parts {
        let Expr::FnCall(call, at) = part else { continue };
        let [left, right] = call.args.as_slice() else { continue };
        if call.name != "==" {
            continue;
        }
        let Some((path, constant)) =
            path(left).zip(constant(right)).or_else(|| path(right).zip(constant(left)))
        else {
            continue;
        };
        match wanted.get(&path) {
            Some(other) if *other != constant => {
                let said = format!(
                    "this can never be true: `{path}` can't be {other} and {constant} at once"
                );
                let problem = reader.at(Diagnostic::warning(said), *at, 2);
                found.push(problem.help("write `||` where either of the two will do"));
            }
            _ => drop(wanted.insert(path, constant)),
        }
    }
}

/// `message.category`, where it is a plain path.
fn path(expr: &Expr) -> Option<String> {
    if let Expr::Variable(variable, ..) = expr {
        return Some(variable.1.to_string());
    }
    let (base, links) = chain(expr)?;
    let mut path = path(base)?;
    for link in links {
        let Link::Field(name, _) = link else { return None };
        path.push('.');
        path.push_str(name);
    }
    Some(path)
}

fn constant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::StringConstant(text, _) => Some(format!("{text:?}")),
        Expr::IntegerConstant(number, _) => Some(number.to_string()),
        Expr::BoolConstant(yes, _) => Some(yes.to_string()),
        Expr::Unit(_) => Some("()".into()),
        _ => None,
    }
}

/// Why a comparison never comes true, and what would.
fn never(compared: &Compared) -> Option<(String, String)> {
    let Compared { operator, left, right, at: _ } = compared;
    let sides = [(left, right), (right, left)];
    let text = |value: &Value| match value {
        Value::Text { start, whole: true } => Some(start.clone()),
        _ => None,
    };
    match operator.as_str() {
        "==" | "!=" => {
            let answer = if operator == "==" { "never" } else { "always" };
            for (one, other) in sides {
                if let (Value::Topic, Some(text)) = (one, text(other))
                    && text.split('.').count() < 4
                {
                    let said = format!(
                        "this is {answer} true: a topic has at least four words, as in `org.fedoraproject.prod.{text}`"
                    );
                    return Some((said, format!("write `message.topic.ends_with({text:?})`")));
                }
                if let (Value::Category, Some(text)) = (one, text(other))
                    && text.contains('.')
                {
                    let said =
                        format!("this is {answer} true: a category is one word, as in `bodhi`");
                    return Some((said, format!("write `message.topic.ends_with({text:?})`")));
                }
                if let (Value::List(_), Value::Text { .. } | Value::Number | Value::Boolean) =
                    (one, other)
                {
                    let kind = other.no_boolean().unwrap_or("true or false");
                    let said = format!("this is {answer} true: it compares a list with {kind}");
                    return Some((
                        said,
                        "ask whether it is in the list: `list.contains(value)`".into(),
                    ));
                }
                if let (Value::Number, Value::Text { .. }) = (one, other) {
                    let said = format!("this is {answer} true: it compares a number with text");
                    return Some((said, "leave out the quotes, or convert one of the two".into()));
                }
                if let (Value::Boolean, Value::Text { .. } | Value::Number) = (one, other) {
                    let kind = other.no_boolean().unwrap_or("something else");
                    let said =
                        format!("this is {answer} true: it compares true or false with {kind}");
                    return Some((
                        said,
                        "compare the value itself, or leave the comparison out".into(),
                    ));
                }
            }
            None
        }
        "&" | "|" => {
            let said = format!(
                "`{operator}` is for the bits of numbers: between conditions it asks both, always"
            );
            Some((said, format!("write `{operator}{operator}`")))
        }
        "ends_with" if *left == Value::Topic => {
            let text = text(right).filter(|text| text.ends_with('.'))?;
            let said = "this is never true: no topic ends with a dot".to_string();
            let bare = text.trim_end_matches('.');
            Some((
                said,
                format!(
                    "write `message.topic.contains(\"{text}\")`, or leave the dot out: `{bare}`"
                ),
            ))
        }
        _ => None,
    }
}

/// Whether a place is known at all.
pub(super) fn is_placed(at: Position) -> bool {
    !at.is_none()
}
