"""The paper's findings as hypotheses, tested on stored runs: pairs over seeds, intervals, p-values, verdicts."""
