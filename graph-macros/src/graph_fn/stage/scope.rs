//! The variables in scope while a body is lowered.

use proc_macro2::Ident;
use syn::Pat;

use super::super::survey;

/// A variable.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) ident: Ident,
    /// Declared `mut`.
    pub(super) is_mut: bool,
    /// A `&mut` parameter.
    pub(super) is_mut_ref: bool,
    /// Declared without a value, and not assigned yet.
    pub(super) is_deferred: bool,
}

/// The scopes around a place, outermost first.
#[derive(Debug, Default, Clone)]
pub(super) struct Scopes(Vec<Vec<Binding>>);

impl Scopes {
    pub(super) fn push(&mut self) {
        self.0.push(Vec::new());
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    pub(super) fn declare(&mut self, pat: &Pat, is_deferred: bool) {
        for found in survey::bound(pat) {
            let is_mut = found.mutability.is_some() && found.by_ref.is_none();
            self.add(Binding { ident: found.ident, is_mut, is_mut_ref: false, is_deferred });
        }
    }

    pub(super) fn add(&mut self, binding: Binding) {
        self.0.last_mut().expect("a scope").push(binding);
    }

    /// The variable of a name, and the depth of its scope.
    pub(super) fn find(&self, name: &str) -> Option<(usize, &Binding)> {
        self.0.iter().enumerate().rev().find_map(|(depth, scope)| {
            scope.iter().rev().find(|binding| binding.ident == name).map(|binding| (depth, binding))
        })
    }

    /// All variables that can be named here, outermost first.
    pub(super) fn visible(&self) -> Vec<&Binding> {
        let mut visible: Vec<&Binding> = Vec::new();
        for binding in self.0.iter().flatten() {
            visible.retain(|other| other.ident != binding.ident);
            visible.push(binding);
        }
        visible
    }

    /// A deferred variable has been assigned.
    pub(super) fn initialize(&mut self, name: &str) {
        for scope in self.0.iter_mut().rev() {
            if let Some(binding) = scope.iter_mut().rev().find(|binding| binding.ident == name) {
                binding.is_deferred = false;
                return;
            }
        }
    }
}
