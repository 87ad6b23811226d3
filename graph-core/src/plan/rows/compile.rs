//! From a group of ops to a row program.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::chain::{self, Member, Operand, Operands, chains};
use super::{
    Check, Fold, Home, Level, Reading, Register, RowAction, RowInstruction, RowProgram, Space, Target,
    is_dense,
};
use crate::buffer::ALIGNMENT;
use crate::fact::Fact;
use crate::graph::Graph;
use crate::ids::{NodeId, Value};
use crate::kernel::{RowFold, RowKernel, RowSpan, RowWalks, Strides};
use crate::plan::provenance::Provenance;
use crate::shape::Shape;

/// What the values of a block may take up: as much as a small first-level cache, through which what is outside passes only
/// once. With 24 KiB, a program of 25 loops took a tenth longer where that cache has 48.
const BLOCK_BYTES: usize = 32 << 10;
/// More would not make a program faster.
const MOST_BLOCK_ELEMENTS: usize = 4096;
/// Additions that are worth a part of their own.
pub(in crate::plan) const PART_COST: usize = 1 << 15;

/// A program with the values it reads, one for each argument of its step, and those it writes.
pub(in crate::plan) struct Compiled {
    pub(in crate::plan) program: RowProgram,
    pub(in crate::plan) arguments: Vec<Value>,
    pub(in crate::plan) results: Vec<Value>,
}

/// Compiles the members of a group, in order; `kernel` gives those of its ops. On tiles, the program goes along rows that
/// are as short as the space has them.
pub(in crate::plan) fn compile(
    graph: &Graph,
    space: &Space,
    members: &[NodeId],
    on_tiles: bool,
    kernel: &dyn Fn(NodeId) -> RowKernel,
) -> Compiled {
    let mut compiler = Compiler::new(graph, space, members);
    let ops: Vec<(NodeId, RowKernel)> =
        members.iter().filter(|&&id| !graph.node(id).kind().is_view()).map(|&id| (id, kernel(id))).collect();
    let row_axes = if on_tiles { space.least_row_axes() } else { space.row_axes.unwrap_or(0) };
    compiler.walks(&ops, row_axes);
    let mut registers = Registers::default();
    let chains = chains(compiler.members(&ops), &compiler.results, compiler.width);
    let last_read = last_reads(&chains);
    if !on_tiles && compiler.is_folded(&ops, &last_read) {
        compiler.folds = Some(Vec::new());
    }
    for (index, chain) in chains.iter().enumerate() {
        compiler.instruction(chain, index, &last_read, &mut registers);
    }
    let (block_rows, block_columns) = compiler.block(&ops, &registers.all);
    let register_bytes = registers.lay_out(block_rows, block_columns);
    let cost = ops.iter().map(|(_, kernel)| kernel.cost).sum::<usize>().max(1);
    let block_cost = block_rows * block_columns * cost;
    let Compiler {
        arguments,
        results,
        operands,
        targets,
        instructions,
        folds,
        checks,
        rows,
        width,
        outer,
        ..
    } = compiler;
    let program = RowProgram {
        outer,
        rows,
        width,
        block_rows,
        block_columns,
        element_cost: cost,
        num_arguments: arguments.len(),
        blocks_per_part: (PART_COST / block_cost.max(1)).max(1),
        operands,
        results: targets,
        instructions,
        registers: registers.all,
        register_bytes,
        folds: folds.unwrap_or_default(),
        checks,
        flop: (ops.len() * space.shape.num_elements()) as u64,
    };
    Compiled { program, arguments, results }
}

struct Compiler<'g> {
    graph: &'g Graph,
    space: &'g Space,
    /// The value that a member's value is, through views.
    root: HashMap<Value, Value>,
    outer: SmallVec<[usize; 4]>,
    rows: usize,
    width: usize,
    arguments: Vec<Value>,
    /// For each reading of a value from outside by an op, the walk.
    read: HashMap<(NodeId, usize), usize>,
    operands: Vec<Reading>,
    results: Vec<Value>,
    targets: Vec<Target>,
    home: HashMap<Value, Home>,
    instructions: Vec<RowInstruction>,
    /// Totals that are folded, if the program goes along its rows in chunks.
    folds: Option<Vec<Fold>>,
    checks: Vec<Check>,
}

