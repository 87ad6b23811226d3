//! Calls as name scopes: each has one of its own.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Graph, NodeKind};
use crate::ids::NodeId;
use crate::scope::NameScope;

/// How many calls there were in each name scope, by function.
#[derive(Debug, Default)]
pub struct CallScopes(HashMap<(NameScope, Arc<str>), usize>);

impl CallScopes {
    /// The scope of the next call of a function in a scope: `logits`, `logits_1`, ….
    pub fn fresh(&mut self, around: NameScope, function: &Arc<str>) -> NameScope {
        let number = self.0.entry((around, function.clone())).or_default();
        let scope = match *number {
            0 => around.within(function),
            number => around.within(&format!("{function}_{number}")),
        };
        *number += 1;
        scope
    }
}

impl Graph {
    /// The name scope of what each call does, which is what `inline` gives to the nodes of its body.
    pub(crate) fn call_scopes(&self) -> HashMap<NodeId, NameScope> {
        let mut scopes = CallScopes::default();
        // Calls are numbered in the order in which they were added.
        let calls = self.node_ids().filter_map(|id| match self.node(id).kind() {
            NodeKind::Call { body, .. } => {
                Some((id, scopes.fresh(self.node(id).origin().name_scope(), body.name())))
            }
            _ => None,
        });
        calls.collect()
    }
}
