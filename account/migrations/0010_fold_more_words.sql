-- Persian letters, teh marbuta and katakana are folded now: a job writes the words of these accounts again (accounts.words).
UPDATE accounts SET words = NULL
WHERE delete_time IS NULL AND name ~ '[\u0629\u0649\u06a9\u06cc\u30a1-\u30f6\uff66-\uff9d]';
