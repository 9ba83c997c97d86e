//! A fake of NVML, `libnvidia-ml.so.1`, for tests. A file configures its GPUs, and may change while the library runs.
//!
//! The environment variable `FAKE_NVML` names the file. It is read whenever the library is initialised or its GPUs are
//! counted. Its lines are the settings of [`behaviour::Behaviour`].
mod answers;
mod behaviour;
mod calls;
mod monitors;
