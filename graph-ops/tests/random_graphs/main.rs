//! Random graphs: however a graph is run or optimized, it gives the same bits.

mod generate;
mod naive;
mod rules;
mod same;
mod speed;
