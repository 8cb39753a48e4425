//! Expressions: what the widget decides is a value, what the message decides a condition.

use super::{
    DEPTH, Frame, Inference, known,
    value::{Val, scalar},
};
use crate::message::{Condition, Place, Root, Test};
use crate::script::program::{Entry, Functions};
use rhai::{ASTFlags, ASTNode, Dynamic, Expr, FnCallExpr, FnPtr, ImmutableString, Stmt};

impl<'p> Inference<'p> {
    pub(super) fn expression(&mut self, frame: &mut Frame<'p>, expr: &Expr) -> Val {
        let value = self.expression_as_it_is(frame, expr);
        if matches!(value, Val::Open) {
            self.unclear(frame, expr.start_position());
        }
        value
    }

    fn expression_as_it_is(&mut self, frame: &mut Frame<'p>, expr: &Expr) -> Val {
        if !self.goes_on() {
            return Val::Open;
        }
        match expr {
            Expr::BoolConstant(yes, _) => Val::Known((*yes).into()),
            Expr::IntegerConstant(number, _) => Val::Known((*number).into()),
            Expr::FloatConstant(number, _) => Val::Known((**number).into()),
            Expr::CharConstant(letter, _) => Val::Known((*letter).into()),
            Expr::StringConstant(text, _) => Val::Known(text.clone().into()),
            Expr::Unit(_) => Val::nothing(),
            Expr::DynamicConstant(value, _) => match value.read_lock::<FnPtr>() {
                Some(function) if !function.is_curried() => {
                    Val::Closure(function.fn_name().into(), Vec::new())
                }
                Some(_) => Val::Open,
                None => Val::Known((**value).clone()),
            },
            Expr::InterpolatedString(parts, _) => self.interpolated(frame, parts),
            Expr::Array(items, _) => {
                let items = items.iter().map(|item| self.expression(frame, item)).collect();
                Self::list(items)
            }
            Expr::Map(fields, _) => {
                let fields = fields
                    .0
                    .iter()
                    .map(|(name, value)| (name.as_str(), self.expression(frame, value)));
                Self::map(fields.collect())
            }
            Expr::Variable(variable, _, _) => self.variable(frame, &variable.1),
            Expr::Dot(pair, flags, _) | Expr::Index(pair, flags, _) => {
                let base = self.expression(frame, &pair.lhs);
                let place = Self::variable_place(frame, &pair.lhs);
                self.chain(frame, base, place, expr, &pair.rhs, *flags)
            }
            Expr::FnCall(call, _) => self.call(frame, call),
            Expr::And(all, _) => {
                let mut whole = Condition::Known(true);
                for one in &**all {
                    if whole == Condition::Known(false) {
                        break;
                    }
                    whole = whole.and(self.expression(frame, one).truth());
                }
                Val::Truth(whole).settled()
            }
            Expr::Or(any, _) => {
                let mut whole = Condition::Known(false);
                for one in &**any {
                    if whole == Condition::Known(true) {
                        break;
                    }
                    whole = whole.or(self.expression(frame, one).truth());
                }
                Val::Truth(whole).settled()
            }
            Expr::Coalesce(all, _) => {
                let values: Vec<Val> = all.iter().map(|one| self.expression(frame, one)).collect();
                values
                    .into_iter()
                    .rev()
                    .reduce(|otherwise, value| value.or_else(otherwise))
                    .unwrap_or(Val::Open)
            }
            Expr::Stmt(block) => self.block_value(frame, block),
            _ => Val::Open,
        }
    }

    fn interpolated(&mut self, frame: &mut Frame<'p>, parts: &[Expr]) -> Val {
        let mut text = String::new();
        for part in parts {
            let value = self.expression(frame, part);
            match value.text() {
                Some(part) => text.push_str(&part),
                None => match value.scalar() {
                    Some(serde_json::Value::Number(number)) if number.is_i64() => {
                        text.push_str(&number.to_string());
                    }
                    _ => return Val::Open,
                },
            }
        }
        Val::Known(text.into())
    }

    fn variable(&self, frame: &Frame<'p>, name: &ImmutableString) -> Val {
        let own = frame.variables.iter().rev().find(|(known, _)| known == name);
        own.map(|(_, value)| value.clone())
            .or_else(|| self.program.constants.get(name.as_str()).cloned().map(Val::Known))
            .unwrap_or(Val::Open)
    }

