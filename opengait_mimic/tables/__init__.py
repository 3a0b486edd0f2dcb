"""``opengait-mimic table``: the rows of the MimicGait paper's tables at the size of a demo, beside the paper's figures."""
