//! A source file with every change in it, each behind a switch.

use std::{collections::BTreeMap, ops::Range};

use proc_macro2::LineColumn;
use syn::{
    Arm, Block, Expr, ExprBinary, ExprUnary, ImplItemFn, ItemConst, ItemFn, ItemStatic, Signature,
    TraitItemFn,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::list::{Change, Position};

/// What is done to one place of the source.
enum Edit {
    /// At the start of a function's body: returns at once.
    Return(Vec<(usize, String)>),
    /// Another operator in the place of the one at `operator`, or none.
    Operator { operator: Range<usize>, others: Vec<(usize, String)> },
    /// A guard that is (`always`) or never is fulfilled.
    Guard { always: Vec<usize>, never: Vec<usize>, has: bool },
}

/// The text with its changes, and the numbers of those that it could not take.
pub fn switched(text: &str, changes: &[&Change]) -> (String, Vec<usize>) {
    let file = syn::parse_file(text).expect("it compiles");
    let starts = line_starts(text);
    let mut places: BTreeMap<usize, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        places.entry(offset(text, &starts, change.span.start)).or_default().push(change);
    }
    let mut finder = Finder { text, starts, places, edits: Vec::new(), is_const: 0, wild: false };
    finder.visit_file(&file);
    let left = finder.places.into_values().flatten().map(|change| change.number).collect();
    let mut edits = finder.edits;
    edits.sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
    (render(text, 0..text.len(), &edits), left)
}

struct Finder<'a> {
    text: &'a str,
    starts: Vec<usize>,
    places: BTreeMap<usize, Vec<&'a Change>>,
    edits: Vec<(Range<usize>, Edit)>,
    is_const: usize,
    /// Has the match around an arm that takes everything?
    wild: bool,
}