    /// Which variable an expression is, if it is one.
    pub(super) fn variable_place(frame: &Frame<'p>, expr: &Expr) -> Option<usize> {
        let Expr::Variable(variable, _, _) = expr else { return None };
        frame.variables.iter().rposition(|(known, _)| *known == variable.1)
    }

    /// What stands behind a dot or in brackets, and what stands behind that. `holder`: the variable that is dug in.
    fn chain(
        &mut self,
        frame: &mut Frame<'p>,
        base: Val,
        holder: Option<usize>,
        link: &Expr,
        rest: &Expr,
        flags: ASTFlags,
    ) -> Val {
        if !self.goes_on() {
            return Val::Open;
        }
        let (step, further) = match rest {
            Expr::Dot(pair, flags_of_rest, _) | Expr::Index(pair, flags_of_rest, _)
                if !flags.intersects(ASTFlags::BREAK) =>
            {
                (&pair.lhs, Some((&pair.rhs, *flags_of_rest)))
            }
            whole => (whole, None),
        };
        let value = if matches!(link, Expr::Index(..)) {
            let index = self.expression(frame, step);
            base.item(&index)
        } else {
            match step {
                Expr::Property(property, _) => base.field(&property.2),
                Expr::MethodCall(call, _) => self.method(frame, base, holder, call),
                _ => Val::Open,
            }
        };
        match further {
            Some((rest_of_rest, flags)) => {
                self.chain(frame, value, holder, rest, rest_of_rest, flags)
            }
            None => value,
        }
    }

    fn method(
        &mut self,
        frame: &mut Frame<'p>,
        base: Val,
        holder: Option<usize>,
        call: &FnCallExpr,
    ) -> Val {
        // What belongs to the script itself may be changed by what is called on it.
        let is_safe =
            matches!(base, Val::Message | Val::At(_) | Val::Truth(_)) || known::is_pure(&call.name);
        if !is_safe {
            if let Some(at) = holder {
                self.write(frame, at, Val::Open);
            }
            return Val::Open;
        }
        let mut values = vec![base];
        values.extend(call.args.iter().map(|arg| self.expression(frame, arg)));
        self.host_function(frame.functions, &call.name, values)
    }

    fn call(&mut self, frame: &mut Frame<'p>, call: &FnCallExpr) -> Val {
        if call.capture_parent_scope {
            return self.lose();
        }
        let values: Vec<Val> = call.args.iter().map(|arg| self.expression(frame, arg)).collect();
        let is_shared =
            |arg: &Expr| matches!(arg, Expr::Variable(v, ..) if frame.shared.contains(&v.1));
        if call.name != "curry" && call.args.iter().any(is_shared) {
            return self.lose();
        }
        if let Some(alias) = call.namespace.path.first() {
            let Some(module) = self.program.modules.get(alias.as_str()) else { return Val::Open };
            return match module.entry(&call.name, values.len()) {
                Some(entry) => self.script_function(module, &entry, values),
                None => Val::Open,
            };
        }
        if call.op_token.is_none() {
            if let Some(entry) = frame.functions.entry(&call.name, values.len()) {
                return self.script_function(frame.functions, &entry, values);
            }
            if call.name == "curry" {
                return self.curried(frame.functions, values);
            }
            // A function of the host may change its first argument, where that is a variable.
            if !known::is_pure(&call.name)
                && let Some(at) = call.args.first().and_then(|arg| Self::variable_place(frame, arg))
                && !matches!(values.first(), Some(Val::Message | Val::At(_)))
            {
                self.write(frame, at, Val::Open);
                return Val::Open;
            }
        }
        self.host_function(frame.functions, &call.name, values)
    }

    fn script_function(
        &mut self,
        functions: &'p Functions,
        entry: &Entry,
        values: Vec<Val>,
    ) -> Val {
        match known::all(&values) {
            Some(known) => self.run(entry, known),
            None => self.enter(functions, entry, values),
        }
    }

