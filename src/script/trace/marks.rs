//! How a comparison comes to be noted: while a file is read its operators are renamed, and what stands behind the new
//! names notes both sides and then does what the old one does.
//!
//! The new name carries the file, since a closure may be called from another file than its own. Which tokens are
//! renamed the unwatched reading of the file says: `in` of a `for` is no comparison, and a field may be called
//! `contains`.

use super::{Comparison, note, shown};
use crate::script::{facts::place, missed, run};
use rhai::{
    AST, ASTNode, Dynamic, Engine, EvalAltResult, Expr, FnCallExpr, FuncRegistration, Module,
    NativeCallContext, Position, RhaiFunc, Shared, Stmt, Token,
};
use rustc_hash::FxHashSet;
use std::{
    any::TypeId,
    cell::{Cell, RefCell},
    rc::Rc,
};

/// Operators with how strongly they bind, as Rhai has it.
const OPERATORS: [(&str, u8); 8] = [
    ("==", 90),
    ("!=", 90),
    ("in", 110),
    ("!in", 110),
    ("<", 130),
    ("<=", 130),
    (">", 130),
    (">=", 130),
];

/// Methods that ask, with how many arguments they take beside their own value.
const METHODS: [(&str, usize); 4] =
    [("contains", 1), ("starts_with", 1), ("ends_with", 1), ("is_empty", 0)];

type Answer = Result<Dynamic, Box<EvalAltResult>>;

/// What is renamed in the file that is being read.
#[derive(Default)]
pub(in crate::script) struct Marks {
    /// Files so far.
    files: Cell<usize>,
    operators: RefCell<FxHashSet<Position>>,
    methods: RefCell<FxHashSet<Position>>,
}

impl Marks {
    pub(in crate::script) fn open(&self, engine: &mut Engine, file: &str, first: &AST) {
        let (mut operators, mut methods) = (self.operators.borrow_mut(), self.methods.borrow_mut());
        first.walk(&mut |path| {
            match path.last() {
                Some(
                    ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at)),
                ) if is_operator(call) => {
                    operators.insert(*at);
                }
                Some(ASTNode::Expr(Expr::MethodCall(call, at))) if is_asking(call) => {
                    methods.insert(*at);
                }
                _ => {}
            }
            true
        });
        let number = self.files.get() + 1;
        self.files.set(number);
        register(engine, number, file);
    }

    pub(in crate::script) fn close(&self) {
        self.operators.borrow_mut().clear();
        self.methods.borrow_mut().clear();
    }

    pub(in crate::script) fn rename(&self, token: Token, at: Position) -> Token {
        match &token {
            Token::Identifier(name) if self.methods.borrow().contains(&at) => {
                Token::Identifier(Box::new(method_name(self.files.get(), name).into()))
            }
            Token::EqualsTo
            | Token::NotEqualsTo
            | Token::LessThan
            | Token::LessThanEqualsTo
            | Token::GreaterThan
            | Token::GreaterThanEqualsTo
            | Token::In
            | Token::NotIn
                if self.operators.borrow().contains(&at) =>
            {
                let name = operator_name(self.files.get(), token.literal_syntax());
                Token::Custom(Box::new(name.into()))
            }
            _ => token,
        }
    }
}

/// `in` is read as a call of `contains`; so is that call itself, whose name is no operator where it stands.
fn is_operator(call: &FnCallExpr) -> bool {
    call.args.len() == 2
        && (call.name == "contains" || OPERATORS.iter().any(|(name, _)| call.name == *name))
}

fn is_asking(call: &FnCallExpr) -> bool {
    METHODS.iter().any(|(name, arguments)| call.name == *name && call.args.len() == *arguments)
}

/// No script can write it.
fn operator_name(file: usize, operator: &str) -> String {
    format!("{file} {operator}")
}

/// Whether a name is one that was put in for a script's own.
pub(in crate::script) fn is_mark(name: &str) -> bool {
    name.starts_with("noted_") || name.contains(' ')
}

/// What stands behind a dot must be a name.
fn method_name(file: usize, method: &str) -> String {
    format!("noted_{file}_{method}")
}

