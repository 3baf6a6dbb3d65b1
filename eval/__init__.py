"""Did it get better? Gold questions, metrics and the gate."""
