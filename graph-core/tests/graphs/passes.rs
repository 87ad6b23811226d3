//! passes

use graph_core::{Pass, Pipeline, cse, dce, fold, inline};

pub fn pipeline() -> Pipeline {
    Pipeline::new([
        Pass::new("inline", inline),
        Pass::new("fold", fold),
        Pass::new("cse", cse),
        Pass::new("dce", dce),
    ])
}