    /// Follows a function of the script.
    pub(super) fn enter(
        &mut self,
        functions: &'p Functions,
        entry: &Entry,
        values: Vec<Val>,
    ) -> Val {
        if self.depth >= DEPTH {
            return Val::Open;
        }
        self.depth += 1;
        let floor = std::mem::take(&mut self.floor);
        let variables = entry.parameters.iter().cloned().zip(values).collect();
        let mut frame = Frame { functions, variables, shared: Vec::new() };
        let value = self.body(&mut frame, entry.body.statements());
        self.floor = floor;
        self.depth -= 1;
        value
    }

    /// A function without a name takes variables along. If it changes them, nothing is known of them any more.
    fn curried(&mut self, functions: &Functions, mut values: Vec<Val>) -> Val {
        match values.first() {
            Some(Val::Closure(name, captured)) if captured.is_empty() => {
                let name = name.clone();
                // With the items that natives hand in: one or two.
                let entry = (0..3).find_map(|more| functions.entry(&name, values.len() - 1 + more));
                if entry.is_none_or(|entry| changes_something(&entry)) {
                    return self.lose();
                }
                values.remove(0);
                Val::Closure(name, values)
            }
            _ => self.lose(),
        }
    }

    /// An operator, or a function of the host's.
    fn host_function(&mut self, functions: &'p Functions, name: &str, mut values: Vec<Val>) -> Val {
        if let [Val::Choice(choice), rest @ ..] = &*values {
            let (condition, a, b) = &**choice;
            let with =
                |first: &Val| std::iter::once(first.clone()).chain(rest.iter().cloned()).collect();
            let (a, b) = (with(a), with(b));
            let (a, b) =
                (self.host_function(functions, name, a), self.host_function(functions, name, b));
            return Val::choose(condition.clone(), a, b);
        }
        match (name, &*values) {
            ("!", [_]) => Val::Truth(values.remove(0).truth().negated()).settled(),
            ("==", [_, _]) => values.remove(0).equals(values.remove(0)),
            ("!=", [_, _]) => {
                let equal = values.remove(0).equals(values.remove(0));
                if matches!(equal, Val::Open) {
                    equal
                } else {
                    Val::Truth(equal.truth().negated()).settled()
                }
            }
            ("+", [Val::Known(a), Val::Known(b)]) => plus(a, b),
            ("-", [Val::Known(a)]) => a
                .as_int()
                .ok()
                .and_then(i64::checked_neg)
                .map_or(Val::Open, |n| Val::Known(n.into())),
            ("contains", [container, item]) => {
                let found = Self::contains(container.clone(), item.clone());
                match (found, known::all(&values)) {
                    (Val::Open, Some(all)) => self.native(functions, name, all),
                    (found, _) => found,
                }
            }
            ("starts_with", [Val::At(place), part]) => {
                on_text(part, |part| Condition::Is(place.clone(), Test::StartsWith(part)))
            }
            ("ends_with", [Val::At(place), part]) => {
                on_text(part, |part| Condition::Is(place.clone(), Test::EndsWith(part)))
            }
            ("is_empty", [Val::At(place)]) => Val::Truth(Condition::Is(place.clone(), Test::Empty)),
            ("is_empty", [Val::List(items)]) => Val::Known(items.is_empty().into()),
            ("get", [base, name]) => match name.text() {
                // On a text or number it is an error, as with brackets.
                Some(_) if matches!(base, Val::At(_)) => base.clone().item(name),
                _ => self.all_known(functions, "get", &values),
            },
            ("some" | "all", [list, Val::Closure(function, captured)]) => self
                .quantified(functions, name == "all", list, function, captured)
                .unwrap_or_else(|| self.all_known(functions, name, &values)),
            _ => self.all_known(functions, name, &values),
        }
    }

    fn all_known(&self, functions: &Functions, name: &str, values: &[Val]) -> Val {
        match known::all(values) {
            Some(all) if known::is_pure(name) => self.native(functions, name, all),
            _ => Val::Open,
        }
    }