impl<'g> Compiler<'g> {
    fn new(graph: &'g Graph, space: &'g Space, members: &[NodeId]) -> Compiler<'g> {
        let mut root: HashMap<Value, Value> = HashMap::new();
        for &id in members {
            let value = Value::new(id, 0);
            let viewed = graph.node(id).kind().is_view().then(|| root[&graph.node(id).inputs()[0]]);
            root.insert(value, viewed.unwrap_or(value));
        }
        let mut results: Vec<Value> = Vec::new();
        for &id in members {
            let value = Value::new(id, 0);
            let leaves = graph.outputs().contains(&value)
                || graph.users(value).any(|(user, _)| !root.contains_key(&Value::new(user, 0)));
            if leaves && !results.contains(&root[&value]) {
                results.push(root[&value]);
            }
        }
        Compiler {
            graph,
            space,
            root,
            outer: SmallVec::new(),
            rows: 0,
            width: 0,
            arguments: Vec::new(),
            read: HashMap::new(),
            operands: Vec::new(),
            results,
            targets: Vec::new(),
            home: HashMap::new(),
            instructions: Vec::new(),
            folds: None,
            checks: Vec::new(),
        }
    }

    fn fact(&self, value: Value) -> &'g Fact {
        self.graph.fact(value)
    }

    fn level(&self, value: Value) -> Level {
        self.space.level(&self.fact(value).shape).expect("the schedule admitted what has a level")
    }

    /// Works out how every value from outside is walked along, and merges axes where all walks allow it, but the last
    /// ones, which are a row, with those before them.
    fn walks(&mut self, ops: &[(NodeId, RowKernel)], row_axes: usize) {
        let shape = &self.space.shape;
        let mut strides: Vec<(usize, usize, Strides)> = Vec::new(); // Argument, size, along each axis.
        for (id, kernel) in ops {
            for (position, &value) in self.graph.node(*id).inputs().iter().enumerate() {
                if self.root.contains_key(&value) {
                    continue;
                }
                let argument = self.argument(value);
                let fact = self.fact(value);
                let walk = (argument, fact.dtype.size(), self.strides(kernel.span, *id, &fact.shape));
                let known = strides.iter().position(|other| *other == walk);
                let index = known.unwrap_or_else(|| {
                    strides.push(walk);
                    strides.len() - 1
                });
                self.read.insert((*id, position), index);
            }
            if let Some((operand, check)) = &kernel.check {
                let argument = self.argument(self.graph.node(*id).inputs()[*operand]);
                self.checks.push(Check {
                    argument,
                    check: check.clone(),
                    provenance: Provenance::of(self.graph, *id),
                });
            }
        }
        let along: Vec<Strides> = strides.iter().map(|(_, _, strides)| strides.clone()).collect();
        let walks = RowWalks::new(shape, row_axes, &along);
        self.width = walks.width;
        self.rows = walks.outer.iter().product();
        self.outer = walks.outer;
        let readings = strides.iter().zip(walks.operands);
        self.operands =
            readings.map(|(&(argument, size, _), walk)| Reading { argument, size, walk }).collect();
        for &value in &self.results {
            let size = self.fact(value).dtype.size();
            self.targets.push(Target { level: self.level(value), size });
        }
    }

    fn argument(&mut self, value: Value) -> usize {
        let known = self.arguments.iter().position(|&other| other == value);
        known.unwrap_or_else(|| {
            self.arguments.push(value);
            self.arguments.len() - 1
        })
    }

    /// Elements that a value from outside advances along each axis of the space, as the op reads it.
    fn strides(&self, span: RowSpan, id: NodeId, own: &Shape) -> Strides {
        let rank = self.space.shape.rank();
        let output = &self.graph.node(id).facts()[0].shape;
        let level = match span {
            RowSpan::Elements => self.space.level(output),
            // Whole rows: the operand's own level says what it is.
            RowSpan::Row { .. } | RowSpan::Total { .. } => self.space.level(own),
        };
        // Per row, the row's axes are at the end, with length 1 or not at all.
        let (own_outer, aligned_rank) = match level {
            Some(Level::PerRow) => {
                let outer = rank - self.space.row_axes.unwrap_or(0);
                let is_kept = matches!(span, RowSpan::Elements) && output.rank() == rank
                    || !matches!(span, RowSpan::Elements) && own.rank() == rank;
                let dropped = if is_kept { rank - outer } else { 0 };
                (own.rank().saturating_sub(dropped), outer)
            }
            _ => (own.rank(), rank),
        };
        let own_strides = own.strides();
        let missing = aligned_rank - own_outer;
        let advance = |axis: usize| {
            if axis < missing || axis >= aligned_rank || own[axis - missing] == 1 {
                0
            } else {
                own_strides[axis - missing]
            }
        };
        (0..rank).map(advance).collect()
    }

    /// Whether rows are gone along in chunks: they are longer than a block, and nothing but totals looks at them whole,
    /// which nothing reads here.
    fn is_folded(&self, ops: &[(NodeId, RowKernel)], last_read: &HashMap<Value, usize>) -> bool {
        let mut folds = ops.iter().filter_map(|(_, kernel)| kernel.fold);
        let Some(first) = folds.next() else { return false };
        let cut = |fold: &RowFold| (fold.chunk, fold.multiple);
        let is_by_chunks = |(id, kernel): &(NodeId, RowKernel)| match kernel.fold {
            None => kernel.span == RowSpan::Elements && self.level(Value::new(*id, 0)) == Level::Full,
            Some(_) => {
                let value = Value::new(*id, 0);
                self.results.contains(&value) && !last_read.contains_key(&value)
            }
        };
        self.width > MOST_BLOCK_ELEMENTS.max(first.multiple)
            && folds.all(|fold| cut(&fold) == cut(&first))
            && ops.iter().all(is_by_chunks)
    }

    /// Rows and columns of a block.
    fn block(&self, ops: &[(NodeId, RowKernel)], registers: &[Register]) -> (usize, usize) {
        let inside = registers.iter().filter(|register| register.level == Level::Full).map(|r| r.size);
        let outside =
            self.operands.iter().filter(|operand| !operand.walk.is_splat).map(|operand| operand.size);
        let results = self.targets.iter().map(|target| target.size);
        let bytes: usize = inside.chain(outside).chain(results).sum();
        let elements = (BLOCK_BYTES / bytes.max(1)).clamp(256, MOST_BLOCK_ELEMENTS) / 256 * 256;
        if let Some([fold, ..]) = self.folds.as_deref() {
            // Powers of two, of which each divides the next: what is added at a time, a block, a chunk.
            let block = 1 << elements.ilog2();
            return (1, block.clamp(fold.function.multiple, fold.function.chunk));
        }
        if self.width <= elements {
            return ((elements / self.width).clamp(1, self.rows.max(1)), self.width);
        }
        let is_whole = ops.iter().any(|(_, kernel)| kernel.span != RowSpan::Elements);
        (1, if is_whole { self.width } else { elements })
    }

    /// The ops with what decides about the instruction that they belong to.
    fn members(&self, ops: &[(NodeId, RowKernel)]) -> Vec<Member> {
        let member = |(id, kernel): &(NodeId, RowKernel)| {
            let inputs = self.graph.node(*id).inputs();
            let from: Operands = inputs
                .iter()
                .enumerate()
                .map(|(position, value)| match self.root.get(value) {
                    Some(root) => Operand::Member(*root),
                    None => Operand::Outside(self.read[&(*id, position)]),
                })
                .collect();
            let level = self.level(Value::new(*id, 0));
            let is_flat =
                kernel.span == RowSpan::Elements && from.iter().all(|from| self.is_in_step(*from, level));
            Member { id: *id, kernel: kernel.clone(), from, level, is_flat }
        };
        ops.iter().map(member).collect()
    }

    /// Makes the instruction of a chain.
    fn instruction(
        &mut self,
        chain: &[Member],
        index: usize,
        last_read: &HashMap<Value, usize>,
        registers: &mut Registers,
    ) {
        let last = &chain[chain.len() - 1];
        let (value, level, kernel) = (last.value(), last.level, &last.kernel);
        let size = self.fact(value).dtype.size();
        let is_elements = kernel.span == RowSpan::Elements;
        // One kernel may read an operand twice; it has a position for each.
        let operands = if chain.len() == 1 { last.from.to_vec() } else { chain::operands(chain).to_vec() };
        let from: SmallVec<[Home; 3]> = operands
            .iter()
            .map(|from| match from {
                Operand::Member(value) => self.home[value],
                Operand::Outside(walk) => Home::Operand(*walk),
            })
            .collect();
        let mut dying: SmallVec<[Home; 3]> = SmallVec::new();
        for operand in &operands {
            if let Operand::Member(value) = operand
                && last_read[value] == index
                && let home @ Home::Register(_) = self.home[value]
                && !dying.contains(&home)
            {
                dying.push(home);
            }
        }
        let result = self.results.iter().position(|&result| result == value);
        let to = match result {
            Some(result) => match (&mut self.folds, kernel.fold) {
                (Some(folds), Some(function)) => {
                    folds.push(Fold { function, result });
                    Home::Fold(folds.len() - 1)
                }
                _ => Home::Result(result),
            },
            None => {
                // Element by element, a result may take the place of an operand that is not needed any more.
                let reused = dying.iter().position(|&home| is_elements && registers.is(home, level, size));
                match reused {
                    Some(position) => dying.remove(position),
                    None => registers.allocate(level, size),
                }
            }
        };
        dying.into_iter().for_each(|home| registers.free(home));
        if let (Home::Register(_), false) = (to, last_read.contains_key(&value)) {
            registers.free(to); // Nothing reads it: a dead member.
        }
        let is_inside = |home: &Home| match home {
            Home::Operand(index) => self.operands[*index].walk.is_constant(),
            Home::Result(_) | Home::Fold(_) => false,
            Home::Register(_) => true,
        };
        let is_inside = is_inside(&to) && from.iter().all(is_inside);
        self.home.insert(value, to);
        let action = match (chain::compile_chain(chain, &operands), to, kernel.rows) {
            (Some(chain), ..) => RowAction::Chain(chain),
            (None, Home::Fold(_), _) => RowAction::Loop(kernel.fold.expect("it is folded").add),
            (None, _, Some(rows)) => RowAction::Rows(rows),
            (None, _, None) => RowAction::Loop(kernel.function),
        };
        self.instructions.push(RowInstruction {
            action,
            from,
            to,
            is_elementwise: is_elements,
            is_flat: chain.iter().all(|member| member.is_flat),
            is_inside,
            is_per_row: is_elements && level == Level::PerRow,
        });
    }

    /// Whether the rows of a block of an operand stand one after the other, as those of a result of this level do, or are one
    /// element throughout.
    fn is_in_step(&self, from: Operand, level: Level) -> bool {
        match from {
            Operand::Member(value) => self.level(value) == level,
            Operand::Outside(walk) => {
                let walk = &self.operands[walk].walk;
                let row = if level == Level::Full { self.width } else { 1 };
                let advances = walk.is_splat == (level == Level::PerRow);
                walk.is_constant() || (advances && is_dense(&self.outer, &walk.strides, row))
            }
        }
    }
}

