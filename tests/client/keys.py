"""Keys that the service of these tests knows: one of every role, one of a trader."""

KEY = "client-tests-key-of-the-desk"
TRADER = "client-tests-key-of-a-trader"
