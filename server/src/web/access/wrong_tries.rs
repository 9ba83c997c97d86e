//! Limits how often one client may try a wrong key or token.
use crate::web::access::Refusal;
use axum::http::StatusCode;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How many wrong tries a client has in a period.
const MAX_TRIES: u32 = 10;
const PERIOD: Duration = Duration::from_secs(60);

/// The maximum number of clients that are remembered.
const MAX_CLIENTS: usize = 1024;

/// The wrong tries of each client.
#[derive(Debug, Default)]
pub(crate) struct WrongTries(Mutex<HashMap<IpAddr, Tries>>);

#[derive(Clone, Copy, Debug)]
struct Tries {
    count: u32,
    began: Instant,
}

impl Tries {
    fn is_over(self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= PERIOD
    }
}

impl WrongTries {
    /// Refuses a client with too many wrong tries, whatever it tries now.
    ///
    /// # Errors
    /// If it has had too many.
    pub(crate) fn refuse_many(&self, client: IpAddr, now: Instant) -> Result<(), Refusal> {
        let tries = self.0.lock().get(&client).copied();
        match tries {
            Some(tries) if tries.count >= MAX_TRIES && !tries.is_over(now) => Err(Refusal {
                status: StatusCode::TOO_MANY_REQUESTS,
                message: format!("{MAX_TRIES} wrong tries from this address; wait for a minute"),
            }),
            _ => Ok(()),
        }
    }

    /// Counts a wrong try.
    pub(crate) fn count(&self, client: IpAddr, now: Instant) {
        let mut clients = self.0.lock();
        if clients.len() >= MAX_CLIENTS && !clients.contains_key(&client) {
            clients.retain(|_, tries| !tries.is_over(now));
        }
        if clients.len() >= MAX_CLIENTS && !clients.contains_key(&client) {
            let oldest = clients.iter().min_by_key(|(_, tries)| tries.began).map(|(client, _)| *client);
            oldest.map(|oldest| clients.remove(&oldest));
        }
        let tries = clients.entry(client).or_insert(Tries { count: 0, began: now });
        if tries.is_over(now) {
            *tries = Tries { count: 0, began: now };
        }
        tries.count = tries.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_client_is_refused_for_a_while_and_others_are_not() {
        let (tries, now) = (WrongTries::default(), Instant::now());
        let [guesser, other] = [1, 2].map(|host| IpAddr::from([10, 0, 0, host]));
        for _ in 0..MAX_TRIES {
            assert_eq!(tries.refuse_many(guesser, now), Ok(()));
            tries.count(guesser, now);
        }
        let refused = tries.refuse_many(guesser, now).expect_err("too many");
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(tries.refuse_many(other, now), Ok(()));
        assert_eq!(tries.refuse_many(guesser, now + PERIOD), Ok(()));
        tries.count(guesser, now + PERIOD);
        assert_eq!(tries.refuse_many(guesser, now + PERIOD), Ok(()), "they are counted from zero again");
    }

    #[test]
    fn many_clients_take_little_memory() {
        let (tries, now) = (WrongTries::default(), Instant::now());
        for client in 0..10_000 {
            tries.count(Ipv4Addr::from(client).into(), now + Duration::from_micros(client.into()));
        }
        assert_eq!(tries.0.lock().len(), MAX_CLIENTS);
    }
}