/// For each value that a member gives to others, the last instruction that reads it.
fn last_reads(chains: &[Vec<Member>]) -> HashMap<Value, usize> {
    let mut last = HashMap::new();
    for (index, chain) in chains.iter().enumerate() {
        for from in chain::operands(chain) {
            if let Operand::Member(value) = from {
                last.insert(value, index);
            }
        }
    }
    last
}

/// Hands out registers; what is freed is used again.
#[derive(Default)]
struct Registers {
    all: Vec<Register>,
    free: Vec<Home>,
}

impl Registers {
    fn is(&self, home: Home, level: Level, size: usize) -> bool {
        matches!(home, Home::Register(i) if (self.all[i].level, self.all[i].size) == (level, size))
    }

    fn allocate(&mut self, level: Level, size: usize) -> Home {
        if let Some(position) = self.free.iter().rposition(|&home| self.is(home, level, size)) {
            return self.free.remove(position);
        }
        self.all.push(Register { level, size, offset: 0 });
        Home::Register(self.all.len() - 1)
    }

    fn free(&mut self, home: Home) {
        self.free.push(home);
    }

    /// Gives each its place in the scratch memory; gives the size of that.
    fn lay_out(&mut self, block_rows: usize, block_columns: usize) -> usize {
        let mut bytes = 0;
        for register in &mut self.all {
            let columns = if register.level == Level::Full { block_columns } else { 1 };
            register.offset = bytes;
            bytes += (block_rows * columns * register.size).next_multiple_of(ALIGNMENT);
        }
        bytes
    }
}
