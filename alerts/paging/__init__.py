"""Sends the pages that are due: to whom, what leaves together, and in which words.

- `pager`: the threads that send; `outbox`: claims pages and records what became of them
- `bundling`: which pages leave together and which are held (pure)
- `notices`, `texts`, `links`: the message, its words and its signed link (pure)
- `replies`: whose an answer by SMS is
"""
