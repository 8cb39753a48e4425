//! What stands before the `=>` of a `switch`. Rhai keeps only its hash, so that the literals of the file are hashed again.

use super::Inference;
use rhai::{Engine, Stmt, Token};
use rustc_hash::FxHashMap;
use serde_json::Value;

pub(super) type Literals = FxHashMap<u64, Value>;

impl Inference<'_> {
    /// The texts of some literals, by what Rhai's `switch` knows them by. Numbers are left out: 1 and 1.0 are two there.
    pub(super) fn literals(&self, text: &str) -> Literals {
        let lexer = Engine::new_raw();
        let mut found = Literals::default();
        for (token, _) in lexer.lex(&[text]).0 {
            let (literal, value) = match token {
                Token::StringConstant(text) if is_plain(&text) => {
                    (format!("\"{text}\""), Value::String(text.to_string()))
                }
                Token::True => ("true".into(), Value::Bool(true)),
                Token::False => ("false".into(), Value::Bool(false)),
                Token::EOF | Token::LexError(_) => break,
                _ => continue,
            };
            if let Some(hash) = self.hash(&literal) {
                found.insert(hash, value);
            }
        }
        found
    }

    fn hash(&self, literal: &str) -> Option<u64> {
        let ast = self.program.engine.compile(format!("switch 0 {{ {literal} => 0 }}")).ok()?;
        match ast.statements() {
            [Stmt::Switch(switch, _)] => switch.1.cases.keys().next().copied(),
            _ => None,
        }
    }
}

fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() || "\"\\$`".contains(c))
}
