//! Scalar programs as machine code, by Cranelift: an iteration of a loop in a few cycles, where the interpreter takes as many
//! nanoseconds.
//!
//! It is made of the graph, as the instructions are, not of the instructions: values keep their types, so that a float stays
//! in a floating-point register from one iteration to the next. [Primitives](crate::Primitive) become instructions of the
//! processor; other functions, and checks, are called.

mod emit;
mod primitive;
mod value;

use std::sync::{Mutex, OnceLock};

use cranelift_codegen::CodegenError;
use cranelift_codegen::ir::{AbiParam, Signature, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Module, ModuleError, default_libcall_names};

use self::emit::Emitter;
use super::program::{Check, Program};
use crate::error::Error;
use crate::graph::Graph;
use crate::ids::NodeId;

/// A program's machine code.
pub(crate) struct Native {
    function: Function,
    num_registers: usize,
    /// By the numbers that the code gives them.
    checks: Vec<Check>,
    /// Where the code is. Nothing but the end of it uses it again: the lock is there because a module may be sent to other
    /// threads, but not shared with them.
    _memory: Mutex<Memory>,
}

/// Computes on registers. Gives 0; or one more than the number of the check that failed.
type Function = unsafe extern "C" fn(*mut u64) -> u64;

impl Native {
    /// The code of a node that is compiled to this program; `None` where there is none for it, or for this processor.
    pub(super) fn compile(graph: &Graph, id: NodeId, program: &Program) -> Option<Native> {
        let isa = isa()?.clone();
        let mut memory = Memory(Some(JITModule::new(JITBuilder::with_isa(isa, default_libcall_names()))));
        let (code, checks) = define(memory.0.as_mut()?, graph, id, program)?;
        // SAFETY: the code was made with this signature.
        let function = unsafe { std::mem::transmute::<*const u8, Function>(code) };
        let num_registers = program.num_registers;
        Some(Native { function, num_registers, checks, _memory: Mutex::new(memory) })
    }

    /// Runs the code on the program's registers, which hold operands and take results.
    pub(crate) fn run(&self, registers: &mut [u64]) -> Result<(), Error> {
        assert_eq!(registers.len(), self.num_registers);
        // SAFETY: the code reads and writes registers of the program, of which there are this many. What it calls are safe
        // functions of bits, with as many operands as they take, that do not unwind; it touches each page of the stack
        // that it uses.
        let failed = unsafe { (self.function)(registers.as_mut_ptr()) };
        match failed.checked_sub(1) {
            None => Ok(()),
            Some(check) => Err(self.checks[check as usize].error()),
        }
    }
}

/// A module, whose code goes with it; by itself it would leave it where it is. `None` only while it is dropped.
struct Memory(Option<JITModule>);

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(module) = self.0.take() {
            // SAFETY: only `Native::run` calls the code, and whoever could call that is gone.
            unsafe { module.free_memory() };
        }
    }
}

/// The processor that this is; `None` if Cranelift makes no code for it. Made once.
fn isa() -> Option<&'static OwnedTargetIsa> {
    static ISA: OnceLock<Option<OwnedTargetIsa>> = OnceLock::new();
    let make = || {
        let mut flags = settings::builder();
        flags.set("opt_level", "speed").ok()?;
        // A program may have thousands of values at once: no frame may reach past the page that guards the stack.
        flags.set("enable_probestack", "true").ok()?;
        flags.set("probestack_strategy", "inline").ok()?;
        flags.set("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }).ok()?;
        cranelift_native::builder().ok()?.finish(settings::Flags::new(flags)).ok()
    };
    ISA.get_or_init(make).as_ref()
}

/// The address of the code, and its checks.
fn define(
    module: &mut JITModule,
    graph: &Graph,
    id: NodeId,
    program: &Program,
) -> Option<(*const u8, Vec<Check>)> {
    let mut context = module.make_context();
    let pointer = module.target_config().pointer_type();
    context.func.signature = Signature {
        params: vec![AbiParam::new(pointer)],
        returns: vec![AbiParam::new(types::I64)],
        call_conv: module.target_config().default_call_conv,
    };
    let mut scratch = FunctionBuilderContext::new();
    let builder = FunctionBuilder::new(&mut context.func, &mut scratch);
    let checks = Emitter::new(builder, module.target_config()).program(graph, id, program)?;
    let function = module.declare_anonymous_function(&context.func.signature).ok()?;
    if let Err(error) = module.define_function(function, &mut context) {
        // Too large a function, or no memory, for instance. What the verifier finds is a mistake of ours.
        debug_assert!(!matches!(error, ModuleError::Compilation(CodegenError::Verifier(_))), "{error}");
        return None;
    }
    module.finalize_definitions().ok()?;
    Some((module.get_finalized_function(function), checks))
}
