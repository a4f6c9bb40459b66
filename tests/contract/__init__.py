"""What always holds, checked from outside: requests in, answers out."""
