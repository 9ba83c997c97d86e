//! Series and their samples, behind the evaluator's storage trait.
