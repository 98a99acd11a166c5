"""Who answers MMLU's questions in the benchmark, and the questions."""