    fn contains(container: Val, item: Val) -> Val {
        match (container, item) {
            (Val::At(place), item) => item
                .scalar()
                .map_or(Val::Open, |value| Val::Truth(Condition::Is(place, Test::Contains(value)))),
            (Val::Known(list), Val::At(place)) => {
                let values =
                    known::items(&list).and_then(|items| items.iter().map(scalar).collect());
                values.map_or(Val::Open, |values: Vec<_>| match values.len() {
                    0 => Val::Known(false.into()),
                    _ => Val::Truth(Condition::Is(place, Test::Among(values))),
                })
            }
            (Val::List(items), item) => {
                let any = items.into_iter().map(|one| one.equals(item.clone()).truth());
                Val::Truth(any.fold(Condition::Known(false), Condition::or)).settled()
            }
            _ => Val::Open,
        }
    }

    /// `list.some(|item| …)` and `list.all(|item| …)`.
    fn quantified(
        &mut self,
        functions: &'p Functions,
        is_all: bool,
        list: &Val,
        function: &str,
        captured: &[Val],
    ) -> Option<Val> {
        let entry = functions.entry(function, captured.len() + 1)?;
        let each = |this: &mut Self, item: Val| {
            let values = captured.iter().cloned().chain([item]).collect();
            let holds = this.enter(functions, &entry, values).truth();
            if is_all { holds.negated() } else { holds }
        };
        let found = match list {
            Val::At(place) => {
                let item = Val::At(Place { root: Root::Element(self.elements), steps: Vec::new() });
                self.elements += 1;
                let holds = each(self, item);
                self.elements -= 1;
                some(place.clone(), holds)
            }
            Val::List(items) => {
                let any = items.iter().map(|item| each(self, item.clone()));
                any.fold(Condition::Known(false), Condition::or)
            }
            Val::Known(list) if known::all(captured).is_none() => {
                let items = known::items(list)?;
                let any = items.into_iter().map(|item| each(self, Val::Known(item)));
                any.fold(Condition::Known(false), Condition::or)
            }
            _ => return None,
        };
        Some(Val::Truth(if is_all { found.negated() } else { found }).settled())
    }
}

/// Whether a list of the message has an element like this.
pub(super) fn some(place: Place, each: Condition) -> Condition {
    match each {
        // Also a list that is no list makes an error of it: only a script can say.
        Condition::Known(false) => Condition::Known(false),
        Condition::Open => Condition::Open,
        each => Condition::Is(place, Test::Some(Box::new(each))),
    }
}

fn on_text(part: &Val, test: impl FnOnce(Box<str>) -> Condition) -> Val {
    part.text().map_or(Val::Open, |part| Val::Truth(test(part.as_str().into())))
}

fn plus(a: &Dynamic, b: &Dynamic) -> Val {
    match (
        a.clone().into_immutable_string(),
        b.clone().into_immutable_string(),
        a.as_int(),
        b.as_int(),
    ) {
        (Ok(a), Ok(b), ..) => Val::Known(format!("{a}{b}").into()),
        (_, _, Ok(a), Ok(b)) => a.checked_add(b).map_or(Val::Open, |sum| Val::Known(sum.into())),
        _ => Val::Open,
    }
}

impl Val {
    /// A truth that is no question is a value.
    pub(super) fn settled(self) -> Self {
        match self {
            Self::Truth(Condition::Known(yes)) => Self::Known(yes.into()),
            other => other,
        }
    }

    /// `this ?? otherwise`.
    fn or_else(self, otherwise: Self) -> Self {
        match self {
            Self::Known(value) if value.is_unit() => otherwise,
            Self::At(place) => {
                let nothing = Condition::Is(place.clone(), Test::Is(serde_json::Value::Null));
                Self::choose(nothing, otherwise, Self::At(place))
            }
            known @ (Self::Known(_) | Self::Truth(_) | Self::List(_)) => known,
            _ => Self::Open,
        }
    }
}

/// Whether a function writes, or calls what may write.
fn changes_something(entry: &Entry) -> bool {
    let mut changes = false;
    let mut look = |path: &[ASTNode<'_>]| {
        changes |= match path.last() {
            Some(ASTNode::Stmt(Stmt::Assignment(_) | Stmt::Share(_))) => true,
            Some(ASTNode::Expr(Expr::MethodCall(call, _) | Expr::FnCall(call, _))) => {
                call.op_token.is_none() && !known::is_pure(&call.name)
            }
            _ => false,
        };
        true
    };
    for statement in entry.body.statements() {
        statement.walk(&mut Vec::new(), &mut look);
    }
    changes
}
