//! What may be asked of a planner.

/// What a planner may do. No result depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanOptions {
    /// Which ops are computed together.
    pub fusion: Fusion,
    /// Which control flow on scalars becomes machine code.
    pub machine_code: MachineCode,
}

/// Whether ops on the same rows are computed together, in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fusion {
    /// Each op is a step.
    Off,
    /// Where it is estimated to be worth it.
    #[default]
    Auto,
    /// Wherever it can be done, an op alone included: shows in tests that nothing depends on the estimates.
    Forced,
}

/// Whether control flow on scalars becomes machine code. Without the feature `jit`, none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MachineCode {
    /// It is interpreted.
    Off,
    /// Loops that may be long.
    #[default]
    Auto,
    /// Whatever can.
    Forced,
}
