"""Version 2 of the claims, judged: from published tables to answers (protocol 11-14). Version 1 is in `claims`."""
