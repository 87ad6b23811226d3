//! Scalar programs as machine code, by Cranelift: an iteration of a loop in a few cycles, where the interpreter takes as many
//! nanoseconds.
//!
//! It is made of the graph, as the instructions are, not of the instructions: values keep their types, so that a float stays
//! in a floating-point register from one iteration to the next. [Primitives](crate::Primitive) become instructions of the
//! processor; other functions, and checks, are called.

mod emit;
mod primitive;

use std::sync::{Mutex, OnceLock};

use cranelift_codegen::ir::{AbiParam, Signature, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Module, ModuleError, default_libcall_names};

use self::emit::Emitter;
use super::{Check, Program};
use crate::error::Error;
use crate::graph::Graph;
use crate::ids::NodeId;

/// A program's machine code.
pub(crate) struct Native {
    function: Function,
    num_registers: usize,
    /// By the numbers that the code gives them.
    checks: Vec<Check>,
    /// What the code's memory belongs to; `None` once that is freed. Only the end uses it: the lock is there because it
    /// may not be shared between threads without one.
    module: Mutex<Option<JITModule>>,
}

/// Computes on registers. Gives 0; or one more than the number of the check that failed.
type Function = unsafe extern "C" fn(*mut u64) -> u64;

impl Native {
    /// The code of a node that is compiled to this program; `None` where there is none for this processor.
    pub(super) fn compile(graph: &Graph, id: NodeId, program: &Program) -> Option<Native> {
        let isa = isa()?.clone();
        let mut module = JITModule::new(JITBuilder::with_isa(isa, default_libcall_names()));
        match define(&mut module, graph, id, program) {
            Ok((code, checks)) => {
                // SAFETY: the code was made with this signature.
                let function = unsafe { std::mem::transmute::<*const u8, Function>(code) };
                let module = Mutex::new(Some(module));
                Some(Native { function, num_registers: program.num_registers, checks, module })
            }
            Err(_) => {
                // SAFETY: nothing of it was ever called.
                unsafe { module.free_memory() };
                None
            }
        }
    }

    /// Runs the code on the program's registers, which hold operands and take results.
    pub(crate) fn run(&self, registers: &mut [u64]) -> Result<(), Error> {
        assert_eq!(registers.len(), self.num_registers);
        // SAFETY: the code reads and writes registers of the program, of which there are this many; what it calls are safe
        // functions of numbers.
        let failed = unsafe { (self.function)(registers.as_mut_ptr()) };
        match failed.checked_sub(1) {
            None => Ok(()),
            Some(check) => Err(self.checks[check as usize].error()),
        }
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        let module = self.module.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(module) = module.take() {
            // SAFETY: only `run` calls the code, and whoever could call it is gone.
            unsafe { module.free_memory() };
        }
    }
}

/// The processor that this is; `None` if it has no compiler. Made once.
fn isa() -> Option<&'static OwnedTargetIsa> {
    static ISA: OnceLock<Option<OwnedTargetIsa>> = OnceLock::new();
    let make = || {
        let mut flags = settings::builder();
        flags.set("opt_level", "speed").ok()?;
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
) -> Result<(*const u8, Vec<Check>), Box<ModuleError>> {
    let mut context = module.make_context();
    let pointer = module.target_config().pointer_type();
    context.func.signature = Signature {
        params: vec![AbiParam::new(pointer)],
        returns: vec![AbiParam::new(types::I64)],
        call_conv: module.target_config().default_call_conv,
    };
    let mut scratch = FunctionBuilderContext::new();
    let builder = FunctionBuilder::new(&mut context.func, &mut scratch);
    let checks = Emitter::new(builder, module.target_config()).program(graph, id, program);
    let function = module.declare_anonymous_function(&context.func.signature)?;
    module.define_function(function, &mut context)?;
    module.finalize_definitions()?;
    Ok((module.get_finalized_function(function), checks))
}
