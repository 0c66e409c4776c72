"""The paper's theorems and equations, checked numerically: numpy and scipy, no networks."""
