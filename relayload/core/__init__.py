"""Pure and sans-IO: no clock, no sleep, no socket. Every time-dependent function is told the time."""
