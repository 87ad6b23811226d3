//! Random graphs: however a graph is run or optimized, it gives the same bits.

mod generate;
mod naive;
mod same;
mod speed;