fn register(engine: &mut Engine, number: usize, file: &str) {
    let mut module = Module::new();
    let file: Rc<str> = file.into();
    for (operator, precedence) in OPERATORS {
        let name = operator_name(number, operator);
        let file = file.clone();
        // Refused is only what is an operator already.
        let _ = engine.register_custom_operator(&name, precedence);
        wrap(&mut module, &name, 2, move |context, args| compare(&file, operator, context, args));
    }
    for (method, arguments) in METHODS {
        let file = file.clone();
        wrap(&mut module, &method_name(number, method), arguments + 1, move |context, args| {
            let (left, right) = sides(args);
            run::refund(1);
            let answer = context.call_fn_raw(method, true, true, args);
            let answer = answer.inspect_err(|error| missing(error, method, args))?;
            made(&file, method, context, left, right, &answer);
            Ok(answer)
        });
    }
    module.build_index();
    engine.register_global_module(module.into());
}

fn wrap(
    module: &mut Module,
    name: &str,
    arity: usize,
    work: impl Fn(&NativeCallContext<'_>, &mut [&mut Dynamic]) -> Answer + 'static,
) {
    FuncRegistration::new(name).in_global_namespace().set_into_module_raw(
        module,
        vec![TypeId::of::<Dynamic>(); arity],
        RhaiFunc::Method {
            func: Shared::new(
                move |context: Option<NativeCallContext<'_>>, args: &mut [&mut Dynamic]| {
                    work(&context.expect("asked for with `has_context`"), args)
                },
            ),
            has_context: true,
            is_pure: true,
            is_volatile: false,
        },
    );
}

fn compare(
    file: &str,
    operator: &'static str,
    context: &NativeCallContext<'_>,
    args: &mut [&mut Dynamic],
) -> Answer {
    let (left, right) = sides(args);
    let answer = match operator {
        "in" | "!in" => {
            // `!in` is two operations.
            run::refund(u64::from(operator == "in"));
            args.swap(0, 1);
            let found = context.call_fn_raw("contains", false, false, args);
            let found = found.inspect_err(|error| missing(error, "contains", args))?;
            match (operator, found.as_bool()) {
                ("in", _) => found,
                (_, Ok(found)) => (!found).into(),
                (_, Err(_)) => {
                    let mut found = found;
                    context.call_native_fn_raw("!", false, &mut [&mut found])?
                }
            }
        }
        _ => {
            // What Rhai compares by itself costs an unwatched script no operation.
            run::refund(if is_built_in(args[0], args[1]) { 2 } else { 1 });
            let answer = context.call_native_fn_raw(operator, false, args);
            answer.inspect_err(|error| missing(error, operator, args))?
        }
    };
    made(file, operator, context, left, right, &answer);
    Ok(answer)
}

/// Rhai tells of a function that is not there only where the script itself calls it.
fn missing(error: &EvalAltResult, name: &str, args: &[&mut Dynamic]) {
    if matches!(error, EvalAltResult::ErrorFunctionNotFound(..)) {
        missed::note(name, args);
    }
}

fn is_built_in(left: &Dynamic, right: &Dynamic) -> bool {
    let within = left.is_array() || left.is_map() || left.is_fnptr();
    let ours = left.is_variant() || right.is_variant();
    !(ours || within && left.type_id() == right.type_id())
}

/// Both sides for a reader: made on the house, before the operator may use them up.
fn sides(args: &[&mut Dynamic]) -> (String, String) {
    run::on_the_house(|| {
        let side = |at: usize| args.get(at).map_or_else(String::new, |value| shown(value));
        (side(0), side(1))
    })
}

fn made(
    file: &str,
    operator: &str,
    context: &NativeCallContext<'_>,
    left: String,
    right: String,
    answer: &Dynamic,
) {
    let Ok(answer) = answer.as_bool() else { return };
    let (line, column) = place(context.call_position());
    run::on_the_house(|| {
        note(Comparison {
            file: file.into(),
            line,
            column,
            operator: operator.into(),
            left,
            right,
            answer,
        });
    });
}
