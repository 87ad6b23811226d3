//! The instruction sets that inner loops are compiled for; which of them is used is decided at run time.

/// What the processor offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instructions {
    /// Registers of 64 bytes: AVX-512 with the parts that came with its first server chips (F, BW, VL, DQ).
    Avx512,
    /// Registers of 32 bytes, with FMA.
    Avx2,
    /// Whatever the compiler makes of plain loops.
    Portable,
}

impl Instructions {
    /// All of them, the fastest first.
    const ALL: [Instructions; 3] = [Instructions::Avx512, Instructions::Avx2, Instructions::Portable];

    /// Those that this processor has, the fastest first.
    pub(crate) fn present() -> impl Iterator<Item = Instructions> {
        Instructions::ALL.into_iter().filter(|instructions| instructions.are_present())
    }

    /// The fastest that this processor has.
    pub(crate) fn fastest() -> Instructions {
        Instructions::present().next().unwrap_or(Instructions::Portable)
    }

    #[cfg(target_arch = "x86_64")]
    fn are_present(self) -> bool {
        let has_avx2 = || is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        match self {
            Instructions::Avx512 => {
                has_avx2()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
            }
            Instructions::Avx2 => has_avx2(),
            Instructions::Portable => true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn are_present(self) -> bool {
        self == Instructions::Portable
    }
}
