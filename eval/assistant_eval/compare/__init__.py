"""Two runs on the same questions: which is better, by how much, and how sure that is.

`pairs` brings their answers together, `paired` has the tests for runs that are whole, `betting`
those for runs that stop as soon as the answer is clear, and `sequential` asks until then.
"""
