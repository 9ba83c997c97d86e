//! Where the parts meet: fixtures, peers, browsers.
