//! A stand-in for NVML, `libnvidia-ml.so.1`, for tests: its cards are as a file says, which may change while it runs.
//!
//! The file is named by the variable `FAKE_NVML` and read whenever the library is opened or asked how many cards there
//! are. Its lines are settings, see [`behaviour::Behaviour`].
mod answers;
mod behaviour;
mod calls;
mod monitors;
