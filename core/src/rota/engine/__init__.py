"""Pure decisions: functions of record, time and randomness. No I/O, no clock, no threads."""
