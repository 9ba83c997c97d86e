//! The flags of `demo`.
use clap::Args;
use fleet_simulation::SCENARIOS;

/// Flags of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Address to listen on [default: 127.0.0.1:7117]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Allow --listen on an address that other machines can reach
    #[arg(long)]
    pub allow_open_network: bool,
    /// What goes wrong in the fleet; "help" lists the scenarios
    #[arg(long, value_name = "NAME", default_value = "week", value_parser = scenario)]
    pub scenario: String,
    /// The same seed gives the same fleet
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    pub seed: u64,
    /// Days of history to begin with
    #[arg(long, value_name = "NUMBER", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=30))]
    pub days: u32,
}

fn scenario(name: &str) -> Result<String, String> {
    if SCENARIOS.iter().any(|(known, _)| *known == name) {
        return Ok(name.to_owned());
    }
    let list: Vec<String> = SCENARIOS.iter().map(|(name, shows)| format!("  {name}: {shows}")).collect();
    Err(format!("the scenarios are\n{}", list.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scenarios_are_answered_with_the_known_ones() {
        assert_eq!(scenario("quiet").as_deref(), Ok("quiet"));
        let list = scenario("help").expect_err("no scenario");
        assert!(SCENARIOS.iter().all(|(name, shows)| list.contains(&format!("{name}: {shows}"))), "{list}");
    }
}