impl Finder<'_> {
    fn at(&self, place: LineColumn) -> usize {
        offset(self.text, &self.starts, Position { line: place.line, column: place.column + 1 })
    }

    fn range(&self, node: &impl Spanned) -> Range<usize> {
        let span = node.span();
        self.at(span.start())..self.at(span.end())
    }

    fn take(&mut self, at: usize, genre: &str) -> Vec<(usize, String)> {
        let Some(here) = self.places.get_mut(&at) else { return Vec::new() };
        let (these, rest): (Vec<_>, Vec<_>) =
            here.drain(..).partition(|change| change.genre == genre);
        *here = rest;
        these.iter().map(|change| (change.number, change.replacement.clone())).collect()
    }

    fn function(&mut self, sig: &Signature, block: &Block) -> bool {
        if sig.constness.is_some() {
            return false;
        }
        let body = self.range(block);
        let mut candidates = vec![body.start, body.start + 1];
        if let Some(first) = block.stmts.first() {
            candidates.push(self.range(first).start);
        }
        for at in candidates {
            let these = self.take(at, "FnValue");
            if !these.is_empty() {
                let at = body.start + 1;
                self.edits.push((at..at, Edit::Return(these)));
            }
        }
        true
    }

    fn guarded(&mut self, is_const: bool, visit: impl FnOnce(&mut Self)) {
        self.is_const += usize::from(is_const);
        visit(self);
        self.is_const -= usize::from(is_const);
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let is_const = !self.function(&item.sig, &item.block);
        self.guarded(is_const, |this| visit::visit_item_fn(this, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        let is_const = !self.function(&item.sig, &item.block);
        self.guarded(is_const, |this| visit::visit_impl_item_fn(this, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        let is_const = item.default.as_ref().is_some_and(|block| !self.function(&item.sig, block));
        self.guarded(is_const, |this| visit::visit_trait_item_fn(this, item));
    }

    fn visit_item_const(&mut self, item: &'ast ItemConst) {
        self.guarded(true, |this| visit::visit_item_const(this, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.guarded(true, |this| visit::visit_impl_item_const(this, item));
    }

    fn visit_item_static(&mut self, item: &'ast ItemStatic) {
        self.guarded(true, |this| visit::visit_item_static(this, item));
    }

    fn visit_type_array(&mut self, item: &'ast syn::TypeArray) {
        self.guarded(true, |this| visit::visit_type_array(this, item));
    }

    fn visit_expr_binary(&mut self, expr: &'ast ExprBinary) {
        if self.is_const == 0 && !has_let(&expr.left) && !has_let(&expr.right) {
            let operator = self.range(&expr.op);
            let others = self.take(operator.start, "BinaryOperator");
            if !others.is_empty() {
                self.edits.push((self.range(expr), Edit::Operator { operator, others }));
            }
        }
        visit::visit_expr_binary(self, expr);
    }

    fn visit_expr_unary(&mut self, expr: &'ast ExprUnary) {
        if self.is_const == 0 {
            let operator = self.range(&expr.op);
            let others = self.take(operator.start, "UnaryOperator");
            if !others.is_empty() {
                let others =
                    others.into_iter().map(|(number, _)| (number, String::new())).collect();
                self.edits.push((self.range(expr), Edit::Operator { operator, others }));
            }
        }
        visit::visit_expr_unary(self, expr);
    }

    fn visit_expr_match(&mut self, item: &'ast syn::ExprMatch) {
        let wild = item.arms.iter().any(|arm| {
            let takes_all = match &arm.pat {
                syn::Pat::Wild(_) => true,
                syn::Pat::Ident(name) => name.ident.to_string().starts_with(char::is_lowercase),
                _ => false,
            };
            arm.guard.is_none() && takes_all
        });
        let outer = std::mem::replace(&mut self.wild, wild);
        visit::visit_expr_match(self, item);
        self.wild = outer;
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        if self.is_const == 0 && !arm.guard.as_ref().is_some_and(|(_, guard)| has_let(guard)) {
            let at = self.range(arm).start;
            let mut never = Vec::new();
            if self.wild {
                never.extend(self.take(at, "MatchArm").into_iter().map(|(number, _)| number));
            }
            let pattern = self.range(&arm.pat);
            let (mut always, mut place) = (Vec::new(), pattern.end..pattern.end);
            if let Some((_, guard)) = &arm.guard {
                place = self.range(&**guard);
                for (number, replacement) in self.take(place.start, "MatchArmGuard") {
                    if replacement == "true" { always.push(number) } else { never.push(number) }
                }
            }
            if !(always.is_empty() && never.is_empty()) {
                let has = arm.guard.is_some();
                self.edits.push((place, Edit::Guard { always, never, has }));
            }
        }
        visit::visit_arm(self, arm);
    }
}

fn has_let(expr: &Expr) -> bool {
    struct Lets(bool);
    impl Visit<'_> for Lets {
        fn visit_expr_let(&mut self, _: &syn::ExprLet) {
            self.0 = true;
        }
        fn visit_block(&mut self, _: &Block) {}
    }
    let mut lets = Lets(false);
    lets.visit_expr(expr);
    lets.0
}

/// The part of the text with those of the edits that are in it.
fn render(text: &str, part: Range<usize>, edits: &[(Range<usize>, Edit)]) -> String {
    let mut out = String::new();
    let mut at = part.start;
    let mut next = 0;
    while let Some((range, edit)) = edits.get(next) {
        out += &text[at..range.start];
        at = range.end;
        next += 1;
        // Those inside come after it.
        let inside = edits[next..].partition_point(|(inner, _)| {
            inner.end <= range.end && inner.start >= range.start && range.start != range.end
        });
        let inner = &edits[next..next + inside];
        next += inside;
        match edit {
            Edit::Return(values) => {
                for (number, value) in values {
                    let value = if value == "()" { "" } else { value };
                    out += &format!(
                        " if crate::switches::on({number}) {{/*{number}*/ return {value}; /*{number}*/}}"
                    );
                }
            }
            Edit::Operator { operator, others } => {
                out += "(";
                for (number, other) in others {
                    out += &format!("if crate::switches::on({number}) {{/*{number}*/ ");
                    out += &text[range.start..operator.start];
                    out += other;
                    out += &text[operator.end..range.end];
                    out += &format!(" /*{number}*/}} else ");
                }
                out += "{ ";
                out += &render(text, range.clone(), inner);
                out += " })";
            }
            Edit::Guard { always, never, has } => {
                if !has {
                    out += " if ";
                }
                out += "(";
                for number in always {
                    out += &format!("crate::switches::on({number}) || ");
                }
                for number in never {
                    out += &format!("/*{number}*/!crate::switches::on({number})/*{number}*/ && ");
                }
                out += "(";
                out += if *has { "" } else { "true" };
                out += &render(text, range.clone(), inner);
                out += "))";
            }
        }
    }
    out + &text[at..part.end]
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

fn offset(text: &str, starts: &[usize], place: Position) -> usize {
    let start = starts[place.line - 1];
    let line = &text[start..];
    start + line.char_indices().nth(place.column - 1).map_or(line.len(), |(at, _)| at)
}
